/*
 * libuv's timers in our units. They count in milliseconds from the time that the loop
 * last read, which may be long ago: timer_in() reads it again, and never fires early.
 */
#ifndef EDGELAT_NET_TIMER_H
#define EDGELAT_NET_TIMER_H

#include "core/time.h"

#include <uv.h>

/* A timer that does not run, with `data` for its callbacks; never NULL. It outlives its
 * owner until libuv has closed it, so it has memory of its own. */
uv_timer_t *timer_new(uv_loop_t *loop, void *data);
void timer_close(uv_timer_t *timer); /* frees it, later; NULL is fine */

/* Once, in `wait_ns` (0 or less: on the next turn), rounded up; again when it runs. */
void timer_in(uv_timer_t *timer, uv_timer_cb cb, int64_t wait_ns);

#endif
