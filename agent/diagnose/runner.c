#include "diagnose/runner.h"

#include "base/file.h"
#include "base/intern.h"
#include "base/mem.h"
#include "diagnose/door_round.h"
#include "diagnose/judge.h"
#include "diagnose/load_round.h"
#include "diagnose/path_round.h"
#include "diagnose/resolver_round.h"
#include "diagnose/tunnel.h"
#include "edge/owners.h"
#include "net/as_lookup.h"
#include "net/clock.h"
#include "net/http.h"
#include "net/http_proxy.h"
#include "net/link.h"
#include "net/neighbour.h"
#include "net/socket.h"
#include "net/timer.h"
#include "probe/dns/dns.h"
#include "probe/kinds.h"
#include "probe/path/mtu_prober.h"
#include "probe/path/tracer.h"
#include "probe/prober.h"
#include "probe/tcp/single.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Together 4.75 a second to an address, see runner.h. */
#define TCP_EVERY_NS   (400 * NS_PER_MS)
#define ICMP_EVERY_NS  (500 * NS_PER_MS)
#define HTTPS_EVERY_NS (4 * NS_PER_S)
#define LOAD_RISE_NS   (500 * NS_PER_MS) /* until the queues are full */
#define MEDIA_EVERY_NS (250 * NS_PER_MS)
#define LOCAL_EVERY_NS (200 * NS_PER_MS) /* ICMP to a gateway, TCP to a proxy */
#define DNS_EVERY_NS   (250 * NS_PER_MS)
#define DNS_WAITING_NS (3 * NS_PER_S) /* those of the last are waited for: REST_NS */
#define MORE_EVERY_NS  (3 * NS_PER_S) /* a further address of a service */
#define TICK_NS        (20 * NS_PER_MS)
#define NAMES_NS       (6 * NS_PER_S)  /* no name is awaited longer */
#define REST_NS        (3 * NS_PER_S)  /* for the last answers */
#define DOORS_NS       (6 * NS_PER_S)  /* front doors are probed at least so long */
#define LONGEST_NS     (40 * NS_PER_S) /* no probe is sent later */
#define MTU_AFTER_NS   (3 * NS_PER_S)  /* then it is known which address answers ICMP */
#define PORTAL_NS      (5 * NS_PER_S)
#define ALLOWED_PER_S  5

/* What Windows uses, too: its network connectivity status indicator. */
#define PORTAL_URL  "http://www.msftconnecttest.com/connecttest.txt"
#define PORTAL_BODY "Microsoft Connect Test"

/* Relays of Teams and of Azure Virtual Desktop: documented names, the ports of both are
 * UDP 3478. Two, because one that does not answer proves nothing. */
static const char *const media_hosts[FACTS_MEDIA] = {"worldaz.relay.teams.microsoft.com",
                                                     "world.relay.avd.microsoft.com"};

enum {
    DATES_MAX = 64,
    DOORS_MEASURED = 2, /* the nearest front doors */
    LARGE_MEASURED = 3, /* services that get large echoes, too */
    STREAMS_MAX = FACTS_SERVICES * FAMILY_SLOTS * 3 + LARGE_MEASURED * FACTS_FAMILIES +
                  FACTS_SERVICES * FACTS_FAMILIES * FACTS_MORE + FACTS_OTHERS * 2 +
                  FACTS_MEDIA + DNS_SERVERS_MAX + 4,
    DECOYS_MAX = FACTS_SERVICES * FACTS_FAMILIES,
};

struct probed_stream { /* what is probed, and where the results go */
    size_t kind;
    const struct target *target;
    struct endpoint to;
    int64_t every_ns;
    struct mono next;
    struct facts_probes *probes;
    struct facts_https *https;
    struct facts_address *address; /* NULL: of no service */
    struct facts_media *media;     /* NULL: no relay */
    struct facts_more *more;       /* NULL: no further address */
};

struct service_lookup {
    struct diagnose_runner *runner;
    size_t service;
    enum family family;
};

struct media_lookup {
    struct diagnose_runner *runner;
    struct facts_media *media;
    enum family family;
};

struct decoy_probe {
    struct facts_address *address;
    struct single *single; /* NULL: over */
};

struct mtu_run {
    struct diagnose_runner *runner;
    size_t family;
    struct mtu_prober *prober;
    struct endpoint to;
};

struct diagnose_runner {
    uv_loop_t *loop;
    struct runner_options options;
    const struct uplink *uplink; /* all is sent over it; NULL: by the system's routes */
    struct runner_events events;
    struct facts facts;
    struct links links;
    struct resolver *resolver;
    struct http *http;
    struct http_exchange *portal;
    char portal_location[FACTS_CAUSE_MAX];
    struct prober *prober;
    struct as_lookup *as;
    struct resolver_round *resolvers;
    struct door_round *doors;
    struct path_round *paths;
    struct load_urls urls;
    struct load_round *load; /* NULL: not begun */
    struct mono load_began;
    bool doors_over;
    int64_t until_ns; /* probes are sent for so long */
    struct mono tick; /* the last one */
    int64_t late_ns;  /* by which ticks came late, in all */
    uv_timer_t *timer, *end_timer;
    struct mono began, asked, probing; /* `asked`: names; 0: not yet */
    bool names_over;                   /* names are asked over the uplink */
    struct service_lookup lookups[FACTS_SERVICES][FACTS_FAMILIES];
    size_t lookups_left;
    struct media_lookup media[FACTS_MEDIA];
    struct http_proxy proxy;
    enum family proxy_family; /* in which its address is looked for */
    struct target large;      /* how large echoes are sent */
    struct target local;      /* how gateways, resolvers and the proxy are probed */
    struct probed_stream streams[STREAMS_MAX];
    size_t n_streams;
    struct decoy_probe decoys[DECOYS_MAX];
    size_t n_decoys;
    struct mtu_run mtus[FACTS_FAMILIES];
    bool mtu_begun;
    int64_t dates_ns[DATES_MAX];
    size_t kind_icmp, kind_tcp, kind_https, kind_stun, kind_dns;
    bool over;
};

static void on_tick(uv_timer_t *timer);
static void progress(struct diagnose_runner *r);

/* ---- what this host tells ---- */

static void read_tunnel(struct facts_tunnel *out, const struct link_state *link)
{
    char *routes;
    size_t len;
    enum tunnel tunnel = tunnel_judge(link);
    if (tunnel == TUNNEL_SURE)
        text_copy(out->name, sizeof out->name, link->name);
    if (tunnel == TUNNEL_NONE || file_read(AT_FDCWD, "/proc/net/route", FILE_PLAIN,
                                           TUNNEL_ROUTES_MAX, &routes, &len) != 0)
        return;
    if (tunnel_outer(out->of, routes, len, link->name))
        text_copy(out->name, sizeof out->name, link->name);
    free(routes);
}

/* Over an Ethernet interface without a route Linux takes every IPv4 address for one on the
 * link, and asks for it by ARP. */
static bool has_route(const struct diagnose_runner *r, const struct endpoint *to)
{
    struct network_item hop, own;
    struct link_state link;
    char name[IF_NAMESIZE];
    if (!socket_has_route(to, r->uplink))
        return false;
    return r->uplink == NULL || to->family != FAMILY_IPV4 || r->links.route < 0 ||
           !neighbour_next_hop(r->links.route, to, r->uplink, &hop) ||
           !endpoint_same_address(&hop.address, to) ||
           (neighbour_next_hop(r->links.route, to, NULL, &own) &&
            own.interface == hop.interface) ||
           if_indextoname(hop.interface, name) == NULL ||
           links_read(&r->links, name, &link) != 0 || link.type != ARPHRD_ETHER;
}

/* The interface and the gateway of the traffic to this address. */
static void find_way(struct diagnose_runner *r, const struct endpoint *to)
{
    struct facts *f = &r->facts;
    struct facts_gateway *g = &f->gateways[family_slot((enum family)to->family)];
    struct network_item hop;
    char name[IF_NAMESIZE];
    if (r->links.route < 0 || !neighbour_next_hop(r->links.route, to, r->uplink, &hop))
        return;
    if (g->to.family == FAMILY_NONE && !endpoint_same_address(&hop.address, to)) {
        g->to = hop.address;
        if (endpoint_is_link_local(&g->to))
            g->to.scope = hop.interface;
    }
    if (f->has_interface || if_indextoname(hop.interface, name) == NULL ||
        links_read(&r->links, name, &f->interface.before) != 0)
        return;
    f->has_interface = true;
    text_copy(f->interface.name, sizeof f->interface.name, name);
    f->interface.modes = links_modes(&r->links, f->interface.before.index);
}

/* Each address has its own route: a VPN may carry some services only. */
static void find_tunnel(const struct diagnose_runner *r, struct facts_address *a)
{
    struct network_item hop;
    struct link_state link;
    char name[IF_NAMESIZE];
    if (r->links.route >= 0 &&
        neighbour_next_hop(r->links.route, &a->to, r->uplink, &hop) &&
        if_indextoname(hop.interface, name) != NULL &&
        links_read(&r->links, name, &link) == 0)
        read_tunnel(&a->tunnel, &link);
}

static void read_interface_again(struct diagnose_runner *r)
{
    struct facts_interface *f = &r->facts.interface;
    if (!r->facts.has_interface)
        return;
    f->took_ns = mono_now().ns - r->began.ns;
    f->after = f->before;
    links_read(&r->links, f->name, &f->after);
    f->wifi = links_wifi(&r->links, f->before.index);
    read_tunnel(&f->tunnel, &f->after);
}

/* Some process waited for a CPU in so much of the last ten seconds, %. */
#define BUSY_PRESSURE 50.0

/* Pressure stall information of the kernel; false where it has none. */
static bool is_busy(void)
{
    char *text;
    size_t len;
    double some = 0;
    if (file_read(AT_FDCWD, "/proc/pressure/cpu", FILE_PLAIN, 4096, &text, &len) != 0)
        return false;
    sscanf(text, "some avg10=%lf", &some);
    free(text);
    return some > BUSY_PRESSURE;
}

/* ---- the captive portal ---- */

static void on_portal_header(const char *name, const char *value, size_t len, void *user)
{
    struct diagnose_runner *r = user;
    if (strcasecmp(name, "location") == 0)
        text_copy_line(r->portal_location, sizeof r->portal_location, value, len);
}

static void on_portal(const struct http_reply *reply, void *user)
{
    struct diagnose_runner *r = user;
    struct facts *f = &r->facts;
    r->portal = NULL;
    f->portal_status = (uint16_t)reply->status;
    if (reply->status == 0) {
        text_copy(f->portal_text, sizeof f->portal_text, reply->error);
        return;
    }
    bool redirects = (reply->status >= 300 && reply->status < 400) ||
                     reply->status == 511; /* RFC 6585, section 6 */
    bool ours = reply->status == 200 && reply->body_len >= sizeof PORTAL_BODY - 1 &&
                memcmp(reply->body, PORTAL_BODY, sizeof PORTAL_BODY - 1) == 0;
    f->portal = ours ? PORTAL_NONE : redirects ? PORTAL_REDIRECTS : PORTAL_REPLACES;
    text_copy(f->portal_text, sizeof f->portal_text, r->portal_location);
}

static void start_portal(struct diagnose_runner *r)
{
    const struct http_request request = {
        .url = PORTAL_URL,
        .timeout_ns = PORTAL_NS,
        .reply_max = 4096,
        .cut_reply = true,
        .socket = -1,
    };
    r->portal = http_start(r->http, &request, on_portal_header, on_portal, r);
}

/* ---- probes ---- */

static void add_stream(struct diagnose_runner *r, const struct probed_stream *s)
{
    if (r->n_streams == STREAMS_MAX)
        return;
    r->streams[r->n_streams] = *s;
    /* Spread, so that they do not leave at the same time. */
    r->streams[r->n_streams].next.ns =
        mono_now().ns + (int64_t)(r->n_streams * 37 % 100) * s->every_ns / 100;
    r->n_streams++;
}

/* A rate is that of an address, whatever number of services it has. */
static double services_at(const struct diagnose_runner *r, const struct endpoint *to)
{
    double n = 0;
    for (size_t i = 0; i < r->facts.n_services; i++)
        for (size_t f = 0; f < FACTS_FAMILIES; f++)
            n += endpoint_same_address(&r->facts.services[i].by[f].to, to);
    for (size_t i = 0; i < r->facts.n_others; i++)
        n += endpoint_same_address(&r->facts.others[i].to, to);
    return n > 0 ? n : 1;
}

static bool allowed(struct diagnose_runner *r, const struct endpoint *to)
{
    for (size_t i = 0; i < r->n_streams; i++)
        if (endpoint_same_address(&r->streams[i].to, to))
            return true; /* taken before */
    return r->events.may_probe(to, ALLOWED_PER_S, r->events.user);
}

static void probe_address(struct diagnose_runner *r, const struct target *target,
                          const struct endpoint *to, struct facts_address *address,
                          struct facts_probes *tcp, struct facts_https *https)
{
    int64_t times = (int64_t)services_at(r, to);
    struct endpoint host = *to;
    host.port = 0;
    if (!allowed(r, to)) {
        runner_stop(r);
        return;
    }
    add_stream(r, &(struct probed_stream){r->kind_tcp, target, *to, times * TCP_EVERY_NS,
                                          .probes = tcp, .address = address});
    if (address != NULL && r->facts.no_icmp[0] == '\0')
        add_stream(
            r, &(struct probed_stream){r->kind_icmp, target, host, times * ICMP_EVERY_NS,
                                       .probes = &address->icmp, .address = address});
    add_stream(r,
               &(struct probed_stream){r->kind_https, target, *to, times * HTTPS_EVERY_NS,
                                       .https = https, .address = address});
}

static void probe_gateway(struct diagnose_runner *r, size_t family)
{
    struct facts_gateway *g = &r->facts.gateways[family];
    if (g->to.family == FAMILY_NONE || r->facts.no_icmp[0] != '\0' || r->over)
        return;
    g->to.port = 0;
    if (!allowed(r, &g->to)) {
        runner_stop(r);
        return;
    }
    add_stream(r, &(struct probed_stream){r->kind_icmp, &r->local, g->to, LOCAL_EVERY_NS,
                                          .probes = &g->icmp});
}

/* Another stream goes to the same address. */
static void halve_rate(struct diagnose_runner *r, const struct facts_probes *of)
{
    for (size_t i = 0; i < r->n_streams; i++)
        if (r->streams[i].probes == of)
            r->streams[i].every_ns *= 2;
}

static void probe_resolver(struct diagnose_runner *r, struct facts_resolver *resolver)
{
    struct endpoint to = resolver->server.at;
    int64_t every_ns = DNS_EVERY_NS;
    to.port = to.port != 0 ? to.port : target_port(&r->local, &dns_kind.kind);
    socket_set_zone(&to, resolver->server.zone);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        if (endpoint_same_address(&r->facts.gateways[k].to, &to)) {
            halve_rate(r, &r->facts.gateways[k].icmp);
            every_ns *= 2;
        }
    if (r->over || !has_route(r, &to))
        return;
    if (!allowed(r, &to)) {
        runner_stop(r);
        return;
    }
    add_stream(r, &(struct probed_stream){r->kind_dns, &r->local, to, every_ns,
                                          .probes = &resolver->udp});
}

/* Every other echo of this address. */
static void probe_large(struct diagnose_runner *r, struct facts_address *a)
{
    struct endpoint host = a->to;
    host.port = 0;
    if (r->facts.no_icmp[0] != '\0' || r->over)
        return;
    halve_rate(r, &a->icmp);
    add_stream(r, &(struct probed_stream){r->kind_icmp, &r->large, host,
                                          2 * ICMP_EVERY_NS, .probes = &a->large});
}

/* A client that tries one of them first must wait if it does not answer. */
static void probe_more(struct diagnose_runner *r, const struct target *target,
                       struct facts_address *a)
{
    for (size_t i = 0; i < a->n_all && a->n_more < FACTS_MORE && !r->over; i++) {
        struct facts_more *m = &a->more[a->n_more];
        if (endpoint_same_address(&a->all[i], &a->to))
            continue;
        if (!allowed(r, &a->all[i])) {
            runner_stop(r);
            return;
        }
        m->to = a->all[i];
        a->n_more++;
        add_stream(r, &(struct probed_stream){r->kind_tcp, target, m->to, MORE_EVERY_NS,
                                              .more = m});
    }
}

static void take_date(struct diagnose_runner *r)
{
    int64_t ahead_ns;
    if (r->facts.dates < DATES_MAX && http_clock_ahead(r->http, &ahead_ns) != NULL)
        r->dates_ns[r->facts.dates++] = ahead_ns;
}

static void on_result(const struct result *result, void *user)
{
    struct diagnose_runner *r = user;
    struct probed_stream *s = &r->streams[result->stream];
    const struct kind *kind = &probe_kinds[s->kind]->kind;
    if (s->address != NULL)
        intercept_add(&s->address->intercept, kind, result);
    if (s->media != NULL && result->stun.mapped.family != FAMILY_NONE)
        s->media->mapped = result->stun.mapped;
    if (s->more != NULL) {
        s->more->sent += result->outcome != OUTCOME_NOT_MEASURED;
        s->more->answered += result->outcome == OUTCOME_REPLY;
        return;
    }
    if (s->https == NULL) {
        facts_add_probe(s->probes, result);
        return;
    }
    facts_add_https(s->https, kind, result);
    if (result->http.status != 0)
        take_date(r);
}

static bool is_searched(const struct diagnose_runner *r, const struct endpoint *to)
{
    for (size_t f = 0; f < FACTS_FAMILIES; f++)
        if (r->mtus[f].prober != NULL && endpoint_same_address(&r->mtus[f].to, to))
            return true;
    return false;
}

static void send_due(struct diagnose_runner *r)
{
    struct mono now = mono_now();
    for (size_t i = 0; i < r->n_streams; i++) {
        struct probed_stream *s = &r->streams[i];
        if (s->next.ns > now.ns || is_searched(r, &s->to))
            continue;
        s->next.ns += s->every_ns;
        if (s->next.ns < now.ns)
            s->next.ns = now.ns + s->every_ns;
        prober_send(r->prober, (uint32_t)i, s->kind, s->target, &s->to);
    }
}

/* ---- the decoy port: a middlebox ---- */

static void on_decoy(int64_t rtt_ns, void *user)
{
    struct decoy_probe *d = user;
    d->single = NULL;
    intercept_decoy(&d->address->intercept, rtt_ns);
}

static void start_decoy(struct diagnose_runner *r, struct facts_address *a)
{
    if (r->n_decoys == DECOYS_MAX)
        return;
    struct decoy_probe *d = &r->decoys[r->n_decoys++];
    struct endpoint to = a->to;
    to.port = intercept_decoy_port(to.port);
    d->address = a;
    d->single = single_start(r->loop, &to, r->uplink, 0, SINGLE_WAITING_NS, on_decoy, d);
}

/* ---- addresses of other resolvers, front doors ---- */

static struct facts_other *add_other(struct diagnose_runner *r, size_t service,
                                     size_t resolver, const struct endpoint *to)
{
    if (r->facts.n_others == FACTS_OTHERS)
        return NULL;
    struct facts_other *o = &r->facts.others[r->facts.n_others++];
    *o = (struct facts_other){.service = service, .resolver = resolver, .to = *to};
    o->target = r->facts.services[service].target;
    return o;
}

static bool is_new(const struct diagnose_runner *r, size_t service,
                   const struct endpoint *to)
{
    const struct facts_address *own =
        &r->facts.services[service].by[family_slot((enum family)to->family)];
    for (size_t i = 0; i < own->n_all; i++)
        if (endpoint_same_address(&own->all[i], to))
            return false;
    for (size_t i = 0; i < r->facts.n_others; i++)
        if (r->facts.others[i].service == service &&
            endpoint_same_address(&r->facts.others[i].to, to))
            return false;
    return true;
}

/* What a resolver gives instead of what this host uses: whether that is better, or a lie, is
 * measured there. */
static void add_answers(struct diagnose_runner *r)
{
    for (size_t i = 0; i < r->facts.n_resolvers; i++)
        for (size_t s = 0; s < r->facts.n_services; s++)
            for (size_t f = 0; f < FACTS_FAMILIES; f++) {
                const struct facts_answer *a = &r->facts.resolvers[i].answers[s][f];
                if (a->n == 0 || r->facts.services[s].target.proxied ||
                    !has_route(r, &a->all[0]) || !is_new(r, s, &a->all[0]))
                    continue;
                struct facts_other *o = add_other(r, s, i, &a->all[0]);
                if (o != NULL)
                    probe_address(r, &o->target, &o->to, NULL, &o->tcp, &o->https);
            }
}

static size_t service_of_door(const struct diagnose_runner *r, const struct door *door)
{
    for (size_t i = 0; i < r->facts.n_services; i++)
        if (strcmp(r->facts.services[i].target.host, door->workload->host) == 0)
            return i;
    return FACTS_SERVICES;
}

static void add_door(struct diagnose_runner *r, const struct door *door)
{
    size_t service = service_of_door(r, door);
    for (size_t f = 0; f < FACTS_FAMILIES && service < FACTS_SERVICES; f++) {
        const struct facts_service *s = &r->facts.services[service];
        if (door->to[f].family == FAMILY_NONE || s->by[f].to.family == FAMILY_NONE ||
            !s->by[f].route || !is_new(r, service, &door->to[f]))
            continue;
        struct facts_other *o = add_other(r, service, FACTS_NO_RESOLVER, &door->to[f]);
        if (o == NULL)
            return;
        text_copy(o->host, sizeof o->host, door->host);
        /* The door is asked for the workload, by the workload's name. */
        o->target.server_name = intern(s->target.host);
        o->target.host = door->host;
        probe_address(r, &o->target, &o->to, NULL, &o->tcp, &o->https);
    }
}

static void on_doors(void *user)
{
    struct diagnose_runner *r = user;
    struct doors *doors = door_round_doors(r->doors);
    size_t chosen[DOORS_MEASURED * FACTS_SERVICES];
    r->doors_over = true;
    r->facts.no_door_answers = !doors_found(doors);
    if (r->over ||
        doors_workloads(doors) * DOORS_MEASURED > sizeof chosen / sizeof *chosen)
        return;
    size_t n = doors_choose(doors, NULL, DOORS_MEASURED, chosen);
    for (size_t i = 0; i < n && !r->over; i++)
        add_door(r, doors_at(doors, chosen[i]));
    int64_t least_ns = mono_now().ns - r->probing.ns + DOORS_NS;
    if (r->until_ns < least_ns)
        r->until_ns = least_ns;
}

static bool has_doors(const struct diagnose_runner *r)
{
    const struct workloads *w = &r->options.known->workloads;
    for (size_t i = 0; i < w->n; i++)
        for (size_t s = 0; s < r->facts.n_services; s++)
            if (w->all[i].by_metro[0] != '\0' &&
                strcmp(w->all[i].host, r->facts.services[s].target.host) == 0 &&
                r->facts.services[s].by[SLOT_PROXY].to.family == FAMILY_NONE)
                return true;
    return false;
}

/* ---- the path MTU ---- */

static void on_mtu(const struct mtu_search *result, const char *cause, void *user)
{
    struct mtu_run *m = user;
    struct diagnose_runner *r = m->runner;
    r->facts.mtu[m->family] = *result;
    r->facts.mtu_done[m->family] = true;
    if (cause != NULL)
        text_copy(r->facts.mtu_cause, sizeof r->facts.mtu_cause, cause);
    m->to = (struct endpoint){0}; /* its other probes go on */
}

/* One address a family that answers ICMP. */
static void start_mtu(struct diagnose_runner *r)
{
    int64_t gap_ns = geteuid() == 0 ? MTU_GAP_NS / 10 : MTU_GAP_NS;
    r->mtu_begun = true;
    for (size_t f = 0; f < FACTS_FAMILIES; f++) {
        struct mtu_run *m = &r->mtus[f];
        *m = (struct mtu_run){.runner = r, .family = f};
        for (size_t s = 0; s < r->facts.n_services && m->prober == NULL; s++) {
            const struct facts_address *a = &r->facts.services[s].by[f];
            if (a->icmp.answered == 0)
                continue;
            m->to = a->to;
            m->to.port = 0;
            if (mtu_prober_start(&m->prober, r->loop, &m->to, r->uplink, gap_ns, on_mtu,
                                 m) != 0)
                return;
            r->facts.mtu_service[f] = s;
        }
    }
}

static bool mtu_is_over(const struct diagnose_runner *r)
{
    if (!r->mtu_begun)
        return r->facts.no_icmp[0] != '\0';
    for (size_t f = 0; f < FACTS_FAMILIES; f++)
        if (r->mtus[f].prober != NULL && !r->facts.mtu_done[f])
            return false;
    return true;
}

/* ---- paths ---- */

/* Where the route has no gateway, the first router of a path stands for it. */
static void on_path(void *user)
{
    struct diagnose_runner *r = user;
    for (size_t i = 0; i < r->facts.n_paths && !r->over; i++) {
        const struct facts_path *p = &r->facts.paths[i];
        struct facts_gateway *g = &r->facts.gateways[family_slot(p->family)];
        if (p->first_hop.family == FAMILY_NONE || g->to.family != FAMILY_NONE ||
            p->hops < 2)
            continue;
        g->to = p->first_hop;
        g->first_hop = true;
        probe_gateway(r, family_slot(p->family));
    }
}

static void start_paths(struct diagnose_runner *r)
{
    struct facts *f = &r->facts;
    for (size_t s = 0; s < f->n_services; s++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            const struct facts_address *a = &f->services[s].by[k];
            if (a->to.family == FAMILY_NONE || !a->route)
                continue;
            f->paths[f->n_paths++] = (struct facts_path){
                .service = s, .family = (enum family)a->to.family, .to = a->to};
            break;
        }
    /* Without a name, what is known of the uplink is the way to a resolver. */
    if (f->n_paths == 0 && f->proxy[0] == '\0' && f->n_resolvers > 0) {
        struct endpoint to = f->resolvers[0].server.at;
        to.port = 53;
        f->paths[f->n_paths++] = (struct facts_path){
            .service = FACTS_SERVICES, .family = (enum family)to.family, .to = to};
    }
    r->paths = path_round_start(r->loop, f, r->options.known, r->as, r->resolver,
                                r->uplink, on_path, r);
}

/* ---- load ---- */

/* The service that answers soonest, so that the line is most of its delay. */
static bool choose_loaded(const struct diagnose_runner *r, struct facts_load *load)
{
    double least = INFINITY;
    for (size_t s = 0; s < r->facts.n_services; s++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            struct facts_median m = facts_median(&r->facts.services[s].by[k].tcp.delays);
            if (m.n == 0 || m.ms >= least)
                continue;
            least = m.ms;
            load->service = s;
            load->family = k;
        }
    return least < INFINITY;
}

static void list_urls(struct diagnose_runner *r)
{
    struct load_urls *u = &r->urls;
    if (r->options.load_url != NULL) {
        text_copy(u->list[u->n++], LOAD_URL_MAX, r->options.load_url);
        return;
    }
    for (size_t i = 0; i < r->facts.n_services && u->n < LOAD_URLS; i++) {
        const struct target *t = &r->facts.services[i].target;
        const struct facts_address *by = r->facts.services[i].by;
        if (by[SLOT_IPV4].https.replies + by[SLOT_IPV6].https.replies > 0)
            snprintf(u->list[u->n++], LOAD_URL_MAX, "https://%s:%u%s", t->host,
                     target_port(t, NULL), intern_text(t->path));
    }
}

/* False: the line cannot be loaded, or that is over. */
static bool loads(struct diagnose_runner *r, struct mono now)
{
    struct facts_load *f = &r->facts.load;
    const char *error;
    if (!r->options.load || f->done)
        return false;
    if (r->load == NULL) {
        list_urls(r);
        if (r->urls.n == 0 || !choose_loaded(r, f)) {
            text_copy(f->cause, sizeof f->cause,
                      r->facts.proxy[0] != '\0'
                          ? "it is not measured through a proxy"
                          : "no service gave a page to download, or answered to compare");
            return false;
        }
        const struct facts_service *s = &r->facts.services[f->service];
        r->n_streams = 0; /* no other probes */
        add_stream(r,
                   &(struct probed_stream){r->kind_tcp, &s->target, s->by[f->family].to,
                                           LOCAL_EVERY_NS, .probes = &f->tcp});
        r->streams[0].next.ns = now.ns + LOAD_RISE_NS;
        r->load = load_round_start(r->http, &r->urls);
        r->load_began = now;
    }
    f->took_ns = now.ns - r->load_began.ns;
    f->bytes = load_round_bytes(r->load, &error);
    text_copy(f->cause, sizeof f->cause, error);
    if (f->took_ns < LOAD_NS && !load_round_over(r->load))
        send_due(r);
    f->done = f->took_ns > LOAD_NS + SINGLE_WAITING_NS ||
              (load_round_over(r->load) && prober_under_way(r->prober) == 0);
    return !f->done;
}

/* ---- names ---- */

/* Addresses for documentation (RFC 5737, RFC 3849): only the route is looked up. */
static bool has_default_route(const struct diagnose_runner *r)
{
    static const struct endpoint anywhere[] = {
        {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}, .port = 443},
        {.family = FAMILY_IPV6, .bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 443}};
    return has_route(r, &anywhere[0]) || has_route(r, &anywhere[1]);
}

static void start_probing(struct diagnose_runner *r)
{
    struct facts *f = &r->facts;
    bool ipv4 = false;
    r->probing = mono_now();
    http_preload(r->http, "");
    for (size_t s = 0; s < f->n_services && !r->over; s++)
        for (size_t k = 0; k < FAMILY_SLOTS && !r->over; k++) {
            struct facts_address *a = &f->services[s].by[k];
            if (a->to.family == FAMILY_NONE)
                continue;
            if (k == SLOT_PROXY) {
                /* As often as a service is asked by both families. */
                add_stream(r, &(struct probed_stream){
                                  r->kind_https, &f->services[s].target, a->to,
                                  HTTPS_EVERY_NS / FACTS_FAMILIES, .https = &a->https});
                continue;
            }
            a->route = has_route(r, &a->to);
            if (!a->route)
                continue;
            f->has_route = true;
            ipv4 |= k == SLOT_IPV4;
            find_way(r, &a->to);
            find_tunnel(r, a);
            probe_address(r, &f->services[s].target, &a->to, a, &a->tcp, &a->https);
            probe_more(r, &f->services[s].target, a);
            if (s < LARGE_MEASURED)
                probe_large(r, a);
            start_decoy(r, a);
        }
    f->has_route |= has_default_route(r);
    if (r->over)
        return;
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        probe_gateway(r, k);
    for (size_t i = 0; i < f->n_resolvers; i++)
        probe_resolver(r, &f->resolvers[i]);
    start_paths(r);
    if (has_doors(r))
        r->doors = door_round_start(r->loop, r->options.known, r->resolver, r->uplink,
                                    ipv4, !ipv4, on_doors, r);
    else
        r->doors_over = true;
}

static void on_lookup(const struct resolution *answer, void *user)
{
    struct service_lookup *l = user;
    struct diagnose_runner *r = l->runner;
    struct facts_service *s = &r->facts.services[l->service];
    struct facts_address *a = &s->by[family_slot(l->family)];
    struct endpoint none = {.family = FAMILY_NONE}, unfit;
    a->to = resolution_choose(answer, s->target.host, &none, &unfit);
    a->n_all = resolution_addresses(answer, s->target.host, a->all, FACTS_ANSWERS);
    if (a->to.family == FAMILY_NONE && unfit.family != FAMILY_NONE)
        s->unfit = unfit;
    if (answer->error != NULL)
        text_copy(s->dns_error, sizeof s->dns_error, answer->error);
    const struct owner_clues clues = {
        .to = a->to, .name = answer->last[0] != '\0' ? answer->last : s->target.host};
    if (a->to.family != FAMILY_NONE)
        a->owner = owners_judge(&r->options.known->suffixes, &r->options.known->prefixes,
                                &clues);
    r->lookups_left--;
}

static void on_proxy_name(const struct resolution *answer, void *user);

static void find_proxy(struct diagnose_runner *r, enum family family)
{
    r->proxy_family = family;
    resolver_lookup(r->resolver, r->proxy.host, family, r->proxy.port, on_proxy_name, r);
}

static void on_proxy_name(const struct resolution *answer, void *user)
{
    struct diagnose_runner *r = user;
    if (answer->n == 0 && r->proxy_family == FAMILY_IPV4) {
        find_proxy(r, FAMILY_IPV6);
        return;
    }
    if (answer->n == 0) {
        snprintf(r->facts.proxy_wrong, sizeof r->facts.proxy_wrong, "its name: %s",
                 answer->error != NULL ? answer->error : "no address");
        return;
    }
    struct endpoint to = answer->addresses[0];
    if (!allowed(r, &to)) {
        runner_stop(r);
        return;
    }
    find_way(r, &to);
    add_stream(r, &(struct probed_stream){r->kind_tcp, &r->local, to, LOCAL_EVERY_NS,
                                          .probes = &r->facts.proxy_tcp});
}

static void on_media_name(const struct resolution *answer, void *user);

static void find_media(struct media_lookup *l, enum family family)
{
    struct diagnose_runner *r = l->runner;
    const struct target *t = &l->media->target;
    l->family = family;
    resolver_lookup(r->resolver, t->host, family,
                    target_port(t, &probe_kinds[r->kind_stun]->kind), on_media_name, l);
}

/* By IPv6 where IPv4 has no address or route; NAT64 is such a case. */
static void on_media_name(const struct resolution *answer, void *user)
{
    struct media_lookup *l = user;
    struct diagnose_runner *r = l->runner;
    struct facts_media *m = l->media;
    struct endpoint none = {.family = FAMILY_NONE}, unfit;
    m->to = resolution_choose(answer, m->target.host, &none, &unfit);
    if (r->over || m->to.family == FAMILY_NONE || !has_route(r, &m->to)) {
        if (m->cause[0] == '\0')
            snprintf(m->cause, sizeof m->cause, "%s",
                     m->to.family != FAMILY_NONE ? "this host has no route to its address"
                     : answer->error != NULL     ? answer->error
                                                 : "its name has no address");
        m->to = none;
        if (!r->over && l->family == FAMILY_IPV4)
            find_media(l, FAMILY_IPV6);
        return;
    }
    if (!allowed(r, &m->to)) {
        runner_stop(r);
        return;
    }
    add_stream(r, &(struct probed_stream){r->kind_stun, &m->target, m->to, MEDIA_EVERY_NS,
                                          .probes = &m->stun, .media = m});
}

static void start_media(struct diagnose_runner *r)
{
    for (size_t i = 0; i < FACTS_MEDIA; i++) {
        struct facts_media *m = &r->facts.media[i];
        r->media[i] = (struct media_lookup){.runner = r, .media = m};
        m->target = target_default(probe_kind_words());
        m->target.uplink = r->uplink;
        m->target.name = m->target.host = media_hosts[i];
        m->cause[0] = '\0';
        find_media(&r->media[i], FAMILY_IPV4);
    }
}

/* True where the service goes through a proxy, by name. */
static bool take_proxy(struct diagnose_runner *r, struct facts_service *s)
{
    char why[128];
    struct facts *f = &r->facts;
    int rc =
        http_proxy_for(&r->proxy, s->target.proxy, true, s->target.host, why, sizeof why);
    if (rc < 0)
        text_copy(f->proxy_wrong, sizeof f->proxy_wrong, why);
    if (rc != 1)
        return false;
    s->by[SLOT_PROXY].to =
        (struct endpoint){.family = FAMILY_PROXY, .port = target_port(&s->target, NULL)};
    s->target.proxied = true;
    if (f->proxy[0] == '\0') {
        text_copy(f->proxy, sizeof f->proxy, r->proxy.host);
        f->proxy_port = r->proxy.port;
        find_proxy(r, FAMILY_IPV4);
    }
    return true;
}

static void start_lookups(struct diagnose_runner *r)
{
    static const enum family families[FACTS_FAMILIES] = {FAMILY_IPV4, FAMILY_IPV6};
    r->asked = mono_now();
    for (size_t i = 0; i < r->facts.n_services; i++) {
        struct facts_service *s = &r->facts.services[i];
        if (take_proxy(r, s))
            continue;
        for (size_t f = 0; f < FACTS_FAMILIES; f++) {
            struct service_lookup *l = &r->lookups[i][f];
            if (!(f == SLOT_IPV4 ? s->target.ipv4 : s->target.ipv6))
                continue;
            *l = (struct service_lookup){r, i, families[f]};
            r->lookups_left++;
            resolver_lookup(r->resolver, s->target.host, families[f],
                            target_port(&s->target, NULL), on_lookup, l);
        }
    }
}

/* False: it is this host itself, or on a link that is not the uplink's. */
static bool is_over_uplink(const struct diagnose_runner *r,
                           const struct dns_server *server)
{
    struct network_item hop, over;
    struct endpoint to = server->at;
    socket_set_zone(&to, server->zone);
    if (r->uplink == NULL || r->links.route < 0)
        return true;
    if (!has_route(r, &to))
        return false;
    if (!neighbour_next_hop(r->links.route, &to, NULL, &hop))
        return !socket_has_route(&to, NULL); /* else it is local */
    return !endpoint_same_address(&hop.address, &to) ||
           (neighbour_next_hop(r->links.route, &to, r->uplink, &over) &&
            over.interface == hop.interface);
}

/* Of this host, and those to compare with. Behind a local forwarder, which asks by the
 * system's routes, the ones that it asks. */
static void list_resolvers(struct diagnose_runner *r)
{
    struct dns_server servers[DNS_SERVERS_MAX];
    char wrong[DNS_SERVER_TEXT_MAX];
    struct facts *f = &r->facts;
    size_t n = r->uplink == NULL ? resolver_servers(r->resolver, servers)
                                 : resolver_servers_behind(r->resolver, servers),
           own = n;
    if (r->options.other_servers != NULL) {
        struct dns_server more[DNS_SERVERS_MAX];
        int n_more = dns_servers_parse(more, r->options.other_servers, wrong);
        for (int i = 0; i < n_more && n < DNS_SERVERS_MAX; i++)
            servers[n++] = more[i];
    }
    for (size_t i = 0; i < n; i++) {
        struct facts_resolver *x = &f->resolvers[f->n_resolvers];
        dns_servers_text(x->name, sizeof x->name, &servers[i], 1);
        if (!is_over_uplink(r, &servers[i])) {
            size_t len = strlen(f->elsewhere);
            snprintf(f->elsewhere + len, sizeof f->elsewhere - len, "%s%s",
                     len > 0 ? ", " : "", x->name);
            continue;
        }
        f->n_resolvers++;
        x->server = servers[i];
        x->extra = i >= own;
        if (!x->extra)
            find_way(r, &servers[i].at);
    }
}

/* Names are asked over the uplink, too, where a resolver is reached over it. */
static void use_uplink(struct diagnose_runner *r)
{
    struct text servers = {0};
    struct resolver *over;
    const struct facts *f = &r->facts;
    for (size_t i = 0; i < f->n_resolvers; i++)
        if (!f->resolvers[i].extra)
            text_add(&servers, "%s ", f->resolvers[i].name);
    http_use_uplink(r->http, r->uplink, servers.len > 0 ? text_string(&servers) : NULL);
    if (servers.len > 0 && resolver_create(&over, r->loop, text_string(&servers)) == 0) {
        resolver_destroy(r->resolver);
        r->resolver = over;
        r->names_over = true;
        resolver_use_uplink(over, r->uplink);
    }
    text_free(&servers);
}

/* No resolver answers over the uplink, so it may be down. The addresses that the system's
 * routes give show whether anything behind it answers. True: they are asked for. */
static bool ask_by_routes(struct diagnose_runner *r)
{
    if (!r->names_over || r->facts.proxy[0] != '\0')
        return false;
    for (size_t i = 0; i < r->facts.n_resolvers; i++)
        if (r->facts.resolvers[i].answered > 0)
            return false;
    r->names_over = false;
    resolver_use_uplink(r->resolver, NULL);
    start_lookups(r);
    start_media(r);
    return true;
}

/* ---- the end ---- */

static void end(struct diagnose_runner *r)
{
    struct facts *f = &r->facts;
    if (r->over)
        return;
    r->over = true;
    uv_timer_stop(r->timer);
    read_interface_again(r);
    f->busy = r->late_ns > (mono_now().ns - r->began.ns) / 10 || is_busy();
    if (f->dates > 0) {
        qsort(r->dates_ns, f->dates, sizeof *r->dates_ns, ns_compare);
        f->date_ahead_ns = r->dates_ns[f->dates / 2];
    }
    f->took_ns = mono_now().ns - r->began.ns;
    f->end = wall_now();
    r->events.on_over(f, r->events.user);
}

static void on_end(uv_timer_t *timer)
{
    end(timer->data);
}

/* Not from inside of a callback of what it destroys. */
void runner_stop(struct diagnose_runner *r)
{
    timer_in(r->end_timer, on_end, 0);
}

static bool all_is_over(const struct diagnose_runner *r, struct mono now)
{
    int64_t past_ns = now.ns - r->probing.ns - r->until_ns;
    return past_ns > 0 && r->doors_over && mtu_is_over(r) && r->portal == NULL &&
           path_round_left(r->paths) == 0 &&
           (prober_under_way(r->prober) == 0 || past_ns > REST_NS);
}

static void progress(struct diagnose_runner *r)
{
    struct mono now = mono_now();
    double all_ns = (double)(r->options.measure_ns + REST_NS);
    double share = (double)(now.ns - r->began.ns) / all_ns;
    const char *what = r->probing.ns == 0 ? "names"
                       : r->load != NULL  ? "delay under load"
                       : now.ns - r->probing.ns < r->until_ns
                           ? "gateway, resolvers, paths, services"
                           : "the last answers";
    r->events.on_progress(what, share < 0.99 ? share : 0.99, r->events.user);
}

/* Packets are lost, and too few were sent to tell whether on the way to the gateway: then
 * probes go on. That makes no false alarm, as this loss is a finding already. */
static bool is_prolonged(struct diagnose_runner *r, struct mono now)
{
    enum certainty certainty;
    const struct facts_gateway *g = r->facts.gateways;
    int64_t until_ns = now.ns - r->probing.ns + r->options.measure_ns;
    if (until_ns > LONGEST_NS)
        until_ns = LONGEST_NS;
    if (r->options.load || until_ns < now.ns - r->probing.ns + NS_PER_S ||
        until_ns > 3 * r->options.measure_ns + NS_PER_S ||
        g[SLOT_IPV4].icmp.answered + g[SLOT_IPV6].icmp.answered == 0 ||
        judge_charge(&r->facts, &certainty) != CHARGE_UNKNOWN)
        return false;
    r->until_ns = until_ns;
    return true;
}

static void on_tick(uv_timer_t *timer)
{
    struct diagnose_runner *r = timer->data;
    struct mono now = mono_now();
    if (now.ns - r->tick.ns > 2 * TICK_NS && r->tick.ns != 0)
        r->late_ns += now.ns - r->tick.ns - TICK_NS;
    r->tick = now;
    timer_in(timer, on_tick, TICK_NS);
    progress(r);
    if (r->probing.ns == 0 && (r->lookups_left == 0 || now.ns - r->asked.ns > NAMES_NS) &&
        !ask_by_routes(r))
        start_probing(r);
    if (r->probing.ns == 0 || r->over)
        return;
    if (now.ns - r->probing.ns < r->until_ns || is_prolonged(r, now)) {
        add_answers(r);
        send_due(r);
    }
    if (!r->mtu_begun && r->facts.no_icmp[0] == '\0' &&
        now.ns - r->probing.ns > MTU_AFTER_NS)
        start_mtu(r);
    if ((all_is_over(r, now) && !loads(r, now)) || now.ns - r->began.ns > RUNNER_LIMIT_NS)
        end(r);
}

static void check_icmp(struct diagnose_runner *r)
{
    char why[FACTS_CAUSE_MAX];
    if (prober_open(r->prober, r->kind_icmp, why, sizeof why) != 0)
        text_copy(r->facts.no_icmp, sizeof r->facts.no_icmp, why);
}

int runner_start(struct diagnose_runner **out, uv_loop_t *loop,
                 const struct runner_options *o, struct runner_events events)
{
    struct diagnose_runner *r = mem_zalloc(sizeof *r);
    const struct kinds *kinds = probe_kind_words();
    struct prober_events results = {.on_result = on_result, .user = r};
    *r = (struct diagnose_runner){.loop = loop, .options = *o, .events = events};
    r->kind_icmp = kinds_find(kinds, "icmp");
    r->kind_tcp = kinds_find(kinds, "tcp");
    r->kind_https = kinds_find(kinds, "https");
    r->kind_stun = kinds_find(kinds, "stun");
    r->kind_dns = kinds_find(kinds, "dns");
    r->uplink = o->config->over;
    bool own_dns = r->uplink != NULL && r->uplink->dns_servers[0] != '\0';
    int rc = resolver_create(&r->resolver, loop,
                             own_dns ? r->uplink->dns_servers : o->config->dns_servers);
    if (rc == 0)
        rc = http_create(&r->http, loop);
    if (rc != 0) {
        resolver_destroy(r->resolver);
        free(r);
        return rc;
    }
    r->began = mono_now();
    r->until_ns = o->measure_ns;
    r->facts.time = wall_now();
    r->as = as_lookup_create(o->config->path_as_database, NULL);
    links_open(&r->links);
    if (r->uplink != NULL)
        text_copy(r->facts.uplink, sizeof r->facts.uplink, r->uplink->name);
    list_resolvers(r);
    if (r->uplink != NULL)
        use_uplink(r);
    r->prober = prober_create(loop, probe_kinds, probe_kinds_count, r->resolver, r->http,
                              results);
    r->local = target_default(kinds);
    r->local.uplink = r->uplink;
    r->large = r->local;
    r->large.payload_bytes = FACTS_LARGE;
    r->local.waiting_ns[r->kind_dns] = DNS_WAITING_NS;
    if (o->n_targets > 0 && endpoint_literal(o->targets[0].host) == FAMILY_NONE)
        r->local.query = o->targets[0].host;
    for (size_t i = 0; i < o->n_targets && i < FACTS_SERVICES; i++) {
        struct facts_service *s = &r->facts.services[r->facts.n_services++];
        s->target = o->targets[i];
        s->target.waiting_ns[r->kind_https] = 6 * NS_PER_S;
        s->usual_ns[0] = s->usual_ns[1] = DELAY_UNDEFINED;
    }
    check_icmp(r);
    r->resolvers = resolver_round_start(loop, &r->facts, r->uplink);
    start_lookups(r);
    start_media(r);
    if (r->facts.proxy[0] == '\0')
        start_portal(r);
    r->timer = timer_new(loop, r);
    r->end_timer = timer_new(loop, r);
    timer_in(r->timer, on_tick, TICK_NS);
    *out = r;
    return 0;
}

void runner_destroy(struct diagnose_runner *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n_decoys; i++)
        single_cancel(r->decoys[i].single);
    for (size_t f = 0; f < FACTS_FAMILIES; f++)
        mtu_prober_destroy(r->mtus[f].prober);
    if (r->portal != NULL)
        http_cancel(r->portal);
    resolver_round_destroy(r->resolvers);
    door_round_destroy(r->doors);
    load_round_destroy(r->load);
    path_round_destroy(r->paths);
    prober_destroy(r->prober);
    http_destroy(r->http);
    as_lookup_destroy(r->as);
    resolver_destroy(r->resolver);
    links_close(&r->links);
    timer_close(r->timer);
    timer_close(r->end_timer);
    free(r);
}
