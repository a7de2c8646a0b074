/*
 * The two clocks, read. Everything below net/ takes times as arguments.
 */
#ifndef EDGELAT_NET_CLOCK_H
#define EDGELAT_NET_CLOCK_H

#include "core/time.h"

#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static inline struct mono mono_now(void)
{
    return (struct mono){clock_ns(CLOCK_MONOTONIC)}; /* the clock of uv_hrtime() */
}

static inline struct wall wall_now(void)
{
    return (struct wall){clock_ns(CLOCK_REALTIME)};
}

/* A host whose clock has no battery begins in 1970, or where its system was built, until
 * it has heard from NTP: nothing of ours happened before 2026. */
#define WALL_LEAST_NS (INT64_C(1767225600) * NS_PER_S)

static inline bool wall_is_set(struct wall now)
{
    return now.ns >= WALL_LEAST_NS;
}

#endif
