/*
 * Loss bursts and delay variation depend on the sending order, but results arrive in the
 * order of their outcomes: a loss arrives a waiting time later than the replies to the
 * probes sent after it. So results are first queued, sorted by sending time, until they
 * are order_ns older than the newest (or ORDER_MAX are queued). Then no earlier result
 * can arrive, and they are processed: runs of losses are counted, and two neighbouring
 * replies of one address give one value of variation. A summary also processes the queued results, on a
 * copy of the state, so it is complete.
 *
 * Queue and state outlive the window. A result is `fresh` in the window in which it
 * arrived; a burst or a pair counts in a window if any of its results is fresh, so it is
 * not counted again in later windows.
 *
 * A result sent more than order_ns before the newest means that the clock was stepped
 * back: the order starts again with it.
 */
#include "core/window.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_MARGIN_NS NS_PER_S /* beyond the waiting time */
#define ORDER_MAX       2048

/* ---- values of one delay: exact while they are few ---- */

struct many {
    struct histogram histogram; /* for the histograms of the series */
    struct tally tally;         /* the same values, for percentiles */
};

struct values { /* { 0 } is empty */
    int64_t *exact;
    uint32_t n, room, most; /* of `exact`; most 0: WINDOW_EXACT_MAX */
    uint32_t over;          /* censored values, ... */
    int64_t over_ns;        /* ... the least of their bounds */
    struct many *many;      /* NULL: all values are exact */
};

static struct many *begin_many(void)
{
    struct many *m = mem_zalloc(sizeof *m);
    m->histogram = histogram_empty();
    return m;
}

static void free_many(struct values *v)
{
    if (v->many == NULL)
        return;
    histogram_free(&v->many->histogram);
    tally_free(&v->many->tally);
    free(v->many);
    v->many = NULL;
}

static void values_free(struct values *v)
{
    free(v->exact);
    free_many(v);
}

static void values_reset(struct values *v)
{
    v->n = 0;
    v->over = 0;
    free_many(v);
}

static void values_merge(const struct values *v, struct histogram *into)
{
    if (v->many != NULL)
        histogram_merge(into, &v->many->histogram);
    for (size_t i = 0; i < v->n; i++)
        histogram_add(into, v->exact[i]);
}

static void values_tally(const struct values *v, struct tally *into)
{
    if (v->many != NULL)
        tally_merge(into, &v->many->tally);
    for (size_t i = 0; i < v->n; i++)
        tally_add(into, v->exact[i]);
    for (uint64_t i = 0; i < v->over; i++)
        tally_add(into, TALLY_OVER);
}

static void add_to_many(struct many *m, int64_t ns)
{
    histogram_add(&m->histogram, ns);
    tally_add(&m->tally, ns);
}

static void values_add(struct values *v, int64_t ns)
{
    if (v->many == NULL && v->n < (v->most > 0 ? v->most : WINDOW_EXACT_MAX)) {
        size_t room = v->room;
        v->exact = mem_grow(v->exact, &room, v->n + 1, sizeof *v->exact);
        v->room = (uint32_t)room;
        v->exact[v->n++] = ns;
        return;
    }
    if (v->many == NULL)
        v->many = begin_many();
    for (size_t i = 0; i < v->n; i++)
        add_to_many(v->many, v->exact[i]);
    v->n = 0;
    add_to_many(v->many, ns);
}

static void values_add_over(struct values *v, int64_t bound_ns)
{
    if (v->over++ == 0 || bound_ns < v->over_ns)
        v->over_ns = bound_ns;
}

static void summarise_few(const struct values *v, struct delay_summary *out)
{
    int64_t *sorted = mem_copy(v->exact, v->n * sizeof *sorted);
    double sum = 0;
    qsort(sorted, v->n, sizeof *sorted, ns_compare);
    for (size_t i = 0; i < v->n; i++)
        sum += (double)sorted[i];
    out->count = v->n;
    out->min_ns = sorted[0];
    out->max_ns = sorted[v->n - 1];
    out->mean_ns = llround(sum / (double)v->n);
    out->exact = true;
    for (size_t p = 0; p < PERCENTILES; p++) {
        struct percentile_ranks ranks = percentile_ranks(p, v->n);
        out->percentile_ns[p] = sorted[histogram_rank(percentile_quantile[p], v->n) - 1];
        out->low_ns[p] = sorted[ranks.low - 1];
        out->high_ns[p] = sorted[ranks.high - 1];
        out->supported[p] = percentile_supported(p, v->n);
    }
    free(sorted);
}

static int64_t middle_of(uint16_t step)
{
    return tally_least(step) + (tally_most(step) - tally_least(step)) / 2;
}

void delay_summary_percentiles(struct delay_summary *s, const struct tally *t)
{
    s->over = (uint32_t)tally_over(t);
    s->count = (uint32_t)t->count - s->over;
    s->exact = false;
    for (size_t p = 0; p < PERCENTILES && t->count > 0; p++) {
        struct percentile_ranks ranks = percentile_ranks(p, t->count);
        uint64_t rank = histogram_rank(percentile_quantile[p], t->count);
        s->is_over[p] = rank > s->count;
        s->percentile_ns[p] = s->is_over[p] ? s->over_ns : middle_of(tally_at(t, rank));
        s->low_ns[p] = tally_least(tally_at(t, ranks.low));
        s->high_ns[p] = tally_most(tally_at(t, ranks.high));
        s->supported[p] = percentile_supported(p, t->count) && ranks.high <= s->count;
    }
}

static int64_t within(int64_t ns, const struct delay_summary *s)
{
    ns = ns > s->min_ns ? ns : s->min_ns;
    return ns < s->max_ns ? ns : s->max_ns;
}

/* Percentiles are not outside of the exact minimum and maximum. */
static void clamp(struct delay_summary *s)
{
    for (size_t p = 0; p < PERCENTILES; p++) {
        s->percentile_ns[p] = within(s->percentile_ns[p], s);
        s->low_ns[p] = within(s->low_ns[p], s);
        s->high_ns[p] = within(s->high_ns[p], s);
    }
}

static void summarise_many(const struct values *v, struct delay_summary *out)
{
    const struct histogram *h = &v->many->histogram;
    out->min_ns = h->min_ns;
    out->max_ns = h->max_ns;
    out->mean_ns = llround(h->sum_s * 1e9 / (double)h->count);
    delay_summary_percentiles(out, &v->many->tally);
    clamp(out);
}

static int64_t value_at(const int64_t *sorted, const struct many *many, uint64_t rank)
{
    return sorted != NULL ? sorted[rank - 1] : middle_of(tally_at(&many->tally, rank));
}

/*
 * Ranks the percentiles among known and censored values. All censored ones are above
 * over_ns, so a rank is exact as far as the values below that reach; above, the bound is
 * what it would be if the censored ones were the smallest.
 */
static void censor(struct delay_summary *s, const struct values *v)
{
    int64_t *sorted = v->many == NULL ? mem_copy(v->exact, v->n * sizeof *sorted) : NULL;
    uint64_t all = s->count + v->over;
    if (sorted != NULL)
        qsort(sorted, v->n, sizeof *sorted, ns_compare);
    s->over = v->over;
    s->over_ns = v->over_ns;
    for (size_t p = 0; p < PERCENTILES; p++) {
        struct percentile_ranks ranks = percentile_ranks(p, all);
        uint64_t rank = histogram_rank(percentile_quantile[p], all);
        int64_t high_ns =
            ranks.high <= s->count ? value_at(sorted, v->many, ranks.high) : INT64_MAX;
        int64_t ns = rank <= s->count ? value_at(sorted, v->many, rank) : INT64_MAX;
        s->is_over[p] = ns > v->over_ns;
        s->supported[p] = percentile_supported(p, all) && high_ns <= v->over_ns;
        if (s->supported[p]) {
            s->low_ns[p] = value_at(sorted, v->many, ranks.low);
            s->high_ns[p] = high_ns;
        }
        if (s->is_over[p])
            ns = rank > v->over ? value_at(sorted, v->many, rank - v->over) : 0;
        s->percentile_ns[p] = s->is_over[p] && ns < v->over_ns ? v->over_ns : ns;
    }
    free(sorted);
}

static struct delay_summary values_summary(const struct values *v)
{
    struct delay_summary s = {
        .min_ns = DELAY_UNDEFINED, .max_ns = DELAY_UNDEFINED, .mean_ns = DELAY_UNDEFINED};
    for (size_t p = 0; p < PERCENTILES; p++)
        s.percentile_ns[p] = s.low_ns[p] = s.high_ns[p] = DELAY_UNDEFINED;
    if (v->many != NULL)
        summarise_many(v, &s);
    else if (v->n > 0)
        summarise_few(v, &s);
    if (v->over > 0)
        censor(&s, v);
    return s;
}

uint64_t summary_answered(const struct summary *s)
{
    return s->received + s->outcomes[OUTCOME_REFUSED] + s->outcomes[OUTCOME_SLOW] +
           s->server_errors;
}

/* ---- the sending order ---- */

struct sent_probe {
    struct wall time;
    int64_t rtt_ns; /* DELAY_UNDEFINED if not answered */
    uint32_t to;    /* endpoint_hash(); a collision makes one value of variation */
    bool lost;
    bool fresh; /* its result arrived in the open window */
};

struct walk { /* the state after the probes processed so far */
    struct sent_probe last;
    uint32_t run;     /* losses in succession up to here */
    uint32_t longest; /* burst of the open window */
    bool run_fresh;   /* any of `run` is fresh */
};

static const struct walk walk_begin = {.last.rtt_ns = DELAY_UNDEFINED};

static void walk_on(struct walk *k, const struct sent_probe *next,
                    struct values *variation)
{
    if (next->lost) {
        k->run++;
        k->run_fresh |= next->fresh;
        if (k->run_fresh && k->run > k->longest)
            k->longest = k->run;
    } else {
        k->run = 0;
        k->run_fresh = false;
    }
    if (k->last.rtt_ns != DELAY_UNDEFINED && next->rtt_ns != DELAY_UNDEFINED &&
        k->last.to == next->to && (k->last.fresh || next->fresh))
        values_add(variation, llabs(next->rtt_ns - k->last.rtt_ns));
    k->last = *next;
}

/* ---- the window ---- */

struct counts { /* a subset of the summary, which is ten times as large */
    uint32_t outcomes[OUTCOME_COUNT];
    uint32_t counters[COUNTERS];
    uint32_t server_errors;
    uint16_t server_error;
    bool interrupted, busy;
};

struct window {
    struct wall start;
    struct counts counts;
    bool first_is_round_trip;
    bool answered; /* any reply since the order started */
    uint16_t n_delays;
    int64_t order_ns; /* results come out of order by less */

    struct values variation;
    struct walk walk;
    struct sent_probe *queue; /* not processed yet, in sending order */
    uint32_t queued;
    size_t queue_room;
    struct sent_probe last_answered; /* the last sent one that was answered */
    struct values delays[];
};

struct window *window_create(const struct kind *kind, struct wall start)
{
    size_t n = kind_delays(kind);
    struct window *w = mem_zalloc(sizeof *w + n * sizeof *w->delays);
    w->n_delays = (uint16_t)n;
    window_waits(w, WINDOW_WAITING_MAX_NS);
    w->first_is_round_trip = kind->roles[0] == DELAY_ROUND_TRIP;
    w->walk = walk_begin;
    w->start = start;
    return w;
}

void window_destroy(struct window *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->n_delays; i++)
        values_free(&w->delays[i]);
    values_free(&w->variation);
    free(w->queue);
    free(w);
}

static void walk_queue(struct window *w, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        walk_on(&w->walk, &w->queue[i], &w->variation);
    w->queued -= n;
    memmove(w->queue, w->queue + n, w->queued * sizeof *w->queue);
}

static void begin_order(struct window *w)
{
    if (w->queued > 0)
        walk_queue(w, w->queued);
    uint32_t longest = w->walk.longest;
    w->walk = walk_begin;
    w->walk.longest = longest;
    w->answered = false;
}

static void put_in_order(struct window *w, const struct sent_probe *s)
{
    if (w->queued > 0 && w->queue[w->queued - 1].time.ns - s->time.ns > w->order_ns)
        begin_order(w);
    w->queue = mem_fit(w->queue, &w->queue_room, w->queued + 1, sizeof *w->queue);
    size_t at = w->queued++;
    for (; at > 0 && w->queue[at - 1].time.ns > s->time.ns; at--)
        w->queue[at] = w->queue[at - 1];
    w->queue[at] = *s;

    int64_t newest_ns = w->queue[w->queued - 1].time.ns;
    uint32_t old = w->queued > ORDER_MAX ? w->queued - ORDER_MAX : 0;
    while (newest_ns - w->queue[old].time.ns > w->order_ns)
        old++;
    if (old > 0)
        walk_queue(w, old);
}

static void count_reordering(struct window *w, const struct sent_probe *sent)
{
    if (w->answered && sent->time.ns < w->last_answered.time.ns) {
        w->counts.counters[COUNTER_REORDERED] += sent->to == w->last_answered.to;
        return;
    }
    w->answered = true;
    w->last_answered = *sent;
}

void window_add(struct window *w, const struct result *result)
{
    w->counts.outcomes[result->outcome]++;
    if (result->outcome == OUTCOME_NOT_MEASURED)
        return; /* nothing was sent */
    bool lost = outcome_is_lost(result->outcome);
    w->counts.counters[COUNTER_LOST_PACKETS] += result->lost_packets;

    for (size_t i = 0; i < w->n_delays; i++)
        if (result->delays[i] != DELAY_UNDEFINED)
            values_add(&w->delays[i], result->delays[i]);
        else if (result->longer_than[i] > 0)
            values_add_over(&w->delays[i], result->longer_than[i]);
    if (result->outcome == OUTCOME_HTTP_ERROR &&
        result_status_fails(result->http.status)) {
        w->counts.server_errors++;
        w->counts.server_error = result->http.status;
    }

    bool answered = result->outcome == OUTCOME_REPLY;
    struct sent_probe sent = {
        .time = result->time,
        .rtt_ns = answered ? result->delays[0] : DELAY_UNDEFINED,
        .to = endpoint_hash(&result->to),
        .lost = lost,
        .fresh = true,
    };
    put_in_order(w, &sent);
    if (answered)
        count_reordering(w, &sent);
}

void window_count(struct window *w, enum counter what, uint64_t n)
{
    w->counts.counters[what] += (uint32_t)n;
}

void window_late(struct window *w, int64_t waiting_ns)
{
    w->counts.counters[COUNTER_LATE]++;
    if (w->first_is_round_trip)
        values_add_over(&w->delays[0], waiting_ns);
}

void window_interrupted(struct window *w)
{
    w->counts.interrupted = true;
    begin_order(w); /* probes sent before and after are not neighbours */
}

void window_busy(struct window *w)
{
    w->counts.busy = true;
}

void window_leave_out(struct window *w, size_t i)
{
    assert(i < w->n_delays);
    values_reset(&w->delays[i]);
    if (i != 0)
        return;
    values_reset(&w->variation);
    w->walk.last.rtt_ns = DELAY_UNDEFINED;
    for (size_t q = 0; q < w->queued; q++)
        w->queue[q].rtt_ns = DELAY_UNDEFINED;
}

void window_waits(struct window *w, int64_t waiting_ns)
{
    w->order_ns = waiting_ns + ORDER_MARGIN_NS;
}

void window_keep_exact(struct window *w, size_t most)
{
    for (size_t i = 0; i < w->n_delays; i++)
        w->delays[i].most = (uint32_t)most;
    w->variation.most = (uint32_t)most;
}

/* The variation of the open window including the queued results; the caller frees it. */
static struct values whole_variation(const struct window *w, struct walk *walk)
{
    struct values all = {.most = w->variation.most};
    if (w->variation.many != NULL) {
        all.many = begin_many();
        histogram_merge(&all.many->histogram, &w->variation.many->histogram);
        tally_merge(&all.many->tally, &w->variation.many->tally);
    }
    for (size_t i = 0; i < w->variation.n; i++)
        values_add(&all, w->variation.exact[i]);
    *walk = w->walk;
    for (size_t i = 0; i < w->queued; i++)
        walk_on(walk, &w->queue[i], &all);
    return all;
}

void window_summary(const struct window *w, struct wall end, struct summary *out)
{
    const struct counts *c = &w->counts;
    *out = (struct summary){
        .start = w->start,
        .end = end,
        .received = c->outcomes[OUTCOME_REPLY],
        .server_errors = c->server_errors,
        .server_error = c->server_error,
        .interrupted = c->interrupted,
    };
    memcpy(out->outcomes, c->outcomes, sizeof out->outcomes);
    memcpy(out->counters, c->counters, sizeof out->counters);
    out->sent = (uint32_t)outcomes_sent(c->outcomes);
    uint64_t missed = c->counters[COUNTER_MISSED];
    uint64_t due = missed + out->sent + c->outcomes[OUTCOME_NOT_MEASURED];
    bool many_missed = (double)missed > WINDOW_MISSED_MAX * (double)due;
    out->busy = c->busy || (many_missed && !c->interrupted);
    out->loss_ratio =
        out->sent > 0 ? (double)outcomes_lost(c->outcomes) / (double)out->sent : NAN;

    static const struct values none;
    for (size_t i = 0; i < DELAYS_MAX; i++)
        out->delays[i] = values_summary(i < w->n_delays ? &w->delays[i] : &none);

    struct walk walk;
    struct values variation = whole_variation(w, &walk);
    out->variation = values_summary(&variation);
    out->longest_burst = walk.longest;
    values_free(&variation);
}

void window_merge_delay(const struct window *w, size_t i, struct histogram *into)
{
    assert(i < w->n_delays);
    values_merge(&w->delays[i], into);
}

void window_merge_variation(const struct window *w, struct histogram *into)
{
    struct walk walk;
    struct values variation = whole_variation(w, &walk);
    histogram_coarsen(into, WINDOW_VARIATION_SCALE);
    values_merge(&variation, into);
    values_free(&variation);
}

void window_tally_delay(const struct window *w, size_t i, struct tally *into)
{
    assert(i < w->n_delays);
    values_tally(&w->delays[i], into);
}

void window_reset(struct window *w, struct wall start)
{
    w->start = start;
    w->counts = (struct counts){0};
    for (size_t i = 0; i < w->n_delays; i++)
        values_reset(&w->delays[i]);
    values_reset(&w->variation);
    w->walk.longest = 0;
    w->walk.run_fresh = false;
    w->walk.last.fresh = false;
    for (size_t i = 0; i < w->queued; i++)
        w->queue[i].fresh = false;
}

void window_began_by(struct window *w, struct wall latest)
{
    if (w->start.ns > latest.ns)
        w->start = latest;
}
