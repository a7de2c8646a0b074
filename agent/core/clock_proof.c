#include "core/clock_proof.h"

static bool within(int64_t value, int64_t most)
{
    return value >= -most && value <= most;
}

bool clock_proof_update(struct clock_proof *p, struct mono mono, struct wall wall,
                        bool has_date, int64_t ahead_ns)
{
    int64_t gap = wall.ns - mono.ns;
    if (p->proved)
        return false;
    if (!p->begun || !within(gap - p->gap_ns, CLOCK_STEP_NS)) {
        p->begun = true;
        p->gap_ns = gap;
        p->since = mono;
    }
    p->proved = mono.ns - p->since.ns >= CLOCK_STEADY_NS && has_date &&
                within(ahead_ns, CLOCK_AGREES_NS);
    return p->proved;
}
