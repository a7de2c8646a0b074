/*
 * What probes put on the wire, and how much of it there may be. The limits are compiled
 * in: a slip in the configuration of 300 sites is no attack, on Microsoft's edge as
 * little as on the site's own line.
 *
 * Bytes and packets are those of both directions, with IP headers, and of a probe as
 * large as its kind gets (struct kind).
 */
#ifndef EDGELAT_CORE_LIMITS_H
#define EDGELAT_CORE_LIMITS_H

#include "core/target.h"

enum { RATE_PROBES, RATE_PACKETS, RATE_BYTES, RATE_MEASURES };

extern const char *const send_rate_names[RATE_MEASURES]; /* "probes", ... */

struct send_rate { /* a second */
    double of[RATE_MEASURES];
};

/*
 * The most of an agent, and of what it sends to one host: as much as one target makes
 * that is probed with all that there is each second, but not twice that.
 */
extern const struct send_rate limits_agent, limits_host;

/* Of a target whose kinds have these intervals, in all families that it can have. */
struct send_rate send_rate_of(const struct target *t, const struct kinds *kinds,
                              const int64_t *intervals_ns);

/* Adds `more`, so many times: -1 takes it away. */
void send_rate_add(struct send_rate *to, const struct send_rate *more, double times);

/*
 * So many times longer `more`, which comes on top of `base`, has to take, that both
 * together are no more than `most`; below 1 there is room. LIMITS_NEVER: `base` alone is
 * too much.
 */
#define LIMITS_NEVER 1e9
double limits_stretch(const struct send_rate *base, const struct send_rate *more,
                      const struct send_rate *most);

#endif
