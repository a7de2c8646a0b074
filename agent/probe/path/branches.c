#include "probe/path/branches.h"

void branches_add(struct branches *b, const struct trace *t)
{
    if (b->flows == BRANCHES_FLOWS)
        return;
    b->flows++;
    for (uint8_t i = 0; i < t->policy.ttl_max; i++) {
        struct trace_stats s = trace_stats(t, (uint8_t)(i + 1));
        size_t k = 0;
        if (s.answer == NULL)
            continue;
        while (k < b->hops[i].n &&
               !endpoint_same_address(&b->hops[i].all[k].address, &s.answer->from))
            k++;
        if (k == b->hops[i].n)
            b->hops[i].all[b->hops[i].n++].address = s.answer->from;
        b->hops[i].all[k].flows++;
    }
}
