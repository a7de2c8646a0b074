/*
 * libuv's timers in our units. They count in milliseconds from the time that the loop
 * last looked at, which may be long ago: this looks again, and never fires early.
 */
#ifndef EDGELAT_NET_TIMER_H
#define EDGELAT_NET_TIMER_H

#include "core/time.h"

#include <uv.h>

/* Once, in `wait_ns` (0 or less: on the next turn), rounded up; again when it runs. */
static inline void timer_in(uv_timer_t *timer, uv_timer_cb cb, int64_t wait_ns)
{
    uint64_t ms = wait_ns <= 0 ? 0 : (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS);
    uv_update_time(timer->loop);
    uv_timer_start(timer, cb, ms, 0);
}

#endif
