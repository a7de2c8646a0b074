#include "core/shift.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLIP         3.0F /* deviations that a value counts as at most, in the charts ... */
#define CLIP_LEVEL   2.5F  /* ... and for the level */
#define SLACK        1.0F  /* deviations from the level that are no evidence */
#define LITTLE       1.0F  /* evidence that is noise: the change began after it */
#define THRESHOLD    8.0F  /* of an excursion: four values far away */
#define SURE         14.0F /* of a shift: chance does not get there */
#define LARGE        2.2F  /* deviations; less is the noise's */
#define ADDED        1.0F  /* deviations, added to SHIFT_RATIO as noise adds */
#define SUM_MAX      30.0F
#define SCALE_LEAST  0.02F /* however quiet the line: a sixth of SHIFT_RATIO */
#define SPREAD       0.7F  /* share of the values that are nearer than ... */
#define SPREAD_AT    1.036F /* ... so many standard deviations of the normal distribution */
#define LEVEL_S      900.0 /* time constants */
#define SCALE_S      3600.0
#define TREND_S      3600.0            /* a trend is of hours */
#define NEAR         (1 / 8.0F)        /* a value's part in it */
#define SETTLED_NS   (3600 * NS_PER_S) /* streams that settle within it are one */
#define JUDGED_NS    (3600 * NS_PER_S) /* a stream without a value for so long is not */
#define BACK         3                 /* values on the way back that end an excursion */
#define HABIT_LIFE_S (7 * 24 * 3600.0)

static double seconds(struct wall from, struct wall to)
{
    return (double)(to.ns - from.ns) / 1e9;
}

/* ---- the last values ---- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Copies the last `n` values, sorted; returns how many there are. */
static size_t sorted_recent(const struct shift *s, size_t n, float out[SHIFT_RECENT])
{
    size_t have = s->n < SHIFT_RECENT ? s->n : SHIFT_RECENT;
    n = n < have ? n : have;
    for (size_t i = 0; i < n; i++)
        out[i] = s->recent[(s->n - 1 - i) % SHIFT_RECENT];
    qsort(out, n, sizeof *out, by_value);
    return n;
}

static float median_recent(const struct shift *s, size_t n)
{
    float sorted[SHIFT_RECENT] = {0};
    n = sorted_recent(s, n, sorted);
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

/* ---- level and scale ---- */

static void begin(struct shift *s)
{
    float sorted[SHIFT_RECENT] = {0}, away[SHIFT_RECENT] = {0};
    size_t n = sorted_recent(s, SHIFT_LEARN, sorted);
    s->level = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    for (size_t i = 0; i < n; i++)
        away[i] = fabsf(sorted[i] - s->level);
    qsort(away, n, sizeof *away, by_value);
    s->near = s->slow = s->level;
    /* few values: rather more */
    s->scale = fmaxf(1.5F * away[(size_t)(SPREAD * (float)n)] / SPREAD_AT, SCALE_LEAST);
}

static float share(double dt_s, double constant_s, uint32_t n)
{
    double by_time = dt_s / (dt_s + constant_s), by_count = 1.0 / (n + 1.0);
    return (float)fmax(by_time, by_count);
}

static float clipped(float z, float most)
{
    return fmaxf(fminf(z, most), -most);
}

static void learn(struct shift *s, float x, double dt_s)
{
    float away = x - s->level, z = clipped(away / s->scale, CLIP_LEVEL);
    s->level += share(dt_s, LEVEL_S, s->n) * s->scale * z;
    s->slow += share(dt_s, TREND_S, s->n) * (s->level - s->slow);
    s->near += NEAR * s->scale * clipped((x - s->near) / s->scale, CLIP_LEVEL);
    float step = share(dt_s, SCALE_S, s->n);
    s->scale *= fabsf(away) > SPREAD_AT * s->scale ? 1 + 2 * SPREAD * step
                                                   : 1 / (1 + 2 * (1 - SPREAD) * step);
    s->scale = fmaxf(s->scale, SCALE_LEAST);
}

/* ---- the charts ---- */

static void chart(struct shift_chart *c, float z, struct wall at, struct wall before)
{
    float sum = fminf(c->sum + z - SLACK, SUM_MAX);
    if (sum <= 0) {
        *c = (struct shift_chart){0};
        return;
    }
    if (c->sum < LITTLE) {
        c->began = at;
        c->earliest = before;
        c->n = 0;
    }
    c->n++;
    c->sum = sum;
}

/* On a rise of hours the level lags behind by its time constant. */
static float expected(const struct shift *s)
{
    return s->level + (float)(LEVEL_S / TREND_S) * (s->level - s->slow);
}

static float z_of(const struct shift *s, float x)
{
    return clipped((x - expected(s)) / s->scale, CLIP);
}

/* A few values far away: the level does not follow them yet. */
static bool is_news(const struct shift_chart *c)
{
    return c->sum > CLIP - SLACK && c->n <= SHIFT_VALUES;
}

/* Whether the change is large enough to be reported. */
static bool is_large(const struct shift *s, float from, float to)
{
    float noise = ADDED * s->scale;
    float least = (float)sqrt(SHIFT_RATIO * SHIFT_RATIO + (double)(noise * noise));
    least = fmaxf(least, LARGE * s->scale);
    return fabsf(to - from) >= least &&
           fabs(exp(to) - exp(from)) >= (double)SHIFT_LEAST_NS;
}

/*
 * The chart may have had a little evidence for long. The excursion began with the first of
 * the values in a row that are nearer to `there` than to the level, but for one.
 */
static void begin_excursion(const struct shift *s, struct shift_chart *c, float there)
{
    uint32_t most = s->n < SHIFT_RECENT ? s->n : SHIFT_RECENT, first = 1;
    for (uint32_t age = 0, strangers = 0; age < most - 1; age++) {
        float x = s->recent[(s->n - 1 - age) % SHIFT_RECENT];
        bool beyond = fabsf(x - there) < fabsf(x - s->level);
        strangers += !beyond;
        if (strangers > 1)
            break;
        first = beyond ? age + 1 : first;
    }
    c->n = first;
    c->began.ns = s->recent_s[(s->n - first) % SHIFT_RECENT] * NS_PER_S;
    c->earliest.ns = s->recent_s[(s->n - first - 1) % SHIFT_RECENT] * NS_PER_S;
}

static void look_for_excursion(struct shift *s, int direction)
{
    const struct shift_chart *c = direction > 0 ? &s->up : &s->down;
    if (c->sum < THRESHOLD)
        return;
    float there = median_recent(s, c->n);
    if (!is_large(s, expected(s), there) || !is_large(s, s->near, there) ||
        (there > s->level) != (direction > 0))
        return;
    begin_excursion(s, direction > 0 ? &s->up : &s->down, there);
    s->excursion = (int8_t)direction;
    s->there = there;
    s->back = 0;
    s->beyond = s->last;
}

/* ---- an excursion ends, or is a shift ---- */

static double habit(const struct shift *s, struct wall now)
{
    return s->habit_s * exp2(-seconds(s->habit_at, now) / HABIT_LIFE_S);
}

static void learn_habit(struct shift *s, double lasted_s, struct wall now)
{
    if (lasted_s < habit(s, now) || lasted_s > (double)SHIFT_HOLD_MAX_NS / 1e9)
        return;
    s->habit_s = (float)lasted_s;
    s->habit_at = now;
}

static double hold_s(const struct shift *s, struct wall now)
{
    double learned = fmax(SHIFT_HABIT * habit(s, now), (double)s->site_s);
    return fmin(learned, (double)SHIFT_HOLD_MAX_NS / 1e9);
}

static void set_news(struct shift *s, struct shift_news news)
{
    if (s->news == NULL)
        s->news = mem_alloc(sizeof news);
    *s->news = news;
}

static void drop_news(struct shift *s)
{
    free(s->news);
    s->news = NULL;
}

static void decay(struct shift *s, struct wall now)
{
    double half_lives = (double)(now.ns - s->penalty_at.ns) / (double)SHIFT_HALF_LIFE_NS;
    if (half_lives > 0) {
        s->penalty = (float)(s->penalty * exp2(-half_lives));
        s->penalty_at = now;
    }
    if (s->flutters && s->penalty < SHIFT_REUSE) {
        s->flutters = false;
        set_news(s, (struct shift_news){.what = SHIFT_SETTLED,
                                        .after_ns = llround(exp(s->level)),
                                        .since = s->shifted,
                                        .changes = s->changes});
        s->changes = 0;
    }
}

static void set_shifted(struct shift *s, const struct shift_chart *c)
{
    /* Order statistics of the median with at least 95 % (binomial, both sides), by the
     * number of values: 7: 1st and 7th, 9: 2nd, 12: 3rd, 15: 4th. */
    float sorted[SHIFT_RECENT] = {0};
    size_t n = sorted_recent(s, c->n, sorted);
    size_t rank = n < 9 ? 0 : n < 12 ? 1 : n < 15 ? 2 : 3;
    set_news(s, (struct shift_news){
                    .what = s->flutters ? SHIFT_FLUTTERS : SHIFT_SHIFTED,
                    .up = s->excursion > 0,
                    .before_ns = llround(exp(s->level)),
                    .after_ns = llround(exp(s->there)),
                    .low_ns = llround(exp(sorted[rank])),
                    .high_ns = llround(exp(sorted[n - 1 - rank])),
                    .since = c->began,
                    .earliest = c->earliest,
                    .changes = s->changes,
                });
}

/* A shift is back where the last one came from: then that was an excursion. */
static bool is_back(const struct shift *s)
{
    return s->shifted.ns != 0 &&
           fabsf(s->there - s->before) < fabsf(s->level - s->before) / 2;
}

static void take_shift(struct shift *s)
{
    const struct shift_chart *c = s->excursion > 0 ? &s->up : &s->down;
    struct wall now = s->last;
    decay(s, now);
    if (is_back(s))
        learn_habit(s, seconds(s->shifted, c->began), now);
    bool fluttered = s->flutters;
    s->penalty += 1;
    s->penalty_at = now;
    s->changes++;
    s->flutters = fluttered || s->penalty > (float)SHIFT_LIMIT;
    if (!fluttered)
        set_shifted(s, c);
    s->before = s->level;
    s->shifted = c->began;
    s->level = s->near = s->slow = s->there;
    s->excursion = 0;
    s->up = s->down = (struct shift_chart){0};
}

static void end_excursion(struct shift *s)
{
    const struct shift_chart *c = s->excursion > 0 ? &s->up : &s->down;
    learn_habit(s, seconds(c->began, s->beyond), s->last);
    s->excursion = 0;
    s->up = s->down = (struct shift_chart){0};
}

/* It was no step, but a rise that may go on until it is large: the level follows again. */
static void abandon(struct shift *s)
{
    s->excursion = 0;
    s->up = s->down = (struct shift_chart){0};
}

/* A rise of hours, as of each evening, does not stop where noise begins an excursion: the
 * level goes on as it did before, less and less. */
static void follow_trend(struct shift *s, double dt_s)
{
    float part = share(dt_s, TREND_S, s->n), step = part * (s->level - s->slow);
    s->slow += 2 * step; /* the trend decays */
    s->level += step;
}

static void go_on(struct shift *s, float x, double dt_s)
{
    struct shift_chart *c = s->excursion > 0 ? &s->up : &s->down;
    follow_trend(s, dt_s);
    chart(c, (float)s->excursion * z_of(s, x), s->last, s->last);
    if (c->n == 0) {
        s->excursion = 0;
        return;
    }
    s->there = median_recent(s, c->n);
    if (fabsf(x - s->level) < fabsf(x - s->there)) {
        s->back++;
    } else {
        s->back = s->back > 0 ? s->back - 1 : 0;
        s->beyond = s->last;
    }
    bool held = seconds(c->began, s->last) >= hold_s(s, s->last);
    bool large = is_large(s, expected(s), s->there);
    if (s->back >= BACK)
        end_excursion(s);
    else if (!large && c->n >= SHIFT_RECENT && (held || c->n == SHIFT_RECENT))
        abandon(s);
    else if (s->back == 0 && c->sum >= SURE && c->n >= SHIFT_VALUES && large && held)
        take_shift(s);
}

void shift_value(struct shift *s, struct wall at, int64_t ns)
{
    float x = (float)log(ns > 1000 ? (double)ns : 1000);
    struct wall before = s->last;
    double dt_s = s->n > 0 && at.ns > before.ns ? seconds(before, at) : 0;
    s->recent_s[s->n % SHIFT_RECENT] = (uint32_t)(at.ns / NS_PER_S);
    s->recent[s->n++ % SHIFT_RECENT] = x;
    s->last = at.ns > before.ns ? at : before;
    if (s->n < SHIFT_LEARN)
        return;
    if (s->n == SHIFT_LEARN) {
        begin(s);
        return;
    }
    if (s->excursion != 0) {
        go_on(s, x, dt_s);
        return;
    }
    float z = z_of(s, x);
    chart(&s->up, z, at, before);
    chart(&s->down, -z, at, before);
    look_for_excursion(s, 1);
    if (s->excursion == 0)
        look_for_excursion(s, -1);
    if (s->excursion == 0 && !is_news(&s->up) && !is_news(&s->down))
        learn(s, x, dt_s);
}

void shift_forget(struct shift *s)
{
    drop_news(s);
    *s = (struct shift){0};
}

/* ---- the site ---- */

/* Whether both may have begun together, as far as the values between tell. */
static bool together(struct wall a_earliest, struct wall a, struct wall b_earliest,
                     struct wall b, int64_t window_ns)
{
    int64_t room = SHIFT_TOGETHER * window_ns;
    return a_earliest.ns <= b.ns + room && b_earliest.ns <= a.ns + room;
}

static bool same_cause(const struct shift_news *a, const struct shift_news *b,
                       int64_t window_ns)
{
    return a != NULL && a->what != SHIFT_NOTHING && a->what != SHIFT_SETTLED &&
           a->up == b->up &&
           together(a->earliest, a->since, b->earliest, b->since, window_ns);
}

static bool is_undecided(const struct shift *s, const struct shift_news *with,
                         int64_t window_ns)
{
    const struct shift_chart *c = with->up ? &s->up : &s->down;
    return c->n >= 2 && (s->excursion == 0 || (s->excursion > 0) == with->up) &&
           together(c->earliest, c->began, with->earliest, with->since, window_ns);
}

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Finds the members of the event, whose news are then reported. */
static void gather(struct shift_site *site, struct shift *const *streams, size_t n,
                   struct wall now, int64_t window_ns, bool *is_member,
                   struct shift_event *e)
{
    double ratios[64] = {0};
    size_t n_ratios = 0;
    for (size_t i = 0; i < n; i++) {
        struct shift *s = streams[i];
        bool decided = same_cause(s->news, &e->news, window_ns);
        is_member[i] = decided || (s->excursion == (e->news.up ? 1 : -1) &&
                                   is_undecided(s, &e->news, window_ns));
        e->members += is_member[i];
        e->judged += s->n >= SHIFT_LEARN && now.ns - s->last.ns < JUDGED_NS;
        if (decided && n_ratios < 64)
            ratios[n_ratios++] = (double)s->news->after_ns / (double)s->news->before_ns;
        if (decided)
            drop_news(s);
    }
    qsort(ratios, n_ratios, sizeof *ratios, by_double);
    e->ratio = n_ratios > 0 ? ratios[n_ratios / 2] : 1;
    site->last = e->news;
}

bool shift_site_window(struct shift_site *site, struct shift *const *streams, size_t n,
                       struct wall now, int64_t window_ns, bool *is_member,
                       struct shift_event *out)
{
    size_t first = n;
    double longest_s = 0;
    for (size_t i = 0; i < n; i++)
        longest_s = fmax(longest_s, habit(streams[i], now));
    for (size_t i = 0; i < n; i++)
        streams[i]->site_s = (float)longest_s;
    for (size_t i = 0; i < n; i++) {
        struct shift *s = streams[i];
        decay(s, now);
        if (s->news == NULL)
            continue;
        if (s->news->what == SHIFT_SETTLED && site->settled.ns != 0 &&
            now.ns - site->settled.ns < SETTLED_NS) {
            drop_news(s);
            continue;
        }
        if (s->news->what == SHIFT_SETTLED) {
            site->settled = now;
            *out = (struct shift_event){
                .news = *s->news, .first = i, .members = 1, .ratio = 1};
            drop_news(s);
            memset(is_member, 0, n * sizeof *is_member);
            is_member[i] = true;
            return true;
        }
        if (same_cause(s->news, &site->last, window_ns) &&
            site->last.what != SHIFT_NOTHING) {
            drop_news(s); /* reported with the others */
            continue;
        }
        if (first == n || s->news->since.ns < streams[first]->news->since.ns)
            first = i;
    }
    if (first == n) {
        site->waited = 0;
        return false;
    }
    *out = (struct shift_event){.news = *streams[first]->news, .first = first};
    bool undecided = false;
    for (size_t i = 0; i < n; i++)
        undecided |=
            streams[i]->news == NULL && is_undecided(streams[i], &out->news, window_ns);
    if (undecided && site->waited++ < SHIFT_WAIT)
        return false;
    site->waited = 0;
    gather(site, streams, n, now, window_ns, is_member, out);
    return true;
}
