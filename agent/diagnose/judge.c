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

bool judge_is_local(const struct endpoint *e)
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
        if (f->resolvers[i].answered > 0 && !judge_is_local(&f->resolvers[i].server.at))
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
    if (m->n == 0) {
        row->grade = GRADE_UNKNOWN;
    } else if (isnan(limit_ms) || m->ms <= limit_ms) {
        row->grade = GRADE_GOOD;
    } else if (m->low_ms > limit_ms) {
        row->grade = GRADE_BAD;
    } else {
        row->grade = GRADE_UNKNOWN;
        row->why = JUDGE_LONGER;
    }
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

/* ---- what is not checked ---- */

static bool has_found(const struct judging *j, enum fault fault)
{
    for (size_t i = 0; i < j->out->n_found; i++)
        if (j->out->found[i].fault == fault)
            return true;
    return false;
}

/* What an unknown row leaves open, in front of its subjects. NULL: nothing that another row
 * of the service or DNS server does not say. */
static const char *const open_questions[CHECK_IDS] = {
    [CHECK_INTERFACE] = "interface",
    [CHECK_GATEWAY] = "gateway",
    [CHECK_RESOLVER] = "DNS server",
    [CHECK_PORTAL] = "captive portal",
    [CHECK_PROXY] = "proxy",
    [CHECK_VPN] = "VPN",
    [CHECK_PUBLIC_ADDRESS] = "public address",
    [CHECK_PATH] = "path to",
    [CHECK_FRONT_DOOR] = "nearest front door",
    [CHECK_LOSS] = "whether more packets than the limit are lost to",
    [CHECK_VARIATION] = "delay variation to",
    [CHECK_TCP] = "delay to",
    [CHECK_HTTPS] = "TLS and HTTPS of",
    [CHECK_INTERCEPTION] = "TLS interception",
    [CHECK_MEDIA] = "media by UDP to",
    [CHECK_MTU] = "path MTU to",
    [CHECK_IPV6] = "IPv6",
    [CHECK_LOAD] = "delay under load to",
    [CHECK_CLOCK] = "clock",
};

/* A finding says it already. */
static bool is_found(const struct judging *j, const struct check_row *row)
{
    uint32_t behind = judge_found(j, FAULT_MIDDLEBOX);
    if (row->id == CHECK_MEDIA)
        return has_found(j, FAULT_UDP_BLOCKED);
    for (size_t i = 0; i < j->f->n_services && row->intercepted; i++)
        if ((behind & (UINT32_C(1) << i)) != 0 &&
            strcmp(j->f->services[i].target.name, row->subject) == 0)
            return true;
    return false;
}

static bool is_open(const struct judging *j, const struct check_row *row)
{
    return row->grade == GRADE_UNKNOWN && open_questions[row->id] != NULL &&
           !is_found(j, row);
}

/* Why the line was not loaded. */
static const char *no_load(const struct facts *f)
{
    return f->load.cause[0] != '\0' ? f->load.cause
           : f->proxy[0] != '\0'    ? "it is not measured through a proxy"
                                    : "nothing loaded the line: edgelat diagnose --load";
}

/* "no hop answers" of "cannot tell: no hop answers; ..." */
static const char *why_of(char *out, size_t room, const struct check_row *row)
{
    static const char cannot[] = "cannot tell: ";
    const char *why = row->text;
    if (row->why != NULL) {
        text_copy(out, room, row->why);
        return out;
    }
    if (strncmp(why, cannot, sizeof cannot - 1) == 0)
        why += sizeof cannot - 1;
    text_copy(out, room, why);
    out[strcspn(out, ";")] = '\0';
    return out;
}

struct unknown_list {
    struct diagnosis *out;
    size_t n_more; /* that did not fit */
};

static void add_unknown(struct unknown_list *l, const char *what, const char *why)
{
    struct text t = {0};
    text_add(&t, "%s (%s)", what, why);
    diagnosis_add_clause(l->out->unknown, sizeof l->out->unknown, &l->n_more,
                         text_string(&t), t.len);
    text_free(&t);
}

/* Rows of a check that are unknown for the same reason are one entry. */
static void add_unknown_rows(struct unknown_list *l, const struct judging *j)
{
    const struct check_row *rows = j->out->rows;
    bool listed[CHECK_ROWS_MAX] = {false};
    char why[sizeof rows->text], other[sizeof rows->text];
    struct text what = {0};
    for (size_t i = 0; i < j->out->n_rows; i++) {
        const char *last = "", *between = " ";
        if (listed[i] || !is_open(j, &rows[i]))
            continue;
        why_of(why, sizeof why, &rows[i]);
        text_clear(&what);
        text_add(&what, "%s", open_questions[rows[i].id]);
        for (size_t k = i; k < j->out->n_rows; k++) {
            const struct check_row *row = &rows[k];
            if (row->id != rows[i].id || !is_open(j, row) ||
                strcmp(why_of(other, sizeof other, row), why) != 0)
                continue;
            listed[k] = true;
            if (strcmp(row->subject, last) == 0) /* of the other family, or none */
                continue;
            last = row->subject;
            text_add(&what, "%s%s", between, last);
            between = ", ";
        }
        add_unknown(l, text_string(&what), why);
    }
    text_free(&what);
}

/* True: nothing of what is behind a fault could be checked. */
static bool is_cut_off(const struct judging *j, const char **what, const char **next)
{
    *what = "services and paths";
    if (has_found(j, FAULT_PORTAL)) {
        *what = "services and paths behind the captive portal";
        *next = "sign in and run this again";
    } else if (has_found(j, FAULT_NO_DNS) && !has_found(j, FAULT_NO_ROUTE) &&
               !has_found(j, FAULT_GATEWAY_SILENT)) {
        *next = "no name is resolved; run this again when DNS works";
    } else {
        *next = "nothing answers; run this again when something does";
        return j->out->n_found > 0 && judge_nothing_answers(j->f);
    }
    return true;
}

static void list_unknown(const struct judging *j)
{
    const struct facts *f = j->f;
    struct unknown_list l = {.out = j->out};
    const char *what, *next;
    if (f->no_icmp[0] != '\0')
        add_unknown(&l, "gateway and path MTU", f->no_icmp);
    if (f->busy)
        add_unknown(&l, "how fast services reply",
                    "this host has no CPU left; stop what keeps it busy");
    if (f->elsewhere[0] != '\0')
        add_unknown(&l, "resolvers that are not reached over the uplink", f->elsewhere);
    if (judge_without_ipv4(f))
        add_unknown(&l,
                    judge_nat64(f) ? "what takes IPv4 addresses without names"
                                   : "what has only IPv4",
                    judge_nat64(f)
                        ? "this host has no route for IPv4, and NAT64 serves names only"
                        : "this host has no route for IPv4: ip route");
    bool cut_off = is_cut_off(j, &what, &next);
    if (cut_off)
        add_unknown(&l, what, next);
    else
        add_unknown_rows(&l, j);
    if (!f->agent && f->uplink[0] == '\0')
        add_unknown(&l, "usual values here", "no agent answers on this host");
    if (!f->load.done && !cut_off)
        add_unknown(&l, "delay under load", no_load(f));
    diagnosis_end_clauses(j->out->unknown, sizeof j->out->unknown, l.n_more);
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
    sort_rows(out);
    list_unknown(&j);
    diagnosis_explain(out);
}
