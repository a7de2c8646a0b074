/*
 * The request is built as a tree of protobuf-c messages out of an arena that goes in one
 * piece, with texts borrowed from the batch; then packed and gzipped. All points of one
 * metric stand in one Metric.
 */
#include "export/otlp.h"

#include "base/mem.h"
#include "export/gzip.h"
#include "proto/otlp.pb-c.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the arena
 * --------------------------------------------------------------------------------- */

struct chunk {
    struct chunk *before;
    size_t used, room;
    _Alignas(max_align_t) unsigned char bytes[];
};

enum { CHUNK_BYTES = 32 << 10 };

static void *take(struct chunk **arena, size_t size)
{
    size = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) *
           _Alignof(max_align_t);
    if (*arena == NULL || (*arena)->room - (*arena)->used < size) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        struct chunk *c = mem_alloc(sizeof *c + room);
        *c = (struct chunk){.before = *arena, .room = room};
        *arena = c;
    }
    void *taken = (*arena)->bytes + (*arena)->used;
    (*arena)->used += size;
    return taken;
}

static void free_arena(struct chunk *c)
{
    while (c != NULL) {
        struct chunk *before = c->before;
        free(c);
        c = before;
    }
}

#define NEW(arena, type, init)                                                           \
    ((type *)memcpy(take(arena, sizeof(type)), &(type)init, sizeof(type)))

/* ---- metrics
 * ----------------------------------------------------------------------------------- */

enum { DELAY, QUANTILE, VARIATION, RESULTS, ANOMALIES, LOSS_RATIO, UP, RANK, OURS };

static const struct {
    const char *name, *unit, *description;
    Otlp__Metric__DataCase type;
} metrics[OURS] = {
    [DELAY] = {"edgelat.probe.delay", "s", "Delays of answered probes",
               OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM},
    [QUANTILE] = {"edgelat.probe.delay.quantile", "s", "Percentiles of the last window",
                  OTLP__METRIC__DATA_GAUGE},
    [VARIATION] = {"edgelat.probe.delay_variation", "s",
                   "Differences between the delays of consecutive probes (RFC 3393)",
                   OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM},
    [RESULTS] = {"edgelat.probe.results", "1", "Probes by what came of them",
                 OTLP__METRIC__DATA_SUM},
    [ANOMALIES] =
        {"edgelat.probe.anomalies", "1",
         "Late, duplicate and reordered answers, packets sent again, probes missed",
         OTLP__METRIC__DATA_SUM},
    [LOSS_RATIO] = {"edgelat.probe.loss_ratio", "1",
                    "Lost of the probes sent in the last window",
                    OTLP__METRIC__DATA_GAUGE},
    [UP] = {"edgelat.target.up", "1", "Whether anything answered in the last window",
            OTLP__METRIC__DATA_GAUGE},
    [RANK] = {"edgelat.target.rank", "1", "1 is the nearest; 0 is not eligible",
              OTLP__METRIC__DATA_GAUGE},
};

enum { METRICS_MAX = OURS + 32 };

struct points { /* of one metric: NumberDataPoint or ExponentialHistogramDataPoint */
    const char *name, *unit, *description;
    Otlp__Metric__DataCase type;
    void **list;
    size_t n, room;
};

struct builder {
    struct chunk *arena;
    struct wall time;
    struct points metrics[METRICS_MAX];
    size_t n_metrics;
};

static void add_point(struct points *p, void *point)
{
    p->list = mem_grow(p->list, &p->room, p->n + 1, sizeof *p->list);
    p->list[p->n++] = point;
}

/* ---- attributes
 * -------------------------------------------------------------------------------- */

enum { ATTRIBUTES_MAX = 12 };

struct attributes {
    Otlp__KeyValue *list[ATTRIBUTES_MAX];
    size_t n;
};

static Otlp__AnyValue *add_attribute(struct builder *b, struct attributes *to,
                                     const char *key)
{
    Otlp__KeyValue *pair = NEW(&b->arena, Otlp__KeyValue, OTLP__KEY_VALUE__INIT);
    pair->key = (char *)key;
    pair->value = NEW(&b->arena, Otlp__AnyValue, OTLP__ANY_VALUE__INIT);
    to->list[to->n++] = pair;
    return pair->value;
}

static void add_text(struct builder *b, struct attributes *to, const char *key,
                     const char *text)
{
    Otlp__AnyValue *value = add_attribute(b, to, key);
    value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value->string_value = (char *)text;
}

static void add_integer(struct builder *b, struct attributes *to, const char *key,
                        int64_t number)
{
    Otlp__AnyValue *value = add_attribute(b, to, key);
    value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    value->int_value = number;
}

static void add_bool(struct builder *b, struct attributes *to, const char *key,
                     bool truth)
{
    Otlp__AnyValue *value = add_attribute(b, to, key);
    value->value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    value->bool_value = truth;
}

static Otlp__KeyValue **keep(struct builder *b, const struct attributes *a)
{
    Otlp__KeyValue **list = take(&b->arena, (a->n + 1) * sizeof *list);
    memcpy(list, a->list, a->n * sizeof *list);
    return list;
}

static struct attributes of_target(struct builder *b, const struct target *t,
                                   const char *pop)
{
    struct attributes a = {.n = 0};
    add_text(b, &a, "edgelat.target", t->name);
    if (t->service[0] != '\0')
        add_text(b, &a, "edgelat.service", t->service);
    add_text(b, &a, "edgelat.pop", pop[0] != '\0' ? pop : "unknown");
    add_text(b, &a, "server.address", t->host);
    return a;
}

static struct attributes of_series(struct builder *b, const struct series *s)
{
    struct attributes a = of_target(b, s->target, s->pop);
    if (s->kind->has_port)
        add_integer(b, &a, "server.port", s->target->port);
    add_text(b, &a, "network.type", family_name(s->family));
    add_text(b, &a, "edgelat.probe.kind", s->kind->name);
    return a;
}

/* ---- points
 * ------------------------------------------------------------------------------------ */

static Otlp__NumberDataPoint *add_number(struct builder *b, size_t metric,
                                         const struct attributes *a, struct wall start)
{
    Otlp__NumberDataPoint *p =
        NEW(&b->arena, Otlp__NumberDataPoint, OTLP__NUMBER_DATA_POINT__INIT);
    p->n_attributes = a->n;
    p->attributes = keep(b, a);
    p->start_time_unix_nano = (uint64_t)start.ns;
    p->time_unix_nano = (uint64_t)b->time.ns;
    add_point(&b->metrics[metric], p);
    return p;
}

static void add_count(struct builder *b, size_t metric, const struct attributes *a,
                      struct wall start, uint64_t count)
{
    Otlp__NumberDataPoint *p = add_number(b, metric, a, start);
    p->value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_INT;
    p->as_int = (int64_t)count;
}

static void add_value(struct builder *b, size_t metric, const struct attributes *a,
                      struct wall start, double value)
{
    Otlp__NumberDataPoint *p = add_number(b, metric, a, start);
    p->value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE;
    p->as_double = value;
}

static void add_histogram(struct builder *b, size_t metric, const struct attributes *a,
                          struct wall start, const struct histogram *h)
{
    Otlp__ExponentialHistogramDataPoint *p =
        NEW(&b->arena, Otlp__ExponentialHistogramDataPoint,
            OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__INIT);
    p->n_attributes = a->n;
    p->attributes = keep(b, a);
    p->start_time_unix_nano = (uint64_t)start.ns;
    p->time_unix_nano = (uint64_t)b->time.ns;
    p->count = h->count;
    p->zero_count = h->zeros;
    p->scale = h->scale;
    p->has_sum_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_SUM_SUM;
    p->sum = h->sum_s;
    if (h->count > 0) {
        p->has_min_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MIN_MIN;
        p->min = (double)h->min_ns / 1e9;
        p->has_max_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MAX_MAX;
        p->max = (double)h->max_ns / 1e9;
    }
    if (h->n > 0) {
        p->positive = NEW(&b->arena, Otlp__ExponentialHistogramDataPoint__Buckets,
                          OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__BUCKETS__INIT);
        p->positive->offset = h->offset;
        p->positive->n_bucket_counts = h->n;
        p->positive->bucket_counts = take(&b->arena, h->n * sizeof(uint64_t));
        for (uint32_t i = 0; i < h->n; i++)
            p->positive->bucket_counts[i] = h->buckets[i];
    }
    add_point(&b->metrics[metric], p);
}

static void add_delays(struct builder *b, const struct series *s,
                       const struct attributes *of)
{
    static const char *const quantiles[PERCENTILES] = {"0.5", "0.9", "0.95", "0.99"};
    for (size_t i = 0; i < kind_delays(s->kind); i++) {
        struct attributes a = *of;
        add_text(b, &a, "edgelat.delay", s->kind->delays[i]);
        if (s->delays[i].count > 0)
            add_histogram(b, DELAY, &a, s->start, &s->delays[i]);
        const struct delay_summary *window = &s->window.delays[i];
        if (!s->in_window || window->count == 0)
            continue;
        for (size_t p = 0; p < PERCENTILES; p++) {
            struct attributes q = a;
            add_text(b, &q, "quantile", quantiles[p]);
            add_bool(b, &q, "edgelat.quantile.supported", window->supported[p]);
            add_value(b, QUANTILE, &q, s->window.start,
                      (double)window->percentile_ns[p] / 1e9);
        }
    }
    if (s->variation.count > 0)
        add_histogram(b, VARIATION, of, s->start, &s->variation);
}

/* Counts that stand at 0 are left out, but for the two that ratios are made of. */
static void add_counts(struct builder *b, const struct series *s,
                       const struct attributes *of)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (s->outcomes[i] == 0 && i != OUTCOME_REPLY && i != OUTCOME_LOSS)
            continue;
        struct attributes a = *of;
        add_text(b, &a, "edgelat.outcome", outcome_name((enum outcome)i));
        add_count(b, RESULTS, &a, s->start, s->outcomes[i]);
    }
    const struct {
        const char *name;
        uint64_t count;
    } anomalies[] = {
        {"late", s->late},           {"duplicate", s->duplicates},
        {"reordered", s->reordered}, {"lost_packet", s->lost_packets},
        {"missed", s->missed},
    };
    for (size_t i = 0; i < sizeof anomalies / sizeof *anomalies; i++) {
        if (anomalies[i].count == 0)
            continue;
        struct attributes a = *of;
        add_text(b, &a, "edgelat.anomaly", anomalies[i].name);
        add_count(b, ANOMALIES, &a, s->start, anomalies[i].count);
    }
    if (s->in_window && !isnan(s->window.loss_ratio))
        add_value(b, LOSS_RATIO, of, s->window.start, s->window.loss_ratio);
}

static void add_target(struct builder *b, const struct target_state *t,
                       struct wall window_start)
{
    struct attributes a = of_target(b, t->target, t->pop);
    if (t->measured)
        add_count(b, UP, &a, window_start, t->up);
    add_count(b, RANK, &a, window_start, t->rank);
}

/* The agent's own values bring their names: equal ones stand one after the other. */
static void add_self(struct builder *b, const struct self_value *v,
                     struct wall agent_start)
{
    struct points *last = &b->metrics[b->n_metrics - 1];
    if (strcmp(last->name, v->name) != 0) {
        if (b->n_metrics == METRICS_MAX)
            return;
        b->metrics[b->n_metrics++] = (struct points){
            .name = v->name,
            .unit = v->unit,
            .description = "",
            .type = v->monotonic ? OTLP__METRIC__DATA_SUM : OTLP__METRIC__DATA_GAUGE,
        };
    }
    struct attributes a = {.n = 0};
    if (v->attribute != NULL)
        add_text(b, &a, v->attribute, v->attribute_value);
    add_value(b, b->n_metrics - 1, &a, agent_start, v->value);
}

/* ---- the request
 * ------------------------------------------------------------------------------- */

static Otlp__Metric *make_metric(struct builder *b, struct points *p)
{
    const Otlp__AggregationTemporality cumulative =
        OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE;
    Otlp__Metric *m = NEW(&b->arena, Otlp__Metric, OTLP__METRIC__INIT);
    m->name = (char *)p->name;
    m->unit = (char *)p->unit;
    m->description = (char *)p->description;
    m->data_case = p->type;
    if (p->type == OTLP__METRIC__DATA_GAUGE) {
        m->gauge = NEW(&b->arena, Otlp__Gauge, OTLP__GAUGE__INIT);
        m->gauge->n_data_points = p->n;
        m->gauge->data_points = (Otlp__NumberDataPoint **)p->list;
    } else if (p->type == OTLP__METRIC__DATA_SUM) {
        m->sum = NEW(&b->arena, Otlp__Sum, OTLP__SUM__INIT);
        m->sum->is_monotonic = 1;
        m->sum->aggregation_temporality = cumulative;
        m->sum->n_data_points = p->n;
        m->sum->data_points = (Otlp__NumberDataPoint **)p->list;
    } else {
        m->exponential_histogram =
            NEW(&b->arena, Otlp__ExponentialHistogram, OTLP__EXPONENTIAL_HISTOGRAM__INIT);
        m->exponential_histogram->aggregation_temporality = cumulative;
        m->exponential_histogram->n_data_points = p->n;
        m->exponential_histogram->data_points =
            (Otlp__ExponentialHistogramDataPoint **)p->list;
    }
    return m;
}

static void *pack(struct builder *b, const struct otlp_resource *r, size_t *len)
{
    Otlp__Metric *list[METRICS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < b->n_metrics; i++)
        if (b->metrics[i].n > 0)
            list[n++] = make_metric(b, &b->metrics[i]);

    struct attributes a = {.n = 0};
    add_text(b, &a, "service.name", "edgelat");
    add_text(b, &a, "service.version", r->version);
    add_text(b, &a, "service.instance.id", r->instance_id);
    add_text(b, &a, "host.name", r->host_name);
    if (r->site[0] != '\0')
        add_text(b, &a, "edgelat.site", r->site);

    Otlp__InstrumentationScope scope = OTLP__INSTRUMENTATION_SCOPE__INIT;
    scope.name = (char *)"edgelat";
    scope.version = (char *)r->version;
    Otlp__ScopeMetrics scoped = OTLP__SCOPE_METRICS__INIT, *scopes[] = {&scoped};
    scoped.scope = &scope;
    scoped.metrics = list;
    scoped.n_metrics = n;
    Otlp__Resource resource = OTLP__RESOURCE__INIT;
    resource.attributes = a.list;
    resource.n_attributes = a.n;
    Otlp__ResourceMetrics from = OTLP__RESOURCE_METRICS__INIT, *resources[] = {&from};
    from.resource = &resource;
    from.scope_metrics = scopes;
    from.n_scope_metrics = 1;
    Otlp__ExportMetricsServiceRequest request =
        OTLP__EXPORT_METRICS_SERVICE_REQUEST__INIT;
    request.resource_metrics = resources;
    request.n_resource_metrics = 1;

    size_t plain_len = otlp__export_metrics_service_request__get_packed_size(&request);
    uint8_t *plain = mem_alloc(plain_len);
    otlp__export_metrics_service_request__pack(&request, plain);
    void *packed = gzip_pack(plain, plain_len, len);
    free(plain);
    return packed;
}

void *otlp_metrics(const struct batch *batch, const struct otlp_resource *resource,
                   size_t *len)
{
    struct builder b = {.time = batch->time};
    for (size_t i = 0; i < OURS; i++)
        b.metrics[b.n_metrics++] = (struct points){
            .name = metrics[i].name,
            .unit = metrics[i].unit,
            .description = metrics[i].description,
            .type = metrics[i].type,
        };
    for (size_t i = 0; i < batch->n_series; i++) {
        struct attributes a = of_series(&b, batch->series[i]);
        add_delays(&b, batch->series[i], &a);
        add_counts(&b, batch->series[i], &a);
    }
    for (size_t i = 0; i < batch->n_targets; i++)
        add_target(&b, &batch->targets[i], batch->window_start);
    for (size_t i = 0; i < batch->n_self; i++)
        add_self(&b, &batch->self[i], batch->agent_start);

    void *packed = pack(&b, resource, len);
    for (size_t i = 0; i < b.n_metrics; i++)
        free(b.metrics[i].list);
    free_arena(b.arena);
    return packed;
}
