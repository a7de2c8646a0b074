#include "daemon/status_server.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/clock.h"
#include "probe/kinds.h"
#include "route/rib_show.h"
#include "status/answer.h"
#include "status/snapshot.h"
#include "status/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct status_server {
    struct status_server_sources from;
    struct snapshot snapshot;
    struct mono began;
    struct status_socket *socket; /* NULL: not available */
    struct status_socket *windows;
};

/* ---- answers ---- */

static void fill_in_usage(struct snapshot *s)
{
    uv_rusage_t usage;
    size_t resident;
    uv_getrusage(&usage);
    uv_resident_set_memory(&resident);
    s->memory_bytes = resident;
    s->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct fill_texts { /* of the snapshot */
    struct text routes, exporters, problems, traffic;
    struct snapshot_exporter list[EXPORTER_STATES_MAX];
    struct snapshot_interface interfaces[INTERFACES_MAX];
    struct snapshot_counter counters[RATES_MAX];
    struct snapshot_session sessions[RIB_PEERS_MAX];
};

static void fill_in_bgp(struct status_server *a, struct fill_texts *to)
{
    struct snapshot_bgp *bgp = &a->snapshot.bgp;
    *bgp =
        (struct snapshot_bgp){.on = *a->from.station != NULL, .sessions = to->sessions};
    if (!bgp->on) {
        if (a->from.config->bmp_listen[0] != '\0')
            text_add(&to->routes, "cannot listen on %s", a->from.config->bmp_listen);
        return;
    }
    const struct rib *r = station_rib(*a->from.station);
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++) {
        bgp->routers += r->routers[i].used;
        bgp->connected += r->routers[i].used && r->routers[i].connected;
    }
    for (size_t i = 0; i < RIB_PEERS_MAX; i++) {
        const struct rib_peer *p = &r->peers[i];
        if (!p->used || !rib_is_session(p))
            continue;
        struct snapshot_session *s = &to->sessions[bgp->n_sessions++];
        *s = (struct snapshot_session){.peer_as = p->as,
                                       .router = rib_router_name(r, p->router),
                                       .location = rib_location(r, p),
                                       .state = session_state_name(p->state),
                                       .availability = p->availability,
                                       .flaps = p->flaps};
        endpoint_address(s->peer, &p->address);
        bgp->up += p->state == SESSION_UP;
    }
    for (size_t i = 0; i < r->n_prefixes; i++) {
        const struct rib_prefix *p = &r->prefixes[i];
        enum origin_state origin = rib_prefix_origin_state(r, p);
        bgp->announced += rib_prefix_path(r, p) != NULL;
        bgp->valid += origin == ORIGIN_VALID;
        bgp->invalid += origin == ORIGIN_INVALID;
        bgp->not_found += origin == ORIGIN_NOT_FOUND;
        bgp->withdrawn += rib_prefix_is_withdrawn(r, &r->prefixes[i]);
    }
    bgp->validated = r->is.validator != NULL;
    rib_summary(r, &to->routes);
}

static void fill_in_flows(struct status_server *a, struct fill_texts *to)
{
    struct snapshot *s = &a->snapshot;
    struct mono now = mono_now();
    const char *listen = a->from.config->traffic_flows;
    s->exporter_list = to->list;
    s->n_exporters = s->n_exporter_problems = 0;
    if (*a->from.flows != NULL) {
        const struct exporters *x = flow_receiver_exporters(*a->from.flows);
        exporters_text(x, now, &to->exporters);
        s->n_exporter_problems = exporters_problems(x, listen, now, &to->problems);
        for (; s->n_exporters < x->n; s->n_exporters++) {
            const struct exporter *e = x->list[s->n_exporters];
            to->list[s->n_exporters] =
                (struct snapshot_exporter){.address = e->address,
                                           .format = flow_format_name(e->origin.format),
                                           .flows = e->counters.flows,
                                           .lost = e->counters.lost,
                                           .no_template = e->counters.no_template,
                                           .templates = exporter_templates(e),
                                           .sampling = exporter_sampling(e),
                                           .silence_ns = now.ns - e->last.ns,
                                           .silent = e->silent};
        }
    } else if (listen[0] != '\0') {
        text_add(&to->problems,
                 "flows cannot be received on %s; the agent's log has the cause: "
                 "journalctl -u edgelat\n",
                 listen);
        s->n_exporter_problems = 1;
    }
}

static void fill_in_interfaces(struct status_server *a, struct fill_texts *to)
{
    struct snapshot *s = &a->snapshot;
    if (*a->from.interfaces == NULL)
        return;
    const struct interfaces *x = interface_reader_interfaces(*a->from.interfaces);
    for (size_t i = 0; i < x->n; i++) {
        const struct interface_traffic *is = x->list[i];
        if (!is->present)
            continue;
        struct snapshot_interface *at = &to->interfaces[s->n_interfaces++];
        *at = (struct snapshot_interface){.name = is->name,
                                          .up = is->up,
                                          .speed_bit_s = is->modes.mbit_s * 1e6,
                                          .duplex = link_duplex_name(is->modes.duplex),
                                          .resets = is->resets};
        for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
            const struct interface_way *w = &is->ways[d];
            at->ways[d] = (struct snapshot_way){.direction = rate_direction_name(d),
                                                .rate = w->mean,
                                                .highest = w->highest,
                                                .bytes = w->total.bytes,
                                                .packets = w->total.packets,
                                                .errors = w->total.errors,
                                                .drops = w->total.drops};
        }
    }
    s->interface_list = to->interfaces;
    interfaces_text(x, &to->traffic);
    s->n_exporter_problems += interfaces_problems(x, mono_now(), &to->problems);
}

/* Sets the current values, which point to those of `to`. */
static void fill_in(struct status_server *a, struct fill_texts *to)
{
    struct snapshot *s = &a->snapshot;
    s->now = wall_now();
    s->since.ns = s->now.ns - (mono_now().ns - a->began.ns); /* the clock may be set */
    s->stopped = kill_switch_reason(a->from.kill_switch);
    s->swept =
        *a->from.measurer != NULL && measurer_summary(*a->from.measurer, &s->doors);
    s->spool = spool_counters(a->from.spool);
    if (a->from.shipper != NULL) {
        s->exports = shipper_counters(a->from.shipper);
        s->n_collectors = shipper_collectors(a->from.shipper, s->collectors);
        s->retry_ns = shipper_retry_ns(a->from.shipper);
    }
    for (size_t t = 0; t < s->n_targets && t < a->from.config->n_targets; t++)
        s->targets[t].failure =
            *a->from.measurer != NULL ? measurer_failure(*a->from.measurer, t) : NULL;
    fill_in_bgp(a, to);
    s->routes = text_string(&to->routes);
    fill_in_flows(a, to);
    fill_in_interfaces(a, to);
    if (a->from.load != NULL && *a->from.load != NULL)
        load_watch_text(*a->from.load, &to->traffic);
    if (*a->from.sets != NULL) {
        const struct rates *rates = set_reader_rates(*a->from.sets);
        for (size_t i = 0; i < rates->n; i++)
            to->counters[i] = (struct snapshot_counter){
                rates->rows[i].service, rate_direction_name(rates->rows[i].direction),
                rates->rows[i].total.bytes, rates->rows[i].last_rate};
        s->counters = to->counters;
        s->n_counters = rates->n;
        set_reader_text(*a->from.sets, &to->traffic);
        s->n_exporter_problems += set_reader_problems(*a->from.sets, &to->problems);
    }
    if (*a->from.handshakes != NULL) {
        const struct handshakes *h = handshake_reader_handshakes(*a->from.handshakes);
        s->handshakes = (struct snapshot_handshakes){a->from.config->traffic_handshakes,
                                                     h->others, h->self};
        handshakes_text(h, a->from.config->traffic_handshakes, &to->traffic);
        s->n_exporter_problems +=
            handshake_reader_problems(*a->from.handshakes, &to->problems);
    }
    s->exporters = text_string(&to->exporters);
    s->exporter_problems = text_string(&to->problems);
    s->traffic = text_string(&to->traffic);
    s->paths = a->from.paths != NULL && *a->from.paths != NULL
                   ? path_tracer_watch(*a->from.paths)
                   : NULL;
    s->mtus = a->from.mtus != NULL && *a->from.mtus != NULL
                  ? mtu_finder_watch(*a->from.mtus)
                  : NULL;
    s->media = a->from.media != NULL && *a->from.media != NULL
                   ? media_monitor_watch(*a->from.media)
                   : NULL;
    s->budget =
        a->from.budget != NULL && a->from.budget->limit > 0 ? a->from.budget : NULL;
    fill_in_usage(s);
}

/* Renders the JSON, and the text unless it is NULL. Returns the number of findings. */
static size_t render(struct status_server *a, struct text *json, struct text *text)
{
    struct status_findings findings = {0};
    struct fill_texts filled = {.routes = {0}};
    fill_in(a, &filled);
    snapshot_findings(&a->snapshot, &findings);
    a->snapshot.detailed = text == NULL;
    snapshot_json(&a->snapshot, &findings, json);
    if (text != NULL)
        snapshot_text(&a->snapshot, &findings, text);
    a->snapshot.routes = a->snapshot.exporters = a->snapshot.exporter_problems = NULL;
    a->snapshot.exporter_list = NULL;
    a->snapshot.traffic = NULL;
    a->snapshot.interface_list = NULL;
    a->snapshot.n_interfaces = a->snapshot.n_counters = 0;
    a->snapshot.counters = NULL;
    a->snapshot.bgp = (struct snapshot_bgp){.on = false};
    text_free(&filled.routes);
    text_free(&filled.exporters);
    text_free(&filled.traffic);
    text_free(&filled.problems);
    size_t found = findings.n;
    status_findings_free(&findings);
    return found;
}

static void on_ask(struct text *answer, void *user)
{
    struct text json = {0}, text = {0};
    size_t found = render(user, &json, &text);
    answer_write(answer, found > 0, &json, &text);
    text_free(&json);
    text_free(&text);
}

/* For `edgelat top`: the state as one line of JSON, again after each window. */
static void on_watch(struct text *line, void *user)
{
    render(user, line, NULL);
}

void status_server_window(struct status_server *a, const struct batch *batch,
                          const struct events *events, const struct last_metre *metre,
                          int64_t loop_lag_ns)
{
    snapshot_window(&a->snapshot, batch, events, loop_lag_ns);
    a->snapshot.metre = metre;
    status_socket_publish(a->windows);
}

/* ---- create and destroy ---- */

static void log_no_socket(const char *path, int rc)
{
    if (rc == -EADDRINUSE)
        log_warn("status",
                 "%s: another agent answers there; `edgelat status` cannot reach this "
                 "agent; set status_socket in [agent] to another file",
                 path);
    else if (rc == -EEXIST)
        log_warn(
            "status",
            "%s: this file is not a socket and was left alone; `edgelat status` "
            "cannot reach this agent; move the file, or set status_socket in [agent] "
            "to another file",
            path);
    else
        log_info(
            "status",
            "%s: %s; `edgelat status` cannot reach this agent; create its folder for "
            "the user that runs edgelat, or set status_socket in [agent]",
            path, strerror(-rc));
}

const char *status_windows_path(char out[STATUS_WINDOWS_MAX], const char *status_socket)
{
    snprintf(out, STATUS_WINDOWS_MAX, "%s.windows", status_socket);
    return out;
}

struct status_server *status_server_create(uv_loop_t *loop,
                                           const struct status_server_sources *from)
{
    struct status_server *a = mem_zalloc(sizeof *a);
    const char *path = from->config->status_socket;
    a->from = *from;
    a->began = mono_now();
    snapshot_begin(&a->snapshot, from->config, probe_kind_words(), wall_now());
    a->snapshot.instance_id = from->instance_id;
    a->snapshot.host_name = from->host_name;
    int rc = status_socket_create(&a->socket, loop, path, STATUS_ONCE, on_ask, a);
    char windows[STATUS_WINDOWS_MAX];
    if (rc == 0)
        rc = status_socket_create(&a->windows, loop, status_windows_path(windows, path),
                                  STATUS_STREAM, on_watch, a);
    if (rc < 0)
        log_no_socket(path, rc);
    return a;
}

void status_server_destroy(struct status_server *a)
{
    if (a == NULL)
        return;
    status_socket_destroy(a->socket);
    status_socket_destroy(a->windows);
    snapshot_free(&a->snapshot);
    free(a);
}
