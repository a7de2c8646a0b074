/*
 * Writes a page into a file that the user named.
 */
#ifndef EDGELAT_CMD_PAGE_FILE_H
#define EDGELAT_CMD_PAGE_FILE_H

#include "base/text.h"

/* Writes it completely or not at all, with the permissions of the user's umask; follows a
 * symbolic link. "-" is standard output, whose write errors main() reports. Returns
 * CMD_FINE, or CMD_CANNOT after a message. */
int page_file_write(const char *path, const struct text *page);

/* The same codes, before there is a page: no such folder, no permission, or not a file. */
int page_file_check(const char *path);

#endif
