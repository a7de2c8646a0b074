#include "otlp/builder.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A copy of `value` in the arena. */
#define NEW(arena, type, value)                                                          \
    ((type *)memcpy(arena_take(arena, sizeof(type)), (type[]){value}, sizeof(type)))

void builder_clear(struct builder *b)
{
    for (size_t i = 0; i < b->n_metrics; i++)
        b->metrics[i].n = 0;
    arena_clear(&b->arena);
}

void builder_free(struct builder *b)
{
    for (size_t i = 0; i < b->n_metrics; i++)
        free(b->metrics[i].points);
    arena_free(&b->arena);
}

/* ---- packed messages ---- */

enum { LENGTH_BYTES_MAX = 5 };

static struct packed pack(struct builder *b, const ProtobufCMessage *m)
{
    size_t len = protobuf_c_message_get_packed_size(m), n = 0;
    uint8_t *bytes = arena_take(&b->arena, LENGTH_BYTES_MAX + len);
    for (size_t left = len;; left >>= 7) { /* a varint */
        bytes[n++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        if (left <= 0x7f)
            break;
    }
    return (struct packed){bytes, n + protobuf_c_message_pack(m, bytes + n)};
}

/* protobuf-c keeps fields that it does not know as they came: so it takes ours. */
static void attach(struct builder *b, ProtobufCMessage *to, uint32_t tag,
                   const struct packed *list, size_t n)
{
    to->n_unknown_fields = (unsigned)n;
    to->unknown_fields = arena_take(&b->arena, n * sizeof *to->unknown_fields);
    for (size_t i = 0; i < n; i++)
        to->unknown_fields[i] = (ProtobufCMessageUnknownField){
            .tag = tag,
            .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
            .len = list[i].len,
            .data = list[i].bytes,
        };
}

/* ---- attributes ---- */

static void add_attribute(struct builder *b, struct attributes *to, const char *key,
                          Otlp__AnyValue value)
{
    assert(to->n < ATTRIBUTES_MAX);
    Otlp__KeyValue pair = OTLP__KEY_VALUE__INIT;
    pair.key = (char *)key;
    pair.value = &value;
    to->list[to->n++] = pack(b, &pair.base);
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

static Otlp__AnyValue text_value(struct builder *b, const char *text)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value.string_value = (char *)sendable(b, text);
    return value;
}

Otlp__AnyValue *builder_text(struct builder *b, const char *text)
{
    return NEW(&b->arena, Otlp__AnyValue, text_value(b, text));
}

void attribute_text(struct builder *b, struct attributes *to, const char *key,
                    const char *text)
{
    add_attribute(b, to, key, text_value(b, text));
}

void attribute_text_if(struct builder *b, struct attributes *to, const char *key,
                       const char *text)
{
    if (text[0] != '\0')
        attribute_text(b, to, key, text);
}

void attribute_time_if(struct builder *b, struct attributes *to, const char *key,
                       struct wall time)
{
    char text[WALL_TEXT_MAX];
    if (time.ns != 0)
        attribute_text(b, to, key, wall_text(text, time));
}

void attribute_integer(struct builder *b, struct attributes *to, const char *key,
                       int64_t number)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    value.int_value = number;
    add_attribute(b, to, key, value);
}

void attribute_number(struct builder *b, struct attributes *to, const char *key,
                      double number)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
    value.double_value = number;
    add_attribute(b, to, key, value);
}

void attribute_bool(struct builder *b, struct attributes *to, const char *key, bool truth)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    value.bool_value = truth;
    add_attribute(b, to, key, value);
}

struct attributes attributes_of_target(struct builder *b, const struct target *t)
{
    struct attributes a = {.n = 0};
    attribute_text(b, &a, ATTR_TARGET, t->name);
    attribute_text_if(b, &a, ATTR_SERVICE, t->service);
    attribute_text(b, &a, ATTR_SERVER_ADDRESS, t->host);
    if (t->uplink != NULL)
        attribute_text(b, &a, ATTR_UPLINK, t->uplink->name);
    return a;
}

void attributes_attach(struct builder *b, const struct attributes *a,
                       ProtobufCMessage *message, uint32_t tag)
{
    attach(b, message, tag, a->list, a->n);
}

/* ---- points: `attributes` is 7 in one kind of them, and 1 in the other ---- */

static void add_point(struct builder *b, size_t metric, const ProtobufCMessage *point)
{
    struct metric *m = &b->metrics[metric];
    m->points = mem_grow(m->points, &m->room, m->n + 1, sizeof *m->points);
    m->points[m->n++] = pack(b, point);
}

static Otlp__NumberDataPoint number(struct builder *b, const struct attributes *a,
                                    struct wall start)
{
    Otlp__NumberDataPoint p = OTLP__NUMBER_DATA_POINT__INIT;
    attributes_attach(b, a, &p.base, 7);
    p.start_time_unix_nano = (uint64_t)start.ns;
    p.time_unix_nano = (uint64_t)b->time.ns;
    return p;
}

void point_count(struct builder *b, size_t metric, const struct attributes *a,
                 struct wall start, uint64_t count)
{
    Otlp__NumberDataPoint p = number(b, a, start);
    p.value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_INT;
    p.as_int = (int64_t)count;
    add_point(b, metric, &p.base);
}

void point_value(struct builder *b, size_t metric, const struct attributes *a,
                 struct wall start, double value)
{
    Otlp__NumberDataPoint p = number(b, a, start);
    p.value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE;
    p.as_double = value;
    add_point(b, metric, &p.base);
}

static Otlp__ExponentialHistogramDataPoint__Buckets buckets(struct builder *b,
                                                            const struct histogram *h)
{
    Otlp__ExponentialHistogramDataPoint__Buckets out =
        OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__BUCKETS__INIT;
    out.offset = h->offset;
    out.n_bucket_counts = h->n;
    out.bucket_counts = arena_take(&b->arena, h->n * sizeof(uint64_t));
    for (uint32_t i = 0; i < h->n; i++)
        out.bucket_counts[i] = h->buckets[i];
    return out;
}

void point_histogram(struct builder *b, size_t metric, const struct attributes *a,
                     struct wall start, const struct histogram *h)
{
    Otlp__ExponentialHistogramDataPoint p = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__INIT;
    Otlp__ExponentialHistogramDataPoint__Buckets positive = buckets(b, h);
    attributes_attach(b, a, &p.base, 1);
    p.start_time_unix_nano = (uint64_t)start.ns;
    p.time_unix_nano = (uint64_t)b->time.ns;
    p.count = h->count;
    p.zero_count = h->zeros;
    p.scale = h->scale;
    p.has_sum_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_SUM_SUM;
    p.sum = h->sum_s;
    if (h->count > 0) {
        p.has_min_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MIN_MIN;
        p.min = (double)h->min_ns / 1e9;
        p.has_max_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MAX_MAX;
        p.max = (double)h->max_ns / 1e9;
    }
    if (h->n > 0)
        p.positive = &positive;
    add_point(b, metric, &p.base);
}

/* ---- metrics: `data_points` is 1 in all of them ---- */

Otlp__Metric *builder_metric(struct builder *b, size_t metric)
{
    const struct metric *p = &b->metrics[metric];
    const Otlp__AggregationTemporality temporality =
        b->delta ? OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA
                 : OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE;
    Otlp__Metric *m = NEW(&b->arena, Otlp__Metric, (Otlp__Metric)OTLP__METRIC__INIT);
    m->name = (char *)p->name;
    m->unit = (char *)p->unit;
    m->description = (char *)p->description;
    m->data_case = p->type;
    if (p->type == OTLP__METRIC__DATA_GAUGE) {
        m->gauge = NEW(&b->arena, Otlp__Gauge, (Otlp__Gauge)OTLP__GAUGE__INIT);
        attach(b, &m->gauge->base, 1, p->points, p->n);
    } else if (p->type == OTLP__METRIC__DATA_SUM) {
        m->sum = NEW(&b->arena, Otlp__Sum, (Otlp__Sum)OTLP__SUM__INIT);
        m->sum->is_monotonic = 1;
        m->sum->aggregation_temporality = temporality;
        attach(b, &m->sum->base, 1, p->points, p->n);
    } else {
        Otlp__ExponentialHistogram *h =
            NEW(&b->arena, Otlp__ExponentialHistogram,
                (Otlp__ExponentialHistogram)OTLP__EXPONENTIAL_HISTOGRAM__INIT);
        m->exponential_histogram = h;
        h->aggregation_temporality = temporality;
        attach(b, &h->base, 1, p->points, p->n);
    }
    return m;
}
