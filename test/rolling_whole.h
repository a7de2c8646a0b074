/* The file of a set of series as a whole. */
#ifndef EDGELAT_TEST_ROLLING_WHOLE_H
#define EDGELAT_TEST_ROLLING_WHOLE_H

#include "base/mem.h"
#include "core/rolling.h"

#include <string.h>

/* To be freed. */
static inline void *rolling_whole(const struct rolling_set *l, struct wall wall,
                                  size_t *len)
{
    struct rolling_saver *s = rolling_saver_create(l, wall);
    char *whole = NULL;
    const void *bytes;
    size_t room = 0, n;
    for (*len = 0; rolling_saver_next(s, &bytes, &n) == ROLLING_PIECE; *len += n) {
        whole = mem_grow(whole, &room, *len + n, 1);
        memcpy(whole + *len, bytes, n);
    }
    rolling_saver_destroy(s);
    return whole;
}

struct rolling_rest {
    const char *at;
    size_t left;
};

static inline size_t rolling_read_rest(void *user, void *bytes, size_t room)
{
    struct rolling_rest *r = user;
    size_t n = r->left < 1000 ? r->left : 1000;
    n = n < room ? n : room;
    memcpy(bytes, r->at, n);
    r->at += n;
    r->left -= n;
    return n;
}

static inline bool rolling_load_whole(struct rolling_set *l, struct wall wall,
                                      const void *bytes, size_t len)
{
    struct rolling_rest r = {bytes, len};
    return rolling_load(l, wall, len, rolling_read_rest, &r);
}

#endif
