#include "edge/candidates.h"

#include "shipped.h"

static const struct workload exchange = {
    .name = "exchange",
    .host = "outlook.example",
    .by_metro = "{code}-efz.example",
};

static void load(struct catalogue *c)
{
    SHIPPED_PARSE(catalogue_parse, c, "metros.csv");
}

/* Names without ".example", '|' between metros. */
static const struct {
    const char *what;
    struct position from;
    size_t metros;
    const char *expected;
} cases[] = {
    {"by the Exchange code", {51.5, -0.1}, 1, "lhr-efz"},
    {"known zones and the nearest other", {50.94, 6.96}, 3, "dus-efz|hhn-efz|fra-efz"},
    {"not the nearest other alone", {40.7, -74}, 1, "mnz-efz"},
    {"by all of Front Door's", {40.7, -74}, 2, "ewr-efz nyc-efz teb-efz|mnz-efz"},
    {"a known zone is the last one, too", {25.25, 53.5}, 2, "dxb-efz|doh-efz"},
    {"none of two letters", {1.35, 103.8}, 1, "sin-efz"},
    {"a metro of both families", {41.9, -87.6}, 1, "mdw-efz"},
    {"of the backbone alone: passed over", {41.5, -81.7}, 2, "dtt-efz|mnz-efz"},
    {"none wanted", {51.5, -0.1}, 0, ""},
};

static void test_names(void **state)
{
    (void)state;
    struct catalogue c;
    load(&c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct candidate_door out[3 * DOORS_A_METRO];
        struct text names = {0};
        size_t n =
            candidates_by_metro(out, &c, &exchange, cases[i].from, cases[i].metros);
        for (size_t d = 0; d < n; d++) {
            bool same = d > 0 && out[d].metro_number == out[d - 1].metro_number;
            text_add(&names, "%s%.*s",
                     d == 0 ? ""
                     : same ? " "
                            : "|",
                     (int)strcspn(out[d].host, "."), out[d].host);
            CHECK_TEXT("outlook.example", out[d].server_name, cases[i].what);
            CHECK_NEAR(distance_km(cases[i].from, out[d].metro->at), out[d].km, 0,
                       cases[i].what);
        }
        CHECK_TEXT(cases[i].expected, text_string(&names), cases[i].what);
        text_free(&names);
    }
    catalogue_free(&c);
}

/* From every metro: all of them, the nearest first, each name once. */
static void test_everywhere(void **state)
{
    (void)state;
    enum { MOST = 256 };
    static struct candidate_door out[MOST * DOORS_A_METRO];
    struct catalogue c;
    load(&c);
    for (size_t i = 0; i < c.n; i++) {
        size_t n = candidates_by_metro(out, &c, &exchange, c.metros[i].at, MOST);
        CHECK(n > 100, "%s: %zu names", c.metros[i].code, n);
        for (size_t d = 0; d < n; d++) {
            size_t metro = out[d].metro_number;
            CHECK(d == 0 ? metro == 0
                         : metro == out[d - 1].metro_number ||
                               metro == out[d - 1].metro_number + 1,
                  "%s: numbered one after the other", c.metros[i].code);
            for (size_t e = 0; e < d; e++) {
                CHECK(strcmp(out[d].host, out[e].host) != 0, "%s twice", out[d].host);
                CHECK_INT(metro == out[e].metro_number,
                          catalogue_same_metro(out[d].metro, out[e].metro), out[d].host);
            }
        }
        for (size_t d = 0; d < n; d++)
            CHECK(out[d].metro_number == 0 ||
                      !catalogue_same_metro(out[d].metro, &c.metros[i]),
                  "%s is nearest to itself", c.metros[i].code);
    }
    catalogue_free(&c);
}

static void test_no_catalogue(void **state)
{
    (void)state;
    struct catalogue none = {0};
    struct candidate_door out[DOORS_A_METRO];
    CHECK_INT(0, candidates_by_metro(out, &none, &exchange, (struct position){0, 0}, 1),
              "nothing is known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_everywhere),
        cmocka_unit_test(test_no_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
