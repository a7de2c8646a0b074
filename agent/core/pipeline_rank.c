#include "core/pipeline_state.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

static bool has_tls(const struct pipeline *p, const struct target *t)
{
    for (size_t k = 0; k < p->kinds->n; k++)
        if (t->kinds[k] && kind_delay(p->kinds->list[k], "tls") != KIND_NONE)
            return true;
    return false;
}

/* Some resolvers make up an address for each name that does not exist. So a name that was
 * guessed counts once who answers there has the workload's certificate. */
static bool may_be_another(const struct pipeline *p, const struct stream *s)
{
    const struct target *t = p->members[s->target].target;
    bool guessed = t->discovered && t->server_name[0] != '\0';
    return guessed && !s->place->proved && has_tls(p, t);
}

bool pipeline_may_be_pop(const struct member *m)
{
    bool any = false;
    for (size_t f = 0; f < 2; f++) {
        if (!m->places[f].rests && front_may_be_pop(m->places[f].front.is))
            return true;
        any |= !m->places[f].rests;
    }
    return !any;
}

static struct window_stats seen_of(const struct pipeline *p, const struct stream *s)
{
    bool no_pop = !front_may_be_pop(s->place->front.is) &&
                  pipeline_may_be_pop(&p->members[s->target]);
    if (s->place->rests || no_pop || may_be_another(p, s))
        return (struct window_stats){.min_ns = DELAY_UNDEFINED};
    return pipeline_recent_stats(p, s);
}

/* What is known of a target: its candidate, and in `place` where it is nearest. Of a
 * family that is no PoP only where there is none that may be one. */
static struct candidate candidate_of(const struct pipeline *p, const struct member *m,
                                     const struct place **place)
{
    struct window_stats seen[2 * KINDS_MAX];
    *place = &m->places[0];
    for (uint32_t i = 0; i < m->n; i++)
        seen[i] = seen_of(p, &p->streams[m->first + i]);
    struct candidate c = recent_candidate(seen, m->n);
    for (uint32_t i = m->n; i-- > 0;)
        if (seen[i].min_ns == c.min_ns)
            *place = p->streams[m->first + i].place;
    return c;
}

/* Of the family in which it is worse. */
static void describe_middlebox(struct target_state *state, const struct member *m)
{
    const struct intercept *v4 = &m->places[0].intercept, *v6 = &m->places[1].intercept;
    const struct intercept *worse =
        intercept_verdict(v6) > intercept_verdict(v4) ? v6 : v4;
    state->intercepted = intercepted(worse);
    intercept_text(state->interception, worse);
}

/* Of a family in use before one that rests, and of one that may be a PoP before others.
 */
static void describe_front(struct target_state *state, const struct member *m,
                           const struct place *nearest)
{
    bool pop = pipeline_may_be_pop(m);
    for (size_t f = 0; f < 2; f++) {
        const struct place *other = &m->places[f];
        if (nearest->rests || (pop && !front_may_be_pop(nearest->front.is)))
            nearest = other->rests ? nearest : other;
    }
    state->front = nearest->front;
    if (nearest->rests && state->front.is == FRONT_UNKNOWN)
        state->front = m->places[1].front;
}

static void describe_place(struct target_place *out, const struct place *place)
{
    *out = (struct target_place){.basis = place->basis,
                                 .asked = place->asked,
                                 .front = place->front,
                                 .answers = place->up};
    if (!place->rests)
        out->to = place->to;
    text_copy(out->pop, sizeof out->pop, place->pop);
}

static void describe(struct pipeline *p, size_t target, const struct candidate *c,
                     const struct place *place)
{
    const struct member *m = &p->members[target];
    const struct place *nearest = place;
    if (place->pop[0] == '\0')
        place = &m->places[m->places[0].pop[0] == '\0'];
    struct target_state *state = &p->states[target];
    *state = (struct target_state){
        .target = m->target,
        .up = m->up,
        .measured = m->measured,
        .min_ns = c->min_ns,
        .sent = c->sent,
        .lost = c->lost,
    };
    text_copy(state->pop, sizeof state->pop, place->pop);
    for (size_t f = 0; f < 2; f++)
        describe_place(&state->places[f], &m->places[f]);
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        const struct stream *s = &p->streams[i];
        state->states[s->place == &m->places[1]][s->kind] = s->flap.state;
    }
    describe_front(state, m, nearest);
    describe_middlebox(state, m);
}

/*
 * The nearest `settings.nearest` of all are probed at their full interval, and as many of
 * the configured ones: what discovery adds must not slow down what somebody asked for,
 * and an outage must not slow down what will tell that it is over. What is no PoP is not
 * among them.
 */
static void choose_full(struct pipeline *p)
{
    uint32_t configured = 0;
    for (size_t i = 0; i < p->n_targets; i++) {
        struct member *m = &p->members[p->order[i]];
        bool eligible = i < p->eligible;
        if (eligible)
            p->states[p->order[i]].rank = (uint32_t)i + 1;
        m->full |= eligible && i < p->settings.nearest;
        if (!m->target->discovered && pipeline_may_be_pop(m))
            m->full |= configured++ < p->settings.nearest;
    }
}

void pipeline_rank(struct pipeline *p)
{
    size_t n = p->n_targets;
    struct candidate *candidates = mem_alloc(n * sizeof *candidates);
    size_t *previous = mem_copy(p->order, n * sizeof *previous);
    for (size_t t = 0; t < n; t++) {
        const struct place *place;
        candidates[t] = candidate_of(p, &p->members[t], &place);
        p->members[t].full = candidates[t].sent == 0; /* nothing known yet */
        describe(p, t, &candidates[t], place);
        if (!pipeline_may_be_pop(&p->members[t]))
            candidates[t].min_ns = DELAY_UNDEFINED;
    }
    p->eligible = nearest_rank(candidates, n, previous, p->eligible, &p->settings.ranking,
                               p->order);
    choose_full(p);
    free(previous);
    free(candidates);
}
