/*
 * How often the 95 % interval of the difference between two uplinks (core/paired.h) holds
 * the truth on lines that its rule was not chosen on: it was chosen on those of
 * test_uplinks.c, with other seeds. Each line runs in continuous time; what it states is
 * the difference of the last hour, sampled at random times as core/uplinks.h does, so the
 * truth is the median of the differences of each
 * second of the time that the pairs are from. Beside it the coverage of the median of the
 * line in the long run, which no hour of a slow line can know.
 */
#include "check.h"
#include "core/paired.h"
#include "core/random.h"
#include "core/schedule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_OUT UINT64_C(0x9e3779b97f4a7c15)

struct line {
    struct random random;
    double t, until, next; /* s */
    double level, other, burst;
    double hour, phase; /* of the day, 0 to 24 */
};

static double normal(struct random *r)
{
    return sqrt(-2 * log(1 - random_unit(r))) * cos(2 * M_PI * random_unit(r));
}

/* True at the times of a Poisson process with that mean gap. */
static bool happens(struct line *l, double mean_s)
{
    return random_unit(&l->random) < 1 / mean_s;
}

/* Cable: a queue shared with the neighbours, fuller from 18 to 23 h; downloads of this site
 * fill it for some seconds. The delay of a queue at that load is exponential. */
static double cable(struct line *l)
{
    double hour = fmod(l->hour + l->t / 3600, 24);
    double evening = exp(-(hour - 20.5) * (hour - 20.5) / 4);
    l->level = 0.7 * l->level + 0.3 * (0.25 + 0.6 * evening + 0.05 * normal(&l->random));
    double load = l->level < 0.05 ? 0.05 : l->level > 0.95 ? 0.95 : l->level;
    if (l->t > l->until && happens(l, 240)) {
        l->until = l->t + random_exponential(&l->random, 12);
        l->burst = 20 + 40 * random_unit(&l->random);
    }
    double own = l->t < l->until ? l->burst * random_unit(&l->random) : 0;
    return 9 + random_exponential(&l->random, 2 * load / (1 - load)) + own -
           random_exponential(&l->random, 0.3);
}

/* LTE: each cell has its own delay and load, a handover every 7 minutes interrupts for a
 * second; the grant comes in a grid of 10 ms; a sleeping radio answers late. */
static double lte(struct line *l)
{
    if (l->next == 0 || happens(l, 420)) {
        l->level = 14 * random_unit(&l->random);
        l->other = 1 + 6 * random_unit(&l->random);
        l->until = l->t + 1.5;
        l->next = 1;
    }
    double grant = 10 * random_unit(&l->random);
    double asleep = random_unit(&l->random) < 0.15 ? 30 * random_unit(&l->random) : 0;
    double handover = l->t < l->until ? 80 + 100 * random_unit(&l->random) : 0;
    return 22 + l->level + grant + asleep + handover +
           random_exponential(&l->random, l->other) - random_exponential(&l->random, 0.5);
}

/* A satellite in low orbit: each 15 s another one, or another beam; the distance of a pass
 * of 4 minutes; waiting for a turn in the frame. */
static double satellite(struct line *l)
{
    if (l->t >= l->next) {
        l->next = 15 * (floor(l->t / 15) + 1);
        l->level = 5 * normal(&l->random);
        l->other = 2 + 4 * random_unit(&l->random);
    }
    double pass = 5 * sin(2 * M_PI * (l->t + l->phase) / 240);
    return 26 + l->level + pass + random_exponential(&l->random, l->other) -
           random_exponential(&l->random, 0.3);
}

/* Wi-Fi to the router of one uplink: contention in bursts of 8 s, a scan of all channels
 * each minute. */
static double wifi(struct line *l)
{
    if (l->t > l->until && happens(l, 35))
        l->until = l->t + random_exponential(&l->random, 8);
    double busy = l->t < l->until ? random_exponential(&l->random, 35) : 0;
    double scan = fmod(l->t + l->phase, 60) < 2 ? 120 * random_unit(&l->random) : 0;
    return 6 + random_exponential(&l->random, 1.5) + busy + scan -
           random_exponential(&l->random, 0.3);
}

/* Two equal-cost paths on either uplink, chosen by flow: each probe has another port. */
static double two_paths(struct line *l)
{
    double a = random_unit(&l->random) < 0.5 ? 0 : 6;
    double b = random_unit(&l->random) < 0.4 ? 0 : 2.5;
    return 18 + a - b + 0.3 * normal(&l->random);
}

/* Two paths again, but a router moves all flows to the other one every 9 minutes. */
static double moving(struct line *l)
{
    if (happens(l, 540))
        l->level = l->level > 0 ? 0 : 7;
    return 18 + l->level + random_exponential(&l->random, 1.2);
}

/* DSL behind a router that sends its backup each 5 minutes for 20 s, added after pairs were
 * sent at random times. */
static double backup(struct line *l)
{
    double queue = fmod(l->t + l->phase, 300) < 20 ? 60 + 10 * normal(&l->random) : 0;
    return 14 + random_exponential(&l->random, 2) + queue -
           random_exponential(&l->random, 0.5);
}

/* 5G beside fibre: fading, alike for some 20 s, with a long tail; as above. */
static double fading(struct line *l)
{
    l->level = 0.95 * l->level + 0.31 * normal(&l->random);
    return 11 + 3 * exp(l->level) + random_exponential(&l->random, 1) -
           random_exponential(&l->random, 0.3);
}

static const struct {
    const char *what;
    double (*draw)(struct line *l); /* the difference, ms, of each second in turn */
} lines[] = {
    {"cable, evening load", cable},      {"LTE, handovers", lte},
    {"satellite, each 15 s", satellite}, {"Wi-Fi, bursts", wifi},
    {"two equal-cost paths", two_paths}, {"moves every 9 min", moving},
    {"DSL, a backup", backup},           {"5G, fading", fading},
};

enum { LINES = sizeof lines / sizeof *lines, WARM_S = 1800, HOUR_S = 3600 };

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median_of(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static struct line site_of(size_t line, uint64_t site)
{
    struct line l = {.random = random_from(HELD_OUT ^ (site * 1000003 + line))};
    l.hour = 24 * random_unit(&l.random);
    l.phase = 1000 * random_unit(&l.random);
    for (; l.t < WARM_S; l.t++)
        lines[line].draw(&l);
    return l;
}

/* Over many sites and days. */
static double long_run(size_t line)
{
    enum { SITES = 2000, EACH = 200 };
    static double values[SITES * EACH];
    const size_t sites = check_quick() ? SITES / 10 : SITES;
    for (size_t i = 0; i < sites; i++) {
        struct line l = site_of(line, 1000000 + i);
        for (size_t k = 0; k < EACH; k++, l.t++)
            values[i * EACH + k] = lines[line].draw(&l);
    }
    return median_of(values, sites * EACH);
}

struct score {
    size_t known, right, right_ever;
    double width_ms;
};

static void one_site(size_t line, uint64_t site, size_t pairs, int step_s, double ever,
                     struct score *s)
{
    static double each[HOUR_S];
    struct line l = site_of(line, site);
    struct paired p = {0};
    size_t seconds = pairs * (size_t)step_s;
    double gap_s = SCHEDULE_GAP_LEAST * step_s, due = step_s * random_unit(&l.random);
    for (size_t i = 0; i < seconds; i++, l.t++) {
        each[i] = lines[line].draw(&l);
        for (; due < (double)i + 1;
             due += gap_s + random_exponential(&l.random, step_s - gap_s))
            paired_add(&p, (struct wall){(int64_t)i * NS_PER_S},
                       (int64_t)(each[i] * 1e6));
    }
    struct paired_interval v =
        paired_interval(&p, (struct wall){(int64_t)seconds * NS_PER_S});
    double truth = median_of(each, seconds) * 1e6;
    s->known += v.known;
    s->right += v.known && (double)v.low_ns <= truth && truth <= (double)v.high_ns;
    s->right_ever +=
        v.known && (double)v.low_ns <= ever * 1e6 && ever * 1e6 <= (double)v.high_ns;
    s->width_ms += v.known ? (double)(v.high_ns - v.low_ns) / 1e6 : 0;
}

static void interval_holds_the_truth(void **state)
{
    static const struct {
        size_t pairs;
        int step_s; /* two uplinks share the rate of one target: 10 s, or 60 s of slow */
    } plans[] = {{30, 20}, {90, 20}, {180, 20}, {240, 4}};
    const uint64_t sites = check_quick() ? 150 : 4000;
    (void)state;
    for (size_t k = 0; k < LINES; k++) {
        double ever = long_run(k);
        printf("# %-21s (%.1f ms)", lines[k].what, ever);
        for (size_t n = 0; n < sizeof plans / sizeof *plans; n++) {
            struct score s = {0};
            for (uint64_t site = 0; site < sites; site++)
                one_site(k, site * 4 + n, plans[n].pairs, plans[n].step_s, ever, &s);
            double known = s.known > 0 ? (double)s.known : 1;
            double coverage = (double)s.right / known;
            printf("  %zu x %d s: %.1f %% (ever %.1f, known %.0f %%, %.1f ms)",
                   plans[n].pairs, plans[n].step_s, 100 * coverage,
                   100 * (double)s.right_ever / known,
                   100 * (double)s.known / (double)sites, s.width_ms / known);
            CHECK(coverage >= (check_quick() ? 0.92 : 0.95) || s.known < sites / 20,
                  "%s, %zu pairs: %.3f", lines[k].what, plans[n].pairs, coverage);
        }
        printf("\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(interval_holds_the_truth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
