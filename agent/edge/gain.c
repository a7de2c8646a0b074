#include "edge/gain.h"

#include <math.h>
#include <stdlib.h>

struct side { /* sorted values of the common period, and what they say */
    int64_t values[DELAY_RING_MAX];
    size_t n;
    int64_t min_ns, median_ns, low_ns, high_ns;
};

/*
 * How many values may be cut off each end: the largest k for which the median of n lies
 * outside of the k-th and the (n + 1 - k)-th value with at most 1 - GAIN_SIDE, by the
 * binomial distribution with 1/2. 0: there is no such interval.
 */
static size_t rank_of_interval(size_t n)
{
    double p = exp2(-(double)n), below = p; /* P(X = k), P(X <= k) */
    size_t k = 0;
    while (k < n && 2 * below <= 1 - GAIN_SIDE) {
        k++;
        p *= (double)(n + 1 - k) / (double)k;
        below += p;
    }
    return k;
}

static bool summarise(struct side *s, const struct delay_ring *r, struct wall from)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->values[i].at.ns >= from.ns)
            s->values[s->n++] = r->values[i].ns;
    size_t k = rank_of_interval(s->n);
    if (k == 0)
        return false;
    qsort(s->values, s->n, sizeof *s->values, ns_compare);
    s->min_ns = s->values[0];
    s->median_ns = (s->values[(s->n - 1) / 2] + s->values[s->n / 2]) / 2;
    s->low_ns = s->values[k - 1];
    s->high_ns = s->values[s->n - k];
    return true;
}

/* A probe is sent a while before its window closes. */
static bool is_fresh(const struct delay_ring *r, struct wall now)
{
    return r != NULL && r->n > 0 && now.ns - r->values[r->n - 1].at.ns <= GAIN_FRESH_NS;
}

/* `whole`: over the whole period, in which a point without an interval counts, too. */
static enum gain_verdict verdict_of(const struct gain *g, bool whole)
{
    int64_t limit_ns = (int64_t)(GAIN_RATIO * (double)g->own_ns);
    if (limit_ns < GAIN_LEAST_NS)
        limit_ns = GAIN_LEAST_NS;
    if (g->low_ns > limit_ns && g->min_ns > limit_ns)
        return GAIN_SURE;
    if (g->high_ns < limit_ns)
        return GAIN_NONE;
    if (whole && (g->ns < limit_ns / 2 || g->min_ns < limit_ns / 2))
        return GAIN_NONE;
    return GAIN_UNSURE;
}

static struct gain gain_since(const struct delay_ring *own,
                              const struct delay_ring *other, struct wall from,
                              bool whole)
{
    struct gain g = {.verdict = GAIN_UNKNOWN};
    struct side a = {0}, b = {0};
    if (!summarise(&a, own, from) || !summarise(&b, other, from))
        return g;
    g = (struct gain){
        .own_ns = a.median_ns,
        .other_ns = b.median_ns,
        .ns = a.median_ns - b.median_ns,
        .low_ns = a.low_ns - b.high_ns,
        .high_ns = a.high_ns - b.low_ns,
        .min_ns = a.min_ns - b.min_ns,
        .own_values = a.n,
        .other_values = b.n,
    };
    g.verdict = verdict_of(&g, whole);
    return g;
}

static struct wall last_values(const struct delay_ring *r)
{
    return r->values[r->n > GAIN_RECENT ? r->n - GAIN_RECENT : 0].at;
}

static struct wall earlier(struct wall a, struct wall b)
{
    return a.ns < b.ns ? a : b;
}

static struct wall later(struct wall a, struct wall b)
{
    return a.ns > b.ns ? a : b;
}

struct gain gain_of(const struct delay_ring *own, const struct delay_ring *other,
                    struct wall now)
{
    if (!is_fresh(own, now) || !is_fresh(other, now))
        return (struct gain){.verdict = GAIN_UNKNOWN};
    struct wall common = later(own->values[0].at, other->values[0].at);
    struct wall recent = earlier(last_values(own), last_values(other));
    struct gain g = gain_since(own, other, later(common, recent), false);
    if (g.verdict == GAIN_SURE || g.verdict == GAIN_NONE)
        return g;
    return gain_since(own, other, common, true);
}

bool gain_is_better(const struct gain *g, const struct gain *than)
{
    if (g->verdict != than->verdict)
        return g->verdict > than->verdict;
    return g->verdict == GAIN_SURE ? g->low_ns > than->low_ns : g->ns > than->ns;
}
