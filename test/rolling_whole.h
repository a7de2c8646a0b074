/* The whole content of a file with all series of a set, to be freed. */
#ifndef EDGELAT_TEST_ROLLING_WHOLE_H
#define EDGELAT_TEST_ROLLING_WHOLE_H

#include "base/mem.h"
#include "core/rolling.h"

#include <string.h>

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

#endif
