/*
 * The site, and the standing of a PoP for it: its distance, the nearest metro, and
 * whether it is the primary location of the Peering Service connection, its backup or
 * neither. Values not configured or not in the catalogue are unknown, never guessed.
 */
#ifndef EDGELAT_EDGE_SITE_H
#define EDGELAT_EDGE_SITE_H

#include "config/config.h"
#include "edge/catalogue.h"
#include "edge/workloads.h"

#include <stddef.h>
#include <stdint.h>

struct site {
    const struct catalogue *metros;
    const struct workloads *workloads; /* NULL: not known */
    struct position at;                /* valid when `nearest.metro` is not NULL */
    struct near_metro nearest; /* of the catalogue; metro NULL: no known position */
    struct peering peering;    /* connection "": none */
    const struct metro *primary, *backup; /* its locations; NULL: unknown, or none */
};

/*
 * Reads the configured location and connection; `metros` is borrowed. Returns the number
 * of problems, each reported as one clause ("location = XYZ in [agent]: XYZ is not a code
 * in metros.csv"); invalid values stay unknown. `on_problem` may be NULL.
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

/* ROLE_UNKNOWN for NULL, and where a location is not known that it may be. */
enum role site_role(const struct site *site, const struct metro *m);

struct standing {              /* of a PoP, as seen from the site */
    const struct metro *metro; /* NULL: no code, or not in the catalogue */
    double km;                 /* from the site; NaN: unknown */
    int64_t bound_ns;          /* least possible round trip; DELAY_UNDEFINED: unknown */
    double excess_km;          /* distance beyond the nearest metro's; NaN: unknown */
    enum role role;
};

/* `pop` and `basis` as exported: "SG1", "X-MSEdge-Ref"; "" and NULL: unknown. */
struct standing site_standing(const struct site *site, const char *pop,
                              const char *basis);

#endif
