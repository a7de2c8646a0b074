#include "net/timer.h"

#include "base/mem.h"

#include <stdlib.h>

uv_timer_t *timer_new(uv_loop_t *loop, void *data)
{
    uv_timer_t *timer = mem_zalloc(sizeof *timer);
    uv_timer_init(loop, timer);
    timer->data = data;
    return timer;
}

static void timer_free(uv_handle_t *handle)
{
    free(handle);
}

void timer_close(uv_timer_t *timer)
{
    if (timer != NULL)
        uv_close((uv_handle_t *)timer, timer_free);
}

void timer_in(uv_timer_t *timer, uv_timer_cb cb, int64_t wait_ns)
{
    uint64_t ms = wait_ns <= 0 ? 0 : (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS);
    uv_update_time(timer->loop);
    uv_timer_start(timer, cb, ms, 0);
}
