/*
 * A seed for core/random, different on each host, so that 10,000 agents that start in
 * the same second do not act in step. Not for secrets.
 */
#ifndef EDGELAT_NET_SEED_H
#define EDGELAT_NET_SEED_H

#include <stdint.h>
#include <sys/random.h>
#include <uv.h>

static inline uint64_t seed_random(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = uv_hrtime() ^ (uint64_t)uv_os_getpid() << 32;
    return seed;
}

#endif
