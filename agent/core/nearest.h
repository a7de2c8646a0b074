/*
 * Which PoPs are nearest: the lowest minimum round-trip delay (RFC 2681) of recent
 * windows, with hysteresis, so that two equally near PoPs do not alternate. The minimum
 * is the delay of the path itself; queueing only adds to it.
 *
 * A lossy candidate is not eligible. A slowly probed target has few probes, and three
 * lost of twenty prove nothing: an eligible candidate stays eligible until its loss
 * exceeds the limit with 97.5 % confidence (lower bound of Wilson's score interval).
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
    double loss_limit; /* a candidate with more loss is not eligible, e.g. 0.1 */
    /* To overtake another candidate it must be nearer by this ratio, e.g. 0.1, ... */
    double margin_ratio;
    int64_t margin_ns; /* ... and by this much, e.g. 1 ms: less is noise */
};

/*
 * Ranks candidates into `order` (indexes, nearest first). Returns the number of eligible
 * ones, which come first. `previous` holds the eligible candidates of the last ranking in
 * its order (NULL with 0): two of them keep their order while their delays differ by less
 * than the margins. New candidates are ranked by delay alone. The candidates that are not
 * eligible follow, by delay.
 */
size_t nearest_rank(const struct candidate *candidates, size_t n, const size_t *previous,
                    size_t n_previous, const struct nearest_policy *policy,
                    size_t *order);

#endif
