/*
 * The paths of the watched prefixes: which is active, what is wrong with them, and the events
 * of a change. rib.h describes the rules.
 */
#ifndef EDGELAT_ROUTE_RIB_PATHS_H
#define EDGELAT_ROUTE_RIB_PATHS_H

#include "route/rib.h"

/* Withdraws all paths of the peer, with events; of one family, and only stale ones, where
 * asked for. `why`: a clause for the events, or NULL. */
enum rib_which { RIB_ALL_PATHS, RIB_STALE_PATHS };
void rib_paths_withdraw(struct rib *r, const struct rib_peer *p, enum rib_which which,
                        enum family family, const char *why, struct instant now);

/* Removes the pre-policy paths of a family, without events. */
void rib_paths_drop_refused(struct rib *r, const struct rib_peer *p, enum family family);

/* Reports the faults of the peer's paths of a family, when its table dump is over. */
void rib_paths_report(struct rib *r, const struct rib_peer *p, enum family family,
                      struct instant now);

/* Chooses active and backup paths again, without events. */
void rib_paths_choose(struct rib *r);

/* Marks all paths of the peer as stale. */
void rib_paths_stale(struct rib *r, const struct rib_peer *p);

/* Removes all that is known of the peer's paths, without events. */
void rib_paths_forget(struct rib *r, const struct rib_peer *p);

/* The paths of the peer that are here. */
size_t rib_paths_count(const struct rib *r, const struct rib_peer *p);

void rib_paths_free(struct rib *r);

/* The next event, with the router, peer and location as facts. */
struct event *rib_event(struct rib *r, const char *name, enum severity severity,
                        const struct rib_peer *p, struct instant now);

#endif
