/*
 * Shared by path_watch.c and path_kept.c: what is known of each path.
 */
#ifndef EDGELAT_EDGE_PATH_WATCH_STATE_H
#define EDGELAT_EDGE_PATH_WATCH_STATE_H

#include "core/damping.h"
#include "core/regime.h"
#include "edge/path_delays.h"
#include "edge/path_watch.h"

enum aspect {
    PATH_ENTRY,
    PATH_PROVIDER,
    PATH_AS_PATH,
    PATH_REACH,
    PATH_AS_HOPS,
    PATH_ASPECTS
};

struct path_gap { /* without an answer of the target */
    struct wall answered, lost;
    struct wall from, to; /* the longest that no change has explained; 0: none */
    struct wall reported; /* start of one that had not ended when it was reported */
};

/* Of the place where traffic enters: between the last observation that shows it and the first
 * that shows another one. */
struct path_move {
    struct wall seen;     /* shown last; the start of the observation */
    struct wall from, to; /* from: shown last while nothing else was */
    bool moved;           /* the last observation shows another place */
};

struct entry_role { /* of the location where traffic enters */
    struct {
        enum role role; /* ROLE_NONE: none yet */
        char metro[8];
    } by[2];        /* by the serving PoP, by the entry */
    bool by_entry;  /* the entry counts now */
    enum role seen; /* of the serving PoP, in so many windows */
    uint32_t windows;
};

struct path_dampings {
    struct damping aspects[PATH_ASPECTS], role;
};

struct watched_path {
    const struct target *target;
    enum family family;
    struct regime aspects[PATH_ASPECTS];
    struct path_dampings *dampings; /* NULL: nothing has changed yet */
    /* Delays of the current path; of another one that may replace it (NULL: no trace shows
     * one); and of the path before. */
    struct path_delays steady, *trial;
    int64_t before_ns;
    uint32_t traces, hidden; /* since the start; in a row without an entry */
    struct path_gap gap;
    struct path_move move;
    struct entry_role role;
    struct path_state state;
};

struct path_watch {
    const struct site *site;
    struct watched_path **all;
    const struct path_state **states; /* those that were traced */
    size_t n, room, states_room;
    struct path_routers routers;
    struct path_failover failover;
    struct wall window; /* the end of the last one */
};

/* Finds or adds a path. */
struct watched_path *watched_path_of(struct path_watch *w, const struct target *target,
                                     enum family family);

#endif
