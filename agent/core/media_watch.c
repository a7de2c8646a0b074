#include "core/media_watch.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/event_names.h"
#include "core/time.h"

#include <assert.h>
#include <stdlib.h>

const char *nat_name(enum nat nat)
{
    static const char *const names[] = {
        [NAT_UNKNOWN] = "unknown",
        [NAT_NONE] = "none",
        [NAT_ONE] = "endpoint_independent",
        [NAT_SYMMETRIC] = "symmetric",
    };
    return names[nat];
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && endpoint_same_address(a, b);
}

static struct media_watched *place_of(struct media_watch *w, const struct target *target,
                                      enum family family)
{
    struct media_watched *oldest = w->all;
    for (size_t i = 0; i < w->n; i++) {
        if (w->all[i].target == target && w->all[i].family == family)
            return &w->all[i];
        if (w->all[i].last.ns < oldest->last.ns)
            oldest = &w->all[i];
    }
    struct media_watched *m = oldest;
    if (w->n < MEDIA_WATCH_MAX) {
        w->all = mem_grow(w->all, &w->room, w->n + 1, sizeof *w->all);
        m = &w->all[w->n++];
    }
    *m = (struct media_watched){.target = target, .family = family};
    return m;
}

/* ---- blocked ---- */

static void set_blocked(struct media_watched *m, const struct result *r,
                        struct events *events)
{
    bool blocked = r->stun.tcp_port != 0;
    if (m->blocked == blocked)
        return;
    m->blocked = blocked;
    struct event *e =
        events_add(events, EVENT_UDP_BLOCKED, blocked ? SEVERITY_WARN : SEVERITY_INFO,
                   r->time, m->target);
    e->family = m->family;
    event_change(e, blocked ? "open" : "blocked", blocked ? "blocked" : "open");
    if (blocked)
        event_say(
            e,
            "UDP port %u gets no answer while TCP port %u of the same address does: "
            "a firewall blocks it, so calls fall back to TCP; allow UDP 3478 to "
            "3481 to Microsoft 365 (Teams)",
            r->to.port, r->stun.tcp_port);
    else
        event_say(e, "UDP port %u is answered", r->to.port);
}

/* ---- the address of the site ---- */

static void report_egress(const struct egress *g, struct wall now, struct events *events)
{
    char before[ADDRESS_TEXT_MAX], after[ADDRESS_TEXT_MAX];
    struct event *e = events_add(events, EVENT_EGRESS_CHANGED, SEVERITY_INFO, now, NULL);
    e->family = g->family;
    e->since = g->other_since;
    event_change(e, endpoint_address(before, &g->address),
                 endpoint_address(after, &g->other));
    if (g->uplink != NULL)
        event_text(e, ATTR_UPLINK, g->uplink->name);
    event_say(e, "this site now leaves%s%s with the public address %s instead of %s",
              g->uplink != NULL ? " over uplink " : "",
              g->uplink != NULL ? g->uplink->name : "", after, before);
}

static struct egress *egress_of(struct media_watch *w, const struct uplink *uplink,
                                const struct result *r)
{
    size_t i = 0;
    while (i < w->n_egress &&
           (w->egress[i].uplink != uplink || w->egress[i].family != r->to.family))
        i++;
    assert(i < EGRESS_MAX);
    if (i == w->n_egress)
        w->egress[w->n_egress++] = (struct egress){.uplink = uplink,
                                                   .family = (enum family)r->to.family,
                                                   .address = r->stun.mapped,
                                                   .since = r->time};
    return &w->egress[i];
}

static void add_egress(struct egress *g, const struct result *r, struct events *events)
{
    const struct endpoint *mapped = &r->stun.mapped;
    if (endpoint_same_address(mapped, &g->address)) {
        g->times = 0;
        return;
    }
    if (g->times == 0 || !endpoint_same_address(mapped, &g->other)) {
        g->other = *mapped;
        g->times = 0;
        g->other_since = r->time;
    }
    if (++g->times < MEDIA_WATCH_SURE)
        return;
    if (g->reported.ns == 0 || r->time.ns - g->reported.ns >= MEDIA_WATCH_QUIET_NS) {
        report_egress(g, r->time, events);
        g->reported = r->time;
    }
    g->address = g->other;
    g->since = g->other_since;
    g->nat = NAT_UNKNOWN;
    g->times = 0;
}

/* ---- address translation ---- */

/* `m` has just seen what it saw at `before` (or something new: `before` is now). */
static enum nat compare(const struct media_watch *w, const struct media_watched *m,
                        struct wall before)
{
    enum nat found = NAT_UNKNOWN;
    for (size_t i = 0; i < w->n; i++) {
        const struct media_watched *other = &w->all[i];
        if (other == m || other->mapped.family != m->mapped.family ||
            !same(&other->local, &m->local) ||
            endpoint_same_address(&other->server, &m->server) ||
            m->last.ns - other->last.ns > MEDIA_WATCH_KEEP_NS)
            continue;
        if (same(&other->mapped, &m->mapped))
            found = NAT_ONE;
        else if (other->last.ns > before.ns && other->last.ns < m->last.ns)
            return NAT_SYMMETRIC;
    }
    return found;
}

static void add_mapping(struct media_watch *w, struct media_watched *m,
                        const struct result *r)
{
    bool again = same(&m->mapped, &r->stun.mapped) && same(&m->local, &r->stun.local) &&
                 endpoint_same_address(&m->server, &r->to);
    struct wall before = again ? m->last : r->time;
    m->server = r->to;
    m->local = r->stun.local;
    m->mapped = r->stun.mapped;
    m->first = again ? m->first : r->time;
    m->last = r->time;
    struct egress *g = egress_of(w, m->target->uplink, r);
    enum nat nat =
        endpoint_same_address(&m->local, &m->mapped) ? NAT_NONE : compare(w, m, before);
    if (nat != NAT_UNKNOWN)
        g->nat = nat;
}

void media_watch_add(struct media_watch *w, const struct target *target,
                     const struct result *result, struct events *events)
{
    enum family family = (enum family)result->to.family;
    bool answered = result->outcome == OUTCOME_REPLY;
    if (result->stun.tcp_port == 0 &&
        (!answered || result->stun.local.family == FAMILY_NONE))
        return; /* as of another kind */
    struct media_watched *m = place_of(w, target, family);
    m->tcp_port = result->stun.tcp_port;
    set_blocked(m, result, events);
    if (!answered || result->stun.mapped.family != result->to.family)
        return;
    add_egress(egress_of(w, target->uplink, result), result, events);
    add_mapping(w, m, result);
}

void media_watch_burst(struct media_watch *w, const struct target *target,
                       enum family family, struct wall began, enum media_verdict verdict,
                       const struct media_quality *quality)
{
    struct media_watched *m = place_of(w, target, family);
    m->began = began;
    m->verdict = verdict;
    m->quality = *quality;
}

void media_watch_moved(struct media_watch *w)
{
    size_t n = 0, n_egress = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->all[i].target->uplink != NULL)
            w->all[n++] = w->all[i];
    for (size_t i = 0; i < w->n_egress; i++)
        if (w->egress[i].uplink != NULL)
            w->egress[n_egress++] = w->egress[i];
    w->n = n;
    w->n_egress = n_egress;
}

void media_watch_free(struct media_watch *w)
{
    free(w->all);
    *w = (struct media_watch){.n = 0};
}
