#include "report/dataset.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/time.h"
#include "otlp/decoded.h"
#include "otlp/names.h"
#include "otlp/read.h"
#include "report/dataset_state.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define JOIN_DISTANCE_NS NS_PER_S
#define WINDOW_MAX_NS    (3600 * NS_PER_S)

/* A target that is down before and after windows without it is down in them as well. */
#define DOWN_GAP_NS (900 * NS_PER_S)

/* Windows of one entry that are no farther apart are in a row. */
#define DATASET_ENTRY_GAP_NS (1200 * NS_PER_S)

/* ---- intervals ---- */

void intervals_add(struct intervals *to, int64_t start_ns, int64_t end_ns)
{
    struct interval *last = to->n > 0 ? &to->all[to->n - 1] : NULL;
    if (last != NULL &&
        (start_ns <= last->end_ns + JOIN_DISTANCE_NS || to->n == DATASET_INTERVALS_MAX)) {
        last->end_ns = end_ns > last->end_ns ? end_ns : last->end_ns;
        return;
    }
    to->all = mem_grow(to->all, &to->room, to->n + 1, sizeof *to->all);
    to->all[to->n++] = (struct interval){start_ns, end_ns};
}

struct intervals intervals_both(const struct intervals *a, const struct intervals *b)
{
    struct intervals out = {0};
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        const struct interval *x = &a->all[i], *y = &b->all[j];
        int64_t start_ns = x->start_ns > y->start_ns ? x->start_ns : y->start_ns;
        int64_t end_ns = x->end_ns < y->end_ns ? x->end_ns : y->end_ns;
        if (start_ns < end_ns)
            intervals_add(&out, start_ns, end_ns);
        if (x->end_ns < y->end_ns)
            i++;
        else
            j++;
    }
    return out;
}

struct intervals intervals_without(const struct intervals *a, const struct intervals *b)
{
    struct intervals out = {0};
    for (size_t i = 0, j = 0; i < a->n; i++) {
        int64_t at_ns = a->all[i].start_ns, end_ns = a->all[i].end_ns;
        while (j < b->n && b->all[j].end_ns <= at_ns)
            j++;
        for (size_t k = j; k < b->n && b->all[k].start_ns < end_ns; k++) {
            if (b->all[k].start_ns > at_ns)
                intervals_add(&out, at_ns, b->all[k].start_ns);
            at_ns = b->all[k].end_ns;
        }
        if (at_ns < end_ns)
            intervals_add(&out, at_ns, end_ns);
    }
    return out;
}

struct intervals intervals_either(const struct intervals *a, const struct intervals *b)
{
    struct intervals out = {0};
    for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
        bool first = j == b->n || (i < a->n && a->all[i].start_ns <= b->all[j].start_ns);
        const struct interval *next = first ? &a->all[i++] : &b->all[j++];
        intervals_add(&out, next->start_ns, next->end_ns);
    }
    return out;
}

int64_t intervals_sum(const struct intervals *s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += s->all[i].end_ns - s->all[i].start_ns;
    return sum;
}

/* ---- create and free ---- */

static bool is_wanted(const char *metric);

struct dataset *dataset_create(const struct kinds *kinds, int64_t since_ns,
                               int64_t until_ns)
{
    struct dataset *p = mem_zalloc(sizeof *p);
    p->kinds = kinds;
    p->reader = point_reader_create(is_wanted);
    p->since_ns = since_ns > 0 ? since_ns : 0;
    p->until_ns = until_ns < DATASET_LATEST_NS ? until_ns : DATASET_LATEST_NS;
    return p;
}

static void free_series(struct dataset_series *series)
{
    for (size_t i = 0; i < series->n_delays; i++) {
        histogram_free(&series->delays[i].sum);
        histogram_free(&series->delays[i].base);
        histogram_free(&series->delays[i].last);
    }
    free(series->counters);
    free(series);
}

static void free_target(struct dataset_target *t)
{
    for (size_t s = 0; s < t->n_streams; s++) {
        for (size_t i = 0; i < t->streams[s].n_series; i++)
            free_series(t->streams[s].series[i]);
        free(t->streams[s].samples);
    }
    free(t->down.all);
    free(t->entries);
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        free(t->beyond[f].all);
    free(t);
}

void dataset_free(struct dataset *p)
{
    if (p == NULL)
        return;
    point_reader_destroy(p->reader);
    for (size_t i = 0; i < p->n_targets; i++)
        free_target(p->targets[i]);
    free(p->prefixes);
    for (size_t i = 0; i < p->n_sessions; i++) {
        free(p->sessions[i]->windows);
        free(p->sessions[i]);
    }
    dataset_free_traffic(p);
    free(p->media);
    free(p->metre);
    free(p->events);
    free(p->event_slots);
    free(p->before.all);
    free(p->last.all);
    free(p->open);
    free(p->covered.all);
    free(p->outages.line.all);
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        free(p->outages.family[f].all);
    free(p);
}

/* ---- metrics ---- */

static bool is_delta(Otlp__AggregationTemporality t)
{
    return t == OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA;
}

static void add_results(struct dataset *p, const Otlp__Sum *sum, const char *attribute)
{
    for (size_t i = 0; i < sum->n_data_points; i++) {
        const Otlp__NumberDataPoint *point = sum->data_points[i];
        struct dataset_lookup at;
        if (decoded_integer(point) == 0) /* the start of a counter, or unchanged at 0 */
            continue;
        if (dataset_lookup(p, attributes_of(point), &at) &&
            dataset_begin_batch(p, at.stream, at.series, point->time_unix_nano))
            dataset_count(at.series->counters, point, attribute,
                          is_delta(sum->aggregation_temporality));
    }
}

static void add_delays(struct dataset *p, const Otlp__ExponentialHistogram *metric)
{
    for (size_t i = 0; i < metric->n_data_points; i++) {
        const Otlp__ExponentialHistogramDataPoint *point = metric->data_points[i];
        struct dataset_lookup at;
        if (point->count > 0 && dataset_lookup(p, attributes_of(point), &at) &&
            dataset_begin_batch(p, at.stream, at.series, point->time_unix_nano))
            dataset_add_delay(p, &at, point, is_delta(metric->aggregation_temporality));
    }
}

/* Adds the window of a gauge to the covered times. */
static void add_covered(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    int64_t start = (int64_t)point->start_time_unix_nano;
    int64_t end = (int64_t)point->time_unix_nano;
    if (start <= 0 || end <= start || end - start > WINDOW_MAX_NS ||
        !dataset_in_period(p, point->time_unix_nano))
        return;
    struct interval *last = p->covered.n > 0 ? &p->covered.all[p->covered.n - 1] : NULL;
    start = start > p->since_ns ? start : p->since_ns;
    if (last == NULL || end > last->end_ns)
        intervals_add(&p->covered, start, end);
    else if (end == last->end_ns && start < last->start_ns)
        /* The previous point may be of a series that began within the window. */
        last->start_ns = start;
    if (end - start > p->window_ns)
        p->window_ns = end - start;
}

static int64_t delay_of(const Otlp__NumberDataPoint *point)
{
    bool is_number = point->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE &&
                     point->as_double >= 0 && point->as_double < 1e6; /* false for NaN */
    return is_number ? llround(point->as_double * 1e9) : DELAY_UNDEFINED;
}

/* Index of the text in the list; `n`: it is not there. */
static size_t index_of(const char *text, const char *const *list, size_t n)
{
    size_t i = 0;
    while (i < n && strcmp(list[i], text) != 0)
        i++;
    return i;
}

/* What a percentile is of. `period` is PERIODS for a window, which older agents do not
 * name. False: not a percentile of a main delay. */
struct quantile {
    struct dataset_lookup at;
    size_t period, percentile;
};

static unsigned number_of(size_t period, size_t percentile)
{
    return (unsigned)(1 + period * (PERCENTILES + 1) + percentile);
}

/* For point_note: period and percentile by the attributes, 1 or more; PERIODS + 1 and
 * PERCENTILES where they are none. */
static unsigned quantile_number(struct decoded a)
{
    static const char *const quantiles[PERCENTILES] = {"0.5", "0.9", "0.95", "0.99"};
    const char *name = decoded_text(a.list, a.n, ATTR_PERIOD, PERIOD_WINDOW_NAME);
    size_t period = index_of(name, period_name, PERIODS);
    bool unknown = period == PERIODS && strcmp(name, PERIOD_WINDOW_NAME) != 0;
    return number_of(
        period + unknown,
        index_of(decoded_text(a.list, a.n, ATTR_QUANTILE, ""), quantiles, PERCENTILES));
}

static bool find_quantile(struct dataset *p, const Otlp__NumberDataPoint *point,
                          struct quantile *out)
{
    struct decoded a = attributes_of(point);
    bool known = a.note->number > 0;
    unsigned number = known ? a.note->number : quantile_number(a);
    out->period = (number - 1) / (PERCENTILES + 1);
    out->percentile = (number - 1) % (PERCENTILES + 1);
    if (out->period == PERIODS)
        add_covered(p, point);
    else if (out->period > PERIODS)
        return false;
    if (!dataset_lookup(p, a, &out->at))
        return false;
    if (!known && strcmp(decoded_text(a.list, a.n, ATTR_DELAY, ""),
                         kinds_main_delay(p->kinds, out->at.stream->kind)) != 0)
        out->percentile = PERCENTILES;
    a.note->number = number_of(out->period, out->percentile);
    return out->percentile < PERCENTILES;
}

/* The period of the point, begun anew if the point is newer; NULL: it is older. */
static struct dataset_period *period_of(struct dataset *p, const struct quantile *of,
                                        const Otlp__NumberDataPoint *point)
{
    struct dataset_period *period = &of->at.series->periods[of->period];
    if (!dataset_in_period(p, point->time_unix_nano) ||
        point->time_unix_nano < period->time_ns)
        return NULL;
    if (point->time_unix_nano > period->time_ns)
        *period = (struct dataset_period){.time_ns = point->time_unix_nano};
    return period;
}

static void add_quantile(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct quantile of;
    if (!find_quantile(p, point, &of))
        return;
    if (of.period < PERIODS) {
        struct dataset_period *period = period_of(p, &of, point);
        if (period != NULL)
            period->percentiles[of.percentile].ns = delay_of(point);
        return;
    }
    if (!dataset_begin_batch(p, of.at.stream, of.at.series, point->time_unix_nano))
        return;
    struct dataset_counters *t = of.at.series->counters;
    t->window_ns = point->start_time_unix_nano;
    if (of.percentile == P50)
        t->p50_ns = delay_of(point);
    if (delay_of(point) > t->highest_ns)
        t->highest_ns = delay_of(point);
}

/* An end of an interval. */
static void add_end(struct dataset *p, const Otlp__NumberDataPoint *point, bool high)
{
    struct quantile of;
    if (!find_quantile(p, point, &of) || of.period == PERIODS)
        return;
    struct dataset_period *period = period_of(p, &of, point);
    if (period != NULL && high)
        period->percentiles[of.percentile].high_ns = delay_of(point);
    else if (period != NULL)
        period->percentiles[of.percentile].low_ns = delay_of(point);
}

static void add_low(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    add_end(p, point, false);
}

static void add_high(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    add_end(p, point, true);
}

static void add_loss(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct dataset_lookup at;
    add_covered(p, point);
    if (!dataset_lookup(p, attributes_of(point), &at) ||
        !dataset_begin_batch(p, at.stream, at.series, point->time_unix_nano))
        return;
    at.series->counters->has_loss = true;
    at.series->counters->window_ns = point->start_time_unix_nano;
}

static void add_up(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct dataset_target *t = dataset_target_of(p, attributes_of(point));
    int64_t start = (int64_t)point->start_time_unix_nano;
    int64_t end = (int64_t)point->time_unix_nano;
    add_covered(p, point);
    if (t == NULL || !dataset_in_period(p, point->time_unix_nano) ||
        end <= t->last_seen_ns)
        return;
    /* Windows in between had no probe: it is probed more slowly than windows close. */
    const struct interval *last = t->down.n > 0 ? &t->down.all[t->down.n - 1] : NULL;
    if (last != NULL && last->end_ns == t->last_seen_ns &&
        start - last->end_ns < DOWN_GAP_NS)
        start = last->end_ns;
    t->last_seen_ns = end;
    t->rank = 0; /* until this batch reports it */
    if (decoded_integer(point) == 0 && start > 0 && end > start &&
        end - start <= WINDOW_MAX_NS)
        intervals_add(&t->down, start > p->since_ns ? start : p->since_ns, end);
}

static void add_rank(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct dataset_target *t = dataset_target_of(p, attributes_of(point));
    int64_t rank = decoded_integer(point);
    if (t != NULL && (int64_t)point->time_unix_nano == t->last_seen_ns && rank > 0 &&
        rank <= DATASET_TARGETS_MAX)
        t->rank = (uint32_t)rank;
}

static void add_intercepted(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct dataset_target *t = dataset_target_of(p, attributes_of(point));
    if (t != NULL && dataset_in_period(p, point->time_unix_nano))
        t->intercepted |= decoded_integer(point) == 1;
}

static void add_foreign(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct dataset_target *t = dataset_target_of(p, attributes_of(point));
    if (t != NULL && dataset_in_period(p, point->time_unix_nano))
        t->foreign |= decoded_integer(point) == 1;
}

static void add_tls(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct decoded a = attributes_of(point);
    struct dataset_target *t = dataset_target_of(p, a);
    if (t != NULL && dataset_in_period(p, point->time_unix_nano) &&
        decoded_integer(point) == 1)
        text_copy(t->tls_by, sizeof t->tls_by,
                  decoded_text(a.list, a.n, ATTR_TLS_ISSUER, "an unknown issuer"));
}

/* The addresses of the family, begun anew if the point is newer; NULL: it is older. */
static struct dataset_addresses *addresses_of(struct dataset *p,
                                              const Otlp__NumberDataPoint *point)
{
    struct decoded a = attributes_of(point);
    struct dataset_target *t = dataset_target_of(p, a);
    const char *family = decoded_text(a.list, a.n, ATTR_NETWORK_TYPE, "");
    bool v6 = strcmp(family, family_name(FAMILY_IPV6)) == 0;
    uint64_t time_ns = point->time_unix_nano;
    if (t == NULL || !dataset_in_period(p, time_ns) ||
        (!v6 && strcmp(family, family_name(FAMILY_IPV4)) != 0))
        return NULL;
    struct dataset_addresses *s =
        &t->addresses[family_slot(v6 ? FAMILY_IPV6 : FAMILY_IPV4)];
    if (time_ns < s->time_ns)
        return NULL;
    if (time_ns > s->time_ns)
        *s = (struct dataset_addresses){.time_ns = time_ns,
                                        .since_ns = s->silent > 0 ? s->since_ns : 0};
    return s;
}

static void add_addresses(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct decoded a = attributes_of(point);
    struct dataset_addresses *s = addresses_of(p, point);
    int64_t n = decoded_integer(point);
    bool down = strcmp(decoded_text(a.list, a.n, ATTR_ADDRESS_STATE, ""),
                       state_name(STATE_DOWN)) == 0;
    if (s == NULL || n <= 0 || n > ADDRESSES_MAX)
        return;
    s->all += (uint64_t)n;
    s->silent += down ? (uint64_t)n : 0;
    if (down && s->since_ns == 0)
        s->since_ns = (int64_t)point->start_time_unix_nano;
}

static void add_suboptimal(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6, FAMILY_PROXY};
    struct decoded a = attributes_of(point);
    struct dataset_target *t = dataset_target_of(p, a);
    const char *family = decoded_text(a.list, a.n, ATTR_NETWORK_TYPE, "");
    if (t == NULL || !dataset_in_period(p, point->time_unix_nano))
        return;
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        uint64_t *newest = decoded_integer(point) == 1
                               ? &t->suboptimal_ns[family_slot(families[f])]
                               : &t->optimal_ns[family_slot(families[f])];
        if (strcmp(family, family_name(families[f])) == 0 &&
            point->time_unix_nano > *newest)
            *newest = point->time_unix_nano;
    }
}

/* Gauges of the agent itself do not tell when the window began: it is at most the longest. */
static void add_charged(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    char family[DATASET_WORD_MAX];
    struct dataset_target *t = dataset_target_of(p, attributes_of(point));
    int64_t end_ns = (int64_t)point->time_unix_nano;
    if (t == NULL || !dataset_in_period(p, point->time_unix_nano) ||
        decoded_number(point) != 0)
        return;
    dataset_text(family, sizeof family, attributes_of(point), ATTR_NETWORK_TYPE);
    size_t f = strcmp(family, family_name(FAMILY_IPV6)) == 0 ? SLOT_IPV6 : SLOT_IPV4;
    struct intervals *beyond = &t->beyond[f];
    if (beyond->n == 0 || end_ns > beyond->all[beyond->n - 1].end_ns)
        intervals_add(beyond, end_ns - p->window_ns, end_ns);
}

static void add_address_up(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct dataset_addresses *s = addresses_of(p, point);
    if (s != NULL && decoded_integer(point) == 0 && s->n_listed < ADDRESSES_MAX)
        dataset_text(s->list[s->n_listed++], ADDRESS_TEXT_MAX, attributes_of(point),
                     ATTR_PEER_ADDRESS);
}

/* A path without a known entry adds nothing. */
static void add_entry(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct decoded a = attributes_of(point);
    struct dataset_target *t = dataset_target_of(p, a);
    struct dataset_entry now, *last = NULL;
    now.first_ns = now.last_ns = (int64_t)point->time_unix_nano;
    dataset_text(now.family, sizeof now.family, a, ATTR_NETWORK_TYPE);
    dataset_text(now.metro, sizeof now.metro, a, ATTR_PATH_ENTRY);
    bool known = now.metro[0] != '\0' && strcmp(now.metro, "hidden") != 0 &&
                 strcmp(now.metro, "unknown") != 0;
    if (t == NULL || !dataset_in_period(p, point->time_unix_nano) || !known)
        return;
    for (size_t i = t->n_entries; i-- > 0 && last == NULL;)
        if (strcmp(t->entries[i].family, now.family) == 0)
            last = &t->entries[i];
    if (last != NULL && now.last_ns <= last->last_ns)
        return;
    if (last != NULL && strcmp(last->metro, now.metro) == 0 &&
        now.last_ns - last->last_ns <= DATASET_ENTRY_GAP_NS) {
        last->last_ns = now.last_ns;
        return;
    }
    if (t->n_entries == DATASET_ENTRIES_MAX) {
        p->left_out++;
        return;
    }
    t->entries =
        mem_grow(t->entries, &t->entries_room, t->n_entries + 1, sizeof *t->entries);
    t->entries[t->n_entries++] = now;
}

static const struct {
    const char *name;
    void (*add)(struct dataset *p, const Otlp__NumberDataPoint *point);
} gauges[] = {
    {METRIC_PROBE_DELAY_QUANTILE, add_quantile},
    {METRIC_PROBE_DELAY_LOW, add_low},
    {METRIC_PROBE_DELAY_HIGH, add_high},
    {METRIC_PROBE_LOSS_RATIO, add_loss},
    {METRIC_TARGET_UP, add_up},
    {METRIC_TARGET_RANK, add_rank},
    {METRIC_TARGET_INTERCEPTED, add_intercepted},
    {METRIC_TARGET_FOREIGN, add_foreign},
    {METRIC_TARGET_TLS, add_tls},
    {METRIC_TARGET_ADDRESSES, add_addresses},
    {METRIC_TARGET_CHARGED, add_charged},
    {METRIC_ADDRESS_UP, add_address_up},
    {METRIC_TARGET_SUBOPTIMAL, add_suboptimal},
    {METRIC_PATH_HOPS, add_entry},
    {METRIC_PATH_SEGMENT_DELAY, add_entry},
    {METRIC_PREFIX_ORIGIN, dataset_add_prefix},
};

static void add_gauge(struct dataset *p, const Otlp__Metric *m)
{
    for (size_t g = 0; g < sizeof gauges / sizeof *gauges; g++)
        for (size_t i = 0;
             strcmp(m->name, gauges[g].name) == 0 && i < m->gauge->n_data_points; i++)
            gauges[g].add(p, m->gauge->data_points[i]);
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_wanted(const char *metric)
{
    static const char *const prefixes[] = {METRIC_AGENT_PREFIX, METRIC_BGP_PREFIX,
                                           METRIC_INTERFACE_PREFIX,
                                           METRIC_TRAFFIC_PREFIX};
    static const char *const names[] = {METRIC_PROBE_DELAY, METRIC_PROBE_RESULTS,
                                        METRIC_PROBE_ANOMALIES};
    bool is = false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        is |= begins(metric, prefixes[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        is |= strcmp(metric, names[i]) == 0;
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        is |= strcmp(metric, gauges[i].name) == 0;
    return is;
}

static void add_metric(struct dataset *p, const Otlp__Metric *m)
{
    if (begins(m->name, METRIC_AGENT_PREFIX))
        dataset_add_self(p, m);
    else if (begins(m->name, METRIC_BGP_PREFIX))
        dataset_add_session(p, m);
    else if (begins(m->name, METRIC_INTERFACE_PREFIX) ||
             begins(m->name, METRIC_TRAFFIC_PREFIX))
        dataset_add_traffic(p, m);
    else if (m->data_case == OTLP__METRIC__DATA_GAUGE)
        add_gauge(p, m);
    else if (m->data_case == OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM &&
             strcmp(m->name, METRIC_PROBE_DELAY) == 0)
        add_delays(p, m->exponential_histogram);
    else if (m->data_case == OTLP__METRIC__DATA_SUM &&
             strcmp(m->name, METRIC_PROBE_RESULTS) == 0)
        add_results(p, m->sum, ATTR_OUTCOME);
    else if (m->data_case == OTLP__METRIC__DATA_SUM &&
             strcmp(m->name, METRIC_PROBE_ANOMALIES) == 0)
        add_results(p, m->sum, ATTR_ANOMALY);
}

/* ---- requests ---- */

/* False if the request is from another agent. */
static bool add_resource(struct dataset *p, const Otlp__Resource *r)
{
    char instance[DATASET_WORD_MAX];
    if (r == NULL)
        return true;
    struct decoded a = {r->attributes, r->n_attributes};
    dataset_text(instance, sizeof instance, a, ATTR_SERVICE_INSTANCE);
    if (!p->any_agent && p->instance[0] != '\0' && strcmp(instance, p->instance) != 0)
        return false;
    text_copy(p->instance, sizeof p->instance, instance);
    dataset_text(p->host, sizeof p->host, a, ATTR_HOST_NAME);
    dataset_text(p->site, sizeof p->site, a, ATTR_SITE);
    dataset_text(p->version, sizeof p->version, a, ATTR_SERVICE_VERSION);
    return true;
}

static int add_metrics(struct dataset *p,
                       const Otlp__ExportMetricsServiceRequest *request)
{
    for (size_t r = 0; r < request->n_resource_metrics; r++) {
        const Otlp__ResourceMetrics *from = request->resource_metrics[r];
        if (!add_resource(p, from->resource))
            return -EXDEV;
        for (size_t s = 0; s < from->n_scope_metrics; s++)
            for (size_t m = 0; m < from->scope_metrics[s]->n_metrics; m++)
                add_metric(p, from->scope_metrics[s]->metrics[m]);
    }
    return 0;
}

static int add_logs(struct dataset *p, const Otlp__ExportLogsServiceRequest *request)
{
    for (size_t r = 0; r < request->n_resource_logs; r++) {
        if (!add_resource(p, request->resource_logs[r]->resource))
            return -EXDEV;
        dataset_add_logs(p, request->resource_logs[r]);
    }
    return 0;
}

int dataset_add(struct dataset *p, enum signal signal, const void *bytes, size_t len)
{
    int rc = -EBADMSG;
    if (signal == SIGNAL_LOGS) {
        ProtobufCMessage *request = otlp_read(signal, bytes, len);
        if (request != NULL)
            rc = add_logs(p, (const Otlp__ExportLogsServiceRequest *)request);
        otlp_read_free(request);
    } else {
        const Otlp__ExportMetricsServiceRequest *request =
            point_reader_read(p->reader, bytes, len);
        if (request != NULL)
            rc = add_metrics(p, request);
    }
    p->batches += rc == 0;
    return rc;
}

/* ---- end ---- */

static int by_rank(const void *a, const void *b)
{
    const struct dataset_target *x = *(struct dataset_target *const *)a;
    const struct dataset_target *y = *(struct dataset_target *const *)b;
    uint32_t rank_x = x->rank - 1, rank_y = y->rank - 1; /* no rank: wraps, sorts last */
    return rank_x != rank_y ? (rank_x < rank_y ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_end(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static int by_time(const void *a, const void *b)
{
    const struct dataset_event *x = a, *y = b;
    return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* ---- relations between events: by sorting, as there may be 10000 ---- */

static int by_position(const struct dataset_event *x, const struct dataset_event *y)
{
    return (x > y) - (x < y);
}

/* Orders by what changed; the time comes last. */
static int by_change(const struct dataset_event *x, const struct dataset_event *y)
{
    int order = strcmp(x->target, y->target);
    if (order == 0)
        order = strcmp(x->name, y->name);
    if (order == 0)
        order = strcmp(x->before, y->before);
    if (order == 0)
        order = strcmp(x->after, y->after);
    if (order != 0 || (x->is.changes_state && !x->is.flaps))
        return order;
    order = (x->severity > y->severity) - (x->severity < y->severity);
    if (order == 0)
        order = strcmp(x->text, y->text);
    return order != 0 ? order : (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static int by_change_then_position(const void *a, const void *b)
{
    const struct dataset_event *x = *(struct dataset_event *const *)a;
    const struct dataset_event *y = *(struct dataset_event *const *)b;
    int order = by_change(x, y);
    return order != 0 ? order : by_position(x, y);
}

static int by_stream(const void *a, const void *b)
{
    const struct dataset_event *x = *(struct dataset_event *const *)a;
    const struct dataset_event *y = *(struct dataset_event *const *)b;
    int order = strcmp(x->target, y->target);
    if (order == 0)
        order = strcmp(x->kind, y->kind);
    return order != 0 ? order : strcmp(x->family, y->family);
}

/* A state may begin before the one that was detected before it. */
static int by_stream_then_detected(const void *a, const void *b)
{
    const struct dataset_event *x = *(struct dataset_event *const *)a;
    const struct dataset_event *y = *(struct dataset_event *const *)b;
    int order = by_stream(a, b);
    if (order == 0)
        order = (x->detected_ns > y->detected_ns) - (x->detected_ns < y->detected_ns);
    return order != 0 ? order : by_position(x, y);
}

static int by_began(const void *a, const void *b)
{
    return by_time(((const struct dataset_open *)a)->event,
                   ((const struct dataset_open *)b)->event);
}

/* The windows of the period tell of a finding whose event is older than the history. */
static void add_older(struct dataset *p)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6, FAMILY_PROXY};
    for (size_t i = 0; i < FAMILY_SLOTS * p->n_targets; i++) {
        enum family family = families[i % FAMILY_SLOTS];
        const struct dataset_target *t = p->targets[i / FAMILY_SLOTS];
        uint64_t seen_ns = t->suboptimal_ns[family_slot(family)];
        struct dataset_event e = {
            .name = EVENT_EDGE_SUBOPTIMAL,
            .after = "suboptimal",
            .text = "another front door of the same service answers sooner"};
        if (seen_ns == 0 || seen_ns < t->optimal_ns[family_slot(family)] ||
            (int64_t)seen_ns < t->last_seen_ns)
            continue;
        text_copy(e.target, sizeof e.target, t->name);
        text_copy(e.family, sizeof e.family, family_name(family));
        dataset_note_last(p, &p->last, &e);
    }
}

/* An agent that started again reports again what is the case. */
static void end_open(struct dataset *p)
{
    add_older(p);
    int64_t started_ns = p->n_runs > 0 ? p->runs[p->n_runs - 1] : 0;
    p->open = mem_alloc((p->last.n + 1) * sizeof *p->open);
    for (size_t i = 0; i < p->last.n; i++) {
        const struct dataset_event *e = &p->last.all[i];
        enum event_leaves leaves = event_leaves(e->name, e->after);
        if (leaves != EVENT_LEAVES_NOTHING &&
            (e->detected_ns >= started_ns || e->detected_ns == 0))
            p->open[p->n_open++] = (struct dataset_open){leaves, e};
    }
    qsort(p->open, p->n_open, sizeof *p->open, by_began);
}

static void end_events(struct dataset *p)
{
    if (p->n_events == 0)
        return;
    qsort(p->events, p->n_events, sizeof *p->events, by_time);
    struct dataset_event **order = mem_alloc(p->n_events * sizeof *order);
    for (size_t i = 0; i < p->n_events; i++)
        order[i] = &p->events[i];
    qsort(order, p->n_events, sizeof(*order), by_change_then_position);
    for (size_t i = 1; i < p->n_events; i++) {
        const struct dataset_event *before = order[i - 1];
        const struct dataset_event *first =
            before->repeats != NULL ? before->repeats : before;
        if (by_change(first, order[i]) == 0 &&
            order[i]->time_ns - first->time_ns <= DATASET_TOGETHER_NS &&
            by_stream(&first, &order[i]) != 0)
            order[i]->repeats = first;
    }

    size_t n = 0;
    for (size_t i = 0; i < p->n_events; i++)
        if (p->events[i].is.changes_state)
            order[n++] = &p->events[i];
    qsort(order, n, sizeof(*order), by_stream_then_detected);
    for (size_t i = 0; i < n; i++) {
        order[i]->first = i == 0 || by_stream(&order[i - 1], &order[i]) != 0;
        if (!order[i]->first)
            order[i - 1]->next = order[i];
    }
    free(order);
}

static void end_stream(struct dataset *p, struct dataset_stream *s)
{
    for (size_t i = 0; i < s->n_series; i++) {
        struct dataset_series *series = s->series[i];
        dataset_end_batch(p, s, series);
        free(series->counters);
        series->counters = NULL;
        for (size_t c = 0; c < series->n_delays; c++)
            dataset_end_delay(&series->delays[c]);
    }
    if (s->n > 0)
        qsort(s->samples, s->n, sizeof *s->samples, by_end);
}

void dataset_end(struct dataset *p)
{
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t s = 0; s < p->targets[t]->n_streams; s++)
            end_stream(p, &p->targets[t]->streams[s]);
    if (p->n_targets > 0)
        qsort(p->targets, p->n_targets, sizeof(*p->targets), by_rank);
    end_events(p);
    end_open(p);
    dataset_end_media(p);
    dataset_find_metre(p);
    dataset_find_outages(p);
}

/* ---- lookups ---- */

const struct dataset_self *dataset_self(const struct dataset *p, const char *name,
                                        const char *attribute)
{
    for (size_t i = 0; i < p->n_selves; i++)
        if (strcmp(p->selves[i].name, name) == 0 &&
            strcmp(p->selves[i].attribute, attribute) == 0)
            return &p->selves[i];
    return NULL;
}

const struct dataset_delay *dataset_delay(const struct dataset_series *p,
                                          const char *delay)
{
    for (size_t i = 0; i < p->n_delays; i++)
        if (strcmp(p->delays[i].name, delay) == 0)
            return &p->delays[i];
    return NULL;
}
