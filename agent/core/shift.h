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
 * What the test finds is at first an excursion, until it lasts for SHIFT_VALUES values and
 * long enough. How long that is the stream teaches: SHIFT_HABIT times as long as its
 * longest excursion that came back, which is forgotten with a half-life of a week; and at
 * least as long as the longest one of the site's other streams, as they share the access
 * line. So bursts, an hourly backup and a path that flutters are told once or twice, not
 * for ever.
 * While an excursion is undecided the level does not follow it.
 *
 * Shifts are damped as routes are (RFC 2439, 4.2): each adds 1 to a penalty that halves in
 * SHIFT_HALF_LIFE_NS. Over SHIFT_LIMIT the stream flutters: that is told once, and then
 * nothing until the penalty is below SHIFT_REUSE.
 *
 * Figures of test/sim/test_shift.c: sites of ten streams, four weeks, the first without
 * anything learned; false events a site and week:
 *
 *   a fixed, busy, radio line      0.0, 0.1, 0.0
 *   bursts of one to two minutes   0.2 (two a day, or one an hour)
 *   an hourly backup, + 50 %       0.5: reported on the first day
 *   a path that flutters           0.8: reported on the first days
 *   an evening of + 30 %           0.8
 *   a drift                        0.0
 *
 * and on lines that the constants were not chosen with:
 *
 *   cable, mobile, low orbit       0.1, 0.1, 0.0
 *   a full queue in office hours   0.9: reported in the first week
 *   Wi-Fi with interference        0.7: reported in the first week
 *   two equal paths                0.2
 *
 * A step by a fifth on a quiet line is known within 10 values at any rate. On ten streams it
 * is one event. A step of 10 % is told in one of forty cases, on a radio link one of + 50 %
 * in four of five.
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
        SHIFT_FLUTTERS, /* shifted once more than is told; further ones are not */
        SHIFT_SETTLED,  /* no shift for long; `changes` of them since it flutters */
    } what;
    bool up;
    int64_t before_ns, after_ns; /* medians */
    int64_t low_ns, high_ns;     /* 95 % interval of `after` (order statistics) */
    struct wall since, earliest; /* its first value; the last value before that */
    uint32_t changes;
};

struct shift {          /* of a stream; { 0 } is new; about 350 bytes */
    float level, scale; /* of the logarithm of ns */
    float near;         /* the level of the last values, which follows a drift at once */
    uint32_t n;         /* values so far */
    float recent[SHIFT_RECENT]; /* the last ones, a ring, and when they were sent: s */
    uint32_t recent_s[SHIFT_RECENT];
    struct wall last;

    struct shift_chart {
        float sum;
        uint32_t n; /* values since it left 0 */
        struct wall began, earliest;
    } up, down;
    int excursion;      /* 1, -1: the chart of that direction is over its threshold; 0 */
    float there;        /* the level of the excursion */
    int32_t back;       /* values on the way back, less others */
    struct wall beyond; /* its last value that was not */

    float habit_s; /* the longest excursion, as it was at `habit_at` */
    struct wall habit_at;
    float site_s;        /* the longest habit of the site's streams now */
    float before;        /* the level before the last shift */
    struct wall shifted; /* when that began */
    float penalty;
    struct wall penalty_at;
    bool flutters;
    uint32_t changes;
    struct shift_news news; /* not taken yet */
};

/* A delay of a probe sent at `at`; about in the order of sending. */
void shift_value(struct shift *s, struct wall at, int64_t ns);

/* The path is another one: what was learned of the old one says nothing. */
void shift_forget(struct shift *s);

/*
 * One cause, one event. A window has closed: whether something is to be told of the `n`
 * streams of a site. Shifts in one direction that began within SHIFT_TOGETHER windows of
 * each other are one; it waits up to SHIFT_WAIT windows for those that are undecided, and
 * what is decided later is not told again. To be called until it returns false.
 */
#define SHIFT_TOGETHER 3
#define SHIFT_WAIT     3

struct shift_site { /* { 0 }: nothing has shifted yet */
    uint32_t waited;
    struct wall settled;    /* when that was told last */
    struct shift_news last; /* the last one that was told */
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
