/*
 * How many AS hops Microsoft's network is away, from the AS of each hop of a trace or from
 * the AS path of a BGP route. Pure. Peering Service promises one: the provider's network is
 * next to Microsoft's. A site that is itself next to it (a peering of its own) has one too.
 *
 * Repeated AS numbers are one AS: the routers of one network, or prepending in a BGP path.
 * A hop without a known AS (silent, private, in the network of an internet exchange, not in
 * the database) between two networks may hide a further AS: the number is then a lower
 * bound, and if no AS is known at all it cannot be told. Between two hops of one AS it hides
 * none. An AS that appears again behind another one makes what is between them doubtful, as
 * AS paths have no loops: a router answers with the address of another network (Hyun et al.,
 * "Traceroute and BGP AS path incongruities", 2003).
 *
 * Limits of the trace's answer, not of BGP's: an AS whose routers all answer with addresses
 * of their neighbours, or are hidden in an MPLS tunnel, is not seen.
 */
#ifndef EDGELAT_EDGE_AS_PATH_H
#define EDGELAT_EDGE_AS_PATH_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AS_MICROSOFT = 8075, AS_PATH_MAX = 24 };

enum as_owner {
    AS_OF_SITE, /* the site's own network; also the first hop, its gateway */
    AS_OF_OTHERS,
    AS_OF_MICROSOFT,
};

struct as_hop {
    enum as_owner owner;
    uint32_t as; /* of AS_OF_OTHERS; 0: not known */
};

enum as_hops_state { AS_HOPS_UNKNOWN, AS_HOPS_AT_LEAST, AS_HOPS_EXACT };

struct as_path {
    uint32_t as[AS_PATH_MAX]; /* between the site and Microsoft, each once */
    /* An AS may be hidden in front of as[i]; of the last one: in front of Microsoft's. */
    bool gap[AS_PATH_MAX + 1];
    size_t n;
    bool doubtful; /* an AS appeared again: what was between is left out */
    enum as_hops_state state;
    uint8_t hops; /* AS_HOPS_AT_LEAST: the lower bound; AS_HOPS_UNKNOWN: 0 */
};

/* The hops from the site on, in their order. Those behind the first of Microsoft's do not
 * count; without one of Microsoft's the number is not known. */
struct as_path as_path_of_hops(const struct as_hop *hops, size_t n);

/*
 * The AS path of a BGP route: the neighbour's AS first, the site's own left out, 0 for a
 * set of which the AS is not known. It ends at the first AS for which `is_microsofts`.
 */
struct as_path as_path_of_route(const uint32_t *as, size_t n,
                                bool (*is_microsofts)(uint32_t as, const void *user),
                                const void *user);

/* "AS64500 > ? > AS8075" */
void as_path_text(struct text *out, const struct as_path *p);

/* "Microsoft's network is 2 AS hops away, AS64500 > AS64510 > AS8075", or that it cannot be
 * told; a clause. */
void as_path_clause(struct text *out, const struct as_path *p);

/*
 * The name of an AS is that of an internet exchange: the addresses of its network are those
 * of its members' routers, and its AS is on no path. By words such as "Internet Exchange",
 * "DE-CIX", "AMS-IX"; a name too many makes the number a lower bound only.
 */
bool as_name_is_exchange(const char *name);

#endif
