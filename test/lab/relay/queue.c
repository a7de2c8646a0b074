#include "queue.h"

#include <stdlib.h>
#include <string.h>

static bool before(const struct queued *a, const struct queued *b)
{
    return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->number < b->number);
}

bool queue_push(struct queue *q, int64_t due_ns, int side, const uint8_t *bytes,
                size_t len)
{
    uint8_t *copy = q->n < QUEUE_MAX ? malloc(len) : NULL;
    if (copy == NULL)
        return false;
    memcpy(copy, bytes, len);
    struct queued new = {due_ns, q->pushed++, side, len, copy};

    size_t i = q->n++;
    for (; i > 0 && before(&new, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        q->heap[i] = q->heap[(i - 1) / 2];
    q->heap[i] = new;
    return true;
}

int64_t queue_due(const struct queue *q)
{
    return q->n > 0 ? q->heap[0].due_ns : INT64_MAX;
}

struct queued queue_pop(struct queue *q)
{
    struct queued first = q->heap[0], last = q->heap[--q->n];
    size_t i = 0;

    for (size_t child = 1; child < q->n; child = 2 * i + 1) {
        if (child + 1 < q->n && before(&q->heap[child + 1], &q->heap[child]))
            child++;
        if (!before(&q->heap[child], &last))
            break;
        q->heap[i] = q->heap[child];
        i = child;
    }
    q->heap[i] = last;
    return first;
}
