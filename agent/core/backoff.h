/*
 * Exponential back-off with full jitter (M. Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015): agents that failed at the same moment do not retry at the
 * same moment.
 */
#ifndef EDGELAT_CORE_BACKOFF_H
#define EDGELAT_CORE_BACKOFF_H

#include "core/random.h"

#include <stdint.h>

/* Longest wait after `failures` earlier failures in a row: `first_ns`, doubled with each
 * of them, at most `most_ns`. */
int64_t backoff_limit_ns(int64_t first_ns, int64_t most_ns, unsigned failures);

/* The wait itself: drawn evenly from 0 to that limit. */
int64_t backoff_ns(struct random *r, int64_t first_ns, int64_t most_ns,
                   unsigned failures);

#endif
