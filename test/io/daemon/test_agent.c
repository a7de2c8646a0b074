/*
 * The whole agent on one loop: starts, ships to a small HTTP receiver on loopback, obeys
 * the stop file, the collector and the clock, and stops. Its probes are scripted
 * (fake_kinds.h); DNS is real. The wall clock can be moved for this process only.
 */
#include "daemon/agent.h"

#include "io/daemon/daemon_bed.h"
#include "io/daemon/http_sink.h"
#include "io/daemon/otlp_values.h"
#include "io/daemon/status_ask.h"

#include <errno.h>
#include <sys/syscall.h>

/* ---- the wall clock of this process ---- */

static time_t clock_offset_s;

int clock_gettime(clockid_t clock, struct timespec *out)
{
    long rc = syscall(SYS_clock_gettime, clock, out);
    if (clock == CLOCK_REALTIME)
        out->tv_sec += clock_offset_s;
    return (int)rc;
}

/* ---- test bed ---- */

struct rig {
    uv_loop_t loop;
    struct child_folder folder;
    struct config config;
    struct edge_data known;
    struct sink sink;
    struct agent *agent;
    int stopped;
    char stop_file[128];
};

static struct rig *begin(void)
{
    struct rig *r = calloc(1, sizeof *r);
    fake = (struct fake){.sent = 0};
    fake.servers[1].rtt_ns = 3 * NS_PER_MS;
    clock_offset_s = 0;
    uv_loop_init(&r->loop);
    child_folder(&r->folder);
    sink_begin(&r->sink, &r->loop);
    r->config = world_config();
    r->config.window_ns = NS_PER_S / 4;
    r->config.shipping.splay_ns = 0;
    r->config.shipping.catch_up = 0; /* no limit */
    snprintf(r->config.state_dir, FILE_TEXT_MAX, "%s/state", r->folder.path);
    snprintf(r->stop_file, sizeof r->stop_file, "%s/stop", r->folder.path);
    text_copy(r->config.stop_file, FILE_TEXT_MAX, r->stop_file);
    snprintf(r->config.status_socket, sizeof r->config.status_socket, "%s/status",
             r->folder.path);
    snprintf(r->config.collectors[0].url, URL_TEXT_MAX, "http://127.0.0.1:%u",
             r->sink.port);
    text_copy(r->config.collectors[0].proxy, PROXY_TEXT_MAX, "none");
    world_target(&r->config, "near.test", true, false);
    site_read(&r->known.site, &r->known.metros, "", &r->config.peering, NULL, NULL);
    return r;
}

static int start(struct rig *r)
{
    return agent_create(&r->agent, &r->loop, &r->config, &r->known);
}

static void on_stopped(void *user)
{
    ((struct rig *)user)->stopped++;
}

static void stop(struct rig *r)
{
    r->stopped = 0;
    agent_stop(r->agent, on_stopped, r);
    CHECK_INT(0, r->stopped, "not from inside the call");
    TURN_UNTIL(&r->loop, AGENT_STOP_NS / NS_PER_MS + 500, r->stopped > 0);
    CHECK_INT(1, r->stopped, "once");
}

static void destroy(struct rig *r)
{
    agent_destroy(r->agent);
    r->agent = NULL;
}

static void end(struct rig *r)
{
    destroy(r);
    sink_end(&r->sink);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&r->loop), "every handle is closed");
    CHECK_INT(0, fake.open, "every kind is closed");
    config_free(&r->config);
    child_folder_remove(&r->folder);
    free(r);
}

static Otlp__ExportMetricsServiceRequest *last_metrics(struct rig *r)
{
    const struct sink_request *last = sink_last(&r->sink, SIGNAL_METRICS);
    CHECK(last != NULL, "metrics came");
    return (void *)decode(SIGNAL_METRICS, last->body, last->len);
}

static const char *instance_of(const Otlp__ExportMetricsServiceRequest *m)
{
    const Otlp__Resource *from = m->resource_metrics[0]->resource;
    return attribute(from->attributes, from->n_attributes, "service.instance.id");
}

/* ---- start and stop ---- */

static void measures_ships_and_stops(void **state)
{
    (void)state;
    static struct asked a;
    struct rig *r = begin();
    struct fake_server *near = &fake.servers[1];
    char instance[64];
    CHECK_INT(0, start(r), "started");
    CHECK(agent_progress(r->agent).stopped == NULL, "it probes");
    TURN_UNTIL(&r->loop, 8000,
               agent_progress(r->agent).accepted >= 2 && near->ended[0][0] > 5);
    ask_status(&a, &r->loop, r->config.status_socket);
    CHECK_STATUS(&a, "\"target\":\"near\"");
    CHECK_STATUS(&a, "\"probing\":true");
    stop(r);
    CHECK_INT(0, agent_progress(r->agent).waiting, "all of it was shipped");
    CHECK_INT(r->sink.n, agent_progress(r->agent).accepted, "as often as it was taken");
    CHECK(status_connect(r->config.status_socket, NS_PER_S) < 0, "the socket is gone");

    Otlp__ExportMetricsServiceRequest *m = last_metrics(r);
    check_value(m, (double)near->ended[0][OUTCOME_REPLY], "edgelat.probe.results",
                "edgelat.outcome", "reply");
    double lost = value(m, "edgelat.probe.results", "edgelat.outcome", "loss");
    CHECK(isnan(lost) || lost == 0, "a 0 is not in each batch");
    check_value(m, 1, "edgelat.agent.probing", "", "");
    snprintf(instance, sizeof instance, "%s", instance_of(m));
    CHECK_INT(36, strlen(instance), "a UUID");
    otlp__export_metrics_service_request__free_unpacked(m, NULL);
    destroy(r);

    size_t before = r->sink.n;
    CHECK_INT(0, start(r), "started again");
    TURN_UNTIL(&r->loop, 8000, r->sink.n > before);
    m = last_metrics(r);
    CHECK_TEXT(instance, instance_of(m), "it is the same agent");
    otlp__export_metrics_service_request__free_unpacked(m, NULL);
    stop(r);
    end(r);
}

static void a_collector_that_is_down(void **state)
{
    (void)state;
    struct rig *r = begin();
    snprintf(r->config.collectors[0].url, URL_TEXT_MAX, "http://127.0.0.1:%u",
             child_free_port());
    CHECK_INT(0, start(r), "started");
    TURN_UNTIL(&r->loop, 8000, fake.servers[1].ended[0][0] > 2);
    stop(r);
    uint64_t waiting = agent_progress(r->agent).waiting;
    CHECK(waiting > 0, "batches stay in the spool");
    CHECK_INT(0, agent_progress(r->agent).accepted, "nobody took one");
    destroy(r);

    snprintf(r->config.collectors[0].url, URL_TEXT_MAX, "http://127.0.0.1:%u",
             r->sink.port);
    r->config.window_ns = 86400 * NS_PER_S;
    CHECK_INT(0, start(r), "started again, with another collector");
    TURN_UNTIL(&r->loop, 8000, agent_progress(r->agent).accepted >= waiting);
    stop(r);
    end(r);
}

static void without_a_collector(void **state)
{
    (void)state;
    struct rig *r = begin();
    r->config.collectors[0].url[0] = '\0';
    CHECK_INT(0, start(r), "started");
    TURN_UNTIL(&r->loop, 8000, agent_progress(r->agent).waiting >= 2);
    stop(r);
    CHECK_INT(0, r->sink.n, "nothing is sent");
    end(r);
}

static void stop_and_wait(uv_prepare_t *prepare)
{
    struct rig *r = prepare->data;
    uv_close((uv_handle_t *)prepare, NULL);
    agent_stop(r->agent, on_stopped, r);
    usleep(300000);
}

/* The loop hears of the batch before its timers. */
static void the_last_batch_is_written_at_once(void **state)
{
    (void)state;
    struct rig *r = begin();
    uv_prepare_t prepare = {.data = r};
    r->config.collectors[0].url[0] = '\0';
    CHECK_INT(0, start(r), "started");
    TURN_UNTIL(&r->loop, 8000, agent_progress(r->agent).waiting >= 1);
    uv_prepare_init(&r->loop, &prepare);
    uv_prepare_start(&prepare, stop_and_wait);
    TURN_UNTIL(&r->loop, 3000, r->stopped > 0);
    end(r);
}

/* Stopped before its shipping delay has passed. */
static void its_turn(void **state)
{
    (void)state;
    struct rig *r = begin();
    r->config.shipping.splay_ns = 3600 * NS_PER_S;
    CHECK_INT(0, start(r), "started");
    TURN_UNTIL(&r->loop, 8000, agent_progress(r->agent).waiting >= 2);
    CHECK_INT(0, r->sink.n, "it waits for its turn");
    stop(r);
    CHECK(r->sink.n >= 2, "but not at the end");
    end(r);
}

static void what_cannot_start(void **state)
{
    (void)state;
    struct rig *r = begin();
    text_copy(r->config.state_dir, FILE_TEXT_MAX, "/proc/edgelat");
    CHECK(start(r) < 0, "no folder can be made there");
    snprintf(r->config.state_dir, FILE_TEXT_MAX, "%s/state", r->folder.path);
    text_copy(r->config.dns_servers, sizeof r->config.dns_servers, "ns.example");
    CHECK_INT(-EINVAL, start(r), "a DNS server that is no address");
    text_copy(r->config.dns_servers, sizeof r->config.dns_servers, WORLD_DNS);
    CHECK_INT(0, start(r), "nothing of that is left behind");
    struct agent *first = r->agent;
    CHECK_INT(-EWOULDBLOCK, start(r), "two agents with one state folder");
    r->agent = first;
    stop(r);
    end(r);
}

/* Whether a percentile of the hour came since request `from`. */
static bool states_hour(const struct rig *r, size_t from)
{
    double found = NAN;
    for (size_t i = from; i < r->sink.n && isnan(found); i++) {
        const struct sink_request *q = &r->sink.requests[i];
        if (q->signal != SIGNAL_METRICS)
            continue;
        Otlp__ExportMetricsServiceRequest *m = (void *)decode(q->signal, q->body, q->len);
        found = value(m, "edgelat.probe.delay.quantile", "edgelat.period", "hour");
        if (!isnan(found)) {
            CHECK_NEAR(0.003, found, 0.003 * 0.002, "p50");
            CHECK(value(m, "edgelat.probe.delay.quantile.low", "edgelat.period",
                        "hour") <= found &&
                      value(m, "edgelat.probe.delay.quantile.high", "edgelat.period",
                            "hour") >= found,
                  "its interval");
        }
        otlp__export_metrics_service_request__free_unpacked(m, NULL);
    }
    return !isnan(found);
}

/* The percentiles of the hour are kept over a restart, unless their file is damaged. */
static void percentiles_of_an_hour(void **state)
{
    (void)state;
    static struct asked a;
    struct rig *r = begin();
    uint64_t *replies = &fake.servers[1].ended[0][OUTCOME_REPLY];
    CHECK_INT(0, start(r), "started");
    TURN_UNTIL(&r->loop, 20000, *replies >= 6 && states_hour(r, 0));
    stop(r);
    destroy(r);

    for (int damaged = 0; damaged < 2; damaged++) {
        char path[FILE_TEXT_MAX + 16];
        snprintf(path, sizeof path, "%s/percentiles", r->config.state_dir);
        CHECK_INT(0, access(path, R_OK), "the file is there");
        if (damaged)
            child_write(r->config.state_dir, "percentiles", "edgetal1");
        size_t from = r->sink.n;
        uint64_t before = *replies;
        CHECK_INT(0, start(r), "started again");
        CHECK_INT(damaged, access(path, F_OK) < 0, "a damaged file is removed");
        TURN_UNTIL(&r->loop, 20000, *replies > before && states_hour(r, from));
        ask_status(&a, &r->loop, r->config.status_socket);
        CHECK_STATUS(&a, "\"periods\":{\"hour\":{");
        const char *count = strstr(strstr(a.answer.json, "\"hour\":{"), "\"count\":");
        unsigned long values = strtoul(count + strlen("\"count\":"), NULL, 10);
        CHECK_INT(damaged, values <= *replies - before, "those before the restart count");
        stop(r);
        destroy(r);
    }
    end(r);
}

/* ---- kill switch ---- */

static void the_stop_file(void **state)
{
    (void)state;
    struct rig *r = begin();
    CHECK_INT(0, start(r), "started");
    TURN_UNTIL(&r->loop, 8000, fake.sent > 2);
    child_write(r->folder.path, "stop", "");
    TURN_UNTIL(&r->loop, 3000, agent_progress(r->agent).stopped != NULL);
    CHECK(strstr(agent_progress(r->agent).stopped, r->stop_file) != NULL, "who: %s",
          agent_progress(r->agent).stopped);
    uint64_t sent = fake.sent;
    size_t windows = sink_count(&r->sink, SIGNAL_METRICS);
    TURN_UNTIL(&r->loop, 5000, sink_count(&r->sink, SIGNAL_METRICS) >= windows + 2);
    CHECK_INT(sent, fake.sent, "nothing is sent");
    Otlp__ExportMetricsServiceRequest *m = last_metrics(r);
    check_value(m, 0, "edgelat.agent.probing", "", "");
    otlp__export_metrics_service_request__free_unpacked(m, NULL);
    unlink(r->stop_file);
    TURN_UNTIL(&r->loop, 8000, fake.sent > sent + 2);
    stop(r);
    end(r);
}

static void the_collector(void **state)
{
    (void)state;
    struct rig *r = begin();
    r->sink.answer = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: "
                     "text/plain\r\nContent-Length: 26\r\n\r\nedgelat: stop probing: "
                     "tea\n";
    CHECK_INT(0, start(r), "started");
    TURN_UNTIL(&r->loop, 8000, agent_progress(r->agent).stopped != NULL);
    CHECK_TEXT("by order of the collector: tea", agent_progress(r->agent).stopped, "why");
    stop(r);
    destroy(r);

    uint64_t sent = fake.sent;
    r->sink.answer = SINK_OK;
    CHECK_INT(0, start(r), "started again");
    CHECK_TEXT("by order of the collector: tea", agent_progress(r->agent).stopped,
               "kept over a restart");
    TURN_UNTIL(&r->loop, 8000, fake.sent > sent);
    CHECK(agent_progress(r->agent).stopped == NULL, "lifted when it takes a batch");
    stop(r);
    end(r);
}

static void a_clock_that_is_not_set(void **state)
{
    (void)state;
    struct rig *r = begin();
    clock_offset_s = -time(NULL); /* 1970 */
    CHECK_INT(0, start(r), "started");
    const char *why = agent_progress(r->agent).stopped;
    CHECK(why != NULL && strstr(why, "clock") != NULL, "why: %s", why);
    turn_for(&r->loop, 1100);
    CHECK_INT(0, fake.sent, "nothing is measured");
    CHECK_INT(0, r->sink.n, "nor shipped");
    stop(r);
    destroy(r);
    CHECK_INT(0, start(r), "started again");
    clock_offset_s = 0;
    TURN_UNTIL(&r->loop, 8000, r->sink.n > 0 && fake.sent > 0);
    CHECK(agent_progress(r->agent).stopped == NULL, "it goes on by itself");
    stop(r);
    end(r);
}

/* The clock is set during a window: the window is marked. */
static void a_clock_that_steps(void **state)
{
    (void)state;
    struct rig *r = begin();
    CHECK_INT(0, start(r), "started");
    TURN_UNTIL(&r->loop, 8000, r->sink.n > 0);
    Otlp__ExportMetricsServiceRequest *m = last_metrics(r);
    check_value(m, 0, "edgelat.agent.windows", "edgelat.window.state", "interrupted");
    otlp__export_metrics_service_request__free_unpacked(m, NULL);
    clock_offset_s = 30;
    size_t before = sink_count(&r->sink, SIGNAL_METRICS);
    TURN_UNTIL(&r->loop, 8000, sink_count(&r->sink, SIGNAL_METRICS) >= before + 2);
    m = last_metrics(r);
    check_value(m, 1, "edgelat.agent.windows", "edgelat.window.state", "interrupted");
    otlp__export_metrics_service_request__free_unpacked(m, NULL);
    stop(r);
    end(r);
}

int main(void)
{
    if (!make_network()) {
        printf("1..0 # SKIP no network namespaces here\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_ships_and_stops),
        cmocka_unit_test(a_collector_that_is_down),
        cmocka_unit_test(without_a_collector),
        cmocka_unit_test(the_last_batch_is_written_at_once),
        cmocka_unit_test(its_turn),
        cmocka_unit_test(percentiles_of_an_hour),
        cmocka_unit_test(what_cannot_start),
        cmocka_unit_test(the_stop_file),
        cmocka_unit_test(the_collector),
        cmocka_unit_test(a_clock_that_is_not_set),
        cmocka_unit_test(a_clock_that_steps),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
