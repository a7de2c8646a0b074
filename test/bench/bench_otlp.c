/*
 * The cost of a batch per time series of the receiver (one data point each): encoding and
 * gzip together, compared with zlib alone on the same bytes.
 */
#include "branch.h"

#include "otlp/gzip.h"
#include "otlp/metrics.h"

#include <time.h>

#define ROUNDS 200

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const struct otlp_resource resource = {.instance_id =
                                                  "6f9619ff-8b86-4011-b42d-00c04fc964ff",
                                              .version = "0.1.0",
                                              .host_name = "branch-17",
                                              .site = "Leeds"};

struct packed {
    void *bytes;
    size_t len;
};

static void keep(void *bytes, size_t len, void *user)
{
    struct packed *p = user;
    free(p->bytes);
    *p = (struct packed){bytes, len};
}

static size_t histograms(const struct series *s)
{
    size_t n = s->variation.count > 0;
    for (size_t i = 0; i < kind_delays(s->kind); i++)
        n += s->delays[i].count > 0;
    return n;
}

/* The points that otlp/metrics.c makes of it. */
static size_t points(const struct batch *b)
{
    size_t n = 3 * b->n_targets;
    for (size_t i = 0; i < b->n_series; i++) {
        const struct series *s = b->series[i];
        n += histograms(s) + 2; /* and replies, losses */
        if (!s->in_window)
            continue;
        n += isnan(s->window.loss_ratio) ? 0 : 2;
        for (size_t d = 0; d < kind_delays(s->kind); d++)
            for (size_t q = 0; q < PERCENTILES; q++) {
                n += 3 * s->window.delays[d].supported[q]; /* with low and high */
                for (size_t p = 0; p < PERIODS; p++)
                    n += 3 * (s->due[p] && s->periods[p] != NULL &&
                              s->periods[p][d].delay.supported[q]);
            }
    }
    return n;
}

struct cost { /* the least of the rounds, which alternate: both meet the same machine */
    double both_us, zlib_us;
};

static double least_us(double least, double began)
{
    double took = (cpu_s() - began) * 1e6;
    return took < least ? took : least;
}

static struct cost measure(const struct batch *batch, struct packed *packed)
{
    struct cost cost = {INFINITY, INFINITY};
    size_t len, packed_len;
    void *plain;
    otlp_metrics(batch, &resource, &METRIC_CHOICE_DEFAULT, keep, packed);
    if (gzip_unpack(packed->bytes, packed->len, OTLP_BYTES_MAX, &plain, &len) < 0)
        abort();
    for (int i = 0; i < ROUNDS; i++) {
        double began = cpu_s();
        otlp_metrics(batch, &resource, &METRIC_CHOICE_DEFAULT, keep, packed);
        cost.both_us = least_us(cost.both_us, began);
        began = cpu_s();
        free(gzip_pack(plain, len, &packed_len));
        cost.zlib_us = least_us(cost.zlib_us, began);
    }
    free(plain);
    return cost;
}

static void bench(const char *what, size_t targets, size_t kinds, int minutes)
{
    static struct branch b;
    struct packed packed = {0};
    branch_begin(&b, 1, targets, kinds, (struct wall){1795424400 * NS_PER_S});
    for (int i = 0; i < minutes; i++)
        branch_minute(&b);
    struct cost cost = measure(&b.batch, &packed);
    double hundreds = (double)points(&b.batch) / 100;
    printf("  %-22s %4.0f series; per 100 of them: %3.0f us, zlib alone %3.0f us, %4.0f "
           "bytes gzipped\n",
           what, 100 * hundreds, cost.both_us / hundreds, cost.zlib_us / hundreds,
           (double)packed.len / hundreds);
    free(packed.bytes);
    branch_end(&b);
}

int main(void)
{
    printf("otlp: a batch, CPU time of encoding with gzip, as on the thread pool\n");
    bench("shipped, first minute", 5, 3, 1);
    bench("shipped, after a day", 5, 3, 1440);
    bench("25 targets, an hour", 25, 3, 60);
    bench("25 targets, a day", 25, 3, 1440);
    return 0;
}
