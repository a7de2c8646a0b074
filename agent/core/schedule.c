/*
 * A binary heap of the streams that do not rest, by the time of their next probe.
 */
#include "core/schedule.h"

#include "base/mem.h"
#include "core/random.h"

#include <assert.h>
#include <stdlib.h>

#define RESTS SIZE_MAX

struct schedule_stream {
    int64_t interval_ns; /* 0: it rests */
    int64_t at_ns;       /* of the next probe */
    uint64_t missed;     /* since the last one that was taken */
    size_t place;        /* in the heap, or RESTS */
};

struct schedule {
    enum pattern pattern;
    struct random random;
    struct schedule_stream *streams;
    size_t n_streams;
    size_t *heap; /* stream numbers, the soonest first */
    size_t n_heap;
};

struct schedule *schedule_create(size_t streams, enum pattern pattern, uint64_t seed)
{
    struct schedule *s = mem_zalloc(sizeof *s);
    s->pattern = pattern;
    s->random = random_from(seed);
    s->streams = mem_zalloc(streams * sizeof *s->streams);
    s->n_streams = streams;
    s->heap = mem_zalloc(streams * sizeof *s->heap);
    for (size_t i = 0; i < streams; i++)
        s->streams[i].place = RESTS;
    return s;
}

void schedule_destroy(struct schedule *s)
{
    if (s == NULL)
        return;
    free(s->heap);
    free(s->streams);
    free(s);
}

/* ---- the heap ---- */

static int64_t due_ns(const struct schedule *s, size_t place)
{
    return s->streams[s->heap[place]].at_ns;
}

static void put(struct schedule *s, size_t place, size_t stream)
{
    s->heap[place] = stream;
    s->streams[stream].place = place;
}

static void swap(struct schedule *s, size_t a, size_t b)
{
    size_t stream = s->heap[a];
    put(s, a, s->heap[b]);
    put(s, b, stream);
}

/* Moves what stands at `place` to where it belongs. */
static void settle(struct schedule *s, size_t place)
{
    while (place > 0 && due_ns(s, place) < due_ns(s, (place - 1) / 2)) {
        swap(s, place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t sooner = 2 * place + 1;
        if (sooner + 1 < s->n_heap && due_ns(s, sooner + 1) < due_ns(s, sooner))
            sooner++;
        if (sooner >= s->n_heap || due_ns(s, place) <= due_ns(s, sooner))
            return;
        swap(s, place, sooner);
        place = sooner;
    }
}

static void enter(struct schedule *s, size_t stream)
{
    put(s, s->n_heap++, stream);
    settle(s, s->n_heap - 1);
}

static void leave(struct schedule *s, size_t stream)
{
    size_t place = s->streams[stream].place;
    s->streams[stream].place = RESTS;
    s->n_heap--;
    if (place == s->n_heap)
        return;
    put(s, place, s->heap[s->n_heap]);
    settle(s, place);
}

/* ---- time ---- */

void schedule_set(struct schedule *s, size_t stream, int64_t interval_ns,
                  int64_t first_within_ns, struct mono now)
{
    assert(stream < s->n_streams && interval_ns >= 0);
    struct schedule_stream *t = &s->streams[stream];
    if (interval_ns == t->interval_ns)
        return;
    bool rested = t->interval_ns == 0;
    t->interval_ns = interval_ns;
    if (interval_ns == 0) {
        leave(s, stream);
        return;
    }

    bool hurry = rested && first_within_ns > 0 && first_within_ns < interval_ns;
    int64_t within_ns = hurry ? first_within_ns : interval_ns;
    int64_t at_ns = now.ns + random_below(&s->random, within_ns);
    if (rested) {
        t->at_ns = at_ns;
        enter(s, stream);
    } else if (t->at_ns - now.ns > interval_ns) {
        t->at_ns = at_ns;
        settle(s, t->place);
    }
}

bool schedule_next(const struct schedule *s, struct mono *at)
{
    if (s->n_heap == 0)
        return false;
    at->ns = due_ns(s, 0);
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

/* Gives up the first `probes` from the stream's next one on. */
static void skip(struct schedule *s, struct schedule_stream *t, int64_t probes,
                 struct mono now)
{
    t->missed += (uint64_t)probes;
    if (s->pattern == PATTERN_PERIODIC)
        t->at_ns += probes * t->interval_ns;
    else
        t->at_ns = now.ns; /* no grid to keep to: memoryless */
}

bool schedule_take(struct schedule *s, struct mono now, struct due *out)
{
    while (s->n_heap > 0 && due_ns(s, 0) <= now.ns) {
        size_t stream = s->heap[0];
        struct schedule_stream *t = &s->streams[stream];
        int64_t late_ns = now.ns - t->at_ns;
        int64_t missed = late_ns / t->interval_ns; /* all that are due but the last */
        if (late_ns >= SCHEDULE_PAUSE_NS) {
            skip(s, t, missed + 1, now);
            if (s->pattern == PATTERN_POISSON)
                t->at_ns += gap_ns(s, t);
            settle(s, 0);
            continue;
        }
        if (missed > 0)
            skip(s, t, missed, now);
        *out = (struct due){.stream = stream, .at = {t->at_ns}, .missed = t->missed};
        t->missed = 0;
        t->at_ns += gap_ns(s, t);
        settle(s, 0);
        return true;
    }
    return false;
}
