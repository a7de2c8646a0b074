/*
 * Counters that run become what came in the period: differences of neighbours, where a
 * new start time is a new counter.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/window.h"
#include "otlp/decoded.h"

#include <math.h>
#include <string.h>

bool dataset_in_period(const struct dataset *p, uint64_t time_ns)
{
    return time_ns <= INT64_MAX && (int64_t)time_ns > p->since_ns &&
           (int64_t)time_ns <= p->until_ns;
}

/* ---- results ---- */

bool dataset_turn(struct dataset *p, struct dataset_stream *s,
                  struct dataset_series *place, uint64_t time_ns)
{
    struct dataset_counters *t = place->tally;
    if (time_ns == 0 || time_ns > INT64_MAX || (int64_t)time_ns > p->until_ns ||
        time_ns < t->time_ns)
        return false;
    if (time_ns > t->time_ns) {
        dataset_settle(p, s, place);
        t->time_ns = time_ns;
        t->now = (struct dataset_counts){0};
        t->start_ns = t->window_ns = 0;
        t->p50_ns = t->p95_ns = DELAY_UNDEFINED;
        t->tells_loss = false;
    }
    return true;
}

static uint64_t *count_of(struct dataset_counts *c, const char *what)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        if (strcmp(what, outcome_name((enum outcome)i)) == 0)
            return &c->outcomes[i];
    enum counter counter = counter_of(what);
    return counter < COUNTERS ? &c->counters[counter] : NULL;
}

void dataset_count(struct dataset_counters *t, const Otlp__NumberDataPoint *point,
                   const char *what, bool delta)
{
    int64_t count = decoded_integer(point);
    uint64_t *to = count_of(&t->now, what);
    t->delta = delta;
    t->start_ns = point->start_time_unix_nano;
    if (to != NULL && count > 0)
        *to = (uint64_t)count;
}

static uint64_t grown(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

static struct dataset_counts difference(const struct dataset_counts *before,
                                        const struct dataset_counts *now)
{
    struct dataset_counts new;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        new.outcomes[i] = grown(before->outcomes[i], now->outcomes[i]);
    for (size_t i = 0; i < COUNTERS; i++)
        new.counters[i] = grown(before->counters[i], now->counters[i]);
    return new;
}

/* Whether a counter of that start has nothing in it from before the period, or from
 * before a batch that was seen. */
static bool is_new(const struct dataset *p, uint64_t start_ns, uint64_t before_start_ns)
{
    return before_start_ns != 0 ||
           (start_ns <= INT64_MAX && (int64_t)start_ns >= p->since_ns);
}

/* What came with the last batch. */
static struct dataset_counts came(const struct dataset *p,
                                  const struct dataset_counters *t)
{
    if (t->start_ns == 0)
        return (struct dataset_counts){0};
    if (t->delta)
        return t->now;
    if (t->start_ns == t->before_start_ns)
        return difference(&t->before, &t->now);
    return is_new(p, t->start_ns, t->before_start_ns) ? t->now
                                                      : (struct dataset_counts){0};
}

static uint32_t number_of(const struct dataset_stream *s,
                          const struct dataset_series *place)
{
    uint32_t i = 0;
    while (s->places[i] != place)
        i++;
    return i;
}

static void add_counts(struct dataset_counts *to, const struct dataset_counts *from)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        to->outcomes[i] += from->outcomes[i];
    counters_add(to->counters, from->counters);
}

static void note_moment(struct dataset *p, struct dataset_stream *s,
                        struct dataset_series *place, struct dataset_counts new)
{
    const struct dataset_counters *t = place->tally;
    uint64_t start = t->window_ns != 0 ? t->window_ns : t->before_time_ns;
    uint64_t lost = outcomes_lost(new.outcomes);
    if (!t->tells_loss && outcomes_sent(new.outcomes) == lost) { /* says nothing */
        place->unanswered += lost;
        lost = new.outcomes[OUTCOME_LOSS] = new.outcomes[OUTCOME_UNREACHABLE] = 0;
    }
    uint64_t sent = outcomes_sent(new.outcomes);
    add_counts(&place->sum, &new);
    if (p->n_moments == DATASET_MOMENTS_MAX) {
        p->left_out++;
        return;
    }
    if (sent == 0 && t->p50_ns == DELAY_UNDEFINED)
        return;
    p->n_moments++;
    s->samples = mem_grow(s->samples, &s->room, s->n + 1, sizeof *s->samples);
    s->samples[s->n++] = (struct sample){
        .start_ns = (int64_t)(start != 0 && start < t->time_ns ? start : t->time_ns),
        .end_ns = (int64_t)t->time_ns,
        .p50_ns = t->p50_ns,
        .p95_ns = t->p95_ns,
        .sent = sent,
        .lost = lost,
        .place = number_of(s, place),
    };
}

void dataset_settle(struct dataset *p, struct dataset_stream *s,
                    struct dataset_series *place)
{
    struct dataset_counters *t = place->tally;
    if (t->time_ns == 0)
        return;
    struct dataset_counts new = came(p, t);
    if (dataset_in_period(p, t->time_ns))
        note_moment(p, s, place, new);
    if (t->start_ns != 0) {
        t->before = t->now;
        t->before_start_ns = t->start_ns;
    }
    t->before_time_ns = t->time_ns;
}

/* ---- delays ---- */

static uint64_t bucket_at(const struct histogram *h, int32_t index)
{
    int64_t i = (int64_t)index - h->offset;
    return i >= 0 && i < (int64_t)h->n ? h->buckets[i] : 0;
}

/* The bounds of bucket `index`, for extremes that nobody has told. */
static int64_t bound_ns(int32_t index, int scale)
{
    double ns = 1e9 * exp2(ldexp((double)index, -scale));
    return ns < 0x1p62 ? llround(ns) : INT64_C(1) << 62;
}

/* Takes out of `h`, a later state of the same counter, what it held before. */
static void take_away(struct histogram *h, struct histogram *before)
{
    if (before->count == 0 || h->count == 0)
        return;
    histogram_coarsen(h, before->scale);
    histogram_coarsen(before, h->scale);
    int64_t min_ns = h->min_ns, max_ns = h->max_ns;
    int32_t first = INT32_MAX, last = INT32_MIN;
    h->zeros = grown(before->zeros, h->zeros);
    h->count = h->zeros;
    for (uint32_t i = 0; i < h->n; i++) {
        int32_t index = h->offset + (int32_t)i;
        h->buckets[i] = (uint32_t)grown(bucket_at(before, index), h->buckets[i]);
        h->count += h->buckets[i];
        if (h->buckets[i] == 0)
            continue;
        first = index < first ? index : first;
        last = index;
    }
    if (min_ns == before->min_ns && h->zeros == 0 && first != INT32_MAX)
        h->min_ns =
            bound_ns(first, h->scale) > min_ns ? bound_ns(first, h->scale) : min_ns;
    if (max_ns == before->max_ns && last != INT32_MIN &&
        bound_ns(last + 1, h->scale) < max_ns)
        h->max_ns = bound_ns(last + 1, h->scale);
    if (h->max_ns < h->min_ns)
        h->max_ns = h->min_ns;
}

static void replace(struct histogram *old, struct histogram *new)
{
    histogram_free(old);
    *old = *new;
    *new = histogram_empty();
}

void dataset_end_course(struct running *c)
{
    take_away(&c->last, &c->base);
    histogram_merge(&c->sum, &c->last);
    histogram_free(&c->base);
    histogram_free(&c->last);
}

static struct running *course_of(struct dataset *p, struct dataset_series *place,
                                 const char *delay)
{
    char name[DATASET_WORD_MAX];
    decoded_clean(name, sizeof name, delay, ' ');
    for (size_t i = 0; i < place->n_courses; i++)
        if (strcmp(place->running[i].name, name) == 0)
            return &place->running[i];
    if (place->n_courses == DATASET_DELAYS_MAX) {
        p->left_out++;
        return NULL;
    }
    struct running *c = &place->running[place->n_courses++];
    *c = (struct running){
        .sum = histogram_empty(), .base = histogram_empty(), .last = histogram_empty()};
    text_copy(c->name, sizeof c->name, name);
    return c;
}

/* A copy of `h`, to be freed. */
static struct histogram copy_of(const struct histogram *h)
{
    struct histogram copy = histogram_empty();
    histogram_merge(&copy, h);
    return copy;
}

/* The percentiles of what a counter grew by since the batch before: those that the sender
 * states replace them. */
static void note_percentiles(const struct dataset *p, const struct running *c,
                             struct dataset_counters *t, const struct histogram *now,
                             uint64_t start_ns, bool delta)
{
    bool goes_on = c->running && c->start_ns == start_ns;
    if (!delta && !goes_on && !c->running && !is_new(p, start_ns, 0))
        return;
    struct histogram grown = copy_of(now);
    if (!delta && goes_on) {
        struct histogram before = copy_of(c->last.count > 0 ? &c->last : &c->base);
        take_away(&grown, &before);
        histogram_free(&before);
    }
    t->p50_ns = histogram_quantile(&grown, percentile_quantile[P50]);
    t->p95_ns = histogram_quantile(&grown, percentile_quantile[P95]);
    histogram_free(&grown);
}

/* `now` is a later state of the counter than what is there. */
static void run_on(struct dataset *p, struct running *c, struct histogram *now,
                   uint64_t start_ns, uint64_t time_ns)
{
    bool seen_before = c->running;
    if (c->running && c->start_ns != start_ns)
        dataset_end_course(c);
    bool is_base =
        !dataset_in_period(p, time_ns) || (!seen_before && !is_new(p, start_ns, 0));
    replace(is_base ? &c->base : &c->last, now);
    c->start_ns = start_ns;
    c->running = true;
}

void dataset_add_course(struct dataset *p, const struct dataset_lookup *at,
                        const char *delay,
                        const Otlp__ExponentialHistogramDataPoint *point, bool delta)
{
    struct histogram now;
    struct running *c = course_of(p, at->place, delay);
    uint64_t start_ns = point->start_time_unix_nano, time_ns = point->time_unix_nano;
    if (c == NULL || time_ns <= c->time_ns || time_ns > INT64_MAX ||
        (int64_t)time_ns > p->until_ns || !decoded_histogram(&now, point))
        return;
    c->time_ns = time_ns;
    if (strcmp(c->name, kinds_main_delay(p->kinds, at->stream->kind)) == 0)
        note_percentiles(p, c, at->place->tally, &now, start_ns, delta);
    if (!delta)
        run_on(p, c, &now, start_ns, time_ns);
    else if (dataset_in_period(p, time_ns))
        histogram_merge(&c->sum, &now);
    histogram_free(&now);
}
