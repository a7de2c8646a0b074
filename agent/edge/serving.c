#include "edge/serving_state.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- another PoP ---- */

static bool same_basis(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* From cname to header, or the like: it is known otherwise, and may be where it was. */
static bool is_learned(const struct look *l)
{
    const struct served *s = l->served;
    if (s->now.pop[0] == '\0')
        return true;
    if (same_basis(s->now.basis, l->place->basis))
        return false;
    const struct metro *was = serving_standing(l, &s->now).metro, *is = l->standing.metro;
    return (!s->told && endpoint_same_address(&s->to, &l->place->to)) ||
           (was != NULL && is != NULL && catalogue_same_metro(was, is));
}

static void tell_change(const struct look *l)
{
    struct served *s = l->served;
    switch (damping_change(&s->damping, l->time.ns)) {
    case DAMPING_REPORT:
        serving_say_change(l, &s->now);
        break;
    case DAMPING_REPORT_UNSTABLE:
        serving_say_unstable(l, &s->now);
        break;
    case DAMPING_SUPPRESS:
        break;
    }
}

static void look_at_pop(const struct look *l)
{
    struct served *s = l->served;
    const struct target_address_state *place = l->place;
    bool is_new = strcmp(s->now.pop, place->pop) != 0;
    bool changed = is_new && !is_learned(l);
    if (changed) {
        tell_change(l);
        s->before = s->now;
    }
    if (is_new || !endpoint_same_address(&s->to, &place->to))
        s->told = changed;
    s->now.basis = place->basis;
    text_copy(s->now.pop, sizeof s->now.pop, place->pop);
    s->to = place->to;
    uint64_t changes = damping_settled(&s->damping, l->time.ns);
    if (changes > 0)
        serving_say_still(l, changes);
}

/* ---- the right one? ---- */

static void look_at_fit(const struct look *l)
{
    struct served *s = l->served;
    double limit_km = l->target->limits.distance_km;
    if (limit_km <= 0 || isnan(l->standing.excess_km))
        return;
    s->over = l->standing.excess_km > limit_km ? s->over + 1 : 0;
    enum fit fit = s->over == 0              ? FIT_OPTIMAL
                   : s->over >= SERVING_HELD ? FIT_SUBOPTIMAL
                                             : s->fit;
    if (fit != s->fit && (fit == FIT_SUBOPTIMAL || s->fit == FIT_SUBOPTIMAL))
        serving_say_fit(l, fit);
    s->fit = fit;
}

static void look_at_role(const struct look *l)
{
    struct served *s = l->served;
    enum role role = l->standing.role,
              was = s->role == ROLE_NONE ? ROLE_UNKNOWN : s->role;
    bool as_it_should = role == ROLE_PRIMARY || role == ROLE_UNKNOWN;
    bool at_first = was == ROLE_UNKNOWN && !s->role_told;
    if (role != was && !(at_first && as_it_should)) {
        serving_say_role(l, was);
        s->role_told = true;
    }
    s->role = role;
}

/* ---- Microsoft's at all? ---- */

static void look_at_owner(const struct look *l)
{
    struct served *s = l->served;
    bool guessed = l->target->discovered && l->target->server_name[0] != '\0';
    if (l->place->owner.type != OWNER_FOREIGN || guessed ||
        l->place->to.family == FAMILY_NONE)
        return;
    if (s->foreign_ns == 0 || l->time.ns - s->foreign_ns > DAMPING_STABLE_NS)
        serving_say_foreign(l);
    s->foreign_ns = l->time.ns;
}

/* ---- once a window ---- */

static void look(const struct look *l)
{
    look_at_pop(l);
    if (l->served->damping.suppressing || l->target->discovered || !l->place->answers)
        return;
    look_at_fit(l);
    if (l->standing.role != ROLE_NONE)
        look_at_role(l);
}

/* Room for more of them, of which nothing is known. */
static void grow(struct serving *s, size_t n)
{
    if (n <= s->n)
        return;
    s->all = mem_grow(s->all, &s->room, n, sizeof *s->all);
    memset(&s->all[s->n], 0, (n - s->n) * sizeof *s->all);
    s->n = n;
}

void serving_look(struct serving *s, const struct site *site,
                  const struct target_state *states, size_t n, struct wall time,
                  struct events *events)
{
    grow(s, 2 * n);
    for (size_t i = 0; i < 2 * n; i++) {
        const struct target_state *state = &states[i / 2];
        struct look l = {
            .served = &s->all[i],
            .site = site,
            .target = state->target,
            .place = &state->addresses[i % 2],
            .family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6,
            .time = time,
            .events = events,
        };
        look_at_owner(&l);
        if (l.place->pop[0] == '\0')
            continue;
        l.standing = site_standing(site, l.place->pop, l.place->basis);
        look(&l);
    }
}

void serving_free(struct serving *s)
{
    free(s->all);
    *s = (struct serving){0};
}
