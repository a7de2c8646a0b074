/*
 * Did the level of a delay change? One value comes in for each closed window, its median;
 * out comes when the last SHIFT_NEWEST windows stand apart from the baseline, which is up
 * to SHIFT_BASELINE windows before them. How far apart is enough, the way itself teaches:
 * at least SHIFT_RATIO and SHIFT_LEAST_NS, more where the noise is larger (shift.c has
 * the method and its sources).
 *
 * A change is told once, with the level before and after; the newest windows are the
 * baseline from then on, so the way back is a change again. A spike of one or two windows
 * is none, and a drift (a congested evening) is followed.
 *
 * Measured by test/sim/test_shift.c with 30 seeds: windows of a minute, 2160
 * target-weeks, ways of 1.5 to 180 ms with bursts of one to two minutes twice a day.
 * "Found" is within three windows after the one in which it happened:
 *
 *                                  false alarms        found of steps by
 *                                  a target, week      + 20 %     - 20 %
 *   a fixed line                        0.02           99.6 %     99.5 %
 *   a busy line, 60 probes a minute     0.04           99.3 %     99.7 %
 *   a busy line, 6 probes a minute      0.19           86 %       90 %
 *   a radio link, 60 probes a minute    0.41
 *   a radio link, 6 probes a minute     0.26           14 %       21 %
 *
 * What a fixed line misses are steps with a burst on top, found when that is over. On a
 * busy line with few probes it depends on the way: 53 % of 1.5 ms, where the queues are
 * as long as the step; 97 % of 10 ms and more. A radio link tells 58 % of steps by + 50 %
 * with 6 probes a minute, 86 % with 60. A step of 10 % is told in one of twenty cases.
 *
 * The worst seed had 0.8 false alarms a target and week, on the radio link. Most are
 * bursts that reach into three windows, and count twice: there and back.
 */
#ifndef EDGELAT_CORE_SHIFT_H
#define EDGELAT_CORE_SHIFT_H

#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

#define SHIFT_NEWEST         3
#define SHIFT_BASELINE       30
#define SHIFT_BASELINE_LEAST 10 /* before the first one is judged */
#define SHIFT_VALUES_LEAST   3  /* a window with fewer is passed over */

#define SHIFT_RATIO    0.12 /* of the logarithm: 12.7 % up, 11.3 % down; and ... */
#define SHIFT_LEAST_NS (100 * NS_PER_US) /* ... what is less in time is a LAN's noise */

struct shift {                                    /* of a stream; { 0 } is new */
    double log_ns[SHIFT_BASELINE + SHIFT_NEWEST]; /* of the medians, oldest first */
    uint32_t n;
    double usual; /* how far the newest stand from the baseline when nothing happens;
                     0: not known yet */
};

struct shift_news {
    bool shifted;      /* then: */
    int64_t before_ns; /* median of the baseline */
    int64_t after_ns;  /* geometric mean of the SHIFT_NEWEST windows */
};

/* The median of a window that holds so many values (DELAY_UNDEFINED where 0). */
struct shift_news shift_window(struct shift *s, int64_t median_ns, uint64_t values);

/* The way is another one: what was learned of the old one says nothing. */
void shift_forget(struct shift *s);

#endif
