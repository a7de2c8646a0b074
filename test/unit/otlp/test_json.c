#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "otlp/read.h"

#include "../cmd/requests.h"

#include <errno.h>

static const char *const key[] = {"teams", "icmp", "ipv4", "LON"};

#define ATTRIBUTES(name, text)                                                           \
    "\"attributes\":[{\"key\":\"edgelat.target\",\"value\":{\"stringValue\":\"teams\"}}" \
    ","                                                                                  \
    "{\"key\":\"edgelat.probe.kind\",\"value\":{\"stringValue\":\"icmp\"}},"             \
    "{\"key\":\"network.type\",\"value\":{\"stringValue\":\"ipv4\"}},"                   \
    "{\"key\":\"edgelat.pop\",\"value\":{\"stringValue\":\"LON\"}},"                     \
    "{\"key\":\"" name "\",\"value\":{\"stringValue\":\"" text "\"}}]"

/* Fields come in the order of their numbers. */
static const char expected[] =
    "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"host.name\","
    "\"value\":{"
    "\"stringValue\":\"a\\\"\\u000a\"}},{\"key\":\"flag\",\"value\":{\"boolValue\":false}"
    "},"
    "{\"key\":\"port\",\"value\":{\"intValue\":\"0\"}}]},\"scopeMetrics\":[{\"metrics\":["
    "{\"name\":\"edgelat.probe.results\",\"sum\":{\"dataPoints\":[{\"timeUnixNano\":"
    "\"1795424400000000000\",\"asInt\":\"-9223372036854775808\"," ATTRIBUTES(
        "edgelat.outcome",
        "reply") "}],\"aggregationTemporality\":2,\"isMonotonic\":true}},"
                 "{\"name\":\"edgelat.probe.delay\",\"unit\":\"s\","
                 "\"exponentialHistogram\":{"
                 "\"dataPoints\":[{" ATTRIBUTES(
                     "edgelat.delay",
                     "rtt") ",\"timeUnixNano\":"
                            "\"1795424400000000000\",\"count\":\"18446744073709551615\","
                            "\"scale\":6,\"positive\":"
                            "{\"offset\":-500,\"bucketCounts\":[\"18446744073709551615\","
                            "\"0\"]},\"min\":0,"
                            "\"max\":\"NaN\"}]}},"
                            "{\"name\":\"edgelat.target.rank\",\"gauge\":{\"dataPoints\":"
                            "["
                            "{\"asDouble\":0.1},{\"asDouble\":\"Infinity\"},{"
                            "\"asDouble\":\"-Infinity\"},{}]}}]}]}]}\n";

static void make(struct made *m)
{
    static const uint64_t counts[] = {UINT64_MAX, 0};
    static const double numbers[] = {0.1, INFINITY, -INFINITY, 0};
    made_begin(m);
    made_resource(m, "host.name", "a\"\n");
    made_resource(m, "flag", "");
    made_resource(m, "port", "");
    m->resource_attributes[1]->value->value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    m->resource_attributes[1]->value->bool_value = 0;
    m->resource_attributes[2]->value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    m->resource_attributes[2]->value->int_value = 0;
    made_results(m, key, "reply", INT64_MIN);
    made_extremes(made_delays(m, key, "rtt", 6, -500, counts, 2), 0, NAN);
    for (size_t i = 0; i < 4; i++) {
        Otlp__NumberDataPoint *p = made_number(m, 0);
        p->time_unix_nano = 0;
        p->value_case = i == 3 ? OTLP__NUMBER_DATA_POINT__VALUE__NOT_SET
                               : OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE;
        p->as_double = numbers[i];
        m->ranks_points[m->ranks_gauge.n_data_points++] = p;
    }
}

static void test_every_type(void **state)
{
    (void)state;
    struct made m;
    struct text out = {0};
    const char *why = NULL;
    size_t len, packed_len;
    make(&m);
    void *bytes = made_pack(&m, &len);
    void *packed = gzip_pack(bytes, len, &packed_len);

    CHECK_INT(0, otlp_to_json(SIGNAL_METRICS, bytes, len, &out, &why), "plain");
    CHECK_TEXT(expected, text_string(&out), "plain");
    text_clear(&out);
    CHECK_INT(0, otlp_to_json(SIGNAL_METRICS, packed, packed_len, &out, &why), "gzipped");
    CHECK_TEXT(expected, text_string(&out), "gzipped");
    text_clear(&out);
    CHECK_INT(0, otlp_to_json(SIGNAL_METRICS, "", 0, &out, &why), "no resource");
    CHECK_TEXT("{}\n", text_string(&out), "no resource");
    free(bytes);
    free(packed);
    text_free(&out);
    made_end(&m);
}

/* Which of the two it is, its bytes say; the name of a file may be wrong. */
static void test_logs_and_metrics(void **state)
{
    (void)state;
    struct made m;
    struct text out = {0};
    const char *why = NULL;
    size_t metrics_len, logs_len;
    static struct events events;
    static const struct otlp_resource none = {"", "", "", "", NULL};
    struct event *e =
        events_add(&events, "edgelat.pop.changed", SEVERITY_WARN, (struct wall){5}, NULL);
    event_say(e, "moved");
    event_number(e, "edgelat.ratio", 0);
    struct batch batch = {.events = events.list, .n_events = events.n};
    make(&m);
    void *metrics = made_pack(&m, &metrics_len);
    void *logs = otlp_logs(&batch, &none, &logs_len);
    for (enum signal likely = 0; likely < SIGNALS; likely++) {
        CHECK_INT(0, otlp_to_json(likely, metrics, metrics_len, &out, &why), "metrics");
        CHECK_TEXT(expected, text_string(&out), "metrics");
        text_clear(&out);
        CHECK_INT(0, otlp_to_json(likely, logs, logs_len, &out, &why), "logs");
        const char *records = strstr(text_string(&out), "\"logRecords\"");
        CHECK(strncmp(text_string(&out), "{\"resourceLogs\":[", 17) == 0 &&
                  records != NULL,
              "logs: %s", text_string(&out));
        CHECK_TEXT("\"logRecords\":[{\"timeUnixNano\":\"5\",\"severityNumber\":13,"
                   "\"severityText\":\"WARN\",\"body\":{\"stringValue\":\"moved\"},"
                   "\"attributes\":[{\"key\":\"event.name\",\"value\":{\"stringValue\":"
                   "\"edgelat.pop.changed\"}},{\"key\":\"edgelat.ratio\",\"value\":"
                   "{\"doubleValue\":0}}],\"observedTimeUnixNano\":\"5\","
                   "\"eventName\":\"edgelat.pop.changed\"}]}]}]}\n",
                   records, "a record");
        text_clear(&out);
    }
    free(metrics);
    free(logs);
    text_free(&out);
    made_end(&m);
}

/* Whatever is cut off: no crash, and JSON or a reason, never both. */
static void test_torn(void **state)
{
    (void)state;
    struct made m;
    size_t len, packed_len;
    make(&m);
    uint8_t *bytes = made_pack(&m, &len);
    uint8_t *packed = gzip_pack(bytes, len, &packed_len);
    for (size_t cut = 1; cut < len; cut++) {
        struct text out = {0};
        const char *why = NULL;
        CHECK_INT(-EBADMSG, otlp_to_json(SIGNAL_METRICS, bytes, cut, &out, &why),
                  "one message, cut");
        CHECK_TEXT("it is neither OTLP metrics nor logs (protobuf)", why, "reason");
        CHECK_INT(0, out.len, "nothing printed");
    }
    for (size_t cut = 2; cut < packed_len; cut++) {
        struct text out = {0};
        const char *why = NULL;
        CHECK_INT(-EBADMSG, otlp_to_json(SIGNAL_METRICS, packed, cut, &out, &why),
                  "gzip, cut");
        CHECK_TEXT("its gzip is torn or damaged", why, "reason");
    }
    free(bytes);
    free(packed);
    made_end(&m);
}

static size_t resources(const ProtobufCMessage *request)
{
    return ((const Otlp__ExportMetricsServiceRequest *)request)->n_resource_metrics;
}

static void test_bounds(void **state)
{
    (void)state;
    struct text out = {0};
    const char *why = NULL;
    size_t len = OTLP_BYTES_MAX + 1, packed_len;
    char *bytes = calloc(1, len);
    void *packed = gzip_pack(bytes, len, &packed_len);
    CHECK_INT(-EBADMSG, otlp_to_json(SIGNAL_METRICS, bytes, len, &out, &why),
              "too large");
    CHECK_TEXT("it is larger than a request may be (16 MiB)", why, "plain");
    CHECK_INT(-EBADMSG, otlp_to_json(SIGNAL_METRICS, packed, packed_len, &out, &why),
              "a bomb");
    CHECK_TEXT("unpacked it is larger than a request may be (16 MiB)", why, "gzipped");
    free(packed);

    for (size_t i = 0; i + 1 < len; i += 2) /* resource_metrics of no bytes, 4 million */
        bytes[i] = 0x0a;
    CHECK(otlp_read(SIGNAL_METRICS, bytes, OTLP_BYTES_MAX) == NULL,
          "unfolds beyond OTLP_MEMORY_MAX");
    ProtobufCMessage *request = otlp_read(SIGNAL_METRICS, bytes, 1 << 20);
    CHECK(request != NULL, "an eighth of it does not");
    CHECK_INT(1 << 19, resources(request), "messages");
    otlp_read_free(request);
    free(bytes);
}

/* Requests laid end to end are one with all their resources: metrics as large as they may
 * be fit into the memory that they may take. */
static void test_largest(void **state)
{
    (void)state;
    struct made m;
    size_t len, n = 0;
    make(&m);
    uint8_t *one = made_pack(&m, &len), *all = malloc(OTLP_BYTES_MAX);
    for (; n + len <= OTLP_BYTES_MAX; n += len)
        memcpy(all + n, one, len);
    ProtobufCMessage *request = otlp_read(SIGNAL_METRICS, all, n);
    CHECK(request != NULL, "%zu bytes of metrics can be read", n);
    CHECK_INT(n / len, resources(request), "resources");
    otlp_read_free(request);
    free(all);
    free(one);
    made_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type), cmocka_unit_test(test_logs_and_metrics),
        cmocka_unit_test(test_torn),       cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
