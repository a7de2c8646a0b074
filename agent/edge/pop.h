/*
 * Which PoP served the client, from what Microsoft's edge says of itself: reply headers,
 * the CNAME chain, router names. None of it is promised by contract; a code that is not
 * known here passes through as it is, and "unknown" is an answer, not an error. Layouts
 * and samples: agent/edge/README.md.
 *
 * A code ("LON", "SG1", "CO1") is what the source says: two letters and a digit, or three
 * letters, upper case. Front Door, Exchange's zones, Exchange's sites and the backbone
 * have code families of their own that do not agree, so codes of different families are
 * not to be compared as text. A site of Exchange is two letters and a digit or letter
 * ("PA7", "BMX"): its metro is the two letters, never all three.
 */
#ifndef EDGELAT_EDGE_POP_H
#define EDGELAT_EDGE_POP_H

#include "core/result.h"

#include <stdbool.h>
#include <stddef.h>

enum pop_family {
    POP_UNKNOWN,
    POP_FRONT_DOOR,
    POP_EXCHANGE, /* zones of its front doors */
    POP_BACKBONE,
    POP_EXCHANGE_SITE, /* first letters of its servers' names */
    POP_AIRPORT,       /* an IATA code that no source of a PoP has used; never of one */
};

struct pop {
    enum pop_family family; /* POP_UNKNOWN: nothing was recognised, the rest is "" */
    char metro[8];          /* "LON", "SG" */
    char site[8];           /* "04", "1", "X", "" when the source does not say */
    bool parent;        /* of the origin shield: the parent PoP, not the client's edge */
    const char *source; /* "X-MSEdge-Ref", "X-Azure-Ref", "X-FirstHopCafeEFZ", "cname",
                           ...; static */
};

/* "LON", "SG1", "BM": the metro, with the site where that is a digit after two letters.
 * Returns `out`. */
const char *pop_text(char out[POP_TEXT_MAX], const struct pop *pop);

/* Whether a header of that name, in any case, is one that names a PoP. */
bool pop_is_header(const char *name);

/* One reply header; the name in any case. False: it says nothing about the PoP. Of
 * several values of X-FEServer the last one counts, as the client reached that server. */
bool pop_from_header(struct pop *out, const char *name, const char *value,
                     size_t value_len);

/*
 * Of two findings about one reply, whether `a` says more about the client's edge than
 * `b`: the order is X-MSEdge-Ref, X-FD-Ref, X-Azure-Ref, X-FirstHopCafeEFZ,
 * X-FEEFZInfo, X-FEServer, cname; a parent is last.
 */
bool pop_better(const struct pop *a, const struct pop *b);

/* The family of the codes of a source, as in struct pop; of NULL or another, unknown. */
enum pop_family pop_family_of(const char *source);

/* One name of a CNAME chain: "LHR-efz.ms-acdc.office.com" is the Exchange front door LHR.
 */
bool pop_from_cname(struct pop *out, const char *name);

/* A front end of Exchange, as its SMTP banner says:
 * "BMXPR01CA0083.outlook.office365.com". */
bool pop_from_front_end(struct pop *out, const char *name);

/* A router's name: "be-102-0.ibr01.lon24.ntwk.msn.net",
 * "xe-0-0-1-0.co2-96c-1b.ntwk.msn.net". */
bool pop_from_router(struct pop *out, const char *name);

#endif
