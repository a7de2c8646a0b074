/*
 * Converts cumulative counters to counts in the period: the difference of consecutive
 * batches; a new start time is a counter reset.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/loss.h"
#include "core/window.h"
#include "otlp/decoded.h"
#include "otlp/names.h"

#include <math.h>
#include <string.h>

bool dataset_in_period(const struct dataset *p, uint64_t time_ns)
{
    return time_ns <= INT64_MAX && (int64_t)time_ns > p->since_ns &&
           (int64_t)time_ns <= p->until_ns;
}

/* ---- results ---- */

bool dataset_begin_batch(struct dataset *p, struct dataset_stream *s,
                         struct dataset_series *series, uint64_t time_ns)
{
    struct dataset_counters *t = series->counters;
    if (time_ns == 0 || time_ns > INT64_MAX || (int64_t)time_ns > p->until_ns ||
        time_ns < t->time_ns)
        return false;
    if (time_ns > t->time_ns) {
        dataset_end_batch(p, s, series);
        t->time_ns = time_ns;
        t->now = (struct dataset_counts){0};
        t->start_ns = t->window_ns = 0;
        t->p50_ns = t->highest_ns = DELAY_UNDEFINED;
        t->has_loss = false;
    }
    return true;
}

/* Counts of a series are far below that, unless they are crafted. */
static uint32_t number(uint64_t count)
{
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

static uint32_t *count_of(struct dataset_counts *c, const char *what)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        if (strcmp(what, outcome_name((enum outcome)i)) == 0)
            return &c->outcomes[i];
    enum counter counter = counter_of(what);
    return counter < COUNTERS ? &c->counters[counter] : NULL;
}

void dataset_count(struct dataset_counters *t, const Otlp__NumberDataPoint *point,
                   const char *attribute, bool delta)
{
    struct decoded a = attributes_of(point);
    int64_t count = decoded_integer(point);
    if (a.note->what == NULL)
        a.note->what = count_of(&t->now, decoded_text(a.list, a.n, attribute, ""));
    uint32_t *to = a.note->what;
    t->delta = delta;
    t->start_ns = point->start_time_unix_nano;
    if (to != NULL && count > 0)
        *to = number((uint64_t)count);
}

static uint64_t increase(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

static struct dataset_counts counts_difference(const struct dataset_counts *before,
                                               const struct dataset_counts *now)
{
    struct dataset_counts new;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        new.outcomes[i] = (uint32_t)increase(before->outcomes[i], now->outcomes[i]);
    for (size_t i = 0; i < COUNTERS; i++)
        new.counters[i] = (uint32_t)increase(before->counters[i], now->counters[i]);
    return new;
}

/* Whether all counts of a counter that started at `start_ns` belong to the period: it
 * started in the period, or after an earlier counter that was seen. */
static bool starts_in_period(const struct dataset *p, uint64_t start_ns,
                             uint64_t before_start_ns)
{
    return before_start_ns != 0 ||
           (start_ns <= INT64_MAX && (int64_t)start_ns >= p->since_ns);
}

/* The counts of the current batch alone. */
static struct dataset_counts batch_counts(const struct dataset *p,
                                          const struct dataset_counters *t)
{
    if (t->start_ns == 0)
        return (struct dataset_counts){0};
    if (t->delta)
        return t->now;
    if (t->start_ns == t->before_start_ns)
        return counts_difference(&t->before, &t->now);
    return starts_in_period(p, t->start_ns, t->before_start_ns)
               ? t->now
               : (struct dataset_counts){0};
}

static uint32_t series_index(const struct dataset_stream *s,
                             const struct dataset_series *series)
{
    uint32_t i = 0;
    while (s->series[i] != series)
        i++;
    return i;
}

static void add_counts(struct dataset_counts *to, const struct dataset_counts *from)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        to->outcomes[i] += from->outcomes[i];
    counters_add(to->counters, from->counters);
}

static void add_sample(struct dataset *p, struct dataset_stream *s,
                       struct dataset_series *series, struct dataset_counts new)
{
    const struct dataset_counters *t = series->counters;
    uint64_t start = t->window_ns != 0 ? t->window_ns : t->before_time_ns;
    uint64_t lost = outcomes_lost(new.outcomes);
    if (!t->has_loss &&
        outcomes_sent(new.outcomes) == lost) { /* unanswered, but not counted as loss */
        series->unanswered += lost;
        lost = new.outcomes[OUTCOME_LOSS] = new.outcomes[OUTCOME_UNREACHABLE] = 0;
    }
    uint64_t sent = outcomes_sent(new.outcomes);
    add_counts(&series->sum, &new);
    if (p->n_samples == DATASET_SAMPLES_MAX) {
        p->left_out++;
        return;
    }
    if (sent == 0 && t->p50_ns == DELAY_UNDEFINED)
        return;
    size_t kind = kinds_find(p->kinds, s->kind);
    struct loss_count count = loss_count_of(
        kind != KIND_NONE ? p->kinds->list[kind] : NULL, new.outcomes, new.counters);
    p->n_samples++;
    s->samples = mem_grow(s->samples, &s->room, s->n + 1, sizeof *s->samples);
    s->samples[s->n++] = (struct sample){
        .start_ns = (int64_t)(start != 0 && start < t->time_ns ? start : t->time_ns),
        .end_ns = (int64_t)t->time_ns,
        .p50_ns = t->p50_ns,
        .highest_ns = t->highest_ns,
        .sent = number(sent),
        .lost = number(lost),
        .failed = number(outcomes_failed(new.outcomes)),
        .packets = number(count.sent),
        .packets_lost = number(count.lost),
        .series = series_index(s, series),
    };
}

void dataset_end_batch(struct dataset *p, struct dataset_stream *s,
                       struct dataset_series *series)
{
    struct dataset_counters *t = series->counters;
    if (t->time_ns == 0)
        return;
    struct dataset_counts new = batch_counts(p, t);
    if (dataset_in_period(p, t->time_ns))
        add_sample(p, s, series, new);
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

/* The lower bound of bucket `index`: estimates a minimum or maximum that is unknown. */
static int64_t bound_ns(int32_t index, int scale)
{
    double ns = 1e9 * exp2(ldexp((double)index, -scale));
    return ns < 0x1p62 ? llround(ns) : INT64_C(1) << 62;
}

/* Subtracts `before` from `h`, a later state of the same counter. */
static void subtract(struct histogram *h, struct histogram *before)
{
    if (before->count == 0 || h->count == 0)
        return;
    histogram_coarsen(h, before->scale);
    histogram_coarsen(before, h->scale);
    int64_t min_ns = h->min_ns, max_ns = h->max_ns;
    int32_t first = INT32_MAX, last = INT32_MIN;
    h->zeros = increase(before->zeros, h->zeros);
    h->count = h->zeros;
    for (uint32_t i = 0; i < h->n; i++) {
        int32_t index = h->offset + (int32_t)i;
        h->buckets[i] = (uint32_t)increase(bucket_at(before, index), h->buckets[i]);
        h->count += h->buckets[i];
        if (h->buckets[i] == 0)
            continue;
        first = index < first ? index : first;
        last = index;
    }
    if (min_ns >= before->min_ns && h->zeros == 0 && first != INT32_MAX)
        h->min_ns =
            bound_ns(first, h->scale) > min_ns ? bound_ns(first, h->scale) : min_ns;
    if (max_ns <= before->max_ns && last != INT32_MIN &&
        bound_ns(last + 1, h->scale) < max_ns)
        h->max_ns = bound_ns(last + 1, h->scale);
    if (h->max_ns < h->min_ns)
        h->max_ns = h->min_ns;
}

static void histogram_replace(struct histogram *old, struct histogram *new)
{
    histogram_free(old);
    *old = *new;
    *new = histogram_empty();
}

void dataset_end_delay(struct dataset_delay *c)
{
    subtract(&c->last, &c->base);
    histogram_merge(&c->sum, &c->last);
    histogram_free(&c->base);
    histogram_free(&c->last);
}

static struct dataset_delay *
find_or_add_delay(struct dataset *p, const struct dataset_lookup *at, struct decoded a)
{
    char name[DATASET_WORD_MAX];
    struct dataset_series *series = at->series;
    dataset_text(name, sizeof name, a, ATTR_DELAY);
    for (size_t i = 0; i < series->n_delays; i++)
        if (strcmp(series->delays[i].name, name) == 0)
            return &series->delays[i];
    if (series->n_delays == DATASET_DELAYS_MAX) {
        p->left_out++;
        return NULL;
    }
    struct dataset_delay *c = &series->delays[series->n_delays++];
    *c = (struct dataset_delay){
        .sum = histogram_empty(), .base = histogram_empty(), .last = histogram_empty()};
    text_copy(c->name, sizeof c->name, name);
    c->is_main = strcmp(name, kinds_main_delay(p->kinds, at->stream->kind)) == 0;
    return c;
}

/* A copy of `h`, to be freed. */
static struct histogram copy_of(const struct histogram *h)
{
    struct histogram copy = histogram_empty();
    histogram_merge(&copy, h);
    return copy;
}

/* Computes the median and the highest value of the increase since the previous batch. A
 * median that the sender exports replaces it. */
static void set_window_delays(const struct dataset *p, const struct dataset_delay *c,
                              struct dataset_counters *t, const struct histogram *now,
                              uint64_t start_ns, bool delta)
{
    bool continues = c->running && c->start_ns == start_ns;
    if (!delta && !continues && !c->running && !starts_in_period(p, start_ns, 0))
        return;
    struct histogram in_window = copy_of(now);
    if (!delta && continues) {
        struct histogram before = copy_of(c->last.count > 0 ? &c->last : &c->base);
        subtract(&in_window, &before);
        histogram_free(&before);
    }
    t->p50_ns = histogram_quantile(&in_window, percentile_quantile[P50]);
    if (in_window.count > 0 && in_window.max_ns > t->highest_ns)
        t->highest_ns = in_window.max_ns;
    histogram_free(&in_window);
}

/* Stores `now`, the newest state of the counter. */
static void update_counter(struct dataset *p, struct dataset_delay *c,
                           struct histogram *now, uint64_t start_ns, uint64_t time_ns)
{
    bool seen_before = c->running;
    if (c->running && c->start_ns != start_ns)
        dataset_end_delay(c);
    bool is_base = !dataset_in_period(p, time_ns) ||
                   (!seen_before && !starts_in_period(p, start_ns, 0));
    histogram_replace(is_base ? &c->base : &c->last, now);
    c->start_ns = start_ns;
    c->running = true;
}

/* A sender leaves out extremes that stand as in the batch before. */
static void keep_extremes(struct histogram *now, const struct histogram *before,
                          const Otlp__ExponentialHistogramDataPoint *point)
{
    bool missing =
        point->has_max_case != OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MAX_MAX;
    if (!missing || before->count == 0)
        return;
    if (before->min_ns > now->min_ns)
        now->min_ns = before->min_ns;
    if (before->max_ns < now->max_ns)
        now->max_ns = before->max_ns;
}

void dataset_add_delay(struct dataset *p, const struct dataset_lookup *at,
                       const Otlp__ExponentialHistogramDataPoint *point, bool delta)
{
    struct histogram now;
    struct decoded a = attributes_of(point);
    if (a.note->what == NULL)
        a.note->what = find_or_add_delay(p, at, a);
    struct dataset_delay *c = a.note->what;
    uint64_t start_ns = point->start_time_unix_nano, time_ns = point->time_unix_nano;
    if (c == NULL || time_ns <= c->time_ns || time_ns > INT64_MAX ||
        (int64_t)time_ns > p->until_ns || !decoded_histogram(&now, point))
        return;
    c->time_ns = time_ns;
    if (!delta && c->running && c->start_ns == start_ns)
        keep_extremes(&now, c->last.count > 0 ? &c->last : &c->base, point);
    if (c->is_main)
        set_window_delays(p, c, at->series->counters, &now, start_ns, delta);
    if (!delta)
        update_counter(p, c, &now, start_ns, time_ns);
    else if (dataset_in_period(p, time_ns))
        histogram_merge(&c->sum, &now);
    histogram_free(&now);
}
