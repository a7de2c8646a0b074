/*
 * Finds the path MTU to the configured targets, also over each uplink, by ICMP echoes, once an hour in each address
 * family, and when HTTPS stalls after it has connected: runs the pure
 * edge/path_schedule.h, probe/path/mtu_search.h and edge/mtu_watch.h.
 *
 * A search takes 4 packets on a path without a limit, at most MTU_PACKETS; a suspicion at
 * most one search in MTU_REASON_NS. Packets of a search are MTU_FINDER_GAP_NS apart.
 * Without permission to send ICMP nothing is searched, which is logged once.
 */
#ifndef EDGELAT_DAEMON_MTU_FINDER_H
#define EDGELAT_DAEMON_MTU_FINDER_H

#include "core/batch.h"
#include "core/budget.h"
#include "edge/mtu_watch.h"

#include <uv.h>

#define MTU_REASON_NS     (600 * NS_PER_S)
#define MTU_FINDER_GAP_NS (400 * NS_PER_MS)

struct mtu_finder;

/* The events of the open window. */
typedef struct events *mtu_finder_events(void *user);

/* Paused at first. `budget`: a search that it cannot pay is left out; NULL: no limit. */
struct mtu_finder *mtu_finder_create(uv_loop_t *loop, int64_t interval_ns,
                                     struct budget *budget, mtu_finder_events *events,
                                     void *user);
void mtu_finder_destroy(struct mtu_finder *f); /* NULL is fine */

/* A result of the address in use of a target, or of one over an uplink. */
void mtu_finder_result(struct mtu_finder *f, const struct target *target,
                       const struct result *result);

/* A window has closed: the targets' addresses. */
void mtu_finder_window(struct mtu_finder *f, const struct batch *batch);

/* This host is in another network. */
void mtu_finder_moved(struct mtu_finder *f);

/* Idempotent. Searches under way are dropped. */
void mtu_finder_pause(struct mtu_finder *f, bool paused);

const struct mtu_watch *mtu_finder_watch(const struct mtu_finder *f);

struct mtu_finder_counters { /* since the start */
    uint64_t searches, packets;
};
struct mtu_finder_counters mtu_finder_counters(const struct mtu_finder *f);

#endif
