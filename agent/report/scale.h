/*
 * The axis of delays in a plot: linear from 0, or logarithmic where a few values are
 * many times the others; with round ticks.
 */
#ifndef EDGELAT_REPORT_SCALE_H
#define EDGELAT_REPORT_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCALE_TICKS_MAX = 12 };

struct scale {
    double low_ms, high_ms; /* low > 0 where logarithmic, else 0 */
    bool logarithmic;
    double ticks_ms[SCALE_TICKS_MAX];
    size_t n_ticks;
};

/* For values from `least` to `most`, of which `usual` is a typical one; all > 0. */
struct scale scale_for(double least_ms, double usual_ms, double most_ms);

/* Where a value is: 0 is the low end, 1 the high one; held between them. */
double scale_at(const struct scale *s, double ms);

/* The distance of ticks on the axis of time, in ns: about `n` of them in `span_ns`. */
int64_t scale_time_step(int64_t span_ns, size_t n);

#endif
