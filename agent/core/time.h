/*
 * Time as a value. The two clocks have two types: `struct mono` never steps and is for
 * durations and due times; `struct wall` is UTC and is for timestamps. Nothing here reads
 * a clock; times are arguments. Durations are int64_t nanoseconds, with `_ns` in the
 * name.
 */
#ifndef EDGELAT_CORE_TIME_H
#define EDGELAT_CORE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

struct mono {
    int64_t ns; /* since an arbitrary point of this boot */
};

struct wall {
    int64_t ns; /* since 1970-01-01T00:00:00Z, no leap seconds */
};

/* For qsort() of int64_t, ascending. */
int ns_compare(const void *a, const void *b);

/* Milliseconds, for texts. */
static inline double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

#define WALL_TEXT_MAX 32

/* RFC 3339, UTC, microseconds: 2026-11-23T09:00:00.123456Z. Returns `out`. */
const char *wall_text(char out[WALL_TEXT_MAX], struct wall time);

/* The next multiple of `period_ns` since 1970, strictly after `time`: a period of a
 * minute ends on the minute. */
struct wall wall_next(struct wall time, int64_t period_ns);

/*
 * Parses "250ms", "5s", "1.5m", "2h", "7d"; also "us" and "ns"; a unit is required. False
 * when the syntax is wrong or the value is not within `least_ns` to `most_ns`.
 */
bool duration_parse(const char *text, int64_t least_ns, int64_t most_ns, int64_t *out_ns);

#define DURATION_TEXT_MAX 32

/* Formats in the largest unit that divides `ns`: "90s", "250ms", "1h";
 * duration_parse() reads it back exactly. Returns `out`. */
const char *duration_text(char out[DURATION_TEXT_MAX], int64_t ns);

#endif
