#include "traffic/sequence.h"

#include <string.h>

static bool is_among(uint32_t step, const uint32_t steps[3])
{
    return step == steps[0] || step == steps[1] || step == steps[2];
}

static void start_at(struct sequence *s, uint32_t number, const uint32_t steps[3])
{
    s->known = true;
    s->late = 0;
    s->last = number;
    memcpy(s->steps, steps, sizeof s->steps);
}

/* Whether it follows the last one, or (late) the last one that came late. */
static bool follows(struct sequence *s, bool late, uint32_t number,
                    const uint32_t steps[3])
{
    uint32_t step = number - (late ? s->late_last : s->last);
    bool before = is_among(step, late ? s->late_steps : s->steps);
    bool after = is_among(step, steps);
    if (before != after && !late)
        s->includes_own = after;
    return before || after;
}

void sequence_take(struct sequence *s, uint32_t number, const uint32_t steps[3],
                   uint64_t *lost)
{
    uint32_t expected = s->last + (s->includes_own ? steps[0] : s->steps[0]);
    int32_t ahead = (int32_t)(number - expected);
    if (!s->known || follows(s, false, number, steps)) {
        start_at(s, number, steps);
        return;
    }
    if (ahead < 0 && ahead > -SEQUENCE_JUMP_MAX) {
        s->late = s->late > 0 && follows(s, true, number, steps) ? s->late + 1 : 1;
        s->late_last = number;
        memcpy(s->late_steps, steps, sizeof s->late_steps);
        if (s->late < SEQUENCE_RESTART) {
            *lost -= steps[0] < *lost ? steps[0] : *lost;
            return;
        }
    } else if (ahead > 0 && ahead < SEQUENCE_JUMP_MAX) {
        *lost += (uint64_t)ahead;
    }
    start_at(s, number, steps);
}

void sequence_forget(struct sequence *s)
{
    s->known = false;
}

bool uptime_restarted(struct uptime *u, uint32_t ms, uint32_t export_s)
{
    int64_t elapsed_ms = (int64_t)(int32_t)(export_s - u->export_s) * 1000;
    int64_t wrapped_ms = (int64_t)(uint32_t)(ms - u->ms) - elapsed_ms;
    bool back = u->known && ms < u->ms && u->ms - ms > UPTIME_LATE_MS;
    bool wrapped = wrapped_ms < UPTIME_WRAP_MS && wrapped_ms > -UPTIME_WRAP_MS;
    if (!back && u->known && ms < u->ms && !wrapped)
        return false; /* late */
    *u = (struct uptime){true, ms, export_s};
    return back && !wrapped;
}
