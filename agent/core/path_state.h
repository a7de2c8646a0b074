/*
 * The path to a target as of its last traces, as a value: what the batch of a window
 * exports of it. edge/path_watch.h creates it.
 */
#ifndef EDGELAT_CORE_PATH_STATE_H
#define EDGELAT_CORE_PATH_STATE_H

#include "core/result.h"
#include "core/target.h"
#include "core/time.h"

#include <stddef.h>
#include <stdint.h>

enum segment {
    SEGMENT_UNKNOWN,
    SEGMENT_LOCAL,
    SEGMENT_PROVIDER,
    SEGMENT_MICROSOFT,
    SEGMENTS
};

const char *
segment_name(enum segment s); /* "unknown", "local", "provider", "microsoft" */

enum entry_state {
    ENTRY_NONE,   /* no hop is known as Microsoft's */
    ENTRY_HIDDEN, /* cannot tell where */
    ENTRY_FOUND,
};

const char *entry_state_name(enum entry_state s); /* "none", "hidden", "found" */

enum as_hops_source { /* of the number of AS hops; they may count differently */
                      AS_HOPS_BY_TRACE, /* the AS of each hop of a trace */
                      AS_HOPS_BY_BGP,   /* the BGP table that a router sends */
};

const char *as_hops_source_name(enum as_hops_source s); /* "trace", "bgp" */

enum { PATH_WORD_MAX = 96 };

struct path_state { /* of a target in one address family */
    const struct target *target;
    enum family family;
    struct wall traced; /* the last trace */
    uint32_t traces;
    enum entry_state entry_state;
    char entry[POP_TEXT_MAX];     /* its metro; "": cannot tell */
    char provider[PATH_WORD_MAX]; /* the provider networks in order; "": cannot tell */
    /* Of the entry for the Peering Service connection: "primary", "backup", "neither",
     * "unknown"; "": there is no connection. */
    const char *role;
    bool role_by_entry; /* else by the serving PoP, as the entry is hidden */
    uint8_t hops;       /* to the target; 0: it was not reached */
    uint8_t as_hops;    /* AS hops to Microsoft's network; 0: cannot tell */
    enum as_hops_source as_hops_source;
    /* Round-trip delay that the segment adds; DELAY_UNDEFINED: cannot tell. None of
     * SEGMENT_UNKNOWN. */
    int64_t segment_ns[SEGMENTS];
};

#endif
