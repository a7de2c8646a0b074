/*
 * The measurement pipeline, pure: from the schedule of probes to the batch of a window.
 * The daemon runs it with real clocks and sockets, the simulator with scripted ones.
 *
 *     resolved --> schedule --> (caller sends) -> result --> window --> series --> batch
 *                     ^                                         |
 *                     +--------------- nearest <----------------+
 *
 * A stream is one (target, kind, family); it is paused until its target has an address of
 * that family. When a window closes, the targets are ranked by their recent windows. The
 * nearest `settings.nearest` are probed at their full interval, the others at their slow
 * one. A target without data is probed at its full interval, so that it can be ranked
 * soon. While nothing answers, the first `settings.nearest` configured targets keep the
 * full interval. A target discovered under a guessed name is ranked only after its server
 * has shown the certificate of the workload.
 *
 * A name with several addresses has one in use in each family; the others are watched by
 * a share of its probes, whose results enter no window (core/addresses.h).
 *
 * PoP of a (target, family): the PoP that an answer names (result.pop) takes precedence
 * over the one of the CNAME chain. Learning the PoP, or learning it from a better source,
 * is not a change while the address stays: the open window then goes to the series of
 * that PoP. Another PoP or another address ends the open part of the window of the target
 * and family: it is added to its own series and a new part begins, so two PoPs are never
 * mixed. After a change of address the PoP is unknown until the chain or an answer names
 * it; if the chain names the same PoP as before, the PoP that answers named is kept. A
 * result from an address no longer in use counts, but its delays are left out: they
 * belong to no open window. Values exported under "unknown" stay there: a counter that
 * moved to another series would count twice at the receiver.
 *
 * A middlebox that answers the handshakes of a target (core/intercept.h) is reported in
 * the target's state. Meanwhile the delays of handshakes are left out of the windows,
 * including the window open at its detection, and out of the ranking, which then uses
 * ICMP and TLS.
 *
 * Timestamps (window starts and ends, batch.time) follow the wall clock but never go
 * back: after the clock stepped back they advance by STAMP_STEP_NS per window until the
 * clock has caught up. If they are more than STAMP_AHEAD_NS ahead of it, the clock was
 * wrong before, as on a host that has just booted, and receivers accept nothing so far in
 * the future. Then they go back with the clock, and later start times are moved back to
 * the start of the open window.
 */
#ifndef EDGELAT_CORE_PIPELINE_H
#define EDGELAT_CORE_PIPELINE_H

#include "core/batch.h"
#include "core/budget.h"
#include "core/nearest.h"
#include "core/schedule.h"

/* Prometheus, Mimir and Loki accept timestamps up to ten minutes ahead. */
#define STAMP_STEP_NS  NS_PER_MS
#define STAMP_AHEAD_NS (300 * NS_PER_S)

/* Maximum number of targets added to the configured ones: a front door for each code of
 * the catalogue, since a host that travels may be near any. The configuration check
 * reserves send rate for PIPELINE_ADDED_AT_A_TIME of them. */
#define PIPELINE_ADDED_MAX       256
#define PIPELINE_ADDED_AT_A_TIME 64
#define PIPELINE_FULL            SIZE_MAX

/* The longest interval during a survey, as far as core/limits.h allows. */
#define SURVEY_INTERVAL_NS (2 * NS_PER_S)

/* The interval during a survey of a stream that otherwise has `interval_ns`. */
static inline int64_t survey_interval_ns(int64_t interval_ns)
{
    return interval_ns < SURVEY_INTERVAL_NS ? interval_ns : SURVEY_INTERVAL_NS;
}

/*
 * A probe sent this late, or an event loop this late, means that the host is too busy to
 * measure. Kernel timestamps are not affected; delays by our own clock (dns, tls,
 * first_byte) are then wrong by as much as the path delay itself.
 */
#define PIPELINE_LATE_NS (50 * NS_PER_MS)

/* A resumed stream is probed within this time; one whose answers name the PoP, within
 * TELLS_WITHIN_NS. */
#define FIRST_WITHIN_NS (5 * NS_PER_S)
#define TELLS_WITHIN_NS (NS_PER_S / 2)

struct pipeline;

struct pipeline_settings {
    int64_t window_ns; /* period of the windows; they close on its multiples */
    uint32_t nearest;  /* number of nearest targets probed at the full rate */
    enum pattern pattern;
    struct nearest_policy ranking;
    bool delta;        /* delta temporality: since the last batch, not since the start */
    uint32_t coarser;  /* so many scales than HISTOGRAM_SCALE are exported histograms */
    bool main_periods; /* series_set_main_periods() */
    const struct target *targets;
    size_t n_targets;
    struct budget *budget;       /* borrowed; NULL: none. Probes are taken from it. */
    struct series_reader reader; /* of the series of the batch */
};

/* Copies `settings`; its targets and `kinds` are borrowed and outlive the pipeline. */
struct pipeline *pipeline_create(const struct pipeline_settings *settings,
                                 const struct kinds *kinds, uint64_t seed,
                                 struct mono now, struct wall wall);
void pipeline_destroy(struct pipeline *p);

/*
 * Adds a discovered target to the configured ones. It is borrowed and must outlive the
 * pipeline. Returns its number, or PIPELINE_FULL. It is paused until it is resolved, and
 * again when it is resolved to FAMILY_NONE. Targets are never removed, since their series
 * continue.
 */
size_t pipeline_add(struct pipeline *p, const struct target *target);

/*
 * The addresses that DNS gives for a target's family, at most ADDRESSES_MAX, in an order
 * that stays: core/addresses.h. Call it before pipeline_resolved(), which names the one in
 * use; without it that is the only one.
 */
void pipeline_addresses(struct pipeline *p, size_t target, enum family family,
                        const struct known_address *list, size_t n);

/*
 * True when the target is better measured at another of its addresses: `*to`, to be passed
 * to pipeline_resolved() if DNS still names it. May change with each result.
 */
bool pipeline_prefers(const struct pipeline *p, size_t target, enum family family,
                      struct endpoint *to);

struct probe_request { /* send this probe now */
    uint32_t stream;
    const struct target *target;
    size_t kind;
    struct endpoint to;
};

/*
 * The resolver's answer for a target's family: the address to probe from now on
 * (FAMILY_NONE in `to.family`: none, its streams are paused) and the PoP that the CNAME
 * chain names ("": none).
 */
void pipeline_resolved(struct pipeline *p, size_t target, enum family family,
                       struct endpoint to, const char *pop, struct mono now,
                       struct wall wall);

/*
 * Sets the owner of the address of a target's family, as edge/owners.h decides it. An
 * address that is not a PoP of the edge has no PoP, whatever its chain and replies name,
 * and no rank, and is probed at the slow interval. When this changes, a new part of the
 * window begins, and earlier measurements are not used for the ranking. Call it before
 * passing on the DNS answer or the result that the decision is based on. Returns true
 * when the owner's type has changed.
 */
bool pipeline_owner(struct pipeline *p, size_t target, enum family family,
                    const struct owner *owner, struct mono now, struct wall wall);

/* Sets the issuer of the certificate that a target's family shows, and whether it is none
 * that the service uses (edge/issuers.h). */
void pipeline_issuer(struct pipeline *p, size_t target, enum family family,
                     const char *issuer, bool foreign);

/*
 * Sets the DNS answer that the address came from, which the batches carry. For a
 * configured target the first CNAME chain and each change of it create an event,
 * `edgelat.target.resolved`, at most one every RESOLVED_LEAST_NS, because some names have
 * another chain at each query.
 */
#define RESOLVED_LEAST_NS (3600 * NS_PER_S)
void pipeline_dns_answer(struct pipeline *p, size_t target, enum family family,
                         const struct dns_answer *dns, struct mono now, struct wall wall);

/*
 * A survey ranks the targets before the first window closes. Until it ends, every target
 * is probed at SURVEY_INTERVAL_NS. The ranking, at its end or in between, includes the
 * open window. Returns the states, valid until the next call on `p`.
 */
void pipeline_survey_begin(struct pipeline *p, struct mono now);
const struct target_state *pipeline_survey_rank(struct pipeline *p, size_t *n);
const struct target_state *pipeline_survey_end(struct pipeline *p, struct mono now,
                                               size_t *n);

/* While paused no probe is due, and missing answers do not count. */
void pipeline_pause(struct pipeline *p, bool paused, struct mono now);

/* The host is in another network: forgets the distances measured so far, also in the open
 * window, and probes all targets at the full rate until it ends. The series continue. */
void pipeline_moved(struct pipeline *p, struct mono now, struct wall wall);

/* The events of the open window, to which the caller may add. */
struct events *pipeline_events(struct pipeline *p);

/* The delays of the last three days, to save and to load. */
struct rolling_set *pipeline_rolling(struct pipeline *p);

/* When the next probe is due; false: none is. */
bool pipeline_next(const struct pipeline *p, struct mono *at);

/* Takes the next probe due at `now`. Call until false. */
bool pipeline_take(struct pipeline *p, struct mono now, struct probe_request *out);

const struct target *pipeline_target(const struct pipeline *p, size_t target);

/* The number of a stream's target. */
size_t pipeline_target_of(const struct pipeline *p, uint32_t stream);

/* True for a probe to an address that was not in use when it was sent: its result is
 * evidence about that address only. */
bool pipeline_only_watches(const struct pipeline *p, uint32_t stream);

void pipeline_result(struct pipeline *p, const struct result *result);
void pipeline_after(struct pipeline *p, uint32_t stream, enum counter what);

/* The result of a handshake with the decoy port of the target (core/intercept.h): its
 * delay, or DELAY_UNDEFINED when it failed, as it should. */
void pipeline_decoy(struct pipeline *p, size_t target, enum family family,
                    int64_t handshake_ns);

/* Mark the open windows: the host slept or the clock stepped; the event loop was
 * PIPELINE_LATE_NS late. */
void pipeline_interrupted(struct pipeline *p);
void pipeline_busy(struct pipeline *p);

/*
 * When to close the open window: at the next multiple of settings.window_ns after it was
 * opened. 1970 (at once) when it has been open for longer than a window by the monotonic
 * clock: then the wall clock was stepped back, and would take too long to reach it.
 */
struct wall pipeline_closing(const struct pipeline *p);

/*
 * Closes the window at `wall` (on time, late, or early when the agent stops), ranks the
 * targets, sets the schedule, and returns the batch to export: a view, valid until the
 * next call on `p`.
 */
const struct batch *pipeline_close(struct pipeline *p, struct mono now, struct wall wall);

#endif
