#include "diagnose/judge.h"

#include "core/loss.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void judge_set(char *out, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out, room, format, args);
    va_end(args);
}

void judge_add_services(struct text *out, const struct facts *f, uint32_t services)
{
    uint32_t all = f->n_services < 32 ? (UINT32_C(1) << f->n_services) - 1 : UINT32_MAX;
    if (f->n_services > 1 && (services == 0 || (services & all) == all)) {
        text_add(out, "all services");
        return;
    }
    const char *between = "";
    for (size_t i = 0; i < f->n_services; i++)
        if ((services & (UINT32_C(1) << i)) != 0 || services == 0) {
            text_add(out, "%s%s", between, f->services[i].target.name);
            between = ", ";
        }
}

struct loss_count judge_loss(const struct facts *f, size_t family, uint32_t services)
{
    struct loss_count all = {0};
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_probes *p = &f->services[i].by[family].tcp;
        if (p->answered == 0 || (services != 0 && (services & (UINT32_C(1) << i)) == 0) ||
            intercepted(&f->services[i].by[family].intercept))
            continue;
        all.sent += p->sent + p->resent;
        all.lost += p->lost + p->resent;
    }
    return all;
}

struct loss_count judge_echo_loss(const struct facts *f, size_t family)
{
    struct loss_count all = {0};
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_probes *p = &f->services[i].by[family].icmp;
        all.sent += p->answered > 0 ? p->sent : 0;
        all.lost += p->answered > 0 ? p->lost : 0;
    }
    return all;
}

struct loss_count judge_connection_loss(const struct facts *f, size_t family)
{
    struct loss_count all = {0};
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_address *a = &f->services[i].by[family];
        if (a->icmp.answered == 0 || intercepted(&a->intercept))
            continue;
        all.sent += a->tcp.sent + a->tcp.resent;
        all.lost += a->tcp.lost + a->tcp.resent + a->tcp.failed;
    }
    return all;
}

static bool is_local(const struct endpoint *e)
{
    return endpoint_is_private(e) || endpoint_nobodys(e) != NULL;
}

bool judge_nothing_answers(const struct facts *f)
{
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FAMILY_SLOTS; k++) {
            const struct facts_address *a = &f->services[i].by[k];
            if (a->tcp.answered + a->tcp.failed + a->icmp.answered + a->https.replies > 0)
                return false;
        }
    for (size_t i = 0; i < f->n_resolvers; i++) /* a local one answers from its cache */
        if (f->resolvers[i].answered > 0 && !is_local(&f->resolvers[i].server.at))
            return false;
    for (size_t i = 0; i < f->n_paths; i++)
        if (f->paths[i].hops > 1)
            return false;
    return f->portal == PORTAL_UNKNOWN && f->proxy_tcp.answered == 0;
}

bool judge_family_fails(const struct facts *f, size_t family)
{
    size_t broken = 0, works = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_probes *own = &f->services[i].by[family].tcp,
                                  *other = &f->services[i].by[1 - family].tcp;
        works += own->answered > 0;
        broken += other->answered > 0 && own->sent > 2 && own->answered == 0;
    }
    return broken > 0 && works == 0;
}

bool judge_https_works(const struct facts_https *h)
{
    return h->replies + h->http_errors > 0 && h->tls_errors == 0;
}

void judge_delay(struct check_row *row, const struct facts_median *m, double limit_ms,
                 const char *source)
{
    row->value = m->ms;
    bool stated = m->n >= 6; /* of fewer values even the range covers less than 95 % */
    row->low = stated ? m->low_ms : NAN;
    row->high = stated ? m->high_ms : NAN;
    row->unit = "ms";
    row->threshold = limit_ms;
    text_copy(row->source, sizeof row->source, isnan(limit_ms) ? "" : source);
    if (m->n == 0)
        row->grade = GRADE_UNKNOWN;
    else if (isnan(limit_ms) || m->ms <= limit_ms)
        row->grade = GRADE_GOOD;
    else
        row->grade = m->low_ms > limit_ms ? GRADE_BAD : GRADE_UNKNOWN;
}

void judge_gain(struct check_row *row, const struct gain *g)
{
    row->value = ms(g->ns);
    row->low = ms(g->low_ns);
    row->high = ms(g->high_ns);
    row->unit = "ms";
    row->threshold = JUDGE_GAIN_MS;
    text_copy(row->source, sizeof row->source, JUDGE_OWN);
}

bool judge_loses(struct loss_count c)
{
    return (double)c.lost > JUDGE_LOSS_RATIO * (double)c.sent;
}

size_t judge_count(uint32_t services)
{
    size_t n = 0;
    for (; services != 0; services &= services - 1)
        n++;
    return n;
}

uint32_t judge_found(const struct judging *j, enum fault fault)
{
    uint32_t services = 0;
    for (size_t i = 0; i < j->out->n_found; i++)
        if (j->out->found[i].fault == fault)
            services |= j->out->found[i].services;
    return services;
}

static void add_unknown(struct text *out, const char *what, const char *why)
{
    text_add(out, "%s%s (%s)", out->len > 0 ? "; " : "", what, why);
}

/* Why this host could not send any request; "": it could. */
static const char *no_https(const struct facts *f)
{
    const char *cause = "";
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FAMILY_SLOTS; k++) {
            const struct facts_https *h = &f->services[i].by[k].https;
            if (h->sent > 0)
                return "";
            if (h->unsent > 0)
                cause = h->cause;
        }
    return cause;
}

static bool has_found(const struct judging *j, enum fault fault)
{
    for (size_t i = 0; i < j->out->n_found; i++)
        if (j->out->found[i].fault == fault)
            return true;
    return false;
}

static void list_unknown(const struct judging *j)
{
    struct text t = {0};
    if (j->f->no_icmp[0] != '\0')
        add_unknown(&t, "gateway and path MTU", j->f->no_icmp);
    if (j->f->busy)
        add_unknown(&t, "how fast services reply",
                    "this host has no CPU left; stop what keeps it busy");
    if (no_https(j->f)[0] != '\0')
        add_unknown(&t, "TLS and HTTPS", no_https(j->f));
    if (has_found(j, FAULT_PORTAL))
        add_unknown(&t, "services and paths behind the captive portal",
                    "sign in and run this again");
    if (j->f->elsewhere[0] != '\0')
        add_unknown(&t, "resolvers that are not reached over the uplink",
                    j->f->elsewhere);
    if (judge_without_ipv4(j->f))
        add_unknown(&t, "what has only IPv4, such as Teams media",
                    "this host has no route for IPv4: ip route");
    for (size_t i = 0; i < j->out->n_rows; i++)
        if (j->out->rows[i].id == CHECK_LOSS && j->out->rows[i].grade == GRADE_UNKNOWN) {
            add_unknown(&t, "whether more packets are lost than the limit",
                        "run longer: edgelat diagnose -t 30");
            break;
        }
    if (!j->f->agent && j->f->uplink[0] == '\0')
        add_unknown(&t, "the usual values here", "no agent answers on this host");
    text_copy(j->out->unknown, sizeof j->out->unknown, text_string(&t));
    text_free(&t);
}

static int by_check(const struct check_row *a, const struct check_row *b)
{
    return (a->id > b->id) - (a->id < b->id);
}

/* In the order in which a packet meets the checks; stable. */
static void sort_rows(struct diagnosis *d)
{
    for (size_t i = 1; i < d->n_rows; i++) {
        struct check_row row = d->rows[i];
        size_t k = i;
        for (; k > 0 && by_check(&d->rows[k - 1], &row) > 0; k--)
            d->rows[k] = d->rows[k - 1];
        d->rows[k] = row;
    }
}

void judge_all(const struct facts *f, const struct edge_data *known,
               const struct config *config, const struct kinds *kinds,
               struct diagnosis *out)
{
    struct judging j = {f, known, config, kinds, out, false, false};
    judge_variation(&j);
    judge_local(&j);
    judge_names(&j);
    judge_paths(&j);
    judge_services(&j);
    list_unknown(&j);
    sort_rows(out);
    diagnosis_explain(out);
}
