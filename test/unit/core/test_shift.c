#include "check.h"
#include "core/random.h"
#include "core/shift.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

/* `ns` in so many windows of six values; how many shifts that told. The last is in *news.
 */
static int tell(struct shift *s, int64_t ns, int windows, struct shift_news *news)
{
    int shifts = 0;
    for (int w = 0; w < windows; w++) {
        struct shift_news n = shift_window(s, ns, 6);
        if (n.shifted && news != NULL)
            *news = n;
        shifts += n.shifted;
    }
    return shifts;
}

/* ---- one step, after an hour of peace ---- */

static const struct {
    const char *what;
    double before, after; /* ms */
    bool expected;
} steps[] = {
    {"a fifth more of a short way", 1.5, 1.8, true},
    {"a fifth less of it", 1.5, 1.2, true},
    {"a fifth more", 24, 28.8, true},
    {"a fifth less", 24, 19.2, true},
    {"a fifth of a long way", 180, 216, true},
    {"another continent", 3, 180, true},
    {"and back", 180, 3, true},
    {"a tenth is too little", 24, 26.4, false},
    {"a tenth less, too", 24, 21.6, false},
    {"a LAN: a third, and nothing in time", 0.2, 0.27, false},
    {"a LAN: half as much again", 0.3, 0.45, true},
    {"the same", 24, 24, false},
    {"nothing at all, and then something", 0, 3, true},
};

static void a_step_is_told_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const char *what = steps[i].what;
        struct shift s = {0};
        struct shift_news news = {0};
        CHECK_INT(0, tell(&s, MS(steps[i].before), 60, NULL), what);
        CHECK_INT(0, tell(&s, MS(steps[i].after), SHIFT_NEWEST - 1, NULL), what);
        CHECK_INT(steps[i].expected, tell(&s, MS(steps[i].after), 1, &news), what);
        CHECK_INT(0, tell(&s, MS(steps[i].after), 300, NULL), "and not again");
        if (!steps[i].expected)
            continue;
        CHECK_NEAR(steps[i].before, (double)news.before_ns / 1e6, 1e-5, what);
        CHECK_NEAR(steps[i].after, (double)news.after_ns / 1e6, 1e-5, what);
    }
}

static void the_way_back_is_told_however_soon(void **state)
{
    (void)state;
    for (int stay = 0; stay < 60; stay++) {
        struct shift s = {0};
        struct shift_news news = {0};
        tell(&s, MS(24), 60, NULL);
        CHECK_INT(1, tell(&s, MS(36), SHIFT_NEWEST + stay, NULL), "there");
        CHECK_INT(1, tell(&s, MS(24), SHIFT_NEWEST, &news), "back");
        CHECK_NEAR(36, (double)news.before_ns / 1e6, 1e-5, "from");
        CHECK_NEAR(24, (double)news.after_ns / 1e6, 1e-5, "to");
    }
}

static void there_must_be_a_baseline(void **state)
{
    (void)state;
    for (int windows = 0; windows < SHIFT_BASELINE; windows++) {
        struct shift s = {0};
        tell(&s, MS(24), windows, NULL);
        CHECK_INT(windows >= SHIFT_BASELINE_LEAST, tell(&s, MS(48), SHIFT_NEWEST, NULL),
                  "a step after few windows");
    }
    struct shift s = {0};
    tell(&s, MS(24), 60, NULL);
    shift_forget(&s);
    CHECK_INT(0, tell(&s, MS(48), 60, NULL), "forgotten: another way, another level");
    CHECK_INT(1, tell(&s, MS(24), SHIFT_NEWEST, NULL), "which is known by now");
}

/* ---- what is no change of level ---- */

static void a_spike_is_none(void **state)
{
    (void)state;
    static const double sizes_ms[] = {12, 30, 48, 240, 9000};
    for (size_t i = 0; i < sizeof sizes_ms / sizeof *sizes_ms; i++)
        for (int windows = 1; windows < SHIFT_NEWEST; windows++) {
            struct shift s = {0};
            int shifts = tell(&s, MS(24), 60, NULL);
            for (int spike = 0; spike < 50; spike++) {
                shifts += tell(&s, MS(sizes_ms[i]), windows, NULL);
                shifts += tell(&s, MS(24), spike < 5 ? 5 : 30, NULL);
            }
            CHECK(shifts == 0, "spikes of %d windows to %g ms", windows, sizes_ms[i]);
            CHECK_INT(1, tell(&s, MS(28.8), SHIFT_NEWEST, NULL), "and it is not deaf");
        }
}

/* Three windows each, after 24 ms. */
static const struct {
    const char *what;
    double ms[SHIFT_NEWEST];
    bool expected;
} threes[] = {
    {"alike", {30, 31, 30}, true},
    {"alike, with a little noise", {29, 31, 28}, true},
    {"alike, lower", {19, 20, 18}, true},
    {"one is not beyond", {30, 31, 25}, false},
    {"the first is not", {25, 31, 30}, false},
    {"on both sides", {31, 18, 31}, false},
    {"a burst: part of a window, a whole one, part of the next", {28, 48, 29}, false},
    {"a burst that began with a window", {47, 48, 28}, false},
};

static void three_windows_must_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof threes / sizeof *threes; i++) {
        struct shift s = {0};
        int shifts = tell(&s, MS(24), 60, NULL);
        for (int w = 0; w < SHIFT_NEWEST; w++)
            shifts += tell(&s, MS(threes[i].ms[w]), 1, NULL);
        CHECK_INT(threes[i].expected, shifts, threes[i].what);
    }
}

static void windows_with_few_values_are_passed_over(void **state)
{
    (void)state;
    struct shift s = {0};
    tell(&s, MS(24), 60, NULL);
    for (int w = 0; w < 20; w++) {
        CHECK(!shift_window(&s, MS(500), SHIFT_VALUES_LEAST - 1).shifted, "two values");
        CHECK(!shift_window(&s, -1, 0).shifted, "no value");
    }
    CHECK_INT(0, tell(&s, MS(36), 1, NULL), "one");
    shift_window(&s, -1, 0);
    CHECK_INT(0, tell(&s, MS(36), 1, NULL), "two");
    shift_window(&s, MS(24), 1);
    CHECK(shift_window(&s, MS(36), SHIFT_VALUES_LEAST).shifted, "three that count");
}

static void a_drift_is_followed(void **state)
{
    (void)state;
    static const double totals[] = {0.15, -0.15, 0.4};
    static const int minutes[] = {45, 60, 240}; /* in which it comes */
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        for (int m = minutes[i]; m <= 480; m += 15) {
            struct shift s = {0};
            int shifts = tell(&s, MS(24), 60, NULL);
            for (int w = 1; w <= m; w++)
                shifts += tell(&s, MS(24 * (1 + totals[i] * w / m)), 1, NULL);
            CHECK(shifts == 0, "%g in %d minutes", totals[i], m);
            int64_t there_ns = MS(24 * (1 + totals[i]));
            tell(&s, there_ns, 60, NULL);
            CHECK_INT(1, tell(&s, there_ns * 6 / 5, SHIFT_NEWEST, NULL), "from there on");
        }
}

/* ---- what is learned ---- */

/* A wave of an hour, by 15 % up and down: at first a level, soon the way's habit. */
static int wave(struct shift *s, int hours)
{
    int shifts = 0;
    for (int w = 0; w < hours * 60; w++)
        shifts += tell(s, MS(24 * (1 + 0.15 * sin(2 * 3.14159265 * w / 60))), 1, NULL);
    return shifts;
}

static void habits_are_learned(void **state)
{
    (void)state;
    struct shift s = {0};
    tell(&s, MS(24), 60, NULL);
    printf("# %d shifts on the first day of waves\n", wave(&s, 24));
    CHECK_INT(0, wave(&s, 7 * 24), "in the week after it");
    CHECK_INT(1, tell(&s, MS(72), SHIFT_NEWEST, NULL),
              "another place is told all the same");
    tell(&s, MS(72), 1440, NULL);
    CHECK_INT(1, tell(&s, MS(86.4), SHIFT_NEWEST, NULL), "a fifth, after a day of peace");
}

/* By `share` of noise, even between its bounds. */
static int noise(struct shift *s, struct random *r, double ms, double share, int windows)
{
    int shifts = 0;
    for (int w = 0; w < windows; w++)
        shifts += tell(s, MS(ms * (1 + share * (2 * random_unit(r) - 1))), 1, NULL);
    return shifts;
}

static void noise_from_the_first_window(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    int shifts = 0;
    for (int stream = 0; stream < 1000; stream++) {
        struct shift s = {0};
        shifts += noise(&s, &random, 24, 0.5, 60);
    }
    CHECK(shifts <= 6, "%d in the first hours of a thousand streams", shifts);
}

static void noise_is_no_change(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    for (double share = 0.02; share < 0.9; share *= 2) {
        struct shift s = {0};
        int shifts = noise(&s, &random, 24, share, 10080);
        CHECK(shifts <= 1, "%d in a week of %g", shifts, share);
    }
    struct shift s = {0};
    noise(&s, &random, 24, 0.03, 600);
    int shifts = noise(&s, &random, 24, 0.3, 600);
    CHECK(shifts <= 2, "%d when noise has grown tenfold: there and back", shifts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_told_once),
        cmocka_unit_test(the_way_back_is_told_however_soon),
        cmocka_unit_test(there_must_be_a_baseline),
        cmocka_unit_test(a_spike_is_none),
        cmocka_unit_test(three_windows_must_agree),
        cmocka_unit_test(windows_with_few_values_are_passed_over),
        cmocka_unit_test(a_drift_is_followed),
        cmocka_unit_test(habits_are_learned),
        cmocka_unit_test(noise_from_the_first_window),
        cmocka_unit_test(noise_is_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
