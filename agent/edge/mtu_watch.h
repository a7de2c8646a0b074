/*
 * Watches the path MTU to each target in each address family over its searches
 * (probe/path/mtu_search.h). Pure. Reports as events:
 *
 *   edgelat.path.black_hole  Packets above the path MTU vanish, and no router reports it:
 *                            WARN, after two searches in a row that found it; and, INFO,
 *                            when one search shows that it is gone.
 *
 * Searches that cannot tell (loss, silence) change nothing. A black hole below
 * MTU_HOLE_LEAST is no evidence: firewalls drop large echoes only, mostly from 1024 bytes.
 */
#ifndef EDGELAT_EDGE_MTU_WATCH_H
#define EDGELAT_EDGE_MTU_WATCH_H

#include "core/event.h"
#include "core/path_mtu.h"
#include "core/result.h"

enum { MTU_HOLE_LEAST = 1200, MTU_HOLE_SEARCHES = 2, MTU_SUSPICIOUS = 2 };

struct mtu_watched;

struct mtu_watch { /* start with { 0 } */
    struct path_mtu *all;
    struct mtu_watched *more; /* of each */
    size_t n, room, more_room;
};

void mtu_watch_end(struct mtu_watch *w);

/*
 * Adds what a search at `now` has found: `bytes`, 0 if it cannot tell, and what stops
 * larger packets. `target` is borrowed and outlives it. True: a further search soon would
 * tell more.
 */
bool mtu_watch_add(struct mtu_watch *w, const struct target *target, enum family family,
                   uint16_t bytes, enum mtu_limit limit, struct wall now,
                   struct events *events);

/*
 * True if the result is the MTU_SUSPICIOUS-th in a row that looks like a black hole: HTTPS
 * connects, but the large packets that follow get no answer.
 */
bool mtu_watch_suspects(struct mtu_watch *w, const struct target *target,
                        const struct result *result);

/* This host is in another network: the path MTUs are not known, without events, but for
 * those over uplinks. */
void mtu_watch_moved(struct mtu_watch *w);

#endif
