/* The addresses of names: core/addresses.h for each target and family. */
#include "core/event_names.h"
#include "core/pipeline_state.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sets the kinds whose silence counts: not one that may be filtered while another kind
 * probes the address too, and not one whose answers are those of a middlebox. */
static void counting_kinds(const struct pipeline *p, const struct pipeline_target *m,
                           const struct pipeline_address *addr, bool counts[KINDS_MAX])
{
    bool others = false;
    memset(counts, 0, KINDS_MAX * sizeof *counts);
    for (size_t k = 0; k < p->kinds->n; k++)
        others |= m->target->kinds[k] && !p->kinds->list[k]->may_be_filtered;
    for (size_t k = 0; k < p->kinds->n; k++)
        counts[k] = m->target->kinds[k] && pipeline_judges(p->kinds->list[k], addr) &&
                    (!others || !p->kinds->list[k]->may_be_filtered);
}

void pipeline_addresses(struct pipeline *p, size_t target, enum family family,
                        const struct known_address *list, size_t n)
{
    struct pipeline_address *addr = pipeline_address(p, target, family);
    addr->n_known = n < ADDRESSES_MAX ? n : ADDRESSES_MAX;
    free(addr->known);
    addr->known = mem_copy(list, addr->n_known * sizeof *list);
}

bool pipeline_prefers(const struct pipeline *p, size_t target, enum family family,
                      struct endpoint *to)
{
    bool counts[KINDS_MAX];
    assert(target < p->n_targets);
    const struct pipeline_address *addr =
        pipeline_look(&p->targets[target], family_slot(family));
    if (addr->all.n < 2 || addr->paused)
        return false;
    counting_kinds(p, &p->targets[target], addr, counts);
    size_t i = addresses_prefer(&addr->all, counts, p->surveying);
    if (i != ADDRESS_NONE)
        *to = addr->all.list[i].to;
    return i != ADDRESS_NONE;
}

size_t pipeline_take_address(struct pipeline *p, struct pipeline_stream *s)
{
    return addresses_take(&s->addr->all, s->kind, p->surveying);
}

void pipeline_add_address(struct pipeline *p, struct pipeline_stream *s,
                          const struct result *result)
{
    const struct kind *kind = p->kinds->list[s->kind];
    struct address *x = addresses_find(&s->addr->all, &result->to);
    if (x == NULL || !pipeline_judges(kind, s->addr))
        return;
    size_t distance = intercept_distance(kind, &s->addr->intercept);
    addresses_add(&s->addr->all, x, s->kind, result,
                  result->outcome == OUTCOME_REPLY ? result->delays[distance]
                                                   : DELAY_UNDEFINED);
    pipeline_add_loss(p, s, x, result);
}

bool pipeline_has_sibling(const struct pipeline *p, const struct pipeline_stream *s)
{
    (void)p;
    return addresses_sibling_answers(&s->addr->all, s->addr->all.used, s->kind);
}

void pipeline_describe_addresses(const struct pipeline *p,
                                 const struct pipeline_target *m,
                                 struct pipeline_address *addr,
                                 struct target_address_state *out)
{
    bool counts[KINDS_MAX];
    counting_kinds(p, m, addr, counts);
    out->n_all = addr->paused ? 0 : addr->all.n;
    out->all = addr->states = mem_resize(addr->states, out->n_all * sizeof *addr->states);
    for (size_t i = 0; i < out->n_all; i++) {
        const struct address *x = &addr->all.list[i];
        addr->states[i] = (struct address_state){
            .to = x->to,
            .state = x->flap.state,
            .unanswered = addresses_unanswered(&addr->all, i, counts),
            .current = x->current,
            .has_slot = x->has_slot,
            .min_ns = address_min(x),
            .median_ns = address_median(x)};
    }
}

/* ---- events ---- */

static size_t count_silent(const struct addresses *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += a->list[i].flap.state == STATE_DOWN;
    return n;
}

static struct event *add_event(struct pipeline *p, const struct pipeline_target *m,
                               const struct address *x, enum severity severity,
                               const char *before, const char *after, struct wall at)
{
    char address[ADDRESS_TEXT_MAX];
    struct event *e =
        events_add(&p->open_events, EVENT_ADDRESS_CHANGED, severity, at, m->target);
    e->family = x->to.family;
    event_change(e, before, after);
    event_text(e, ATTR_PEER_ADDRESS, endpoint_address(address, &x->to));
    return e;
}

static void report_news(struct pipeline *p, const struct pipeline_target *m,
                        const struct addresses *a, size_t i, size_t kind,
                        const struct flap_news *news, struct wall at)
{
    const struct address *x = &a->list[i];
    char address[ADDRESS_TEXT_MAX], since[WALL_TEXT_MAX];
    size_t silent = count_silent(a);
    bool down = news->after == STATE_DOWN;
    struct event *e = add_event(p, m, x, down ? SEVERITY_WARN : SEVERITY_INFO,
                                state_name(news->before), state_name(news->after), at);
    endpoint_address(address, &x->to);
    if (news->what == FLAP_BEGAN)
        event_say(e, "address %s flaps between %s and %s; silent until it has settled",
                  address, e->before, e->after);
    else if (!down)
        event_say(e, "address %s answers again; %zu of %zu addresses do not", address,
                  silent, a->n);
    else
        event_say(
            e,
            "%zu of %zu addresses of %s %s not answer: %s since %.5s UTC (by %s), "
            "while others do; a client that tries it first takes the next one after "
            "250 ms (RFC 8305)",
            silent, a->n, m->target->host, silent == 1 ? "does" : "do", address,
            kind != KIND_NONE ? wall_text(since, x->kinds[kind].since) + 11
                              : wall_text(since, at) + 11,
            kind != KIND_NONE ? p->kinds->list[kind]->name : "every kind");
    event_number(e, ATTR_ADDRESSES, (double)a->n);
    event_number(e, ATTR_ADDRESSES_SILENT, (double)silent);
    if (down && kind != KIND_NONE)
        e->since = x->kinds[kind].since;
}

bool pipeline_set_addresses(struct pipeline *p, const struct pipeline_target *m,
                            struct pipeline_address *addr, const struct endpoint *to,
                            struct wall wall)
{
    struct addresses before = addr->all;
    bool silent[ADDRESSES_MAX];
    struct endpoint was[ADDRESSES_MAX];
    size_t n = before.n;
    for (size_t i = 0; i < n; i++) {
        silent[i] = before.list[i].flap.state == STATE_DOWN;
        was[i] = before.list[i].to;
    }
    bool known = addresses_set(&addr->all, addr->known, addr->n_known, to, p->latest);
    for (size_t i = 0; i < n; i++) {
        if (!silent[i] || addresses_find(&addr->all, &was[i]) != NULL)
            continue;
        char text[ADDRESS_TEXT_MAX];
        struct address gone = {.to = was[i]};
        struct event *e =
            add_event(p, m, &gone, SEVERITY_INFO, state_name(STATE_DOWN), "", wall);
        event_say(e, "silent address %s is no longer an address of %s",
                  endpoint_address(text, &was[i]), m->target->host);
    }
    return known;
}

static void judge(struct pipeline *p, const struct pipeline_target *m,
                  struct pipeline_address *addr, struct mono now, struct wall at)
{
    bool counts[KINDS_MAX];
    if (addr->paused || p->interrupted)
        return;
    counting_kinds(p, m, addr, counts);
    for (size_t i = 0; i < addr->all.n; i++) {
        size_t kind;
        struct address *x = &addr->all.list[i];
        x->has_slot =
            x->current ? address_slots_take(&addr->slots, &x->to, now) : x->has_slot;
        struct flap_news news = addresses_window(&addr->all, i, counts, now, &kind);
        bool as_expected = news.before == STATE_UNKNOWN && news.after == STATE_UP;
        if (news.what != FLAP_NOTHING && !as_expected)
            report_news(p, m, &addr->all, i, kind, &news, at);
    }
}

void pipeline_judge_addresses(struct pipeline *p, struct mono now, struct wall at)
{
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            if (p->targets[t].addresses[f] != NULL)
                judge(p, &p->targets[t], p->targets[t].addresses[f], now, at);
}
