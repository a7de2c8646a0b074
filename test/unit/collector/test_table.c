#include "collector/table.h"

#include "../cmd/requests.h"
#include "base/fit.h"

static const struct kind waits = {
    .name = "https", .delays = {"rtt", "total"}, .main_delay = 1};
static const struct kind dns_kind = {
    .name = "dns", .delays = {"rtt"}, .of_resolver = true};
static const struct kinds kinds = {{&waits, &dns_kind}, 2};

static const char *const icmp[] = {"teams", "icmp", "ipv4", "LON"};
static const char *const https[] = {"teams", "https", "ipv6", "LON"};

static const char *render(struct text *out, const struct made *m)
{
    struct text made = {0};
    text_clear(out);
    table_render(&made, &m->request, 3120, &kinds);
    fit_text(out, text_string(&made), 0);
    text_free(&made);
    return text_string(out);
}

/* Line `i` of the table, 0 is its head. */
static const char *line(const struct text *table, size_t i)
{
    static char copy[1024];
    const char *at = text_string(table);
    while (i-- > 0 && at != NULL)
        at = strchr(at, '\n') == NULL ? NULL : strchr(at, '\n') + 1;
    CHECK(at != NULL, "the table is shorter:\n%s", text_string(table));
    snprintf(copy, sizeof copy, "%.*s", (int)strcspn(at, "\n"), at);
    return copy;
}

/* A line's words with one blank between them. */
static const char *words(const struct text *table, size_t i)
{
    static char out[1024];
    out[0] = '\0';
    char copy[1024], *rest = copy;
    strcpy(copy, line(table, i));
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        if (out[0] != '\0')
            strcat(out, " ");
        strcat(out, word);
    }
    return out;
}

/* 1000 values around 2^-8 s = 3.91 ms: scale 0, bucket -9 is (2^-9, 2^-8]. */
static void add_thousand(struct made *m, const char *const key[4], const char *delay)
{
    const uint64_t counts[] = {900, 60, 40}; /* (1.95, 3.9], (3.9, 7.8], (7.8, 15.6] */
    made_extremes(made_delays(m, key, delay, 0, -9, counts, 3), 0.002, 0.015);
}

static void test_row(void **state)
{
    (void)state;
    struct made m;
    struct text out = {0};
    made_begin(&m);
    made_resource(&m, "host.name", "branch-17");
    made_resource(&m, "edgelat.site", "K\xc3\xb6ln 2");
    made_results(&m, icmp, "reply", 1000);
    made_results(&m, icmp, "loss", 16);
    made_results(&m, icmp, "unreachable", 8);
    made_results(&m, icmp, "not_measured", 500);
    add_thousand(&m, icmp, "rtt");
    made_rank(&m, "teams", 2);
    CHECK_TEXT("2026-11-23T09:00:00.000000Z  host branch-17  site K\xc3\xb6ln 2  3120 "
               "bytes\n"
               "delays in ms\n"
               "rank  target  PoP  kind  family  sent  loss   p50   p90   p95   p99\n"
               "2     teams   LON  icmp  ipv4    1024  2.3%  2.76  2.76  5.52  11.0\n"
               "(from histograms: percentiles are within 41.5 %)\n",
               render(&out, &m), "one row");
    text_free(&out);
    made_end(&m);
}

static void test_delay_of_the_kind(void **state)
{
    (void)state;
    const uint64_t one[] = {1000};
    struct made m;
    struct text out = {0};
    made_begin(&m);
    made_results(&m, https, "reply", 1000);
    made_delays(&m, https, "rtt", 0, -9, one, 1);
    made_delays(&m, https, "total", 0, -5, one, 1);
    made_delays(&m, https, "tls", 0, -6, one, 1);
    render(&out, &m);
    CHECK_TEXT("- teams LON https ipv6 1000 0.0% 44.2 44.2 44.2 44.2", words(&out, 3),
               "https is about the total");
    CHECK(strstr(text_string(&out), "\ndelays in ms: https total\n") != NULL,
          "it says so");
    text_free(&out);
    made_end(&m);
}

/* DNS servers and the default gateway are at no PoP; of a service it may be unknown. */
static void test_no_pop(void **state)
{
    (void)state;
    static const char *const dns[] = {"dns-192-0-2-53", "dns", "ipv4", "unknown"},
                             *const gateway[] = {"gateway", "icmp", "ipv4", "unknown"},
                             *const service[] = {"teams", "icmp", "ipv4", "unknown"};
    struct made m;
    struct text out = {0};
    made_begin(&m);
    made_results(&m, dns, "reply", 1);
    made_results(&m, gateway, "reply", 1);
    Otlp__NumberDataPoint *p = m.results_points[m.results_sum.n_data_points - 1];
    p->attributes[p->n_attributes++] = made_attribute(&m, "server.address", "_gateway");
    made_results(&m, service, "reply", 1);
    render(&out, &m);
    CHECK_TEXT("- dns-192-0-2-53 - dns ipv4 1 0.0% - - - -", words(&out, 3), "DNS");
    CHECK_TEXT("- gateway - icmp ipv4 1 0.0% - - - -", words(&out, 4), "gateway");
    CHECK_TEXT("- teams unknown icmp ipv4 1 0.0% - - - -", words(&out, 5), "service");
    text_free(&out);
    made_end(&m);
}

/* A dead port loses nothing, and is not fine. */
static void test_failures(void **state)
{
    (void)state;
    struct made m;
    struct text out = {0};
    made_begin(&m);
    made_results(&m, https, "refused", 5);
    made_results(&m, https, "tls_error", 5);
    render(&out, &m);
    CHECK_TEXT("- teams LON https ipv6 10 - - - - -", words(&out, 3), "all failed");
    made_results(&m, https, "loss", 10);
    text_clear(&out);
    render(&out, &m);
    CHECK_TEXT("- teams LON https ipv6 20 50.0% - - - -", words(&out, 3), "half is lost");
    text_free(&out);
    made_end(&m);
}

/* By rank, then target, then as the sender has them: its kinds in their order. */
static void test_order(void **state)
{
    (void)state;
    static const char *const keys[][4] = {
        {"zulu", "tcp", "ipv4", "AMS"},   {"alpha", "icmp", "ipv4", "AMS"},
        {"zulu", "icmp", "ipv6", "AMS"},  {"zulu", "icmp", "ipv4", "PAR"},
        {"bravo", "icmp", "ipv4", "AMS"}, {"zulu", "icmp", "ipv4", "AMS"},
        {"none", "icmp", "ipv4", "AMS"},
    };
    static const char *const expected[] = {
        "1 zulu AMS tcp ipv4",  "1 zulu AMS icmp ipv6",  "1 zulu PAR icmp ipv4",
        "1 zulu AMS icmp ipv4", "2 bravo AMS icmp ipv4", "- alpha AMS icmp ipv4",
    };
    struct made m;
    struct text out = {0};
    made_begin(&m);
    for (size_t i = 0; i < 7; i++)
        made_results(&m, keys[i], i == 6 ? "not_measured" : "reply", 7);
    made_rank(&m, "alpha", 0); /* not eligible */
    made_rank(&m, "bravo", 2);
    made_rank(&m, "zulu", 1);
    render(&out, &m);
    for (size_t i = 0; i < 6; i++)
        CHECK(strncmp(words(&out, 3 + i), expected[i], strlen(expected[i])) == 0,
              "row %zu: expected %s, got %s", i, expected[i], words(&out, 3 + i));
    CHECK_TEXT("", line(&out, 9), "nothing sent, no row");
    text_free(&out);
    made_end(&m);
}

static void test_too_few(void **state)
{
    (void)state;
    const struct {
        uint64_t n; /* values: p50 needs 6, p90 29, p95 59, p99 299 */
        const char *cells;
    } cases[] = {
        {5, "(2.76) (3.91) (3.91) (3.91)"}, {6, "2.76 (3.91) (3.91) (3.91)"},
        {28, "2.76 (2.76) (2.76) (3.91)"},  {29, "2.76 2.76 (2.76) (3.91)"},
        {59, "2.76 2.76 2.76 (3.91)"},      {298, "2.76 2.76 2.76 (2.76)"},
        {299, "2.76 2.76 2.76 2.76"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[128];
        struct made m;
        struct text out = {0};
        bool brackets = strchr(cases[i].cells, '(') != NULL;
        made_begin(&m);
        made_results(&m, icmp, "reply", 1000);
        made_delays(&m, icmp, "rtt", 0, -9, &cases[i].n, 1);
        render(&out, &m);
        snprintf(expected, sizeof expected, "- teams LON icmp ipv4 1000 0.0%% %s",
                 cases[i].cells);
        CHECK_TEXT(expected, words(&out, 3), "brackets");
        CHECK_INT(brackets, strstr(text_string(&out), "(in parentheses:") != NULL,
                  "legend");
        text_free(&out);
        made_end(&m);
    }
}

static void test_hostile_texts(void **state)
{
    (void)state;
    static const char *const key[] = {("a\x1b[31m\n\"b\xe2\x80\xae\xff c\xc2\x9b"
                                       "01234567890123456789012345678901234567890"),
                                      "\t", "", "L N"};
    struct made m;
    struct text out = {0};
    made_begin(&m);
    made_resource(&m, "host.name", "h\r\nrank 1");
    made_results(&m, key, "reply", 3);
    render(&out, &m);
    CHECK_TEXT("2026-11-23T09:00:00.000000Z host h??rank 1 3120 bytes", words(&out, 0),
               "head");
    CHECK_TEXT(
        "- a?[31m?\"b??_c?01234567890123456789012345678901234567890 L_N _ - 3 0.0% - - - -",
        words(&out, 3), "row");
    text_free(&out);
    made_end(&m);
}

static void test_hostile_histograms(void **state)
{
    (void)state;
    static const uint64_t huge[] = {UINT64_MAX, UINT64_MAX};
    static const uint64_t many[1537] = {1};
    const struct {
        const char *what;
        int32_t scale, offset;
        const uint64_t *counts;
        size_t n;
        double max;
        const char *cells;
    } cases[] = {
        {"scale too fine", 21, 0, huge, 1, 1, "- - - -"},
        {"scale too coarse", -11, 0, huge, 1, 1, "- - - -"},
        {"offset at the end", 0, INT32_MAX, huge, 2, 1, "- - - -"},
        {"offset at the start", 20, INT32_MIN, huge, 2, 1, "- - - -"},
        {"too many buckets", 6, 0, many, 1537, 1, "- - - -"},
        {"no buckets", 6, 0, huge, 0, 1, "- - - -"},
        {"counts", 0, -10, huge, 2, NAN, "0.000 0.000 0.000 0.000"},
        {"counts", 0, -10, huge, 2, 1, "1.38 2.76 2.76 2.76"},
        {"infinite maximum", 0, -10, huge, 2, INFINITY, "1.38 2.76 2.76 2.76"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[128];
        struct made m;
        struct text out = {0};
        made_begin(&m);
        made_results(&m, icmp, "reply", 3);
        made_extremes(made_delays(&m, icmp, "rtt", cases[i].scale, cases[i].offset,
                                  cases[i].counts, cases[i].n),
                      -1, cases[i].max);
        render(&out, &m);
        snprintf(expected, sizeof expected, "- teams LON icmp ipv4 3 0.0%% %s",
                 cases[i].cells);
        CHECK_TEXT(expected, words(&out, 3), cases[i].what);
        text_free(&out);
        made_end(&m);
    }
}

/* An agent of many targets: its resource is there several times, each with a part of the
 * metrics. It is one table, and another resource another one. */
static void test_parts(void **state)
{
    (void)state;
    struct made parts[3];
    struct text out = {0};
    Otlp__ResourceMetrics *all[3];
    for (size_t i = 0; i < 3; i++) {
        made_begin(&parts[i]);
        made_resource(&parts[i], "host.name", i < 2 ? "branch-17" : "branch-18");
        made_resource(&parts[i], "edgelat.site", "Leeds");
        made_results(&parts[i], i == 0 ? icmp : https, "reply", 10);
        all[i] = &parts[i].from;
    }
    made_rank(&parts[1], "teams", 1);
    Otlp__ExportMetricsServiceRequest request =
        OTLP__EXPORT_METRICS_SERVICE_REQUEST__INIT;
    request.resource_metrics = all;
    request.n_resource_metrics = 3;
    struct text made = {0};
    table_render(&made, &request, 3120, &kinds);
    fit_text(&out, text_string(&made), 0);
    text_free(&made);
    CHECK_TEXT("1 teams LON icmp ipv4 10 0.0% - - - -", words(&out, 3),
               "of the first part");
    CHECK_TEXT("1 teams LON https ipv6 10 0.0% - - - -", words(&out, 4), "of the second");
    CHECK(strstr(line(&out, 5), "host branch-18  site Leeds") != NULL, "another's: %s",
          line(&out, 5));
    CHECK_TEXT("- teams LON https ipv6 10 0.0% - - - -", words(&out, 8), "its row");
    text_free(&out);
    for (size_t i = 0; i < 3; i++)
        made_end(&parts[i]);
}

/* Two series of one row: an agent that was started anew, as a collector would bundle. */
static void test_merged(void **state)
{
    (void)state;
    const uint64_t one[] = {500}, fine[] = {500, 0};
    struct made m;
    struct text out = {0};
    made_begin(&m);
    made_results(&m, icmp, "reply", 500);
    made_results(&m, icmp, "loss", -3);
    made_results(&m, icmp, "reply", 500);
    made_delays(&m, icmp, "rtt", 0, -9, one, 1);
    made_delays(&m, icmp, "rtt", 20, -5 * (1 << 20), fine, 2);
    render(&out, &m);
    CHECK_TEXT("- teams LON icmp ipv4 1000 0.0% 2.76 31.3 31.3 31.3", words(&out, 3),
               "both count");
    text_free(&out);
    made_end(&m);
}

static void test_nothing(void **state)
{
    (void)state;
    struct made m;
    struct text out = {0};
    made_begin(&m);
    m.from.resource = NULL;
    m.results.data_case = OTLP__METRIC__DATA__NOT_SET;
    m.scope.n_metrics = 1;
    render(&out, &m);
    CHECK_TEXT("1970-01-01T00:00:00.000000Z host - 3120 bytes", words(&out, 0),
               "a head of nothing");
    m.request.n_resource_metrics = 0;
    CHECK_TEXT("", render(&out, &m), "no resource, no table");
    text_free(&out);
    made_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row),           cmocka_unit_test(test_delay_of_the_kind),
        cmocka_unit_test(test_no_pop),        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_order),         cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_hostile_histograms),
        cmocka_unit_test(test_merged),        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
