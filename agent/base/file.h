/*
 * A file that is there whole or not at all, also after a power cut: a temporary name
 * beside it (NAME.tmp), fsync, rename, fsync of the folder.
 */
#ifndef EDGELAT_BASE_FILE_H
#define EDGELAT_BASE_FILE_H

#include <stddef.h>

/* Puts `name`, mode 0600, into an open `folder`. Returns 0, or -errno and no trace. */
int file_write_whole(int folder, const char *name, const void *bytes, size_t len);

#endif
