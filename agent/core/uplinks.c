#include "core/uplinks.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/damping.h"
#include "core/event_names.h"
#include "core/random.h"
#include "core/series.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct uplinks_stream { /* of a group, over one uplink */
    struct endpoint to;
    char pop[POP_TEXT_MAX];
    struct window *window;
    bool touched, answered;
    bool waits;       /* is to be taken */
    struct wall last; /* its last answer of this pair; 0: none */
    int64_t last_ns;
    struct paired pairs; /* with the first uplink */
};

struct uplinks_group { /* (target, kind, family): what is scheduled */
    size_t target, kind;
    enum family family;
    struct uplinks_stream *streams; /* by uplink */
    bool answered;                  /* over any uplink */
};

struct uplinks_way { /* an uplink */
    struct uplink_state state;
    uint32_t failures, answers;         /* in a row */
    struct wall failed_at, answered_at; /* the first of them was sent */
    uint64_t lost_here, unsent_here; /* since `failed_at`; the latter are in the former */
    struct damping damping;
};

struct uplinks_route { /* the system's, to a target; a bit for each uplink */
    bool known, noted;
    unsigned used, now;
};

struct uplinks {
    struct uplinks_settings settings;
    const struct kinds *kinds;
    struct target *targets; /* copies by [target][uplink], with `uplink` set */
    struct uplinks_group *groups;
    size_t n_groups;
    size_t waiting; /* group with streams to take; n_groups: none */
    struct schedule *schedule;
    struct series_set *series;
    struct random random;
    struct uplinks_way ways[UPLINKS_MAX];
    struct uplinks_route (*routes)[2]; /* by target and family_slot() */
    bool paused;
    struct uplink_difference *differences;
    struct uplink_target *over; /* of the report */
    struct uplinks_report report;
};

static struct target *target_of(const struct uplinks *u, size_t target, size_t uplink)
{
    return &u->targets[target * u->settings.n + uplink];
}

static struct uplinks_group *group_of(struct uplinks *u, uint32_t stream)
{
    assert(stream < u->n_groups * u->settings.n);
    return &u->groups[stream / u->settings.n];
}

static struct uplinks_stream *stream_of(struct uplinks *u, uint32_t stream)
{
    return &group_of(u, stream)->streams[stream % u->settings.n];
}

static bool carries(const struct uplinks *u, const struct uplinks_group *g, size_t uplink)
{
    return g->streams[uplink].to.family != FAMILY_NONE &&
           uplink_has_family(&u->settings.uplinks[uplink], g->family);
}

/* ---- create and destroy ---- */

static void add_group(struct uplinks *u, size_t target, size_t kind, enum family family,
                      struct wall wall)
{
    struct uplinks_group *g = &u->groups[u->n_groups++];
    *g = (struct uplinks_group){.target = target, .kind = kind, .family = family};
    g->streams = mem_zalloc(u->settings.n * sizeof *g->streams);
    for (size_t i = 0; i < u->settings.n; i++)
        g->streams[i].window = window_create(u->kinds->list[kind], wall);
}

bool uplinks_probe(const struct target *t)
{
    return t->over_uplinks && !t->proxied;
}

static void add_target(struct uplinks *u, size_t target, struct wall wall)
{
    const struct target *t = &u->settings.targets[target];
    for (size_t i = 0; i < u->settings.n; i++) {
        *target_of(u, target, i) = *t;
        target_of(u, target, i)->uplink = &u->settings.uplinks[i];
    }
    for (size_t kind = 0; kind < u->kinds->n && uplinks_probe(t); kind++) {
        if (t->kinds[kind] && t->ipv4)
            add_group(u, target, kind, FAMILY_IPV4, wall);
        if (t->kinds[kind] && t->ipv6)
            add_group(u, target, kind, FAMILY_IPV6, wall);
    }
}

struct uplinks *uplinks_create(const struct uplinks_settings *settings,
                               const struct kinds *kinds, struct rolling_set *rolling,
                               uint64_t seed, struct wall wall)
{
    struct uplinks *u = mem_zalloc(sizeof *u);
    size_t groups = settings->n_targets * kinds->n * 2;
    assert(settings->n > 0 && settings->n <= UPLINKS_MAX);
    u->settings = *settings;
    u->kinds = kinds;
    u->random = random_from(seed);
    u->schedule = schedule_create(PATTERN_POISSON, seed);
    u->series = series_set_create(settings->delta, rolling);
    series_set_scale(u->series, HISTOGRAM_SCALE - (int)settings->coarser);
    series_set_reader(u->series, settings->reader);
    u->targets = mem_zalloc((settings->n_targets * settings->n + 1) * sizeof *u->targets);
    u->routes = mem_zalloc((settings->n_targets + 1) * sizeof *u->routes);
    u->groups = mem_zalloc((groups + 1) * sizeof *u->groups);
    u->differences = mem_zalloc((groups * settings->n + 1) * sizeof *u->differences);
    u->over = mem_zalloc((settings->n_targets * settings->n + 1) * sizeof *u->over);
    for (size_t t = 0; t < settings->n_targets; t++)
        add_target(u, t, wall);
    u->waiting = u->n_groups;
    for (size_t i = 0; i < settings->n; i++)
        u->ways[i].state.uplink = &settings->uplinks[i];
    return u;
}

void uplinks_destroy(struct uplinks *u)
{
    if (u == NULL)
        return;
    for (size_t g = 0; g < u->n_groups; g++) {
        for (size_t i = 0; i < u->settings.n; i++)
            window_destroy(u->groups[g].streams[i].window);
        free(u->groups[g].streams);
    }
    schedule_destroy(u->schedule);
    series_set_destroy(u->series);
    free(u->targets);
    free(u->groups);
    free(u->routes);
    free(u->differences);
    free(u->over);
    free(u);
}

/* ---- what is due ---- */

static void pace(struct uplinks *u, size_t group, struct mono now)
{
    const struct uplinks_group *g = &u->groups[group];
    const struct target *t = &u->settings.targets[g->target];
    bool any = false;
    for (size_t i = 0; i < u->settings.n; i++)
        any |= carries(u, g, i);
    int64_t interval_ns = t->interval_ns[g->kind] * (int64_t)u->settings.n;
    schedule_set(u->schedule, group, any && !u->paused ? interval_ns : 0, interval_ns,
                 now);
}

void uplinks_pause(struct uplinks *u, bool paused, struct mono now)
{
    u->paused = paused;
    for (size_t g = 0; g < u->n_groups; g++)
        pace(u, g, now);
    for (size_t i = 0; i < u->settings.n; i++)
        u->ways[i].failures = u->ways[i].answers = 0;
}

bool uplinks_next(const struct uplinks *u, struct mono *at)
{
    return schedule_next(u->schedule, at);
}

static bool begin_pair(struct uplinks *u, struct mono now)
{
    struct due due;
    if (!schedule_take(u->schedule, now, &due))
        return false;
    struct uplinks_group *g = &u->groups[due.stream];
    for (size_t i = 0; i < u->settings.n; i++) {
        struct uplinks_stream *s = &g->streams[i];
        s->waits = carries(u, g, i);
        s->last.ns = 0;
        if (!s->waits)
            continue;
        window_count(s->window, COUNTER_MISSED, due.missed);
        s->touched |= due.missed > 0;
        if (now.ns - due.at.ns > PIPELINE_LATE_NS)
            window_busy(s->window);
    }
    u->waiting = due.stream;
    return true;
}

/* The first of a pair may fill a queue, or a cache of the target: none is always first. */
static size_t any_waiting(struct uplinks *u)
{
    struct uplinks_group *g = &u->groups[u->waiting];
    size_t from = (size_t)random_below(&u->random, (int64_t)u->settings.n);
    for (size_t i = 0; u->waiting < u->n_groups && i < u->settings.n; i++) {
        size_t uplink = (from + i) % u->settings.n;
        if (g->streams[uplink].waits)
            return uplink;
    }
    return UPLINK_NONE;
}

bool uplinks_take(struct uplinks *u, struct mono now, struct probe_request *out)
{
    size_t uplink;
    while ((uplink = any_waiting(u)) == UPLINK_NONE)
        if (!begin_pair(u, now))
            return false;
    struct uplinks_group *g = &u->groups[u->waiting];
    g->streams[uplink].waits = false;
    *out = (struct probe_request){
        .stream = (uint32_t)(u->waiting * u->settings.n + uplink),
        .target = target_of(u, g->target, uplink),
        .kind = g->kind,
        .to = g->streams[uplink].to,
    };
    out->to.port = target_port(out->target, u->kinds->list[g->kind]);
    return true;
}

/* ---- windows ---- */

static void post(struct uplinks *u, size_t group, size_t uplink, struct wall end,
                 bool early)
{
    struct uplinks_group *g = &u->groups[group];
    struct uplinks_stream *s = &g->streams[uplink];
    struct summary summary;
    if (s->touched) {
        window_summary(s->window, end, &summary);
        series_set_add(u->series,
                       &(struct series_part){
                           .stream = (uint32_t)(group * u->settings.n + uplink),
                           .target = target_of(u, g->target, uplink),
                           .kind = u->kinds->list[g->kind],
                           .to = s->to,
                           .pop = s->pop,
                           .window = s->window,
                           .summary = &summary,
                           .own_answers = true,
                           .early = early,
                       });
    }
    s->touched = false;
    window_reset(s->window, end);
}

/* Another address or PoP is another series. Its pairs are compared no longer. */
static void begin_part(struct uplinks *u, size_t group, size_t uplink, struct wall wall)
{
    post(u, group, uplink, wall, true);
    for (size_t i = 0; i < u->settings.n; i++)
        if (i == uplink || uplink == 0)
            u->groups[group].streams[i].pairs = (struct paired){0};
}

void uplinks_resolved(struct uplinks *u, size_t target, enum family family, size_t uplink,
                      const struct endpoint *to, const char *pop, struct mono now,
                      struct wall wall)
{
    for (size_t g = 0; g < u->n_groups; g++) {
        if (u->groups[g].target != target || u->groups[g].family != family)
            continue;
        for (size_t i = 0; i < u->settings.n; i++) {
            struct uplinks_stream *s = &u->groups[g].streams[i];
            if (uplink != UPLINK_NONE && uplink != i)
                continue;
            if (s->to.family != FAMILY_NONE && to->family != FAMILY_NONE &&
                !endpoint_same_address(&s->to, to)) {
                begin_part(u, g, i, wall);
                s->pop[0] = '\0';
            }
            s->to = *to;
            if (s->pop[0] == '\0')
                text_copy(s->pop, sizeof s->pop, pop);
        }
        pace(u, g, now);
    }
}

struct endpoint uplinks_address(const struct uplinks *u, size_t target,
                                enum family family, size_t uplink)
{
    for (size_t g = 0; g < u->n_groups; g++)
        if (u->groups[g].target == target && u->groups[g].family == family)
            return u->groups[g].streams[uplink].to;
    return (struct endpoint){.family = FAMILY_NONE};
}

/* An answer of any kind names the PoP for all kinds of the target over this uplink. */
static void name_pop(struct uplinks *u, const struct uplinks_group *of, size_t uplink,
                     const struct result *r)
{
    if (r->pop[0] == '\0')
        return;
    for (size_t g = 0; g < u->n_groups; g++) {
        struct uplinks_group *x = &u->groups[g];
        struct uplinks_stream *s = &x->streams[uplink];
        if (x->target != of->target || x->family != of->family ||
            !endpoint_same_address(&s->to, &r->to) || strcmp(s->pop, r->pop) == 0)
            continue;
        if (s->pop[0] != '\0')
            begin_part(u, g, uplink, r->time);
        text_copy(s->pop, sizeof s->pop, r->pop);
    }
}

/* ---- up and down ---- */

const char *uplink_condition_name(enum uplink_condition condition)
{
    return condition == UPLINK_UP ? "up" : condition == UPLINK_DOWN ? "down" : "unknown";
}

static void seconds_text(char out[DURATION_TEXT_MAX], int64_t ns)
{
    duration_text(out, (ns + NS_PER_S / 2) / NS_PER_S * NS_PER_S);
}

/* NULL: the change is not reported. `at`: when it began. */
static struct event *change(struct uplinks_way *w, enum uplink_condition to,
                            struct wall at, struct wall now, struct events *events)
{
    enum uplink_condition before = w->state.condition;
    w->state.condition = to;
    w->state.since = at;
    if (before == UPLINK_UNKNOWN && to == UPLINK_UP)
        return NULL; /* as it should be */
    enum damping_action action = damping_change(&w->damping, now.ns);
    if (action == DAMPING_SUPPRESS)
        return NULL;
    struct event *e =
        events_add(events, EVENT_UPLINK_CHANGED,
                   to == UPLINK_DOWN ? SEVERITY_ERROR : SEVERITY_INFO, now, NULL);
    e->since = at;
    event_change(e, uplink_condition_name(before), uplink_condition_name(to));
    event_text(e, ATTR_UPLINK, w->state.uplink->name);
    if (action == DAMPING_REPORT_UNSTABLE)
        event_say(e,
                  "uplink %s keeps going down and up; further changes are not reported "
                  "until it has been stable for an hour",
                  w->state.uplink->name);
    return e;
}

enum { UNSENT_TEXT_MAX = 96 };

/* ", 12 of them not sent: ..."; "": all were sent */
static const char *unsent_text(char out[UNSENT_TEXT_MAX], const struct uplinks_way *w)
{
    snprintf(out, UNSENT_TEXT_MAX,
             ", %llu of them because this host had no interface or route for them",
             (unsigned long long)w->unsent_here);
    return w->unsent_here > 0 ? out : "";
}

static void go_down(struct uplinks_way *w, struct wall now, struct events *events)
{
    bool never = w->state.condition == UPLINK_UNKNOWN;
    struct event *e = change(w, UPLINK_DOWN, w->failed_at, now, events);
    if (e != NULL && e->text[0] == '\0')
        event_say(e, "uplink %s is down: %s%u probes in a row were not answered over it",
                  w->state.uplink->name, never ? "the first " : "", w->failures);
}

static void come_up(struct uplinks_way *w, struct wall now, struct events *events)
{
    char lasted[DURATION_TEXT_MAX], unsent[UNSENT_TEXT_MAX];
    int64_t down_ns = w->answered_at.ns - w->state.since.ns;
    struct event *e = change(w, UPLINK_UP, w->answered_at, now, events);
    seconds_text(lasted, down_ns);
    if (e == NULL)
        return;
    if (e->text[0] == '\0')
        event_say(e, "uplink %s is up again after %s; %llu probes over it were lost%s",
                  w->state.uplink->name, lasted, (unsigned long long)w->lost_here,
                  unsent_text(unsent, w));
    event_number(e, ATTR_UPLINK_LOST, (double)w->lost_here);
    event_number(e, ATTR_UPLINK_DURATION, (double)down_ns / 1e9);
}

static void take_failure(struct uplinks_way *w, const struct result *r, struct wall now,
                         struct events *events)
{
    w->answers = 0;
    if (w->failures++ == 0 && w->state.condition != UPLINK_DOWN) {
        w->failed_at = r->time;
        w->lost_here = w->unsent_here = 0;
    }
    w->lost_here++;
    w->unsent_here += r->outcome == OUTCOME_NOT_MEASURED;
    if (w->state.condition != UPLINK_DOWN && w->failures >= UPLINK_DOWN_PROBES &&
        now.ns - w->failed_at.ns >= UPLINK_DOWN_NS)
        go_down(w, now, events);
}

static void take_answer(struct uplinks_way *w, const struct result *r, struct wall now,
                        struct events *events)
{
    w->failures = 0;
    if (w->answers++ == 0)
        w->answered_at = r->time;
    if (w->state.condition != UPLINK_UP && w->answers >= UPLINK_UP_PROBES)
        come_up(w, now, events);
}

/* ---- results ---- */

static void add_pairs(struct uplinks *u, struct uplinks_group *g, size_t uplink)
{
    const struct uplinks_stream *base = &g->streams[0], *s = &g->streams[uplink];
    for (size_t i = 1; i < u->settings.n; i++) {
        struct uplinks_stream *other = &g->streams[i];
        if ((uplink != 0 && i != uplink) || base->last.ns == 0 || other->last.ns == 0 ||
            llabs(base->last.ns - other->last.ns) > PAIRED_WITHIN_NS)
            continue;
        paired_add(&other->pairs, s->last, other->last_ns - base->last_ns);
    }
}

const struct target *uplinks_target(const struct uplinks *u, uint32_t stream)
{
    assert(stream < u->n_groups * u->settings.n);
    return target_of(u, u->groups[stream / u->settings.n].target, stream % u->settings.n);
}

bool uplinks_result(struct uplinks *u, const struct result *r, struct wall now,
                    struct events *events)
{
    struct uplinks_group *g = group_of(u, r->stream);
    struct uplinks_stream *s = stream_of(u, r->stream);
    size_t uplink = r->stream % u->settings.n;
    struct uplinks_way *w = &u->ways[uplink];
    bool unsent = r->outcome == OUTCOME_NOT_MEASURED;
    bool lost = outcome_is_lost(r->outcome);
    if (!endpoint_same_address(&r->to, &s->to))
        return false; /* of the address before this one */
    name_pop(u, g, uplink, r);
    window_add(s->window, r);
    s->touched = true;
    w->state.sent += !unsent;
    w->state.lost += lost;
    if (!unsent && !lost)
        g->answered = s->answered = true;
    if (unsent || lost) {
        if (g->answered)
            take_failure(w, r, now, events);
        return true;
    }
    take_answer(w, r, now, events);
    if (r->outcome != OUTCOME_REPLY || r->delays[0] == DELAY_UNDEFINED)
        return true;
    s->last = r->time;
    s->last_ns = r->delays[0];
    add_pairs(u, g, uplink);
    return true;
}

void uplinks_after(struct uplinks *u, uint32_t stream, enum counter what)
{
    const struct uplinks_group *g = group_of(u, stream);
    struct uplinks_stream *s = stream_of(u, stream);
    if (what == COUNTER_LATE)
        window_late(s->window, u->settings.targets[g->target].waiting_ns[g->kind]);
    else
        window_count(s->window, what, 1);
    s->touched = true;
}

void uplinks_interrupted(struct uplinks *u)
{
    for (size_t g = 0; g < u->n_groups; g++)
        for (size_t i = 0; i < u->settings.n; i++)
            window_interrupted(u->groups[g].streams[i].window);
}

void uplinks_busy(struct uplinks *u)
{
    for (size_t g = 0; g < u->n_groups; g++)
        for (size_t i = 0; i < u->settings.n; i++)
            window_busy(u->groups[g].streams[i].window);
}

/* ---- which ones the system's routes use ---- */

static const char *used_names(const struct uplinks *u, unsigned used, char *out,
                              size_t size)
{
    size_t len = 0;
    text_copy(out, size, "none");
    for (size_t i = 0; i < u->settings.n && len < size; i++)
        if ((used >> i & 1) != 0)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? " and " : "",
                                    u->settings.uplinks[i].name);
    return out;
}

void uplinks_route(struct uplinks *u, size_t target, enum family family, unsigned uplinks)
{
    struct uplinks_route *r = &u->routes[target][family_slot(family)];
    r->noted = true;
    r->now = uplinks;
}

/* The uplink that is left and does not answer; NULL: none. */
static const struct uplinks_way *failing(const struct uplinks *u,
                                         const struct uplinks_route *r)
{
    for (size_t i = 0; i < u->settings.n; i++)
        if ((r->used >> i & 1) > (r->now >> i & 1) && u->ways[i].failures > 0)
            return &u->ways[i];
    return NULL;
}

/* Of `n` targets of all that have a route, the first is `target`. */
static void report_routes(const struct uplinks *u, size_t target, size_t slot, size_t n,
                          size_t all, struct wall wall, struct events *events)
{
    const struct uplinks_route *r = &u->routes[target][slot];
    const struct uplinks_way *left = failing(u, r);
    char since[DURATION_TEXT_MAX], unsent[UNSENT_TEXT_MAX], some[64] = "";
    char before[EVENT_WORD_MAX], after[EVENT_WORD_MAX];
    struct event *e = events_add(events, EVENT_UPLINK_USED,
                                 left != NULL ? SEVERITY_WARN : SEVERITY_INFO, wall,
                                 n < all ? &u->settings.targets[target] : NULL);
    e->family = slot == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
    used_names(u, r->used, before, sizeof before);
    used_names(u, r->now, after, sizeof after);
    event_change(e, before, after);
    if (n < all)
        snprintf(some, sizeof some, " to %zu of %zu targets", n, all);
    if (left == NULL) {
        event_say(e, "the system's %s routes%s went from uplink %s to %s",
                  family_name(e->family), some, e->before, e->after);
        return;
    }
    seconds_text(since, wall.ns - left->failed_at.ns);
    event_number(e, ATTR_UPLINK_LOST, (double)left->lost_here);
    event_number(e, ATTR_UPLINK_DURATION, (double)(wall.ns - left->failed_at.ns) / 1e9);
    event_say(e,
              "the system's %s routes%s went from uplink %s to %s, %s after the first "
              "unanswered probe; %llu probes over %s were lost until then%s",
              family_name(e->family), some, e->before, e->after, since,
              (unsigned long long)left->lost_here, left->state.uplink->name,
              unsent_text(unsent, left));
}

static bool is_change(const struct uplinks_route *r)
{
    return r->noted && r->known && r->used != r->now;
}

void uplinks_routed(struct uplinks *u, struct wall wall, struct events *events)
{
    size_t targets = u->settings.n_targets;
    for (size_t slot = 0; slot < 2; slot++) {
        unsigned used = 0;
        size_t all = 0;
        for (size_t t = 0; t < targets; t++)
            all += u->routes[t][slot].noted && u->routes[t][slot].known;
        for (size_t t = 0; t < targets; t++) {
            struct uplinks_route first = u->routes[t][slot];
            size_t n = 0;
            if (!is_change(&first))
                continue;
            for (size_t i = t; i < targets; i++)
                n += is_change(&u->routes[i][slot]) &&
                     u->routes[i][slot].used == first.used &&
                     u->routes[i][slot].now == first.now;
            report_routes(u, t, slot, n, all, wall, events);
            for (size_t i = t; i < targets; i++)
                if (u->routes[i][slot].used == first.used &&
                    u->routes[i][slot].now == first.now)
                    u->routes[i][slot].used = first.now;
        }
        for (size_t t = 0; t < targets; t++) {
            struct uplinks_route *r = &u->routes[t][slot];
            if (r->noted)
                *r = (struct uplinks_route){.known = true, .used = r->now, .now = r->now};
            used |= r->used;
        }
        for (size_t i = 0; i < u->settings.n; i++)
            u->ways[i].state.used[slot] = (used >> i & 1) != 0;
    }
}

/* ---- the end of a window ---- */

static void compare(struct uplinks *u, const struct uplinks_group *g, struct wall wall)
{
    for (size_t i = 1; i < u->settings.n; i++) {
        struct paired_interval interval = paired_interval(&g->streams[i].pairs, wall);
        if (interval.n == 0)
            continue;
        u->differences[u->report.n_differences++] = (struct uplink_difference){
            .target = target_of(u, g->target, i),
            .kind = u->kinds->list[g->kind],
            .family = g->family,
            .uplink = &u->settings.uplinks[i],
            .base = &u->settings.uplinks[0],
            .interval = interval,
        };
    }
}

/* The kinds of a target share its address and PoP. */
static void list_target(struct uplinks *u, size_t target, size_t uplink)
{
    struct uplink_target over = {target_of(u, target, uplink), .pop = {"", ""}};
    for (size_t g = 0; g < u->n_groups; g++) {
        const struct uplinks_group *of = &u->groups[g];
        const struct uplinks_stream *s = &of->streams[uplink];
        size_t slot = family_slot(of->family);
        if (of->target != target || !carries(u, of, uplink))
            continue;
        over.to[slot] = s->to;
        if (s->pop[0] != '\0')
            over.pop[slot] = s->pop;
    }
    for (size_t slot = 0; slot < 2; slot++)
        over.used[slot] = (u->routes[target][slot].used >> uplink & 1) != 0;
    u->over[u->report.n_targets++] = over;
}

const struct uplinks_report *uplinks_close(struct uplinks *u, struct mono now,
                                           struct wall wall)
{
    u->report.n_differences = u->report.n_targets = 0;
    for (size_t g = 0; g < u->n_groups; g++) {
        for (size_t i = 0; i < u->settings.n; i++)
            post(u, g, i, wall, false);
        compare(u, &u->groups[g], wall);
    }
    u->report.series = series_set_close(u->series, now, &u->report.n_series);
    for (size_t t = 0; t < u->settings.n_targets; t++)
        for (size_t i = 0; i < u->settings.n && uplinks_probe(&u->settings.targets[t]);
             i++)
            list_target(u, t, i);
    u->report.targets = u->over;
    u->report.differences = u->differences;
    u->report.n = u->settings.n;
    for (size_t i = 0; i < u->settings.n; i++)
        u->report.states[i] = u->ways[i].state;
    return &u->report;
}
