#include "core/pipeline_state.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Some resolvers invent an address for names that do not exist. So a guessed name counts
 * only after its server has shown the workload's certificate. */
static bool is_unproved(const struct pipeline *p, const struct pipeline_stream *s)
{
    const struct target *t = p->targets[s->target].target;
    bool guessed = t->discovered && *intern_text(t->server_name) != '\0';
    return guessed && !s->addr->proved && target_measures(t, p->kinds, DELAY_TLS);
}

bool pipeline_may_be_pop(const struct pipeline_target *m)
{
    bool any = false;
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        const struct pipeline_address *addr = pipeline_look(m, f);
        if (!addr->paused && owner_may_be_pop(addr->owner.type))
            return true;
        any |= !addr->paused;
    }
    return !any;
}

static struct window_stats stats_of(const struct pipeline *p,
                                    const struct pipeline_stream *s)
{
    bool no_pop = !owner_may_be_pop(s->addr->owner.type) &&
                  pipeline_may_be_pop(&p->targets[s->target]);
    if (s->addr->paused || no_pop || is_unproved(p, s))
        return (struct window_stats){.min_ns = DELAY_UNDEFINED};
    return pipeline_recent_stats(p, s);
}

/* Returns the target's candidate, and in `addr` the address with its lowest delay. A
 * family that is not a PoP is used only if no family may be one. */
static struct candidate candidate_of(const struct pipeline *p,
                                     const struct pipeline_target *m,
                                     const struct pipeline_address **addr)
{
    struct window_stats stats[2 * KINDS_MAX];
    *addr = pipeline_look(m, SLOT_IPV4);
    for (uint32_t i = 0; i < m->n; i++)
        stats[i] = stats_of(p, &p->streams[m->first + i]);
    struct candidate c = recent_candidate(stats, m->n);
    for (uint32_t i = m->n; i-- > 0;)
        if (stats[i].min_ns == c.min_ns)
            *addr = p->streams[m->first + i].addr;
    return c;
}

/* Uses the family with the worse verdict. */
static void describe_middlebox(const struct pipeline *p, struct target_state *state,
                               const struct pipeline_target *m)
{
    const struct intercept *v4 = &pipeline_look(m, SLOT_IPV4)->intercept,
                           *v6 = &pipeline_look(m, SLOT_IPV6)->intercept;
    const struct intercept *worse =
        intercept_verdict(v6) > intercept_verdict(v4) ? v6 : v4;
    state->intercepted = intercepted(worse);
    intercept_text(state->interception, worse, p->kinds);
}

/* Prefers a family with an address, and among these one that may be a PoP. */
static void describe_owner(struct target_state *state, const struct pipeline_target *m,
                           const struct pipeline_address *nearest)
{
    bool pop = pipeline_may_be_pop(m);
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        const struct pipeline_address *other = pipeline_look(m, f);
        if (nearest->paused || (pop && !owner_may_be_pop(nearest->owner.type)))
            nearest = other->paused ? nearest : other;
    }
    if (nearest->paused && nearest->owner.type == OWNER_UNKNOWN)
        nearest = pipeline_look(m, SLOT_IPV6);
    state->owner = &nearest->owner;
}

static void describe_address(struct target_address_state *out,
                             const struct pipeline_address *addr)
{
    *out = (struct target_address_state){.basis = addr->basis,
                                         .dns = addr->dns,
                                         .owner = &addr->owner,
                                         .statuses = addr->statuses,
                                         .issuer = addr->issuer,
                                         .issuer_foreign = addr->issuer_foreign,
                                         .intercept = &addr->intercept,
                                         .answers = addr->up};
    if (!addr->paused)
        out->to = addr->to;
    text_copy(out->pop, sizeof out->pop, addr->pop);
    out->pop_since = addr->pop_since;
}

static size_t slot_of(const struct pipeline_target *m, const struct pipeline_address *of)
{
    size_t f = 0;
    while (m->addresses[f] != of)
        f++;
    return f;
}

static void describe(struct pipeline *p, size_t target, const struct candidate *c,
                     const struct pipeline_address *addr)
{
    const struct pipeline_target *m = &p->targets[target];
    const struct pipeline_address *nearest = addr;
    for (size_t f = 0; addr->pop[0] == '\0' && f < FAMILY_SLOTS; f++)
        if (pipeline_look(m, f)->pop[0] != '\0')
            addr = pipeline_look(m, f);
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
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        describe_address(&state->addresses[f], pipeline_look(m, f));
        if (m->addresses[f] != NULL)
            pipeline_describe_addresses(p, m, m->addresses[f], &state->addresses[f]);
    }
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        const struct pipeline_stream *s = &p->streams[i];
        size_t f = slot_of(m, s->addr);
        state->states[f][s->kind] = (uint8_t)s->flap.state;
        state->addresses[f].handshakes[s->kind] = s->handshakes;
        state->addresses[f].guessed = is_unproved(p, s);
    }
    describe_owner(state, m, nearest);
    describe_middlebox(p, state, m);
}

/*
 * Gives the full interval to the nearest `settings.nearest` of all targets, and to as
 * many configured ones: discovered targets must not slow down the configured ones, and an
 * outage must not slow down the probes that detect its end. Targets that are not a PoP
 * get the slow interval.
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
        p->targets[t].full = candidates[t].sent == 0; /* not measured yet */
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
