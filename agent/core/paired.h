/*
 * The difference between two ways to one target, from pairs of probes sent in the same
 * second: what both share (the target's own delay, the hour of the day) cancels out of
 * each difference. Pure.
 *
 * The median of the differences and its 95 % interval by order statistics (the sign test
 * inverted, Thompson 1936; David and Nagaraja 2003, "Order Statistics", 7.1), which holds
 * for any distribution: the signed-rank interval of Wilcoxon would need a symmetric one,
 * and a radio link's delays are skewed. It would need independent pairs, too. Delays that
 * follow each other are alike, so the interval is widened in ranks by the square root of
 * the variance of the sign statistic against that of independent pairs (Gastwirth and
 * Rubin 1971), from the autocorrelations of the signs, summed up to the first pair of lags
 * that is not positive (Geyer 1992). Fewer than 8 pairs that are independent in this sense
 * tell nothing.
 *
 * What it states is the difference of the time that the pairs are from, the last hour at
 * most, if they were sent at random times. Coverage of the median of each second of that
 * time in test/sim/test_paired.c, 4,000 sites a line, 30 to 240 pairs, on lines that nothing
 * here was chosen on: cable with evening load, LTE with handovers, a satellite that changes
 * each 15 s, Wi-Fi with bursts and scans, two equal-cost paths, a path that moves every 9
 * minutes, DSL with a backup, 5G that fades: 97 to 100 %. In the long run the difference
 * may be another: where the load or the path changes over hours, an hour's interval holds
 * the median of weeks in 23 to 80 %.
 *
 * The correction for pairs that are alike was chosen on lines of test/sim/test_uplinks.c
 * without such an end, against their median in the long run, with 60 and 250 pairs:
 * independent, skewed or heavy-tailed ones 96 to 98 %, whole milliseconds 99 %, wandering
 * ones (0.8 from pair to pair) 91 and 93 %.
 */
#ifndef EDGELAT_CORE_PAIRED_H
#define EDGELAT_CORE_PAIRED_H

#include "core/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAIRED_WITHIN_NS NS_PER_S          /* sent no farther apart */
#define PAIRED_KEEP_NS   (3600 * NS_PER_S) /* older pairs are not used */

enum { PAIRED_MAX = 256, PAIRED_LEAST = 20 };

struct paired { /* { 0 } is empty */
    size_t n, next;
    struct wall at[PAIRED_MAX];
    int64_t ns[PAIRED_MAX];
};

struct paired_interval {
    bool known; /* else there are too few pairs, or they are too much alike */
    size_t n;   /* pairs */
    int64_t ns, low_ns, high_ns;
};

/* Adds a difference of two probes sent at `at`. */
void paired_add(struct paired *p, struct wall at, int64_t ns);

struct paired_interval paired_interval(const struct paired *p, struct wall now);

#endif
