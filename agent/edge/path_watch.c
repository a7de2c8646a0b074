#include "edge/path_watch.h"

#include "base/mem.h"
#include "core/event_names.h"
#include "edge/path_watch_state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A failover that was seen of several paths within this time is one. */
#define FAILOVER_NS (600 * NS_PER_S)

/* A trace and the lookup of its names take at most so long: a router in it was seen up to
 * so much before it ended. */
#define TRACE_NS (10 * NS_PER_S)

/* Where no trace shows when the entry moved, gaps of at most so long before count. */
#define GAP_NS (300 * NS_PER_S)

struct path_news { /* one trace */
    struct path_watch *watch;
    struct watched_path *of;
    const struct path_sample *sample;
    struct wall now;
    struct events *events;
};

struct path_watch *path_watch_create(const struct site *site)
{
    struct path_watch *w = mem_zalloc(sizeof *w);
    w->site = site;
    return w;
}

static void forget_path(struct watched_path *x)
{
    for (size_t a = 0; a < PATH_ASPECTS; a++)
        regime_free(&x->aspects[a]);
    free(x->dampings);
    free(x->trial);
    *x = (struct watched_path){
        .target = x->target, .family = x->family, .before_ns = DELAY_UNDEFINED};
}

void path_watch_destroy(struct path_watch *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->n; i++) {
        forget_path(w->all[i]);
        free(w->all[i]);
    }
    free(w->all);
    free(w->states);
    free(w);
}

struct watched_path *watched_path_of(struct path_watch *w, const struct target *target,
                                     enum family family)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->all[i]->target == target && w->all[i]->family == family)
            return w->all[i];
    w->all = mem_grow(w->all, &w->room, w->n + 1, sizeof *w->all);
    struct watched_path *x = w->all[w->n++] = mem_zalloc(sizeof *x);
    x->target = target;
    x->family = family;
    x->before_ns = DELAY_UNDEFINED;
    return x;
}

/* ---- probes without an answer ---- */

void path_watch_result(struct path_watch *w, const struct target *target,
                       enum family family, struct wall sent, bool answered)
{
    struct watched_path *x = watched_path_of(w, target, family);
    struct path_gap *g = &x->gap;
    if (!answered) {
        g->lost = sent;
        return;
    }
    bool ends =
        g->answered.ns != 0 && g->lost.ns > g->answered.ns && sent.ns > g->lost.ns;
    bool after = x->move.moved && g->answered.ns > x->move.to.ns;
    if (ends && !after && g->answered.ns != g->reported.ns &&
        sent.ns - g->answered.ns > g->to.ns - g->from.ns) {
        g->from = g->answered;
        g->to = sent;
    }
    if (sent.ns > g->answered.ns)
        g->answered = sent;
}

/*
 * An observation that began at `began` and ended at `now` shows the place where traffic
 * entered until now, or another one.
 */
static void note_place(struct watched_path *x, bool same, struct wall began,
                       struct wall now)
{
    struct path_move *m = &x->move;
    if (!same && !m->moved)
        m->to = now;
    else if (same)
        m->seen = began;
    m->moved = !same;
}

/* The place where traffic enters is certain: an earlier gap belongs to no later change. */
static void forget_gap(struct watched_path *x)
{
    x->move.from = x->move.seen;
    if (x->gap.to.ns < x->move.from.ns)
        x->gap.from = x->gap.to = (struct wall){0};
}

/* How long the target did not answer next to the move. */
static int64_t unanswered(const struct watched_path *x, struct wall now)
{
    const struct path_gap *g = &x->gap;
    const struct path_move *m = &x->move;
    int64_t from_ns = m->from.ns > m->to.ns - GAP_NS ? m->from.ns : m->to.ns - GAP_NS;
    int64_t longest_ns = 0;
    if (g->to.ns >= from_ns && g->from.ns <= m->to.ns)
        longest_ns = g->to.ns - g->from.ns;
    if (g->answered.ns != 0 && g->lost.ns > g->answered.ns &&
        g->answered.ns <= m->to.ns && g->answered.ns != g->reported.ns &&
        now.ns - g->answered.ns > longest_ns)
        longest_ns = now.ns - g->answered.ns;
    return longest_ns;
}

/* The move is reported with its gap; a gap that has not ended is part of it. */
static void end_move(struct watched_path *x, struct wall began)
{
    struct path_gap *g = &x->gap;
    if (g->lost.ns > g->answered.ns)
        g->reported = g->answered;
    g->from = g->to = (struct wall){0};
    x->move = (struct path_move){.seen = began, .from = began};
}

/* ---- events ---- */

#define PLACE_MAX 80

/* "London (LON)", or "XQZ" when the metro is unknown. */
static const char *place(char out[PLACE_MAX], const struct site *site, const char *code)
{
    const struct metro *m = catalogue_of_pop(site->metros, code, POP_BACKBONE);
    if (m != NULL)
        snprintf(out, PLACE_MAX, "%s (%s)", m->city, code);
    else
        text_copy(out, PLACE_MAX, code);
    return out;
}

static struct path_dampings *dampings_of(struct watched_path *x)
{
    if (x->dampings == NULL)
        x->dampings = mem_zalloc(sizeof *x->dampings);
    return x->dampings;
}

static struct event *add_event(const struct path_news *p, const char *name,
                               enum severity severity, const char *before,
                               const char *after)
{
    struct event *e = events_add(p->events, name, severity, p->now, p->of->target);
    e->family = p->of->family;
    event_change(e, before, after);
    return e;
}

static double seconds(int64_t ns)
{
    return ns == DELAY_UNDEFINED ? NAN : (double)ns / 1e9;
}

static void fact_delays(struct event *e, int64_t before_ns, int64_t after_ns)
{
    event_number(e, ATTR_PATH_DELAY_BEFORE, seconds(before_ns));
    event_number(e, ATTR_PATH_DELAY_AFTER, seconds(after_ns));
}

static void fact_city(const struct path_news *p, struct event *e, const char *name,
                      const char *code)
{
    const struct metro *m = catalogue_of_pop(p->watch->site->metros, code, POP_BACKBONE);
    if (m != NULL)
        event_text(e, name, m->city);
}

/* "; delay 12.1 ms, before 8.0 ms", as far as they are known */
static const char *delays_text(char out[64], int64_t before_ns, int64_t after_ns)
{
    out[0] = '\0';
    if (before_ns != DELAY_UNDEFINED && after_ns != DELAY_UNDEFINED)
        snprintf(out, 64, "; delay %.1f ms, before %.1f ms", ms(after_ns), ms(before_ns));
    return out;
}

static enum severity severity_of(int64_t before_ns, int64_t after_ns)
{
    double limit_ns = PATH_SLOWER_RATIO * (double)before_ns;
    if (before_ns == DELAY_UNDEFINED || after_ns == DELAY_UNDEFINED)
        return SEVERITY_INFO;
    limit_ns = limit_ns > PATH_SLOWER_NS ? limit_ns : PATH_SLOWER_NS;
    return (double)(after_ns - before_ns) > limit_ns ? SEVERITY_WARN : SEVERITY_INFO;
}

static void report_entry(const struct path_news *p, const char *before, bool unstable)
{
    char from[PLACE_MAX], to[PLACE_MAX], delays[64];
    const struct site *site = p->watch->site;
    const struct regime *r = &p->of->aspects[PATH_ENTRY];
    int64_t after_ns = path_delays_total(&p->of->steady);
    struct event *e =
        add_event(p, EVENT_PATH_ENTRY, severity_of(p->of->before_ns, after_ns), before,
                  regime_current(r));
    e->calls_survey = p->of->target->uplink == NULL;
    fact_city(p, e, ATTR_METRO_BEFORE, before);
    fact_city(p, e, ATTR_METRO_AFTER, regime_current(r));
    e->since = r->since;
    fact_delays(e, p->of->before_ns, after_ns);
    event_say(e, "traffic enters Microsoft's network at %s, before at %s%s%s",
              place(to, site, regime_current(r)), place(from, site, before),
              delays_text(delays, p->of->before_ns, after_ns),
              unstable ? "; it keeps changing: further changes are not reported until "
                         "it has been stable for an hour"
                       : "");
}

static void report_provider(const struct path_news *p, enum aspect aspect,
                            const char *before, bool unstable)
{
    char delays[64];
    const struct regime *r = &p->of->aspects[aspect];
    int64_t after_ns = path_delays_total(&p->of->steady);
    struct event *e =
        add_event(p, EVENT_PATH_PROVIDER, severity_of(p->of->before_ns, after_ns), before,
                  regime_current(r));
    event_text(e, ATTR_PATH_PROVIDER, regime_current(r));
    event_text(e, ATTR_VERDICT_BASIS,
               aspect == PATH_AS_PATH ? "AS path" : "router names");
    e->since = r->since;
    fact_delays(e, p->of->before_ns, after_ns);
    event_say(e, "the path goes through %s, before through %s%s%s", regime_current(r),
              before, delays_text(delays, p->of->before_ns, after_ns),
              unstable ? "; it keeps changing: further changes are not reported until "
                         "it has been stable for an hour"
                       : "");
}

/* The last hop that answered; the path's n: none. */
static size_t last_answer(const struct path_sample *s)
{
    for (size_t i = s->n; i-- > 0;)
        if (s->hops[i].address.family != FAMILY_NONE)
            return i;
    return s->n;
}

static void report_reach(const struct path_news *p, const char *before)
{
    char address[ADDRESS_TEXT_MAX], word[PATH_WORD_MAX];
    const struct path_sample *s = p->sample;
    const struct regime *r = &p->of->aspects[PATH_REACH];
    bool reached = s->end == PATH_REACHED;
    size_t last = last_answer(s);
    snprintf(word, sizeof word, "%.*s", (int)strcspn(before, " "), before);
    struct event *e =
        add_event(p, EVENT_PATH_INTERRUPTED, reached ? SEVERITY_INFO : SEVERITY_WARN,
                  word, path_end_name(s->end));
    e->since = r->since;
    if (reached) {
        event_say(e, "the path reaches the target again");
        return;
    }
    event_text(e, ATTR_PATH_SEGMENT,
               segment_name(last < s->n ? s->hops[last].segment : SEGMENT_UNKNOWN));
    if (last == s->n) {
        event_say(e, "no hop of the path answers any more");
        return;
    }
    event_number(e, ATTR_PATH_HOP, (double)(last + 1));
    event_text(e, ATTR_PEER_ADDRESS, endpoint_address(address, &s->hops[last].address));
    event_say(e,
              s->end == PATH_UNREACHABLE
                  ? "the path ends in the segment %s: hop %zu (%s) reports the target as "
                    "unreachable"
              : s->end == PATH_LOOP
                  ? "the path ends in the segment %s: it is a routing loop at hop %zu "
                    "(%s)"
                  : "the path ends in the segment %s: nothing answers behind hop %zu "
                    "(%s), nor does the target answer probes",
              segment_name(s->hops[last].segment), last + 1, address);
}

/* Of AS hops, "2 bgp", or "2" of an agent that did not note the source. */
static uint8_t number_of(const char *hops)
{
    char number[8];
    int64_t n = 0;
    text_copy(number, strcspn(hops, " ") < sizeof number ? strcspn(hops, " ") + 1 : 1,
              hops);
    text_to_integer(number, 0, UINT8_MAX, &n);
    return (uint8_t)n;
}

static bool is_by_bgp(const char *hops)
{
    return strstr(hops, as_hops_source_name(AS_HOPS_BY_BGP)) != NULL;
}

static const char *basis_of(const char *hops)
{
    return is_by_bgp(hops) ? "the BGP table of the router" : "the AS of each hop";
}

/* The begin or end of a BMP session changes the source. */
static void report_long(const struct path_news *p, const char *before)
{
    const struct regime *r = &p->of->aspects[PATH_AS_HOPS];
    const char *now = regime_current(r);
    bool is_long = number_of(now) != 1;
    bool other_basis = *before != '\0' && is_by_bgp(before) != is_by_bgp(now);
    struct event *e =
        add_event(p, EVENT_PATH_LONG, is_long ? SEVERITY_WARN : SEVERITY_INFO,
                  *before == '\0'          ? ""
                  : number_of(before) == 1 ? "direct"
                                           : "long",
                  is_long ? "long" : "direct");
    event_number(e, ATTR_PATH_AS_HOPS, number_of(now));
    event_text(e, ATTR_VERDICT_BASIS, is_by_bgp(now) ? "BGP table" : "AS of hops");
    e->since = r->since;
    event_say(e, "Microsoft's network is %u AS hop%s away%s, by %s%s%s%s", number_of(now),
              is_long ? "s" : "", is_long ? "" : " again", basis_of(now),
              other_basis ? "; until then by " : "", other_basis ? basis_of(before) : "",
              other_basis ? ", which may count differently"
              : is_long ? "; with Peering Service it is one: another network is between "
                          "the provider and Microsoft"
                        : "");
}

/* ---- the roles of locations ---- */

static const char *location_text(enum role role)
{
    return role == ROLE_PRIMARY   ? "the primary location"
           : role == ROLE_BACKUP  ? "the backup location"
           : role == ROLE_NEITHER ? "neither location"
                                  : "an unknown location";
}

static void note_failover(const struct path_news *p, enum role to, const char *metro,
                          struct wall since)
{
    struct path_failover *f = &p->watch->failover;
    bool by_entry = p->of->role.by_entry;
    enum role from = p->of->role.by[by_entry].role;
    bool same = f->paths > 0 && f->from == from && f->to == to &&
                f->by_entry == by_entry && p->now.ns - f->since.ns <= FAILOVER_NS;
    int64_t unanswered_ns = unanswered(p->of, p->now);
    if (same)
        f->paths++;
    else
        *f = (struct path_failover){.from = from,
                                    .to = to,
                                    .by_entry = by_entry,
                                    .since = since,
                                    .paths = 1,
                                    .unanswered_ns = -1};
    f->since = since.ns < f->since.ns ? since : f->since;
    if (unanswered_ns <= f->unanswered_ns)
        return;
    f->unanswered_ns = unanswered_ns;
    f->before_ns = by_entry ? p->of->before_ns : DELAY_UNDEFINED;
    f->after_ns = path_delays_total(&p->of->steady);
    f->target = p->of->target;
    text_copy(f->before, sizeof f->before, p->of->role.by[by_entry].metro);
    text_copy(f->after, sizeof f->after, metro);
}

static void report_role(const struct path_news *p, enum role role, const char *metro,
                        struct wall since)
{
    char at[PLACE_MAX], delays[64] = "", gap[48] = "";
    const struct peering *peering = &p->watch->site->peering;
    bool by_entry = p->of->role.by_entry;
    enum role was = p->of->role.by[by_entry].role;
    int64_t before_ns = by_entry ? p->of->before_ns : DELAY_UNDEFINED;
    int64_t after_ns = path_delays_total(&p->of->steady);
    int64_t unanswered_ns = unanswered(p->of, p->now);
    bool calm = role == ROLE_PRIMARY || !by_entry, first = was == ROLE_NONE;
    struct event *e =
        add_event(p, EVENT_EDGE_FAILOVER, calm ? SEVERITY_INFO : SEVERITY_WARN,
                  role_name(first ? ROLE_UNKNOWN : was), role_name(role));
    e->calls_survey = true;
    event_text(e, ATTR_PEERING_CONNECTION, peering->connection);
    event_text(e, ATTR_PEERING_PROVIDER, peering->provider);
    event_text(e, ATTR_VERDICT_BASIS, by_entry ? "entry" : "serving PoP");
    fact_city(p, e, ATTR_METRO_BEFORE, p->of->role.by[by_entry].metro);
    fact_city(p, e, ATTR_METRO_AFTER, metro);
    e->since = since;
    fact_delays(e, before_ns, after_ns);
    if (!first)
        event_number(e, ATTR_UNANSWERED, seconds(unanswered_ns));
    if (!first && unanswered_ns > 0)
        snprintf(gap, sizeof gap, "; no answer for %.0f s", seconds(unanswered_ns));
    event_say(e, "%s %s, %s of connection %s%s%s%s%s",
              by_entry ? "traffic enters Microsoft's network at"
                       : "the entry is hidden, and the serving PoP is in",
              place(at, p->watch->site, metro), location_text(role), peering->connection,
              first ? "" : ", before at ", first ? "" : location_text(was), gap,
              delays_text(delays, before_ns, after_ns));
}

/* `changed`: the value has changed, or is the first one; else it may alternate. */
static void check_role(const struct path_news *p, const char *metro, enum pop_family of,
                       bool by_entry, bool changed, struct wall since)
{
    struct entry_role *r = &p->of->role;
    const struct site *site = p->watch->site;
    enum role role = site_role(site, catalogue_of_pop(site->metros, metro, of));
    if (role == ROLE_NONE || role == ROLE_UNKNOWN || p->of->target->uplink != NULL)
        return;
    if (r->by_entry && !by_entry) /* the serving PoP is elsewhere by its nature */
        r->by[0].role = ROLE_NONE;
    bool first = r->by[by_entry].role == ROLE_NONE;
    bool news = first ? role != ROLE_PRIMARY && r->by[!by_entry].role == ROLE_NONE
                      : changed && role != r->by[by_entry].role;
    r->by_entry = by_entry;
    if (news) {
        if (!first)
            note_failover(p, role, metro, since);
        if (damping_change(&dampings_of(p->of)->role, p->now.ns) != DAMPING_SUPPRESS)
            report_role(p, role, metro, since);
    }
    r->by[by_entry].role = role;
    text_copy(r->by[by_entry].metro, sizeof r->by[by_entry].metro, metro);
}

/* ---- one trace ---- */

/* Adds to an aspect. True: a further trace soon would tell more. */
static bool observe(const struct path_news *p, enum aspect aspect, const char *value,
                    bool *changed, char before[PATH_WORD_MAX])
{
    enum regime_news news = regime_add(&p->of->aspects[aspect], value, p->now, before);
    *changed = news == REGIME_CHANGED;
    return news == REGIME_SUSPECT;
}

/* Returns whether to report it; `*unstable`: as one that keeps changing. */
static bool undamped(const struct path_news *p, enum aspect aspect, bool *unstable)
{
    enum damping_action action =
        damping_change(&dampings_of(p->of)->aspects[aspect], p->now.ns);
    *unstable = action == DAMPING_REPORT_UNSTABLE;
    return action != DAMPING_SUPPRESS;
}

static void drop_trial(struct watched_path *x)
{
    free(x->trial);
    x->trial = NULL;
}

/* The trace shows the current path, another one, or nothing of the kind. */
static void add_delays(const struct path_news *p, const char *entry, const char *provider)
{
    struct watched_path *x = p->of;
    const char *entry_now = regime_current(&x->aspects[PATH_ENTRY]);
    const char *provider_now = regime_current(&x->aspects[PATH_PROVIDER]);
    bool other =
        (*entry != '\0' && *entry_now != '\0' && strcmp(entry, entry_now) != 0) ||
        (*provider != '\0' && *provider_now != '\0' &&
         strcmp(provider, provider_now) != 0);
    if (!other)
        drop_trial(x);
    else if (x->trial == NULL)
        x->trial = mem_zalloc(sizeof *x->trial);
    path_delays_add(other ? x->trial : &x->steady, p->sample);
}

/* The path has changed: what was tried is the path now. */
static void accept_trial(struct watched_path *x)
{
    if (x->trial == NULL) /* both changed with this trace */
        return;
    x->before_ns = path_delays_total(&x->steady);
    x->steady = *x->trial;
    drop_trial(x);
}

static bool check_entry(const struct path_news *p, const char *entry)
{
    char before[PATH_WORD_MAX];
    bool changed, unstable;
    struct watched_path *x = p->of;
    x->hidden = *entry != '\0' ? 0 : x->hidden + 1;
    if (*entry == '\0') /* no evidence; another trace may have some */
        return regime_suspects(&x->aspects[PATH_ENTRY]);
    if (x->target->uplink == NULL)
        path_routers_add(&p->watch->routers, p->sample, p->now);
    const struct regime *r = &x->aspects[PATH_ENTRY];
    struct wall began = {p->now.ns - TRACE_NS};
    note_place(x, strcmp(entry, regime_current(r)) == 0, began, p->now);
    bool suspect = observe(p, PATH_ENTRY, entry, &changed, before);
    if (!changed && r->candidate == 0)
        forget_gap(x);
    if (changed) {
        accept_trial(x);
        if (undamped(p, PATH_ENTRY, &unstable))
            report_entry(p, before, unstable);
    }
    if (r->learned)
        check_role(p, regime_current(r), POP_BACKBONE, true, changed,
                   changed ? r->since : p->now);
    if (changed)
        end_move(x, began);
    return suspect;
}

/* By the AS path where it is known, else by names. */
static bool check_provider(const struct path_news *p, const char *provider)
{
    char list[PATH_WORD_MAX], before[PATH_WORD_MAX];
    bool changed, unstable, suspect = false;
    struct watched_path *x = p->of;
    path_as_list(p->sample, list);
    if (*provider != '\0') {
        suspect = observe(p, PATH_PROVIDER, provider, &changed, before);
        if (changed) {
            accept_trial(x);
            if (x->aspects[PATH_AS_PATH].n == 0 && undamped(p, PATH_PROVIDER, &unstable))
                report_provider(p, PATH_PROVIDER, before, unstable);
        }
    }
    if (*list != '\0') {
        suspect |= observe(p, PATH_AS_PATH, list, &changed, before);
        if (changed && undamped(p, PATH_AS_PATH, &unstable))
            report_provider(p, PATH_AS_PATH, before, unstable);
    }
    return suspect;
}

static bool check_as_hops(const struct path_news *p)
{
    char text[16], before[PATH_WORD_MAX];
    bool changed, unstable;
    enum as_hops_source by;
    uint8_t hops = path_as_hops(p->sample, &by);
    const struct regime *r = &p->of->aspects[PATH_AS_HOPS];
    if (hops == 0)
        return false;
    snprintf(text, sizeof text, "%u %s", hops, as_hops_source_name(by));
    bool suspect = observe(p, PATH_AS_HOPS, text, &changed, before);
    bool one = number_of(regime_current(r)) == 1;
    bool told = p->of->target->uplink == NULL; /* it may have no such connection */
    if (told && changed && (number_of(before) == 1) != one &&
        undamped(p, PATH_AS_HOPS, &unstable))
        report_long(p, before);
    else if (told && !changed && !one && r->learned && p->of->state.as_hops == 0)
        report_long(p, ""); /* from the start */
    if (r->learned) {
        p->of->state.as_hops = number_of(regime_current(r));
        p->of->state.as_hops_source =
            is_by_bgp(regime_current(r)) ? AS_HOPS_BY_BGP : AS_HOPS_BY_TRACE;
    }
    return suspect;
}

static bool check_reach(const struct path_news *p)
{
    char value[PATH_WORD_MAX], before[PATH_WORD_MAX];
    bool changed, unstable;
    const struct path_sample *s = p->sample;
    size_t last = last_answer(s);
    const struct path_gap *g = &p->of->gap;
    bool reached = s->end == PATH_REACHED;
    bool was = strncmp(regime_current(&p->of->aspects[PATH_REACH]), "reached", 7) == 0;
    if (!reached && g->answered.ns != 0 && p->now.ns - g->answered.ns < PATH_ANSWERED_NS)
        return false;
    snprintf(value, sizeof value, "%s%s%s", path_end_name(s->end), reached ? "" : " ",
             reached       ? ""
             : last < s->n ? segment_name(s->hops[last].segment)
                           : "unknown");
    bool suspect = observe(p, PATH_REACH, value, &changed, before);
    if (changed && was != reached && undamped(p, PATH_REACH, &unstable))
        report_reach(p, before);
    return suspect;
}

static void update_state(const struct path_news *p, const char *entry)
{
    struct watched_path *x = p->of;
    struct path_state *state = &x->state;
    const struct path_sample *s = p->sample;
    state->target = x->target;
    state->family = x->family;
    state->traced = p->now;
    state->traces = x->traces;
    state->hops = s->end == PATH_REACHED ? (uint8_t)s->n : 0;
    if (*entry != '\0' || x->hidden >= PATH_HIDDEN_TRACES)
        state->entry_state = s->entry;
    if (state->entry_state == ENTRY_FOUND)
        text_copy(state->entry, sizeof state->entry,
                  regime_current(&x->aspects[PATH_ENTRY]));
    else
        state->entry[0] = '\0';
    enum role role = x->role.by[x->role.by_entry].role;
    bool none = p->watch->site->peering.connection[0] == '\0';
    state->role = none || x->target->uplink != NULL ? ""
                  : role == ROLE_NONE               ? role_name(ROLE_UNKNOWN)
                                                    : role_name(role);
    state->role_by_entry = x->role.by_entry;
    text_copy(
        state->provider, sizeof state->provider,
        regime_current(
            &x->aspects[x->aspects[PATH_AS_PATH].n > 0 ? PATH_AS_PATH : PATH_PROVIDER]));
    path_delays_segments(&x->steady, state->segment_ns);
}

bool path_watch_add(struct path_watch *w, const struct target *target, enum family family,
                    const struct path_sample *s, struct wall now, struct events *events)
{
    char provider[PATH_WORD_MAX];
    struct watched_path *x = watched_path_of(w, target, family);
    struct path_news p = {.watch = w, .of = x, .sample = s, .now = now, .events = events};
    const char *entry = path_entry(s);
    if (!path_provider(s, provider))
        provider[0] = '\0';
    x->traces++;
    add_delays(&p, entry, provider);
    bool suspect = check_entry(&p, entry);
    suspect |= check_provider(&p, provider);
    suspect |= check_as_hops(&p);
    suspect |= check_reach(&p);
    update_state(&p, entry);
    for (size_t i = 0; x->dampings != NULL && i < PATH_ASPECTS; i++)
        damping_settled(&x->dampings->aspects[i], now.ns);
    if (x->dampings != NULL)
        damping_settled(&x->dampings->role, now.ns);
    bool learning = x->traces < PATH_LEARN_TRACES || (x->traces < 2 * PATH_LEARN_TRACES &&
                                                      !x->aspects[PATH_ENTRY].learned);
    return suspect || learning;
}

/* ---- windows ---- */

/* `began`: the window's start. */
static void check_serving(const struct path_news *p, const struct target_address_state *a,
                          struct wall began)
{
    struct entry_role *r = &p->of->role;
    const struct site *site = p->watch->site;
    struct standing s = site_standing(site, a->pop, a->basis);
    if (p->of->hidden < PATH_HIDDEN_TRACES || !a->answers || s.role == ROLE_NONE ||
        s.role == ROLE_UNKNOWN) {
        r->windows = 0;
        return;
    }
    r->windows = s.role == r->seen ? r->windows + 1 : 1;
    r->seen = s.role;
    enum role before = r->by[0].role;
    note_place(p->of, s.role == before, began, p->now);
    if (s.role == before)
        forget_gap(p->of);
    if (r->windows < PATH_SERVING_HELD)
        return;
    check_role(p, a->pop, pop_family_of(a->basis), false, true, p->now);
    if (s.role != before)
        end_move(p->of, began);
}

void path_watch_window(struct path_watch *w, const struct target_state *states, size_t n,
                       struct wall now, struct events *events)
{
    for (size_t i = 0; i < w->n; i++) {
        struct path_news p = {.watch = w, .of = w->all[i], .now = now, .events = events};
        for (size_t t = 0; t < n; t++)
            if (states[t].target == p.of->target)
                check_serving(&p, &states[t].addresses[family_slot(p.of->family)],
                              w->window);
    }
    w->window = now;
}

void path_watch_moved(struct path_watch *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct watched_path *x = w->all[i];
        if (x->target->uplink != NULL)
            continue;
        forget_path(x);
    }
    w->routers = (struct path_routers){.n = 0};
}

/* ---- queries ---- */

size_t path_watch_states(const struct path_watch *w, const struct path_state *const **out)
{
    struct path_watch *own = (struct path_watch *)w; /* only its list of states */
    size_t n = 0;
    own->states = mem_grow(own->states, &own->states_room, w->n, sizeof *own->states);
    for (size_t i = 0; i < w->n; i++)
        if (w->all[i]->state.traced.ns != 0)
            own->states[n++] = &w->all[i]->state;
    *out = w->states;
    return n;
}

const struct path_failover *path_watch_failover(const struct path_watch *w)
{
    return w->failover.paths > 0 ? &w->failover : NULL;
}

const struct path_routers *path_watch_routers(const struct path_watch *w)
{
    return &w->routers;
}
