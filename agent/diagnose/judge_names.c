/* Names: each DNS resolver, what it answers against what others do, and captive portals. */
#include "diagnose/judge.h"

#include "core/loss.h"
#include "edge/agreement.h"

#include <math.h>
#include <string.h>

static bool is_dead(const struct facts_resolver *r)
{
    return r->asked > 0 && r->answered == 0;
}

/* Its queries are lost, and packets to the services are not, or not so many. */
static bool loses_queries(const struct judging *j, const struct facts_resolver *r)
{
    const struct facts_probes *p = &r->udp;
    struct loss_count path =
        judge_loss(j->f, family_slot((enum family)r->server.at.family), 0);
    return p->answered > 0 && loss_exceeds(p->lost, p->sent, JUDGE_DNS_LOSS_RATIO) &&
           (path.sent == 0 || loss_interval(p->lost, p->sent).low >
                                  loss_interval(path.lost, path.sent).high);
}

static struct fault_found *resolver_fault(const struct judging *j, enum fault fault,
                                          const struct facts_resolver *r)
{
    struct fault_found *x = diagnosis_fault(j->out, fault, CERTAINTY_SURE, 0);
    JUDGE_SET(x->next,
              "Repair that resolver and the way to it, or take another one "
              "(/etc/resolv.conf, DHCP); check with: dig @%s microsoft.com",
              r->name);
    return x;
}

/* Answers take that much longer than those of the slowest service; a lost query has no delay,
 * so loss does not make it so. */
static bool is_slow_itself(const struct facts *f, const struct facts_median *m)
{
    double slowest = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        struct facts_median service = judge_delay_of(f, i);
        if (service.n > 0 && service.ms > slowest)
            slowest = service.ms;
    }
    return m->low_ms > slowest + JUDGE_RESOLVER_MS;
}

/* The slow segments that do not make the resolver slow, as bits of faults: all of them
 * together add less than what its answers take, or they take less than what one adds. */
static uint64_t not_its_segments(const struct judging *j, const struct facts_median *m)
{
    const struct facts *f = j->f;
    double local_ms = judge_most_added(f, SEGMENT_LOCAL), line_ms = judge_line_ms(j),
           provider_ms = isnan(line_ms) ? judge_most_added(f, SEGMENT_PROVIDER) : line_ms;
    for (size_t k = 0; k < FACTS_FAMILIES; k++)
        if (f->gateways[k].icmp.answered > 0)
            local_ms = fmax(local_ms, facts_median(&f->gateways[k].icmp.delays).high_ms);
    if (m->low_ms > local_ms + provider_ms + JUDGE_RESOLVER_MS)
        return FAULT_BIT(FAULT_GATEWAY_SLOW) | FAULT_BIT(FAULT_PROVIDER_SLOW);
    return m->high_ms + JUDGE_SEGMENT_MS < provider_ms ? FAULT_BIT(FAULT_PROVIDER_SLOW)
                                                       : 0;
}

static void judge_resolver(const struct judging *j, const struct facts_resolver *r)
{
    const struct facts_probes *p = &r->udp;
    bool late = p->answered == 0; /* or by TCP only */
    struct facts_median m = facts_median(late ? &r->lookups : &p->delays);
    struct check_row *row = diagnosis_row(j->out, CHECK_RESOLVER, GRADE_UNKNOWN, r->name);
    double limit = late ? JUDGE_LOOKUP_MS : JUDGE_RESOLVER_MS;
    judge_delay(row, &m, limit, JUDGE_OWN);
    JUDGE_SET(row->text, "%u of %u lookups answered, %u of %u single queries lost%s",
              r->answered, r->asked, p->lost, p->sent,
              r->extra ? "; not used by this host" : "");
    if (r->asked == 0) {
        row->grade = GRADE_UNKNOWN;
        JUDGE_SET(row->text, "not asked");
        return;
    }
    if (is_dead(r)) {
        row->grade = r->extra ? GRADE_UNKNOWN : GRADE_BAD;
        JUDGE_SET(row->text, "none of %u lookups answered: %s", r->asked, r->error);
    }
    if (r->extra)
        return;
    if (is_dead(r) &&
        judge_family_fails(j->f, family_slot((enum family)r->server.at.family)))
        return; /* that is the fault */
    if (is_dead(r)) {
        struct fault_found *x = resolver_fault(j, FAULT_RESOLVER_DEAD, r);
        JUDGE_SET(
            x->what,
            "The DNS resolver %s gives no answers (%u lookups: %s), which delays each "
            "lookup that begins there.",
            r->name, r->asked, r->error);
    } else if (loses_queries(j, r)) {
        struct loss_interval i = loss_interval(p->lost, p->sent);
        struct fault_found *x = resolver_fault(j, FAULT_RESOLVER_LOSS, r);
        row->grade = GRADE_BAD;
        JUDGE_SET(
            x->what,
            "Queries to the DNS resolver %s are lost: %u of %u (%.0f %%, 95 %% "
            "interval %.0f to %.0f %%; limit %.0f %%, %s); a lookup then waits until "
            "it asks again, 5 s as a rule.",
            r->name, p->lost, p->sent, 100.0 * p->lost / p->sent, 100 * i.low,
            100 * i.high, 100 * JUDGE_DNS_LOSS_RATIO, JUDGE_OWN);
    } else if (loss_exceeds(r->failed, r->asked, JUDGE_DNS_LOSS_RATIO) && r->failed > 1) {
        row->grade = GRADE_BAD;
        struct fault_found *x = resolver_fault(j, FAULT_RESOLVER_SLOW, r);
        JUDGE_SET(x->what, "The DNS resolver %s failed %u of %u lookups (%s).", r->name,
                  r->failed, r->asked, r->error);
    } else if (row->grade == GRADE_BAD) {
        struct fault_found *x = resolver_fault(j, FAULT_RESOLVER_SLOW, r);
        if (!late)
            x->despite = not_its_segments(j, &m);
        if (!late && is_slow_itself(j->f, &m))
            x->despite |= FAULT_BIT(FAULT_GATEWAY_LOSS) | FAULT_BIT(FAULT_PATH_LOSS);
        if (!late &&
            (j->f->portal == PORTAL_REDIRECTS || j->f->portal == PORTAL_REPLACES))
            x->despite |= FAULT_BIT(FAULT_PORTAL) | FAULT_BIT(FAULT_PATH_BROKEN);
        JUDGE_SET(x->what,
                  "The DNS resolver %s is slow: %.0f ms (median of %zu answers%s, 95 %% "
                  "interval %.0f to %.0f ms; limit %.0f ms, %s).",
                  r->name, m.ms, m.n, late ? "" : " to a name asked for before", m.low_ms,
                  m.high_ms, limit, JUDGE_OWN);
        JUDGE_SET(x->next, "Use a resolver that is nearer, or find out what delays it; "
                           "compare with: edgelat diagnose --resolver ADDRESS");
    }
}

/* ---- what they answer ---- */

static bool has_address(const struct facts_service *s)
{
    return s->by[SLOT_IPV4].to.family != FAMILY_NONE ||
           s->by[SLOT_IPV6].to.family != FAMILY_NONE ||
           s->by[SLOT_PROXY].to.family != FAMILY_NONE;
}

/* The address serves the service: its TLS is right; or nothing was tried there. */
static bool serves(const struct facts *f, size_t service, const struct endpoint *to)
{
    const struct facts_address *a =
        &f->services[service].by[family_slot((enum family)to->family)];
    if (endpoint_same_address(&a->to, to))
        return judge_https_works(&a->https);
    for (size_t i = 0; i < f->n_others; i++)
        if (f->others[i].service == service &&
            endpoint_same_address(&f->others[i].to, to))
            return judge_https_works(&f->others[i].https);
    return false;
}

static bool is_tried(const struct facts_https *h)
{
    return h->sent > 1;
}

static bool gave(const struct facts_answer *a, const struct endpoint *to)
{
    for (size_t i = 0; i < a->n; i++)
        if (endpoint_same_address(&a->all[i], to))
            return true;
    return false;
}

/* The service works at an address of this family that another resolver gave, and not `but`. */
static bool works_elsewhere(const struct facts *f, size_t service, size_t family,
                            const struct facts_resolver *but)
{
    for (size_t i = 0; i < f->n_resolvers; i++) {
        const struct facts_answer *a = &f->resolvers[i].answers[service][family];
        for (size_t n = 0; n < a->n && &f->resolvers[i] != but; n++)
            if (!gave(&but->answers[service][family], &a->all[n]) &&
                serves(f, service, &a->all[n]))
                return true;
    }
    return false;
}

enum lie { LIE_NONE, LIE_NO_NAME, LIE_UNFIT, LIE_PRIVATE, LIE_NOT_IT };

static const struct facts_https *https_at(const struct facts *f, size_t service,
                                          const struct endpoint *to)
{
    const struct facts_address *a =
        &f->services[service].by[family_slot((enum family)to->family)];
    if (endpoint_same_address(&a->to, to))
        return &a->https;
    for (size_t i = 0; i < f->n_others; i++)
        if (f->others[i].service == service &&
            endpoint_same_address(&f->others[i].to, to))
            return &f->others[i].https;
    return NULL;
}

/* What is wrong with the answers of a resolver for a service; `at`: the address. */
static enum lie lie_of(const struct facts *f, const struct facts_resolver *r,
                       size_t service, struct endpoint *at)
{
    const struct facts_answer *v4 = &r->answers[service][SLOT_IPV4],
                              *v6 = &r->answers[service][SLOT_IPV6];
    *at = (struct endpoint){0};
    if (!v4->answered || host_is_local(f->services[service].target.host))
        return LIE_NONE;
    if (v4->n == 0 && v4->unfit.family != FAMILY_NONE) {
        *at = v4->unfit;
        return LIE_UNFIT;
    }
    if (v4->n == 0 && v6->answered && v6->n == 0)
        return LIE_NO_NAME;
    if (v4->n == 0)
        return LIE_NONE;
    *at = v4->all[0];
    const struct facts_https *h = https_at(f, service, at);
    if (h != NULL && judge_https_works(h))
        return LIE_NONE;
    if (endpoint_is_private(at))
        return LIE_PRIVATE;
    return h != NULL && is_tried(h) ? LIE_NOT_IT : LIE_NONE;
}

/* The certificate is wrong while other services show right ones. */
static bool others_are_right(const struct facts *f, size_t service)
{
    size_t right = 0, wrong = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_https *h = &f->services[i].by[SLOT_IPV4].https;
        if (i == service || h->sent == 0)
            continue;
        right += judge_https_works(h);
        wrong += h->tls_errors > 0;
    }
    return right > wrong;
}

/* The path enters Microsoft's network, or another service shows a right certificate by the
 * same issuer: the address is the service's, and its certificate is wrong. */
static bool is_the_service(const struct facts *f, size_t service,
                           const struct endpoint *at, const struct facts_https *h)
{
    for (size_t i = 0; i < f->n_paths; i++)
        if (f->paths[i].traced && f->paths[i].service == service &&
            f->paths[i].entry == ENTRY_FOUND &&
            endpoint_same_address(&f->paths[i].to, at))
            return true;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_https *other = &f->services[i].by[SLOT_IPV4].https;
        if (i != service && judge_https_works(other) && h->last.issuer[0] != '\0' &&
            strcmp(other->last.issuer, h->last.issuer) == 0)
            return true;
    }
    return false;
}

static bool lies(const struct judging *j, const struct facts_resolver *r, size_t service,
                 enum certainty *certainty, enum lie *lie, struct endpoint *at)
{
    const struct facts *f = j->f;
    *lie = lie_of(f, r, service, at);
    *certainty = CERTAINTY_SURE;
    if (*lie == LIE_NONE)
        return false;
    if (works_elsewhere(f, service, SLOT_IPV4, r))
        return true;
    const struct facts_https *h =
        at->family != FAMILY_NONE ? https_at(f, service, at) : NULL;
    switch (*lie) {
    case LIE_UNFIT:
        return true;
    case LIE_NO_NAME: /* a name of the user's may not exist */
        *certainty = CERTAINTY_LIKELY;
        return f->services[service].target.service[0] != '\0';
    case LIE_PRIVATE:
        *certainty = CERTAINTY_LIKELY;
        return true;
    default: /* a service that is down is no lie, but another one's certificate is */
        *certainty = CERTAINTY_LIKELY;
        return h != NULL && h->tls_errors > 0 && others_are_right(f, service) &&
               !is_the_service(f, service, at, h);
    }
}

static void describe_lie(struct text *out, enum lie lie, const struct endpoint *at)
{
    char address[ADDRESS_TEXT_MAX];
    endpoint_address(address, at);
    if (lie == LIE_NO_NAME)
        text_add(out, "says that the name does not exist");
    else if (lie == LIE_UNFIT)
        text_add(out, "answers %s, which is no host's address", address);
    else if (lie == LIE_PRIVATE)
        text_add(out, "answers the private address %s, which is not the service",
                 address);
    else
        text_add(out,
                 "answers %s, where the service is not (its certificate or its "
                 "answer is wrong)",
                 address);
}

static void judge_answers(const struct judging *j, const struct facts_resolver *r)
{
    uint32_t services = 0;
    enum certainty worst = CERTAINTY_LIKELY, certainty;
    enum lie lie, first = LIE_NONE;
    struct endpoint at, first_at = {0};
    for (size_t s = 0; s < j->f->n_services; s++) {
        if (!lies(j, r, s, &certainty, &lie, &at))
            continue;
        if (services == 0) {
            first = lie;
            first_at = at;
        }
        services |= UINT32_C(1) << s;
        if (certainty == CERTAINTY_SURE)
            worst = CERTAINTY_SURE;
    }
    struct text what = {0}, names = {0};
    struct check_row *row = diagnosis_row(
        j->out, CHECK_NAMES, services != 0 ? GRADE_BAD : GRADE_GOOD, r->name);
    if (services == 0) {
        JUDGE_SET(row->text, "its addresses are those of the services");
        if (r->answered == 0)
            row->grade = GRADE_UNKNOWN;
        if (r->answered == 0)
            JUDGE_SET(row->text, "no answers");
        return;
    }
    describe_lie(&what, first, &first_at);
    judge_add_services(&names, j->f, services);
    JUDGE_SET(row->text, "for %s it %s", text_string(&names), text_string(&what));
    if (!r->extra) {
        struct fault_found *x =
            diagnosis_fault(j->out, FAULT_RESOLVER_LIES, worst, services);
        x->shared = judge_count(services) == j->f->n_services;
        JUDGE_SET(x->what, "The DNS resolver %s gives wrong answers: for %s it %s.",
                  r->name, text_string(&names), text_string(&what));
        JUDGE_SET(x->next, "Ask whether it filters or redirects these names (a filter, a "
                           "hijack, a stale entry), have it corrected, or use another "
                           "resolver.");
    } else {
        row->grade = GRADE_POOR;
        JUDGE_ADD(row->text, "; not used by this host");
    }
    text_free(&what);
    text_free(&names);
}

/* Another resolver sends this site to a nearer PoP than that which this host uses. */
static void judge_far(const struct judging *j, size_t service, size_t family)
{
    enum { ANSWERS_MAX = 1 + FACTS_OTHERS };
    const struct facts *f = j->f;
    const struct facts_address *own = &f->services[service].by[family];
    const char *name = f->services[service].target.name;
    struct agreement_answer answers[ANSWERS_MAX];
    size_t n = 1;
    char ours[ADDRESS_TEXT_MAX], theirs[ADDRESS_TEXT_MAX];
    if (own->to.family == FAMILY_NONE || intercepted(&own->intercept) ||
        !judge_https_works(&own->https))
        return;
    answers[0] = (struct agreement_answer){"in use", own->to, NULL, &own->tcp.delays};
    for (size_t i = 0; i < f->n_others; i++) {
        const struct facts_other *o = &f->others[i];
        if (o->service == service && o->resolver != FACTS_NO_RESOLVER &&
            judge_https_works(&o->https))
            answers[n++] = (struct agreement_answer){f->resolvers[o->resolver].name,
                                                     o->to, NULL, &o->tcp.delays};
    }
    struct agreement a = agreement_judge(answers, n, 0, f->end);
    const struct gain *g = &a.gain;
    if (a.other == NULL || g->verdict == GAIN_UNKNOWN)
        return;
    bool far = a.verdict == AGREEMENT_FARTHER && ms(g->low_ns) > JUDGE_GAIN_MS;
    struct check_row *row =
        diagnosis_row(j->out, CHECK_NAMES, far ? GRADE_POOR : GRADE_GOOD, name);
    judge_gain(row, g);
    endpoint_address(ours, &own->to);
    endpoint_address(theirs, &a.other->to);
    JUDGE_SET(row->text,
              "what the PoP that this host's DNS names (%s, %.1f ms) takes more "
              "than that of the resolver %s (%s, %.1f ms)",
              ours, ms(g->own_ns), a.other->resolver, theirs, ms(g->other_ns));
    if (!far)
        return;
    struct fault_found *x = diagnosis_fault(j->out, FAULT_RESOLVER_FAR, CERTAINTY_SURE,
                                            UINT32_C(1) << service);
    JUDGE_SET(x->what,
              "DNS sends %s to a far PoP: %s%s%s takes %.1f ms, while %s, which the "
              "resolver %s gives, takes %.1f ms (%.1f to %.1f ms less).",
              name, ours, own->https.pop[0] != '\0' ? " in " : "", own->https.pop,
              ms(g->own_ns), theirs, a.other->resolver, ms(g->other_ns), ms(g->low_ns),
              ms(g->high_ns));
    JUDGE_SET(x->next, "%s", JUDGE_NEARER_DNS);
}

static void judge_portal(const struct judging *j)
{
    const struct facts *f = j->f;
    size_t works = 0;
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            works += judge_https_works(&f->services[i].by[k].https);
    struct check_row *row = diagnosis_row(
        j->out, CHECK_PORTAL, f->portal == PORTAL_NONE ? GRADE_GOOD : GRADE_UNKNOWN, "");
    if (f->portal == PORTAL_NONE) {
        JUDGE_SET(row->text, "none: plain HTTP reaches Microsoft's own test page");
        return;
    }
    if (f->portal == PORTAL_UNKNOWN) {
        JUDGE_SET(row->text, "cannot tell: %s",
                  f->proxy[0] != '\0'         ? "HTTP goes through a proxy"
                  : f->portal_text[0] != '\0' ? f->portal_text
                                              : "the test page did not answer");
        return;
    }
    bool page = f->portal == PORTAL_REDIRECTS || f->portal_status == 200;
    if (!page && works > 0) { /* a filter, or the page's server has a fault */
        JUDGE_SET(row->text, "cannot tell: Microsoft's test page answers HTTP %u",
                  f->portal_status);
        return;
    }
    row->grade = GRADE_BAD;
    JUDGE_SET(row->text, "plain HTTP is answered by another page (HTTP %u%s%s)",
              f->portal_status, f->portal_text[0] != '\0' ? ", to " : "", f->portal_text);
    struct fault_found *x = diagnosis_fault(
        j->out, FAULT_PORTAL,
        f->portal == PORTAL_REDIRECTS || works == 0 ? CERTAINTY_SURE : CERTAINTY_LIKELY,
        0);
    JUDGE_SET(x->what, "A captive portal answers in place of the internet (HTTP %u%s%s).",
              f->portal_status, f->portal_text[0] != '\0' ? ", redirects to " : "",
              f->portal_text);
    JUDGE_SET(x->next, "Sign in to the network in a browser, or have this host allowed.");
}

static void judge_no_dns(const struct judging *j)
{
    const struct facts *f = j->f;
    size_t own = 0, dead = 0, named = 0;
    const char *error = "";
    struct text list = {0};
    for (size_t i = 0; i < f->n_resolvers; i++) {
        if (!f->resolvers[i].extra && error[0] == '\0')
            error = f->resolvers[i].error;
        own += !f->resolvers[i].extra;
        dead += !f->resolvers[i].extra && is_dead(&f->resolvers[i]);
        if (!f->resolvers[i].extra)
            text_add(&list, "%s%s", list.len > 0 ? ", " : "", f->resolvers[i].name);
    }
    for (size_t i = 0; i < f->n_services; i++)
        named += has_address(&f->services[i]);
    if (own > 0 && dead == own && named == 0) {
        bool silent = judge_nothing_answers(f);
        struct fault_found *x = diagnosis_fault(
            j->out, FAULT_NO_DNS, silent ? CERTAINTY_LIKELY : CERTAINTY_SURE, 0);
        JUDGE_SET(x->what,
                  "No DNS resolver gives answers (%s: %s), so no name can be resolved%s.",
                  text_string(&list), error,
                  silent ? "; without names nothing else could be tried, so the uplink "
                           "may be down as well"
                         : "");
        JUDGE_SET(x->next,
                  "Check the resolvers in /etc/resolv.conf and the way to them; a "
                  "firewall may drop port 53.");
    }
    text_free(&list);
}

void judge_names(const struct judging *j)
{
    for (size_t i = 0; i < j->f->n_resolvers; i++) {
        judge_resolver(j, &j->f->resolvers[i]);
        judge_answers(j, &j->f->resolvers[i]);
    }
    judge_no_dns(j);
    for (size_t i = 0; i < j->f->n_services; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++)
            judge_far(j, i, k);
    judge_portal(j);
}
