#include "probe/stun/reach.h"

#include "base/mem.h"
#include "core/result.h"
#include "probe/tcp/single.h"

#include <stdlib.h>

struct reach {
    struct endpoint to;
    const struct uplink *uplink;
    struct single *single;
    uint16_t next_port; /* to be tried after this one; 0: none */
    reach_cb *on_end;
    void *user;
    uv_loop_t *loop;
};

static void try_port(struct reach *r, uint16_t port, uint16_t next);

static void on_single(int64_t rtt_ns, void *user)
{
    struct reach *r = user;
    uint16_t port = rtt_ns != DELAY_UNDEFINED ? r->to.port : 0;
    r->single = NULL;
    if (port == 0 && r->next_port != 0) {
        try_port(r, r->next_port, 0);
        return;
    }
    reach_cb *on_end = r->on_end;
    void *for_user = r->user;
    free(r);
    on_end(port, for_user);
}

static void try_port(struct reach *r, uint16_t port, uint16_t next)
{
    r->to.port = port;
    r->next_port = next;
    r->single =
        single_start(r->loop, &r->to, r->uplink, 0, SINGLE_WAITING_NS, on_single, r);
}

struct reach *reach_start(uv_loop_t *loop, const struct endpoint *to,
                          const struct uplink *uplink, reach_cb *on_end, void *user)
{
    struct reach *r = mem_zalloc(sizeof *r);
    *r = (struct reach){
        .to = *to, .uplink = uplink, .on_end = on_end, .user = user, .loop = loop};
    try_port(r, 443, to->port != 443 ? to->port : 0);
    return r;
}

void reach_cancel(struct reach *r)
{
    if (r == NULL)
        return;
    single_cancel(r->single);
    free(r);
}
