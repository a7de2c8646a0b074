/*
 * Builds batches of an agent: one target, one series, windows of one minute from minute 0
 * on, encoded by the exporter as in the agent. Start with office_open().
 */
#ifndef EDGELAT_TEST_OFFICE_H
#define EDGELAT_TEST_OFFICE_H

#include "check.h"
#include "core/batch.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "report/dataset.h"

#define MINUTE_NS (60 * NS_PER_S)

/* Minute 0: 2026-11-23T00:00:00Z, unless a test sets it. */
static int64_t office_begin_ns = INT64_C(1795392000) * NS_PER_S;

static const struct kind office_icmp = {
    .name = "icmp", .delays = {"rtt"}, .may_be_filtered = true};
static const struct kind office_tcp = {
    .name = "tcp", .delays = {"rtt"}, .uses = USES_PORT};
static const struct kind office_https = {
    .name = "https", .delays = {"rtt", "total"}, .uses = USES_PORT, .main_delay = 1};
static const struct kind office_route = {.name = "route", .delays = {"rtt", "hops"}};
static const struct kinds office_kinds = {
    {&office_icmp, &office_tcp, &office_https, &office_route}, 4};

struct office {
    struct target target;
    struct kind kind;
    struct series series;
    struct histogram delays[DELAYS_MAX];
    const struct series *list[1];
    struct target_state state;
    struct self_value self[8];
    struct event event;
    struct otlp_resource resource;
    struct batch batch;
    int minute; /* of the open window */
};

static inline int64_t office_at(int minute)
{
    return office_begin_ns + minute * MINUTE_NS;
}

/* Starts or restarts the agent. */
static inline void office_start(struct office *o)
{
    struct series *s = &o->series;
    memset(s->outcomes, 0, sizeof s->outcomes);
    s->counters[COUNTER_MISSED] = 0;
    histogram_free(&s->delays[0]);
    histogram_free(&s->variation);
    s->start = s->histograms_start = o->batch.agent_start =
        (struct wall){office_at(o->minute)};
    o->self[0].value = 0;
}

static inline void office_open(struct office *o)
{
    *o = (struct office){.minute = 0};
    o->kind = office_tcp;
    o->target.name = "teams";
    o->target.host = "teams.example";
    strcpy(o->target.service, "teams");
    o->target.port = 443;
    o->series = (struct series){
        .target = &o->target, .kind = &o->kind, .family = FAMILY_IPV4, .pop = "AMS"};
    o->series.delays = o->delays;
    o->list[0] = &o->series;
    o->state = (struct target_state){.target = &o->target, .pop = "AMS", .rank = 1};
    o->self[0] = (struct self_value){
        "edgelat.agent.spool.dropped", "{batch}", "Dropped", true, 0, NULL, NULL};
    o->resource = (struct otlp_resource){
        .instance_id = "id-1", .version = "1.2.3", .host_name = "branch", .site = "Lyon"};
    o->batch = (struct batch){
        .series = o->list,
        .n_series = 1,
        .targets = &o->state,
        .n_targets = 1,
        .self = o->self,
        .n_self = 1,
    };
    office_start(o);
}

static inline void office_close(struct office *o)
{
    histogram_free(&o->series.delays[0]);
    histogram_free(&o->series.variation);
}

/* Closes a window with answers after `ms` and losses. */
static inline void office_window(struct office *o, unsigned replies, unsigned lost,
                                 double ms)
{
    struct series *s = &o->series;
    int64_t ns = (int64_t)(ms * 1e6);
    if (o->batch.delta)
        office_start(o);
    s->outcomes[OUTCOME_REPLY] += replies;
    s->outcomes[OUTCOME_LOSS] += lost;
    s->begun = replies > 0 && s->delays[0].count == 0;
    s->extreme = s->begun ||
                 (replies > 0 && (ns < s->delays[0].min_ns || ns > s->delays[0].max_ns));
    for (unsigned i = 0; i < replies; i++)
        histogram_add(&s->delays[0], ns);
    s->in_window = replies + lost > 0;
    s->window = (struct summary){
        .start = {office_at(o->minute)},
        .outcomes = {[OUTCOME_REPLY] = replies, [OUTCOME_LOSS] = lost},
        .loss_ratio = s->in_window ? (double)lost / (replies + lost) : NAN,
        .delays = {{.count = replies,
                    .percentile_ns = {ns, ns, ns, ns},
                    .supported = {[P50] = replies >= 5}}},
    };
    o->state.measured = s->in_window;
    o->state.up = replies > 0;
    o->batch.window_start = (struct wall){office_at(o->minute)};
    o->batch.time = (struct wall){office_at(++o->minute)};
    o->batch.n_events = 0;
}

/* Adds an event to the closed window. */
static inline void office_event(struct office *o, const char *name, const char *before,
                                const char *after, const char *text)
{
    o->event = (struct event){.name = name,
                              .severity = SEVERITY_WARN,
                              .time = o->batch.time,
                              .target = &o->target,
                              .kind = &o->kind,
                              .family = FAMILY_IPV4,
                              .before = before,
                              .after = after,
                              .text = text};
    o->batch.events = &o->event;
    o->batch.n_events = 1;
}

struct office_bytes { /* gzipped */
    void *bytes;
    size_t len;
};

static inline void office_keep(void *bytes, size_t len, void *user)
{
    *(struct office_bytes *)user = (struct office_bytes){bytes, len};
}

/* Encodes the batch; the caller frees the bytes with free(). NULL: no logs. */
static inline struct office_bytes office_batch(const struct office *o, enum signal signal)
{
    struct office_bytes b = {NULL, 0};
    if (signal == SIGNAL_LOGS)
        b.bytes = otlp_logs(&o->batch, &o->resource, &b.len);
    else
        otlp_metrics(&o->batch, &o->resource, &METRIC_CHOICE_DEFAULT, office_keep, &b);
    return b;
}

static inline int office_add_signal(const struct office *o, struct dataset *p,
                                    enum signal signal)
{
    struct office_bytes b = office_batch(o, signal);
    void *plain;
    size_t len;
    if (b.bytes == NULL)
        return 0;
    CHECK_INT(0, gzip_unpack(b.bytes, b.len, OTLP_BYTES_MAX, &plain, &len), "gzip");
    int rc = dataset_add(p, signal, plain, len);
    free(plain);
    free(b.bytes);
    return rc;
}

static inline int office_add(const struct office *o, struct dataset *p)
{
    int rc = office_add_signal(o, p, SIGNAL_METRICS);
    return rc < 0 ? rc : office_add_signal(o, p, SIGNAL_LOGS);
}

#endif
