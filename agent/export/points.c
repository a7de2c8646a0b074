#include "export/points.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NEW(arena, type, init)                                                           \
    ((type *)memcpy(arena_take(arena, sizeof(type)), &(type)init, sizeof(type)))

void builder_free(struct builder *b)
{
    for (size_t i = 0; i < b->n_metrics; i++)
        free(b->metrics[i].points);
    arena_free(&b->arena);
}

/* ---- attributes ---- */

static Otlp__AnyValue *add_attribute(struct builder *b, struct attributes *to,
                                     const char *key)
{
    assert(to->n < ATTRIBUTES_MAX);
    Otlp__KeyValue *pair = NEW(&b->arena, Otlp__KeyValue, OTLP__KEY_VALUE__INIT);
    pair->key = (char *)key;
    pair->value = NEW(&b->arena, Otlp__AnyValue, OTLP__ANY_VALUE__INIT);
    to->list[to->n++] = pair;
    return pair->value;
}

/* What cannot be sent is replaced byte by byte; what is too long is cut. */
static const char *sendable(struct builder *b, const char *text)
{
    size_t len = strlen(text), good = 0;
    for (size_t n; good < len && (n = text_utf8(text + good, len - good)) > 0;)
        good += n;
    if (good == len && len <= ATTRIBUTE_TEXT_MAX)
        return text;
    char *copy = arena_take(&b->arena, ATTRIBUTE_TEXT_MAX + 1);
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t n = text_utf8(text + i, len - i);
        size_t step = n > 0 ? n : 1;
        if (used + step > ATTRIBUTE_TEXT_MAX)
            break;
        memcpy(copy + used, n > 0 ? text + i : "?", step);
        used += step;
        i += step;
    }
    copy[used] = '\0';
    return copy;
}

static void set_text(struct builder *b, Otlp__AnyValue *value, const char *text)
{
    value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value->string_value = (char *)sendable(b, text);
}

Otlp__AnyValue *builder_text(struct builder *b, const char *text)
{
    Otlp__AnyValue *value = NEW(&b->arena, Otlp__AnyValue, OTLP__ANY_VALUE__INIT);
    set_text(b, value, text);
    return value;
}

void attribute_text(struct builder *b, struct attributes *to, const char *key,
                    const char *text)
{
    set_text(b, add_attribute(b, to, key), text);
}

void attribute_text_if(struct builder *b, struct attributes *to, const char *key,
                       const char *text)
{
    if (text[0] != '\0')
        attribute_text(b, to, key, text);
}

void attribute_integer(struct builder *b, struct attributes *to, const char *key,
                       int64_t number)
{
    Otlp__AnyValue *value = add_attribute(b, to, key);
    value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    value->int_value = number;
}

void attribute_number(struct builder *b, struct attributes *to, const char *key,
                      double number)
{
    Otlp__AnyValue *value = add_attribute(b, to, key);
    value->value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
    value->double_value = number;
}

void attribute_bool(struct builder *b, struct attributes *to, const char *key, bool truth)
{
    Otlp__AnyValue *value = add_attribute(b, to, key);
    value->value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    value->bool_value = truth;
}

struct attributes attributes_of_target(struct builder *b, const struct target *t)
{
    struct attributes a = {.n = 0};
    attribute_text(b, &a, "edgelat.target", t->name);
    attribute_text_if(b, &a, "edgelat.service", t->service);
    attribute_text(b, &a, "server.address", t->host);
    return a;
}

Otlp__KeyValue **builder_attributes(struct builder *b, const struct attributes *a)
{
    Otlp__KeyValue **list = arena_take(&b->arena, (a->n + 1) * sizeof *list);
    memcpy(list, a->list, a->n * sizeof *list);
    return list;
}

/* ---- points ---- */

static void add_point(struct metric *m, void *point)
{
    m->points = mem_grow(m->points, &m->room, m->n + 1, sizeof *m->points);
    m->points[m->n++] = point;
}

static Otlp__NumberDataPoint *add_number(struct builder *b, size_t metric,
                                         const struct attributes *a, struct wall start)
{
    Otlp__NumberDataPoint *p =
        NEW(&b->arena, Otlp__NumberDataPoint, OTLP__NUMBER_DATA_POINT__INIT);
    p->n_attributes = a->n;
    p->attributes = builder_attributes(b, a);
    p->start_time_unix_nano = (uint64_t)start.ns;
    p->time_unix_nano = (uint64_t)b->time.ns;
    add_point(&b->metrics[metric], p);
    return p;
}

void point_count(struct builder *b, size_t metric, const struct attributes *a,
                 struct wall start, uint64_t count)
{
    Otlp__NumberDataPoint *p = add_number(b, metric, a, start);
    p->value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_INT;
    p->as_int = (int64_t)count;
}

void point_value(struct builder *b, size_t metric, const struct attributes *a,
                 struct wall start, double value)
{
    Otlp__NumberDataPoint *p = add_number(b, metric, a, start);
    p->value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE;
    p->as_double = value;
}

void point_histogram(struct builder *b, size_t metric, const struct attributes *a,
                     struct wall start, const struct histogram *h)
{
    Otlp__ExponentialHistogramDataPoint *p =
        NEW(&b->arena, Otlp__ExponentialHistogramDataPoint,
            OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__INIT);
    p->n_attributes = a->n;
    p->attributes = builder_attributes(b, a);
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
        p->positive->bucket_counts = arena_take(&b->arena, h->n * sizeof(uint64_t));
        for (uint32_t i = 0; i < h->n; i++)
            p->positive->bucket_counts[i] = h->buckets[i];
    }
    add_point(&b->metrics[metric], p);
}

/* ---- metrics ---- */

Otlp__Metric *builder_metric(struct builder *b, size_t metric)
{
    const struct metric *p = &b->metrics[metric];
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
        m->gauge->data_points = (Otlp__NumberDataPoint **)p->points;
    } else if (p->type == OTLP__METRIC__DATA_SUM) {
        m->sum = NEW(&b->arena, Otlp__Sum, OTLP__SUM__INIT);
        m->sum->is_monotonic = 1;
        m->sum->aggregation_temporality = cumulative;
        m->sum->n_data_points = p->n;
        m->sum->data_points = (Otlp__NumberDataPoint **)p->points;
    } else {
        m->exponential_histogram =
            NEW(&b->arena, Otlp__ExponentialHistogram, OTLP__EXPONENTIAL_HISTOGRAM__INIT);
        m->exponential_histogram->aggregation_temporality = cumulative;
        m->exponential_histogram->n_data_points = p->n;
        m->exponential_histogram->data_points =
            (Otlp__ExponentialHistogramDataPoint **)p->points;
    }
    return m;
}
