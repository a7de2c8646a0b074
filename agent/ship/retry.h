/*
 * Which batch of a signal is tried next when one is not taken, and whether a refusal is
 * believed. Pure; one for each signal.
 *
 * A refusal says "not this batch" or "not like this": a wrong path, a limit, a tenant
 * that is not there all refuse whatever comes. So it sets a batch aside only where the
 * collector has accepted another one of that signal, and RETRY_REFUSALS in a row at
 * most; until one is accepted again all wait, and are tried more and more rarely.
 *
 * One batch that fails for ever, in whatever way (a gateway that dies of it answers 502),
 * must not hold up the others: after RETRY_TRIES the ones behind it are tried in
 * turns with it. When one of them is accepted, those before it that fail are not to be
 * blamed on the collector: they are passed over, and tried later. Otherwise the oldest
 * goes first. OTLP requires no order; our metrics are cumulative, so that a late point
 * costs resolution only, and receivers for old points need them anyway after an outage.
 */
#ifndef EDGELAT_SHIP_RETRY_H
#define EDGELAT_SHIP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_TRIES    3
#define RETRY_REFUSALS 10

struct retry {         /* start with { 0 } */
    unsigned failures; /* in a row */
    uint64_t after;    /* the next one is the oldest behind this id; 0: the oldest */
    uint64_t head;     /* id that failed first of them */
    uint64_t scout;    /* ... and the last one behind it */
    unsigned scouts;   /* so many were tried behind it */
    uint64_t suspects; /* up to this id: one behind them was accepted first */
};

enum retry_act {
    RETRY_WAIT,      /* it stays, back off */
    RETRY_PASS_OVER, /* try it later, and others now */
    RETRY_SET_ASIDE, /* it is refused for good */
};

void retry_accepted(struct retry *p, uint64_t id);

/* A failure that may be the batch's. `refused`: the collector says that it is; `trusted`:
 * it has accepted others of that signal; `newest`: id of the last one that waits. */
enum retry_act retry_failed(struct retry *p, uint64_t id, bool refused, bool trusted,
                            uint64_t newest);

/* There is none behind `after`. */
void retry_wrap(struct retry *p);

#endif
