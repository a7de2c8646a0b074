#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "cmd/render.h"
#include "edge/place.h"
#include "edge/site.h"
#include "measurer.h"
#include "probe/kinds.h"

#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: edgelat nearest [-c FILE] [-t SEC] [--location PLACE] [--json]\n"
    "\n"
    "Ranks the PoPs of Microsoft's edge that are near: the configured targets, the usual "
    "names of\n"
    "Microsoft 365 and, by name, front doors of the nearest metros. Nearest is the "
    "lowest "
    "minimum\n"
    "round-trip delay of those that lose little. Shows for each the PoP and how it is "
    "known, and the\n"
    "evidence; with a location also the distance, the least delay that light in fibre "
    "needs for it,\n"
    "and the stretch: the measured delay over that. Works without a configuration, too.\n"
    "\n"
    "  -c, --config FILE     configuration (default: $EDGELAT_CONFIG or " CONFIG_PATH
    ")\n"
    "  -l, --location PLACE  where this is: \"LATITUDE LONGITUDE\" or the code of a "
    "metro\n"
    "  -t, --time SEC        how long to probe, 2 to 300 (default 10); Ctrl-C ends it "
    "sooner\n"
    "      --json            one JSON object a line for each target\n"
    "  -v, --verbose         what is resolved and found on the way\n"
    "  -h, --help            this text\n"
    "\n"
    "Handshakes that a middlebox answers say nothing about the way and are left out; it "
    "is named.\n"
    "\n"
    "Exit code: 0 there is a nearest one, 1 none answered well enough, 2 it could not be "
    "done: no\n"
    "name could be resolved, or the configuration has problems.\n"
    "\n"
    "examples:\n"
    "  edgelat nearest\n"
    "  edgelat nearest --location '45.76 4.84'\n"
    "  edgelat nearest -t 30 --json | jq -r 'select(.rank == 1).pop'\n";

enum { OPT_JSON = 256 };

struct ranking {
    uv_loop_t loop;
    uv_timer_t timer, progress;
    uv_signal_t interrupt;
    struct config config;
    struct data data;
    struct site site;
    struct http *http;
    struct measurer *measurer;
    bool json;
    int64_t left_s;
    size_t named, measured, intercepted, eligible;
};

static bool is_located(const struct ranking *r)
{
    return r->site.nearest.metro != NULL;
}

/* ---- what one target showed ---- */

struct evidence { /* over its streams */
    uint64_t received;
    const struct series *best;           /* the stream with the lowest minimum ... */
    const struct delay_summary *nearest; /* ... and that delay; NULL: none */
    const struct target_place *place;
    struct standing standing;
    double bound_ms, stretch; /* NaN: unknown */
};

/* The delay that it is ranked by: behind a middlebox, whose handshakes are left out,
 * that of TLS. */
static const struct delay_summary *distance(const struct series *s, bool intercepted)
{
    size_t tls = kind_delay(s->kind, "tls");
    bool hidden = intercepted && s->window.delays[0].count == 0 && tls != KIND_NONE;
    return &s->window.delays[hidden ? tls : 0];
}

static void add_streams(struct evidence *e, const struct batch *batch,
                        const struct target_state *t)
{
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *s = batch->series[i];
        if (s->target != t->target || !s->in_window)
            continue;
        const struct delay_summary *d = distance(s, t->intercepted);
        e->received += s->window.received;
        if (d->count > 0 && (e->best == NULL || d->min_ns < e->nearest->min_ns)) {
            e->best = s;
            e->nearest = d;
        }
    }
}

static struct evidence evidence_of(const struct ranking *r, const struct batch *batch,
                                   const struct target_state *t)
{
    struct evidence e = {.bound_ms = NAN, .stretch = NAN};
    add_streams(&e, batch, t);
    e.place = &t->places[e.best != NULL && e.best->family == FAMILY_IPV6];
    if (e.place->to.family == FAMILY_NONE)
        e.place = &t->places[1];
    e.standing = site_standing(&r->site, t->pop, e.place->basis);
    if (e.standing.bound_ns != DELAY_UNDEFINED)
        e.bound_ms = (double)e.standing.bound_ns / 1e6;
    if (t->min_ns != DELAY_UNDEFINED && e.bound_ms > 0)
        e.stretch = (double)t->min_ns / 1e6 / e.bound_ms;
    return e;
}

/* ---- printing ---- */

static double loss_ratio(const struct target_state *t)
{
    return t->sent > 0 ? (double)t->lost / (double)t->sent : NAN;
}

static const char *or_null(const char *text)
{
    return text != NULL && *text != '\0' ? text : NULL;
}

/* "a -> b" as an array. */
static void print_chain(struct json *j, const char *chain)
{
    static const char arrow[] = " -> ";
    json_array(j, "chain");
    while (*chain != '\0') {
        const char *end = strstr(chain, arrow);
        size_t len = end != NULL ? (size_t)(end - chain) : strlen(chain);
        json_string_bytes(j, NULL, chain, len);
        chain += len + (end != NULL ? sizeof arrow - 1 : 0);
    }
    json_array_end(j);
}

static void print_json(const struct target_state *t, const struct evidence *e)
{
    struct text out = {0};
    struct json j = json_to(&out);
    char address[ADDRESS_TEXT_MAX];
    const struct delay_summary *rtt = e->nearest;
    json_object(&j, NULL);
    json_number(&j, "rank", t->rank > 0 ? t->rank : NAN);
    json_string(&j, "target", t->target->name);
    json_string(&j, "host", t->target->host);
    json_string(&j, "service", or_null(t->target->service));
    json_bool(&j, "configured", !t->target->discovered);
    json_string(&j, "pop", or_null(t->pop));
    json_string(&j, "basis", t->pop[0] != '\0' ? e->place->basis : NULL);
    json_string(&j, "city", e->standing.metro != NULL ? e->standing.metro->city : NULL);
    json_string(&j, "address", e->best ? endpoint_address(address, &e->best->to) : NULL);
    json_string(&j, "family", e->best ? family_name(e->best->family) : NULL);
    print_chain(&j, e->place->asked.chain);
    json_string(&j, "resolver", or_null(e->place->asked.servers));
    json_string(&j, "kind", e->best ? e->best->kind->name : NULL);
    render_delay_json(&j, "min", rtt != NULL ? rtt->min_ns : DELAY_UNDEFINED);
    render_delay_json(&j, "p50", rtt != NULL ? rtt->percentile_ns[P50] : DELAY_UNDEFINED);
    json_number(&j, "loss_ratio", loss_ratio(t));
    json_unsigned(&j, "sent", t->sent);
    json_unsigned(&j, "received", e->received);
    json_bool(&j, "intercepted", t->intercepted);
    json_string(&j, "interception", or_null(t->interception));
    json_number(&j, "distance_km", e->standing.km);
    json_number(&j, "bound", e->bound_ms);
    json_number(&j, "stretch", e->stretch);
    json_object_end(&j);
    puts(text_string(&out));
    text_free(&out);
}

static void print_head(const struct ranking *r)
{
    printf("%4s  %-20s %-8s %-18s %9s %9s %7s %5s  %-5s ", "rank", "target", "PoP",
           "known by", "min, ms", "p50, ms", "loss", "sent", "kind");
    if (is_located(r))
        printf("%6s %9s %7s  ", "km", "bound, ms", "stretch");
    printf("%s\n", "address");
}

static const char *number(char out[24], const char *format, double value)
{
    if (isnan(value))
        return "-";
    snprintf(out, 24, format, value);
    return out;
}

static void print_row(const struct ranking *r, const struct target_state *t,
                      const struct evidence *e)
{
    char a[24], b[24], c[24], address[ADDRESS_TEXT_MAX] = "-";
    const struct delay_summary *rtt = e->nearest;
    if (e->best != NULL)
        endpoint_address(address, &e->best->to);
    printf("%4s  %-20s %-8s %-18s ", number(a, "%.0f", t->rank > 0 ? t->rank : NAN),
           t->target->name, t->pop[0] != '\0' ? t->pop : "unknown",
           t->pop[0] != '\0' && e->place->basis != NULL ? e->place->basis : "-");
    printf("%9s %9s %7s %5llu  %-5s ",
           render_ms(a, rtt != NULL ? rtt->min_ns : DELAY_UNDEFINED),
           render_ms(b, rtt != NULL ? rtt->percentile_ns[P50] : DELAY_UNDEFINED),
           number(c, "%.1f %%", 100 * loss_ratio(t)), (unsigned long long)t->sent,
           e->best ? e->best->kind->name : "-");
    if (is_located(r))
        printf("%6s %9s %7s  ", number(a, "%.0f", e->standing.km),
               number(b, "%.1f", e->bound_ms), number(c, "%.1f", e->stretch));
    printf("%s\n", address);
}

/* By more than the metros of the catalogue are wide: light goes 100 km in a
 * millisecond, and back. */
static bool beats_light(const struct target_state *t, const struct evidence *e)
{
    return t->min_ns != DELAY_UNDEFINED && e->bound_ms - (double)t->min_ns / 1e6 > 1;
}

/* True: it was so, and said. */
static bool print_contradiction(const struct ranking *r, const struct target_state *t,
                                const struct evidence *e)
{
    if (!beats_light(t, e))
        return false;
    printf(
        "%s: %.3f ms is less than light needs for %.0f km: this is not at %s, or PoP %s "
        "is not in %s\n",
        t->target->name, (double)t->min_ns / 1e6, e->standing.km, r->config.location,
        t->pop, e->standing.metro->city);
    return true;
}

/* Beneath the table. */
static void print_notes(const struct ranking *r, const struct batch *batch,
                        const struct target_state *const *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (order[i]->intercepted)
            printf("%s: %s; they are left out\n", order[i]->target->name,
                   order[i]->interception);
    for (size_t i = 0; i < n; i++) {
        struct evidence e = evidence_of(r, batch, order[i]);
        if (print_contradiction(r, order[i], &e))
            return; /* one is enough */
    }
}

/* Ranked ones first, by rank; the rest as configured. */
static int by_rank(const void *a, const void *b)
{
    const struct target_state *const *x = a, *const *y = b;
    uint32_t rx = (*x)->rank - 1,
             ry = (*y)->rank - 1; /* 0, not eligible, becomes the largest */
    if (rx != ry)
        return rx < ry ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

static bool is_named(const struct target_state *t)
{
    return t->places[0].to.family != FAMILY_NONE || t->places[1].to.family != FAMILY_NONE;
}

/* A front door that was guessed and has no address, or of which nothing is known as
 * somebody else answers there, is no candidate. */
static bool is_shown(const struct target_state *t)
{
    return !t->target->discovered || (is_named(t) && t->sent > 0);
}

static void on_batch(const struct batch *batch, void *user)
{
    struct ranking *r = user;
    const struct target_state **order = mem_alloc(batch->n_targets * sizeof *order);
    size_t n = 0;
    for (size_t i = 0; i < batch->n_targets; i++)
        if (is_shown(&batch->targets[i]))
            order[n++] = &batch->targets[i];
    qsort(order, n, sizeof *order, by_rank);
    if (!r->json)
        print_head(r);
    for (size_t i = 0; i < n; i++) {
        struct evidence e = evidence_of(r, batch, order[i]);
        r->named += is_named(order[i]);
        r->measured += order[i]->measured;
        r->intercepted += order[i]->intercepted;
        r->eligible += order[i]->rank > 0;
        if (r->json)
            print_json(order[i], &e);
        else
            print_row(r, order[i], &e);
    }
    if (!r->json)
        print_notes(r, batch, order, n);
    free(order);
}

/* ---- the session ---- */

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void end(struct ranking *r)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%30s\r", "");
    measurer_close_window(r->measurer);
    measurer_destroy(r->measurer);
    http_destroy(r->http);
    uv_close((uv_handle_t *)&r->timer, on_closed);
    uv_close((uv_handle_t *)&r->progress, on_closed);
    uv_close((uv_handle_t *)&r->interrupt, on_closed);
}

static void on_time_over(uv_timer_t *timer)
{
    end(timer->data);
}

/* Whoever has seen enough is told what came so far. */
static void on_interrupt(uv_signal_t *signal, int number)
{
    (void)number;
    end(signal->data);
}

static void on_progress(uv_timer_t *timer)
{
    struct ranking *r = timer->data;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%lld s left ", (long long)r->left_s--);
}

static int verdict(const struct ranking *r)
{
    if (r->measured == 0 && r->intercepted > 0) {
        cmd_cannot("a middlebox answers the handshakes in place of the targets, so none "
                   "can be ranked; ask by https or icmp as well (kinds)");
        return CMD_BAD;
    }
    if (r->named == 0)
        return cmd_cannot("no name was resolved; look at the DNS servers (servers in "
                          "[dns], or /etc/resolv.conf), or take longer (-t)");
    if (r->measured == 0)
        return cmd_cannot("nothing could be sent to any target; look at this host's way "
                          "out (ip route), then try again");
    return r->eligible > 0 ? CMD_FINE : CMD_BAD;
}

static int rank(struct ranking *r, int64_t seconds)
{
    struct measurer_events events = {.on_batch = on_batch, .user = r};
    uv_loop_init(&r->loop);
    http_create(&r->http, &r->loop);
    if (measurer_create(&r->measurer, &r->loop, &r->config, &r->data.known, r->http,
                        events) < 0)
        return cmd_cannot("DNS servers '%s': not a list of addresses",
                          r->config.dns_servers);
    measurer_resume(r->measurer);
    uv_timer_init(&r->loop, &r->timer);
    uv_timer_init(&r->loop, &r->progress);
    uv_signal_init(&r->loop, &r->interrupt);
    r->timer.data = r->progress.data = r->interrupt.data = r;
    r->left_s = seconds;
    uv_timer_start(&r->timer, on_time_over, (uint64_t)seconds * 1000, 0);
    uv_timer_start(&r->progress, on_progress, 0, 1000);
    uv_signal_start(&r->interrupt, on_interrupt, SIGINT);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    uv_loop_close(&r->loop);
    return verdict(r);
}

static void print_problem(const char *clause, void *user)
{
    (void)user;
    cmd_cannot("%s", clause);
}

static bool take_location(struct ranking *r, const char *location)
{
    struct text wrong = {0};
    struct position at;
    bool fits = text_copy(r->config.location, sizeof r->config.location, location);
    bool fine = fits && place_parse(&at, &r->data.known.metros, location, &wrong);
    if (!fine)
        cmd_cannot("--location: %s",
                   fits ? text_string(&wrong) : "that is too long to be a place");
    text_free(&wrong);
    return fine;
}

/* Without a configuration in its usual place the defaults do. */
static size_t load(struct ranking *r, const char *given, const char *location)
{
    const char *path = load_path(given);
    size_t problems;
    if (strcmp(path, CONFIG_PATH) == 0 && given == NULL && access(path, F_OK) < 0) {
        fprintf(stderr, "no " CONFIG_PATH ": the usual names of Microsoft 365\n");
        problems = load_defaults(&r->config, &r->data);
    } else {
        problems = load_all(&r->config, &r->data, path);
    }
    if (problems > 0)
        return problems;
    if (location != NULL && !take_location(r, location))
        return 1;
    problems = site_read(&r->site, &r->data.known.metros, r->config.location,
                         &r->config.peering, print_problem, NULL);
    r->config.window_ns = 86400 * NS_PER_S; /* none closes in between */
    return problems;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"location", required_argument, NULL, 'l'},
        {"time", required_argument, NULL, 't'},
        {"verbose", no_argument, NULL, 'v'},
        {"json", no_argument, NULL, OPT_JSON},
        {0},
    };
    struct ranking r = {0};
    const char *given = NULL, *location = NULL;
    int64_t seconds = 10;
    log_set_level(LOG_LEVEL_WARN);
    for (int c; (c = cmd_getopt(argc, argv, "c:l:t:v", options)) != -1;) {
        if (c == 'c')
            given = optarg;
        else if (c == 'l')
            location = optarg;
        else if (c == 'v')
            log_set_level(LOG_LEVEL_INFO);
        else if (c == OPT_JSON)
            r.json = true;
        else if (c != 't')
            return CMD_CANNOT;
        else if (!text_to_integer(optarg, 2, 300, &seconds))
            return cmd_cannot("-t takes whole seconds from 2 to 300, not '%s'", optarg);
    }
    if (optind < argc)
        return cmd_cannot(
            "nearest takes no argument '%s'; the targets are the configuration's",
            argv[optind]);

    signal(SIGPIPE, SIG_IGN);
    int rc = CMD_CANNOT;
    if (load(&r, given, location) == 0) {
        if (!r.json || isatty(STDERR_FILENO))
            fprintf(stderr, "looking around for %lld s ...\n", (long long)seconds);
        rc = rank(&r, seconds);
    }
    config_free(&r.config);
    data_free(&r.data);
    return rc;
}

const struct command command_nearest = {
    .name = "nearest",
    .summary = "the PoPs ranked, with the evidence for each",
    .help = help,
    .run = run,
};
