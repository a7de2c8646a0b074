#include "edge/suboptimal.h"
#include "base/intern.h"

#include <string.h>
#include <strings.h>

/* A front door of one metro, which was found or is configured by its name. */
static bool is_door(const struct site *site, const struct target *t)
{
    const struct workloads *w = site->workloads;
    if (t->discovered && *intern_text(t->server_name) != '\0')
        return true;
    for (size_t i = 0; w != NULL && i < w->n; i++)
        if (workload_is_door(&w->all[i], t->host))
            return true;
    return false;
}

static bool same_service(const struct target *own, const struct target *door)
{
    return (own->service[0] != '\0' && strcmp(own->service, door->service) == 0) ||
           strcasecmp(own->host, intern_text(door->server_name)) == 0;
}

static enum pop_family family_of(const struct target_address_state *a)
{
    enum pop_family family = pop_family_of(a->basis);
    return family == POP_EXCHANGE_SITE ? POP_EXCHANGE : family;
}

static bool same_codes(const struct target_address_state *a,
                       const struct target_address_state *b)
{
    enum pop_family x = family_of(a), y = family_of(b);
    return x == POP_UNKNOWN || y == POP_UNKNOWN || x == y;
}

static const struct metro *metro_of(const struct site *site,
                                    const struct target_address_state *a)
{
    return catalogue_of_pop(site->metros, a->pop, pop_family_of(a->basis));
}

static bool may_serve(const struct target_address_state *a)
{
    return a->to.family != FAMILY_NONE && owner_may_be_pop(target_owner(a)->type) &&
           !intercepted(target_intercept(a));
}

static bool have_same_kind(const struct target_address_state *a,
                           const struct target_address_state *b)
{
    for (size_t k = 0; k < KINDS_MAX; k++)
        if (a->handshakes[k] != NULL && b->handshakes[k] != NULL)
            return true;
    return false;
}

/* Whether the door is another PoP of the same service that answers. */
static bool is_other(const struct site *site, const struct target_state *own,
                     const struct target_state *door, size_t f)
{
    const struct target_address_state *a = &own->addresses[f], *b = &door->addresses[f];
    return door->rank > 0 && is_door(site, door->target) &&
           same_service(own->target, door->target) && may_serve(b) && !b->guessed &&
           have_same_kind(a, b) && same_codes(a, b) &&
           !endpoint_same_address(&a->to, &b->to) &&
           !catalogue_same_metro(metro_of(site, a), metro_of(site, b));
}

/* By the first kind of probe that has handshakes of both. */
static struct gain compare(const struct target_address_state *a,
                           const struct target_address_state *b, struct wall now)
{
    struct gain g = {.verdict = GAIN_UNKNOWN};
    for (size_t k = 0; k < KINDS_MAX && g.verdict == GAIN_UNKNOWN; k++)
        g = gain_of(a->handshakes[k], b->handshakes[k], now);
    return g;
}

static enum fit without_doors(const struct site *site, const struct target_state *own,
                              size_t f)
{
    const struct target_address_state *a = &own->addresses[f];
    if (a->to.family == FAMILY_NONE)
        return FIT_UNKNOWN;
    double limit_km = own->target->limits.distance_km;
    struct standing s = site_standing(site, a->pop, a->basis);
    return limit_km > 0 && s.excess_km > limit_km ? FIT_CANNOT_TELL : FIT_UNKNOWN;
}

struct suboptimal suboptimal_judge(const struct site *site,
                                   const struct target_state *states, size_t n,
                                   size_t number, size_t f, struct wall now)
{
    static const enum fit fits[] = {
        [GAIN_UNKNOWN] = FIT_UNDECIDED,
        [GAIN_NONE] = FIT_OPTIMAL,
        [GAIN_UNSURE] = FIT_UNDECIDED,
        [GAIN_SURE] = FIT_SUBOPTIMAL,
    };
    const struct target_state *own = &states[number];
    struct suboptimal s = {.fit = FIT_UNKNOWN};
    for (size_t i = 0; may_serve(&own->addresses[f]) && i < n; i++) {
        if (i == number || !is_other(site, own, &states[i], f))
            continue;
        struct gain g = compare(&own->addresses[f], &states[i].addresses[f], now);
        if (s.other != NULL && !gain_is_better(&g, &s.gain))
            continue;
        s.gain = g;
        s.other = &states[i];
    }
    s.fit = s.other != NULL ? fits[s.gain.verdict] : without_doors(site, own, f);
    return s;
}
