/*
 * Local redundancy: over which routers traffic enters Microsoft's network at a location.
 * Peering Service has two at each, so both should be seen over time. Each trace has a
 * flow of its own. If all of n traces entered at one router, a second one with a share
 * above 1 - 0.05^(1/n) of the flows would have been seen with 95 % (the upper end of the
 * exact binomial interval for 0 of n). A router that only takes over when the other one
 * fails is not seen, whatever n is. Pure.
 */
#ifndef EDGELAT_EDGE_PATH_ROUTERS_H
#define EDGELAT_EDGE_PATH_ROUTERS_H

#include "edge/path_sample.h"

enum { PATH_LOCATIONS_MAX = 8, PATH_ROUTERS_MAX = 8 };

/* Where a router was not seen for so long, the location's count begins anew. */
#define PATH_ROUTERS_NS (7 * 24 * 3600 * NS_PER_S)

struct path_location {
    char metro[POP_TEXT_MAX];
    struct {
        char name[PATH_ROUTER_MAX];
        uint64_t traces;
        struct wall last;
    } routers[PATH_ROUTERS_MAX];
    size_t n_routers;
    struct wall since, last; /* `since` 0: counted by an earlier version, not known */
    bool named; /* all by their names: interfaces of one router are not two */
};

struct path_routers { /* start with { 0 } */
    struct path_location locations[PATH_LOCATIONS_MAX];
    size_t n;
};

/* Adds a trace whose entry was found; others are ignored. */
void path_routers_add(struct path_routers *r, const struct path_sample *s,
                      struct wall now);

/* Adds traces over a router, as of an earlier process. `since`: when counting began, for a
 * location that is new. False: there is no room. */
bool path_routers_count(struct path_routers *r, const char *metro, const char *router,
                        bool named, uint64_t traces, struct wall since, struct wall last);

uint64_t path_location_traces(const struct path_location *l);

/* The share of flows above which a second router would have been seen, with 95 %. */
double path_location_bound(const struct path_location *l);

#endif
