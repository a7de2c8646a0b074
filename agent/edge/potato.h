/*
 * Cold or hot potato: does Microsoft's own network carry the traffic from the PoP nearest to
 * the site and back to it (cold, what Peering Service promises), or do other networks carry
 * it part of the way (hot)? Pure; from one trace, so it is evidence and no proof.
 *
 * Forward. The first hop of Microsoft's is the entry. It is near if its delay leaves no room
 * for a nearer PoP, or none is nearer by the delays that were measured (the nearest front
 * door) or by the distances of the catalogue. It is far if a nearer PoP is known.
 *
 * Back. The reply TTL of a hop tells the length of its way back: routers begin at 64, 128
 * or 255. Where the way back of Microsoft's hops is as long as the way there, compared with
 * the hops before the entry, it may leave Microsoft's network at the entry, too. Where the
 * difference changes by POTATO_JUMP hops or more inside of Microsoft's network, the way back
 * leaves it elsewhere (Katz-Bassett et al., "Reverse traceroute", 2010, for how ways back
 * differ). A server at the entry has no way inside to compare.
 *
 * The delay between entry and target, against that of light, tells a detour: both ways are
 * on the round trip.
 *
 * Figures of test/sim/test_potato.c, random worlds: see edgelat-paths(7). A way back
 * through other networks that is as long by chance is not seen.
 */
#ifndef EDGELAT_EDGE_POTATO_H
#define EDGELAT_EDGE_POTATO_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POTATO_JUMP = 3 };

enum potato_grade { POTATO_CANNOT_TELL, POTATO_COLD, POTATO_HOT };

const char *potato_grade_name(enum potato_grade g); /* "cannot tell", "cold", "hot" */

struct potato_hop { /* of TTL i + 1 */
    bool microsofts;
    int64_t min_ns;    /* DELAY_UNDEFINED: no answer */
    int16_t reply_ttl; /* -1: not known */
};

/* What is known of places; NAN and DELAY_UNDEFINED: not known. */
struct potato_places {
    bool entry_hidden;  /* the first of Microsoft's hops may not be the entry */
    double entry_km;    /* from the site to the entry */
    double nearest_km;  /* from the site to the nearest metro of the edge */
    double serving_km;  /* from the entry to the serving PoP */
    int64_t nearest_ns; /* least round trip to the nearest front door */
};

struct potato {
    enum potato_grade grade, forward, back;
    bool local;        /* the target is at the entry */
    int64_t entry_ns;  /* least round trip to the entry; an upper bound if it is hidden */
    int64_t beyond_ns; /* from there to the target; DELAY_UNDEFINED: not reached */
    unsigned compared; /* Microsoft's hops whose way back is known */
    int difference;    /* of the way back, the largest among them, in hops */
    double stretch;    /* beyond_ns against light; NAN: not known */
};

/* `reached`: the last hop is the target. */
struct potato potato_judge(const struct potato_hop *hops, size_t n, bool reached,
                           const struct potato_places *places);

/* One sentence with the grade and its evidence. */
void potato_sentence(struct text *out, const struct potato *p);

/* The hops of the way back, counted as a TTL is: 1 from the first router. 0: not known; a
 * TTL that no system begins at within 40 hops was changed on its way. */
unsigned potato_hops_back(int16_t reply_ttl);

#endif
