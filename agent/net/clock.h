/*
 * Reads the monotonic clock and the wall clock. The pure rooms (core, edge) take times
 * as arguments instead.
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

/* How long the host was suspended since its start, which mono_now() does not count. */
static inline int64_t suspended_ns(void)
{
    return clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
}

/* A host without a clock battery starts in 1970, or at the build date of its system,
 * until NTP sets its clock. A wall clock before 2026 is therefore not set yet. */
#define WALL_LEAST_NS (INT64_C(1767225600) * NS_PER_S)

static inline bool wall_is_set(struct wall now)
{
    return now.ns >= WALL_LEAST_NS;
}

#endif
