/*
 * Percentiles of a sample as order statistics, with two-sided intervals that hold for any
 * distribution (David and Nagaraja, Order Statistics, 7.1). Of n independent values, the
 * number K below the quantile q is binomial (n, q), so the order statistics `low` and
 * `high` enclose the quantile with probability P(low <= K < high). Ties only raise it.
 *
 * Tails are 2.5 % each. Where the largest value leaves more than that above it (p90 of 29
 * to 35 values), the lower tail gets the rest of the 5 %. A percentile without such ranks
 * cannot be stated: p50 needs 6 values, p90 29, p95 59, p99 299.
 */
#ifndef EDGELAT_CORE_PERCENTILE_H
#define EDGELAT_CORE_PERCENTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { P50, P90, P95, P99, PERCENTILES };
extern const double percentile_quantile[PERCENTILES];  /* 0.5, 0.9, 0.95, 0.99 */
extern const char *const percentile_name[PERCENTILES]; /* "p50", ... */

struct percentile_ranks { /* from 1 to the number of values */
    uint64_t low, high;   /* of the 95 % interval; 1 and the number if not supported */
};

/* True when `count` values support the percentile: the interval exists. */
bool percentile_supported(size_t percentile, uint64_t count);

/* `count` > 0. Time: proportional to the square root of `count`. */
struct percentile_ranks percentile_ranks(size_t percentile, uint64_t count);

#endif
