/*
 * The cost per value: histogram_add() compared with a plain loop that stores the same
 * values in an array, and window_add() with all of its state.
 */
#include "core/histogram.h"
#include "core/random.h"
#include "core/result.h"
#include "core/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VALUES 65536
#define ROUNDS 200

static int64_t values[VALUES];
static volatile int64_t stored[VALUES];

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double store_all(void)
{
    double begin = seconds();
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < VALUES; i++)
            stored[i] = values[i];
    return (seconds() - begin) * 1e9 / ROUNDS / VALUES;
}

static double add_all(void)
{
    struct histogram h = histogram_empty();
    double begin = seconds();
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < VALUES; i++)
            histogram_add(&h, values[i]);
    double each = (seconds() - begin) * 1e9 / ROUNDS / VALUES;
    if (h.count != (uint64_t)VALUES * ROUNDS)
        abort();
    histogram_free(&h);
    return each;
}

/* Windows of 1000 probes, one each second. */
static double window_all(void)
{
    static const struct kind icmp = {.name = "icmp", .delays = {"rtt"}};
    struct endpoint to = {.family = FAMILY_IPV4};
    struct window *w = window_create(&icmp, (struct wall){0});
    double begin = seconds();
    for (size_t i = 0; i < VALUES; i++) {
        struct wall time = {(int64_t)i * NS_PER_S};
        struct result r = result_of(0, &to, time, OUTCOME_REPLY);
        r.delays[0] = values[i];
        window_add(w, &r);
        if (i % 1000 == 999)
            window_reset(w, time);
    }
    double each = (seconds() - begin) * 1e9 / VALUES;
    window_destroy(w);
    return each;
}

static double log_normal(struct random *r, double median, double sigma)
{
    double normal = sqrt(random_exponential(r, 2)) * cos(2 * M_PI * random_unit(r));
    return median * exp(sigma * normal);
}

int main(void)
{
    static const struct {
        const char *name;
        double median_ns, sigma;
    } cases[] = {{"one PoP, 18 ms", 18e6, 0.1}, {"six decades", 1e6, 2.3}};

    for (size_t c = 0; c < 2; c++) {
        struct random r = random_from(1);
        for (size_t i = 0; i < VALUES; i++)
            values[i] = llround(log_normal(&r, cases[c].median_ns, cases[c].sigma));
        store_all(); /* warm */
        double store = store_all(), add = add_all(), window = window_all();
        printf("histogram, %-15s  add %5.2f ns, %5.1f x a store (%.2f ns);"
               "  window_add %6.1f ns\n",
               cases[c].name, add, add / store, store, window);
    }
    return 0;
}
