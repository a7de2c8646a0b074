/*
 * The index of a value is computed exactly, in integers. A bucket boundary 2^(k/64) s is
 * 1e9 * 2^(k/64) ns, which is one of 64 positions within its octave (of ns), the same in
 * every octave. So the value is shifted until its highest bit is bit 63 and compared with
 * those boundaries. The seven bits below the highest one select the boundary to compare
 * with, because two boundaries are always more than 2^56 apart. Coarser scales follow by
 * halving the index.
 */
#include "core/histogram.h"

#include "base/mem.h"
#include "core/result.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* floor(2^34 * 1e9 * 2^(k/64)) for k from -57 to 6; the last entry is a sentinel */
static const uint64_t boundaries[65] = {
    0x80992abb83a534a2, 0x81ffa7a9549ca6e3, 0x836a0bee9d9d5401, 0x84d8626d3118d396,
    0x864ab625376b7b77, 0x87c11235836d16a3, 0x893b81dbe7ed5966, 0x8aba10758e1ea3cf,
    0x8c3cc97f4cf1aadd, 0x8dc3b8960164a7d9, 0x8f4ee976e7c8b4cc, 0x90de67fff600044c,
    0x9272403036b7aa56, 0x940a7e28259fb382, 0x95a72e2a0ca44f7c, 0x97485c9a622adb60,
    0x98ee16002855a076, 0x9a9867054d512391, 0x9c475c770cade96d, 0x9dfb034651c99c68,
    0x9fb368881b4a8811, 0xa1709975dfb06757, 0xa332a36df2fd8a6a, 0xa4f993f3ed7b61ca,
    0xa6c578b1139d848c, 0xa8965f74bf065071, 0xaa6c5634c8b04b16, 0xac476b0df43f745f,
    0xae27ac445c7dc318, 0xb00d2843e1060dc2, 0xb1f7eda09520aa93, 0xb3e80b172fd51af7,
    0xb5dd8f8d7d341ffd, 0xb7d88a12d0dd9ea0, 0xb9d909e079c5c456, 0xbbdf1e5a373ce5c6,
    0xbdead70eaf3d9b5a, 0xbffc43b7e604a922, 0xc213743bb6f64957, 0xc43078ac4ed47ae7,
    0xc6536148a749ff7d, 0xc87c3e7d03cdbec3, 0xcaab20e36fe24ee5, 0xcce019443eb56ce4,
    0xcf1b38968c2339b8, 0xd15c9000bf211c1f, 0xd3a430d90d943190, 0xd5f22ca6019743e0,
    0xd846951f0034440a, 0xdaa17c2cd19555db, 0xdd02f3ea2ab18362, 0xdf6b0ea438793a89,
    0xe1d9dedb2c86c2b2, 0xe44f7742cb56e3dd, 0xe6cbeac2fc0e04aa, 0xe94f4c7859ce1066,
    0xebd9afb4c6a18262, 0xee6b280000000000, 0xf103c91834f0f723, 0xf3a3a6f29dd0c333,
    0xf64ad5bc15bce751, 0xf8f969d9b5abf948, 0xfbaf77e97135e555, 0xfe6d14c2b5114024,
    UINT64_MAX,
};

/* number of boundaries below 2^63 + i * 2^56 */
static const uint8_t boundaries_below[128] = {
    0,  1,  2,  2,  3,  4,  4,  5,  6,  6,  7,  8,  8,  9,  10, 10, 11, 12, 12,
    13, 13, 14, 15, 15, 16, 17, 17, 18, 18, 19, 20, 20, 21, 21, 22, 22, 23, 24,
    24, 25, 25, 26, 26, 27, 27, 28, 28, 29, 29, 30, 31, 31, 32, 32, 33, 33, 34,
    34, 35, 35, 36, 36, 37, 37, 38, 38, 38, 39, 39, 40, 40, 41, 41, 42, 42, 43,
    43, 44, 44, 44, 45, 45, 46, 46, 47, 47, 48, 48, 48, 49, 49, 50, 50, 50, 51,
    51, 52, 52, 53, 53, 53, 54, 54, 55, 55, 55, 56, 56, 57, 57, 57, 58, 58, 58,
    59, 59, 60, 60, 60, 61, 61, 62, 62, 62, 63, 63, 63, 64,
};

/* The bucket of `ns` > 0 at HISTOGRAM_SCALE. A bucket excludes its lower boundary and
 * includes its upper one. */
static int32_t index_of(int64_t ns)
{
    int shift = __builtin_clzll((unsigned long long)ns);
    uint64_t value = (uint64_t)ns << shift;
    int below = boundaries_below[value >> 56 & 127];
    below += value > boundaries[below];
    return 64 * (34 - shift) - 58 + below; /* shift 34: the octave of 1 s */
}

struct histogram histogram_empty(void)
{
    return (struct histogram){.scale = HISTOGRAM_SCALE};
}

void histogram_free(struct histogram *h)
{
    free(h->buckets);
    *h = histogram_empty();
}

void histogram_reset(struct histogram *h)
{
    uint32_t *buckets = h->buckets;
    uint32_t room = h->room;
    *h = histogram_empty();
    h->buckets = buckets;
    h->room = room;
}

void histogram_set_zero(struct histogram *h, unsigned zero)
{
    assert(h->count == 0 && zero >= 1 && zero <= 29); /* 2^-29 s: 1 ns */
    h->zero = (uint8_t)zero;
}

void histogram_coarsen(struct histogram *h, int scale)
{
    if (scale >= h->scale)
        return;
    int shift = h->scale - scale;
    int32_t offset = h->offset >> shift;
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->n; i++) { /* in place: writes never pass the read index */
        uint32_t to = (uint32_t)(((h->offset + (int32_t)i) >> shift) - offset);
        uint32_t count = h->buckets[i];
        while (n <= to)
            h->buckets[n++] = 0;
        h->buckets[to] += count;
    }
    h->scale = (int8_t)scale;
    h->offset = offset;
    h->n = n;
}

/* Extends the buckets to indexes `low` to `high` of the present scale, and coarsens while
 * there would be too many. */
static void reach(struct histogram *h, int32_t low, int32_t high)
{
    if (h->n > 0) {
        int32_t last = h->offset + (int32_t)h->n - 1;
        low = low < h->offset ? low : h->offset;
        high = high > last ? high : last;
    }
    while (high - low >= HISTOGRAM_BUCKETS_MAX) {
        histogram_coarsen(h, h->scale - 1);
        low >>= 1;
        high >>= 1;
    }

    uint32_t n = (uint32_t)(high - low + 1);
    uint32_t before = h->n > 0 ? (uint32_t)(h->offset - low) : 0;
    size_t room = h->room;
    h->buckets = mem_fit(h->buckets, &room, n, sizeof *h->buckets);
    h->room = (uint32_t)room;
    memmove(h->buckets + before, h->buckets, h->n * sizeof *h->buckets);
    memset(h->buckets, 0, before * sizeof *h->buckets);
    memset(h->buckets + before + h->n, 0, (n - before - h->n) * sizeof *h->buckets);
    h->offset = low;
    h->n = n;
}

static void widen(struct histogram *h, int64_t min_ns, int64_t max_ns)
{
    if (h->count == 0 || min_ns < h->min_ns)
        h->min_ns = min_ns;
    if (h->count == 0 || max_ns > h->max_ns)
        h->max_ns = max_ns;
}

void histogram_add(struct histogram *h, int64_t ns)
{
    assert(ns >= 0);
    widen(h, ns, ns);
    h->count++;
    h->sum_s += (double)ns * 1e-9;
    if (ns == 0 || (h->zero > 0 && ns <= NS_PER_S >> h->zero)) {
        h->zeros++;
        return;
    }

    int32_t index = index_of(ns);
    int32_t scaled = index >> (HISTOGRAM_SCALE - h->scale);
    if (scaled < h->offset || scaled - h->offset >= (int32_t)h->n) {
        reach(h, scaled, scaled);
        scaled = index >> (HISTOGRAM_SCALE - h->scale);
    }
    h->buckets[scaled - h->offset]++;
}

/* How many of the first buckets of `h` are below 2^-zero s, with the empty ones behind. */
static uint32_t below_zero(const struct histogram *h, unsigned zero)
{
    uint32_t i = 0;
    if (zero == 0 || h->scale < 0)
        return 0;
    while (i < h->n && h->offset + (int32_t)i < -((int32_t)zero << h->scale))
        i++;
    while (i > 0 && i < h->n && h->buckets[i] == 0)
        i++;
    return i;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0)
        return;
    widen(into, from->min_ns, from->max_ns);
    into->count += from->count;
    into->zeros += from->zeros;
    into->sum_s += from->sum_s;
    histogram_coarsen(into, from->scale);
    uint32_t first = below_zero(from, into->zero);
    for (uint32_t i = 0; i < first; i++)
        into->zeros += from->buckets[i];
    if (first == from->n)
        return;

    int shift = from->scale - into->scale;
    int32_t last = from->offset + (int32_t)from->n - 1;
    reach(into, (from->offset + (int32_t)first) >> shift, last >> shift);
    shift = from->scale - into->scale;
    for (uint32_t i = first; i < from->n; i++)
        into->buckets[((from->offset + (int32_t)i) >> shift) - into->offset] +=
            from->buckets[i];
}

uint64_t histogram_rank(double q, uint64_t count)
{
    double rank = ceil(q * (double)count - 1e-9); /* 0.07 * 100 is 7.0000000000000009 */
    if (rank < 1)
        return 1;
    return rank < (double)count ? (uint64_t)rank : count;
}

/* 2^((index + 1/2) / 2^scale) seconds, in ns */
static int64_t middle_of(int32_t index, int scale, int64_t most)
{
    double ns = 1e9 * exp2(ldexp((double)index + 0.5, -scale));
    return ns < (double)most ? (int64_t)llround(ns) : most;
}

double histogram_error(int scale)
{
    return exp2(ldexp(0.5, -scale)) - 1; /* from the middle of a bucket to its end */
}

int64_t histogram_quantile(const struct histogram *h, double q)
{
    if (h->count == 0)
        return DELAY_UNDEFINED;
    uint64_t rank = histogram_rank(q, h->count);
    uint64_t passed = h->zeros;
    if (rank == h->count)
        return h->max_ns;
    if (rank <= passed)
        return h->min_ns;
    uint32_t i = 0;
    while (i + 1 < h->n && passed + h->buckets[i] < rank)
        passed += h->buckets[i++];
    int64_t ns = middle_of(h->offset + (int32_t)i, h->scale, h->max_ns);
    return ns > h->min_ns ? ns : h->min_ns;
}
