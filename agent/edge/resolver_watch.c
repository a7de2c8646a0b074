#include "edge/resolver_watch.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/event_names.h"
#include "edge/agreement.h"
#include "edge/owners.h"
#include "edge/pop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLACES_MAX = WATCH_HOSTS_MAX * DNS_SERVERS_MAX,
    KNOWN_MAX = 64,
    NO_PLACE = PLACES_MAX,
    NAME_MAX_LEN = DNS_SERVER_TEXT_MAX
};

struct place { /* an address that a server names for a host */
    size_t host;
    struct endpoint to;
    const struct metro *metro;
    bool current; /* named in this round */
    bool tried;   /* handshakes are made with it */
    bool edge;    /* it may be Microsoft's */
    struct delay_ring delays;
};

struct known_place {
    struct endpoint to;
    const struct metro *metro;
};

struct compared { /* a server */
    struct watched_server is;
    char name[NAME_MAX_LEN];
    bool silent;                /* in this round */
    size_t at[WATCH_HOSTS_MAX]; /* its places, or NO_PLACE */
    unsigned farther, over;     /* rounds in a row */
    bool open;                  /* the finding */
};

enum phase { PHASE_REST, PHASE_ASK, PHASE_TRY };

struct resolver_watch {
    const struct edge_data *edge_data;
    const struct target *hosts[WATCH_HOSTS_MAX];
    enum family families[WATCH_HOSTS_MAX];
    size_t n_hosts;
    struct compared servers[DNS_SERVERS_MAX];
    size_t n_servers;
    struct place places[PLACES_MAX];
    size_t n_places;
    struct known_place known[KNOWN_MAX];
    size_t n_known;
    enum phase phase;
    size_t step; /* of the phase */
    bool under_way, paused;
    struct mono at; /* of the next step or round */
};

/* ---- what is compared ---- */

static bool is_service(const struct target *t, const struct kinds *kinds)
{
    struct endpoint e;
    return !t->proxied && target_measures(t, kinds, DELAY_HANDSHAKE) &&
           !endpoint_parse(&e, t->host, 0);
}

static void choose_hosts(struct resolver_watch *w, const struct config *config,
                         const struct kinds *kinds)
{
    for (size_t i = 0; i < config->n_targets && w->n_hosts < WATCH_HOSTS_MAX; i++) {
        const struct target *t = &config->targets[i];
        bool again = !is_service(t, kinds);
        for (size_t h = 0; h < w->n_hosts; h++)
            again |= target_same_host(w->hosts[h], t);
        if (again)
            continue;
        w->families[w->n_hosts] = t->ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
        w->hosts[w->n_hosts++] = t;
    }
}

void resolver_watch_window(struct resolver_watch *w, const struct target_state *states,
                           size_t n)
{
    w->n_known = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t h = 0; h < w->n_hosts; h++) {
            bool ipv4 = states[i].addresses[SLOT_IPV4].answers;
            if (states[i].target == w->hosts[h] &&
                (ipv4 || states[i].addresses[SLOT_IPV6].answers))
                w->families[h] = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
        }
        for (size_t f = 0; f < 2 && w->n_known < KNOWN_MAX; f++) {
            const struct target_address_state *a = &states[i].addresses[f];
            const struct metro *m =
                catalogue_of_pop(&w->edge_data->metros, a->pop, pop_family_of(a->basis));
            if (m != NULL && a->to.family != FAMILY_NONE)
                w->known[w->n_known++] = (struct known_place){a->to, m};
        }
    }
}

/* ---- rounds ---- */

static bool can_compare(const struct resolver_watch *w)
{
    return w->n_servers > 1 && w->n_hosts > 0;
}

/* Drops the round under way. */
static void rest(struct resolver_watch *w, struct mono now, int64_t in_ns)
{
    w->phase = PHASE_REST;
    w->step = 0;
    w->under_way = false;
    w->at.ns = now.ns + in_ns;
}

static void begin_round(struct resolver_watch *w)
{
    w->phase = PHASE_ASK;
    w->step = 0;
    for (size_t p = 0; p < w->n_places; p++)
        w->places[p].current = w->places[p].tried = false;
    for (size_t s = 0; s < w->n_servers; s++) {
        w->servers[s].silent = false;
        for (size_t h = 0; h < WATCH_HOSTS_MAX; h++)
            w->servers[s].at[h] = NO_PLACE;
    }
}

/* ---- answers ---- */

static const struct metro *metro_of(const struct resolver_watch *w, const char *host,
                                    const struct resolution *r, const struct endpoint *to)
{
    struct pop pop, last;
    char text[POP_TEXT_MAX];
    bool found = pop_from_cname(&last, host);
    for (size_t i = 0; i < r->n_cnames; i++)
        if (pop_from_cname(&pop, r->cnames[i])) {
            last = pop;
            found = true;
        }
    for (size_t i = 0; !found && i < w->n_known; i++)
        if (endpoint_same_address(&w->known[i].to, to))
            return w->known[i].metro;
    return found ? catalogue_of_pop(&w->edge_data->metros, pop_text(text, &last),
                                    POP_FRONT_DOOR)
                 : NULL;
}

static size_t find_place(const struct resolver_watch *w, size_t host,
                         const struct endpoint *to)
{
    for (size_t p = 0; p < w->n_places; p++)
        if (w->places[p].host == host && endpoint_same_address(&w->places[p].to, to))
            return p;
    return NO_PLACE;
}

/* One that a server named before, so that round robin is no difference; first one of this
 * round. */
static struct endpoint choose(const struct resolver_watch *w, size_t host,
                              const struct resolution *r)
{
    struct endpoint all[RESOLUTION_ADDRESSES_MAX], none = {.family = FAMILY_NONE};
    size_t n =
        resolution_addresses(r, w->hosts[host]->host, all, RESOLUTION_ADDRESSES_MAX);
    for (int old = 0; old <= 1; old++)
        for (size_t i = 0; i < n; i++) {
            size_t p = find_place(w, host, &all[i]);
            if (p != NO_PLACE && (old || w->places[p].current))
                return all[i];
        }
    return n > 0 ? all[0] : none;
}

static size_t new_place(struct resolver_watch *w)
{
    for (size_t p = 0; p < w->n_places; p++)
        if (!w->places[p].current)
            return p;
    return w->n_places++; /* each server has at most one of each host */
}

static size_t take_place(struct resolver_watch *w, size_t host,
                         const struct resolution *r)
{
    const char *name = w->hosts[host]->host;
    struct endpoint to = choose(w, host, r);
    if (to.family == FAMILY_NONE)
        return NO_PLACE;
    size_t p = find_place(w, host, &to);
    if (p == NO_PLACE) {
        p = new_place(w);
        w->places[p] = (struct place){.host = host, .to = to};
    }
    struct place *is = &w->places[p];
    struct owner_clues clues = {.name = r->last[0] != '\0' ? r->last : name, .to = to};
    struct owner owner =
        owners_judge(&w->edge_data->suffixes, &w->edge_data->prefixes, &clues);
    is->edge = owner_may_be_pop(owner.type);
    is->metro = metro_of(w, name, r, &to);
    is->current = true;
    return p;
}

static void step_done(struct resolver_watch *w, struct mono now)
{
    w->under_way = false;
    w->step++;
    w->at.ns = now.ns + WATCH_GAP_NS;
}

void resolver_watch_answer(struct resolver_watch *w, const struct resolution *r,
                           struct mono now)
{
    struct compared *s = &w->servers[w->step % w->n_servers];
    size_t host = w->step / w->n_servers;
    if (r != NULL)
        s->at[host] = take_place(w, host, r);
    else
        s->silent = true;
    step_done(w, now);
}

void resolver_watch_handshake(struct resolver_watch *w, int64_t rtt_ns, struct mono now,
                              struct wall sent)
{
    struct place *p = &w->places[w->step % w->n_places];
    if (rtt_ns != DELAY_UNDEFINED)
        delay_ring_add(&p->delays, sent, rtt_ns);
    step_done(w, now);
}

/* ---- the judgement ---- */

static void answers_of(const struct resolver_watch *w, size_t host,
                       struct agreement_answer out[DNS_SERVERS_MAX])
{
    for (size_t s = 0; s < w->n_servers; s++) {
        size_t p = w->servers[s].at[host];
        out[s] = (struct agreement_answer){.resolver = w->servers[s].name};
        if (p == NO_PLACE)
            continue;
        out[s].to = w->places[p].to;
        out[s].metro = w->places[p].metro;
        out[s].handshakes = w->places[p].edge ? &w->places[p].delays : NULL;
    }
}

/* Whether the servers lead the host to different places. */
static bool differs(const struct resolver_watch *w, size_t host, struct wall wall)
{
    struct agreement_answer answers[DNS_SERVERS_MAX];
    answers_of(w, host, answers);
    for (size_t s = 0; s < w->n_servers; s++) {
        enum agreement_verdict v =
            agreement_judge(answers, w->n_servers, s, wall).verdict;
        if (v != AGREEMENT_SAME && v != AGREEMENT_CANNOT_TELL)
            return true;
    }
    return false;
}

static struct event *add_event(const struct compared *s, enum severity severity,
                               const char *after, struct wall wall, struct events *events)
{
    struct event *e =
        events_add(events, EVENT_RESOLVER_FARTHER, severity, wall, s->is.target);
    event_change(e, severity == SEVERITY_WARN ? "agrees" : "farther", after);
    event_text(e, ATTR_DNS_SERVERS, s->name);
    return e;
}

static void close_finding(struct compared *s, const char *why, struct wall wall,
                          struct events *events)
{
    if (s->open)
        event_say(add_event(s, SEVERITY_INFO, "agrees", wall, events), "resolver %s %s",
                  s->name, why);
    s->open = false;
    s->farther = s->over = 0;
}

static void open_finding(const struct resolver_watch *w, struct compared *s, size_t host,
                         const struct agreement *a, const struct agreement_answer *own,
                         struct wall wall, struct events *events)
{
    struct text words = {0};
    char address[ADDRESS_TEXT_MAX];
    struct event *e = add_event(s, SEVERITY_WARN, "farther", wall, events);
    agreement_text(&words, a, own, w->hosts[host]->name);
    event_say(e, "%s", text_string(&words));
    text_free(&words);
    event_number(e, ATTR_GAIN, (double)a->gain.ns / 1e9);
    event_number(e, ATTR_GAIN_LOW, (double)a->gain.low_ns / 1e9);
    event_number(e, ATTR_GAIN_HIGH, (double)a->gain.high_ns / 1e9);
    event_text(e, ATTR_PEER_ADDRESS, endpoint_address(address, &own->to));
    if (own->metro != NULL)
        event_text(e, ATTR_METRO, own->metro->city);
    if (a->other->metro != NULL)
        event_text(e, ATTR_METRO_NEAREST, a->other->metro->city);
    s->open = true;
}

static void judge_server(struct resolver_watch *w, size_t number, struct wall wall,
                         struct events *events)
{
    struct compared *s = &w->servers[number];
    struct agreement_answer answers[WATCH_HOSTS_MAX][DNS_SERVERS_MAX];
    struct agreement worst = {.verdict = AGREEMENT_CANNOT_TELL};
    size_t host = 0;
    bool unsure = false, fine = false;
    for (size_t h = 0; h < w->n_hosts; h++) {
        answers_of(w, h, answers[h]);
        struct agreement a = agreement_judge(answers[h], w->n_servers, number, wall);
        unsure |= a.verdict == AGREEMENT_UNDECIDED;
        fine |= a.verdict == AGREEMENT_SAME || a.verdict == AGREEMENT_ELSEWHERE;
        if (a.verdict != AGREEMENT_FARTHER ||
            (worst.verdict == AGREEMENT_FARTHER && !gain_is_better(&a.gain, &worst.gain)))
            continue;
        worst = a;
        host = h;
    }
    if (worst.verdict == AGREEMENT_FARTHER) {
        s->over = 0;
        if (++s->farther >= WATCH_HELD && !s->open)
            open_finding(w, s, host, &worst, &answers[host][number], wall, events);
    } else if (fine && !unsure) {
        s->farther = 0;
        if (++s->over >= WATCH_OVER)
            close_finding(s, "does not lead a service farther than the others any more",
                          wall, events);
    }
}

static void end_round(struct resolver_watch *w, struct mono now, struct wall wall,
                      struct events *events)
{
    bool pending = false;
    for (size_t s = 0; s < w->n_servers; s++) {
        judge_server(w, s, wall, events);
        pending |=
            w->servers[s].open ? w->servers[s].over > 0 : w->servers[s].farther > 0;
    }
    rest(w, now, pending ? WATCH_AGAIN_NS : WATCH_EVERY_NS);
}

/* ---- steps ---- */

static bool take_lookup(struct resolver_watch *w, struct resolver_watch_step *out)
{
    for (; w->step < w->n_servers * w->n_hosts; w->step++) {
        struct compared *s = &w->servers[w->step % w->n_servers];
        size_t host = w->step / w->n_servers;
        if (s->silent)
            continue;
        *out = (struct resolver_watch_step){.action = WATCH_LOOKUP,
                                            .server = &s->is.at,
                                            .host = w->hosts[host]->host,
                                            .family = w->families[host],
                                            .port = target_port(w->hosts[host], NULL)};
        return w->under_way = true;
    }
    return false;
}

static void begin_handshakes(struct resolver_watch *w, struct wall wall)
{
    w->phase = PHASE_TRY;
    w->step = 0;
    for (size_t h = 0; h < w->n_hosts; h++)
        for (size_t p = 0; p < w->n_places && differs(w, h, wall); p++)
            w->places[p].tried |=
                w->places[p].host == h && w->places[p].current && w->places[p].edge;
}

static bool take_handshake(struct resolver_watch *w, struct resolver_watch_step *out)
{
    for (; w->step < w->n_places * WATCH_HANDSHAKES; w->step++) {
        const struct place *p = &w->places[w->step % w->n_places];
        if (!p->tried)
            continue;
        *out = (struct resolver_watch_step){
            .action = WATCH_HANDSHAKE, .host = w->hosts[p->host]->host, .to = p->to};
        return w->under_way = true;
    }
    return false;
}

bool resolver_watch_next(const struct resolver_watch *w, struct mono *at)
{
    *at = w->at;
    return !w->paused && !w->under_way && can_compare(w);
}

bool resolver_watch_take(struct resolver_watch *w, struct mono now, struct wall wall,
                         struct events *events, struct resolver_watch_step *out)
{
    struct mono at;
    if (!resolver_watch_next(w, &at) || now.ns < at.ns)
        return false;
    if (w->phase == PHASE_REST)
        begin_round(w);
    if (w->phase == PHASE_ASK) {
        if (take_lookup(w, out))
            return true;
        begin_handshakes(w, wall);
    }
    if (take_handshake(w, out))
        return true;
    end_round(w, now, wall, events);
    return false;
}

/* ---- inputs ---- */

static bool same_server(const struct watched_server *a, const struct watched_server *b)
{
    return a->target == b->target && a->at.at.port == b->at.at.port &&
           a->at.at.scope == b->at.at.scope &&
           endpoint_same_address(&a->at.at, &b->at.at);
}

static struct compared compared_as(const struct watched_server *s,
                                   const struct compared *before, size_t n)
{
    struct compared c = {.is = *s};
    for (size_t i = 0; i < n; i++)
        if (same_server(s, &before[i].is))
            return before[i];
    dns_servers_text(c.name, sizeof c.name, &s->at, 1);
    return c;
}

static bool is_listed(const struct watched_server *list, size_t n,
                      const struct watched_server *s)
{
    size_t i = 0;
    while (i < n && !same_server(&list[i], s))
        i++;
    return i < n;
}

bool resolver_watch_servers(struct resolver_watch *w, const struct watched_server *list,
                            size_t n, struct mono now, struct wall wall,
                            struct events *events)
{
    struct compared before[DNS_SERVERS_MAX];
    size_t n_before = w->n_servers;
    bool same = n == n_before;
    for (size_t i = 0; same && i < n; i++)
        same = same_server(&list[i], &w->servers[i].is);
    if (same)
        return false;
    for (size_t i = 0; i < n_before; i++)
        if (n < 2 || !is_listed(list, n, &w->servers[i].is))
            close_finding(&w->servers[i], "is not compared with others any more", wall,
                          events);
    memcpy(before, w->servers, sizeof before);
    for (size_t i = 0; i < n; i++)
        w->servers[i] = compared_as(&list[i], before, n_before);
    w->n_servers = n;
    rest(w, now, WATCH_FIRST_NS);
    return true;
}

void resolver_watch_moved(struct resolver_watch *w, struct mono now)
{
    w->n_places = w->n_known = 0;
    for (size_t s = 0; s < w->n_servers; s++)
        w->servers[s].farther = w->servers[s].over = 0;
    rest(w, now, WATCH_FIRST_NS);
}

void resolver_watch_pause(struct resolver_watch *w, bool paused, struct mono now)
{
    if (w->paused == paused)
        return;
    w->paused = paused;
    rest(w, now, WATCH_FIRST_NS);
}

/* ---- create and destroy ---- */

struct resolver_watch *resolver_watch_create(const struct config *config,
                                             const struct edge_data *edge_data,
                                             const struct kinds *kinds)
{
    struct resolver_watch *w = mem_zalloc(sizeof *w);
    w->edge_data = edge_data;
    w->paused = true;
    choose_hosts(w, config, kinds);
    return w;
}

void resolver_watch_destroy(struct resolver_watch *w)
{
    free(w);
}
