#include "daemon/media_monitor.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/emodel.h"
#include "net/clock.h"
#include "net/timer.h"
#include "otlp/names.h"
#include "probe/kinds.h"
#include "probe/stun/burst.h"

#include <math.h>
#include <stdlib.h>

#define LOOK_NS (600 * NS_PER_S) /* the wall clock may be stepped while the timer runs */

struct media_target {
    const struct target *target;
    const struct kind *kind;
    struct endpoint to; /* FAMILY_NONE: no address now */
};

struct media_monitor {
    uv_loop_t *loop;
    uint32_t per_day;
    uint64_t seed;
    struct media_limits limits;
    struct budget *budget;
    media_monitor_events *events;
    void *user;
    struct media_watch watch;
    bool paused;
    uv_timer_t *timer;
    int64_t slot; /* the last one that is over */
    struct media_target *targets;
    size_t n_targets, room;
    struct media_target now; /* of the burst */
    struct burst *burst;     /* NULL: none is under way */
    bool measured;           /* `end` is not exported yet */
    struct burst_end end;
    char peers[EGRESS_MAX][ADDRESS_TEXT_MAX];
    struct self_label labels[MEDIA_MONITOR_VALUES_MAX][3];
};

static void arm(struct media_monitor *m);

/* ---- one burst ---- */

/* The worst verdict of all limits. */
static enum media_verdict worst(const struct media_monitor *m,
                                const struct media_quality *q)
{
    enum media_verdict found = MEDIA_NOT_JUDGED;
    for (int i = 0; i < MEDIA_MEASURES; i++) {
        enum media_verdict v = media_judge(q, (enum media_measure)i, &m->limits);
        found = v > found ? v : found;
    }
    return found;
}

static double in_seconds(int64_t ns)
{
    return ns == DELAY_UNDEFINED ? NAN : (double)ns / 1e9;
}

/* "Microsoft's limits met", or the measures with that verdict: "exceeded: loss in 15 s" */
static void add_verdict(const struct media_monitor *m, const struct media_quality *q,
                        enum media_verdict verdict, struct text *out)
{
    const char *comma = "";
    text_add(out, "Microsoft's limits %s",
             verdict == MEDIA_OVER     ? "exceeded: "
             : verdict == MEDIA_UNSURE ? "may be exceeded: "
             : verdict == MEDIA_WITHIN ? "met"
                                       : "not judged");
    for (int i = 0; i < MEDIA_MEASURES && verdict > MEDIA_WITHIN; i++) {
        if (media_judge(q, (enum media_measure)i, &m->limits) != verdict)
            continue;
        text_add(out, "%s%s", comma, media_measure_names[i].text);
        comma = ", ";
    }
}

static void report(struct media_monitor *m)
{
    const struct media_quality *q = &m->end.quality;
    enum media_verdict verdict = worst(m, q);
    struct event *e = events_add(m->events(m->user), EVENT_MEDIA_MEASURED,
                                 verdict == MEDIA_OVER ? SEVERITY_WARN : SEVERITY_INFO,
                                 wall_now(), m->now.target);
    e->since = m->end.began;
    e->kind = m->now.kind;
    e->family = (enum family)m->now.to.family;
    event_change(e, "", media_verdict_names[verdict]);
    event_number(e, ATTR_MEDIA_MOS, q->mos > 0 ? q->mos : NAN);
    event_number(e, ATTR_MEDIA_LOSS, media_value(q, MEDIA_LOSS));
    event_number(e, ATTR_MEDIA_BURST_LOSS, media_value(q, MEDIA_BURST_LOSS));
    event_number(e, ATTR_MEDIA_BURST, q->longest_burst);
    event_number(e, ATTR_MEDIA_RTT, in_seconds(q->median_ns));
    event_number(e, ATTR_MEDIA_VARIATION, in_seconds(q->variation_ns));
    event_number(e, ATTR_MEDIA_REORDERING, media_value(q, MEDIA_REORDERING));
    struct text text = {0};
    text_add(&text, "a burst like a call: %u of %u packets lost, at most %u in a row",
             q->lost, q->sent, q->longest_burst);
    if (q->received > 0)
        text_add(&text, ", round trip %.1f ms, estimated MOS %.2f (%s)",
                 1e3 * in_seconds(q->median_ns), q->mos, emodel_g711.name);
    text_add(&text, "; ");
    add_verdict(m, q, verdict, &text);
    event_say(e, "%s", text_string(&text));
    text_free(&text);
}

static void on_end(const struct burst_end *end, void *user)
{
    struct media_monitor *m = user;
    m->end = *end;
    burst_destroy(m->burst);
    m->burst = NULL;
    if (end->busy ||
        end->quality.sent == 0) { /* it tells of this host, not of the path */
        log_debug("media", "a burst to %s is left out: this host was too busy",
                  m->now.target->name);
        return;
    }
    m->measured = true;
    media_watch_burst(&m->watch, m->now.target, (enum family)m->now.to.family, end->began,
                      worst(m, &end->quality), &end->quality);
    report(m);
}

/* ---- when ---- */

/* The targets take turns by the number of the slot; one without an address is skipped. */
static void start(struct media_monitor *m, int64_t slot)
{
    for (size_t i = 0; i < m->n_targets; i++) {
        const struct media_target *t = &m->targets[((uint64_t)slot + i) % m->n_targets];
        if (t->to.family == FAMILY_NONE)
            continue;
        struct budget_amount one = budget_of_kind(t->kind, 0);
        one = (struct budget_amount){MEDIA_PACKETS * one.bytes,
                                     MEDIA_PACKETS * one.packets};
        if (!budget_take(m->budget, BUDGET_PATHS, one, wall_now(), mono_now()))
            return;
        m->now = *t;
        m->burst =
            burst_start(m->loop, &t->to, t->target->uplink, t->target->dscp, on_end, m);
        return;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct media_monitor *m = timer->data;
    struct wall now = wall_now();
    int64_t slot = media_slot_over(m->seed, m->per_day, now);
    /* not of a slot that passed while this host slept or the clock was stepped */
    bool due = slot == m->slot + 1 &&
               now.ns - media_slot_time(m->seed, m->per_day, slot).ns < LOOK_NS;
    if (slot > m->slot)
        m->slot = slot;
    if (due && m->burst == NULL)
        start(m, slot);
    arm(m);
}

static void arm(struct media_monitor *m)
{
    if (m->paused || m->per_day == 0) {
        uv_timer_stop(m->timer);
        return;
    }
    int64_t wait_ns =
        media_slot_time(m->seed, m->per_day, m->slot + 1).ns - wall_now().ns;
    timer_in(m->timer, on_timer,
             wait_ns < NS_PER_S  ? NS_PER_S
             : wait_ns > LOOK_NS ? LOOK_NS
                                 : wait_ns);
}

/* ---- inputs ---- */

static const struct kind *media_kind(const struct target *t)
{
    for (size_t k = 0; k < probe_kinds_count; k++)
        if (t->kinds[k] && (probe_kinds[k]->kind.uses & USES_MEDIA) != 0)
            return &probe_kinds[k]->kind;
    return NULL;
}

void media_monitor_result(struct media_monitor *m, const struct target *target,
                          const struct result *result)
{
    media_watch_add(&m->watch, target, result, m->events(m->user));
}

void media_monitor_window(struct media_monitor *m, const struct batch *batch)
{
    m->n_targets = 0;
    for (size_t i = 0; i < batch->n_targets; i++) {
        const struct target_state *state = &batch->targets[i];
        const struct kind *kind = media_kind(state->target);
        if (kind == NULL)
            continue;
        m->targets = mem_grow(m->targets, &m->room, m->n_targets + 1, sizeof *m->targets);
        struct media_target *t = &m->targets[m->n_targets++];
        *t = (struct media_target){state->target, kind, state->addresses[SLOT_IPV4].to};
        if (t->to.family == FAMILY_NONE)
            t->to = state->addresses[SLOT_IPV6].to;
        t->to.port = target_port(t->target, kind);
    }
}

void media_monitor_moved(struct media_monitor *m)
{
    media_watch_moved(&m->watch);
}

void media_monitor_pause(struct media_monitor *m, bool paused)
{
    if (m->paused == paused)
        return;
    m->paused = paused;
    if (paused) {
        burst_destroy(m->burst);
        m->burst = NULL;
    } else if (m->per_day > 0) {
        m->slot = media_slot_over(m->seed, m->per_day, wall_now());
    }
    arm(m);
}

/* ---- what is exported ---- */

/* `labels`: the target, its address family and, if there is one, its uplink. */
static size_t add_gauge(struct self_value *value, const char *name, const char *unit,
                        const char *description, double is,
                        const struct self_label labels[3])
{
    if (isnan(is))
        return 0;
    *value = (struct self_value){.name = name,
                                 .unit = unit,
                                 .description = description,
                                 .value = is,
                                 .labels = labels,
                                 .n_labels = labels[2].value != NULL ? 3 : 2};
    return 1;
}

static struct self_label label_of(const struct uplink *u)
{
    return (struct self_label){ATTR_UPLINK, u != NULL ? u->name : NULL};
}

static size_t add_egress(struct media_monitor *m, struct self_value *values)
{
    size_t n = 0;
    for (; n < m->watch.n_egress; n++) {
        const struct egress *g = &m->watch.egress[n];
        endpoint_address(m->peers[n], &g->address);
        m->labels[n][0] = (struct self_label){ATTR_EGRESS_ADDRESS, m->peers[n]};
        m->labels[n][1] = (struct self_label){ATTR_NAT, nat_name(g->nat)};
        m->labels[n][2] = label_of(g->uplink);
        values[n] = (struct self_value){
            .name = METRIC_EGRESS,
            .unit = "",
            .description = "1: this site leaves with this public address",
            .value = 1,
            .attribute = ATTR_NETWORK_TYPE,
            .attribute_value = family_name(g->family),
            .labels = m->labels[n],
            .n_labels = g->uplink != NULL ? 3 : 2};
    }
    return n;
}

static const struct self_label *target_labels(struct media_monitor *m, size_t at,
                                              const struct target *t, enum family family)
{
    m->labels[at][0] = (struct self_label){ATTR_TARGET, t->name};
    m->labels[at][1] = (struct self_label){ATTR_NETWORK_TYPE, family_name(family)};
    m->labels[at][2] = label_of(t->uplink);
    return m->labels[at];
}

static size_t add_blocked(struct media_monitor *m, struct self_value *values, size_t n)
{
    for (size_t i = 0; i < m->watch.n; i++) {
        const struct media_watched *w = &m->watch.all[i];
        n += add_gauge(&values[n], METRIC_UDP_BLOCKED, "",
                       "1: UDP gets no answer while TCP to the same address does",
                       w->blocked, target_labels(m, n, w->target, w->family));
    }
    return n;
}

static size_t add_burst(struct media_monitor *m, struct self_value *values, size_t n)
{
    const struct media_quality *q = &m->end.quality;
    const struct self_label *labels =
        target_labels(m, n, m->now.target, (enum family)m->now.to.family);
    n += add_gauge(&values[n], ATTR_MEDIA_MOS, "1",
                   "estimated MOS of a call (E-model, ITU-T G.107, for G.711)",
                   q->mos > 0 ? q->mos : NAN, labels);
    n += add_gauge(&values[n], ATTR_MEDIA_LOSS, "1", "loss in a burst of 15 s",
                   media_value(q, MEDIA_LOSS), labels);
    n += add_gauge(&values[n], ATTR_MEDIA_BURST_LOSS, "1",
                   "loss in the worst 200 ms of the burst",
                   media_value(q, MEDIA_BURST_LOSS), labels);
    n += add_gauge(&values[n], ATTR_MEDIA_BURST, "{packet}",
                   "packets lost in a row in the burst", q->longest_burst, labels);
    n += add_gauge(&values[n], ATTR_MEDIA_RTT, "s", "median round trip of the burst",
                   in_seconds(q->median_ns), labels);
    n += add_gauge(&values[n], ATTR_MEDIA_VARIATION, "s",
                   "mean delay variation of the burst", in_seconds(q->variation_ns),
                   labels);
    n += add_gauge(&values[n], ATTR_MEDIA_REORDERING, "1", "reordering in the burst",
                   media_value(q, MEDIA_REORDERING), labels);
    return n;
}

size_t media_monitor_values(struct media_monitor *m,
                            struct self_value values[MEDIA_MONITOR_VALUES_MAX])
{
    size_t n = add_blocked(m, values, add_egress(m, values));
    if (m->measured)
        n = add_burst(m, values, n);
    m->measured = false;
    return n;
}

const struct media_watch *media_monitor_watch(const struct media_monitor *m)
{
    return &m->watch;
}

/* ---- create and destroy ---- */

struct media_monitor *media_monitor_create(uv_loop_t *loop, uint32_t bursts_per_day,
                                           uint64_t seed,
                                           const struct media_limits *limits,
                                           struct budget *budget,
                                           media_monitor_events *events, void *user)
{
    struct media_monitor *m = mem_zalloc(sizeof *m);
    m->loop = loop;
    m->per_day = bursts_per_day;
    m->seed = seed;
    m->limits = *limits;
    m->budget = budget;
    m->events = events;
    m->user = user;
    m->paused = true;
    m->timer = timer_new(loop, m);
    return m;
}

void media_monitor_destroy(struct media_monitor *m)
{
    if (m == NULL)
        return;
    burst_destroy(m->burst);
    timer_close(m->timer);
    media_watch_free(&m->watch);
    free(m->targets);
    free(m);
}
