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

void pipeline_rank(struct pipeline *p)
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
