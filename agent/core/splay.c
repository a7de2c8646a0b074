#include "core/splay.h"

#include "core/random.h"

int64_t splay_delay(uint64_t seed, int64_t window_ns, int64_t splay_ns)
{
    struct random random = random_from(seed);
    if (splay_ns == SPLAY_DEFAULT) {
        splay_ns = window_ns / 2 < SPLAY_MOST_NS ? window_ns / 2 : SPLAY_MOST_NS;
        if (window_ns < SPLAY_WINDOW_LEAST_NS)
            splay_ns = 0;
    }
    return random_below(&random, splay_ns);
}
