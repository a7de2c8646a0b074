/*
 * The origin of one reply by its headers: the PoP, and the marks of another company's
 * content delivery network. Such a network forwards Microsoft's PoP headers: they then
 * name the PoP where it fetched the reply, not the client's. Headers are added in any
 * order; samples and sources: README.md beside this file.
 */
#ifndef EDGELAT_EDGE_REPLY_H
#define EDGELAT_EDGE_REPLY_H

#include "edge/pop.h"

#include <stdint.h>

/* X-MSEdge-Ref and X-Azure-Ref contain the time of the request. If it differs by more
 * from the reply's Date, the reply is an old copy. In 25 samples they differ by 0 to 4
 * s. */
#define REPLY_COPY_S 30

struct reply {            /* start with { 0 } */
    struct pop pop;       /* the most reliable of all headers except X-FEServer */
    struct pop front_end; /* the last X-FEServer: each server in front adds its own */
    const char *foreign;  /* "X-CDN-TraceID of Akamai"; static; NULL: no mark */
    int64_t date_s;       /* Date, seconds since 1970; 0: unknown */
    int64_t ref_s;        /* the time in the PoP header */
};

void reply_header(struct reply *r, const char *name, const char *value, size_t value_len);

/* True for an old copy, whose PoP headers belong to another request. */
bool reply_is_copy(const struct reply *r);

/* The PoP that served the client; family POP_UNKNOWN if the reply has a mark or is a
 * copy. */
struct pop reply_pop(const struct reply *r);

#endif
