/*
 * The route that the routers of the site use to an address: the active path of the longest
 * announced prefix that covers it. If routers use different AS paths, or it cannot be told
 * which one is active and the candidates differ, there is no answer. Pure. Only watched prefixes are kept (route/watch.h), so
 * there is an answer for addresses in these only.
 *
 * In the agent, rib_lookup() asks the RIB. Other processes read the answer of the routes
 * socket (daemon/routes_server.h), and rib_lookup_answer() finds the same in its JSON.
 */
#ifndef EDGELAT_ROUTE_RIB_LOOKUP_H
#define EDGELAT_ROUTE_RIB_LOOKUP_H

#include "base/json_read.h"
#include "route/rib.h"

struct route_found {
    struct bgp_prefix prefix;
    uint32_t as[BGP_AS_MAX]; /* the neighbour first, without the router's own AS */
    size_t n_as;             /* of a longer path the first BGP_AS_MAX */
    uint32_t origin_as;      /* 0: unknown */
    struct endpoint peer;    /* FAMILY_NONE: the router itself */
    char router[BMP_NAME_MAX];
};

/* False: no such route. */
bool rib_lookup(const struct rib *r, const struct endpoint *address,
                struct route_found *out);
bool rib_lookup_answer(struct json_span answer, const struct endpoint *address,
                       struct route_found *out);

#endif
