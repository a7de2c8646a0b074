#include "ship/failover.h"

enum { FAILURES_MAX = 2 }; /* a connection may just have been closed in between */

size_t failover_choose(struct failover *f, int64_t now_ns)
{
    if (f->current == 0 || now_ns - f->returned_ns < FAILOVER_RETURN_NS)
        return f->current;
    f->returned_ns = now_ns;
    return 0;
}

void failover_worked(struct failover *f, size_t chosen)
{
    f->current = chosen;
    f->failures = 0;
    f->failed = 0;
}

bool failover_failed(struct failover *f, size_t chosen, bool hopeless, int64_t now_ns)
{
    if (chosen != f->current) /* the first, tried again */
        return true;
    bool worked_before = f->failed == 0;
    f->failures++;
    if (f->n == 1 || (worked_before && !hopeless && f->failures < FAILURES_MAX))
        return false;
    if (f->current == 0)
        f->returned_ns = now_ns;
    f->current = (f->current + 1) % f->n;
    f->failures = 0;
    f->failed++;
    return f->failed % f->n != 0;
}
