/*
 * Extracts the PoP that served the client from reply headers, CNAME chains and router
 * names. Microsoft guarantees none of these formats: an unknown code is passed through
 * unchanged, and "unknown" is an answer, not an error. Layouts and samples:
 * agent/edge/README.md.
 *
 * A code ("LON", "SG1", "CO1") is as in its source: two letters and a digit, or three
 * letters, upper case. Front Door, Exchange's zones, Exchange's sites and the backbone
 * have families of codes that differ, so codes of different families must not be compared
 * as text. A site of Exchange is two letters and a digit or letter ("PA7", "BMX"): its
 * metro is the two letters, never all three.
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
    POP_AIRPORT,       /* an IATA code that no source of a PoP has used */
};

struct pop {
    enum pop_family family; /* POP_UNKNOWN: nothing was recognised, the rest is "" */
    char metro[8];          /* "LON", "SG" */
    char site[8];           /* "04", "1", "X"; "": not in the source */
    bool parent;            /* the parent PoP (origin shield), not the client's edge */
    const char *source;     /* "X-MSEdge-Ref", "X-Azure-Ref", "cname", ...; static */
};

/* "LON", "SG1", "BM": the metro, with the site if that is a digit after two letters.
 * Returns `out`. */
const char *pop_text(char out[POP_TEXT_MAX], const struct pop *pop);

/* True for the name, in any case, of a header that can name a PoP. */
bool pop_is_header(const char *name);

/* Parses one reply header; the name in any case. False: it names no PoP. Of several
 * values of X-FEServer the last one counts: the client reached that server. */
bool pop_from_header(struct pop *out, const char *name, const char *value,
                     size_t value_len);

/*
 * True when `a` is a more reliable source than `b` for the client's edge. The order is
 * X-MSEdge-Ref, X-FD-Ref, X-Azure-Ref, X-FirstHopCafeEFZ, X-FEEFZInfo, X-FEServer, cname;
 * a parent is last.
 */
bool pop_better(const struct pop *a, const struct pop *b);

/* The family of a source's codes (`source` of struct pop); POP_UNKNOWN for NULL or
 * another text. */
enum pop_family pop_family_of(const char *source);

/* Parses a name of a CNAME chain: "LHR-efz.ms-acdc.office.com" is the Exchange front door
 * LHR. */
bool pop_from_cname(struct pop *out, const char *name);

/* Parses the name of an Exchange front end, as in its SMTP banner:
 * "BMXPR01CA0083.outlook.office365.com". */
bool pop_from_front_end(struct pop *out, const char *name);

/* Parses a router's name: "be-102-0.ibr01.lon24.ntwk.msn.net",
 * "xe-0-0-1-0.co2-96c-1b.ntwk.msn.net". */
bool pop_from_router(struct pop *out, const char *name);

#endif
