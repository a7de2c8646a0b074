/*
 * libuv timers in nanoseconds. libuv counts milliseconds from the time that the loop
 * last cached, which may be long ago. timer_in() updates that time first, so a timer
 * never fires early.
 */
#ifndef EDGELAT_NET_TIMER_H
#define EDGELAT_NET_TIMER_H

#include "core/time.h"

#include <uv.h>

/* Creates a stopped timer with `data` for its callbacks; never NULL. It has its own
 * memory because it outlives its owner until libuv has closed it. */
uv_timer_t *timer_new(uv_loop_t *loop, void *data);
void timer_close(uv_timer_t *timer); /* frees it later; NULL is fine */

/* Fires once after `wait_ns`, rounded up to ms (0 or less: in the next loop iteration).
 * Restarts a running timer. */
void timer_in(uv_timer_t *timer, uv_timer_cb cb, int64_t wait_ns);

#endif
