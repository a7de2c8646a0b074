/*
 * Damping of what is told each time it changes: something that changes DAMPING_CHANGES within
 * DAMPING_STABLE_NS is told of once more, and then not before it has stayed for that long.
 */
#ifndef EDGELAT_CORE_DAMPING_H
#define EDGELAT_CORE_DAMPING_H

#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

#define DAMPING_CHANGES   4
#define DAMPING_STABLE_NS (3600 * NS_PER_S)

struct damping {                         /* { 0 } has never changed */
    int64_t changed_ns[DAMPING_CHANGES]; /* when, by any clock: the last ones, in turn */
    uint64_t changes;                    /* since it was still */
    bool suppressing;
};

enum damping_action {
    DAMPING_REPORT,          /* tell it */
    DAMPING_REPORT_UNSTABLE, /* it does not rest: tell that */
    DAMPING_SUPPRESS,        /* that was told */
};

/* It has changed at `now_ns`. */
enum damping_action damping_change(struct damping *s, int64_t now_ns);

/* How many changes it was, once when what was told to damping has been still; else 0. */
uint64_t damping_settled(struct damping *s, int64_t now_ns);

#endif
