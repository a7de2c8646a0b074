/*
 * The contract between the prober and a kind of probe. A kind sends one probe and says
 * once what came of it; waiting time, loss, accounting and clean-up are the prober's. A
 * new kind is one folder that defines a struct probe_kind, and one line in the table of
 * kinds (probe/kinds.c).
 *
 *     prober_send() -> kind->start(x) -> ... -> exchange_done(x, ...) -> result callback
 *                           or: waiting time over -> kind->abort(x) -> result callback:
 * loss
 */
#ifndef EDGELAT_PROBE_PROBE_H
#define EDGELAT_PROBE_PROBE_H

#include "core/counter.h"
#include "core/kind.h"
#include "core/result.h"
#include "core/target.h"
#include "net/http.h"
#include "net/resolver.h"

#include <uv.h>

/* What kinds share; all of it outlives the prober. */
struct probe_tools {
    uv_loop_t *loop;
    struct resolver *resolver; /* for the `dns` delay of HTTPS */
    struct http *http;
    struct prober *prober; /* for prober_after() */
};

/* One probe under way. Made and freed by the prober. */
struct exchange {
    const struct target *target; /* borrowed; outlives the exchange */
    struct endpoint to;
    void *kind_state;     /* what kind->open() made */
    struct mono started;  /* just before kind->start() */
    struct mono sent;     /* as `started`; a kind that sends later says when. The waiting
                             time counts from here. */
    struct result result; /* a kind may fill pop, cause, http, lost_packets, kernel_time,
                             and time (when it set `sent`) */
    void *own;            /* the kind's, of this exchange; NULL at first */
    bool unheard; /* set by abort(): the answer may have come, and this host dropped
                             it. Not measured instead of lost; events.on_busy() comes. */
};

struct probe_kind {
    struct kind kind; /* its words, for the core */

    /*
     * Opens what all exchanges share (sockets). Returns 0 or -errno, then with one plain
     * sentence in `why`: what is missing and the next step. `*state` goes into
     * exchange.kind_state.
     */
    int (*open)(void **state, const struct probe_tools *tools, char *why,
                size_t why_size);

    /* Sends. exchange_done() comes exactly once, later, unless aborted before; never from
     * inside. */
    void (*start)(struct exchange *x);

    /* The waiting time is over, or the prober ends: forget `x`; exchange_done() must not
     * come any more. It is a loss, unless the kind sets result.outcome to
     * OUTCOME_REPLY: what counts as an answer came, and only the rest did not. */
    void (*abort)(struct exchange *x);

    /* No exchange is left. The memory goes when the loop has closed the handles, so that
     * a prober may be destroyed from inside a callback that the kind's own code made. */
    void (*close)(void *state);
};

/*
 * The end of an exchange: `delays` in the order of the kind's names, as many as it has
 * (NULL: all undefined). A reply whose first delay is longer than the waiting time
 * becomes a loss and a late answer, however busy the loop was. A kind that finds out
 * inside start() that it cannot send calls exchange_defer() instead, which makes the
 * prober report `outcome` on the next turn of the loop; abort() does not come then.
 * Either way `x` must not be touched by the kind again.
 */
void exchange_done(struct exchange *x, enum outcome outcome, const int64_t *delays);
void exchange_defer(struct exchange *x, enum outcome outcome);

/* What came after a result was given, for the stream it belonged to: COUNTER_LATE or
 * COUNTER_DUPLICATES. It changes counts, never a delay. */
void prober_after(struct prober *p, uint32_t stream, enum counter what);

/* What a kind counts in struct prober_counters. */
void prober_count_foreign(struct prober *p);
void prober_count_damaged(struct prober *p);
void prober_count_fallback(struct prober *p);

#endif
