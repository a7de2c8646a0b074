#include "check.h"
#include "core/time.h"

#define DAY_NS (86400 * NS_PER_S)

static void wall_text_is_rfc3339(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *expected;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {1, "1970-01-01T00:00:00.000000Z"},
        {999, "1970-01-01T00:00:00.000000Z"},
        {1000, "1970-01-01T00:00:00.000001Z"},
        {NS_PER_S - 1, "1970-01-01T00:00:00.999999Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {-NS_PER_S, "1969-12-31T23:59:59.000000Z"},
        {951782399 * NS_PER_S, "2000-02-28T23:59:59.000000Z"},
        {951782400 * NS_PER_S, "2000-02-29T00:00:00.000000Z"},
        {951868800 * NS_PER_S, "2000-03-01T00:00:00.000000Z"},
        {1709164800 * NS_PER_S, "2024-02-29T00:00:00.000000Z"},
        {1795424400 * NS_PER_S + 123456789, "2026-11-23T09:00:00.123456Z"},
        {4107542400 * NS_PER_S, "2100-03-01T00:00:00.000000Z"},
        {4107542399 * NS_PER_S, "2100-02-28T23:59:59.000000Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[WALL_TEXT_MAX];
        CHECK_TEXT(cases[i].expected, wall_text(text, (struct wall){cases[i].ns}),
                   "time");
    }
}

/* Day after day, by incrementing day, month and year. */
static void every_date_is_right(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = 0;
    for (int year = 1970; year < 2262; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int length = lengths[month - 1] + (leap && month == 2);
            for (int d = 1; d <= length; d++, day++) {
                char text[WALL_TEXT_MAX], expected[64];
                snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00.000000Z",
                         year, month, d);
                CHECK_TEXT(expected, wall_text(text, (struct wall){day * DAY_NS}), "day");
            }
        }
    }
}

static void windows_end_on_the_multiple(void **state)
{
    (void)state;
    const int64_t minute = 60 * NS_PER_S;
    static const struct {
        const char *what;
        int64_t time_s, plus_ns, expected_s;
    } cases[] = {
        {"inside", 90, 5, 120},
        {"on the minute: strictly after", 120, 0, 180},
        {"just before", 120, -1, 120},
        {"before 1970", -30, 0, 0},
        {"a minute before 1970", -60, 0, 0},
        {"just before that", -60, -1, -60},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wall t = {cases[i].time_s * NS_PER_S + cases[i].plus_ns};
        CHECK_INT(cases[i].expected_s * NS_PER_S, wall_next(t, minute).ns, cases[i].what);
    }
}

static void durations_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t expected; /* -1: refused */
    } cases[] = {
        {"250ms", 250 * NS_PER_MS},
        {"5s", 5 * NS_PER_S},
        {"1.5m", 90 * NS_PER_S},
        {"2h", 7200 * NS_PER_S},
        {"7d", 7 * DAY_NS},
        {"10us", 10000},
        {"17ns", 17},
        {"0s", 0},
        {"0.000000001s", 1},
        {"0.0000000001s", -1},
        {"1.50ns", -1},
        {"1.0ns", 1},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036854775808ns", -1},
        {"9223372036.854775807s", INT64_MAX},
        {"9223372036.854775808s", -1},
        {"106752d", -1},
        {"99999999999999999999999s", -1},
        {"", -1},
        {"5", -1},
        {"s", -1},
        {".5s", -1},
        {"5.s", -1},
        {"5 s", -1},
        {" 5s", -1},
        {"5s ", -1},
        {"-5s", -1},
        {"+5s", -1},
        {"1.2.3s", -1},
        {"5sec", -1},
        {"5S", -1},
        {"1e3s", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = -1;
        bool ok = duration_parse(cases[i].text, 0, INT64_MAX, &ns);
        CHECK_INT(cases[i].expected, ns, cases[i].text);
        CHECK_INT(cases[i].expected >= 0, ok, cases[i].text);
    }
}

static void durations_have_limits(void **state)
{
    (void)state;
    int64_t ns = 42;
    CHECK(duration_parse("1s", NS_PER_S, NS_PER_S, &ns), "both limits are inside");
    CHECK(!duration_parse("999ms", NS_PER_S, 2 * NS_PER_S, &ns), "too short");
    CHECK(!duration_parse("2001ms", NS_PER_S, 2 * NS_PER_S, &ns), "too long");
    CHECK_INT(NS_PER_S, ns, "a refused one changes nothing");
}

static void durations_are_written_as_people_do(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *expected;
    } cases[] = {
        {0, "0s"},
        {1, "1ns"},
        {1500, "1500ns"},
        {100 * NS_PER_MS, "100ms"},
        {250 * NS_PER_MS, "250ms"},
        {90 * NS_PER_S, "90s"},
        {120 * NS_PER_S, "2m"},
        {3600 * NS_PER_S, "1h"},
        {36 * 3600 * NS_PER_S, "36h"},
        {7 * DAY_NS, "7d"},
        {INT64_MAX, "9223372036854775807ns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[DURATION_TEXT_MAX];
        CHECK_TEXT(cases[i].expected, duration_text(text, cases[i].ns), "duration");
        int64_t back = -1;
        CHECK(duration_parse(text, 0, INT64_MAX, &back) && back == cases[i].ns,
              "%s reads back", text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_text_is_rfc3339),
        cmocka_unit_test(every_date_is_right),
        cmocka_unit_test(windows_end_on_the_multiple),
        cmocka_unit_test(durations_are_read_strictly),
        cmocka_unit_test(durations_have_limits),
        cmocka_unit_test(durations_are_written_as_people_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
