/* What is read beside what protobuf-c unpacks of the same bytes. */
#include "report/point_reader.h"

#include "check.h"
#include "otlp/read.h"

#include <stdlib.h>

enum { POINTS = 40, COUNTS = 12 };

static uint64_t chance_state;

static uint64_t chance(uint64_t below)
{
    chance_state = chance_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (chance_state >> 33) % below;
}

static bool is_wanted(const char *name)
{
    return strncmp(name, "un", 2) != 0;
}

/* ---- a request, packed by protobuf-c ---- */

struct attribute {
    Otlp__KeyValue pair;
    Otlp__AnyValue value;
    char key[16], text[300];
};

static void make_attribute(struct attribute *a)
{
    a->pair = (Otlp__KeyValue)OTLP__KEY_VALUE__INIT;
    a->value = (Otlp__AnyValue)OTLP__ANY_VALUE__INIT;
    snprintf(a->key, sizeof a->key, "key.%u", (unsigned)chance(4));
    memset(a->text, 'x', sizeof a->text);
    a->text[chance(8) == 0 ? 200 : chance(3)] = '\0';
    a->text[0] = a->text[0] == '\0' ? '\0' : (char)('a' + chance(3));
    a->pair.key = a->key;
    a->value.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    a->value.string_value = a->text;
    if (chance(9) == 0) {
        a->value.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
        a->value.int_value = (int64_t)chance(3) - 1;
    }
    a->pair.value = chance(9) > 0 ? &a->value : NULL;
}

static struct {
    struct attribute attributes[2 * POINTS + 1][3];
    Otlp__KeyValue *lists[2 * POINTS + 1][3];
    Otlp__NumberDataPoint numbers[POINTS], *number_list[POINTS];
    Otlp__ExponentialHistogramDataPoint histograms[POINTS], *histogram_list[POINTS];
    Otlp__ExponentialHistogramDataPoint__Buckets buckets[POINTS];
    uint64_t counts[POINTS][COUNTS];
    Otlp__Gauge gauge;
    Otlp__Sum sum;
    Otlp__ExponentialHistogram exponential;
    Otlp__Metric metrics[5], *metric_list[5];
    Otlp__InstrumentationScope library;
    Otlp__ScopeMetrics scope, *scopes[1];
    Otlp__Resource resource;
    Otlp__ResourceMetrics from, *resources[1];
    Otlp__ExportMetricsServiceRequest request;
} made;

static size_t make_attributes(size_t list, Otlp__KeyValue ***to)
{
    size_t n = chance(4);
    for (size_t i = 0; i < n; i++) {
        make_attribute(&made.attributes[list][i]);
        made.lists[list][i] = &made.attributes[list][i].pair;
    }
    *to = made.lists[list];
    return n;
}

static void make_number(size_t i)
{
    Otlp__NumberDataPoint *p = made.number_list[i] = &made.numbers[i];
    *p = (Otlp__NumberDataPoint)OTLP__NUMBER_DATA_POINT__INIT;
    p->n_attributes = make_attributes(i, &p->attributes);
    p->start_time_unix_nano = chance(3) * UINT64_C(0x123456789abcdef);
    p->time_unix_nano = chance(1 << 30);
    p->value_case = (Otlp__NumberDataPoint__ValueCase)(const int[]){0, 4, 6}[chance(3)];
    if (p->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT)
        p->as_int = -(int64_t)chance(1000);
    else
        p->as_double = (double)chance(1000) / 7;
}

static void make_histogram(size_t i)
{
    Otlp__ExponentialHistogramDataPoint *p = made.histogram_list[i] = &made.histograms[i];
    *p =
        (Otlp__ExponentialHistogramDataPoint)OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__INIT;
    p->n_attributes = make_attributes(POINTS + i, &p->attributes);
    p->start_time_unix_nano = chance(1 << 30);
    p->time_unix_nano = chance(1 << 30);
    p->count = chance(5);
    p->scale = (int32_t)chance(40) - 20;
    p->zero_count = chance(3);
    p->zero_threshold = (double)chance(2) / 8192;
    p->has_min_case = (Otlp__ExponentialHistogramDataPoint__HasMinCase)(12 * chance(2));
    p->min = 0.25;
    p->has_max_case = (Otlp__ExponentialHistogramDataPoint__HasMaxCase)(13 * chance(2));
    p->max = 0.75;
    if (chance(5) == 0)
        return;
    p->positive = &made.buckets[i];
    *p->positive = (Otlp__ExponentialHistogramDataPoint__Buckets)
        OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__BUCKETS__INIT;
    p->positive->offset = (int32_t)chance(4000) - 2000;
    p->positive->n_bucket_counts = chance(COUNTS);
    p->positive->bucket_counts = made.counts[i];
    for (size_t k = 0; k < COUNTS; k++)
        made.counts[i][k] = chance(2) == 0 ? chance(3) : UINT64_MAX >> chance(64);
}

static void make_request(void)
{
    static char *names[] = {"gauge", "unwanted", "sum", "exponential", "nothing"};
    for (size_t i = 0; i < POINTS; i++) {
        make_number(i);
        make_histogram(i);
    }
    made.gauge = (Otlp__Gauge)OTLP__GAUGE__INIT;
    made.sum = (Otlp__Sum)OTLP__SUM__INIT;
    made.exponential = (Otlp__ExponentialHistogram)OTLP__EXPONENTIAL_HISTOGRAM__INIT;
    made.gauge.data_points = made.sum.data_points = made.number_list;
    made.gauge.n_data_points = chance(POINTS);
    made.sum.n_data_points = chance(POINTS);
    made.sum.aggregation_temporality = (Otlp__AggregationTemporality)chance(3);
    made.sum.is_monotonic = (protobuf_c_boolean)chance(2);
    made.exponential.data_points = made.histogram_list;
    made.exponential.n_data_points = chance(POINTS);
    made.exponential.aggregation_temporality = (Otlp__AggregationTemporality)chance(3);
    for (size_t i = 0; i < 5; i++) {
        made.metrics[i] = (Otlp__Metric)OTLP__METRIC__INIT;
        made.metrics[i].name = names[i];
        made.metric_list[i] = &made.metrics[i];
    }
    made.metrics[0].data_case = made.metrics[1].data_case = OTLP__METRIC__DATA_GAUGE;
    made.metrics[0].gauge = made.metrics[1].gauge = &made.gauge;
    made.metrics[2].data_case = OTLP__METRIC__DATA_SUM;
    made.metrics[2].sum = &made.sum;
    made.metrics[3].data_case = OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM;
    made.metrics[3].exponential_histogram = &made.exponential;
    made.library = (Otlp__InstrumentationScope)OTLP__INSTRUMENTATION_SCOPE__INIT;
    made.scope = (Otlp__ScopeMetrics)OTLP__SCOPE_METRICS__INIT;
    made.scope.scope = &made.library;
    made.scope.metrics = made.metric_list;
    made.scope.n_metrics = 5;
    made.scopes[0] = &made.scope;
    made.resource = (Otlp__Resource)OTLP__RESOURCE__INIT;
    made.resource.n_attributes = make_attributes(2 * POINTS, &made.resource.attributes);
    made.from = (Otlp__ResourceMetrics)OTLP__RESOURCE_METRICS__INIT;
    made.from.resource = &made.resource;
    made.from.scope_metrics = made.scopes;
    made.from.n_scope_metrics = 1;
    made.resources[0] = &made.from;
    made.request =
        (Otlp__ExportMetricsServiceRequest)OTLP__EXPORT_METRICS_SERVICE_REQUEST__INIT;
    made.request.resource_metrics = made.resources;
    made.request.n_resource_metrics = 1;
}

/* ---- comparing ---- */

/* Packed again, the bytes are the same; what is not wanted is taken out of `expected`. */
static void check_same(const Otlp__ExportMetricsServiceRequest *got,
                       const Otlp__ExportMetricsServiceRequest *expected)
{
    Otlp__ResourceMetrics *from = expected->resource_metrics[0];
    Otlp__ScopeMetrics *scope = from->scope_metrics[0];
    Otlp__InstrumentationScope *library = scope->scope;
    Otlp__Metric *unwanted = scope->metrics[1];
    memmove(&scope->metrics[1], &scope->metrics[2], 3 * sizeof(*scope->metrics));
    scope->n_metrics--;
    scope->scope = NULL;
    size_t len = protobuf_c_message_get_packed_size(&expected->base);
    uint8_t *a = malloc(len + 1), *b = malloc(len + 1);
    CHECK_INT(len, protobuf_c_message_get_packed_size(&got->base), "length");
    protobuf_c_message_pack(&expected->base, a);
    protobuf_c_message_pack(&got->base, b);
    CHECK(memcmp(a, b, len) == 0, "the bytes");
    free(a);
    free(b);
    scope->scope = library;
    scope->metrics[scope->n_metrics++] = unwanted;
}

static void as_protobuf_c(void **state)
{
    (void)state;
    struct point_reader *r = point_reader_create(is_wanted);
    chance_state = 1;
    for (int turn = 0; turn < 300; turn++) {
        make_request();
        size_t len = protobuf_c_message_get_packed_size(&made.request.base);
        uint8_t *bytes = malloc(len);
        protobuf_c_message_pack(&made.request.base, bytes);
        ProtobufCMessage *expected = otlp_read(SIGNAL_METRICS, bytes, len);
        const Otlp__ExportMetricsServiceRequest *got = point_reader_read(r, bytes, len);
        CHECK(got != NULL && expected != NULL, "turn %d: both read it", turn);
        check_same(got, (const Otlp__ExportMetricsServiceRequest *)expected);
        otlp_read_free(expected);
        for (size_t cut = 1 + chance(20); cut < len; cut += 1 + chance(len / 8)) {
            got = point_reader_read(r, bytes, cut); /* crashes under a sanitizer */
            CHECK(got == NULL, "turn %d: cut to %zu of %zu bytes", turn, cut, len);
        }
        for (size_t flip = chance(20); flip < len; flip += 1 + chance(len / 8)) {
            bytes[flip] ^= (uint8_t)(1 << chance(8));
            point_reader_read(r, bytes, len);
        }
        free(bytes);
    }
    point_reader_destroy(r);
}

/* ---- what protobuf-c does not write, but others may ---- */

#define POINT_TIME  0x19, 1, 0, 0, 0, 0, 0, 0, 0 /* field 3, fixed64 */
#define ATTRIBUTE_A 0x3a, 3, 0x0a, 1, 'a'
#define ATTRIBUTE_B 0x3a, 3, 0x0a, 1, 'b'
#define GAUGE(len)                                                                       \
    0x0a, 9 + (len), 0x12, 7 + (len), 0x12, 5 + (len), 0x0a, 1, 'g', 0x2a, (len)

static void as_others_write_it(void **state)
{
    static const struct {
        const char *what;
        uint8_t bytes[80];
        size_t len;
        bool fine;
    } cases[] = {
        {"attributes in one run",
         {GAUGE(21), 0x0a, 19, ATTRIBUTE_A, ATTRIBUTE_B, POINT_TIME},
         32,
         true},
        {"attributes around the time",
         {GAUGE(21), 0x0a, 19, ATTRIBUTE_A, POINT_TIME, ATTRIBUTE_B},
         32,
         true},
        {"an unknown field in the point",
         {GAUGE(22), 0x0a, 20, ATTRIBUTE_A, 8 << 3 & 0xff, 9, ATTRIBUTE_B, 0x68, 5, 0x68,
          5, 0x68, 5, 0x68, 5},
         33,
         true},
        {"a time of another type", {GAUGE(4), 0x0a, 2, 0x18, 1}, 15, false},
        {"a group", {GAUGE(4), 0x0a, 2, 0x73, 0x74}, 15, false},
        {"field 0", {GAUGE(4), 0x0a, 2, 0x00, 1}, 15, false},
        {"no key in the attribute, but bytes",
         {GAUGE(6), 0x0a, 4, 0x3a, 2, 0x0a, 9},
         17,
         false},
    };
    (void)state;
    struct point_reader *r = point_reader_create(is_wanted);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ProtobufCMessage *expected =
            otlp_read(SIGNAL_METRICS, cases[i].bytes, cases[i].len);
        const Otlp__ExportMetricsServiceRequest *got =
            point_reader_read(r, cases[i].bytes, cases[i].len);
        CHECK_INT(cases[i].fine, expected != NULL, cases[i].what);
        CHECK_INT(cases[i].fine, got != NULL, cases[i].what);
        otlp_read_free(expected);
        if (!cases[i].fine)
            continue;
        const Otlp__NumberDataPoint *point =
            got->resource_metrics[0]->scope_metrics[0]->metrics[0]->gauge->data_points[0];
        CHECK_INT(2, point->n_attributes, cases[i].what);
        CHECK_TEXT("a", point->attributes[0]->key, cases[i].what);
        CHECK_TEXT("b", point->attributes[1]->key, cases[i].what);
    }
    point_reader_destroy(r);
}

/* A note stays with equal attributes, in later requests too. */
static void notes_stay(void **state)
{
    static const uint8_t a[] = {GAUGE(16), 0x0a, 14, ATTRIBUTE_A, POINT_TIME},
                         b[] = {GAUGE(16), 0x0a, 14, ATTRIBUTE_B, POINT_TIME};
    static const uint8_t *const order[] = {a, b, a, b, b, a};
    static int marks[2];
    (void)state;
    struct point_reader *r = point_reader_create(is_wanted);
    for (size_t i = 0; i < 6; i++) {
        int *mark = &marks[order[i] == b];
        const Otlp__ExportMetricsServiceRequest *got =
            point_reader_read(r, order[i], sizeof a);
        CHECK(got != NULL, "request %zu", i);
        struct point_note *note = point_reader_note(got->resource_metrics[0]
                                                        ->scope_metrics[0]
                                                        ->metrics[0]
                                                        ->gauge->data_points[0]
                                                        ->attributes);
        CHECK(note->target == (i < 2 ? NULL : (void *)mark), "request %zu", i);
        note->target = mark;
    }
    point_reader_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_protobuf_c),
        cmocka_unit_test(as_others_write_it),
        cmocka_unit_test(notes_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
