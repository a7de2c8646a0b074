/*
 * What the log says of the shipping to one collector: a change of state once, repeats at
 * debug, and after refused batches how many they were and of what time. Another reason in
 * the same state is log as well, but some collectors name a time or a series in it, so
 * that no two are alike: of one status SHIP_LOG_WORDINGS are log. And what it would say now,
 * for whoever asks.
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
        enum verdict_kind state; /* the last one ... */
        int status;              /* ... HTTP's of it ... */
        char why[320];           /* ... and why: the same is not log twice */
        unsigned wordings;       /* of that status, so far */
        const char *step;        /* what somebody could do then; static */
        int64_t rejected;        /* points or records of the last accepted batch ... */
        char reason[200];        /* ... and what it says of them */
        uint64_t refused;        /* batches in a row, of these times */
        struct wall refused_from, refused_to;
    } of[SIGNALS];
    struct wall accepted;    /* a batch was, last; 0: none was */
    struct wall last_answer; /* or failure; 0: nothing was tried */
    enum signal signal;      /* of that batch */
};

/* `host` is the collector, `signal` the batch's, `waiting` how many batches are left. */
void ship_log_accepted(struct ship_log *s, enum signal signal, const char *host,
                       const struct verdict *v, uint64_t waiting);
void ship_log_refused(struct ship_log *s, enum signal signal, const char *host,
                      const struct verdict *v, struct wall batch, uint64_t waiting);
/* `change`: what comes now is new, even where the failure is not. */
void ship_log_failed(struct ship_log *s, enum signal signal, const char *host,
                     const struct verdict *v, const char *what_now, bool change,
                     uint64_t waiting);

#endif
