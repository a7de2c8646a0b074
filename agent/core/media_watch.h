/*
 * What STUN responses tell besides delay: the address that this site leaves with, the kind
 * of address translation, and whether UDP is blocked. Pure. Reports as events:
 *
 *   edgelat.egress.changed  The public address of an address family, or of an uplink, is
 *                           another one. It must be seen MEDIA_WATCH_SURE times in a row; uplinks that take
 *                           turns are reported at most once in MEDIA_WATCH_QUIET_NS.
 *   edgelat.udp.blocked     WARN: UDP to a target gets no answer while TCP to the same
 *                           address does; INFO: UDP is answered.
 *
 * Address translation by RFC 4787, 4.1, told by two servers that answer the same socket:
 * if both see one mapping, it does not depend on the destination; if one sees another
 * mapping between two responses of the other that see the same, it does ("symmetric NAT").
 * A mapping that has only expired meanwhile is not taken for that.
 */
#ifndef EDGELAT_CORE_MEDIA_WATCH_H
#define EDGELAT_CORE_MEDIA_WATCH_H

#include "core/event.h"
#include "core/media.h"
#include "core/result.h"
#include "core/target.h"

#define MEDIA_WATCH_SURE     3
#define MEDIA_WATCH_QUIET_NS (600 * NS_PER_S)
#define MEDIA_WATCH_KEEP_NS  (300 * NS_PER_S) /* older mappings are not compared */

enum {
    MEDIA_WATCH_MAX = 64
}; /* targets and families with STUN; the oldest is replaced */

enum nat {
    NAT_UNKNOWN,   /* one server, or translation that cannot be told */
    NAT_NONE,      /* the public address is this host's own */
    NAT_ONE,       /* one mapping for all destinations */
    NAT_SYMMETRIC, /* another mapping for each destination */
};

const char *nat_name(enum nat nat); /* "unknown", "none", "endpoint_independent", ... */

struct media_watched {
    const struct target *target;
    enum family family;
    struct endpoint server, local, mapped; /* of the last response */
    struct wall first, last; /* when `mapped` was first and last seen, in a row */
    bool blocked;
    uint16_t tcp_port; /* that answered while UDP did not */
    /* The last burst like a call; `began` 0: none. */
    struct wall began;
    enum media_verdict verdict;
    struct media_quality quality;
};

/* The address families of the system's routes and of each uplink. */
enum { EGRESS_MAX = 2 * (1 + UPLINKS_MAX) };

struct egress {
    const struct uplink *uplink; /* NULL: the system's routes */
    enum family family;
    struct endpoint address; /* its port does not count */
    struct wall since;
    enum nat nat;
    /* another address than `address`, and how often in a row */
    struct endpoint other;
    unsigned times;
    struct wall other_since, reported;
};

struct media_watch { /* start with { 0 }, end with media_watch_free() */
    struct media_watched *all;
    size_t n, room;
    struct egress egress[EGRESS_MAX];
    size_t n_egress;
};

/* Ignores results of kinds that do not fill in result.stun. `target` outlives the watch. */
void media_watch_add(struct media_watch *w, const struct target *target,
                     const struct result *result, struct events *events);

/* A burst like a call to a target has ended. */
void media_watch_burst(struct media_watch *w, const struct target *target,
                       enum family family, struct wall began, enum media_verdict verdict,
                       const struct media_quality *quality);

/* This host is in another network: nothing is known but of uplinks, without events. */
void media_watch_moved(struct media_watch *w);

void media_watch_free(struct media_watch *w);

#endif
