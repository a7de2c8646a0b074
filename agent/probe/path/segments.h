/*
 * Pure: divides a traced path into the local network, providers and Microsoft's network,
 * and finds where traffic enters Microsoft's network (its entry PoP).
 *
 * A hop is Microsoft's by the name of the router (edge/pop.h), by the prefix table
 * (edge/prefixes.h) or by its AS (edge/origins.h). The first hop (the gateway), private
 * addresses and those of the registered prefixes before the first hop of others are
 * local; shared addresses of providers (RFC 6598) and other public addresses are a
 * provider's. A hop that does not answer, or has a private address behind a public one,
 * belongs to the segment of both its neighbours; between two segments it is unknown. All
 * hops between two of Microsoft's are Microsoft's, and those behind it that have no name
 * and no AS: the prefix table is not complete, and Microsoft carries no traffic for other
 * networks. Behind it a hop with a name of another domain or another AS is unknown.
 *
 * Only the name of a router tells a metro. The entry is found if the first of Microsoft's
 * hops has one and follows a hop of another segment at once. Otherwise it is hidden, and
 * the hops around it bound it.
 */
#ifndef EDGELAT_PROBE_PATH_SEGMENTS_H
#define EDGELAT_PROBE_PATH_SEGMENTS_H

#include "core/path_state.h"
#include "edge/as_path.h"
#include "edge/edge_data.h"
#include "edge/potato.h"
#include "probe/path/trace.h"

struct segment_hop {
    struct endpoint address; /* FAMILY_NONE: no answer */
    const char *name;        /* "": none */
    uint32_t as;             /* that it belongs to; 0: not known */
    int64_t min_ns;          /* DELAY_UNDEFINED: no answer */

    /* set by segments_judge() */
    enum segment segment;
    struct pop pop;            /* POP_UNKNOWN: none */
    const struct metro *metro; /* of the catalogue; NULL: not in it */
    char basis[192];           /* of Microsoft's hops: the evidence; else "" */
};

enum { SEGMENT_NO_HOP = TRACE_TTL_MAX };

struct entry { /* hops by index; SEGMENT_NO_HOP: none */
    enum entry_state state;
    size_t first;  /* the first of Microsoft's */
    size_t before; /* the last hop before it that is known not to be Microsoft's */
    size_t metro;  /* the first of Microsoft's with a metro */
};

struct entry segments_judge(struct segment_hop *hops, size_t n,
                            const struct edge_data *known);

/* The AS hops to Microsoft's network by the AS of the hops, after segments_judge(). */
struct as_path segments_as_path(const struct segment_hop *hops, size_t n);

/*
 * Cold or hot potato, after segments_judge(). `site`: where the site is, or NULL; the last of
 * Microsoft's hops with a metro stands for the serving PoP.
 */
struct potato segments_potato(const struct segment_hop *hops, size_t n,
                              const struct trace *trace, const struct entry *entry,
                              bool reached, const struct position *site,
                              const struct catalogue *metros);

/*
 * One sentence, or two: where traffic enters Microsoft's network and at which delay, or
 * that it cannot be told, and why. `end` and `end_ttl` as from trace_end().
 */
void segments_verdict(struct text *out, const struct segment_hop *hops, size_t n,
                      const struct entry *entry, enum trace_end end, uint8_t end_ttl);

#endif
