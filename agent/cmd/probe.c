#include "base/intern.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/host.h"
#include "cmd/live.h"
#include "cmd/media.h"
#include "config/values.h"
#include "core/time.h"
#include "net/http_proxy.h"
#include "net/pem.h"
#include "probe/dns/dns.h"
#include "probe/kinds.h"

#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    OPT_JSON = 256,
    OPT_DSCP,
    OPT_DF,
    OPT_PATH,
    OPT_SERVER_NAME,
    OPT_NAME,
    OPT_CA,
    OPT_MEDIA
};

static const struct cmd_option options[] = {
    {"count", 'c', "N", "probes per host (default 10; 0: until Ctrl-C); also -n",
     .also = 'n'},
    {"interval", 'i', "SEC",
     "between two probes to a host (default 1; at least 0.01 for root, 0.2 for others)"},
    {"wait", 'W', "SEC",
     "waiting time: a later answer is late (default 2, of https 10; at most 10); also -w",
     .also = 'w'},
    {"quiet", 'q', NULL, "only the summary"},
    {"timestamp", 'D', NULL,
     "Unix time in each line, as ping does (default: local time)"},
    {"ipv4", '4', NULL,
     "IPv4 only; with -6 both (default: the family that a user's traffic takes)"},
    {"ipv6", '6', NULL, "IPv6 only; with -4 both"},
    {"uplink", 'I', "FROM",
     "interface (also a VRF device) or source address of the probes, or an uplink of the "
     "configuration (default: as the routes say)",
     CMD_INTERFACE},
    {"json", OPT_JSON, NULL,
     "one JSON object per line for each result, then for each summary"},
    {"size", 's', "BYTES", "payload, 16 to 1400 (default 56)", .uses = USES_PAYLOAD},
    {"ttl", 't', "N", "time to live or hop limit, 1 to 255", .uses = USES_TTL},
    {"dscp", OPT_DSCP, "N", "DSCP, 0 to 63", .uses = USES_DSCP},
    {"df", OPT_DF, NULL, "do not fragment", .uses = USES_PAYLOAD},
    {"path", OPT_PATH, "PATH", "path to request (default /)", .uses = USES_HTTP},
    {"server-name", OPT_SERVER_NAME, "NAME",
     "name for SNI, Host header and certificate check (default HOST)", .uses = USES_TLS},
    {"name", OPT_NAME, "NAME", "name to ask the DNS server for (default " DNS_QUERY ")",
     .uses = USES_QUERY},
    {"ca", OPT_CA, "FILE", "certificates to trust instead of the system's", CMD_FILE,
     .uses = USES_TLS},
    {"media", OPT_MEDIA, NULL,
     "one burst like a call: 50 packets a second for 15 s; loss, delay variation and MOS, "
     "against Microsoft's limits",
     .uses = USES_MEDIA},
    {0},
};

struct options {
    double interval_s, wait_s;
    int64_t count, payload, dscp, ttl;
    bool ipv4, ipv6, json, quiet, unix_time, dont_fragment, media;
    const char *path, *ca_file;
    char server_name[HOST_TEXT_MAX], query[HOST_TEXT_MAX];
    bool given[sizeof options / sizeof *options];
    struct uplink uplink; /* name "": by the system's routes */
};

/* Parses optarg; reports errors. */
static bool number(const char *option, double least, double most, double *out)
{
    if (text_to_number(optarg, least, most, out))
        return true;
    cmd_cannot("%s takes a number from %g to %g, not '%s'", option, least, most, optarg);
    return false;
}

static bool integer(const char *option, int64_t least, int64_t most, int64_t *out)
{
    if (text_to_integer(optarg, least, most, out))
        return true;
    cmd_cannot("%s takes a whole number from %lld to %lld, not '%s'", option,
               (long long)least, (long long)most, optarg);
    return false;
}

static bool interval(double *out)
{
    double least = geteuid() == 0 ? 0.01 : 0.2;
    if (!text_to_number(optarg, 0, 86400, out))
        return number("-i", least, 86400, out);
    if (*out >= least)
        return true;
    cmd_cannot("an interval of %s s is too short: at least %g s%s", optarg, least,
               least > 0.1 ? "; root may use 0.01 s" : "");
    return false;
}

/* Parsed as in the configuration. */
static bool host_name(const char *option, char out[HOST_TEXT_MAX])
{
    const struct config_key key = {.size = HOST_TEXT_MAX};
    struct text must = {0};
    bool fine = config_read_host(out, &key, optarg, probe_kind_words(), &must);
    if (!fine)
        cmd_cannot("%s '%s': it must %s", option, optarg, text_string(&must));
    text_free(&must);
    return fine;
}

/* Refuses an option that none of the kinds uses. */
static bool are_used(const struct options *o, const struct live *live)
{
    unsigned uses = 0;
    for (size_t k = 0; k < live->n_kinds; k++)
        uses |= probe_kinds[live->kinds[k]]->kind.uses;
    for (size_t i = 0; options[i].name != NULL; i++) {
        if (!o->given[i] || options[i].uses == 0 || (options[i].uses & uses) != 0)
            continue;
        struct kinds some = kinds_using(probe_kind_words(), options[i].uses);
        struct text names = {0};
        kinds_add_names(&names, &some, ", ", " and ");
        if (live->n_kinds > 1) /* none was given */
            cmd_cannot("--%s is for %s; give the kind: edgelat probe %s", options[i].name,
                       text_string(&names), some.list[0]->name);
        else
            cmd_cannot("--%s is for %s, not for %s; leave it out", options[i].name,
                       text_string(&names), probe_kinds[live->kinds[0]]->kind.name);
        text_free(&names);
        return false;
    }
    return true;
}

static bool certificates(const char *file)
{
    struct text why = {0};
    int rc = pem_check_certificates(file, &why);
    if (rc < 0)
        cmd_cannot("--ca %s: %s", file,
                   rc == -EBADMSG ? text_string(&why) : strerror(-rc));
    text_free(&why);
    return rc == 0;
}

static bool take_option(struct options *o, int c)
{
    for (size_t i = 0; options[i].name != NULL; i++)
        o->given[i] |= options[i].letter == c;
    switch (c) {
    case 'c':
        return integer("-c", 0, 100000000, &o->count);
    case 'i':
        return interval(&o->interval_s);
    case 'W':
        return number("-W", 0.01, 10, &o->wait_s);
    case 'q':
        return o->quiet = true;
    case 'D':
        return o->unix_time = true;
    case '4':
        return o->ipv4 = true;
    case '6':
        return o->ipv6 = true;
    case 'I':
        return cmd_uplink(&o->uplink, optarg, NULL);
    case OPT_JSON:
        return o->json = true;
    case OPT_DF:
        return o->dont_fragment = true;
    case OPT_MEDIA:
        return o->media = true;
    case 't':
        return integer("--ttl", 1, 255, &o->ttl);
    case 's':
        return integer("--size", 16, 1400, &o->payload);
    case OPT_DSCP:
        return integer("--dscp", 0, 63, &o->dscp);
    case OPT_PATH:
        o->path = optarg;
        return optarg[0] == '/' ||
               (cmd_cannot("--path must begin with '/', not '%s'", optarg), false);
    case OPT_SERVER_NAME:
        return host_name("--server-name", o->server_name);
    case OPT_NAME:
        return host_name("--name", o->query);
    case OPT_CA:
        o->ca_file = optarg;
        return certificates(optarg);
    default:
        return false; /* cmd_getopt() reported it */
    }
}

/* Parses HOST or HOST:PORT into target->host and ->port. */
static bool parse_host(struct target *target, const struct live *live,
                       const struct options *o, const char *text)
{
    struct host_rules rules = {
        .ipv4_only = o->ipv4 && !o->ipv6,
        .ipv6_only = o->ipv6 && !o->ipv4,
        .without = probe_kinds[live->kinds[0]]->kind.name,
        .path = "",
    };
    for (size_t k = 0; k < live->n_kinds; k++) {
        unsigned uses = probe_kinds[live->kinds[k]]->kind.uses;
        rules.port |= (uses & USES_PORT) != 0;
        if (uses & USES_HTTP)
            rules.path = " and give the path with --path";
    }
    struct host_port h;
    if (!cmd_host(&h, text, &rules))
        return false;
    target->name = target->host = intern(h.host);
    if (h.has_port)
        target->port = h.port;
    return true;
}

static bool make_target(struct target *target, const struct live *live,
                        const struct options *o, const char *text)
{
    *target = target_default(probe_kind_words());
    if (!parse_host(target, live, o, text))
        return false;
    bool any = !o->ipv4 && !o->ipv6;
    target->uplink = o->uplink.name[0] != '\0' ? &o->uplink : NULL;
    target->ipv4 = (o->ipv4 || any) && uplink_has_family(target->uplink, FAMILY_IPV4);
    target->ipv6 = (o->ipv6 || any) && uplink_has_family(target->uplink, FAMILY_IPV6);
    if (!target->ipv4 && !target->ipv6) {
        cmd_cannot("-I %s is not an address of the family that was asked for",
                   o->uplink.name);
        return false;
    }
    if (o->wait_s > 0)
        target_wait(target, (int64_t)(o->wait_s * 1e9));
    target->payload_bytes = (uint16_t)o->payload;
    target->dscp = (uint8_t)o->dscp;
    target->ttl = (uint8_t)o->ttl;
    target->dont_fragment = o->dont_fragment;
    target->proxied = http_proxy_used(target);
    target->server_name = o->server_name;
    target->query = o->query;
    target->path = o->path;
    target->ca_file = o->ca_file;
    if (strlen(o->path) >= PATH_TEXT_MAX || strlen(o->ca_file) >= FILE_TEXT_MAX) {
        cmd_cannot("--path and --ca take at most %d characters", PATH_TEXT_MAX - 1);
        return false;
    }
    return true;
}

/* In any case: "ICMP". */
static size_t find_kind(const char *name)
{
    for (size_t i = 0; i < probe_kinds_count; i++)
        if (strcasecmp(probe_kinds[i]->kind.name, name) == 0)
            return i;
    return KIND_NONE;
}

static int no_such_kind(const char *name)
{
    const struct kinds *kinds = probe_kind_words();
    const char *names[KINDS_MAX];
    for (size_t i = 0; i < kinds->n; i++)
        names[i] = kinds->list[i]->name;
    const char *near = text_nearest(name, names, kinds->n);
    struct text next = {0};
    if (near != NULL) {
        text_add(&next, "did you mean '%s'?", near);
    } else {
        text_add(&next, "the kinds are ");
        kinds_add_names(&next, kinds, ", ", " and ");
    }
    cmd_cannot("unknown kind of probe '%s'; %s", name, text_string(&next));
    text_free(&next);
    return CMD_CANNOT;
}

/*
 * Takes the kind from the words, or all kinds that are on by default where the first word
 * is a host. The first of several words is meant as a kind if it has no dot or colon.
 */
static int take_kinds(struct live *live, char **words, size_t n)
{
    size_t kind = n > 0 ? find_kind(words[0]) : KIND_NONE;
    if (n == 0 || (n == 1 && kind != KIND_NONE))
        return cmd_cannot("HOST is required; `edgelat probe --help` has examples");
    if (kind != KIND_NONE) {
        live->kinds[live->n_kinds++] = kind;
        return CMD_FINE;
    }
    if (n > 1 && find_kind(words[1]) != KIND_NONE)
        return cmd_cannot("the kind comes first: edgelat probe %s %s",
                          probe_kinds[find_kind(words[1])]->kind.name, words[0]);
    if (n > 1 && strpbrk(words[0], ".:") == NULL)
        return no_such_kind(words[0]);
    for (size_t i = 0; i < probe_kinds_count; i++)
        if (probe_kinds[i]->kind.on_by_default)
            live->kinds[live->n_kinds++] = i;
    return CMD_FINE;
}

static int run(int argc, char **argv)
{
    struct options o = {
        .interval_s = 1, .count = 10, .payload = 56, .path = "/", .ca_file = ""};
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;)
        if (!take_option(&o, c))
            return CMD_CANNOT;
    if (o.media && (o.given[0] || o.given[1] || o.given[2]))
        return cmd_cannot("--media sends a burst of fixed length: -c, -i and -W do not "
                          "apply; leave them out");
    struct live live = {
        .count = (uint32_t)o.count,
        .interval_ns = (int64_t)(o.interval_s * 1e9),
        .every_family = o.ipv4 || o.ipv6,
        .json = o.json,
        .quiet = o.quiet,
        .unix_time = o.unix_time,
    };
    char **hosts = argv + optind;
    size_t n = (size_t)(argc - optind);
    if (take_kinds(&live, hosts, n) != CMD_FINE || !are_used(&o, &live))
        return CMD_CANNOT;
    if (find_kind(hosts[0]) != KIND_NONE) {
        hosts++;
        n--;
    }
    if (n > TARGETS_MAX)
        return cmd_cannot("%zu hosts are too many: at most %d", n, TARGETS_MAX);
    live.targets = mem_zalloc(n * sizeof *live.targets);
    int rc = CMD_FINE;
    for (live.n = 0; live.n < n && rc == CMD_FINE; live.n++)
        if (!make_target(&live.targets[live.n], &live, &o, hosts[live.n]))
            rc = CMD_CANNOT;
    if (rc == CMD_FINE)
        rc = o.media ? media_run(live.targets, live.n, o.json) : live_run(&live);
    free(live.targets);
    return rc;
}

const struct command command_probe = {
    .name = "probe",
    .summary = "probe hosts now, with percentiles",
    .arguments = "[KIND] HOST[:PORT]...",
    .first = CMD_KIND,
    .rest = CMD_HOST,
    .options = options,
    .about =
        "Probes any hosts with probes of one kind, or without KIND by ICMP, TCP and HTTPS, as the "
        "agent does, and prints each result, then a summary with percentiles. Needs no agent and no "
        "configuration.",
    .notes =
        "The probes to a host go to its addresses in turn, at most eight; the summary has a "
        "line for each. It is that of the addresses that answered, as a client takes the "
        "next one after 250 ms.\n"
        "\n"
        "Ctrl-C and SIGTERM end it with the summary; probes in flight count as sent. "
        "Ctrl-\\ (SIGQUIT) prints the counts so far on standard error. Times in the text "
        "are local with the UTC offset (Z: UTC); JSON has UTC.\n"
        "\n"
        "Exit code: 0 every probe was answered (except those in flight at the end); 1 "
        "some or all were not, or a median is above Microsoft's limit; 2 error.",
    .examples = "edgelat probe teams.microsoft.com\n",
    .run = run,
    .needs = CMD_LOOP_NEEDS,
};
