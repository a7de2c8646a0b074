/*
 * Reads and writes files. Reading: all files whose names come from outside
 * (configuration, drop-ins, command line, state folder) must be opened here. Opening
 * never blocks and never opens a device; the number of bytes read is limited. Writing: a
 * file is written completely or not at all, also across a power failure (temporary name
 * NAME.tmp, fsync, rename, fsync of the folder).
 */
#ifndef EDGELAT_BASE_FILE_H
#define EDGELAT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

enum file_option {
    FILE_PLAIN = 0,
    FILE_NO_LINK = 1,  /* a symbolic link is -ELOOP */
    FILE_SKIP_BOM = 2, /* skip a UTF-8 byte order mark (RFC 3629, section 6) */
    /* Read /dev/stdin and /dev/fd/N from inherited descriptors, which may be a pipe or a
     * terminal. */
    FILE_INHERITED = 4,
};

/*
 * Opens a regular file for reading and stores its status in `*out`. `folder`: AT_FDCWD,
 * or an open folder that `name` is relative to. Returns the descriptor (close-on-exec);
 * -EISDIR; -EMEDIUMTYPE: a FIFO, socket or device (no file system returns this error);
 * or -errno. Can also be used to check that a file that a library opens later is
 * readable.
 */
int file_open(int folder, const char *name, unsigned options, struct stat *out);

/*
 * Reads the whole file. On success the caller must free() `*bytes`, which is never NULL
 * and NUL-terminated; `*len` does not count the NUL. Returns 0; -EFBIG: longer than
 * `most` bytes (also a file that keeps growing); or as file_open(). On an error nothing
 * is left allocated. Interrupted and short reads are continued; -EIO also when the file
 * ends before the size reported by the file system.
 */
int file_read(int folder, const char *name, unsigned options, size_t most, char **bytes,
              size_t *len);

/* The same for an open descriptor. */
int file_read_open(int fd, unsigned options, size_t most, char **bytes, size_t *len);

/* What differs when a file was changed or replaced; { 0 } equals no file's. */
struct file_stamp {
    ino_t inode;
    off_t size;
    struct timespec modified;
};
struct file_stamp file_stamp_of(const struct stat *s);
bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

/* Describes an error of these functions and the next step, as a clause. */
const char *file_error(int rc);

/* Writes the file `name`, mode 0600, in the open `folder`. Returns 0, or -errno and
 * leaves no file behind. */
int file_write_whole(int folder, const char *name, const void *bytes, size_t len);

/*
 * The same in pieces. file_put() creates the file at its first call, file_commit() gives it
 * its name; on an error both have removed it. file_drop() removes it before.
 */
struct file_writer {
    int folder, fd; /* -1: none */
    const char *name;
};
struct file_writer file_writer_of(int folder, const char *name);
int file_put(struct file_writer *w, const void *bytes, size_t len);
int file_commit(struct file_writer *w);
void file_drop(struct file_writer *w);

/* Creates a folder that survives a power failure. An existing folder is no error.
 * Returns 0 or -errno. */
int file_make_folder(const char *path, mode_t mode);

/* rename(2) within a file system; creates `folder`, which is that of `to`, if it is
 * missing. Returns 0 or -errno. */
int file_move(const char *from, const char *to, const char *folder);

/* Opens the folder `name`, below `at` or AT_FDCWD, and locks it (flock(2)) for as long as
 * the descriptor is open. Returns the descriptor; -EWOULDBLOCK: another process holds the
 * lock; or -errno. */
int file_lock_folder(int at, const char *name);

#endif
