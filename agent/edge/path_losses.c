#include "edge/path_losses.h"

#include <stdint.h>

bool path_losses_add(struct path_losses *l, struct wall sent, bool lost)
{
    struct wall before = {INT64_MIN}, behind = {INT64_MAX}; /* answered ones */
    size_t at = l->n++ % PATH_LOSSES_MEMORY, in_a_row = 0;
    l->sent[at] = sent;
    l->lost[at] = lost;
    l->answered |= !lost;
    if (!lost || !l->answered)
        return false;
    size_t kept = l->n < PATH_LOSSES_MEMORY ? l->n : PATH_LOSSES_MEMORY;
    for (size_t i = 0; i < kept; i++) {
        struct wall t = l->sent[i];
        if (!l->lost[i] && t.ns < sent.ns && t.ns > before.ns)
            before = t;
        else if (!l->lost[i] && t.ns > sent.ns && t.ns < behind.ns)
            behind = t;
    }
    for (size_t i = 0; i < kept; i++)
        in_a_row += l->lost[i] && l->sent[i].ns > before.ns && l->sent[i].ns < behind.ns;
    return in_a_row == PATH_LOSSES_IN_A_ROW;
}
