#include "base/json.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "cmd/render.h"
#include "measurer.h"
#include "probe/kinds.h"

#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: edgelat nearest [-c FILE] [-t SEC] [--json]\n"
    "\n"
    "Probes every configured target for a few seconds and ranks them: nearest is the "
    "lowest minimum\n"
    "round-trip delay of those that lose little. Shows for each the PoP that answered "
    "and the evidence.\n"
    "\n"
    "  -c, --config FILE   configuration (default: $EDGELAT_CONFIG or " CONFIG_PATH ")\n"
    "  -t, --time SEC      how long to probe, 2 to 300 (default 5)\n"
    "      --json          one JSON object a line for each target\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code: 0 there is a nearest one, 1 none answered well enough, 2 it could not be "
    "done: no\n"
    "name could be resolved, or the configuration has problems.\n"
    "\n"
    "examples:\n"
    "  edgelat nearest\n"
    "  edgelat nearest -t 30 --json | jq -r 'select(.rank == 1).pop'\n";

enum { OPT_JSON = 256 };

struct ranking {
    uv_loop_t loop;
    uv_timer_t timer;
    struct config config;
    struct http *http;
    struct measurer *measurer;
    bool json;
    size_t measured, eligible;
};

/* What one target showed, over its streams. */
struct evidence {
    uint64_t sent, received, lost;
    const struct series *best; /* the stream with the lowest minimum */
};

static struct evidence evidence_of(const struct batch *batch, const struct target *target)
{
    struct evidence e = {0};
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *s = batch->series[i];
        if (s->target != target || !s->in_window)
            continue;
        e.sent += s->window.sent;
        e.received += s->window.received;
        e.lost += s->window.outcomes[OUTCOME_LOSS];
        if (s->window.delays[0].count > 0 &&
            (e.best == NULL ||
             s->window.delays[0].min_ns < e.best->window.delays[0].min_ns))
            e.best = s;
    }
    return e;
}

static void print_json(const struct target_state *t, const struct evidence *e)
{
    struct text out = {0};
    struct json j = json_to(&out);
    char address[ADDRESS_TEXT_MAX];
    const struct delay_summary *rtt = e->best != NULL ? &e->best->window.delays[0] : NULL;
    json_object(&j, NULL);
    if (t->rank > 0)
        json_integer(&j, "rank", t->rank);
    else
        json_null(&j, "rank");
    json_string(&j, "target", t->target->name);
    json_string(&j, "host", t->target->host);
    json_string(&j, "service", t->target->service[0] != '\0' ? t->target->service : NULL);
    json_string(&j, "pop", t->pop[0] != '\0' ? t->pop : NULL);
    json_string(&j, "address", e->best ? endpoint_address(address, &e->best->to) : NULL);
    json_string(&j, "family", e->best ? family_name(e->best->family) : NULL);
    json_string(&j, "kind", e->best ? e->best->kind->name : NULL);
    if (rtt != NULL) {
        json_ms(&j, "min", rtt->min_ns);
        json_ms(&j, "p50", rtt->percentile_ns[P50]);
    } else {
        json_null(&j, "min");
        json_null(&j, "p50");
    }
    json_number(&j, "loss_ratio", e->sent > 0 ? (double)e->lost / (double)e->sent : NAN);
    json_unsigned(&j, "sent", e->sent);
    json_unsigned(&j, "received", e->received);
    json_object_end(&j);
    puts(text_string(&out));
    text_free(&out);
}

static void print_row(const struct target_state *t, const struct evidence *e)
{
    char rank[12] = "-", min[24], p50[24], loss[16] = "-",
         address[ADDRESS_TEXT_MAX] = "-";
    if (t->rank > 0)
        snprintf(rank, sizeof rank, "%u", t->rank);
    if (e->sent > 0)
        snprintf(loss, sizeof loss, "%.1f %%", 100.0 * (double)e->lost / (double)e->sent);
    if (e->best != NULL)
        endpoint_address(address, &e->best->to);
    printf("%4s  %-20s %-8s %9s %9s %7s %6llu  %-6s %s\n", rank, t->target->name,
           t->pop[0] != '\0' ? t->pop : "unknown",
           render_ms(min, e->best ? e->best->window.delays[0].min_ns : DELAY_UNDEFINED),
           render_ms(p50, e->best ? e->best->window.delays[0].percentile_ns[P50]
                                  : DELAY_UNDEFINED),
           loss, (unsigned long long)e->sent, e->best ? e->best->kind->name : "-",
           address);
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

static void on_batch(const struct batch *batch, void *user)
{
    struct ranking *r = user;
    const struct target_state **order = mem_alloc(batch->n_targets * sizeof *order);
    for (size_t i = 0; i < batch->n_targets; i++)
        order[i] = &batch->targets[i];
    qsort(order, batch->n_targets, sizeof *order, by_rank);
    if (!r->json)
        printf("%4s  %-20s %-8s %9s %9s %7s %6s  %-6s %s\n", "rank", "target", "PoP",
               "min, ms", "p50, ms", "loss", "sent", "kind", "address");
    for (size_t i = 0; i < batch->n_targets; i++) {
        struct evidence e = evidence_of(batch, order[i]->target);
        r->measured += order[i]->measured;
        r->eligible += order[i]->rank > 0;
        if (r->json)
            print_json(order[i], &e);
        else
            print_row(order[i], &e);
    }
    free(order);
}

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void on_time_over(uv_timer_t *timer)
{
    struct ranking *r = timer->data;
    measurer_close_window(r->measurer);
    measurer_destroy(r->measurer);
    http_destroy(r->http);
    uv_close((uv_handle_t *)timer, on_closed);
}

/* Everything once a second, and no window that closes in between. */
static void hurry(struct config *c)
{
    c->window_ns = 86400 * NS_PER_S;
    for (size_t t = 0; t < c->n_targets; t++)
        for (size_t k = 0; k < KINDS_MAX; k++)
            c->targets[t].interval_ns[k] = c->targets[t].slow_interval_ns[k] = NS_PER_S;
}

static int rank(struct ranking *r, int64_t seconds)
{
    struct measurer_events events = {.on_batch = on_batch, .user = r};
    uv_loop_init(&r->loop);
    http_create(&r->http, &r->loop);
    if (measurer_create(&r->measurer, &r->loop, &r->config, r->http, events) < 0)
        return cmd_cannot("DNS servers '%s': not a list of addresses",
                          r->config.dns_servers);
    uv_timer_init(&r->loop, &r->timer);
    r->timer.data = r;
    uv_timer_start(&r->timer, on_time_over, (uint64_t)seconds * 1000, 0);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    uv_loop_close(&r->loop);
    if (r->measured == 0)
        return cmd_cannot("none of the targets could be probed; see the lines above");
    return r->eligible > 0 ? CMD_FINE : CMD_BAD;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"time", required_argument, NULL, 't'},
        {"json", no_argument, NULL, OPT_JSON},
        {0},
    };
    struct ranking r = {0};
    const char *given = NULL;
    int64_t seconds = 5;
    for (int c; (c = cmd_getopt(argc, argv, "c:t:", options)) != -1;) {
        if (c == 'c')
            given = optarg;
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
    if (load_config(&r.config, load_path(given)) == 0) {
        hurry(&r.config);
        if (!r.json || isatty(STDERR_FILENO))
            fprintf(stderr, "probing %zu targets for %lld s ...\n", r.config.n_targets,
                    (long long)seconds);
        rc = rank(&r, seconds);
    }
    config_free(&r.config);
    return rc;
}

const struct command command_nearest = {
    .name = "nearest",
    .summary = "the PoPs ranked, with the evidence for each",
    .help = help,
    .run = run,
};
