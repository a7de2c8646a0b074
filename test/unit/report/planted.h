/*
 * A simulated office whose troubles are planted: a scripted network and a virtual clock turn
 * the agent's own pipeline, whose batches the exporter encodes as in the agent. What was
 * planted is known, so a report of it can be judged.
 *
 *     planted_begin(&o, targets, begin_ns, window_ns, seed);
 *     o.troubles = ...;
 *     planted_run(&o, minutes, take, user);
 *     planted_end(&o);
 */
#ifndef EDGELAT_TEST_PLANTED_H
#define EDGELAT_TEST_PLANTED_H

#include "base/heap.h"
#include "base/mem.h"
#include "core/last_metre.h"
#include "core/pipeline.h"
#include "core/random.h"
#include "interned.h"
#include "otlp/metrics.h"
#include "otlp/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLANTED_MINUTE_NS (60 * NS_PER_S)

enum { PLANTED_TARGETS_MAX = 32, PLANTED_ALL = PLANTED_TARGETS_MAX };

enum trouble_kind {
    TROUBLE_UPLINK,     /* nothing is answered */
    TROUBLE_FAMILY,     /* nothing is answered over `family` */
    TROUBLE_SERVICE,    /* `target` does not answer */
    TROUBLE_POP,        /* `target` is served by `pop`, `times` as far away */
    TROUBLE_SLOW,       /* `target` is `times` as far away, at the same PoP */
    TROUBLE_LOSS,       /* `target` loses the share `times` of its probes */
    TROUBLE_SUBOPTIMAL, /* the agent finds a nearer front door for `target` */
    TROUBLE_OFF,        /* the agent does not run */
    TROUBLE_METRE,      /* all, and the default gateway, lose the share `times` */
    TROUBLE_GATEWAY,    /* the default gateway is away, and all that is behind it */
    TROUBLE_MEDIA,      /* bursts like a call to `target` are over the limits */
};

struct trouble {
    enum trouble_kind kind;
    double from_min, to_min; /* after the beginning */
    size_t target;
    enum family family; /* FAMILY_NONE: both */
    const char *pop;
    double times;
};

static const struct kind planted_icmp = {.name = "icmp",
                                         .delays = {"rtt"},
                                         .roles = {DELAY_ROUND_TRIP},
                                         .interval_ns = 10 * NS_PER_S,
                                         .slow_interval_ns = 60 * NS_PER_S,
                                         .on_by_default = true,
                                         .may_be_filtered = true,
                                         .single_packets = true};
static const struct kind planted_tcp = {.name = "tcp",
                                        .delays = {"rtt"},
                                        .roles = {DELAY_HANDSHAKE},
                                        .uses = USES_PORT,
                                        .interval_ns = 10 * NS_PER_S,
                                        .slow_interval_ns = 60 * NS_PER_S,
                                        .on_by_default = true,
                                        .single_packets = true};
static const struct kind planted_https = {
    .name = "https",
    .delays = {"rtt", "dns", "connect", "tls", "first_byte", "total", "warm_first_byte"},
    .main_delay = 5,
    .roles = {DELAY_HANDSHAKE, DELAY_OTHER, DELAY_HANDSHAKE, DELAY_TLS, DELAY_REPLY,
              DELAY_OTHER, DELAY_REPLY},
    .uses = USES_PORT | USES_TLS | USES_HTTP,
    .interval_ns = 60 * NS_PER_S,
    .slow_interval_ns = 300 * NS_PER_S,
    .waiting_ns = 10 * NS_PER_S,
    .on_by_default = true,
    .tells_pop = true};
static const struct kinds planted_kinds = {{&planted_icmp, &planted_tcp, &planted_https},
                                           3};

static const struct {
    const char *name, *service, *host, *pop;
    double rtt_ms;
} planted_names[] = {
    {"exchange", "exchange", "outlook.office365.com", "AMS", 8.7},
    {"sharepoint", "sharepoint", "microsoft.sharepoint.com", "AMS", 8.9},
    {"teams", "teams", "teams.microsoft.com", "AMS", 9.2},
    {"office", "office", "www.office.com", "LON", 12.4},
    {"bing", "front-door", "bing.com", "DUB", 18.1},
};

struct planted;
/* Gets each request of a batch, gzipped; valid until it returns. */
typedef void planted_cb(struct planted *o, enum signal signal, const void *bytes,
                        size_t len, void *user);

struct planted_flight {
    struct heap_item arrives;
    struct result result;
};

struct planted {
    struct random random;
    struct pipeline *pipeline;
    struct pipeline_settings settings;
    struct metric_choice choice;
    struct target targets[PLANTED_TARGETS_MAX];
    size_t n_targets;
    const char *pops[PLANTED_TARGETS_MAX];
    double rtt_ms[PLANTED_TARGETS_MAX];
    const struct trouble *troubles;
    size_t n_troubles;
    bool began[16], ended[16]; /* of the troubles */
    int64_t begin_ns;          /* wall clock */
    struct mono now;
    struct heap flights;
    struct wall started;
    bool first;
    struct edge_gain gains[PLANTED_TARGETS_MAX];
    bool gateway; /* the last target is the default gateway */
    struct last_metre metre;
    struct events events; /* of the closed window */
    size_t media;         /* the target of bursts like a call; PLANTED_ALL: none */
    planted_cb *take;
    void *user;
};

static inline struct wall planted_wall(const struct planted *o)
{
    return (struct wall){o->begin_ns + o->now.ns};
}

static inline bool planted_is(const struct planted *o, size_t i)
{
    double minutes = (double)o->now.ns / PLANTED_MINUTE_NS;
    return o->troubles[i].from_min <= minutes && minutes < o->troubles[i].to_min;
}

static inline void planted_start(struct planted *o)
{
    o->settings.targets = o->targets;
    o->settings.n_targets = o->n_targets;
    o->pipeline = pipeline_create(&o->settings, &planted_kinds, random_next(&o->random),
                                  o->now, planted_wall(o));
    o->started = planted_wall(o);
    o->first = true;
}

/* The address and PoP of a target, 0 to 9 of its own PoP, 10 and more of another. */
static inline void planted_resolve(struct planted *o, size_t t, enum family family,
                                   uint8_t number, const char *pop)
{
    struct endpoint to = {.family = family, .port = 443};
    uint8_t v4[] = {203, 0, 113, (uint8_t)(t + number)},
            v6[16] = {0x20, 1, 0xd, 0xb8, [14] = number, [15] = (uint8_t)t};
    memcpy(to.bytes, family == FAMILY_IPV4 ? v4 : v6, family == FAMILY_IPV4 ? 4 : 16);
    pipeline_resolved(o->pipeline, t, family, to, pop, o->now, planted_wall(o));
}

static inline void planted_resolve_all(struct planted *o)
{
    for (size_t t = 0; t < o->n_targets; t++)
        for (int v6 = 0; v6 < 2; v6++)
            planted_resolve(o, t, v6 ? FAMILY_IPV6 : FAMILY_IPV4, 0, o->pops[t]);
}

/* Five names of Microsoft 365, further ones are copies. */
static inline void planted_begin(struct planted *o, size_t targets, int64_t begin_ns,
                                 int64_t window_ns, uint64_t seed)
{
    *o = (struct planted){.random = random_from(seed),
                          .n_targets = targets,
                          .media = PLANTED_ALL,
                          .begin_ns = begin_ns,
                          .choice = METRIC_CHOICE_DEFAULT};
    for (size_t t = 0; t < targets; t++) {
        struct target *target = &o->targets[t];
        size_t as = t % 5;
        *target = target_default(&planted_kinds);
        target->name =
            interned(t < 5 ? "%s" : "%s-%zu", planted_names[as].name, t / 5 + 1);
        snprintf(target->service, sizeof target->service, "%s",
                 planted_names[as].service);
        target->host = intern(planted_names[as].host);
        target->port = 443;
        target->limits = (struct limits){.delay_ns = 60 * NS_PER_MS, .loss_ratio = 0.02};
        o->pops[t] = planted_names[as].pop;
        o->rtt_ms[t] = planted_names[as].rtt_ms + 0.3 * (double)(t / 5);
    }
    o->settings = (struct pipeline_settings){
        .window_ns = window_ns,
        .nearest = 3,
        .pattern = PATTERN_PERIODIC,
        .ranking = {.loss_limit = 0.1, .margin_ratio = 0.1, .margin_ns = NS_PER_MS},
    };
    planted_start(o);
    planted_resolve_all(o);
}

/* Adds the default gateway as the last target. Call it after planted_begin(). */
static inline void planted_add_gateway(struct planted *o)
{
    struct target *t = &o->targets[o->n_targets];
    pipeline_destroy(o->pipeline);
    *t = target_default(&planted_kinds);
    t->name = "gateway";
    t->host = GATEWAY_HOST;
    memset(t->kinds, 0, sizeof t->kinds);
    t->kinds[0] = t->gateway = o->gateway = true;
    t->interval_ns[0] = t->slow_interval_ns[0] = 2 * NS_PER_S;
    o->pops[o->n_targets] = "";
    o->rtt_ms[o->n_targets++] = 0.6;
    planted_start(o);
    planted_resolve_all(o);
}

static inline bool planted_concerns(const struct trouble *t, size_t target,
                                    enum family family)
{
    return (t->target == target || t->target == PLANTED_ALL) &&
           (t->family == FAMILY_NONE || t->family == family);
}

static inline void planted_send(struct planted *o, const struct probe_request *request)
{
    size_t t = (size_t)(request->target - o->targets);
    double loss = 0.0005, times = 1;
    for (size_t i = 0; i < o->n_troubles; i++) {
        const struct trouble *trouble = &o->troubles[i];
        if (!planted_is(o, i) || !planted_concerns(trouble, t, request->to.family))
            continue;
        bool behind = !request->target->gateway;
        if ((behind &&
             (trouble->kind == TROUBLE_UPLINK || trouble->kind == TROUBLE_FAMILY)) ||
            trouble->kind == TROUBLE_SERVICE || trouble->kind == TROUBLE_GATEWAY)
            loss = 1;
        else if (trouble->kind == TROUBLE_LOSS || trouble->kind == TROUBLE_METRE)
            loss = trouble->times;
        else if (trouble->kind == TROUBLE_POP || trouble->kind == TROUBLE_SLOW)
            times = trouble->times;
    }
    bool lost = random_unit(&o->random) < loss;
    double rtt_ms = o->rtt_ms[t] * times + random_exponential(&o->random, 0.4);
    int64_t rtt_ns = (int64_t)(rtt_ms * NS_PER_MS);
    struct planted_flight *f = mem_zalloc(sizeof *f);
    f->arrives.at_ns =
        o->now.ns + (lost ? request->target->waiting_ns[request->kind] : rtt_ns);
    f->result = result_of(request->stream, &request->to, planted_wall(o),
                          lost ? OUTCOME_LOSS : OUTCOME_REPLY);
    if (!lost) {
        bool https = planted_kinds.list[request->kind] == &planted_https;
        for (size_t d = 0; d < (https ? 7 : 1); d++)
            f->result.delays[d] = d == 5 ? 4 * rtt_ns + 20 * NS_PER_MS : rtt_ns;
        f->result.kernel_time = true;
    }
    heap_add(&o->flights, &f->arrives);
}

static inline struct planted_flight *planted_next_flight(const struct planted *o)
{
    struct heap_item *first = heap_first(&o->flights);
    return first != NULL ? heap_struct(first, struct planted_flight, arrives) : NULL;
}

/* What the agent's explorer would report: a finding, and that it is over. */
static inline void planted_finding(struct planted *o, const struct trouble *t,
                                   bool begins)
{
    struct event *e = events_add(pipeline_events(o->pipeline), EVENT_EDGE_SUBOPTIMAL,
                                 begins ? SEVERITY_WARN : SEVERITY_INFO, planted_wall(o),
                                 &o->targets[t->target]);
    e->family = t->family;
    event_change(e, "", begins ? "suboptimal" : "optimal");
    event_say(e,
              begins ? "served by %s at 18.1 ms, while %s answers in 9.0 ms"
                     : "served by the nearest front door again",
              o->pops[t->target], t->pop);
    o->gains[t->target].suboptimal = begins;
}

/* A burst like a call, as daemon/media_monitor reports it. */
static inline void planted_burst(struct planted *o, bool over)
{
    struct events *events = pipeline_events(o->pipeline);
    struct event *e =
        events_add(events, EVENT_MEDIA_MEASURED, over ? SEVERITY_WARN : SEVERITY_INFO,
                   planted_wall(o), &o->targets[o->media]);
    e->family = FAMILY_IPV4;
    event_change(e, "", over ? "over" : "within");
    event_number(e, ATTR_MEDIA_MOS, over ? 2.81 : 4.38);
    event_number(e, ATTR_MEDIA_LOSS, over ? 0.0507 : 0);
    event_number(e, ATTR_MEDIA_BURST_LOSS, over ? 0.4 : 0);
    event_number(e, ATTR_MEDIA_BURST, over ? 4 : 0);
    event_number(e, ATTR_MEDIA_RTT, over ? 0.1211 : 0.0093);
    event_number(e, ATTR_MEDIA_VARIATION, over ? 0.0223 : 0.0004);
    event_number(e, ATTR_MEDIA_REORDERING, 0);
    event_say(e, "a burst like a call: %d of 750 packets lost, estimated MOS %.2f",
              over ? 38 : 0, over ? 2.81 : 4.38);
}

/* One each 20 minutes. */
static inline void planted_bursts(struct planted *o)
{
    bool over = false;
    for (size_t i = 0; i < o->n_troubles; i++)
        over |= o->troubles[i].kind == TROUBLE_MEDIA && planted_is(o, i);
    if (o->media != PLANTED_ALL && o->now.ns % (20 * PLANTED_MINUTE_NS) == 0)
        planted_burst(o, over);
}

static inline void planted_change(struct planted *o, size_t i, bool begins)
{
    const struct trouble *t = &o->troubles[i];
    if (t->kind == TROUBLE_SUBOPTIMAL)
        planted_finding(o, t, begins);
    for (int v6 = 0; t->kind == TROUBLE_POP && v6 < 2; v6++) {
        enum family family = v6 ? FAMILY_IPV6 : FAMILY_IPV4;
        if (planted_concerns(t, t->target, family))
            planted_resolve(o, t->target, family, begins ? 50 : 0,
                            begins ? t->pop : o->pops[t->target]);
    }
}

static inline void planted_part(void *bytes, size_t len, void *user)
{
    struct planted *o = user;
    o->take(o, SIGNAL_METRICS, bytes, len, o->user);
    free(bytes);
}

static inline void planted_close(struct planted *o)
{
    struct otlp_resource resource = {.instance_id = "planted",
                                     .version = "0.1.0",
                                     .host_name = "gw",
                                     .site = "lyon-3"};
    struct batch batch = *pipeline_close(o->pipeline, o->now, planted_wall(o));
    struct self_value own[] = {
        {"edgelat.agent.cpu.time", "s", "CPU time", true,
         (double)(planted_wall(o).ns - o->started.ns) * 2e-12, "cpu.mode", "user"},
        {"edgelat.agent.memory.resident", "By", "Memory", false, 9e6, NULL, NULL}};
    size_t len;
    bool down = false;
    o->events.n = 0;
    events_copy(&o->events, batch.events, batch.n_events);
    struct metre_gateway gateways[2] = {0};
    for (size_t i = 0; i < o->n_troubles; i++)
        down |= o->troubles[i].kind == TROUBLE_GATEWAY && planted_is(o, i);
    for (size_t f = 0; f < 2 && o->gateway; f++)
        gateways[f] = (struct metre_gateway){
            .at = {.family = f == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4, .bytes = {9}},
            .interface = "eth0",
            .no_neighbour = down};
    if (o->gateway)
        last_metre_window(&o->metre, &batch, gateways, &o->events);
    batch.events = o->events.list;
    batch.n_events = o->events.n;
    batch.agent_start = o->started;
    batch.first = o->first;
    o->first = false;
    struct self_value *values = mem_alloc((2 + 2 * o->n_targets) * sizeof *values);
    struct self_label labels[2 * PLANTED_TARGETS_MAX][2];
    memcpy(values, own, sizeof own);
    batch.self = values;
    batch.n_self = 2;
    for (size_t i = 0; i < 2 * o->n_targets && o->gateway; i++) {
        enum charge to = metre_charge_worst(last_metre_charge(&o->metre, i / 2, i % 2));
        labels[i][0] = (struct self_label){ATTR_TARGET, o->targets[i / 2].name};
        labels[i][1] =
            (struct self_label){ATTR_NETWORK_TYPE, i % 2 == SLOT_IPV6 ? "ipv6" : "ipv4"};
        if (to == CHARGE_SITE || to == CHARGE_BEYOND)
            values[batch.n_self++] = (struct self_value){.name = METRIC_TARGET_CHARGED,
                                                         .description = "",
                                                         .value = to == CHARGE_SITE,
                                                         .labels = labels[i],
                                                         .n_labels = 2};
    }
    for (size_t t = 0; t < o->n_targets; t++)
        if (o->gains[t].target != NULL) {
            batch.gains = &o->gains[t];
            batch.n_gains = 1;
        }
    otlp_metrics(&batch, &resource, &o->choice, planted_part, o);
    void *logs = otlp_logs(&batch, &resource, &len);
    if (logs != NULL)
        o->take(o, SIGNAL_LOGS, logs, len, o->user);
    free(logs);
    free(values);
}

static inline void planted_stop(struct planted *o)
{
    for (struct planted_flight *f; (f = planted_next_flight(o)) != NULL; free(f))
        heap_remove(&o->flights, &f->arrives);
    pipeline_destroy(o->pipeline);
    events_free(&o->events);
    o->pipeline = NULL;
}

static inline void planted_turn(struct planted *o)
{
    struct probe_request request;
    bool off = false;
    for (size_t i = 0; i < o->n_troubles; i++) {
        bool is = planted_is(o, i);
        off |= is && o->troubles[i].kind == TROUBLE_OFF;
        if (is && !o->began[i]) {
            o->began[i] = true;
            if (o->pipeline != NULL)
                planted_change(o, i, true);
        } else if (!is && o->began[i] && !o->ended[i]) {
            o->ended[i] = true;
            if (o->pipeline != NULL)
                planted_change(o, i, false);
        }
    }
    if (off && o->pipeline != NULL)
        planted_stop(o);
    if (!off && o->pipeline == NULL) {
        planted_start(o);
        planted_resolve_all(o);
    }
    if (o->pipeline == NULL)
        return;
    for (struct planted_flight *f;
         (f = planted_next_flight(o)) != NULL && f->arrives.at_ns <= o->now.ns;) {
        heap_remove(&o->flights, &f->arrives);
        pipeline_result(o->pipeline, &f->result);
        free(f);
    }
    planted_bursts(o);
    if (planted_wall(o).ns >= pipeline_closing(o->pipeline).ns)
        planted_close(o);
    while (pipeline_take(o->pipeline, o->now, &request))
        planted_send(o, &request);
}

/* Time of the next arrival, probe or end of a window; at most a second ahead. */
static inline int64_t planted_next(const struct planted *o)
{
    struct mono next = {o->now.ns + NS_PER_S}, at;
    const struct planted_flight *first = planted_next_flight(o);
    if (o->pipeline == NULL)
        return next.ns;
    if (first != NULL && first->arrives.at_ns < next.ns)
        next.ns = first->arrives.at_ns;
    if (pipeline_next(o->pipeline, &at) && at.ns < next.ns)
        next = at;
    int64_t closes_ns = o->now.ns + pipeline_closing(o->pipeline).ns - planted_wall(o).ns;
    next.ns = closes_ns < next.ns ? closes_ns : next.ns;
    return next.ns > o->now.ns ? next.ns : o->now.ns;
}

/* Runs until `minutes` after the beginning; `take` gets each batch, gzipped. */
static inline void planted_run(struct planted *o, double minutes, planted_cb *take,
                               void *user)
{
    int64_t end_ns = (int64_t)(minutes * PLANTED_MINUTE_NS);
    o->take = take;
    o->user = user;
    for (int64_t next; (next = planted_next(o)) <= end_ns;) {
        o->now.ns = next;
        planted_turn(o);
    }
}

static inline void planted_end(struct planted *o)
{
    if (o->pipeline != NULL)
        planted_stop(o);
    heap_free(&o->flights);
    last_metre_free(&o->metre);
}

#endif
