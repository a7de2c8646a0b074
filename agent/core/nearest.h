/*
 * Which PoPs are nearest: the lowest minimum round-trip delay (RFC 2681) of recent
 * windows, with hysteresis, so that two equally near PoPs do not alternate. The minimum
 * is what the way itself costs; queues come and go above it.
 *
 * A lossy one is not eligible. A target that is probed slowly shows few probes, and three
 * lost of twenty are no proof: who is eligible stays so until the loss is over the limit
 * with 97.5 % confidence (lower bound of Wilson's score interval).
 */
#ifndef EDGELAT_CORE_NEAREST_H
#define EDGELAT_CORE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct candidate {
    int64_t min_ns;      /* lowest delay of the recent windows; DELAY_UNDEFINED: none */
    uint64_t sent, lost; /* in the same windows */
};

struct nearest_policy {
    double loss_limit;   /* a candidate that loses more is not eligible, e.g. 0.1 */
    double margin_ratio; /* to take another's place it must be nearer by this share, e.g.
                            0.1 ... */
    int64_t margin_ns;   /* ... and by this much, e.g. 1 ms: below that it is noise */
};

/*
 * Ranks candidates into `order` (indexes, nearest first); returns how many of them are
 * eligible, which stand first. `previous` are those that were eligible last time, in that
 * order (NULL with 0): of two of them whose delays differ by less than the margins, the
 * one that stood first stays first. Others are new and stand by plain delay. What is not
 * eligible follows, by delay.
 */
size_t nearest_rank(const struct candidate *candidates, size_t n, const size_t *previous,
                    size_t n_previous, const struct nearest_policy *policy,
                    size_t *order);

#endif
