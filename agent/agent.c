#include "agent.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/pipeline.h"
#include "core/spread.h"
#include "export/otlp.h"
#include "export/shipper.h"
#include "export/spool.h"
#include "identity.h"
#include "measurer.h"
#include "net/chance.h"
#include "net/clock.h"
#include "net/timer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct agent {
    uv_loop_t *loop;
    const struct config *config;
    const struct knowledge *knowledge;
    struct http *http;
    struct measurer *measurer;
    struct spool *spool;
    struct shipper *shipper; /* NULL: no collector is configured */
    char instance_id[IDENTITY_TEXT_MAX];
    char host_name[256];
    bool intercepted[TARGETS_MAX + PIPELINE_ADDED_MAX], busy; /* as it was said last */
    uint64_t busy_windows, interrupted_windows;

    uv_timer_t *ship_timer; /* runs from the closing of a window to our turn to ship */
    int64_t ship_delay_ns;

    agent_stopped_cb *on_stopped; /* NULL until agent_stop() */
    void *user;
    uv_timer_t *stop_timer;
};

/* ---- a closed window ---- */

enum { SELF_MAX = 24 };

/* What the agent says of itself; `values` has room for SELF_MAX. */
static size_t self_values(struct agent *a, struct self_value *values)
{
    struct measurer_counters m = measurer_counters(a->measurer);
    struct spool_counters spool = spool_counters(a->spool);
    struct shipper_counters ship = {0};
    if (a->shipper != NULL)
        ship = shipper_counters(a->shipper);
    uv_rusage_t usage;
    uv_getrusage(&usage);
    size_t resident;
    uv_resident_set_memory(&resident);
    double user_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    double system_s =
        (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;

    const struct self_value all[] = {
        {"edgelat.agent.cpu.time", "s", true, user_s, "cpu.mode", "user"},
        {"edgelat.agent.cpu.time", "s", true, system_s, "cpu.mode", "system"},
        {"edgelat.agent.memory.resident", "By", false, (double)resident, NULL, NULL},
        {"edgelat.agent.loop.lag", "s", false, (double)m.loop_lag_max_ns / 1e9, NULL,
         NULL},
        {"edgelat.agent.windows", "{window}", true, (double)a->busy_windows,
         "edgelat.window.state", "busy"},
        {"edgelat.agent.windows", "{window}", true, (double)a->interrupted_windows,
         "edgelat.window.state", "interrupted"},
        {"edgelat.agent.dns.lookups", "{lookup}", true, (double)m.names.lookups, NULL,
         NULL},
        {"edgelat.agent.dns.failures", "{lookup}", true, (double)m.names.failures, NULL,
         NULL},
        {"edgelat.agent.probe.foreign", "{packet}", true, (double)m.prober.foreign, NULL,
         NULL},
        {"edgelat.agent.probe.timestamp_fallbacks", "{probe}", true,
         (double)m.prober.timestamp_fallbacks, NULL, NULL},
        {"edgelat.agent.spool.waiting", "{batch}", false, (double)spool.waiting, NULL,
         NULL},
        {"edgelat.agent.spool.size", "By", false, (double)spool.waiting_bytes, NULL,
         NULL},
        {"edgelat.agent.spool.dropped", "{batch}", true, (double)spool.dropped, NULL,
         NULL},
        {"edgelat.agent.spool.set_aside", "{batch}", true, (double)spool.set_aside, NULL,
         NULL},
        {"edgelat.agent.spool.write_errors", "{error}", true, (double)spool.write_errors,
         NULL, NULL},
        {"edgelat.agent.export.results", "{batch}", true, (double)ship.accepted,
         "edgelat.export.result", "accepted"},
        {"edgelat.agent.export.results", "{batch}", true, (double)ship.refused,
         "edgelat.export.result", "refused"},
        {"edgelat.agent.export.results", "{batch}", true, (double)ship.failed,
         "edgelat.export.result", "failed"},
        {"edgelat.agent.export.rejected_points", "{point}", true,
         (double)ship.rejected_points, NULL, NULL},
    };
    _Static_assert(sizeof all / sizeof *all <= SELF_MAX, "room for all of them");
    memcpy(values, all, sizeof all);
    return sizeof all / sizeof *all;
}

/* Changes of state, once each. */
static void say_middleboxes(struct agent *a, const struct batch *batch)
{
    for (size_t t = 0; t < batch->n_targets; t++) {
        const struct target_state *state = &batch->targets[t];
        if (state->intercepted == a->intercepted[t])
            continue;
        a->intercepted[t] = state->intercepted;
        if (state->intercepted)
            log_warn("measurer", "%s: %s; their delays are left out", state->target->name,
                     state->interception);
        else
            log_info("measurer",
                     "%s: answers its handshakes itself again; their delays "
                     "count",
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

static void note_state(struct agent *a, const struct batch *batch)
{
    a->busy_windows += batch->busy;
    a->interrupted_windows += batch->interrupted;
    if (batch->busy == a->busy)
        return;
    a->busy = batch->busy;
    if (batch->busy)
        log_warn("agent", "this host is too busy to measure well: probes go out late; "
                          "windows with edgelat.window.state=busy are counted");
    else
        log_info("agent", "this host measures in time again");
}

static void on_batch(const struct batch *measured, void *user)
{
    struct agent *a = user;
    struct self_value values[SELF_MAX];
    struct batch batch = *measured;
    note_state(a, measured);
    batch.n_self = self_values(a, values);
    batch.self = values;
    say_middleboxes(a, measured);
    say_silences(measured);

    struct otlp_resource resource = {
        .instance_id = a->instance_id,
        .version = EDGELAT_VERSION,
        .host_name = a->host_name,
        .site = a->config->site,
        .peering = &a->config->peering,
    };
    size_t len;
    void *bytes = otlp_metrics(&batch, &resource, &len);
    log_debug("agent", "window closed: %zu series, %zu bytes", batch.n_series, len);
    spool_add(a->spool, SIGNAL_METRICS, bytes, len);
    bytes = a->config->shipping.events ? otlp_logs(&batch, &resource, &len) : NULL;
    if (bytes != NULL)
        spool_add(a->spool, SIGNAL_LOGS, bytes, len);
}

static void on_ship_timer(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    shipper_wake(a->shipper);
}

/* When it is our turn: agents everywhere close their windows now. */
static void ship(struct agent *a)
{
    if (a->shipper == NULL || uv_is_active((uv_handle_t *)a->ship_timer))
        return;
    if (a->ship_delay_ns < NS_PER_MS) {
        shipper_wake(a->shipper);
        return;
    }
    timer_in(a->ship_timer, on_ship_timer, a->ship_delay_ns);
}

static void on_spool_ready(void *user)
{
    struct agent *a = user;
    if (a->on_stopped == NULL)
        ship(a);
    else
        shipper_wake(a->shipper);
}

/* ---- begin ---- */

/* The state folder and in it the instance id and the spool. */
static int open_state(struct agent *a)
{
    const char *dir = a->config->state_dir;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        int rc = -errno;
        log_error("agent",
                  "state folder %s: %s; make it for the user that runs edgelat, or set "
                  "state_dir",
                  dir, strerror(-rc));
        return rc;
    }
    int rc = identity_load(a->instance_id, dir);
    if (rc < 0) {
        log_error("agent",
                  "%s/instance_id: %s; it must be a file that we may read and write", dir,
                  strerror(-rc));
        return rc;
    }
    struct spool_limits limits = {.bytes = a->config->spool_bytes,
                                  .count = a->config->spool_count,
                                  .age_ns = a->config->spool_age_ns,
                                  .history = {.bytes = a->config->history_bytes,
                                              .age_ns = a->config->history_age_ns}};
    rc = spool_open(&a->spool, a->loop, dir, limits, on_spool_ready, a);
    if (rc < 0 && rc != -EWOULDBLOCK) /* in use by another: the spool has said it */
        log_error("agent",
                  "spool %s/spool: %s; it must be a folder that we may read and write",
                  dir, strerror(-rc));
    return rc;
}

static int open_network(struct agent *a)
{
    int rc = http_create(&a->http, a->loop);
    if (rc < 0) {
        log_error("agent", "no HTTP client: %s", strerror(-rc));
        return rc;
    }
    const char *url = a->config->collectors[0].url;
    if (url[0] != '\0') {
        rc = shipper_create(&a->shipper, a->loop, a->http, a->spool, a->config,
                            chance_seed());
        if (rc < 0) {
            log_error("agent", "collector %s: %s", url, strerror(-rc));
            return rc;
        }
    }
    struct measurer_events events = {.on_batch = on_batch, .user = a};
    rc = measurer_create(&a->measurer, a->loop, a->config, a->knowledge, a->http, events);
    if (rc < 0)
        log_error("agent",
                  "DNS servers '%s': not a list of addresses; mend `servers` in [dns]",
                  a->config->dns_servers);
    return rc;
}

static uv_timer_t *make_timer(struct agent *a)
{
    uv_timer_t *timer = mem_zalloc(sizeof *timer);
    uv_timer_init(a->loop, timer);
    timer->data = a;
    return timer;
}

int agent_create(struct agent **out, uv_loop_t *loop, const struct config *config,
                 const struct knowledge *knowledge)
{
    struct agent *a = mem_zalloc(sizeof *a);
    a->loop = loop;
    a->config = config;
    a->knowledge = knowledge;
    if (gethostname(a->host_name, sizeof a->host_name - 1) < 0)
        a->host_name[0] = '\0';
    a->stop_timer = make_timer(a);
    a->ship_timer = make_timer(a);
    a->ship_delay_ns =
        spread_delay(chance_seed(), config->window_ns, config->shipping.spread_ns);

    int rc = open_state(a);
    if (rc == 0)
        rc = open_network(a);
    if (rc < 0) {
        agent_destroy(a);
        return rc;
    }
    ship(a); /* what an earlier run left in the spool */
    char period[DURATION_TEXT_MAX];
    log_debug("agent", "ships %.3f s after a window has closed",
              (double)a->ship_delay_ns / 1e9);
    log_info("agent", "edgelat %s: %zu target%s, windows of %s, %s%s", EDGELAT_VERSION,
             config->n_targets, config->n_targets == 1 ? "" : "s",
             duration_text(period, config->window_ns),
             a->shipper != NULL ? "shipping to "
                                : "kept in the spool as no collector is configured",
             config->collectors[0].url);
    *out = a;
    return 0;
}

struct agent_progress agent_progress(const struct agent *a)
{
    return (struct agent_progress){
        .accepted = a->shipper != NULL ? shipper_counters(a->shipper).accepted : 0,
        .waiting = spool_counters(a->spool).waiting,
    };
}

/* ---- end ---- */

static void stopped(struct agent *a)
{
    agent_stopped_cb *on_stopped = a->on_stopped;
    a->on_stopped = NULL;
    uv_timer_stop(a->stop_timer);
    if (on_stopped != NULL)
        on_stopped(a->user);
}

static void on_flushed(void *user)
{
    stopped(user);
}

static void on_stop_timer(uv_timer_t *timer)
{
    stopped(timer->data);
}

void agent_stop(struct agent *a, agent_stopped_cb *on_stopped, void *user)
{
    a->on_stopped = on_stopped;
    a->user = user;
    measurer_close_window(a->measurer);
    measurer_destroy(a->measurer);
    a->measurer = NULL;
    uv_timer_stop(a->ship_timer);
    timer_in(a->stop_timer, on_stop_timer, a->shipper == NULL ? 0 : AGENT_STOP_NS);
    if (a->shipper != NULL)
        shipper_flush(a->shipper, on_flushed, a);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void agent_destroy(struct agent *a)
{
    if (a == NULL)
        return;
    measurer_destroy(a->measurer);
    shipper_destroy(a->shipper);
    http_destroy(a->http);
    struct spool_counters left = {0};
    if (a->spool != NULL)
        left = spool_counters(a->spool);
    spool_close(a->spool);
    if (left.waiting > 0)
        log_info("agent", "%llu batches stay in the spool for the next start",
                 (unsigned long long)left.waiting);
    uv_close((uv_handle_t *)a->ship_timer, free_handle);
    uv_close((uv_handle_t *)a->stop_timer, free_handle);
    free(a);
}
