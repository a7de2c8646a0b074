/*
 * Base-2 exponential histogram as OpenTelemetry defines it (metrics data model,
 * "ExponentialHistogram"): bucket i of scale s holds the values in (2^(i/2^s),
 * 2^((i+1)/2^s)] seconds. Two histograms merge without loss, here and at the receiver,
 * so delays are exported in this form.
 *
 * At HISTOGRAM_SCALE the error of a quantile is at most 0.55 % of its value. The bucket
 * array grows with the range of the data, up to HISTOGRAM_BUCKETS_MAX (more than six
 * decades). Beyond that the scale decreases by one, which halves the number of buckets
 * and doubles the error; no value is lost.
 */
#ifndef EDGELAT_CORE_HISTOGRAM_H
#define EDGELAT_CORE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SCALE 6
/* Of the main delays that are exported, by default: the error of a quantile is at most
 * 4.4 %, buckets are 9 % wide as those of Prometheus (native_histogram_bucket_factor: 1.1),
 * and a store with a series per bucket needs a sixth of those of HISTOGRAM_SCALE. */
#define HISTOGRAM_EXPORT_SCALE 3
#define HISTOGRAM_BUCKETS_MAX  1536

/* Start with histogram_empty(), end with histogram_free(). */
struct histogram {
    uint64_t count;
    uint64_t zeros;         /* values of 0, or below the threshold */
    double sum_s;           /* seconds */
    int64_t min_ns, max_ns; /* exact; 0 while count is 0 */
    int8_t scale;
    uint8_t zero;   /* values up to 2^-zero s count as zeros; 0: only 0 does */
    int32_t offset; /* index of buckets[0] */
    uint32_t n;     /* buckets in use; the first and the last are not 0 */
    uint32_t room;  /* buckets allocated */
    uint32_t *buckets;
};

struct histogram histogram_empty(void);
void histogram_free(struct histogram *h);
/* Empties it and restores the full scale; keeps the memory. */
void histogram_reset(struct histogram *h);

/* Adds a value, ns >= 0. O(1), under 20 ns; allocates only when the range grows. */
void histogram_add(struct histogram *h, int64_t ns);

/* Has values up to 2^-zero s count as zeros ("zero_threshold"), zero 1 to 29; sum and
 * extremes stay exact. Of an empty histogram. */
void histogram_set_zero(struct histogram *h, unsigned zero);

/* Reduces the scale to `scale`, if it is larger. */
void histogram_coarsen(struct histogram *h, int scale);

/* Adds all values of `from` to `into`; the result has the coarser of the two scales, and
 * the threshold of `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * The q-quantile in ns, 0 <= q <= 1, by nearest rank: the geometric middle of its bucket, or
 * 0, clamped to the exact minimum and maximum; the last rank gives the exact maximum.
 * DELAY_UNDEFINED when the histogram is empty.
 */
int64_t histogram_quantile(const struct histogram *h, double q);

/* The largest error of a quantile at that scale, as a share of its value. */
double histogram_error(int scale);

/* The nearest rank of the q-quantile among `count` > 0 values: ceil(q * count), 1 to
 * `count`. */
uint64_t histogram_rank(double q, uint64_t count);

#endif
