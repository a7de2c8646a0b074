#include "base/log.h"
#include "base/mem.h"
#include "cmd/agent_answer.h"
#include "cmd/allowance.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/host.h"
#include "cmd/interrupt.h"
#include "cmd/load.h"
#include "cmd/trace_print.h"
#include "core/result.h"
#include "daemon/routes_server.h"
#include "edge/location.h"
#include "edge/owners.h"
#include "net/clock.h"
#include "net/http_proxy.h"
#include "net/resolver.h"
#include "net/socket.h"
#include "net/timer.h"
#include "probe/cause.h"
#include "probe/path/mtu_prober.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPT_JSON = 256,
    OPT_ICMP,
    OPT_TCP,
    OPT_UDP,
    OPT_PATHS,
    OPT_MTU,
    OPT_AS_DATABASE,
    OPT_AS_DNS
};
enum { AS_ABOUT_MAX = 160 };
enum { TCP_PORT = 443, UDP_PORT = 33434, NAMES_MAX = TRACE_TTL_MAX * TRACE_QUERIES };

/* Router names that DNS has not told by then stay unknown, counted from the first packet;
 * with TRACE_LIMIT_NS everything is done within 2 s. */
#define NAMES_NS (1750 * NS_PER_MS)

/* With --paths: no other flow is traced later, and the names get at least so long. */
#define FLOWS_NS      (8 * NS_PER_S)
#define LAST_NAMES_NS (250 * NS_PER_MS)

static const struct cmd_option options[] = {
    {"icmp", OPT_ICMP, NULL, "by ICMP echo (default, if this user may send it)"},
    {"tcp", OPT_TCP, NULL,
     "by TCP handshakes, port 443, one at a time (default otherwise)"},
    {"udp", OPT_UDP, NULL, "by UDP, port 33434"},
    {"ipv4", '4', NULL, "IPv4 only"},
    {"ipv6", '6', NULL, "IPv6 only (default: IPv4 if it has an address and a route)"},
    {"uplink", 'I', "FROM",
     "interface (also a VRF device) or source address of the packets, or an uplink of the "
     "configuration (default: as the routes say)",
     CMD_INTERFACE},
    {"numeric", 'n', NULL,
     "do not look up the names of routers; the entry then has no metro"},
    {"paths", OPT_PATHS, NULL,
     "also find equal-cost paths, by 15 more flows of TCP or UDP; takes up to 10 s"},
    {"mtu", OPT_MTU, NULL,
     "also find the path MTU and whether larger packets vanish (a black hole); up to 100 "
     "ICMP echoes, up to 30 s"},
    {"as-database", OPT_AS_DATABASE, "FILE",
     "AS of each hop from this file in MaxMind's format, such as GeoLite2-ASN.mmdb "
     "(default: as_database of the configuration, or one in /usr/share/GeoIP or "
     "/var/lib/GeoIP)",
     CMD_FILE},
    {"as-dns", OPT_AS_DNS, NULL,
     "ask DNS (origin.asn.cymru.com, Team Cymru) for what the file does not have; they "
     "then see the addresses of the hops"},
    {"json", OPT_JSON, NULL, "one JSON object per hop, then a summary with the entry"},
    {0},
};

struct trace_options {
    bool icmp, tcp, udp, ipv4, ipv6, numeric, paths, mtu, json, as_dns;
    const char *as_database; /* NULL: as configured */
    struct uplink uplink;
};

struct router_name {
    struct tracing *tracing;
    struct endpoint address;
    struct lookup *lookup; /* NULL: finished */
    char name[HOST_TEXT_MAX];
};

struct tracing {
    struct trace_options options;
    const struct uplink *uplink; /* NULL: the system's routes */
    struct host_port host;
    uv_loop_t loop;
    uv_timer_t *timer; /* for the names */
    struct interrupt interrupt;
    struct resolver *resolver;
    struct as_lookup *as;
    struct config config; /* of the agent, if there is one that can be read */
    struct data data;
    struct endpoint found[2]; /* by family; FAMILY_NONE: no usable address */
    struct endpoint unfit;
    const char *failure; /* of DNS, or NULL */
    bool temporary;      /* no server answered */
    unsigned unanswered;
    enum tracer_method method;
    struct endpoint to;
    struct tracer *tracer;
    struct tracer *flows[BRANCHES_FLOWS]; /* more, for --paths; each keeps its port */
    struct branches branches;
    struct mtu_prober *mtu_prober; /* for --mtu */
    struct mtu_search mtu;
    bool mtu_done;
    const struct trace *trace; /* NULL: not over */
    struct wall time;
    struct mono began, ended; /* of the trace */
    struct router_name names[NAMES_MAX];
    size_t n_names, names_waiting;
    bool complete; /* the path is known */
    bool over;
    int exit_code;
};

static void end(struct tracing *t)
{
    if (t->over)
        return;
    t->over = true;
    tracer_destroy(t->tracer);
    for (size_t i = 0; i < BRANCHES_FLOWS; i++)
        tracer_destroy(t->flows[i]);
    mtu_prober_destroy(t->mtu_prober);
    as_lookup_destroy(t->as);
    resolver_destroy(t->resolver);
    timer_close(t->timer);
    interrupt_stop(&t->interrupt);
}

/* ---- the result ---- */

static const char *name_of(const struct tracing *t, const struct endpoint *address)
{
    for (size_t i = 0; i < t->n_names; i++)
        if (endpoint_same_address(&t->names[i].address, address))
            return t->names[i].name;
    return "";
}

/* ---- the AS of the hops, and of the route ---- */

static bool is_microsofts(uint32_t as, const void *user)
{
    return origins_are_microsofts(user, as);
}

static void forget_database(struct as_answer *as, struct segment_hop *hops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (as[i].source == AS_SOURCE_DATABASE) {
            as[i] = (struct as_answer){0};
            hops[i].as = 0;
        }
}

static const char *as_about(struct tracing *t, char out[AS_ABOUT_MAX])
{
    const char *database = as_lookup_about(t->as);
    snprintf(out, AS_ABOUT_MAX, "%s%s%s", database,
             database[0] != '\0' && t->options.as_dns ? " and " : "",
             t->options.as_dns ? "Team Cymru's DNS" : "");
    return out;
}

/* Of the BGP table of the agent on this host, if its BMP station is on. */
static bool find_route(const struct tracing *t, struct route_found *out)
{
    struct text bytes = {0};
    struct status_answer answer;
    char path[ROUTES_SOCKET_MAX];
    routes_socket_path(path, t->config.status_socket);
    bool found =
        t->config.bmp_listen[0] != '\0' &&
        agent_answer_read(path, &bytes, &answer) == 0 &&
        rib_lookup_answer(json_span_of(answer.json, answer.json_len), &t->to, out);
    text_free(&bytes);
    return found;
}

/* Where a proxy carries everything there is no path to the target to trace. */
static const char *because_of_proxy(const struct tracing *t, struct text *out)
{
    char why[128];
    struct http_proxy proxy;
    const char *configured = "";
    for (size_t i = 0; i < t->config.n_targets; i++)
        if (strcmp(t->config.targets[i].host, t->host.host) == 0)
            configured = t->config.targets[i].proxy;
    if (http_proxy_for(&proxy, configured, true, t->host.host, why, sizeof why) == 1)
        text_add(
            out,
            "HTTPS to it goes through the HTTP proxy %s, which a trace cannot use: "
            "trace the proxy (edgelat trace %s), and measure through it with edgelat "
            "probe https %s",
            proxy.host, proxy.host, t->host.host);
    return text_string(out);
}

static void conclude(struct tracing *t)
{
    struct segment_hop hops[TRACE_TTL_MAX] = {0};
    struct as_answer as[TRACE_TTL_MAX] = {0};
    struct route_found route;
    char about[AS_ABOUT_MAX];
    struct position site;
    struct text out = {0}, wrong = {0}, proxy = {0};
    struct traced traced = {.host = t->host.host,
                            .to = t->to,
                            .method = t->method,
                            .trace = t->trace,
                            .hops = hops,
                            .branches = t->options.paths ? &t->branches : NULL,
                            .time = t->time,
                            .took_ns = t->ended.ns - t->began.ns};
    traced.end = trace_end(t->trace, &traced.end_ttl);
    traced.n = traced.end_ttl;
    traced.proxy = because_of_proxy(t, &proxy);
    for (size_t i = 0; i < traced.n; i++) {
        struct trace_stats s = trace_stats(t->trace, (uint8_t)(i + 1));
        hops[i].min_ns = s.min_ns;
        if (s.answer != NULL)
            hops[i].address = s.answer->from;
        hops[i].name = s.answer != NULL ? name_of(t, &s.answer->from) : "";
        if (s.answer != NULL)
            as[i] = as_lookup_find(t->as, &s.answer->from);
        hops[i].as = as_answer_certain(&as[i], &t->data.known.origins);
    }
    if (as_lookup_problem(t->as) != NULL) /* earlier answers of it are doubtful, too */
        forget_database(as, hops, traced.n);
    traced.as = as;
    traced.as_about = as_about(t, about);
    traced.entry = segments_judge(hops, traced.n, &t->data.known);
    traced.by_hops = segments_as_path(hops, traced.n);
    traced.mtu = t->mtu_done ? &t->mtu : NULL;
    traced.potato = segments_potato(
        hops, traced.n, t->trace, &traced.entry, traced.end == TRACE_END_TARGET,
        location_parse(&site, &t->data.known.metros, t->config.location, &wrong) ? &site
                                                                                 : NULL,
        &t->data.known.metros);
    text_free(&wrong);
    if (find_route(t, &route)) {
        traced.route = &route;
        traced.by_route =
            as_path_of_route(route.as, route.n_as, is_microsofts, &t->data.known.origins);
    }
    if (t->options.json)
        trace_print_json(&out, &traced);
    else
        trace_print_text(&out, &traced);
    if (as_lookup_problem(t->as) != NULL)
        log_text(LOG_LEVEL_WARN, "%s", as_lookup_problem(t->as));
    if (t->options.json)
        fputs(text_string(&out), stdout);
    else
        cmd_print(text_string(&out));
    text_free(&out);
    text_free(&proxy);
    bool black_hole = t->mtu_done && t->mtu.limit == MTU_LIMIT_BLACK_HOLE;
    t->exit_code = traced.end == TRACE_END_TARGET && !black_hole ? CMD_FINE : CMD_BAD;
    end(t);
}

/* ---- names of routers ---- */

static void on_names_late(uv_timer_t *timer)
{
    conclude(timer->data);
}

static void conclude_if_complete(struct tracing *t)
{
    if (t->complete && t->names_waiting == 0 && as_lookup_waiting(t->as) == 0)
        timer_in(t->timer, on_names_late, 0);
}

static void on_name(const struct resolution *r, void *user)
{
    struct router_name *name = user;
    struct tracing *t = name->tracing;
    name->lookup = NULL;
    t->names_waiting--;
    text_copy(name->name, sizeof name->name, r->last);
    conclude_if_complete(t);
}

static void on_as(void *user)
{
    conclude_if_complete(user);
}

static void on_address(const struct endpoint *address, void *user)
{
    struct tracing *t = user;
    if (t->options.as_dns)
        as_lookup_find(t->as, address);
    if (t->options.numeric || t->n_names == NAMES_MAX)
        return;
    for (size_t i = 0; i < t->n_names; i++)
        if (endpoint_same_address(&t->names[i].address, address))
            return;
    struct router_name *name = &t->names[t->n_names++];
    name->tracing = t;
    name->address = *address;
    name->lookup = resolver_name(t->resolver, address, on_name, name);
    t->names_waiting++;
}

/* ---- the trace ---- */

/* The path is known; only names are missing. */
static void await_names(struct tracing *t)
{
    int64_t left = t->began.ns + NAMES_NS - mono_now().ns;
    t->complete = true;
    timer_in(t->timer, on_names_late, left > LAST_NAMES_NS ? left : LAST_NAMES_NS);
    conclude_if_complete(t);
}

static void on_mtu(const struct mtu_search *result, const char *cause, void *user)
{
    struct tracing *t = user;
    (void)cause; /* the trace has shown what this host cannot send */
    t->mtu = *result;
    t->mtu_done = true;
    await_names(t);
}

static bool find_mtu(struct tracing *t)
{
    int64_t gap_ns = geteuid() == 0 ? MTU_GAP_NS / 10 : MTU_GAP_NS;
    return t->options.mtu && mtu_prober_start(&t->mtu_prober, &t->loop, &t->to, t->uplink,
                                              gap_ns, on_mtu, t) == 0;
}

static void on_flow_over(const struct trace *trace, const char *cause, void *user);

/* Traces the path by another flow, or ends. */
static void next_flow(struct tracing *t)
{
    const struct tracer_events events = {on_address, on_flow_over, t};
    struct tracer_extent extent = {.queries = 1};
    trace_end(t->trace, &extent.ttl_max);
    if (!t->options.paths || extent.ttl_max == 0 || t->branches.flows == BRANCHES_FLOWS ||
        mono_now().ns - t->began.ns > FLOWS_NS ||
        tracer_start(&t->flows[t->branches.flows], &t->loop, t->method, &t->to, t->uplink,
                     extent, &events) != 0) {
        if (!find_mtu(t))
            await_names(t);
    }
}

static void on_flow_over(const struct trace *trace, const char *cause, void *user)
{
    struct tracing *t = user;
    (void)cause;
    branches_add(&t->branches, trace);
    next_flow(t);
}

static int cannot_send(const struct tracing *t, const char *cause)
{
    char address[ADDRESS_TEXT_MAX];
    struct text why = {0};
    endpoint_address(address, &t->to);
    if (socket_has_route(&t->to, t->uplink) || !cmd_no_route(&why, t->uplink))
        text_add(&why, "%s", cause);
    int code = t->host.family != FAMILY_NONE
                   ? cmd_cannot("%s: %s", address, text_string(&why))
                   : cmd_cannot("%s (%s): %s", t->host.host, address, text_string(&why));
    text_free(&why);
    return code;
}

static void on_over(const struct trace *trace, const char *cause, void *user)
{
    struct tracing *t = user;
    if (cause != NULL) {
        t->exit_code = cannot_send(t, cause);
        end(t);
        return;
    }
    t->trace = trace;
    t->ended = mono_now();
    branches_add(&t->branches, trace);
    next_flow(t);
}

static int no_ping_socket(bool mtu)
{
    return cmd_cannot("this user may not send ICMP; %s, or as root: sysctl "
                      "net.ipv4.ping_group_range='0 2147483647'",
                      mtu ? "leave out --mtu" : "use --tcp");
}

static int choose_method(struct tracing *t)
{
    const struct trace_options *o = &t->options;
    bool chosen = o->icmp || o->tcp || o->udp;
    bool ports = t->host.has_port || o->paths; /* ICMP has none to vary */
    int rc = o->tcp || o->udp ? 0 : tracer_icmp_allowed((enum family)t->to.family);
    bool forbidden = rc == -EPERM || rc == -EACCES;
    if ((o->icmp && forbidden) ||
        (o->mtu && tracer_icmp_allowed((enum family)t->to.family) != 0))
        return no_ping_socket(o->mtu);
    t->method = o->udp                                        ? TRACER_UDP
                : o->tcp || (!chosen && (forbidden || ports)) ? TRACER_TCP
                                                              : TRACER_ICMP;
    t->to.port = t->method == TRACER_ICMP  ? 0
                 : t->host.has_port        ? t->host.port
                 : t->method == TRACER_TCP ? TCP_PORT
                                           : UDP_PORT;
    return CMD_FINE;
}

static int begin(struct tracing *t)
{
    struct text why = {0};
    const struct tracer_events events = {on_address, on_over, t};
    int rc = choose_method(t);
    if (rc != CMD_FINE)
        return rc;
    bool allowed =
        allowance_take(&t->to, t->options.mtu ? ALLOWANCE_PER_S : TRACE_QUERIES, &why);
    if (!allowed)
        rc = cmd_cannot("%s", text_string(&why));
    text_free(&why);
    if (!allowed)
        return rc;
    t->time = wall_now();
    t->began = mono_now();
    rc = tracer_start(&t->tracer, &t->loop, t->method, &t->to, t->uplink, tracer_whole,
                      &events);
    if (rc != 0) {
        char cause[sizeof((struct result *)0)->cause];
        cause_not_sent_by(cause, sizeof cause, rc, t->uplink);
        return cannot_send(t, cause);
    }
    return CMD_FINE;
}

/* ---- the name of the target ---- */

static int no_address(const struct tracing *t)
{
    if (t->unfit.family != FAMILY_NONE) {
        char text[OWNER_TEXT_MAX];
        struct owner owner = owners_filtered(&t->unfit);
        return cmd_cannot("%s", owner_text(text, &owner, t->host.host));
    }
    struct text proxy = {0};
    const char *because = because_of_proxy(t, &proxy);
    if (*because != '\0')
        cmd_cannot("%s: %s; %s", t->host.host,
                   t->failure != NULL ? t->failure : "no address of that family",
                   because);
    else
        cmd_no_address(t->host.host, t->failure, t->temporary);
    text_free(&proxy);
    return CMD_CANNOT;
}

static void choose_address(struct tracing *t)
{
    const struct endpoint *first = &t->found[0], *second = &t->found[1];
    if (first->family == FAMILY_NONE ||
        (second->family != FAMILY_NONE && !socket_has_route(first, t->uplink) &&
         socket_has_route(second, t->uplink)))
        first = second;
    t->to = *first;
    t->exit_code = first->family == FAMILY_NONE ? no_address(t) : begin(t);
    if (t->exit_code != CMD_FINE)
        end(t);
}

static void on_resolution(const struct resolution *r, void *user)
{
    struct tracing *t = user;
    struct endpoint unfit, none = {.family = FAMILY_NONE};
    struct endpoint to = resolution_choose(r, t->host.host, &none, &unfit);
    if (to.family != FAMILY_NONE)
        t->found[to.family == FAMILY_IPV6] = to;
    else if (unfit.family != FAMILY_NONE)
        t->unfit = unfit;
    else if (r->error != NULL) {
        t->failure = r->error;
        t->temporary = r->temporary;
    }
    if (--t->unanswered == 0)
        choose_address(t);
}

static void resolve(struct tracing *t)
{
    t->unanswered = t->options.ipv4 + t->options.ipv6;
    if (t->options.ipv4)
        resolver_lookup(t->resolver, t->host.host, FAMILY_IPV4, 0, on_resolution, t);
    if (t->options.ipv6)
        resolver_lookup(t->resolver, t->host.host, FAMILY_IPV6, 0, on_resolution, t);
}

/* ---- the command ---- */

static void on_interrupt(void *user)
{
    struct tracing *t = user;
    if (t->over)
        return;
    if (t->trace != NULL) {
        conclude(t); /* without the names that are missing */
        return;
    }
    t->exit_code = cmd_cannot("stopped before the path was known");
    end(t);
}

static bool take_option(struct trace_options *o, int c)
{
    switch (c) {
    case OPT_ICMP:
        return o->icmp = true;
    case OPT_TCP:
        return o->tcp = true;
    case OPT_UDP:
        return o->udp = true;
    case '4':
        return o->ipv4 = true;
    case '6':
        return o->ipv6 = true;
    case 'I':
        return cmd_uplink(&o->uplink, optarg, NULL);
    case 'n':
        return o->numeric = true;
    case OPT_PATHS:
        return o->paths = true;
    case OPT_MTU:
        return o->mtu = true;
    case OPT_AS_DATABASE:
        o->as_database = optarg;
        return true;
    case OPT_AS_DNS:
        return o->as_dns = true;
    case OPT_JSON:
        return o->json = true;
    default:
        return false; /* cmd_getopt() reported it */
    }
}

static int parse(struct tracing *t, int argc, char **argv)
{
    struct trace_options *o = &t->options;
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;)
        if (!take_option(o, c))
            return CMD_CANNOT;
    if (o->icmp + o->tcp + o->udp > 1)
        return cmd_cannot("--icmp, --tcp and --udp exclude each other; give one of them");
    if (o->paths && o->icmp)
        return cmd_cannot("--paths varies ports, which ICMP has not; leave out --icmp");
    if (optind == argc)
        return cmd_cannot("HOST is required; `edgelat trace --help` has examples");
    if (optind + 1 < argc)
        return cmd_cannot("trace takes one HOST, not also '%s'", argv[optind + 1]);
    t->uplink = o->uplink.name[0] != '\0' ? &o->uplink : NULL;
    const struct host_rules rules = {
        .ipv4_only = o->ipv4 && !o->ipv6,
        .ipv6_only = o->ipv6 && !o->ipv4,
        .port = !o->icmp,
        .without = "icmp",
        .path = "",
    };
    if (!cmd_host(&t->host, argv[optind], &rules))
        return CMD_CANNOT;
    bool any = o->ipv4 == o->ipv6;
    o->ipv4 = (any || o->ipv4) && uplink_has_family(t->uplink, FAMILY_IPV4);
    o->ipv6 = (any || o->ipv6) && uplink_has_family(t->uplink, FAMILY_IPV6);
    if (!o->ipv4 && !o->ipv6)
        return cmd_cannot("-I %s is not an address of the family that was asked for",
                          o->uplink.name);
    return CMD_FINE;
}

static void trace_path(struct tracing *t)
{
    struct data_folders folders = data_folders();
    data_load(&t->data, &folders);
    if (access(load_path(NULL), R_OK) == 0)
        load_config(&t->config, load_path(NULL));
    else
        t->config = config_default();
    uv_loop_init(&t->loop);
    t->timer = timer_new(&t->loop, t);
    interrupt_start(&t->interrupt, &t->loop, on_interrupt, t);
    resolver_create(&t->resolver, &t->loop, NULL);
    bool named = t->options.as_database != NULL;
    if (!named)
        t->options.as_database = t->config.path_as_database;
    t->options.as_dns |= t->config.path_as_dns;
    t->as =
        as_lookup_create(t->options.as_database, t->options.as_dns ? t->resolver : NULL);
    as_lookup_notify(t->as, on_as, t);
    if (named && as_lookup_problem(t->as) != NULL) {
        t->exit_code =
            cmd_cannot("--as-database %s; give another file", as_lookup_problem(t->as));
        end(t);
    } else {
        resolve(t);
    }
    uv_run(&t->loop, UV_RUN_DEFAULT);
    uv_loop_close(&t->loop);
    data_free(&t->data);
    config_free(&t->config);
}

static int trace_command(int argc, char **argv)
{
    struct tracing *t = mem_zalloc(sizeof *t);
    int rc = parse(t, argc, argv);
    if (rc == CMD_FINE) {
        trace_path(t);
        rc = t->exit_code;
    }
    free(t);
    return rc;
}

const struct command command_trace = {
    .name = "trace",
    .summary = "show the path to a host and where it enters Microsoft's network",
    .arguments = "HOST[:PORT]",
    .first = CMD_HOST,
    .options = options,
    .about =
        "Traces the path to a host, splits it into the local network, providers and "
        "Microsoft's network, and names the PoP where traffic enters Microsoft's network, "
        "as far as the names of the routers tell it. Takes less than 2 s; needs no agent, "
        "no configuration and no privileges.\n"
        "All packets belong to one flow (Paris traceroute), so of equal-cost paths only "
        "one is shown without --paths. Each hop is asked three times; min and median are of its "
        "answers. Routers limit how often they answer: missing answers of a hop in the "
        "middle are not packet loss.\n"
        "With an AS database, or the BGP table of an agent on this host, also how many AS "
        "hops Microsoft's network is away. The column back is the length of the way back by "
        "the TTL of the answers. edgelat-paths(7) explains these, the grade of cold or hot "
        "potato, and the limits.",
    .notes =
        "Exit code: 0 the target answered; 1 it did not, or --mtu found a black hole; "
        "2 error.",
    .examples = "edgelat trace outlook.office365.com\n"
                "edgelat trace --tcp teams.microsoft.com\n"
                "edgelat trace --as-database ~/GeoLite2-ASN.mmdb outlook.office365.com\n"
                "edgelat trace --mtu outlook.office365.com\n"
                "edgelat trace -6 --json login.microsoftonline.com\n",
    .run = trace_command,
    .needs = CMD_LOOP_NEEDS,
};
