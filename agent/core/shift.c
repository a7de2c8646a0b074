/*
 * A control chart (Shewhart's, of the mean of three) on the logarithm of the delay, as
 * noise grows with it. What is compared are the mean of the newest windows and the median
 * of the baseline, which bears half of it being spikes. They are apart by more than
 *
 *   - SHIFT_RATIO: less is nothing to tell anybody, however quiet the way is;
 *   - SPREADS interquartile ranges of the baseline: three standard deviations of a single
 *     normal window, so over five of the mean of three. It follows at once when the
 *     noise grows, but thirty windows estimate it badly, and they know nothing of slower
 *     waves;
 *   - USUALS times how far apart the two usually are, learned as TCP learns the variation
 *     of its round trips (RFC 6298, 2: a smoothed mean of absolute deviations and a
 *     multiple of it), over some four hours. So the limit is that of this very statistic
 *     on this very way, with its heavy tails and its waves. A single deviation counts as
 *     half the limit at most (Winsor), so spikes and changes do not make it deaf.
 *
 * The mean of three alone would take a spike for a change. So the newest must AGREE: all
 * on one side, and the nearest at least so far as this share of the farthest. A burst of
 * one or two minutes covers part of a window, a whole one and part of the next, whose
 * medians differ by far; windows after a change are alike.
 */
#include "core/shift.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPREADS       2.25
#define USUALS        6.5
#define USUAL_WINDOWS 240.0
#define AGREE         0.55

enum { ROOM = SHIFT_BASELINE + SHIFT_NEWEST };

static void take(struct shift *s, int64_t median_ns)
{
    if (s->n == ROOM)
        memmove(s->log_ns, s->log_ns + 1, --s->n * sizeof *s->log_ns);
    s->log_ns[s->n++] = median_ns > 0 ? log((double)median_ns) : 0;
}

struct baseline {
    double level, spread; /* median, interquartile range */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct baseline baseline_of(const double *log_ns, size_t n)
{
    double sorted[SHIFT_BASELINE];
    memcpy(sorted, log_ns, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    return (struct baseline){
        .level = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2,
        .spread = sorted[n - 1 - n / 4] - sorted[n / 4],
    };
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double limit_of(const struct shift *s, const struct baseline *b)
{
    return larger(SHIFT_RATIO, larger(SPREADS * b->spread, USUALS * s->usual));
}

static double mean_of(const double *newest)
{
    double sum = 0;
    for (size_t i = 0; i < SHIFT_NEWEST; i++)
        sum += newest[i];
    return sum / SHIFT_NEWEST;
}

/* Up or down: whether the newest are there all, and about equally far. */
static bool agree(const double *newest, double level, bool up)
{
    double nearest = INFINITY, farthest = 0;
    for (size_t i = 0; i < SHIFT_NEWEST; i++) {
        double apart = up ? newest[i] - level : level - newest[i];
        nearest = apart < nearest ? apart : nearest;
        farthest = larger(apart, farthest);
    }
    return nearest > AGREE * farthest;
}

struct shift_news shift_window(struct shift *s, int64_t median_ns, uint64_t values)
{
    struct shift_news news = {0};
    if (values < SHIFT_VALUES_LEAST)
        return news;
    assert(median_ns >= 0);
    take(s, median_ns);
    bool first = s->usual == 0;
    if (s->n < SHIFT_NEWEST + (first ? SHIFT_BASELINE_LEAST : SHIFT_NEWEST))
        return news;

    double *newest = s->log_ns + s->n - SHIFT_NEWEST;
    struct baseline base = baseline_of(s->log_ns, s->n - SHIFT_NEWEST);
    if (first)
        s->usual = larger(base.spread / 2, SHIFT_RATIO / USUALS);
    double limit = limit_of(s, &base);
    double mean = mean_of(newest), apart = fabs(mean - base.level);

    news.before_ns = llround(exp(base.level));
    news.after_ns = llround(exp(mean));
    news.shifted = apart > limit && agree(newest, base.level, mean > base.level) &&
                   llabs(news.after_ns - news.before_ns) > SHIFT_LEAST_NS;
    if (news.shifted) {
        memmove(s->log_ns, newest, SHIFT_NEWEST * sizeof *newest);
        s->n = SHIFT_NEWEST;
    } else {
        s->usual += ((apart < limit / 2 ? apart : limit / 2) - s->usual) / USUAL_WINDOWS;
    }
    return news;
}

void shift_forget(struct shift *s)
{
    *s = (struct shift){0};
}
