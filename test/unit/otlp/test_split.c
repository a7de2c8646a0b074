#include "otlp/split.h"

#include "../cmd/requests.h"
#include "core/event.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "otlp/read.h"

static ProtobufCMessage *decode(enum signal signal, const struct otlp_half *half)
{
    void *plain;
    size_t len;
    CHECK_INT(0, gzip_unpack(half->bytes, half->len, OTLP_BYTES_MAX, &plain, &len),
              "it is gzip");
    ProtobufCMessage *request = otlp_read(signal, plain, len);
    CHECK(request != NULL, "it is protobuf");
    free(plain);
    return request;
}

static void metrics(void **state)
{
    (void)state;
    static const char *const key[] = {"teams", "icmp", "ipv4", "LON"};
    struct made m;
    struct otlp_half halves[2], again[2];
    size_t len, packed_len;
    int64_t sum = 0;
    made_begin(&m);
    made_resource(&m, "host.name", "branch-17");
    for (int i = 1; i <= 5; i++)
        made_results(&m, key, "reply", i);
    made_rank(&m, "teams", 1);
    made_delays(&m, key, "rtt", 3, 0, (const uint64_t[]){1, 2}, 2);
    made_delays(&m, key, "dns", 3, 0, (const uint64_t[]){1, 2}, 2);
    void *plain = made_pack(&m, &len);
    void *packed = gzip_pack(plain, len, &packed_len);
    CHECK(otlp_split(SIGNAL_METRICS, packed, packed_len, halves), "it can be halved");
    CHECK(otlp_split(SIGNAL_METRICS, packed, packed_len, again), "again");
    for (int h = 0; h < 2; h++) {
        CHECK(halves[h].len == again[h].len &&
                  memcmp(halves[h].bytes, again[h].bytes, halves[h].len) == 0,
              "the same bytes");
        ProtobufCMessage *base = decode(SIGNAL_METRICS, &halves[h]);
        const Otlp__ResourceMetrics *from =
            ((Otlp__ExportMetricsServiceRequest *)base)->resource_metrics[0];
        CHECK_TEXT("host.name", from->resource->attributes[0]->key, "whose it is");
        Otlp__Metric **list = from->scope_metrics[0]->metrics;
        CHECK_INT(h == 0 ? 2 : 3, list[0]->sum->n_data_points, "results");
        CHECK(list[0]->sum->is_monotonic, "the rest of the metric is there");
        for (size_t i = 0; i < list[0]->sum->n_data_points; i++)
            sum += list[0]->sum->data_points[i]->as_int;
        CHECK_INT(1, list[1]->exponential_histogram->n_data_points, "delays");
        CHECK_INT(h, list[2]->gauge->n_data_points, "ranks");
        otlp_read_free(base);
        free(halves[h].bytes);
        free(again[h].bytes);
    }
    CHECK_INT(15, sum, "each point once");
    free(plain);
    free(packed);
    made_end(&m);
}

static void logs(void **state)
{
    (void)state;
    static struct events events;
    static const struct otlp_resource none = {"", "", "", "", NULL};
    struct otlp_half halves[2];
    size_t len, records = 0;
    events.n = 0;
    for (int i = 0; i < 3; i++)
        events_add(&events, "edgelat.test", SEVERITY_INFO, (struct wall){i + 1}, NULL);
    struct batch batch = {.events = events.list, .n_events = events.n};
    void *packed = otlp_logs(&batch, &none, &len);
    CHECK(otlp_split(SIGNAL_LOGS, packed, len, halves), "it can be halved");
    for (int h = 0; h < 2; h++) {
        ProtobufCMessage *base = decode(SIGNAL_LOGS, &halves[h]);
        const Otlp__ScopeLogs *scope =
            ((Otlp__ExportLogsServiceRequest *)base)->resource_logs[0]->scope_logs[0];
        for (size_t i = 0; i < scope->n_log_records; i++)
            CHECK_INT(++records, scope->log_records[i]->time_unix_nano, "in order");
        otlp_read_free(base);
        free(halves[h].bytes);
    }
    CHECK_INT(3, records, "each once");
    free(packed);

    batch.n_events = 1;
    packed = otlp_logs(&batch, &none, &len);
    CHECK(!otlp_split(SIGNAL_LOGS, packed, len, halves), "one record has no half");
    CHECK(!otlp_split(SIGNAL_METRICS, packed, len, halves), "these are no metrics");
    CHECK(!otlp_split(SIGNAL_LOGS, packed, len - 1, halves), "torn");
    free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics),
        cmocka_unit_test(logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
