/*
 * Finds the PoP in pasted text: reply headers as any tool prints them, an SMTP banner, a
 * line of traceroute, ping or dig, a name of a router or of a CNAME chain, a metro code,
 * a city, an address. Facts missing in the text are unknown, never guessed.
 *
 * Of several headers the most reliable one counts, as for a reply (reply.h); of several
 * names the last of the most specific ones: a PoP, then an owner. A name is more specific
 * than an address.
 */
#ifndef EDGELAT_EDGE_WHEREIS_H
#define EDGELAT_EDGE_WHEREIS_H

#include "core/owner.h"
#include "edge/edge_data.h"
#include "edge/pop.h"

#include <stdbool.h>
#include <stddef.h>

#define WHEREIS_TEXT_MAX 4096 /* bytes; a longer text is unknown */

enum whereis_kind {
    WHEREIS_UNKNOWN,
    WHEREIS_HEADER,
    WHEREIS_ROUTER,
    WHEREIS_CNAME, /* any other name that identifies its owner */
    WHEREIS_METRO, /* a code or city of the catalogue and nothing else */
    WHEREIS_ADDRESS,
    WHEREIS_BANNER, /* the name of a front end of Exchange, as in its SMTP banner */
};

struct whereis {
    enum whereis_kind kind;
    struct pop pop;            /* POP_UNKNOWN: no PoP is named */
    const struct metro *metro; /* of the catalogue; NULL: the code is not in it */
    /* "front-door", "exchange", ..., or the owner of a foreign network; NULL: unknown. */
    const char *service;
    enum owner_type owner; /* Microsoft's edge, its regions, or another network */
    char basis[192];       /* the evidence; "": none */
};

const char *whereis_kind_name(enum whereis_kind kind); /* "header", ..., "unknown" */

/* The result points into the tables of `known`, any of which may be empty. */
void whereis(struct whereis *out, const struct edge_data *known, const char *text,
             size_t len);

/* True when the text was identified: a PoP in the catalogue, or, without a PoP, a service
 * or an owner. A code missing in the catalogue is passed through and not known. */
bool whereis_known(const struct whereis *w);

#endif
