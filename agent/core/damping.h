/*
 * Damping of what is told each time it changes: something that changes SWING_TIMES within
 * SWING_STILL_NS is told of once more, and then not before it has stayed for that long.
 */
#ifndef EDGELAT_CORE_DAMPING_H
#define EDGELAT_CORE_DAMPING_H

#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

#define SWING_TIMES    4
#define SWING_STILL_NS (3600 * NS_PER_S)

struct swing {                       /* { 0 } has never changed */
    int64_t changed_ns[SWING_TIMES]; /* when, by any clock: the last ones, in turn */
    uint64_t changes;                /* since it was still */
    bool swinging;
};

enum swing_news {
    SWING_CHANGED, /* tell it */
    SWING_BEGAN,   /* it does not rest: tell that */
    SWING_SILENT,  /* that was told */
};

/* It has changed at `now_ns`. */
enum swing_news swing_change(struct swing *s, int64_t now_ns);

/* How many changes it was, once when what was told to swing has been still; else 0. */
uint64_t swing_settled(struct swing *s, int64_t now_ns);

#endif
