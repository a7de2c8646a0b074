#include "edge/path_routers.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

/* What remains of a count of two routers would say that there was one all the time. */
static void forget_old(struct path_routers *r, struct wall now)
{
    for (size_t i = r->n; i-- > 0;) {
        const struct path_location *l = &r->locations[i];
        bool old = false;
        for (size_t k = 0; k < l->n_routers; k++)
            old |= now.ns - l->routers[k].last.ns > PATH_ROUTERS_NS;
        if (old)
            r->locations[i] = r->locations[--r->n];
    }
}

/* The location, or a new one in the place of the one that was not seen for longest. */
static struct path_location *location_of(struct path_routers *r, const char *metro,
                                         struct wall since)
{
    struct path_location *oldest = &r->locations[0];
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->locations[i].metro, metro) == 0)
            return &r->locations[i];
        if (r->locations[i].last.ns < oldest->last.ns)
            oldest = &r->locations[i];
    }
    if (r->n < PATH_LOCATIONS_MAX)
        oldest = &r->locations[r->n++];
    *oldest = (struct path_location){.since = since, .named = true};
    text_copy(oldest->metro, sizeof oldest->metro, metro);
    return oldest;
}

bool path_routers_count(struct path_routers *r, const char *metro, const char *router,
                        bool named, uint64_t traces, struct wall since, struct wall last)
{
    size_t at = 0;
    struct path_location *l = location_of(r, metro, since);
    while (at < l->n_routers && strcmp(l->routers[at].name, router) != 0)
        at++;
    if (at == PATH_ROUTERS_MAX)
        return false;
    if (at == l->n_routers) {
        l->routers[l->n_routers++].traces = 0;
        text_copy(l->routers[at].name, sizeof l->routers[at].name, router);
    }
    l->named &= named;
    l->routers[at].traces += traces;
    l->routers[at].last = last;
    l->last = l->last.ns > last.ns ? l->last : last;
    return true;
}

void path_routers_add(struct path_routers *r, const struct path_sample *s,
                      struct wall now)
{
    char name[PATH_ROUTER_MAX];
    bool named;
    if (*path_router(s, name, &named) == '\0' || *path_entry(s) == '\0')
        return;
    forget_old(r, now);
    path_routers_count(r, path_entry(s), name, named, 1, now, now);
}

uint64_t path_location_traces(const struct path_location *l)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < l->n_routers; i++)
        sum += l->routers[i].traces;
    return sum;
}

double path_location_bound(const struct path_location *l)
{
    return 1 - pow(0.05, 1 / (double)path_location_traces(l));
}
