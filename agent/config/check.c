#include "base/text.h"
#include "config/keys.h"
#include "core/limits.h"
#include "core/pipeline.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checking {
    const struct config *config;
    const char *file;
    config_problem_cb *on_problem;
    void *user;
    size_t problems;
};

static void say(struct checking *k, struct text *text)
{
    k->problems++;
    k->on_problem(text_string(text), k->user);
    text_free(text);
}

#define PROBLEM(k, ...)                                                                  \
    do {                                                                                 \
        struct text text_ = {0};                                                         \
        text_add(&text_, __VA_ARGS__);                                                   \
        say(k, &text_);                                                                  \
    } while (0)

/* A probe that waits longer than its interval would overlap the next one. */
static void check_waiting(struct checking *k, const struct kinds *kinds,
                          const struct target_draft *draft)
{
    const struct target *t = &draft->target;
    for (size_t i = 0; i < kinds->n; i++) {
        char waiting[DURATION_TEXT_MAX], interval[DURATION_TEXT_MAX],
            longest[DURATION_TEXT_MAX];
        int64_t longest_ns = waiting_longest_ns(t->interval_ns[i]);
        if (!t->kinds[i] || t->waiting_ns[i] <= longest_ns)
            continue;
        PROBLEM(k,
                "%s:%zu: [target %s] waits %s for an answer to %s, but sends a probe "
                "every %s; set %s_waiting to at most %s, or a longer %s_interval",
                draft->file, draft->line, t->name,
                duration_text(waiting, t->waiting_ns[i]), kinds->list[i]->name,
                duration_text(interval, t->interval_ns[i]), kinds->list[i]->name,
                duration_text(longest, longest_ns), kinds->list[i]->name);
    }
}

static void check_kind_rates(struct checking *k, const struct kinds *kinds,
                             const struct target_draft *draft)
{
    struct target t = draft->target;
    for (size_t i = 0; i < kinds->n; i++) {
        const struct kind *kind = kinds->list[i];
        for (size_t other = 0; other < KINDS_MAX; other++)
            t.kinds[other] = other == i && draft->target.kinds[i];
        double rate = send_rate_of(&t, kinds, t.interval_ns).of[RATE_PROBES];
        if (kind->most_per_s > 0 && rate > kind->most_per_s * (1 + 1e-9))
            PROBLEM(k,
                    "%s:%zu: [target %s] would get %g %s probes a second over its "
                    "address families; at most %g: set %s_interval to %gs or more",
                    draft->file, draft->line, t.name, rate, kind->name, kind->most_per_s,
                    kind->name, rate / kind->most_per_s * (double)t.interval_ns[i] / 1e9);
    }
}

static void check_target(struct checking *k, const struct target_draft *draft)
{
    const struct target *t = &draft->target;
    struct endpoint e = {.family = FAMILY_NONE};
    char zone[ZONE_TEXT_MAX];
    if (t->host[0] == '\0') {
        PROBLEM(k, "%s:%zu: [target %s] needs a host: host = NAME", draft->file,
                draft->line, t->name);
        return;
    }
    if (endpoint_parse_zoned(&e, zone, t->host, 0) &&
        !(e.family == FAMILY_IPV4 ? t->ipv4 : t->ipv6))
        PROBLEM(k,
                "%s:%zu: [target %s] can never be probed: its host is an %s address "
                "and its family the other one",
                draft->file, draft->line, t->name, family_name(e.family));
    if (endpoint_is_link_local(&e) && zone[0] == '\0')
        PROBLEM(k,
                "%s:%zu: [target %s] can never be probed: its host is a link-local "
                "address without its interface: host = %s%%eth0",
                draft->file, draft->line, t->name, t->host);
}

static void check_uplinks(struct checking *k)
{
    const struct config *c = k->config;
    for (size_t i = 0; i < c->n_uplinks; i++) {
        const struct uplink *u = &c->uplinks[i];
        if (u->interface[0] == '\0' && u->mark == 0 &&
            u->source[0].family == FAMILY_NONE && u->source[1].family == FAMILY_NONE)
            PROBLEM(k,
                    "%s: [uplink %s] has no interface, source or mark, so its packets "
                    "would go as the routes say; add one of them",
                    k->file, u->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(u->interface, c->uplinks[j].interface) == 0 &&
                u->mark == c->uplinks[j].mark &&
                memcmp(u->source, c->uplinks[j].source, sizeof u->source) == 0)
                PROBLEM(k, "%s: [uplink %s] and [uplink %s] are the same; remove one",
                        k->file, c->uplinks[j].name, u->name);
    }
}

static void check_collector(struct checking *k, const struct collector *c)
{
    char section[TARGET_NAME_MAX + 16];
    bool first = c->name[0] == '\0';
    bool described = c->ca_file[0] != '\0' || c->cert_file[0] != '\0' ||
                     c->key_file[0] != '\0' || c->header_file[0] != '\0' ||
                     c->proxy[0] != '\0';
    snprintf(section, sizeof section, first ? "[collector]" : "[collector %s]", c->name);
    if (c->url[0] == '\0' && (described || !first || k->config->n_collectors > 1))
        PROBLEM(k,
                "%s: %s has no url, so nothing would be shipped: url = https://COLLECTOR",
                k->file, section);
    if ((c->cert_file[0] == '\0') != (c->key_file[0] == '\0'))
        PROBLEM(k, "%s: %s has a %s, but no %s; mutual TLS needs both", k->file, section,
                c->cert_file[0] != '\0' ? "cert_file" : "key_file",
                c->cert_file[0] != '\0' ? "key_file" : "cert_file");
}

static void check_choice(struct checking *k)
{
    const struct metric_choice *choice = &k->config->shipping.choice;
    if (!choice->histograms && choice->quantiles == QUANTILES_NONE)
        PROBLEM(
            k,
            "%s: [collector] has histograms = no and quantiles = no, so no delay would "
            "be sent; remove one of them",
            k->file);
}

/* Takes the next of the addresses that are separated by spaces, each followed by "=N" or
 * nothing. The list was checked when it was read. */
static bool next_address(const char **at, struct endpoint *out)
{
    char word[64];
    size_t len = strcspn(*at, " \t,"), address = strcspn(*at, " \t,=");
    text_copy(word, address + 1 < sizeof word ? address + 1 : sizeof word, *at);
    *at += len + strspn(*at + len, " \t,");
    return len > 0 && endpoint_parse(out, word, 0);
}

static void check_peering(struct checking *k)
{
    static const struct peering none;
    const struct peering *p = &k->config->peering;
    char text[ADDRESS_TEXT_MAX];
    struct endpoint e;
    for (const char *at = p->public_addresses; next_address(&at, &e);)
        if (!endpoint_in_prefixes(p->prefixes, &e))
            PROBLEM(k,
                    "%s: [peering_service] public_addresses has %s, which is in none of "
                    "the prefixes: Peering Service does not route its traffic; correct "
                    "the address, or register its prefix in Azure and add it to prefixes",
                    k->file, endpoint_address(text, &e));
    if (p->connection[0] == '\0' && memcmp(p, &none, sizeof none) != 0)
        PROBLEM(k,
                "%s: [peering_service] has no connection; name it as in Azure: "
                "connection = NAME",
                k->file);
}

static bool is_in(const char *list, const struct endpoint *address)
{
    struct endpoint e;
    while (next_address(&list, &e))
        if (endpoint_same_address(&e, address))
            return true;
    return false;
}

static void check_flows(struct checking *k)
{
    const struct config *c = k->config;
    bool on = c->traffic_flows[0] != '\0', exporters = c->traffic_exporters[0] != '\0';
    if (on && !exporters)
        PROBLEM(
            k,
            "%s: [traffic] has flows but no exporters; name the routers that may send "
            "flows: exporters = ADDRESS",
            k->file);
    if (!on && (exporters || c->traffic_sampling[0] != '\0'))
        PROBLEM(k,
                "%s: [traffic] has %s but no flows, so the receiver is off; set flows = "
                "ADDRESS:PORT, or remove %s",
                k->file, exporters ? "exporters" : "sampling",
                exporters ? "exporters" : "sampling");
    struct endpoint e;
    char address[ADDRESS_TEXT_MAX];
    size_t n = 0;
    for (const char *at = c->traffic_exporters; next_address(&at, &e);)
        n++;
    for (const char *at = c->traffic_sampling; exporters && next_address(&at, &e);)
        if (!is_in(c->traffic_exporters, &e))
            PROBLEM(k,
                    "%s: [traffic] has sampling of %s, which is not in exporters; add it "
                    "there, or remove it from sampling",
                    k->file, endpoint_address(address, &e));
    if (n > TRAFFIC_EXPORTERS_MAX)
        PROBLEM(k,
                "%s: [traffic] has more than %d exporters; send their flows to several "
                "agents",
                k->file, TRAFFIC_EXPORTERS_MAX);
}

/* ---- traffic limits ---- */

static int larger_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* All uplinks share the full rate of a target: core/uplinks.h. */
static struct send_rate of_uplinks(const struct config *c, const struct kinds *kinds)
{
    struct send_rate sum = {{0}};
    for (size_t t = 0; t < c->n_targets && c->n_uplinks > 0; t++) {
        const struct target *target = &c->targets[t];
        struct send_rate full = send_rate_of(target, kinds, target->interval_ns);
        if (uplinks_probe(target))
            send_rate_add(&sum, &full, 1);
    }
    return sum;
}

/* Rates of all targets, assuming that the nearest ones are those with the highest rates.
 * */
static struct send_rate of_targets(const struct config *c, const struct kinds *kinds)
{
    struct send_rate sum = {{0}};
    double more[RATE_MEASURES][TARGETS_MAX]; /* additional rate of a near target */
    assert(c->n_targets <= TARGETS_MAX);
    for (size_t t = 0; t < c->n_targets; t++) {
        const struct target *target = &c->targets[t];
        struct send_rate slow = send_rate_of(target, kinds, target->slow_interval_ns);
        struct send_rate full = send_rate_of(target, kinds, target->interval_ns);
        send_rate_add(&sum, &slow, 1);
        for (size_t i = 0; i < RATE_MEASURES; i++)
            more[i][t] = full.of[i] - slow.of[i];
    }
    struct send_rate uplinks = of_uplinks(c, kinds);
    send_rate_add(&sum, &uplinks, 1);
    for (size_t i = 0; i < RATE_MEASURES; i++) {
        qsort(more[i], c->n_targets, sizeof more[i][0], larger_first);
        for (size_t t = 0; t < c->n_targets && t < c->nearest; t++)
            sum.of[i] += more[i][t];
    }
    return sum;
}

/*
 * Rates that discovery may add (edge/explorer.h): front doors, each probed like the
 * target with the highest rate, and `names` of targets.csv, probed with defaults.
 */
static struct send_rate of_discovered(const struct config *c, const struct kinds *kinds,
                                      size_t names)
{
    struct target usual = target_default(kinds);
    struct send_rate slow = send_rate_of(&usual, kinds, usual.slow_interval_ns);
    struct send_rate full = send_rate_of(&usual, kinds, usual.interval_ns);
    struct send_rate door = full, sum = {{0}};
    size_t near = names < c->nearest ? names : c->nearest;
    for (size_t t = 0; t < c->n_targets; t++) {
        struct send_rate own =
            send_rate_of(&c->targets[t], kinds, c->targets[t].interval_ns);
        for (size_t i = 0; i < RATE_MEASURES; i++)
            if (own.of[i] > door.of[i])
                door.of[i] = own.of[i];
    }
    send_rate_add(&sum, &door, c->front_doors);
    send_rate_add(&sum, &full, near);
    send_rate_add(&sum, &slow, names - near);
    return sum;
}

/* Rates of all targets with the host of `like`, each at its full rate. */
static struct send_rate of_host(const struct config *c, const struct kinds *kinds,
                                const struct target *like)
{
    struct send_rate sum = {{0}};
    for (size_t t = 0; t < c->n_targets; t++) {
        const struct target *target = &c->targets[t];
        struct send_rate full = send_rate_of(target, kinds, target->interval_ns);
        if (target_same_host(like, target))
            send_rate_add(&sum, &full, c->n_uplinks > 0 && uplinks_probe(target) ? 2 : 1);
    }
    return sum;
}

/* The measure that exceeds its limit by the largest factor, or RATE_MEASURES. */
static size_t worst(const struct send_rate *traffic, const struct send_rate *most)
{
    size_t worst = RATE_MEASURES;
    double share = 1;
    for (size_t i = 0; i < RATE_MEASURES; i++)
        if (traffic->of[i] / most->of[i] > share) {
            share = traffic->of[i] / most->of[i];
            worst = i;
        }
    return worst;
}

/* Appends the target with the highest rate of measure `i`: "; [target a] of FILE:7 alone
 * 9". */
static void add_largest(struct text *out, const struct config *c,
                        const struct kinds *kinds, size_t i)
{
    double most = -1;
    size_t largest = 0;
    for (size_t t = 0; t < c->n_targets; t++) {
        double own = send_rate_of(&c->targets[t], kinds, c->targets[t].interval_ns).of[i];
        largest = own > most ? t : largest;
        most = own > most ? own : most;
    }
    if (c->drafts != NULL && c->n_targets > 0)
        text_add(out, "; [target %s] of %s:%zu alone %.0f", c->targets[largest].name,
                 c->drafts[largest].file, c->drafts[largest].line, most);
}

enum { MTU_PER_S = 3 };

/* Two searches of a path MTU, daemon/mtu_finder.h: MTU_PER_S packets of 1500 bytes a second,
 * and their answers. Tracing the paths, edge/path_schedule.h: two at once, each of at most 90 packets a second
 * and their answers of 100 bytes. No host gets more than 3 of them. */
static struct send_rate of_paths(const struct config *c)
{
    struct send_rate sum = {{0}};
    if (c->path_trace) {
        sum.of[RATE_PACKETS] = 2 * 2 * 90;
        sum.of[RATE_BYTES] = 100 * sum.of[RATE_PACKETS];
    }
    if (c->path_mtu) {
        double packets = 2 * 2 * MTU_PER_S;
        sum.of[RATE_PACKETS] += packets;
        sum.of[RATE_BYTES] += 1500 * packets;
    }
    return sum;
}

/* One handshake or query at a time, four a second: edge/resolver_watch.h; and a query to
 * each of 8 servers once a minute. A query is at most 12 packets and 2.5 kB. */
static struct send_rate of_resolvers(const struct config *c)
{
    struct send_rate sum = {{0}};
    if (c->dns_probe) {
        sum.of[RATE_PROBES] = 4 + 8 / 60.0;
        sum.of[RATE_PACKETS] = 12 * sum.of[RATE_PROBES];
        sum.of[RATE_BYTES] = 2528 * sum.of[RATE_PROBES];
    }
    return sum;
}

static void check_all_traffic(struct checking *k, const struct kinds *kinds)
{
    const struct config *c = k->config;
    struct send_rate all = of_targets(c, kinds);
    struct send_rate found = of_discovered(
        c, kinds, c->workloads ? PIPELINE_ADDED_AT_A_TIME - c->front_doors : 0);
    struct send_rate paths = of_paths(c), resolvers = of_resolvers(c);
    send_rate_add(&all, &found, 1);
    send_rate_add(&all, &resolvers, 1);
    send_rate_add(&all, &paths, 1);
    size_t i = worst(&all, &limits_agent);
    if (i == RATE_MEASURES)
        return;
    struct text largest = {0};
    add_largest(&largest, k->config, kinds, i);
    PROBLEM(
        k,
        "%s: the targets, their paths, and what discovery adds, make up to %.0f %s a second, more "
        "than %.0f%s; fewer targets, longer intervals, or a lower nearest or "
        "front_doors are needed",
        k->file, all.of[i], send_rate_names[i], limits_agent.of[i],
        text_string(&largest));
    text_free(&largest);
}

/* Called for the last target of a host, whose rate exceeds the limit: checks all targets
 * of that host together. */
static void check_host_traffic(struct checking *k, const struct kinds *kinds, size_t last)
{
    const struct config *c = k->config;
    const struct target *target = &c->targets[last];
    for (size_t t = last + 1; t < c->n_targets; t++)
        if (target_same_host(&c->targets[t], target))
            return;
    struct send_rate sum = of_host(c, kinds, target);
    size_t i = worst(&sum, &limits_host);
    if (i < RATE_MEASURES && target->host[0] != '\0')
        PROBLEM(k,
                "%s:%zu: with [target %s] the targets of host %s make up to %.0f %s a "
                "second, more than %.0f; fewer targets of that host or longer intervals "
                "are needed",
                c->drafts[last].file, c->drafts[last].line, target->name, target->host,
                sum.of[i], send_rate_names[i], limits_host.of[i]);
}

double config_rate(const struct config *c, const struct kinds *kinds)
{
    return of_targets(c, kinds).of[RATE_PROBES];
}

double config_rate_uplinks(const struct config *c, const struct kinds *kinds)
{
    return of_uplinks(c, kinds).of[RATE_PROBES];
}

double config_rate_found(const struct config *c, const struct kinds *kinds, size_t names)
{
    return of_discovered(c, kinds, names).of[RATE_PROBES];
}

/* Same rule as in pipeline_pace.c: as fast as that, within the limit. */
static double survey_rate(const struct target *t, const struct kinds *kinds)
{
    int64_t intervals[KINDS_MAX];
    for (size_t k = 0; k < kinds->n; k++)
        intervals[k] = survey_interval_ns(t->interval_ns[k]);
    return send_rate_of(t, kinds, intervals).of[RATE_PROBES];
}

double config_rate_survey(const struct config *c, const struct kinds *kinds, size_t names)
{
    struct target usual = target_default(kinds);
    double own, sum = 0, door = survey_rate(&usual, kinds);
    sum += (double)names * door;
    for (size_t t = 0; t < c->n_targets; t++) {
        own = survey_rate(&c->targets[t], kinds);
        sum += own;
        door = own > door ? own : door;
    }
    sum += c->front_doors * door;
    double most = limits_agent.of[RATE_PROBES];
    return sum < most ? sum : most;
}

/* An address cannot be at both locations. */
static void check_peers(struct checking *k)
{
    const struct config *c = k->config;
    const char *primary = c->bmp_primary_peers;
    char address[ADDRESS_TEXT_MAX];
    for (struct endpoint e; endpoint_next(&primary, &e);)
        if (endpoint_is_listed(c->bmp_backup_peers, &e))
            PROBLEM(k,
                    "%s: [bmp] has %s in both primary_peers and backup_peers; a BGP "
                    "neighbour is at one location, so remove it from one of them",
                    k->file, endpoint_address(address, &e));
}

/* ---- all checks ---- */

size_t config_check(const struct config *c, const struct kinds *kinds, const char *file,
                    config_problem_cb *on_problem, void *user)
{
    struct checking k = {
        .config = c, .file = file, .on_problem = on_problem, .user = user};
    if (c->n_targets == 0 && !c->workloads)
        PROBLEM(&k,
                "%s: there is no target, and workloads = no; add for example these three "
                "lines:\n"
                "    [target teams]\n"
                "    service = teams\n"
                "    host = teams.microsoft.com",
                file);
    for (size_t t = 0; c->drafts != NULL && t < c->n_targets; t++) {
        check_target(&k, &c->drafts[t]);
        check_waiting(&k, kinds, &c->drafts[t]);
        check_kind_rates(&k, kinds, &c->drafts[t]);
    }
    for (size_t i = 0; i < c->n_collectors; i++)
        check_collector(&k, &c->collectors[i]);
    check_choice(&k);
    check_uplinks(&k);
    check_peering(&k);
    if (c->bmp_listen[0] != '\0' && c->bmp_routers[0] == '\0')
        PROBLEM(
            &k,
            "%s: [bmp] has listen but no routers; name the addresses that may connect: "
            "routers = ADDRESS",
            file);
    if (c->bmp_listen[0] == '\0' && c->bmp_routers[0] != '\0')
        PROBLEM(
            &k,
            "%s: [bmp] has routers but no listen, so the station is off; set listen = "
            "ADDRESS:PORT, or remove routers",
            file);
    check_flows(&k);
    if (c->bmp_listen[0] == '\0' && c->bmp_validator[0] != '\0')
        PROBLEM(
            &k,
            "%s: [bmp] has validator but no listen, so the station is off; set listen = "
            "ADDRESS:PORT, or remove validator",
            file);
    check_peers(&k);
    check_all_traffic(&k, kinds);
    for (size_t t = 0; c->drafts != NULL && t < c->n_targets; t++)
        check_host_traffic(&k, kinds, t);
    return k.problems;
}
