/*
 * Files. Reading: the one way to open a file by a name that somebody else chose
 * (configuration, drop-ins, command line, state folder). It never blocks in open(), never
 * opens a device, and reads a bounded number of bytes. Writing: a file is there whole or
 * not at all, also after a power cut (temporary name NAME.tmp, fsync, rename, fsync of
 * the folder).
 */
#ifndef EDGELAT_BASE_FILE_H
#define EDGELAT_BASE_FILE_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

enum file_option {
    FILE_PLAIN = 0,
    FILE_NO_LINK = 1,   /* a symbolic link is -ELOOP */
    FILE_SKIP_BOM = 2,  /* leaves a UTF-8 byte order mark out (RFC 3629, section 6) */
    FILE_INHERITED = 4, /* /dev/stdin and /dev/fd/N are what this process was started
                           with, which may be a pipe or a terminal */
};

/*
 * Opens a regular file for reading, `*out` is its state. `folder`: AT_FDCWD, or an open
 * folder that `name` is relative to. Returns the descriptor (close-on-exec), -EISDIR,
 * -EMEDIUMTYPE: a FIFO, socket or device (no file system gives this error), or -errno.
 * May be used to check that a file, which a library opens later, can be read.
 */
int file_open(int folder, const char *name, unsigned options, struct stat *out);

/*
 * Reads to the end. `*bytes` is the caller's to free(), never NULL on success and ended
 * by NUL, which `*len` does not count. Returns 0, -EFBIG: longer than `most` bytes (also
 * one that grows without end), or as file_open(); after an error nothing is left behind.
 * Interrupted and short reads are continued; -EIO also where the file ends before the
 * size that the file system states.
 */
int file_read(int folder, const char *name, unsigned options, size_t most, char **bytes,
              size_t *len);

/* The same for a descriptor that is open; `most` as above. */
int file_read_open(int fd, unsigned options, size_t most, char **bytes, size_t *len);

/* What an error of these functions is and what to do about it, as a clause. */
const char *file_error(int rc);

/* Puts `name`, mode 0600, into an open `folder`. Returns 0, or -errno and no trace. */
int file_write_whole(int folder, const char *name, const void *bytes, size_t len);

/* Makes a folder, which is then there after a power cut too; fine where it is there
 * already. Returns 0 or -errno. */
int file_make_folder(const char *path, mode_t mode);

#endif
