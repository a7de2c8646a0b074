#include "edge/distance.h"

#include <math.h>

#define EARTH_RADIUS_KM     6371.0088
#define LIGHT_IN_FIBRE_KM_S (299792.458 * 2 / 3)
#define RADIANS(degrees)    ((degrees) * (M_PI / 180))

static double squared_sine(double x)
{
    return sin(x) * sin(x);
}

/*
 * The angle in radians of a chord of the unit circle: halves the angle repeatedly until
 * the chord is as long as its arc. 12 halvings are exact to 3e-8, for near and for
 * opposite positions alike.
 */
static double arc(double chord)
{
    enum { HALVINGS = 12 };
    for (int i = 0; i < HALVINGS; i++)
        chord /= sqrt(2 + sqrt(4 - chord * chord));
    return ldexp(chord, HALVINGS);
}

double distance_km(struct position a, struct position b)
{
    double between = RADIANS((double)b.latitude - a.latitude) / 2;
    double across = RADIANS((double)b.longitude - a.longitude) / 2;
    double h = squared_sine(between) +
               cos(RADIANS(a.latitude)) * cos(RADIANS(b.latitude)) * squared_sine(across);
    return EARTH_RADIUS_KM * arc(2 * sqrt(h < 1 ? h : 1));
}

int64_t distance_rtt_bound_ns(double km)
{
    return llround(2 * km / LIGHT_IN_FIBRE_KM_S * 1e9);
}
