/*
 * What the station knows, as one JSON object for scripts and as text for people: routers,
 * BGP sessions, watched prefixes with their paths. Pure.
 */
#ifndef EDGELAT_ROUTE_RIB_SHOW_H
#define EDGELAT_ROUTE_RIB_SHOW_H

#include "base/text.h"
#include "route/rib.h"

/* `listen`: as configured. */
void rib_json(const struct rib *r, const char *listen, struct text *out);
void rib_text(const struct rib *r, const char *listen, struct text *out);

/* A peer has announced the prefix before. False for one that the router only sends. */
bool rib_prefix_is_withdrawn(const struct rib *r, const struct rib_prefix *p);

/* True when a router has left, a session is down, a prefix withdrawn, something wrong with a
 * path, or the validator is not reached. */
bool rib_has_problems(const struct rib *r);

/* Appends those for `edgelat status` as one clause without an end of line, nothing if there
 * are none. Of the paths it counts those that may be hijacked or leaked: a path that is
 * only long or prepended may be so for ever. */
void rib_summary(const struct rib *r, struct text *out);

#endif
