/*
 * Base-2 exponential histogram as OpenTelemetry defines it (metrics data model,
 * "ExponentialHistogram"): bucket i of scale s holds the values in (2^(i/2^s),
 * 2^((i+1)/2^s)] seconds. Two histograms merge without loss, here and at the receiver,
 * which is why percentiles travel in this form.
 *
 * At HISTOGRAM_SCALE a quantile is wrong by at most 0.55 % of its value; the buckets grow
 * as far as the data needs, up to HISTOGRAM_BUCKETS_MAX (six decades and more); past that
 * the scale goes down by one, which halves the buckets and doubles the error, rather than
 * losing a value.
 */
#ifndef EDGELAT_CORE_HISTOGRAM_H
#define EDGELAT_CORE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SCALE       6
#define HISTOGRAM_BUCKETS_MAX 1536

struct histogram { /* start with histogram_empty(), end with histogram_free() */
    uint64_t count;
    uint64_t zeros;         /* values of 0 */
    double sum_s;           /* seconds */
    int64_t min_ns, max_ns; /* exact; 0 while count is 0 */
    int8_t scale;
    int32_t offset; /* index of buckets[0] */
    uint32_t n;     /* buckets in use; the first and the last are not 0 */
    uint32_t room;
    uint32_t *buckets;
};

struct histogram histogram_empty(void);
void histogram_free(struct histogram *h);
void histogram_reset(
    struct histogram *h); /* empty again, at full scale; keeps the memory */

/* O(1), under 20 ns; allocates only when the data reaches further than ever before. ns >=
 * 0. */
void histogram_add(struct histogram *h, int64_t ns);

/* Makes the buckets as wide as those of `scale`, if they are finer. */
void histogram_coarsen(struct histogram *h, int scale);

/* Adds all of `from` to `into`; the coarser of the two scales wins. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * The q-quantile in ns, 0 <= q <= 1, by the nearest rank: the geometric middle of the
 * bucket that holds it, held between the exact minimum and maximum; the last rank is the
 * maximum itself. DELAY_UNDEFINED when there is no value.
 */
int64_t histogram_quantile(const struct histogram *h, double q);

/* The nearest rank of the q-quantile among `count` > 0 values: ceil(q * count), 1 to
 * `count`. */
uint64_t histogram_rank(double q, uint64_t count);

#endif
