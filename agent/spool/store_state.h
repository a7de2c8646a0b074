/*
 * What store.c and store_find.c share.
 */
#ifndef EDGELAT_SPOOL_STORE_STATE_H
#define EDGELAT_SPOOL_STORE_STATE_H

#include "spool/store.h"

#include <limits.h>

struct store {
    char dir[PATH_MAX - BATCH_FILE_ROOM]; /* of the spool */
    int folder;                           /* open and locked; -1: it cannot be made yet */
    struct history *history;
    bool clock_trusted;                      /* the history knows */
    uint64_t bad_count_most, bad_bytes_most; /* bounds of bad/; 0: none yet ... */
    uint64_t bad_count,
        bad_bytes; /* ... and at most so much is in it: files go by hand */
};

static inline bool store_bad_is_full(const struct store *s)
{
    return s->bad_count_most > 0 &&
           (s->bad_count > s->bad_count_most || s->bad_bytes > s->bad_bytes_most);
}

/* Path of `name` below the folder and `sub` ("" or "bad/"). Returns `out`. */
const char *store_path(char out[PATH_MAX], const struct store *s, const char *sub,
                       const char *name);

/* Reads the folder: sorts, sets aside, removes temporary files. Returns 0 or -errno. */
int store_find(struct store *s, struct store_found *found);

/* Into bad/, whatever its name. Returns 0 or -errno. */
int store_move_bad(struct store *s, const char *name);
void store_trim_bad(struct store *s); /* counts, and goes back to the bounds */

#endif
