#include "core/pipeline_state.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

/* Some resolvers make up an address for each name that does not exist. So a name that was
 * guessed counts once who answers there has the workload's certificate. */
static bool may_be_another(const struct pipeline *p, const struct pipeline_stream *s)
{
    const struct target *t = p->targets[s->target].target;
    bool guessed = t->discovered && t->server_name[0] != '\0';
    return guessed && !s->addr->proved && target_measures(t, p->kinds, DELAY_TLS);
}

bool pipeline_may_be_pop(const struct pipeline_target *m)
{
    bool any = false;
    for (size_t f = 0; f < 2; f++) {
        if (!m->addresses[f].rests && owner_may_be_pop(m->addresses[f].owner.type))
            return true;
        any |= !m->addresses[f].rests;
    }
    return !any;
}

static struct window_stats seen_of(const struct pipeline *p,
                                   const struct pipeline_stream *s)
{
    bool no_pop = !owner_may_be_pop(s->addr->owner.type) &&
                  pipeline_may_be_pop(&p->targets[s->target]);
    if (s->addr->rests || no_pop || may_be_another(p, s))
        return (struct window_stats){.min_ns = DELAY_UNDEFINED};
    return pipeline_recent_stats(p, s);
}

/* What is known of a target: its candidate, and in `addr` where it is nearest. Of a
 * family that is no PoP only where there is none that may be one. */
static struct candidate candidate_of(const struct pipeline *p,
                                     const struct pipeline_target *m,
                                     const struct pipeline_address **addr)
{
    struct window_stats seen[2 * KINDS_MAX];
    *addr = &m->addresses[0];
    for (uint32_t i = 0; i < m->n; i++)
        seen[i] = seen_of(p, &p->streams[m->first + i]);
    struct candidate c = recent_candidate(seen, m->n);
    for (uint32_t i = m->n; i-- > 0;)
        if (seen[i].min_ns == c.min_ns)
            *addr = p->streams[m->first + i].addr;
    return c;
}

/* Of the family in which it is worse. */
static void describe_middlebox(const struct pipeline *p, struct target_state *state,
                               const struct pipeline_target *m)
{
    const struct intercept *v4 = &m->addresses[0].intercept,
                           *v6 = &m->addresses[1].intercept;
    const struct intercept *worse =
        intercept_verdict(v6) > intercept_verdict(v4) ? v6 : v4;
    state->intercepted = intercepted(worse);
    intercept_text(state->interception, worse, p->kinds);
}

/* Of a family in use before one that rests, and of one that may be a PoP before others.
 */
static void describe_front(struct target_state *state, const struct pipeline_target *m,
                           const struct pipeline_address *nearest)
{
    bool pop = pipeline_may_be_pop(m);
    for (size_t f = 0; f < 2; f++) {
        const struct pipeline_address *other = &m->addresses[f];
        if (nearest->rests || (pop && !owner_may_be_pop(nearest->owner.type)))
            nearest = other->rests ? nearest : other;
    }
    state->owner = nearest->owner;
    if (nearest->rests && state->owner.type == OWNER_UNKNOWN)
        state->owner = m->addresses[1].owner;
}

static void describe_place(struct target_address_state *out,
                           const struct pipeline_address *addr)
{
    *out = (struct target_address_state){.basis = addr->basis,
                                         .dns = addr->dns,
                                         .owner = addr->owner,
                                         .intercept = addr->intercept,
                                         .answers = addr->up};
    if (!addr->rests)
        out->to = addr->to;
    text_copy(out->pop, sizeof out->pop, addr->pop);
}

static void describe(struct pipeline *p, size_t target, const struct candidate *c,
                     const struct pipeline_address *addr)
{
    const struct pipeline_target *m = &p->targets[target];
    const struct pipeline_address *nearest = addr;
    if (addr->pop[0] == '\0')
        addr = &m->addresses[m->addresses[0].pop[0] == '\0'];
    struct target_state *state = &p->states[target];
    *state = (struct target_state){
        .target = m->target,
        .up = m->up,
        .measured = m->measured,
        .min_ns = c->min_ns,
        .sent = c->sent,
        .lost = c->lost,
    };
    text_copy(state->pop, sizeof state->pop, addr->pop);
    for (size_t f = 0; f < 2; f++)
        describe_place(&state->addresses[f], &m->addresses[f]);
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        const struct pipeline_stream *s = &p->streams[i];
        state->states[s->addr == &m->addresses[1]][s->kind] = s->flap.state;
    }
    describe_front(state, m, nearest);
    describe_middlebox(p, state, m);
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
        struct pipeline_target *m = &p->targets[p->order[i]];
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
        const struct pipeline_address *addr;
        candidates[t] = candidate_of(p, &p->targets[t], &addr);
        p->targets[t].full = candidates[t].sent == 0; /* nothing known yet */
        describe(p, t, &candidates[t], addr);
        if (!pipeline_may_be_pop(&p->targets[t]))
            candidates[t].min_ns = DELAY_UNDEFINED;
    }
    p->eligible = nearest_rank(candidates, n, previous, p->eligible, &p->settings.ranking,
                               p->order);
    choose_full(p);
    free(previous);
    free(candidates);
}
