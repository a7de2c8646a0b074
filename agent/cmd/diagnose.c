#include "base/intern.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/agent_answer.h"
#include "cmd/allowance.h"
#include "cmd/cmd.h"
#include "cmd/diagnose_print.h"
#include "cmd/host.h"
#include "cmd/interrupt.h"
#include "cmd/load.h"
#include "cmd/page_file.h"
#include "diagnose/judge.h"
#include "diagnose/load_round.h"
#include "diagnose/runner.h"
#include "diagnose/usual.h"
#include "probe/kinds.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPT_JSON = 256,
    OPT_FLEET,
    OPT_HTML,
    OPT_RESOLVER,
    OPT_LOAD,
    OPT_LOAD_URL,
    OPT_YES
};
enum { SECONDS = 20 };

/* What is stopped sooner is not judged. */
#define LEAST_NS (8 * NS_PER_S)

static const struct cmd_option options[] = {
    LOAD_CONFIG_OPTION("configuration, of which none is needed"),
    {"time", 't', "SEC", "how long to probe, 5 to 30 (default 20)"},
    {"uplink", 'I', "ADDRESS",
     "interface (also a VRF device) or source address of all packets, or an uplink of the "
     "configuration (default: as the routes say)",
     CMD_INTERFACE},
    {"resolver", OPT_RESOLVER, "ADDRESS",
     "also ask this DNS server, to compare; it then sees the names"},
    {"load", OPT_LOAD, NULL,
     "then also measure the delay under load: downloads at most 25 MiB in 6 s; asks first"},
    {"load-url", OPT_LOAD_URL, "URL",
     "download this for --load, best a file of a megabyte (default: the services' pages)"},
    {"yes", OPT_YES, NULL, "do not ask before --load"},
    {"json", OPT_JSON, NULL,
     "one JSON object per line: each check, each finding, a summary"},
    {"html", OPT_HTML, "FILE",
     "also write a self-contained page, to attach to a ticket; - is standard output, alone",
     CMD_FILE},
    {"fleet", OPT_FLEET, NULL, "one line with host name and verdict, for lists of hosts"},
    {0},
};

struct diagnosing {
    uv_loop_t loop;
    struct interrupt interrupt;
    struct config config;
    struct data data;
    struct target targets[FACTS_SERVICES];
    size_t n_targets;
    struct uplink uplink; /* name "": by the system's routes */
    const char *resolver, *html, *load_url;
    bool load, yes;
    int64_t seconds;
    bool json, fleet;
    bool refused; /* an address may not be probed */
    bool stopped; /* by a signal */
    struct diagnose_runner *runner;
    int exit_code;
    int percent; /* shown */
};

/* ---- the run ---- */

static bool may_probe(const struct endpoint *to, double per_second, void *user)
{
    struct diagnosing *d = user;
    struct text why = {0};
    bool allowed = allowance_take(to, per_second, &why);
    if (!allowed)
        d->exit_code = cmd_cannot("%s", text_string(&why));
    d->refused |= !allowed;
    text_free(&why);
    return allowed;
}

static void on_progress(const char *what, double share, void *user)
{
    struct diagnosing *d = user;
    int percent = (int)(100 * share);
    if (percent == d->percent || !isatty(STDERR_FILENO))
        return;
    d->percent = percent;
    fprintf(stderr, "\r%3d %%  %-40s", percent, what);
}

/* What the agent on this host says; nothing where none runs. It measures by the routes. */
static void read_usual(struct diagnosing *d, struct facts *f)
{
    struct text bytes = {0};
    struct status_answer answer;
    if (d->config.over != NULL)
        return;
    struct usual_delay *list = mem_zalloc(USUAL_MAX * sizeof *list);
    if (agent_answer_read(d->config.status_socket, &bytes, &answer) == 0) {
        size_t n = usual_read(list, json_span_of(answer.json, answer.json_len));
        f->agent = true;
        for (size_t i = 0; i < f->n_services; i++)
            for (size_t k = 0; k < FACTS_FAMILIES; k++)
                f->services[i].usual_ns[k] =
                    usual_of(list, n, f->services[i].target.host, "tcp",
                             k == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4);
    }
    free(list);
    text_free(&bytes);
}

static void write_page(struct diagnosing *d, const struct diagnosed *shown)
{
    struct text page = {0};
    diagnose_print_page(&page, shown);
    if (page_file_write(d->html, &page) != CMD_FINE)
        d->exit_code = CMD_CANNOT;
    text_free(&page);
}

static void on_over(struct facts *facts, void *user)
{
    struct diagnosing *d = user;
    struct diagnosis *out = mem_zalloc(sizeof *out);
    char host[HOST_TEXT_MAX] = "";
    struct text text = {0};
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%60s\r", "");
    if (d->stopped && facts->took_ns < LEAST_NS)
        d->exit_code = cmd_cannot("stopped before there was enough to judge");
    else if (!d->refused) {
        read_usual(d, facts);
        judge_all(facts, &d->data.known, &d->config, probe_kind_words(), out);
        gethostname(host, sizeof host - 1);
        const struct diagnosed shown = {facts, out, host, d->config.site};
        d->exit_code = out->n_found > 0 ? CMD_BAD : CMD_FINE;
        if (d->html != NULL)
            write_page(d, &shown);
        if (d->html != NULL && strcmp(d->html, "-") == 0)
            text_clear(&text);
        else if (d->json)
            diagnose_print_json(&text, &shown);
        else if (d->fleet)
            diagnose_print_fleet(&text, &shown);
        else
            diagnose_print_text(&text, &shown);
        if (d->json || d->fleet)
            fputs(text_string(&text), stdout);
        else
            cmd_print(text_string(&text));
    }
    text_free(&text);
    free(out);
    runner_destroy(d->runner);
    d->runner = NULL;
    interrupt_stop(&d->interrupt);
}

static void on_interrupt(void *user)
{
    struct diagnosing *d = user;
    d->stopped = true;
    if (d->runner != NULL)
        runner_stop(d->runner);
}

static int measure(struct diagnosing *d)
{
    const struct runner_events events = {may_probe, on_progress, on_over, d};
    const struct runner_options o = {
        .config = &d->config,
        .known = &d->data.known,
        .targets = d->targets,
        .n_targets = d->n_targets,
        .other_servers = d->resolver,
        .measure_ns = d->seconds * NS_PER_S,
        .load = d->load,
        .load_url = d->load_url,
    };
    uv_loop_init(&d->loop);
    interrupt_start(&d->interrupt, &d->loop, on_interrupt, d);
    int rc = runner_start(&d->runner, &d->loop, &o, events);
    if (rc != 0) {
        interrupt_stop(&d->interrupt);
        uv_run(&d->loop, UV_RUN_DEFAULT);
        return rc == -EINVAL || rc == -E2BIG
                   ? cmd_cannot("DNS servers: not a list of at most %d addresses",
                                DNS_SERVERS_MAX)
                   : cmd_no_http(rc);
    }
    uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_loop_close(&d->loop);
    return d->exit_code;
}

/* ---- what to look at ---- */

static bool is_named(const struct target *t, const char *word)
{
    return strcasecmp(t->name, word) == 0 || strcasecmp(t->service, word) == 0 ||
           strcasecmp(t->host, word) == 0;
}

static void add_target(struct diagnosing *d, const struct target *t)
{
    if (d->n_targets == FACTS_SERVICES)
        return;
    for (size_t i = 0; i < d->n_targets; i++)
        if (target_same_host(&d->targets[i], t))
            return;
    d->targets[d->n_targets++] = *t;
}

/* The targets of the configuration, and the names of Microsoft 365. `word` NULL: all. */
static void add_known(struct diagnosing *d, const char *word)
{
    for (size_t i = 0; i < d->config.n_targets; i++)
        if (word == NULL || is_named(&d->config.targets[i], word))
            add_target(d, &d->config.targets[i]);
    for (size_t i = 0; i < d->data.known.workloads.n; i++) {
        struct target t =
            workload_target(&d->data.known.workloads.all[i], probe_kind_words());
        edge_data_limits(&d->data.known, &t);
        if (word == NULL || is_named(&t, word))
            add_target(d, &t);
    }
}

/* A misspelt service would be measured as a host, and called down. */
static int no_service(const struct diagnosing *d, const char *word)
{
    const struct workloads *w = &d->data.known.workloads;
    const char *names[WORKLOADS_MAX];
    struct text list = {0};
    size_t n = workloads_services(names, w);
    for (size_t i = 0; i < n; i++)
        text_add(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    const char *near = text_nearest(word, names, n);
    if (near != NULL)
        cmd_cannot("no service is called '%s'; did you mean '%s'?", word, near);
    else
        cmd_cannot(
            "no service is called '%s', only %s; give a host by its whole name, as "
            "www.example.com",
            word, text_string(&list));
    text_free(&list);
    return CMD_CANNOT;
}

static int list_targets(struct diagnosing *d, const char *word)
{
    struct host_port host;
    const struct host_rules rules = {.port = true, .path = ""};
    add_known(d, word);
    if (d->n_targets > 0 || word == NULL)
        return CMD_FINE;
    if (strpbrk(word, ".:/") == NULL && strcasecmp(word, "localhost") != 0)
        return no_service(d, word);
    if (!cmd_host(&host, word, &rules))
        return CMD_CANNOT;
    struct target *t = &d->targets[d->n_targets++];
    *t = target_default(probe_kind_words());
    t->name = t->host = intern(host.host);
    if (host.has_port)
        t->port = host.port;
    edge_data_limits(&d->data.known, t);
    return CMD_FINE;
}

static int choose_targets(struct diagnosing *d, const char *word)
{
    int rc = list_targets(d, word);
    if (d->uplink.name[0] != '\0')
        config_go_over(&d->config, &d->uplink);
    for (size_t i = 0; i < d->n_targets; i++)
        config_take_over(&d->config, &d->targets[i]);
    return rc;
}

/* Works without a configuration, and without the right to read it. */
static size_t load(struct diagnosing *d, const char *given)
{
    const char *path = load_path(given);
    bool own = given == NULL && getenv("EDGELAT_CONFIG") == NULL;
    return own && access(path, R_OK) < 0 ? load_defaults(&d->config, &d->data)
                                         : load_all(&d->config, &d->data, path);
}

static int take_options(struct diagnosing *d, int argc, char **argv, const char **given)
{
    const char *over = NULL;
    struct dns_server servers[DNS_SERVERS_MAX];
    char wrong[DNS_SERVER_TEXT_MAX];
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        if (c == 'c')
            *given = optarg;
        else if (c == OPT_JSON)
            d->json = true;
        else if (c == OPT_FLEET)
            d->fleet = true;
        else if (c == OPT_LOAD)
            d->load = true;
        else if (c == OPT_LOAD_URL)
            d->load_url = optarg;
        else if (c == OPT_YES)
            d->yes = true;
        else if (c == OPT_HTML)
            d->html = optarg;
        else if (c == 'I')
            over = optarg;
        else if (c == OPT_RESOLVER)
            d->resolver = optarg;
        else if (c != 't')
            return CMD_CANNOT;
        else if (!text_to_integer(optarg, 5, 30, &d->seconds))
            return cmd_cannot("-t takes whole seconds from 5 to 30, not '%s'", optarg);
    }
    if (d->json && d->fleet)
        return cmd_cannot("--json and --fleet exclude each other; give one of them");
    if (d->load_url != NULL && !d->load)
        return cmd_cannot("--load-url is of --load; give --load, too");
    if (d->load_url != NULL && strncmp(d->load_url, "https://", 8) != 0 &&
        strncmp(d->load_url, "http://", 7) != 0)
        return cmd_cannot("--load-url takes a URL with http:// or https://, not '%s'",
                          d->load_url);
    if (d->resolver != NULL && dns_servers_parse(servers, d->resolver, wrong) < 1)
        return cmd_cannot("--resolver takes the address of a DNS server, not '%s'",
                          d->resolver);
    if (over != NULL && !cmd_uplink(&d->uplink, over, *given))
        return CMD_CANNOT;
    if (d->html != NULL && page_file_check(d->html) != CMD_FINE)
        return CMD_CANNOT;
    if (optind + 1 < argc)
        return cmd_cannot("diagnose takes one NAME or SERVICE, not also '%s'",
                          argv[optind + 1]);
    return CMD_FINE;
}

/* CMD_FINE: go on. */
static int ask_for_load(const struct diagnosing *d)
{
    char answer[16] = "";
    if (!d->load || d->yes)
        return CMD_FINE;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return cmd_cannot("--load asks first, and there is no terminal; give --yes");
    fprintf(stderr,
            "--load downloads at most %d MiB in %d s; others on this line will notice "
            "it. Go on? [y/N] ",
            LOAD_BYTES >> 20, (int)(LOAD_NS / NS_PER_S));
    if (fgets(answer, sizeof answer, stdin) != NULL &&
        (answer[0] == 'y' || answer[0] == 'Y'))
        return CMD_FINE;
    return cmd_cannot("stopped; without --load nothing is downloaded");
}

static int run(int argc, char **argv)
{
    struct diagnosing *d = mem_zalloc(sizeof *d);
    const char *given = NULL;
    *d = (struct diagnosing){.seconds = SECONDS, .percent = -1};
    log_set_level(LOG_LEVEL_WARN);
    int rc = take_options(d, argc, argv, &given);
    if (rc == CMD_FINE)
        rc = ask_for_load(d);
    if (rc == CMD_FINE) {
        rc = load(d, given) > 0 ? CMD_CANNOT
                                : choose_targets(d, optind < argc ? argv[optind] : NULL);
        if (rc == CMD_FINE && !d->json && !d->fleet && !isatty(STDERR_FILENO))
            fprintf(stderr,
                    "Measuring for about %lld s, longer if packets are lost ...\n",
                    (long long)d->seconds + 5);
        if (rc == CMD_FINE)
            rc = measure(d);
        config_free(&d->config);
        data_free(&d->data);
    }
    free(d);
    return rc;
}

const struct command command_diagnose = {
    .name = "diagnose",
    .summary = "find out what is slow, where, and whom to call",
    .arguments = "[NAME|SERVICE]",
    .first = CMD_SERVICE,
    .options = options,
    .about =
        "Checks everything between this host and Microsoft 365 in the order in which a "
        "packet meets it: interface, gateway, each DNS resolver and what it answers, "
        "captive portal, proxy, VPN, the path and where it enters Microsoft's network, the "
        "nearest front door, TCP, TLS and HTTPS of each service, who opens TLS, the path "
        "MTU, IPv6, media by UDP and the public address, the clock. Ends with a verdict: what is wrong, in which segment, how "
        "sure, what to do next and whom to call. A fault that another one explains is named "
        "as its effect.\n"
        "\n"
        "NAME is a host; SERVICE one of targets.csv, such as teams or exchange; default: "
        "all of them. Needs no configuration, no agent and no root; takes about half a "
        "minute, and at most 5 probes a second go to an address. If an agent runs here, the "
        "usual delays are shown beside the measured ones.",
    .notes =
        "Each check is good, poor (over a recommendation), bad (over a limit), or unknown. "
        "In parentheses: the 95 % interval of the median. Limits are Microsoft's where it "
        "names some (thresholds.csv).\n"
        "\n"
        "Exit code: 0 nothing wrong was found from here; 1 a problem was found; 2 error.",
    .examples =
        "edgelat diagnose\n"
        "edgelat diagnose teams --json | jq -r 'select(.finding).what'\n"
        "edgelat diagnose --html ticket.html\n"
        "edgelat diagnose -I wwan0\n"
        "edgelat diagnose --resolver 9.9.9.9\n"
        "for h in $(cat sites); do ssh $h edgelat diagnose --fleet & done; wait\n",
    .run = run,
    .needs = CMD_LOOP_NEEDS,
};
