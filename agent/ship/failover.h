/*
 * Chooses the collector for the next batch: the first of the configuration while it
 * works; when it fails, the next one in order, at once. Every FAILOVER_RETURN_NS one batch
 * tries the first one again. Pure; times are monotonic.
 */
#ifndef EDGELAT_SHIP_FAILOVER_H
#define EDGELAT_SHIP_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAILOVER_RETURN_NS (300 * INT64_C(1000000000))

struct failover { /* start with { .n = how many } */
    size_t n;
    size_t current;      /* gets the batches */
    unsigned failures;   /* of the current one, in a row */
    size_t failed;       /* collectors that failed one after the other; n is a round */
    int64_t returned_ns; /* when the first one was left or tried again, last */
};

size_t failover_choose(struct failover *f, int64_t now_ns);

void failover_worked(struct failover *f, size_t chosen);

/*
 * `hopeless`: trying the same collector again does not help. Returns true when another
 * one is to be tried at once; false: back off, then choose.
 */
bool failover_failed(struct failover *f, size_t chosen, bool hopeless, int64_t now_ns);

#endif
