/*
 * A file with one "Name: value" line for each request, e.g. a token. Read again when it
 * has changed, so that a token can be renewed without a restart. Its content is a secret.
 * A byte order mark in front of it is skipped.
 */
#ifndef EDGELAT_SHIP_HEADER_FILE_H
#define EDGELAT_SHIP_HEADER_FILE_H

#include "base/file.h"

#define HEADER_LINE_MAX 8192

struct header_file { /* start with { 0 }; end with header_file_forget() */
    char line[HEADER_LINE_MAX];
    struct file_stamp stamp;
};

/* Environment variable with the whole line, for service managers that pass secrets in the
 * environment. It is for the first collector, when that has no file. */
#define HEADER_VARIABLE "EDGELAT_HEADER"

/* Takes a line. Returns 0, or -EBADMSG: it is not a header line. */
int header_take(struct header_file *h, const char *line);

/* Brings `line` up to date. Returns 0, -EBADMSG: there is no such line, or -errno. */
int header_file_read(struct header_file *h, const char *path);
void header_file_forget(struct header_file *h);

#endif
