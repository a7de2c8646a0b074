#include "probe/tcp/single.h"

#include "base/mem.h"
#include "core/result.h"
#include "probe/tcp/handshake.h"

#include <stdlib.h>

struct single {
    uv_timer_t timer;
    struct handshake *handshake; /* NULL: it is over, or could not begin */
    single_cb *on_end;
    void *user;
};

static void free_single(uv_handle_t *timer)
{
    free(timer->data);
}

void single_cancel(struct single *s)
{
    if (s == NULL)
        return;
    if (s->handshake != NULL)
        handshake_cancel(s->handshake);
    uv_close((uv_handle_t *)&s->timer, free_single);
}

static void on_single_timer(uv_timer_t *timer)
{
    struct single *s = timer->data;
    single_cancel(s); /* the memory stays until the loop has closed the timer */
    s->on_end(DELAY_UNDEFINED, s->user);
}

static void on_single_handshake(const struct handshake_end *end, void *user)
{
    struct single *s = user;
    int64_t rtt_ns = handshake_tells(end, 0).rtt_ns;
    s->handshake = NULL;
    if (end->error == 0)
        handshake_hang_up(end->socket);
    single_cancel(s);
    s->on_end(rtt_ns, s->user);
}

struct single *single_start(uv_loop_t *loop, const struct endpoint *to,
                            const struct uplink *uplink, uint8_t dscp, int64_t waiting_ns,
                            single_cb *on_end, void *user)
{
    struct single *s = mem_zalloc(sizeof *s);
    s->on_end = on_end;
    s->user = user;
    uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    int rc =
        handshake_start(&s->handshake, loop, to, uplink, dscp, on_single_handshake, s);
    if (rc != 0)
        s->handshake = NULL;
    uv_update_time(loop);
    uv_timer_start(&s->timer, on_single_timer,
                   rc != 0 ? 0 : (uint64_t)(waiting_ns / NS_PER_MS), 0);
    return s;
}
