/* Each service: TCP, TLS, HTTPS, who shows its certificate, IPv6 against IPv4. */
#include "core/loss.h"
#include "diagnose/judge.h"
#include "edge/distance.h"

#include <math.h>
#include <string.h>

#define BIT(service) (UINT32_C(1) << (service))

/* Microsoft names no figure for services other than Exchange and Teams. */
static double limit_of(const struct judging *j, const struct facts_service *s,
                       const char **source)
{
    static const char exchange[] =
        "exchange_tcp_latency of thresholds.csv, as Microsoft names none for this service";
    struct limits like = {0};
    *source = s->target.limits.delay_source != NULL ? s->target.limits.delay_source
                                                    : "the configuration";
    if (s->target.limits.delay_ns > 0)
        return ms(s->target.limits.delay_ns);
    thresholds_limits(&j->known->thresholds, "exchange", &like);
    *source = exchange;
    return like.delay_ns > 0 ? ms(like.delay_ns) : NAN;
}

/* What scores 80 points: "meets recommendations"; NaN: there is no score. That it is missed
 * is no fault: distance alone does it, as 1,250 km take 12 ms and the path is longer. */
static double recommended_ms(const struct judging *j, const struct facts_service *s)
{
    const struct thresholds *t = &j->known->thresholds;
    for (size_t i = 0; strcmp(s->target.service, "exchange") == 0 && i < t->n; i++)
        if (strcmp(t->all[i].measure, "exchange_tcp_latency") == 0 &&
            t->all[i].points == 80)
            return t->all[i].value;
    return NAN;
}

/* What is usual here is exceeded, where that is known: distance does not change. */
static bool over_usual(const struct facts_service *s, double delay_ms)
{
    double usual = NAN;
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        if (s->usual_ns[k] != DELAY_UNDEFINED)
            usual = fmax(usual, ms(s->usual_ns[k]));
    return delay_ms > usual + JUDGE_SEGMENT_MS;
}

struct facts_median judge_delay_of(const struct facts *f, size_t service)
{
    const struct facts_service *s = &f->services[service];
    struct facts_median best = {NAN, NAN, NAN, NAN, 0};
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        struct facts_median m = facts_median(&s->by[k].tcp.delays);
        if (m.n > 0 && !intercepted(&s->by[k].intercept) &&
            (best.n == 0 || m.ms < best.ms))
            best = m;
    }
    return best;
}

/* What distance takes where even the nearest PoP is far. */
static double unavoidable_ms(const struct site *site)
{
    return site->nearest.metro != NULL && site->nearest.km > JUDGE_FAR_KM
               ? JUDGE_DETOUR * ms(distance_rtt_bound_ns(site->nearest.km))
               : 0;
}

/* `explained_ms`: what distance takes of it. */
static bool over_limit(const struct judging *j, const struct facts_service *s,
                       const struct facts_median *m, double explained_ms)
{
    const char *source;
    double limit = limit_of(j, s, &source), least = j->varies ? m->min_ms : m->low_ms;
    return m->n > 0 &&
           (least - fmax(explained_ms, unavoidable_ms(&j->known->site)) > limit ||
            (least > recommended_ms(j, s) && over_usual(s, least)));
}

bool judge_is_slow(const struct judging *j, size_t service, double explained_ms)
{
    struct facts_median m = judge_delay_of(j->f, service);
    return over_limit(j, &j->f->services[service], &m, explained_ms);
}

bool judge_over_usual(const struct judging *j, size_t service)
{
    struct facts_median m = judge_delay_of(j->f, service);
    return m.n > 0 &&
           over_usual(&j->f->services[service], j->varies ? m.min_ms : m.low_ms);
}

static void set_usual(struct check_row *row, const struct facts_service *s, size_t family)
{
    if (s->usual_ns[family] != DELAY_UNDEFINED)
        row->usual = ms(s->usual_ns[family]);
}

/* ---- TCP ---- */

static void judge_tcp(const struct judging *j, size_t service, size_t family)
{
    const struct facts_service *s = &j->f->services[service];
    const struct facts_address *a = &s->by[family];
    char address[ADDRESS_TEXT_MAX];
    const char *source;
    if (a->to.family == FAMILY_NONE || !a->route || a->tcp.sent == 0)
        return;
    struct facts_median m = facts_median(&a->tcp.delays);
    double limit = limit_of(j, s, &source);
    struct check_row *row = diagnosis_row(j->out, CHECK_TCP, GRADE_GOOD, s->target.name);
    row->family = (enum family)a->to.family;
    judge_delay(row, &m, limit, source);
    set_usual(row, s, family);
    endpoint_address(address, &a->to);
    JUDGE_SET(row->text, "%s: %u of %u handshakes answered%s%s", address, a->tcp.answered,
              a->tcp.sent, a->tcp.cause[0] != '\0' ? "; " : "", a->tcp.cause);
    double recommended = recommended_ms(j, s);
    bool slow = judge_is_slow(j, service, 0), over = over_limit(j, s, &m, 0);
    if (row->grade == GRADE_BAD && !slow) {
        row->grade = GRADE_POOR;
        const struct near_metro *near = &j->known->site.nearest;
        if (over)
            JUDGE_ADD(row->text, "; %s is within the limit",
                      family == SLOT_IPV4 ? "IPv6" : "IPv4");
        else if (j->varies && m.min_ms <= limit)
            JUDGE_ADD(row->text, "; delays vary, the least is within the limit");
        else
            JUDGE_ADD(row->text,
                      "; distance explains it: the nearest PoP known, in %s, is "
                      "%.0f km away",
                      near->metro->city, near->km);
    } else if (row->grade == GRADE_GOOD && slow && over) {
        row->grade = GRADE_POOR;
        JUDGE_ADD(row->text, "; far more than usual here");
    }
    if (row->grade == GRADE_GOOD && a->tcp.cause[0] == '\0' && m.low_ms > recommended)
        JUDGE_SET(row->text,
                  "%s: %u of %u handshakes answered; within the limit, though Microsoft "
                  "recommends %.0f ms",
                  address, a->tcp.answered, a->tcp.sent, recommended);
    if (a->tcp.answered == 0)
        row->grade = GRADE_BAD;
    if (intercepted(&a->intercept)) {
        row->grade = GRADE_UNKNOWN;
        row->intercepted = true;
        row->why = "a middlebox answers the handshakes";
        JUDGE_SET(row->text, "%s: %s", address, row->why);
    }
}

/* The row of a service that could not be tried, so that it does not vanish. */
static void judge_untried(const struct judging *j, size_t service)
{
    const struct facts_service *s = &j->f->services[service];
    bool address = false;
    for (size_t k = 0; k < FAMILY_SLOTS; k++) {
        address |= s->by[k].to.family != FAMILY_NONE;
        if (s->by[k].tcp.sent + s->by[k].https.sent + s->by[k].https.unsent > 0)
            return;
    }
    struct check_row *row =
        diagnosis_row(j->out, CHECK_TCP, GRADE_UNKNOWN, s->target.name);
    JUDGE_SET(row->text, "%s",
              address                   ? "this host has no route to its address"
              : s->dns_error[0] != '\0' ? s->dns_error
                                        : "its name has no address");
}

/* ---- TLS and HTTPS ---- */

/* What TLS takes besides its one or two round trips; where another host answers TCP, and through
 * a proxy, a reply or an echo shows what these take at most. NaN: nothing is known. */
static double tls_more_ms(const struct facts_address *a)
{
    struct facts_median tls = facts_median(&a->https.tls),
                        tcp = facts_median(&a->tcp.delays),
                        reply = facts_median(&a->https.first_byte),
                        echo = facts_median(&a->icmp.delays);
    bool near = tcp.n == 0 || intercepted(&a->intercept);
    double path_ms = near ? fmax(reply.ms, echo.ms) : tcp.ms;
    return tls.low_ms - 2 * (isnan(path_ms) ? 0 : path_ms);
}

static void judge_phases(const struct judging *j, size_t service, size_t family)
{
    const struct facts_service *s = &j->f->services[service];
    const struct facts_https *h = &s->by[family].https;
    enum family shown = (enum family)s->by[family].to.family;
    if (h->sent == 0 && h->unsent > 0) {
        struct check_row *row =
            diagnosis_row(j->out, CHECK_HTTPS, GRADE_UNKNOWN, s->target.name);
        row->family = shown;
        JUDGE_SET(row->text, "%s", h->cause);
    }
    if (h->sent == 0)
        return;
    struct facts_median tls = facts_median(&h->tls);
    struct facts_median reply = facts_median(&h->first_byte),
                        path = facts_median(&s->by[family].tcp.delays);
    struct check_row *row = diagnosis_row(j->out, CHECK_TLS, GRADE_GOOD, s->target.name);
    row->family = shown;
    judge_delay(row, &tls, JUDGE_TLS_MS, JUDGE_OWN);
    JUDGE_SET(row->text, "TLS %s, certificate by %s",
              h->last.tls_version[0] != '\0' ? h->last.tls_version : "-",
              h->last.issuer[0] != '\0' ? h->last.issuer : "-");
    if (tls.n > 0 && row->grade != GRADE_GOOD) {
        bool late = tls.n > 2 && tls_more_ms(&s->by[family]) > JUDGE_TLS_MS;
        row->grade = late && !j->f->busy ? GRADE_BAD : GRADE_GOOD;
        if (!late)
            JUDGE_ADD(row->text, "; within the limit without two round trips");
        else if (j->f->busy)
            JUDGE_ADD(row->text, "; this host has no CPU left");
    }
    if (h->tls_errors > 0) {
        row->grade = h->tls_errors == h->sent ? GRADE_BAD : GRADE_POOR;
        JUDGE_SET(row->text, "%u of %u handshakes failed: %s", h->tls_errors, h->sent,
                  h->cause);
    }
    row = diagnosis_row(j->out, CHECK_HTTPS, GRADE_GOOD, s->target.name);
    row->family = shown;
    judge_delay(row, &reply, JUDGE_REPLY_MS, JUDGE_OWN);
    char status[16] = "";
    if (h->last.status != 0)
        JUDGE_SET(status, ", HTTP %u", h->last.status);
    JUDGE_SET(row->text, "%u of %u requests answered%s%s%s%s%s", h->replies, h->sent,
              status, h->pop[0] != '\0' ? ", PoP " : "", h->pop,
              h->replies < h->sent ? "; " : "", h->replies < h->sent ? h->cause : "");
    if (row->grade == GRADE_BAD && path.n > 0 &&
        reply.low_ms - path.ms <= JUDGE_REPLY_MS) {
        row->grade = GRADE_POOR;
        JUDGE_ADD(row->text, "; within the limit without the path, which takes %.0f ms",
                  path.ms);
    }
    if (h->replies < h->sent)
        row->grade = 2 * h->replies < h->sent ? GRADE_BAD : GRADE_POOR;
}

struct service_state { /* over its families */
    bool tried, tcp, https_tried, tls_fails, https_works, silent;
    uint32_t sent, http_errors, malformed, slow, replies, throttled;
    double reply_ms, tls_ms; /* of the faster family, without the path; NaN: unknown */
    size_t replied;
    uint16_t status;
    const char *cause;
};

/* Further addresses of the answer do, in this family. */
static bool answers_elsewhere(const struct facts_address *a)
{
    for (size_t i = 0; i < a->n_more; i++)
        if (a->more[i].answered > 0)
            return true;
    return false;
}

/* Who reported that no connection arrives; NULL: nobody did. */
static const struct icmp_source *reporter_of(const struct facts_address *a)
{
    return a->tcp.answered > 0                          ? NULL
           : a->tcp.reporter.by.family != FAMILY_NONE   ? &a->tcp.reporter
           : a->https.reporter.by.family != FAMILY_NONE ? &a->https.reporter
                                                        : NULL;
}

static struct service_state state_of(const struct facts_service *s)
{
    struct service_state t = {.cause = "", .reply_ms = NAN, .tls_ms = NAN};
    const char *tcp_cause = "";
    bool tls_errors = false;
    uint32_t refused = 0;
    for (size_t k = 0; k < FAMILY_SLOTS; k++) {
        const struct facts_address *a = &s->by[k];
        if (a->to.family == FAMILY_NONE || (k != SLOT_PROXY && !a->route))
            continue;
        t.tried |= a->tcp.sent > 0;
        t.tcp |= a->tcp.answered > 0 || answers_elsewhere(a);
        t.https_tried |= a->https.sent > 0;
        t.https_works |= judge_https_works(&a->https);
        tls_errors |= a->https.tls_errors > 0;
        t.sent += a->https.sent;
        t.replies += a->https.replies;
        t.http_errors += a->https.http_errors;
        t.malformed += a->https.malformed;
        t.slow += a->https.slow;
        t.throttled += a->https.throttled;
        refused += a->tcp.answered > 0 ? a->https.refused : 0;
        if (a->https.error_status != 0)
            t.status = a->https.error_status;
        if (a->tcp.answered == 0 && a->tcp.cause[0] != '\0')
            tcp_cause =
                reporter_of(a) == &a->https.reporter ? a->https.cause : a->tcp.cause;
        else if (a->https.cause[0] != '\0')
            t.cause = a->https.cause;
        struct facts_median path = facts_median(&a->tcp.delays),
                            reply = facts_median(&a->https.first_byte);
        double path_ms = path.n > 0 ? path.ms : 0;
        t.tls_ms = fmin(t.tls_ms, tls_more_ms(a)); /* NaN: the other one */
        if (reply.n > 0)
            t.reply_ms = fmin(t.reply_ms, reply.low_ms - path_ms);
        t.replied += a->https.tls.n;
    }
    if (!t.tcp ||
        t.cause[0] == '\0') /* else why a family fails that accepts connections */
        t.cause = tcp_cause[0] != '\0' ? tcp_cause : t.cause;
    t.tls_fails = tls_errors && !t.https_works;
    t.silent = t.sent > 0 && t.replies + t.http_errors == 0 && t.slow + refused > 0;
    return t;
}

/* A host of the user's choice may be anybody's. */
static bool is_of_microsoft(const struct judging *j, const struct target *t)
{
    const struct suffix *of = suffixes_find(&j->known->suffixes, t->host);
    return t->service[0] != '\0' || (of != NULL && of->verdict != SUFFIX_FOREIGN);
}

static void next_for_service(const struct judging *j, struct fault_found *x,
                             const struct target *t)
{
    bool known = is_of_microsoft(j, t);
    if (!known) {
        x->whom = "whoever runs that host";
        x->segment = strcmp(x->segment, "service") == 0 ? "that host" : x->segment;
        x->title = x->title != fault_title(x->fault)   ? x->title
                   : x->fault == FAULT_SERVICE_DOWN    ? "Host down"
                   : x->fault == FAULT_SERVICE_ADDRESS ? "Address of a host down"
                   : x->fault == FAULT_SERVICE_ERRORS  ? "Host fails"
                   : x->fault == FAULT_SERVICE_SLOW    ? "Host slow"
                                                       : x->title;
    }
    JUDGE_SET(x->next, "%s: edgelat diagnose %s",
              known ? "Look at the service health page of Microsoft 365 and compare from "
                      "another network"
                    : "Compare from another network",
              t->host);
}

/* Whether a router that reported an error is of this site, by its address and that of this
 * host: a gateway, or in the same network (RFC 6177: a site has a /48, or less). */
static bool is_at_site(const struct facts *f, const struct icmp_source *r)
{
    const struct endpoint *by = &r->by, *own = &r->to;
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        if (endpoint_same_address(&f->gateways[k].to, by))
            return true;
    return by->family == own->family &&
           endpoint_same_prefix(by->bytes, own->bytes,
                                by->family == FAMILY_IPV6 ? 48 : 24);
}

/* Whom a service that does not answer is charged to where its connections are refused: who
 * reported it decides; a reset does not tell who sent it. */
static void charge_refusal(const struct judging *j, struct fault_found *x,
                           const struct facts_service *s)
{
    const struct icmp_source *reporter = NULL;
    char by[ADDRESS_TEXT_MAX];
    bool reset = false;
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        const struct facts_probes *p = &s->by[k].tcp;
        if (reporter_of(&s->by[k]) != NULL)
            reporter = reporter_of(&s->by[k]);
        reset |= p->answered == 0 && 2 * p->failed > p->sent;
    }
    if (reporter == NULL && reset) {
        bool known = is_of_microsoft(j, &s->target);
        x->certainty = CERTAINTY_LIKELY;
        x->title = "Connections refused";
        x->segment = known ? "service, or a firewall on the way"
                           : "that host, or a firewall on the way";
        x->whom = known
                      ? "the administrator of the firewall, then Microsoft's support"
                      : "the administrator of the firewall, then whoever runs that host";
        JUDGE_ADD(x->what,
                  " Cannot tell who refuses them: the %s, or a firewall on the way.",
                  known ? "service" : "host");
        JUDGE_SET(x->next,
                  "Run edgelat diagnose %s from another network: if it answers there, a "
                  "firewall of this site or of the provider refuses the connections.",
                  s->target.host);
    }
    if (reporter == NULL || prefixes_find(&j->known->prefixes, &reporter->by) != NULL)
        return;
    endpoint_address(by, &reporter->by);
    bool site = is_at_site(j->f, reporter);
    if (site || (endpoint_is_private(&reporter->by) &&
                 !endpoint_in_prefixes("100.64.0.0/10", &reporter->by))) {
        x->certainty = site ? CERTAINTY_SURE : CERTAINTY_LIKELY;
        x->title = "Rejected at this site";
        x->segment = "firewall or router of this site";
        x->whom = "the administrator of the firewall";
        JUDGE_ADD(x->what, " %s is %s this site.", by, site ? "at" : "probably at");
        JUDGE_SET(
            x->next,
            "Look in the rules of the firewall, security gateway or router at %s for "
            "TCP port %u to %s; see: edgelat trace --tcp %s",
            by, target_port(&s->target, NULL), s->target.host, s->target.host);
    } else {
        x->certainty = CERTAINTY_LIKELY;
        x->title = "Rejected on the way";
        x->segment = "provider";
        x->whom = fault_whom(FAULT_PATH_BROKEN);
        JUDGE_ADD(x->what, " %s is neither at this site nor known as Microsoft's.", by);
        JUDGE_SET(x->next,
                  "Ask the provider why %s rejects it; see: edgelat trace --tcp %s", by,
                  s->target.host);
    }
}

/* An address that no resolver gave has another source, such as /etc/hosts. */
static void judge_own_address(const struct judging *j, size_t service,
                              struct fault_found *x)
{
    const struct facts_service *s = &j->f->services[service];
    char address[ADDRESS_TEXT_MAX];
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        const struct endpoint *to = &s->by[k].to;
        bool answered = false, given = to->family == FAMILY_NONE;
        for (size_t r = 0; r < j->f->n_resolvers; r++) {
            const struct facts_answer *a = &j->f->resolvers[r].answers[service][k];
            answered |= a->n > 0;
            for (size_t i = 0; i < a->n; i++)
                given |= endpoint_same_address(&a->all[i], to);
        }
        if (!answered || given)
            continue;
        x->certainty = CERTAINTY_LIKELY;
        x->segment = "this host";
        x->whom = "whoever runs this host";
        JUDGE_SET(x->what,
                  "%s does not answer at %s, an address that no DNS resolver gave.",
                  s->target.name, endpoint_address(address, to));
        JUDGE_SET(x->next,
                  "Look for an old entry of %s in /etc/hosts of this host, and remove "
                  "it; see: getent ahosts %s",
                  s->target.host, s->target.host);
        return;
    }
}

/* Where those that answer lose so much, one that does not answer is no case of its own. */
static bool most_is_lost(const struct facts *f, size_t family)
{
    struct loss_count c = judge_loss(f, family, 0);
    return 2 * c.lost > c.sent;
}

static bool lost_by_chance(const struct facts *f, const struct facts_service *s,
                           size_t family)
{
    return s->by[family].tcp.sent == 0 || most_is_lost(f, family);
}

/* Something behind the gateway answers by IPv4, be it no service's TCP. */
static bool ipv4_passes(const struct facts *f)
{
    uint32_t answered = 0;
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        answered += f->media[i].to.family == FAMILY_IPV4 ? f->media[i].stun.answered : 0;
    for (size_t i = 0; i < f->n_services; i++)
        answered += f->services[i].by[SLOT_IPV4].icmp.answered;
    for (size_t i = 0; i < f->n_resolvers; i++)
        if (f->resolvers[i].server.at.family == FAMILY_IPV4 &&
            !judge_is_local(&f->resolvers[i].server.at))
            answered += f->resolvers[i].answered;
    return answered > 0;
}

/* What is tried by IPv4 besides services; of one service alone the fault may be its own. */
static bool others_are_silent(const struct facts *f)
{
    uint32_t sent = 0;
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        sent += f->media[i].to.family == FAMILY_IPV4 ? f->media[i].stun.sent : 0;
    return sent > 2 && !ipv4_passes(f);
}

/* No service answers by IPv4, while IPv6 works: one fault, not one a service. */
static void judge_ipv4(const struct judging *j)
{
    const struct facts *f = j->f;
    const struct facts_gateway *g = &f->gateways[SLOT_IPV4];
    char address[ADDRESS_TEXT_MAX];
    if (!judge_family_fails(f, SLOT_IPV4) || (f->n_services < 2 && !others_are_silent(f)))
        return;
    bool asked = g->icmp.sent > 0, behind = g->icmp.answered > 0;
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_IPV4_BROKEN,
                        f->n_services > 1 ? CERTAINTY_SURE : CERTAINTY_LIKELY, 0);
    if (ipv4_passes(f)) {
        x->title = "TCP by IPv4 blocked, IPv6 works";
        x->segment = "firewall, or provider (IPv4)";
        x->whom = "the administrator of the firewall, then the provider";
        JUDGE_SET(x->what,
                  "No service answers TCP handshakes by IPv4, while other packets "
                  "of IPv4 pass, and IPv6 works; what has only IPv4 fails.");
        JUDGE_SET(
            x->next,
            "Look whether a firewall blocks TCP port 443 of IPv4; see where it ends: "
            "edgelat trace --tcp -4 %s",
            f->services[0].target.host);
        return;
    }
    JUDGE_SET(x->what,
              "No service answers by IPv4, while IPv6 works%s%s%s; what has only IPv4 "
              "fails, and other connections take IPv6.",
              asked ? "; the gateway of IPv4 " : "",
              asked ? endpoint_address(address, &g->to) : "",
              behind  ? " answers"
              : asked ? " does not answer either"
                      : "");
    JUDGE_SET(
        x->next,
        "Check the IPv4 address, default route and gateway of this host (ip address; "
        "ip route; ip neighbour) and the IPv4 uplink of the router; see where it "
        "ends: edgelat trace -4 %s",
        f->services[0].target.host);
    if (behind) {
        x->segment = "router or provider (IPv4)";
        x->whom = "the administrator of the router, then the provider";
    } else {
        x->certainty = CERTAINTY_LIKELY; /* some gateways do not answer ICMP */
        x->segment = asked ? "local network (IPv4)" : "local network or provider (IPv4)";
    }
}

/* It answers in the other family only. All of them: judge_ipv6(). */
static void judge_one_family(const struct judging *j, size_t service)
{
    const struct facts_service *s = &j->f->services[service];
    const struct facts_probes *v4 = &s->by[SLOT_IPV4].tcp, *v6 = &s->by[SLOT_IPV6].tcp;
    char address[ADDRESS_TEXT_MAX];
    if (!s->by[SLOT_IPV4].route || v4->sent < 5 || v4->answered > 0 ||
        answers_elsewhere(&s->by[SLOT_IPV4]) || v6->answered == 0 ||
        most_is_lost(j->f, SLOT_IPV4))
        return;
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_SERVICE_DOWN, CERTAINTY_SURE, BIT(service));
    JUDGE_SET(x->what, "%s does not answer by IPv4 (%s: %s), only by IPv6.",
              s->target.name, endpoint_address(address, &s->by[SLOT_IPV4].to), v4->cause);
    next_for_service(j, x, &s->target);
    charge_refusal(j, x, s);
}

/* Of the addresses of its name some answer and some do not. */
static void judge_addresses(const struct judging *j, size_t service, size_t family)
{
    const struct facts_service *s = &j->f->services[service];
    const struct facts_address *a = &s->by[family];
    struct text silent = {0};
    char address[ADDRESS_TEXT_MAX];
    size_t n = 0, answering = a->tcp.answered > 0;
    if (a->n_more == 0 || most_is_lost(j->f, family))
        return;
    if (a->tcp.sent > 2 && a->tcp.answered == 0) {
        text_add(&silent, "%s", endpoint_address(address, &a->to));
        n++;
    }
    for (size_t i = 0; i < a->n_more; i++) {
        answering += a->more[i].answered > 0;
        if (a->more[i].sent < 2 || a->more[i].answered > 0)
            continue;
        text_add(&silent, "%s%s", n > 0 ? ", " : "",
                 endpoint_address(address, &a->more[i].to));
        n++;
    }
    if (n > 0 && answering > 0) {
        struct fault_found *x =
            diagnosis_fault(j->out, FAULT_SERVICE_ADDRESS, CERTAINTY_SURE, BIT(service));
        JUDGE_SET(x->what,
                  "%s: %zu of %zu addresses %s not answer while others do: %s; a client "
                  "that tries such an address first takes the next one after 250 ms "
                  "(RFC 8305), or later.",
                  s->target.name, n, 1 + a->n_more, n == 1 ? "does" : "do",
                  text_string(&silent));
        next_for_service(j, x, &s->target);
    }
    text_free(&silent);
}

/* IPv6 is nearer by far: what takes IPv4 all the same, such as media, is slow. */
static void judge_far_ipv4(const struct judging *j)
{
    const struct facts *f = j->f;
    uint32_t services = 0;
    struct gain worst = {0};
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_address *v4 = &f->services[i].by[SLOT_IPV4],
                                   *v6 = &f->services[i].by[SLOT_IPV6];
        struct gain g = gain_of(&v4->tcp.delays, &v6->tcp.delays, f->end);
        if (g.verdict != GAIN_SURE || ms(g.low_ns) <= JUDGE_GAIN_MS ||
            intercepted(&v4->intercept) || intercepted(&v6->intercept))
            continue;
        services |= BIT(i);
        if (g.low_ns > worst.low_ns)
            worst = g;
    }
    if (services == 0)
        return;
    struct text names = {0};
    struct check_row *row = diagnosis_row(j->out, CHECK_IPV6, GRADE_POOR, "IPv4");
    judge_gain(row, &worst);
    judge_add_services(&names, f, services);
    JUDGE_SET(row->text,
              "what IPv4 to %s takes more than IPv6; clients take IPv6 first, but some "
              "programs and VPNs know IPv4 only",
              text_string(&names));
    text_free(&names);
}

/* Its addresses answer echoes much sooner than handshakes. */
static bool judge_late_handshakes(const struct judging *j, size_t service)
{
    const struct facts_service *s = &j->f->services[service];
    struct gain late = {0};
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        struct gain g = gain_of(&s->by[k].tcp.delays, &s->by[k].icmp.delays, j->f->end);
        if (s->by[k].tcp.answered == 0 || intercepted(&s->by[k].intercept))
            continue;
        if (g.verdict != GAIN_SURE || ms(g.low_ns) <= JUDGE_GAIN_MS)
            return false;
        late = g;
    }
    if (late.own_values == 0)
        return false;
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_SERVICE_SLOW, CERTAINTY_LIKELY, BIT(service));
    x->segment = "service, or firewall";
    x->whom = "the administrator of the firewall, then Microsoft's support";
    JUDGE_SET(x->what,
              "%s accepts connections late: handshakes take %.1f ms, echoes to the same "
              "address %.1f ms.",
              s->target.name, ms(late.own_ns), ms(late.other_ns));
    JUDGE_SET(x->next,
              "The path is fast; look for a firewall or proxy that holds up new "
              "connections: edgelat trace --tcp %s",
              s->target.host);
    return true;
}

static bool is_late(const struct service_state *t)
{
    return t->reply_ms > JUDGE_REPLY_MS || t->tls_ms > JUDGE_TLS_MS;
}

/* A CPU of this host that is busy makes all services late. */
static bool is_by_cpu(const struct facts *f, size_t service)
{
    for (size_t i = 0; f->busy && i < f->n_services; i++) {
        struct service_state t = state_of(&f->services[i]);
        if (i != service && t.replied > 0 && 4 * t.tls_ms < JUDGE_REPLY_MS)
            return false;
    }
    return f->busy;
}

static bool fails_all(const struct facts_https *h)
{
    return h->sent > 1 && h->replies + h->http_errors == 0;
}

/* HTTPS fails in one family and works in the other: clients choose by the handshake of TCP
 * (RFC 8305), which succeeds, and stay with it. */
static void judge_family_https(const struct judging *j, size_t service, size_t family)
{
    const struct facts_service *s = &j->f->services[service];
    const struct facts_address *a = &s->by[family];
    const struct facts_https *h = &a->https;
    bool tls = h->tls_errors == h->sent;
    if (a->tcp.answered == 0 || !fails_all(h) ||
        !judge_https_works(&s->by[1 - family].https) ||
        h->tls_errors + h->slow < h->sent || most_is_lost(j->f, family))
        return;
    struct fault_found *x =
        diagnosis_fault(j->out, tls ? FAULT_SERVICE_TLS : FAULT_SERVICE_DOWN,
                        CERTAINTY_SURE, BIT(service));
    JUDGE_SET(x->what, "%s by %s fails: %s; by %s it works.", s->target.name,
              family == SLOT_IPV6 ? "IPv6" : "IPv4", h->cause,
              family == SLOT_IPV6 ? "IPv4" : "IPv6");
    JUDGE_SET(x->next,
              "A filter, proxy or security gateway may treat the families differently; "
              "compare: edgelat probe https %s -4, and -6",
              s->target.host);
}

/* It is slow, and neither its path nor those of others show where. */
static void judge_where(const struct judging *j, size_t service,
                        const struct facts_median *m)
{
    const struct facts_service *s = &j->f->services[service];
    const struct facts_path *other = judge_divided_path(j->f);
    const char *source;
    double limit = limit_of(j, s, &source);
    bool only_poor = isnan(limit) || m->low_ms <= limit;
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_SERVICE_SLOW, CERTAINTY_LIKELY, BIT(service));
    JUDGE_SET(x->what,
              "%s is slow: handshakes take %.1f ms (95 %% interval %.1f to %.1f ms; %s)",
              s->target.name, m->ms, m->low_ms, m->high_ms,
              only_poor ? "far more than usual here" : source);
    if (judge_is_divided(j->f, service)) {
        JUDGE_ADD(x->what, ", and no segment of its path takes most of it.");
        JUDGE_SET(x->next, "See what each part of the path takes: edgelat trace --tcp %s",
                  s->target.host);
        return;
    }
    next_for_service(j, x, &s->target);
    bool known = strcmp(x->whom, fault_whom(FAULT_SERVICE_SLOW)) == 0;
    x->title = "Slow, provider or service";
    x->segment = "provider or service";
    x->whom = known ? "the provider, or Microsoft's support"
                    : "the provider, or whoever runs that host";
    JUDGE_ADD(x->what,
              "; cannot tell between provider and service, as its path cannot be "
              "divided");
    if (other != NULL)
        JUDGE_ADD(x->what, " and on other paths the provider takes %.1f ms at most",
                  ms(other->segment_ns[SEGMENT_PROVIDER]));
    JUDGE_ADD(x->what, ".");
    JUDGE_SET(
        x->next,
        "%sRun edgelat diagnose %s over another line or network: if it is as slow "
        "there, it is the service, else the provider. To see its path: edgelat trace "
        "--tcp %s",
        j->f->n_services > 1
            ? ""
            : "See what the paths to other services show: edgelat diagnose. ",
        s->target.host, s->target.host);
}

/* Another one opens its TLS. */
static bool shows_foreign(const struct judging *j, const struct facts_service *s)
{
    for (size_t k = 0; k < FAMILY_SLOTS; k++) {
        const char *issuer = s->by[k].https.last.issuer;
        if (issuer[0] != '\0' &&
            issuers_foreign(&j->known->issuers, s->target.service, issuer))
            return true;
    }
    return false;
}

/* No TLS session in any family. A certificate of the right issuer is the service's own. */
static void judge_no_tls(const struct judging *j, size_t service, const char *cause)
{
    static const char handshake[] = "TLS handshake with ", failed[] = " failed: ";
    const struct facts_service *s = &j->f->services[service];
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_SERVICE_TLS, CERTAINTY_SURE, BIT(service));
    bool shown = false, known = is_of_microsoft(j, &s->target);
    for (size_t k = 0; k < FAMILY_SLOTS; k++)
        shown |= s->by[k].https.last.issuer[0] != '\0';
    const char *why = strstr(cause, failed);
    bool twice = strncmp(cause, handshake, sizeof handshake - 1) == 0 && why != NULL;
    JUDGE_SET(x->what, "TLS to %s fails: %s.", s->target.name,
              twice ? why + sizeof failed - 1 : cause);
    JUDGE_SET(x->next,
              "See which certificate is shown: openssl s_client -connect "
              "%s:%u; a security gateway may open TLS with its own.",
              s->target.host, target_port(&s->target, NULL));
    if (shown && !shows_foreign(j, s)) {
        x->whom = known ? fault_whom(FAULT_SERVICE_DOWN) : "whoever runs that host";
        return;
    }
    x->certainty = CERTAINTY_LIKELY;
    x->segment =
        known ? "service, or security gateway" : "that host, or security gateway";
    x->whom =
        known ? "the administrator of the security gateway, then Microsoft's support"
              : "the administrator of the security gateway, then whoever runs that host";
}

static void judge_state(const struct judging *j, size_t service)
{
    const struct facts_service *s = &j->f->services[service];
    const char *name = s->target.name;
    struct service_state t = state_of(s);
    bool proxied = s->by[SLOT_PROXY].to.family != FAMILY_NONE;
    struct fault_found *x;
    if (!t.tried && !t.https_tried) {
        bool named =
            s->by[0].to.family != FAMILY_NONE || s->by[1].to.family != FAMILY_NONE;
        if (named || proxied || s->target.service[0] != '\0' || s->dns_error[0] == '\0')
            return;
        x = diagnosis_fault(j->out, FAULT_SERVICE_DOWN, CERTAINTY_SURE, BIT(service));
        x->whom = "the administrator of that name";
        JUDGE_SET(x->what, "%s has no address: %s.", name, s->dns_error);
        JUDGE_SET(x->next, "Check how the name is written, and the DNS resolver.");
        return;
    }
    if (!proxied && !t.tcp) {
        if (j->all_silent ||
            (lost_by_chance(j->f, s, SLOT_IPV4) && lost_by_chance(j->f, s, SLOT_IPV6)))
            return;
        x = diagnosis_fault(j->out, FAULT_SERVICE_DOWN, CERTAINTY_SURE, BIT(service));
        x->despite = FAULT_BIT(FAULT_MTU); /* packets of a handshake are small */
        if (s->by[SLOT_IPV6].tcp.sent > 0)
            x->despite |= FAULT_BIT(FAULT_IPV4_BROKEN);
        JUDGE_SET(x->what, "%s does not answer: no TCP handshake succeeded (%s).", name,
                  t.cause);
        next_for_service(j, x, &s->target);
        charge_refusal(j, x, s);
        judge_own_address(j, service, x);
        return;
    }
    if (proxied && (judge_found(j, FAULT_PROXY_FAILS) & BIT(service)) != 0)
        return;
    judge_one_family(j, service);
    for (size_t k = 0; k < FACTS_FAMILIES && !proxied; k++)
        judge_family_https(j, service, k);
    if (t.tls_fails) {
        judge_no_tls(j, service, t.cause);
        return;
    }
    if (t.http_errors > 1 && 2 * t.http_errors > t.sent) {
        x = diagnosis_fault(j->out, FAULT_SERVICE_ERRORS, CERTAINTY_SURE, BIT(service));
        JUDGE_SET(x->what,
                  "%s answers with its own failures: HTTP %u in %u of %u requests.", name,
                  t.status, t.http_errors, t.sent);
        if (t.malformed == t.http_errors)
            JUDGE_SET(x->what, "%s gives no valid HTTP reply to %u of %u requests: %s.",
                      name, t.malformed, t.sent, t.cause);
        next_for_service(j, x, &s->target);
    } else if (t.silent && t.sent > 2 && !j->f->busy) {
        x = diagnosis_fault(j->out, FAULT_SERVICE_DOWN, CERTAINTY_SURE, BIT(service));
        JUDGE_SET(x->what, "%s accepts connections but does not reply: %s.", name,
                  t.cause);
        next_for_service(j, x, &s->target);
    } else if (t.throttled > 1 && 2 * t.throttled > t.sent) {
        x = diagnosis_fault(j->out, FAULT_SERVICE_ERRORS, CERTAINTY_SURE, BIT(service));
        JUDGE_SET(x->what, "%s turns requests away: HTTP 429 (too many) in %u of %u.",
                  name, t.throttled, t.sent);
        JUDGE_SET(
            x->next,
            "Look for a program at this site that sends very many requests; the limit "
            "is that of the tenant or of the public address. Compare: edgelat probe "
            "https %s",
            s->target.host);
    } else if (t.replied > 2 && is_late(&t) && !is_by_cpu(j->f, service) &&
               (t.reply_ms > JUDGE_REPLY_MS || !shows_foreign(j, s))) {
        bool tls = !(t.reply_ms > JUDGE_REPLY_MS); /* else judge_issuers() charges it */
        x = diagnosis_fault(j->out, FAULT_SERVICE_SLOW, CERTAINTY_SURE, BIT(service));
        x->segment = "service";
        x->whom = "Microsoft's support";
        JUDGE_SET(
            x->what, "%s replies late: %.0f ms %s, besides the path (limit %.0f ms, %s).",
            name, tls ? t.tls_ms : t.reply_ms, tls ? "for TLS" : "to the first byte",
            tls ? JUDGE_TLS_MS : JUDGE_REPLY_MS, JUDGE_OWN);
        next_for_service(j, x, &s->target);
    }
    struct facts_median m = judge_delay_of(j->f, service);
    if (!over_limit(j, s, &m, 0) || judge_late_handshakes(j, service))
        return;
    judge_where(j, service, &m);
}

/* ---- who answers ---- */

/* Two services with a certificate of the same foreign issuer, or one that this host
 * trusts: TLS is intercepted. */
static void judge_issuers(const struct judging *j)
{
    const struct facts *f = j->f;
    uint32_t foreign = 0, trusted = 0, known = 0;
    const char *issuer = "";
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FAMILY_SLOTS; k++) {
            const struct facts_https *h = &f->services[i].by[k].https;
            if (h->last.issuer[0] == '\0')
                continue;
            known |= BIT(i);
            if (!issuers_foreign(&j->known->issuers, f->services[i].target.service,
                                 h->last.issuer))
                continue;
            foreign |= BIT(i);
            if (h->tls_errors == 0)
                trusted |= BIT(i);
            issuer = h->last.issuer;
        }
    for (size_t i = 0; i < f->n_services && foreign != 0; i++)
        for (size_t k = 0; k < FAMILY_SLOTS; k++) /* of which no issuers are known */
            if (strcmp(f->services[i].by[k].https.last.issuer, issuer) == 0)
                foreign |= BIT(i);
    bool many = (foreign & (foreign - 1)) != 0;
    bool intercepts = trusted != 0 || many;
    struct check_row *row = diagnosis_row(j->out, CHECK_INTERCEPTION,
                                          intercepts   ? GRADE_BAD
                                          : known != 0 ? GRADE_GOOD
                                                       : GRADE_UNKNOWN,
                                          "");
    if (!intercepts) {
        JUDGE_SET(row->text, known != 0
                                 ? "certificates are by the issuers that Microsoft "
                                   "uses"
                                 : "no certificate was seen");
        return;
    }
    struct text names = {0};
    judge_add_services(&names, f, foreign);
    JUDGE_SET(row->text, "the certificate of %s is by %s, which Microsoft does not use",
              text_string(&names), issuer);
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_INTERCEPTED, CERTAINTY_SURE, foreign);
    JUDGE_SET(
        x->what,
        "TLS to %s is intercepted: the certificate is by \"%s\", which Microsoft does "
        "not use",
        text_string(&names), issuer);
    double late_ms = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        struct service_state t = state_of(&f->services[i]);
        if ((foreign & BIT(i)) != 0 && t.replied > 2 && !is_by_cpu(f, i))
            late_ms = fmax(late_ms, t.tls_ms);
    }
    if (late_ms > JUDGE_TLS_MS)
        JUDGE_ADD(
            x->what,
            "; who intercepts it takes %.0f ms for a TLS handshake, besides the path "
            "(limit %.0f ms, %s)",
            late_ms, JUDGE_TLS_MS, JUDGE_OWN);
    JUDGE_ADD(x->what, ".");
    JUDGE_SET(x->next, "Exempt the endpoints of Microsoft 365 from TLS inspection, as "
                       "Microsoft requires; the issuer names the product that does it.");
    text_free(&names);
}

static void judge_middlebox(const struct judging *j)
{
    const struct facts *f = j->f;
    uint32_t services = 0;
    bool proved = false; /* by the decoy port; else by comparing delays */
    char why[INTERCEPT_TEXT_MAX];
    struct text names = {0};
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            const struct intercept *is = &f->services[i].by[k].intercept;
            if (!intercepted(is) || (proved && is->decoy.n == 0))
                continue;
            proved = is->decoy.n > 0;
            services |= BIT(i);
            intercept_text(why, is, j->kinds);
        }
    /* Delays that vary, or wait for a CPU, tell nothing when they are compared. */
    if (services == 0 || (!proved && (f->busy || j->varies)))
        return;
    judge_add_services(&names, f, services);
    struct check_row *row =
        diagnosis_row(j->out, CHECK_INTERCEPTION, GRADE_POOR, text_string(&names));
    JUDGE_SET(row->text, "%s", why);
    struct fault_found *x = diagnosis_fault(
        j->out, FAULT_MIDDLEBOX, proved ? CERTAINTY_SURE : CERTAINTY_LIKELY, services);
    JUDGE_SET(
        x->what,
        "A middlebox (transparent proxy, firewall or modem) answers the TCP handshakes "
        "of %s itself: %s.",
        text_string(&names), why);
    JUDGE_SET(x->next, "Exempt the endpoints of Microsoft 365 from it.");
    text_free(&names);
}

/* ---- IPv6 ---- */

bool judge_without_ipv4(const struct facts *f)
{
    bool works = false, wanted = false;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_address *v4 = &f->services[i].by[SLOT_IPV4];
        if (v4->route)
            return false;
        wanted |= v4->to.family != FAMILY_NONE;
        works |= f->services[i].by[SLOT_IPV6].tcp.answered > 0;
    }
    return works && wanted;
}

bool judge_nat64(const struct facts *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n_services; i++)
        any |= f->services[i].by[SLOT_IPV6].tcp.answered > 0 &&
               endpoint_is_nat64(&f->services[i].by[SLOT_IPV6].to);
    for (size_t i = 0; i < FACTS_MEDIA; i++)
        any |= f->media[i].stun.answered > 0 && endpoint_is_nat64(&f->media[i].to);
    return any;
}

/* The row of IPv6 where there is nothing to compare: no service has both. */
static void judge_uncompared(const struct judging *j)
{
    const struct facts *f = j->f;
    bool names = false, address = false, route = false, works = false, works4 = false;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_address *v6 = &f->services[i].by[SLOT_IPV6];
        names |= f->services[i].by[SLOT_IPV4].to.family != FAMILY_NONE;
        works4 |= f->services[i].by[SLOT_IPV4].tcp.answered > 0;
        address |= v6->to.family != FAMILY_NONE;
        route |= v6->route;
        works |= v6->tcp.answered > 0;
    }
    bool unused = address ? !route : names;
    struct check_row *row = diagnosis_row(
        j->out, CHECK_IPV6, works || unused ? GRADE_GOOD : GRADE_UNKNOWN, "");
    if (works)
        JUDGE_SET(row->text, "it works%s; %s",
                  judge_nat64(f) ? ", by NAT64 to what has only IPv4" : "",
                  judge_without_ipv4(f)              ? "this host has no route for IPv4"
                  : judge_family_fails(f, SLOT_IPV4) ? "IPv4 does not"
                                                     : "no service answers by both");
    else
        JUDGE_SET(row->text, "%s",
                  f->proxy[0] != '\0'  ? "HTTPS goes through a proxy"
                  : !address && !names ? "no name is resolved"
                  : !address           ? "not in use: the services have no IPv6 address"
                  : !route             ? "not in use: this host has no route for IPv6"
                  : works4             ? "cannot tell: too few handshakes by IPv6"
                                       : "no service answers by IPv6 or by IPv4");
}

static void judge_ipv6(const struct judging *j)
{
    const struct facts *f = j->f;
    uint32_t both = 0, broken = 0, slower = 0, works = 0;
    const char *host = "";
    struct gain worst = {0};
    struct text names = {0};
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_address *v4 = &f->services[i].by[SLOT_IPV4],
                                   *v6 = &f->services[i].by[SLOT_IPV6];
        if (!v4->route || !v6->route || v4->tcp.answered == 0 || v6->tcp.sent < 3)
            continue;
        both |= BIT(i);
        bool stalls = v4->https.slow + v4->https.refused > 0 && v4->https.replies == 0;
        if (v6->tcp.answered == 0 &&
            (stalls || answers_elsewhere(v6) || most_is_lost(f, SLOT_IPV6)))
            continue; /* nor does IPv4 work, or it is this address, or chance */
        if (v6->tcp.answered == 0) {
            host = broken == 0 ? f->services[i].target.host : host;
            broken |= BIT(i);
            continue;
        }
        works |= BIT(i);
        struct gain g = gain_of(&v6->tcp.delays, &v4->tcp.delays, f->end);
        if (g.verdict != GAIN_SURE || ms(g.low_ns) <= JUDGE_GAIN_MS ||
            intercepted(&v4->intercept) || intercepted(&v6->intercept))
            continue;
        slower |= BIT(i);
        if (g.low_ns > worst.low_ns)
            worst = g;
    }
    struct loss_count lost6 = judge_loss(f, SLOT_IPV6, both),
                      lost4 = judge_loss(f, SLOT_IPV4, both);
    bool lossy = both != 0 && loss_exceeds(lost6.lost, lost6.sent, JUDGE_LOSS_RATIO) &&
                 !loss_exceeds(lost4.lost, lost4.sent, JUDGE_LOSS_RATIO);
    if (both == 0) {
        judge_uncompared(j);
        return;
    }
    struct check_row *row = diagnosis_row(j->out, CHECK_IPV6,
                                          broken != 0              ? GRADE_BAD
                                          : (slower != 0 || lossy) ? GRADE_POOR
                                                                   : GRADE_GOOD,
                                          "");
    JUDGE_SET(row->text, "it works, and a client takes it first (RFC 8305)");
    if (broken != 0) {
        judge_add_services(&names, f, broken);
        JUDGE_SET(row->text, "no handshake with %s succeeds by IPv6, while IPv4 works",
                  text_string(&names));
        struct fault_found *x = diagnosis_fault(j->out, FAULT_IPV6_BROKEN, CERTAINTY_SURE,
                                                works == 0 ? 0 : broken);
        JUDGE_SET(x->what,
                  "IPv6 is broken: %s %s not answer by IPv6, while IPv4 works; a client "
                  "waits 250 ms for each connection before it takes IPv4 (RFC 8305), and "
                  "others wait longer.",
                  text_string(&names), judge_count(broken) > 1 ? "do" : "does");
        if (works == 0) {
            JUDGE_SET(x->next,
                      "Repair the IPv6 uplink, or stop announcing IPv6 on this network "
                      "(router advertisements); see: ip -6 route; edgelat trace -6 %s",
                      host);
        } else {
            JUDGE_SET(x->next,
                      "Other services answer by IPv6; see where this path ends: "
                      "edgelat trace -6 %s",
                      host);
        }
    } else if (slower != 0 &&
               (works == slower || 2 * judge_count(slower) > judge_count(works))) {
        judge_add_services(&names, f, slower);
        judge_gain(row, &worst);
        JUDGE_SET(row->text, "what IPv6 to %s takes more than IPv4", text_string(&names));
        struct fault_found *x = diagnosis_fault(j->out, FAULT_IPV6_SLOW, CERTAINTY_SURE,
                                                works == slower ? 0 : slower);
        JUDGE_SET(
            x->what,
            "IPv6 is slower than IPv4: %.1f instead of %.1f ms to %s; a client takes "
            "IPv6 all the same, as it answers within 250 ms (RFC 8305).",
            ms(worst.own_ns), ms(worst.other_ns), text_string(&names));
        JUDGE_SET(x->next, "Compare both paths (edgelat trace -6 and -4) and have the "
                           "provider correct that of IPv6, or avoid a tunnel.");
    } else if (lossy) {
        JUDGE_SET(row->text, "IPv6 loses %llu of %llu packets, IPv4 does not",
                  (unsigned long long)lost6.lost, (unsigned long long)lost6.sent);
    }
    text_free(&names);
}

/* Some service is probed directly, and none answers. */
static bool none_answers(const struct facts *f)
{
    size_t tried = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        struct service_state t = state_of(&f->services[i]);
        if (t.tcp || f->services[i].by[SLOT_PROXY].to.family != FAMILY_NONE)
            return false;
        tried += t.tried;
    }
    return tried > 1;
}

static void judge_silent_services(const struct judging *j)
{
    const struct facts_service *s = &j->f->services[0];
    struct service_state t = {0};
    if (judge_nothing_answers(j->f)) /* judged with the gateway */
        return;
    for (size_t i = 0; i < j->f->n_services && !t.tried; i++) {
        s = &j->f->services[i];
        t = state_of(s);
    }
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_PATH_BROKEN, CERTAINTY_LIKELY, 0);
    x->segment = "firewall, or provider";
    x->whom = "the administrator of the firewall, then the provider";
    JUDGE_SET(x->what,
              "No service answers TCP handshakes (%s), while others of the network do.",
              t.cause);
    JUDGE_SET(x->next,
              "Look whether a firewall blocks TCP port 443; see where it ends: "
              "edgelat trace --tcp %s",
              s->target.host);
    charge_refusal(j, x, s);
}

/* ---- delay under load ---- */

static double buffer_bloat_limit(const struct judging *j)
{
    const struct thresholds *t = &j->known->thresholds;
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->all[i].measure, "buffer_bloat") == 0)
            return t->all[i].value;
    return NAN;
}

static void judge_load(const struct judging *j)
{
    const struct facts_load *l = &j->f->load;
    if (!l->done)
        return;
    const struct facts_service *s = &j->f->services[l->service];
    struct facts_median idle = facts_median(&s->by[l->family].tcp.delays),
                        loaded = facts_median(&l->tcp.delays);
    double limit = buffer_bloat_limit(j),
           rate = 8e3 * (double)l->bytes / (double)l->took_ns;
    struct check_row *row =
        diagnosis_row(j->out, CHECK_LOAD, GRADE_UNKNOWN, s->target.name);
    row->family = (enum family)s->by[l->family].to.family;
    JUDGE_SET(row->text,
              "what handshakes take more while %.1f MB are downloaded (%.1f Mbit/s)%s%s",
              (double)l->bytes / 1e6, rate, l->cause[0] != '\0' ? "; " : "", l->cause);
    if (loaded.n < 6 || idle.n < 6 || l->bytes < 100000) {
        row->why = "too little was downloaded; give --load-url a file of a megabyte";
        return;
    }
    row->value = loaded.ms - idle.ms;
    row->low = loaded.low_ms - idle.high_ms;
    row->high = loaded.high_ms - idle.low_ms;
    row->unit = "ms";
    row->threshold = limit;
    JUDGE_SET(row->source, "buffer_bloat of thresholds.csv");
    row->grade = !isnan(limit) && row->low > limit ? GRADE_BAD : GRADE_GOOD;
    if (row->grade != GRADE_BAD)
        return;
    struct fault_found *x = diagnosis_fault(j->out, FAULT_LOAD, CERTAINTY_SURE, 0);
    JUDGE_SET(
        x->what,
        "Under load the delay rises by %.0f ms (%.0f to %.0f ms; limit %.0f ms): from "
        "%.1f to %.0f ms to %s while %.1f Mbit/s are downloaded.",
        row->value, row->low, row->high, limit, idle.ms, loaded.ms, s->target.name, rate);
    JUDGE_SET(x->next,
              "Switch on queue management (fq_codel, CAKE) or traffic shaping below the "
              "rate of the line on the router, with priority for media.");
}

/* ---- media by UDP, and the public address that its relay sees ---- */

static void judge_relay(const struct judging *j, const struct facts_media *m)
{
    static const char source[] = "teams_rtt of thresholds.csv";
    struct limits limits = {0};
    struct facts_median delay = facts_median(&m->stun.delays);
    if (m->to.family == FAMILY_NONE || m->stun.sent == 0) {
        struct check_row *row =
            diagnosis_row(j->out, CHECK_MEDIA, GRADE_UNKNOWN, m->target.name);
        JUDGE_SET(row->text, "%s", m->cause[0] != '\0' ? m->cause : m->stun.cause);
        return;
    }
    thresholds_limits(&j->known->thresholds, "teams", &limits);
    struct check_row *row =
        diagnosis_row(j->out, CHECK_MEDIA, GRADE_GOOD, m->target.name);
    row->family = (enum family)m->to.family;
    judge_delay(row, &delay, limits.delay_ns > 0 ? ms(limits.delay_ns) : NAN, source);
    if (row->grade == GRADE_BAD)
        row->grade =
            GRADE_POOR; /* the limit is that of the edge, not of a relay behind it */
    JUDGE_SET(row->text, "UDP port 3478 (STUN): %u of %u answered%s%s", m->stun.answered,
              m->stun.sent, m->stun.cause[0] != '\0' ? "; " : "", m->stun.cause);
    if (m->stun.answered == 0) {
        row->grade = GRADE_UNKNOWN;
        row->why = "it does not answer at UDP port 3478";
    }
}

/* Of the nearer relay: Microsoft's limit is that of the edge, not of a relay behind it. */
static void judge_media_delay(const struct judging *j)
{
    struct facts_median best = {NAN, NAN, NAN, NAN, 0};
    for (size_t i = 0; i < FACTS_MEDIA; i++) {
        struct facts_median m = facts_median(&j->f->media[i].stun.delays);
        if (m.n > 0 && (best.n == 0 || m.ms < best.ms))
            best = m;
    }
    if (best.n == 0 || best.low_ms <= JUDGE_MEDIA_MS)
        return;
    struct fault_found *x = diagnosis_fault(j->out, FAULT_MEDIA, CERTAINTY_LIKELY, 0);
    JUDGE_SET(x->what,
              "UDP media is slow: %.0f ms to the nearest relay and back (limit %.0f ms, "
              "ITU-T G.114: 150 ms one way).",
              best.ms, JUDGE_MEDIA_MS);
    JUDGE_SET(x->next,
              "See whether media leaves by another line than TCP (VPN, backup line): "
              "edgelat trace --udp %s",
              j->f->media[0].target.host);
}

static void judge_media(const struct judging *j)
{
    const struct facts *f = j->f;
    struct loss_count all = {0};
    size_t tried = 0, answer = 0;
    bool refused = false;
    for (size_t i = 0; i < FACTS_MEDIA; i++) {
        const struct facts_probes *p = &f->media[i].stun;
        judge_relay(j, &f->media[i]);
        tried += p->sent > 2;
        answer += p->answered > 0;
        refused |= p->failed > 0;
        if (p->answered > 0) {
            all.sent += p->sent;
            all.lost += p->lost;
        }
    }
    if (tried == FACTS_MEDIA && answer == 0 && !j->all_silent) {
        struct fault_found *x = diagnosis_fault(
            j->out, FAULT_UDP_BLOCKED, refused ? CERTAINTY_SURE : CERTAINTY_LIKELY, 0);
        JUDGE_SET(
            x->what,
            "Neither %s nor %s answers at UDP port 3478 (%s), so media of Teams goes by "
            "TCP or not at all.",
            f->media[0].target.host, f->media[1].target.host, f->media[0].stun.cause);
        x->despite = ipv4_passes(f) ? FAULT_BIT(FAULT_IPV4_BROKEN) : 0;
        JUDGE_SET(x->next, "Let UDP ports 3478 to 3481 out to the Teams networks "
                           "(52.112.0.0/14, 52.122.0.0/15, 2603:1063::/38).");
    }
    judge_media_delay(j);
    struct loss_count tcp =
        judge_loss(f, family_slot((enum family)f->media[0].to.family), 0);
    if (all.sent == 0 || !loss_exceeds(all.lost, all.sent, JUDGE_LOSS_RATIO))
        return;
    bool too = tcp.sent > 0 && loss_exceeds(tcp.lost, tcp.sent, JUDGE_LOSS_RATIO);
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_MEDIA, too ? CERTAINTY_SURE : CERTAINTY_LIKELY, 0);
    JUDGE_SET(x->what,
              "UDP media loses packets: %llu of %llu to the relays (limit %.0f %%)%s.",
              (unsigned long long)all.lost, (unsigned long long)all.sent,
              100 * JUDGE_LOSS_RATIO, judge_loses(tcp) ? "" : ", while TCP does not");
    JUDGE_SET(x->next,
              "Look for a limit of UDP in the firewall, and at QoS for ports 3478 "
              "to 3481.");
}

static void judge_public_address(const struct judging *j)
{
    const struct facts *f = j->f;
    const struct peering *p = &j->config->peering;
    char address[ADDRESS_TEXT_MAX];
    const struct endpoint *mapped = NULL;
    for (size_t i = 0; i < FACTS_MEDIA && mapped == NULL; i++)
        if (f->media[i].mapped.family != FAMILY_NONE)
            mapped = &f->media[i].mapped;
    struct check_row *row =
        diagnosis_row(j->out, CHECK_PUBLIC_ADDRESS, GRADE_UNKNOWN,
                      mapped != NULL ? endpoint_address(address, mapped) : "");
    if (mapped == NULL) {
        JUDGE_SET(row->text, "cannot tell: no STUN server answered");
        return;
    }
    if (p->prefixes[0] == '\0') {
        bool wanted = p->connection[0] != '\0';
        row->grade = wanted ? GRADE_UNKNOWN : GRADE_GOOD;
        JUDGE_SET(row->text, "%sas STUN sees it",
                  wanted ? "no prefixes to compare with: prefixes in [peering_service]; "
                         : "");
        return;
    }
    bool inside = endpoint_in_prefixes(p->prefixes, mapped);
    row->grade = inside ? GRADE_GOOD : GRADE_POOR;
    JUDGE_SET(row->text, "%s the registered prefixes", inside ? "inside" : "outside of");
    if (inside)
        return;
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_ADDRESS_OUTSIDE, CERTAINTY_SURE, 0);
    JUDGE_SET(
        x->what,
        "Traffic leaves with the public address %s, which is outside of the prefixes "
        "registered for Peering Service (%s).",
        address, p->prefixes);
    JUDGE_SET(x->next,
              "Check which line the traffic takes (a backup line, a VPN, another "
              "NAT pool), or register the prefix.");
}

void judge_services(const struct judging *j_in)
{
    struct judging copy = *j_in;
    const struct judging *j = &copy;
    copy.all_silent = none_answers(j->f);
    if (copy.all_silent)
        judge_silent_services(j);
    for (size_t i = 0; i < j->f->n_services; i++) {
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            judge_tcp(j, i, k);
            judge_addresses(j, i, k);
        }
        judge_untried(j, i);
        for (size_t k = 0; k < FAMILY_SLOTS; k++)
            judge_phases(j, i, k);
        judge_state(j, i);
    }
    judge_issuers(j);
    judge_middlebox(j);
    judge_ipv4(j);
    judge_ipv6(j);
    judge_far_ipv4(j);
    judge_media(j);
    judge_public_address(j);
    judge_load(j);
}
