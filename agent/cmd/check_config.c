#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/load.h"
#include "cmd/named_files.h"
#include "config/keys.h"
#include "core/budget.h"
#include "core/limits.h"
#include "edge/explorer.h"
#include "edge/resolver_watch.h"
#include "probe/kinds.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct cmd_option options[] = {
    LOAD_CONFIG_OPTION("configuration; - is standard input"),
    {"keys", 'k', NULL, "list every key and its default"},
    {0},
};

static int print_keys(void)
{
    enum config_section section = SECTIONS;
    struct text out = {0};
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->section != section)
            text_add(&out, "%s[%s%s]\n\t\t\t\n", i > 0 ? "\n" : "",
                     config_section_names[key->section],
                     key->section == SECTION_TARGET || key->section == SECTION_UPLINK
                         ? " NAME"
                     : key->section == SECTION_ANY_COLLECTOR ? "] and [collector NAME"
                                                             : "");
        section = key->section;
        text_add(&out, "\t  %s\t", key->name);
        config_key_help(&out, key, probe_kind_words());
        text_add(&out, "\n");
        if (key->per_kind)
            text_add(&out, "\t  KIND_%s\tthe same for one kind of probe\n", key->name);
    }
    cmd_print(text_string(&out));
    text_free(&out);
    return CMD_FINE;
}

static size_t kinds_used(const struct config *c, const struct kinds *kinds)
{
    size_t used = 0;
    for (size_t k = 0; k < kinds->n; k++)
        for (size_t t = 0; t < c->n_targets; t++)
            if (c->targets[t].kinds[k]) {
                used++;
                break;
            }
    return used;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_summary(const struct config *c, const char *path)
{
    const struct kinds *kinds = probe_kind_words();
    size_t used = kinds_used(c, kinds);
    bool ships = c->collectors[0].url[0] != '\0';
    char name[PATH_MAX];
    cmd_printf("%s: OK: %zu target%s, %zu kind%s, up to %.2f probes/s, %s%s",
               text_printable(name, sizeof name, path, ""), c->n_targets,
               plural(c->n_targets), used, plural(used), config_rate(c, kinds),
               ships ? "collector " : "no collector", c->collectors[0].url);
    for (size_t i = 1; i < c->n_collectors; i++)
        cmd_printf(", failover %s", c->collectors[i].url);
    cmd_printf("\n");
}

/* Number of built-in names that are not configured; discovery may probe them too. */
static size_t unconfigured_names(const struct config *c, const struct workloads *w)
{
    size_t n = 0;
    for (size_t i = 0; c->workloads && i < w->n; i++) {
        size_t t = 0;
        while (t < c->n_targets && strcasecmp(c->targets[t].host, w->all[i].host) != 0)
            t++;
        n += t == c->n_targets;
    }
    return n;
}

/* What the uplinks cost, exactly. */
static void print_uplinks(const struct config *c)
{
    size_t chosen = 0;
    if (c->n_uplinks == 0)
        return;
    for (size_t t = 0; t < c->n_targets; t++)
        chosen += c->targets[t].over_uplinks;
    double rate = config_rate_uplinks(c, probe_kind_words());
    cmd_printf("  %zu of %zu targets over each of %zu uplink%s (", chosen, c->n_targets,
               c->n_uplinks, plural(c->n_uplinks));
    for (size_t i = 0; i < c->n_uplinks; i++)
        cmd_printf("%s%s", i > 0 ? ", " : "", c->uplinks[i].name);
    cmd_printf("): %.2f of these probes/s, %.2f over each\n", rate,
               rate / (double)c->n_uplinks);
}

/* The rate of discovery, besides the configured targets. */
static void print_discovery(const struct config *c, const struct workloads *w)
{
    const struct kinds *kinds = probe_kind_words();
    size_t names = unconfigured_names(c, w), doors = c->front_doors;
    cmd_printf("  during discovery (%d s every hour) up to %.2f probes/s",
               (int)(SURVEY_NS / NS_PER_S), config_rate_survey(c, kinds, names));
    if (doors + names > 0)
        cmd_printf("; otherwise %.2f/s more for %zu discovered front door%s and %zu "
                   "built-in name%s",
                   config_rate_found(c, kinds, names), doors, plural(doors), names,
                   plural(names));
    cmd_printf("\n");
    if (c->dns_probe)
        cmd_printf(
            "  each DNS server: one query every %d s; if there are several, each is "
            "asked for up to %d hosts every hour, and where they differ up to %d TCP "
            "handshakes are made with each answer\n",
            (int)(RESOLVER_INTERVAL_NS / NS_PER_S), WATCH_HOSTS_MAX, WATCH_HANDSHAKES);
}

/* Bursts like a call, which the rates above do not have. */
static void print_media(const struct config *c)
{
    const struct kinds *kinds = probe_kind_words();
    for (size_t k = 0; k < kinds->n && c->media_bursts > 0; k++)
        for (size_t t = 0; t < c->n_targets; t++) {
            const struct kind *kind = kinds->list[k];
            if (!c->targets[t].kinds[k] || (kind->uses & USES_MEDIA) == 0)
                continue;
            uint32_t packets = c->media_bursts * MEDIA_PACKETS;
            cmd_printf("  %u burst%s like a call a day: %u packets, up to %u kB\n",
                       c->media_bursts, plural(c->media_bursts), packets * kind->packets,
                       packets * kind->bytes / 1000);
            return;
        }
}

/* What one probe takes at most, and how the budget compares with the intervals. */
static void print_budget(const struct config *c)
{
    const struct kinds *kinds = probe_kind_words();
    struct budget b;
    struct target usual = target_default(kinds);
    double wanted = 0;
    budget_begin(&b, c->budget, (struct wall){0}, (struct mono){0});
    if (b.limit <= 0)
        return;
    for (size_t t = 0; t < c->n_targets; t++) {
        struct send_rate rate = send_rate_of(
            &c->targets[t], kinds,
            t < c->nearest ? c->targets[t].interval_ns : c->targets[t].slow_interval_ns);
        wanted += 86400 * budget_cost(&b, (struct budget_amount){rate.of[RATE_BYTES],
                                                                 rate.of[RATE_PACKETS]});
    }
    cmd_printf("  budget %.1f MB a day (UTC)", b.limit / 1e6);
    if (b.packet_bytes > 0)
        cmd_printf(", at most %.0f packets: one counts as at least %.0f bytes",
                   c->budget.packets, b.packet_bytes);
    cmd_printf(
        "; the targets' intervals want up to %.1f MB; %s\n"
        "  planned: at most %.1f MB for probes, %.1f MB for traces, MTU searches, bursts "
        "like a call, sweeps and names; shipping is not included\n"
        "  at most a probe, with its answer:",
        wanted / 1e6,
        wanted > (1 - BUDGET_OTHER) * b.limit
            ? "probes are spread, the nearest, changing and silent targets first"
            : "they fit",
        (1 - BUDGET_OTHER) * b.limit / 1e6, BUDGET_OTHER * b.limit / 1e6);
    for (size_t k = 0; k < kinds->n; k++) {
        struct budget_amount one = budget_of_kind(kinds->list[k], usual.payload_bytes);
        cmd_printf("%s %s %.0f bytes, %.0f packets", k > 0 ? ";" : "",
                   kinds->list[k]->name, one.bytes, one.packets);
    }
    cmd_printf("\n");
}

/* Any name of a service is allowed, but only Microsoft's have limits. */
static void print_services(const struct config *c, const struct workloads *w)
{
    const char *services[WORKLOADS_MAX];
    size_t n = workloads_services(services, w);
    for (size_t t = 0; t < c->n_targets; t++) {
        const char *service = c->targets[t].service;
        const char *near = *service != '\0' ? text_nearest(service, services, n) : NULL;
        if (near != NULL && strcmp(near, service) != 0)
            cmd_printf(
                "  [target %s]: service = %s has no limits of Microsoft's; did you "
                "mean %s?\n",
                c->targets[t].name, service, near);
    }
}

static void print_data(const struct data *d, enum data_file file, size_t entries,
                       const char *version)
{
    char name[PATH_MAX];
    if (d->path[file] != NULL && d->problems[file] == 0)
        cmd_printf("%s: OK: %zu entries, version %s\n",
                   text_printable(name, sizeof name, d->path[file], ""), entries,
                   version);
}

/* A missing data file is not a problem: its facts are unknown. */
static void print_all_data(const struct data *d)
{
    const struct edge_data *k = &d->known;
    print_data(d, DATA_METROS, k->metros.n + k->metros.n_others - k->metros.n_airports,
               k->metros.version);
    print_data(d, DATA_PREFIXES, k->prefixes.n, k->prefixes.version);
    print_data(d, DATA_THRESHOLDS, k->thresholds.n, k->thresholds.version);
    print_data(d, DATA_TARGETS, k->workloads.n, k->workloads.version);
    print_data(d, DATA_SUFFIXES, k->suffixes.n, k->suffixes.version);
    print_data(d, DATA_ISSUERS, k->issuers.n, k->issuers.version);
    print_data(d, DATA_ORIGINS, k->origins.n, k->origins.version);
    print_data(d, DATA_AIRPORTS, k->metros.n_airports, k->metros.airports_version);
}

static int check_config(int argc, char **argv)
{
    const char *given = NULL;
    bool keys = false;
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        if (c == 'k')
            keys = true;
        else if (c == 'c')
            given = optarg;
        else
            return CMD_CANNOT;
    }
    if (keys && (given != NULL || optind < argc))
        return cmd_cannot("check-config --keys prints all keys, and reads no file; leave "
                          "out '%s'",
                          given != NULL ? given : argv[optind]);
    if (keys)
        return print_keys();
    if (argc - optind > (given == NULL))
        return cmd_cannot("check-config takes one FILE; '%s' is too many",
                          argv[argc - 1]);
    if (optind < argc)
        given = argv[optind];
    if (given != NULL && strcmp(given, "-") == 0)
        given = "/dev/stdin";

    struct config config;
    const char *path = load_path(given);
    struct data data;
    size_t problems = load_all(&config, &data, path);
    problems += named_files_check(&config, NAMED_FILES_PERSON);
    if (problems == 0) {
        print_summary(&config, path);
        print_services(&config, &data.known.workloads);
        print_uplinks(&config);
        print_discovery(&config, &data.known.workloads);
        print_media(&config);
        print_budget(&config);
    }
    print_all_data(&data);
    data_free(&data);
    config_free(&config);
    return problems == 0 ? CMD_FINE : CMD_CANNOT;
}

const struct command command_check_config = {
    .name = "check-config",
    .summary = "check the configuration and the data files",
    .arguments = "[FILE]",
    .first = CMD_FILE,
    .options = options,
    .about =
        "Reads the configuration as the agent does, and the data files (metros.csv, "
        "prefixes.csv, thresholds.csv, targets.csv, suffixes.csv, issuers.csv, origins.csv, "
        "airports.csv in $EDGELAT_DATA, /etc/edgelat or /usr/share/edgelat). Reports every problem with "
        "file, line and a suggestion; the exit code is then 2.\n"
        "Also opens the files that the configuration names (ca_file, cert_file, "
        "key_file, header_file). Changes nothing and sends nothing.\n"
        "FILE is the same as -c FILE.",
    .examples = "edgelat check-config\n"
                "edgelat check-config ./branch.conf && sudo systemctl reload edgelat\n",
    .run = check_config,
};
