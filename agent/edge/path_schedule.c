#include "edge/path_schedule.h"

#include "base/mem.h"

#include <stdlib.h>

#define HOUR_NS (3600 * NS_PER_S)

void path_schedule_begin(struct path_schedule *s, int64_t interval_ns, uint64_t seed)
{
    *s = (struct path_schedule){
        .interval_ns = interval_ns, .random = random_from(seed), .paused = true};
}

void path_schedule_end(struct path_schedule *s)
{
    free(s->all);
    *s = (struct path_schedule){.paused = true};
}

static struct path_due *due_of(struct path_schedule *s, size_t number, enum family family)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->all[i].number == number && s->all[i].family == family)
            return &s->all[i];
    return NULL;
}

static struct mono within(struct path_schedule *s, struct mono now, int64_t ns)
{
    return (struct mono){now.ns + random_below(&s->random, ns)};
}

static int64_t first_ns(const struct path_schedule *s)
{
    return s->interval_ns < PATH_FIRST_NS ? s->interval_ns : PATH_FIRST_NS;
}

void path_schedule_want(struct path_schedule *s, size_t number, enum family family,
                        bool wanted, struct mono now)
{
    struct path_due *d = due_of(s, number, family);
    if (d == NULL && !wanted)
        return;
    if (d == NULL) {
        s->all = mem_grow(s->all, &s->room, s->n + 1, sizeof *s->all);
        d = &s->all[s->n++];
        *d = (struct path_due){
            .number = number, .family = family, .allowance = PATH_EXTRA, .credited = now};
    }
    if (wanted && !d->wanted)
        d->at = within(s, now, first_ns(s));
    d->wanted = wanted;
}

/* Takes one extra trace from the allowance; false: it is used up. */
static bool allow(struct path_due *d, struct mono now)
{
    d->allowance += PATH_EXTRA * (double)(now.ns - d->credited.ns) / (double)HOUR_NS;
    d->credited = now;
    if (d->allowance > PATH_EXTRA)
        d->allowance = PATH_EXTRA;
    if (d->allowance < 1)
        return false;
    d->allowance--;
    return true;
}

static void reason(struct path_due *d, struct mono now)
{
    struct mono at = {d->reason.ns + PATH_REASON_NS};
    if (!d->had_reason || at.ns < now.ns)
        at = now;
    if (d->at.ns <= at.ns || !allow(d, now))
        return;
    d->had_reason = true;
    d->at = d->reason = at;
}

void path_schedule_reason(struct path_schedule *s, size_t number, enum family family,
                          struct mono now)
{
    struct path_due *d = due_of(s, number, family);
    if (d != NULL)
        reason(d, now);
}

void path_schedule_reason_all(struct path_schedule *s, enum family family,
                              struct mono now)
{
    for (size_t i = 0; i < s->n; i++)
        if (family == FAMILY_NONE || s->all[i].family == family)
            reason(&s->all[i], now);
}

/* The one that is due first; NULL: none, or enough are under way. */
static struct path_due *first(const struct path_schedule *s)
{
    struct path_due *found = NULL;
    if (s->paused || s->under_way >= PATH_AT_ONCE)
        return NULL;
    for (size_t i = 0; i < s->n; i++) {
        struct path_due *d = &s->all[i];
        if (d->wanted && !d->under_way && (found == NULL || d->at.ns < found->at.ns))
            found = d;
    }
    return found;
}

bool path_schedule_next(const struct path_schedule *s, struct mono *at)
{
    const struct path_due *d = first(s);
    if (d != NULL)
        *at = d->at;
    return d != NULL;
}

bool path_schedule_take(struct path_schedule *s, struct mono now, size_t *number,
                        enum family *family)
{
    struct path_due *d = first(s);
    if (d == NULL || d->at.ns > now.ns)
        return false;
    int64_t spread_ns = (int64_t)(2 * PATH_JITTER * (double)s->interval_ns);
    d->at = within(s, now, spread_ns);
    d->at.ns += s->interval_ns - spread_ns / 2;
    d->under_way = true;
    s->under_way++;
    *number = d->number;
    *family = d->family;
    return true;
}

void path_schedule_done(struct path_schedule *s, size_t number, enum family family,
                        bool soon, struct mono now)
{
    struct path_due *d = due_of(s, number, family);
    if (d == NULL || !d->under_way)
        return;
    d->under_way = false;
    s->under_way--;
    struct mono at = {now.ns + PATH_SOON_NS};
    if (soon && at.ns < d->at.ns && allow(d, now))
        d->at = at;
}

void path_schedule_pause(struct path_schedule *s, bool paused, struct mono now)
{
    if (s->paused == paused)
        return;
    s->paused = paused;
    for (size_t i = 0; i < s->n; i++) {
        s->all[i].under_way = false;
        if (!paused)
            s->all[i].at = within(s, now, first_ns(s));
    }
    s->under_way = 0;
}
