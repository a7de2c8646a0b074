/*
 * Which PoP served the client, from what Microsoft's edge says of itself: reply headers,
 * the CNAME chain, router names. None of it is promised by contract; a code that is not
 * known here passes through as it is, and "unknown" is an answer, not an error. Layouts
 * and samples: agent/edge/README.md.
 *
 * A code ("LON", "SG1", "CO1") is what the source says: two letters and a digit, or three
 * letters, upper case. Front Door, Exchange and the backbone have code families of their
 * own that do not agree, so codes of different families are not to be compared as text.
 */
#ifndef EDGELAT_EDGE_POP_H
#define EDGELAT_EDGE_POP_H

#include "core/result.h"

#include <stdbool.h>
#include <stddef.h>

enum pop_family { POP_UNKNOWN, POP_FRONT_DOOR, POP_EXCHANGE, POP_BACKBONE };

struct pop {
    enum pop_family family; /* POP_UNKNOWN: nothing was recognised, the rest is "" */
    char metro[8];          /* "LON", "SG" */
    char site[8];           /* "04", "1", "" when the source does not say */
    bool parent;        /* of the origin shield: the parent PoP, not the client's edge */
    const char *source; /* "X-MSEdge-Ref", "X-Azure-Ref", "X-FirstHopCafeEFZ", "cname",
                           ...; static */
};

/* "LON", "SG1": the metro, with the site where the metro has two letters. Returns `out`.
 */
const char *pop_text(char out[POP_TEXT_MAX], const struct pop *pop);

/* One reply header; the name in any case. False: it says nothing about the PoP. */
bool pop_from_header(struct pop *out, const char *name, const char *value,
                     size_t value_len);

/*
 * Of two findings about one reply, whether `a` says more about the client's edge than
 * `b`: the order is X-MSEdge-Ref, X-Azure-Ref, X-FirstHopCafeEFZ, X-FEEFZInfo,
 * X-FEServer, cname; a parent is last.
 */
bool pop_better(const struct pop *a, const struct pop *b);

/* The family of the codes of a source, as in struct pop; of NULL or another, unknown. */
enum pop_family pop_family_of(const char *source);

/* One name of a CNAME chain: "LHR-efz.ms-acdc.office.com" is the Exchange front door LHR.
 */
bool pop_from_cname(struct pop *out, const char *name);

/* A router's name: "be-102-0.ibr01.lon24.ntwk.msn.net",
 * "xe-0-0-1-0.co2-96c-1b.ntwk.msn.net". */
bool pop_from_router(struct pop *out, const char *name);

#endif
