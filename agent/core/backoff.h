/*
 * Exponential back-off with full jitter (M. Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015): agents that failed at the same moment do not retry at the
 * same moment.
 */
#ifndef EDGELAT_CORE_BACKOFF_H
#define EDGELAT_CORE_BACKOFF_H

#include "core/random.h"

#include <stdint.h>

/* The longest wait: `first_ns`, doubled for each of the `failures` earlier failures in a
 * row, at most `most_ns`. */
int64_t backoff_limit_ns(int64_t first_ns, int64_t most_ns, unsigned failures);

/* The wait: uniformly distributed between 0 and that limit. */
int64_t backoff_ns(struct random *r, int64_t first_ns, int64_t most_ns,
                   unsigned failures);

#endif
