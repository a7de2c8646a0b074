/*
 * Windows close on the wall clock's minute at all sites at once, but batches must not
 * arrive at the collector at once. Each agent ships after a delay of its own, drawn once
 * from its seed, so that its batches still come at even intervals.
 */
#ifndef EDGELAT_CORE_SPLAY_H
#define EDGELAT_CORE_SPLAY_H

#include <stdint.h>

#define SPLAY_DEFAULT INT64_C(-1) /* half of the window, at most SPLAY_MOST_NS ... */
#define SPLAY_MOST_NS INT64_C(30000000000)
/* ... but 0 for windows shorter than this: they are for interactive use. */
#define SPLAY_WINDOW_LEAST_NS INT64_C(10000000000)

/* The delay in ns, in [0, splay_ns), or of the default with SPLAY_DEFAULT. */
int64_t splay_delay(uint64_t seed, int64_t window_ns, int64_t splay_ns);

#endif
