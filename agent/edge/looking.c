#include "edge/looking.h"

void looking_begin(struct looking *l, struct mono now)
{
    l->began = now;
    l->first.ns = now.ns + LOOKING_FIRST_NS;
    l->ends.ns = now.ns + LOOKING_NS;
    l->next.ns = now.ns + LOOKING_EVERY_NS;
}

static void put_off(struct looking *l)
{
    l->next.ns = l->began.ns + LOOKING_LEAST_NS;
}

void looking_end(struct looking *l, bool again)
{
    l->first.ns = l->ends.ns = 0;
    if (again)
        put_off(l);
}

bool looking_reason(struct looking *l, struct mono now)
{
    put_off(l);
    return looking_is_due(l, now);
}

static bool has_come(struct mono at, struct mono now)
{
    return at.ns != 0 && now.ns >= at.ns;
}

bool looking_has_first(struct looking *l, struct mono now)
{
    bool first = has_come(l->first, now);
    if (first)
        l->first.ns = 0;
    return first;
}

bool looking_is_over(const struct looking *l, struct mono now)
{
    return has_come(l->ends, now);
}

bool looking_is_due(const struct looking *l, struct mono now)
{
    return now.ns >= l->next.ns;
}
