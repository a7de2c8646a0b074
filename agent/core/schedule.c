#include "core/schedule.h"

#include "base/heap.h"
#include "base/mem.h"
#include "core/random.h"

#include <assert.h>
#include <stdlib.h>

struct schedule_stream {
    int64_t interval_ns;   /* 0: paused */
    struct heap_item next; /* time of its next probe; in the heap unless paused */
    uint64_t missed;       /* since the last probe that was taken */
};

struct schedule {
    enum pattern pattern;
    struct random random;
    struct schedule_stream *streams;
    size_t n_streams, room; /* all after these are paused */
    struct heap heap;       /* of the streams that are not paused */
};

struct schedule *schedule_create(enum pattern pattern, uint64_t seed)
{
    struct schedule *s = mem_zalloc(sizeof *s);
    s->pattern = pattern;
    s->random = random_from(seed);
    return s;
}

void schedule_destroy(struct schedule *s)
{
    if (s == NULL)
        return;
    heap_free(&s->heap);
    free(s->streams);
    free(s);
}

/* The heap points to the streams. */
static void grow(struct schedule *s, size_t n)
{
    s->streams = mem_grow(s->streams, &s->room, n, sizeof *s->streams);
    for (size_t i = 0; i < s->n_streams; i++)
        if (s->streams[i].interval_ns > 0)
            s->heap.items[s->streams[i].next.place] = &s->streams[i].next;
    for (; s->n_streams < n; s->n_streams++)
        s->streams[s->n_streams] = (struct schedule_stream){0};
}

/* ---- time ---- */

void schedule_set(struct schedule *s, size_t stream, int64_t interval_ns,
                  int64_t first_within_ns, struct mono now)
{
    assert(interval_ns >= 0);
    if (stream >= s->n_streams)
        grow(s, stream + 1);
    struct schedule_stream *t = &s->streams[stream];
    if (interval_ns == t->interval_ns)
        return;
    bool paused = t->interval_ns == 0;
    t->interval_ns = interval_ns;
    if (interval_ns == 0) {
        heap_remove(&s->heap, &t->next);
        return;
    }

    bool soon = paused && first_within_ns > 0 && first_within_ns < interval_ns;
    int64_t within_ns = soon ? first_within_ns : interval_ns;
    int64_t at_ns = now.ns + random_below(&s->random, within_ns);
    if (paused) {
        t->next.at_ns = at_ns;
        heap_add(&s->heap, &t->next);
    } else if (t->next.at_ns - now.ns > interval_ns) {
        t->next.at_ns = at_ns;
        heap_moved(&s->heap, &t->next);
    }
}

bool schedule_next(const struct schedule *s, struct mono *at)
{
    const struct heap_item *first = heap_first(&s->heap);
    if (first == NULL)
        return false;
    at->ns = first->at_ns;
    return true;
}

static int64_t gap_ns(struct schedule *s, const struct schedule_stream *t)
{
    if (s->pattern == PATTERN_PERIODIC)
        return t->interval_ns;
    double mean = (double)t->interval_ns;
    double least = SCHEDULE_GAP_LEAST * mean;
    return (int64_t)(least + random_exponential(&s->random, mean - least));
}

/* Skips the next `probes` probes of the stream. */
static void skip(struct schedule *s, struct schedule_stream *t, int64_t probes,
                 struct mono now)
{
    t->missed += (uint64_t)probes;
    if (s->pattern == PATTERN_PERIODIC)
        t->next.at_ns += probes * t->interval_ns;
    else
        t->next.at_ns = now.ns; /* memoryless: there is no grid */
}

bool schedule_take(struct schedule *s, struct mono now, struct due *out)
{
    struct heap_item *first;
    while ((first = heap_first(&s->heap)) != NULL && first->at_ns <= now.ns) {
        struct schedule_stream *t = heap_struct(first, struct schedule_stream, next);
        int64_t late_ns = now.ns - t->next.at_ns;
        int64_t missed = late_ns / t->interval_ns; /* all due probes except the last */
        if (late_ns >= SCHEDULE_PAUSE_NS) {
            skip(s, t, missed + 1, now);
            if (s->pattern == PATTERN_POISSON)
                t->next.at_ns += gap_ns(s, t);
            heap_moved(&s->heap, &t->next);
            continue;
        }
        if (missed > 0)
            skip(s, t, missed, now);
        *out = (struct due){.stream = (size_t)(t - s->streams),
                            .at = {t->next.at_ns},
                            .missed = t->missed};
        t->missed = 0;
        t->next.at_ns += gap_ns(s, t);
        heap_moved(&s->heap, &t->next);
        return true;
    }
    return false;
}
