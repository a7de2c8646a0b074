#include "daemon/resolver_checker.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/resolver_answer.h"
#include "net/resolver_channel.h"
#include "net/timer.h"
#include "probe/kinds.h"
#include "probe/tcp/single.h"

#include <arpa/nameser.h>
#include <stdlib.h>

struct resolver_checker {
    uv_loop_t *loop;
    struct budget *budget;
    resolver_checker_events *events;
    void *user;
    struct resolver_watch *watch;
    uv_timer_t *timer;
    /* The step under way. */
    struct resolver_channel *channel;
    struct single *handshake;
    enum family family;
    uint16_t port;
    struct wall sent;
};

static void on_timer(uv_timer_t *timer);

static void arm(struct resolver_checker *c)
{
    struct mono at;
    if (resolver_watch_next(c->watch, &at))
        timer_in(c->timer, on_timer, at.ns - mono_now().ns);
    else
        uv_timer_stop(c->timer);
}

/* ---- steps ---- */

static void on_reply(const struct dns_reply *reply, void *user)
{
    static struct resolution r;
    struct resolver_checker *c = user;
    struct resolver_channel *channel = c->channel;
    if (reply->status == ARES_EDESTRUCTION)
        return;
    r = (struct resolution){0};
    bool useful = reply->bytes != NULL &&
                  resolver_answer_read(&r, reply->bytes, reply->len, c->family,
                                       c->port) != RESOLVER_FAILED;
    resolver_watch_answer(c->watch, useful ? &r : NULL, mono_now());
    c->channel = NULL;
    arm(c);
    resolver_channel_close(channel);
}

static bool pay(struct resolver_checker *c, struct budget_amount a)
{
    return budget_take(c->budget, BUDGET_NAMES, a, wall_now(), mono_now());
}

static void look_up(struct resolver_checker *c, const struct resolver_watch_step *step)
{
    struct resolv_conf conf = resolv_conf_default();
    c->family = step->family;
    c->port = step->port;
    if (pay(c, BUDGET_LOOKUP))
        c->channel = resolver_channel_open(c->loop, NULL, step->server, &conf);
    if (c->channel == NULL)
        resolver_watch_answer(c->watch, NULL, mono_now());
    else
        resolver_channel_query(c->channel, step->host,
                               c->family == FAMILY_IPV6 ? ns_t_aaaa : ns_t_a, on_reply,
                               c);
}

static void on_handshake(int64_t rtt_ns, void *user)
{
    struct resolver_checker *c = user;
    c->handshake = NULL;
    resolver_watch_handshake(c->watch, rtt_ns, mono_now(), c->sent);
    arm(c);
}

static void on_timer(uv_timer_t *timer)
{
    struct resolver_checker *c = timer->data;
    struct resolver_watch_step step;
    if (resolver_watch_take(c->watch, mono_now(), wall_now(), c->events(c->user),
                            &step)) {
        if (step.action == WATCH_LOOKUP) {
            look_up(c, &step);
        } else if (!pay(c, BUDGET_HANDSHAKE)) {
            resolver_watch_handshake(c->watch, DELAY_UNDEFINED, mono_now(), wall_now());
        } else {
            c->sent = wall_now();
            c->handshake = single_start(c->loop, &step.to, NULL, 0, SINGLE_WAITING_NS,
                                        on_handshake, c);
        }
    }
    arm(c);
}

static void cancel(struct resolver_checker *c)
{
    resolver_channel_close(c->channel);
    single_cancel(c->handshake);
    c->channel = NULL;
    c->handshake = NULL;
}

/* ---- inputs ---- */

void resolver_checker_window(struct resolver_checker *c, const struct batch *batch,
                             const struct watched_server *servers, size_t n)
{
    resolver_watch_window(c->watch, batch->targets, batch->n_targets);
    if (resolver_watch_servers(c->watch, servers, n, mono_now(), wall_now(),
                               c->events(c->user)))
        cancel(c);
    arm(c);
}

void resolver_checker_moved(struct resolver_checker *c)
{
    cancel(c);
    resolver_watch_moved(c->watch, mono_now());
    arm(c);
}

void resolver_checker_pause(struct resolver_checker *c, bool paused)
{
    if (paused)
        cancel(c);
    resolver_watch_pause(c->watch, paused, mono_now());
    arm(c);
}

/* ---- create and destroy ---- */

struct resolver_checker *
resolver_checker_create(uv_loop_t *loop, const struct config *config,
                        const struct edge_data *edge_data, struct budget *budget,
                        resolver_checker_events *events, void *user)
{
    struct resolver_checker *c = mem_zalloc(sizeof *c);
    c->loop = loop;
    c->budget = budget;
    c->events = events;
    c->user = user;
    c->watch = resolver_watch_create(config, edge_data, probe_kind_words());
    c->timer = timer_new(loop, c);
    return c;
}

void resolver_checker_destroy(struct resolver_checker *c)
{
    if (c == NULL)
        return;
    cancel(c);
    timer_close(c->timer);
    resolver_watch_destroy(c->watch);
    free(c);
}
