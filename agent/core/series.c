#include "core/series.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct series_entry {
    uint32_t stream;
    uint32_t window;   /* number of the window of the last part */
    struct mono seen;  /* end of the last window with a result */
    struct mono whole; /* when it was last not brief */
    struct mono began; /* its histograms; 0: no window has closed since */
    bool ended, again; /* they have ended; they began again with this window */
    uint32_t losses;   /* ever */
    bool has_lost;     /* in its last window with results */
    bool answered;     /* ever, by the target itself */
    bool silence_reported;
    /* Values of the parts of this window; NULL: it has one part so far, which ends with
     * it. */
    struct tally *early;
    struct rolling *rolling;    /* NULL: overflow series, or too many */
    struct mono tried[PERIODS]; /* to state it */
    bool stated[PERIODS];       /* then */
    bool fresh[PERIODS];        /* it has values that were not stated */
    struct series series;       /* at the end, as its window is */
};

struct series_set {
    /* Sorted by stream, PoP, and address if the PoP is unknown; the overflow series is
     * the last of its stream. */
    struct series_entry **entries;
    size_t n, room;
    uint32_t window;    /* number of the open window, from 1 */
    struct mono closed; /* when the last window was closed */
    uint64_t overflowed;
    bool delta;
    bool main_periods;
    int scale;
    struct rolling_set *rolling;
    struct series_reader reader;
    const struct series **list;
    size_t list_room;
};

struct series_set *series_set_create(bool delta, struct rolling_set *rolling)
{
    struct series_set *l = mem_zalloc(sizeof *l);
    l->rolling = rolling;
    l->delta = delta;
    l->scale = HISTOGRAM_SCALE;
    l->window = 1;
    return l;
}

void series_set_scale(struct series_set *l, int scale)
{
    l->scale = scale;
}

void series_set_main_periods(struct series_set *l)
{
    l->main_periods = true;
}

void series_set_reader(struct series_set *l, struct series_reader reader)
{
    l->reader = reader;
}

/* Before a series changes. */
static void settle(const struct series_set *l)
{
    if (l->reader.settle != NULL)
        l->reader.settle(l->reader.user);
}

/* Statements of all series would cost the most at one window: the second one of a series
 * comes earlier by a time of its own, so they are spread. */
static int64_t spread_of(const struct series_entry *a, int64_t period_ns)
{
    uint32_t part = a->stream * UINT32_C(2654435761);
    return (int64_t)(part * 0x1p-32 * (double)period_ns);
}

/* Empty histograms of the scale of the set. */
static void begin_histograms(const struct series_set *l, struct series *s,
                             struct wall start)
{
    for (size_t i = 0; i < kind_delays(s->kind); i++) {
        histogram_reset(&s->delays[i]);
        histogram_coarsen(&s->delays[i], i == s->kind->main_delay
                                             ? l->scale
                                             : l->scale - SERIES_PHASES_COARSER);
    }
    histogram_reset(&s->variation);
    histogram_coarsen(&s->variation, l->scale - SERIES_VARIATION_COARSER);
    histogram_set_zero(&s->variation, SERIES_VARIATION_ZERO);
    s->histograms_start = start;
}

static void forget_parts(struct series_entry *a)
{
    for (size_t i = 0; a->early != NULL && i < DELAYS_MAX; i++)
        tally_free(&a->early[i]);
    free(a->early);
    a->early = NULL;
}

static void forget_periods(struct series *s)
{
    for (size_t p = 0; p < PERIODS; p++) {
        free(s->periods[p]);
        s->periods[p] = NULL;
    }
}

static void series_entry_free(struct series_entry *a)
{
    forget_parts(a);
    forget_periods(&a->series);
    for (size_t i = 0; i < kind_delays(a->series.kind); i++)
        histogram_free(&a->series.delays[i]);
    free(a->series.delays);
    free(a->series.medians_ns);
    histogram_free(&a->series.variation);
    rolling_release(a->rolling);
    free(a);
}

void series_set_destroy(struct series_set *l)
{
    if (l == NULL)
        return;
    settle(l);
    for (size_t i = 0; i < l->n; i++)
        series_entry_free(l->entries[i]);
    free(l->entries);
    free(l->list);
    free(l);
}

/* ---- the entries ---- */

static int compare(const struct series_entry *a, const struct series_part *part,
                   bool overflow)
{
    if (a->stream != part->stream)
        return a->stream < part->stream ? -1 : 1;
    if (a->series.overflow || overflow)
        return (int)a->series.overflow - (int)overflow;
    int order = strcmp(a->series.pop, part->pop);
    if (order != 0 || part->pop[0] != '\0')
        return order;
    return memcmp(a->series.to.bytes, part->to.bytes, sizeof part->to.bytes);
}

/* Index of the part's entry, or where to insert it. */
static size_t find(const struct series_set *l, const struct series_part *part,
                   bool overflow)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(l->entries[middle], part, overflow) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_there(const struct series_set *l, size_t at,
                     const struct series_part *part, bool overflow)
{
    return at < l->n && compare(l->entries[at], part, overflow) == 0;
}

/* The values of a series with the same key are continued after a restart. */
static void begin_rolling(const struct series_set *l, struct series_entry *a)
{
    const struct series *s = &a->series;
    const struct target *t = s->target;
    char key[ROLLING_KEY_MAX], address[ADDRESS_TEXT_MAX] = "";
    if (s->pop[0] == '\0')
        endpoint_address(address, &s->to);
    snprintf(key, sizeof key, "%s %s %u %s %s %s %s%s%s", t->name, t->host,
             (unsigned)t->port, s->kind->name, family_name(s->family), s->pop, address,
             t->uplink != NULL ? " over " : "", t->uplink != NULL ? t->uplink->name : "");
    a->rolling = rolling_claim(l->rolling, key, kind_delays(s->kind));
}

static struct series_entry *series_entry_open(struct series_set *l, size_t at,
                                              const struct series_part *part,
                                              bool overflow)
{
    const struct series begun = {
        .target = part->target,
        .kind = part->kind,
        .family = part->to.family,
        .to = part->to,
        .start = part->summary->start,
        .overflow = overflow,
        .main_periods = l->main_periods && part->to.family != FAMILY_PROXY,
    };
    size_t n = kind_delays(part->kind), places = series_places(&begun);
    struct series_entry *a =
        mem_zalloc(offsetof(struct series_entry, series.window) + summary_bytes(places));
    a->stream = part->stream;
    memcpy(&a->series, &begun, offsetof(struct series, window));
    a->series.delays = mem_zalloc(n * sizeof *a->series.delays);
    if (places < n)
        a->series.medians_ns = mem_alloc(n * sizeof *a->series.medians_ns);
    if (!overflow)
        text_copy(a->series.pop, sizeof a->series.pop, part->pop);
    begin_histograms(l, &a->series, begun.start);
    if (!overflow)
        begin_rolling(l, a);

    l->entries = mem_grow(l->entries, &l->room, l->n + 1, sizeof *l->entries);
    memmove(&l->entries[at + 1], &l->entries[at], (l->n - at) * sizeof *l->entries);
    l->entries[at] = a;
    l->n++;
    return a;
}

/* ---- the bound ---- */

/* Number of entries from `first` to `end`, without the overflow series. */
static size_t count_regular(const struct series_set *l, size_t first, size_t end)
{
    size_t n = 0;
    for (size_t i = first; i < end; i++)
        n += !l->entries[i]->series.overflow;
    return n;
}

/* Number of series beyond the first of their stream. */
static size_t count_spare(const struct series_set *l)
{
    size_t spare = 0;
    for (size_t i = 1; i < l->n; i++)
        spare += l->entries[i]->stream == l->entries[i - 1]->stream &&
                 !l->entries[i]->series.overflow;
    return spare;
}

/* True when its stream has another series that is not the overflow series. */
static bool is_one_of_several(const struct series_set *l, size_t at)
{
    uint32_t stream = l->entries[at]->stream;
    return (at > 0 && l->entries[at - 1]->stream == stream) ||
           (at + 1 < l->n && l->entries[at + 1]->stream == stream &&
            !l->entries[at + 1]->series.overflow);
}

/* Drops the series that was idle for longest; false: none was idle for long enough. The
 * only series of a stream is kept: it does not count against the limit. */
static bool drop_idle(struct series_set *l, size_t first, size_t end)
{
    size_t oldest = end;
    for (size_t i = first; i < end; i++) {
        const struct series_entry *a = l->entries[i];
        bool idle = a->window != l->window && !a->series.overflow &&
                    l->closed.ns - a->seen.ns >= SERIES_IDLE_NS &&
                    is_one_of_several(l, i);
        if (idle && (oldest == end || a->seen.ns < l->entries[oldest]->seen.ns))
            oldest = i;
    }
    if (oldest == end)
        return false;
    series_entry_free(l->entries[oldest]);
    l->n--;
    memmove(&l->entries[oldest], &l->entries[oldest + 1],
            (l->n - oldest) * sizeof *l->entries);
    return true;
}

/* True when there is room for one more series of the part's stream; drops an idle one if
 * needed. */
static bool has_room(struct series_set *l, const struct series_part *part)
{
    size_t first = 0, end, regular;
    while (first < l->n && l->entries[first]->stream < part->stream)
        first++;
    for (end = first; end < l->n && l->entries[end]->stream == part->stream;)
        end++;
    regular = count_regular(l, first, end);
    if (regular >= SERIES_PLACES_MAX)
        return drop_idle(l, first, end);
    return regular == 0 || count_spare(l) < SERIES_SPARE_MAX || drop_idle(l, 0, l->n);
}

static bool target_overflows(const struct series_set *l, const struct target *target)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->entries[i]->series.overflow && l->entries[i]->series.target == target)
            return true;
    return false;
}

/* ---- adding up ---- */

/* Merges a delay of the window, or its variation, and notes what is new. */
static void add_values(struct series_entry *a, size_t i, struct histogram *h,
                       const struct window *window)
{
    struct series *s = &a->series;
    uint64_t count = h->count;
    int64_t min_ns = h->min_ns, max_ns = h->max_ns;
    if (i == SERIES_VARIATION)
        window_merge_variation(window, h);
    else
        window_merge_delay(window, i, h);
    bool begun = count == 0 && h->count > 0;
    bool extreme = begun || h->min_ns < min_ns || h->max_ns > max_ns;
    s->begun |= (uint16_t)((begun && !a->again) << i);
    s->extreme |= (uint16_t)(extreme << i);
}

static void add_totals(struct series_entry *a, const struct series_part *part)
{
    struct series *s = &a->series;
    const struct summary *from = part->summary;
    for (size_t o = 0; o < OUTCOME_COUNT; o++)
        s->outcomes[o] += from->outcomes[o];
    counters_add(s->counters, from->counters);
    for (size_t i = 0; i < kind_delays(s->kind); i++)
        add_values(a, i, &s->delays[i], part->window);
    add_values(a, SERIES_VARIATION, &s->variation, part->window);
}

static void add_rolling(const struct series_set *l, struct series_entry *a,
                        const struct window *window)
{
    for (size_t i = 0; a->rolling != NULL && i < kind_delays(a->series.kind); i++) {
        struct tally values = {0};
        if (series_place(&a->series, i) == SIZE_MAX)
            continue;
        window_tally_delay(window, i, &values);
        rolling_add(l->rolling, a->rolling, i, &values);
        for (size_t p = 0; p < PERIODS; p++)
            a->fresh[p] |= values.count > 0;
        tally_free(&values);
    }
}

static void keep_part(struct series_entry *a, const struct window *window)
{
    if (a->early == NULL)
        a->early = mem_zalloc(DELAYS_MAX * sizeof *a->early);
    for (size_t i = 0; i < kind_delays(a->series.kind); i++)
        window_tally_delay(window, i, &a->early[i]);
}

static void join_counts(struct summary *into, const struct summary *from)
{
    into->end = from->end;
    for (size_t o = 0; o < OUTCOME_COUNT; o++)
        into->outcomes[o] += from->outcomes[o];
    into->sent += from->sent;
    into->received += from->received;
    counters_add(into->counters, from->counters);
    into->server_errors += from->server_errors;
    if (from->server_error != 0)
        into->server_error = from->server_error;
    into->interrupted |= from->interrupted;
    into->busy |= from->busy;
    if (from->longest_burst > into->longest_burst)
        into->longest_burst = from->longest_burst;
    into->loss_ratio =
        into->sent > 0 ? (double)outcomes_lost(into->outcomes) / (double)into->sent : NAN;
}

/* `all`: the values of both. */
static void join_delays(struct delay_summary *into, const struct delay_summary *from,
                        const struct tally *all)
{
    if (from->count + from->over == 0)
        return;
    if (into->count + into->over == 0) {
        *into = *from;
        return;
    }
    double sum = (double)into->mean_ns * (double)into->count +
                 (double)from->mean_ns * (double)from->count;
    if (into->count == 0 || (from->count > 0 && from->min_ns < into->min_ns))
        into->min_ns = from->min_ns;
    if (into->count == 0 || (from->count > 0 && from->max_ns > into->max_ns))
        into->max_ns = from->max_ns;
    if (from->over > 0 && (into->over == 0 || from->over_ns < into->over_ns))
        into->over_ns = from->over_ns;
    delay_summary_percentiles(into, all);
    into->mean_ns =
        into->count > 0 ? llround(sum / (double)into->count) : DELAY_UNDEFINED;
}

static void take_window(struct series *s, const struct summary *from)
{
    memcpy(&s->window, from, offsetof(struct summary, delays));
    for (size_t i = 0; i < kind_delays(s->kind); i++) {
        size_t place = series_place(s, i);
        if (place != SIZE_MAX)
            s->window.delays[place] = from->delays[i];
        else
            s->medians_ns[i] = delay_median(&from->delays[i]);
    }
}

static void join_window(struct series_entry *a, const struct summary *from)
{
    struct series *s = &a->series;
    join_counts(&s->window, from);
    for (size_t i = 0; i < kind_delays(s->kind); i++) {
        size_t place = series_place(s, i);
        struct delay_summary all = {.count = 0};
        if (place != SIZE_MAX) {
            join_delays(&s->window.delays[place], &from->delays[i], &a->early[i]);
        } else {
            delay_summary_percentiles(&all, &a->early[i]);
            s->medians_ns[i] = delay_median(&all);
        }
    }
}

static bool has_results(const struct summary *s)
{
    return s->sent + s->outcomes[OUTCOME_NOT_MEASURED] > 0;
}

static bool is_answered(const struct summary *s)
{
    return summary_answered(s) > 0;
}

/* Delta temporality: forgets the values exported with an earlier window. */
static void begin_anew(const struct series_set *l, struct series_entry *a,
                       struct wall start)
{
    struct series *s = &a->series;
    memset(s->outcomes, 0, sizeof s->outcomes);
    memset(s->counters, 0, sizeof s->counters);
    begin_histograms(l, s, start);
    s->start = start;
}

static void begin_window(const struct series_set *l, struct series_entry *a,
                         struct wall start)
{
    struct series *s = &a->series;
    s->begun = s->extreme = 0;
    a->again = a->ended;
    a->ended = false;
    if (l->delta)
        begin_anew(l, a, start);
    else if (a->again)
        begin_histograms(l, s, start);
}

/* The entry of the part, created if needed; NULL: the part is ignored. `*first_overflow`:
 * it is a new overflow series, the first of its target. */
static struct series_entry *entry_of(struct series_set *l, const struct series_part *part,
                                     bool *first_overflow)
{
    size_t at = find(l, part, false);
    if (is_there(l, at, part, false))
        return l->entries[at];
    if (!has_results(part->summary))
        return NULL;
    if (has_room(l, part))
        return series_entry_open(l, find(l, part, false), part, false);
    at = find(l, part, true);
    if (is_there(l, at, part, true))
        return l->entries[at];
    *first_overflow = !target_overflows(l, part->target);
    return series_entry_open(l, at, part, true);
}

bool series_set_add(struct series_set *l, const struct series_part *part)
{
    bool first_overflow = false;
    settle(l);
    struct series_entry *a = entry_of(l, part, &first_overflow);
    if (a == NULL)
        return false;

    bool first = a->window != l->window;
    if (first)
        begin_window(l, a, part->summary->start);
    a->window = l->window;
    a->series.to = part->to;
    a->losses += (uint32_t)outcomes_lost(part->summary->outcomes);
    a->answered |= part->own_answers && is_answered(part->summary);
    if (a->series.overflow)
        l->overflowed +=
            part->summary->sent + part->summary->outcomes[OUTCOME_NOT_MEASURED];
    add_totals(a, part);
    add_rolling(l, a, part->window);
    if (part->early || !first)
        keep_part(a, part->window);
    if (first)
        take_window(&a->series, part->summary);
    else
        join_window(a, part->summary);
    return first_overflow;
}

uint64_t series_set_overflowed(const struct series_set *l)
{
    return l->overflowed;
}

void series_set_began_by(struct series_set *l, struct wall latest)
{
    settle(l);
    for (size_t i = 0; i < l->n; i++) {
        struct series *s = &l->entries[i]->series;
        if (s->start.ns > latest.ns)
            s->start = latest;
        if (s->histograms_start.ns > latest.ns)
            s->histograms_start = latest;
        if (s->window.start.ns > latest.ns)
            s->window.start = latest;
    }
}

/* ---- silence ---- */

/* Another kind that the target answers in the same family and PoP, or NULL. */
static const struct kind *answered_kind(const struct series_set *l,
                                        const struct series *of)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct series_entry *a = l->entries[i];
        const struct series *s = &a->series;
        if (a->answered && s->target == of->target && s->family == of->family &&
            s->kind != of->kind && strcmp(s->pop, of->pop) == 0)
            return s->kind;
    }
    return NULL;
}

static void detect_silence(const struct series_set *l, struct series_entry *a)
{
    struct series *s = &a->series;
    bool silent = s->kind->may_be_filtered && !a->answered;
    s->silent_while = silent ? answered_kind(l, s) : NULL;
    s->silence_significant =
        s->silent_while != NULL && !a->silence_reported && a->losses >= SILENT_LOSSES;
    a->silence_reported |= s->silence_significant;
}

/* ---- rolling periods ---- */

/* A longer period has more values than the hour only once a tally has left that. */
static int64_t pace_of(const struct series_entry *a, size_t period)
{
    if (a->stated[period])
        return period_pace_ns[period];
    return period == PERIOD_HOUR ? 0 : period_pace_ns[PERIOD_HOUR];
}

static bool is_due(const struct series_entry *a, size_t period, struct mono now)
{
    return a->fresh[period] && (a->tried[period].ns == 0 ||
                                now.ns - a->tried[period].ns >= pace_of(a, period));
}

/* The series take turns, as with the periods. */
static void set_brief(const struct series_set *l, struct series_entry *a, struct mono now)
{
    struct series *s = &a->series;
    bool lost = s->in_window && outcomes_lost(s->window.outcomes) > 0;
    s->brief = !l->delta && a->whole.ns != 0 &&
               now.ns - a->whole.ns < SERIES_REPEAT_NS - NS_PER_S / 2;
    if (!s->brief)
        a->whole.ns = now.ns - (a->whole.ns == 0 ? spread_of(a, SERIES_REPEAT_NS) : 0);
    s->lossless = !lost && !a->has_lost;
    if (s->in_window)
        a->has_lost = lost;
}

/* The first time earlier by a time of its own. */
static void end_histograms(const struct series_set *l, struct series_entry *a,
                           struct mono now)
{
    if (a->began.ns == 0)
        a->began.ns = now.ns - spread_of(a, SERIES_HISTOGRAMS_NS);
    bool end = !l->delta && now.ns - a->began.ns >= SERIES_HISTOGRAMS_NS;
    a->series.histograms_end = end;
    a->ended |= end;
    if (end)
        a->began = now;
}

static bool is_stated(const struct period_summary *p)
{
    bool any = false;
    for (size_t k = 0; k < PERCENTILES; k++)
        any |= p->delay.supported[k];
    return any;
}

static void keep_period(struct series *s, size_t place, size_t p,
                        const struct period_summary *is)
{
    if (s->periods[p] == NULL)
        s->periods[p] = mem_zalloc(series_places(s) * sizeof *s->periods[p]);
    s->periods[p][place] = *is;
    s->periods[p][place].end = s->window.end;
}

/* Sets which periods are due. One of which nothing can be stated is tried again soon. */
static void state_periods(const struct series_set *l, struct series_entry *a,
                          struct mono now)
{
    struct series *s = &a->series;
    bool any = false;
    for (size_t p = 0; p < PERIODS; p++) {
        s->due[p] = a->rolling != NULL && is_due(a, p, now);
        any |= s->due[p];
    }
    for (size_t i = 0; any && i < kind_delays(s->kind); i++) {
        struct period_summary of[PERIODS];
        size_t place = series_place(s, i);
        if (place == SIZE_MAX)
            continue;
        rolling_summary(l->rolling, a->rolling, i, s->due, of);
        for (size_t p = 0; p < PERIODS; p++)
            if (is_stated(&of[p]))
                keep_period(s, place, p, &of[p]);
    }
    for (size_t p = 0; p < PERIODS; p++) {
        if (!s->due[p])
            continue;
        bool stated = s->periods[p] != NULL, first = stated && !a->stated[p];
        a->tried[p] =
            (struct mono){first ? now.ns - spread_of(a, period_pace_ns[p]) : now.ns};
        a->stated[p] = stated;
        a->fresh[p] = !stated;
    }
}

/* ---- the end of a window ---- */

const struct series *const *series_set_close(struct series_set *l, struct mono now,
                                             size_t *n)
{
    size_t kept = 0;
    settle(l);
    for (size_t i = 0; i < l->n; i++) {
        struct series_entry *a = l->entries[i];
        a->series.in_window = a->window == l->window;
        if (a->series.in_window && has_results(&a->series.window))
            a->seen = now;
        forget_parts(a);
        forget_periods(&a->series);
        if (now.ns - a->seen.ns >= SERIES_KEEP_NS)
            series_entry_free(a);
        else
            l->entries[kept++] = a;
    }
    l->n = kept;
    l->window++;
    l->closed = now;

    l->list = mem_grow(l->list, &l->list_room, l->n + 1, sizeof *l->list);
    *n = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct series_entry *a = l->entries[i];
        detect_silence(l, a);
        state_periods(l, a, now);
        set_brief(l, a, now);
        end_histograms(l, a, now);
        if (a->series.in_window || !l->delta)
            l->list[(*n)++] = &a->series;
    }
    return l->list;
}
