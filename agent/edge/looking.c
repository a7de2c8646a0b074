#include "edge/looking.h"

void looking_begin(struct looking *l, struct mono now)
{
    l->began = now;
    l->ends.ns = now.ns + LOOKING_NS;
    l->next.ns = now.ns + LOOKING_EVERY_NS;
}

static void put_off(struct looking *l)
{
    l->next.ns = l->began.ns + LOOKING_LEAST_NS;
}

void looking_end(struct looking *l, bool again)
{
    l->ends.ns = 0;
    if (again)
        put_off(l);
}

bool looking_reason(struct looking *l, struct mono now)
{
    put_off(l);
    return looking_is_due(l, now);
}

bool looking_is_over(const struct looking *l, struct mono now)
{
    return l->ends.ns != 0 && now.ns >= l->ends.ns;
}

bool looking_is_due(const struct looking *l, struct mono now)
{
    return now.ns >= l->next.ns;
}
