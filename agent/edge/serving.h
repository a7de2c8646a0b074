/*
 * Tracks which PoP serves each target, and whether it is the right one. Checked once per
 * window; each change is reported as one event for each (target, family):
 *
 *   edgelat.pop.changed      The PoP has changed. WARN if it is in another metro, farther
 *                            from the site. Learning the PoP, or learning it from a
 *                            better source while the address stays, is not a change.
 *                            Frequent changes are damped (damping.h), and suppress the
 *                            next two.
 *   edgelat.edge.suboptimal  Another front door of the same service answers sooner, by a
 *                            measured gain (suboptimal.h, gain.h), for
 *                            SERVING_SUBOPTIMAL_HELD windows: WARN; and, INFO, when that
 *                            is over for SERVING_OPTIMAL_HELD windows. Where there is
 *                            none to compare with and the metro is farther from the site
 *                            than the nearest one of the catalogue by more than the
 *                            target's distance limit: INFO, "cannot tell". A path that
 *                            takes a detour now and then is reported once or twice:
 *                            after each finding that was taken back within four weeks the
 *                            next one is held SERVING_HABIT times as long.
 *   edgelat.front_door.away  Whether the metro of the front door is a location of the
 *                            Peering Service connection, when it has been the same for
 *                            SERVING_AWAY_HELD windows: INFO. It is not a failover of the
 *                            peering: the front door may be elsewhere than where traffic
 *                            enters Microsoft's network. Being at the primary location at
 *                            first is not an event.
 *   edgelat.target.foreign   Another company's network answers (owners.h): WARN. Reported
 *                            again only after an hour without it. Meanwhile, or if the
 *                            owner is not a PoP for another reason, the others are not
 *                            checked.
 *
 *   edgelat.tls.issuer_changed  The certificate has another issuer. WARN if the service
 *                            does not use it (issuers.h), also when it is the first: TLS
 *                            is intercepted. At most one an hour, but for the first such.
 *
 * Discovered targets are only ranked, so they are never suboptimal nor away.
 * Without a known PoP nothing is reported; suboptimal and away also not in a window without
 * an answer, because the known PoP may be out of date.
 */
#ifndef EDGELAT_EDGE_SERVING_H
#define EDGELAT_EDGE_SERVING_H

#include "core/batch.h"
#include "edge/site.h"

#include <stddef.h>

#define SERVING_SUBOPTIMAL_HELD 3
#define SERVING_OPTIMAL_HELD    5
#define SERVING_AWAY_HELD       3
#define SERVING_HABIT           4
#define SERVING_HABIT_MAX       3
#define SERVING_HABIT_NS        (28 * 24 * 3600 * NS_PER_S)

struct serving {         /* start with { 0 }, end with serving_free() */
    struct served **all; /* NULL: it has had no address */
    size_t n, room;
    struct edge_gain *gains; /* of the last window */
    size_t n_gains, gains_room;
};

/* Takes the states of a window that has just closed, always in the same order; new ones
 * are appended. Adds its events to `events`. */
void serving_update(struct serving *s, const struct site *site,
                    const struct target_state *states, size_t n, struct wall time,
                    struct events *events);
void serving_free(struct serving *s);

#endif
