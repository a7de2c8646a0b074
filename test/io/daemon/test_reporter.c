/*
 * A closed window is encoded into the spool: the batches are read back and contain the
 * values of the window, the agent's own metrics and the events.
 */
#include "daemon/reporter.h"

#include "../../unit/cmd/capture.h"
#include "io/daemon/otlp_values.h"
#include "io/spool/spool_bed.h"

#define START (INT64_C(1795424400) * NS_PER_S)

static const struct kind kind = {
    .name = "echo", .delays = {"rtt", NULL}, .label = "Echo"};
static const struct kind other = {
    .name = "shake", .delays = {"rtt", NULL}, .label = "Shake"};

struct rig {
    struct spool_bed spool;
    struct config config;
    struct edge_data known;
    struct reporter *reporter;
    struct target target;
    struct series series;
    struct histogram delays[1];
    const struct series *list[1];
    struct target_state state;
    struct events events;
    struct batch batch;
    struct agent_counters counters;
    struct capture log;
};

static struct rig *begin(void)
{
    struct rig *r = calloc(1, sizeof *r);
    bed_begin(&r->spool);
    bed_open(&r->spool, wide);
    r->config = config_default();
    site_read(&r->known.site, &r->known.metros, "", &r->config.peering, NULL, NULL);
    r->target = (struct target){.name = "teams", .host = "teams.example"};
    r->series = (struct series){.target = &r->target,
                                .kind = &kind,
                                .family = FAMILY_IPV4,
                                .pop = "LON",
                                .start = {START},
                                .in_window = true};
    r->series.delays = r->delays;
    r->series.outcomes[OUTCOME_REPLY] = 3;
    r->series.outcomes[OUTCOME_LOSS] = 1;
    r->series.delays[0] = r->series.variation = histogram_empty();
    for (int i = 1; i <= 3; i++)
        histogram_add(&r->series.delays[0], i * 10 * NS_PER_MS);
    r->list[0] = &r->series;
    r->state = (struct target_state){
        .target = &r->target, .pop = "LON", .up = true, .measured = true, .rank = 1};
    r->state.addresses[0].answers = true;
    text_copy(r->state.addresses[0].pop, POP_TEXT_MAX, "LON");
    CHECK(endpoint_parse(&r->state.addresses[0].to, "198.51.100.1", 443), "an address");
    r->batch = (struct batch){.agent_start = {START},
                              .window_start = {START},
                              .time = {START + 60 * NS_PER_S},
                              .first = true,
                              .series = r->list,
                              .n_series = 1,
                              .targets = &r->state,
                              .n_targets = 1};
    r->counters.measurer.names.lookups = 40;
    r->counters.measurer.probing = true;
    return r;
}

static void create(struct rig *r)
{
    struct otlp_resource resource = {.instance_id = "the-id",
                                     .version = "1.2.3",
                                     .host_name = "branch",
                                     .site = "Leeds"};
    r->reporter =
        reporter_create(&r->spool.loop, &r->config, &r->known, &resource, r->spool.spool);
}

static void end(struct rig *r)
{
    reporter_destroy(r->reporter);
    events_free(&r->events);
    histogram_free(&r->series.delays[0]);
    histogram_free(&r->series.variation);
    config_free(&r->config);
    bed_end(&r->spool);
    free(r);
}

/* Reports the window; it becomes the previous one. The log is in r->log.err. */
static const char *report(struct rig *r)
{
    r->batch.events = r->events.list;
    r->batch.n_events = r->events.n;
    r->batch.events_dropped = r->events.dropped;
    capture_begin(&r->log);
    const char *moved = reporter_take(r->reporter, &r->batch, &r->counters,
                                      &(struct reporter_sources){.station = NULL});
    capture_end(&r->log);
    r->events.n = 0;
    r->events.dropped = 0;
    r->batch.first = false;
    r->batch.window_start = r->batch.time;
    r->batch.time.ns += 60 * NS_PER_S;
    return moved;
}

static unsigned logged(const struct rig *r, const char *text)
{
    unsigned n = 0;
    for (const char *at = r->log.err; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

/* ---- the spool ---- */

/* Removes the oldest batch from the spool; NULL: none of this signal. */
static ProtobufCMessage *take_batch(struct rig *r, enum signal signal)
{
    struct spooled batch;
    reporter_flush(r->reporter);
    while (spool_writing(r->spool.spool))
        uv_run(&r->spool.loop, UV_RUN_ONCE);
    if (!spool_first(r->spool.spool, &batch))
        return NULL;
    CHECK_INT(signal, batch.signal, "signal");
    ProtobufCMessage *m = decode(signal, batch.bytes, batch.len);
    spool_done(r->spool.spool, batch.id);
    free(batch.bytes);
    return m;
}

/* ---- the tests ---- */

static void a_window_becomes_bytes(void **state)
{
    (void)state;
    struct rig *r = begin();
    create(r);
    r->counters.shipper.accepted = 7;
    r->counters.spool.waiting = 2;
    r->batch.overflowed = 5;
    CHECK(report(r) == NULL, "nothing has moved");
    Otlp__ExportMetricsServiceRequest *m = (void *)take_batch(r, SIGNAL_METRICS);
    const Otlp__Resource *from = m->resource_metrics[0]->resource;
    CHECK_TEXT("the-id",
               attribute(from->attributes, from->n_attributes, "service.instance.id"),
               "instance");
    CHECK_TEXT("Leeds", attribute(from->attributes, from->n_attributes, "edgelat.site"),
               "site");
    check_value(m, 3, "edgelat.probe.results", "edgelat.outcome", "reply");
    check_value(m, 1, "edgelat.probe.results", "edgelat.outcome", "loss");
    check_value(m, 1, "edgelat.target.up", "edgelat.target", "teams");
    check_value(m, 1, "edgelat.target.rank", "edgelat.pop", "LON");
    check_value(m, 40, "edgelat.agent.dns.lookups", "", "");
    check_value(m, 7, "edgelat.agent.export.results", "edgelat.export.result",
                "accepted");
    check_value(m, 2, "edgelat.agent.spool.waiting", "", "");
    check_value(m, 1, "edgelat.agent.series.count", "", "");
    check_value(m, 5, "edgelat.agent.series.overflowed", "", "");
    check_value(m, 1, "edgelat.agent.probing", "", "");
    otlp__export_metrics_service_request__free_unpacked(m, NULL);
    CHECK(take_batch(r, SIGNAL_LOGS) == NULL, "without events there are no logs");
    end(r);
}

/* Sums of two windows: totals since the start, or deltas. */
static void check_second_window(bool delta, double lookups, double busy, double dropped)
{
    struct rig *r = begin();
    r->config.shipping.events = false;
    create(r);
    r->batch.delta = delta;
    r->batch.busy = true;
    r->events.dropped = 3;
    report(r);
    CHECK_INT(1, logged(r, "too busy to measure"), "logged when it begins");
    CHECK_INT(1, logged(r, "3 more events in this window"), "dropped events are logged");
    r->counters.measurer.names.lookups = 47;
    r->events.dropped = 1;
    report(r);
    CHECK_INT(0, logged(r, "too busy to measure"), "and not again");
    otlp__export_metrics_service_request__free_unpacked(
        (void *)take_batch(r, SIGNAL_METRICS), NULL);
    Otlp__ExportMetricsServiceRequest *m = (void *)take_batch(r, SIGNAL_METRICS);
    check_value(m, lookups, "edgelat.agent.dns.lookups", "", "");
    check_value(m, busy, "edgelat.agent.windows", "edgelat.window.state", "busy");
    check_value(m, dropped, "edgelat.agent.events.dropped", "", "");
    otlp__export_metrics_service_request__free_unpacked(m, NULL);
    r->batch.busy = false;
    report(r);
    CHECK_INT(1, logged(r, "measures accurately again"), "its end is logged");
    end(r);
}

static void sums_since_the_start(void **state)
{
    (void)state;
    check_second_window(false, 47, 2, 4);
}

static void sums_of_the_window(void **state)
{
    (void)state;
    check_second_window(true, 7, 1, 1);
}

static void events_become_logs(void **state)
{
    (void)state;
    struct rig *r = begin();
    create(r);
    struct event *e = events_add(&r->events, "edgelat.state.changed", SEVERITY_ERROR,
                                 r->batch.time, &r->target);
    e->kind = &kind;
    event_say(e, "down: none of 6 probes was answered");
    CHECK(report(r) == NULL, "that is no reason for a survey");
    CHECK_INT(1, logged(r, "teams (echo): down: none of 6"), "it is logged");
    otlp__export_metrics_service_request__free_unpacked(
        (void *)take_batch(r, SIGNAL_METRICS), NULL);
    Otlp__ExportLogsServiceRequest *m = (void *)take_batch(r, SIGNAL_LOGS);
    const Otlp__ScopeLogs *scope = m->resource_logs[0]->scope_logs[0];
    CHECK_INT(1, scope->n_log_records, "records");
    CHECK_TEXT("edgelat.state.changed", scope->log_records[0]->event_name, "name");
    CHECK_INT(17, scope->log_records[0]->severity_number, "SEVERITY_NUMBER_ERROR");
    CHECK_TEXT("down: none of 6 probes was answered",
               scope->log_records[0]->body->string_value, "body");
    otlp__export_logs_service_request__free_unpacked(m, NULL);
    CHECK_INT(1, reporter_events(r->reporter)->n, "the status shows it too");
    end(r);
}

static void another_pop_calls_for_a_survey(void **state)
{
    (void)state;
    struct rig *r = begin();
    create(r);
    report(r);
    text_copy(r->state.addresses[0].pop, POP_TEXT_MAX, "AMS");
    CHECK(endpoint_parse(&r->state.addresses[0].to, "198.51.100.2", 443), "an address");
    const char *moved = report(r);
    CHECK_TEXT("teams (ipv4)", moved != NULL ? moved : "nothing", "what has moved");
    for (int i = 0; i < 2; i++)
        otlp__export_metrics_service_request__free_unpacked(
            (void *)take_batch(r, SIGNAL_METRICS), NULL);
    Otlp__ExportLogsServiceRequest *m = (void *)take_batch(r, SIGNAL_LOGS);
    const Otlp__LogRecord *l = m->resource_logs[0]->scope_logs[0]->log_records[0];
    CHECK_TEXT("edgelat.pop.changed", l->event_name, "an event of the edge");
    CHECK_TEXT("LON", attribute(l->attributes, l->n_attributes, "edgelat.before"), "was");
    CHECK_TEXT("AMS", attribute(l->attributes, l->n_attributes, "edgelat.after"), "is");
    otlp__export_logs_service_request__free_unpacked(m, NULL);
    CHECK(report(r) == NULL, "it stays there");
    end(r);
}

static void states_are_logged_once(void **state)
{
    (void)state;
    struct rig *r = begin();
    create(r);
    r->state.intercepted = true;
    text_copy(r->state.interception, INTERCEPT_TEXT_MAX, "a middlebox answers");
    r->series.silent_while = &other;
    r->series.silence_significant = true;
    report(r);
    CHECK_INT(1, logged(r, "teams: a middlebox answers"), "a middlebox");
    CHECK_INT(1, logged(r, "is never answered while shake is"), "ICMP that is filtered");
    r->series.silence_significant = false;
    report(r);
    CHECK_INT(0, logged(r, "middlebox"), "not again");
    CHECK_INT(0, logged(r, "never answered"), "not again");
    r->state.intercepted = false;
    report(r);
    CHECK_INT(1, logged(r, "middlebox"), "its end");
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_becomes_bytes),
        cmocka_unit_test(sums_since_the_start),
        cmocka_unit_test(sums_of_the_window),
        cmocka_unit_test(events_become_logs),
        cmocka_unit_test(another_pop_calls_for_a_survey),
        cmocka_unit_test(states_are_logged_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
