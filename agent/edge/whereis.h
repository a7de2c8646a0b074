/*
 * What a piece of pasted text says about a PoP: a line or value of a reply header, a name
 * of a router or of a CNAME chain, a metro code, an address. What it does not say is
 * unknown, never guessed.
 */
#ifndef EDGELAT_EDGE_WHEREIS_H
#define EDGELAT_EDGE_WHEREIS_H

#include "edge/catalogue.h"
#include "edge/pop.h"
#include "edge/prefixes.h"

#include <stdbool.h>
#include <stddef.h>

#define WHEREIS_TEXT_MAX 4096 /* bytes; what is longer is unknown */

enum whereis_kind {
    WHEREIS_UNKNOWN,
    WHEREIS_HEADER,
    WHEREIS_ROUTER,
    WHEREIS_CNAME, /* any other name of Microsoft's */
    WHEREIS_METRO, /* a code of the catalogue and nothing else */
    WHEREIS_ADDRESS,
};

struct whereis {
    enum whereis_kind kind;
    struct pop pop;            /* POP_UNKNOWN: no PoP is named */
    const struct metro *metro; /* of the catalogue; NULL: the code is not in it */
    const char *service;       /* "front-door", "exchange", ...; NULL is unknown */
    char basis[112];           /* how it is known; "" when nothing is */
};

const char *whereis_kind_name(enum whereis_kind kind); /* "header", ..., "unknown" */

/* The result points into both tables, either of which may be empty. */
void whereis(struct whereis *out, const struct catalogue *metros,
             const struct prefixes *prefixes, const char *text, size_t len);

/* Whether it is known what it means: a PoP in the catalogue, or a service where none is
 * named. A code that is not in the catalogue passes through and is not known. */
bool whereis_known(const struct whereis *w);

#endif
