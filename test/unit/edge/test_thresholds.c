#include "edge/thresholds.h"

#include "base/intern.h"
#include "shipped.h"

static const struct threshold *find(const struct thresholds *t, const char *measure,
                                    double points)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->all[i].measure, measure) == 0 && t->all[i].points == points)
            return &t->all[i];
    CHECK(false, "%s, %g points", measure, points);
    return NULL;
}

static void load(struct thresholds *t)
{
    SHIPPED_PARSE(thresholds_parse, t, "thresholds.csv");
}

static void test_shipped(void **state)
{
    (void)state;
    struct thresholds t;
    load(&t);
    CHECK_TEXT("2026-11-23", t.version, "version");
    CHECK_NEAR(25, find(&t, "exchange_tcp_latency", 80)->value, 0, "recommended");
    CHECK_NEAR(350, find(&t, "exchange_tcp_latency", 0)->value, 0, "no points");
    CHECK_NEAR(8, find(&t, "sharepoint_download", 60)->value, 0, "acceptable");
    CHECK_TEXT("MB/s", find(&t, "sharepoint_download", 60)->unit, "its unit");
    CHECK_NEAR(60, find(&t, "teams_rtt", THRESHOLD_TARGET)->value, 0, "of an edge");
    for (size_t i = 0; i < t.n; i++)
        CHECK(strstr(t.all[i].source, ".md @") != NULL ||
                  strcmp(t.all[i].source, "edgelat's own default") == 0,
              "%s has a source", t.all[i].measure);
    thresholds_free(&t);
}

static void test_media(void **state)
{
    (void)state;
    static const double expected[MEDIA_MEASURES] = {60e6, 0.001, 0.01, 15e6, 0.0001};
    struct thresholds t;
    struct media_limits limits;
    load(&t);
    thresholds_media(&t, &limits);
    for (size_t i = 0; i < MEDIA_MEASURES; i++) {
        CHECK_NEAR(expected[i], limits.of[i].most, 1e-12, media_measure_names[i].key);
        CHECK(strstr(limits.of[i].source, "sfb-docs") != NULL, "its source");
    }
    thresholds_free(&t);
    t = (struct thresholds){0};
    thresholds_media(&t, &limits);
    CHECK(limits.of[MEDIA_LOSS].most == 0, "no file, no limit");
}

#define HEAD "# edgelat thresholds 1\nmeasure,level,value,unit,source\n"

static const struct {
    const char *what, *text, *said;
} wrong[] = {
    {"level", HEAD "x,101,1,ms,s\n",
     "f.csv:3: level 101: must be points from 0 to 100, or target\n"},
    {"value", HEAD "x,target,-1,ms,s\n",
     "f.csv:3: value -1: must be a number, not below 0\n"},
    {"unit", HEAD "x,target,1,mb/s,s\n",
     "f.csv:3: unit mb/s: must be ms, km, MB/s or percent\n"},
    {"source", HEAD "x,target,1,ms,\n", "f.csv:3: the source is missing\n"},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct said said = {0};
        struct thresholds t;
        struct datafile_source from =
            source_of(wrong[i].text, strlen(wrong[i].text), &said);
        CHECK_INT(1, thresholds_parse(&t, &from), wrong[i].what);
        CHECK_TEXT(wrong[i].said, text_string(&said.lines), wrong[i].what);
        CHECK_INT(0, t.n, wrong[i].what);
        text_free(&said.lines);
        thresholds_free(&t);
    }
}

#define SCORE "office-365-network-mac-perf-score.md"
#define MEDIA "media-quality-and-network-connectivity-performance.md"
#define TOOL  "office-365-network-mac-perf-onboarding-tool.md"

static const struct {
    const char *service;
    double delay_ms, variation_ms, loss_percent; /* 0 is none */
    const char *source;                          /* of the delay */
} limits[] = {
    {"exchange", 100, 0, 2, SCORE},
    {"teams", 60, 15, 0.1, MEDIA},
    {"sharepoint", 0, 0, 2, ""},
    {"front-door", 0, 0, 2, ""},
    {"", 0, 0, 2, ""},
};

static void test_limits(void **state)
{
    (void)state;
    struct thresholds t;
    load(&t);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct limits l = {0};
        const char *what = limits[i].service;
        thresholds_limits(&t, what, &l);
        CHECK_NEAR(limits[i].delay_ms, (double)l.delay_ns / 1e6, 0, what);
        CHECK_NEAR(limits[i].variation_ms, (double)l.variation_ns / 1e6, 0, what);
        CHECK_NEAR(limits[i].loss_percent, l.loss_ratio * 100, 1e-12, what);
        CHECK_NEAR(800, l.distance_km, 0, what);
        CHECK(strstr(intern_text(l.delay_source), limits[i].source) != NULL, "%s: by %s",
              what, intern_text(l.delay_source));
        CHECK_INT(limits[i].variation_ms > 0,
                  strstr(intern_text(l.variation_source), MEDIA) != NULL, what);
        CHECK(strncmp("thresholds.csv: ", l.loss_source, 16) == 0, "%s", what);
        CHECK_INT(limits[i].loss_percent < 1, l.loss_of_media, "media's is marked");
        CHECK_INT(limits[i].variation_ms > 0, l.variation_of_media, what);
        CHECK(strstr(l.distance_source, TOOL) != NULL, "%s: by %s", what,
              l.distance_source);
    }
    thresholds_free(&t);
}

static void test_what_is_configured_stays(void **state)
{
    (void)state;
    struct thresholds t, none = {0};
    struct limits l = {.delay_ns = 1, .loss_ratio = 0.5, .distance_km = 5}, empty = {0};
    load(&t);
    thresholds_limits(&t, "teams", &l);
    CHECK_INT(1, l.delay_ns, "delay");
    CHECK(l.delay_source == NULL, "by the configuration");
    CHECK_NEAR(0.5, l.loss_ratio, 0, "loss");
    CHECK(l.loss_source == NULL, "by the configuration");
    CHECK_NEAR(5, l.distance_km, 0, "distance");
    CHECK(l.distance_source == NULL, "by the configuration");
    CHECK_INT(15000000, l.variation_ns, "what is not is Microsoft's");
    thresholds_limits(&none, "teams", &empty);
    CHECK(empty.delay_ns == 0 && empty.distance_km == 0, "no file, no limit");
    thresholds_free(&t);
}

static const struct {
    const char *measure;
    double value, points;
} scores[] = {
    {"exchange_tcp_latency", 0, 100},
    {"exchange_tcp_latency", 10, 100},
    {"exchange_tcp_latency", 17.5, 90},
    {"exchange_tcp_latency", 25, 80},
    {"exchange_tcp_latency", 62.5, 70},
    {"exchange_tcp_latency", 100, 60},
    {"exchange_tcp_latency", 325, 10},
    {"exchange_tcp_latency", 350, 0},
    {"exchange_tcp_latency", 5000, 0},
    {"sharepoint_download", 0, 0},
    {"sharepoint_download", 1, 10},
    {"sharepoint_download", 11, 70},
    {"sharepoint_download", 50, 100},
    {"exchange_tcp_latency", NAN, NAN},
    {"exchange_tcp_latency", INFINITY, 0},
    {"teams_rtt", 10, NAN},
    {"nothing", 10, NAN},
};

static void test_points(void **state)
{
    (void)state;
    struct thresholds t;
    load(&t);
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        double points = thresholds_points(&t, scores[i].measure, scores[i].value);
        if (isnan(scores[i].points))
            CHECK(isnan(points), "%s %g: got %g", scores[i].measure, scores[i].value,
                  points);
        else
            CHECK_NEAR(scores[i].points, points, 1e-9, scores[i].measure);
    }
    thresholds_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped), cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_limits),  cmocka_unit_test(test_what_is_configured_stays),
        cmocka_unit_test(test_points),  cmocka_unit_test(test_media),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
