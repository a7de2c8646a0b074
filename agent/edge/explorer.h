/*
 * Decides which targets are probed, at which addresses, and when to survey. Pure, and run
 * like the pipeline: explorer_next() returns when it is due, explorer_take() one step to
 * carry out; results, answers and changes are only recorded, so that nothing starts from
 * inside a callback. One struct per target holds its whole life: the explorer alone
 * decides whether a target is probed.
 *
 * Targets are the configured ones, the workloads that are not configured, and the nearest
 * front doors by metro that a sweep (doors.h) found. Each name is resolved again when its
 * TTL ends, with back-off and full jitter if no server answers. The address in use is
 * kept while it is among the answers: round robin is not a change. A front door that the
 * workload's own name resolves to is the same target and not probed twice.
 *
 * Where an HTTP proxy carries everything, a target is used by its name without a lookup,
 * and DNS that does not answer for outside names is asked rarely.
 *
 * A survey probes every target at a short interval for some seconds, so that all can be
 * ranked: at the start, every hour, when the host is in another network, and when a PoP
 * or a delay has changed, but at most one a minute. A sweep runs at the start, once a
 * day, in another network, and when the route of its family goes or comes; a restart resumes what the last one found
 * (kept_doors.h). One that finds nothing is repeated, at intervals that double.
 */
#ifndef EDGELAT_EDGE_EXPLORER_H
#define EDGELAT_EDGE_EXPLORER_H

#include "config/config.h"
#include "config/resolv_conf.h"
#include "core/batch.h"
#include "core/damping.h"
#include "core/resolution.h"
#include "core/result.h"
#include "edge/doors.h"
#include "edge/edge_data.h"

#include <stdbool.h>
#include <stddef.h>

/* How long a survey lasts; the shortest time between two of them; and the longest. */
#define SURVEY_NS       (10 * NS_PER_S)
#define SURVEY_LEAST_NS (60 * NS_PER_S)
#define SURVEY_EVERY_NS (3600 * NS_PER_S)

/* A survey goes on for so long after front doors were added. */
#define SURVEY_ADDED_NS (5 * NS_PER_S)

#define SWEEP_EVERY_NS (24 * 3600 * NS_PER_S)
#define SWEEP_LEAST_NS (300 * NS_PER_S) /* in a network that keeps changing */

struct explorer_pace {
    int64_t gap_ns;    /* between two lookups, and between two handshakes, of a sweep */
    int64_t choose_ns; /* front doors are chosen after so long, even if the sweep has not
                          ended; 0: when it has ended */
};

struct explorer;

/* `config`, `edge_data` and `kinds` are borrowed and outlive it. It is paused at
 * first. */
struct explorer *explorer_create(const struct config *config,
                                 const struct edge_data *edge_data,
                                 const struct kinds *kinds, struct explorer_pace pace,
                                 uint64_t seed);
void explorer_destroy(struct explorer *e); /* NULL is fine */

enum explorer_action {
    /* Add `target` to the pipeline, as its next number, `number`. */
    EXPLORER_ADD,
    /* Look `host` up in `family`; then explorer_answer(). */
    EXPLORER_RESOLVE,
    /* Probe `number` in `family` at `to` from now on. `changed`: another address than
     * before. What answers there may have changed: explorer_owner(). */
    EXPLORER_USE,
    /* `number` has no address of `family`; explorer_owner() too. */
    EXPLORER_STOP,
    /* To log: the lookup failed with `error`. `changed`: for the first time. `to`: the
     * address that is still probed. */
    EXPLORER_FAILED,
    /* One handshake with `to`, a decoy port (core/intercept.h); then explorer_decoy(). */
    EXPLORER_DECOY,
    /* One handshake with `to`, a front door; then explorer_handshake(). */
    EXPLORER_HANDSHAKE,
    /* Another network: what was measured holds no more. `error` says what changed;
     * `damping` DAMPING_REPORT_UNSTABLE: further changes to and fro are not reported. */
    EXPLORER_MOVED,
    /* To log, once: no DNS server answers the sweep, which is tried again
     * ever more rarely, and when the name of a workload with front doors is answered. */
    EXPLORER_UNANSWERED,
    EXPLORER_SURVEY_BEGIN,
    EXPLORER_SURVEY_END, /* rank; then explorer_ranked() */
    /* A whole sweep has found front doors: explorer_keep(). */
    EXPLORER_SWEPT,
    /* To log: what was resumed does not fit the delays here; all is swept again. */
    EXPLORER_FORGOTTEN,
};

struct explorer_step { /* texts are valid until the next call on the explorer */
    enum explorer_action action;
    size_t ref; /* of what was asked for: give it back with the answer */
    size_t number;
    const struct target *target; /* NULL for lookups and handshakes of a sweep */
    const char *host;
    enum family family;
    uint16_t port;
    struct endpoint to;
    bool changed;
    const char *error;
    /* EXPLORER_USE: the addresses of the name, for pipeline_addresses(). */
    const struct known_address *known;
    size_t n_known;
    const char *pop; /* that the chain shows, "" if none */
    const struct dns_answer *dns;
    enum damping_action damping;
};

/* When explorer_take() has something; false: not before an input comes. Call take until
 * false. */
bool explorer_next(const struct explorer *e, struct mono *at);
bool explorer_take(struct explorer *e, struct mono now, struct explorer_step *out);

/*
 * Resumes the sweep of an earlier process, which ended `age_ns` ago in this network,
 * instead of a first one. Call it before anything is taken. False: doors_resume().
 */
bool explorer_resume(struct explorer *e, const struct kept_doors *kept, int64_t age_ns,
                     struct mono now);

/* doors_keep() of the last sweep. */
bool explorer_keep(const struct explorer *e, struct kept_doors *out);

/* ---- inputs: each is only noted ---- */

/*
 * The default gateway of the host in a family, FAMILY_NONE in `at`: there is none. From the
 * first one on it is a target, GATEWAY_NAME, probed by ICMP; it is never looked up. Without
 * a kind called "icmp", or where too many targets are known, nothing follows.
 */
#define GATEWAY_INTERVAL_NS (2 * NS_PER_S)
void explorer_gateway(struct explorer *e, enum family family, const struct endpoint *at);

/*
 * The DNS servers of the host, each with the scope that a link-local address needs: each is
 * a target of the kind "dns", "dns-192.0.2.53", that is never looked up; one that has left
 * the list is not probed any more. Not for those that are configured as targets. After
 * RESOLVERS_EVER_MAX different ones no more are added. A median above RESOLVER_DELAY_NS is
 * degraded: from there on people notice a delay (Nielsen 1993, "Usability Engineering",
 * chapter 5), and each new connection has it.
 */
#define RESOLVER_INTERVAL_NS  (60 * NS_PER_S)
#define RESOLVER_DELAY_NS     (100 * NS_PER_MS)
#define RESOLVER_DELAY_SOURCE "edgelat: a DNS server delays each new connection"
#define RESOLVERS_EVER_MAX    24
void explorer_resolvers(struct explorer *e, const struct dns_server *servers, size_t n);

/* The target of a DNS server; NULL: none. */
const struct target *explorer_resolver(const struct explorer *e,
                                       const struct dns_server *server);

void explorer_answer(struct explorer *e, size_t ref, enum family family,
                     const struct resolution *r, struct mono now);
void explorer_decoy(struct explorer *e, size_t ref, enum family family, bool answered);
void explorer_handshake(struct explorer *e, size_t ref, int64_t rtt_ns);

/* A result of the target with this number. True: explorer_owner() may be another one now,
 * and explorer_next() sooner. */
bool explorer_result(struct explorer *e, size_t number, const struct result *r);

/* What pipeline_prefers() says; a step EXPLORER_USE follows if DNS still names `to`. */
void explorer_prefer(struct explorer *e, size_t number, const struct endpoint *to);

/* After a survey: the states, ranked. */
void explorer_ranked(struct explorer *e, const struct target_state *states, size_t n,
                     struct mono now);

/*
 * The network of the host changed, `what` is for the log. `moved`: `place` says where the
 * host is now; else a link in use was down for a moment. A host that goes to and fro
 * between the same addresses, or whose link flaps, is damped: otherwise nothing would
 * ever be known. A place where it was not before always counts. False: damped, nothing
 * follows.
 */
bool explorer_network(struct explorer *e, const char *what, bool moved, uint64_t place,
                      struct mono now);

/* The families that this host has a route for (at first: all): doors_set_routes(). If the
 * front doors are to be compared in the other one, a sweep follows, at once or when
 * SWEEP_LEAST_NS have passed. */
void explorer_routes(struct explorer *e, bool ipv4, bool ipv6, struct mono now);

/* Something has moved (a PoP, a delay): a survey, at once or when SURVEY_LEAST_NS have
 * passed. True: at once. */
bool explorer_reason(struct explorer *e, struct mono now);

/* While paused no step is due, and requests in flight are forgotten: their answers must
 * not be passed on. Resuming begins a survey and a sweep. */
void explorer_pause(struct explorer *e, bool paused, struct mono now);

/* ---- queries ---- */

/* What answers for a target in a family: edge/owners.h. */
bool explorer_issuer_foreign(const struct explorer *e, const struct target *target,
                             const char *issuer); /* edge/issuers.h */
struct owner explorer_owner(const struct explorer *e, size_t number, enum family family);

/* Why the target has no address, as a clause: each family that is wanted failed at its
 * last lookup. NULL: it has one, or an answer is still awaited. */
const char *explorer_failure(const struct explorer *e, size_t number);

/* Changes of network while they were not reported, once they have stopped for an hour;
 * else 0. */
uint64_t explorer_settled(struct explorer *e, struct mono now);

/*
 * What the last sweep can state about front doors, given the best of the last ranking:
 * doors.h. False: there was none, or the best one's place is not known.
 */
bool explorer_summary(const struct explorer *e, struct doors_summary *out);

/* No DNS server answered the last sweep, so that other front doors are not known. */
bool explorer_unanswered(const struct explorer *e);

struct explorer_counters {
    uint64_t lookups, failures;
};
struct explorer_counters explorer_counters(const struct explorer *e);

#endif
