/*
 * The inside of the measurer: private to measurer.c and lookout.c (what is near).
 */
#ifndef EDGELAT_MEASURER_STATE_H
#define EDGELAT_MEASURER_STATE_H

#include "core/pipeline.h"
#include "core/swing.h"
#include "edge/discovery.h"
#include "edge/looking.h"
#include "edge/whose.h"
#include "measurer.h"
#include "names.h"
#include "net/netlink.h"
#include "net/resolver.h"

#define PLACES_MAX 8

struct measurer {
    uv_loop_t *loop;
    const struct config *config;
    struct measurer_events events;
    struct http *http;
    struct resolver *resolver;
    struct prober *prober;
    struct pipeline *pipeline;
    struct names *names;
    struct discovery *discovery;
    struct fronts *fronts;
    struct looking looking;
    struct netlink *netlink;           /* NULL: the kernel does not tell */
    struct swing moves, interruptions; /* what it told */
    uint64_t places[PLACES_MAX];       /* where the host was, while it moves to and fro */
    size_t n_places;
    const struct target *nearest; /* as it was said last */
    bool paused;                  /* nothing is sent */
    bool stopped;                 /* that was said */
    uv_timer_t *probe_timer, *tick_timer;
    struct mono tick_due;
    int64_t clock_offset_ns; /* wall minus monotonic, at the last tick */
    struct measurer_counters counters;
};

/* After everything that may have changed what is due. */
void measurer_arm(struct measurer *m);

/* So that the first probe of the target keeps nobody waiting. */
void measurer_preload(struct measurer *m, const struct target *target);

/* Watches the network; looks around at once; gives up the look that is under way. */
void lookout_begin(struct measurer *m);
void lookout_look(struct measurer *m);
void lookout_pause(struct measurer *m);
void lookout_tick(struct measurer *m, struct mono now);

/* Joins what discovery has found with the names and the pipeline. */
void lookout_take(struct measurer *m, struct mono now);

/* The PoP that serves a target shows where we are, and so which front doors to look for.
 */
void lookout_hint(struct measurer *m, size_t target, const char *pop);

/* The target is neither asked for nor probed any more. */
void lookout_rest(struct measurer *m, size_t target);

#endif
