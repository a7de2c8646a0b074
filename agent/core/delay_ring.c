#include "core/delay_ring.h"

#include <string.h>

/* Probes sent one after the other are answered in another order; more is a clock that was
 * set back. */
#define SET_BACK_NS (60 * NS_PER_S)

static void drop_first(struct delay_ring *r, size_t n)
{
    r->n -= n;
    memmove(r->at, r->at + n, r->n * sizeof *r->at);
    memmove(r->ns, r->ns + n, r->n * sizeof *r->ns);
}

static void drop_old(struct delay_ring *r, struct wall now)
{
    size_t old = 0;
    while (old < r->n && now.ns - r->at[old].ns > DELAY_RING_NS)
        old++;
    drop_first(r, old);
}

/* Keeps every second value. Probes are not sent at exactly their interval: the gap leaves
 * a quarter of it to them. */
static void thin(struct delay_ring *r)
{
    int64_t span_ns = r->at[r->n - 1].ns - r->at[0].ns;
    for (size_t i = 0; i < r->n / 2; i++) {
        r->at[i] = r->at[2 * i + 1];
        r->ns[i] = r->ns[2 * i + 1];
    }
    r->n /= 2;
    r->gap_ns = span_ns / (int64_t)r->n * 3 / 4;
}

void delay_ring_add(struct delay_ring *r, struct wall at, int64_t ns)
{
    int64_t since_ns = r->n > 0 ? at.ns - r->at[r->n - 1].ns : INT64_MAX;
    if (since_ns < -SET_BACK_NS)
        *r = (struct delay_ring){0};
    else if (since_ns < 0 || since_ns < r->gap_ns)
        return;
    drop_old(r, at);
    if (r->n == DELAY_RING_MAX)
        thin(r);
    r->at[r->n] = at;
    r->ns[r->n++] = ns;
}
