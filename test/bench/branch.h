/*
 * A simulated branch office for the benchmarks: random results, aggregated by the agent's
 * own windows and ledger, so that the export has realistic size and entropy. Ten targets
 * of 3 to 30 ms with icmp, tcp and https, the first three at the full rate of the shipped
 * configuration; the seed selects the delays.
 */
#ifndef EDGELAT_BENCH_BRANCH_H
#define EDGELAT_BENCH_BRANCH_H

#include "core/random.h"
#include "core/series.h"
#include "core/window.h"
#include "interned.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BRANCH_TARGETS_MAX = 128, BRANCH_STREAMS_MAX = BRANCH_TARGETS_MAX * 6 };

static const struct kind branch_kinds[] = {
    {.name = "icmp", .delays = {"rtt"}, .interval_ns = 10 * NS_PER_S},
    {.name = "tcp", .delays = {"rtt"}, .uses = USES_PORT, .interval_ns = 10 * NS_PER_S},
    {.name = "https",
     .delays = {"rtt", "dns", "connect", "tls", "first_byte", "total", "warm_first_byte"},
     .uses = USES_PORT,
     .interval_ns = 60 * NS_PER_S,
     .main_delay = 5},
};

struct branch {
    struct random random;
    struct target targets[BRANCH_TARGETS_MAX];
    double median_ms[BRANCH_TARGETS_MAX];
    struct target_state states[BRANCH_TARGETS_MAX];
    size_t n_targets;
    struct {
        size_t target;
        const struct kind *kind;
        struct endpoint to;
        struct window *window;
    } streams[BRANCH_STREAMS_MAX];
    size_t n_streams;
    struct series_set *series;
    struct rolling_set *rolling;
    struct wall began, now;
    struct batch batch;
};

static inline void branch_stream(struct branch *b, size_t target, const struct kind *kind,
                                 const char *address)
{
    size_t i = b->n_streams++;
    b->streams[i].target = target;
    b->streams[i].kind = kind;
    endpoint_parse(&b->streams[i].to, address, 443);
    b->streams[i].window = window_create(kind, b->now);
}

static inline void branch_begin(struct branch *b, uint64_t seed, size_t targets,
                                size_t kinds, struct wall now)
{
    static const char *const metros[] = {"LON", "AMS", "FRA", "DUB", "PAR", "MAD"};
    memset(b, 0, sizeof *b);
    b->random = random_from(seed);
    b->began = b->now = now;
    b->rolling = rolling_set_create((struct mono){0});
    b->series = series_set_create(false, b->rolling);
    series_set_scale(b->series, HISTOGRAM_EXPORT_SCALE);
    b->n_targets = targets;
    for (size_t t = 0; t < targets; t++) {
        struct target *target = &b->targets[t];
        target->name = interned("workload-%zu", t + 1);
        target->host = interned("workload-%zu.example.com", t + 1);
        snprintf(target->service, sizeof target->service, "workload");
        target->port = 443;
        b->median_ms[t] = 3 + 27 * random_unit(&b->random);
        b->states[t] = (struct target_state){
            .target = target, .up = true, .measured = true, .rank = (uint32_t)t + 1};
        strcpy(b->states[t].pop, metros[random_below(&b->random, 6)]);
        for (size_t k = 0; k < kinds; k++) {
            branch_stream(b, t, &branch_kinds[k], "203.0.113.7");
            branch_stream(b, t, &branch_kinds[k], "2001:db8::7");
        }
    }
}

static inline int64_t branch_delay(struct branch *b, double median_ms)
{
    double normal =
        sqrt(random_exponential(&b->random, 2)) * cos(2 * M_PI * random_unit(&b->random));
    double ms = median_ms * exp(0.15 * normal);
    if (random_below(&b->random, 50) == 0) /* a spike, as in sim/test_shift */
        ms += pow(1 - random_unit(&b->random), -1 / 1.2);
    return (int64_t)(fmin(ms, 2000) * 1e6);
}

/* A probe of stream `i`; one of 200 is lost. */
static inline void branch_probe(struct branch *b, size_t i, struct wall sent)
{
    bool lost = random_below(&b->random, 200) == 0;
    struct result r = result_of((uint32_t)i, &b->streams[i].to, sent,
                                lost ? OUTCOME_LOSS : OUTCOME_REPLY);
    for (size_t d = 0; !lost && d < kind_delays(b->streams[i].kind); d++)
        r.delays[d] =
            branch_delay(b, b->median_ms[b->streams[i].target] * (d == 5 ? 4 : 1));
    window_add(b->streams[i].window, &r);
}

/* The probes of a minute. */
static inline void branch_probes(struct branch *b)
{
    for (size_t i = 0; i < b->n_streams; i++) {
        const struct kind *kind = b->streams[i].kind;
        size_t t = b->streams[i].target;
        int64_t interval = t < 3 ? kind->interval_ns : 6 * kind->interval_ns;
        for (int64_t at = (int64_t)i * NS_PER_S;
             at < (int64_t)i * NS_PER_S + 60 * NS_PER_S; at += interval)
            if (kind->interval_ns < 60 * NS_PER_S || t < 3 ||
                random_below(&b->random, 5) == 0)
                branch_probe(b, i, (struct wall){b->now.ns + at % (60 * NS_PER_S)});
    }
}

/* Closes the window of that minute; `b->batch` is the export of the agent then. */
static inline void branch_close(struct branch *b)
{
    struct wall end = {b->now.ns + 60 * NS_PER_S};
    rolling_set_now(b->rolling, (struct mono){end.ns});
    for (size_t i = 0; i < b->n_streams; i++) {
        const struct kind *kind = b->streams[i].kind;
        struct window *w = b->streams[i].window;
        size_t t = b->streams[i].target;
        struct summary summary;
        window_summary(w, end, &summary);
        series_set_add(b->series, &(struct series_part){.stream = (uint32_t)i,
                                                        .target = &b->targets[t],
                                                        .kind = kind,
                                                        .to = b->streams[i].to,
                                                        .pop = b->states[t].pop,
                                                        .window = w,
                                                        .summary = &summary,
                                                        .own_answers = true});
        window_reset(w, end);
    }
    b->batch = (struct batch){.agent_start = b->began,
                              .window_start = b->now,
                              .time = end,
                              .window_ns = 60 * NS_PER_S,
                              .targets = b->states,
                              .n_targets = b->n_targets};
    b->batch.series =
        series_set_close(b->series, (struct mono){end.ns}, &b->batch.n_series);
    b->now = end;
}

static inline void branch_minute(struct branch *b)
{
    branch_probes(b);
    branch_close(b);
}

static inline void branch_end(struct branch *b)
{
    for (size_t i = 0; i < b->n_streams; i++)
        window_destroy(b->streams[i].window);
    series_set_destroy(b->series);
    rolling_set_destroy(b->rolling);
}

#endif
