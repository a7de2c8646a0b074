/*
 * Sends probes of every kind and reports results: the daemon, the command line and the
 * benchmarks use this one object. It keeps the waiting time of each probe, so a kind needs
 * no timer.
 */
#ifndef EDGELAT_PROBE_PROBER_H
#define EDGELAT_PROBE_PROBER_H

#include "probe/probe.h"

#include <uv.h>

/* A probe that has no answer when its waiting time ends is watched for this time, so that a
 * late answer is counted; at most PROBER_LATE_MAX probes are. */
#define PROBER_LATE_NS  (10 * NS_PER_S)
#define PROBER_LATE_MAX 256

/*
 * PROBER_IN_SLOTS: who sends probes does so at prober_slot_end(), so that the probes that are
 * due within one slot leave together, and wakes the process at most once a slot. A slot is
 * stretched, as waking up is what costs, as long as no more than PROBER_TOGETHER are due in
 * it: half of a full-size packet, so that they do not wait for each other on a slow line. Replies
 * are read together too: PROBER_LOOK_NS after the first probe that is unread, or after the
 * shortest delay seen if that is longer; somewhat sooner if probes are sent then anyway, or
 * if PROBER_UNREAD_MAX are unread. What has not come by then is looked for ever more rarely,
 * and always before a probe is called lost: a reply that came in time counts, whenever it
 * is read. Results come that much later; their times and delays are the same.
 */
#define PROBER_SLOT_NS     (10 * NS_PER_MS)
#define PROBER_SLOT_MAX_NS (40 * NS_PER_MS)
#define PROBER_TOGETHER    8
#define PROBER_LOOK_NS     (150 * NS_PER_MS)
#define PROBER_UNREAD_MAX  32

/* How long slots are when `n` probes were sent in that time. */
int64_t prober_slot_ns(size_t n, int64_t within_ns);

struct prober;

struct mono prober_slot_end(const struct prober *p, struct mono at); /* of its slot */

struct prober_events {
    /* One for each prober_send(), later, never from inside it. `result` is valid during
     * the call. */
    void (*on_result)(const struct result *result, void *user);
    /* Late or duplicate answers; may be NULL. */
    void (*on_after)(uint32_t stream, enum counter what, void *user);
    void *user;
    /* This host was too busy to read all packets; may be NULL. Must not destroy the
     * prober. */
    void (*on_busy)(void *user);
    enum prober_reading reading;
};

/*
 * Nothing is opened yet. `kinds` (the table of probe/kinds.h, or a test's own),
 * `resolver` and `http` outlive the prober; a kind's number is its place in `kinds`.
 */
struct prober *prober_create(uv_loop_t *loop, const struct probe_kind *const kinds[],
                             size_t n_kinds, struct resolver *resolver, struct http *http,
                             struct prober_events events);

/* No callback after it returns; probes under way are forgotten. May be called from inside
 * a callback. NULL is fine. */
void prober_destroy(struct prober *p);

/*
 * Opens a kind's sockets, if they are not open. Returns 0, or -errno with one plain
 * sentence in `why` (what is missing and the next step). If it was not called, prober_send()
 * opens them; while that fails, results are OUTCOME_NOT_MEASURED with the sentence as their cause.
 */
int prober_open(struct prober *p, size_t kind, char *why, size_t why_size);

/* Sends one probe of `target` to `to`. `target` outlives the prober: late answers. */
void prober_send(struct prober *p, uint32_t stream, size_t kind,
                 const struct target *target, const struct endpoint *to);

/* Reads what has come by now, as before a window closes; results come from inside. Not from
 * inside a callback. Does nothing with PROBER_AT_ONCE. */
void prober_read(struct prober *p);

size_t prober_under_way(const struct prober *p);

struct prober_counters { /* of reported results; refused ones are in `sent` only */
    uint64_t sent, answered, lost, not_measured;
    uint64_t foreign;             /* packets like answers that are not ours */
    uint64_t damaged;             /* answers whose payload was not what was sent */
    uint64_t timestamp_fallbacks; /* kernel stamps that were missing or wrong */
};

struct prober_counters prober_counters(const struct prober *p);

#endif
