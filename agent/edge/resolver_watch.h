/*
 * Compares the DNS servers of the host, round by round: each is asked for the hosts of the
 * services, and where their answers lead to different places TCP handshakes show which
 * leads how much farther (agreement.h). Pure, and run like the explorer:
 * resolver_watch_next() returns when it is due, resolver_watch_take() one step to carry
 * out, of which at most one is under way.
 *
 * A round is due at the start, every hour, and when the servers or the network have
 * changed; while a finding is about to come or to go, every minute. With one server
 * there is none. It is bounded: WATCH_HOSTS_MAX hosts, the servers of the list, in the
 * address family that answers (IPv4 if both do); WATCH_HANDSHAKES with each address of a
 * host whose answers differ; WATCH_GAP_NS between two steps. Answers that are not
 * Microsoft's (owners.h) take no part: a filter's page is near, and no service.
 *
 *   edgelat.resolver.farther  In WATCH_HELD rounds in a row the server led a host surely
 *                             farther than another one: WARN, about the host that loses
 *                             most; INFO when in WATCH_OVER rounds none did.
 */
#ifndef EDGELAT_EDGE_RESOLVER_WATCH_H
#define EDGELAT_EDGE_RESOLVER_WATCH_H

#include "config/resolv_conf.h"
#include "core/batch.h"
#include "core/resolution.h"
#include "edge/edge_data.h"

#include <stdbool.h>
#include <stddef.h>

#define WATCH_FIRST_NS (10 * NS_PER_S) /* after the start or a change */
#define WATCH_EVERY_NS (3600 * NS_PER_S)
#define WATCH_AGAIN_NS (60 * NS_PER_S)
#define WATCH_GAP_NS   (250 * NS_PER_MS)

enum {
    WATCH_HOSTS_MAX = 4,
    WATCH_HANDSHAKES = 8, /* an interval of 95 % takes 7 */
    WATCH_HELD = 3,
    WATCH_OVER = 2
};

struct watched_server {
    struct dns_server at;
    const struct target *target; /* that stands for it; outlives the watch */
};

enum resolver_watch_action {
    WATCH_LOOKUP,    /* ask `server` for `host`; then resolver_watch_answer() */
    WATCH_HANDSHAKE, /* with `to`; then resolver_watch_handshake() */
};

struct resolver_watch_step { /* valid until the next call on the watch */
    enum resolver_watch_action action;
    const struct dns_server *server;
    const char *host;
    enum family family;
    uint16_t port;
    struct endpoint to;
};

struct resolver_watch;

/* All are borrowed and outlive it. Paused at first. */
struct resolver_watch *resolver_watch_create(const struct config *config,
                                             const struct edge_data *edge_data,
                                             const struct kinds *kinds);
void resolver_watch_destroy(struct resolver_watch *w); /* NULL is fine */

/* The servers of the host now. True: others than before; a round under way is dropped, as
 * below, and a finding about one that is gone ends. */
bool resolver_watch_servers(struct resolver_watch *w, const struct watched_server *list,
                            size_t n, struct mono now, struct wall wall,
                            struct events *events);

/* A window has closed: where the addresses of targets are, and which family answers. */
void resolver_watch_window(struct resolver_watch *w, const struct target_state *states,
                           size_t n);

/* The host is in another network: a round under way is dropped. */
void resolver_watch_moved(struct resolver_watch *w, struct mono now);

/* A round under way is dropped: its answer must not be passed on. Idempotent. */
void resolver_watch_pause(struct resolver_watch *w, bool paused, struct mono now);

/* False: not before an input comes. */
bool resolver_watch_next(const struct resolver_watch *w, struct mono *at);

/* Ends the round, with its events, when nothing of it is left. */
bool resolver_watch_take(struct resolver_watch *w, struct mono now, struct wall wall,
                         struct events *events, struct resolver_watch_step *out);

/* `r` NULL: the server did not answer. It is not asked again in this round. */
void resolver_watch_answer(struct resolver_watch *w, const struct resolution *r,
                           struct mono now);
void resolver_watch_handshake(struct resolver_watch *w, int64_t rtt_ns, struct mono now,
                              struct wall sent);

#endif
