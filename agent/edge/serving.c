#include "edge/serving.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/damping.h"
#include "core/event_names.h"
#include "edge/suboptimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reported_pop { /* a PoP with its source */
    char pop[POP_TEXT_MAX];
    const char *basis;
};

struct held { /* a value and for how many windows in a row */
    int value;
    uint32_t windows;
};

struct served {                      /* the state of a (target, family) */
    struct reported_pop now, before; /* before the last change; pop "": none */
    struct endpoint to;
    bool reported; /* an event reported that this address has this PoP */

    struct damping damping;
    int64_t foreign_ns; /* last time the owner was foreign; 0: never */

    char issuer[ISSUER_TEXT_MAX]; /* the last one reported, or the first */
    bool issuer_was_foreign;      /* any of them */
    int64_t issuer_ns;            /* when it was reported; 0: never */

    enum fit fit;     /* the last one that was held */
    bool fit_is_open; /* what was reported of it has not ended */
    struct held fit_seen;
    uint32_t taken_back; /* findings, none more than four weeks after the one before */
    int64_t taken_back_ns;
    enum role role; /* the last one that was held */
    struct held role_seen;
    bool role_reported;
};

struct serving_input { /* one (target, family) in a window */
    struct served *served;
    const struct site *site;
    const struct target *target;
    const struct target_address_state *address;
    enum family family;
    struct suboptimal is;     /* its PoP compared with others, in this window */
    struct standing standing; /* of the PoP of `address` */
    struct wall time;
    struct events *events;
};

#define WORDS_MAX 80

/* "London (LON)", or "XQZ" when the metro is unknown. */
static const char *pop_words(char out[WORDS_MAX], const char *pop, const struct metro *m)
{
    if (m != NULL)
        snprintf(out, WORDS_MAX, "%s (%s)", m->city, pop);
    else
        text_copy(out, WORDS_MAX, pop);
    return out;
}

static struct event *add_event(const struct serving_input *in, const char *name,
                               enum severity severity, const char *before,
                               const char *after)
{
    struct event *e = events_add(in->events, name, severity, in->time, in->target);
    e->family = in->family;
    event_change(e, before, after);
    return e;
}

static void fact(struct event *e, const char *name, const char *text)
{
    if (*text != '\0')
        event_text(e, name, text);
}

static void fact_metro(struct event *e, const char *name, const struct metro *m)
{
    fact(e, name, m != NULL ? m->city : "");
}

static void fact_address(struct event *e, const struct serving_input *in)
{
    char address[ADDRESS_TEXT_MAX];
    fact(e, ATTR_PEER_ADDRESS, endpoint_address(address, &in->address->to));
    fact(e, ATTR_DNS_CHAIN, target_dns(in->address)->chain);
}

/* ---- events: PoP changed ---- */

static struct standing standing_of(const struct serving_input *in,
                                   const struct reported_pop *seen)
{
    return site_standing(in->site, seen->pop, seen->basis);
}

static struct event *add_change(const struct serving_input *in, enum severity severity,
                                const struct reported_pop *before)
{
    struct event *e =
        add_event(in, EVENT_POP_CHANGED, severity, before->pop, in->address->pop);
    e->calls_survey = true;
    e->since = in->address->pop_since;
    fact_metro(e, ATTR_METRO_BEFORE, standing_of(in, before).metro);
    fact_metro(e, ATTR_METRO_AFTER, in->standing.metro);
    event_number(e, ATTR_DISTANCE, in->standing.km);
    fact_address(e, in);
    fact(e, ATTR_DNS_SERVERS, target_dns(in->address)->servers);
    return e;
}

static void report_change(const struct serving_input *in,
                          const struct reported_pop *before)
{
    struct standing was = standing_of(in, before);
    char from[WORDS_MAX], to[WORDS_MAX];
    const struct metro *a = was.metro, *b = in->standing.metro;
    bool stays = catalogue_same_metro(a, b);
    bool farther = in->standing.km > was.km; /* not when either is unknown */
    struct event *e =
        add_change(in, !stays && farther ? SEVERITY_WARN : SEVERITY_INFO, before);
    event_say(e, "served by %s, before by %s%s", pop_words(to, in->address->pop, b),
              pop_words(from, before->pop, a), stays ? ", in the same metro" : "");
}

static void report_unstable(const struct serving_input *in,
                            const struct reported_pop *before)
{
    char from[WORDS_MAX], to[WORDS_MAX];
    bool stays = catalogue_same_metro(standing_of(in, before).metro, in->standing.metro);
    struct event *e = add_change(in, stays ? SEVERITY_INFO : SEVERITY_WARN, before);
    event_number(e, ATTR_POP_CHANGES, DAMPING_CHANGES);
    event_say(e,
              "alternates: %d changes of its PoP within an hour, the last one from %s to "
              "%s; further changes are not reported until it has been stable for an hour",
              DAMPING_CHANGES,
              pop_words(from, before->pop, standing_of(in, before).metro),
              pop_words(to, in->address->pop, in->standing.metro));
}

static void report_stable(const struct serving_input *in, uint64_t changes)
{
    char at[WORDS_MAX];
    struct event *e = add_change(in, SEVERITY_INFO, &in->served->before);
    event_number(e, ATTR_POP_CHANGES, (double)changes);
    event_say(e, "served by %s for an hour, after %" PRIu64 " change%s of its PoP",
              pop_words(at, in->address->pop, in->standing.metro), changes,
              changes == 1 ? "" : "s");
}

/* ---- event: foreign owner ---- */

static void report_foreign(const struct serving_input *in)
{
    char text[OWNER_TEXT_MAX];
    const struct owner *owner = target_owner(in->address);
    struct event *e = add_event(in, EVENT_TARGET_FOREIGN, SEVERITY_WARN,
                                in->served->now.pop, owner_name(owner->type));
    fact(e, ATTR_VERDICT_BASIS, owner->why);
    fact_address(e, in);
    fact(e, ATTR_DNS_SERVERS, target_dns(in->address)->servers);
    event_say(e, "%s", owner_text(text, owner, in->target->host));
}

/* ---- events: suboptimal PoP, front door away ---- */

/* "Milan (MXP)"; the address if the PoP is not known. */
static const char *place_words(char out[WORDS_MAX], const struct target_address_state *a,
                               const struct metro *m)
{
    return a->pop[0] != '\0' ? pop_words(out, a->pop, m) : endpoint_address(out, &a->to);
}

static void fact_gain(struct event *e, const struct gain *g)
{
    event_number(e, ATTR_GAIN, (double)g->ns / 1e9);
    event_number(e, ATTR_GAIN_LOW, (double)g->low_ns / 1e9);
    event_number(e, ATTR_GAIN_HIGH, (double)g->high_ns / 1e9);
    event_number(e, ATTR_GAIN_MINIMUM, (double)g->min_ns / 1e9);
}

/* The other front door, and the delays. */
static void say_gain(const struct serving_input *in, struct event *e, const char *at)
{
    char there[WORDS_MAX];
    const struct suboptimal *is = &in->is;
    const struct gain *g = &is->gain;
    const struct target_address_state *a =
        &is->other->addresses[in->family == FAMILY_IPV6];
    struct standing s = site_standing(in->site, a->pop, a->basis);
    place_words(there, a, s.metro);
    fact_metro(e, ATTR_METRO_NEAREST, s.metro);
    event_number(e, ATTR_DISTANCE_NEAREST, s.km);
    fact_gain(e, g);
    if (is->fit == FIT_SUBOPTIMAL)
        event_say(e,
                  "through %s %.1f ms, %s answers in %.1f: you lose %.1f ms (%.1f to "
                  "%.1f)",
                  at, ms(g->own_ns), there, ms(g->other_ns), ms(g->ns), ms(g->low_ns),
                  ms(g->high_ns));
    else
        event_say(
            e,
            "through %s %.1f ms, %s answers in %.1f: nothing to gain any more (%.1f "
            "to %.1f)",
            at, ms(g->own_ns), there, ms(g->other_ns), ms(g->low_ns), ms(g->high_ns));
}

/* Another metro is nearer, but nothing shows that the service has a front door there. */
static void say_hint(const struct serving_input *in, struct event *e, const char *at)
{
    char nearest[WORDS_MAX];
    const struct near_metro *near = &in->site->nearest;
    fact_metro(e, ATTR_METRO_NEAREST, near->metro);
    event_number(e, ATTR_DISTANCE_NEAREST, near->km);
    event_number(e, ATTR_DISTANCE_EXCESS, in->standing.excess_km);
    event_say(
        e,
        "cannot tell whether another PoP answers sooner: there are no delays of another "
        "front door of this service to compare with; as a hint, %s is %.0f km away, "
        "%s %.0f km",
        at, in->standing.km, pop_words(nearest, near->metro->code, near->metro),
        near->km);
}

static void report_fit(const struct serving_input *in)
{
    static const char *const names[] = {
        [FIT_NEW] = "",
        [FIT_OPTIMAL] = "optimal",
        [FIT_SUBOPTIMAL] = "suboptimal",
        [FIT_CANNOT_TELL] = "cannot tell",
        [FIT_UNKNOWN] = "unknown",
    };
    char at[WORDS_MAX];
    enum fit fit = in->is.fit;
    struct event *e = add_event(in, EVENT_EDGE_SUBOPTIMAL,
                                fit == FIT_SUBOPTIMAL ? SEVERITY_WARN : SEVERITY_INFO,
                                names[in->served->fit], names[fit]);
    fact_metro(e, ATTR_METRO, in->standing.metro);
    event_number(e, ATTR_DISTANCE, in->standing.km);
    place_words(at, in->address, in->standing.metro);
    if (in->is.other != NULL)
        say_gain(in, e, at);
    else if (fit == FIT_CANNOT_TELL)
        say_hint(in, e, at);
    else
        event_say(e, "its PoP can no longer be compared with another front door");
    fact_address(e, in);
    fact(e, ATTR_DNS_SERVERS, target_dns(in->address)->servers);
}

static const char *location_of(enum role role)
{
    return role == ROLE_PRIMARY   ? "at the primary location"
           : role == ROLE_BACKUP  ? "at the backup location"
           : role == ROLE_NEITHER ? "at neither location"
                                  : "perhaps at a location";
}

static void report_role(const struct serving_input *in, enum role before)
{
    char at[WORDS_MAX];
    const struct peering *p = &in->site->peering;
    enum role role = in->standing.role;
    struct event *e = add_event(in, EVENT_FRONT_DOOR_AWAY, SEVERITY_INFO,
                                role_name(before), role_name(role));
    fact(e, ATTR_PEERING_CONNECTION, p->connection);
    fact(e, ATTR_PEERING_PROVIDER, p->provider);
    fact_metro(e, ATTR_PEERING_PRIMARY, in->site->primary);
    fact_metro(e, ATTR_PEERING_BACKUP, in->site->backup);
    fact_metro(e, ATTR_METRO, in->standing.metro);
    event_number(e, ATTR_DISTANCE, in->standing.km);
    fact_address(e, in);
    event_say(e, "its front door is in %s, %s of connection %s",
              pop_words(at, in->address->pop, in->standing.metro), location_of(role),
              p->connection);
}

/* ---- has the PoP changed? ---- */

static bool same_basis(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* True when the PoP was learned from another source (a header instead of the CNAME) and
 * may not have changed. */
static bool is_learned(const struct serving_input *in)
{
    const struct served *s = in->served;
    if (s->now.pop[0] == '\0')
        return true;
    if (same_basis(s->now.basis, in->address->basis))
        return false;
    const struct metro *was = standing_of(in, &s->now).metro, *is = in->standing.metro;
    return (!s->reported && endpoint_same_address(&s->to, &in->address->to)) ||
           catalogue_same_metro(was, is);
}

static void report_if_new(const struct serving_input *in)
{
    struct served *s = in->served;
    switch (damping_change(&s->damping, in->time.ns)) {
    case DAMPING_REPORT:
        report_change(in, &s->now);
        break;
    case DAMPING_REPORT_UNSTABLE:
        report_unstable(in, &s->now);
        break;
    case DAMPING_SUPPRESS:
        break;
    }
}

static void check_pop(const struct serving_input *in)
{
    struct served *s = in->served;
    const struct target_address_state *address = in->address;
    bool is_new = strcmp(s->now.pop, address->pop) != 0;
    bool changed = is_new && !is_learned(in);
    if (changed) {
        s->taken_back = 0; /* of another PoP */
        report_if_new(in);
        s->before = s->now;
    }
    if (is_new || !endpoint_same_address(&s->to, &address->to))
        s->reported = changed;
    s->now.basis = address->basis;
    text_copy(s->now.pop, sizeof s->now.pop, address->pop);
    s->to = address->to;
    uint64_t changes = damping_settled(&s->damping, in->time.ns);
    if (changes > 0)
        report_stable(in, changes);
}

/* ---- is it the right PoP? ---- */

/* True when the last `windows` windows had this value. */
static bool is_held(struct held *h, int value, uint32_t windows)
{
    h->windows = h->windows > 0 && h->value == value ? h->windows + 1 : 1;
    h->value = value;
    return h->windows >= windows;
}

static void check_fit(const struct serving_input *in)
{
    static const uint32_t windows[] = {
        [FIT_OPTIMAL] = SERVING_OPTIMAL_HELD,
        [FIT_SUBOPTIMAL] = SERVING_SUBOPTIMAL_HELD,
        [FIT_CANNOT_TELL] = SERVING_OPTIMAL_HELD,
        [FIT_UNKNOWN] = SERVING_OPTIMAL_HELD,
        [FIT_UNDECIDED] = UINT32_MAX,
    };
    struct served *s = in->served;
    enum fit fit = in->is.fit;
    uint32_t need = windows[fit];
    if (in->time.ns - s->taken_back_ns > SERVING_HABIT_NS)
        s->taken_back = 0;
    for (uint32_t i = 0; fit == FIT_SUBOPTIMAL && i < s->taken_back; i++)
        need *= SERVING_HABIT;
    if (!is_held(&s->fit_seen, (int)fit, need) || fit == s->fit)
        return;
    bool opens = fit == FIT_SUBOPTIMAL || fit == FIT_CANNOT_TELL;
    if (opens || s->fit_is_open)
        report_fit(in);
    if (s->fit == FIT_SUBOPTIMAL) {
        s->taken_back += s->taken_back < SERVING_HABIT_MAX;
        s->taken_back_ns = in->time.ns;
    }
    s->fit_is_open = opens;
    s->fit = fit;
}

static void check_role(const struct serving_input *in)
{
    struct served *s = in->served;
    enum role role = in->standing.role,
              was = s->role == ROLE_NONE ? ROLE_UNKNOWN : s->role;
    bool normal = role == ROLE_PRIMARY || role == ROLE_UNKNOWN;
    bool first = was == ROLE_UNKNOWN && !s->role_reported;
    if (!is_held(&s->role_seen, role, SERVING_AWAY_HELD))
        return;
    if (role != was && !(first && normal)) {
        report_role(in, was);
        s->role_reported = true;
    }
    s->role = role;
}

/* ---- is it Microsoft's network? ---- */

static void check_owner(const struct serving_input *in)
{
    struct served *s = in->served;
    bool guessed =
        in->target->discovered && *intern_text(in->target->server_name) != '\0';
    if (target_owner(in->address)->type != OWNER_FOREIGN || guessed ||
        in->address->to.family == FAMILY_NONE)
        return;
    if (s->foreign_ns == 0 || in->time.ns - s->foreign_ns > DAMPING_STABLE_NS)
        report_foreign(in);
    s->foreign_ns = in->time.ns;
}

/* ---- is it the service's own certificate? ---- */

static void report_issuer(const struct serving_input *in)
{
    const struct target_address_state *address = in->address;
    bool foreign = address->issuer_foreign;
    struct event *e =
        add_event(in, EVENT_ISSUER_CHANGED, foreign ? SEVERITY_WARN : SEVERITY_INFO,
                  in->served->issuer, target_issuer(address));
    fact(e, ATTR_TLS_ISSUER, target_issuer(address));
    fact_address(e, in);
    if (foreign)
        event_say(e,
                  "TLS is intercepted by %s: it issued the certificate of %s, and the "
                  "service does not use it; tls and first_byte are measured to the "
                  "device that intercepts",
                  target_issuer(address), in->target->host);
    else
        event_say(e, "the certificate of %s is issued by %s; before by %s",
                  in->target->host, target_issuer(address), e->before);
}

static void check_issuer(const struct serving_input *in)
{
    struct served *s = in->served;
    const struct target_address_state *address = in->address;
    bool first = s->issuer[0] == '\0', foreign = address->issuer_foreign;
    bool recent = s->issuer_ns != 0 && in->time.ns - s->issuer_ns <= DAMPING_STABLE_NS;
    bool news = foreign && !s->issuer_was_foreign;
    if (in->target->discovered || target_issuer(address)[0] == '\0' ||
        strcmp(s->issuer, target_issuer(address)) == 0 || (recent && !news))
        return;
    if (foreign || !first) {
        report_issuer(in);
        s->issuer_ns = in->time.ns;
    }
    s->issuer_was_foreign |= foreign;
    text_copy(s->issuer, sizeof s->issuer, target_issuer(address));
}

/* ---- update ---- */

static void check(const struct serving_input *in)
{
    struct served *s = in->served;
    bool known = in->address->pop[0] != '\0', answers = in->address->answers;
    if (known)
        check_pop(in);
    if (s->damping.suppressing || in->target->discovered) {
        s->fit_seen.windows = s->role_seen.windows = 0;
        return;
    }
    if (answers || in->address->to.family == FAMILY_NONE)
        check_fit(in);
    if (known && answers && in->standing.role != ROLE_NONE)
        check_role(in);
}

/* Adds empty entries up to `n`. */
static void grow(struct serving *s, size_t n)
{
    if (n <= s->n)
        return;
    s->all = mem_grow(s->all, &s->room, n, sizeof *s->all);
    memset(&s->all[s->n], 0, (n - s->n) * sizeof *s->all);
    s->n = n;
}

/* NULL: it has had no address yet. */
static struct served *served_at(struct serving *s, size_t i,
                                const struct target_address_state *a)
{
    if (s->all[i] == NULL && a->to.family != FAMILY_NONE)
        s->all[i] = mem_zalloc(sizeof *s->all[i]);
    return s->all[i];
}

/* Nothing of a target that has no other front door to compare with. */
static void add_gain(struct serving *s, const struct serving_input *in)
{
    const struct gain *g = &in->is.gain;
    bool suboptimal = in->served->fit_is_open && in->served->fit == FIT_SUBOPTIMAL;
    bool known = in->is.other != NULL && g->verdict != GAIN_UNKNOWN;
    if (!known && !suboptimal)
        return;
    s->gains = mem_grow(s->gains, &s->gains_room, s->n_gains + 1, sizeof *s->gains);
    s->gains[s->n_gains++] = (struct edge_gain){.target = in->target,
                                                .family = in->family,
                                                .known = known,
                                                .ns = g->ns,
                                                .low_ns = g->low_ns,
                                                .high_ns = g->high_ns,
                                                .suboptimal = suboptimal};
}

void serving_update(struct serving *s, const struct site *site,
                    const struct target_state *states, size_t n, struct wall time,
                    struct events *events)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6, FAMILY_PROXY};
    grow(s, FAMILY_SLOTS * n);
    s->n_gains = 0;
    for (size_t i = 0; i < FAMILY_SLOTS * n; i++) {
        const struct target_state *state = &states[i / FAMILY_SLOTS];
        const struct target_address_state *address = &state->addresses[i % FAMILY_SLOTS];
        struct serving_input in = {
            .served = served_at(s, i, address),
            .site = site,
            .target = state->target,
            .address = address,
            .family = families[i % FAMILY_SLOTS],
            .time = time,
            .events = events,
        };
        if (in.served == NULL)
            continue;
        check_owner(&in);
        check_issuer(&in);
        in.standing = site_standing(site, in.address->pop, in.address->basis);
        if (!in.target->discovered)
            in.is = suboptimal_judge(site, states, n, i / FAMILY_SLOTS, i % FAMILY_SLOTS,
                                     time);
        check(&in);
        add_gain(s, &in);
    }
}

void serving_free(struct serving *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->all[i]);
    free(s->all);
    free(s->gains);
    *s = (struct serving){0};
}
