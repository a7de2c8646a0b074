/*
 * What answers for a target, in one family. Decided by edge/whose.h; the pipeline ranks
 * and names PoPs by it, and status, `nearest` and events report it.
 */
#ifndef EDGELAT_CORE_FRONT_H
#define EDGELAT_CORE_FRONT_H

#include <stdbool.h>

enum front_is {
    FRONT_UNKNOWN, /* nothing says otherwise: it is ranked, as the edge is */
    FRONT_EDGE,
    FRONT_REGION,   /* Microsoft's, in an Azure region: the delay is not that to a PoP */
    FRONT_FOREIGN,  /* another company's network, whatever its replies say */
    FRONT_PRIVATE,  /* a private address: a private endpoint or a proxy */
    FRONT_FILTERED, /* DNS answers with an address that nobody on the internet has: not
                       probed */
};

#define FRONT_WHY_MAX 160

struct front {
    enum front_is is;
    char why[FRONT_WHY_MAX]; /* the recent, one clause: "X-CDN-TraceID of Akamai"; ""
                                when there is none */
};

const char *front_name(enum front_is is); /* "unknown", "edge", "region", ... */

#define FRONT_TEXT_MAX 640

/* One sentence for a person on what answers for `host`, and what to do; "" for what may
 * be a PoP. Returns `out`. */
const char *front_text(char out[FRONT_TEXT_MAX], const struct front *f, const char *host);

/* What stands in a table in the PoP's place: the PoP, else "unknown", or what else
 * answers: "foreign". */
const char *front_pop(const char *pop, const struct front *f);

/* Whether it may be a PoP of the edge: has a rank and a PoP. */
bool front_may_be_pop(enum front_is is);

#endif
