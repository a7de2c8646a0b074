#include "core/load_curve.h"

#include "base/text.h"
#include "core/event_names.h"

#include <math.h>
#include <string.h>

#define FIRST_NS                                                                         \
    (NS_PER_MS / 4) /* upper bound of the first bucket; each next is 1.3 times it */
#define STEP 1.3

const char *load_state_name(enum load_state s)
{
    static const char *const names[] = {"cannot tell", "healthy", "bloated"};
    return names[s];
}

static const char *const directions[LOAD_DIRECTIONS] = {"download", "upload"};
static const char *const event_names[LOAD_DIRECTIONS] = {EVENT_BLOAT_RECEIVE,
                                                         EVENT_BLOAT_TRANSMIT};

void load_curve_begin(struct load_curve *c, const double line_rates[LOAD_DIRECTIONS])
{
    *c = (struct load_curve){.n_floors = 0};
    for (size_t d = 0; d < LOAD_DIRECTIONS; d++) {
        c->ways[d].line_rate = line_rates[d];
        c->ways[d].knee_bin = -1;
    }
}

void load_curve_forget(struct load_curve *c)
{
    double line_rates[LOAD_DIRECTIONS] = {c->ways[0].line_rate, c->ways[1].line_rate};
    load_curve_begin(c, line_rates);
}

double load_line_rate(const struct load_way *w)
{
    return w->line_rate > 0 ? w->line_rate : w->highest;
}

/* ---- delays ---- */

static struct load_floor *floor_of(struct load_curve *c, const struct target *target,
                                   const struct result *r, struct mono now)
{
    struct load_floor *f = NULL;
    for (size_t i = 0; i < c->n_floors && f == NULL; i++)
        if (c->streams[i] == r->stream && c->floors[i].target == target)
            f = &c->floors[i];
    if (f == NULL && c->n_floors == LOAD_STREAMS_MAX)
        return NULL;
    if (f == NULL) {
        c->streams[c->n_floors] = r->stream;
        f = &c->floors[c->n_floors++];
    }
    if (f->target == NULL || !endpoint_same_address(&f->to, &r->to))
        *f = (struct load_floor){target, r->to, INT64_MAX, INT64_MAX, now};
    if (now.ns - f->began.ns > LOAD_FLOOR_NS) {
        f->before_ns = f->now_ns;
        f->now_ns = INT64_MAX;
        f->began = now;
    }
    return f;
}

void load_curve_delay(struct load_curve *c, const struct target *target,
                      const struct result *r, struct mono now)
{
    struct load_floor *f = floor_of(c, target, r, now);
    if (f == NULL || r->outcome != OUTCOME_REPLY || r->delays[0] == DELAY_UNDEFINED)
        return;
    f->now_ns = r->delays[0] < f->now_ns ? r->delays[0] : f->now_ns;
    int64_t floor_ns = f->now_ns < f->before_ns ? f->now_ns : f->before_ns;
    if (c->n_pending < LOAD_PENDING_MAX)
        c->pending_ns[c->n_pending++] = r->delays[0] - floor_ns;
}

static size_t bucket_of(int64_t ns)
{
    size_t i = 0;
    for (double bound = (double)FIRST_NS; i + 1 < LOAD_BUCKETS && (double)ns >= bound;
         i++)
        bound *= STEP;
    return i;
}

static int64_t value_of(size_t bucket)
{
    return bucket == 0 ? 0
                       : (int64_t)((double)FIRST_NS * pow(STEP, (double)bucket - 0.5));
}

/* ---- seconds ---- */

static size_t bin_of(double utilization)
{
    double bin = utilization * LOAD_BINS;
    return bin < LOAD_BINS - 1 ? (size_t)bin : LOAD_BINS - 1;
}

static void take_rate(struct load_way *w, double rate)
{
    double two = rate < w->last ? rate : w->last; /* both seconds had it */
    w->before = w->last;
    w->last = rate;
    if (two <= w->highest)
        return;
    bool anew = w->line_rate == 0 && two > 1.1 * w->highest;
    w->highest = two;
    if (!anew)
        return;
    memset(w->bins, 0, sizeof w->bins);
    w->episodes = 0;
}

static bool is_steady(const struct load_way *w)
{
    double line = load_line_rate(w);
    return line > 0 && fabs(w->last - w->before) <= LOAD_STEADY * line;
}

static void halve(struct load_curve *c, struct mono now)
{
    if (now.ns - c->halved.ns < LOAD_HALVES_NS)
        return;
    c->halved = now;
    for (size_t d = 0; d < LOAD_DIRECTIONS; d++)
        for (size_t i = 0; i < LOAD_BINS; i++) {
            struct load_bin *b = &c->ways[d].bins[i];
            b->n = 0;
            for (size_t k = 0; k < LOAD_BUCKETS; k++)
                b->n += b->buckets[k] /= 2;
        }
}

void load_curve_second(struct load_curve *c, const double rates[LOAD_DIRECTIONS],
                       struct mono now)
{
    halve(c, now);
    for (size_t d = 0; d < LOAD_DIRECTIONS; d++)
        take_rate(&c->ways[d], rates[d]);
    for (size_t d = 0; d < LOAD_DIRECTIONS; d++) {
        struct load_way *w = &c->ways[d];
        const struct load_way *other = &c->ways[!d];
        double used = is_steady(w) ? w->last / load_line_rate(w) : NAN;
        double line = load_line_rate(other);
        bool quiet = line == 0 || other->last < LOAD_OTHER * line;
        if (isnan(used) || !quiet)
            continue;
        struct load_bin *b = &w->bins[bin_of(used)];
        for (size_t i = 0; i < c->n_pending; i++)
            b->buckets[bucket_of(c->pending_ns[i])]++;
        b->n += (uint32_t)c->n_pending;
        if (used < LOAD_FULL || c->n_pending == 0)
            continue;
        w->episodes += w->full_at.ns == 0 || now.ns - w->full_at.ns > LOAD_APART_NS;
        w->full_at = now;
    }
    c->n_pending = 0;
}

/* ---- the judgement ---- */

static struct load_bin sum(const struct load_way *w, size_t from, size_t to)
{
    struct load_bin all = {0};
    for (size_t i = from; i < to; i++) {
        all.n += w->bins[i].n;
        for (size_t k = 0; k < LOAD_BUCKETS; k++)
            all.buckets[k] += w->bins[i].buckets[k];
    }
    return all;
}

static int64_t ranked_ns(const struct load_bin *b, double rank)
{
    double below = 0;
    for (size_t k = 0; k < LOAD_BUCKETS; k++) {
        below += b->buckets[k];
        if (below > rank)
            return value_of(k);
    }
    return value_of(LOAD_BUCKETS - 1);
}

int64_t load_bin_median_ns(const struct load_bin *b)
{
    return b->n < LOAD_BIN_LEAST ? DELAY_UNDEFINED : ranked_ns(b, b->n / 2.0);
}

/* Lower bound of the 95 % interval of the median, by the normal approximation. */
static int64_t low_ns(const struct load_bin *b)
{
    double rank = b->n / 2.0 - 0.98 * sqrt((double)b->n);
    return rank > 0 ? ranked_ns(b, rank) : 0;
}

static int64_t knee(const struct load_way *w, int64_t idle_ns, int64_t rise_ns)
{
    int64_t first = -1;
    for (int64_t i = LOAD_BINS; i-- > 0;) {
        int64_t median = load_bin_median_ns(&w->bins[i]);
        if (median == DELAY_UNDEFINED)
            continue;
        if (median - idle_ns < rise_ns / 4)
            break;
        first = i;
    }
    return first;
}

static enum load_state judge(struct load_way *w)
{
    struct load_bin idle = sum(w, 0, bin_of(LOAD_IDLE)),
                    full = sum(w, bin_of(LOAD_FULL), LOAD_BINS);
    w->knee_bin = -1;
    w->rise_ns = DELAY_UNDEFINED;
    if (idle.n < LOAD_IDLE_LEAST || full.n < LOAD_FULL_LEAST ||
        w->episodes < LOAD_EPISODES)
        return w->state; /* also while a curve that began anew is too short */
    int64_t idle_ns = load_bin_median_ns(&idle);
    w->rise_ns = load_bin_median_ns(&full) - idle_ns;
    if (low_ns(&full) - idle_ns >= LOAD_BLOAT_NS) {
        w->knee_bin = knee(w, idle_ns, w->rise_ns);
        return LOAD_BLOATED;
    }
    if (w->rise_ns < LOAD_FINE_NS || w->state == LOAD_UNKNOWN)
        return LOAD_HEALTHY;
    return w->state;
}

static void say(struct event *e, const struct load_way *w, size_t d,
                const char *interface)
{
    double mbit = 8 * load_line_rate(w) / 1e6;
    if (w->state == LOAD_BLOATED)
        event_say(
            e,
            "%s by %s: while the line is full (%.1f Mbit/s%s) delays are %.0f ms longer, "
            "from %lld %% of it on: a buffer that is too large (buffer bloat); set a "
            "queue discipline such as CAKE or FQ-CoDel at the router, or a rate limit "
            "below the line rate",
            directions[d], interface, mbit,
            w->line_rate > 0 ? "" : ", the highest rate seen", (double)w->rise_ns / 1e6,
            (long long)(w->knee_bin * 100 / LOAD_BINS));
    else
        event_say(e, "%s by %s: delays are no longer much higher while the line is full",
                  directions[d], interface);
    event_number(e, ATTR_LOAD_RISE, (double)w->rise_ns / 1e9);
    event_number(e, ATTR_LOAD_KNEE,
                 w->knee_bin < 0 ? NAN : (double)w->knee_bin / LOAD_BINS);
}

void load_curve_window(struct load_curve *c, const char *interface, struct wall at,
                       struct events *events)
{
    for (size_t d = 0; d < LOAD_DIRECTIONS; d++) {
        struct load_way *w = &c->ways[d];
        enum load_state before = w->state;
        w->state = judge(w);
        if (w->state == before || (w->state != LOAD_BLOATED && before != LOAD_BLOATED) ||
            w->state == LOAD_UNKNOWN)
            continue;
        struct event *e = events_add(
            events, event_names[d],
            w->state == LOAD_BLOATED ? SEVERITY_WARN : SEVERITY_INFO, at, NULL);
        event_change(e, load_state_name(before), load_state_name(w->state));
        say(e, w, d, interface);
    }
}

void load_curve_text(const struct load_curve *c, const char *interface, struct text *out)
{
    for (size_t d = 0; d < LOAD_DIRECTIONS; d++) {
        const struct load_way *w = &c->ways[d];
        if (load_line_rate(w) == 0)
            continue;
        text_add(out, "%s by %s under load: %s", directions[d], interface,
                 load_state_name(w->state));
        for (size_t i = 0; i < LOAD_BINS; i++)
            if (load_bin_median_ns(&w->bins[i]) != DELAY_UNDEFINED)
                text_add(out, ", %zu %% +%.1f ms", 100 * i / LOAD_BINS,
                         (double)load_bin_median_ns(&w->bins[i]) / 1e6);
        text_add(out, " (shares of %.1f Mbit/s%s)\n", 8 * load_line_rate(w) / 1e6,
                 w->line_rate > 0 ? "" : ", the highest rate seen");
    }
}
