#include "check.h"
#include "core/backoff.h"
#include "core/time.h"

static void the_limit_doubles_up_to_the_most(void **state)
{
    (void)state;
    static const struct {
        unsigned failures;
        int64_t limit_s;
    } cases[] = {{0, 2},  {1, 4},  {2, 8},  {3, 16},
                 {4, 32}, {5, 60}, {6, 60}, {4000000000, 60}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].limit_s * NS_PER_S,
                  backoff_limit_ns(2 * NS_PER_S, 60 * NS_PER_S, cases[i].failures),
                  "limit");
    CHECK_INT(5, backoff_limit_ns(8, 5, 0), "the most wins");
    CHECK(backoff_limit_ns(1, INT64_MAX / 2, 1000) > 0, "no overflow");
}

/* An even draw from [0, limit): mean limit / 2, standard deviation limit / sqrt(12). */
static void the_wait_is_spread_over_the_whole_limit(void **state)
{
    (void)state;
    enum { DRAWS = 10000 };
    struct random r = random_from(check_seed());
    double sum = 0, squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        double wait_s = (double)backoff_ns(&r, NS_PER_S, 300 * NS_PER_S, 3) / 1e9;
        CHECK(wait_s >= 0 && wait_s < 8, "%g s", wait_s);
        sum += wait_s;
        squares += wait_s * wait_s;
    }
    double mean = sum / DRAWS;
    CHECK_NEAR(4, mean, 0.15, "mean");
    CHECK_NEAR(8 / sqrt(12), sqrt(squares / DRAWS - mean * mean), 0.1, "deviation");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_doubles_up_to_the_most),
        cmocka_unit_test(the_wait_is_spread_over_the_whole_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
