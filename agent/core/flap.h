/*
 * Is a stream up, degraded or down, and is it worth telling? One verdict a window comes
 * in, news come out: a change of state, or that the stream began or ceased to flap.
 *
 * Hysteresis. The state becomes worse when FLAP_WORSE_AFTER windows in a row were at
 * least that bad, and better when FLAP_BETTER_AFTER were at most that bad. "Down,
 * degraded" is two windows that are at least degraded, so a mixed run leads to what is
 * common to it and never hangs. A window in which nothing was measured changes nothing
 * and does not break a run. The first state of a stream: up at once, a bad one after
 * FLAP_WORSE_AFTER windows.
 *
 * Damping, as routers damp routes (RFC 2439, 4.2): each change adds 1 to a penalty that
 * halves every FLAP_HALF_LIFE_NS. When it comes over FLAP_LIMIT (the RFC's cutoff) the
 * stream is flapping: that is told once, changes are only counted, and once the penalty
 * has decayed under FLAP_REUSE the end is told with the state it settled in. The penalty
 * never exceeds FLAP_CEILING, so that a bad night costs no longer a silence than a bad
 * hour. To become known (from STATE_UNKNOWN) is no change. `state` is always the one
 * held, also of a stream that flaps: gauges follow it, only news are damped.
 *
 * The figures, for windows of a minute, where an outage is two changes and takes at least
 * five windows, trouble and recovery:
 *
 *   - Two outages never flap, however near: four changes do not exceed FLAP_LIMIT. Three
 *     inside 50 minutes do, three that begin half an hour or more apart do not.
 *   - An outage of an hour costs 1.4.
 *   - Trouble of any period from 5 to 36 minutes, whatever share of it is bad, is one
 *     flapping. It is told with the fifth to seventh change where the period is 20
 *     minutes or less, with the thirteenth at the latest. What is bad or good for so
 *     short that it does not pass the hysteresis is no change in the first place. A
 *     period of 45 minutes or more is that of single outages.
 *   - FLAP_REUSE is FLAP_LIMIT - 2: an outage that is enough to keep the penalty over the
 *     limit never lets it fall under FLAP_REUSE before the next one, so periodic trouble
 *     is one flapping and not one an hour.
 *   - The end is told 40 to 60 minutes after the last change of periodic trouble, and
 *     never less than 26 minutes after any.
 *
 * The penalty knows time and not windows: those of 10 s flap by the same figures.
 */
#ifndef EDGELAT_CORE_FLAP_H
#define EDGELAT_CORE_FLAP_H

#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

#define FLAP_WORSE_AFTER  2
#define FLAP_BETTER_AFTER 3
#define FLAP_HALF_LIFE_NS (45 * 60 * NS_PER_S)
#define FLAP_LIMIT        4.0
#define FLAP_REUSE        2.0
#define FLAP_CEILING      5.0

enum state { STATE_UNKNOWN, STATE_UP, STATE_DEGRADED, STATE_DOWN, STATE_COUNT };

const char *state_name(enum state state); /* "unknown", "up", "degraded", "down" */

struct flap {         /* of a (target, kind); { 0 } knows nothing */
    enum state state; /* that is held now */
    bool flapping;
    uint64_t changes; /* of the state, ever */

    /* windows in a row, told at least, at most so bad */
    uint32_t at_least[STATE_COUNT], at_most[STATE_COUNT];
    double penalty; /* as it was at `at` */
    struct mono at;
    enum state before_flapping;
    uint32_t while_flapping; /* changes */
};

struct flap_news {
    enum flap_what { FLAP_NOTHING, FLAP_CHANGED, FLAP_BEGAN, FLAP_ENDED } what;
    enum state before, after; /* of FLAP_ENDED: before it flapped, and where it settled */
    uint32_t changes; /* that are told by this: 1; of FLAP_ENDED all while it flapped, the
                         one that began it included */
};

/* A window was closed at `at`, and this is what it told; STATE_UNKNOWN: nothing. */
struct flap_news flap_window(struct flap *f, enum state observed, struct mono at);

#endif
