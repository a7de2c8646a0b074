#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/host.h"
#include "cmd/interrupt.h"
#include "cmd/load.h"
#include "cmd/nearest_table.h"
#include "daemon/measurer.h"
#include "edge/location.h"
#include "edge/site.h"
#include "probe/kinds.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

enum { OPT_JSON = 256, OPT_WATCH };

static const struct cmd_option options[] = {
    LOAD_CONFIG_OPTION("configuration"),
    {"location", 'l', "PLACE",
     "location of this host: \"LATITUDE LONGITUDE\", a city, or a metro code"},
    {"uplink", 'I', "ADDRESS",
     "interface (also a VRF device) or source address of the probes, or an uplink of the "
     "configuration (default: as the routes say)",
     CMD_INTERFACE},
    {"time", 't', "SEC",
     "how long to probe, 2 to 300 (default 10); Ctrl-C ends it earlier"},
    {"json", OPT_JSON, NULL, "one JSON object per line for each target"},
    {"watch", OPT_WATCH, NULL, "again after each such time, until Ctrl-C"},
    {"verbose", 'v', NULL, "log what is resolved and discovered"},
    {0},
};

/* Pace of a sweep: about 120 front doors in about five seconds. */
#define SWEEP_GAP_NS (15 * NS_PER_MS)

struct ranking {
    uv_loop_t loop;
    uv_timer_t timer, progress;
    struct interrupt interrupt;
    struct config config;
    struct data data;
    struct http *http;
    struct measurer *measurer;
    bool json, watch;
    int64_t seconds, left_s;
    struct uplink uplink; /* name "": by the system's routes */
    struct nearest_tally tally;
    char failure[96]; /* why the first target has no address; "": it has one */
};

static void on_batch(const struct batch *batch, void *user)
{
    struct ranking *r = user;
    struct doors_summary doors;
    bool swept = measurer_summary(r->measurer, &doors);
    struct nearest_view view = {&r->data.known.site, r->config.location, r->json,
                                swept ? &doors : NULL, measurer_unanswered(r->measurer)};
    r->tally = nearest_print(&view, batch);
    for (size_t t = 0; t < r->config.n_targets && r->tally.named > 0; t++) {
        const char *failure = measurer_failure(r->measurer, t);
        if (failure != NULL)
            fprintf(r->json ? stderr : stdout, "%s: %s has no address: %s\n",
                    r->config.targets[t].name, r->config.targets[t].host, failure);
    }
    const char *failure =
        r->config.n_targets > 0 ? measurer_failure(r->measurer, 0) : NULL;
    text_copy(r->failure, sizeof r->failure, failure != NULL ? failure : "");
}

static void end(struct ranking *r)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%30s\r", "");
    measurer_close_window(r->measurer);
    measurer_destroy(r->measurer);
    http_destroy(r->http);
    uv_close((uv_handle_t *)&r->timer, NULL);
    uv_close((uv_handle_t *)&r->progress, NULL);
    interrupt_stop(&r->interrupt);
}

static void on_time_over(uv_timer_t *timer)
{
    struct ranking *r = timer->data;
    if (!r->watch) {
        end(r);
        return;
    }
    r->left_s = r->seconds;
    if (!r->json)
        cmd_clear_terminal();
    measurer_close_window(r->measurer);
    fflush(stdout);
    uv_timer_start(timer, on_time_over, (uint64_t)r->seconds * 1000, 0);
}

/* Ctrl-C prints the results so far. */
static void on_interrupt(void *user)
{
    end(user);
}

static void on_progress(uv_timer_t *timer)
{
    struct ranking *r = timer->data;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%lld s left ", (long long)r->left_s--);
}

static int verdict(const struct ranking *r)
{
    if (fflush(stdout) != 0)
        return CMD_BAD; /* cmd_finish() reports it, unless the reader closed the pipe */
    if (r->tally.measured == 0 && r->tally.intercepted > 0) {
        struct kinds past = kinds_past_middlebox(probe_kind_words());
        struct text names = {0};
        kinds_add_names(&names, &past, ", ", " or ");
        cmd_cannot("a middlebox answers the handshakes in place of the targets, so none "
                   "can be ranked; also probe by %s (kinds)",
                   text_string(&names));
        text_free(&names);
        return CMD_BAD;
    }
    if (r->tally.named == 0 && r->tally.filtered > 0)
        return cmd_cannot(
            "DNS returns no usable address for any name, probably because of a "
            "filter or a hijack of DNS; allow the names in the filter, or "
            "use other servers (`servers` in [dns])");
    bool named = r->tally.named > 0;
    if (named && r->tally.measured > 0)
        return r->tally.eligible > 0 ? CMD_FINE : CMD_BAD;
    struct text next = {0};
    if (!cmd_no_route(&next, named ? r->config.over : NULL)) /* lookups take the routes */
        text_add(&next, named ? "check this host's routes (ip route)"
                              : "check the DNS servers (servers in [dns], or "
                                "/etc/resolv.conf), or measure longer (-t)");
    if (named)
        cmd_cannot("nothing could be sent to any target; %s", text_string(&next));
    else
        cmd_cannot("no name was resolved%s%s; %s", r->failure[0] != '\0' ? ": " : "",
                   r->failure, text_string(&next));
    text_free(&next);
    return CMD_CANNOT;
}

static int rank(struct ranking *r, int64_t seconds)
{
    struct measurer_events events = {.on_batch = on_batch, .user = r};
    uv_loop_init(&r->loop);
    int rc = http_create(&r->http, &r->loop);
    if (rc < 0)
        return cmd_no_http(rc);
    struct explorer_pace pace = {.gap_ns = SWEEP_GAP_NS,
                                 .choose_ns = seconds * NS_PER_S / 2};
    if (measurer_create(&r->measurer, &r->loop, &r->config, &r->data.known, r->http, pace,
                        NULL, events) < 0)
        return cmd_cannot("DNS servers '%s': not a list of addresses",
                          r->config.dns_servers);
    measurer_resume(r->measurer);
    uv_timer_init(&r->loop, &r->timer);
    uv_timer_init(&r->loop, &r->progress);
    r->timer.data = r->progress.data = r;
    r->seconds = r->left_s = seconds;
    uv_timer_start(&r->timer, on_time_over, (uint64_t)seconds * 1000, 0);
    uv_timer_start(&r->progress, on_progress, 0, 1000);
    interrupt_start(&r->interrupt, &r->loop, on_interrupt, r);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    uv_loop_close(&r->loop);
    return verdict(r);
}

static bool take_location(struct ranking *r, const char *location)
{
    struct text wrong = {0};
    struct position at;
    bool fits = text_copy(r->config.location, sizeof r->config.location, location);
    bool fine = fits && location_parse(&at, &r->data.known.metros, location, &wrong);
    if (!fine)
        cmd_cannot("--location: %s",
                   fits ? text_string(&wrong) : "too long for a location");
    text_free(&wrong);
    site_read(&r->data.known.site, &r->data.known.metros, r->config.location,
              &r->config.peering, NULL, NULL);
    return fine;
}

/* Uses the defaults if there is no configuration at the default path. */
static size_t load(struct ranking *r, const char *given, const char *location)
{
    const char *path = load_path(given);
    size_t problems;
    if (strcmp(path, CONFIG_PATH) == 0 && given == NULL && access(path, F_OK) < 0) {
        fprintf(stderr, "No " CONFIG_PATH "; using the built-in Microsoft 365 names\n");
        problems = load_defaults(&r->config, &r->data);
    } else {
        problems = load_all(&r->config, &r->data, path);
    }
    if (problems > 0)
        return problems;
    if (location != NULL && !take_location(r, location))
        return 1;
    if (r->uplink.name[0] != '\0')
        config_go_over(&r->config, &r->uplink);
    r->config.dns_probe = false;
    r->config.window_ns = 86400 * NS_PER_S;              /* none closes before the end */
    r->config.shipping.choice.quantiles = QUANTILES_ALL; /* behind a middlebox: of TLS */
    return 0;
}

static int run(int argc, char **argv)
{
    struct ranking r = {0};
    const char *given = NULL, *location = NULL, *over = NULL;
    int64_t seconds = 10;
    log_set_level(LOG_LEVEL_WARN);
    log_mute("resolver"); /* on_batch() and verdict() report what was not resolved */
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        if (c == 'c')
            given = optarg;
        else if (c == 'l')
            location = optarg;
        else if (c == 'I')
            over = optarg;
        else if (c == 'v') {
            log_set_level(LOG_LEVEL_INFO);
            log_mute(NULL);
        } else if (c == OPT_JSON)
            r.json = true;
        else if (c == OPT_WATCH)
            r.watch = true;
        else if (c != 't')
            return CMD_CANNOT;
        else if (!text_to_integer(optarg, 2, 300, &seconds))
            return cmd_cannot("-t takes whole seconds from 2 to 300, not '%s'", optarg);
    }
    if (optind < argc)
        return cmd_cannot(
            "nearest takes no argument '%s'; targets come from the configuration",
            argv[optind]);
    if (over != NULL && !cmd_uplink(&r.uplink, over, given))
        return CMD_CANNOT;

    int rc = CMD_CANNOT;
    if (load(&r, given, location) == 0) {
        if (!r.json || isatty(STDERR_FILENO))
            fprintf(stderr, "Measuring for %lld s ...\n", (long long)seconds);
        rc = rank(&r, seconds);
    }
    config_free(&r.config);
    data_free(&r.data);
    return rc;
}

const struct command command_nearest = {
    .name = "nearest",
    .summary = "rank the nearest PoPs, with evidence",
    .options = options,
    .about =
        "Ranks the nearest PoPs of Microsoft's edge: the configured targets, the "
        "built-in Microsoft 365 names, and the nearest front doors of all metros, "
        "which a sweep discovers by name. The nearest is the target with the lowest "
        "minimum round-trip delay among those with little loss. Shows for each target "
        "the PoP, how it is known, and the evidence. With a location also shows the "
        "distance, the minimum delay of light in fibre over it, and the stretch: the "
        "measured delay divided by that minimum. Works without a configuration, too.",
    .notes =
        "Handshakes that a middlebox answers do not measure the path; they are left "
        "out and the middlebox is reported.\n"
        "\n"
        "Exit code: 0 a nearest target was found; 1 no target answered well enough; 2 "
        "error: no name could be resolved, or the configuration has problems.",
    .examples = "edgelat nearest\n"
                "edgelat nearest --watch -t 30\n"
                "edgelat nearest --location '45.76 4.84'\n"
                "edgelat nearest -t 30 --json | jq -r 'select(.rank == 1).pop'\n",
    .run = run,
    .needs = CMD_LOOP_NEEDS,
};
