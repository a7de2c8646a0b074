/*
 * Weeks of delays that look like real ones, through real windows, and what the detection
 * of shifts makes of them: how often it is wrong, and how soon it finds what it should.
 * The figures are printed; those in core/shift.h are from here.
 *
 * A probe's delay is the way's own, which wanders (first-order autoregressive, 20
 * minutes) and is 15 % longer in a congested evening, a queue (exponential, whose mean
 * follows the hours of the day), now and then a spike with a heavy tail (Pareto), and in
 * bursts of one to two minutes, two a day, 20 to 100 % more. One in a hundred is lost.
 */
#include "check.h"
#include "core/random.h"
#include "core/shift.h"
#include "core/window.h"

#define MINUTE_NS (60 * NS_PER_S)
#define DAY_NS    (1440 * MINUTE_NS)

static const struct kind ping = {.name = "icmp", .delays = {"rtt"}};

static const double bases_ms[] = {1.5, 3, 10, 24, 60, 180};
static const int rates[] = {6, 60}; /* probes a minute */
enum { BASES = sizeof bases_ms / sizeof *bases_ms, RATES = sizeof rates / sizeof *rates };

static const struct noise {
    const char *what;
    double queue, queue_ns; /* its mean at night: this share of the way, and this more */
    double wander;          /* standard deviation, as a share */
    double spikes;          /* share of the probes */
} noises[] = {
    {"a fixed line", 0.01, 30e3, 0.01, 0.02},
    {"a busy line", 0.03, 100e3, 0.02, 0.02},
    {"a radio link", 0.10, 1e6, 0.04, 0.05},
};
enum { FIXED, BUSY, RADIO, NOISES = sizeof noises / sizeof *noises };

struct world { /* of one target */
    struct random random;
    const struct noise *noise;
    double base_ns;
    int rate;
    struct wall now;
    double wander, burst;
    struct wall burst_begin, burst_end;
    struct window *window;
    struct shift shift;
};

struct step { /* the way is so many times as long from `at` on */
    struct wall at;
    double factor;
};
static const struct step no_step;

static void next_burst(struct world *w)
{
    w->burst_begin.ns += (int64_t)random_exponential(&w->random, (double)DAY_NS / 2);
    w->burst_end.ns =
        w->burst_begin.ns + MINUTE_NS + random_below(&w->random, MINUTE_NS + 1);
    w->burst = 0.2 + 0.8 * random_unit(&w->random);
}

static struct world world_begin(uint64_t seed, const struct noise *noise, double base_ms,
                                int rate)
{
    struct world w = {.random = random_from(seed), .noise = noise, .rate = rate};
    w.base_ns = base_ms * 1e6;
    w.now.ns = 20780 * DAY_NS;
    w.burst_begin = w.now;
    next_burst(&w);
    w.window = window_create(&ping, w.now);
    return w;
}

static double bump(double hour, double middle, double width)
{
    double x = (hour - middle) / width;
    return exp(-x * x);
}

static int64_t delay_ns(struct world *w, struct wall at)
{
    double hour = (double)(at.ns % DAY_NS) / (60.0 * MINUTE_NS);
    double evening = bump(hour, 20, 2.5), load = 1 + bump(hour, 11, 3) + 2 * evening;
    double queue_ns = w->noise->queue * w->base_ns + w->noise->queue_ns;
    double ns = w->base_ns * (1 + w->wander + 0.15 * evening);
    ns += random_exponential(&w->random, queue_ns * load);
    if (at.ns >= w->burst_begin.ns && at.ns < w->burst_end.ns)
        ns += w->base_ns * w->burst;
    if (random_unit(&w->random) < w->noise->spikes)
        ns += 1e6 * pow(1 - random_unit(&w->random), -1 / 1.2);
    return (int64_t)ns;
}

/* The standard normal distribution, near enough: the sum of twelve (Irwin, Hall). */
static double normal(struct random *r)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_unit(r);
    return sum;
}

static void probe(struct world *w, struct wall at)
{
    struct endpoint to = {.family = FAMILY_IPV4};
    bool lost = random_below(&w->random, 100) == 0;
    struct result r = result_of(0, &to, at, lost ? OUTCOME_LOSS : OUTCOME_REPLY);
    if (!lost)
        r.delays[0] = delay_ns(w, at);
    window_add(w->window, &r);
}

static void take_step(struct world *w, struct step *step, struct wall now)
{
    if (step->factor == 0 || now.ns < step->at.ns)
        return;
    w->base_ns *= step->factor;
    *step = no_step;
}

static struct shift_news minute(struct world *w, struct step step)
{
    static const double keep = 0.95; /* exp(-1 / 20) */
    w->wander =
        keep * w->wander + sqrt(1 - keep * keep) * w->noise->wander * normal(&w->random);
    for (int i = 0; i < w->rate; i++) {
        struct wall at = {w->now.ns + i * MINUTE_NS / w->rate};
        take_step(w, &step, at);
        probe(w, at);
    }
    w->now.ns += MINUTE_NS;
    take_step(w, &step, w->now);
    if (w->burst_end.ns <= w->now.ns)
        next_burst(w);

    struct summary summary;
    window_summary(w->window, w->now, &summary);
    window_reset(w->window, w->now);
    return shift_window(&w->shift, summary.delays[0].percentile_ns[P50],
                        summary.delays[0].count);
}

/* ---- false alarms: nothing ever changes for good ---- */

/* Of each target. */
static int weeks(size_t rate)
{
    return rate == 0 && !check_quick() ? 3 : 1;
}

static int false_alarms(uint64_t seed, const struct noise *noise, double base_ms,
                        size_t rate)
{
    struct world w = world_begin(seed, noise, base_ms, rates[rate]);
    int alarms = 0;
    for (int m = 0; m < weeks(rate) * 7 * 1440; m++)
        alarms += minute(&w, no_step).shifted;
    window_destroy(w.window);
    return alarms;
}

static void at_most_one_false_alarm_a_week(void **state)
{
    (void)state;
    struct random seeds = random_from(check_seed());
    for (size_t n = 0; n < NOISES; n++) {
        int alarms[RATES] = {0};
        for (size_t r = 0; r < RATES; r++)
            for (size_t b = 0; b < BASES; b++)
                alarms[r] +=
                    false_alarms(random_next(&seeds), &noises[n], bases_ms[b], r);
        double a_week = (double)(alarms[0] + alarms[1]) / ((weeks(0) + weeks(1)) * BASES);
        printf("# %s: %.2f false alarms a target and week (%d in %d, 6 probes a minute; "
               "%d in %d, 60 probes)\n",
               noises[n].what, a_week, alarms[0], weeks(0) * BASES, alarms[1],
               weeks(1) * BASES);
        CHECK(a_week <= 1, "%s: more than one", noises[n].what);
    }
}

/* ---- steps ---- */

enum { WITHIN = 3, LATE = 10 }; /* windows after the one in which it happened */

struct found {
    int steps, within, late;
};

/* A step somewhere in the next minute; until it is found, or for LATE windows. */
static void step_by(struct world *w, double factor, struct found *found)
{
    struct step step = {{w->now.ns + random_below(&w->random, MINUTE_NS)}, factor};
    found->steps++;
    for (int window = 0; window <= LATE; window++) {
        struct shift_news news = minute(w, step);
        step = no_step;
        if (!news.shifted || (news.after_ns > news.before_ns) != (factor > 1))
            continue;
        found->within += window <= WITHIN;
        found->late++;
        return;
    }
    shift_forget(&w->shift); /* steps are rare; one each hour would soon be usual */
}

/* Up and down by `size`, an hour or so between two; what is missing then (4 % of a fifth)
 * comes back quietly. */
static void steps(struct world *w, double size, int n, struct found found[2])
{
    double base_ns = w->base_ns;
    for (int i = 0; i < 2 * n; i++) {
        bool up = i % 2 == 0;
        w->base_ns = up ? base_ns : w->base_ns;
        for (int64_t calm = 45 + random_below(&w->random, 30); calm > 0; calm--)
            minute(w, no_step);
        step_by(w, up ? 1 + size : 1 - size, &found[up]);
    }
}

static double share(int part, int whole)
{
    return 100.0 * part / whole;
}

/* `n` steps each way of each target. */
static struct found find_steps(struct random *seeds, const struct noise *noise,
                               size_t rate, double size, int n)
{
    struct found found[2] = {0}, all = {0};
    char ways[128] = "";
    for (size_t b = 0; b < BASES; b++) {
        struct world w = world_begin(random_next(seeds), noise, bases_ms[b], rates[rate]);
        steps(&w, size, n, found);
        window_destroy(w.window);
        int within = found[0].within + found[1].within - all.within;
        snprintf(ways + strlen(ways), sizeof ways - strlen(ways), " %g: %.0f %%,",
                 bases_ms[b], share(within, 2 * n));
        all.within += within;
    }
    const struct found *up = &found[true], *down = &found[false];
    all.steps = up->steps + down->steps;
    all.late = up->late + down->late;
    printf("# %s, %d probes a minute: of %d steps by %.0f %% each way found within %d "
           "windows: up %.1f %%, down %.1f %%; within %d: %.1f %%, %.1f %%\n",
           noise->what, rates[rate], up->steps, 100 * size, WITHIN,
           share(up->within, up->steps), share(down->within, down->steps), LATE,
           share(up->late, up->steps), share(down->late, down->steps));
    printf("#   ways of so many ms:%.*s\n", (int)strlen(ways) - 1, ways);
    return all;
}

static void a_step_of_a_fifth_is_found_within_three_windows(void **state)
{
    (void)state;
    struct random seeds = random_from(check_seed());
    for (size_t n = FIXED; n <= BUSY; n++) {
        struct found slow =
            find_steps(&seeds, &noises[n], 0, 0.2, check_quick() ? 25 : 150);
        struct found fast = find_steps(&seeds, &noises[n], 1, 0.2, 25);
        double within = share(slow.within + fast.within, slow.steps + fast.steps);
        double late = share(slow.late + fast.late, slow.steps + fast.steps);
        if (n == FIXED)
            CHECK(within >= 99 && late >= 99.8, "%.2f %%, %.2f %%", within, late);
        else
            CHECK(fast.within >= 0.97 * fast.steps, "%d of %d", fast.within, fast.steps);
    }
}

/* Of less, and where the noise is larger: for the figures, and bounded by far. */
static void what_other_steps_do(void **state)
{
    (void)state;
    struct random seeds = random_from(check_seed());
    struct found tenth = find_steps(&seeds, &noises[FIXED], 0, 0.1, 50);
    CHECK(share(tenth.within, tenth.steps) < 25, "a tenth is too little to be told");
    struct found fifth = find_steps(&seeds, &noises[RADIO], 0, 0.2, 25);
    CHECK(share(fifth.late, fifth.steps) < 60, "a fifth is within the noise");
    struct found half = find_steps(&seeds, &noises[RADIO], 0, 0.5, 25);
    CHECK(share(half.late, half.steps) > 50, "a half is not");
    half = find_steps(&seeds, &noises[RADIO], 1, 0.5, 10);
    CHECK(share(half.late, half.steps) > 80, "and more probes see more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_most_one_false_alarm_a_week),
        cmocka_unit_test(a_step_of_a_fifth_is_found_within_three_windows),
        cmocka_unit_test(what_other_steps_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
