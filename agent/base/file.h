/*
 * A file that is there whole or not at all, also after a power cut: a temporary name
 * beside it (NAME.tmp), fsync, rename, fsync of the folder.
 */
#ifndef EDGELAT_BASE_FILE_H
#define EDGELAT_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Puts `name`, mode 0600, into an open `folder`. Returns 0, or -errno and no trace. */
int file_write_whole(int folder, const char *name, const void *bytes, size_t len);

/* Makes a folder, which is then there after a power cut too; fine where it is there
 * already. Returns 0 or -errno. */
int file_make_folder(const char *path, mode_t mode);

#endif
