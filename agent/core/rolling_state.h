/* Private to rolling.c and rolling_file.c. */
#ifndef EDGELAT_CORE_ROLLING_STATE_H
#define EDGELAT_CORE_ROLLING_STATE_H

#include "core/rolling.h"

enum { ROLLING_MINUTES, ROLLING_HOURS, ROLLING_RESOLUTIONS };

/* Values of a while. Its number is the time of the set, divided by the length of a slot. */
struct rolling_slot {
    uint32_t number, count;
    uint32_t bytes; /* of its steps, a step one or two mostly */
};

struct rolling_slots { /* of one delay, in one resolution */
    uint8_t *packed;   /* the oldest first: the three numbers of a slot, its steps */
    uint32_t len;
    uint32_t newest; /* where the newest one begins, to which values are added */
};

struct rolling {
    char *key;
    uint16_t n_delays;
    bool claimed;
    struct rolling_slots slots[]; /* by delay and resolution */
};

struct rolling_set {
    struct rolling **list; /* by key */
    size_t n, room;
    uint64_t changes; /* so many so far */
    struct mono at;   /* by the monotonic clock, ... */
    int64_t now_ns;   /* ... and since the set was first created, on any boot */
};

void rolling_set_clear(struct rolling_set *l);

/* Drops what is more than ROLLING_BYTES_MAX. */
void rolling_set_fit(struct rolling_set *l);

size_t rolling_bytes(const struct rolling *r);

/* The slot at `*at`, and moves `*at` to the next one; false: there is none. */
bool rolling_slot_next(const struct rolling_slots *v, size_t *at,
                       struct rolling_slot *out);

/* The values of the slot before `end`, to be freed. */
struct tally rolling_slot_values(const struct rolling_slots *v, size_t end,
                                 const struct rolling_slot *slot);

/* Adds a slot, which is the newest. */
void rolling_slot_append(struct rolling_slots *v, uint32_t number, const struct tally *t);

/* Of the slot of now, and of the oldest one that is kept. */
int64_t rolling_slot_number(const struct rolling_set *l, size_t resolution);
int64_t rolling_slot_first(const struct rolling_set *l, size_t resolution);

#endif
