/*
 * Which of several collectors the next batch goes to: the first of the configuration
 * while it works; where it fails, the next in order, at once; and the first again, tried
 * with one batch every FAILOVER_RETURN_NS. Pure; times are of a monotonic clock.
 */
#ifndef EDGELAT_SHIP_FAILOVER_H
#define EDGELAT_SHIP_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAILOVER_RETURN_NS (300 * INT64_C(1000000000))

struct failover { /* start with { .n = how many } */
    size_t n;
    size_t current;      /* takes the batches */
    unsigned failures;   /* of the current one, in a row */
    size_t failed;       /* one after the other; all of them is a round */
    int64_t returned_ns; /* the first was left then, or tried again */
};

size_t failover_choose(struct failover *f, int64_t now_ns);

void failover_worked(struct failover *f, size_t chosen);

/*
 * `hopeless`: to try the same one again is no use. Returns true when another one is to be
 * tried at once; false: back off, then choose.
 */
bool failover_failed(struct failover *f, size_t chosen, bool hopeless, int64_t now_ns);

#endif
