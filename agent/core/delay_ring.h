/*
 * The delays of a stream over the last hour, as values with their times, for comparisons
 * of two streams over the same period. At most DELAY_RING_MAX: a faster stream is thinned
 * evenly, so that the values cover the whole hour. Thinning also takes the correlation
 * out of values that follow each other closely.
 */
#ifndef EDGELAT_CORE_DELAY_RING_H
#define EDGELAT_CORE_DELAY_RING_H

#include "core/time.h"

#include <stddef.h>
#include <stdint.h>

#define DELAY_RING_NS (3600 * NS_PER_S)

enum { DELAY_RING_MAX = 128 };

struct delay_ring { /* { 0 } is empty */
    uint32_t n;
    uint32_t room;  /* of a ring that grows; 0: DELAY_RING_MAX */
    int64_t gap_ns; /* a value sooner after the last one is skipped */
    struct delay_at {
        struct wall at; /* when the probe was sent; ascending */
        int64_t ns;
    } values[DELAY_RING_MAX]; /* at the end: one that grows has `room` of them */
};

/* Adds the delay of a probe sent at `at`. After a clock that was set back it begins
 * again. */
void delay_ring_add(struct delay_ring *r, struct wall at, int64_t ns);

/* Returns `r` with room for the next value; NULL: a new one. It may have moved; release it
 * with free(). */
struct delay_ring *delay_ring_grow(struct delay_ring *r);

void delay_ring_empty(struct delay_ring *r);

#endif
