#include "probe/deadlines.h"

#include "base/mem.h"

#include <stdlib.h>

static void put(struct deadlines *d, size_t place, struct deadline *deadline)
{
    d->heap[place] = deadline;
    deadline->place = place;
}

/* `place` is free: finds the right one for `deadline`, up or down from there. */
static void sift(struct deadlines *d, size_t place, struct deadline *deadline)
{
    while (place > 0 && deadline->at.ns < d->heap[(place - 1) / 2]->at.ns) {
        put(d, place, d->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < d->n && d->heap[child + 1]->at.ns < d->heap[child]->at.ns)
            child++;
        if (child >= d->n || d->heap[child]->at.ns >= deadline->at.ns)
            break;
        put(d, place, d->heap[child]);
        place = child;
    }
    put(d, place, deadline);
}

void deadlines_add(struct deadlines *d, struct deadline *deadline)
{
    d->heap = mem_grow(d->heap, &d->room, d->n + 1, sizeof *d->heap);
    d->n++;
    sift(d, d->n - 1, deadline);
}

void deadlines_remove(struct deadlines *d, struct deadline *deadline)
{
    struct deadline *last = d->heap[--d->n];
    if (last != deadline)
        sift(d, deadline->place, last);
}

struct deadline *deadlines_first(const struct deadlines *d)
{
    return d->n == 0 ? NULL : d->heap[0];
}

void deadlines_free(struct deadlines *d)
{
    free(d->heap);
    *d = (struct deadlines){0};
}
