#include "base/heap.h"

#include "base/mem.h"

#include <stdlib.h>

static void put(struct heap *h, size_t place, struct heap_item *item)
{
    h->items[place] = item;
    item->place = place;
}

/* Moves the free slot `place` up or down to the position of `item` and stores it there.
 * */
static void sift(struct heap *h, size_t place, struct heap_item *item)
{
    while (place > 0 && item->at_ns < h->items[(place - 1) / 2]->at_ns) {
        put(h, place, h->items[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < h->n && h->items[child + 1]->at_ns < h->items[child]->at_ns)
            child++;
        if (child >= h->n || h->items[child]->at_ns >= item->at_ns)
            break;
        put(h, place, h->items[child]);
        place = child;
    }
    put(h, place, item);
}

void heap_add(struct heap *h, struct heap_item *item)
{
    h->items = mem_grow(h->items, &h->room, h->n + 1, sizeof *h->items);
    h->n++;
    sift(h, h->n - 1, item);
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    struct heap_item *last = h->items[--h->n];
    if (last != item)
        sift(h, item->place, last);
}

void heap_moved(struct heap *h, struct heap_item *item)
{
    sift(h, item->place, item);
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->n == 0 ? NULL : h->items[0];
}

void heap_free(struct heap *h)
{
    free(h->items);
    *h = (struct heap){0};
}
