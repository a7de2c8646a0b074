/*
 * Pure: what a trace of a path sends next, what an answer means, when a hop counts as
 * silent and when the trace is over. The caller has the clock and the sockets.
 *
 * Each TTL is asked up to TRACE_QUERIES times, in rounds. Methods that keep the flow constant
 * for all TTLs at once (ICMP, UDP) send a whole round with a short gap between packets;
 * TCP, whose flow can have one handshake at a time, waits for each answer.
 *
 * The path ends at the TTL that the target answers, at one whose router reports the target
 * as unreachable, or where it repeats itself (a routing loop). Later rounds do not go
 * beyond its end, or, if it has none, two hops beyond the last hop that answered.
 *
 * Waiting is adaptive. If a hop behind it answers, a hop is silent one round trip of that
 * hop (at least TRACE_SPARE_NS, as routers answer slowly) after that hop's answer was due.
 * Otherwise it is silent after three times the longest round trip of the path, within
 * the bounds of the policy. A later answer still counts until the trace is over.
 */
#ifndef EDGELAT_PROBE_PATH_TRACE_H
#define EDGELAT_PROBE_PATH_TRACE_H

#include "core/endpoint.h"
#include "core/time.h"
#include "probe/icmp/extension.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_TTL_MAX = 30, TRACE_QUERIES = 3 };

#define TRACE_SPARE_NS (50 * NS_PER_MS)

/* No trace lasts longer. */
#define TRACE_LIMIT_NS (1500 * NS_PER_MS)

struct trace_policy {
    uint8_t ttl_max;
    uint8_t queries; /* for each TTL, at most TRACE_QUERIES */
    bool one_at_a_time;
    uint8_t silent_most;   /* the first round ends after so many silent hops; 0: any */
    int64_t gap_ns;        /* between two packets */
    int64_t round_ns;      /* least time between the ends of two rounds' sending */
    int64_t wait_least_ns; /* for the answer to a query when no hop behind it answers */
    int64_t wait_most_ns;  /* the same; also if nothing has answered yet */
};

extern const struct trace_policy trace_all_at_once, trace_one_at_a_time;

enum trace_kind {
    TRACE_EXCEEDED,    /* a router: TTL exceeded */
    TRACE_TARGET,      /* the target: a reply, a handshake, a reset, port unreachable */
    TRACE_UNREACHABLE, /* a router: unreachable, prohibited */
};

struct trace_query {
    uint8_t ttl;   /* from 1 */
    uint8_t round; /* from 0 to TRACE_QUERIES - 1 */
};

struct trace_answer {
    enum trace_kind kind;
    uint8_t type, code; /* of the ICMP message; 0: none */
    struct endpoint from;
    int64_t rtt_ns;
    int16_t reply_ttl; /* of the packet that brought the answer; -1: unknown */
    struct icmp_extension extension;
};

enum trace_state { TRACE_UNSENT, TRACE_SENT, TRACE_ANSWERED, TRACE_SILENT };

struct trace_attempt { /* one query */
    enum trace_state state;
    struct mono sent;
    struct trace_answer answer; /* of TRACE_ANSWERED */
};

struct trace_hop {
    struct trace_attempt attempts[TRACE_QUERIES];
};

struct trace { /* start with trace_begin() */
    struct trace_policy policy;
    struct mono began, last_sent;
    bool any_sent;
    bool ambiguous; /* an answer did not identify its query */
    uint8_t round, next_ttl;
    unsigned packets;
    struct trace_hop hops[TRACE_TTL_MAX]; /* of TTL i + 1 */
};

void trace_begin(struct trace *t, const struct trace_policy *policy, struct mono now);

enum trace_step { TRACE_SEND, TRACE_WAIT, TRACE_OVER };

/*
 * TRACE_SEND: send `*query`, then call trace_sent(), or trace_not_sent(). TRACE_WAIT: call
 * again at `*until`, or after an answer.
 */
enum trace_step trace_next(struct trace *t, struct mono now, struct trace_query *query,
                           struct mono *until);
void trace_sent(struct trace *t, struct trace_query query, struct mono now);

/* This host could not send it: the query is left out. */
void trace_not_sent(struct trace *t, struct trace_query query);

/* False: no such query was sent, or it has its answer already. */
bool trace_add(struct trace *t, struct trace_query query,
               const struct trace_answer *answer);

/*
 * For an answer that does not identify its query: true if only one query is under way, in
 * `*query`. If not, sends one query at a time in the rounds that follow.
 */
bool trace_unidentified(struct trace *t, struct trace_query *query);

/* ---- what is known; also at the end ---- */

enum trace_end {
    TRACE_END_TARGET,      /* the target answered */
    TRACE_END_UNREACHABLE, /* a router reports the target as unreachable */
    TRACE_END_LOOP,        /* the path repeats itself */
    TRACE_END_SILENT,      /* no hop answered behind the last one that did */
};

/* `*ttl`: of the end; for TRACE_END_SILENT of the last hop that answered, 0: none did.
 * For TRACE_END_LOOP of the first hop that appears for the second time. */
enum trace_end trace_end(const struct trace *t, uint8_t *ttl);

struct trace_stats { /* of one hop */
    uint8_t sent, answered;
    int64_t min_ns, median_ns;         /* DELAY_UNDEFINED without an answer */
    const struct trace_answer *answer; /* the fastest; NULL: none */
};

struct trace_stats trace_stats(const struct trace *t, uint8_t ttl);

/* Addresses other than that of the fastest answer that answered for this TTL: the path
 * changed, or a router balances by packet. Returns their number. */
size_t trace_others(const struct trace *t, uint8_t ttl,
                    struct endpoint out[TRACE_QUERIES - 1]);

#endif
