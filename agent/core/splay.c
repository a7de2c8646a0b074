#include "core/splay.h"

#include "core/random.h"

int64_t spread_delay(uint64_t seed, int64_t window_ns, int64_t spread_ns)
{
    struct random random = random_from(seed);
    if (spread_ns == SPREAD_DEFAULT) {
        spread_ns = window_ns / 2 < SPREAD_MOST_NS ? window_ns / 2 : SPREAD_MOST_NS;
        if (window_ns < SPREAD_WINDOW_LEAST_NS)
            spread_ns = 0;
    }
    return random_below(&random, spread_ns);
}
