#include "daemon/reporter.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/pipeline.h"
#include "edge/serving.h"
#include "otlp/names.h"

#include <stdlib.h>
#include <string.h>

enum { SELF_MAX = 32 };

struct reporter {
    const struct config *config;
    struct otlp_resource resource;
    struct spool *spool;
    struct site site;
    struct serving serving;
    char reason[EVENT_SUBJECT_MAX];
    struct events events;                                     /* of this window */
    bool intercepted[TARGETS_MAX + PIPELINE_ADDED_MAX], busy; /* as it was said last */
    uint64_t busy_windows, interrupted_windows, events_dropped;
    double self_before[SELF_MAX]; /* what was said last, of sums */
    double user_s, system_s;      /* CPU time of the process when the agent began */
};

/* ---- the agent itself ---- */

static void cpu_time(double *user_s, double *system_s)
{
    uv_rusage_t usage;
    uv_getrusage(&usage);
    *user_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    *system_s = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

/* What the agent says of itself; `values` has room for SELF_MAX. */
static size_t self_values(const struct reporter *c, const struct agent_counters *t,
                          const struct batch *batch, struct self_value *values)
{
    const struct measurer_counters *m = &t->measurer;
    const struct spool_counters *spool = &t->spool;
    const struct shipper_counters *ship = &t->shipper;
    size_t resident;
    uv_resident_set_memory(&resident);
    double user_s, system_s;
    cpu_time(&user_s, &system_s);
    user_s -= c->user_s;
    system_s -= c->system_s;

    const struct self_value all[] = {
        {METRIC_AGENT_CPU_TIME, "s", "CPU time of the agent", true, user_s, ATTR_CPU_MODE,
         "user"},
        {METRIC_AGENT_CPU_TIME, "s", "CPU time of the agent", true, system_s,
         ATTR_CPU_MODE, "system"},
        {METRIC_AGENT_MEMORY_RESIDENT, "By", "Memory of the agent that is in RAM", false,
         (double)resident, NULL, NULL},
        {METRIC_AGENT_PROBING, "",
         "0 while a stop order or an unset clock stops all probing", false, m->probing,
         NULL, NULL},
        {METRIC_AGENT_LOOP_LAG, "s", "Longest delay of the event loop in the last window",
         false, (double)m->loop_lag_max_ns / 1e9, NULL, NULL},
        {METRIC_AGENT_WINDOWS, "{window}",
         "Windows in which this host could not measure well", true,
         (double)c->busy_windows, ATTR_WINDOW_STATE, "busy"},
        {METRIC_AGENT_WINDOWS, "{window}",
         "Windows in which this host could not measure well", true,
         (double)c->interrupted_windows, ATTR_WINDOW_STATE, "interrupted"},
        {METRIC_AGENT_DNS_LOOKUPS, "{lookup}", "Names that were asked for", true,
         (double)m->names.lookups, NULL, NULL},
        {METRIC_AGENT_DNS_FAILURES, "{lookup}", "Names that could not be resolved", true,
         (double)m->names.failures, NULL, NULL},
        {METRIC_AGENT_PROBE_FOREIGN, "{packet}", "Packets received that answer no probe",
         true, (double)m->prober.foreign, NULL, NULL},
        {METRIC_AGENT_PROBE_DAMAGED, "{packet}",
         "Answers whose payload was not what was sent", true, (double)m->prober.damaged,
         NULL, NULL},
        {METRIC_AGENT_PROBE_TIMESTAMP_FALLBACKS, "{probe}",
         "Probes whose times are the agent's and not the kernel's", true,
         (double)m->prober.timestamp_fallbacks, NULL, NULL},
        {METRIC_AGENT_SPOOL_WAITING, "{batch}", "Batches that wait in the spool", false,
         (double)spool->waiting, NULL, NULL},
        {METRIC_AGENT_SPOOL_SIZE, "By", "Size of the batches that wait in the spool",
         false, (double)spool->waiting_bytes, NULL, NULL},
        {METRIC_AGENT_SPOOL_DROPPED, "{batch}",
         "Batches dropped at the limits of the spool", true, (double)spool->dropped, NULL,
         NULL},
        {METRIC_AGENT_SPOOL_SET_ASIDE, "{batch}",
         "Batches set aside as refused or broken", true, (double)spool->set_aside, NULL,
         NULL},
        {METRIC_AGENT_SPOOL_WRITE_ERRORS, "{error}",
         "Batches that could not be written to disk", true, (double)spool->write_errors,
         NULL, NULL},
        {METRIC_AGENT_EXPORT_RESULTS, "{batch}", "Batches by the answer of the collector",
         true, (double)ship->accepted, ATTR_EXPORT_RESULT, "accepted"},
        {METRIC_AGENT_EXPORT_RESULTS, "{batch}", "Batches by the answer of the collector",
         true, (double)ship->refused, ATTR_EXPORT_RESULT, "refused"},
        {METRIC_AGENT_EXPORT_RESULTS, "{batch}", "Batches by the answer of the collector",
         true, (double)ship->failed, ATTR_EXPORT_RESULT, "failed"},
        {METRIC_AGENT_EXPORT_REJECTED_POINTS, "{point}",
         "Points that the collector rejected in batches it accepted", true,
         (double)ship->rejected_points, NULL, NULL},
        {METRIC_AGENT_HISTORY_SIZE, "By", "Size of the history for reports", false,
         (double)spool->history_bytes, NULL, NULL},
        {METRIC_AGENT_HISTORY_DROPPED, "{batch}",
         "Batches dropped at the limits of the history", true,
         (double)spool->history_dropped, NULL, NULL},
        {METRIC_AGENT_EVENTS_DROPPED, "{event}", "Events beyond the limit of a window",
         true, (double)c->events_dropped, NULL, NULL},
        {METRIC_AGENT_SERIES_COUNT, "{series}", "Series that the agent holds", false,
         (double)batch->n_series, NULL, NULL},
        {METRIC_AGENT_SERIES_OVERFLOWED, "{probe}", "Results counted in overflow series",
         true, (double)batch->overflowed, NULL, NULL},
    };
    _Static_assert(sizeof all / sizeof *all <= SELF_MAX, "room for all of them");
    memcpy(values, all, sizeof all);
    return sizeof all / sizeof *all;
}

/* Delta: what is new in this window, instead of all since the start. */
static void make_new_only(struct reporter *c, struct self_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i].monotonic) {
            double all = values[i].value;
            values[i].value -= c->self_before[i];
            c->self_before[i] = all;
        }
}

/* ---- what the log says ---- */

/* Changes of state, once each. */
static void say_middleboxes(struct reporter *c, const struct batch *batch)
{
    for (size_t t = 0; t < batch->n_targets; t++) {
        const struct target_state *state = &batch->targets[t];
        if (state->intercepted == c->intercepted[t])
            continue;
        c->intercepted[t] = state->intercepted;
        if (state->intercepted)
            log_warn("measurer", "%s: %s; their delays are left out", state->target->name,
                     state->interception);
        else
            log_info("measurer",
                     "%s: no middlebox is seen any more; TCP delays are counted again",
                     state->target->name);
    }
}

static void say_silences(const struct batch *batch)
{
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *s = batch->series[i];
        if (s->silence_is_news)
            log_info(
                "agent",
                "%s to %s (%s, %s) is never answered while %s is: no data of it, not "
                "an outage",
                s->kind->name, s->target->host, s->target->name, family_name(s->family),
                s->silent_while->name);
    }
}

static void note_state(struct reporter *c, const struct batch *batch)
{
    c->busy_windows += batch->busy;
    c->interrupted_windows += batch->interrupted;
    if (batch->busy == c->busy)
        return;
    c->busy = batch->busy;
    if (batch->busy)
        log_warn("agent", "this host is too busy to measure well: probes go out late; "
                          "windows with edgelat.window.state=busy are counted");
    else
        log_info("agent", "this host measures in time again");
}

static void say_events(const struct events *events)
{
    for (size_t i = 0; i < events->n; i++) {
        const struct event *e = &events->list[i];
        char subject[EVENT_SUBJECT_MAX];
        const char *colon = *event_subject(subject, e) != '\0' ? ": " : "";
        void (*say)(const char *, const char *, ...) =
            e->severity == SEVERITY_ERROR  ? log_error
            : e->severity == SEVERITY_WARN ? log_warn
                                           : log_info;
        say("event", "%s: %s%s%s", e->name, subject, colon, e->text);
    }
    if (events->dropped > 0)
        log_warn("event", "%llu more in this window are not told",
                 (unsigned long long)events->dropped);
}

/* ---- on its way ---- */

static void take_events(struct events *to, const struct batch *batch)
{
    memcpy(to->list, batch->events, batch->n_events * sizeof *to->list);
    to->n = batch->n_events;
    to->dropped = batch->events_dropped;
}

static void spool_metrics(void *bytes, size_t len, void *user)
{
    struct reporter *c = user;
    log_debug("agent", "window closed: %zu bytes of metrics", len);
    spool_add(c->spool, SIGNAL_METRICS, bytes, len);
}

static void spool_batch(struct reporter *c, const struct batch *batch)
{
    size_t len;
    otlp_metrics(batch, &c->resource, &c->config->shipping.choice, spool_metrics, c);
    void *bytes =
        c->config->shipping.events ? otlp_logs(batch, &c->resource, &len) : NULL;
    if (bytes != NULL)
        spool_add(c->spool, SIGNAL_LOGS, bytes, len);
}

static const char *reason_to_look(struct reporter *c)
{
    const struct events *events = &c->events;
    for (size_t i = 0; i < events->n; i++)
        if (events->list[i].calls_survey)
            return event_subject(c->reason, &events->list[i]);
    return NULL;
}

const char *reporter_take(struct reporter *c, const struct batch *measured,
                          const struct agent_counters *counters)
{
    struct self_value values[SELF_MAX];
    struct batch batch = *measured;
    note_state(c, measured);
    say_middleboxes(c, measured);
    say_silences(measured);
    take_events(&c->events, measured);
    serving_look(&c->serving, &c->site, measured->targets, measured->n_targets,
                 measured->time, &c->events);
    say_events(&c->events);
    c->events_dropped += c->events.dropped;
    batch.events = c->events.list;
    batch.n_events = c->events.n;
    batch.n_self = self_values(c, counters, measured, values);
    batch.self = values;
    if (batch.delta)
        make_new_only(c, values, batch.n_self);
    spool_batch(c, &batch);
    return reason_to_look(c);
}

const struct events *reporter_events(const struct reporter *c)
{
    return &c->events;
}

struct reporter *reporter_create(const struct config *config,
                                 const struct edge_data *edge_data,
                                 const struct otlp_resource *resource,
                                 struct spool *spool)
{
    struct reporter *c = mem_zalloc(sizeof *c);
    c->config = config;
    site_read(&c->site, &edge_data->metros, config->location, &config->peering, NULL,
              NULL);
    c->resource = *resource;
    c->spool = spool;
    cpu_time(&c->user_s, &c->system_s); /* a reload keeps the process */
    return c;
}

void reporter_destroy(struct reporter *c)
{
    if (c == NULL)
        return;
    serving_free(&c->serving);
    free(c);
}
