#include "core/paired.h"

#include "core/percentile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INDEPENDENT_LEAST 8

void paired_add(struct paired *p, struct wall at, int64_t ns)
{
    p->at[p->next] = at;
    p->ns[p->next] = ns;
    p->next = (p->next + 1) % PAIRED_MAX;
    if (p->n < PAIRED_MAX)
        p->n++;
}

static int by_difference(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* How much more the sum of the signs of the values about their median varies than that of
 * independent ones: 1 + 2 * (the sum of their autocorrelations up to the first pair of lags
 * that is not positive). */
static double variance_inflation(const int64_t *values, size_t n, int64_t median_ns)
{
    int signs[PAIRED_MAX];
    double sum = 0, own = 0, pair = 0;
    for (size_t i = 0; i < n; i++) {
        signs[i] = (values[i] > median_ns) - (values[i] < median_ns);
        own += signs[i] * signs[i];
    }
    for (size_t lag = 1; lag <= n / 3 && own > 0; lag++) {
        double r = 0;
        for (size_t i = lag; i < n; i++)
            r += signs[i] * signs[i - lag];
        r *= (double)n / (double)(n - lag) / own;
        pair += r;
        if (lag % 2 == 0 && pair <= 0)
            break;
        if (lag % 2 == 0) {
            sum += pair;
            pair = 0;
        }
    }
    return 1 + 2 * sum;
}

struct paired_interval paired_interval(const struct paired *p, struct wall now)
{
    struct paired_interval out = {0};
    int64_t in_order[PAIRED_MAX], sorted[PAIRED_MAX];
    for (size_t i = 0; i < p->n; i++) {
        size_t at = (p->next + PAIRED_MAX - p->n + i) % PAIRED_MAX;
        if (now.ns - p->at[at].ns <= PAIRED_KEEP_NS)
            in_order[out.n++] = p->ns[at];
    }
    if (out.n < PAIRED_LEAST)
        return out;
    memcpy(sorted, in_order, out.n * sizeof *sorted);
    qsort(sorted, out.n, sizeof *sorted, by_difference);
    out.ns = (sorted[(out.n - 1) / 2] + sorted[out.n / 2]) / 2;
    double inflation = variance_inflation(in_order, out.n, out.ns);
    double half = (double)out.n / 2 - (double)percentile_ranks(P50, out.n).low + 1;
    double low = (double)out.n / 2 - half * sqrt(inflation);
    if (low < 0 || (double)out.n / inflation < INDEPENDENT_LEAST)
        return out;
    out.known = true;
    out.low_ns = sorted[(size_t)low];
    out.high_ns = sorted[out.n - 1 - (size_t)low];
    return out;
}
