/*
 * OTLP requests for tests, built only with protobuf-c, as any sender could build them.
 */
#ifndef EDGELAT_TEST_REQUESTS_H
#define EDGELAT_TEST_REQUESTS_H

#include "check.h"
#include "proto/otlp.pb-c.h"

enum { ROOM = 64 };

struct made { /* one resource, one scope; points are added to the metrics */
    Otlp__ExportMetricsServiceRequest request;
    Otlp__ResourceMetrics from, *resources[1];
    Otlp__Resource resource;
    Otlp__ScopeMetrics scope, *scopes[1];
    Otlp__KeyValue *resource_attributes[4];
    Otlp__Metric results, delays, ranks, *metrics[3];
    Otlp__Sum results_sum;
    Otlp__ExponentialHistogram delays_histogram;
    Otlp__Gauge ranks_gauge;
    Otlp__NumberDataPoint *results_points[ROOM], *ranks_points[ROOM];
    Otlp__ExponentialHistogramDataPoint *delays_points[ROOM];
    void *memory[2048];
    size_t n_memory;
};

static inline void *made_keep(struct made *m, const void *from, size_t size)
{
    assert_true(m->n_memory < 2048);
    void *copy = malloc(size > 0 ? size : 1);
    if (size > 0)
        memcpy(copy, from, size);
    return m->memory[m->n_memory++] = copy;
}

static inline Otlp__KeyValue *made_attribute(struct made *m, const char *key,
                                             const char *text)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    Otlp__KeyValue pair = OTLP__KEY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value.string_value = made_keep(m, text, strlen(text) + 1);
    pair.key = made_keep(m, key, strlen(key) + 1);
    pair.value = made_keep(m, &value, sizeof value);
    return made_keep(m, &pair, sizeof pair);
}

/* "target kind family pop" and one more attribute. */
static inline Otlp__KeyValue **made_attributes(struct made *m, size_t *n,
                                               const char *const key[4], const char *name,
                                               const char *text)
{
    Otlp__KeyValue *list[6] = {
        /* room for one more */
        made_attribute(m, "edgelat.target", key[0]),
        made_attribute(m, "edgelat.probe.kind", key[1]),
        made_attribute(m, "network.type", key[2]),
        made_attribute(m, "edgelat.pop", key[3]),
        made_attribute(m, name, text),
    };
    *n = 5;
    return made_keep(m, list, sizeof list);
}

static inline void made_begin(struct made *m)
{
    memset(m, 0, sizeof *m);
    m->request =
        (Otlp__ExportMetricsServiceRequest)OTLP__EXPORT_METRICS_SERVICE_REQUEST__INIT;
    m->from = (Otlp__ResourceMetrics)OTLP__RESOURCE_METRICS__INIT;
    m->resource = (Otlp__Resource)OTLP__RESOURCE__INIT;
    m->scope = (Otlp__ScopeMetrics)OTLP__SCOPE_METRICS__INIT;
    m->results = m->delays = m->ranks = (Otlp__Metric)OTLP__METRIC__INIT;
    m->results_sum = (Otlp__Sum)OTLP__SUM__INIT;
    m->delays_histogram = (Otlp__ExponentialHistogram)OTLP__EXPONENTIAL_HISTOGRAM__INIT;
    m->ranks_gauge = (Otlp__Gauge)OTLP__GAUGE__INIT;

    m->request.n_resource_metrics = m->from.n_scope_metrics = 1;
    m->request.resource_metrics = m->resources;
    m->resources[0] = &m->from;
    m->from.resource = &m->resource;
    m->resource.attributes = m->resource_attributes;
    m->from.scope_metrics = m->scopes;
    m->scopes[0] = &m->scope;
    m->scope.n_metrics = 3;
    m->scope.metrics = m->metrics;
    m->metrics[0] = &m->results;
    m->metrics[1] = &m->delays;
    m->metrics[2] = &m->ranks;

    m->results.name = (char *)"edgelat.probe.results";
    m->results.data_case = OTLP__METRIC__DATA_SUM;
    m->results.sum = &m->results_sum;
    m->results_sum.data_points = m->results_points;
    m->results_sum.is_monotonic = 1;
    m->results_sum.aggregation_temporality =
        OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE;
    m->delays.name = (char *)"edgelat.probe.delay";
    m->delays.unit = (char *)"s";
    m->delays.data_case = OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM;
    m->delays.exponential_histogram = &m->delays_histogram;
    m->delays_histogram.data_points = m->delays_points;
    m->ranks.name = (char *)"edgelat.target.rank";
    m->ranks.data_case = OTLP__METRIC__DATA_GAUGE;
    m->ranks.gauge = &m->ranks_gauge;
    m->ranks_gauge.data_points = m->ranks_points;
}

static inline void made_resource(struct made *m, const char *key, const char *text)
{
    m->resource_attributes[m->resource.n_attributes++] = made_attribute(m, key, text);
}

#define MADE_TIME 1795424400000000000 /* 2026-11-23T09:00:00Z */

static inline Otlp__NumberDataPoint *made_number(struct made *m, int64_t value)
{
    Otlp__NumberDataPoint p = OTLP__NUMBER_DATA_POINT__INIT;
    p.time_unix_nano = MADE_TIME;
    p.value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_INT;
    p.as_int = value;
    return made_keep(m, &p, sizeof p);
}

static inline void made_results(struct made *m, const char *const key[4],
                                const char *outcome, int64_t count)
{
    Otlp__NumberDataPoint *p = made_number(m, count);
    p->attributes = made_attributes(m, &p->n_attributes, key, "edgelat.outcome", outcome);
    m->results_points[m->results_sum.n_data_points++] = p;
}

static inline void made_rank(struct made *m, const char *target, int64_t rank)
{
    const char *const key[] = {target, "", "", "LON"};
    Otlp__NumberDataPoint *p = made_number(m, rank);
    p->attributes = made_attributes(m, &p->n_attributes, key, "server.address", "a");
    m->ranks_points[m->ranks_gauge.n_data_points++] = p;
}

/* Buckets at `scale` from index `offset` on; no minimum, maximum or sum. */
static inline Otlp__ExponentialHistogramDataPoint *
made_delays(struct made *m, const char *const key[4], const char *delay, int scale,
            int32_t offset, const uint64_t *counts, size_t n)
{
    Otlp__ExponentialHistogramDataPoint p = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__INIT;
    Otlp__ExponentialHistogramDataPoint__Buckets b =
        OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__BUCKETS__INIT;
    for (size_t i = 0; i < n; i++)
        p.count += counts[i];
    b.offset = offset;
    b.n_bucket_counts = n;
    b.bucket_counts = made_keep(m, counts, n * sizeof *counts);
    p.scale = scale;
    p.time_unix_nano = MADE_TIME;
    p.positive = made_keep(m, &b, sizeof b);
    p.attributes = made_attributes(m, &p.n_attributes, key, "edgelat.delay", delay);
    return m->delays_points[m->delays_histogram.n_data_points++] =
               made_keep(m, &p, sizeof p);
}

static inline void made_extremes(Otlp__ExponentialHistogramDataPoint *p, double min,
                                 double max)
{
    p->has_min_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MIN_MIN;
    p->min = min;
    p->has_max_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MAX_MAX;
    p->max = max;
}

/* The packed bytes; free() them. */
static inline void *made_pack(const struct made *m, size_t *len)
{
    *len = otlp__export_metrics_service_request__get_packed_size(&m->request);
    void *bytes = malloc(*len);
    otlp__export_metrics_service_request__pack(&m->request, bytes);
    return bytes;
}

static inline void made_end(struct made *m)
{
    for (size_t i = 0; i < m->n_memory; i++)
        free(m->memory[i]);
}

#endif
