#include "core/pipeline.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/evidence.h"
#include "core/intercept.h"
#include "core/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct place {                /* where a target is in one family */
    struct endpoint to;       /* FAMILY_NONE: it never had an address */
    bool rests;               /* it has none now; `to` is the last one */
    char pop[POP_TEXT_MAX];   /* "" is unknown */
    bool told;                /* `pop` is from an answer, not from the chain */
    char chain[POP_TEXT_MAX]; /* what the chain showed last */
    struct intercept intercept;
};

struct stream {
    size_t target, kind;
    struct place *place;
    struct window *window; /* of this address and PoP */
    bool touched;          /* the window holds anything */
    struct evidence evidence;
};

struct member { /* a target */
    struct place places[2];
    uint32_t first, n; /* its streams */
    bool full;         /* probed at the full interval */
    bool up, measured; /* in the open window so far */
};

struct pipeline {
    const struct config *config;
    const struct kinds *kinds;
    struct schedule *schedule;
    struct ledger *ledger;
    struct member *members;
    struct stream *streams;
    uint32_t n_streams;

    struct wall opened; /* the open window, as the clocks said */
    struct mono opened_at, latest;
    struct wall window_start, stamped; /* as it is stamped; the newest stamp given */
    bool interrupted, busy;            /* any stream's, so far */

    size_t *order;   /* of the last ranking ... */
    size_t eligible; /* ... and how many of it were */
    struct target_state *states;
    struct batch batch;
};

static const enum family families[2] = {FAMILY_IPV4, FAMILY_IPV6};

/* ---- to begin and to end ---- */

static void add_stream(struct pipeline *p, size_t target, size_t kind, size_t family)
{
    size_t room = p->n_streams;
    p->streams = mem_grow(p->streams, &room, p->n_streams + 1, sizeof *p->streams);
    p->streams[p->n_streams++] = (struct stream){
        .target = target,
        .kind = kind,
        .place = &p->members[target].places[family],
        .window = window_create(p->kinds->list[kind], p->window_start),
    };
    p->members[target].n++;
}

static void add_target(struct pipeline *p, size_t target)
{
    const struct target *t = &p->config->targets[target];
    const bool wanted[2] = {t->ipv4, t->ipv6};
    struct member *m = &p->members[target];
    m->first = p->n_streams;
    m->full = true;
    m->places[0].rests = m->places[1].rests = true;
    for (size_t kind = 0; kind < p->kinds->n; kind++)
        for (size_t f = 0; f < 2; f++)
            if (t->kinds[kind] && wanted[f])
                add_stream(p, target, kind, f);
}

struct pipeline *pipeline_create(const struct config *config, const struct kinds *kinds,
                                 uint64_t seed, struct mono now, struct wall wall)
{
    size_t n = config->n_targets;
    struct pipeline *p = mem_zalloc(sizeof *p);
    p->config = config;
    p->kinds = kinds;
    p->opened = p->window_start = p->stamped = p->batch.agent_start = wall;
    p->opened_at = p->latest = now;
    p->ledger = ledger_create();
    p->members = mem_zalloc(n * sizeof *p->members);
    p->order = mem_zalloc(n * sizeof *p->order);
    p->states = mem_zalloc(n * sizeof *p->states);
    for (size_t target = 0; target < n; target++)
        add_target(p, target);
    p->schedule = schedule_create(p->n_streams, config->pattern, seed);
    return p;
}

void pipeline_destroy(struct pipeline *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->n_streams; i++)
        window_destroy(p->streams[i].window);
    free(p->streams);
    free(p->states);
    free(p->order);
    free(p->members);
    ledger_destroy(p->ledger);
    schedule_destroy(p->schedule);
    free(p);
}

/* ---- what is due ---- */

static void set_intervals(struct pipeline *p, size_t target, struct mono now)
{
    const struct target *t = &p->config->targets[target];
    const struct member *m = &p->members[target];
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        const struct stream *s = &p->streams[i];
        int64_t interval_ns =
            m->full ? t->interval_ns[s->kind] : t->slow_interval_ns[s->kind];
        int64_t first_ns =
            p->kinds->list[s->kind]->tells_pop ? TELLS_WITHIN_NS : FIRST_WITHIN_NS;
        schedule_set(p->schedule, i, s->place->rests ? 0 : interval_ns, first_ns, now);
    }
}

bool pipeline_next(const struct pipeline *p, struct mono *at)
{
    return schedule_next(p->schedule, at);
}

bool pipeline_take(struct pipeline *p, struct mono now, struct order *out)
{
    struct due due;
    p->latest = now;
    if (!schedule_take(p->schedule, now, &due))
        return false;
    struct stream *s = &p->streams[due.stream];
    if (due.missed > 0) {
        window_missed(s->window, due.missed);
        s->touched = true;
    }
    if (now.ns - due.at.ns > PIPELINE_LATE_NS)
        window_busy(s->window);
    *out = (struct order){
        .stream = (uint32_t)due.stream,
        .target = &p->config->targets[s->target],
        .kind = s->kind,
        .to = s->place->to,
    };
    if (!p->kinds->list[s->kind]->has_port)
        out->to.port = 0;
    return true;
}

/* ---- windows and their parts ---- */

/* The stamp for something that happens at `wall`: later than every stamp before it. */
static struct wall stamp(struct pipeline *p, struct wall wall)
{
    if (wall.ns < p->stamped.ns + STAMP_STEP_NS)
        wall.ns = p->stamped.ns + STAMP_STEP_NS;
    p->stamped = wall;
    return wall;
}

/*
 * The delay that says how far it is: the first one. Where a middlebox gives that, TLS,
 * which has to go all the way; where the stream has none, nothing is known.
 */
static size_t distance_of(const struct kind *kind, const struct place *place)
{
    size_t tls = kind_delay(kind, "tls");
    return kind->handshakes && intercepted(&place->intercept) && tls != KIND_NONE ? tls
                                                                                  : 0;
}

/* Sends what stands in the stream's window down the line. */
static void post(struct pipeline *p, uint32_t number, struct wall end, bool early)
{
    struct stream *s = &p->streams[number];
    struct member *m = &p->members[s->target];
    struct summary summary;
    if (!s->touched)
        return;
    s->touched = false;
    window_summary(s->window, end, &summary);
    p->interrupted |= summary.interrupted;
    p->busy |= summary.busy;
    struct part part = {
        .stream = number,
        .target = &p->config->targets[s->target],
        .kind = p->kinds->list[s->kind],
        .to = s->place->to,
        .pop = s->place->pop,
        .window = s->window,
        .summary = &summary,
        .early = early,
    };
    ledger_post(p->ledger, &part);
    evidence_add(&s->evidence, &summary, distance_of(part.kind, s->place));
    m->measured |= summary.sent > 0;
    m->up |= summary.received + summary.outcomes[OUTCOME_REFUSED] > 0;
}

/* A new window object: no delay variation between two addresses. */
static void begin_part(struct pipeline *p, struct member *m, const struct place *place,
                       struct wall wall)
{
    struct wall at = stamp(p, wall);
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        struct stream *s = &p->streams[i];
        if (s->place != place)
            continue;
        post(p, i, at, true);
        window_destroy(s->window);
        s->window = window_create(p->kinds->list[s->kind], at);
    }
}

/* What was measured says nothing about where the target is now. */
static void forget_evidence(struct pipeline *p, const struct member *m,
                            const struct place *place)
{
    for (uint32_t i = m->first; i < m->first + m->n; i++)
        if (p->streams[i].place == place)
            p->streams[i].evidence = (struct evidence){0};
}

/* ---- addresses and PoPs ---- */

static void name_pop(struct pipeline *p, struct member *m, struct place *place,
                     const char *pop, bool told, struct wall wall)
{
    if (pop[0] == '\0' || (place->told && !told))
        return;
    bool same = strcmp(pop, place->pop) == 0;
    bool learned = place->pop[0] == '\0' || (told && !place->told);
    if (!same && !learned) {
        begin_part(p, m, place, wall);
        forget_evidence(p, m, place);
    }
    text_copy(place->pop, sizeof place->pop, pop);
    place->told = told;
}

static void change_address(struct pipeline *p, struct member *m, struct place *place,
                           const char *chain, struct wall wall)
{
    intercept_forget(&place->intercept);
    begin_part(p, m, place, wall);
    if (chain[0] != '\0' && strcmp(chain, place->chain) == 0)
        return; /* another address of the same PoP */
    if (chain[0] != '\0' && place->chain[0] != '\0')
        forget_evidence(p, m, place); /* another PoP for sure; else it ages out */
    text_copy(place->pop, sizeof place->pop, chain);
    place->told = false;
}

void pipeline_resolved(struct pipeline *p, size_t target, enum family family,
                       struct endpoint to, const char *pop, struct mono now,
                       struct wall wall)
{
    assert(target < p->config->n_targets);
    struct member *m = &p->members[target];
    struct place *place = &m->places[family == families[1]];

    p->latest = now;
    place->rests = to.family == FAMILY_NONE;
    if (place->rests) {
        forget_evidence(p, m, place);
    } else {
        if (place->to.family != FAMILY_NONE && !endpoint_same_address(&to, &place->to))
            change_address(p, m, place, pop, wall);
        else
            name_pop(p, m, place, pop, false, wall);
        text_copy(place->chain, sizeof place->chain, pop);
        place->to = to;
    }
    set_intervals(p, target, now);
}

/* ---- a middlebox on the way ---- */

/* What the handshakes told so far was the middlebox's: out of the open windows with it,
 * and out of what the ranking knows. */
static void leave_out_handshakes(struct pipeline *p, size_t target,
                                 const struct place *place)
{
    struct member *m = &p->members[target];
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        struct stream *s = &p->streams[i];
        const struct kind *kind = p->kinds->list[s->kind];
        if (s->place != place || !kind->handshakes)
            continue;
        s->evidence = (struct evidence){0};
        for (size_t d = 0; d < kind_delays(kind); d++)
            if (intercept_leaves_out(kind, d))
                window_leave_out(s->window, d);
    }
}

void pipeline_decoy(struct pipeline *p, size_t target, enum family family,
                    int64_t handshake_ns)
{
    assert(target < p->config->n_targets);
    struct place *place = &p->members[target].places[family == families[1]];
    bool before = intercepted(&place->intercept);
    intercept_decoy(&place->intercept, handshake_ns);
    if (!before && intercepted(&place->intercept))
        leave_out_handshakes(p, target, place);
}

static void look_for_middlebox(struct pipeline *p, const struct stream *s,
                               const struct result *result)
{
    bool before = intercepted(&s->place->intercept);
    intercept_add(&s->place->intercept, p->kinds->list[s->kind], result);
    if (!before && intercepted(&s->place->intercept))
        leave_out_handshakes(p, s->target, s->place);
}

/* ---- what came back ---- */

/* Whether delay `d` of a result belongs into the stream's window. */
static bool belongs(const struct pipeline *p, const struct stream *s, bool in_use,
                    size_t d)
{
    const struct kind *kind = p->kinds->list[s->kind];
    return in_use && !(d < kind_delays(kind) && intercepted(&s->place->intercept) &&
                       intercept_leaves_out(kind, d));
}

void pipeline_result(struct pipeline *p, const struct result *result)
{
    assert(result->stream < p->n_streams);
    struct stream *s = &p->streams[result->stream];
    struct result counted = *result;
    bool in_use = endpoint_same_address(&result->to, &s->place->to);
    if (in_use) {
        name_pop(p, &p->members[s->target], s->place, result->pop, true, result->time);
        look_for_middlebox(p, s, result);
    }
    for (size_t d = 0; d < DELAYS_MAX; d++)
        if (!belongs(p, s, in_use, d))
            counted.delays[d] = DELAY_UNDEFINED;
    window_add(s->window, &counted);
    s->touched = true;
}

void pipeline_after(struct pipeline *p, uint32_t stream, enum afterthought what)
{
    assert(stream < p->n_streams);
    window_after(p->streams[stream].window, what);
    p->streams[stream].touched = true;
}

void pipeline_interrupted(struct pipeline *p)
{
    p->interrupted = true;
    for (uint32_t i = 0; i < p->n_streams; i++)
        window_interrupted(p->streams[i].window);
}

void pipeline_busy(struct pipeline *p)
{
    p->busy = true;
    for (uint32_t i = 0; i < p->n_streams; i++)
        window_busy(p->streams[i].window);
}

/* ---- the end of a window ---- */

struct wall pipeline_closing(const struct pipeline *p)
{
    int64_t window_ns = p->config->window_ns;
    int64_t open_ns = p->latest.ns - p->opened_at.ns;
    if (open_ns > window_ns + window_ns / 8 + NS_PER_S)
        return (struct wall){0};
    return wall_next(p->opened, window_ns);
}

/* What is known of a target: its candidate, and in `best` the stream that is nearest. */
static struct candidate candidate_of(const struct pipeline *p, const struct member *m,
                                     const struct stream **best)
{
    struct seen seen[2 * KINDS_MAX];
    *best = NULL;
    for (uint32_t i = 0; i < m->n; i++)
        seen[i] = evidence_sum(&p->streams[m->first + i].evidence);
    struct candidate c = evidence_candidate(seen, m->n);
    for (uint32_t i = 0; i < m->n && *best == NULL; i++)
        if (seen[i].min_ns == c.min_ns)
            *best = &p->streams[m->first + i];
    return c;
}

static void describe_middlebox(struct target_state *state, const struct member *m)
{
    for (size_t f = 0; f < 2 && !state->intercepted; f++) {
        state->intercepted = intercepted(&m->places[f].intercept);
        intercept_text(state->interception, &m->places[f].intercept);
    }
}

static void describe(struct pipeline *p, size_t target, const struct candidate *c,
                     const struct stream *best)
{
    struct member *m = &p->members[target];
    const struct place *place = best != NULL ? best->place : &m->places[0];
    if (place->pop[0] == '\0')
        place = &m->places[m->places[0].pop[0] == '\0'];
    p->states[target] = (struct target_state){
        .target = &p->config->targets[target],
        .up = m->up,
        .measured = m->measured,
        .min_ns = c->min_ns,
    };
    text_copy(p->states[target].pop, sizeof p->states[target].pop, place->pop);
    describe_middlebox(&p->states[target], m);
    m->up = m->measured = false;
}

static void rank(struct pipeline *p)
{
    size_t n = p->config->n_targets;
    struct candidate *candidates = mem_alloc(n * sizeof *candidates);
    size_t *previous = mem_copy(p->order, n * sizeof *previous);
    for (size_t t = 0; t < n; t++) {
        const struct stream *best;
        candidates[t] = candidate_of(p, &p->members[t], &best);
        p->members[t].full = candidates[t].sent == 0; /* nothing known yet */
        describe(p, t, &candidates[t], best);
    }
    p->eligible =
        nearest_rank(candidates, n, previous, p->eligible, &p->config->ranking, p->order);
    for (size_t i = 0; i < p->eligible; i++) {
        p->states[p->order[i]].rank = (uint32_t)i + 1;
        p->members[p->order[i]].full |= i < p->config->nearest;
    }
    free(previous);
    free(candidates);
}

const struct batch *pipeline_close(struct pipeline *p, struct mono now, struct wall wall)
{
    struct wall end = stamp(p, wall);
    for (uint32_t i = 0; i < p->n_streams; i++) {
        struct stream *s = &p->streams[i];
        post(p, i, end, false);
        evidence_close(&s->evidence);
        window_reset(s->window, end);
    }
    rank(p);
    for (size_t t = 0; t < p->config->n_targets; t++)
        set_intervals(p, t, now);

    p->batch.window_start = p->window_start;
    p->batch.time = end;
    p->batch.series = ledger_close(p->ledger, now, &p->batch.n_series);
    p->batch.targets = p->states;
    p->batch.n_targets = p->config->n_targets;
    p->batch.interrupted = p->interrupted;
    p->batch.busy = p->busy;
    p->interrupted = p->busy = false;
    p->opened = wall;
    p->opened_at = p->latest = now;
    p->window_start = end;
    return &p->batch;
}
