/*
 * The network that answers for a target in one family: Microsoft's edge or another one.
 * edge/owners.h decides it; the pipeline uses it for ranks and PoPs; status, `nearest`
 * and events report it.
 */
#ifndef EDGELAT_CORE_OWNER_H
#define EDGELAT_CORE_OWNER_H

#include <stdbool.h>

enum owner_type {
    OWNER_UNKNOWN,  /* no evidence: ranked like the edge */
    OWNER_EDGE,     /* Microsoft's edge */
    OWNER_REGION,   /* an Azure region: the delay is not that to a PoP */
    OWNER_FOREIGN,  /* another company's network, even if its replies name a PoP */
    OWNER_PRIVATE,  /* a private address: a private endpoint or a proxy */
    OWNER_RESOLVER, /* a DNS server */
    OWNER_FILTERED, /* DNS returns an address that no internet host has: not probed */
    OWNER_GATEWAY,  /* the default gateway of this host: core/last_metre.h */
};

#define OWNER_WHY_MAX 160

struct owner {
    enum owner_type type;
    char why[OWNER_WHY_MAX]; /* the evidence: "X-CDN-TraceID of Akamai"; "": none */
};

const char *owner_name(enum owner_type type); /* "unknown", "edge", "region", ... */

#define OWNER_TEXT_MAX 640

/* One sentence: what answers for `host`, and what to do; "" if it may be a PoP. Returns
 * `out`. */
const char *owner_text(char out[OWNER_TEXT_MAX], const struct owner *o, const char *host);

/* The text for the PoP column of a table: the PoP, else "unknown", or the type of another
 * owner: "foreign". */
const char *owner_pop(const char *pop, const struct owner *o);

/* True for an owner that may be a PoP of the edge: only those have a rank and a PoP. */
bool owner_may_be_pop(enum owner_type type);

#endif
