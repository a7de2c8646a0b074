/*
 * What a nearer front door would gain: the delays to the PoP that serves a target against
 * those to another front door of the same service, over the period that both were
 * measured in, at most an hour (core/delay_ring.h). Pure.
 *
 * Minima are compared, as the minimum is the delay of the path itself, and medians, as
 * they are what a user gets. The interval of the difference of the medians is free of any
 * distribution: an order-statistic interval of each median (the sign test inverted,
 * Thompson 1936; David and Nagaraja 2003, "Order Statistics", 7.1) at GAIN_SIDE of
 * confidence, and the differences of their opposite ends, which hold together with at
 * least 95 % (Bonferroni). Neither equal shapes nor equal rates are assumed, as the
 * intervals of Mann-Whitney and Hodges-Lehmann do.
 *
 * The last GAIN_RECENT values of the slower side decide if their interval does, so that a
 * path that has changed is seen soon; else the whole hour, on a noisy line.
 *
 * The gain is worth reporting when the lower end and the difference of the minima are
 * both over a limit: GAIN_LEAST_NS, and GAIN_RATIO of the own median.
 *
 * Figures of test/sim/test_gain.c, at the shipped rates: paths of 10 ms more than this to
 * the door, minutes until the finding that is held for three windows, median and the
 * slowest of 21; first with a PoP that is new, then after the path of a known one changed:
 *
 *   a fixed line      15 ms  4, 4   14, 18    5 ms   4, 4   14, 18    2 ms    4, 4   14, 18
 *   a radio link             4, 6   14, 17           9, 16  16, 35          163, -  171, -
 *   Wi-Fi                    4, 7   15, 21           8, 14  17, 31           18, 104 28, 126
 *   low orbit                4, 4   11, 15          11, 71  45, 232           never
 *
 * and false findings a site and week, of two doors as near or 0.5 ms nearer: 0 of ten
 * lines, five of which no constant was chosen with, but for 0.5 where each path wanders by
 * milliseconds. Detours of 3 ms for half an hour are true, and reported three times in
 * four weeks, further ones when they last for hours (edge/serving.h).
 */
#ifndef EDGELAT_EDGE_GAIN_H
#define EDGELAT_EDGE_GAIN_H

#include "core/delay_ring.h"

#include <stdbool.h>
#include <stdint.h>

#define GAIN_SIDE     0.975
#define GAIN_LEAST_NS NS_PER_MS
#define GAIN_RATIO    0.05

enum { GAIN_RECENT = 24 };

/* The newest value of each side is no older: what does not answer gains nothing. */
#define GAIN_FRESH_NS (900 * NS_PER_S)

enum gain_verdict {
    GAIN_UNKNOWN, /* too few values in the same period */
    GAIN_NONE,    /* the interval ends under the limit, or the gain is under half of it */
    GAIN_UNSURE,  /* neither */
    GAIN_SURE,    /* worth reporting */
};

struct gain {
    enum gain_verdict verdict;
    int64_t own_ns, other_ns;    /* medians */
    int64_t ns, low_ns, high_ns; /* of the medians; below 0: the other is slower */
    int64_t min_ns;              /* of the minima */
    size_t own_values, other_values;
};

/* Either may be NULL: it has no values. */
struct gain gain_of(const struct delay_ring *own, const struct delay_ring *other,
                    struct wall now);

/* Of two others: the one that surely gains most; else the one that may gain most. */
bool gain_is_better(const struct gain *g, const struct gain *than);

#endif
