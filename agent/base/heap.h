/*
 * A binary heap: what is due first. An item is part of the caller's own struct and knows
 * its place, so it can be moved or taken out from anywhere. Items with equal times come
 * in no particular order.
 */
#ifndef EDGELAT_BASE_HEAP_H
#define EDGELAT_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t at_ns;
    size_t place; /* in the heap */
};

/* The struct of `type` whose member `member` the item is. */
#define heap_struct(item, type, member)                                                  \
    ((type *)(void *)((char *)(item)-offsetof(type, member)))

struct heap { /* { 0 } is empty; ends with heap_free() */
    struct heap_item **items;
    size_t n, room;
};

void heap_add(struct heap *h, struct heap_item *item);
void heap_remove(struct heap *h, struct heap_item *item); /* it is in there */
void heap_moved(struct heap *h, struct heap_item *item);  /* its `at_ns` has changed */
struct heap_item *heap_first(const struct heap *h);       /* NULL: it is empty */
void heap_free(struct heap *h);                           /* the items are the caller's */

#endif
