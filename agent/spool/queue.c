#include "spool/queue.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 64 };

size_t queue_count(const struct queue *q)
{
    return q->n - q->head;
}

struct waiting *queue_oldest(struct queue *q)
{
    return q->n > q->head ? &q->all[q->head] : NULL;
}

struct waiting *queue_oldest_in_memory(struct queue *q)
{
    return q->in_memory > 0 ? &q->all[q->n - q->in_memory] : NULL;
}

struct waiting *queue_find(struct queue *q, uint64_t id)
{
    size_t low = q->head, high = q->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (q->all[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < q->n && q->all[low].id == id ? &q->all[low] : NULL;
}

/* Uses the room of those that have left again, when it is most of it, and gives back
 * what an outage took. */
static void close_up(struct queue *q)
{
    if (q->head <= q->n / 2)
        return;
    memmove(q->all, q->all + q->head, queue_count(q) * sizeof *q->all);
    q->n -= q->head;
    q->head = 0;
    if (q->n < q->room / 4 && q->room > ROOM_LEAST) {
        q->room /= 2;
        q->all = mem_resize(q->all, q->room * sizeof *q->all);
    }
}

void queue_add(struct queue *q, struct waiting w)
{
    close_up(q);
    q->all = mem_grow(q->all, &q->room, q->n + 1, sizeof *q->all);
    q->all[q->n++] = w;
    q->bytes += w.len;
    if (w.bytes != NULL) {
        q->in_memory++;
        q->memory_bytes += w.len;
    }
}

void *queue_remove(struct queue *q, struct waiting *w)
{
    void *bytes = w->bytes;
    q->bytes -= w->len;
    if (bytes != NULL) {
        q->in_memory--;
        q->memory_bytes -= w->len;
    }
    if (w == &q->all[q->head]) {
        q->head++;
        close_up(q);
        return bytes;
    }
    memmove(w, w + 1, (size_t)(q->all + q->n - (w + 1)) * sizeof *w);
    q->n--;
    return bytes;
}

void *queue_written(struct queue *q)
{
    struct waiting *w = queue_oldest_in_memory(q);
    assert(w != NULL);
    void *bytes = w->bytes;
    w->bytes = NULL;
    q->in_memory--;
    q->memory_bytes -= w->len;
    return bytes;
}

void queue_age(struct queue *q, int64_t wall_ns, int64_t now_ns)
{
    for (size_t i = q->head; i < q->n; i++) {
        struct waiting *w = &q->all[i];
        int64_t stamp = w->stamp_ns;
        if (stamp != 0 && stamp < wall_ns && now_ns - (wall_ns - stamp) < w->time_ns)
            w->time_ns = now_ns - (wall_ns - stamp);
    }
}

void queue_free(struct queue *q)
{
    for (struct waiting *w; (w = queue_oldest(q)) != NULL;)
        free(queue_remove(q, w));
    free(q->all);
    *q = (struct queue){0};
}
