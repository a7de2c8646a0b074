#include "ship/patience.h"

/* Refusals cost the collector nothing, and old points are refused by the thousand: the
 * distance doubles. */
#define DOUBLINGS_MAX 20

void patience_accepted(struct patience *p, uint64_t id)
{
    if (p->after > p->suspects && id > p->after)
        p->suspects = p->after;
    *p = (struct patience){.suspects = p->suspects};
}

/* Turns between the oldest and those behind it. */
static void choose_next(struct patience *p, uint64_t id, bool refused, uint64_t newest)
{
    if (p->head == 0)
        p->head = id;
    if (id > p->head)
        p->scout = id;
    bool was_scout = p->after != 0;
    p->after = 0;
    if (was_scout || (!refused && p->failures < PATIENCE_TRIES))
        return;
    uint64_t step = 0;
    if (refused && p->scouts > 0)
        step =
            (UINT64_C(1) << (p->scouts < DOUBLINGS_MAX ? p->scouts : DOUBLINGS_MAX)) - 1;
    uint64_t from = p->scout > p->head ? p->scout : p->head;
    p->after = from < newest && newest - from <= step ? newest - 1 : from + step;
    p->scouts++;
}

enum patience_act patience_failed(struct patience *p, uint64_t id, bool refused,
                                  bool trusted, uint64_t newest)
{
    p->failures++;
    bool suspect = id <= p->suspects;
    bool believed = p->failures <= PATIENCE_REFUSALS;
    if (suspect) {
        p->after = p->suspects;
        return !believed ? PATIENCE_WAIT
               : refused ? PATIENCE_SET_ASIDE
                         : PATIENCE_PASS_OVER;
    }
    if (refused && trusted && believed)
        return PATIENCE_SET_ASIDE;
    choose_next(p, id, refused, newest);
    return PATIENCE_WAIT;
}

void patience_wrap(struct patience *p)
{
    p->after = p->scout = 0;
    p->scouts = 0;
}
