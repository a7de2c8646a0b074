/*
 * The delay axis of a plot: linear from 0, or logarithmic if the maximum is many times
 * the typical value. Ticks are at round values.
 */
#ifndef EDGELAT_REPORT_SCALE_H
#define EDGELAT_REPORT_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCALE_TICKS_MAX = 12 };

struct scale {
    double low_ms, high_ms; /* low > 0 if logarithmic, else 0 */
    bool logarithmic;
    double ticks_ms[SCALE_TICKS_MAX];
    size_t n_ticks;
};

/* The scale for values from `least_ms` to `most_ms`; `usual_ms` is a typical value. All
 * > 0. */
struct scale scale_for(double least_ms, double usual_ms, double most_ms);

/* Position of a value: 0 is the low end, 1 the high end; bounded to that range. */
double scale_at(const struct scale *s, double ms);

/* The tick distance of the time axis in ns, for about `n` ticks in `span_ns`. */
int64_t scale_time_step(int64_t span_ns, size_t n);

#endif
