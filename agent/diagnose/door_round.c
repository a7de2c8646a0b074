#include "diagnose/door_round.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/timer.h"
#include "probe/tcp/single.h"

#include <stdio.h>
#include <stdlib.h>

/* The pace of `edgelat nearest`: about 120 front doors in about five seconds. */
#define SWEEP_GAP_NS  (15 * NS_PER_MS)
#define SWEEP_POLL_NS (100 * NS_PER_MS)

struct door_step { /* under way */
    struct door_round *round;
    size_t door;
    enum family family;
    struct lookup *lookup;
    struct single *handshake;
};

struct door_round {
    uv_loop_t *loop;
    struct doors *doors;
    struct resolver *resolver;
    const struct uplink *uplink;
    uv_timer_t *timer;
    struct door_step steps[DOORS_UNDER_WAY_MAX];
    void (*on_over)(void *user);
    void *user;
};

static struct door_step *free_step(struct door_round *d)
{
    for (size_t i = 0; i < DOORS_UNDER_WAY_MAX; i++)
        if (d->steps[i].lookup == NULL && d->steps[i].handshake == NULL)
            return &d->steps[i];
    return NULL;
}

static void on_timer(uv_timer_t *timer);

static void on_resolution(const struct resolution *r, void *user)
{
    struct door_step *s = user;
    struct door_round *d = s->round;
    const struct door *door = doors_at(d->doors, s->door);
    struct endpoint none = {.family = FAMILY_NONE}, unfit;
    struct endpoint to = resolution_choose(r, door->host, &none, &unfit);
    s->lookup = NULL;
    doors_answer(d->doors, s->door, s->family, &to, r->error != NULL && r->temporary);
    timer_in(d->timer, on_timer, 0);
}

static void on_handshake(int64_t rtt_ns, void *user)
{
    struct door_step *s = user;
    s->handshake = NULL;
    doors_handshake(s->round->doors, s->door, rtt_ns);
    timer_in(s->round->timer, on_timer, 0);
}

static void start_step(struct door_round *d, struct door_step *s,
                       const struct doors_step *step)
{
    char absolute[HOST_TEXT_MAX + 1];
    const struct door *door = doors_at(d->doors, step->door);
    *s = (struct door_step){.round = d, .door = step->door, .family = step->family};
    snprintf(absolute, sizeof absolute, "%s.", door->host);
    if (step->what == DOORS_LOOKUP)
        s->lookup =
            resolver_lookup(d->resolver, absolute, step->family, 443, on_resolution, s);
    else
        s->handshake = single_start(d->loop, &step->to, d->uplink, 0, SINGLE_WAITING_NS,
                                    on_handshake, s);
}

static bool is_over(const struct door_round *d)
{
    for (size_t i = 0; i < DOORS_UNDER_WAY_MAX; i++)
        if (d->steps[i].lookup != NULL || d->steps[i].handshake != NULL)
            return false;
    return doors_swept(d->doors) || doors_unanswered(d->doors);
}

static void on_timer(uv_timer_t *timer)
{
    struct door_round *d = timer->data;
    struct doors_step step;
    struct door_step *s;
    struct mono at;
    while ((s = free_step(d)) != NULL && doors_take(d->doors, mono_now(), &step))
        start_step(d, s, &step);
    if (is_over(d)) {
        d->on_over(d->user);
        return;
    }
    int64_t wait_ns = doors_next(d->doors, &at) ? at.ns - mono_now().ns : SWEEP_POLL_NS;
    timer_in(timer, on_timer, s == NULL && wait_ns < NS_PER_MS ? SWEEP_POLL_NS : wait_ns);
}

struct door_round *door_round_start(uv_loop_t *loop, const struct edge_data *known,
                                    struct resolver *resolver,
                                    const struct uplink *uplink, bool ipv4, bool ipv6,
                                    void (*on_over)(void *user), void *user)
{
    struct door_round *d = mem_zalloc(sizeof *d);
    *d = (struct door_round){
        .loop = loop,
        .doors =
            doors_create(&known->metros, &known->workloads, ipv4, ipv6, SWEEP_GAP_NS),
        .resolver = resolver,
        .uplink = uplink,
        .timer = timer_new(loop, d),
        .on_over = on_over,
        .user = user,
    };
    doors_begin(d->doors, mono_now());
    timer_in(d->timer, on_timer, 0);
    return d;
}

void door_round_destroy(struct door_round *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < DOORS_UNDER_WAY_MAX; i++) {
        if (d->steps[i].lookup != NULL)
            lookup_cancel(d->steps[i].lookup);
        single_cancel(d->steps[i].handshake);
    }
    timer_close(d->timer);
    doors_destroy(d->doors);
    free(d);
}

struct doors *door_round_doors(struct door_round *d)
{
    return d->doors;
}
