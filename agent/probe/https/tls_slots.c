#include "probe/https/tls_slots.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/timer.h"

#include <assert.h>
#include <stdlib.h>

#define GAP_NS (10 * NS_PER_MS)

struct tls_slots {
    uv_timer_t timer; /* runs while anybody waits */
    struct tls_slot *first, **last;
    size_t under_way;
    struct mono granted; /* last */
};

struct tls_slots *tls_slots_create(uv_loop_t *loop)
{
    struct tls_slots *t = mem_zalloc(sizeof *t);
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    t->last = &t->first;
    return t;
}

static void free_turns(uv_handle_t *timer)
{
    free(timer->data);
}

void tls_slots_destroy(struct tls_slots *t)
{
    assert(t->first == NULL && t->under_way == 0);
    uv_close((uv_handle_t *)&t->timer, free_turns);
}

static void grant(struct tls_slots *t, struct tls_slot *slot)
{
    slot->has = true;
    t->granted = mono_now();
    t->under_way++;
    slot->on_granted(slot->user);
}

static void grant_first(struct tls_slots *t)
{
    struct tls_slot *slot = t->first;
    t->first = slot->next;
    if (t->first == NULL)
        t->last = &t->first;
    slot->waits = false;
    grant(t, slot);
}

/* After a time in which this host did not run, many have waited long enough: they begin
 * one by one, so that those before them can end. */
static int64_t to_wait_ns(const struct tls_slots *t)
{
    int64_t at_ns = t->first->since.ns + TLS_SLOT_WAIT_NS;
    if (t->under_way == 0)
        return 0;
    if (at_ns < t->granted.ns + GAP_NS)
        at_ns = t->granted.ns + GAP_NS;
    return at_ns - mono_now().ns;
}

static void on_timer(uv_timer_t *timer);

static void run_timer(struct tls_slots *t)
{
    if (t->first == NULL) {
        uv_timer_stop(&t->timer);
        return;
    }
    timer_in(&t->timer, on_timer, to_wait_ns(t));
}

static void on_timer(uv_timer_t *timer)
{
    struct tls_slots *t = timer->data;
    while (t->first != NULL && to_wait_ns(t) <= 0)
        grant_first(t);
    run_timer(t);
}

void tls_slot_request(struct tls_slots *t, struct tls_slot *slot,
                      void (*on_granted)(void *user), void *user)
{
    slot->on_granted = on_granted;
    slot->user = user;
    if (t->under_way == 0 && t->first == NULL) {
        grant(t, slot);
        return;
    }
    slot->since = mono_now();
    slot->waits = true;
    slot->next = NULL;
    *t->last = slot;
    t->last = &slot->next;
    if (t->first == slot)
        run_timer(t);
}

static void leave_queue(struct tls_slots *t, struct tls_slot *slot)
{
    struct tls_slot **at = &t->first;
    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    if (*at == NULL)
        t->last = at;
    slot->waits = false;
}

void tls_slot_release(struct tls_slots *t, struct tls_slot *slot)
{
    if (slot->waits)
        leave_queue(t, slot);
    else if (slot->has)
        t->under_way--;
    else
        return;
    slot->has = false;
    run_timer(t);
}
