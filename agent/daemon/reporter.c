#include "daemon/reporter.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/causes.h"
#include "core/pipeline.h"
#include "core/unsent.h"
#include "daemon/packer.h"
#include "edge/serving.h"
#include "net/clock.h"
#include "otlp/names.h"

#include <stdlib.h>
#include <string.h>

/* Rows of core/last_metre.h: two of families, and targets that are charged to somebody. */
enum { METRE_ROWS_MAX = 64 };

struct reporter {
    const struct config *config;
    struct otlp_resource resource;
    struct packer *packer;
    const struct site *site;
    struct serving serving;
    struct causes causes;
    struct last_metre metre;
    struct self_label metre_labels[METRE_ROWS_MAX][2];
    char reason[EVENT_SUBJECT_MAX];
    struct events events; /* of the last window */
    /* as last logged */
    bool intercepted[TARGETS_MAX + PIPELINE_ADDED_MAX], busy;
    bool offline, missing[2], unsent[KINDS_MAX];
    struct self_metrics self;
};

/* ---- log ---- */

/* Logs each change of state once. */
static void log_middleboxes(struct reporter *c, const struct batch *batch)
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
            log_info("measurer", "%s: middlebox gone; TCP delays are counted again",
                     state->target->name);
    }
}

static void log_silences(const struct batch *batch)
{
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *s = batch->series[i];
        if (s->silence_significant)
            log_info(
                "agent",
                "%s to %s (%s, %s) is never answered while %s is: probably filtered, "
                "not counted as an outage",
                s->kind->name, s->target->host, s->target->name, family_name(s->family),
                s->silent_while->name);
    }
}

static void log_busy(struct reporter *c, const struct batch *batch)
{
    if (batch->busy == c->busy)
        return;
    c->busy = batch->busy;
    if (batch->busy)
        log_warn("agent", "this host is too busy to measure accurately: probes are sent "
                          "late; look for other load on it");
    else
        log_info("agent", "this host measures accurately again");
}

static void log_routes(struct reporter *c, const struct unsent *u)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    struct text text = {0};
    if (u->offline != c->offline) {
        unsent_offline_text(&text);
        if (u->offline)
            log_warn("prober", "%s", text_string(&text));
        else
            log_info("prober", "this host can send to its targets again");
        c->offline = u->offline;
    }
    for (size_t f = 0; f < 2; f++) {
        if (u->missing[f] == c->missing[f] || u->offline)
            continue;
        text_clear(&text);
        unsent_route_text(&text, u, families[f]);
        if (u->missing[f])
            log_warn("prober", "%s", text_string(&text));
        else if (u->routes[f] == UNSENT_ROUTE)
            log_info("prober", "there is an IPv%d route again", families[f]);
        else
            log_info("prober",
                     "no IPv%d route is needed any more: this host or its "
                     "targets have no IPv%d address",
                     families[f], families[f]);
        c->missing[f] = u->missing[f];
    }
    text_free(&text);
}

static void log_causes(struct reporter *c, const struct unsent *u)
{
    for (size_t k = 0; k < u->kinds->n; k++) {
        bool unsent = u->causes[k].target != NULL;
        struct text text = {0};
        if (unsent == c->unsent[k])
            continue;
        c->unsent[k] = unsent;
        if (unsent) {
            unsent_cause_text(&text, &u->causes[k]);
            log_warn("prober", "%s", text_string(&text));
        } else {
            log_info("prober", "%s can be sent again", u->kinds->list[k]->name);
        }
        text_free(&text);
    }
}

static void log_events(const struct events *events)
{
    for (size_t i = 0; i < events->n; i++) {
        const struct event *e = &events->list[i];
        char subject[EVENT_SUBJECT_MAX];
        const char *colon = *event_subject(subject, e) != '\0' ? ": " : "";
        void (*log_at)(const char *, const char *, ...) =
            e->severity >= SEVERITY_ERROR  ? log_error
            : e->severity == SEVERITY_WARN ? log_warn
                                           : log_info;
        log_at("event", "%s: %s%s%s", e->name, subject, colon, e->text);
    }
    if (events->dropped > 0)
        log_warn("event", "%llu more events in this window were dropped",
                 (unsigned long long)events->dropped);
}

/* ---- encode and spool ---- */

static void spool_batch(struct reporter *c, const struct batch *batch)
{
    size_t len;
    void *bytes =
        c->config->shipping.events ? otlp_logs(batch, &c->resource, &len) : NULL;
    packer_metrics(c->packer, batch, &c->resource, &c->config->shipping.choice);
    if (bytes != NULL)
        packer_add(c->packer, SIGNAL_LOGS, bytes, len);
}

static const char *const metre_families[2] = {"ipv4", "ipv6"};

static const char *survey_reason(struct reporter *c)
{
    const struct events *events = &c->events;
    for (size_t i = 0; i < events->n; i++)
        if (events->list[i].calls_survey)
            return event_subject(c->reason, &events->list[i]);
    return NULL;
}

/* Nothing is exported of what cannot be told. */
static size_t metre_rows(struct reporter *c, const struct batch *b,
                         struct self_value *values)
{
    size_t n = 0;
    for (size_t f = 0; f < 2; f++) {
        enum metre_state is = c->metre.states[f];
        struct self_label *label = c->metre_labels[n];
        if (is == METRE_UNKNOWN)
            continue;
        label[0] = (struct self_label){ATTR_NETWORK_TYPE, metre_families[f]};
        values[n++] = (struct self_value){
            .name = METRIC_LAST_METRE_FAULT,
            .description = "1: delay or loss on the way to the default gateway",
            .value = is != METRE_FINE,
            .labels = label,
            .n_labels = 1};
    }
    for (size_t t = 0; t < b->n_targets; t++)
        for (size_t f = 0; f < 2 && n < METRE_ROWS_MAX; f++) {
            enum charge to = metre_charge_worst(last_metre_charge(&c->metre, t, f));
            struct self_label *label = c->metre_labels[n];
            if (to != CHARGE_SITE && to != CHARGE_BEYOND)
                continue;
            label[0] = (struct self_label){ATTR_TARGET, b->targets[t].target->name};
            label[1] = (struct self_label){ATTR_NETWORK_TYPE, metre_families[f]};
            values[n++] = (struct self_value){
                .name = METRIC_TARGET_CHARGED,
                .description = "1: its loss or rise of delay is already there at the "
                               "default gateway; 0: it is behind it",
                .value = to == CHARGE_SITE,
                .labels = label,
                .n_labels = 2};
        }
    return n;
}

const char *reporter_take(struct reporter *c, const struct batch *measured,
                          const struct agent_counters *counters,
                          const struct reporter_sources *from)
{
    struct self_value *values =
        mem_alloc((SELF_METRICS_MAX + STATION_VALUES_MAX + EXPORTERS_VALUES_MAX +
                   INTERFACES_VALUES_MAX + SET_READER_VALUES_MAX + HANDSHAKE_VALUES_MAX +
                   MEDIA_MONITOR_VALUES_MAX + METRE_ROWS_MAX + LOAD_ROWS_MAX) *
                  sizeof *values);
    struct batch batch = *measured;
    log_busy(c, measured);
    log_middleboxes(c, measured);
    log_silences(measured);
    if (measured->unsent != NULL) {
        log_routes(c, measured->unsent);
        log_causes(c, measured->unsent);
    }
    events_free(&c->events);
    events_copy(&c->events, measured->events, measured->n_events);
    c->events.dropped += measured->events_dropped;
    serving_update(&c->serving, c->site, measured->targets, measured->n_targets,
                   measured->time, &c->events);
    if (from->paths != NULL) {
        path_watch_window(from->paths, measured->targets, measured->n_targets,
                          measured->time, &c->events);
        batch.n_paths = path_watch_states(from->paths, &batch.paths);
    }
    if (from->mtus != NULL) {
        batch.mtus = from->mtus->all;
        batch.n_mtus = from->mtus->n;
    }
    size_t n = 0;
    if (from->station != NULL)
        n = station_window(from->station, batch.delta, &c->events, values);
    if (from->exporters != NULL)
        n += exporters_window(from->exporters, batch.delta, mono_now(), values + n);
    if (from->interfaces != NULL)
        n += interface_reader_window(from->interfaces, measured, values + n);
    if (from->sets != NULL)
        n += set_reader_window(from->sets, batch.delta, values + n);
    if (from->handshakes != NULL)
        n += handshakes_window(from->handshakes, batch.delta, values + n);
    if (from->media != NULL)
        n += media_monitor_values(from->media, values + n);
    if (from->load != NULL)
        n += load_watch_window(from->load, measured->time, &c->events, values + n);
    if (from->clock != NULL)
        clock_watch_window(from->clock, measured->time, &c->events);
    if (from->gateways != NULL) {
        last_metre_window(&c->metre, measured, from->gateways, &c->events);
        n += metre_rows(c, measured, values + n);
    }
    causes_find(&c->causes, &c->events, measured->targets, measured->n_targets);
    log_events(&c->events);
    batch.gains = c->serving.gains;
    batch.n_gains = c->serving.n_gains;
    batch.events = c->events.list;
    batch.n_events = c->events.n;
    batch.events_dropped = c->events.dropped;
    batch.n_self = n + self_metrics_window(&c->self, &batch, counters, values + n);
    batch.self = values;
    spool_batch(c, &batch);
    if (from->handshakes != NULL)
        handshakes_reported(from->handshakes, batch.delta);
    free(values);
    return survey_reason(c);
}

const struct last_metre *reporter_last_metre(const struct reporter *c)
{
    return &c->metre;
}

const struct events *reporter_events(const struct reporter *c)
{
    return &c->events;
}

void reporter_flush(struct reporter *c)
{
    packer_flush(c->packer);
}

struct reporter *reporter_create(uv_loop_t *loop, const struct config *config,
                                 const struct edge_data *edge_data,
                                 const struct otlp_resource *resource,
                                 struct spool *spool)
{
    struct reporter *c = mem_zalloc(sizeof *c);
    c->config = config;
    c->site = &edge_data->site;
    c->resource = *resource;
    c->packer = packer_create(loop, spool);
    self_metrics_begin(&c->self);
    return c;
}

void reporter_destroy(struct reporter *c)
{
    if (c == NULL)
        return;
    packer_destroy(c->packer);
    serving_free(&c->serving);
    last_metre_free(&c->metre);
    events_free(&c->events);
    free(c);
}
