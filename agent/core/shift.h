/*
 * Did the level of a delay change? A sequential test on single values, so that a stream
 * with one probe in five minutes is judged as one with one a second.
 *
 * The test is a CUSUM (Page 1954) in both directions on the logarithm of the delay, as
 * noise grows with it, standardised by a level and a scale that are learned from the
 * stream: stochastic approximations of its median and of the 70th percentile of its
 * absolute deviation (Robbins and Monro 1951; Huber 1964: what lies farther away than a few
 * deviations counts as that). Thirty per cent of the values may be spikes, the daily
 * pattern and a drift are followed, and a noisy line is judged by its own noise. The median
 * deviation would be undefined where probes take two equal paths by turns.
 *
 * A deviation is at first an excursion. It becomes a shift after SHIFT_VALUES values and
 * a hold time: SHIFT_HABIT times the length of the stream's longest excursion that came
 * back, which is forgotten with a half-life of a week, and at least the longest one of the
 * site's other streams, as they share the access line. So bursts, an hourly backup and a
 * fluttering path are reported once or twice and then no more. During an excursion the
 * level does not follow it.
 *
 * A rise of hours is no step. The level lags behind it, and a second, slower level tells by
 * how much (double exponential smoothing, Holt 1957): values are compared with the level
 * plus that lag, and during an excursion the level goes on rising as it did. An excursion
 * that is not large after SHIFT_RECENT values, or when the hold time ends, is given up.
 *
 * Shifts are damped as routes are (RFC 2439, 4.2): each adds 1 to a penalty that halves in
 * SHIFT_HALF_LIFE_NS. Above SHIFT_LIMIT the stream flutters: that is reported once, and
 * further shifts are not until the penalty is below SHIFT_REUSE.
 *
 * Figures of test/sim/test_shift.c: false events a site and week, of sites with ten
 * streams over four weeks, nothing learned before:
 *
 *   a fixed, busy, radio line      0.0, 0.1, 0.1
 *   bursts of one to two minutes   0.2, 0.3 (two a day, one an hour)
 *   an hourly backup, + 50 %       0.5: reported on the first day
 *   a path that flutters           0.6 to 1.0: reported on the first days
 *   an evening of + 30, + 40 %     0.1, 0.1 to 0.2
 *   a drift                        0.0
 *
 * and on lines that the constants were not chosen with:
 *
 *   cable, mobile, low orbit       0.0, 0.2, 0.0
 *   a full queue in office hours   0.9 to 1.1: reported in the first week
 *   Wi-Fi with interference        0.7 to 1.1: reported in the first week
 *   three peaks a day              0.5 (1.6 to 1.9 without the trend)
 *   two equal paths                0.1
 *
 * A step of 20 % on a quiet line is found within 10 values at any rate (of 3,000 with a probe
 * in five minutes, 3 were not). On ten streams it is one event, also in the middle of an
 * evening's rise. A step of 10 % is reported in one of forty cases; on a radio link one of + 50 %
 * in nineteen of twenty.
 */
#ifndef EDGELAT_CORE_SHIFT_H
#define EDGELAT_CORE_SHIFT_H

#include "core/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHIFT_RATIO    0.12 /* of the logarithm: 12.7 % up, 11.3 % down; and ... */
#define SHIFT_LEAST_NS (100 * NS_PER_US) /* ... what is less in time is a LAN's noise */

#define SHIFT_HOLD_MAX_NS  (6 * 3600 * NS_PER_S) /* no excursion has to last longer */
#define SHIFT_HABIT        3.0
#define SHIFT_HALF_LIFE_NS (36 * 3600 * NS_PER_S)
#define SHIFT_LIMIT        2.2
#define SHIFT_REUSE        1.0

enum {
    SHIFT_VALUES = 9, /* of an excursion, at least */
    SHIFT_LEARN = 12, /* before the first is judged */
    SHIFT_RECENT = 16,
};

struct shift_news {
    enum shift_what {
        SHIFT_NOTHING,
        SHIFT_SHIFTED,
        SHIFT_FLUTTERS, /* it shifts too often; further shifts are not reported */
        SHIFT_SETTLED,  /* no longer; it shifted `changes` times meanwhile */
    } what;
    bool up;
    uint32_t changes;
    int64_t before_ns, after_ns; /* medians */
    int64_t low_ns, high_ns;     /* 95 % interval of `after` (order statistics) */
    struct wall since, earliest; /* its first value; the last value before that */
};

struct shift { /* of a stream; { 0 } is new, end with shift_forget(); 280 bytes */
    float level, scale; /* of the logarithm of ns */
    float near;         /* the level of the last values, which follows a drift at once */
    float slow;         /* the level of the last hours: how far behind tells the trend */
    uint32_t n;         /* values so far */
    float recent[SHIFT_RECENT]; /* the last ones, a ring, and when they were sent: s */
    uint32_t recent_s[SHIFT_RECENT];
    struct wall last;

    struct shift_chart {
        float sum;
        uint32_t n; /* values since it left 0 */
        struct wall began, earliest;
    } up, down;
    int8_t excursion; /* 1, -1: the chart of that direction is over its threshold; 0 */
    bool flutters;
    float there;        /* the level of the excursion */
    int32_t back;       /* values nearer to the old level, less others */
    float habit_s;      /* the longest excursion, as it was at `habit_at` */
    struct wall beyond; /* the last value that was nearer to `there` */
    struct wall habit_at;

    float site_s;        /* the longest habit of the site's streams now */
    float before;        /* the level before the last shift */
    struct wall shifted; /* when that began */
    struct wall penalty_at;
    float penalty;
    uint32_t changes;
    struct shift_news *news; /* NULL: none; until shift_site_window() takes it */
};

/* A delay of a probe sent at `at`; about in the order of sending. */
void shift_value(struct shift *s, struct wall at, int64_t ns);

/* The path has changed: forgets what was learned of the old one. */
void shift_forget(struct shift *s);

/*
 * One cause, one event. Call it when a window has closed, until it returns false; true:
 * `*out` is an event of the site's `n` streams. Shifts in one direction that began within
 * SHIFT_TOGETHER windows of each other are one event. It waits up to SHIFT_WAIT windows
 * for undecided streams; those that decide later are not reported again.
 */
#define SHIFT_TOGETHER 3
#define SHIFT_WAIT     3

struct shift_site { /* { 0 }: nothing has shifted yet */
    uint32_t waited;
    struct wall settled;    /* when SHIFT_SETTLED was reported last */
    struct shift_news last; /* the last one reported */
};

struct shift_event {
    struct shift_news news; /* of the first member, with the earliest `since` */
    size_t first;           /* its number */
    size_t members, judged; /* so many of so many streams */
    double ratio;           /* the median of the members' */
};

bool shift_site_window(struct shift_site *site, struct shift *const *streams, size_t n,
                       struct wall now, int64_t window_ns, bool *is_member,
                       struct shift_event *out);

#endif
