#include "core/flap.h"

#include <assert.h>
#include <math.h>

const char *state_name(enum state state)
{
    static const char *const names[STATE_COUNT] = {
        [STATE_UNKNOWN] = "unknown",
        [STATE_UP] = "up",
        [STATE_DEGRADED] = "degraded",
        [STATE_DOWN] = "down",
    };
    assert((unsigned)state < STATE_COUNT);
    return names[state];
}

static uint8_t one_more(uint8_t n)
{
    return (uint8_t)(n + (n < UINT8_MAX));
}

static void count_runs(struct flap *f, enum state observed)
{
    for (enum state s = STATE_UP; s <= STATE_DOWN; s++) {
        f->at_least[s] = observed >= s ? one_more(f->at_least[s]) : 0;
        f->at_most[s] = observed <= s ? one_more(f->at_most[s]) : 0;
    }
}

/*
 * The worst state that the run is bad enough for, else the best that it is good enough
 * for. The runs need no reset at a change: one to worse ends on windows that break every
 * run to better, and the other way round.
 */
static enum state state_after(const struct flap *f)
{
    if (f->state == STATE_UNKNOWN && f->at_most[STATE_UP] > 0)
        return STATE_UP;
    for (enum state s = STATE_DOWN; s > f->state; s--)
        if (f->at_least[s] >= FLAP_WORSE_AFTER)
            return s;
    for (enum state s = STATE_UP; s < f->state; s++)
        if (f->at_most[s] >= FLAP_BETTER_AFTER)
            return s;
    return f->state;
}

static void decay(struct flap *f, struct mono at)
{
    double half_lives = (double)(at.ns - f->at.ns) / (double)FLAP_HALF_LIFE_NS;
    if (half_lives > 0)
        f->penalty *= exp2(-half_lives);
    f->at = at;
}

static void punish(struct flap *f)
{
    f->penalty = f->penalty + 1 < FLAP_CEILING ? f->penalty + 1 : FLAP_CEILING;
    f->changes++;
}

static struct flap_news go_on_flapping(struct flap *f, bool changed)
{
    f->while_flapping += changed;
    if (f->penalty >= FLAP_REUSE)
        return (struct flap_news){FLAP_NOTHING};
    f->flapping = false;
    return (struct flap_news){FLAP_ENDED, f->before_flapping, f->state,
                              f->while_flapping};
}

struct flap_news flap_window(struct flap *f, enum state observed, struct mono at)
{
    if (observed == STATE_UNKNOWN)
        return (struct flap_news){FLAP_NOTHING};
    decay(f, at);
    count_runs(f, observed);

    enum state before = f->state;
    f->state = state_after(f);
    bool changed = f->state != before;
    if (changed && before != STATE_UNKNOWN)
        punish(f);
    if (f->flapping)
        return go_on_flapping(f, changed);
    if (!changed)
        return (struct flap_news){FLAP_NOTHING};
    if (f->penalty <= FLAP_LIMIT)
        return (struct flap_news){FLAP_CHANGED, before, f->state, 1};
    f->flapping = true;
    f->before_flapping = before;
    f->while_flapping = 1;
    return (struct flap_news){FLAP_BEGAN, before, f->state, 1};
}
