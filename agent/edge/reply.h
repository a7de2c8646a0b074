/*
 * What the headers of one reply say about who sent it: the PoP, and the marks of a
 * content delivery network of another company. Such a network passes Microsoft's PoP
 * headers on: they then name the PoP where it fetched the reply, not the client's. Header
 * by header, in any order; samples and sources: README.md beside this file.
 */
#ifndef EDGELAT_EDGE_REPLY_H
#define EDGELAT_EDGE_REPLY_H

#include "edge/pop.h"

#include <stdint.h>

/* X-MSEdge-Ref and X-Azure-Ref carry the time of the request. That far from the reply's
 * Date it is an old copy. In 25 samples they differ by 0 to 4 s. */
#define REPLY_COPY_S 30

struct reply {            /* { 0 } has no header yet */
    struct pop pop;       /* the best of all headers but X-FEServer */
    struct pop front_end; /* the last X-FEServer: a server in front adds its own */
    const char *foreign;  /* "X-CDN-TraceID of Akamai"; static; NULL: no such mark */
    int64_t date_s;       /* since 1970; 0: not known */
    int64_t ref_s;        /* the PoP header's own time */
};

void reply_header(struct reply *r, const char *name, const char *value, size_t value_len);

/* An old copy: its PoP headers are of another request. */
bool reply_is_copy(const struct reply *r);

/* The PoP that served the client; family POP_UNKNOWN where a mark or the age of the reply
 * says that its headers do not tell. */
struct pop reply_pop(const struct reply *r);

#endif
