#include "probe/tcp/decoy.h"

#include "base/mem.h"
#include "core/intercept.h"
#include "probe/tcp/handshake.h"

#include <stdlib.h>

struct decoy {
    uv_timer_t timer;
    struct handshake *handshake; /* NULL: over, or it could not begin */
    decoy_cb *on_end;
    void *user;
};

static void free_decoy(uv_handle_t *timer)
{
    free(timer->data);
}

void decoy_cancel(struct decoy *d)
{
    if (d == NULL)
        return;
    if (d->handshake != NULL)
        handshake_cancel(d->handshake);
    uv_close((uv_handle_t *)&d->timer, free_decoy);
}

static void on_timer(uv_timer_t *timer)
{
    struct decoy *d = timer->data;
    decoy_cancel(d); /* the memory stays until the loop has closed the timer */
    d->on_end(DELAY_UNDEFINED, d->user);
}

static void on_handshake(const struct handshake_end *end, void *user)
{
    struct decoy *d = user;
    int64_t handshake_ns = end->rtt_ns;
    d->handshake = NULL;
    if (end->error == 0)
        handshake_hang_up(end->socket);
    decoy_cancel(d);
    d->on_end(handshake_ns, d->user);
}

struct decoy *decoy_start(uv_loop_t *loop, const struct target *target,
                          const struct endpoint *to, decoy_cb *on_end, void *user)
{
    struct decoy *d = mem_zalloc(sizeof *d);
    struct endpoint nobody = *to;
    nobody.port = target->port == INTERCEPT_DECOY_PORT ? INTERCEPT_DECOY_OTHER_PORT
                                                       : INTERCEPT_DECOY_PORT;
    d->on_end = on_end;
    d->user = user;
    uv_timer_init(loop, &d->timer);
    d->timer.data = d;
    int rc = handshake_start(&d->handshake, loop, &nobody, target->dscp, on_handshake, d);
    if (rc != 0)
        d->handshake = NULL;
    uv_update_time(loop);
    uv_timer_start(&d->timer, on_timer,
                   rc != 0 ? 0 : (uint64_t)(target->waiting_ns / NS_PER_MS), 0);
    return d;
}
