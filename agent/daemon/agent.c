#include "daemon/agent.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/clock_proof.h"
#include "core/clock_watch.h"
#include "core/splay.h"
#include "daemon/budget_file.h"
#include "daemon/doors_file.h"
#include "daemon/identity.h"
#include "daemon/kill_switch.h"
#include "daemon/load_watch.h"
#include "daemon/measurer.h"
#include "daemon/media_monitor.h"
#include "daemon/mtu_finder.h"
#include "daemon/path_tracer.h"
#include "daemon/percentiles.h"
#include "daemon/reporter.h"
#include "daemon/resolver_checker.h"
#include "daemon/routes_server.h"
#include "daemon/status_server.h"
#include "edge/as_path.h"
#include "net/clock.h"
#include "net/machine.h"
#include "net/neighbour.h"
#include "net/seed.h"
#include "net/timer.h"
#include "route/rib_lookup.h"
#include "route/station.h"
#include "ship/shipper.h"
#include "spool/spool.h"
#include "traffic/flow_receiver.h"
#include "traffic/handshake_reader.h"
#include "traffic/interface_reader.h"
#include "traffic/set_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* How often the kill switch and the clock are checked. */
#define CHECK_MS 1000

/* Pace of a sweep of some 120 front doors: a minute for their names in two families. Known
 * names come first, so the first choice is made among them. */
#define SWEEP_GAP_NS    (250 * NS_PER_MS)
#define SWEEP_CHOOSE_NS (12 * NS_PER_S)

struct agent {
    uv_loop_t *loop;
    const struct config *config;
    const struct edge_data *edge_data;
    struct http *http;
    struct budget budget;
    struct load_watch *load;   /* NULL: interfaces are not read */
    struct measurer *measurer; /* NULL until the clock is set */
    struct path_tracer *paths; /* NULL: off */
    struct mtu_finder *mtus;   /* NULL: off */
    struct media_monitor *media;
    struct resolver_checker *resolvers; /* NULL: off */
    struct percentiles *percentiles;
    struct spool *spool;
    struct shipper *shipper; /* NULL without a collector */
    struct reporter *reporter;
    struct status_server *status_server;
    struct station *station;             /* NULL: off */
    struct routes_server *routes_server; /* NULL: the station is off */
    struct flow_receiver *flows;         /* NULL: off */
    struct interface_reader *interfaces; /* NULL: off */
    struct set_reader *sets;             /* NULL: off */
    struct handshake_reader *handshakes; /* NULL: off */
    char instance_id[IDENTITY_TEXT_MAX];
    char machine[MACHINE_TEXT_MAX]; /* "" when unknown */
    bool id_kept;                   /* instance_id is on disk */
    char host_name[256];

    struct kill_switch kill_switch;
    struct clock_proof clock;
    struct clock_watch clock_watch;
    uv_timer_t *check_timer;

    uv_timer_t *ship_timer; /* from the end of a window until this agent ships */
    int64_t ship_delay_ns;

    agent_stopped_cb *on_stopped; /* NULL until agent_stop() */
    void *user;
    uv_timer_t *stop_timer;
};

static void take_gateway(struct agent *a, size_t family, struct metre_gateway *out)
{
    struct network_item is;
    *out = (struct metre_gateway){.at = {.family = FAMILY_NONE}};
    if (!measurer_gateway(a->measurer, family == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
                          &is))
        return;
    out->at = is.address;
    text_copy(out->interface, sizeof out->interface, is.name);
    enum neighbour_state neighbour = neighbour_state_of(&is.address, is.interface);
    out->neighbour = neighbour == NEIGHBOUR_ANSWERS;
    out->no_neighbour = neighbour == NEIGHBOUR_NO_ANSWER;
}

static void on_batch(const struct batch *batch, void *user)
{
    struct agent *a = user;
    if (!a->id_kept)
        a->id_kept = identity_keep(a->instance_id, a->config->state_dir, a->machine) == 0;
    struct agent_counters counters = {
        .measurer = measurer_counters(a->measurer),
        .spool = spool_counters(a->spool),
    };
    if (a->shipper != NULL)
        counters.shipper = shipper_counters(a->shipper);
    counters.budget = &a->budget;
    counters.swept = measurer_summary(a->measurer, &counters.doors);
    struct exporters *exporters =
        a->flows != NULL ? flow_receiver_exporters(a->flows) : NULL;
    if (exporters != NULL && a->on_stopped != NULL)
        rates_flush(&exporters->rates);
    if (a->sets != NULL && a->on_stopped != NULL)
        set_reader_flush(a->sets);
    if (a->paths != NULL)
        counters.paths = path_tracer_counters(a->paths);
    if (a->mtus != NULL)
        counters.mtus = mtu_finder_counters(a->mtus);
    struct metre_gateway gateways[2];
    struct reporter_sources sources = {
        .gateways = gateways,
        .load = a->load,
        .clock = &a->clock_watch,
        .station = a->station,
        .exporters = exporters,
        .interfaces = a->interfaces,
        .sets = a->sets,
        .handshakes =
            a->handshakes != NULL ? handshake_reader_handshakes(a->handshakes) : NULL,
        .paths = a->paths != NULL ? path_tracer_watch(a->paths) : NULL,
        .mtus = a->mtus != NULL ? mtu_finder_watch(a->mtus) : NULL,
        .media = a->media,
    };
    for (size_t f = 0; f < 2; f++)
        take_gateway(a, f, &gateways[f]);
    const char *why = reporter_take(a->reporter, batch, &counters, &sources);
    if (a->paths != NULL)
        path_tracer_window(a->paths, batch, reporter_events(a->reporter));
    if (a->mtus != NULL)
        mtu_finder_window(a->mtus, batch);
    media_monitor_window(a->media, batch);
    if (a->resolvers != NULL) {
        struct watched_server servers[DNS_SERVERS_MAX];
        size_t n = measurer_resolvers(a->measurer, servers);
        resolver_checker_window(a->resolvers, batch, servers, n);
    }
    status_server_window(a->status_server, batch, reporter_events(a->reporter),
                         reporter_last_metre(a->reporter),
                         counters.measurer.loop_lag_max_ns);
    percentiles_window(a->percentiles);
    if (why != NULL)
        measurer_survey(a->measurer, why);
}

static void settle(void *user)
{
    struct agent *a = user;
    reporter_flush(a->reporter);
}

static void on_swept(void *user)
{
    struct agent *a = user;
    doors_file_store(a->config->state_dir, a->measurer);
}

static void on_ship_timer(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    shipper_wake(a->shipper);
}

/* ---- results ---- */

static void take_date(struct agent *a)
{
    int64_t ahead_ns;
    const char *server = http_clock_ahead(a->http, &ahead_ns);
    if (server != NULL)
        clock_watch_date(&a->clock_watch, server, ahead_ns);
}

static void on_result(const struct target *target, const struct result *result,
                      void *user)
{
    struct agent *a = user;
    take_date(a);
    if (a->load != NULL && target->uplink == NULL)
        load_watch_result(a->load, target, result);
    if (a->mtus != NULL)
        mtu_finder_result(a->mtus, target, result);
    media_monitor_result(a->media, target, result);
    if (a->paths == NULL)
        return;
    path_tracer_result(a->paths, target, result);
    if (a->station != NULL)
        path_tracer_routing(a->paths, &station_rib(a->station)->events);
}

static void on_moved(void *user)
{
    struct agent *a = user;
    if (a->paths != NULL)
        path_tracer_moved(a->paths);
    if (a->mtus != NULL)
        mtu_finder_moved(a->mtus);
    media_monitor_moved(a->media);
    if (a->resolvers != NULL)
        resolver_checker_moved(a->resolvers);
}

static struct events *open_events(void *user)
{
    struct agent *a = user;
    return measurer_events(a->measurer);
}

static uint64_t current_network(void *user)
{
    struct agent *a = user;
    return measurer_network(a->measurer);
}

static bool is_microsofts(uint32_t as, const void *user)
{
    return origins_are_microsofts(user, as);
}

static size_t as_path_of(const struct endpoint *target, uint32_t out[PATH_AS_MAX],
                         void *user)
{
    struct agent *a = user;
    struct route_found found;
    if (a->station == NULL || !rib_lookup(station_rib(a->station), target, &found))
        return 0;
    struct as_path p =
        as_path_of_route(found.as, found.n_as, is_microsofts, &a->edge_data->origins);
    if (p.state != AS_HOPS_EXACT || p.n >= PATH_AS_MAX)
        return 0;
    memcpy(out, p.as, p.n * sizeof *out);
    out[p.n] = AS_MICROSOFT;
    return p.n + 1;
}

/* Probing goes on without it. */
static void open_paths(struct agent *a)
{
    struct path_tracer_sources sources = {
        .events = open_events,
        .network = current_network,
        .as_path = as_path_of,
        .user = a,
        .budget = &a->budget,
    };
    int rc = a->config->path_trace ? path_tracer_create(&a->paths, a->loop, a->config,
                                                        a->edge_data, &sources)
                                   : 0;
    if (rc < 0)
        log_warn("path", "paths are not traced: no resolver: %s", strerror(-rc));
    if (a->config->path_mtu)
        a->mtus = mtu_finder_create(a->loop, a->config->path_mtu_interval_ns, &a->budget,
                                    open_events, a);
    if (a->config->dns_probe)
        a->resolvers = resolver_checker_create(a->loop, a->config, a->edge_data,
                                               &a->budget, open_events, a);
}

static void open_media(struct agent *a)
{
    struct media_limits limits;
    uint64_t seed = 14695981039346656037u; /* FNV-1a of the identity */
    for (const char *c = a->instance_id; *c != '\0'; c++)
        seed = (seed ^ (uint8_t)*c) * 1099511628211u;
    thresholds_media(&a->edge_data->thresholds, &limits);
    a->media = media_monitor_create(a->loop, a->config->media_bursts, seed, &limits,
                                    &a->budget, open_events, a);
}

/* Ships after this agent's own delay: all agents close their windows at the same time. */
static void ship(struct agent *a)
{
    bool under_way = uv_is_active((uv_handle_t *)a->ship_timer);
    if (a->shipper == NULL || a->measurer == NULL || under_way)
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
    else if (a->shipper != NULL)
        shipper_wake(a->shipper);
}

/* ---- kill switch and clock ---- */

static void apply_kill_switch(struct agent *a)
{
    const char *why = kill_switch_reason(&a->kill_switch);
    if (why != NULL)
        measurer_pause(a->measurer, why);
    else
        measurer_resume(a->measurer);
    if (a->paths != NULL)
        path_tracer_pause(a->paths, why != NULL);
    if (a->mtus != NULL)
        mtu_finder_pause(a->mtus, why != NULL);
    media_monitor_pause(a->media, why != NULL);
    if (a->resolvers != NULL)
        resolver_checker_pause(a->resolvers, why != NULL);
}

/* Does nothing until the clock is set: the times of results cannot be corrected later, and
 * no certificate would be valid for shipping. */
static int begin_measuring(struct agent *a)
{
    struct measurer_events events = {
        .on_batch = on_batch,
        .settle = settle,
        .on_swept = on_swept,
        .on_result = on_result,
        .on_moved = on_moved,
        .user = a,
        .reading = PROBER_IN_SLOTS,
    };
    if (a->kill_switch.clock) {
        log_warn("agent", "nothing is measured: %s", kill_switch_reason(&a->kill_switch));
        return 0;
    }
    budget_file_load(a->config->state_dir, a->config->budget, &a->budget);
    budget_file_keep(a->config->state_dir, &a->budget, false);
    struct explorer_pace pace = {.gap_ns = SWEEP_GAP_NS, .choose_ns = SWEEP_CHOOSE_NS};
    int rc =
        measurer_create(&a->measurer, a->loop, a->config, a->edge_data, a->http, pace,
                        a->config->budget.bytes > 0 ? &a->budget : NULL, events);
    if (rc < 0)
        return rc;
    doors_file_load(a->config->state_dir, a->measurer);
    open_paths(a);
    open_media(a);
    a->percentiles =
        percentiles_open(a->loop, a->config->state_dir, measurer_rolling(a->measurer));
    apply_kill_switch(a);
    ship(a); /* the spool of an earlier run */
    return 0;
}

static void take_collector_order(struct agent *a)
{
    const char *reason;
    if (a->shipper == NULL)
        return;
    enum probing word = shipper_probing(a->shipper, &reason);
    kill_switch_collector(&a->kill_switch, word, reason);
}

static void on_check_timer(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    int64_t ahead_ns;
    const char *server = http_clock_ahead(a->http, &ahead_ns);
    if (clock_proof_update(&a->clock, mono_now(), wall_now(), server != NULL, ahead_ns))
        spool_trust_clock(a->spool);
    take_date(a);
    kill_switch_check(&a->kill_switch);
    take_collector_order(a);
    if (a->load != NULL && a->measurer != NULL)
        load_watch_second(a->load, a->measurer,
                          interface_reader_interfaces(a->interfaces));
    if (a->measurer != NULL) {
        budget_file_keep(a->config->state_dir, &a->budget, false);
        apply_kill_switch(a);
    } else if (!a->kill_switch.clock) {
        log_info("agent", "this host's clock is set: measuring begins");
        begin_measuring(a);
    }
}

/* ---- start ---- */

/* Opens the state folder with the instance id and the spool. */
static int open_state(struct agent *a)
{
    const char *dir = a->config->state_dir;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        int rc = -errno;
        log_error("agent",
                  "state folder %s: %s; create it for the user that runs edgelat, or set "
                  "state_dir",
                  dir, strerror(-rc));
        return rc;
    }
    if (machine_hash(a->machine) < 0)
        a->machine[0] = '\0';
    int rc = identity_load(a->instance_id, dir, a->machine);
    a->id_kept = rc == 0;
    bool made = a->instance_id[0] != '\0', full = rc == -ENOSPC || rc == -EDQUOT;
    if (made && (full || rc == -EROFS || rc == -EIO)) {
        log_warn("agent",
                 "%s/instance_id: %s; %s; until then a restart gives this agent a new "
                 "identity",
                 dir, strerror(-rc), full ? "free disk space" : "repair the disk");
    } else if (rc < 0) {
        log_error(
            "agent",
            "%s/instance_id: %s; remove the cause and restart edgelat; the identity is "
            "not replaced",
            dir, rc == -EWOULDBLOCK ? "in use by another edgelat" : file_error(rc));
        return rc;
    }
    struct spool_limits limits = {.bytes = a->config->spool_bytes,
                                  .count = a->config->spool_count,
                                  .age_ns = a->config->spool_age_ns,
                                  .history = {.bytes = a->config->history_bytes,
                                              .age_ns = a->config->history_age_ns}};
    rc = spool_open(&a->spool, a->loop, dir, limits, on_spool_ready, a);
    if (rc < 0 && rc != -EWOULDBLOCK) /* in use: the spool has logged it */
        log_error(
            "agent",
            "spool %s/spool: %s; it must be a folder that edgelat can read and write",
            dir, strerror(-rc));
    return rc;
}

static int open_network(struct agent *a)
{
    int rc = http_create(&a->http, a->loop);
    if (rc < 0) {
        log_error(
            "agent",
            "no HTTP client: %s; raise the limits of the process (ulimit -n, ulimit "
            "-i)",
            strerror(-rc));
        return rc;
    }
    const char *url = a->config->collectors[0].url;
    if (url[0] != '\0') {
        rc = shipper_create(&a->shipper, a->loop, a->http, a->spool, a->config,
                            seed_random());
        if (rc < 0) {
            log_error("agent", "collector %s: %s", url, strerror(-rc));
            return rc;
        }
    }
    kill_switch_begin(&a->kill_switch, a->config);
    rc = begin_measuring(a);
    if (rc < 0)
        log_error("agent",
                  "DNS servers '%s': not a list of addresses; correct `servers` in [dns]",
                  a->config->dns_servers);
    return rc;
}

/* Probing goes on without the station: its port may be in use for a moment. */
static void open_station(struct agent *a)
{
    const char *listen = a->config->bmp_listen;
    if (listen[0] == '\0')
        return;
    int rc = station_create(&a->station, a->loop, a->config, a->edge_data);
    if (rc < 0) {
        log_error("bmp",
                  "cannot listen on %s: %s; correct listen in [bmp] and restart edgelat; "
                  "until then there is no BMP station",
                  listen, strerror(-rc));
        return;
    }
    log_info("bmp", "station listens on %s for the routers %s", listen,
             a->config->bmp_routers);
    a->routes_server = routes_server_create(a->loop, a->config, a->station);
}

static void open_flows(struct agent *a)
{
    const char *at = a->config->traffic_flows;
    if (at[0] == '\0')
        return;
    int rc = flow_receiver_create(&a->flows, a->loop, a->config, a->edge_data);
    if (rc < 0)
        log_error(
            "traffic",
            "cannot receive flows on %s: %s; correct flows in [traffic] and restart "
            "edgelat; until then no flows are counted",
            at, strerror(-rc));
    else
        log_info("traffic", "flows are received on %s from %s", at,
                 a->config->traffic_exporters);
}

static void open_interfaces(struct agent *a)
{
    if (strcmp(a->config->traffic_interfaces, "none") == 0)
        return;
    int rc = interface_reader_create(&a->interfaces, a->loop, a->config, a->edge_data);
    if (rc < 0)
        log_warn(
            "traffic",
            "cannot read the counters of network interfaces: %s; to stop this message, "
            "set interfaces = none in [traffic]",
            strerror(-rc));
}

int agent_create(struct agent **out, uv_loop_t *loop, const struct config *config,
                 const struct edge_data *edge_data)
{
    struct agent *a = mem_zalloc(sizeof *a);
    a->loop = loop;
    a->config = config;
    a->edge_data = edge_data;
    if (gethostname(a->host_name, sizeof a->host_name - 1) < 0)
        a->host_name[0] = '\0';
    a->stop_timer = timer_new(a->loop, a);
    a->ship_timer = timer_new(a->loop, a);
    a->check_timer = timer_new(a->loop, a);
    a->ship_delay_ns =
        splay_delay(seed_random(), config->window_ns, config->shipping.splay_ns);

    int rc = open_state(a);
    if (rc == 0) {
        struct otlp_resource resource = {
            .instance_id = a->instance_id,
            .version = EDGELAT_VERSION,
            .host_name = a->host_name,
            .site = config->site[0] != '\0' ? config->site : a->host_name,
            .peering = &config->peering,
        };
        a->reporter = reporter_create(a->loop, config, edge_data, &resource, a->spool);
        rc = open_network(a);
    }
    if (rc < 0) {
        agent_destroy(a);
        return rc;
    }
    struct status_server_sources sources = {
        .config = config,
        .instance_id = a->instance_id,
        .host_name = a->host_name,
        .kill_switch = &a->kill_switch,
        .spool = a->spool,
        .shipper = a->shipper,
        .measurer = &a->measurer,
        .station = &a->station,
        .flows = &a->flows,
        .interfaces = &a->interfaces,
        .sets = &a->sets,
        .handshakes = &a->handshakes,
        .paths = &a->paths,
        .mtus = &a->mtus,
        .media = &a->media,
        .budget = &a->budget,
        .load = &a->load,
    };
    a->status_server = status_server_create(loop, &sources);
    open_station(a);
    open_flows(a);
    open_interfaces(a);
    if (a->interfaces != NULL)
        a->load = load_watch_create(config);
    if (config->traffic_counters[0] != '\0')
        a->sets = set_reader_create(loop, config, edge_data);
    if (config->traffic_handshakes[0] != '\0')
        a->handshakes = handshake_reader_create(loop, config, edge_data);
    uv_timer_start(a->check_timer, on_check_timer, CHECK_MS, CHECK_MS);
    char period[DURATION_TEXT_MAX];
    log_debug("agent", "ships %.3f s after each window closes",
              (double)a->ship_delay_ns / 1e9);
    log_info("agent", "edgelat %s: %zu target%s, windows of %s, %s%s%s", EDGELAT_VERSION,
             config->n_targets, config->n_targets == 1 ? "" : "s",
             duration_text(period, config->window_ns),
             a->shipper != NULL ? "shipping to "
                                : "no collector configured, batches stay in the spool",
             config->collectors[0].url,
             config->n_collectors > 1 ? ", with failover to other collectors" : "");
    *out = a;
    return 0;
}

struct agent_progress agent_progress(const struct agent *a)
{
    return (struct agent_progress){
        .accepted = a->shipper != NULL ? shipper_counters(a->shipper).accepted : 0,
        .waiting = spool_counters(a->spool).waiting,
        .stopped = kill_switch_reason(&a->kill_switch),
    };
}

/* ---- stop ---- */

static void stop_measuring(struct agent *a)
{
    percentiles_close(a->percentiles);
    a->percentiles = NULL;
    path_tracer_destroy(a->paths);
    a->paths = NULL;
    mtu_finder_destroy(a->mtus);
    a->mtus = NULL;
    media_monitor_destroy(a->media);
    a->media = NULL;
    if (a->measurer != NULL)
        budget_file_keep(a->config->state_dir, &a->budget, true);
    resolver_checker_destroy(a->resolvers);
    a->resolvers = NULL;
    measurer_destroy(a->measurer);
    a->measurer = NULL;
}

static void stopped(struct agent *a)
{
    agent_stopped_cb *on_stopped = a->on_stopped;
    a->on_stopped = NULL;
    uv_timer_stop(a->stop_timer);
    take_collector_order(a); /* the answer to the last batch counts for the next start */
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
    if (a->measurer != NULL)
        measurer_close_window(a->measurer);
    reporter_flush(a->reporter);
    status_server_destroy(a->status_server);
    a->status_server = NULL;
    stop_measuring(a);
    routes_server_destroy(a->routes_server);
    a->routes_server = NULL;
    station_destroy(a->station);
    a->station = NULL;
    flow_receiver_destroy(a->flows);
    a->flows = NULL;
    load_watch_destroy(a->load);
    a->load = NULL;
    interface_reader_destroy(a->interfaces);
    a->interfaces = NULL;
    set_reader_destroy(a->sets);
    a->sets = NULL;
    handshake_reader_destroy(a->handshakes);
    a->handshakes = NULL;
    uv_timer_stop(a->ship_timer);
    uv_timer_stop(a->check_timer);
    timer_in(a->stop_timer, on_stop_timer, a->shipper == NULL ? 0 : AGENT_STOP_NS);
    if (a->shipper != NULL)
        shipper_flush(a->shipper, on_flushed, a);
}

void agent_destroy(struct agent *a)
{
    if (a == NULL)
        return;
    status_server_destroy(a->status_server);
    stop_measuring(a);
    routes_server_destroy(a->routes_server);
    station_destroy(a->station);
    flow_receiver_destroy(a->flows);
    load_watch_destroy(a->load);
    interface_reader_destroy(a->interfaces);
    set_reader_destroy(a->sets);
    handshake_reader_destroy(a->handshakes);
    shipper_destroy(a->shipper);
    http_destroy(a->http);
    struct spool_counters left = {0};
    if (a->spool != NULL)
        left = spool_counters(a->spool);
    reporter_destroy(a->reporter);
    spool_close(a->spool);
    if (left.waiting > 0)
        log_info("agent", "%llu batch%s in the spool until the next start",
                 (unsigned long long)left.waiting,
                 left.waiting == 1 ? " stays" : "es stay");
    timer_close(a->ship_timer);
    timer_close(a->check_timer);
    timer_close(a->stop_timer);
    free(a);
}
