/*
 * The pure whole, from what is due to what goes into the batch. The daemon turns it with
 * real clocks and sockets, the simulator with scripted ones: it is the same object.
 *
 *     resolved --> schedule --> (shell sends) --> result --> window --> series --> batch
 *                     ^                                         |
 *                     +--------------- nearest <----------------+
 *
 * A stream is one (target, kind, family); it rests until its target has an address of
 * that family. When a window closes the targets are ranked by their recent windows; the
 * nearest `settings.nearest` are probed at their full interval, the others at their slow
 * one, and one of which nothing is known yet at its full one, so that it can be ranked
 * soon. While nothing answers, as many of the configured ones are. One that was
 * discovered under another server's name is ranked once that one's certificate is shown.
 *
 * PoP of a (target, family): what the answer says (result.pop) goes over what the CNAME
 * chain shows. To learn it, or to learn it better, is no change while the address stays:
 * the open window then goes to the series of that name. Another PoP, or another address,
 * ends the part of the window that is open for the target and family: it goes to the
 * series it belongs to and a new part begins, so two PoPs are never blended. After
 * another address the PoP is unknown until the chain or an answer tells it; where the
 * chain shows the same PoP as before, what the answers told stays known. A result of an
 * address that is not in use any more counts, but its delays are left out: they belong to
 * no open window. What has been exported under "unknown" stays there, as a counter that
 * changed its name would count twice at the receiver.
 *
 * A middlebox that answers the handshakes of a target (core/intercept.h) is named in the
 * target's state. While it does, their delays are left out of the windows, also of the
 * one that is open when it is found out, and out of the ranking, which then goes by ICMP
 * and TLS.
 *
 * Stamps (window starts and ends, batch.time) follow the wall clock but do not go back:
 * when it stepped back they advance by STAMP_STEP_NS a window until it has caught up.
 * Where that would be past STAMP_AHEAD_NS the clock was wrong before, as that of a host
 * is that has just started: receivers take nothing from so far in the future. Then they
 * go back with it, and what began later than the open window by that clock began with it.
 */
#ifndef EDGELAT_CORE_PIPELINE_H
#define EDGELAT_CORE_PIPELINE_H

#include "core/batch.h"
#include "core/nearest.h"
#include "core/schedule.h"

/* Prometheus, Mimir and Loki take what is up to ten minutes ahead. */
#define STAMP_STEP_NS  NS_PER_MS
#define STAMP_AHEAD_NS (300 * NS_PER_S)

/* So many targets can be added to those of the configuration: a front door for each code
 * of the catalogue, as a host that travels may be near any. The configuration leaves room
 * in the traffic for so many of them at a time. */
#define PIPELINE_ADDED_MAX       256
#define PIPELINE_ADDED_AT_A_TIME 64
#define PIPELINE_FULL            SIZE_MAX

/* While a survey is under way, no interval is longer, as far as core/limits.h allows. */
#define SURVEY_INTERVAL_NS (2 * NS_PER_S)

/* The interval during a survey of what has `interval_ns` otherwise. */
static inline int64_t survey_interval_ns(int64_t interval_ns)
{
    return interval_ns < SURVEY_INTERVAL_NS ? interval_ns : SURVEY_INTERVAL_NS;
}

/*
 * A probe that goes out that late, or a loop that turns that late, means a host too busy
 * to measure. Kernel stamps do not mind; what our own clock says (dns, tls, first_byte)
 * is then wrong by as much as the way itself takes.
 */
#define PIPELINE_LATE_NS (50 * NS_PER_MS)

/* A stream that rested is probed so soon; one whose answers name the PoP, before that. */
#define FIRST_WITHIN_NS (5 * NS_PER_S)
#define TELLS_WITHIN_NS (NS_PER_S / 2)

struct pipeline;

struct pipeline_settings {
    int64_t window_ns; /* period of the windows; they close on its multiples */
    uint32_t nearest;  /* number of nearest targets probed at the full rate */
    enum pattern pattern;
    struct nearest_policy ranking;
    bool delta; /* series count since the last batch, not since the start */
    const struct target *targets;
    size_t n_targets;
};

/* Copies `settings`; its targets and `kinds` are borrowed and outlive the pipeline. */
struct pipeline *pipeline_create(const struct pipeline_settings *settings,
                                 const struct kinds *kinds, uint64_t seed,
                                 struct mono now, struct wall wall);
void pipeline_destroy(struct pipeline *p);

/*
 * Adds a target to those of the configuration: one that was discovered. It is borrowed
 * and outlives the pipeline. Returns its number, or PIPELINE_FULL. It rests until it is
 * resolved, and again when it is resolved to FAMILY_NONE; it is never taken away, as its
 * series go on.
 */
size_t pipeline_add(struct pipeline *p, const struct target *target);

struct probe_request { /* send this probe now */
    uint32_t stream;
    const struct target *target;
    size_t kind;
    struct endpoint to;
};

/*
 * The resolver's answer for a target's family: the address to probe from now on
 * (FAMILY_NONE in `to.family`: there is none, its streams rest) and the PoP that the
 * name's CNAME chain shows, "" if none.
 */
void pipeline_resolved(struct pipeline *p, size_t target, enum family family,
                       struct endpoint to, const char *pop, struct mono now,
                       struct wall wall);

/*
 * What answers at the address of a target's family, as edge/owners.h decides it. What is
 * no PoP of the edge has no PoP, whatever its chain and its replies name, no rank, and is
 * probed at the slow interval. When that changes, a new part of the window begins, and
 * what was measured before says nothing about the distance. Tell it ahead of the answer
 * or the result that it came of.
 * True when it is another kind than before.
 */
bool pipeline_owner(struct pipeline *p, size_t target, enum family family,
                    const struct owner *owner, struct wall wall);

/*
 * What was asked for that address; the batches carry it. For a target of the
 * configuration another chain of CNAMEs is an event, `edgelat.target.resolved`, also the
 * first one; no more often than each RESOLVED_LEAST_NS, as some names lead along another
 * one each time.
 */
#define RESOLVED_LEAST_NS (3600 * NS_PER_S)
void pipeline_dns_answer(struct pipeline *p, size_t target, enum family family,
                         const struct dns_answer *dns, struct mono now, struct wall wall);

/*
 * A survey: a first look at what is near, sooner than windows close. Until it ends every
 * target is probed at SURVEY_INTERVAL_NS; then all are ranked by what came so far, the
 * open window included, as they can be in between. Returns the states, valid until the
 * next call on `p`.
 */
void pipeline_survey_begin(struct pipeline *p, struct mono now);
const struct target_state *pipeline_survey_rank(struct pipeline *p, size_t *n);
const struct target_state *pipeline_survey_end(struct pipeline *p, struct mono now,
                                               size_t *n);

/* While it is paused all streams rest: nothing is due, and no silence counts. */
void pipeline_pause(struct pipeline *p, bool paused, struct mono now);

/* The host is in another network: what was measured until now, also in the open window,
 * says nothing about where the targets are from here. Their series go on. */
void pipeline_moved(struct pipeline *p, struct wall wall);

/* The events of the open window: who turns the pipeline may add what it knows. */
struct events *pipeline_events(struct pipeline *p);

bool pipeline_next(const struct pipeline *p,
                   struct mono *at); /* when pipeline_take() has something */
bool pipeline_take(struct pipeline *p, struct mono now,
                   struct probe_request *out); /* call until false */

const struct target *pipeline_target(const struct pipeline *p, size_t target);

/* The number of the target that a stream is of. */
size_t pipeline_target_of(const struct pipeline *p, uint32_t stream);

void pipeline_result(struct pipeline *p, const struct result *result);
void pipeline_after(struct pipeline *p, uint32_t stream, enum counter what);

/* What came of a handshake with a port of the target that nobody serves: its delay, or
 * DELAY_UNDEFINED when there was none, as there should be. */
void pipeline_decoy(struct pipeline *p, size_t target, enum family family,
                    int64_t handshake_ns);

/* The host slept or the clock stepped; the loop came PIPELINE_LATE_NS late to something.
 * The windows say so. */
void pipeline_interrupted(struct pipeline *p);
void pipeline_busy(struct pipeline *p);

/*
 * When the open window is to be closed: the next multiple of settings.window_ns after it
 * was opened. 1970 (at once) when it has been open for longer than a window by the
 * monotonic clock: then the wall clock was stepped back, and would take too long to get
 * there.
 */
struct wall pipeline_closing(const struct pipeline *p);

/*
 * Closes the window at `wall` (on time, late, or early at the end of the agent), ranks,
 * sets the schedule, and returns what is to be exported: a view, valid until the next
 * call on `p`.
 */
const struct batch *pipeline_close(struct pipeline *p, struct mono now, struct wall wall);

#endif
