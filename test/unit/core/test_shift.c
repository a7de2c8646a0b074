#include "core/shift.h"

#include "check.h"
#include "core/result.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

/* Windows of a quiet way: the level, and 0.5 % to both sides. */
static struct shift_news quiet(struct shift *s, int windows, double ms)
{
    struct shift_news news = {0};
    for (int w = 0; w < windows && !news.shifted; w++)
        news = shift_window(s, MS(ms * (1 + 0.0025 * (w % 5 - 2))), 6);
    return news;
}

static int windows_until_told(struct shift *s, double ms, struct shift_news *news)
{
    for (int w = 1; w <= 10; w++) {
        *news = shift_window(s, MS(ms), 6);
        if (news->shifted)
            return w;
    }
    return 0;
}

static const struct {
    const char *what;
    double before_ms, after_ms;
    int windows; /* 0: it is never told */
} steps[] = {
    {"longer by a fifth", 10, 12, SHIFT_NEWEST},
    {"shorter by a fifth", 10, 8, SHIFT_NEWEST},
    {"a fifth of a short way", 1.5, 1.8, SHIFT_NEWEST},
    {"far longer", 10, 200, SHIFT_NEWEST},
    {"by a twentieth", 10, 10.5, 0},
    {"a LAN's 60 us more", 0.2, 0.26, 0},
};

static void a_step_is_told_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct shift s = {0};
        struct shift_news news;
        CHECK(!quiet(&s, 60, steps[i].before_ms).shifted, "%s: nothing before",
              steps[i].what);
        CHECK_INT(steps[i].windows, windows_until_told(&s, steps[i].after_ms, &news),
                  steps[i].what);
        if (steps[i].windows == 0)
            continue;
        CHECK_NEAR(steps[i].before_ms, (double)news.before_ns / 1e6,
                   steps[i].before_ms / 100, "the level before");
        CHECK_NEAR(steps[i].after_ms, (double)news.after_ns / 1e6,
                   steps[i].after_ms / 100, "the level after");
        CHECK(!quiet(&s, 60, steps[i].after_ms).shifted, "%s: told once", steps[i].what);
        CHECK_INT(SHIFT_NEWEST, windows_until_told(&s, steps[i].before_ms, &news),
                  "the way back is a change again");
    }
}

static void a_spike_is_none(void **state)
{
    (void)state;
    for (int windows = 1; windows < SHIFT_NEWEST; windows++) {
        struct shift s = {0};
        quiet(&s, 60, 10);
        CHECK(!quiet(&s, windows, 40).shifted, "%d windows", windows);
        CHECK(!quiet(&s, 60, 10).shifted, "nor what follows");
    }
}

static void a_drift_is_followed(void **state)
{
    (void)state;
    struct shift s = {0};
    quiet(&s, 60, 10);
    for (int w = 0; w < 180; w++) /* 30 % more in three hours */
        CHECK(!shift_window(&s, MS(10 * (1 + 0.3 * w / 180)), 6).shifted, "window %d", w);
}

static void few_values_and_a_short_past_tell_nothing(void **state)
{
    (void)state;
    struct shift s = {0};
    quiet(&s, 60, 10);
    for (int w = 0; w < 10; w++)
        CHECK(!shift_window(&s, MS(20), SHIFT_VALUES_LEAST - 1).shifted, "few values");
    CHECK(!shift_window(&s, DELAY_UNDEFINED, 0).shifted, "no value");
    shift_forget(&s);
    CHECK(!quiet(&s, SHIFT_BASELINE_LEAST - 1, 10).shifted, "begun anew");
    CHECK(!quiet(&s, 1, 20).shifted, "too soon to judge");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_told_once),
        cmocka_unit_test(a_spike_is_none),
        cmocka_unit_test(a_drift_is_followed),
        cmocka_unit_test(few_values_and_a_short_past_tell_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
