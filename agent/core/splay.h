/*
 * Windows close on the wall clock's minute at all sites at once; batches must not arrive
 * at once. Each agent ships a time of its own after the closing, drawn once from its
 * seed, so that its batches still come at even distances.
 */
#ifndef EDGELAT_CORE_SPLAY_H
#define EDGELAT_CORE_SPLAY_H

#include <stdint.h>

#define SPLAY_DEFAULT INT64_C(-1) /* half of the window, at most SPLAY_MOST_NS ... */
#define SPLAY_MOST_NS INT64_C(30000000000)
/* ... but nothing for windows shorter than this: they are for who looks on. */
#define SPLAY_WINDOW_LEAST_NS INT64_C(10000000000)

/* In [0, splay_ns), or of the default. */
int64_t splay_delay(uint64_t seed, int64_t window_ns, int64_t splay_ns);

#endif
