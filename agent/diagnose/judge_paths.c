/* The way to Microsoft: loss and where, segments, entry PoP, front doors, path MTU. */
#include "core/loss.h"
#include "core/media.h"
#include "diagnose/judge.h"
#include "edge/distance.h"
#include "edge/mtu_watch.h"

#include <math.h>
#include <string.h>

/* ---- loss ---- */

/* The services whose handshakes alone show a loss over the limit. */
static uint32_t lossy_services(const struct facts *f, size_t family)
{
    uint32_t services = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        struct loss_count c = judge_loss(f, family, UINT32_C(1) << i);
        if (c.sent > 0 && loss_exceeds(c.lost, c.sent, JUDGE_LOSS_RATIO))
            services |= UINT32_C(1) << i;
    }
    return services;
}

static uint32_t answering_services(const struct facts *f, size_t family)
{
    uint32_t services = 0;
    for (size_t i = 0; i < f->n_services; i++)
        if (f->services[i].by[family].tcp.answered > 0)
            services |= UINT32_C(1) << i;
    return services;
}

static struct fault_found *add_loss_fault(const struct judging *j, size_t family,
                                          enum fault fault, enum certainty certainty,
                                          uint32_t services, const char *where)
{
    struct loss_count c = judge_loss(j->f, family, services);
    struct loss_interval i = loss_interval(c.lost, c.sent);
    struct text names = {0};
    judge_add_services(&names, j->f, services);
    struct fault_found *x = diagnosis_fault(j->out, fault, certainty, services);
    JUDGE_SET(
        x->what,
        "Packets to %s are lost by %s: %llu of %llu (%.1f %%, 95 %% interval %.1f to "
        "%.1f %%; limit %.0f %%), %s.",
        text_string(&names), family == SLOT_IPV6 ? "IPv6" : "IPv4",
        (unsigned long long)c.lost, (unsigned long long)c.sent,
        100.0 * (double)c.lost / (double)c.sent, 100 * i.low, 100 * i.high,
        100 * JUDGE_LOSS_RATIO, where);
    JUDGE_SET(x->next, "Give the provider this report with the time and the addresses; "
                       "edgelat trace shows the routers on the way.");
    text_free(&names);
    return x;
}

/* Handshakes with several services are lost or refused, and echoes to them are not. */
static void judge_connections(const struct judging *j, size_t family)
{
    const struct facts *f = j->f;
    struct loss_count tcp = judge_connection_loss(f, family),
                      icmp = judge_echo_loss(f, family);
    size_t hit = 0, answering = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_probes *p = &f->services[i].by[family].tcp;
        hit += p->lost + p->resent + p->failed > 0;
        answering += p->answered > 0;
    }
    if (hit < 2 || answering == 0 || 2 * hit < f->n_services ||
        !loss_exceeds(tcp.lost, tcp.sent, JUDGE_LOSS_RATIO) || icmp.sent == 0 ||
        loss_exceeds(icmp.lost, icmp.sent, JUDGE_LOSS_RATIO) ||
        loss_interval(icmp.lost, icmp.sent).high >= loss_interval(tcp.lost, tcp.sent).low)
        return;
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_CONNECTIONS, CERTAINTY_LIKELY, 0);
    JUDGE_SET(x->what,
              "New connections are limited (%s): %llu of %llu packets that open one are "
              "lost or refused, while %llu of %llu echoes to the same addresses are, so "
              "the path is fine.",
              family == SLOT_IPV6 ? "IPv6" : "IPv4", (unsigned long long)tcp.lost,
              (unsigned long long)tcp.sent, (unsigned long long)icmp.lost,
              (unsigned long long)icmp.sent);
    JUDGE_SET(
        x->next,
        "Look at the limits of new connections in the firewall and the router "
        "(rate, table of connections, ports of NAT), and for a host that opens very "
        "many; the log of the firewall has the drops.");
}

static void judge_loss_of(const struct judging *j, size_t family)
{
    const struct facts *f = j->f;
    struct loss_count all = judge_loss(f, family, 0), rest;
    uint32_t answering = answering_services(f, family), lossy = lossy_services(f, family);
    if (all.sent == 0)
        return;
    struct check_row *row = diagnosis_row(j->out, CHECK_LOSS, GRADE_GOOD, "all services");
    struct loss_interval i = loss_interval(all.lost, all.sent);
    row->family = family == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
    row->value = 100.0 * (double)all.lost / (double)all.sent;
    row->low = 100 * i.low;
    row->high = 100 * i.high;
    row->unit = "%";
    row->threshold = 100 * JUDGE_LOSS_RATIO;
    JUDGE_SET(row->source, "teams_burst_loss of thresholds.csv");
    JUDGE_SET(row->text, "%llu of %llu packets of handshakes lost",
              (unsigned long long)all.lost, (unsigned long long)all.sent);
    bool common = loss_exceeds(all.lost, all.sent, JUDGE_LOSS_RATIO);
    rest = judge_loss(f, family, answering & ~lossy);
    /* Of a service if the others lose no more than the limit; by chance the losses of all
     * may show in some only. */
    bool others = rest.sent > 0 && (answering & ~lossy) != 0,
         apart = lossy != 0 && !(others && judge_loses(rest));
    common = common && !(apart && others);
    if (!common && !apart) {
        if (judge_loses(all)) {
            row->grade = GRADE_UNKNOWN;
            row->why = JUDGE_LONGER;
            JUDGE_ADD(row->text, "; too few to tell whether it is more than the limit");
        }
        return;
    }
    row->grade = GRADE_BAD;
    if (!common) {
        add_loss_fault(j, family, FAULT_SERVICE_LOSS, CERTAINTY_SURE, lossy,
                       "while those to other services are not");
        return;
    }
    enum certainty certainty;
    bool clean = judge_charge(f, &certainty) == CHARGE_BEYOND;
    struct fault_found *x = add_loss_fault(
        j, family, FAULT_PATH_LOSS, clean ? certainty : CERTAINTY_LIKELY, 0,
        clean ? "behind the first hop, which loses far less"
              : "in the local network or behind it; the packets to the gateway do not "
                "tell which");
    if (clean)
        return;
    x->segment = "local network or provider";
    x->whom = "the administrator of the local network, then the provider";
    JUDGE_SET(x->next, "Connect this host to the router by a cable and run this again, "
                       "for longer: edgelat diagnose -t 30; if packets are lost as "
                       "before, give the provider this report.");
}

/* ---- segments and the entry ---- */

static const struct facts_path *path_of(const struct facts *f, size_t service)
{
    for (size_t i = 0; i < f->n_paths; i++)
        if (f->paths[i].service == service && f->paths[i].traced)
            return &f->paths[i];
    return NULL;
}

static void judge_path(const struct judging *j, const struct facts_path *p)
{
    char address[ADDRESS_TEXT_MAX];
    struct text parts = {0};
    bool told = p->traced && (p->end == PATH_REACHED || p->entry == ENTRY_FOUND);
    struct check_row *row = diagnosis_row(
        j->out, CHECK_PATH, told ? GRADE_GOOD : GRADE_UNKNOWN,
        p->service < j->f->n_services ? j->f->services[p->service].target.name
                                      : endpoint_address(address, &p->to));
    row->family = p->family;
    if (p->traced && !told)
        row->why = "no router behind the first ones shows where it leads";
    for (enum segment g = SEGMENT_LOCAL; g < SEGMENTS; g++)
        if (p->segment_ns[g] != DELAY_UNDEFINED)
            text_add(&parts, "%s%s %.1f ms", parts.len > 0 ? ", " : "", segment_name(g),
                     ms(p->segment_ns[g]));
    if (!p->traced)
        JUDGE_SET(row->text, "not traced: %s",
                  p->cause[0] != '\0' ? p->cause : "no hop answers");
    else
        JUDGE_SET(row->text, "%s%s%s", text_string(&parts), parts.len > 0 ? ". " : "",
                  p->text);
    text_free(&parts);
}

/* The segment that adds most, if it adds JUDGE_SEGMENT_MS and more than the others. */
static enum segment slow_segment(const struct facts_path *p)
{
    int64_t most = (int64_t)(JUDGE_SEGMENT_MS * 1e6), rest = 0;
    enum segment slow = SEGMENT_UNKNOWN;
    for (enum segment g = SEGMENT_LOCAL; g < SEGMENTS; g++)
        if (p->segment_ns[g] > most) {
            most = p->segment_ns[g];
            slow = g;
        }
    for (enum segment g = SEGMENT_LOCAL; g < SEGMENTS; g++)
        if (g != slow && p->segment_ns[g] != DELAY_UNDEFINED)
            rest += p->segment_ns[g];
    return most > rest ? slow : SEGMENT_UNKNOWN;
}

/* The path that shows this segment, and adds least (or most) there of those of `services`. */
static const struct facts_path *path_by(const struct facts *f, enum segment segment,
                                        uint32_t services, bool most)
{
    const struct facts_path *found = NULL;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_path *p = path_of(f, i);
        if ((services & (UINT32_C(1) << i)) != 0 && p != NULL &&
            p->segment_ns[segment] != DELAY_UNDEFINED &&
            (found == NULL ||
             (p->segment_ns[segment] > found->segment_ns[segment]) == most))
            found = p;
    }
    return found;
}

bool judge_is_divided(const struct facts *f, size_t service)
{
    return path_by(f, SEGMENT_PROVIDER, UINT32_C(1) << service, true) != NULL;
}

const struct facts_path *judge_divided_path(const struct facts *f)
{
    return path_by(f, SEGMENT_PROVIDER, UINT32_MAX, true);
}

/* The slow services whose own paths show that it is in this segment. */
static uint32_t services_slow_in(const struct judging *j, enum segment segment)
{
    uint32_t services = 0;
    for (size_t i = 0; i < j->f->n_services; i++) {
        const struct facts_path *p = path_of(j->f, i);
        if (p != NULL && slow_segment(p) == segment && judge_is_slow(j, i, 0))
            services |= UINT32_C(1) << i;
    }
    return services;
}

/* The slow services whose paths cannot be divided, while all others show that this segment,
 * which is common to all, adds more than half of the delay. */
static uint32_t services_slow_by_others(const struct judging *j, enum segment segment)
{
    const struct facts_path *least = path_by(j->f, segment, UINT32_MAX, false);
    uint32_t services = 0;
    if (least == NULL || ms(least->segment_ns[segment]) <= JUDGE_SEGMENT_MS)
        return 0;
    for (size_t i = 0; i < j->f->n_services; i++)
        if (path_by(j->f, segment, UINT32_C(1) << i, true) == NULL &&
            judge_is_slow(j, i, 0) &&
            2 * ms(least->segment_ns[segment]) > judge_delay_of(j->f, i).ms)
            services |= UINT32_C(1) << i;
    return services;
}

double judge_most_added(const struct facts *f, enum segment segment)
{
    const struct facts_path *p = path_by(f, segment, UINT32_MAX, true);
    return p != NULL ? ms(p->segment_ns[segment]) : 0;
}

/* Of the first family whose replies name a PoP. */
static const struct facts_https *https_of(const struct facts *f, size_t service)
{
    const struct facts_address *a = f->services[service].by;
    return &a[a[SLOT_IPV4].https.pop[0] != '\0' ? SLOT_IPV4 : SLOT_IPV6].https;
}

/* ---- what distance explains ---- */

#define HALF_THE_EARTH_KM 20015.0

/* Of the place where the path enters Microsoft's network, else of the PoP. */
static struct standing entry_standing(const struct judging *j, size_t service)
{
    const struct site *site = &j->known->site;
    const struct facts_path *p = path_of(j->f, service);
    const struct facts_https *h = https_of(j->f, service);
    struct standing s = {.bound_ns = DELAY_UNDEFINED};
    if (site->nearest.metro == NULL) /* no location */
        return s;
    s = site_standing(site, p != NULL ? p->entry_metro : "", "router");
    return s.metro != NULL ? s : site_standing(site, h->pop, h->pop_basis);
}

/* Over the limit by distance alone: who carries it there is not slow. */
static bool distance_explains(const struct judging *j, size_t service)
{
    struct standing s = entry_standing(j, service);
    return s.bound_ns != DELAY_UNDEFINED && s.km > JUDGE_FAR_KM &&
           !judge_is_slow(j, service, JUDGE_DETOUR * ms(s.bound_ns));
}

/* That distance alone does not explain it is certain: its place is known, it is not usual
 * here, or no place of the Earth is as far. */
static bool distance_excluded(const struct judging *j, size_t service)
{
    double farthest_ms = ms(distance_rtt_bound_ns(HALF_THE_EARTH_KM));
    return entry_standing(j, service).bound_ns != DELAY_UNDEFINED ||
           judge_over_usual(j, service) ||
           judge_is_slow(j, service, JUDGE_DETOUR * farthest_ms);
}

static void judge_distance(const struct judging *j, uint32_t services)
{
    struct text names = {0};
    size_t farthest = 0;
    struct standing far = {.bound_ns = DELAY_UNDEFINED};
    for (size_t i = 0; i < j->f->n_services; i++) {
        struct standing s = entry_standing(j, i);
        if ((services & (UINT32_C(1) << i)) == 0 ||
            (far.bound_ns != DELAY_UNDEFINED && s.km <= far.km))
            continue;
        farthest = i;
        far = s;
    }
    judge_add_services(&names, j->f, services);
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_FAR_DOOR, CERTAINTY_LIKELY, services);
    x->title = "Far entry to Microsoft's network";
    x->segment = "provider, or DNS";
    x->whom = "the provider, or the administrator of the DNS server";
    JUDGE_SET(
        x->what,
        "Traffic to %s enters Microsoft's network far away, in %s, %.0f km from this "
        "site: over this distance light alone needs %.1f of the %.1f ms.",
        text_string(&names), far.metro->city, far.km, ms(far.bound_ns),
        judge_delay_of(j->f, farthest).ms);
    JUDGE_SET(
        x->next,
        "Compare with another DNS resolver (edgelat diagnose --resolver ADDRESS), and "
        "ask the provider where it hands traffic over to Microsoft (AS8075); the "
        "nearest PoP known is in %s.",
        j->known->site.nearest.metro->city);
    text_free(&names);
}

/* ---- the access line ---- */

struct access_line { /* of what was measured behind the gateway */
    struct facts_median least;
    double queue_ms; /* by so much each median at least is above its minimum */
    size_t n;
};

static void add_behind(struct access_line *l, const struct facts_median *m)
{
    if (m->n == 0)
        return;
    if (l->n == 0 || m->ms < l->least.ms)
        l->least = *m;
    l->queue_ms = fmin(l->n == 0 ? INFINITY : l->queue_ms, m->ms - m->min_ms);
    l->n++;
}

/* Services besides resolvers and relays, which take other ways behind the line. A resolver at a
 * private address may be at this site. */
static bool measure_line(const struct facts *f, struct access_line *l)
{
    size_t services;
    *l = (struct access_line){0};
    for (size_t i = 0; i < f->n_services; i++) {
        struct facts_median m = judge_delay_of(f, i);
        add_behind(l, &m);
    }
    services = l->n;
    for (size_t i = 0; i < f->n_resolvers; i++) {
        const struct facts_resolver *r = &f->resolvers[i];
        struct facts_median m = facts_median(&r->udp.delays);
        if (!r->extra && !endpoint_is_private(&r->server.at))
            add_behind(l, &m);
    }
    for (size_t i = 0; i < FACTS_MEDIA; i++) {
        struct facts_median m = facts_median(&f->media[i].stun.delays);
        add_behind(l, &m);
    }
    return services > 0 && l->n > services;
}

static bool gateway_is_fast(const struct facts *f)
{
    size_t n = 0;
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        const struct facts_gateway *g = &f->gateways[k];
        if (g->icmp.answered == 0 || g->first_hop)
            continue;
        n++;
        if (facts_median(&g->icmp.delays).high_ms > JUDGE_GATEWAY_MS)
            return false;
    }
    return n > 0;
}

/* The services that are slow by what the line adds, mostly. */
static uint32_t services_slow_by_line(const struct judging *j,
                                      const struct access_line *l)
{
    uint32_t services = 0;
    for (size_t i = 0; i < j->f->n_services; i++)
        if (judge_is_slow(j, i, 0) && !distance_explains(j, i) &&
            2 * l->least.ms > judge_delay_of(j->f, i).ms)
            services |= UINT32_C(1) << i;
    return services;
}

/* A delay that changes is that of a queue; where that is, a trace of other minutes does not
 * tell. One that does not change is the line's if no path shows another place. */
static uint32_t slow_line(const struct judging *j, struct access_line *l)
{
    if (!measure_line(j->f, l) || !gateway_is_fast(j->f) ||
        l->least.low_ms <= JUDGE_SEGMENT_MS ||
        (l->queue_ms <= JUDGE_SEGMENT_MS && judge_divided_path(j->f) != NULL))
        return 0;
    return services_slow_by_line(j, l);
}

double judge_line_ms(const struct judging *j)
{
    struct access_line l;
    return slow_line(j, &l) != 0 ? l.least.ms : NAN;
}

static void judge_line(const struct judging *j)
{
    struct access_line l;
    uint32_t services = slow_line(j, &l);
    if (services == 0)
        return;
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_PROVIDER_SLOW, CERTAINTY_LIKELY, services);
    x->shared = true;
    x->title = "Access line slow or full";
    x->segment = fault_segment(FAULT_LOAD);
    x->whom = "whoever runs the router of this site, then the provider";
    JUDGE_SET(
        x->what,
        "All that is behind the gateway is late: services, DNS resolvers and relays "
        "of media take %.0f ms at least (median), while the gateway is fast%s.",
        l.least.ms,
        l.queue_ms > JUDGE_SEGMENT_MS ? "; the delay changes as that of a full queue"
                                      : ", or all of it is far away");
    JUDGE_SET(
        x->next,
        "Look for uploads, backups and downloads that fill the line, and compare at "
        "a quiet time: edgelat diagnose --load; if all is as late then, give the "
        "provider this report.");
}

/* ---- the slow segment ---- */

/* "teams, bing are served from a far PoP, LON" where one PoP serves all of them, else
 * "teams (LON), bing (AMS) are served from far PoPs, or over a detour". */
static void add_far_pops(struct text *out, const struct facts *f, uint32_t services)
{
    const char *pop = NULL, *between = "";
    bool several = false;
    for (size_t i = 0; i < f->n_services; i++)
        if ((services & (UINT32_C(1) << i)) != 0) {
            several |= pop != NULL && strcmp(pop, https_of(f, i)->pop) != 0;
            pop = https_of(f, i)->pop;
        }
    if (!several) {
        judge_add_services(out, f, services);
        text_add(out, " %s served from a far PoP%s%s",
                 judge_count(services) > 1 ? "are" : "is",
                 pop != NULL && pop[0] != '\0' ? ", " : "", pop != NULL ? pop : "");
        return;
    }
    for (size_t i = 0; i < f->n_services; i++)
        if ((services & (UINT32_C(1) << i)) != 0) {
            pop = https_of(f, i)->pop;
            text_add(out, "%s%s (%s)", between, f->services[i].target.name,
                     pop[0] != '\0' ? pop : "PoP unknown");
            between = ", ";
        }
    text_add(out, " are served from far PoPs, or over a detour");
}

/* Behind the entry to Microsoft's network: where the PoP is in its metro, DNS has no part. */
static void judge_inside(const struct judging *j, uint32_t services, uint32_t own,
                         bool same_metro)
{
    const struct facts *f = j->f;
    struct text names = {0};
    if (services == 0)
        return;
    const struct facts_path *worst = path_by(f, SEGMENT_MICROSOFT, services, true);
    struct fault_found *x = diagnosis_fault(
        j->out, same_metro ? FAULT_SERVICE_SLOW : FAULT_FAR_DOOR,
        judge_count(own & services) > 1 ? CERTAINTY_SURE : CERTAINTY_LIKELY, services);
    if (same_metro) {
        judge_add_services(&names, f, services);
        text_add(&names, " %s slow", judge_count(services) > 1 ? "are" : "is");
    } else {
        add_far_pops(&names, f, services);
    }
    JUDGE_SET(x->what,
              "%s: %.1f of %.1f ms to %s arise inside Microsoft's network, behind its "
              "entry%s%s%s.",
              text_string(&names), ms(worst->segment_ns[SEGMENT_MICROSOFT]),
              judge_delay_of(f, worst->service).ms,
              f->services[worst->service].target.name,
              worst->entry_metro[0] != '\0' ? " in " : "", worst->entry_metro,
              same_metro ? ", where its PoP is, too" : "");
    text_free(&names);
    if (same_metro) {
        x->whom = fault_whom(FAULT_SERVICE_DOWN);
        x->segment = "Microsoft's network";
        JUDGE_SET(x->next,
                  "Give Microsoft's support this report with a path: edgelat trace "
                  "--json %s",
                  f->services[worst->service].target.host);
        return;
    }
    x->whom = "the administrator of the DNS server, or Microsoft's support";
    x->segment = "Microsoft's network, or DNS";
    JUDGE_SET(x->next, "Compare with another DNS resolver (edgelat diagnose --resolver "
                       "ADDRESS); if that names the same PoP, ask Microsoft's support.");
}

static void judge_microsoft(const struct judging *j)
{
    uint32_t own = services_slow_in(j, SEGMENT_MICROSOFT), near = 0,
             services = own & ~judge_found(j, FAULT_FAR_DOOR);
    for (size_t i = 0; i < j->f->n_services; i++) {
        const struct facts_path *p = path_of(j->f, i);
        if ((services & (UINT32_C(1) << i)) != 0 && p->entry_metro[0] != '\0' &&
            strcmp(p->entry_metro, https_of(j->f, i)->pop) == 0)
            near |= UINT32_C(1) << i;
    }
    judge_inside(j, services & ~near, own, false);
    judge_inside(j, near, own, true);
}

/* Of the gateway of the path's family. */
static bool is_behind_gateway(const struct judging *j, const struct facts_path *p)
{
    const struct facts_gateway *g = &j->f->gateways[family_slot(p->family)];
    return !g->first_hop && g->icmp.answered > 0 &&
           facts_median(&g->icmp.delays).high_ms <= JUDGE_GATEWAY_MS;
}

static void judge_segment(const struct judging *j, enum segment segment, enum fault fault)
{
    const struct facts *f = j->f;
    bool provider = segment == SEGMENT_PROVIDER;
    uint32_t own = services_slow_in(j, segment),
             services =
                 (own | services_slow_by_others(j, segment)) & ~judge_found(j, fault),
             away = 0;
    struct text names = {0}, hidden = {0};
    for (size_t i = 0; i < f->n_services && provider; i++)
        if ((services & (UINT32_C(1) << i)) != 0 && distance_explains(j, i))
            away |= UINT32_C(1) << i;
    services &= ~away;
    own &= services;
    away &= ~judge_found(j, FAULT_FAR_DOOR);
    if (away != 0)
        judge_distance(j, away);
    if (services == 0)
        return;
    const struct facts_path *worst = own != 0 ? path_by(f, segment, own, true)
                                              : path_by(f, segment, UINT32_MAX, false);
    judge_add_services(&names, f, own != 0 ? own : UINT32_C(1) << worst->service);
    struct fault_found *x = diagnosis_fault(
        j->out, fault, judge_count(own) > 1 ? CERTAINTY_SURE : CERTAINTY_LIKELY,
        services);
    struct facts_median m = judge_delay_of(f, worst->service);
    bool told = !provider || distance_excluded(j, worst->service),
         behind = !provider && is_behind_gateway(j, worst);
    struct standing at = entry_standing(j, worst->service);
    x->shared = judge_count(services) > 1 || f->n_services == 1;
    if (!told)
        x->certainty = CERTAINTY_LIKELY;
    JUDGE_SET(x->what, "%s slow%s: %.1f of %.1f ms to %s arise in the %s",
              provider ? "The provider is" : "The local network is",
              behind ? " behind the gateway" : "",
              fmin(ms(worst->segment_ns[segment]), m.ms), m.ms, text_string(&names),
              provider ? "provider's network" : "local network");
    if (provider && at.bound_ns != DELAY_UNDEFINED)
        JUDGE_ADD(x->what, "; the distance to %s explains %.1f ms at least.",
                  at.metro->city, ms(at.bound_ns));
    else
        JUDGE_ADD(x->what, "%s.", told ? "" : ", where distance alone may take as long");
    if (services != own) {
        judge_add_services(&hidden, f, services & ~own);
        JUDGE_ADD(x->what,
                  " The path to %s, which has this part in common, cannot be "
                  "divided.",
                  text_string(&hidden));
    }
    if (behind) {
        char address[ADDRESS_TEXT_MAX];
        x->title = "Local network slow behind the gateway";
        JUDGE_SET(x->next,
                  "Look at the routers behind the gateway, up to %s (a second router, a "
                  "firewall, SD-WAN), and at the lines between them: edgelat trace %s",
                  endpoint_address(address, &worst->last_local),
                  f->services[worst->service].target.host);
    } else {
        JUDGE_SET(
            x->next, "%s%s",
            told ? ""
            : j->known->site.nearest.metro == NULL
                ? "Set location in [agent] and run this again, to see what distance "
                  "explains. "
                : "The place of the entry is not known; see how far it is. ",
            provider ? "Give the provider this report with a path: edgelat trace --json "
                       "HOST; ask where it hands traffic over to Microsoft (AS8075)."
                     : "Look for the slow part between this host and the router.");
    }
    text_free(&names);
    text_free(&hidden);
}

static void judge_role(const struct judging *j)
{
    uint32_t backup = 0, primary = 0;
    const char *metro = "";
    bool by_entry = false;
    const struct site *site = &j->known->site;
    if (site->peering.connection[0] == '\0')
        return;
    for (size_t i = 0; i < j->f->n_services; i++) {
        const struct facts_path *p = path_of(j->f, i);
        const struct facts_https *h = &j->f->services[i].by[SLOT_IPV4].https;
        bool found = p != NULL && p->entry == ENTRY_FOUND;
        enum role role = found ? p->role : site_standing(site, h->pop, h->pop_basis).role;
        if (role == ROLE_BACKUP && backup == 0)
            metro = found ? p->entry_metro : h->pop;
        by_entry |= found;
        backup |= (uint32_t)(role == ROLE_BACKUP) << i;
        primary |= (uint32_t)(role == ROLE_PRIMARY) << i;
    }
    struct check_row *row = diagnosis_row(j->out, CHECK_PATH,
                                          backup != 0    ? GRADE_POOR
                                          : primary != 0 ? GRADE_GOOD
                                                         : GRADE_UNKNOWN,
                                          site->peering.connection);
    JUDGE_SET(row->text,
              backup != 0
                  ? "traffic enters Microsoft's network at the backup location (%s)"
                  : "no traffic enters at the backup location",
              metro);
    if (row->grade == GRADE_UNKNOWN)
        row->why = "neither paths nor replies show a location of the connection";
    if (backup == 0 || judge_count(backup) <= judge_count(primary))
        return;
    struct fault_found *x = diagnosis_fault(
        j->out, FAULT_BACKUP_POP, by_entry ? CERTAINTY_SURE : CERTAINTY_LIKELY, 0);
    JUDGE_SET(x->what,
              "Traffic enters Microsoft's network at the backup location of the Peering "
              "Service connection (%s), not at the primary one (%s).",
              metro, site->peering.primary);
    JUDGE_SET(x->next,
              "Ask the peering provider %s why the session at the primary location "
              "is not used; see: edgelat routes",
              site->peering.provider);
}

/* ---- front doors ---- */

static void judge_no_door(const struct judging *j)
{
    if (!j->f->no_door_answers)
        return;
    struct check_row *row = diagnosis_row(j->out, CHECK_FRONT_DOOR, GRADE_UNKNOWN, "");
    JUDGE_SET(row->text, "no front door answered");
}

static void judge_door(const struct judging *j, const struct facts_other *o)
{
    const struct facts *f = j->f;
    const struct facts_service *s = &f->services[o->service];
    const struct facts_address *own = &s->by[family_slot((enum family)o->to.family)];
    if (o->resolver != FACTS_NO_RESOLVER || intercepted(&own->intercept) ||
        o->https.tls_errors > 0)
        return;
    struct gain g = gain_of(&own->tcp.delays, &o->tcp.delays, f->end);
    if (g.verdict == GAIN_UNKNOWN)
        return;
    bool far = g.verdict == GAIN_SURE && ms(g.low_ns) > JUDGE_GAIN_MS;
    struct check_row *row = diagnosis_row(j->out, CHECK_FRONT_DOOR,
                                          far ? GRADE_POOR : GRADE_GOOD, s->target.name);
    row->family = (enum family)o->to.family;
    judge_gain(row, &g);
    JUDGE_SET(row->text,
              "what the serving front door (%.1f ms) takes more than %s (%.1f ms)",
              ms(g.own_ns), o->host, ms(g.other_ns));
    uint32_t bit = UINT32_C(1) << o->service;
    if (!far || (judge_found(j, FAULT_FAR_DOOR) & bit) != 0)
        return;
    struct fault_found *x = diagnosis_fault(j->out, FAULT_FAR_DOOR, CERTAINTY_SURE, bit);
    x->segment = "DNS";
    JUDGE_SET(x->what,
              "DNS sends %s to a far PoP%s%s: it takes %.1f ms, while the front door %s "
              "takes %.1f ms (%.1f to %.1f ms less).",
              s->target.name, own->https.pop[0] != '\0' ? ", " : "", own->https.pop,
              ms(g.own_ns), o->host, ms(g.other_ns), ms(g.low_ns), ms(g.high_ns));
    JUDGE_SET(x->next, "%s", JUDGE_NEARER_DNS);
}

/* ---- path MTU ---- */

/* Services answer in this family, and no search has ended. */
static void judge_no_mtu(const struct judging *j, size_t family)
{
    const struct facts *f = j->f;
    bool echoes = false;
    for (size_t i = 0; i < f->n_services; i++)
        echoes |= f->services[i].by[family].icmp.answered > 0;
    if (f->no_icmp[0] != '\0' || answering_services(f, family) == 0)
        return;
    struct check_row *row =
        diagnosis_row(j->out, CHECK_MTU, GRADE_UNKNOWN, "all services");
    row->family = family == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
    JUDGE_SET(row->text, "%s",
              echoes ? "the search did not end in time" : "no service answers ICMP echo");
}

static void judge_mtu(const struct judging *j, size_t family)
{
    const struct facts *f = j->f;
    const struct mtu_search *m = &f->mtu[family];
    struct text text = {0};
    if (!f->mtu_done[family]) {
        judge_no_mtu(j, family);
        return;
    }
    size_t works = 0, stalls = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_https *h = &f->services[i].by[family].https;
        works += judge_https_works(h);
        stalls += h->slow > 0;
    }
    /* A firewall that drops large echoes only is no black hole (edge/mtu_watch.h). */
    bool hole = m->limit == MTU_LIMIT_BLACK_HOLE &&
                (m->mtu >= MTU_HOLE_LEAST || stalls > 0 || works == 0);
    bool known = m->limit != MTU_LIMIT_BLACK_HOLE &&
                 (m->verdict == MTU_FOUND || m->verdict == MTU_UNLIMITED);
    struct check_row *row =
        diagnosis_row(j->out, CHECK_MTU,
                      hole    ? GRADE_BAD
                      : known ? GRADE_GOOD
                              : GRADE_UNKNOWN,
                      f->services[f->mtu_service[family]].target.name);
    row->family = family == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
    row->unit = "bytes";
    if (m->mtu > 0)
        row->value = m->mtu;
    mtu_sentence(&text, m, row->family);
    JUDGE_SET(row->text, "%s", text_string(&text));
    text_free(&text);
    if (m->limit == MTU_LIMIT_BLACK_HOLE)
        row->why = "large echoes vanish, and connections work";
    else if (!known)
        row->why = "the search for it failed; see: edgelat trace";
    if (!hole)
        return;
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_MTU,
                        stalls > 0 || works == 0 ? CERTAINTY_SURE : CERTAINTY_LIKELY, 0);
    JUDGE_SET(
        x->what,
        "%s packets of more than %u bytes vanish without a message (an MTU black hole)%s.",
        family == SLOT_IPV6 ? "IPv6" : "IPv4", m->mtu,
        stalls > 0 ? ": connections stall" : "");
    JUDGE_SET(x->next,
              "Set the MTU of the tunnel or link, or clamp the TCP MSS to %u bytes "
              "on the router, and let ICMP \"fragmentation needed\" pass.",
              m->mtu - (family == SLOT_IPV6 ? 60 : 40));
}

/* Large echoes are lost more often than small ones to the same addresses. */
static void judge_large(const struct judging *j)
{
    const struct facts *f = j->f;
    struct loss_count large = {0}, small = {0};
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            const struct facts_address *a = &f->services[i].by[k];
            if (a->large.answered == 0 || a->icmp.answered == 0)
                continue;
            large.sent += a->large.sent;
            large.lost += a->large.lost;
            small.sent += a->icmp.sent;
            small.lost += a->icmp.lost;
        }
    if (!loss_exceeds(large.lost, large.sent, JUDGE_LOSS_RATIO) ||
        loss_exceeds(small.lost, small.sent, JUDGE_LOSS_RATIO) ||
        loss_interval(large.lost, large.sent).low <=
            loss_interval(small.lost, small.sent).high)
        return;
    struct loss_interval i = loss_interval(large.lost, large.sent);
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_LARGE_LOSS, CERTAINTY_LIKELY, 0);
    JUDGE_SET(
        x->what,
        "Large packets are lost: %llu of %llu echoes of %d bytes (%.0f to %.0f %%), "
        "and %llu of %llu small ones; pages and downloads stall, while pings look "
        "fine.",
        (unsigned long long)large.lost, (unsigned long long)large.sent, FACTS_LARGE,
        100 * i.low, 100 * i.high, (unsigned long long)small.lost,
        (unsigned long long)small.sent);
    JUDGE_SET(
        x->next,
        "Look for a duplex mismatch, a bad cable or a weak radio link on the way, and "
        "for a limit of the rate; compare: ping -s %d %s",
        FACTS_LARGE, f->services[0].target.host);
}

/* ---- delay variation ---- */

/* Mean of |difference| of successive delays (RFC 3550, 6.4.1; RFC 5481: IPDV) of several
 * streams, with its 95 % interval. */
struct variation {
    double ms, low_ms, high_ms;
    size_t n, over; /* differences; those over the limit */
};

enum { VARIATION_RINGS = FACTS_SERVICES * FACTS_FAMILIES };

static struct variation variation_of(const struct delay_ring *const *rings, size_t n,
                                     double limit_ms)
{
    static const double correlated = 1.4; /* neighbours share one of their two delays */
    struct variation v = {NAN, NAN, NAN, 0, 0};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 1; k < rings[i]->n; k++) {
            double d = fabs(ms(rings[i]->values[k].ns - rings[i]->values[k - 1].ns));
            v.n++;
            v.over += d > limit_ms;
            sum += d;
            squares += d * d;
        }
    if (v.n > 1) {
        double count = (double)v.n;
        v.ms = sum / count;
        double variance = (squares - sum * v.ms) / (count - 1),
               half = 1.96 * sqrt(correlated * fmax(variance, 0) / count);
        v.low_ms = v.ms - half;
        v.high_ms = v.ms + half;
    }
    return v;
}

enum { VARIATION_LEAST = 20 }; /* differences */

static bool varies(const struct variation *v, double limit_ms)
{
    return v->n >= VARIATION_LEAST && v->low_ms > limit_ms &&
           loss_interval(v->over, v->n).low > JUDGE_PEAKS_RATIO;
}

/* CHARGE_SITE: the first hop varies by more than the limit, or by half of it and not surely
 * less than all; CHARGE_BEYOND: surely by less than half of it. */
static enum charge charge_of_variation(const struct variation *hop,
                                       const struct variation *all, double limit_ms)
{
    if (hop->n < VARIATION_LEAST)
        return CHARGE_UNKNOWN;
    if (varies(hop, limit_ms) ||
        (hop->low_ms > limit_ms / 2 && hop->high_ms >= all->low_ms))
        return CHARGE_SITE;
    return 2 * hop->high_ms < all->low_ms ? CHARGE_BEYOND : CHARGE_UNKNOWN;
}

/* Microsoft's limit is for one direction of media from the customer's edge; what varies more
 * there and back may do so in both directions. */
void judge_variation(struct judging *j)
{
    const struct facts *f = j->f;
    const struct delay_ring *rings[VARIATION_RINGS], *relays[FACTS_MEDIA],
        *gateways[FACTS_FAMILIES];
    struct media_limits limits;
    size_t n = 0;
    thresholds_media(&j->known->thresholds, &limits);
    double limit_ms = limits.of[MEDIA_VARIATION].most / NS_PER_MS;
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            if (!intercepted(&f->services[i].by[k].intercept))
                rings[n++] = &f->services[i].by[k].tcp.delays;
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        relays[i] = &f->media[i].stun.delays;
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        gateways[k] = &f->gateways[k].icmp.delays;
    struct variation all = variation_of(rings, n, limit_ms),
                     media = variation_of(relays, FACTS_MEDIA, limit_ms),
                     hop = variation_of(gateways, FACTS_FAMILIES, limit_ms);
    if (limit_ms <= 0 || media.n + all.n == 0)
        return;
    bool common = varies(&all, limit_ms);
    const struct variation *v = common || media.n < VARIATION_LEAST ? &all : &media;
    struct check_row *row = diagnosis_row(j->out, CHECK_VARIATION, GRADE_GOOD,
                                          v == &all ? "all services" : "media");
    row->value = v->ms;
    row->low = v->low_ms;
    row->high = v->high_ms;
    row->unit = "ms";
    row->threshold = limit_ms;
    text_copy(row->source, sizeof row->source, limits.of[MEDIA_VARIATION].source);
    JUDGE_SET(row->text, "mean difference of successive delays, there and back");
    if (!varies(v, limit_ms)) {
        if (v->ms > limit_ms && loss_interval(v->over, v->n).high > JUDGE_PEAKS_RATIO) {
            row->grade = GRADE_UNKNOWN;
            row->why = JUDGE_LONGER;
        } else if (v->ms > limit_ms) {
            JUDGE_ADD(row->text, "; few packets are late");
        }
        return;
    }
    row->grade = v->low_ms > 2 * limit_ms ? GRADE_BAD : GRADE_POOR;
    enum charge charge = charge_of_variation(&hop, v, limit_ms);
    bool local = charge == CHARGE_SITE;
    j->varies = common || local;
    if (local ? judge_gateway_is_slow(j, SLOT_IPV4) || judge_gateway_is_slow(j, SLOT_IPV6)
              : !isnan(judge_line_ms(j)))
        return; /* that is the fault */
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_JITTER,
                        v->low_ms > 2 * limit_ms ? CERTAINTY_SURE : CERTAINTY_LIKELY, 0);
    if (local) {
        x->segment = fault_segment(FAULT_GATEWAY_SLOW);
        x->whom = fault_whom(FAULT_GATEWAY_SLOW);
        v = &hop;
    } else if (charge == CHARGE_UNKNOWN) {
        x->segment = "local network or provider";
        x->whom = "the administrator of the local network, then the provider";
    }
    JUDGE_SET(
        x->what,
        "The delay %s varies by %.0f ms from packet to packet (95 %% interval %.0f to "
        "%.0f ms; limit of media %.0f ms, Microsoft), so calls sound broken.",
        local    ? "to the gateway already"
        : common ? "to all services"
                 : "to the relays of media",
        v->ms, v->low_ms, v->high_ms, limit_ms);
    JUDGE_SET(
        x->next, "%s",
        charge != CHARGE_BEYOND
            ? "Look for a saturated or weak Wi-Fi: connect this host by a cable and "
              "run this again."
            : "See whether other traffic fills the line (edgelat diagnose --load), "
              "and give the provider this report.");
}

void judge_paths(const struct judging *j)
{
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        judge_connections(j, k);
        judge_loss_of(j, k);
    }
    for (size_t i = 0; i < j->f->n_paths; i++)
        judge_path(j, &j->f->paths[i]);
    judge_role(j);
    judge_no_door(j);
    for (size_t i = 0; i < j->f->n_others; i++)
        judge_door(j, &j->f->others[i]);
    judge_line(j);
    judge_segment(j, SEGMENT_PROVIDER, FAULT_PROVIDER_SLOW);
    if (!judge_gateway_is_slow(j, SLOT_IPV4) && !judge_gateway_is_slow(j, SLOT_IPV6))
        judge_segment(j, SEGMENT_LOCAL, FAULT_GATEWAY_SLOW);
    judge_microsoft(j);
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        judge_mtu(j, k);
    judge_large(j);
}
