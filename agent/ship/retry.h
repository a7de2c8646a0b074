/*
 * Which batch of a signal is sent next after a failure, and whether a refusal counts
 * against the batch. Pure; one for each signal.
 *
 * A refusal may concern the batch, or the set-up: a wrong path, a limit or an unknown
 * tenant refuse every batch. So a batch is set aside only if the collector has accepted
 * another one of that signal, and at most RETRY_REFUSALS in a row; then all wait, with
 * back-off, until one is accepted.
 *
 * A batch that always fails (for example a gateway that crashes on it and answers 502)
 * must not block the others: after RETRY_TRIES failures the batches behind it are tried
 * in turns with it. When one of those is accepted, failing ones before it are passed over
 * and tried later. Otherwise the oldest is sent first. OTLP requires no order. The metrics
 * are cumulative, so a late point costs resolution only; receivers must accept old points
 * anyway after an outage.
 */
#ifndef EDGELAT_SHIP_RETRY_H
#define EDGELAT_SHIP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_TRIES    3
#define RETRY_REFUSALS 10

struct retry {         /* start with { 0 } */
    unsigned failures; /* in a row */
    uint64_t after;    /* send the oldest one behind this id; 0: the oldest of all */
    uint64_t head;     /* id of the first one that failed */
    uint64_t scout;    /* id of the last one tried behind it */
    unsigned scouts;   /* number tried behind it */
    uint64_t suspects; /* ids up to this failed while a later one was accepted */
};

enum retry_act {
    RETRY_WAIT,      /* keep it, back off */
    RETRY_PASS_OVER, /* send others now, this one later */
    RETRY_SET_ASIDE, /* it is refused */
};

void retry_accepted(struct retry *p, uint64_t id);

/* A failure that may be due to the batch. `refused`: the collector refused it; `trusted`:
 * it has accepted others of that signal; `newest`: id of the newest waiting batch. */
enum retry_act retry_failed(struct retry *p, uint64_t id, bool refused, bool trusted,
                            uint64_t newest);

/* No batch is left behind `after`: start again with the oldest. */
void retry_wrap(struct retry *p);

#endif
