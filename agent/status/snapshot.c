#include "status/snapshot.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void snapshot_begin(struct snapshot *s, const struct config *config,
                    const struct kinds *kinds, struct wall since)
{
    *s = (struct snapshot){
        .config = config, .kinds = kinds, .since = since, .retry_ns = -1};
    s->targets = mem_grow(NULL, &s->targets_room, config->n_targets, sizeof *s->targets);
    s->unknown = mem_zalloc(config->n_targets * sizeof *s->unknown);
    for (size_t t = 0; t < config->n_targets; t++) {
        s->unknown[t].target = &config->targets[t];
        s->unknown[t].min_ns = DELAY_UNDEFINED;
        s->targets[t] = (struct snapshot_target){.is = &s->unknown[t]};
    }
    s->n_targets = config->n_targets;
}

/* ---- closed windows ---- */

/* Created if needed. NULL: its target is gone, or has another address or PoP now. */
static struct snapshot_stream *stream_of(struct snapshot *s, const struct series *series,
                                         struct snapshot_target **of)
{
    for (size_t t = 0; t < s->n_targets; t++) {
        struct snapshot_target *target = &s->targets[t];
        size_t f = family_slot(series->family);
        const struct target_address_state *place = &target->is->addresses[f];
        if (target->is->target != series->target)
            continue;
        if (!endpoint_same_address(&series->to, &place->to) ||
            (!series->overflow && strcmp(series->pop, place->pop) != 0))
            return NULL;
        *of = target;
        size_t kind = kinds_find(s->kinds, series->kind->name);
        struct snapshot_stream **stream = &target->streams[f][kind];
        if (*stream == NULL)
            *stream = mem_zalloc(sizeof **stream + kind_delays(series->kind) *
                                                       sizeof *(*stream)->medians_ns);
        return *stream;
    }
    return NULL;
}

static struct snapshot_period *period_of(const struct period_summary *from)
{
    const struct delay_summary *d = &from->delay;
    struct snapshot_period *p = mem_alloc(sizeof *p);
    *p = (struct snapshot_period){
        .age_ns = from->age_ns, .end = from->end, .count = (uint32_t)d->count};
    memcpy(p->percentile_ns, d->percentile_ns, sizeof p->percentile_ns);
    memcpy(p->low_ns, d->low_ns, sizeof p->low_ns);
    memcpy(p->high_ns, d->high_ns, sizeof p->high_ns);
    memcpy(p->supported, d->supported, sizeof p->supported);
    return p;
}

static void take_periods(struct snapshot_stream *to, const struct series *series,
                         size_t delay)
{
    for (size_t p = 0; p < PERIODS; p++) {
        const struct period_summary *from = series_period(series, p, delay);
        if (!series->due[p])
            continue;
        free(to->periods[p]);
        to->periods[p] =
            from != NULL && from->delay.supported[P50] ? period_of(from) : NULL;
    }
}

/* Of a delay in the last window; DELAY_UNDEFINED: the kind has no such delay, or no value. */
static int64_t median_of(const struct series *series, size_t delay)
{
    if (delay >= kind_delays(series->kind))
        return DELAY_UNDEFINED;
    const struct delay_summary *d = series_window(series, delay);
    return d != NULL ? delay_median(d) : series->medians_ns[delay];
}

static struct snapshot_delay delay_of(const struct delay_summary *from)
{
    struct snapshot_delay d = {.count = (uint32_t)from->count,
                               .over = (uint32_t)from->over};
    memcpy(d.percentile_ns, from->percentile_ns, sizeof d.percentile_ns);
    memcpy(d.is_over, from->is_over, sizeof d.is_over);
    memcpy(d.supported, from->supported, sizeof d.supported);
    return d;
}

/* Through a proxy there is no handshake with the target: TLS is shown. */
static void take_proxied(struct snapshot_target *t, struct snapshot_stream *to,
                         const struct series *series)
{
    const struct delay_summary *delays = series->window.delays;
    for (size_t i = 0; i < DELAYS_MAX; i++)
        t->proxied_ns[i] = median_of(series, i);
    size_t main =
        intercept_distance(series->kind, target_intercept(&t->is->addresses[SLOT_PROXY]));
    to->delay = delay_of(&delays[main]);
    take_periods(to, series, main);
}

static void take_bars(struct snapshot_stream *to, const struct histogram *h)
{
    double least = log((double)h->min_ns / 1e9), width = 0;
    uint64_t counts[SNAPSHOT_BARS] = {0}, most = 0;
    to->bars_min_ns = h->min_ns;
    to->bars_max_ns = h->max_ns;
    if (h->min_ns > 0)
        width = (log((double)h->max_ns / 1e9) - least) / SNAPSHOT_BARS;
    for (uint32_t i = 0; i < h->n; i++) {
        double middle = ldexp(h->offset + (double)i + 0.5, -h->scale) * log(2);
        double at = width > 0 ? (middle - least) / width : 0;
        size_t bar = at <= 0 ? 0 : at >= SNAPSHOT_BARS ? SNAPSHOT_BARS - 1 : (size_t)at;
        counts[bar] += h->buckets[i];
        most = counts[bar] > most ? counts[bar] : most;
    }
    while (most >> to->bars_shift >= UINT16_MAX)
        to->bars_shift++;
    for (size_t i = 0; i < SNAPSHOT_BARS; i++) /* rounded up: a single value is seen */
        to->bars[i] = (uint16_t)((counts[i] + (UINT64_C(1) << to->bars_shift) - 1) >>
                                 to->bars_shift);
}

static void take_history(struct snapshot_stream *to)
{
    to->history_ms[to->windows++ % SNAPSHOT_HISTORY] =
        to->delay.count > 0 ? (float)((double)to->delay.percentile_ns[P50] / 1e6) : NAN;
}

static void take_series(struct snapshot *s, const struct series *series)
{
    const struct summary *w = &series->window;
    uint64_t not_measured = w->outcomes[OUTCOME_NOT_MEASURED];
    struct snapshot_target *target;
    struct snapshot_stream *to =
        w->sent + not_measured > 0 ? stream_of(s, series, &target) : NULL;
    if (to == NULL)
        return;
    struct snapshot_stream before = *to;
    *to = (struct snapshot_stream){
        .windows = before.windows,
        .end = s->window_end,
        .to = series->to,
        .silent = series->silent_while != NULL,
        .sent = (uint32_t)w->sent,
        .lost = (uint32_t)outcomes_lost(w->outcomes),
        .failed = (uint32_t)outcomes_failed(w->outcomes),
        .not_measured = (uint32_t)not_measured,
        .slow = (uint32_t)w->outcomes[OUTCOME_SLOW],
        .late = (uint32_t)w->counters[COUNTER_LATE],
        .server_errors = (uint32_t)w->server_errors,
        .server_error = w->server_error,
        .loss_ratio = w->loss_ratio,
        .packets = loss_count_of(series->kind, w->outcomes, w->counters),
        .delay = delay_of(&w->delays[0]),
    };
    memcpy(to->history_ms, before.history_ms, sizeof to->history_ms);
    memcpy(to->periods, before.periods, sizeof to->periods);
    take_periods(to, series, 0);
    text_copy(to->pop, sizeof to->pop, series->pop);
    size_t main = 0;
    if (series->family == FAMILY_PROXY) {
        take_proxied(target, to, series);
        main = intercept_distance(series->kind,
                                  target_intercept(&target->is->addresses[SLOT_PROXY]));
    }
    for (size_t i = 0; i < kind_delays(series->kind); i++)
        to->medians_ns[i] = median_of(series, i);
    take_bars(to, &series->delays[main]);
    take_history(to);
}

static void take_event(struct snapshot *s, const struct event *e)
{
    struct snapshot_event *to = &s->events[s->n_events++ % SNAPSHOT_EVENTS];
    to->time = e->time;
    to->severity = e->severity;
    to->name = e->name;
    event_subject(to->subject, e);
    text_copy(to->text, sizeof to->text, e->text);
}

/* The event ends what the last one of its name, target and family left. */
static void take_open(struct snapshot *s, const struct event *e)
{
    enum event_leaves leaves = event_leaves(e->name, e->after);
    size_t i = 0;
    while (i < s->n_open &&
           (strcmp(s->open[i].name, e->name) != 0 || s->open[i].target != e->target ||
            s->open[i].family != e->family))
        i++;
    if (leaves == EVENT_LEAVES_NOTHING) {
        if (i < s->n_open)
            memmove(&s->open[i], &s->open[i + 1], (--s->n_open - i) * sizeof *s->open);
        return;
    }
    if (i == s->n_open)
        s->open = mem_grow(s->open, &s->open_room, ++s->n_open, sizeof *s->open);
    struct snapshot_open *to = &s->open[i];
    *to = (struct snapshot_open){.name = e->name,
                                 .target = e->target,
                                 .family = e->family,
                                 .leaves = leaves,
                                 .fault = fault_of_event(e->name, e->after),
                                 .since = e->time};
    event_subject(to->subject, e);
    text_copy(to->text, sizeof to->text, e->text);
}

static void free_stream(struct snapshot_stream *stream)
{
    for (size_t p = 0; stream != NULL && p < PERIODS; p++)
        free(stream->periods[p]);
    free(stream);
}

/* All from this number on. */
static void forget_targets(struct snapshot *s, size_t from)
{
    for (size_t t = from; t < s->n_targets; t++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            for (size_t k = 0; k < KINDS_MAX; k++)
                free_stream(s->targets[t].streams[f][k]);
    s->n_targets = from < s->n_targets ? from : s->n_targets;
}

void snapshot_window(struct snapshot *s, const struct batch *batch,
                     const struct events *events, int64_t loop_lag_ns)
{
    s->window_start = batch->window_start;
    s->window_end = batch->time;
    s->interrupted = batch->interrupted;
    s->busy = batch->busy;
    s->unsent = batch->unsent;
    s->loop_lag_ns = loop_lag_ns;
    forget_targets(s, batch->n_targets);
    s->targets =
        mem_grow(s->targets, &s->targets_room, batch->n_targets, sizeof *s->targets);
    for (size_t t = 0; t < batch->n_targets; t++) {
        if (t >= s->n_targets)
            s->targets[t] = (struct snapshot_target){0};
        s->targets[t].is = &batch->targets[t];
    }
    s->n_targets = batch->n_targets;
    free(s->unknown);
    s->unknown = NULL;
    if (batch->uplinks != NULL)
        s->uplinks = *batch->uplinks;
    for (size_t i = 0; i < batch->n_series; i++)
        if (batch->series[i]->in_window)
            take_series(s, batch->series[i]);
    for (size_t i = 0; i < events->n; i++) {
        take_event(s, &events->list[i]);
        take_open(s, &events->list[i]);
    }
}

void snapshot_free(struct snapshot *s)
{
    forget_targets(s, 0);
    free(s->targets);
    free(s->unknown);
    free(s->open);
    *s = (struct snapshot){0};
}

/* ---- state of a target ---- */

bool snapshot_shows(const struct snapshot_target *t)
{
    return !t->is->target->discovered || target_has_address(t->is);
}

const struct snapshot_stream *snapshot_stream(const struct snapshot_target *t,
                                              size_t family, size_t kind)
{
    const struct snapshot_stream *stream = t->streams[family][kind];
    bool is = stream != NULL && t->is->addresses[family].to.family != FAMILY_NONE;
    return is ? stream : NULL;
}

bool snapshot_too_early(const struct snapshot *s)
{
    for (size_t t = 0; t < s->n_targets; t++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            for (size_t k = 0; k < s->kinds->n; k++)
                if (snapshot_stream(&s->targets[t], f, k) != NULL)
                    return false;
    return s->stopped == NULL;
}

enum charge snapshot_charge(const struct snapshot *s, const struct snapshot_target *t)
{
    enum charge worst = CHARGE_NOTHING;
    struct metre_charge both = {CHARGE_NOTHING, CHARGE_NOTHING};
    for (size_t f = 0; s->metre != NULL && f < 2; f++) {
        enum charge is =
            metre_charge_worst(last_metre_charge(s->metre, (size_t)(t - s->targets), f));
        both = (struct metre_charge){worst, is};
        worst = metre_charge_worst(both);
    }
    return worst;
}

enum state snapshot_state(const struct snapshot_target *t)
{
    enum state worst = STATE_UNKNOWN;
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        for (size_t k = 0; k < KINDS_MAX; k++)
            if (snapshot_stream(t, f, k) != NULL && t->is->states[f][k] > worst)
                worst = t->is->states[f][k];
    return worst;
}
