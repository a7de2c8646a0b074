/*
 * One trace of a path to a target, as a value, and what identifies the path in it: where
 * it enters Microsoft's network, and through which networks it gets there. Pure.
 */
#ifndef EDGELAT_EDGE_PATH_SAMPLE_H
#define EDGELAT_EDGE_PATH_SAMPLE_H

#include "core/endpoint.h"
#include "core/path_state.h"

enum { PATH_HOPS_MAX = 30, PATH_AS_MAX = 16, PATH_ROUTER_MAX = 64 };

struct path_hop {
    struct endpoint address; /* FAMILY_NONE: no answer */
    const char *name;        /* of the router; "": none; NULL: DNS did not tell */
    const char *metro;       /* code of its metro; "": none */
    enum segment segment;
    int64_t min_ns; /* least round trip; DELAY_UNDEFINED: no answer */
    uint32_t as;    /* the AS that it belongs to; 0: not known */
};

enum path_end { PATH_REACHED, PATH_SILENT, PATH_UNREACHABLE, PATH_LOOP };

const char *path_end_name(enum path_end end); /* "reached", "silent", ... */

struct path_sample {
    struct path_hop hops[PATH_HOPS_MAX];
    size_t n;
    enum path_end end;
    enum entry_state entry;
    size_t first;  /* hop of the entry, or the first of Microsoft's; n: none */
    size_t before; /* the last hop before it that is known to be another's; n: none */
    /* The AS path to the target in the BGP table of the site's router, without the
     * site's own AS, AS_MICROSOFT last; n_as 0: not known. */
    uint32_t as_path[PATH_AS_MAX];
    size_t n_as;
};

/* The metro of the entry; "": cannot tell. */
const char *path_entry(const struct path_sample *s);

/* The first hop of Microsoft's network follows a known hop of another one at once. */
bool path_entry_is_exact(const struct path_sample *s);

/*
 * The networks between the site and Microsoft in their order, without repetition, as
 * "provider.example > transit.example": by the domain of the router's name, else by its
 * prefix (/16, IPv6 /32). False: a hop is missing or its name is not known, so that
 * the list may be incomplete. Such a list still tells which networks are on the path.
 */
bool path_provider(const struct path_sample *s, char out[PATH_WORD_MAX]);

/* The same by AS: "AS64500 > AS64510". Only if each is known; else "". */
const char *path_as_list(const struct path_sample *s, char out[PATH_WORD_MAX]);

/*
 * How many AS hops Microsoft's network is away, edge/as_path.h: 1 if the provider's network
 * is next to it. By the BGP table if it is known, else by the AS of each hop; `*by` says
 * which. 0: cannot tell, or only how many there are at least.
 */
uint8_t path_as_hops(const struct path_sample *s, enum as_hops_source *by);

/*
 * Identifies the router of the entry: its name without the interface ("icr02.lon24"), as
 * each interface has its own address, else its address. `*named`: by its name. "": the
 * entry is not known.
 */
const char *path_router(const struct path_sample *s, char out[PATH_ROUTER_MAX],
                        bool *named);

#endif
