/*
 * The distance between two positions, and the least round-trip delay that light needs for
 * it, a lower bound for measured delays.
 */
#ifndef EDGELAT_EDGE_DISTANCE_H
#define EDGELAT_EDGE_DISTANCE_H

#include <stdint.h>

struct position { /* degrees, to a metre; north and east are positive */
    float latitude, longitude;
};

/* Great-circle distance by the haversine formula, on a sphere of 6371 km: within 0.6 % of
 * the ellipsoid's. */
double distance_km(struct position a, struct position b);

/* The least round-trip delay over that distance: both ways in fibre, where light has two
 * thirds of its speed in vacuum. Real paths are longer. */
int64_t distance_rtt_bound_ns(double km);

#endif
