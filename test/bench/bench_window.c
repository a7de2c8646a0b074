/*
 * What closing a window of 600 series costs: the summaries and series, and what is encoded
 * of the rest, on the loop; and encoding and compressing the series, which the agent leaves
 * to libuv's thread pool.
 */
#include "branch.h"

#include "otlp/metrics.h"

#include <time.h>

enum { TARGETS = 100, KINDS = 3, HOURS = 2, WINDOWS = 60 };

static const struct otlp_resource resource = {.instance_id =
                                                  "6f9619ff-8b86-4011-b42d-00c04fc964ff",
                                              .version = "0.1.0",
                                              .host_name = "branch-17",
                                              .site = "Leeds"};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void take_part(void *bytes, size_t len, void *user)
{
    *(size_t *)user += len;
    free(bytes);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double ms[WINDOWS])
{
    qsort(ms, WINDOWS, sizeof *ms, by_value);
    printf("  %-38s p50 %6.2f ms, max %6.2f ms\n", what, ms[WINDOWS / 2],
           ms[WINDOWS - 1]);
}

int main(void)
{
    static struct branch b;
    static double closing[WINDOWS], encoding[WINDOWS], zlib[WINDOWS];
    size_t bytes = 0;
    branch_begin(&b, 1, TARGETS, KINDS, (struct wall){1795424400 * NS_PER_S});
    for (int i = 0; i < HOURS * 60; i++)
        branch_minute(&b);
    for (int i = 0; i < WINDOWS; i++) {
        branch_probes(&b);
        double began = now_ms();
        branch_close(&b);
        closing[i] = now_ms() - began;
        began = now_ms();
        struct otlp_work *work =
            otlp_metrics_begin(&b.batch, &resource, &METRIC_CHOICE_DEFAULT);
        encoding[i] = now_ms() - began;
        began = now_ms();
        otlp_metrics_end(work, take_part, &bytes);
        zlib[i] = now_ms() - began;
    }
    printf("window: %zu series, %d h after the start, %zu bytes gzipped; CPU time\n",
           b.batch.n_series, HOURS, bytes / WINDOWS);
    print("summaries, series, percentiles", closing);
    print("encoding the rest", encoding);
    print("encoding and compression, thread pool", zlib);
    branch_end(&b);
    return 0;
}
