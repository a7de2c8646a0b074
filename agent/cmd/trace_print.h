/*
 * The output of `edgelat trace`: one table or one JSON object a line.
 */
#ifndef EDGELAT_CMD_TRACE_PRINT_H
#define EDGELAT_CMD_TRACE_PRINT_H

#include "net/as_lookup.h"
#include "probe/path/branches.h"
#include "probe/path/mtu_search.h"
#include "probe/path/segments.h"
#include "probe/path/tracer.h"
#include "route/rib_lookup.h"

struct traced { /* a path, as it is printed */
    const char *host;
    struct endpoint to;
    enum tracer_method method;
    const struct trace *trace;
    const struct segment_hop *hops;
    size_t n; /* hops to show */
    enum trace_end end;
    uint8_t end_ttl;
    struct entry entry;
    const struct as_answer *as;      /* of each hop */
    struct as_path by_hops;          /* to Microsoft's network, by the AS of the hops */
    const char *as_about;            /* where these are from; "": nowhere */
    struct as_path by_route;         /* the same by the BGP route */
    const struct route_found *route; /* to the target; NULL: not known */
    struct potato potato;
    const struct branches *branches; /* NULL: not looked for */
    const struct mtu_search *mtu;    /* NULL: not looked for */
    struct wall time;                /* of the start */
    int64_t took_ns;
    const char
        *proxy; /* why a path through an HTTP proxy is not traced; "": there is none */
};

void trace_print_text(struct text *out, const struct traced *t);
void trace_print_json(struct text *out, const struct traced *t);

#endif
