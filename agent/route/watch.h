/*
 * The watched prefixes: those registered with Peering Service ([peering_service] prefixes)
 * and Microsoft's (prefixes.csv). Routes to others are not kept. Pure.
 *
 * A route is watched if its prefix is that of an entry or more specific, or if it covers a
 * prefix of Microsoft: 13.107.6.0/24 carries the traffic to 13.107.6.152/31. A default
 * route, and others shorter than /8 (IPv6: /16), cover everything and are not watched.
 */
#ifndef EDGELAT_ROUTE_WATCH_H
#define EDGELAT_ROUTE_WATCH_H

#include "edge/prefixes.h"
#include "route/bgp.h"

struct watched {
    struct bgp_prefix prefix;
    bool registered;  /* else Microsoft's */
    char service[24]; /* "exchange"; "registered" */
};

struct watch {           /* start with { 0 }, end with watch_free() */
    struct watched *all; /* the registered ones first */
    size_t n, room;
    uint8_t first[2][1 << 13]; /* by family: bit set of the first 16 bits in use */
};

/* `registered`: "ADDRESS/LENGTH ...", valid (config/values.h). */
void watch_build(struct watch *w, const char *registered,
                 const struct prefixes *microsoft);
void watch_free(struct watch *w);

/* The longest entry that covers the prefix, else the first that it covers; registered ones
 * first. NULL: not watched. Valid until watch_free(). */
const struct watched *watch_find(const struct watch *w, const struct bgp_prefix *prefix);

/* Whether an entry covers the prefix, or is covered by it; any length. */
bool watch_overlaps(const struct watch *w, const struct bgp_prefix *prefix);

#endif
