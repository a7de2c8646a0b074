#include "ship/retry.h"

/* Refusals cost the collector nothing, and old points are refused by the thousand: the
 * distance doubles. */
#define DOUBLINGS_MAX 20

void retry_accepted(struct retry *p, uint64_t id)
{
    if (p->after > p->suspects && id > p->after)
        p->suspects = p->after;
    *p = (struct retry){.suspects = p->suspects};
}

/* Turns between the oldest and those behind it. */
static void choose_next(struct retry *p, uint64_t id, bool refused, uint64_t newest)
{
    if (p->head == 0)
        p->head = id;
    if (id > p->head)
        p->scout = id;
    bool was_scout = p->after != 0;
    p->after = 0;
    if (was_scout || (!refused && p->failures < RETRY_TRIES))
        return;
    uint64_t step = 0;
    if (refused && p->scouts > 0)
        step =
            (UINT64_C(1) << (p->scouts < DOUBLINGS_MAX ? p->scouts : DOUBLINGS_MAX)) - 1;
    uint64_t from = p->scout > p->head ? p->scout : p->head;
    p->after = from < newest && newest - from <= step ? newest - 1 : from + step;
    p->scouts++;
}

enum retry_act retry_failed(struct retry *p, uint64_t id, bool refused, bool trusted,
                            uint64_t newest)
{
    p->failures++;
    bool suspect = id <= p->suspects;
    bool believed = p->failures <= RETRY_REFUSALS;
    if (suspect) {
        p->after = p->suspects;
        return !believed ? RETRY_WAIT : refused ? RETRY_SET_ASIDE : RETRY_PASS_OVER;
    }
    if (refused && trusted && believed)
        return RETRY_SET_ASIDE;
    choose_next(p, id, refused, newest);
    return RETRY_WAIT;
}

void retry_wrap(struct retry *p)
{
    p->after = p->scout = 0;
    p->scouts = 0;
}
