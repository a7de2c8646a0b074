/*
 * Traces the paths to the configured targets, also over each uplink: runs the pure edge/path_schedule.h and
 * edge/path_watch.h with real clocks, sockets and names of routers. By ICMP if this
 * process may send it, else by TCP to the target's port. Keeps what it knows of the paths
 * in the state folder.
 *
 * A trace has at most 3 packets a hop; a path of 12 hops takes 36 every ten minutes, and
 * some 5000 a day. The names of routers are asked of DNS once a day and router, and so is
 * their AS, if the configuration allows that and the AS database does not have it.
 */
#ifndef EDGELAT_DAEMON_PATH_TRACER_H
#define EDGELAT_DAEMON_PATH_TRACER_H

#include "config/config.h"
#include "core/batch.h"
#include "core/budget.h"
#include "edge/edge_data.h"
#include "edge/path_watch.h"

#include <uv.h>

struct path_tracer;

struct path_tracer_sources {
    /* The events of the open window. */
    struct events *(*events)(void *user);
    /* The network that the host is in; 0: not known. */
    uint64_t (*network)(void *user);
    /* Writes the AS path to a target in the BGP table, Microsoft's AS last; its length, 0:
     * not known. */
    size_t (*as_path)(const struct endpoint *target, uint32_t out[PATH_AS_MAX],
                      void *user);
    void *user;
    struct budget *budget; /* a trace that it cannot pay is left out; NULL: no limit */
};

/* All is borrowed and outlives it. Paused at first. Returns 0, or -errno: no resolver. */
int path_tracer_create(struct path_tracer **out, uv_loop_t *loop,
                       const struct config *config, const struct edge_data *edge_data,
                       const struct path_tracer_sources *sources);

/* Stores what is known. No callback after it returns; NULL is fine. */
void path_tracer_destroy(struct path_tracer *t);

/* A result of the address in use of a target, or of one over an uplink. Losses in a row call for a trace. */
void path_tracer_result(struct path_tracer *t, const struct target *target,
                        const struct result *result);

/* A window has closed: the targets' addresses, and events that call for a trace. */
void path_tracer_window(struct path_tracer *t, const struct batch *batch,
                        const struct events *events);

/* The events of routing in the open window: new ones call for a trace at once. */
void path_tracer_routing(struct path_tracer *t, const struct events *events);

/* This host is in another network. */
void path_tracer_moved(struct path_tracer *t);

/* Idempotent. Traces under way are dropped. */
void path_tracer_pause(struct path_tracer *t, bool paused);

struct path_watch *path_tracer_watch(struct path_tracer *t);

struct path_tracer_counters { /* since the start */
    uint64_t traces, packets;
};
struct path_tracer_counters path_tracer_counters(const struct path_tracer *t);

#endif
