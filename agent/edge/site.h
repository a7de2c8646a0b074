/*
 * The site, and what a PoP is to it: how far it is, which metro is nearest, and whether
 * it is the primary location of the Peering Service connection, its backup or neither.
 * What is not configured or not in the catalogue is unknown, never guessed.
 */
#ifndef EDGELAT_EDGE_SITE_H
#define EDGELAT_EDGE_SITE_H

#include "config/config.h"
#include "edge/catalogue.h"

#include <stddef.h>
#include <stdint.h>

struct site {
    const struct catalogue *metros;
    struct position at; /* valid when `nearest.metro` is not NULL */
    struct near_metro
        nearest;            /* of the catalogue; NULL: it is unknown where the site is */
    struct peering peering; /* connection "" is none */
    const struct metro *primary, *backup; /* its locations; NULL: unknown, or none */
};

/*
 * Of the configuration; `metros` is borrowed. Returns the number of problems, each said
 * as one clause ("location = XYZ in [agent]: XYZ is no code of metros.csv"); what is
 * wrong stays unknown. `on_problem` may be NULL, where somebody has said it before.
 */
size_t site_read(struct site *out, const struct catalogue *metros, const char *location,
                 const struct peering *peering, config_problem_cb *on_problem,
                 void *user);

enum role {
    ROLE_NONE, /* there is no connection */
    ROLE_UNKNOWN,
    ROLE_PRIMARY,
    ROLE_BACKUP,
    ROLE_NEITHER
};

const char *role_name(enum role role); /* "none", "unknown", "primary", ... */

struct standing {              /* of a PoP, as seen from the site */
    const struct metro *metro; /* NULL: no code, or none of the catalogue */
    double km;                 /* from the site; NaN: unknown */
    int64_t bound_ns;          /* no round trip is shorter; DELAY_UNDEFINED: unknown */
    double excess_km;          /* farther than the nearest metro; NaN: unknown */
    enum role role;
};

/* `pop` and `basis` as they are exported: "SG1", "X-MSEdge-Ref"; "" and NULL are unknown.
 */
struct standing site_standing(const struct site *site, const char *pop,
                              const char *basis);

#endif
