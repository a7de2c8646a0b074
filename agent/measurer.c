#include "measurer_state.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/chance.h"
#include "net/clock.h"
#include "net/timer.h"
#include "probe/kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A tick compares the clocks: that late, the host slept or was stopped; that far, the
 * clock stepped. */
#define TICK_NS NS_PER_S
#define LATE_NS (2 * NS_PER_S)
#define STEP_NS (NS_PER_S / 2)

/* ---- probes ---- */

static void on_probe_timer(uv_timer_t *timer);

void measurer_arm(struct measurer *m)
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
    measurer_arm(m);
}

/* A foreign one is an event, which the log has as well. */
static void note_front(struct measurer *m, size_t target, enum family family,
                       const struct front *front)
{
    char text[FRONT_TEXT_MAX];
    const struct target *t = pipeline_target(m->pipeline, target);
    if (!pipeline_front(m->pipeline, target, family, front, wall_now()) ||
        t->discovered || front->is == FRONT_FOREIGN)
        return;
    front_text(text, front, t->host);
    if (front->is == FRONT_FILTERED)
        log_warn("resolver", "%s (%s): %s", t->name, family_name(family), text);
    else if (text[0] != '\0')
        log_info("resolver", "%s (%s): %s", t->name, family_name(family), text);
}

static void on_result(const struct result *result, void *user)
{
    struct measurer *m = user;
    size_t target = pipeline_target_of(m->pipeline, result->stream);
    struct front front = {0};
    if (result->http.status != 0) {
        front = fronts_replied(m->fronts, target, result->to.family, &result->to,
                               result->foreign);
        note_front(m, target, result->to.family, &front);
    }
    pipeline_result(m->pipeline, result);
    if (!front_may_be_pop(front.is))
        return;
    if (discovery_told(m->discovery, target, result->pop))
        lookout_take(m, mono_now());
    lookout_hint(m, target, result->pop);
}

static void on_after(uint32_t stream, enum afterthought what, void *user)
{
    struct measurer *m = user;
    pipeline_after(m->pipeline, stream, what);
}

static void on_busy(void *user)
{
    struct measurer *m = user;
    pipeline_busy(m->pipeline);
}

/* ---- names ---- */

static void on_named(size_t target, const struct named *answer, void *user)
{
    struct measurer *m = user;
    struct found *found = discovery_by_number(m->discovery, target);
    struct front front =
        fronts_named(m->fronts, target, answer->family, answer->last,
                     answer->to.family != FAMILY_NONE ? &answer->to : &answer->unfit);
    bool dropped = discovery_addresses(
        m->discovery, target, answer->family, answer->all,
        answer->to.family != FAMILY_NONE ? answer->n_all : 0, answer->pop[0] != '\0');
    if (found != NULL && answer->to.family != FAMILY_NONE &&
        !discovery_named(m->discovery, found)) {
        lookout_rest(m, target);
        if (dropped)
            lookout_take(m, mono_now());
        return;
    }
    note_front(m, target, answer->family, &front);
    netlink_follow(m->netlink, &answer->to);
    pipeline_resolved(m->pipeline, target, answer->family, answer->to, answer->pop,
                      mono_now(), wall_now());
    pipeline_asked(m->pipeline, target, answer->family, &answer->asked, mono_now(),
                   wall_now());
    if (discovery_chain(m->discovery, target, answer->asked.chain) || dropped)
        lookout_take(m, mono_now());
    if (front_may_be_pop(front.is))
        lookout_hint(m, target, answer->pop);
    measurer_arm(m);
}

static void on_decoy(size_t target, enum family family, int64_t handshake_ns, void *user)
{
    struct measurer *m = user;
    pipeline_decoy(m->pipeline, target, family, handshake_ns);
}

/* ---- to stop, and to go on ---- */

static void say_whether(struct measurer *m, bool probing, const char *why)
{
    if (probing)
        log_info("agent", "probing goes on: %s", why);
    else
        log_warn("agent", "probing is stopped: %s", why);
    struct event *e =
        events_add(pipeline_events(m->pipeline),
                   probing ? "edgelat.agent.resumed" : "edgelat.agent.stopped",
                   probing ? SEVERITY_INFO : SEVERITY_WARN, wall_now(), NULL);
    event_say(e, "%s", why);
    text_copy(e->before, sizeof e->before, probing ? "stopped" : "probing");
    text_copy(e->after, sizeof e->after, probing ? "probing" : "stopped");
}

void measurer_pause(struct measurer *m, const char *why)
{
    if (m->stopped)
        return;
    say_whether(m, false, why);
    m->paused = m->stopped = true;
    names_pause(m->names, true);
    lookout_pause(m);
    pipeline_pause(m->pipeline, true, mono_now());
    measurer_arm(m);
}

void measurer_resume(struct measurer *m)
{
    if (!m->paused)
        return;
    if (m->stopped)
        say_whether(m, true, "nobody says stop any more");
    m->paused = m->stopped = false;
    names_pause(m->names, false);
    pipeline_pause(m->pipeline, false, mono_now());
    lookout_look(m);
}

/* ---- clocks and windows ---- */

void measurer_close_window(struct measurer *m)
{
    const struct batch *batch = pipeline_close(m->pipeline, mono_now(), wall_now());
    m->events.on_batch(batch, m->events.user);
    measurer_arm(m); /* the ranking may have changed what is due */
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
    lookout_tick(m, now);
    names_tick(m->names, now);
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

void measurer_preload(struct measurer *m, const struct target *target)
{
    for (size_t k = 0; k < probe_kinds_count; k++)
        if (target->kinds[k] && kind_delay(&probe_kinds[k]->kind, "tls") != KIND_NONE)
            http_preload(m->http, target->ca_file);
}

/* Opens the kinds that the targets want: what cannot be measured is said now and once. */
static void open_kinds(struct measurer *m)
{
    for (size_t t = 0; t < m->config->n_targets; t++)
        measurer_preload(m, &m->config->targets[t]);
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
                    const struct knowledge *knowledge, struct http *http,
                    struct measurer_events events)
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
        .on_result = on_result, .on_after = on_after, .on_busy = on_busy, .user = m};
    m->prober = prober_create(loop, probe_kinds, probe_kinds_count, resolver, http,
                              prober_events);
    struct wall wall = wall_now();
    struct pipeline_settings settings = config_pipeline(config);
    m->pipeline =
        pipeline_create(&settings, probe_kind_words(), chance_seed(), mono_now(), wall);
    m->clock_offset_ns = wall.ns - mono_now().ns;
    m->probe_timer = make_timer(m);
    m->tick_timer = make_timer(m);
    struct names_events names_events = {
        .on_named = on_named, .on_decoy = on_decoy, .user = m};
    m->names = names_create(loop, resolver, config->n_targets + PIPELINE_ADDED_MAX,
                            names_events);
    for (size_t t = 0; t < config->n_targets; t++)
        names_add(m->names, t, &config->targets[t]);
    m->fronts = fronts_create(&knowledge->suffixes, &knowledge->prefixes,
                              config->n_targets + PIPELINE_ADDED_MAX);
    m->discovery = discovery_create(config, knowledge, probe_kind_words());
    open_kinds(m);
    m->paused = true;
    lookout_begin(m);
    arm_tick(m, wall);
    *out = m;
    return 0;
}

struct measurer_counters measurer_counters(struct measurer *m)
{
    struct measurer_counters counters = m->counters;
    counters.probing = !m->paused;
    counters.prober = prober_counters(m->prober);
    counters.names = names_counters(m->names);
    m->counters.loop_lag_max_ns = 0;
    return counters;
}

const char *measurer_failure(const struct measurer *m, size_t target)
{
    return names_failure(m->names, target);
}

void measurer_destroy(struct measurer *m)
{
    if (m == NULL)
        return;
    netlink_destroy(m->netlink);
    names_destroy(m->names);
    uv_close((uv_handle_t *)m->probe_timer, free_handle);
    uv_close((uv_handle_t *)m->tick_timer, free_handle);
    prober_destroy(m->prober);
    resolver_destroy(m->resolver);
    pipeline_destroy(m->pipeline);
    discovery_destroy(m->discovery);
    fronts_destroy(m->fronts);
    free(m);
}
