/* Private to rolling.c and rolling_file.c. */
#ifndef EDGELAT_CORE_ROLLING_STATE_H
#define EDGELAT_CORE_ROLLING_STATE_H

#include "core/rolling.h"

enum { ROLLING_MINUTES, ROLLING_HOURS, ROLLING_RESOLUTIONS };

struct rolling_slot {
    int64_t number; /* time of the set, divided by the length of a slot */
    struct tally tally;
};

struct rolling_slots {         /* the oldest first */
    struct rolling_slot *list; /* of no more than these */
    size_t n;
};

struct rolling {
    char *key;
    size_t n_delays;
    bool claimed;
    struct rolling_slots slots[]; /* by delay and resolution */
};

struct rolling_set {
    struct rolling **list; /* by key */
    size_t n, room;
    struct mono at; /* by the monotonic clock, ... */
    int64_t now_ns; /* ... and since the set was first created, on any boot */
};

void rolling_set_clear(struct rolling_set *l);

/* Of the slot that is open now. */
int64_t rolling_slot_number(const struct rolling_set *l, size_t resolution);

#endif
