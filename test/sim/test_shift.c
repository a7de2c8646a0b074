/*
 * Weeks of a site whose delays look like real ones, and what the detection of shifts makes
 * of them: how often it is wrong, and how soon it finds what it should. The truth is the
 * simulator's. The figures are printed; those in core/shift.h are from here.
 *
 * Ten streams: icmp and tcp of three near targets, six probes a minute each, and https of
 * four targets, one a minute. A delay is the path's own, which wanders (first-order
 * autoregressive, 20 minutes), a queue (exponential, whose mean follows the hours of the
 * day), and now and then a spike with a heavy tail (Pareto). On top of that comes what the
 * access line shares: the noises below. One probe in a hundred is lost.
 */
#include "check.h"
#include "core/random.h"
#include "core/shift.h"

#define MINUTE_NS (60 * NS_PER_S)
#define DAY       1440 /* minutes */
#define WEEK      (7 * DAY)

enum { STREAMS = 10, PATHS = 4 };

struct noise {
    const char *what;
    double queue, queue_ns; /* its mean at night: this share of the path, and this more */
    double wander;          /* standard deviation, as a share */
    double spikes;          /* share of the probes */
    double bursts_a_day;    /* of one to two minutes, 20 to 100 % more */
    double backup;          /* so much more for ten minutes of each hour */
    double flutter; /* so much more, for times of 30 minutes (exponential), one path */
    double evening; /* so much more at eight in the evening */
    double drift;   /* so much more each week */
    /* ns that the access line adds, for the lines that the constants were not chosen with */
    double (*line)(struct random *r, size_t path, int64_t at_ns);
};

static const struct noise noises[] = {
    {.what = "a fixed line", 0.01, 30e3, 0.01, 0.02},
    {.what = "a busy line", 0.03, 100e3, 0.02, 0.02},
    {.what = "a radio link", 0.10, 1e6, 0.04, 0.05},
    {.what = "short bursts, two a day", 0.01, 30e3, 0.01, 0.02, .bursts_a_day = 2},
    {.what = "short bursts, one an hour", 0.01, 30e3, 0.01, 0.02, .bursts_a_day = 24},
    {.what = "an hourly backup", 0.01, 30e3, 0.01, 0.02, .backup = 0.5},
    {.what = "a path that flutters", 0.01, 30e3, 0.01, 0.02, .flutter = 0.25},
    {.what = "a daily pattern", 0.02, 60e3, 0.01, 0.02, .evening = 0.3},
    {.what = "a drift", 0.01, 30e3, 0.01, 0.02, .drift = 0.3},
    {.what = "all of it", 0.03, 100e3, 0.02, 0.02, .bursts_a_day = 2, .evening = 0.15},
};
enum { NOISES = sizeof noises / sizeof *noises, FIXED = 0, BUSY = 1, RADIO = 2 };

/* ---- lines that the constants in core/shift.c were not chosen with ---- */

/* The same number for all times in one slot: what a line does is not a probe's chance. */
static double slot_unit(int64_t at_ns, int64_t slot_ns, uint64_t salt)
{
    struct random r =
        random_from((uint64_t)(at_ns / slot_ns) * UINT64_C(0x9e3779b97f4a7c15) + salt);
    return random_unit(&r);
}

static double hour_of(int64_t at_ns)
{
    return (double)(at_ns % (DAY * MINUTE_NS)) / (60.0 * MINUTE_NS);
}

/* Cable: a grant each 2 ms that may be missed (DOCSIS), and contention in the evening. */
static double cable(struct random *r, size_t path, int64_t at_ns)
{
    (void)path;
    double missed = hour_of(at_ns) > 19 && hour_of(at_ns) < 23 ? 0.3 : 0.05, ns = 4e6;
    for (ns += 2e6 * random_unit(r); random_unit(r) < missed;)
        ns += 2e6;
    return ns;
}

/* Mobile: 8 ms retransmissions, a radio that slept (DRX), another cell each hour or so. */
static double mobile(struct random *r, size_t path, int64_t at_ns)
{
    (void)path;
    double ns = 25e6 + 10e6 * slot_unit(at_ns, 70 * MINUTE_NS, 1) + 5e6 * random_unit(r);
    if (random_unit(r) < 0.5)
        ns += 40e6 * random_unit(r);
    while (random_unit(r) < 0.1)
        ns += 8e6;
    return ns;
}

/* Low orbit: another path each 15 s, 20 to 45 ms. */
static double low_orbit(struct random *r, size_t path, int64_t at_ns)
{
    (void)path;
    return 20e6 + 25e6 * slot_unit(at_ns, 15 * NS_PER_S, 2) + random_exponential(r, 3e6);
}

/* Office hours on a thin line: from 9 to 17 on workdays a queue of up to 60 ms, full in
 * two of five slots of 3 minutes (TCP that fills a buffer). */
static double office(struct random *r, size_t path, int64_t at_ns)
{
    (void)path;
    int64_t day = at_ns / (DAY * MINUTE_NS);
    double hour = hour_of(at_ns);
    bool works = day % 7 < 5 && hour >= 9 && hour < 17;
    if (!works || slot_unit(at_ns, 3 * MINUTE_NS, 3) > 0.4)
        return 0;
    return 60e6 * (0.3 + 0.7 * random_unit(r));
}

/* Wi-Fi: each four hours or so twenty minutes of interference, in which a third of the
 * probes waits. */
static double wifi(struct random *r, size_t path, int64_t at_ns)
{
    (void)path;
    double ns = random_exponential(r, 1e6);
    if (slot_unit(at_ns, 20 * MINUTE_NS, 4) < 0.08 && random_unit(r) < 0.33)
        ns += 5e6 + random_exponential(r, 20e6);
    return ns;
}

/* Two equal paths, one 3 ms longer: each probe takes one of them (ECMP by port). */
static double two_paths(struct random *r, size_t path, int64_t at_ns)
{
    (void)path, (void)at_ns;
    return random_unit(r) < 0.5 ? 3e6 : 0;
}

/* An office: a peak in the morning, one after lunch, a backup run in the evening; of the
 * longer paths more, as they share a link that fills. */
static double peaks(struct random *r, size_t path, int64_t at_ns)
{
    static const double more_ns[PATHS] = {0.5e6, 2e6, 8e6, 20e6};
    double a = (hour_of(at_ns) - 10.5) / 1.5, b = (hour_of(at_ns) - 15) / 1.2,
           c = (hour_of(at_ns) - 21) / 1;
    double share = 0.6 * exp(-a * a) + 0.8 * exp(-b * b) + exp(-c * c);
    return more_ns[path] * share * (0.9 + 0.2 * random_unit(r));
}

static const struct noise others[] = {
    {.what = "cable", 0.01, 30e3, 0.01, 0.01, .line = cable},
    {.what = "mobile", 0.01, 30e3, 0.01, 0.01, .line = mobile},
    {.what = "low orbit", 0.01, 30e3, 0.01, 0.01, .line = low_orbit},
    {.what = "office hours", 0.01, 30e3, 0.01, 0.01, .line = office},
    {.what = "Wi-Fi", 0.01, 30e3, 0.01, 0.01, .line = wifi},
    {.what = "three peaks a day", 0.02, 60e3, 0.01, 0.02, .line = peaks},
    {.what = "two equal paths", 0.01, 30e3, 0.01, 0.01, .line = two_paths},
};
enum { OTHERS = sizeof others / sizeof *others };

/* ---- the site ---- */

struct site {
    struct random random;
    const struct noise *noise;
    int64_t begin_ns, now_ns;
    double base_ns[PATHS], wander[PATHS], factor[STREAMS];
    int64_t next_ns[STREAMS];
    int64_t burst_ns, burst_end_ns, flutter_ns;
    double burst;
    bool fluttered;
    struct shift streams[STREAMS];
    struct shift_site site;
    uint64_t values[STREAMS];
};

static size_t path_of(size_t stream)
{
    return stream < 6 ? stream / 2 : stream - 6;
}

static int64_t interval_ns(size_t stream)
{
    return stream < 6 ? 10 * NS_PER_S : MINUTE_NS;
}

static struct site site_begin(uint64_t seed, const struct noise *noise)
{
    static const double bases_ms[PATHS] = {1.5, 9, 24, 80};
    struct site s = {.random = random_from(seed), .noise = noise};
    s.begin_ns = s.now_ns = INT64_C(20780) * DAY * MINUTE_NS;
    for (size_t p = 0; p < PATHS; p++)
        s.base_ns[p] = bases_ms[p] * 1e6;
    for (size_t i = 0; i < STREAMS; i++) {
        s.factor[i] = 1;
        s.next_ns[i] = s.now_ns + random_below(&s.random, interval_ns(i));
    }
    s.burst_ns = s.burst_end_ns = s.flutter_ns = s.now_ns;
    return s;
}

static double bump(double hour, double middle, double width)
{
    double x = (hour - middle) / width;
    return exp(-x * x);
}

/* The standard normal distribution, near enough: the sum of twelve (Irwin, Hall). */
static double normal(struct random *r)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_unit(r);
    return sum;
}

static int64_t delay_ns(struct site *s, size_t stream, int64_t at_ns)
{
    const struct noise *n = s->noise;
    size_t p = path_of(stream);
    double hour = (double)(at_ns % (DAY * MINUTE_NS)) / (60.0 * MINUTE_NS);
    double evening = bump(hour, 20, 2.5), load = 1 + bump(hour, 11, 3) + 2 * evening;
    double weeks = (double)(at_ns - s->begin_ns) / ((double)WEEK * MINUTE_NS);
    double more = s->wander[p] + n->evening * evening + n->drift * weeks;
    if (at_ns >= s->burst_ns && at_ns < s->burst_end_ns)
        more += s->burst;
    if (n->backup > 0 && at_ns / MINUTE_NS % 60 < 10)
        more += n->backup;
    if (p == 1 && s->fluttered)
        more += n->flutter;
    double ns = s->base_ns[p] * s->factor[stream] * (1 + more);
    ns += random_exponential(&s->random, (n->queue * s->base_ns[p] + n->queue_ns) * load);
    if (random_unit(&s->random) < n->spikes)
        ns += 1e6 * pow(1 - random_unit(&s->random), -1 / 1.2);
    if (n->line != NULL)
        ns += n->line(&s->random, p, at_ns);
    return (int64_t)ns;
}

static void move_noise(struct site *s)
{
    static const double keep = 0.95; /* exp(-1 / 20) */
    const struct noise *n = s->noise;
    for (size_t p = 0; p < PATHS; p++)
        s->wander[p] =
            keep * s->wander[p] + sqrt(1 - keep * keep) * n->wander * normal(&s->random);
    if (n->bursts_a_day > 0 && s->now_ns >= s->burst_end_ns) {
        s->burst_ns = s->now_ns + (int64_t)random_exponential(
                                      &s->random, DAY / n->bursts_a_day * MINUTE_NS);
        s->burst_end_ns =
            s->burst_ns + MINUTE_NS + random_below(&s->random, MINUTE_NS + 1);
        s->burst = 0.2 + 0.8 * random_unit(&s->random);
    }
    if (n->flutter > 0 && s->now_ns >= s->flutter_ns) {
        s->fluttered = !s->fluttered;
        s->flutter_ns =
            s->now_ns + (int64_t)random_exponential(&s->random, 30.0 * MINUTE_NS);
    }
}

static void site_end(struct site *s)
{
    for (size_t i = 0; i < STREAMS; i++)
        shift_forget(&s->streams[i]);
}

/* A window: returns the number of events; the last one is in *e. */
static int minute(struct site *s, struct shift_event *e)
{
    struct shift *streams[STREAMS];
    bool members[STREAMS];
    struct shift_event reported;
    int events = 0;
    move_noise(s);
    s->now_ns += MINUTE_NS;
    for (size_t i = 0; i < STREAMS; i++) {
        streams[i] = &s->streams[i];
        for (; s->next_ns[i] < s->now_ns; s->next_ns[i] += interval_ns(i)) {
            if (random_below(&s->random, 100) == 0)
                continue;
            s->values[i]++;
            shift_value(&s->streams[i], (struct wall){s->next_ns[i]},
                        delay_ns(s, i, s->next_ns[i]));
        }
    }
    while (shift_site_window(&s->site, streams, STREAMS, (struct wall){s->now_ns},
                             MINUTE_NS, members, &reported)) {
        events++;
        if (e != NULL)
            *e = reported;
    }
    return events;
}

/* ---- false events: nothing ever changes for good ---- */

/* `most`: of the mean of 16 site-weeks. */
static void count_false_events(const struct noise *list, size_t n_list, double most)
{
    const int sites = check_quick() ? 1 : 4, weeks = check_quick() ? 2 : 4;
    struct random seeds = random_from(check_seed());
    for (size_t n = 0; n < n_list; n++) {
        int first = 0, later = 0;
        for (int i = 0; i < sites; i++) {
            struct site s = site_begin(random_next(&seeds), &list[n]);
            for (int m = 0; m < weeks * WEEK; m++)
                *(m < WEEK ? &first : &later) += minute(&s, NULL);
            site_end(&s);
        }
        double all = (double)(first + later) / (sites * weeks);
        printf("# %s: %.2f false events a site and week (first week %.2f, later %.2f)\n",
               list[n].what, all, (double)first / sites,
               (double)later / (sites * (weeks - 1)));
        CHECK(all <= most, "%s: %.2f false events", list[n].what, all);
    }
}

static void at_most_one_false_event_a_site_and_week(void **state)
{
    (void)state;
    count_false_events(noises, NOISES, check_quick() ? 3 : 1);
}

static void nor_on_other_lines(void **state)
{
    (void)state;
    /* Of a Poisson process with the mean 1, 16 site-weeks exceed 1.5 in 3 % of cases. */
    count_false_events(others, OTHERS, check_quick() ? 3 : 1.5);
}

/* Lines whose delay rises for hours each evening, more than SHIFT_RATIO. */
static void an_evening_is_no_shift(void **state)
{
    (void)state;
    const int sites = check_quick() ? 4 : 16, weeks = check_quick() ? 1 : 4;
    const struct noise noise = {
        .what = "an evening of + 40 %", 0.02, 60e3, 0.01, 0.02, .evening = 0.4};
    struct random seeds = random_from(check_seed());
    int events = 0;
    for (int i = 0; i < sites; i++) {
        struct site s = site_begin(random_next(&seeds), &noise);
        for (int m = 0; m < weeks * WEEK; m++)
            events += minute(&s, NULL);
        site_end(&s);
    }
    double all = (double)events / (sites * weeks);
    printf("# %s: %.2f false events a site and week\n", noise.what, all);
    CHECK(all <= (check_quick() ? 1 : 0.3), "%.2f false events", all);
}

/* ... and a step of 25 % in the middle of the rise is one nevertheless. */
static void a_step_in_the_evening(void **state)
{
    (void)state;
    const int sites = check_quick() ? 6 : 20;
    const struct noise noise = {.what = "", 0.02, 60e3, 0.01, 0.02, .evening = 0.4};
    struct random seeds = random_from(check_seed());
    int found = 0, minutes = 0;
    for (int i = 0; i < sites; i++) {
        struct site s = site_begin(random_next(&seeds), &noise);
        struct shift_event e = {0};
        int at = 0;
        for (int m = 0; m < 2 * DAY + 18 * 60; m++)
            minute(&s, NULL);
        for (size_t k = 0; k < STREAMS; k++)
            s.factor[k] = 1.25;
        for (; at < 60 && (e.members < STREAMS / 2 || !e.news.up); at++)
            minute(&s, &e);
        found += at < 60;
        minutes += at;
        site_end(&s);
    }
    printf(
        "# a step of +25 %% at six in the evening: %d of %d reported, after %.0f minutes\n",
        found, sites, (double)minutes / sites);
    CHECK(found >= sites - 1, "reported");
}

/* ---- steps ---- */

struct found {
    int steps, within, found, values, events, right;
};

/* One step on all streams of a path, or on all; the first of them is looked at. */
static struct found find_steps(struct random *seeds, const struct noise *noise,
                               double size, bool all, int n)
{
    struct found f = {0};
    for (int i = 0; i < n; i++) {
        struct site s = site_begin(random_next(seeds), noise);
        struct shift_event e = {0};
        size_t stream = all ? (size_t)i % STREAMS : 2 + (size_t)i % 2;
        for (int m = 0; m < DAY; m++)
            minute(&s, NULL);
        for (size_t k = 0; k < STREAMS; k++)
            s.factor[k] = all || path_of(k) == path_of(stream) ? 1 + size : 1;
        uint64_t before[STREAMS];
        memcpy(before, s.values, sizeof before);
        int at = -1, events = 0;
        for (int m = 0; m < 30; m++) {
            struct shift_event reported;
            uint64_t had = s.values[stream] - before[stream];
            int now = minute(&s, &reported);
            if (now > 0 && at < 0 && (reported.news.up == (size > 0))) {
                at = (int)had + 1;
                e = reported;
            }
            events += now;
        }
        f.steps++;
        f.found += at > 0;
        f.events += events;
        f.values += at > 0 ? at : 0;
        size_t expected = all ? STREAMS : 3;
        f.right +=
            at > 0 && e.members == expected && fabs(e.ratio / (1 + size) - 1) < 0.05;
        site_end(&s);
    }
    printf(
        "# %s, a step of %+.0f %% of %s: %d of %d reported, after %.1f values in the mean, "
        "%.2f events each, members and ratio right in %d\n",
        noise->what, 100 * size, all ? "all" : "a path", f.found, f.steps,
        f.found > 0 ? (double)f.values / f.found : 0, (double)f.events / f.steps,
        f.right);
    return f;
}

static void a_step_is_one_event(void **state)
{
    (void)state;
    struct random seeds = random_from(check_seed());
    static const double sizes[] = {0.2, -0.2, 0.5, 9};
    for (size_t i = 0; i < 4; i++)
        for (int all = 0; all < 2; all++) {
            struct found f = find_steps(&seeds, &noises[FIXED], sizes[i], all,
                                        check_quick() ? 10 : 60);
            CHECK(f.found >= 0.97 * f.steps, "reported");
            CHECK(f.events <= 1.1 * f.steps, "once");
            CHECK(f.right >= 0.7 * f.steps, "right");
        }
    if (check_quick())
        return;
    find_steps(&seeds, &noises[BUSY], 0.2, true, 40);
    find_steps(&seeds, &noises[RADIO], 0.5, true, 40);
    find_steps(&seeds, &noises[FIXED], 0.1, true, 40);
}

/* One stream alone, of any rate, on a quiet line: values until it is known. */
static void a_fifth_is_known_within_ten_values(void **state)
{
    (void)state;
    static const double intervals_s[] = {1, 10, 60, 300};
    struct random r = random_from(check_seed());
    for (size_t i = 0; i < 4; i++) {
        int most = 0, late = 0, n = 200;
        for (int t = 0; t < n; t++) {
            struct shift s = {0};
            double base_ns = 1.5e6 * pow(120, random_unit(&r)), at_s = 1e9;
            int values = 0;
            bool up = random_below(&r, 2) == 0;
            for (int v = 0; v < 600; v++, at_s += intervals_s[i])
                shift_value(&s, (struct wall){(int64_t)(at_s * 1e9)},
                            (int64_t)(base_ns * (1 + 0.01 * normal(&r)) +
                                      random_exponential(&r, 0.01 * base_ns + 3e4)));
            for (; s.news == NULL && values < 200; values++, at_s += intervals_s[i])
                shift_value(
                    &s, (struct wall){(int64_t)(at_s * 1e9)},
                    (int64_t)(base_ns * (up ? 1.2 : 0.8) * (1 + 0.01 * normal(&r)) +
                              random_exponential(&r, 0.01 * base_ns + 3e4)));
            late += values > 10;
            most = values > most ? values : most;
            shift_forget(&s);
        }
        printf(
            "# a probe each %g s: a fifth is known after more than 10 values in %d of %d, "
            "at most %d\n",
            intervals_s[i], late, n, most);
        CHECK(intervals_s[i] < 10 || late <= n / 50, "late");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fifth_is_known_within_ten_values),
        cmocka_unit_test(a_step_is_one_event),
        cmocka_unit_test(at_most_one_false_event_a_site_and_week),
        cmocka_unit_test(nor_on_other_lines),
        cmocka_unit_test(an_evening_is_no_shift),
        cmocka_unit_test(a_step_in_the_evening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
