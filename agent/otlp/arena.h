/*
 * Memory for many small objects with one lifetime: allocated one by one, freed at once.
 */
#ifndef EDGELAT_OTLP_ARENA_H
#define EDGELAT_OTLP_ARENA_H

#include <stddef.h>

struct arena { /* start with { 0 } */
    struct arena_chunk *chunk;
};

void *arena_take(struct arena *a,
                 size_t size);     /* aligned for anything, not initialised */
void arena_clear(struct arena *a); /* keeps one chunk for what comes next */
void arena_free(struct arena *a);

#endif
