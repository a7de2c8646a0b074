/*
 * Did the level of a delay change? One value comes in for each closed window, its median;
 * out comes when the last SHIFT_NEWEST windows stand apart from the baseline, which is up
 * to SHIFT_BASELINE windows before them.
 *
 * Measured on simulated weeks (test/sim/test_shift.c prints them; windows of a minute, 6
 * probes each; delays of 1.5 to 180 ms with queues, spikes, bursts, evenings and wander):
 *
 *                       false alarms a      steps by 20 % found within
 *                       target and week     3 windows      10 windows
 *     a fixed line      0.0                 99 %           100 %
 *     a busy line       0.3                 92 to 94 %     95 to 97 %
 *     a radio link      0.6                 19 to 27 %     30 %
 *
 * With 60 probes a window: 99 to 100 % within 3 on both lines. A step by 10 % is mostly
 * left untold; one by 50 % of a radio link is found in 7 of 10 cases.
 *
 * A change is told once, with the level before and after; the newest windows are the
 * baseline from then on, so the way back is a change again. A spike of one or two windows
 * is none, and a drift (a congested evening) is followed.
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
    bool shifted;
    int64_t before_ns; /* median of the baseline */
    int64_t after_ns;  /* geometric mean of the SHIFT_NEWEST windows */
};

/* The median of a window that holds so many values (DELAY_UNDEFINED where 0). */
struct shift_news shift_window(struct shift *s, int64_t median_ns, uint64_t values);

/* The way is another one: what was learned of the old one says nothing. */
void shift_forget(struct shift *s);

#endif
