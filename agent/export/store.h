/*
 * The spool's files, one a batch; blocking, without a loop. A file is written whole or
 * not at all: temporary name, fsync, rename, fsync of the folder. store_write(),
 * store_remove() and store_set_aside() run one at a time, in whatever thread;
 * store_read() may run beside them.
 */
#ifndef EDGELAT_EXPORT_STORE_H
#define EDGELAT_EXPORT_STORE_H

#include "export/signal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_NAME_MAX 48
#define STORE_BAD_MAX  100 /* files in bad/; the oldest goes first */

/* Returns `out`, the name of the file of batch `id`; ids are one sequence for all
 * signals. */
const char *store_name(char out[STORE_NAME_MAX], uint64_t id, enum signal signal);
bool store_name_read(const char *name, uint64_t *id,
                     enum signal *signal); /* false: it is no such name */

struct stored {
    uint64_t id;
    enum signal signal;
    int64_t time_ns; /* wall clock: when the file was written */
    size_t len;
};

struct store_found {
    struct stored *batches; /* by id; free() them */
    size_t n;
    uint64_t highest;  /* id ever seen, 0 when there was none */
    size_t set_aside;  /* files that are no batches, now in bad/ */
    char example[256]; /* the first of them ... */
    const char *why;   /* ... and what it is; static, NULL when there was none */
};

struct store;

/*
 * Opens `dir`, making it (mode 0700) where it is missing, locks it and finds what it
 * holds. Returns 0 or -errno; -EWOULDBLOCK: another process has it. A disk that is full
 * or read-only is no failure yet: what is there can be read.
 */
int store_open(struct store **out, const char *dir, struct store_found *found);
void store_close(struct store *s); /* NULL is fine */

/* Returns 0 or -errno, and may then be tried again with the same id. Makes the folder
 * again where somebody has removed it. */
int store_write(struct store *s, uint64_t id, enum signal signal, const void *bytes,
                size_t len);

/* The whole batch, for free(). Returns 0, -EBADMSG: it is not whole, or -errno. */
int store_read(const struct store *s, uint64_t id, enum signal signal, void **bytes,
               size_t *len);

/* 0 or -errno; a file that is not there is fine. */
int store_remove(struct store *s, uint64_t id, enum signal signal);
int store_set_aside(struct store *s, uint64_t id,
                    enum signal signal); /* into bad/, else it is removed */

#endif
