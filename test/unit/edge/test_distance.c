#include "edge/distance.h"

#include "check.h"

/* Positions of airports, and distances by great-circle calculators. */
static const struct {
    const char *what;
    struct position a, b;
    double km, within;
} cases[] = {
    {"the same place", {51.51, -0.13}, {51.51, -0.13}, 0, 1e-9},
    {"Heathrow to Kennedy", {51.4775, -0.461389}, {40.639722, -73.778889}, 5540, 6},
    {"one degree of latitude", {0, 0}, {1, 0}, 111.195, 0.001},
    {"one degree of longitude, equator", {0, 10}, {0, 11}, 111.195, 0.001},
    {"the same at 60 degrees north", {60, 10}, {60, 11}, 55.594, 0.01},
    {"across the date line", {0, 179.5}, {0, -179.5}, 111.195, 0.001},
    {"pole to pole", {90, 0}, {-90, 123}, 20015.115, 0.01},
    {"antipodes", {30, 40}, {-30, -140}, 20015.115, 0.01},
    {"a quarter of the way round", {0, 0}, {0, 90}, 10007.557, 0.01},
    {"a hundred metres", {50, 8}, {50.0009, 8}, 0.100075, 1e-3},
};

static void test_distance(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double km = distance_km(cases[i].a, cases[i].b);
        CHECK_NEAR(cases[i].km, km, cases[i].within, cases[i].what);
        CHECK(km == distance_km(cases[i].b, cases[i].a), "%s: the same back",
              cases[i].what);
    }
}

/* The law of cosines gives the same distance, everywhere. */
static void test_against_cosines(void **state)
{
    (void)state;
    const double rad = acos(-1) / 180;
    struct position from = {47.38, 8.54};
    for (double lat = -90; lat <= 90; lat += 7.5)
        for (double lon = -180; lon <= 180; lon += 7.5) {
            struct position to = {lat, lon};
            double c = sin(from.latitude * rad) * sin(lat * rad) +
                       cos(from.latitude * rad) * cos(lat * rad) *
                           cos((lon - from.longitude) * rad);
            double km = 6371.0088 * acos(fmax(-1, fmin(1, c)));
            CHECK_NEAR(km, distance_km(from, to), 0.002, "law of cosines");
        }
}

static void test_bound(void **state)
{
    (void)state;
    CHECK_INT(0, distance_rtt_bound_ns(0), "no distance");
    CHECK_NEAR(10.0069e6, (double)distance_rtt_bound_ns(1000), 100, "1000 km, 10 ms");
    CHECK_NEAR(200.29e6, (double)distance_rtt_bound_ns(20015.115), 1e4, "halfway round");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_against_cosines),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
