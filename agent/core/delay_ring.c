#include "core/delay_ring.h"

#include "base/mem.h"

#include <string.h>

/* Probes sent one after the other are answered in another order; more is a clock that was
 * set back. */
#define SET_BACK_NS (60 * NS_PER_S)

void delay_ring_empty(struct delay_ring *r)
{
    r->n = 0;
    r->gap_ns = 0;
}

static void drop_first(struct delay_ring *r, size_t n)
{
    r->n -= (uint32_t)n;
    memmove(r->values, r->values + n, r->n * sizeof *r->values);
}

static void drop_old(struct delay_ring *r, struct wall now)
{
    size_t old = 0;
    while (old < r->n && now.ns - r->values[old].at.ns > DELAY_RING_NS)
        old++;
    drop_first(r, old);
}

/* Keeps every second value. Probes are not sent at exactly their interval: the gap leaves
 * a quarter of it to them. */
static void thin(struct delay_ring *r)
{
    int64_t span_ns = r->values[r->n - 1].at.ns - r->values[0].at.ns;
    for (size_t i = 0; i < r->n / 2; i++)
        r->values[i] = r->values[2 * i + 1];
    r->n /= 2;
    r->gap_ns = span_ns / (int64_t)r->n * 3 / 4;
}

void delay_ring_add(struct delay_ring *r, struct wall at, int64_t ns)
{
    int64_t since_ns = r->n > 0 ? at.ns - r->values[r->n - 1].at.ns : INT64_MAX;
    if (since_ns < -SET_BACK_NS)
        delay_ring_empty(r);
    else if (since_ns < 0 || since_ns < r->gap_ns)
        return;
    drop_old(r, at);
    if (r->n == DELAY_RING_MAX)
        thin(r);
    r->values[r->n++] = (struct delay_at){at, ns};
}

struct delay_ring *delay_ring_grow(struct delay_ring *r)
{
    size_t room = r != NULL ? 2 * r->room : 8;
    if (r != NULL && (r->n < r->room || r->room == DELAY_RING_MAX))
        return r;
    struct delay_ring *grown =
        mem_resize(r, offsetof(struct delay_ring, values) + room * sizeof *r->values);
    if (r == NULL)
        delay_ring_empty(grown);
    grown->room = (uint32_t)room;
    return grown;
}
