/*
 * What is logged about shipping to one collector: a change of state once, repeats at
 * debug, and after refused batches their number and times. Another reason in the same
 * state is logged too; but some collectors put a time or a series name into it, so that no
 * two are alike: SHIP_LOG_WORDINGS reasons are logged for one HTTP status. Also keeps the
 * last state, for `edgelat status`.
 */
#ifndef EDGELAT_SHIP_LOG_H
#define EDGELAT_SHIP_LOG_H

#include "core/time.h"
#include "otlp/signal.h"
#include "ship/verdict.h"

#include <stdbool.h>
#include <stdint.h>

#define SHIP_LOG_WORDINGS 3

struct ship_log { /* start with { 0 } */
    struct ship_log_signal {
        bool begun;
        /* The last verdict, its HTTP status and reason. The same is not logged twice. */
        enum verdict_kind state;
        int status;
        char why[320];
        unsigned wordings; /* reasons logged for that status */
        const char *step;  /* what to do; static */
        /* Points or records of the last accepted batch that were rejected, and why. */
        int64_t rejected;
        char reason[200];
        /* Batches refused in a row, and the times of the first and the last one. */
        uint64_t refused;
        struct wall refused_from, refused_to;
    } of[SIGNALS];
    struct wall accepted;    /* when a batch was, last; 0: never */
    struct wall last_answer; /* or last failure; 0: nothing was sent */
    enum signal signal;      /* of that batch */
};

/* `host`: of the collector; `signal`: of the batch; `waiting`: batches left. */
void ship_log_accepted(struct ship_log *s, enum signal signal, const char *host,
                       const struct verdict *v, uint64_t waiting);
void ship_log_refused(struct ship_log *s, enum signal signal, const char *host,
                      const struct verdict *v, struct wall batch, uint64_t waiting);
/* `change`: log it even if the failure is the same, as `what_now` is new. */
void ship_log_failed(struct ship_log *s, enum signal signal, const char *host,
                     const struct verdict *v, const char *what_now, bool change,
                     uint64_t waiting);

#endif
