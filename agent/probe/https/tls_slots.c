#include "probe/https/tls_slots.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/timer.h"

#include <assert.h>
#include <stdlib.h>

struct turns {
    uv_timer_t timer; /* runs while anybody waits */
    struct turn *first, **last;
    size_t under_way;
};

struct turns *turns_create(uv_loop_t *loop)
{
    struct turns *t = mem_zalloc(sizeof *t);
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    t->last = &t->first;
    return t;
}

static void free_turns(uv_handle_t *timer)
{
    free(timer->data);
}

void turns_destroy(struct turns *t)
{
    assert(t->first == NULL && t->under_way == 0);
    uv_close((uv_handle_t *)&t->timer, free_turns);
}

static void grant(struct turns *t, struct turn *turn)
{
    turn->has = true;
    t->under_way++;
    turn->on_turn(turn->user);
}

static void grant_first(struct turns *t)
{
    struct turn *turn = t->first;
    t->first = turn->next;
    if (t->first == NULL)
        t->last = &t->first;
    turn->waits = false;
    grant(t, turn);
}

static int64_t to_wait_ns(const struct turns *t)
{
    return t->under_way == 0 ? 0 : t->first->since.ns + TURN_WAIT_NS - mono_now().ns;
}

static void on_timer(uv_timer_t *timer);

static void run_timer(struct turns *t)
{
    if (t->first == NULL) {
        uv_timer_stop(&t->timer);
        return;
    }
    timer_in(&t->timer, on_timer, to_wait_ns(t));
}

static void on_timer(uv_timer_t *timer)
{
    struct turns *t = timer->data;
    while (t->first != NULL && to_wait_ns(t) <= 0)
        grant_first(t);
    run_timer(t);
}

void turn_ask(struct turns *t, struct turn *turn, void (*on_turn)(void *user), void *user)
{
    turn->on_turn = on_turn;
    turn->user = user;
    if (t->under_way == 0 && t->first == NULL) {
        grant(t, turn);
        return;
    }
    turn->since = mono_now();
    turn->waits = true;
    turn->next = NULL;
    *t->last = turn;
    t->last = &turn->next;
    if (t->first == turn)
        run_timer(t);
}

static void leave_queue(struct turns *t, struct turn *turn)
{
    struct turn **at = &t->first;
    while (*at != turn)
        at = &(*at)->next;
    *at = turn->next;
    if (*at == NULL)
        t->last = at;
    turn->waits = false;
}

void turn_end(struct turns *t, struct turn *turn)
{
    if (turn->waits)
        leave_queue(t, turn);
    else if (turn->has)
        t->under_way--;
    else
        return;
    turn->has = false;
    run_timer(t);
}
