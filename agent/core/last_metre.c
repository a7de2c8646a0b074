#include "core/last_metre.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/event_names.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SURE_Z 1.645 /* one-sided 95 % */
#define HALF   0.5

struct metre_slot { /* of a target in one family */
    struct loss_count windows[METRE_WINDOWS];
    const struct series *series; /* whose delay is used */
    int64_t floor_ns, floor_before_ns;
    uint32_t floor_windows;
    bool answered;             /* ever */
    struct loss_count packets; /* of the last windows */
    struct metre_delay delay;
};

const char *charge_name(enum charge c)
{
    static const char *const names[] = {
        [CHARGE_NOTHING] = "nothing",
        [CHARGE_SITE] = "site",
        [CHARGE_BEYOND] = "beyond",
        [CHARGE_UNKNOWN] = "cannot tell",
    };
    return names[c];
}

const char *metre_state_name(enum metre_state s)
{
    static const char *const names[] = {
        [METRE_UNKNOWN] = "cannot tell", [METRE_FINE] = "fine", [METRE_SLOW] = "slow",
        [METRE_LOSSY] = "lossy",         [METRE_DOWN] = "down",
    };
    return names[s];
}

/* ---- the rule ---- */

struct ratio {
    double low, high;
};

/* The loss of `a` as a multiple of that of `b`. */
static struct ratio ratio_of(const struct loss_count *a, const struct loss_count *b)
{
    if (a->sent == 0 || b->sent == 0)
        return (struct ratio){0, INFINITY};
    double la = (double)a->lost + 0.5, na = (double)a->sent + 1;
    double lb = (double)b->lost + 0.5, nb = (double)b->sent + 1;
    double middle = log(la / na) - log(lb / nb);
    double error = SURE_Z * sqrt(1 / la - 1 / na + 1 / lb - 1 / nb);
    return (struct ratio){exp(middle - error), exp(middle + error)};
}

static bool contradicts(const struct loss_count *those_behind,
                        const struct loss_count *gateway)
{
    return ratio_of(those_behind, gateway).high < 1;
}

enum charge charge_of_loss(const struct loss_count *gateway,
                           const struct loss_count *target,
                           const struct loss_count *others)
{
    if (target->lost == 0)
        return CHARGE_NOTHING;
    struct ratio site = ratio_of(gateway, target), rest = ratio_of(others, target);
    if (site.high < HALF || rest.high < HALF)
        return CHARGE_BEYOND;
    bool doubtful = contradicts(others, gateway) || contradicts(target, gateway);
    return !doubtful && site.low >= HALF ? CHARGE_SITE : CHARGE_UNKNOWN;
}

static int64_t rise_of(const struct metre_delay *d, int64_t ns)
{
    return ns - d->floor_ns;
}

enum charge charge_of_delay(const struct metre_delay *gateway,
                            const struct metre_delay *target, int64_t others_rise_ns)
{
    int64_t least =
        target->floor_ns / 10 > METRE_RISE_NS ? target->floor_ns / 10 : METRE_RISE_NS;
    if (target->count == 0 || rise_of(target, target->low_ns) < least)
        return CHARGE_NOTHING;
    int64_t low_ns = 0, high_ns = others_rise_ns;
    int64_t rise_ns = rise_of(target, target->p50_ns);
    if (gateway->count > 0) {
        int64_t at_least = rise_of(gateway, gateway->low_ns),
                at_most = rise_of(gateway, gateway->high_ns);
        bool doubtful =
            at_least > others_rise_ns || at_least > rise_of(target, target->high_ns);
        low_ns = doubtful ? 0 : at_least;
        high_ns = at_most < high_ns ? at_most : high_ns;
    }
    if (high_ns < rise_of(target, target->low_ns) / 2)
        return CHARGE_BEYOND;
    return 2 * low_ns >= rise_ns ? CHARGE_SITE : CHARGE_UNKNOWN;
}

enum charge metre_charge_worst(struct metre_charge c)
{
    static const int order[] = {[CHARGE_NOTHING] = 0,
                                [CHARGE_UNKNOWN] = 1,
                                [CHARGE_BEYOND] = 2,
                                [CHARGE_SITE] = 3};
    return order[c.delay] > order[c.loss] ? c.delay : c.loss;
}

/* ---- windows ---- */

static void forget(struct last_metre *m, size_t family)
{
    free(m->slots[family]);
    m->slots[family] = NULL;
    m->states[family] = m->pending[family] = METRE_UNKNOWN;
}

static void *extend(void *list, size_t n, size_t room, size_t element)
{
    list = mem_resize(list, room * element);
    memset((char *)list + n * element, 0, (room - n) * element);
    return list;
}

static void grow(struct last_metre *m, size_t n)
{
    if (n > m->room) {
        size_t room = n + 16;
        for (size_t f = 0; f < 2; f++)
            if (m->slots[f] != NULL)
                m->slots[f] =
                    extend(m->slots[f], m->n_targets, room, sizeof *m->slots[f]);
        m->charges = extend(m->charges, 2 * m->n_targets, 2 * room, sizeof *m->charges);
        m->room = room;
    }
    m->n_targets = n;
}

/* The lowest delay of the last windows; INT64_MAX: none. */
static int64_t floor_of(const struct metre_slot *s)
{
    if (s->series == NULL)
        return INT64_MAX;
    return s->floor_ns < s->floor_before_ns ? s->floor_ns : s->floor_before_ns;
}

static void take_delay(struct metre_slot *s, const struct series *series)
{
    const struct delay_summary *d = &series->window.delays[0];
    enum delay_role role = series->kind->roles[0];
    bool fits = role == DELAY_ROUND_TRIP || role == DELAY_HANDSHAKE;
    if (!fits || d->count == 0 || (s->delay.count > 0 && s->series != series))
        return;
    if (s->series != series) {
        s->floor_ns = s->floor_before_ns = INT64_MAX;
        s->floor_windows = 0;
    }
    s->series = series;
    if (s->floor_windows++ == METRE_FLOOR_WINDOWS) {
        s->floor_windows = 0;
        s->floor_before_ns = s->floor_ns;
        s->floor_ns = INT64_MAX;
    }
    s->floor_ns = d->min_ns < s->floor_ns ? d->min_ns : s->floor_ns;
    if (d->supported[P50])
        s->delay = (struct metre_delay){.count = d->count,
                                        .floor_ns = floor_of(s),
                                        .p50_ns = d->percentile_ns[P50],
                                        .low_ns = d->low_ns[P50],
                                        .high_ns = d->high_ns[P50]};
}

static size_t number_of(const struct batch *b, const struct target *target)
{
    size_t t = 0;
    while (t < b->n_targets && b->targets[t].target != target)
        t++;
    return t;
}

static void take_series(struct last_metre *m, const struct batch *b,
                        const struct series *series, bool preferred)
{
    size_t t = number_of(b, series->target);
    /* DNS servers may be in front of the gateway. */
    if (!series->in_window || series->family == FAMILY_PROXY || t == b->n_targets ||
        series->silent_while != NULL || series->kind->of_resolver)
        return;
    size_t f = family_slot(series->family);
    if (m->slots[f] == NULL)
        m->slots[f] = mem_zalloc(m->room * sizeof *m->slots[f]);
    struct metre_slot *s = &m->slots[f][t];
    if (preferred != (s->series == series))
        return;
    take_delay(s, series);
    struct loss_count n =
        loss_count_of(series->kind, series->window.outcomes, series->window.counters);
    s->answered |= summary_answered(&series->window) > 0;
    if (!series->kind->single_packets)
        return;
    s->windows[0].sent += n.sent;
    s->windows[0].lost += n.lost;
}

static void begin(struct last_metre *m)
{
    for (size_t i = 0; i < 2 * m->n_targets; i++) {
        m->charges[i] = (struct metre_charge){CHARGE_NOTHING, CHARGE_NOTHING};
        if (m->slots[i % 2] == NULL)
            continue;
        struct metre_slot *s = &m->slots[i % 2][i / 2];
        memmove(&s->windows[1], &s->windows[0], (METRE_WINDOWS - 1) * sizeof *s->windows);
        s->windows[0] = (struct loss_count){0};
        s->delay = (struct metre_delay){0};
    }
}

static void add_counts(struct loss_count *to, const struct loss_count *n)
{
    to->sent += n->sent;
    to->lost += n->lost;
}

/* An outage is not a loss of packets. */
static bool is_silent(const struct loss_count *window)
{
    return window->lost == window->sent;
}

static void sum_up(struct metre_slot *s)
{
    s->packets = (struct loss_count){0};
    for (size_t i = 0; s->answered && i < METRE_WINDOWS; i++)
        if (!is_silent(&s->windows[i]))
            add_counts(&s->packets, &s->windows[i]);
}

/* ---- one family ---- */

struct family_view {
    size_t family, gateway; /* number of its target; n_targets: none */
    struct loss_count all;  /* of the targets */
    struct loss_count now;  /* of those, in the window */
    bool tried;             /* a target is probed in this family */
};

/* The upper bound of the rise of the middle target, without `except`. */
static int64_t middle_rise(const struct last_metre *m, const struct family_view *v,
                           size_t except)
{
    int64_t *rises = mem_alloc((m->n_targets + 1) * sizeof *rises), middle = INT64_MAX;
    size_t n = 0;
    for (size_t t = 0; t < m->n_targets; t++) {
        const struct metre_delay *d = &m->slots[v->family][t].delay;
        if (t != except && t != v->gateway && d->count > 0)
            rises[n++] = rise_of(d, d->high_ns);
    }
    if (n > 0) {
        qsort(rises, n, sizeof *rises, ns_compare);
        middle = rises[(n - 1) / 2];
    }
    free(rises);
    return middle;
}

/* Every answer of the gateway took so long, and so did those of all targets behind it. Not if
 * its delays vary more than theirs: then it answers late itself. */
static bool is_far(const struct last_metre *m, const struct family_view *v)
{
    int64_t least_ns = INT64_MAX;
    if (v->gateway == m->n_targets)
        return false;
    for (size_t t = 0; t < m->n_targets; t++) {
        int64_t floor_ns = floor_of(&m->slots[v->family][t]);
        if (t != v->gateway && floor_ns < least_ns)
            least_ns = floor_ns;
    }
    const struct metre_slot *g = &m->slots[v->family][v->gateway];
    int64_t gateway_ns = floor_of(g), behind_ns = middle_rise(m, v, v->gateway);
    bool own = g->delay.count > 0 && behind_ns != INT64_MAX &&
               rise_of(&g->delay, g->delay.p50_ns) > behind_ns + METRE_RISE_NS;
    return gateway_ns > METRE_FAR_NS && gateway_ns <= least_ns && least_ns != INT64_MAX &&
           !own;
}

static void charge_target(struct last_metre *m, const struct family_view *v, size_t t,
                          bool down)
{
    static const struct metre_slot none;
    const struct metre_slot *s = &m->slots[v->family][t],
                            *g = v->gateway < m->n_targets
                                     ? &m->slots[v->family][v->gateway]
                                     : &none;
    struct metre_charge *c = &m->charges[2 * t + v->family];
    const struct loss_count *now = &s->windows[0];
    bool silent = now->sent > 0 && is_silent(now);
    if (!silent) {
        struct loss_count others = {v->all.sent - s->packets.sent,
                                    v->all.lost - s->packets.lost};
        c->loss = charge_of_loss(&g->packets, &s->packets, &others);
    } else if (down) {
        c->loss = CHARGE_SITE;
    } else if (is_silent(&g->windows[0]) && is_silent(&v->now)) {
        c->loss = CHARGE_UNKNOWN; /* it may filter ICMP, and nothing passes */
    } else {
        struct loss_count others = {v->now.sent - now->sent, v->now.lost - now->lost};
        c->loss = charge_of_loss(&g->windows[0], now, &others);
    }
    c->delay = charge_of_delay(&g->delay, &s->delay, middle_rise(m, v, t));
    if (c->delay == CHARGE_NOTHING && floor_of(s) != INT64_MAX && is_far(m, v) &&
        floor_of(s) <= 2 * floor_of(g))
        c->delay = CHARGE_SITE;
}

static enum metre_state judge(const struct last_metre *m, const struct family_view *v,
                              bool no_neighbour)
{
    if (v->gateway == m->n_targets)
        return METRE_UNKNOWN;
    const struct metre_slot *g = &m->slots[v->family][v->gateway];
    bool silent = is_silent(&g->windows[0]);
    if (silent && no_neighbour && is_silent(&v->now) && (g->answered || v->tried))
        return METRE_DOWN;
    if (silent || !g->answered)
        return METRE_UNKNOWN;
    enum charge loss = charge_of_loss(&g->packets, &v->all, &v->all);
    bool was_lossy = m->states[v->family] == METRE_LOSSY;
    if (loss_exceeds(g->packets.lost, g->packets.sent, METRE_LOSS_RATIO) &&
        (loss == CHARGE_SITE || (was_lossy && loss == CHARGE_UNKNOWN)))
        return METRE_LOSSY;
    int64_t rise_ns = g->delay.count > 0 ? rise_of(&g->delay, g->delay.low_ns) : 0,
            behind_ns = middle_rise(m, v, v->gateway);
    if (rise_ns > METRE_SLOW_NS && behind_ns != INT64_MAX && behind_ns >= rise_ns)
        return METRE_SLOW;
    return is_far(m, v) ? METRE_SLOW : METRE_FINE;
}

static enum severity severity_of(enum metre_state s)
{
    return s == METRE_DOWN  ? SEVERITY_ERROR
           : s > METRE_FINE ? SEVERITY_WARN
                            : SEVERITY_INFO;
}

static void say(struct event *e, const struct last_metre *m, const struct family_view *v,
                enum metre_state is)
{
    char address[ADDRESS_TEXT_MAX];
    const struct metre_gateway *at = &m->gateways[v->family];
    const struct metre_slot *g = &m->slots[v->family][v->gateway];
    endpoint_address(address, &at->at);
    if (is == METRE_DOWN)
        event_say(e,
                  "the default gateway %s (%s) answers neither ICMP nor %s: the fault is "
                  "between this host and it; check cable, Wi-Fi, switch and gateway",
                  address, at->interface,
                  v->family == SLOT_IPV6 ? "neighbour discovery" : "ARP");
    else if (is == METRE_LOSSY)
        event_say(
            e,
            "%llu of %llu packets to the default gateway %s (%s) are lost: the site's own "
            "network loses, not the networks behind it; check Wi-Fi, cable and switch",
            (unsigned long long)g->packets.lost, (unsigned long long)g->packets.sent,
            address, at->interface);
    else if (is == METRE_SLOW && is_far(m, v))
        event_say(
            e,
            "the lowest delay to the default gateway %s (%s) is %.1f ms, more than %.0f ms: "
            "the delay arises in the site's own network; check Wi-Fi, cable and what loads "
            "the gateway",
            address, at->interface, ms(floor_of(g)), ms(METRE_FAR_NS));
    else if (is == METRE_SLOW)
        event_say(
            e,
            "the median delay to the default gateway %s (%s) is %.1f ms, %.1f ms above "
            "its lowest: the delay arises in the site's own network; check Wi-Fi, "
            "cable and what loads the gateway",
            address, at->interface, (double)g->delay.p50_ns / 1e6,
            (double)rise_of(&g->delay, g->delay.p50_ns) / 1e6);
    else
        event_say(e, "the way to the default gateway %s (%s): %s", address, at->interface,
                  metre_state_name(is));
}

/* How many windows ago the loss began: the oldest one with a loss before which two have none. */
static size_t lossy_windows(const struct metre_slot *g)
{
    size_t first = 0;
    for (size_t i = 0; i < METRE_WINDOWS && i <= first + 2; i++)
        if (g->windows[i].lost > 0)
            first = i;
    return first;
}

/* The newest windows in a row without a loss; METRE_WINDOWS at most. */
static size_t clean_windows(const struct metre_slot *g)
{
    size_t n = 0;
    while (n < METRE_WINDOWS && g->windows[n].lost == 0)
        n++;
    return n;
}

static void report(struct last_metre *m, const struct batch *b,
                   const struct family_view *v, enum metre_state is,
                   struct events *events)
{
    size_t f = v->family;
    bool twice = m->pending[f] == is;
    if (!twice)
        m->since[f] = b->window_start;
    m->pending[f] = is;
    if (is == m->states[f] || (!twice && is != METRE_DOWN))
        return;
    bool expected = m->states[f] == METRE_UNKNOWN || is == METRE_UNKNOWN;
    enum metre_state before = m->states[f];
    m->states[f] = is;
    if (expected && is <= METRE_FINE && before <= METRE_FINE)
        return;
    struct event *e =
        events_add(events, EVENT_LAST_METRE, severity_of(is), b->time, NULL);
    e->family = f == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
    e->since = m->since[f];
    int64_t window_ns = b->time.ns - b->window_start.ns;
    const struct metre_slot *g =
        v->gateway < m->n_targets ? &m->slots[f][v->gateway] : NULL;
    if (is == METRE_LOSSY)
        e->since.ns = b->window_start.ns - (int64_t)lossy_windows(g) * window_ns;
    else if (before == METRE_LOSSY && g != NULL)
        e->since.ns = b->time.ns - (int64_t)clean_windows(g) * window_ns;
    event_change(e, metre_state_name(before), metre_state_name(is));
    if (v->gateway < m->n_targets)
        say(e, m, v, is);
    else
        event_say(e, "there is no default gateway any more");
}

static void add_to_events(const struct last_metre *m, const struct batch *b,
                          struct events *events)
{
    for (size_t i = 0; i < events->n; i++) {
        struct event *e = &events->list[i];
        size_t t = e->target != NULL ? number_of(b, e->target) : b->n_targets;
        bool state = strcmp(e->name, EVENT_STATE_CHANGED) == 0,
             shift = strcmp(e->name, EVENT_DELAY_SHIFTED) == 0;
        if (t == b->n_targets || !(state || shift) || e->family == FAMILY_PROXY ||
            e->n_facts == EVENT_FACTS_MAX)
            continue;
        struct metre_charge c = last_metre_charge(m, t, family_slot(e->family));
        enum charge to = shift ? c.delay : metre_charge_worst(c);
        if (to == CHARGE_NOTHING || strcmp(e->after, "up") == 0)
            continue;
        event_text(e, ATTR_CHARGED_TO, charge_name(to));
        if (to == CHARGE_SITE)
            event_append(
                e,
                "; it is already there at the default gateway: the site's own network");
    }
}

static void window_of_family(struct last_metre *m, const struct batch *b, size_t family,
                             struct events *events)
{
    struct family_view v = {.family = family, .gateway = m->n_targets};
    m->silent[family] = false;
    if (m->slots[family] == NULL)
        return;
    for (size_t t = 0; t < m->n_targets; t++) {
        struct metre_slot *s = &m->slots[family][t];
        sum_up(s);
        if (b->targets[t].target->gateway) {
            if (m->gateways[family].at.family != FAMILY_NONE && s->windows[0].sent > 0)
                v.gateway = t;
            continue;
        }
        add_counts(&v.all, &s->packets);
        v.tried |= s->windows[0].sent > 0;
        if (s->answered)
            add_counts(&v.now, &s->windows[0]);
    }
    m->silent[family] =
        v.gateway < m->n_targets && is_silent(&m->slots[family][v.gateway].windows[0]);
    enum metre_state is = judge(m, &v, m->gateways[family].no_neighbour);
    for (size_t t = 0; t < m->n_targets; t++)
        if (!b->targets[t].target->gateway)
            charge_target(m, &v, t, is == METRE_DOWN);
    report(m, b, &v, is, events);
}

void last_metre_window(struct last_metre *m, const struct batch *batch,
                       const struct metre_gateway gateways[2], struct events *events)
{
    grow(m, batch->n_targets);
    for (size_t f = 0; f < 2; f++) {
        if (!endpoint_same_address(&m->gateways[f].at, &gateways[f].at))
            forget(m, f);
        m->gateways[f] = gateways[f];
    }
    begin(m);
    for (int preferred = 1; preferred >= 0; preferred--)
        for (size_t i = 0; i < batch->n_series; i++)
            take_series(m, batch, batch->series[i], preferred == 1);
    for (size_t f = 0; f < 2; f++)
        window_of_family(m, batch, f, events);
    add_to_events(m, batch, events);
}

struct metre_charge last_metre_charge(const struct last_metre *m, size_t target,
                                      size_t family)
{
    return target < m->n_targets && family < 2
               ? m->charges[2 * target + family]
               : (struct metre_charge){CHARGE_NOTHING, CHARGE_NOTHING};
}

void last_metre_free(struct last_metre *m)
{
    free(m->slots[0]);
    free(m->slots[1]);
    free(m->charges);
    *m = (struct last_metre){.room = 0};
}
