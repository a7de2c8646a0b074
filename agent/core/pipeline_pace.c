/*
 * The intervals of the streams, and when a new stream is first probed. During a survey,
 * and until a target has been measured, targets are probed often, and new targets at
 * once. Many targets together would exceed the limits of limits.h, which the
 * configuration keeps only in its steady state. So the rate above that of the slow
 * intervals is reduced until it fits, for the agent as a whole and for the targets of
 * each host. A target is never probed more slowly than at its slow interval.
 */
#include "core/limits.h"
#include "core/pipeline_state.h"

#include "base/mem.h"

#include <stdlib.h>

/* The longest interval: a stream with the least share is probed once a day. */
#define BUDGET_INTERVAL_NS (86400 * NS_PER_S)

struct pace {
    struct send_rate slow; /* of the slow intervals */
    struct send_rate more; /* beyond them */
    struct send_rate once; /* one probe of each stream in a second */
};

size_t pipeline_host_of(const struct pipeline *p, const struct target *target)
{
    size_t t = 0;
    while (t < p->n_targets && !target_same_host(p->targets[t].target, target))
        t++;
    return t;
}

static int64_t wanted_ns(const struct pipeline *p, const struct pipeline_target *m,
                         size_t kind)
{
    const struct target *t = m->target;
    bool full = m->full && pipeline_may_be_pop(m);
    int64_t interval_ns = full ? t->interval_ns[kind] : t->slow_interval_ns[kind];
    return p->surveying ? survey_interval_ns(interval_ns) : interval_ns;
}

static int64_t interval_ns(const struct pipeline *p, const struct pipeline_target *m,
                           size_t kind)
{
    int64_t slow = m->target->slow_interval_ns[kind], wanted = wanted_ns(p, m, kind);
    if (m->stretch <= 1 || wanted >= slow)
        return wanted;
    double rate = 1 / (double)slow + (1 / (double)wanted - 1 / (double)slow) / m->stretch;
    return (int64_t)(1 / rate);
}

/* Configured targets count even without an address: they will get one. */
static bool counts(const struct pipeline_target *m)
{
    bool any = !m->target->discovered;
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        any |= !pipeline_look(m, f)->paused;
    return any;
}

static void add_target(struct pace *to, const struct pipeline *p,
                       const struct pipeline_target *m)
{
    int64_t wanted[KINDS_MAX], second[KINDS_MAX];
    for (size_t k = 0; k < p->kinds->n; k++) {
        wanted[k] = wanted_ns(p, m, k);
        second[k] = NS_PER_S;
    }
    struct send_rate slow =
        send_rate_of(m->target, p->kinds, m->target->slow_interval_ns);
    struct send_rate more = send_rate_of(m->target, p->kinds, wanted);
    struct send_rate once = send_rate_of(m->target, p->kinds, second);
    send_rate_add(&more, &slow, -1);
    send_rate_add(&to->slow, &slow, 1);
    send_rate_add(&to->more, &more, 1);
    send_rate_add(&to->once, &once, 1);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Returns true when the stretch of any target has changed. */
static bool set_pace(struct pipeline *p)
{
    struct pace all = {0}, *hosts = mem_zalloc(p->n_targets * sizeof *hosts);
    bool changed = false;
    for (size_t t = 0; t < p->n_targets; t++) {
        const struct pipeline_target *m = &p->targets[t];
        if (!counts(m))
            continue;
        add_target(&all, p, m);
        add_target(&hosts[m->host], p, m);
    }
    for (size_t t = 0; t < p->n_targets; t++) {
        struct pipeline_target *m = &p->targets[t];
        const struct pace *host = &hosts[m->host];
        double stretch = larger(limits_stretch(&all.slow, &all.more, &limits_agent),
                                limits_stretch(&host->slow, &host->more, &limits_host));
        m->round_s = larger(limits_stretch(&all.slow, &all.once, &limits_agent),
                            limits_stretch(&host->slow, &host->once, &limits_host));
        changed |= larger(stretch, 1) != larger(m->stretch, 1);
        m->stretch = stretch;
    }
    free(hosts);
    return changed;
}

/* A new target is probed soon, but not all new targets at once. */
static int64_t first_within_ns(const struct pipeline_target *m, const struct kind *kind)
{
    int64_t soon = kind->tells_pop ? TELLS_WITHIN_NS : FIRST_WITHIN_NS;
    int64_t round = (int64_t)(m->round_s * (double)NS_PER_S);
    return soon > round ? soon : round;
}

/* ---- the budget ---- */

/* Upper bound of one probe: the payload goes both ways. */
static struct budget_amount most_of(const struct pipeline *p,
                                    const struct pipeline_stream *s)
{
    return budget_of_kind(p->kinds->list[s->kind],
                          p->targets[s->target].target->payload_bytes);
}

/*
 * How much the next probe tells: of one of the nearest, which users are served by, twice as
 * much; while the state of the stream changes, is bad or unknown, four times.
 */
static double weight_of(const struct pipeline *p, const struct pipeline_stream *s)
{
    const struct pipeline_target *m = &p->targets[s->target];
    bool changing = s->turned.ns != 0 || s->silence.since.ns != 0 ||
                    (s->flap.state != STATE_UP && !m->target->gateway);
    return (m->full && pipeline_may_be_pop(m) ? 2 : 1) * (changing ? 4 : 1);
}

static void share_budget(struct pipeline *p, struct mono now)
{
    struct budget_stream *all = mem_alloc((p->n_streams + 1) * sizeof *all);
    struct wall wall = {now.ns + p->wall_offset_ns};
    for (uint32_t i = 0; i < p->n_streams; i++) {
        const struct pipeline_stream *s = &p->streams[i];
        int64_t ns = interval_ns(p, &p->targets[s->target], s->kind);
        double mean = p->wire_costs[s->kind],
               most = budget_cost(p->settings.budget, most_of(p, s));
        all[i] = (struct budget_stream){.bytes = mean > 0 ? mean : most,
                                        .rate = s->addr->paused ? 0 : 1e9 / (double)ns,
                                        .weight = weight_of(p, s)};
    }
    budget_share(all, p->n_streams, budget_rate(p->settings.budget, wall, now));
    for (uint32_t i = 0; i < p->n_streams; i++)
        p->streams[i].budget_ns = all[i].rate * (double)BUDGET_INTERVAL_NS > 1e9
                                      ? (int64_t)(1e9 / all[i].rate)
                                      : BUDGET_INTERVAL_NS;
    free(all);
}

bool pipeline_affords(struct pipeline *p, size_t stream, struct mono now)
{
    struct wall wall = {now.ns + p->wall_offset_ns};
    return p->settings.budget == NULL ||
           budget_take(p->settings.budget, BUDGET_PROBES, most_of(p, &p->streams[stream]),
                       wall, now);
}

void pipeline_settle(struct pipeline *p, const struct pipeline_stream *s,
                     const struct result *result)
{
    struct budget_amount most = most_of(p, s),
                         used = {result->wire_bytes, result->wire_packets};
    double *mean = &p->wire_costs[s->kind];
    if (result->wire_bytes == 0)
        return;
    if (result->wire_packets == 0)
        used.packets = most.packets;
    *mean += (budget_cost(p->settings.budget, used) - *mean) / (*mean > 0 ? 16 : 1);
    budget_settle(p->settings.budget, BUDGET_PROBES, most, used);
}

static void set_intervals(struct pipeline *p, size_t target, struct mono now)
{
    const struct pipeline_target *m = &p->targets[target];
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        const struct pipeline_stream *s = &p->streams[i];
        bool paused = s->addr->paused || p->paused;
        int64_t ns = interval_ns(p, m, s->kind);
        schedule_set(p->schedule, i,
                     paused              ? 0
                     : ns < s->budget_ns ? s->budget_ns
                                         : ns,
                     first_within_ns(m, p->kinds->list[s->kind]), now);
    }
}

static void set_all_intervals(struct pipeline *p, struct mono now)
{
    for (size_t t = 0; t < p->n_targets; t++)
        set_intervals(p, t, now);
}

void pipeline_pace(struct pipeline *p, struct mono now)
{
    set_pace(p);
    if (p->settings.budget != NULL)
        share_budget(p, now);
    set_all_intervals(p, now);
}

void pipeline_pace_target(struct pipeline *p, size_t target, struct mono now)
{
    if (p->settings.budget != NULL)
        pipeline_pace(p, now);
    else if (set_pace(p))
        set_all_intervals(p, now);
    else
        set_intervals(p, target, now);
}

void pipeline_pause(struct pipeline *p, bool paused, struct mono now)
{
    p->paused = paused;
    pipeline_pace(p, now);
}
