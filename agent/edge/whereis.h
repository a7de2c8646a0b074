/*
 * What a piece of pasted text says about a PoP: reply headers as any tool prints them, an
 * SMTP banner, a line of traceroute, ping or dig, a name of a router or of a CNAME chain,
 * a metro code, a city, an address. What it does not say is unknown, never guessed.
 *
 * Of several headers the best one counts, as of a reply (reply.h); of several names the
 * last one that says most: a PoP, then whose it is. An address says less than a name.
 */
#ifndef EDGELAT_EDGE_WHEREIS_H
#define EDGELAT_EDGE_WHEREIS_H

#include "core/owner.h"
#include "edge/edge_data.h"
#include "edge/pop.h"

#include <stdbool.h>
#include <stddef.h>

#define WHEREIS_TEXT_MAX 4096 /* bytes; what is longer is unknown */

enum whereis_kind {
    WHEREIS_UNKNOWN,
    WHEREIS_HEADER,
    WHEREIS_ROUTER,
    WHEREIS_CNAME, /* any other name that says whose it is */
    WHEREIS_METRO, /* a code or city of the catalogue and nothing else */
    WHEREIS_ADDRESS,
    WHEREIS_BANNER, /* the name of a front end of Exchange, as in its SMTP banner */
};

struct whereis {
    enum whereis_kind kind;
    struct pop pop;            /* POP_UNKNOWN: no PoP is named */
    const struct metro *metro; /* of the catalogue; NULL: the code is not in it */
    const char *service;       /* "front-door", "exchange", ...; NULL is unknown. Of a
                                  foreign network whose it is. */
    enum owner_type owner;     /* Microsoft's edge, its regions, or another network */
    char basis[192];           /* how it is known; "" when nothing is */
};

const char *whereis_kind_name(enum whereis_kind kind); /* "header", ..., "unknown" */

/* The result points into the tables, any of which may be empty. */
void whereis(struct whereis *out, const struct edge_data *known, const char *text,
             size_t len);

/* Whether it is known what it means: a PoP in the catalogue, or a service or whose it is
 * where none is named. A code that is not in the catalogue passes through and is not
 * known. */
bool whereis_known(const struct whereis *w);

#endif
