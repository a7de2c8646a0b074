/*
 * Keeps the targets' names resolved, each in the families that are wanted: asks again
 * when the TTL ends, with back-off and full jitter where there is no answer, and keeps
 * the address in use for as long as it is among the answers, as a round robin is no
 * change. Once for each new address, but at most once an hour, it tries the decoy port
 * (core/intercept.h).
 */
#ifndef EDGELAT_NAMES_H
#define EDGELAT_NAMES_H

#include "core/batch.h"
#include "net/resolver.h"

#include <uv.h>

struct named { /* the answer for a target's family */
    enum family family;
    struct endpoint to; /* the address to use from now on; FAMILY_NONE: there is none */
    struct endpoint unfit; /* where there is none: what was answered instead, which is the
                              address of nobody (resolution_choose()) */
    char pop[POP_TEXT_MAX];     /* that the name or its CNAMEs show, "" if none */
    const char *last;           /* of the CNAMEs; the host where there is none */
    const struct endpoint *all; /* of the answer */
    size_t n_all;
    struct asked asked;
};

struct names_events {
    void (*on_named)(size_t target, const struct named *answer, void *user);
    void (*on_decoy)(size_t target, enum family family, int64_t handshake_ns, void *user);
    void *user;
};

struct names;

/* For at most `room` targets; `loop` and `resolver` outlive it. */
struct names *names_create(uv_loop_t *loop, struct resolver *resolver, size_t room,
                           struct names_events events);
void names_destroy(struct names *n); /* no callback after it returns */

/* `target` is borrowed; its name is asked for with the next names_tick(). */
void names_add(struct names *n, size_t number, const struct target *target);

/* Asks for what is due. Answers come later, never from inside. */
void names_tick(struct names *n, struct mono now);

/* All names are due now, also those whose TTL has not ended and that do not exist. */
void names_ask_all(struct names *n, struct mono now);

/* While paused, which it is at first, nothing is asked for and no decoy tried; what is
 * under way is given up. */
void names_pause(struct names *n, bool paused);

/* The target is not asked for any more, until names_wake(). */
void names_rest(struct names *n, size_t number);
void names_wake(struct names *n, size_t number, struct mono now);

/* Why the target has no address, as a clause: each family that is wanted has failed when
 * it was asked for last. NULL: it has one, or an answer is still awaited. */
const char *names_failure(const struct names *n, size_t number);

struct names_counters {
    uint64_t lookups, failures;
};
struct names_counters names_counters(const struct names *n);

#endif
