#include "measurer.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/pipeline.h"
#include "edge/pop.h"
#include "net/chance.h"
#include "net/clock.h"
#include "net/resolver.h"
#include "net/timer.h"
#include "probe/kinds.h"
#include "probe/tcp/decoy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A tick compares the clocks: that late, the host slept or was stopped; that far, the
 * clock stepped. */
#define TICK_NS NS_PER_S
#define LATE_NS (2 * NS_PER_S)
#define STEP_NS (NS_PER_S / 2)

/* A name that could not be resolved is asked again after the first, doubling up to the
 * most. */
#define RETRY_FIRST_NS (2 * NS_PER_S)
#define RETRY_MOST_NS  (60 * NS_PER_S)

/* An answer is kept for its TTL, but no shorter and no longer than this. */
#define KEEP_LEAST_NS (5 * NS_PER_S)
#define KEEP_MOST_NS  (3600 * NS_PER_S)

/* The decoy port is tried once for each address, but no more often than that. */
#define DECOY_LEAST_NS (3600 * NS_PER_S)

/* A target's name in one family. */
struct name {
    struct measurer *measurer;
    size_t target;
    enum family family;
    struct lookup *under_way;
    struct mono ask_at;
    int64_t retry_ns;     /* 0: the last answer was fine */
    struct endpoint used; /* FAMILY_NONE: none yet */
    struct decoy *decoy;  /* under way */
    struct mono decoy_at; /* not before */
    bool decoy_answered;  /* by a middlebox: it may be gone one day */
};

struct measurer {
    uv_loop_t *loop;
    const struct config *config;
    struct measurer_events events;
    struct http *http;
    struct resolver *resolver;
    struct prober *prober;
    struct pipeline *pipeline;
    struct name *names;
    size_t n_names;
    uv_timer_t *probe_timer, *tick_timer;
    struct mono tick_due;
    int64_t clock_offset_ns; /* wall minus monotonic, at the last tick */
    struct measurer_counters counters;
};

/* ---- probes ---- */

static void on_probe_timer(uv_timer_t *timer);

static void arm_probe_timer(struct measurer *m)
{
    struct mono at;
    if (!pipeline_next(m->pipeline, &at)) {
        uv_timer_stop(m->probe_timer);
        return;
    }
    timer_in(m->probe_timer, on_probe_timer, at.ns - mono_now().ns);
}

static void on_probe_timer(uv_timer_t *timer)
{
    struct measurer *m = timer->data;
    struct order order;
    while (pipeline_take(m->pipeline, mono_now(), &order))
        prober_send(m->prober, order.stream, order.kind, order.target, &order.to);
    arm_probe_timer(m);
}

static void on_result(const struct result *result, void *user)
{
    struct measurer *m = user;
    pipeline_result(m->pipeline, result);
}

static void on_after(uint32_t stream, enum afterthought what, void *user)
{
    struct measurer *m = user;
    pipeline_after(m->pipeline, stream, what);
}

/* ---- names ---- */

static const struct target *target_of(const struct name *n)
{
    return &n->measurer->config->targets[n->target];
}

/* The address in use while it is still among the answers: a round robin is not a change.
 */
static struct endpoint choose(const struct name *n, const struct resolution *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (endpoint_same_address(&n->used, &r->addresses[i]))
            return r->addresses[i];
    return r->n > 0 ? r->addresses[0] : (struct endpoint){.family = FAMILY_NONE};
}

/* The last name of the chain that shows a PoP. */
static void pop_of_chain(char out[POP_TEXT_MAX], const struct resolution *r)
{
    struct pop pop;
    out[0] = '\0';
    for (size_t i = 0; i < r->n_cnames; i++)
        if (pop_from_cname(&pop, r->cnames[i]))
            pop_text(out, &pop);
}

static void lookup_failed(struct name *n, const struct resolution *r)
{
    struct measurer *m = n->measurer;
    bool first = n->retry_ns == 0;
    m->counters.lookup_failures++;
    n->retry_ns = first ? RETRY_FIRST_NS : n->retry_ns * 2;
    if (n->retry_ns > RETRY_MOST_NS)
        n->retry_ns = RETRY_MOST_NS;
    n->ask_at.ns = mono_now().ns + n->retry_ns;

    const char *next = n->used.family == FAMILY_NONE
                           ? "it is not probed until it resolves"
                           : "the last address is probed on";
    if (first)
        log_warn("resolver", "%s (%s, %s): %s; %s", target_of(n)->host,
                 target_of(n)->name, family_name(n->family), r->error, next);
    else
        log_debug("resolver", "%s (%s): still %s", target_of(n)->host,
                  family_name(n->family), r->error);
}

static void on_decoy(int64_t handshake_ns, void *user)
{
    struct name *n = user;
    n->decoy = NULL;
    n->decoy_answered = handshake_ns != DELAY_UNDEFINED;
    pipeline_decoy(n->measurer->pipeline, n->target, n->family, handshake_ns);
}

/* Asks at a port that nobody serves whether a middlebox answers there. */
static void try_decoy(struct name *n, const struct endpoint *to, struct mono now)
{
    bool handshakes = false;
    for (size_t k = 0; k < probe_kinds_count; k++)
        handshakes |= target_of(n)->kinds[k] && probe_kinds[k]->kind.handshakes;
    if (!handshakes || to->family == FAMILY_NONE || n->decoy != NULL ||
        now.ns < n->decoy_at.ns)
        return;
    n->decoy_at.ns = now.ns + DECOY_LEAST_NS;
    n->decoy = decoy_start(n->measurer->loop, target_of(n), to, on_decoy, n);
}

static void lookup_answered(struct name *n, const struct resolution *r)
{
    struct measurer *m = n->measurer;
    int64_t keep_ns = (int64_t)r->ttl_s * NS_PER_S;
    keep_ns = keep_ns < KEEP_LEAST_NS ? KEEP_LEAST_NS : keep_ns;
    keep_ns = keep_ns > KEEP_MOST_NS ? KEEP_MOST_NS : keep_ns;
    struct mono now = mono_now();
    n->ask_at.ns = now.ns + keep_ns;
    n->retry_ns = 0;

    struct endpoint to = choose(n, r);
    char pop[POP_TEXT_MAX], address[ADDRESS_TEXT_MAX];
    pop_of_chain(pop, r);
    bool changed = !endpoint_same_address(&to, &n->used) && to.family != FAMILY_NONE;
    if (changed)
        log_info("resolver", "%s (%s) is %s%s%s", target_of(n)->host, target_of(n)->name,
                 endpoint_address(address, &to), pop[0] != '\0' ? ", PoP " : "", pop);
    if (changed || n->decoy_answered)
        try_decoy(n, &to, now);
    n->used = to;
    pipeline_resolved(m->pipeline, n->target, n->family, to, pop, now, wall_now());
    arm_probe_timer(m);
}

static void on_resolution(const struct resolution *r, void *user)
{
    struct name *n = user;
    n->under_way = NULL;
    if (r->error != NULL)
        lookup_failed(n, r);
    else
        lookup_answered(n, r);
}

static void ask_what_is_due(struct measurer *m, struct mono now)
{
    for (size_t i = 0; i < m->n_names; i++) {
        struct name *n = &m->names[i];
        if (n->under_way != NULL || n->ask_at.ns > now.ns)
            continue;
        m->counters.lookups++;
        n->under_way = resolver_lookup(m->resolver, target_of(n)->host, n->family,
                                       target_of(n)->port, on_resolution, n);
    }
}

static void make_names(struct measurer *m)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    m->names = mem_zalloc(2 * m->config->n_targets * sizeof *m->names);
    for (size_t t = 0; t < m->config->n_targets; t++) {
        for (size_t f = 0; f < 2; f++) {
            const struct target *target = &m->config->targets[t];
            if (families[f] == FAMILY_IPV4 ? target->ipv4 : target->ipv6)
                m->names[m->n_names++] =
                    (struct name){.measurer = m, .target = t, .family = families[f]};
        }
    }
}

/* ---- clocks and windows ---- */

void measurer_close_window(struct measurer *m)
{
    const struct batch *batch = pipeline_close(m->pipeline, mono_now(), wall_now());
    m->events.on_batch(batch, m->events.user);
    arm_probe_timer(m); /* the ranking may have changed what is due */
}

/* Between two ticks: did the host sleep, were we stopped, did somebody set the clock? */
static void compare_clocks(struct measurer *m, struct mono now, struct wall wall)
{
    int64_t late_ns = now.ns - m->tick_due.ns;
    int64_t offset_ns = wall.ns - now.ns;
    if (late_ns > m->counters.loop_lag_max_ns)
        m->counters.loop_lag_max_ns = late_ns;
    int64_t stepped_ns = llabs(offset_ns - m->clock_offset_ns);
    if (late_ns > LATE_NS || stepped_ns > STEP_NS) {
        log_info("agent",
                 "measuring was interrupted: %.1f s without a turn, clock moved %.1f s",
                 (double)late_ns / 1e9, (double)stepped_ns / 1e9);
        pipeline_interrupted(m->pipeline);
    } else if (late_ns > PIPELINE_LATE_NS) {
        pipeline_busy(m->pipeline);
    }
    m->clock_offset_ns = offset_ns;
}

static void arm_tick(struct measurer *m, struct wall wall);

static void on_tick(uv_timer_t *timer)
{
    struct measurer *m = timer->data;
    struct mono now = mono_now();
    struct wall wall = wall_now();
    compare_clocks(m, now, wall);
    ask_what_is_due(m, now);
    if (wall.ns >= pipeline_closing(m->pipeline).ns)
        measurer_close_window(m);
    arm_tick(m, wall);
}

/* The next tick is TICK_NS away, or sooner where a window closes. */
static void arm_tick(struct measurer *m, struct wall wall)
{
    int64_t wait_ns = pipeline_closing(m->pipeline).ns - wall.ns;
    if (wait_ns > TICK_NS)
        wait_ns = TICK_NS;
    if (wait_ns < 0)
        wait_ns = 0;
    m->tick_due.ns = mono_now().ns + wait_ns;
    timer_in(m->tick_timer, on_tick, wait_ns);
}

/* ---- the whole ---- */

static uv_timer_t *make_timer(struct measurer *m)
{
    uv_timer_t *timer = mem_zalloc(sizeof *timer);
    uv_timer_init(m->loop, timer);
    timer->data = m;
    return timer;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

/* So that the first probe keeps nobody waiting. */
static void preload(struct measurer *m, const struct target *target)
{
    for (size_t k = 0; k < probe_kinds_count; k++)
        if (target->kinds[k] && kind_delay(&probe_kinds[k]->kind, "tls") != KIND_NONE)
            http_preload(m->http, target->ca_file);
}

/* Opens the kinds that the targets want: what cannot be measured is said now and once. */
static void open_kinds(struct measurer *m)
{
    for (size_t t = 0; t < m->config->n_targets; t++)
        preload(m, &m->config->targets[t]);
    for (size_t k = 0; k < probe_kinds_count; k++) {
        char why[256];
        bool wanted = false;
        for (size_t t = 0; t < m->config->n_targets; t++)
            wanted = wanted || m->config->targets[t].kinds[k];
        if (wanted && prober_open(m->prober, k, why, sizeof why) < 0)
            log_warn("prober", "%s is not measured: %s", probe_kinds[k]->kind.name, why);
    }
}

int measurer_create(struct measurer **out, uv_loop_t *loop, const struct config *config,
                    struct http *http, struct measurer_events events)
{
    struct resolver *resolver;
    int rc = resolver_create(&resolver, loop, config->dns_servers);
    if (rc < 0)
        return rc;

    struct measurer *m = mem_zalloc(sizeof *m);
    m->loop = loop;
    m->config = config;
    m->events = events;
    m->http = http;
    m->resolver = resolver;
    struct prober_events prober_events = {
        .on_result = on_result, .on_after = on_after, .user = m};
    m->prober = prober_create(loop, probe_kinds, probe_kinds_count, resolver, http,
                              prober_events);
    struct wall wall = wall_now();
    m->pipeline =
        pipeline_create(config, probe_kind_words(), chance_seed(), mono_now(), wall);
    m->clock_offset_ns = wall.ns - mono_now().ns;
    m->probe_timer = make_timer(m);
    m->tick_timer = make_timer(m);
    make_names(m);
    open_kinds(m);
    ask_what_is_due(m, mono_now());
    arm_tick(m, wall);
    *out = m;
    return 0;
}

struct measurer_counters measurer_counters(struct measurer *m)
{
    struct measurer_counters counters = m->counters;
    counters.prober = prober_counters(m->prober);
    m->counters.loop_lag_max_ns = 0;
    return counters;
}

void measurer_destroy(struct measurer *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n_names; i++)
        decoy_cancel(m->names[i].decoy);
    uv_close((uv_handle_t *)m->probe_timer, free_handle);
    uv_close((uv_handle_t *)m->tick_timer, free_handle);
    prober_destroy(m->prober);
    resolver_destroy(m->resolver);
    pipeline_destroy(m->pipeline);
    free(m->names);
    free(m);
}
