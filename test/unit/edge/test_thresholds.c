#include "edge/thresholds.h"

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

static void test_shipped(void **state)
{
    (void)state;
    struct said said = {0};
    struct thresholds t;
    size_t len;
    char *text = shipped("thresholds.csv", &len);
    struct datafile_source from = source_of(text, len, &said);
    CHECK_INT(0, thresholds_parse(&t, &from), text_string(&said.lines));
    CHECK_TEXT("2026-11-23", t.version, "version");
    CHECK_NEAR(25, find(&t, "exchange_tcp_latency", 80)->value, 0, "recommended");
    CHECK_NEAR(350, find(&t, "exchange_tcp_latency", 0)->value, 0, "no points");
    CHECK_NEAR(8, find(&t, "sharepoint_download", 60)->value, 0, "acceptable");
    CHECK_TEXT("MB/s", find(&t, "sharepoint_download", 60)->unit, "its unit");
    CHECK_NEAR(60, find(&t, "teams_rtt", THRESHOLD_TARGET)->value, 0, "of an edge");
    for (size_t i = 0; i < t.n; i++)
        CHECK(strstr(t.all[i].source, ".md @") != NULL, "%s has a source",
              t.all[i].measure);
    free(text);
    thresholds_free(&t);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
