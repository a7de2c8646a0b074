#include "core/pipeline_state.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

/* What is known of a target: its candidate, and in `best` the stream that is nearest. */
static struct candidate candidate_of(const struct pipeline *p, const struct member *m,
                                     const struct stream **best)
{
    struct seen seen[2 * KINDS_MAX];
    *best = NULL;
    for (uint32_t i = 0; i < m->n; i++)
        seen[i] = pipeline_seen(p, &p->streams[m->first + i]);
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

static void describe_place(struct target_place *out, const struct place *place)
{
    *out = (struct target_place){.basis = place->basis, .asked = place->asked};
    if (!place->rests)
        out->to = place->to;
    text_copy(out->pop, sizeof out->pop, place->pop);
}

static void describe(struct pipeline *p, size_t target, const struct candidate *c,
                     const struct stream *best)
{
    const struct member *m = &p->members[target];
    const struct place *place = best != NULL ? best->place : &m->places[0];
    if (place->pop[0] == '\0')
        place = &m->places[m->places[0].pop[0] == '\0'];
    p->states[target] = (struct target_state){
        .target = m->target,
        .up = m->up,
        .measured = m->measured,
        .min_ns = c->min_ns,
        .sent = c->sent,
        .lost = c->lost,
    };
    text_copy(p->states[target].pop, sizeof p->states[target].pop, place->pop);
    for (size_t f = 0; f < 2; f++)
        describe_place(&p->states[target].places[f], &m->places[f]);
    for (uint32_t i = 0; i < m->n; i++) {
        const struct stream *s = &p->streams[m->first + i];
        p->states[target].states[s->place == &m->places[1]][s->kind] = s->flap.state;
    }
    describe_middlebox(&p->states[target], m);
}

/*
 * The nearest `config.nearest` of all are probed at their full interval, and as many of
 * the configured ones: what discovery adds must not slow down what somebody asked for.
 */
static void choose_full(struct pipeline *p)
{
    uint32_t configured = 0;
    for (size_t i = 0; i < p->eligible; i++) {
        struct member *m = &p->members[p->order[i]];
        p->states[p->order[i]].rank = (uint32_t)i + 1;
        m->full |= i < p->config->nearest;
        if (!m->target->discovered)
            m->full |= configured++ < p->config->nearest;
    }
}

void pipeline_rank(struct pipeline *p)
{
    size_t n = p->n_targets;
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
    choose_full(p);
    free(previous);
    free(candidates);
}
