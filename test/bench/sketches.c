/*
 * The error of percentiles: for data of known shape, edgelat's percentiles of a window and
 * its exported histogram beside other sketches, each against the exact order statistic
 * (nearest rank) of the same values. Prints JSON, one object for each sketch and trial: the
 * largest relative error of p50, p90, p95 and p99 in percent, and the counters kept.
 *
 * The others are implemented here from what is published, because Debian 12 has no library
 * for C or Python:
 *   OpenTelemetry  base-2 exponential histogram, at most 160 buckets, scale at most 20 (the
 *                  defaults of the SDK specification)
 *   DDSketch       Masson, Rim, Lee, VLDB 2019: logarithmic mapping, relative accuracy 1 %
 *   HdrHistogram   3 significant digits, 1 us to 1 h; a percentile is the highest equivalent
 *                  value, as hdr_value_at_percentile() gives it
 *   classic        the default buckets of smokeping_prober, linear interpolation as
 *                  histogram_quantile() of Prometheus does it
 */
#include "core/histogram.h"
#include "core/random.h"
#include "core/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIALS = 10, VALUES_MAX = 100000, COUNTERS_MAX = 65536 };

static int64_t values[VALUES_MAX], sorted[VALUES_MAX]; /* ns */
static size_t n;

struct found {
    double ns[PERCENTILES];
    size_t counters;
};

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* ---- edgelat ---- */

static struct found window_percentiles(void)
{
    static const struct kind icmp = {.name = "icmp", .delays = {"rtt"}};
    struct window *w = window_create(&icmp, (struct wall){0});
    struct endpoint to = {.family = FAMILY_IPV4};
    struct summary s;
    struct found f = {.counters = 0};
    for (size_t i = 0; i < n; i++) {
        struct result r =
            result_of(0, &to, (struct wall){(int64_t)i * NS_PER_MS}, OUTCOME_REPLY);
        r.delays[0] = values[i];
        window_add(w, &r);
    }
    window_summary(w, (struct wall){(int64_t)n * NS_PER_MS}, &s);
    for (size_t p = 0; p < PERCENTILES; p++)
        f.ns[p] = (double)s.delays[0].percentile_ns[p];
    struct tally t = {0};
    window_tally_delay(w, 0, &t);
    f.counters = t.n;
    tally_free(&t);
    window_destroy(w);
    return f;
}

static struct found exported(int scale)
{
    struct histogram h = histogram_empty();
    struct found f;
    for (size_t i = 0; i < n; i++)
        histogram_add(&h, values[i]);
    histogram_coarsen(&h, scale);
    for (size_t p = 0; p < PERCENTILES; p++)
        f.ns[p] = (double)histogram_quantile(&h, percentile_quantile[p]);
    f.counters = h.n;
    histogram_free(&h);
    return f;
}

static struct found exported_default(void)
{
    return exported(HISTOGRAM_EXPORT_SCALE);
}

static struct found exported_fine(void)
{
    return exported(HISTOGRAM_SCALE);
}

/* ---- others: a number for each value, and a value for each number ---- */

struct mapping {
    size_t (*number)(double ns);
    double (*value)(size_t number);
};

/* `fixed`: counters that are kept whatever comes; 0: from the first to the last in use. */
static struct found counted(const struct mapping *m, size_t fixed)
{
    static uint32_t counts[COUNTERS_MAX];
    struct found f;
    size_t first = COUNTERS_MAX, last = 0;
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < n; i++) {
        size_t k = m->number((double)values[i]);
        counts[k]++;
        first = k < first ? k : first;
        last = k > last ? k : last;
    }
    for (size_t p = 0; p < PERCENTILES; p++) {
        uint64_t rank = (uint64_t)ceil(percentile_quantile[p] * (double)n), seen = 0;
        size_t k = first;
        while ((seen += counts[k]) < rank)
            k++;
        f.ns[p] = m->value(k);
    }
    f.counters = fixed > 0 ? fixed : last - first + 1;
    return f;
}

static int otel_scale;

static double otel_index(double ns, int scale)
{
    return ceil(log2(ns / 1e9) * exp2(scale)) - 1;
}

/* Counted from the smallest value: `sorted` is ready. */
static size_t otel_number(double ns)
{
    return (size_t)(otel_index(ns, otel_scale) -
                    otel_index((double)sorted[0], otel_scale));
}

static double otel_value(size_t number)
{
    double index = otel_index((double)sorted[0], otel_scale) + (double)number;
    return exp2((index + 0.5) / exp2(otel_scale)) * 1e9;
}

static struct found otel(void)
{
    double least = (double)sorted[0], most = (double)sorted[n - 1];
    otel_scale = 20;
    while (otel_index(most, otel_scale) - otel_index(least, otel_scale) >= 160)
        otel_scale--;
    return counted(&(struct mapping){otel_number, otel_value}, 0);
}

#define GAMMA (1.01 / 0.99)

static size_t dd_number(double ns)
{
    return (size_t)ceil(log(ns) / log(GAMMA));
}

static double dd_value(size_t number)
{
    return 2 * pow(GAMMA, (double)number) / (GAMMA + 1);
}

static struct found ddsketch(void)
{
    return counted(&(struct mapping){dd_number, dd_value}, 0);
}

enum { HDR_HALF = 1024, HDR_COUNTERS = 23 * HDR_HALF };

static size_t hdr_number(double ns)
{
    uint64_t us = (uint64_t)(ns / 1000);
    size_t shift = 0;
    while (us >> shift >= 2 * HDR_HALF)
        shift++;
    return shift * HDR_HALF + (size_t)(us >> shift);
}

static double hdr_value(size_t number)
{
    size_t shift = number < 2 * HDR_HALF ? 0 : number / HDR_HALF - 1;
    uint64_t sub = number - shift * HDR_HALF;
    return (double)((sub + 1) << shift) * 1000 - 1000;
}

static struct found hdr(void)
{
    return counted(&(struct mapping){hdr_number, hdr_value}, HDR_COUNTERS);
}

static struct found classic(void)
{
    enum { BUCKETS = 20 };
    struct found f = {.counters = BUCKETS + 1};
    for (size_t p = 0; p < PERCENTILES; p++) {
        double rank = percentile_quantile[p] * (double)n, below = 0, start = 0,
               end = 50e3;
        for (int b = 0; b < BUCKETS; b++, start = end, end *= 2) {
            double upto = below;
            while (upto < (double)n && (double)sorted[(size_t)upto] <= end)
                upto++;
            f.ns[p] = end;
            if (upto >= rank) {
                f.ns[p] = start + (end - start) * (rank - below) / (upto - below);
                break;
            }
            below = upto;
        }
    }
    return f;
}

/* ---- data ---- */

static double log_normal(struct random *r, double median, double sigma)
{
    double normal = sqrt(random_exponential(r, 2)) * cos(2 * M_PI * random_unit(r));
    return median * exp(sigma * normal);
}

static double one_path(struct random *r)
{
    return log_normal(r, 18e6, 0.3);
}

/* Four of five probes take one of two paths. */
static double two_paths(struct random *r)
{
    return random_unit(r) < 0.8 ? log_normal(r, 12e6, 0.05) : log_normal(r, 45e6, 0.1);
}

/* Pareto, exponent 1.5: the variance is infinite. */
static double heavy_tail(struct random *r)
{
    return 5e6 * pow(1 - random_unit(r), -1 / 1.5);
}

int main(void)
{
    static const struct {
        const char *name;
        double (*draw)(struct random *r);
    } shapes[] = {
        {"log-normal", one_path}, {"bimodal", two_paths}, {"heavy-tailed", heavy_tail}};
    static const struct {
        const char *name;
        struct found (*ask)(void);
    } sketches[] = {{"edgelat percentile", window_percentiles},
                    {"edgelat histogram", exported_default},
                    {"edgelat histogram, scale 6", exported_fine},
                    {"OpenTelemetry 160", otel},
                    {"DDSketch 1 %", ddsketch},
                    {"HdrHistogram 3 digits", hdr},
                    {"classic buckets", classic}};
    static const size_t sizes[] = {360, VALUES_MAX};

    for (size_t shape = 0; shape < 3; shape++)
        for (size_t size = 0; size < 2; size++)
            for (int trial = 0; trial < TRIALS; trial++) {
                struct random r = random_from((uint64_t)trial + 1);
                n = sizes[size];
                for (size_t i = 0; i < n; i++)
                    values[i] = sorted[i] = (int64_t)shapes[shape].draw(&r);
                qsort(sorted, n, sizeof *sorted, compare);
                for (size_t k = 0; k < sizeof sketches / sizeof *sketches; k++) {
                    struct found f = sketches[k].ask();
                    double worst = 0;
                    for (size_t p = 0; p < PERCENTILES; p++) {
                        size_t rank = (size_t)ceil(percentile_quantile[p] * (double)n);
                        double exact = (double)sorted[rank - 1];
                        worst = fmax(worst, fabs(f.ns[p] - exact) / exact * 100);
                    }
                    printf("{\"data\":\"%s\",\"n\":%zu,\"trial\":%d,\"sketch\":\"%s\","
                           "\"error_percent\":%.6f,\"counters\":%zu}\n",
                           shapes[shape].name, n, trial, sketches[k].name, worst,
                           f.counters);
                }
            }
    return 0;
}
