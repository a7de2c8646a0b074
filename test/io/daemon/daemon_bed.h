/*
 * Test bed of the daemon: a network namespace (world.h), kinds that send nothing
 * (fake_kinds.h), a configuration for them, and a loop with a timeout.
 */
#ifndef EDGELAT_TEST_DAEMON_BED_H
#define EDGELAT_TEST_DAEMON_BED_H

#include "io/daemon/fake_kinds.h"
#include "io/daemon/world.h"

#include "config/config.h"
#include "interned.h"
#include "net/clock.h"

/* ---- configuration ---- */

static inline struct config world_config(void)
{
    struct config c = config_default();
    c.workloads = false;
    c.front_doors = 0;
    c.window_ns = 86400 * NS_PER_S; /* tests close windows themselves */
    text_copy(c.dns_servers, sizeof c.dns_servers, WORLD_DNS);
    return c;
}

/* Adds a target probed over IPv4 by these kinds, every FAKE_INTERVAL_NS. */
static inline struct target *world_target(struct config *c, const char *host, bool echo,
                                          bool shake)
{
    c->targets = realloc(c->targets, (c->n_targets + 1) * sizeof *c->targets);
    struct target *t = &c->targets[c->n_targets++];
    *t = target_default(probe_kind_words());
    t->name = interned("%.*s", (int)strcspn(host, "."), host);
    t->host = intern(host);
    t->ipv6 = false;
    target_wait(t, 60 * NS_PER_MS);
    t->kinds[FAKE_ECHO] = echo;
    t->kinds[FAKE_SHAKE] = shake;
    return t;
}

/* ---- event loop ---- */

static inline void world_tick(uv_timer_t *timer)
{
    (void)timer;
}

static inline int64_t world_left_ns(const struct mono *until)
{
    return until->ns - mono_now().ns;
}

/* Runs the loop until the condition holds; fails after `ms`. */
#define TURN_UNTIL(loop, ms, condition)                                                  \
    do {                                                                                 \
        struct mono until_ = {mono_now().ns + (ms)*NS_PER_MS};                           \
        uv_timer_t tick_;                                                                \
        uv_timer_init((loop), &tick_);                                                   \
        uv_timer_start(&tick_, world_tick, 5, 5);                                        \
        while (!(condition) && world_left_ns(&until_) > 0)                               \
            uv_run((loop), UV_RUN_ONCE);                                                 \
        uv_close((uv_handle_t *)&tick_, NULL);                                           \
        uv_run((loop), UV_RUN_NOWAIT);                                                   \
        CHECK((condition), "%d ms and not yet: %s", (int)(ms), #condition);              \
    } while (0)

static inline void turn_for(uv_loop_t *loop, int64_t ms)
{
    struct mono until = {mono_now().ns + ms * NS_PER_MS};
    TURN_UNTIL(loop, ms + 5000, world_left_ns(&until) <= 0);
}

/* A listener on 198.51.100.N that counts connections. */
struct listener {
    uv_tcp_t tcp;
    unsigned accepted;
};

static inline void listener_on_connection(uv_stream_t *tcp, int status)
{
    CHECK_INT(0, status, "a connection");
    uv_tcp_t *client = malloc(sizeof *client);
    ((struct listener *)tcp->data)->accepted++;
    uv_tcp_init(tcp->loop, client);
    uv_accept(tcp, (uv_stream_t *)client);
    uv_close((uv_handle_t *)client, (uv_close_cb)free);
}

static inline void listener_open(struct listener *l, uv_loop_t *loop, unsigned last,
                                 uint16_t port)
{
    char address[32];
    struct sockaddr_in a;
    snprintf(address, sizeof address, "198.51.100.%u", last);
    uv_ip4_addr(address, port, &a);
    l->accepted = 0;
    uv_tcp_init(loop, &l->tcp);
    l->tcp.data = l;
    CHECK_INT(0, uv_tcp_bind(&l->tcp, (struct sockaddr *)&a, 0), address);
    CHECK_INT(0, uv_listen((uv_stream_t *)&l->tcp, 64, listener_on_connection), address);
}

static inline void listener_close(struct listener *l)
{
    uv_close((uv_handle_t *)&l->tcp, NULL);
}

#endif
