/*
 * What is due first: a binary heap of deadlines. A deadline is part of the caller's own
 * struct and knows its place, so that it can be taken out from anywhere.
 */
#ifndef EDGELAT_PROBE_DEADLINES_H
#define EDGELAT_PROBE_DEADLINES_H

#include "core/time.h"

#include <stddef.h>

struct deadline {
    struct mono at;
    size_t place; /* in the heap */
};

struct deadlines { /* start with { 0 } */
    struct deadline **heap;
    size_t n, room;
};

void deadlines_add(struct deadlines *d, struct deadline *deadline);
void deadlines_remove(struct deadlines *d,
                      struct deadline *deadline);            /* it is in there */
struct deadline *deadlines_first(const struct deadlines *d); /* NULL: there is none */
void deadlines_free(struct deadlines *d);

#endif
