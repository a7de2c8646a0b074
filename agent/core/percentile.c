#include "core/percentile.h"

#include <math.h>

#define TAIL 0.025 /* of a two-sided 95 % interval, each */

const double percentile_quantile[PERCENTILES] = {0.5, 0.9, 0.95, 0.99};
const char *const percentile_name[PERCENTILES] = {"p50", "p90", "p95", "p99"};

/* The probability that no value is above the quantile. */
static double none_above(double q, uint64_t count)
{
    return pow(q, (double)count);
}

/* The least n with q^n + (1 - q)^n <= 2 * TAIL: computed once, as it is asked for each
 * percentile of each series. */
static const uint64_t least_supported[PERCENTILES] = {6, 29, 59, 299};

bool percentile_supported(size_t percentile, uint64_t count)
{
    return count >= least_supported[percentile];
}

/* The binomial distribution from its first relevant value on. Probabilities below
 * NEGLIGIBLE of the largest one are taken as 0. */
#define NEGLIGIBLE 1e-12

struct binomial {
    double n, odds, mode; /* odds: q / (1 - q) */
    double k, p;          /* P(K = k), not normalised */
};

static void next(struct binomial *b)
{
    b->p *= (b->n - b->k) / (b->k + 1) * b->odds;
    b->k++;
}

static struct binomial binomial_begin(double n, double q)
{
    double mode = floor(n * q), odds = q / (1 - q);
    struct binomial b = {.n = n, .odds = odds, .mode = mode, .k = mode, .p = 1};
    for (; b.k > 0 && b.p > NEGLIGIBLE; b.k--)
        b.p *= b.k / ((n - b.k + 1) * odds);
    return b;
}

/* The sum of all, to normalise with. */
static double binomial_sum(struct binomial b)
{
    double sum = 0;
    for (; b.k <= b.n && (b.k <= b.mode || b.p > NEGLIGIBLE); next(&b))
        sum += b.p;
    return sum;
}

struct percentile_ranks percentile_ranks(size_t percentile, uint64_t count)
{
    struct percentile_ranks ranks = {1, count};
    if (!percentile_supported(percentile, count))
        return ranks;
    double q = percentile_quantile[percentile], above = none_above(q, count);
    double lower_tail = above > TAIL ? 2 * TAIL - above : TAIL;
    struct binomial b = binomial_begin((double)count, q);
    double sum = binomial_sum(b), below = 0; /* P(K < k) */
    while (below < 1 - TAIL && b.k < b.n) {
        if (below <= lower_tail && b.k > 0)
            ranks.low = (uint64_t)b.k;
        below += b.p / sum;
        next(&b);
    }
    ranks.high = (uint64_t)b.k;
    return ranks;
}
