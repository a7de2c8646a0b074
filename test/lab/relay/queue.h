/* Packets on their way, by the time they are due; those due at once keep their order. */
#ifndef LAB_RELAY_QUEUE_H
#define LAB_RELAY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_MAX 16384

struct queued {
    int64_t due_ns;
    uint64_t number;
    int side; /* where it goes: an enum direction */
    size_t len;
    uint8_t *bytes; /* from malloc(); of whoever popped it */
};

struct queue {
    struct queued heap[QUEUE_MAX];
    size_t n;
    uint64_t pushed;
};

/* Copies `bytes`. False: full, or no memory. */
bool queue_push(struct queue *q, int64_t due_ns, int side, const uint8_t *bytes,
                size_t len);

/* INT64_MAX when it is empty. */
int64_t queue_due(const struct queue *q);

struct queued queue_pop(struct queue *q); /* not when it is empty */

#endif
