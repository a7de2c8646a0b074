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

enum { TRAFFIC_PROBES, TRAFFIC_PACKETS, TRAFFIC_BYTES, TRAFFIC_MEASURES };

extern const char *const traffic_names[TRAFFIC_MEASURES]; /* "probes", ... */

struct traffic { /* a second */
    double of[TRAFFIC_MEASURES];
};

/*
 * The most of an agent, and of what it sends to one host: as much as one target makes
 * that is probed with all that there is each second, but not twice that.
 */
extern const struct traffic traffic_most, traffic_most_host;

/* Of a target whose kinds have these intervals, in all families that it can have. */
struct traffic traffic_of(const struct target *t, const struct kinds *kinds,
                          const int64_t *intervals_ns);

/* Adds `more`, so many times: -1 takes it away. */
void traffic_add(struct traffic *to, const struct traffic *more, double times);

/*
 * So many times longer `more`, which comes on top of `base`, has to take, that both
 * together are no more than `most`; below 1 there is room. TRAFFIC_NEVER: `base` alone is
 * too much.
 */
#define TRAFFIC_NEVER 1e9
double traffic_stretch(const struct traffic *base, const struct traffic *more,
                       const struct traffic *most);

#endif
