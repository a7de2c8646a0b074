#include "core/damping.h"

/* Time of the n-th last change; 1 is the last. */
static int64_t *changed(struct damping *s, uint64_t n)
{
    return &s->changed_ns[(s->changes - n) % DAMPING_CHANGES];
}

static bool is_stable(struct damping *s, int64_t now_ns)
{
    return s->changes > 0 && now_ns - *changed(s, 1) >= DAMPING_STABLE_NS;
}

enum damping_action damping_change(struct damping *s, int64_t now_ns)
{
    if (is_stable(s, now_ns))
        *s = (struct damping){0};
    s->changes++;
    *changed(s, 1) = now_ns;
    if (s->suppressing)
        return DAMPING_SUPPRESS;
    s->suppressing = s->changes >= DAMPING_CHANGES &&
                     now_ns - *changed(s, DAMPING_CHANGES) < DAMPING_STABLE_NS;
    return s->suppressing ? DAMPING_REPORT_UNSTABLE : DAMPING_REPORT;
}

uint64_t damping_settled(struct damping *s, int64_t now_ns)
{
    uint64_t changes = s->changes;
    if (!s->suppressing || !is_stable(s, now_ns))
        return 0;
    *s = (struct damping){0};
    return changes;
}
