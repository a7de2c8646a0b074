#include "check.h"
#include "core/random.h"

/* The reference implementation of its authors, with state 1, 2, 3, 4. */
static void it_is_xoshiro256starstar(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
    };
    struct random r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        CHECK(random_next(&r) == expected[i], "number %zu", i);
}

/* The first values of splitmix64 with seed 0 (Vigna's reference). */
static void the_seed_goes_through_splitmix(void **state)
{
    (void)state;
    struct random r = random_from(0);
    CHECK(r.state[0] == UINT64_C(0xe220a8397b1dcdaf), "first word");
    CHECK(r.state[1] == UINT64_C(0x6e789e6aa1b965f4), "second word");
    struct random a = random_from(1), b = random_from(1), c = random_from(2);
    CHECK(random_next(&a) == random_next(&b), "the same seed, the same chance");
    CHECK(random_next(&a) != random_next(&c), "another seed, another one");
}

#define N 200000

static void units_and_exponentials_have_their_moments(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    double unit = 0, square = 0, exponential = 0, least = 1, most = 0;
    for (int i = 0; i < N; i++) {
        double u = random_unit(&r);
        unit += u;
        square += u * u;
        least = fmin(least, u);
        most = fmax(most, u);
        double e = random_exponential(&r, 5);
        CHECK(e >= 0 && isfinite(e), "an exponential is %g", e);
        exponential += e;
    }
    CHECK(least >= 0 && most < 1, "in [0, 1): %g to %g", least, most);
    CHECK_NEAR(0.5, unit / N, 0.005, "mean");
    CHECK_NEAR(1.0 / 3, square / N, 0.005, "second moment");
    CHECK_NEAR(5, exponential / N, 0.08, "exponential mean"); /* 7 sigma */
}

static void below_is_even_and_bounded(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        int64_t x = random_below(&r, 7);
        CHECK(x >= 0 && x < 7, "out of bounds: %" PRId64, x);
        counts[x]++;
    }
    for (int i = 0; i < 7; i++)
        CHECK_NEAR(10000, counts[i], 600, "each as often");
    int64_t limit = INT64_C(3) << 61; /* does not divide 2^64 by far */
    int lower = 0;
    for (int i = 0; i < 20000; i++)
        lower += random_below(&r, limit) < limit / 2;
    CHECK_NEAR(0.5, lower / 20000.0, 0.025, "half of them in the lower half");
    CHECK_INT(0, random_below(&r, 1), "only 0 is below 1");
    CHECK_INT(0, random_below(&r, 0), "nothing is below 0");
    CHECK_INT(0, random_below(&r, -5), "nor below that");
    for (int i = 0; i < 1000; i++)
        CHECK(random_below(&r, INT64_MAX) >= 0, "the largest limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_xoshiro256starstar),
        cmocka_unit_test(the_seed_goes_through_splitmix),
        cmocka_unit_test(units_and_exponentials_have_their_moments),
        cmocka_unit_test(below_is_even_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
