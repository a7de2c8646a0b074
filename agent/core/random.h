/*
 * Pseudo-random numbers from a seed: xoshiro256** (Blackman and Vigna), seeded by
 * splitmix64. For phases, back-off and simulations; not for secrets.
 */
#ifndef EDGELAT_CORE_RANDOM_H
#define EDGELAT_CORE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

struct random random_from(uint64_t seed);
uint64_t random_next(struct random *r);
double random_unit(struct random *r);                  /* [0, 1) */
int64_t random_below(struct random *r, int64_t limit); /* [0, limit), 0 when limit <= 0 */
double random_exponential(struct random *r, double mean);

#endif
