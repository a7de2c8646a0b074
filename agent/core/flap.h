/*
 * Is a stream up, degraded or down, and is the change reported? Input: one observation a
 * window. Output: a change of state, or that the stream began or ceased to flap.
 *
 * Hysteresis. The state becomes worse when FLAP_WORSE_AFTER windows in a row were at
 * least that bad, and better when FLAP_BETTER_AFTER were at most that bad. "Down,
 * degraded" is two windows that are at least degraded, so a mixed run ends in the state
 * that its windows have in common. A window in which nothing was measured changes nothing
 * and does not break a run. The first state of a stream: up at once, a bad one after
 * FLAP_WORSE_AFTER windows.
 *
 * Damping, as routers damp routes (RFC 2439, 4.2): each change adds 1 to a penalty that
 * halves every FLAP_HALF_LIFE_NS. When it comes over FLAP_LIMIT (the RFC's cutoff) the
 * stream is flapping: that is reported once and further changes are only counted. When the
 * penalty has decayed below FLAP_REUSE, the end is reported with the state in which the
 * stream settled. The penalty never exceeds FLAP_CEILING, so that a bad night suppresses
 * reports no longer than a bad hour. The first known state is no change. `state` is valid
 * while the stream flaps, too: gauges follow it, only reports are damped.
 *
 * Figures for windows of a minute. An outage is two changes and takes at least five windows,
 * with the recovery:
 *
 *   - Two outages never flap, however near: four changes do not exceed FLAP_LIMIT. Three
 *     inside 50 minutes do, three that begin half an hour or more apart do not.
 *   - An outage of an hour costs 1.4.
 *   - Periodic trouble of 5 to 36 minutes is reported as flapping once, whatever share of
 *     a period is bad: with the fifth to seventh change if the period is 20 minutes or
 *     less, with the thirteenth at the latest. Trouble too short for the hysteresis is no
 *     change. Trouble with a period of 45 minutes or more is reported as single outages.
 *   - FLAP_REUSE is FLAP_LIMIT - 2: while outages keep the penalty above the limit, it does
 *     not decay below FLAP_REUSE between them, so periodic trouble is reported once and
 *     not once an hour.
 *   - The end is reported 40 to 60 minutes after the last change of periodic trouble, and
 *     never less than 26 minutes after any.
 *
 * The penalty decays with time, not with windows: windows of 10 s have the same figures.
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
    enum state state; /* the current one */
    bool flapping;
    uint32_t changes; /* of the state, ever */
    /* Windows in a row that were at least, at most so bad; 255: or more. */
    uint8_t at_least[STATE_COUNT], at_most[STATE_COUNT];
    double penalty; /* as it was at `at` */
    struct mono at;
    enum state before_flapping;
    uint32_t while_flapping; /* changes */
};

struct flap_news {
    enum flap_what { FLAP_NOTHING, FLAP_CHANGED, FLAP_BEGAN, FLAP_ENDED } what;
    enum state before, after; /* of FLAP_ENDED: before it flapped, and where it settled */
    /* Changes that this reports: 1; FLAP_ENDED: all while it flapped, with the first. */
    uint32_t changes;
};

/* A window was closed at `at`. STATE_UNKNOWN: it has no observation. */
struct flap_news flap_window(struct flap *f, enum state observed, struct mono at);

#endif
