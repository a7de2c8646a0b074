#include "check.h"
#include "core/random.h"
#include "otlp/builder.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "otlp/read.h"
#include "proto/otlp.pb-c.h"

#include <math.h>

#define ROUNDING_S 30e-9 /* of a time, as it is sent */

/* A batch of one series and its target, with known numbers. */
struct known {
    struct target target;
    struct kind kind;
    struct series series;
    struct histogram delays[3];
    const struct series *list[1];
    struct target_state state;
    struct self_value self[2];
    struct batch batch;
    void *packed; /* what sent() made of it */
    size_t len;
    Otlp__ExportMetricsServiceRequest *request;
};

static void make(struct known *k)
{
    memset(k, 0, sizeof *k);
    k->kind = (struct kind){.name = "tcp", .delays = {"rtt"}, .uses = USES_PORT};
    k->target.name = "teams";
    k->target.host = "teams.example";
    strcpy(k->target.service, "teams");
    k->target.port = 443;
    struct series *s = &k->series;
    *s = (struct series){
        .target = &k->target, .kind = &k->kind, .family = FAMILY_IPV4, .pop = "AMS"};
    s->delays = k->delays;
    s->start = s->histograms_start = (struct wall){1000 * NS_PER_S};
    s->outcomes[OUTCOME_REPLY] = 3;
    s->outcomes[OUTCOME_LOSS] = 1;
    s->counters[COUNTER_DUPLICATES] = 2;
    s->delays[0] = histogram_empty();
    s->variation = histogram_empty();
    for (int i = 1; i <= 3; i++)
        histogram_add(&s->delays[0], i * 10 * NS_PER_MS);
    s->in_window = true;
    s->window.start = (struct wall){1060 * NS_PER_S};
    s->window.loss_ratio = 0.25;
    s->window.longest_burst = 4;
    for (size_t p = 0; p < PERCENTILES; p++)
        s->window.delays[0].percentile_ns[p] = 30 * NS_PER_MS;
    s->window.delays[0].percentile_ns[P50] = 20 * NS_PER_MS;
    s->window.delays[0].supported[P50] = true;
    k->list[0] = s;
    k->state = (struct target_state){
        .target = &k->target, .pop = "AMS", .up = true, .measured = true, .rank = 1};
    k->self[0] = (struct self_value){
        "edgelat.agent.cpu.time", "s", "CPU time", true, 1.5, "cpu.mode", "user"};
    k->self[1] = (struct self_value){
        "edgelat.agent.cpu.time", "s", "CPU time", true, 0.5, "cpu.mode", "system"};
    k->batch = (struct batch){
        .agent_start = {900 * NS_PER_S},
        .window_start = {1060 * NS_PER_S},
        .time = {1120 * NS_PER_S},
        .series = k->list,
        .n_series = 1,
        .targets = &k->state,
        .n_targets = 1,
        .self = k->self,
        .n_self = 2,
    };
}

static void forget_sent(struct known *k)
{
    if (k->request != NULL)
        otlp__export_metrics_service_request__free_unpacked(k->request, NULL);
    free(k->packed);
}

static void unmake(struct known *k)
{
    histogram_free(&k->series.delays[0]);
    histogram_free(&k->series.variation);
    forget_sent(k);
}

static const struct otlp_resource resource = {
    .instance_id = "id", .version = "1.2.3", .host_name = "branch", .site = ""};

struct parts {
    void *bytes[16];
    size_t len[16], n;
};

static void add_part(void *bytes, size_t len, void *user)
{
    struct parts *p = user;
    CHECK(p->n < 16, "so many parts");
    p->bytes[p->n] = bytes;
    p->len[p->n++] = len;
}

/* What fits into one request. */
static void *encode(const struct batch *batch, const struct otlp_resource *r, size_t *len)
{
    struct parts parts = {.n = 0};
    otlp_metrics(batch, r, &METRIC_CHOICE_DEFAULT, add_part, &parts);
    CHECK_INT(1, parts.n, "one request");
    *len = parts.len[0];
    return parts.bytes[0];
}

static Otlp__ExportMetricsServiceRequest *decode(const void *packed, size_t len)
{
    void *plain;
    size_t plain_len;
    CHECK_INT(0, gzip_unpack(packed, len, OTLP_BYTES_MAX, &plain, &plain_len),
              "it is gzip");
    Otlp__ExportMetricsServiceRequest *request =
        otlp__export_metrics_service_request__unpack(NULL, plain_len, plain);
    free(plain);
    CHECK(request != NULL, "it is protobuf");
    return request;
}

/* Of the known batch, until the next one or unmake(). */
static const Otlp__ExportMetricsServiceRequest *sent(struct known *k)
{
    forget_sent(k);
    k->packed = encode(&k->batch, &resource, &k->len);
    k->request = decode(k->packed, k->len);
    return k->request;
}

static const Otlp__Metric *find_or_null(const Otlp__ExportMetricsServiceRequest *request,
                                        const char *name)
{
    const Otlp__ScopeMetrics *scope = request->resource_metrics[0]->scope_metrics[0];
    const Otlp__Metric *found = NULL;
    for (size_t i = 0; i < scope->n_metrics; i++) {
        if (strcmp(scope->metrics[i]->name, name) == 0) {
            CHECK(found == NULL, "%s stands once", name);
            found = scope->metrics[i];
        }
    }
    return found;
}

static const Otlp__Metric *find(const Otlp__ExportMetricsServiceRequest *request,
                                const char *name)
{
    const Otlp__Metric *found = find_or_null(request, name);
    CHECK(found != NULL, "%s is there", name);
    return found;
}

static const char *attribute(Otlp__KeyValue **list, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i]->key, key) == 0)
            return list[i]->value->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE
                       ? list[i]->value->string_value
                       : "not a text";
    return "missing";
}

static void delays_are_cumulative_histograms(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    k.series.extreme = 1; /* a new one */
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__Metric *m = find(request, "edgelat.probe.delay");
    CHECK_TEXT("s", m->unit, "seconds");
    CHECK_INT(OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM, m->data_case,
              "exponential histogram");
    CHECK_INT(2, m->exponential_histogram->aggregation_temporality, "cumulative");
    CHECK_INT(1, m->exponential_histogram->n_data_points, "one series");
    const Otlp__ExponentialHistogramDataPoint *p =
        m->exponential_histogram->data_points[0];
    CHECK_INT(1000 * NS_PER_S, p->start_time_unix_nano, "since the series began");
    CHECK_INT(1120 * NS_PER_S, p->time_unix_nano, "at the end of the window");
    CHECK_INT(3, p->count, "count");
    CHECK_NEAR(0.060, p->sum, ROUNDING_S, "sum");
    CHECK_NEAR(0.010, p->min, ROUNDING_S, "minimum");
    CHECK_NEAR(0.030, p->max, ROUNDING_S, "maximum");
    CHECK_INT(HISTOGRAM_SCALE, p->scale, "scale");
    uint64_t total = 0;
    for (size_t i = 0; i < p->positive->n_bucket_counts; i++) {
        double upper = exp2((double)(p->positive->offset + (int)i + 1) / (1 << p->scale));
        double lower = exp2((double)(p->positive->offset + (int)i) / (1 << p->scale));
        if (p->positive->bucket_counts[i] > 0)
            CHECK((lower < 0.01 && upper >= 0.01) || (lower < 0.02 && upper >= 0.02) ||
                      (lower < 0.03 && upper >= 0.03),
                  "bucket (%g, %g] holds a value", lower, upper);
        total += p->positive->bucket_counts[i];
    }
    CHECK_INT(3, total, "every value is in a bucket");
    CHECK_TEXT("teams", attribute(p->attributes, p->n_attributes, "edgelat.target"),
               "target");
    CHECK_TEXT("AMS", attribute(p->attributes, p->n_attributes, "edgelat.pop"), "PoP");
    CHECK_TEXT("ipv4", attribute(p->attributes, p->n_attributes, "network.type"),
               "family");
    CHECK_TEXT("tcp", attribute(p->attributes, p->n_attributes, "edgelat.probe.kind"),
               "kind");
    CHECK_TEXT("rtt", attribute(p->attributes, p->n_attributes, "edgelat.delay"),
               "delay");
    unmake(&k);
}

static void as_delta(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    k.batch.delta = true;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__Sum *cpu = find(request, "edgelat.agent.cpu.time")->sum;
    CHECK_INT(1,
              find(request, "edgelat.probe.delay")
                  ->exponential_histogram->aggregation_temporality,
              "AGGREGATION_TEMPORALITY_DELTA");
    CHECK_INT(1, find(request, "edgelat.probe.results")->sum->aggregation_temporality,
              "of sums, too");
    CHECK_INT(1, cpu->aggregation_temporality, "and of the agent itself");
    CHECK_INT(1060 * NS_PER_S, cpu->data_points[0]->start_time_unix_nano,
              "since the window began");
    unmake(&k);
}

/* All that the series has counted is of the window that has closed. */
static void all_is_of_the_window(struct known *k)
{
    struct summary *w = &k->series.window;
    memcpy(w->outcomes, k->series.outcomes, sizeof w->outcomes);
    w->counters[COUNTER_DUPLICATES] = k->series.counters[COUNTER_DUPLICATES];
    histogram_merge(&k->series.variation, &k->series.delays[0]);
    k->series.begun = k->series.extreme = 1 | 1 << SERIES_VARIATION;
}

/* The points of a sum with one value of an attribute: "time value" each. */
static const char *sum_points(char out[128], const Otlp__Metric *m, const char *key,
                              const char *value)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < m->sum->n_data_points; i++) {
        const Otlp__NumberDataPoint *p = m->sum->data_points[i];
        double number = p->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT
                            ? (double)p->as_int
                            : p->as_double;
        if (strcmp(attribute(p->attributes, p->n_attributes, key), value) == 0)
            used += (size_t)snprintf(
                out + used, 128 - used, "%s%llu %g", used > 0 ? ", " : "",
                (unsigned long long)p->time_unix_nano / NS_PER_S, number);
    }
    return out;
}

static void a_series_begins_with_zero(void **state)
{
    (void)state;
    struct known k;
    char points[128];
    make(&k);
    all_is_of_the_window(&k);
    k.series.start = k.series.histograms_start = k.series.window.start =
        (struct wall){1090 * NS_PER_S};
    k.batch.first = true;
    k.series.window.delays[0].supported[P50] = false; /* no gauge before the sums */
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    CHECK_INT(1120 * NS_PER_S, otlp_read_time(SIGNAL_METRICS, k.packed, k.len).ns,
              "the time of the batch is the window's end");
    const Otlp__Metric *results = find(request, "edgelat.probe.results");
    CHECK_TEXT("1090 0, 1120 3", sum_points(points, results, "edgelat.outcome", "reply"),
               "at its start time, then the count");
    CHECK_TEXT("1090 0, 1120 1", sum_points(points, results, "edgelat.outcome", "loss"),
               "of each outcome");
    for (size_t i = 0; i < results->sum->n_data_points; i++)
        CHECK_INT(1090 * NS_PER_S, results->sum->data_points[i]->start_time_unix_nano,
                  "all of one start");
    CHECK_TEXT("1090 0, 1120 2",
               sum_points(points, find(request, "edgelat.probe.anomalies"),
                          "edgelat.anomaly", "duplicate"),
               "of each anomaly");
    CHECK_TEXT(
        "900 0, 1120 1.5",
        sum_points(points, find(request, "edgelat.agent.cpu.time"), "cpu.mode", "user"),
        "of the agent itself");
    static const char *const histograms[] = {"edgelat.probe.delay",
                                             "edgelat.probe.delay_variation"};
    for (size_t i = 0; i < 2; i++) {
        const Otlp__ExponentialHistogram *h =
            find(request, histograms[i])->exponential_histogram;
        CHECK_INT(2, h->n_data_points, histograms[i]);
        CHECK_INT(1090 * NS_PER_S, h->data_points[0]->time_unix_nano, "begins");
        CHECK_INT(0, h->data_points[0]->count, "with nothing");
        CHECK_INT(h->data_points[1]->scale, h->data_points[0]->scale, "at its scale");
        CHECK_INT(3, h->data_points[1]->count, "then what it has");
    }
    unmake(&k);
}

/* Of a time, no more is lost than a kernel's stamp is off. */
static void times_are_rounded_little(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    for (int i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)random_below(&random, UINT32_MAX >> i % 32);
        double s = builder_seconds((double)ns / 1e9);
        CHECK_NEAR((double)ns / 1e9, s, ROUNDING_S, "seconds");
        CHECK_NEAR(0, remainder(s, 0x1p-24), 0, "no bits beyond");
    }
    CHECK_NEAR(1e15 + 0.125, builder_seconds(1e15 + 0.125), 0, "a count of bytes");
}

/* What stands as in the batch before is left out of a brief batch, and nothing else. */
static void brief_batches(void **state)
{
    (void)state;
    struct known k;
    char points[128];
    make(&k);
    k.series.brief = k.series.lossless = true;
    k.series.outcomes[OUTCOME_LOSS] = 0;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__Metric *results = find(request, "edgelat.probe.results");
    CHECK_TEXT("", sum_points(points, results, "edgelat.outcome", "loss"), "0 lost");
    CHECK_TEXT("1120 3", sum_points(points, results, "edgelat.outcome", "reply"),
               "a count");
    CHECK_INT(1, find(request, "edgelat.probe.loss_ratio")->gauge->n_data_points,
              "it says that there were probes");
    CHECK(find_or_null(request, "edgelat.probe.loss_burst") == NULL, "no burst again");
    const Otlp__ExponentialHistogramDataPoint *p =
        find(request, "edgelat.probe.delay")->exponential_histogram->data_points[0];
    CHECK_INT(3, p->count, "its count");
    CHECK_INT(OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MAX__NOT_SET, p->has_max_case,
              "the same extremes");
    k.series.due[PERIOD_DAY] = true;
    request = sent(&k);
    p = find(request, "edgelat.probe.delay")->exponential_histogram->data_points[0];
    CHECK_NEAR(0.030, p->max, ROUNDING_S, "again, with those of a day");
    unmake(&k);

    make(&k);
    k.series.brief = true;
    k.series.extreme = 1;
    request = sent(&k);
    p = find(request, "edgelat.probe.delay")->exponential_histogram->data_points[0];
    CHECK_NEAR(0.030, p->max, ROUNDING_S, "a new maximum");
    CHECK_INT(4, find(request, "edgelat.probe.loss_burst")->gauge->data_points[0]->as_int,
              "a burst");
    unmake(&k);
}

static const struct {
    const char *what;
    int64_t window_s, start_s, end_s;
    bool delta, is_new;
    size_t delays, variations;
    bool extreme; /* a new one, of the phase "tls" */
} turns[] = {
    {"an odd window: the main delay", 60, 1080, 1140, false, false, 1, 0},
    {"an even window", 60, 1140, 1200, false, false, 3, 1},
    {"the next odd one", 60, 1200, 1260, false, false, 1, 0},
    {"an odd one of a busy host", 60, 1085, 1146, false, false, 1, 0},
    {"a long odd window", 300, 1500, 1800, false, false, 3, 1},
    {"a part of a window, at a stop", 60, 1080, 1127, false, false, 3, 1},
    {"a short part of it", 60, 1140, 1142, false, false, 3, 1},
    {"a new series in an odd window, each with its 0", 60, 1080, 1140, false, true, 6, 2},
    {"delta in an odd window", 60, 1080, 1140, true, false, 3, 1},
    {"a new extreme in an odd window", 60, 1080, 1140, false, false, 2, 0, true},
};

/* Histograms of phases and of the variation are sent with every other whole window, which
 * closes some milliseconds late. */
static void phases_take_turns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        struct known k;
        make(&k);
        k.kind = (struct kind){
            .name = "https", .delays = {"rtt", "tls", "total"}, .main_delay = 2};
        k.batch.delta = turns[i].delta;
        k.batch.window_ns = turns[i].window_s * NS_PER_S;
        k.batch.window_start.ns = k.series.window.start.ns =
            turns[i].start_s * NS_PER_S + NS_PER_MS / 3;
        k.batch.time.ns = turns[i].end_s * NS_PER_S + NS_PER_MS;
        for (size_t d = 1; d < 3; d++) {
            k.series.delays[d] = histogram_empty();
            histogram_merge(&k.series.delays[d], &k.series.delays[0]);
        }
        histogram_merge(&k.series.variation, &k.series.delays[0]);
        k.series.begun = turns[i].is_new ? 7 | 1 << SERIES_VARIATION : 0;
        k.series.extreme = turns[i].extreme ? 1 << 1 : 0;
        const Otlp__ExportMetricsServiceRequest *request = sent(&k);
        const Otlp__Metric *delays = find(request, "edgelat.probe.delay");
        CHECK_INT(turns[i].delays, delays->exponential_histogram->n_data_points,
                  turns[i].what);
        const Otlp__Metric *v = find_or_null(request, "edgelat.probe.delay_variation");
        CHECK_INT(turns[i].variations,
                  v != NULL ? v->exponential_histogram->n_data_points : 0, turns[i].what);
        for (size_t d = 1; d < 3; d++)
            histogram_free(&k.series.delays[d]);
        unmake(&k);
    }
}

/* A count that was not exported while it was 0 begins where the window does. */
static void a_count_that_begins_later(void **state)
{
    (void)state;
    struct known k;
    char points[128];
    make(&k);
    k.series.outcomes[OUTCOME_REFUSED] = k.series.window.outcomes[OUTCOME_REFUSED] = 7;
    k.series.outcomes[OUTCOME_LOSS] = k.series.window.outcomes[OUTCOME_LOSS] = 2;
    k.series.window.counters[COUNTER_DUPLICATES] = 1; /* of two */
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__Metric *results = find(request, "edgelat.probe.results");
    CHECK_TEXT("1060 0, 1120 7",
               sum_points(points, results, "edgelat.outcome", "refused"), "refused");
    CHECK_TEXT("1060 0, 1120 2", sum_points(points, results, "edgelat.outcome", "loss"),
               "its 0 is not in each batch");
    CHECK_TEXT("1120 3", sum_points(points, results, "edgelat.outcome", "reply"),
               "not new");
    CHECK_TEXT("1120 2",
               sum_points(points, find(request, "edgelat.probe.anomalies"),
                          "edgelat.anomaly", "duplicate"),
               "not new either");
    CHECK_TEXT(
        "1120 1.5",
        sum_points(points, find(request, "edgelat.agent.cpu.time"), "cpu.mode", "user"),
        "nor the agent");
    unmake(&k);
}

static void as_delta_nothing_begins(void **state)
{
    (void)state;
    struct known k;
    char points[128];
    make(&k);
    all_is_of_the_window(&k);
    k.batch.delta = k.batch.first = true;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    CHECK_TEXT("1120 3",
               sum_points(points, find(request, "edgelat.probe.results"),
                          "edgelat.outcome", "reply"),
               "a delta has its start");
    CHECK_INT(1,
              find(request, "edgelat.probe.delay")->exponential_histogram->n_data_points,
              "delays");
    CHECK_TEXT(
        "1120 1.5",
        sum_points(points, find(request, "edgelat.agent.cpu.time"), "cpu.mode", "user"),
        "of the agent itself");
    unmake(&k);
}

static void counts_ratios_and_ranks(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__Metric *results = find(request, "edgelat.probe.results");
    CHECK(results->sum->is_monotonic, "a counter");
    CHECK_INT(2, results->sum->n_data_points,
              "reply and loss; what never happened is left out");
    const Otlp__NumberDataPoint *loss = results->sum->data_points[1];
    CHECK_TEXT("loss", attribute(loss->attributes, loss->n_attributes, "edgelat.outcome"),
               "outcome");
    CHECK_INT(1, loss->as_int, "one lost");
    const Otlp__NumberDataPoint *twice =
        find(request, "edgelat.probe.anomalies")->sum->data_points[0];
    CHECK_TEXT("duplicate",
               attribute(twice->attributes, twice->n_attributes, "edgelat.anomaly"),
               "what");
    CHECK_INT(2, twice->as_int, "two duplicates");
    CHECK_NEAR(
        0.25, find(request, "edgelat.probe.loss_ratio")->gauge->data_points[0]->as_double,
        0, "ratio");
    CHECK_INT(1, find(request, "edgelat.target.rank")->gauge->data_points[0]->as_int,
              "rank");
    CHECK_INT(4, find(request, "edgelat.probe.loss_burst")->gauge->data_points[0]->as_int,
              "burst");
    CHECK_INT(0,
              find(request, "edgelat.target.intercepted")->gauge->data_points[0]->as_int,
              "no middlebox");
    CHECK_INT(1, find(request, "edgelat.target.up")->gauge->data_points[0]->as_int, "up");
    const Otlp__Metric *quantile = find(request, "edgelat.probe.delay.quantile");
    CHECK_INT(1, quantile->gauge->n_data_points, "the one percentile that is supported");
    CHECK_NEAR(0.020, quantile->gauge->data_points[0]->as_double, ROUNDING_S, "p50");
    CHECK_TEXT("0.5",
               attribute(quantile->gauge->data_points[0]->attributes,
                         quantile->gauge->data_points[0]->n_attributes, "quantile"),
               "its name");
    CHECK_TEXT("window",
               attribute(quantile->gauge->data_points[0]->attributes,
                         quantile->gauge->data_points[0]->n_attributes, "edgelat.period"),
               "its period");
    CHECK_TEXT("missing",
               attribute(quantile->gauge->data_points[0]->attributes,
                         quantile->gauge->data_points[0]->n_attributes,
                         "edgelat.quantile.supported"),
               "support is no part of the identity");
    const Otlp__Metric *cpu = find(request, "edgelat.agent.cpu.time");
    CHECK_INT(2, cpu->sum->n_data_points, "two points of one metric");
    CHECK_INT(900 * NS_PER_S, cpu->sum->data_points[0]->start_time_unix_nano,
              "since the agent began");
    unmake(&k);
}

static bool is_sent(const Otlp__ExportMetricsServiceRequest *request, const char *name)
{
    const Otlp__ScopeMetrics *scope = request->resource_metrics[0]->scope_metrics[0];
    for (size_t i = 0; i < scope->n_metrics; i++)
        if (strcmp(scope->metrics[i]->name, name) == 0)
            return true;
    return false;
}

static void what_is_sent_can_be_chosen(void **state)
{
    (void)state;
    static const char *const names[] = {"edgelat.probe.delay",
                                        "edgelat.probe.delay.quantile",
                                        "edgelat.probe.delay_variation"};
    for (unsigned left_out = 0; left_out <= 3; left_out++) {
        struct known k;
        struct parts parts = {.n = 0};
        make(&k);
        histogram_merge(&k.series.variation, &k.series.delays[0]);
        struct metric_choice choice = {left_out != 0,
                                       left_out != 1 ? QUANTILES_MAIN : QUANTILES_NONE,
                                       left_out != 2};
        otlp_metrics(&k.batch, &resource, &choice, add_part, &parts);
        Otlp__ExportMetricsServiceRequest *request = decode(parts.bytes[0], parts.len[0]);
        for (unsigned i = 0; i < 3; i++)
            CHECK_INT(i != left_out, is_sent(request, names[i]), names[i]);
        CHECK(is_sent(request, "edgelat.probe.results"), "counts always are");
        otlp__export_metrics_service_request__free_unpacked(request, NULL);
        free(parts.bytes[0]);
        unmake(&k);
    }
}

static size_t count_points(struct known *k, enum quantile_choice quantiles)
{
    struct parts parts = {.n = 0};
    struct metric_choice choice = {true, quantiles, true};
    otlp_metrics(&k->batch, &resource, &choice, add_part, &parts);
    Otlp__ExportMetricsServiceRequest *request = decode(parts.bytes[0], parts.len[0]);
    size_t n = find(request, "edgelat.probe.delay.quantile")->gauge->n_data_points;
    otlp__export_metrics_service_request__free_unpacked(request, NULL);
    free(parts.bytes[0]);
    return n;
}

/* Phases make most delays of a target. */
static void percentiles_of_phases_are_sent_if_asked_for(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    static const struct kind two = {
        .name = "two", .delays = {"phase", "total"}, .main_delay = 1};
    struct histogram *known = k.series.delays, delays[2] = {*known, histogram_empty()};
    k.series.kind = &two;
    k.series.delays = delays;
    k.series.window.delays[1] = k.series.window.delays[0];
    CHECK_INT(1, count_points(&k, QUANTILES_MAIN), "of the main delay");
    CHECK_INT(2, count_points(&k, QUANTILES_ALL), "of both");
    k.series.delays = known;
    unmake(&k);
}

static void a_threshold_is_told(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    histogram_set_zero(&k.series.variation, 13);
    histogram_add(&k.series.variation, 1000);
    histogram_add(&k.series.variation, NS_PER_MS);
    const Otlp__Metric *m = find(sent(&k), "edgelat.probe.delay_variation");
    const Otlp__ExponentialHistogramDataPoint *p =
        m->exponential_histogram->data_points[0];
    CHECK_NEAR(1.0 / 8192, p->zero_threshold, 0, "threshold");
    CHECK_INT(1, p->zero_count, "below it");
    CHECK_INT(2, p->count, "all");
    CHECK_INT(1, p->positive->n_bucket_counts, "above it");
    unmake(&k);
}

/* Receivers make names of units: "1" of a gauge becomes "_ratio". */
static void https_facts_of_a_target(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    struct target_address_state *address = &k.state.addresses[0];
    address->to.family = FAMILY_IPV4;
    address->issuer = "Contoso CA";
    address->issuer_foreign = true;
    static const struct status_count statuses[STATUSES_MAX] = {{200, 7, .before = 5},
                                                               {503, 2, .before = 0}};
    address->statuses = statuses;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__NumberDataPoint *tls =
        find(request, "edgelat.target.tls_intercepted")->gauge->data_points[0];
    CHECK_INT(1, tls->as_int, "intercepted");
    CHECK_TEXT("Contoso CA",
               attribute(tls->attributes, tls->n_attributes, "tls.server.issuer"), "by");
    CHECK_TEXT("ipv4", attribute(tls->attributes, tls->n_attributes, "network.type"),
               "family");
    const Otlp__Metric *responses = find(request, "edgelat.probe.http_responses");
    CHECK_INT(3, responses->sum->n_data_points, "a new status begins at 0");
    static const int64_t counts[][2] = {{200, 7}, {503, 0}, {503, 2}};
    for (size_t i = 0; i < 3; i++) {
        const Otlp__NumberDataPoint *p = responses->sum->data_points[i];
        int64_t status = 0;
        for (size_t a = 0; a < p->n_attributes; a++)
            if (strcmp(p->attributes[a]->key, "http.response.status_code") == 0)
                status = p->attributes[a]->value->int_value;
        CHECK_INT(counts[i][0], status, "status");
        CHECK_INT(counts[i][1], p->as_int, "responses");
    }
    unmake(&k);
}

/* Four addresses, one of them silent, one unknown, one without a slot. */
static void addresses_of_a_name(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    struct target_address_state *a = &k.state.addresses[0];
    static const enum state states[] = {STATE_UP, STATE_DOWN, STATE_UNKNOWN, STATE_UP};
    struct address_state all[4];
    for (uint8_t i = 0; i < 4; i++)
        all[i] = (struct address_state){
            .to = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, i + 1}},
            .state = states[i],
            .has_slot = i < 3,
            .median_ns = i == 0 ? 7 * NS_PER_MS : DELAY_UNDEFINED};
    a->to = all[0].to;
    a->all = all;
    a->n_all = 4;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    static const struct {
        const char *metric, *key, *value;
        double expected;
    } points[] = {
        {"edgelat.target.addresses", "edgelat.address.state", "unknown", 1},
        {"edgelat.target.addresses", "edgelat.address.state", "up", 2},
        {"edgelat.target.addresses", "edgelat.address.state", "down", 1},
        {"edgelat.address.up", "network.peer.address", "192.0.2.1", 1},
        {"edgelat.address.up", "network.peer.address", "192.0.2.2", 0},
        {"edgelat.address.delay", "network.peer.address", "192.0.2.1", 0.007},
    };
    enum { N = sizeof points / sizeof *points };
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        const Otlp__Gauge *gauge = find(request, points[i].metric)->gauge;
        bool another = i == 0 || strcmp(points[i - 1].metric, points[i].metric) != 0;
        n += another ? gauge->n_data_points : 0;
        for (size_t d = 0; d < gauge->n_data_points; d++) {
            const Otlp__NumberDataPoint *p = gauge->data_points[d];
            CHECK_TEXT("ipv4", attribute(p->attributes, p->n_attributes, "network.type"),
                       "family");
            if (strcmp(attribute(p->attributes, p->n_attributes, points[i].key),
                       points[i].value) == 0)
                CHECK_NEAR(points[i].expected,
                           p->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT
                               ? (double)p->as_int
                               : p->as_double,
                           ROUNDING_S, points[i].value);
        }
    }
    CHECK_INT(N, n, "no other points");
    unmake(&k);
}

/* What went through an HTTP proxy has neither family nor address. */
static void a_series_through_a_proxy(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    k.series.family = k.series.to.family = FAMILY_PROXY;
    k.series.pop[0] = 0;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__ExponentialHistogramDataPoint *delay =
        find(request, "edgelat.probe.delay")->exponential_histogram->data_points[0];
    const Otlp__NumberDataPoint *results =
        find(request, "edgelat.probe.results")->sum->data_points[0];
    CHECK_TEXT("proxy", attribute(delay->attributes, delay->n_attributes, "network.type"),
               "delay");
    CHECK_TEXT("proxy",
               attribute(results->attributes, results->n_attributes, "network.type"),
               "results");
    CHECK_TEXT(
        "missing",
        attribute(results->attributes, results->n_attributes, "network.peer.address"),
        "no address");
    unmake(&k);
}

static void path_mtu(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    const struct path_mtu mtus[] = {{.target = &k.target,
                                     .family = FAMILY_IPV6,
                                     .bytes = 1400,
                                     .limit = MTU_LIMIT_BLACK_HOLE},
                                    {.target = &k.target, .family = FAMILY_IPV4}};
    k.batch.mtus = mtus;
    k.batch.n_mtus = 2;
    const Otlp__Metric *metric = find(sent(&k), "edgelat.path.mtu");
    CHECK_TEXT("By", metric->unit, "its unit");
    CHECK_INT(1, metric->gauge->n_data_points, "none where it cannot be told");
    const Otlp__NumberDataPoint *p = metric->gauge->data_points[0];
    CHECK_INT(1400, p->as_int, "bytes");
    CHECK_TEXT("ipv6", attribute(p->attributes, p->n_attributes, "network.type"),
               "family");
    CHECK_TEXT("black_hole",
               attribute(p->attributes, p->n_attributes, "edgelat.path.mtu.limit"),
               "what limits it");
    unmake(&k);
}

static void gains_of_front_doors(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    const struct edge_gain gains[] = {
        {&k.target, FAMILY_IPV4, true, 15 * NS_PER_MS, 14 * NS_PER_MS, 16 * NS_PER_MS,
         true},
        {&k.target, FAMILY_IPV6, false, 0, 0, 0, false},
    };
    k.batch.gains = gains;
    k.batch.n_gains = 2;
    static const char *const names[] = {"edgelat.edge.gain", "edgelat.edge.gain.low",
                                        "edgelat.edge.gain.high"};
    static const double expected[] = {0.015, 0.014, 0.016};
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    for (size_t i = 0; i < 3; i++) {
        const Otlp__Gauge *g = find(request, names[i])->gauge;
        CHECK_INT(1, g->n_data_points, "where it is known");
        CHECK_NEAR(expected[i], g->data_points[0]->as_double, ROUNDING_S, names[i]);
    }
    const Otlp__Gauge *found = find(request, "edgelat.target.suboptimal")->gauge;
    CHECK_INT(2, found->n_data_points, "both families");
    for (int i = 0; i < 2; i++) {
        const Otlp__NumberDataPoint *p = found->data_points[i];
        CHECK_INT(i == 0, p->as_int, "a finding");
        CHECK_TEXT(i == 0 ? "ipv4" : "ipv6",
                   attribute(p->attributes, p->n_attributes, "network.type"), "family");
    }
    unmake(&k);
}

static void units_and_descriptions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *unit;
    } expected[] = {
        {"edgelat.probe.results", "{probe}"},
        {"edgelat.probe.anomalies", "{anomaly}"},
        {"edgelat.probe.loss_ratio", "1"},
        {"edgelat.probe.loss_burst", "{probe}"},
        {"edgelat.target.up", ""},
        {"edgelat.target.rank", "{rank}"},
        {"edgelat.target.intercepted", ""},
        {"edgelat.probe.delay.quantile", "s"},
        {"edgelat.agent.cpu.time", "s"},
    };
    struct known k;
    make(&k);
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const Otlp__Metric *m = find(request, expected[i].name);
        CHECK_TEXT(expected[i].unit, m->unit, expected[i].name);
        CHECK(m->description[0] != '\0', "%s: what it is", expected[i].name);
    }
    unmake(&k);
}

static void nothing_known_is_nothing_said(void **state)
{
    (void)state;
    static const char *const of_window[] = {
        "edgelat.probe.delay.quantile", "edgelat.probe.loss_ratio", "edgelat.target.up"};
    struct known k;
    make(&k);
    k.series.in_window = false;
    k.series.pop[0] = '\0';
    endpoint_parse(&k.series.to, "203.0.113.7", 443);
    k.target.service[0] = '\0';
    k.state.measured = false;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    for (size_t i = 0; i < sizeof of_window / sizeof *of_window; i++)
        CHECK(!is_sent(request, of_window[i]),
              "%s says something about a window that was not", of_window[i]);
    const Otlp__ExponentialHistogramDataPoint *p =
        find(request, "edgelat.probe.delay")->exponential_histogram->data_points[0];
    CHECK_TEXT("unknown", attribute(p->attributes, p->n_attributes, "edgelat.pop"),
               "PoP");
    CHECK_TEXT("missing", attribute(p->attributes, p->n_attributes, "edgelat.service"),
               "service");
    unmake(&k);
}

/* One bad text would make a strict receiver refuse the whole request. */
static void texts_are_made_sendable(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text, *expected;
    } cases[] = {
        {"plain", "branch", "branch"},
        {"UTF-8", "br\xc3\xa9ve", "br\xc3\xa9ve"},
        {"Latin-1", "br\xe9ve", "br?ve"},
        {"cut in the middle of a character", "x\xe2\x82", "x??"},
    };
    char huge[2000];
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    for (size_t i = 0; i <= sizeof cases / sizeof *cases; i++) {
        bool last = i == sizeof cases / sizeof *cases;
        struct known k;
        size_t len;
        make(&k);
        struct otlp_resource r = resource;
        r.host_name = last ? huge : cases[i].text;
        void *packed = encode(&k.batch, &r, &len);
        Otlp__ExportMetricsServiceRequest *request = decode(packed, len);
        const Otlp__Resource *sent = request->resource_metrics[0]->resource;
        const char *host = attribute(sent->attributes, sent->n_attributes, "host.name");
        if (last)
            CHECK_INT(512, strlen(host), "too long");
        else
            CHECK_TEXT(cases[i].expected, host, cases[i].what);
        otlp__export_metrics_service_request__free_unpacked(request, NULL);
        free(packed);
        unmake(&k);
    }
}

static void the_same_batch_gives_the_same_bytes(void **state)
{
    (void)state;
    struct known k;
    size_t len[2];
    make(&k);
    void *a = encode(&k.batch, &resource, &len[0]);
    void *b = encode(&k.batch, &resource, &len[1]);
    CHECK_INT(len[0], len[1], "length");
    CHECK_INT(0, memcmp(a, b, len[0]), "bytes");
    free(a);
    free(b);
    unmake(&k);
}

/* Of a kind that is filtered on the way: what was counted, and no ratio to alert on. */
static void silence_has_no_loss_ratio(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    k.series.silent_while = k.series.kind;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__ScopeMetrics *scope = request->resource_metrics[0]->scope_metrics[0];
    for (size_t i = 0; i < scope->n_metrics; i++)
        CHECK(strncmp(scope->metrics[i]->name, "edgelat.probe.loss_", 19) != 0,
              "%s of a silent series", scope->metrics[i]->name);
    CHECK(find(request, "edgelat.probe.results")->sum->n_data_points > 0, "the counts");
    unmake(&k);
}

/* Every series is in one of the parts, the rest in the first. */
static void large_batches_are_split(void **state)
{
    (void)state;
    enum { SERIES = 6000 };
    struct known k;
    struct parts parts = {.n = 0};
    size_t points = 0, ranks = 0, cpu = 0;
    make(&k);
    const struct series **list = malloc(SERIES * sizeof *list);
    for (size_t i = 0; i < SERIES; i++)
        list[i] = &k.series;
    k.batch.series = list;
    k.batch.n_series = SERIES;
    otlp_metrics(&k.batch, &resource, &METRIC_CHOICE_DEFAULT, add_part, &parts);
    CHECK(parts.n > 1, "%zu", parts.n);
    for (size_t i = 0; i < parts.n; i++) {
        void *plain;
        size_t plain_len;
        CHECK(parts.len[i] <= OTLP_PART_MAX, "%zu", parts.len[i]);
        CHECK_INT(0,
                  gzip_unpack(parts.bytes[i], parts.len[i], OTLP_PART_PLAIN_MAX, &plain,
                              &plain_len),
                  "unpacked it is small as well");
        free(plain);
        Otlp__ExportMetricsServiceRequest *request = decode(parts.bytes[i], parts.len[i]);
        for (size_t r = 0; r < request->n_resource_metrics; r++) {
            const Otlp__ResourceMetrics *from = request->resource_metrics[r];
            CHECK_TEXT("id",
                       attribute(from->resource->attributes, from->resource->n_attributes,
                                 "service.instance.id"),
                       "each piece says whose it is");
            for (size_t m = 0; m < from->scope_metrics[0]->n_metrics; m++) {
                const Otlp__Metric *metric = from->scope_metrics[0]->metrics[m];
                if (strcmp(metric->name, "edgelat.probe.delay") == 0)
                    points += metric->exponential_histogram->n_data_points;
                ranks += strcmp(metric->name, "edgelat.target.rank") == 0;
                cpu += strcmp(metric->name, "edgelat.agent.cpu.time") == 0;
            }
        }
        otlp__export_metrics_service_request__free_unpacked(request, NULL);
        free(parts.bytes[i]);
    }
    CHECK_INT(SERIES, points, "every series once");
    CHECK_INT(1, ranks, "ranks once");
    CHECK_INT(1, cpu, "the agent itself once");
    free(list);
    unmake(&k);
}

/* The names are a contract: receivers select by them. */
static void every_counter_is_sent_by_its_name(void **state)
{
    (void)state;
    static const char *const names[COUNTERS] = {"late", "duplicate", "reordered",
                                                "lost_packet", "missed"};
    struct known k;
    make(&k);
    for (size_t i = 0; i < COUNTERS; i++)
        k.series.counters[i] = 10 + i;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__Sum *sum = find(request, "edgelat.probe.anomalies")->sum;
    CHECK_INT(COUNTERS, sum->n_data_points, "each once");
    for (size_t i = 0; i < COUNTERS; i++) {
        const Otlp__NumberDataPoint *p = sum->data_points[i];
        CHECK_TEXT(names[i], attribute(p->attributes, p->n_attributes, "edgelat.anomaly"),
                   "name");
        CHECK_INT(10 + i, p->as_int, names[i]);
        CHECK_INT(i, counter_of(names[i]), "read back");
    }
    CHECK_INT(COUNTERS, counter_of("later"), "no counter");
    unmake(&k);
}

/* Two modules may have rows of one metric, with others between them; and histograms. */
static void rows_of_several_modules(void **state)
{
    (void)state;
    static const char name[] = "edgelat.traffic.io";
    struct known k;
    struct histogram delays = histogram_empty();
    histogram_add(&delays, 5 * NS_PER_MS);
    make(&k);
    struct self_value rows[] = {
        {name, "By", "Bytes", true, 1, "edgelat.service", "teams"},
        {"edgelat.user.delay", "s", "Delays", .begins = true, .histogram = &delays},
        {name, "By", "Bytes", true, 2, "edgelat.service", "exchange"},
    };
    k.batch.self = rows;
    k.batch.n_self = 3;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__Metric *io = find(request, name),
                       *user = find(request, "edgelat.user.delay");
    CHECK_INT(2, io->sum->n_data_points, "both rows in one metric");
    CHECK(io->sum->data_points[0]->as_double + io->sum->data_points[1]->as_double == 3,
          "values");
    const Otlp__ExponentialHistogram *h = user->exponential_histogram;
    CHECK_INT(2, h->n_data_points, "0, then the histogram");
    CHECK_INT(0, h->data_points[0]->count, "0 at the start of the window");
    CHECK_INT(1060 * NS_PER_S, h->data_points[0]->time_unix_nano, "then");
    CHECK_INT(1, h->data_points[1]->count, "the histogram");
    CHECK_INT(1120 * NS_PER_S, h->data_points[1]->time_unix_nano, "at the window's end");
    histogram_free(&delays);
    unmake(&k);
}

static void paths(void **state)
{
    (void)state;
    struct known k;
    make(&k);
    const struct path_state all[] = {
        {.target = k.state.target,
         .family = FAMILY_IPV4,
         .entry_state = ENTRY_FOUND,
         .entry = "LON",
         .hops = 12,
         .as_hops = 1,
         .as_hops_source = AS_HOPS_BY_BGP,
         .segment_ns = {DELAY_UNDEFINED, NS_PER_MS, 7 * NS_PER_MS, DELAY_UNDEFINED}},
        {.target = k.state.target,
         .family = FAMILY_IPV6,
         .entry_state = ENTRY_HIDDEN,
         .segment_ns = {DELAY_UNDEFINED, 2 * NS_PER_MS, DELAY_UNDEFINED,
                        DELAY_UNDEFINED}},
    };
    k.batch.paths = (const struct path_state *[]){&all[0], &all[1]};
    k.batch.n_paths = 2;
    const Otlp__ExportMetricsServiceRequest *request = sent(&k);
    const Otlp__Gauge *hops = find(request, "edgelat.path.hops")->gauge;
    CHECK_INT(1, hops->n_data_points, "not of a path that was not reached");
    CHECK_INT(12, hops->data_points[0]->as_int, "hops");
    CHECK_TEXT("LON",
               attribute(hops->data_points[0]->attributes,
                         hops->data_points[0]->n_attributes, "edgelat.path.entry"),
               "entry");
    CHECK_INT(1, find(request, "edgelat.path.as_hops")->gauge->data_points[0]->as_int,
              "AS hops");
    const Otlp__NumberDataPoint *as_hops =
        find(request, "edgelat.path.as_hops")->gauge->data_points[0];
    CHECK_TEXT("bgp",
               attribute(as_hops->attributes, as_hops->n_attributes,
                         "edgelat.path.as_hops.source"),
               "by which source: a series of its own");
    const Otlp__Gauge *delays = find(request, "edgelat.path.segment.delay")->gauge;
    static const struct {
        const char *family, *entry, *segment;
        double s;
    } expected[] = {{"ipv4", "LON", "local", 0.001},
                    {"ipv4", "LON", "provider", 0.007},
                    {"ipv6", "hidden", "local", 0.002}};
    CHECK_INT(3, delays->n_data_points, "nothing that cannot be told");
    for (size_t i = 0; i < 3; i++) {
        const Otlp__NumberDataPoint *p = delays->data_points[i];
        CHECK_TEXT(expected[i].family,
                   attribute(p->attributes, p->n_attributes, "network.type"), "family");
        CHECK_TEXT(expected[i].entry,
                   attribute(p->attributes, p->n_attributes, "edgelat.path.entry"),
                   "entry");
        CHECK_TEXT(expected[i].segment,
                   attribute(p->attributes, p->n_attributes, "edgelat.path.segment"),
                   "segment");
        CHECK_NEAR(expected[i].s, p->as_double, ROUNDING_S, "delay");
    }
    unmake(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_is_sent_by_its_name),
        cmocka_unit_test(delays_are_cumulative_histograms),
        cmocka_unit_test(as_delta),
        cmocka_unit_test(a_series_begins_with_zero),
        cmocka_unit_test(times_are_rounded_little),
        cmocka_unit_test(brief_batches),
        cmocka_unit_test(phases_take_turns),
        cmocka_unit_test(a_count_that_begins_later),
        cmocka_unit_test(as_delta_nothing_begins),
        cmocka_unit_test(counts_ratios_and_ranks),
        cmocka_unit_test(what_is_sent_can_be_chosen),
        cmocka_unit_test(percentiles_of_phases_are_sent_if_asked_for),
        cmocka_unit_test(a_threshold_is_told),
        cmocka_unit_test(https_facts_of_a_target),
        cmocka_unit_test(addresses_of_a_name),
        cmocka_unit_test(gains_of_front_doors),
        cmocka_unit_test(a_series_through_a_proxy),
        cmocka_unit_test(paths),
        cmocka_unit_test(path_mtu),
        cmocka_unit_test(units_and_descriptions),
        cmocka_unit_test(nothing_known_is_nothing_said),
        cmocka_unit_test(silence_has_no_loss_ratio),
        cmocka_unit_test(large_batches_are_split),
        cmocka_unit_test(texts_are_made_sendable),
        cmocka_unit_test(the_same_batch_gives_the_same_bytes),
        cmocka_unit_test(rows_of_several_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
