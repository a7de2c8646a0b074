#include "core/backoff.h"

int64_t backoff_limit_ns(int64_t first_ns, int64_t most_ns, unsigned failures)
{
    int64_t limit_ns = first_ns;
    while (failures-- > 0 && limit_ns < most_ns)
        limit_ns *= 2;
    return limit_ns < most_ns ? limit_ns : most_ns;
}

int64_t backoff_ns(struct random *r, int64_t first_ns, int64_t most_ns, unsigned failures)
{
    return random_below(r, backoff_limit_ns(first_ns, most_ns, failures));
}
