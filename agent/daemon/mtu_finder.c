#include "daemon/mtu_finder.h"

#include "base/log.h"
#include "base/mem.h"
#include "edge/path_schedule.h"
#include "net/clock.h"
#include "net/seed.h"
#include "net/timer.h"
#include "probe/kinds.h"
#include "probe/path/mtu_prober.h"

#include <stdlib.h>
#include <string.h>

struct mtu_searching { /* under way */
    struct mtu_finder *owner;
    size_t number;
    enum family family;
    struct mtu_prober *prober; /* NULL: this place is free */
    struct mtu_search found;
    uv_timer_t *timer; /* ends it outside of the prober's callback */
};

struct mtu_target {
    const struct target *target;
    struct endpoint to[FAMILY_SLOTS];
    struct mono searched[FAMILY_SLOTS]; /* 0: never */
};

struct mtu_finder {
    uv_loop_t *loop;
    struct budget *budget;
    mtu_finder_events *events;
    void *user;
    struct path_schedule schedule;
    struct mtu_watch watch;
    uv_timer_t *timer;
    struct mtu_searching under_way[PATH_AT_ONCE];
    struct mtu_target *targets;
    size_t n_targets, targets_room;
    struct mtu_finder_counters counters;
    bool failed; /* logged */
};

static void arm(struct mtu_finder *f);

/* ---- one search ---- */

static void release(struct mtu_searching *s)
{
    mtu_prober_destroy(s->prober);
    s->prober = NULL;
    uv_timer_stop(s->timer);
}

/* With their answers: no packet has more than 1500 bytes. */
static struct budget_amount amount_of(size_t packets)
{
    return (struct budget_amount){3000.0 * (double)packets, 2.0 * (double)packets};
}

static void on_ended(uv_timer_t *timer)
{
    struct mtu_searching *s = timer->data;
    struct mtu_finder *f = s->owner;
    bool soon =
        mtu_watch_add(&f->watch, f->targets[s->number].target, s->family, s->found.mtu,
                      s->found.limit, wall_now(), f->events(f->user));
    f->counters.searches++;
    f->counters.packets += s->found.packets;
    budget_settle(f->budget, BUDGET_PATHS, amount_of(MTU_PACKETS),
                  amount_of(s->found.packets));
    release(s);
    path_schedule_done(&f->schedule, s->number, s->family, soon, mono_now());
    arm(f);
}

static void on_found(const struct mtu_search *result, const char *cause, void *user)
{
    struct mtu_searching *s = user;
    (void)cause; /* the probes of the target report what this host cannot send */
    s->found = *result;
    timer_in(s->timer, on_ended, 0);
}

static bool affords(struct mtu_finder *f)
{
    return budget_take(f->budget, BUDGET_PATHS, amount_of(MTU_PACKETS), wall_now(),
                       mono_now());
}

static void start(struct mtu_finder *f, size_t number, enum family family)
{
    if (!affords(f)) {
        path_schedule_done(&f->schedule, number, family, false, mono_now());
        return;
    }
    struct mtu_searching *s = f->under_way;
    while (s->prober != NULL)
        s++;
    struct mtu_target *t = &f->targets[number];
    s->number = number;
    s->family = family;
    t->searched[family_slot(family)] = mono_now();
    int rc = mtu_prober_start(&s->prober, f->loop, &t->to[family_slot(family)],
                              t->target->uplink, MTU_FINDER_GAP_NS, on_found, s);
    if (rc == 0)
        return;
    char name[TARGET_OVER_TEXT_MAX];
    if (!f->failed)
        log_warn(
            "path",
            "cannot search the path MTU to %s (%s): ICMP: %s; see PRIVILEGES in edgelat(1)",
            target_over_text(name, t->target), family_name(family), strerror(-rc));
    f->failed = true;
    s->prober = NULL;
    path_schedule_done(&f->schedule, number, family, false, mono_now());
}

static void on_timer(uv_timer_t *timer)
{
    struct mtu_finder *f = timer->data;
    size_t number;
    enum family family;
    while (path_schedule_take(&f->schedule, mono_now(), &number, &family))
        start(f, number, family);
    arm(f);
}

static void arm(struct mtu_finder *f)
{
    struct mono at;
    if (path_schedule_next(&f->schedule, &at))
        timer_in(f->timer, on_timer, at.ns - mono_now().ns);
    else
        uv_timer_stop(f->timer);
}

/* ---- inputs ---- */

/* The number of a target; n_targets: it is not searched. */
static size_t number_of(const struct mtu_finder *f, const struct target *target)
{
    size_t i = 0;
    while (i < f->n_targets && f->targets[i].target != target)
        i++;
    return i;
}

static void want(struct mtu_finder *f, size_t number, enum family family,
                 const struct endpoint *to)
{
    bool wanted = to->family == (uint8_t)family;
    if (wanted)
        f->targets[number].to[family_slot(family)] = *to;
    path_schedule_want(&f->schedule, number, family, wanted, mono_now());
}

static size_t place_of(struct mtu_finder *f, const struct target *target)
{
    size_t number = number_of(f, target);
    if (number == f->n_targets) {
        f->targets =
            mem_grow(f->targets, &f->targets_room, f->n_targets + 1, sizeof *f->targets);
        f->targets[f->n_targets++] = (struct mtu_target){.target = target};
    }
    return number;
}

void mtu_finder_window(struct mtu_finder *f, const struct batch *batch)
{
    for (size_t i = 0; i < batch->n_targets; i++) {
        const struct target_state *state = &batch->targets[i];
        if (state->target->discovered ||
            target_is_resolver(state->target, probe_kind_words()))
            continue;
        size_t number = place_of(f, state->target);
        want(f, number, FAMILY_IPV4, &state->addresses[SLOT_IPV4].to);
        want(f, number, FAMILY_IPV6, &state->addresses[SLOT_IPV6].to);
    }
    for (size_t i = 0; batch->uplinks != NULL && i < batch->uplinks->n_targets; i++) {
        const struct uplink_target *over = &batch->uplinks->targets[i];
        size_t number = place_of(f, over->target);
        want(f, number, FAMILY_IPV4, &over->to[SLOT_IPV4]);
        want(f, number, FAMILY_IPV6, &over->to[SLOT_IPV6]);
    }
    arm(f);
}

void mtu_finder_result(struct mtu_finder *f, const struct target *target,
                       const struct result *result)
{
    size_t number = number_of(f, target);
    enum family family = (enum family)result->to.family;
    if (number == f->n_targets || !mtu_watch_suspects(&f->watch, target, result))
        return;
    struct mono now = mono_now(), last = f->targets[number].searched[family_slot(family)];
    if (last.ns != 0 && now.ns - last.ns < MTU_REASON_NS)
        return;
    path_schedule_reason(&f->schedule, number, family, now);
    arm(f);
}

void mtu_finder_moved(struct mtu_finder *f)
{
    mtu_watch_moved(&f->watch);
    path_schedule_reason_all(&f->schedule, FAMILY_NONE, mono_now());
    arm(f);
}

void mtu_finder_pause(struct mtu_finder *f, bool paused)
{
    if (f->schedule.paused == paused)
        return;
    path_schedule_pause(&f->schedule, paused, mono_now());
    for (size_t i = 0; i < PATH_AT_ONCE && paused; i++)
        release(&f->under_way[i]);
    arm(f);
}

const struct mtu_watch *mtu_finder_watch(const struct mtu_finder *f)
{
    return &f->watch;
}

struct mtu_finder_counters mtu_finder_counters(const struct mtu_finder *f)
{
    return f->counters;
}

/* ---- create and destroy ---- */

struct mtu_finder *mtu_finder_create(uv_loop_t *loop, int64_t interval_ns,
                                     struct budget *budget, mtu_finder_events *events,
                                     void *user)
{
    struct mtu_finder *f = mem_zalloc(sizeof *f);
    f->loop = loop;
    f->budget = budget;
    f->events = events;
    f->user = user;
    f->timer = timer_new(loop, f);
    for (size_t i = 0; i < PATH_AT_ONCE; i++) {
        f->under_way[i].owner = f;
        f->under_way[i].timer = timer_new(loop, &f->under_way[i]);
    }
    path_schedule_begin(&f->schedule, interval_ns, seed_random());
    return f;
}

void mtu_finder_destroy(struct mtu_finder *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < PATH_AT_ONCE; i++) {
        release(&f->under_way[i]);
        timer_close(f->under_way[i].timer);
    }
    timer_close(f->timer);
    path_schedule_end(&f->schedule);
    mtu_watch_end(&f->watch);
    free(f->targets);
    free(f);
}
