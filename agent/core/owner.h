/*
 * Whose network answers for a target, in one family: Microsoft's edge or another one.
 * edge/owners.h decides it; the pipeline ranks and names PoPs by it; status, `nearest` and
 * events report it.
 */
#ifndef EDGELAT_CORE_OWNER_H
#define EDGELAT_CORE_OWNER_H

#include <stdbool.h>

enum owner_type {
    OWNER_UNKNOWN, /* nothing says otherwise: it is ranked, as the edge is */
    OWNER_EDGE,
    OWNER_REGION,   /* Microsoft's, in an Azure region: the delay is not that to a PoP */
    OWNER_FOREIGN,  /* another company's network, whatever its replies say */
    OWNER_PRIVATE,  /* a private address: a private endpoint or a proxy */
    OWNER_FILTERED, /* DNS answers with an address that nobody on the internet has: not
                       probed */
};

#define OWNER_WHY_MAX 160

struct owner {
    enum owner_type type;
    char why[OWNER_WHY_MAX]; /* the evidence, one clause: "X-CDN-TraceID of Akamai"; ""
                                when there is none */
};

const char *owner_name(enum owner_type type); /* "unknown", "edge", "region", ... */

#define OWNER_TEXT_MAX 640

/* One sentence for a person on what answers for `host`, and what to do; "" for what may
 * be a PoP. Returns `out`. */
const char *owner_text(char out[OWNER_TEXT_MAX], const struct owner *o, const char *host);

/* What stands in a table in the PoP's place: the PoP, else "unknown", or what else
 * answers: "foreign". */
const char *owner_pop(const char *pop, const struct owner *o);

/* Whether it may be a PoP of the edge: has a rank and a PoP. */
bool owner_may_be_pop(enum owner_type type);

#endif
