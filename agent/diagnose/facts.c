#include "diagnose/facts.h"

#include "core/percentile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct facts_median facts_median(const struct delay_ring *r)
{
    int64_t values[DELAY_RING_MAX];
    struct facts_median m = {NAN, NAN, NAN, NAN, r->n};
    if (r->n == 0)
        return m;
    for (size_t i = 0; i < r->n; i++)
        values[i] = r->values[i].ns;
    qsort(values, r->n, sizeof *values, ns_compare);
    struct percentile_ranks ranks = percentile_ranks(P50, r->n);
    m.ms = ms(values[(r->n - 1) / 2]);
    m.low_ms = ms(values[ranks.low - 1]);
    m.high_ms = ms(values[ranks.high - 1]);
    m.min_ms = ms(values[0]);
    return m;
}

static void set_cause(char cause[FACTS_CAUSE_MAX], struct icmp_source *last,
                      const struct result *r)
{
    if (r->reporter.by.family != FAMILY_NONE)
        *last = r->reporter;
    if (r->outcome != OUTCOME_LOSS || last->by.family == FAMILY_NONE)
        text_copy(cause, FACTS_CAUSE_MAX, r->cause);
}

void facts_add_probe(struct facts_probes *p, const struct result *r)
{
    if (r->outcome == OUTCOME_NOT_MEASURED) {
        p->unsent++;
        text_copy(p->cause, sizeof p->cause, r->cause);
        return;
    }
    p->sent++;
    p->resent += r->lost_packets;
    if (r->outcome == OUTCOME_REPLY) {
        p->answered++;
        if (r->delays[0] != DELAY_UNDEFINED)
            delay_ring_add(&p->delays, r->time, r->delays[0]);
        return;
    }
    if (outcome_is_lost(r->outcome))
        p->lost++;
    else
        p->failed++;
    set_cause(p->cause, &p->reporter, r);
}

static void add_delay(struct delay_ring *ring, const struct kind *kind,
                      const struct result *r, enum delay_role role)
{
    size_t i = kind_delay(kind, role);
    if (i != KIND_NONE && r->delays[i] != DELAY_UNDEFINED)
        delay_ring_add(ring, r->time, r->delays[i]);
}

void facts_add_https(struct facts_https *h, const struct kind *kind,
                     const struct result *r)
{
    uint32_t *counts[OUTCOME_COUNT] = {
        [OUTCOME_REPLY] = &h->replies,        [OUTCOME_LOSS] = &h->lost,
        [OUTCOME_REFUSED] = &h->refused,      [OUTCOME_UNREACHABLE] = &h->lost,
        [OUTCOME_TLS_ERROR] = &h->tls_errors, [OUTCOME_HTTP_ERROR] = &h->http_errors,
        [OUTCOME_NOT_MEASURED] = &h->unsent,  [OUTCOME_SLOW] = &h->slow,
    };
    bool refused_tunnel = r->outcome == OUTCOME_HTTP_ERROR && r->http.proxy_status != 0;
    h->sent += r->outcome != OUTCOME_NOT_MEASURED;
    ++*(refused_tunnel ? &h->refused_tunnel : counts[r->outcome]);
    if (refused_tunnel)
        h->proxy_status = r->http.proxy_status;
    else if (r->outcome == OUTCOME_HTTP_ERROR && r->http.status == 0)
        h->malformed++;
    else if (r->outcome == OUTCOME_HTTP_ERROR)
        h->error_status = r->http.status;
    h->throttled += r->outcome == OUTCOME_REPLY && r->http.status == 429;
    add_delay(&h->tls, kind, r, DELAY_TLS);
    add_delay(&h->first_byte, kind, r, DELAY_REPLY);
    if (r->http.proxy_status == 0)
        add_delay(&h->tunnel, kind, r, DELAY_TUNNEL);
    if (r->http.status != 0 || r->http.issuer[0] != '\0')
        h->last = r->http;
    if (r->pop[0] != '\0') {
        text_copy(h->pop, sizeof h->pop, r->pop);
        h->pop_basis = r->pop_basis;
    }
    if (r->foreign != NULL)
        h->foreign = r->foreign;
    if (r->outcome != OUTCOME_REPLY)
        set_cause(h->cause, &h->reporter, r);
}
