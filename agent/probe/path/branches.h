/*
 * Pure: the routers of equal-cost paths. Routers choose between such paths by a hash of the
 * flow, so several traces, each with a flow of its own, find them (RFC 2992; Augustin et
 * al., "Measuring multipath routing in the Internet", 2011: of two branches, BRANCHES_FLOWS
 * flows miss one with a chance of 2^-15, of four 4 %).
 */
#ifndef EDGELAT_PROBE_PATH_BRANCHES_H
#define EDGELAT_PROBE_PATH_BRANCHES_H

#include "probe/path/trace.h"

enum { BRANCHES_FLOWS = 16 };

struct branch {
    struct endpoint address;
    unsigned flows; /* in which it answered */
};

struct branches { /* start with { 0 } */
    unsigned flows;
    struct {
        struct branch all[BRANCHES_FLOWS];
        size_t n;
    } hops[TRACE_TTL_MAX];
};

/* Adds a trace that is over, and with it one flow, of at most BRANCHES_FLOWS. */
void branches_add(struct branches *b, const struct trace *t);

#endif
