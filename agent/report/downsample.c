#include "report/downsample.h"

/* A distance this many times the distances around it is a gap. */
enum { GAP_FACTOR = 3 };

size_t downsample_column(int64_t at_ns, int64_t from_ns, int64_t to_ns, size_t n)
{
    if (at_ns <= from_ns || to_ns <= from_ns)
        return 0;
    double share = (double)(at_ns - from_ns) / (double)(to_ns - from_ns);
    size_t column = share < 1 ? (size_t)(share * (double)n) : n;
    return column < n ? column : n - 1;
}

/* Start times are untrusted: a window is at most one hour long. */
int64_t downsample_middle(const struct sample *m)
{
    const int64_t most_ns = INT64_C(3600) * 1000000000;
    int64_t length_ns = m->end_ns - m->start_ns;
    return m->end_ns - (length_ns < most_ns ? length_ns : most_ns) / 2;
}

static bool has_value(const struct sample *m)
{
    return m->p50_ns != DELAY_UNDEFINED;
}

/* The nearest sample with a value before (`step` -1) or after (1) sample `i`, or NULL. */
static const struct sample *neighbour(const struct dataset_stream *s, size_t i, int step)
{
    for (i += (size_t)step; i < s->n; i += (size_t)step) /* -1 wraps to SIZE_MAX */
        if (has_value(&s->samples[i]))
            return &s->samples[i];
    return NULL;
}

static int64_t distance(const struct sample *a, const struct sample *b)
{
    return a != NULL && b != NULL ? b->end_ns - a->end_ns : 0;
}

/* Whether any time between the two has no window. */
static bool uncovered(const struct intervals *covered, const struct sample *a,
                      const struct sample *b)
{
    for (size_t i = 0; i < covered->n; i++)
        if (covered->all[i].start_ns <= a->end_ns && b->end_ns <= covered->all[i].end_ns)
            return false;
    return covered->n > 0;
}

/* Whether sample `i` and `before`, the previous sample with a value, have a gap between
 * them. */
static bool is_gap(const struct dataset_stream *s, size_t before, size_t i,
                   const struct intervals *covered)
{
    const struct sample *a = &s->samples[before], *b = &s->samples[i];
    for (size_t k = before + 1; k < i; k++)
        if (s->samples[k].end_ns > a->end_ns && s->samples[k].end_ns < b->end_ns &&
            s->samples[k].lost > 0)
            return true;
    int64_t around = distance(neighbour(s, before, -1), a);
    int64_t behind = distance(b, neighbour(s, i, 1));
    around = behind > around ? behind : around;
    int64_t length = b->end_ns - downsample_middle(b);
    around = 2 * length > around ? 2 * length : around;
    return uncovered(covered, a, b) || distance(a, b) > GAP_FACTOR * around;
}

static void add_value(struct column *c, const struct sample *m)
{
    if (c->p50_least_ns == DELAY_UNDEFINED || m->p50_ns < c->p50_least_ns)
        c->p50_least_ns = m->p50_ns;
    if (m->p50_ns > c->p50_most_ns)
        c->p50_most_ns = m->p50_ns;
    int64_t highest_ns = m->highest_ns > m->p50_ns ? m->highest_ns : m->p50_ns;
    if (highest_ns > c->highest_ns)
        c->highest_ns = highest_ns;
}

void downsample(struct column *out, size_t n, const struct dataset_stream *s,
                int64_t from_ns, int64_t to_ns, const struct intervals *covered)
{
    const struct column *column_before = NULL;
    size_t before = 0; /* the previous sample with a value */
    for (size_t i = 0; i < n; i++)
        out[i] = (struct column){
            .p50_least_ns = DELAY_UNDEFINED,
            .p50_most_ns = DELAY_UNDEFINED,
            .highest_ns = DELAY_UNDEFINED,
        };
    for (size_t i = 0; i < s->n; i++) {
        const struct sample *m = &s->samples[i];
        struct column *c =
            &out[downsample_column(downsample_middle(m), from_ns, to_ns, n)];
        c->sent += m->sent;
        c->lost += m->lost;
        if (!has_value(m))
            continue;
        if (column_before != NULL && column_before != c && is_gap(s, before, i, covered))
            c->gap = true;
        add_value(c, m);
        before = i;
        column_before = c;
    }
}
