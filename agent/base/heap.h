/*
 * A binary heap ordered by time, earliest first. An item is embedded in a struct of the
 * caller and knows its position, so it can be moved or removed from anywhere. Items with
 * equal times have no defined order.
 */
#ifndef EDGELAT_BASE_HEAP_H
#define EDGELAT_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t at_ns;
    size_t place; /* index in the heap */
};

/* The struct of `type` that contains the item as `member`. */
#define heap_struct(item, type, member)                                                  \
    ((type *)(void *)((char *)(item)-offsetof(type, member)))

struct heap { /* { 0 } is empty; free with heap_free() */
    struct heap_item **items;
    size_t n, room;
};

void heap_add(struct heap *h, struct heap_item *item);
void heap_remove(struct heap *h, struct heap_item *item); /* must be in the heap */
void heap_moved(struct heap *h, struct heap_item *item); /* call after changing `at_ns` */
struct heap_item *heap_first(const struct heap *h);      /* NULL: empty */
void heap_free(struct heap *h);                          /* does not free the items */

#endif
