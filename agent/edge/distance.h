/*
 * How far two addresses are from each other, and how fast light could get there: what a
 * measured round-trip delay is held against.
 */
#ifndef EDGELAT_EDGE_DISTANCE_H
#define EDGELAT_EDGE_DISTANCE_H

#include <stdint.h>

struct position { /* degrees; north and east are positive */
    double latitude, longitude;
};

/* Great-circle distance by the haversine formula, on a sphere of 6371 km: within 0.6 % of
 * the ellipsoid's. */
double distance_km(struct position a, struct position b);

/* The least round-trip delay over that distance: there and back in fibre, where light has
 * two thirds of its speed. No path is that straight. */
int64_t distance_rtt_bound_ns(double km);

#endif
