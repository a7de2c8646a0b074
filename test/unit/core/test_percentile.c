#include "check.h"
#include "core/percentile.h"
#include "core/random.h"
#include "core/tally.h"
#include "core/window.h"

#include <math.h>

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* P(low <= K < high) of K binomial (n, q), by adding up all combinations with lgamma(). */
static double coverage(double n, double q, struct percentile_ranks ranks)
{
    double sum = 0;
    for (double k = (double)ranks.low; k < (double)ranks.high; k++)
        sum += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(q) +
                   (n - k) * log1p(-q));
    return sum;
}

static void intervals_have_their_probability(void **state)
{
    (void)state;
    static const uint64_t counts[] = {6,   7,   10,  29,   36,   59,    72,    100,
                                      299, 360, 500, 1000, 8640, 25920, 300000};
    for (size_t p = 0; p < PERCENTILES; p++) {
        double q = percentile_quantile[p];
        CHECK(!percentile_supported(p, 0), "%s of nothing", percentile_name[p]);
        for (uint64_t n = 1; n < 400; n++)
            CHECK_INT(exp((double)n * log(q)) + exp((double)n * log1p(-q)) <= 0.05,
                      percentile_supported(p, n), percentile_name[p]);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            if (!percentile_supported(p, counts[i]))
                continue;
            double n = (double)counts[i];
            struct percentile_ranks ranks = percentile_ranks(p, counts[i]);
            double covers = coverage(n, q, ranks);
            CHECK(ranks.low >= 1 && ranks.low < ranks.high && ranks.high <= counts[i],
                  "%s of %g: %llu to %llu", percentile_name[p], n,
                  (unsigned long long)ranks.low, (unsigned long long)ranks.high);
            CHECK(covers >= 0.95 - 1e-9, "%s of %g: %.5f", percentile_name[p], n, covers);
            struct percentile_ranks narrower = {ranks.low + 1, ranks.high - 1};
            CHECK(coverage(n, q, narrower) < 0.95, "%s of %g: not wider than needed",
                  percentile_name[p], n);
        }
    }
    struct percentile_ranks median = percentile_ranks(P50, 100); /* a table's value */
    CHECK_INT(40, median.low, "of 100, lower");
    CHECK_INT(61, median.high, "of 100, upper");
}

/* ---- coverage by simulation; the true quantiles come from the distributions ---- */

static double normal(struct random *r)
{
    return sqrt(random_exponential(r, 2)) * cos(2 * M_PI * random_unit(r));
}

static double draw_normal(struct random *r)
{
    return 20e6 + 1e6 * normal(r);
}

static double draw_bimodal(struct random *r)
{
    return (random_below(r, 10) < 7 ? 10e6 : 30e6) + 2e5 * normal(r);
}

static double draw_heavy(struct random *r) /* Pareto, alpha 1.2: infinite variance */
{
    return 5e6 * pow(1 - random_unit(r), -1 / 1.2);
}

static double draw_ties(struct random *r) /* a clock of 4 ms */
{
    return 4e6 * (1 + floor(random_exponential(r, 2)));
}

static const struct {
    const char *name;
    double (*draw)(struct random *r);
} distributions[] = {{"normal", draw_normal},
                     {"bimodal", draw_bimodal},
                     {"heavy-tailed", draw_heavy},
                     {"with ties", draw_ties}};
enum { DISTRIBUTIONS = sizeof distributions / sizeof *distributions, TRUTH = 500000 };

/* The quantiles of the distribution, from so many values that their error is small
 * against any interval. */
static void find_truth(size_t d, struct random *r, double truth[PERCENTILES])
{
    int64_t *all = malloc(TRUTH * sizeof *all);
    for (size_t i = 0; i < TRUTH; i++)
        all[i] = llround(distributions[d].draw(r));
    qsort(all, TRUTH, sizeof *all, by_value);
    for (size_t p = 0; p < PERCENTILES; p++)
        truth[p] = (double)all[(size_t)(percentile_quantile[p] * TRUTH)];
    free(all);
}

static void intervals_cover_the_truth(void **state)
{
    (void)state;
    enum { TRIALS = 1000 };
    static const int sizes[] = {6, 31, 60, 360};
    struct random r = random_from(check_seed());
    for (size_t d = 0; d < DISTRIBUTIONS; d++) {
        double truth[PERCENTILES];
        find_truth(d, &r, truth);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            int covered[PERCENTILES] = {0};
            for (int trial = 0; trial < TRIALS; trial++) {
                struct tally t = {0};
                struct delay_summary s = {0};
                for (int k = 0; k < sizes[i]; k++)
                    tally_add(&t, llround(distributions[d].draw(&r)));
                delay_summary_percentiles(&s, &t);
                for (size_t p = 0; p < PERCENTILES; p++)
                    covered[p] += (double)s.low_ns[p] <= truth[p] &&
                                  truth[p] <= (double)s.high_ns[p];
                tally_free(&t);
            }
            /* 0.95 less 4 standard errors of so many trials */
            for (size_t p = 0; p < PERCENTILES; p++)
                if (percentile_supported(p, (uint64_t)sizes[i]))
                    CHECK(covered[p] >= TRIALS * (0.95 - 0.0276), "%s %s of %d: %.4f",
                          distributions[d].name, percentile_name[p], sizes[i],
                          (double)covered[p] / TRIALS);
        }
    }
}

/* ---- the tally against a sorted list ---- */

static void steps_adjoin(void **state)
{
    (void)state;
    int64_t expected = 0;
    for (unsigned key = 0; key <= TALLY_KEY_MAX; key++) {
        int64_t least = tally_least((uint16_t)key), most = tally_most((uint16_t)key);
        CHECK_INT(expected, least, "no gap");
        CHECK_INT(key, tally_key(least), "its first value");
        CHECK_INT(key, tally_key(most), "its last value");
        CHECK((double)(most - least) <= (double)least * 0.002, "%u: narrow", key);
        expected = most < INT64_MAX ? most + 1 : 0;
    }
    CHECK_INT(0, expected, "the last one ends at INT64_MAX");
}

static void percentiles_are_those_of_a_sorted_list(void **state)
{
    (void)state;
    enum { N = 30000 };
    static int64_t sorted[N];
    struct random r = random_from(check_seed());
    for (size_t d = 0; d < DISTRIBUTIONS; d++) {
        struct tally parts[3] = {{0}}, all = {0};
        struct delay_summary s = {0};
        for (size_t i = 0; i < N; i++) {
            sorted[i] = llround(distributions[d].draw(&r));
            tally_add(&parts[i % 3], sorted[i]);
        }
        for (size_t i = 0; i < 3; i++) {
            tally_merge(&all, &parts[i]);
            tally_free(&parts[i]);
        }
        qsort(sorted, N, sizeof *sorted, by_value);
        delay_summary_percentiles(&s, &all);
        CHECK_INT(N, s.count, "all of them");
        for (size_t p = 0; p < PERCENTILES; p++) {
            struct percentile_ranks ranks = percentile_ranks(p, N);
            double exact =
                (double)sorted[(size_t)llround(percentile_quantile[p] * N) - 1];
            double low = (double)sorted[ranks.low - 1];
            double high = (double)sorted[ranks.high - 1];
            CHECK_NEAR(exact, (double)s.percentile_ns[p], exact * 0.001, "percentile");
            CHECK_NEAR(low, (double)s.low_ns[p], low * 0.002, "low");
            CHECK_NEAR(high, (double)s.high_ns[p], high * 0.002, "high");
            CHECK((double)s.low_ns[p] <= low && (double)s.high_ns[p] >= high, "wide");
        }
        tally_free(&all);
    }
}

static void one_step_holds_any_number(void **state)
{
    (void)state;
    struct tally t = {0}, twice = {0};
    for (int i = 0; i < 100000; i++)
        tally_add(&t, 5 * 1000000);
    tally_add(&t, 9 * 1000000);
    tally_merge(&twice, &t);
    tally_merge(&twice, &t);
    CHECK_INT(200002, twice.count, "count");
    CHECK_INT(tally_key(5000000), tally_at(&twice, 200000), "the last of the many");
    CHECK_INT(tally_key(9000000), tally_at(&twice, 200001), "above");
    tally_free(&t);
    tally_free(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_have_their_probability),
        cmocka_unit_test(intervals_cover_the_truth),
        cmocka_unit_test(steps_adjoin),
        cmocka_unit_test(percentiles_are_those_of_a_sorted_list),
        cmocka_unit_test(one_step_holds_any_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
