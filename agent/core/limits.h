/*
 * Send rates of probes and their limits. The limits are compiled in, so a configuration
 * mistake on 300 sites cannot flood Microsoft's edge or a site's own line.
 *
 * Bytes and packets count both directions, with IP headers, for the largest probe of the
 * kind (struct kind).
 */
#ifndef EDGELAT_CORE_LIMITS_H
#define EDGELAT_CORE_LIMITS_H

#include "core/target.h"

enum { RATE_PROBES, RATE_PACKETS, RATE_BYTES, RATE_MEASURES };

extern const char *const send_rate_names[RATE_MEASURES]; /* "probes", ... */

struct send_rate { /* per second */
    double of[RATE_MEASURES];
};

/*
 * The limits of the agent as a whole, and of its probes to one host. The limit of a host
 * allows one target probed every second with every kind, but not two.
 */
extern const struct send_rate limits_agent, limits_host;

/* The rate of a target whose kinds have these intervals, in all its families. */
struct send_rate send_rate_of(const struct target *t, const struct kinds *kinds,
                              const int64_t *intervals_ns);

/* Adds `more` multiplied by `times`; -1 subtracts it. */
void send_rate_add(struct send_rate *to, const struct send_rate *more, double times);

/*
 * Returns the factor by which the intervals of `more` must be stretched so that `base`
 * and `more` together stay within `most`; below 1 there is room left. LIMITS_NEVER:
 * `base` alone exceeds the limit.
 */
#define LIMITS_NEVER 1e9
double limits_stretch(const struct send_rate *base, const struct send_rate *more,
                      const struct send_rate *most);

#endif
