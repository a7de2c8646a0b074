/*
 * The contract between the prober and a kind of probe. A kind sends one probe and reports
 * its outcome once; the prober does waiting time, loss, accounting and clean-up. A new kind is one folder that defines a struct probe_kind, and one line in the table of
 * kinds (probe/kinds.c).
 *
 *     prober_send() -> kind->start(x) -> ... -> exchange_done(x, ...) -> result callback
 *                           or: waiting time over -> kind->abort(x) -> result: loss
 */
#ifndef EDGELAT_PROBE_PROBE_H
#define EDGELAT_PROBE_PROBE_H

#include "core/counter.h"
#include "core/kind.h"
#include "core/result.h"
#include "core/target.h"
#include "net/http.h"
#include "net/resolver.h"
#include "net/stamps.h"

#include <uv.h>

/* When replies are read. Their times are the kernel's, so reading late costs no accuracy. */
enum prober_reading {
    /* As soon as they come: for a person who waits. */
    PROBER_AT_ONCE,
    /*
     * Many at a time: for the agent, as waking up is most of the cost of a probe, and what
     * the caches do not have most of the rest. See prober.h.
     */
    PROBER_IN_SLOTS,
};

/* What kinds share; all of it outlives the prober. */
struct probe_tools {
    uv_loop_t *loop;
    struct resolver *resolver; /* for the `dns` delay of HTTPS */
    struct http *http;
    struct prober *prober; /* for prober_after() */
    enum prober_reading reading;
};

/* One probe under way. Made and freed by the prober. */
struct exchange {
    const struct target *target; /* borrowed; outlives the exchange */
    int64_t waiting_ns;          /* of this kind of the target */
    struct endpoint to;
    void *kind_state;    /* what kind->open() made */
    struct mono started; /* just before kind->start() */
    /* As `started`; a kind that sends later sets it. The waiting time counts from here. */
    struct mono sent;
    /* A kind may fill pop, cause, http, lost_packets, kernel_time, and time if it set
     * `sent`. */
    struct result result;
    void *own; /* the kind's, of this exchange; NULL at first */
    /* For a kind that sends one packet: its transmit stamps, as they come, their key, and
     * what its socket had dropped when it was sent. */
    struct exchange_packet {
        struct stamps stamps;
        uint32_t key, drops;
    } packet;
    /* Set by abort(): this host may have dropped the answer. Then the result is "not
     * measured" instead of loss, and events.on_busy() comes. */
    bool unheard;
};

struct probe_kind {
    struct kind kind; /* its description, for the core */

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

    /*
     * The waiting time is over. Fills in the result like abort(), but the exchange goes on,
     * for at most PROBER_LATE_NS: exchange_done() then only counts a late answer. The
     * result is a loss unless the kind sets its outcome; abort() follows at once if that
     * is not OUTCOME_SLOW. NULL: abort() comes instead (the kind counts late answers
     * itself, or not at all).
     */
    void (*overdue)(struct exchange *x);

    /* The waiting time is over, or the prober ends: forget `x`; exchange_done() must not be
     * called any more. It is a loss, unless the kind sets result.outcome to OUTCOME_REPLY:
     * the answer came, only the rest of it did not. */
    void (*abort)(struct exchange *x);

    /*
     * PROBER_IN_SLOTS only. read(): what has come to the sockets; exchange_done() comes from
     * inside. NULL: the kind watches its sockets on the loop in both modes. send(): what
     * start() has queued; NULL: it queues nothing.
     */
    void (*read)(void *state);
    void (*send)(void *state);

    /* No exchange is left. Memory is freed when the loop has closed the handles, so that a
     * prober may be destroyed from inside a callback of the kind. */
    void (*close)(void *state);
};

/*
 * The end of an exchange: `delays` in the order of the kind's names, as many as it has
 * (NULL: all undefined). A reply whose first delay is longer than the waiting time
 * becomes a loss and a late answer, however busy the loop was; one whose main delay is
 * longer becomes OUTCOME_SLOW and a late answer. A kind that cannot send
 * calls exchange_defer() inside start() instead: the prober reports `outcome` on the next
 * turn of the loop, and abort() does not come.
 * Either way `x` must not be touched by the kind again.
 */
void exchange_done(struct exchange *x, enum outcome outcome, const int64_t *delays);
void exchange_defer(struct exchange *x, enum outcome outcome);

/* Says why no reply has counted yet; it stays the cause if none comes. NULL is fine. */
__attribute__((format(printf, 2, 3))) void exchange_note(struct exchange *x,
                                                         const char *format, ...);

/* A reply after its result: COUNTER_LATE or COUNTER_DUPLICATES of its stream. It changes
 * counts, never a delay. */
void prober_after(struct prober *p, uint32_t stream, enum counter what);

/*
 * The last round-trip delay to an address that a kind measured for certain, or 0. It tells
 * what a TCP that sends again cannot (probe/tcp/resent.h). The prober keeps some hundreds.
 */
void prober_set_rtt(struct prober *p, const struct endpoint *to, int64_t rtt_ns);
int64_t prober_rtt_ns(const struct prober *p, const struct endpoint *to);

/* Counters of struct prober_counters that kinds count. */
void prober_count_foreign(struct prober *p);
void prober_count_damaged(struct prober *p);
void prober_count_fallback(struct prober *p);

#endif
