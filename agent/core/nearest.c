/*
 * An insertion sort that starts from the previous order, nearest first. Each candidate is
 * inserted before the first one that it beats (is nearer than by both margins), or at the
 * end if it beats none. "Beats" is transitive, so in the result no candidate is behind
 * one that it beats, and ranking the same delays again changes nothing: noise below the
 * margins never makes two candidates alternate, and there is no cycle. New candidates,
 * which have no previous position, are then inserted before the first one that is farther
 * at all, which keeps both properties.
 */
#include "core/nearest.h"

#include "base/mem.h"
#include "core/loss.h"
#include "core/result.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool answered(const struct candidate *c)
{
    return c->min_ns != DELAY_UNDEFINED;
}

static double loss_ratio(const struct candidate *c)
{
    return c->sent > 0 ? (double)c->lost / (double)c->sent : 0;
}

static bool eligible(const struct candidate *c, const struct nearest_policy *policy,
                     bool was)
{
    double loss =
        was && c->sent > 0 ? loss_interval(c->lost, c->sent).low : loss_ratio(c);
    return answered(c) && loss <= policy->loss_limit;
}

/* True when `a` is nearer than `b` by both margins. */
static bool beats(const struct candidate *a, const struct candidate *b,
                  const struct nearest_policy *policy)
{
    double gain_ns = (double)b->min_ns - (double)a->min_ns;
    return gain_ns > policy->margin_ratio * (double)b->min_ns &&
           gain_ns > (double)policy->margin_ns;
}

/* By delay alone; a candidate that never answered is farthest. */
static bool closer(const struct candidate *a, const struct candidate *b)
{
    if (!answered(a) || !answered(b))
        return answered(a) && !answered(b);
    return a->min_ns < b->min_ns;
}

/* Inserts `index` at position `at` of the list of `count` entries. */
static void insert(size_t *order, size_t at, size_t count, size_t index)
{
    memmove(&order[at + 1], &order[at], (count - at) * sizeof *order);
    order[at] = index;
}

/* Inserts `index` into the `count` ranked ones, before the first that it beats. */
static void rank(const struct candidate *candidates, size_t index,
                 const struct nearest_policy *policy, size_t *order, size_t count)
{
    size_t at = 0;
    while (at < count && !beats(&candidates[index], &candidates[order[at]], policy))
        at++;
    insert(order, at, count, index);
}

/* Sorts all by delay, stably. */
static void sort(const struct candidate *candidates, size_t n, size_t *order)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        while (at > 0 && closer(&candidates[i], &candidates[order[at - 1]]))
            at--;
        insert(order, at, i, i);
    }
}

size_t nearest_rank(const struct candidate *candidates, size_t n, const size_t *previous,
                    size_t n_previous, const struct nearest_policy *policy, size_t *order)
{
    static const struct nearest_policy plain = {0};
    size_t *by_delay = mem_alloc(n * sizeof *by_delay);
    bool *ranked = mem_zalloc(n * sizeof *ranked);
    size_t count = 0;

    for (size_t i = 0; i < n_previous; i++) {
        size_t index = previous[i];
        assert(index < n && !ranked[index]);
        ranked[index] = eligible(&candidates[index], policy, true);
        if (ranked[index])
            rank(candidates, index, policy, order, count++);
    }
    sort(candidates, n, by_delay);
    for (size_t i = 0; i < n; i++)
        if (!ranked[by_delay[i]] && eligible(&candidates[by_delay[i]], policy, false)) {
            ranked[by_delay[i]] = true;
            rank(candidates, by_delay[i], &plain, order, count++);
        }

    size_t end = count;
    for (size_t i = 0; i < n; i++)
        if (!ranked[by_delay[i]])
            order[end++] = by_delay[i];
    free(ranked);
    free(by_delay);
    return count;
}
