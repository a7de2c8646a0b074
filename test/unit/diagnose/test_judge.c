/*
 * What `edgelat diagnose` finds: a healthy site as facts, in which each row plants one fault
 * or two; the expected findings are written by hand.
 */
#include "diagnose/judge.h"

#include "core/random.h"
#include "diagnose/usual.h"
#include "probe/kinds.h"

#include "../edge/shipped.h"
#include "check.h"
#include "interned.h"

#include <math.h>

#define NOW_NS (INT64_C(1795424400) * NS_PER_S)

enum { EXCHANGE, TEAMS, BING, SERVICES };
static const char *const names[SERVICES] = {"exchange", "teams", "bing"};
static const char *const hosts[SERVICES] = {"outlook.office365.com",
                                            "teams.microsoft.com", "bing.com"};
static const double delays_ms[SERVICES] = {9, 3, 5};
static const char *const relays[FACTS_MEDIA] = {"relay.one", "relay.two"};

static struct edge_data known;
static struct config config;

static int load(void **state)
{
    (void)state;
    static const char limits[] =
        "# edgelat thresholds 2026-11-23\nmeasure,level,value,unit,source\n"
        "exchange_tcp_latency,100,10,ms,m\nexchange_tcp_latency,80,25,ms,m\n"
        "exchange_tcp_latency,60,100,ms,m\nexchange_tcp_latency,0,350,ms,m\n"
        "teams_rtt,target,60,ms,m\nteams_delay_variation,target,15,ms,m\n"
        "loss,target,2,percent,m\n";
    static const char issuers[] = "# edgelat issuers 2026-11-29\nservice,issuer\n"
                                  "exchange,Good CA\nteams,Good CA\n";
    const struct datafile_source a = {
        .name = "t", .text = limits, .len = sizeof limits - 1};
    const struct datafile_source b = {
        .name = "i", .text = issuers, .len = sizeof issuers - 1};
    CHECK_INT(0, thresholds_parse(&known.thresholds, &a), "limits");
    CHECK_INT(0, issuers_parse(&known.issuers, &b), "issuers");
    config = config_default();
    return 0;
}

static int unload(void **state)
{
    (void)state;
    edge_data_free(&known);
    config_free(&config);
    return 0;
}

/* ---- a healthy site ---- */

static void fill(struct facts_probes *p, double delay_ms, uint32_t n)
{
    *p = (struct facts_probes){.sent = n, .answered = n};
    for (uint32_t i = 0; i < n; i++)
        delay_ring_add(&p->delays,
                       (struct wall){NOW_NS - (int64_t)(n - i) * 100 * NS_PER_MS},
                       (int64_t)((delay_ms + 0.01 * (i % 7)) * 1e6));
}

static void lose(struct facts_probes *p, uint32_t lost)
{
    p->lost = lost;
    p->answered = p->sent - lost;
}

static void fill_https(struct facts_https *h, double delay_ms)
{
    struct facts_probes p;
    *h = (struct facts_https){.sent = 5, .replies = 5};
    h->last =
        (struct http_facts){.status = 200, .issuer = "Good CA", .tls_version = "1.3"};
    fill(&p, delay_ms, 5);
    h->tls = h->first_byte = p.delays;
}

static void fill_address(struct facts_address *a, struct endpoint to, double delay_ms)
{
    a->to = a->all[0] = to;
    a->n_all = 1;
    a->route = true;
    fill(&a->tcp, delay_ms, 50);
    fill(&a->icmp, delay_ms, 40);
    fill_https(&a->https, delay_ms);
}

static struct endpoint address(const char *text)
{
    struct endpoint e;
    CHECK(endpoint_parse(&e, text, 443), "%s", text);
    return e;
}

static struct endpoint of_service(size_t i, size_t family)
{
    char text[ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, family == SLOT_IPV6 ? "2001:4860:1::%zu" : "13.107.6.%zu",
             i + 1);
    return address(text);
}

static void fill_path(struct facts *f, size_t service, double provider_ms)
{
    struct facts_path *p = &f->paths[f->n_paths++];
    *p = (struct facts_path){.traced = true,
                             .service = service,
                             .family = FAMILY_IPV4,
                             .to = of_service(service, SLOT_IPV4),
                             .hops = 6,
                             .entry = ENTRY_FOUND};
    for (size_t i = 0; i < SEGMENTS; i++)
        p->segment_ns[i] = DELAY_UNDEFINED;
    p->segment_ns[SEGMENT_LOCAL] = NS_PER_MS / 3;
    p->segment_ns[SEGMENT_PROVIDER] = (int64_t)(provider_ms * 1e6);
    p->segment_ns[SEGMENT_MICROSOFT] = NS_PER_MS;
}

static void fill_resolver(struct facts *f, size_t i, const char *text)
{
    struct facts_resolver *r = &f->resolvers[i];
    struct facts_probes p;
    fill(&p, 2, 20);
    *r = (struct facts_resolver){.asked = 30, .answered = 30, .udp = p};
    r->server.at = address(text);
    snprintf(r->name, sizeof r->name, "%s", text);
    for (size_t s = 0; s < SERVICES; s++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            r->answers[s][k] = (struct facts_answer){
                .asked = true, .answered = true, .all = {of_service(s, k)}, .n = 1};
    f->n_resolvers = i + 1;
}

static struct facts *healthy(void)
{
    struct facts *f = calloc(1, sizeof *f);
    f->time = (struct wall){NOW_NS - 20 * NS_PER_S};
    f->end = (struct wall){NOW_NS};
    f->has_route = f->has_interface = true;
    f->interface = (struct facts_interface){.name = "eth0"};
    f->interface.after.received.packets = f->interface.after.sent.packets = 1000;
    f->interface.after.up = true;
    f->n_services = SERVICES;
    for (size_t i = 0; i < SERVICES; i++) {
        struct facts_service *s = &f->services[i];
        s->target = target_default(probe_kind_words());
        s->target.name = intern(names[i]);
        snprintf(s->target.service, sizeof s->target.service, "%s", names[i]);
        s->target.host = intern(hosts[i]);
        edge_data_limits(&known, &s->target);
        s->usual_ns[0] = s->usual_ns[1] = DELAY_UNDEFINED;
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            fill_address(&s->by[k], of_service(i, k), delays_ms[i]);
        fill_path(f, i, 1.5);
    }
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        f->gateways[k].to = address(k == SLOT_IPV6 ? "fd77::1" : "10.77.0.1");
        fill(&f->gateways[k].icmp, 0.4, 100);
        f->mtu[k] = (struct mtu_search){.verdict = MTU_UNLIMITED, .mtu = 1500};
        f->mtu_done[k] = true;
    }
    fill_resolver(f, 0, "198.51.100.53");
    fill_resolver(f, 1, "198.51.100.54");
    f->portal = PORTAL_NONE;
    for (size_t i = 0; i < FACTS_MEDIA; i++) {
        f->media[i].target = target_default(probe_kind_words());
        f->media[i].target.name = f->media[i].target.host = intern(relays[i]);
        f->media[i].to = address("52.112.0.1");
        f->media[i].mapped = address("192.0.2.7");
        fill(&f->media[i].stun, 12, 60);
    }
    f->dates = 20;
    return f;
}

/* ---- faults ---- */

static void each(struct facts *f, void (*change)(struct facts_address *a, size_t i))
{
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            change(&f->services[i].by[k], i);
}

static void nothing(struct facts *f)
{
    (void)f;
}

static void one_lost(struct facts *f)
{
    lose(&f->services[TEAMS].by[SLOT_IPV4].tcp, 1);
    lose(&f->media[0].stun, 1);
    lose(&f->gateways[SLOT_IPV4].icmp, 1);
}

static void rare_icmp(struct facts *f) /* a gateway that limits its own answers */
{
    lose(&f->gateways[SLOT_IPV4].icmp, 40);
}

static void slow_icmp(struct facts *f)
{
    fill(&f->gateways[SLOT_IPV4].icmp, 45, 100);
}

static void silent_gateway(struct facts *f)
{
    f->gateways[SLOT_IPV4].icmp = (struct facts_probes){.sent = 100, .lost = 100};
}

static void lose_five(struct facts_address *a, size_t i)
{
    (void)i;
    lose(&a->tcp, 5);
    lose(&a->icmp, 4);
}

static void lossy_hop(struct facts *f)
{
    each(f, lose_five);
    lose(&f->gateways[SLOT_IPV4].icmp, 9);
    lose(&f->gateways[SLOT_IPV6].icmp, 9);
    lose(&f->media[0].stun, 6);
}

static void lossy_provider(struct facts *f)
{
    each(f, lose_five);
}

static void lossy_service(struct facts *f)
{
    lose(&f->services[BING].by[SLOT_IPV4].tcp, 15);
}

/* 8 of 350, of which chance explains 3 % at the limit; 4 of 50 to one service. */
static void lossy_line(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        struct facts_probes *tcp = &f->services[i].by[SLOT_IPV4].tcp;
        if (i != BING)
            fill(tcp, delays_ms[i], 150);
        lose(tcp, i == BING ? 4 : 2);
    }
}

static void no_ipv4_route(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        struct facts_address *v4 = &f->services[i].by[SLOT_IPV4];
        *v4 = (struct facts_address){.to = v4->to};
    }
}

static void far_lan(struct facts_address *a, size_t i)
{
    fill(&a->tcp, 40 + delays_ms[i], 50);
    fill(&a->icmp, 40 + delays_ms[i], 40);
}

static void slow_gateway(struct facts *f)
{
    each(f, far_lan);
    fill(&f->gateways[SLOT_IPV4].icmp, 38, 100);
}

/* All paths are `more_ms` longer, in the network of the provider. */
static void provider_adds(struct facts *f, double more_ms)
{
    f->n_paths = 0;
    for (size_t i = 0; i < SERVICES; i++) {
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            fill(&f->services[i].by[k].tcp, more_ms + delays_ms[i], 50);
            fill(&f->services[i].by[k].icmp, more_ms + delays_ms[i], 40);
        }
        fill_path(f, i, more_ms + 1);
    }
}

static void slow_provider(struct facts *f)
{
    provider_adds(f, 100);
}

/* An office 26 ms away: over the 25 ms that Microsoft recommends, within its limits. */
static void far_office(struct facts *f)
{
    provider_adds(f, 26);
}

static void far_office_as_usual(struct facts *f)
{
    far_office(f);
    f->services[EXCHANGE].usual_ns[SLOT_IPV4] = 34 * NS_PER_MS;
}

static void far_unlike_usual(struct facts *f)
{
    far_office(f);
    f->services[EXCHANGE].usual_ns[SLOT_IPV4] = 9 * NS_PER_MS;
}

static void slow_untraced(struct facts *f)
{
    provider_adds(f, 100);
    f->n_paths = 0;
}

static void far_inside(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        fill(&f->services[TEAMS].by[k].tcp, 95, 50);
    f->paths[TEAMS].segment_ns[SEGMENT_MICROSOFT] = 93 * NS_PER_MS;
}

static void far_inside_all(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            fill(&f->services[i].by[k].tcp, 110 + delays_ms[i], 50);
            snprintf(f->services[i].by[k].https.pop, POP_TEXT_MAX, "STO");
        }
        f->paths[i].segment_ns[SEGMENT_MICROSOFT] = 110 * NS_PER_MS;
        snprintf(f->paths[i].entry_metro, sizeof f->paths[i].entry_metro, "AMS");
    }
}

static void far_inside_several(struct facts *f)
{
    far_inside_all(f);
    snprintf(f->services[EXCHANGE].by[SLOT_IPV4].https.pop, POP_TEXT_MAX, "LHR");
}

static struct facts_other *add_other(struct facts *f, size_t service, size_t resolver,
                                     const char *at, double delay_ms)
{
    struct facts_other *o = &f->others[f->n_others++];
    *o =
        (struct facts_other){.service = service, .resolver = resolver, .to = address(at)};
    snprintf(o->host, sizeof o->host, "lhr-efz.ms-acdc.office.com");
    fill(&o->tcp, delay_ms, 20);
    fill_https(&o->https, delay_ms);
    return o;
}

static void far_door(struct facts *f)
{
    fill(&f->services[EXCHANGE].by[SLOT_IPV4].tcp, 70, 50);
    add_other(f, EXCHANGE, FACTS_NO_RESOLVER, "13.107.9.9", 9);
    add_other(f, EXCHANGE, FACTS_NO_RESOLVER, "13.107.9.8", 11);
}

static void near_door(struct facts *f) /* not worth a finding */
{
    add_other(f, EXCHANGE, FACTS_NO_RESOLVER, "13.107.9.9", 4);
}

static void another_certificate(struct facts *f) /* of a door that is another's */
{
    fill(&f->services[EXCHANGE].by[SLOT_IPV4].tcp, 24, 50);
    struct facts_other *o = add_other(f, EXCHANGE, FACTS_NO_RESOLVER, "13.107.9.9", 4);
    o->https = (struct facts_https){.sent = 3, .tls_errors = 3};
}

static void far_resolver(struct facts *f)
{
    fill(&f->services[TEAMS].by[SLOT_IPV4].tcp, 50, 50);
    f->resolvers[1].answers[TEAMS][SLOT_IPV4].all[0] = address("13.107.9.9");
    add_other(f, TEAMS, 1, "13.107.9.9", 3);
}

static void kill_resolver(struct facts *f, size_t i)
{
    struct facts_resolver *r = &f->resolvers[i];
    r->answered = 0;
    r->failed = r->asked;
    r->udp = (struct facts_probes){.sent = 20, .lost = 20};
    memset(r->answers, 0, sizeof r->answers);
}

static void dead_resolver(struct facts *f)
{
    kill_resolver(f, 1);
}

static void dead_extra(struct facts *f) /* which this host does not use */
{
    kill_resolver(f, 1);
    f->resolvers[1].extra = true;
}

static void no_media(struct facts *f, const char *cause)
{
    for (size_t i = 0; i < FACTS_MEDIA; i++) {
        struct facts_media *m = &f->media[i];
        m->to = m->mapped = (struct endpoint){0};
        m->stun = (struct facts_probes){0};
        snprintf(m->cause, sizeof m->cause, "%s", cause);
    }
}

static void no_names(struct facts *f)
{
    kill_resolver(f, 0);
    kill_resolver(f, 1);
    for (size_t i = 0; i < SERVICES; i++)
        memset(f->services[i].by, 0, sizeof f->services[i].by);
    f->n_paths = 0;
    f->portal = PORTAL_UNKNOWN;
    no_media(f, "no DNS server answered");
    f->dates = 0;
}

static void no_route(struct facts *f)
{
    no_names(f);
    f->has_route = f->has_interface = false;
    memset(f->gateways, 0, sizeof f->gateways);
}

static void slow_resolver(struct facts *f)
{
    struct facts_probes p;
    fill(&p, 300, 20);
    f->resolvers[0].udp = p;
}

static void slow_resolver_lossy_hop(struct facts *f)
{
    slow_resolver(f);
    lossy_hop(f);
}

static void slow_resolver_lossy_provider(struct facts *f)
{
    slow_resolver(f);
    lossy_provider(f);
}

static void blocked_name(struct facts *f)
{
    struct facts_answer *a = &f->resolvers[1].answers[TEAMS][SLOT_IPV4];
    *a = (struct facts_answer){
        .asked = true, .answered = true, .unfit = address("0.0.0.0")};
}

static void denied_name(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        f->resolvers[1].answers[TEAMS][k] =
            (struct facts_answer){.asked = true, .answered = true, .no_name = true};
}

static void wrong_address(struct facts *f)
{
    f->resolvers[1].answers[TEAMS][SLOT_IPV4].all[0] = address("203.0.113.66");
    struct facts_other *o = add_other(f, TEAMS, 1, "203.0.113.66", 3);
    o->https = (struct facts_https){.sent = 3, .tls_errors = 3};
}

static void close_tls(struct facts_address *a, size_t i)
{
    (void)i;
    a->tcp = (struct facts_probes){.sent = 50, .failed = 50};
    a->icmp = (struct facts_probes){.sent = 40, .lost = 40};
    a->https = (struct facts_https){.sent = 5, .refused = 5};
}

static void portal(struct facts *f)
{
    each(f, close_tls);
    f->portal = PORTAL_REDIRECTS;
    f->portal_status = 302;
    f->media[0].stun.delays.values[0].ns = 0;
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        f->media[i].stun = (struct facts_probes){.sent = 60, .lost = 60};
}

static void broken_test_page(struct facts *f) /* its server's fault, or a filter */
{
    f->portal = PORTAL_REPLACES;
    f->portal_status = 503;
}

static void other_issuer(struct facts_address *a, size_t i)
{
    (void)i;
    snprintf(a->https.last.issuer, sizeof a->https.last.issuer, "Acme Gateway");
}

static void intercepted_tls(struct facts *f)
{
    each(f, other_issuer);
}

static void refuse_certificate(struct facts_address *a, size_t i)
{
    other_issuer(a, i);
    a->https.tls_errors = a->https.sent;
    a->https.replies = 0;
}

static void untrusted_tls(struct facts *f)
{
    each(f, refuse_certificate);
}

static void proxy_of(struct facts *f, bool works)
{
    snprintf(f->proxy, sizeof f->proxy, "proxy.example");
    fill(&f->proxy_tcp, 1, 50);
    f->portal = PORTAL_UNKNOWN;
    f->n_paths = 0;
    for (size_t i = 0; i < SERVICES; i++) {
        memset(f->services[i].by, 0, sizeof f->services[i].by);
        struct facts_address *a = &f->services[i].by[SLOT_PROXY];
        a->to = (struct endpoint){.family = FAMILY_PROXY, .port = 443};
        fill_https(&a->https, 20);
        if (!works)
            a->https = (struct facts_https){.sent = 5, .lost = 5};
    }
}

static void proxied(struct facts *f)
{
    proxy_of(f, true);
}

static void proxy_down(struct facts *f)
{
    proxy_of(f, false);
}

static void enter_tunnel(struct facts_address *a, size_t i)
{
    (void)i;
    a->tunnel = (struct facts_tunnel){"wg0", "eth0"};
}

static void refuse_tunnel(struct facts *f, size_t i, uint16_t status)
{
    struct facts_https *h = &f->services[i].by[SLOT_PROXY].https;
    *h = (struct facts_https){.sent = 5, .refused_tunnel = 5, .proxy_status = status};
    snprintf(h->cause, sizeof h->cause, "the proxy answers HTTP %u", status);
}

static void proxy_504(struct facts *f)
{
    proxied(f);
    for (size_t i = 0; i < SERVICES; i++)
        refuse_tunnel(f, i, 504);
}

static void proxy_403_of_one(struct facts *f)
{
    proxied(f);
    refuse_tunnel(f, TEAMS, 403);
}

static void proxy_connects_in(struct facts *f, double tunnel_ms, double reply_ms)
{
    struct facts_probes tunnel, reply;
    proxied(f);
    fill(&tunnel, tunnel_ms, 10);
    fill(&reply, reply_ms, 10);
    for (size_t i = 0; i < SERVICES; i++) {
        struct facts_https *h = &f->services[i].by[SLOT_PROXY].https;
        h->tunnel = tunnel.delays;
        h->tls = h->first_byte = reply.delays;
    }
}

static void proxy_slow(struct facts *f)
{
    proxy_connects_in(f, 1000, 7);
}

static void proxy_by_satellite(struct facts *f)
{
    proxy_connects_in(f, 1240, 620);
}

static void malformed_by_proxy(struct facts *f)
{
    proxied(f);
    struct facts_https *h = &f->services[TEAMS].by[SLOT_PROXY].https;
    *h = (struct facts_https){
        .sent = 5, .http_errors = 5, .malformed = 5, .cause = "junk"};
}

static void tls_fails_by_proxy(struct facts *f)
{
    proxied(f);
    struct facts_https *h = &f->services[TEAMS].by[SLOT_PROXY].https;
    *h = (struct facts_https){.sent = 5, .tls_errors = 5, .cause = "reset"};
}

static void vpn(struct facts *f)
{
    each(f, enter_tunnel);
    f->interface.tunnel = (struct facts_tunnel){"wg0", "eth0"};
}

static void vpn_of_one(struct facts *f) /* a route of its own; the VPN is slow */
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        fill(&f->services[TEAMS].by[k].tcp, 75, 50);
        enter_tunnel(&f->services[TEAMS].by[k], TEAMS);
    }
    f->paths[TEAMS].segment_ns[SEGMENT_PROVIDER] = 74 * NS_PER_MS;
}

static void far_away_one(struct facts *f);

static void vpn_of_one_alone(struct facts *f)
{
    far_away_one(f);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        enter_tunnel(&f->services[EXCHANGE].by[k], EXCHANGE);
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        fill(&f->media[i].stun, 12, 60);
    fill(&f->resolvers[0].udp, 2, 20);
}

static void vpn_of_resolver(struct facts *f) /* which the services do not take */
{
    f->interface.tunnel = (struct facts_tunnel){"wg0", "eth0"};
}

static void vpn_of_proxy(struct facts *f)
{
    proxied(f);
    f->interface.tunnel = (struct facts_tunnel){"wg0", "eth0"};
}

static void half_duplex(struct facts *f)
{
    f->interface.modes = (struct link_modes){100, DUPLEX_IS_HALF};
    each(f, lose_five);
    lose(&f->gateways[SLOT_IPV4].icmp, 9);
}

static void link_errors(struct facts *f)
{
    f->interface.after.received.errors = 20;
}

static void old_errors(struct facts *f) /* before the run */
{
    f->interface.before.received.errors = f->interface.after.received.errors = 5000;
}

static void weak_signal(struct facts *f)
{
    f->interface.wifi = (struct wifi_link){.signal_dbm = -82};
}

static void drop_ipv6(struct facts_address *a, size_t i)
{
    (void)i;
    if (a->to.family != FAMILY_IPV6)
        return;
    a->tcp = (struct facts_probes){.sent = 50, .lost = 50};
    a->https = (struct facts_https){.sent = 3, .lost = 3};
}

static void broken_ipv6(struct facts *f)
{
    each(f, drop_ipv6);
}

static void slow_ipv6(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++)
        fill(&f->services[i].by[SLOT_IPV6].tcp, delays_ms[i] + 60, 50);
}

static void no_ipv6(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++)
        memset(&f->services[i].by[SLOT_IPV6], 0, sizeof f->services[i].by[SLOT_IPV6]);
}

static void black_hole(struct facts *f)
{
    f->mtu[SLOT_IPV4] = (struct mtu_search){
        .verdict = MTU_FOUND, .limit = MTU_LIMIT_BLACK_HOLE, .mtu = 1400};
    for (size_t i = 0; i < SERVICES; i++)
        f->services[i].by[SLOT_IPV4].https = (struct facts_https){.sent = 3, .slow = 3};
}

static void small_mtu(struct facts *f) /* that a router reports */
{
    f->mtu[SLOT_IPV4] = (struct mtu_search){
        .verdict = MTU_FOUND, .limit = MTU_LIMIT_REPORTED, .mtu = 1400};
}

/* TLS that waits for a CPU looks like a middlebox, by its delays. */
static void busy_host(struct facts *f)
{
    struct intercept *i = &f->services[TEAMS].by[SLOT_IPV4].intercept;
    i->tls.judged = i->tls.verdict = true;
    f->busy = true;
}

static void idle_host(struct facts *f)
{
    busy_host(f);
    f->busy = false;
}

static void decoy(struct facts *f)
{
    busy_host(f);
    intercept_decoy(&f->services[TEAMS].by[SLOT_IPV4].intercept, 2 * NS_PER_MS);
}

static void large_echoes_dropped(struct facts *f) /* by a firewall; connections work */
{
    f->mtu[SLOT_IPV4] = (struct mtu_search){
        .verdict = MTU_FOUND, .limit = MTU_LIMIT_BLACK_HOLE, .mtu = 1024};
}

static void service_down(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        close_tls(&f->services[BING].by[k], BING);
}

static void service_down_in_hole(struct facts *f)
{
    black_hole(f);
    service_down(f);
}

static void all_down(struct facts *f) /* a firewall */
{
    each(f, close_tls);
}

static void errors_503(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        struct facts_https *h = &f->services[BING].by[k].https;
        h->replies = 0;
        h->http_errors = h->sent;
        h->last.status = h->error_status = 503;
    }
}

static void one_503(struct facts *f)
{
    f->services[BING].by[SLOT_IPV4].https.http_errors = 1;
    f->services[BING].by[SLOT_IPV4].https.replies = 4;
}

static void wrong_clock(struct facts *f)
{
    f->date_ahead_ns = -3600 * NS_PER_S;
}

static void clock_and_503(struct facts *f)
{
    wrong_clock(f);
    errors_503(f);
}

static void no_udp(struct facts *f)
{
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        f->media[i].stun = (struct facts_probes){.sent = 60, .lost = 60};
}

static void one_relay_silent(struct facts *f)
{
    f->media[0].stun = (struct facts_probes){.sent = 60, .lost = 60};
}

static void udp_lossy(struct facts *f)
{
    lose(&f->media[0].stun, 9);
    lose(&f->media[1].stun, 9);
}

static void far_relays(struct facts *f)
{
    fill(&f->media[0].stun, 400, 60);
    fill(&f->media[1].stun, 390, 60);
}

static void one_far_relay(struct facts *f)
{
    fill(&f->media[0].stun, 400, 60);
}

static void unusable_proxy(struct facts *f) /* which edgelat cannot use, others may */
{
    snprintf(f->proxy_wrong, sizeof f->proxy_wrong, "socks5://192.0.2.1: not HTTP");
}

/* Its TLS stalls by IPv4; IPv6 is refused. */
static void stalling_service(struct facts *f)
{
    struct facts_address *v4 = &f->services[BING].by[SLOT_IPV4],
                         *v6 = &f->services[BING].by[SLOT_IPV6];
    v4->https = (struct facts_https){.sent = 3, .slow = 3, .cause = "it stalls"};
    v6->tcp = (struct facts_probes){.sent = 50, .failed = 50, .cause = "it refuses"};
    v6->https = (struct facts_https){.sent = 3, .refused = 3, .cause = "it refuses"};
}

static void own_entry(struct facts *f) /* of /etc/hosts */
{
    struct facts_address *v4 = &f->services[TEAMS].by[SLOT_IPV4],
                         *v6 = &f->services[TEAMS].by[SLOT_IPV6];
    close_tls(v4, TEAMS);
    v4->to = v4->all[0] = address("203.0.113.200");
    *v6 = (struct facts_address){0};
}

static void broken_ipv4(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++)
        close_tls(&f->services[i].by[SLOT_IPV4], i);
    kill_resolver(f, 0);
    f->resolvers[1].server.at = address("2001:db8::54");
    no_udp(f);
}

/* All names, also those of the relays, have a private address by IPv4; IPv6 works. */
static void private_ipv4(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        close_tls(&f->services[i].by[SLOT_IPV4], i);
        f->services[i].by[SLOT_IPV4].to = f->services[i].by[SLOT_IPV4].all[0] =
            address("10.1.2.3");
        for (size_t r = 0; r < f->n_resolvers; r++)
            f->resolvers[r].answers[i][SLOT_IPV4].all[0] = address("10.1.2.3");
    }
    no_udp(f);
}

static void broken_ipv4_of_one(struct facts *f) /* edgelat diagnose exchange */
{
    broken_ipv4(f);
    f->n_services = f->n_paths = 1;
}

static void service_down_by_ipv4(struct facts *f)
{
    f->n_services = f->n_paths = 1;
    close_tls(&f->services[EXCHANGE].by[SLOT_IPV4], EXCHANGE);
}

static void blocked_ipv4(struct facts *f) /* its TCP, by a firewall */
{
    for (size_t i = 0; i < SERVICES; i++)
        close_tls(&f->services[i].by[SLOT_IPV4], i);
}

static void blocked_ipv4_and_udp(struct facts *f)
{
    blocked_ipv4(f);
    no_udp(f);
}

static void broken_ipv4_gateway(struct facts *f)
{
    broken_ipv4(f);
    silent_gateway(f);
}

static void broken_ipv4_service_down(struct facts *f)
{
    broken_ipv4(f);
    service_down(f);
}

static void broken_ipv4_only(struct facts *f) /* bing has no other addresses */
{
    broken_ipv4(f);
    f->services[BING].by[SLOT_IPV6] = (struct facts_address){0};
}

/* So much that some handshakes with one service are all lost. */
static void most_lost(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            lose(&f->services[i].by[k].tcp, 48);
            lose(&f->services[i].by[k].icmp, 38);
        }
    lose(&f->services[BING].by[SLOT_IPV4].tcp, 50);
    lose(&f->services[TEAMS].by[SLOT_IPV6].tcp, 50);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        close_tls(&f->services[EXCHANGE].by[k], EXCHANGE);
}

static void
far_away(struct facts *f) /* satellite: the resolver and relays are behind it, too */
{
    static const double more_ms = 600;
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            fill(&f->services[i].by[k].tcp, more_ms + 10, 50);
            fill(&f->services[i].by[k].icmp, more_ms + 10, 40);
        }
    f->n_paths = 0;
    for (size_t i = 0; i < SERVICES; i++)
        fill_path(f, i, more_ms);
    struct facts_probes p;
    fill(&p, more_ms + 2, 20);
    f->resolvers[0].udp = p;
    fill(&f->media[0].stun, more_ms + 10, 60);
    fill(&f->media[1].stun, more_ms + 10, 60);
}

static void far_away_one(struct facts *f) /* edgelat diagnose exchange */
{
    far_away(f);
    f->n_services = f->n_paths = 1;
    f->n_resolvers = 1;
}

/* The provider's way to one service only: the resolver is not behind it. */
static void far_one_near_resolver(struct facts *f)
{
    struct facts_probes p;
    far_away_one(f);
    fill(&p, 150, 20);
    f->resolvers[0].udp = p;
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        fill(&f->media[i].stun, 12, 60);
}

static void slow_gateway_and_resolver(struct facts *f)
{
    struct facts_probes p;
    slow_gateway(f);
    fill(&p, 440, 20);
    f->resolvers[0].udp = p;
}

static void slow_gateway_late_resolver(struct facts *f) /* within its limit without it */
{
    struct facts_probes p;
    slow_gateway(f);
    fill(&p, 125, 20);
    f->resolvers[0].udp = p;
}

static void far_and_slow_resolver(struct facts *f)
{
    struct facts_probes p;
    far_away(f);
    fill(&p, 900, 20);
    f->resolvers[0].udp = p;
}

static void lose_queries(struct facts *f)
{
    f->resolvers[1].udp.sent = 48;
    lose(&f->resolvers[1].udp, 19);
}

static void lose_one_query(struct facts *f)
{
    f->resolvers[0].udp.sent = f->resolvers[1].udp.sent = 24;
    lose(&f->resolvers[0].udp, 1);
    lose(&f->resolvers[1].udp, 2);
}

static void lose_queries_as_all(struct facts *f) /* a lossy provider */
{
    lossy_provider(f);
    f->resolvers[0].udp.sent = 24;
    lose(&f->resolvers[0].udp, 5);
}

static void tcp_only(struct facts *f)
{
    fill(&f->resolvers[0].udp, 60, 6);
    f->resolvers[0].lookups = f->resolvers[0].udp.delays;
    f->resolvers[0].udp = (struct facts_probes){.sent = 20, .lost = 20};
}

static void vary(struct facts_probes *p, double most_ms)
{
    struct random random = random_from(check_seed() + p->sent);
    for (size_t i = 0; i < p->delays.n; i++)
        p->delays.values[i].ns += (int64_t)(random_unit(&random) * most_ms * 1e6);
}

static void vary_all(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            vary(&f->services[i].by[k].tcp, 70);
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        vary(&f->media[i].stun, 70);
}

static void vary_media(struct facts *f)
{
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        vary(&f->media[i].stun, 70);
}

static void add_peaks(struct facts_probes *p, size_t every, double peak_ms)
{
    for (size_t n = every / 2; n < p->delays.n; n += every)
        p->delays.values[n].ns += (int64_t)(peak_ms * 1e6);
}

static void peaks(struct facts *f, size_t every, double peak_ms)
{
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            add_peaks(&f->services[i].by[k].tcp, every, peak_ms);
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        add_peaks(&f->media[i].stun, every, peak_ms);
}

static void rare_peaks(struct facts *f) /* of each fiftieth packet, by a second */
{
    peaks(f, 50, 1000);
}

/* Of media by 200 ms: maybe more than rare ones. */
static void few_peaks(struct facts *f)
{
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        add_peaks(&f->media[i].stun, 20, 200);
}

static void frequent_peaks(struct facts *f)
{
    peaks(f, 10, 200);
}

static void frequent_peaks_local(struct facts *f) /* Wi-Fi */
{
    peaks(f, 10, 200);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        add_peaks(&f->gateways[k].icmp, 10, 200);
}

/* Of one service, and of fewer echoes, which may be chance. */
static void frequent_peaks_local_few(struct facts *f)
{
    f->n_services = f->n_paths = 1;
    f->services[EXCHANGE].by[SLOT_IPV6] = (struct facts_address){0};
    peaks(f, 8, 200);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        add_peaks(&f->gateways[k].icmp, 22, 200);
}

static void vary_media_local(struct facts *f)
{
    vary_media(f);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        vary(&f->gateways[k].icmp, 60);
}

static void vary_media_unknown(struct facts *f) /* the gateway does not answer */
{
    vary_media(f);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        f->gateways[k].icmp = (struct facts_probes){.sent = 100, .lost = 100};
}

/* A queue of 600 to 800 ms in front of all: a full line. */
static void queue(struct facts *f)
{
    static const double least_ms = 600, most_ms = 200;
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            fill(&f->services[i].by[k].tcp, least_ms + delays_ms[i], 50);
            fill(&f->services[i].by[k].icmp, least_ms + delays_ms[i], 40);
            vary(&f->services[i].by[k].tcp, most_ms);
        }
    for (size_t i = 0; i < f->n_resolvers; i++) {
        struct facts_probes *p = &f->resolvers[i].udp;
        fill(p, least_ms, 40);
        vary(p, most_ms);
    }
    for (size_t i = 0; i < FACTS_MEDIA; i++) {
        fill(&f->media[i].stun, least_ms + 9, 60);
        vary(&f->media[i].stun, most_ms);
    }
}

static void full_line(struct facts *f)
{
    queue(f);
    f->n_paths = 0;
}

static void
full_line_one(struct facts *f) /* edgelat diagnose exchange; a path of later */
{
    full_line(f);
    f->n_services = 1;
    fill_path(f, 0, 450);
}

/* All is late alike, by no queue, and no path is divided. */
static void slow_line(struct facts *f)
{
    far_away(f);
    f->n_paths = 0;
    f->resolvers[1].udp = f->resolvers[0].udp;
}

static void full_line_slow_resolver(struct facts *f)
{
    full_line(f);
    fill(&f->resolvers[0].udp, 1200, 20);
}

static void full_lan(struct facts *f)
{
    queue(f);
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        fill(&f->gateways[k].icmp, 598, 100);
        vary(&f->gateways[k].icmp, 200);
    }
    f->n_paths = 0;
    f->n_services = 1;
    fill_path(f, 0, 0.1);
    f->paths[0].segment_ns[SEGMENT_LOCAL] = 850 * NS_PER_MS;
}

static void second_router(struct facts *f)
{
    each(f, far_lan);
    for (size_t i = 0; i < SERVICES; i++) {
        fill(&f->services[i].by[SLOT_IPV4].tcp, 140, 50);
        fill(&f->services[i].by[SLOT_IPV6].tcp, 140, 50);
        f->paths[i].segment_ns[SEGMENT_LOCAL] = 130 * NS_PER_MS;
        f->paths[i].last_local = address("10.42.0.1");
    }
}

static void slow_inside(struct facts *f) /* behind the entry, in its metro */
{
    far_inside(f);
    snprintf(f->services[TEAMS].by[SLOT_IPV4].https.pop, POP_TEXT_MAX, "SIN");
    snprintf(f->paths[TEAMS].entry_metro, sizeof f->paths[TEAMS].entry_metro, "SIN");
}

static void limit_connections(struct facts_address *a, size_t i)
{
    if (i != EXCHANGE)
        lose(&a->tcp, 12);
}

static void limited(struct facts *f)
{
    each(f, limit_connections);
    close_tls(&f->services[EXCHANGE].by[SLOT_IPV4], EXCHANGE);
    f->services[EXCHANGE].by[SLOT_IPV4].icmp =
        (struct facts_probes){.sent = 40, .answered = 40};
}

static void refused_connections(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++)
        f->services[i].by[SLOT_IPV4].tcp.failed = 10;
}

static void lose_large(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        fill(&f->services[i].by[SLOT_IPV4].large, 5, 20);
        lose(&f->services[i].by[SLOT_IPV4].large, 6);
    }
}

static void dead_address(struct facts *f)
{
    struct facts_address *a = &f->services[TEAMS].by[SLOT_IPV4];
    a->more[0] = (struct facts_more){.to = address("13.107.6.77"), .sent = 6};
    a->n_more = 1;
}

static void dead_first_address(struct facts *f)
{
    struct facts_address *a = &f->services[TEAMS].by[SLOT_IPV4];
    close_tls(a, TEAMS);
    a->more[0] =
        (struct facts_more){.to = address("13.107.6.77"), .sent = 6, .answered = 6};
    a->n_more = 1;
}

static void throttled(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        f->services[TEAMS].by[k].https.throttled = 5;
}

static void late_handshakes(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        fill(&f->services[TEAMS].by[k].tcp, 400, 50);
}

static void late_tls(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        struct facts_probes p;
        fill(&p, 2000, 5);
        f->services[TEAMS].by[k].https.tls = p.delays;
    }
}

static void late_interception(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            struct facts_address *a = &f->services[i].by[k];
            struct facts_probes p;
            fill(&p, 916, 5);
            fill(&a->tcp, 0.05, 50);
            other_issuer(a, i);
            a->https.tls = p.delays;
            intercept_decoy(&a->intercept, NS_PER_MS);
        }
}

/* What is behind it is 300 ms away: its own handshake with the service takes three round trips. */
static void far_interception(struct facts *f)
{
    late_interception(f);
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            struct facts_probes p;
            fill(&p, 300, 5);
            f->services[i].by[k].https.first_byte = p.delays;
        }
}

static void late_tls_a_little(struct facts *f)
{
    late_tls(f);
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        struct facts_probes p;
        fill(&p, 900, 5);
        f->services[TEAMS].by[k].https.tls = p.delays;
    }
}

static void reset_tls(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        f->services[TEAMS].by[k].https = (struct facts_https){
            .sent = 5,
            .tls_errors = 5,
            .cause = "TLS handshake with teams.microsoft.com failed: connection reset"};
}

static void tls_fails_by_ipv6(struct facts *f)
{
    f->services[TEAMS].by[SLOT_IPV6].https =
        (struct facts_https){.sent = 5, .tls_errors = 5};
}

/* Of the right issuer, on a path into Microsoft's network. */
static void expired_certificate(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        struct facts_https *h = &f->services[TEAMS].by[k].https;
        h->tls_errors = h->sent;
        h->replies = 0;
    }
}

static void far_ipv4_over_limit(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        fill(&f->services[i].by[SLOT_IPV4].tcp, delays_ms[i] + 200, 50);
        fill(&f->services[i].by[SLOT_IPV4].icmp, delays_ms[i] + 200, 40);
    }
}

static void late_by_its_path(struct facts *f) /* 980 ms of the page, 90 of the path */
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        struct facts_probes p;
        fill(&p, 1070, 5);
        fill(&f->services[EXCHANGE].by[k].tcp, 90, 50);
        fill(&f->services[EXCHANGE].by[k].icmp, 90, 40);
        f->services[EXCHANGE].by[k].https.first_byte = p.delays;
    }
}

static void far_ipv4(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        fill(&f->services[i].by[SLOT_IPV4].tcp, delays_ms[i] + 50, 50);
        fill(&f->services[i].by[SLOT_IPV4].icmp, delays_ms[i] + 50, 40);
    }
}

static void
first_hop_little(struct facts *f) /* of few echoes, yet as many as behind it */
{
    each(f, lose_five);
    f->gateways[SLOT_IPV4].icmp.sent = f->gateways[SLOT_IPV6].icmp.sent = 30;
    lose(&f->gateways[SLOT_IPV4].icmp, 2);
    lose(&f->gateways[SLOT_IPV6].icmp, 2);
}

static void limited_gateway_and_provider(struct facts *f)
{
    each(f, lose_five);
    lose(&f->gateways[SLOT_IPV4].icmp, 60);
    lose(&f->gateways[SLOT_IPV6].icmp, 60);
}

static const struct {
    const char *what;
    void (*plant)(struct facts *f);
    const char *expected; /* in the order of the verdict */
} cases[] = {
    {"a healthy site", nothing, ""},
    {"one probe of each lost", one_lost, ""},
    {"a gateway that answers ICMP rarely", rare_icmp, ""},
    {"a gateway that answers ICMP late", slow_icmp, ""},
    {"a gateway that does not answer", silent_gateway, ""},
    {"errors of the interface before the run", old_errors, ""},
    {"a nearer door, by little", near_door, ""},
    {"a nearer door with another certificate", another_certificate, ""},
    {"another resolver is dead", dead_extra, ""},
    {"no IPv6", no_ipv6, ""},
    {"a small MTU", small_mtu, ""},
    {"large echoes are dropped", large_echoes_dropped, ""},
    {"a busy host", busy_host, ""},
    {"a middlebox by its delays", idle_host, "middlebox"},
    {"a middlebox that answers at a port that nobody serves", decoy, "middlebox"},
    {"one 503", one_503, ""},
    {"one relay is silent", one_relay_silent, ""},
    {"the test page for portals is broken", broken_test_page, ""},
    {"lossy first hop", lossy_hop, "gateway_loss"},
    {"lossy provider", lossy_provider, "path_loss"},
    {"lossy path to a service", lossy_service, "service_loss"},
    {"a line that loses, too few packets to tell", lossy_line, ""},
    {"no route for IPv4", no_ipv4_route, ""},
    {"slow local network", slow_gateway, "gateway_slow"},
    {"slow provider", slow_provider, "provider_slow"},
    {"a far office within the limits", far_office, ""},
    {"a far office as usual", far_office_as_usual, ""},
    {"as far as never before", far_unlike_usual, "provider_slow"},
    {"slow, no path known", slow_untraced, "service_slow"},
    {"far PoP by the path", far_inside, "far_front_door"},
    {"far front door", far_door, "far_front_door"},
    {"far PoP by the resolver", far_resolver, "resolver_far"},
    {"dead resolver", dead_resolver, "resolver_dead"},
    {"no resolver", no_names, "no_dns"},
    {"no route", no_route, "no_route"},
    {"slow resolver", slow_resolver, "resolver_slow"},
    {"slow resolver behind a lossy first hop", slow_resolver_lossy_hop,
     "gateway_loss resolver_slow"},
    {"slow resolver behind a lossy provider", slow_resolver_lossy_provider,
     "resolver_slow path_loss"},
    {"blocking resolver", blocked_name, "resolver_lies"},
    {"denying resolver", denied_name, "resolver_lies"},
    {"lying resolver", wrong_address, "resolver_lies"},
    {"captive portal", portal, "captive_portal"},
    {"TLS interception", intercepted_tls, "tls_intercepted"},
    {"TLS interception, CA unknown", untrusted_tls, "tls_intercepted"},
    {"proxy", proxied, "proxy"},
    {"proxy that fails", proxy_down, "proxy_fails"},
    {"proxy that does not connect", proxy_504, "proxy_fails"},
    {"proxy that blocks one service", proxy_403_of_one, "proxy_fails proxy"},
    {"proxy that connects slowly", proxy_slow, "proxy"},
    {"proxy, far from Microsoft", proxy_by_satellite, "proxy"},
    {"malformed replies through a proxy", malformed_by_proxy, "proxy service_errors"},
    {"TLS fails through a proxy", tls_fails_by_proxy, "proxy service_tls"},
    {"VPN", vpn, "vpn"},
    {"VPN of a service", vpn_of_one, "vpn"},
    {"VPN of the only service that is asked", vpn_of_one_alone, "vpn"},
    {"VPN of the resolvers only", vpn_of_resolver, ""},
    {"VPN to the proxy", vpn_of_proxy, "proxy vpn"},
    {"half duplex", half_duplex, "link_duplex"},
    {"errors of the interface", link_errors, "link_errors"},
    {"weak Wi-Fi", weak_signal, "wifi_signal"},
    {"broken IPv6", broken_ipv6, "ipv6_broken"},
    {"slow IPv6", slow_ipv6, "ipv6_slow"},
    {"MTU black hole", black_hole, "mtu_black_hole"},
    {"a service is down", service_down, "service_down"},
    {"a service is down behind an MTU black hole", service_down_in_hole,
     "mtu_black_hole service_down"},
    {"all services are down", all_down, "path_broken"},
    {"503 all day", errors_503, "service_errors"},
    {"clock", wrong_clock, "clock"},
    {"clock, and 503", clock_and_503, "clock service_errors"},
    {"UDP blocked", no_udp, "udp_blocked"},
    {"UDP alone is lossy", udp_lossy, "media"},
    {"one relay is far", one_far_relay, ""},
    {"a proxy that cannot be used", unusable_proxy, ""},
    {"the relays are far", far_relays, "media"},
    {"broken IPv4", broken_ipv4, "ipv4_broken"},
    {"broken IPv4, one service is asked", broken_ipv4_of_one, "ipv4_broken"},
    {"one service is asked, and down by IPv4", service_down_by_ipv4, "service_down"},
    {"private answers by IPv4, IPv6 works", private_ipv4, "resolver_lies"},
    {"TCP by IPv4 is blocked", blocked_ipv4, "ipv4_broken"},
    {"TCP by IPv4 and UDP are blocked", blocked_ipv4_and_udp, "ipv4_broken udp_blocked"},
    {"broken IPv4, its gateway is silent", broken_ipv4_gateway, "ipv4_broken"},
    {"broken IPv4, a service has IPv4 only", broken_ipv4_only, "ipv4_broken"},
    {"broken IPv4, and a service is down", broken_ipv4_service_down,
     "ipv4_broken service_down"},
    {"nearly all is lost", most_lost, "path_loss"},
    {"far away", far_away, "provider_slow"},
    {"far away, and a slow resolver", far_and_slow_resolver,
     "resolver_slow provider_slow"},
    {"far away, one service is asked", far_away_one, "provider_slow"},
    {"far away to one service, and a slow resolver", far_one_near_resolver,
     "resolver_slow provider_slow"},
    {"slow local network, and a slow resolver", slow_gateway_and_resolver,
     "gateway_slow resolver_slow"},
    {"slow local network, the resolver behind it", slow_gateway_late_resolver,
     "gateway_slow"},
    {"a service stalls", stalling_service, "service_down"},
    {"queries are lost", lose_queries, "resolver_loss"},
    {"few queries are lost", lose_one_query, ""},
    {"queries are lost, as all packets are", lose_queries_as_all, "path_loss"},
    {"a resolver that answers by TCP only", tcp_only, ""},
    {"delay variation", vary_all, "delay_variation"},
    {"delay variation of media", vary_media, "delay_variation"},
    {"rare peaks of delay", rare_peaks, ""},
    {"frequent peaks of delay", frequent_peaks, "delay_variation"},
    {"frequent peaks of the first hop", frequent_peaks_local, "delay_variation"},
    {"a full line", full_line, "provider_slow"},
    {"a full line, one service is asked", full_line_one, "provider_slow"},
    {"a slow line", slow_line, "provider_slow"},
    {"a full line, and a slow resolver", full_line_slow_resolver,
     "resolver_slow provider_slow"},
    {"a full first hop", full_lan, "gateway_slow"},
    {"a slow second router of the local network", second_router, "gateway_slow"},
    {"a service is slow behind its entry, in the same metro", slow_inside,
     "service_slow"},
    {"new connections are limited", limited, "connections_limited"},
    {"new connections are refused at times", refused_connections, "connections_limited"},
    {"large packets are lost", lose_large, "large_packet_loss"},
    {"a second address is dead", dead_address, "service_address_down"},
    {"the first address is dead", dead_first_address, "service_address_down"},
    {"HTTP 429", throttled, "service_errors"},
    {"handshakes are late, echoes are not", late_handshakes, "service_slow"},
    {"TLS is late", late_tls, "service_slow"},
    {"TLS is late by 900 ms", late_tls_a_little, "service_slow"},
    {"TLS interception is late", late_interception, "tls_intercepted"},
    {"TLS interception, far from Microsoft", far_interception, "tls_intercepted"},
    {"TLS is reset", reset_tls, "service_tls"},
    {"TLS fails by IPv6 only", tls_fails_by_ipv6, "service_tls"},
    {"an expired certificate", expired_certificate, "service_tls"},
    {"IPv4 is far, IPv6 is near", far_ipv4, ""},
    {"IPv4 is over the limit, IPv6 is near", far_ipv4_over_limit, ""},
    {"a page that only its path makes late", late_by_its_path, ""},
    {"a lossy first hop, few echoes", first_hop_little, "gateway_loss"},
    {"a gateway that limits ICMP, a lossy provider", limited_gateway_and_provider,
     "path_loss"},
    {"an entry of this host", own_entry, "service_down"},
};

static const struct check_row *row_of(const struct diagnosis *d, enum check_id id)
{
    for (size_t i = 0; i < d->n_rows; i++)
        if (d->rows[i].id == id)
            return &d->rows[i];
    return NULL;
}

/* What an unknown row is called where nothing else says it. */
static const char *const open_words[CHECK_IDS] = {
    [CHECK_INTERFACE] = "interface",
    [CHECK_GATEWAY] = "gateway 10.77.0.1 (the gateway does not answer ICMP)",
    [CHECK_RESOLVER] = "DNS server 198.51.100.5",
    [CHECK_NAMES] = "DNS server 198.51.100.5",
    [CHECK_PORTAL] = "captive portal (",
    [CHECK_PROXY] = "proxy (",
    [CHECK_VPN] = "VPN",
    [CHECK_PUBLIC_ADDRESS] = "public address",
    [CHECK_PATH] = "path to ",
    [CHECK_FRONT_DOOR] = "front door",
    [CHECK_LOSS] = "more packets than the limit are lost",
    [CHECK_VARIATION] = "variation",
    [CHECK_TCP] = "delay to ",
    [CHECK_TLS] = "TLS",
    [CHECK_HTTPS] = "HTTPS of ",
    [CHECK_INTERCEPTION] = "TLS interception (",
    [CHECK_MEDIA] = "media by UDP to relay.",
    [CHECK_MTU] = "path MTU",
    [CHECK_IPV6] = "IPv6 (",
    [CHECK_LOAD] = "delay under load",
    [CHECK_CLOCK] = "clock (",
};

/* Rows and verdict agree: what is bad is in a finding, what is slow has no good row, and what is
 * unknown is listed where nothing is found. */
static void check_agreement(const struct diagnosis *d, const char *what)
{
    bool slow = false, all_good = true;
    for (size_t i = 0; i < d->n_found; i++)
        slow |= strstr(fault_name(d->found[i].fault), "_slow") != NULL &&
                strstr(d->found[i].what, "ms to ") != NULL;
    for (size_t i = 0; i < d->n_rows; i++) {
        const struct check_row *row = &d->rows[i];
        all_good &= row->id != CHECK_TCP || row->grade == GRADE_GOOD;
        CHECK(row->grade != GRADE_UNKNOWN || d->n_found > 0 ||
                  strstr(d->unknown, open_words[row->id]) != NULL,
              "%s: %s (%s) is not in %s", what, check_name(row->id), row->text,
              d->unknown);
        CHECK(row->grade != GRADE_BAD || d->n_found > 0,
              "%s: nothing is found, and bad is %s %s: %s", what, check_name(row->id),
              row->subject, row->text);
    }
    CHECK(!slow || !all_good, "%s: slow by good rows", what);
}

static void test_findings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        struct text found = {0}, verdict = {0};
        cases[i].plant(f);
        judge_all(f, &known, &config, probe_kind_words(), d);
        for (size_t k = 0; k < d->n_found; k++)
            text_add(&found, "%s%s", k > 0 ? " " : "", fault_name(d->found[k].fault));
        diagnosis_line(d, &verdict);
        CHECK(strcmp(cases[i].expected, text_string(&found)) == 0,
              "%s: expected \"%s\", got \"%s\": %s", cases[i].what, cases[i].expected,
              text_string(&found), text_string(&verdict));
        check_agreement(d, cases[i].what);
        for (size_t k = 0; k < d->n_found; k++)
            CHECK(d->found[k].what[0] != '\0' && d->found[k].next[0] != '\0' &&
                      d->found[k].whom != NULL,
                  "%s: a finding without words", cases[i].what);
        text_free(&found);
        text_free(&verdict);
        free(d);
        free(f);
    }
}

/* What a fault explains is named with it, by a clause. */
static void test_effects(void **state)
{
    (void)state;
    struct facts *f = healthy();
    struct diagnosis *d = calloc(1, sizeof *d);
    slow_provider(f);
    judge_all(f, &known, &config, probe_kind_words(), d);
    CHECK_INT(1, d->n_found, "one finding");
    CHECK_INT(CERTAINTY_LIKELY, d->found[0].certainty, "distance is not known");
    CHECK(strstr(d->found[0].also,
                 "exchange is slow: handshakes take 109.0 ms; teams is slow") != NULL,
          "%s", d->found[0].also);
    CHECK_TEXT("provider", d->found[0].segment, "where");
    free(d);
    free(f);
}

/* What does not fit is counted: each effect and each further case is named, or in the number. */
static void test_many_effects(void **state)
{
    (void)state;
    static const struct {
        size_t cases, effects;
    } rows[] = {{1, 0}, {1, 1}, {1, 4}, {1, 12}, {5, 12}, {12, 40}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diagnosis *d = calloc(1, sizeof *d);
        size_t named = 0, more = 0;
        for (uint32_t n = 0; n < rows[i].cases + rows[i].effects; n++) {
            bool effect = n >= rows[i].cases;
            struct fault_found *x = diagnosis_fault(
                d, effect ? FAULT_SERVICE_SLOW : FAULT_PROVIDER_SLOW, CERTAINTY_SURE,
                effect   ? 1
                : n == 0 ? 0
                         : 1);
            snprintf(x->what, sizeof x->what,
                     "%s number %u is slow (by %u ms); or is it?",
                     effect ? "service" : "provider", n, n);
        }
        diagnosis_explain(d);
        CHECK_INT(1, d->n_found, "one finding");
        CHECK_INT(0, d->found[0].services, "of all services");
        const char *also = d->found[0].also, *last = strrchr(also, ';');
        for (const char *at = also; (at = strstr(at, "number")) != NULL; at++)
            named++;
        if (last != NULL)
            sscanf(last, "; and %zu more", &more);
        CHECK_INT(rows[i].cases - 1 + rows[i].effects, named + more, also);
        CHECK(more == 0 || strlen(also) > sizeof d->found[0].also / 2, "%s", also);
        free(d);
    }
}

/* Where the path ends before it shows anything, it is no good one. */
static void test_untold_path(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool traced;
        enum path_end end;
        enum entry_state entry;
        enum grade grade;
    } rows[] = {
        {"reached, by Microsoft's routers", true, PATH_REACHED, ENTRY_FOUND, GRADE_GOOD},
        {"reached, no router known", true, PATH_REACHED, ENTRY_HIDDEN, GRADE_GOOD},
        {"a firewall behind the entry", true, PATH_SILENT, ENTRY_FOUND, GRADE_GOOD},
        {"a firewall before the entry", true, PATH_SILENT, ENTRY_HIDDEN, GRADE_UNKNOWN},
        {"no hop answers", false, PATH_SILENT, ENTRY_HIDDEN, GRADE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        f->n_paths = 1;
        f->paths[0].traced = rows[i].traced;
        f->paths[0].end = rows[i].end;
        f->paths[0].entry = rows[i].entry;
        judge_all(f, &known, &config, probe_kind_words(), d);
        const struct check_row *row = row_of(d, CHECK_PATH);
        CHECK(row != NULL, "a row");
        CHECK_INT(rows[i].grade, row->grade, rows[i].what);
        free(d);
        free(f);
    }
}

/* A recommendation that is missed is a remark. */
static void test_recommendation(void **state)
{
    (void)state;
    struct facts *f = healthy();
    struct diagnosis *d = calloc(1, sizeof *d);
    size_t remarks = 0;
    far_office(f);
    judge_all(f, &known, &config, probe_kind_words(), d);
    for (size_t i = 0; i < d->n_rows; i++)
        if (d->rows[i].id == CHECK_TCP) {
            CHECK_INT(GRADE_GOOD, d->rows[i].grade, d->rows[i].subject);
            remarks += strstr(d->rows[i].text, "Microsoft recommends 25 ms") != NULL;
        }
    CHECK_INT(2, remarks, "exchange, in both families");
    free(d);
    free(f);
}

/* What distance explains is not the provider's; without a location that is not certain. */
static void test_distance(void **state)
{
    (void)state;
    static const struct {
        const char *what, *location, *entry;
        double more_ms, usual_ms; /* NaN: unknown */
        const char *fault, *title;
        enum certainty certainty;
        const char *says;
    } rows[] = {
        {"Sao Paulo, no location", "", "LON", 100, NAN, "provider_slow", "Provider slow",
         CERTAINTY_LIKELY, "distance alone may take as long"},
        {"no location, not usual", "", "LON", 100, 9, "provider_slow", "Provider slow",
         CERTAINTY_SURE, "in the provider's network."},
        {"satellite, no location", "", "LON", 600, NAN, "provider_slow", "Provider slow",
         CERTAINTY_SURE, "in the provider's network."},
        {"Nairobi enters in London", "-1.29 36.82", "LON", 95, NAN, "far_front_door",
         "Far entry to Microsoft's network", CERTAINTY_LIKELY,
         "in London, 6821 km from this site"},
        {"Sydney enters in London", "SYD", "LON", 280, NAN, "far_front_door",
         "Far entry to Microsoft's network", CERTAINTY_LIKELY, "in London"},
        {"Amsterdam enters in London", "AMS", "LON", 100, NAN, "provider_slow",
         "Provider slow", CERTAINTY_SURE,
         "the distance to London explains 3.6 ms at least"},
        {"Nairobi, a slow provider besides", "-1.29 36.82", "LON", 300, NAN,
         "provider_slow", "Provider slow", CERTAINTY_SURE,
         "the distance to London explains 68"},
        {"an island far from all PoPs", "-27.1 -109.4", "SCL", 80, NAN, "", "",
         CERTAINTY_SURE, ""},
        {"the place is not known", "AMS", "", 100, NAN, "provider_slow", "Provider slow",
         CERTAINTY_LIKELY, "distance alone may take as long"},
    };
    static const struct peering none;
    struct catalogue metros = {0};
    SHIPPED_PARSE(catalogue_parse, &metros, "metros.csv");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        CHECK_INT(0, site_read(&known.site, &metros, rows[i].location, &none, NULL, NULL),
                  rows[i].what);
        f->n_paths = 0;
        for (size_t s = 0; s < SERVICES; s++) {
            for (size_t k = 0; k < FACTS_FAMILIES; k++) {
                fill(&f->services[s].by[k].tcp, rows[i].more_ms + delays_ms[s], 50);
                if (!isnan(rows[i].usual_ms))
                    f->services[s].usual_ns[k] = (int64_t)(rows[i].usual_ms * 1e6);
            }
            fill_path(f, s, rows[i].more_ms);
            snprintf(f->paths[s].entry_metro, sizeof f->paths[s].entry_metro, "%s",
                     rows[i].entry);
        }
        judge_all(f, &known, &config, probe_kind_words(), d);
        check_agreement(d, rows[i].what);
        CHECK_INT(rows[i].fault[0] != '\0', d->n_found, rows[i].what);
        CHECK(d->n_found == 0 || strcmp(rows[i].title, d->found[0].title) == 0, "%s: %s",
              rows[i].what, d->found[0].title);
        if (d->n_found == 1)
            CHECK_TEXT(rows[i].fault, fault_name(d->found[0].fault), rows[i].what);
        CHECK_INT(rows[i].certainty, d->found[0].certainty, rows[i].what);
        CHECK(strstr(d->found[0].what, rows[i].says) != NULL, "%s: %s", rows[i].what,
              d->found[0].what);
        free(d);
        free(f);
    }
    known.site = (struct site){0};
    catalogue_free(&metros);
}

/* Loss is charged to a segment only if the echoes of the gateway tell it. */
static void test_loss_charge(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint32_t echoes, lost; /* of the gateway, in each family */
        const char *fault, *segment;
    } rows[] = {
        {"echoes are lost, too", 30, 3, "gateway_loss", "local network"},
        {"so few that both explain them", 10, 1, "path_loss",
         "local network or provider"},
        {"no echo is lost, of many", 80, 0, "path_loss", "provider"},
        {"no echo is lost, of too few to be sure", 20, 0, "path_loss",
         "local network or provider"},
        {"no echo is lost, of few", 4, 0, "path_loss", "local network or provider"},
        {"no echo is answered", 40, 40, "path_loss", "local network or provider"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        each(f, lose_five);
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            f->gateways[k].icmp.sent = rows[i].echoes;
            lose(&f->gateways[k].icmp, rows[i].lost);
        }
        judge_all(f, &known, &config, probe_kind_words(), d);
        CHECK_INT(1, d->n_found, rows[i].what);
        CHECK_TEXT(rows[i].fault, fault_name(d->found[0].fault), rows[i].what);
        CHECK_TEXT(rows[i].segment, d->found[0].segment, rows[i].what);
        free(d);
        free(f);
    }
}

/* A service that is slow over a path that cannot be divided: what the other paths show decides
 * whether it is the provider. Limits: 60 ms to teams, 100 to the others. */
static void test_hidden_path(void **state)
{
    (void)state;
    enum { HIDDEN = -1, UNTRACED = -2 };
    static const struct {
        const char *what;
        double delays_ms[SERVICES], provider_ms[SERVICES]; /* exchange, teams, bing */
        const char *found, *titles, *says;
    } rows[] = {
        {"all others show a slow provider",
         {70, 70, 66},
         {60, HIDDEN, 58},
         "provider_slow",
         "Provider slow",
         "58.0 of 66.0 ms to bing arise in the provider's network, where distance alone may "
         "take as long. The path to teams, which has this part in common, cannot be divided"},
        {"one other path shows it, the third one nothing",
         {70, 70, 66},
         {60, UNTRACED, HIDDEN},
         "provider_slow",
         "Provider slow",
         "60.0 of 70.0 ms to exchange arise in the provider's network"},
        {"the others are fast",
         {9, 70, 5},
         {1.5, HIDDEN, 1.2},
         "service_slow",
         "Slow, provider or service",
         "cannot tell between provider and service, as its path cannot be divided and on "
         "other paths the provider takes 1.5 ms at most."},
        {"the others disagree",
         {70, 70, 5},
         {60, HIDDEN, 1.2},
         "service_slow",
         "Slow, provider or service",
         "on other paths the provider takes 60.0 ms at most."},
        {"the provider takes less than half of it",
         {40, 90, 35},
         {30, HIDDEN, 28},
         "service_slow",
         "Slow, provider or service",
         "on other paths the provider takes 30.0 ms at most."},
        {"no path shows anything",
         {9, 70, 5},
         {UNTRACED, HIDDEN, UNTRACED},
         "service_slow",
         "Slow, provider or service",
         "cannot tell between provider and service, as its path cannot be divided."},
        {"slow to another service, which a third one does not share",
         {150, 70, 5},
         {140, UNTRACED, 1.2},
         "provider_slow service_slow",
         "Provider slow, Slow, provider or service",
         "140.0 of 150.0 ms to exchange"},
        {"slow to another service, too",
         {150, 150, 130},
         {140, UNTRACED, 126},
         "provider_slow",
         "Provider slow",
         "The path to teams, which has this part in common, cannot be divided."},
        {"divided, no segment has most of it",
         {9, 70, 5},
         {1.5, 35, 1.2},
         "service_slow",
         "Service slow",
         "no segment of its path takes most of it."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        struct text found = {0}, titles = {0};
        f->n_paths = 0;
        for (size_t s = 0; s < SERVICES; s++) {
            double provider_ms = rows[i].provider_ms[s];
            for (size_t k = 0; k < FACTS_FAMILIES; k++) {
                fill(&f->services[s].by[k].tcp, rows[i].delays_ms[s], 50);
                fill(&f->services[s].by[k].icmp, rows[i].delays_ms[s], 40);
            }
            fill_path(f, s, provider_ms);
            f->paths[s].traced = provider_ms != UNTRACED;
            f->paths[s].segment_ns[SEGMENT_MICROSOFT] =
                (int64_t)((rows[i].delays_ms[s] - provider_ms - 0.3) * 1e6);
            if (provider_ms < 0)
                f->paths[s].segment_ns[SEGMENT_PROVIDER] =
                    f->paths[s].segment_ns[SEGMENT_MICROSOFT] = DELAY_UNDEFINED;
        }
        judge_all(f, &known, &config, probe_kind_words(), d);
        check_agreement(d, rows[i].what);
        for (size_t k = 0; k < d->n_found; k++) {
            text_add(&found, "%s%s", k > 0 ? " " : "", fault_name(d->found[k].fault));
            text_add(&titles, "%s%s", k > 0 ? ", " : "", d->found[k].title);
            CHECK(strstr(d->found[k].title, "provider or") == NULL ||
                      (strstr(d->found[k].next, "over another line") != NULL &&
                       strcmp(d->found[k].segment, "provider or service") == 0),
                  "%s: %s", rows[i].what, d->found[k].next);
        }
        CHECK_TEXT(rows[i].found, text_string(&found), rows[i].what);
        CHECK_TEXT(rows[i].titles, text_string(&titles), rows[i].what);
        CHECK(strstr(d->found[0].what, rows[i].says) != NULL, "%s: %s", rows[i].what,
              d->found[0].what);
        text_free(&found);
        text_free(&titles);
        free(d);
        free(f);
    }
}

/* Of one service there are no other paths, but others to measure. */
static void test_hidden_path_alone(void **state)
{
    (void)state;
    struct facts *f = healthy();
    struct diagnosis *d = calloc(1, sizeof *d);
    f->n_services = 1;
    f->n_paths = 0;
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        fill(&f->services[EXCHANGE].by[k].tcp, 150, 50);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        fill(&f->services[EXCHANGE].by[k].icmp, 150, 40);
    judge_all(f, &known, &config, probe_kind_words(), d);
    CHECK_TEXT("service_slow", fault_name(d->found[0].fault), "cannot tell");
    CHECK(strstr(d->found[0].next, "other services show: edgelat diagnose. Run") != NULL,
          "%s", d->found[0].next);
    free(d);
    free(f);
}

static void proxied_by_ipv6(struct facts *f)
{
    proxied(f);
    snprintf(f->proxy, sizeof f->proxy, "2001:db8::1");
    f->proxy_port = 8080;
    f->proxy_tcp = (struct facts_probes){0};
}

static void stalling_host(struct facts *f)
{
    stalling_service(f);
    f->services[BING].target.service[0] = '\0';
    f->services[BING].target.name = intern("intranet");
    f->services[BING].target.host = intern("intranet.example");
}

static void reject(struct facts_address *a, const char *by)
{
    a->tcp = (struct facts_probes){.sent = 50, .lost = 50};
    a->tcp.reporter.by = address(by);
    a->tcp.reporter.to =
        address(a->to.family == FAMILY_IPV6 ? "2001:db8:7:1::10" : "10.77.0.10");
    snprintf(a->tcp.cause, sizeof a->tcp.cause,
             "administratively prohibited, reported by %s", by);
    a->https = (struct facts_https){.sent = 5, .lost = 5};
}

static void reject_teams(struct facts *f, const char *v4, const char *v6)
{
    reject(&f->services[TEAMS].by[SLOT_IPV4], v4);
    reject(&f->services[TEAMS].by[SLOT_IPV6], v6);
}

static void rejected_by_gateway(struct facts *f)
{
    reject_teams(f, "10.77.0.1", "fd77::1");
}

static void
rejected_https(struct facts *f) /* the kernel loses the report to the TCP probe */
{
    rejected_by_gateway(f);
    f->services[TEAMS].by[SLOT_IPV6] = (struct facts_address){0};
    struct facts_address *a = &f->services[TEAMS].by[SLOT_IPV4];
    a->https.reporter = a->tcp.reporter;
    snprintf(a->https.cause, sizeof a->https.cause, "host prohibited, reported by it");
    a->tcp =
        (struct facts_probes){.sent = 50, .lost = 50, .cause = "no answer within 2s"};
}

static void rejected_at_site(struct facts *f) /* by a global address of it */
{
    reject_teams(f, "10.77.0.9", "2001:db8:7:2::9");
}

static void rejected_by_core(struct facts *f) /* by a router in another private network */
{
    rejected_at_site(f);
    f->services[TEAMS].by[SLOT_IPV6] = (struct facts_address){0};
    reject(&f->services[TEAMS].by[SLOT_IPV4], "192.168.9.1");
}

static void rejected_by_provider(struct facts *f)
{
    reject_teams(f, "100.66.3.1", "2001:db8:51::1");
}

static void refused_service(struct facts *f)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        struct facts_address *a = &f->services[TEAMS].by[k];
        close_tls(a, TEAMS);
        snprintf(a->tcp.cause, sizeof a->tcp.cause, "connection refused");
    }
}

static void rejected_all(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        reject(&f->services[i].by[SLOT_IPV4], "10.77.0.1");
        reject(&f->services[i].by[SLOT_IPV6], "fd77::1");
    }
}

/* Whom a refusal is charged to: who reported it decides, and a reset does not tell. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        void (*plant)(struct facts *f);
        const char *title, *segment, *whom, *what;
        enum certainty certainty;
    } rows[] = {
        {rejected_by_gateway, "Rejected at this site", "firewall or router of this site",
         "the administrator of the firewall",
         "teams does not answer: no TCP handshake succeeded (administratively prohibited, "
         "reported by fd77::1). fd77::1 is at this site.",
         CERTAINTY_SURE},
        {rejected_https, "Rejected at this site", "firewall or router of this site",
         "the administrator of the firewall",
         "(host prohibited, reported by it). 10.77.0.1 is at this site.", CERTAINTY_SURE},
        {rejected_at_site, "Rejected at this site", "firewall or router of this site",
         "the administrator of the firewall", "2001:db8:7:2::9 is at this site.",
         CERTAINTY_SURE},
        {rejected_by_core, "Rejected at this site", "firewall or router of this site",
         "the administrator of the firewall", "192.168.9.1 is probably at this site.",
         CERTAINTY_LIKELY},
        {rejected_by_provider, "Rejected on the way", "provider", "the provider",
         "2001:db8:51::1 is neither at this site nor known as Microsoft's.",
         CERTAINTY_LIKELY},
        {refused_service, "Connections refused", "service, or a firewall on the way",
         "the administrator of the firewall, then Microsoft's support",
         "(connection refused). Cannot tell who refuses them", CERTAINTY_LIKELY},
        {rejected_all, "Rejected at this site", "firewall or router of this site",
         "the administrator of the firewall", "No service answers TCP handshakes",
         CERTAINTY_SURE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        rows[i].plant(f);
        judge_all(f, &known, &config, probe_kind_words(), d);
        const struct fault_found *x = &d->found[0];
        CHECK_INT(1, d->n_found, rows[i].what);
        CHECK_TEXT(rows[i].title, x->title, rows[i].what);
        CHECK_TEXT(rows[i].segment, x->segment, rows[i].what);
        CHECK_TEXT(rows[i].whom, x->whom, rows[i].what);
        CHECK_INT(rows[i].certainty, x->certainty, rows[i].what);
        CHECK(strstr(x->what, rows[i].what) != NULL, "%s", x->what);
        free(d);
        free(f);
    }
}

/* What is said of a proxy that fails or is slow. */
static void test_proxy(void **state)
{
    (void)state;
    static const struct {
        void (*plant)(struct facts *f);
        size_t finding;
        const char *title, *what;
    } rows[] = {
        {proxy_504, 0, "Proxy fails",
         "HTTPS goes through the HTTP proxy proxy.example:0, which fails: the proxy answers "
         "HTTP 504."},
        {proxy_403_of_one, 0, "Blocked by the proxy",
         "HTTPS of teams goes through the HTTP proxy proxy.example:0, which does not let it "
         "through: the proxy answers HTTP 403."},
        {proxy_403_of_one, 1, "Proxy in the way",
         "HTTPS of exchange, bing goes through the HTTP proxy proxy.example:0, 1.0 ms away; "
         "Microsoft advises direct connections."},
        {proxy_slow, 0, "Proxy slow",
         "The HTTP proxy proxy.example:0 is slow: it takes 1000 ms to connect to exchange "
         "(limit 300 ms, edgelat's own default); HTTPS of all services goes through it, and "
         "Microsoft advises direct connections."},
        {proxy_by_satellite, 0, "Proxy in the way",
         "HTTPS of all services goes through the HTTP proxy proxy.example:0, 1.0 ms away; "
         "Microsoft advises direct connections."},
        {malformed_by_proxy, 1, "Service fails",
         "teams gives no valid HTTP reply to 5 of 5 requests: junk."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        rows[i].plant(f);
        judge_all(f, &known, &config, probe_kind_words(), d);
        CHECK_TEXT(rows[i].title, d->found[rows[i].finding].title, rows[i].what);
        CHECK_TEXT(rows[i].what, d->found[rows[i].finding].what, "what is wrong");
        for (size_t k = 0; k < d->n_rows; k++)
            if (d->rows[k].id == CHECK_PROXY && d->rows[k].threshold > 0)
                CHECK_INT(rows[i].plant == proxy_slow ? GRADE_BAD : GRADE_GOOD,
                          d->rows[k].grade, d->rows[k].text);
        free(d);
        free(f);
    }
}

/* A proxy's refusal is no failure of the service, and a reply that is none has no status. */
static void test_https_counts(void **state)
{
    (void)state;
    const struct kinds *kinds = probe_kind_words();
    const struct kind *https = kinds->list[kinds_find(kinds, "https")];
    struct facts_https h = {0};
    struct endpoint to = address("13.107.6.2");
    static const struct {
        enum outcome outcome;
        uint16_t status, proxy_status;
    } all[] = {{OUTCOME_HTTP_ERROR, 0, 504},
               {OUTCOME_HTTP_ERROR, 0, 0},
               {OUTCOME_HTTP_ERROR, 503, 0},
               {OUTCOME_REPLY, 200, 0},
               {OUTCOME_NOT_MEASURED, 0, 407}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct result r = result_of(0, &to, (struct wall){NOW_NS}, all[i].outcome);
        r.http.status = all[i].status;
        r.http.proxy_status = all[i].proxy_status;
        facts_add_https(&h, https, &r);
    }
    CHECK_INT(4, h.sent, "sent");
    CHECK_INT(1, h.refused_tunnel, "refused by the proxy");
    CHECK_INT(504, h.proxy_status, "its status");
    CHECK_INT(2, h.http_errors, "failures of the service");
    CHECK_INT(1, h.malformed, "no reply");
    CHECK_INT(503, h.error_status, "status of the service");
}

/* Routers limit their reports: silence in between leaves the cause. */
static void test_rare_reports(void **state)
{
    (void)state;
    struct facts_probes p = {0};
    struct endpoint to = address("13.107.6.2"), by = address("10.77.0.1");
    for (int i = 0; i < 4; i++) {
        struct result r = result_of(0, &to, (struct wall){NOW_NS},
                                    i == 1 ? OUTCOME_UNREACHABLE : OUTCOME_LOSS);
        if (i == 1)
            r.reporter.by = by;
        snprintf(r.cause, sizeof r.cause, i == 1 ? "prohibited" : "no answer");
        facts_add_probe(&p, &r);
    }
    CHECK_INT(4, p.lost, "lost");
    CHECK_TEXT("prohibited", p.cause, "cause");
    CHECK(endpoint_same_address(&by, &p.reporter.by), "reporter");
}

/* Whom TLS that fails or is late is charged to. */
static void test_tls(void **state)
{
    (void)state;
    static const struct {
        void (*plant)(struct facts *f);
        const char *segment, *whom, *what, *also;
        enum grade grade;
    } rows[] = {
        {late_interception, "security gateway",
         "the administrator of the security gateway",
         "which Microsoft does not use; who intercepts it takes 910 ms for a TLS handshake, "
         "besides the path (limit 500 ms, edgelat's own default).",
         "A middlebox answers the TCP handshakes of all services itself", GRADE_BAD},
        {far_interception, "security gateway",
         "the administrator of the security gateway", "which Microsoft does not use.", "",
         GRADE_GOOD},
        {late_tls_a_little, "service", "Microsoft's support",
         "teams replies late: 894 ms for TLS, besides the path (limit 500 ms", "",
         GRADE_BAD},
        {reset_tls, "service, or security gateway",
         "the administrator of the security gateway, then Microsoft's support",
         "TLS to teams fails: connection reset.", "", GRADE_BAD},
        {expired_certificate, "service",
         "Microsoft's support, after a look at its service health page",
         "TLS to teams fails", "", GRADE_BAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        rows[i].plant(f);
        judge_all(f, &known, &config, probe_kind_words(), d);
        CHECK_INT(1, d->n_found, rows[i].what);
        CHECK_TEXT(rows[i].segment, d->found[0].segment, rows[i].what);
        CHECK(strncmp(rows[i].whom, d->found[0].whom, strlen(rows[i].whom)) == 0, "%s",
              d->found[0].whom);
        CHECK(strstr(d->found[0].what, rows[i].what) != NULL, "%s", d->found[0].what);
        CHECK(strstr(d->found[0].also, rows[i].also) != NULL, "%s", d->found[0].also);
        for (size_t k = 0; k < d->n_rows; k++)
            if (d->rows[k].id == CHECK_TLS && strcmp(d->rows[k].subject, "teams") == 0)
                CHECK_INT(rows[i].grade, d->rows[k].grade, d->rows[k].text);
        free(d);
        free(f);
    }
}

/* An effect of an effect is named with the finding behind both. */
static void test_effect_of_effect(void **state)
{
    (void)state;
    struct diagnosis *d = calloc(1, sizeof *d);
    static const enum fault faults[] = {FAULT_INTERCEPTED, FAULT_MIDDLEBOX,
                                        FAULT_SERVICE_SLOW};
    static const char *const what[] = {"It is intercepted.",
                                       "A box (or what may be a modem) "
                                       "answers (LHR) itself (in 2 ms).",
                                       "teams is late; by 2 s."};
    for (size_t i = 0; i < 3; i++) {
        struct fault_found *x = diagnosis_fault(d, faults[i], CERTAINTY_SURE, 1);
        snprintf(x->what, sizeof x->what, "%s", what[i]);
    }
    diagnosis_explain(d);
    CHECK_INT(1, d->n_found, "one finding");
    CHECK_TEXT("A box answers (LHR) itself; teams is late", d->found[0].also, "effects");
    free(d);
}

static void too_few_by_ipv6(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++)
        f->services[i].by[SLOT_IPV6].tcp = (struct facts_probes){.sent = 2, .lost = 2};
}

/* What the verdict says of a fault, and whom to call. */
static void test_words(void **state)
{
    (void)state;
    static const struct {
        void (*plant)(struct facts *f);
        const char *what, *whom;
    } words[] = {
        {stalling_service, "bing accepts connections but does not reply: it stalls.",
         "Microsoft's support, after a look at its service health page"},
        {far_inside_all,
         "all services are served from a far PoP, STO: 110.0 of 119.0 ms to exchange "
         "arise inside Microsoft's network, behind its entry in AMS.",
         "the administrator of the DNS server, or Microsoft's support"},
        {far_inside_several,
         "exchange (LHR), teams (STO), bing (STO) are served from far PoPs, or over a "
         "detour: 110.0 of 119.0 ms to exchange arise inside Microsoft's network, behind its entry in "
         "AMS.",
         "the administrator of the DNS server, or Microsoft's support"},
        {vpn_of_one,
         "Traffic to teams leaves through the VPN tunnel wg0 (carried by eth0), so it takes "
         "the way of the VPN and its exit.",
         "the administrator of the VPN"},
        {vpn_of_one_alone,
         "Traffic to exchange leaves through the VPN tunnel wg0 (carried by eth0), so it "
         "takes the way of the VPN and its exit.",
         "the administrator of the VPN"},
        {vpn,
         "Traffic to Microsoft leaves through the VPN tunnel wg0 (carried by eth0), so it "
         "takes the way of the VPN and its exit.",
         "the administrator of the VPN"},
        {stalling_host, "intranet accepts connections but does not reply: it stalls.",
         "whoever runs that host"},
        {own_entry,
         "teams does not answer at 203.0.113.200, an address that no DNS resolver gave.",
         "whoever runs this host"},
        {broken_ipv4,
         "No service answers by IPv4, while IPv6 works; the gateway of IPv4 10.77.0.1 "
         "answers; what has only IPv4 fails, and other connections take IPv6.",
         "the administrator of the router, then the provider"},
        {blocked_ipv4,
         "No service answers TCP handshakes by IPv4, while other packets of IPv4 pass, and "
         "IPv6 works; what has only IPv4 fails.",
         "the administrator of the firewall, then the provider"},
        {broken_ipv4_gateway,
         "No service answers by IPv4, while IPv6 works; the gateway of IPv4 10.77.0.1 does "
         "not answer either; what has only IPv4 fails, and other connections take IPv6.",
         "the administrator of the local network, then the provider"},
        {proxied_by_ipv6,
         "HTTPS of all services goes through the HTTP proxy [2001:db8::1]:8080; Microsoft "
         "advises direct connections.",
         "the administrator of the proxy"},
    };
    CHECK_TEXT("IPv4 down, IPv6 works", fault_title(FAULT_IPV4_BROKEN), "headline");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        words[i].plant(f);
        judge_all(f, &known, &config, probe_kind_words(), d);
        CHECK_TEXT(words[i].what, d->found[0].what, "what is wrong");
        CHECK_TEXT(words[i].whom, d->found[0].whom, "whom to call");
        if (words[i].plant == stalling_host) {
            CHECK_TEXT("Host down", d->found[0].title, "no service of Microsoft");
            CHECK_TEXT("that host", d->found[0].segment, "no service of Microsoft");
        }
        free(d);
        free(f);
    }
}

/* Where a delay or its variation is. */
static void test_where(void **state)
{
    (void)state;
    static const struct {
        void (*plant)(struct facts *f);
        const char *title, *segment, *says;
    } rows[] = {
        {vary_all, "Delay varies", "path", "to all services varies"},
        {vary_media, "Delay varies", "path", "to the relays of media varies"},
        {vary_media_local, "Delay varies", "local network", "to the gateway already"},
        {vary_media_unknown, "Delay varies", "local network or provider",
         "to the relays of media varies"},
        {frequent_peaks, "Delay varies", "path", "to all services varies"},
        {frequent_peaks_local, "Delay varies", "local network", "to the gateway already"},
        {frequent_peaks_local_few, "Delay varies", "local network",
         "to the gateway already"},
        {full_line, "Access line slow or full", "access line", "as that of a full queue"},
        {full_line_one, "Access line slow or full", "access line",
         "as that of a full queue"},
        {slow_line, "Access line slow or full", "access line",
         "while the gateway is fast, or all of it is far away."},
        {full_lan, "First hop slow", "local network", "the gateway 10.77.0.1 takes"},
        {second_router, "Local network slow behind the gateway", "local network",
         "130.0 of 140.0 ms"},
        {slow_inside, "Service slow", "Microsoft's network",
         "behind its entry in SIN, where its PoP is, too."},
        {far_away_one, "Provider slow", "provider", "600.0 of 610.0 ms"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        rows[i].plant(f);
        judge_all(f, &known, &config, probe_kind_words(), d);
        CHECK_TEXT(rows[i].title, d->found[0].title, rows[i].says);
        CHECK_TEXT(rows[i].segment, d->found[0].segment, rows[i].says);
        CHECK(strstr(d->found[0].what, rows[i].says) != NULL, "%s: %s", rows[i].says,
              d->found[0].what);
        CHECK_INT(1, d->n_found, rows[i].says);
        if (rows[i].plant == second_router)
            CHECK(strstr(d->found[0].next, "up to 10.42.0.1") != NULL, "%s",
                  d->found[0].next);
        free(d);
        free(f);
    }
}

static void unsent_https(struct facts_address *a,
                         size_t i) /* without trusted certificates */
{
    (void)i;
    a->https = (struct facts_https){.unsent = 5, .cause = "no certificates"};
}

/* Five values have no 95 % interval of their median, fifty have. */
static void test_intervals(void **state)
{
    (void)state;
    struct facts *f = healthy();
    struct diagnosis *d = calloc(1, sizeof *d);
    judge_all(f, &known, &config, probe_kind_words(), d);
    for (size_t i = 0; i < d->n_rows; i++) {
        const struct check_row *row = &d->rows[i];
        if (row->id == CHECK_HTTPS || row->id == CHECK_TLS)
            CHECK(isnan(row->low) && isnan(row->high), "%s", row->subject);
        if (row->id == CHECK_TCP)
            CHECK(row->low <= row->value && row->value <= row->high, "%s", row->subject);
    }
    free(d);
    free(f);
}

static void test_far_ipv4(void **state)
{
    (void)state;
    struct facts *f = healthy();
    struct diagnosis *d = calloc(1, sizeof *d);
    bool shown = false;
    far_ipv4(f);
    judge_all(f, &known, &config, probe_kind_words(), d);
    for (size_t i = 0; i < d->n_rows; i++)
        if (d->rows[i].id == CHECK_IPV6 && d->rows[i].grade == GRADE_POOR)
            shown = d->rows[i].low <= 50 && d->rows[i].high >= 50;
    CHECK(shown, "the row of IPv4 is poor, by 50 ms");
    free(d);
    free(f);
}

static void unsend_https(struct facts *f)
{
    each(f, unsent_https);
}

static void silent_test_page(struct facts *f)
{
    f->portal = PORTAL_UNKNOWN;
}

static void no_stun(struct facts *f)
{
    no_media(f, "no such name");
}

static void ipv6_only(struct facts *f)
{
    no_ipv4_route(f);
    no_media(f, "this host has no route to its address");
}

/* One service and the relays have only IPv4, which NAT64 translates. */
static void nat64(struct facts *f)
{
    no_ipv4_route(f);
    f->services[BING].by[SLOT_IPV6].to = address("64:ff9b::d6b:603");
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        f->media[i].to = address("64:ff9b::3470:1");
}

static void ipv6_only_service_not(struct facts *f)
{
    ipv6_only(f);
    f->services[BING].by[SLOT_IPV6] = (struct facts_address){0};
}

static void unresolved(struct facts *f) /* by this host; no resolver says so for sure */
{
    memset(f->services[BING].by, 0, sizeof f->services[BING].by);
    snprintf(f->services[BING].dns_error, FACTS_CAUSE_MAX, "the server failed");
    for (size_t i = 0; i < f->n_resolvers; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            f->resolvers[i].answers[BING][k] = (struct facts_answer){.asked = true};
}

static void loaded(struct facts *f)
{
    f->load = (struct facts_load){.done = true, .bytes = 25000000, .took_ns = NS_PER_S};
    fill(&f->load.tcp, delays_ms[EXCHANGE], 30);
}

static void load_failed(struct facts *f)
{
    snprintf(f->load.cause, sizeof f->load.cause, "no service gave a page");
}

static void middlebox_and_no_route(struct facts *f)
{
    decoy(f);
    f->busy = false;
    unresolved(f);
}

static void hidden_paths(struct facts *f)
{
    for (size_t i = 0; i < SERVICES; i++) {
        f->paths[i].end = PATH_SILENT;
        f->paths[i].entry = ENTRY_HIDDEN;
    }
    f->paths[BING].traced = false;
}

static void no_echoes(struct facts *f) /* a firewall drops them behind the gateway */
{
    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            struct facts_probes *p = &f->services[i].by[k].icmp;
            *p = (struct facts_probes){.sent = 40, .lost = 40};
            f->mtu_done[k] = false;
        }
}

static void undecided(struct facts *f) /* median 110 ms, interval 50 to 110: limit 100 */
{
    struct delay_ring *r = &f->services[EXCHANGE].by[SLOT_IPV4].tcp.delays;
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        fill(&f->services[EXCHANGE].by[k].tcp, 110, 50);
    for (size_t i = 0; i < r->n; i++)
        r->values[i].ns = (i % 15 < 6 ? 50 : 110) * NS_PER_MS;
    f->services[EXCHANGE].by[SLOT_IPV6] = (struct facts_address){0};
}

static void no_doors(struct facts *f)
{
    f->no_door_answers = true;
}

/* What this host could not send or tell is not fine: the verdict says so. */
static void test_not_checked(void **state)
{
    (void)state;
    static const char load[] =
        "delay under load (nothing loaded the line: edgelat diagnose --load)";
    static const struct {
        void (*plant)(struct facts *f);
        const char *unknown, *not ;
    } planted[] = {
        {nothing, load, "("},
        {loaded, "usual values here (no agent answers on this host)", "delay under load"},
        {unsend_https, "TLS and HTTPS of exchange, teams, bing (no certificates)",
         "path"},
        {lossy_line,
         "whether more packets than the limit are lost to all services (run longer: edgelat "
         "diagnose -t 30)",
         "path"},
        {few_peaks, "delay variation to media (run longer: edgelat diagnose -t 30)",
         "path"},
        {silent_test_page, "captive portal (the test page did not answer)", "public"},
        {no_stun, "public address (no STUN server answered)", "portal"},
        {no_stun, "media by UDP to relay.one, relay.two (no such name)", "portal"},
        {one_relay_silent,
         "media by UDP to relay.one (it does not answer at UDP port 3478)", "public"},
        {ipv6_only, "what has only IPv4 (this host has no route for IPv4: ip route)",
         "NAT64"},
        {ipv6_only,
         "media by UDP to relay.one, relay.two (this host has no route to its address)",
         "NAT64"},
        {ipv6_only_service_not, "delay to bing (this host has no route to its address)",
         "NAT64"},
        {unresolved, "delay to bing (the server failed)", "IPv6"},
        {proxied, "delay under load (it is not measured through a proxy)", "--load"},
        {load_failed, "delay under load (no service gave a page)", "--load"},
        {middlebox_and_no_route, "delay to bing (the server failed)", "teams"},
        {nat64,
         "what takes IPv4 addresses without names (this host has no route for IPv4, and "
         "NAT64 serves names only)",
         "media"},
        {no_ipv6, load, "IPv6"},
        {hidden_paths,
         "path to exchange, teams (no router behind the first ones shows where it leads)",
         "media"},
        {hidden_paths, "path to bing (not traced: no hop answers)", "media"},
        {no_echoes, "path MTU to all services (no service answers ICMP echo)", "gateway"},
        {undecided, "delay to exchange (run longer: edgelat diagnose -t 30)", "teams"},
        {no_doors, "nearest front door (no front door answered)", "path"},
        {large_echoes_dropped,
         "path MTU to exchange (large echoes vanish, and connections work)", "clock"},
        {silent_gateway, "gateway 10.77.0.1 (the gateway does not answer ICMP)", "clock"},
        {portal,
         "services and paths behind the captive portal (sign in and run this again)",
         "path to"},
        {portal, "captive portal", load},
        {no_names,
         "services and paths (no name is resolved; run this again when DNS works)",
         "captive portal"},
        {no_route,
         "services and paths (nothing answers; run this again when something does)",
         "captive portal"},
    };
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        planted[i].plant(f);
        f->agent = strcmp(planted[i].not, "(") == 0;
        judge_all(f, &known, &config, probe_kind_words(), d);
        const char *at = strstr(d->unknown, planted[i].unknown);
        CHECK(at != NULL, "%s is not in %s", planted[i].unknown, d->unknown);
        const char *not =
            i == 0 ? strstr(d->unknown + 1, ";") : strstr(d->unknown, planted[i].not );
        CHECK(not == NULL, "%s: %s", planted[i].unknown, d->unknown);
        check_agreement(d, planted[i].unknown);
        free(d);
        free(f);
    }
}

/* What is said of IPv6 where no service has both families. */
static void test_one_family(void **state)
{
    (void)state;
    static const struct {
        void (*plant)(struct facts *f);
        enum grade grade;
        const char *text;
    } rows[] = {
        {ipv6_only, GRADE_GOOD, "it works; this host has no route for IPv4"},
        {nat64, GRADE_GOOD,
         "it works, by NAT64 to what has only IPv4; this host has no route for IPv4"},
        {broken_ipv4, GRADE_GOOD, "it works; IPv4 does not"},
        {no_ipv6, GRADE_GOOD, "not in use: the services have no IPv6 address"},
        {portal, GRADE_UNKNOWN, "no service answers by IPv6 or by IPv4"},
        {no_names, GRADE_UNKNOWN, "no name is resolved"},
        {proxied, GRADE_UNKNOWN, "HTTPS goes through a proxy"},
        {too_few_by_ipv6, GRADE_UNKNOWN, "cannot tell: too few handshakes by IPv6"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct facts *f = healthy();
        struct diagnosis *d = calloc(1, sizeof *d);
        rows[i].plant(f);
        judge_all(f, &known, &config, probe_kind_words(), d);
        CHECK_TEXT(rows[i].text, row_of(d, CHECK_IPV6)->text, "IPv6");
        CHECK_INT(rows[i].grade, row_of(d, CHECK_IPV6)->grade, rows[i].text);
        free(d);
        free(f);
    }
}

/* ---- false alarms ---- */

/* Healthy sites of several kinds, none of which a limit was chosen with. Delays: a floor and a
 * queue, exponential or with rare peaks; losses within the limits, of all packets alike. */
static const struct world {
    const char *what;
    double loss, queue_ms, peak_share, peak_ms;
} worlds[] = {
    {"fibre", 0.0005, 0.3, 0.001, 20}, {"cable", 0.002, 2, 0.01, 30},
    {"Wi-Fi", 0.003, 4, 0.03, 60},     {"mobile network", 0.004, 8, 0.02, 100},
    {"low orbit", 0.006, 6, 0.06, 80},
};

static void live(struct facts_probes *p, const struct world *w, struct random *random)
{
    uint32_t lost = 0;
    for (uint32_t n = 0; n < p->sent; n++)
        lost += random_unit(random) < w->loss;
    for (size_t i = 0; i < p->delays.n; i++) {
        double ms = -log(1 - random_unit(random)) * w->queue_ms;
        if (random_unit(random) < w->peak_share)
            ms += random_unit(random) * w->peak_ms;
        p->delays.values[i].ns += (int64_t)(ms * 1e6);
    }
    lose(p, lost);
}

static void test_no_false_alarm(void **state)
{
    (void)state;
    int runs = check_quick() ? 200 : 2000;
    struct random random = random_from(check_seed());
    for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++) {
        int wrong = 0;
        for (int run = 0; run < runs; run++) {
            struct facts *f = healthy();
            struct diagnosis *d = calloc(1, sizeof *d);
            for (size_t i = 0; i < SERVICES; i++)
                for (size_t k = 0; k < FACTS_FAMILIES; k++) {
                    struct facts_address *a = &f->services[i].by[k];
                    fill(&a->large, delays_ms[i], 20);
                    live(&a->tcp, &worlds[w], &random);
                    live(&a->icmp, &worlds[w], &random);
                    live(&a->large, &worlds[w], &random);
                }
            for (size_t i = 0; i < FACTS_MEDIA; i++)
                live(&f->media[i].stun, &worlds[w], &random);
            for (size_t i = 0; i < f->n_resolvers; i++)
                live(&f->resolvers[i].udp, &worlds[w], &random);
            judge_all(f, &known, &config, probe_kind_words(), d);
            wrong += d->n_found > 0;
            check_agreement(d, worlds[w].what);
            for (size_t i = 0; i < d->n_found && wrong <= 2; i++)
                printf("# %s\n", d->found[i].what);
            free(d);
            free(f);
        }
        printf("# healthy sites, %s: %d of %d with a finding\n", worlds[w].what, wrong,
               runs);
        CHECK(wrong <= runs / 50, "%s: %d false alarms of %d", worlds[w].what, wrong,
              runs);
    }
}

static void test_usual(void **state)
{
    (void)state;
    static const char status[] =
        "{\"targets\":[{\"host\":\"teams.microsoft.com\",\"streams\":["
        "{\"kind\":\"icmp\",\"family\":\"ipv4\",\"p50\":1},"
        "{\"kind\":\"tcp\",\"family\":\"ipv4\",\"p50\":9,\"periods\":{\"day\":{\"p50\":3.5}}},"
        "{\"kind\":\"tcp\",\"family\":\"ipv6\",\"p50\":4.25,\"periods\":{}},"
        "{\"kind\":\"tcp\",\"family\":\"proxy\",\"p50\":null}]}]}";
    struct usual_delay *list = calloc(USUAL_MAX, sizeof *list);
    size_t n = usual_read(list, json_span_of(status, sizeof status - 1));
    CHECK_INT(3, n, "delays");
    CHECK_INT(1000000, usual_of(list, n, "teams.microsoft.com", "icmp", FAMILY_IPV4),
              "icmp");
    CHECK_INT(3500000, usual_of(list, n, "teams.microsoft.com", "tcp", FAMILY_IPV4),
              "of a day");
    CHECK_INT(4250000, usual_of(list, n, "Teams.Microsoft.com", "tcp", FAMILY_IPV6),
              "of a window");
    CHECK_INT(DELAY_UNDEFINED, usual_of(list, n, "bing.com", "tcp", FAMILY_IPV4),
              "unknown");
    CHECK_INT(0, usual_read(list, json_span_of("[1]", 3)), "no object");
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_not_checked),
        cmocka_unit_test(test_effects),
        cmocka_unit_test(test_loss_charge),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_rare_reports),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_https_counts),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_effect_of_effect),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_false_alarm),
        cmocka_unit_test(test_far_ipv4),
        cmocka_unit_test(test_usual),
        cmocka_unit_test(test_recommendation),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_many_effects),
        cmocka_unit_test(test_untold_path),
        cmocka_unit_test(test_hidden_path),
        cmocka_unit_test(test_hidden_path_alone),
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_one_family),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
