#include "core/path_state.h"

const char *segment_name(enum segment s)
{
    static const char *const names[SEGMENTS] = {
        [SEGMENT_UNKNOWN] = "unknown",
        [SEGMENT_LOCAL] = "local",
        [SEGMENT_PROVIDER] = "provider",
        [SEGMENT_MICROSOFT] = "microsoft",
    };
    return names[s];
}

const char *entry_state_name(enum entry_state s)
{
    static const char *const names[] = {
        [ENTRY_NONE] = "none", [ENTRY_HIDDEN] = "hidden", [ENTRY_FOUND] = "found"};
    return names[s];
}

const char *as_hops_source_name(enum as_hops_source s)
{
    return s == AS_HOPS_BY_BGP ? "bgp" : "trace";
}
