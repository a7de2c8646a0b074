#include "traffic/sequence.h"

static bool is_next(const uint32_t next[3], uint32_t number)
{
    return number == next[0] || number == next[1] || number == next[2];
}

static void set_next(uint32_t next[3], uint32_t number, const uint32_t steps[3])
{
    for (size_t i = 0; i < 3; i++)
        next[i] = number + steps[i];
}

void sequence_take(struct sequence *s, uint32_t number, const uint32_t steps[3],
                   uint64_t *lost)
{
    int32_t ahead = (int32_t)(number - s->next[0]);
    bool in_order = is_next(s->next, number);
    if (s->known && !in_order && ahead < 0 && ahead > -SEQUENCE_JUMP_MAX) {
        s->late = s->late > 0 && is_next(s->late_next, number) ? s->late + 1 : 1;
        set_next(s->late_next, number, steps);
        if (s->late < SEQUENCE_RESTART) {
            *lost -= steps[0] < *lost ? steps[0] : *lost;
            return;
        }
    }
    if (s->known && !in_order && ahead > 0 && ahead < SEQUENCE_JUMP_MAX)
        *lost += (uint64_t)ahead;
    s->known = true;
    s->late = 0;
    set_next(s->next, number, steps);
}

void sequence_forget(struct sequence *s)
{
    s->known = false;
}
