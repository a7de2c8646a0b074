#include "core/damping.h"

/* The n-th change from the last one backwards. */
static int64_t *changed(struct swing *s, uint64_t n)
{
    return &s->changed_ns[(s->changes - n) % SWING_TIMES];
}

static bool is_still(struct swing *s, int64_t now_ns)
{
    return s->changes > 0 && now_ns - *changed(s, 1) >= SWING_STILL_NS;
}

enum swing_news swing_change(struct swing *s, int64_t now_ns)
{
    if (is_still(s, now_ns))
        *s = (struct swing){0};
    s->changes++;
    *changed(s, 1) = now_ns;
    if (s->swinging)
        return SWING_SILENT;
    s->swinging =
        s->changes >= SWING_TIMES && now_ns - *changed(s, SWING_TIMES) < SWING_STILL_NS;
    return s->swinging ? SWING_BEGAN : SWING_CHANGED;
}

uint64_t swing_settled(struct swing *s, int64_t now_ns)
{
    uint64_t changes = s->changes;
    if (!s->swinging || !is_still(s, now_ns))
        return 0;
    *s = (struct swing){0};
    return changes;
}
