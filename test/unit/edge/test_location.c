#include "edge/location.h"

#include "shipped.h"

static void load(struct catalogue *c)
{
    SHIPPED_PARSE(catalogue_parse, c, "metros.csv");
    SHIPPED_PARSE(catalogue_parse_airports, c, "airports.csv"); /* not locations */
}

static const struct {
    const char *text;
    double latitude, longitude;
} addresses[] = {
    {"50.94 6.96", 50.94, 6.96},
    {"50.94, 6.96", 50.94, 6.96},
    {"50.94,6.96", 50.94, 6.96},
    {"-36.85\t174.76", -36.85, 174.76},
    {"0 0", 0, 0},
    {"90 -180", 90, -180},
    {"AMS", 52.37, 4.90},
    {"SG", 1.35, 103.82},
    {"LHR", 51.51, -0.13},
    {"HAM", 53.55, 9.99},
    {"ams", 52.37, 4.90},
    {"Amsterdam", 52.37, 4.90},
    {"hamburg", 53.55, 9.99},
};

static void test_places(void **state)
{
    (void)state;
    struct catalogue c;
    load(&c);
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct position at;
        struct text wrong = {0};
        CHECK(location_parse(&at, &c, addresses[i].text, &wrong), "%s: %s",
              addresses[i].text, text_string(&wrong));
        CHECK_NEAR(addresses[i].latitude, at.latitude, 1e-5, addresses[i].text);
        CHECK_NEAR(addresses[i].longitude, at.longitude, 1e-5, addresses[i].text);
        CHECK_TEXT("", text_string(&wrong), "nothing is wrong");
    }
    catalogue_free(&c);
}

#define NO_PLACE                                                                         \
    " is not a location; write LATITUDE LONGITUDE in degrees, such as 50.94 6.96 "       \
    "(north and east are positive), or a city or the code of a metro"

static const struct {
    const char *text, *wrong;
} wrongs[] = {
    {"AMD", "AMD is not a code or a city in metros.csv; did you mean AM (Amsterdam)?"},
    {"Amsterdm", "Amsterdm is not a code or a city in metros.csv; did you mean AMS "
                 "(Amsterdam)?"},
    {"Lynn", "Lynn is not a code or a city in metros.csv; did you mean Lyon?"},
    {"Lyn", "Lyn is not a code or a city in metros.csv; did you mean Lyon?"},
    {"XQZ", "XQZ is not a code or a city in metros.csv"},
    {"Nowhere", "Nowhere is not a code or a city in metros.csv"},
    {"N51.5 E0", "N51.5 E0 is not a code or a city in metros.csv"},
    {"", NO_PLACE},
    {"51.5", "51.5" NO_PLACE},
    {"51.5 0 0", "51.5 0 0" NO_PLACE},
    {"51,5 0,12", "51,5 0,12" NO_PLACE},
    {"91 0", "91 0" NO_PLACE},
    {"0 180.5", "0 180.5" NO_PLACE},
    {"51.5N 0", "51.5N 0" NO_PLACE},
    {"51.5\xc2\xb0 0", "51.5\xc2\xb0 0" NO_PLACE},
};

static void test_wrong(void **state)
{
    (void)state;
    struct catalogue c;
    load(&c);
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct position at = {1, 2};
        struct text wrong = {0};
        CHECK(!location_parse(&at, &c, wrongs[i].text, &wrong), "%s", wrongs[i].text);
        CHECK_TEXT(wrongs[i].wrong, text_string(&wrong), wrongs[i].text);
        CHECK(at.latitude == 1 && at.longitude == 2, "%s: left alone", wrongs[i].text);
        text_free(&wrong);
    }
    catalogue_free(&c);
}

static void test_too_long(void **state)
{
    (void)state;
    struct catalogue c;
    struct position at;
    struct text wrong = {0};
    char text[4096];
    load(&c);
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    CHECK(!location_parse(&at, &c, text, &wrong), "digits");
    memset(text, 'A', sizeof text - 1);
    CHECK(!location_parse(&at, &c, text, &wrong), "letters");
    text_free(&wrong);
    catalogue_free(&c);
}

static void test_no_catalogue(void **state)
{
    (void)state;
    struct catalogue none = {0};
    struct position at;
    struct text wrong = {0};
    CHECK(location_parse(&at, &none, "50.94 6.96", &wrong), "degrees need none");
    CHECK(location_metro(&none, "AMS", &wrong) == NULL, "a code does");
    CHECK_TEXT("AMS cannot be looked up: there is no metros.csv", text_string(&wrong),
               "why");
    text_free(&wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_no_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
