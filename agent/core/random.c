#include "core/random.h"

#include <math.h>

struct random random_from(uint64_t seed)
{
    struct random r;
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r.state[i] = z ^ z >> 31;
    }
    return r;
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

uint64_t random_next(struct random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double random_unit(struct random *r)
{
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

int64_t random_below(struct random *r, int64_t limit)
{
    if (limit <= 0)
        return 0;
    uint64_t n = (uint64_t)limit;
    /* Rejects the lowest 2^64 mod n values, so that all results are equally likely. */
    uint64_t uneven = -n % n;
    uint64_t x;
    do
        x = random_next(r);
    while (x < uneven);
    return (int64_t)(x % n);
}

double random_exponential(struct random *r, double mean)
{
    return -mean * log1p(-random_unit(r));
}
