/*
 * Which PoP serves each target, and is it the right one? Looked at once a window; what
 * changed becomes an event, once for each (target, family):
 *
 *   edgelat.pop.changed      another PoP. WARN when it is another metro, farther from the
 *                            site; to learn the PoP, or to learn it better while the
 *                            address stays, is no change. One that does not rest is
 *                            damped (damping.h), and so are the others then.
 *   edgelat.edge.suboptimal  the metro is farther from the site than the nearest one of
 *                            the catalogue by more than the target's limit of distance,
 *                            for SERVING_HELD windows; and when that is over.
 *   edgelat.edge.failover    its role in the Peering Service connection: WARN at the
 *                            backup location, ERROR at neither. To be at the primary one
 *                            at first is no event.
 *
 *   edgelat.target.foreign   another company's network answers for it (owners.h): WARN.
 * Told again only when it was not so for an hour. While it is so, or what answers is no
 * PoP for another reason, the others are not looked at.
 *
 * A target that discovery added is there to be ranked, and a front door is where it is:
 * it is never suboptimal, nor a failover. While no PoP is known nothing is said; nor are
 * the latter two in a window without an answer, as what is known then is the last one.
 */
#ifndef EDGELAT_EDGE_SERVING_H
#define EDGELAT_EDGE_SERVING_H

#include "core/batch.h"
#include "edge/site.h"

#include <stddef.h>

#define SERVING_HELD 2

struct serving { /* { 0 } knows nothing yet; ends with serving_free() */
    struct served *all;
    size_t n, room;
};

/* The states of a window that has just closed, always in the same order; more may have
 * come behind them. */
void serving_update(struct serving *s, const struct site *site,
                    const struct target_state *states, size_t n, struct wall time,
                    struct events *events);
void serving_free(struct serving *s);

#endif
