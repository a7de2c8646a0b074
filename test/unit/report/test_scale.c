#include "report/scale.h"

#include "check.h"
#include "core/time.h"

static const struct {
    const char *what;
    double least, usual, most;
    bool logarithmic;
    const char *ticks;
} cases[] = {
    {"some milliseconds", 9, 10, 14, false, "0 5 10"},
    {"up to a round one", 9, 10, 20, false, "0 10 20"},
    {"below one", 0.2, 0.25, 0.3, false, "0 0.1 0.2 0.3"},
    {"a spike", 9, 10, 280, true, "10 20 50 100 200"},
    {"three decades", 1, 2, 1900, true, "1 10 100 1000"},
    {"nothing to see", 0, 0, 0, false, ""},
    {"seconds", 1000, 2000, 3900, false, "0 2000 4000"},
};

static void test_ticks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char ticks[256] = "";
        struct scale s = scale_for(cases[i].least, cases[i].usual, cases[i].most);
        for (size_t k = 0; k < s.n_ticks; k++)
            snprintf(ticks + strlen(ticks), sizeof ticks - strlen(ticks), "%s%g",
                     k > 0 ? " " : "", s.ticks_ms[k]);
        CHECK_INT(cases[i].logarithmic, s.logarithmic, cases[i].what);
        if (cases[i].most > 0)
            CHECK_TEXT(cases[i].ticks, ticks, cases[i].what);
        CHECK(scale_at(&s, cases[i].most) <= 1, "%s: the maximum is on the axis",
              cases[i].what);
    }
}

static void test_at(void **state)
{
    (void)state;
    struct scale linear = scale_for(9, 10, 20), logarithmic = scale_for(1, 1, 1000);
    CHECK_NEAR(0, scale_at(&linear, 0), 0, "begins at 0");
    CHECK_NEAR(0.5, scale_at(&linear, linear.high_ms / 2), 1e-9, "half");
    CHECK_NEAR(1, scale_at(&linear, 1e9), 0, "bounded");
    CHECK_NEAR(0, scale_at(&logarithmic, 0), 0, "0 is at the low end");
    double step = scale_at(&logarithmic, 100) - scale_at(&logarithmic, 10);
    CHECK_NEAR(step, scale_at(&logarithmic, 10) - scale_at(&logarithmic, 1), 1e-9,
               "a decade is a decade");
}

static void test_time_steps(void **state)
{
    (void)state;
    const struct {
        int64_t span_s, step_s;
    } steps[] = {{40, 5},        {600, 120},         {3600, 600},
                 {86400, 10800}, {7 * 86400, 86400}, {30 * 86400, 4 * 86400}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        CHECK_INT(steps[i].step_s,
                  scale_time_step(steps[i].span_s * NS_PER_S, 8) / NS_PER_S, "step");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_at),
        cmocka_unit_test(test_time_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
