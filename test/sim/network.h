/*
 * The scripted network: a seeded world of targets, each with a delay, jitter, loss and
 * PoP of its own, that may change at given times; a virtual clock; and a pipeline turned
 * by them as the measurer turns it. Everything that was sent and what became of it is
 * kept here as well, exactly, to be compared with what the pipeline reports.
 */
#ifndef EDGELAT_SIM_NETWORK_H
#define EDGELAT_SIM_NETWORK_H

#include "base/mem.h"
#include "check.h"
#include "core/pipeline.h"
#include "core/random.h"

#define SIM_TARGETS_MAX 64
#define SIM_TICK_NS     NS_PER_S

struct way {           /* what it is like to get to a target */
    int64_t rtt_ns;    /* the least */
    int64_t jitter_ns; /* mean of the queueing above it, exponential */
    double loss;
    const char *pop; /* what an answer of the web says */
};

struct move { /* from `at` on (after the beginning) ... */
    int64_t at_ns;
    size_t target; /* ... the way to this target is this; they stand in order of time */
    struct way way;
};

struct truth { /* of one stream */
    uint64_t sent, lost;
    int64_t *delays; /* of all answers, as they came */
    size_t n, room;
};

struct flight { /* a probe under way */
    struct mono arrives;
    struct result result;
};

struct sim {
    struct pipeline_settings settings;
    struct target targets[SIM_TARGETS_MAX];
    struct way ways[SIM_TARGETS_MAX];
    const struct move *moves;
    size_t n_moves, next_move;
    struct random random;

    struct pipeline *pipeline;
    struct mono begin, now;
    struct wall wall;
    struct truth *truth;    /* by stream */
    struct flight *flights; /* a heap, what arrives first in front */
    size_t n_flights, flights_room;

    void (*on_batch)(struct sim *s, const struct batch *batch);
    uint64_t batches, in_this_second, most_in_a_second;
    int64_t second;
    void *user;
};

enum { SIM_PING, SIM_WEB, SIM_KINDS };

static const struct kind sim_ping = {.name = "icmp",
                                     .delays = {"rtt"},
                                     .interval_ns = NS_PER_S,
                                     .slow_interval_ns = 15 * NS_PER_S,
                                     .on_by_default = true,
                                     .may_be_filtered = true};
static const struct kind sim_web = {.name = "https",
                                    .delays = {"rtt", "first_byte"},
                                    .uses = USES_PORT,
                                    .interval_ns = 60 * NS_PER_S,
                                    .slow_interval_ns = 300 * NS_PER_S,
                                    .on_by_default = true};
static const struct kinds sim_kinds = {{&sim_ping, &sim_web}, SIM_KINDS};

/* IPv4 alone: a target's streams are 2 * target + kind. */
static inline uint32_t sim_stream(size_t target, size_t kind)
{
    return (uint32_t)(target * SIM_KINDS + kind);
}

static inline struct endpoint sim_address(size_t target)
{
    return (struct endpoint){
        .family = FAMILY_IPV4, .bytes = {192, 0, 2, (uint8_t)target}, .port = 443};
}

/* `n` targets with the ways given; begins at `wall`, windows of a minute. */
static inline void sim_begin(struct sim *s, size_t n, const struct way *ways,
                             struct wall wall, uint64_t seed)
{
    *s = (struct sim){.begin = {123 * NS_PER_S}, .wall = wall, .user = s->user};
    s->now = s->begin;
    s->random = random_from(seed);
    for (size_t t = 0; t < n; t++) {
        s->targets[t] = target_default(&sim_kinds);
        s->targets[t].ipv6 = false;
        snprintf(s->targets[t].name, sizeof s->targets[t].name, "target-%zu", t);
        snprintf(s->targets[t].host, sizeof s->targets[t].host, "%zu.example", t);
        s->ways[t] = ways[t];
    }
    s->settings = (struct pipeline_settings){
        .window_ns = 60 * NS_PER_S,
        .nearest = 3,
        .pattern = PATTERN_PERIODIC,
        .ranking = {.loss_limit = 0.1, .margin_ratio = 0.1, .margin_ns = NS_PER_MS},
        .targets = s->targets,
        .n_targets = n,
    };
    s->truth = mem_zalloc(n * SIM_KINDS * sizeof *s->truth);
}

/* After changes to `settings`. */
static inline void sim_start(struct sim *s)
{
    s->pipeline = pipeline_create(&s->settings, &sim_kinds, random_next(&s->random),
                                  s->now, s->wall);
    for (size_t t = 0; t < s->settings.n_targets; t++)
        pipeline_resolved(s->pipeline, t, FAMILY_IPV4, sim_address(t), "", s->now,
                          s->wall);
}

static inline void sim_end(struct sim *s)
{
    pipeline_destroy(s->pipeline);
    for (size_t i = 0; i < s->settings.n_targets * SIM_KINDS; i++)
        free(s->truth[i].delays);
    free(s->truth);
    free(s->flights);
}

/* ---- probes under way ---- */

static inline void sim_swap(struct flight *a, struct flight *b)
{
    struct flight kept = *a;
    *a = *b;
    *b = kept;
}

static inline void sim_fly(struct sim *s, const struct flight *f)
{
    s->flights =
        mem_grow(s->flights, &s->flights_room, s->n_flights + 1, sizeof *s->flights);
    size_t i = s->n_flights++;
    s->flights[i] = *f;
    for (; i > 0 && s->flights[i].arrives.ns < s->flights[(i - 1) / 2].arrives.ns;
         i = (i - 1) / 2)
        sim_swap(&s->flights[i], &s->flights[(i - 1) / 2]);
}

static inline struct flight sim_land(struct sim *s)
{
    struct flight first = s->flights[0];
    s->flights[0] = s->flights[--s->n_flights];
    for (size_t i = 0, next; (next = 2 * i + 1) < s->n_flights; i = next) {
        if (next + 1 < s->n_flights &&
            s->flights[next + 1].arrives.ns < s->flights[next].arrives.ns)
            next++;
        if (s->flights[i].arrives.ns <= s->flights[next].arrives.ns)
            break;
        sim_swap(&s->flights[i], &s->flights[next]);
    }
    return first;
}

static inline void sim_send(struct sim *s, const struct probe_request *order)
{
    size_t target = (size_t)(order->target - s->targets);
    const struct way *way = &s->ways[target];
    bool lost = random_unit(&s->random) < way->loss;
    int64_t rtt_ns =
        way->rtt_ns + (int64_t)random_exponential(&s->random, (double)way->jitter_ns);
    lost |= rtt_ns > order->target->waiting_ns;

    struct flight f = {.arrives = {s->now.ns + order->target->waiting_ns}};
    f.result = result_of(order->stream, &order->to, s->wall,
                         lost ? OUTCOME_LOSS : OUTCOME_REPLY);
    struct truth *truth = &s->truth[order->stream];
    truth->sent++;
    truth->lost += lost;
    if (!lost) {
        f.arrives.ns = s->now.ns + rtt_ns;
        f.result.delays[0] = rtt_ns;
        if (order->kind == SIM_WEB) {
            f.result.delays[1] = rtt_ns + NS_PER_MS;
            snprintf(f.result.pop, sizeof f.result.pop, "%s", way->pop);
        }
    }
    sim_fly(s, &f);

    s->in_this_second = s->now.ns / NS_PER_S == s->second ? s->in_this_second + 1 : 1;
    s->second = s->now.ns / NS_PER_S;
    if (s->in_this_second > s->most_in_a_second)
        s->most_in_a_second = s->in_this_second;
}

static inline void sim_arrive(struct sim *s)
{
    struct flight f = sim_land(s);
    struct truth *t = &s->truth[f.result.stream];
    if (f.result.outcome == OUTCOME_REPLY) {
        t->delays = mem_grow(t->delays, &t->room, t->n + 1, sizeof *t->delays);
        t->delays[t->n++] = f.result.delays[0];
    }
    pipeline_result(s->pipeline, &f.result);
}

/* ---- time ---- */

static inline void sim_close_window(struct sim *s)
{
    const struct batch *batch = pipeline_close(s->pipeline, s->now, s->wall);
    s->batches++;
    if (s->on_batch != NULL)
        s->on_batch(s, batch);
}

/* Everything that is due at `now`. */
static inline void sim_turn(struct sim *s)
{
    struct probe_request order;
    while (s->next_move < s->n_moves &&
           s->begin.ns + s->moves[s->next_move].at_ns <= s->now.ns) {
        s->ways[s->moves[s->next_move].target] = s->moves[s->next_move].way;
        s->next_move++;
    }
    while (s->n_flights > 0 && s->flights[0].arrives.ns <= s->now.ns)
        sim_arrive(s);
    if (s->wall.ns >= pipeline_closing(s->pipeline).ns)
        sim_close_window(s);
    while (pipeline_take(s->pipeline, s->now, &order))
        sim_send(s, &order);
}

/* When something happens next: an answer, a probe, the end of a window, a move, a tick.
 */
static inline struct mono sim_next(const struct sim *s)
{
    struct mono next = {s->now.ns + SIM_TICK_NS}, at;
    if (s->n_flights > 0 && s->flights[0].arrives.ns < next.ns)
        next = s->flights[0].arrives;
    if (pipeline_next(s->pipeline, &at) && at.ns < next.ns)
        next = at;
    int64_t closes_ns = pipeline_closing(s->pipeline).ns - s->wall.ns;
    if (closes_ns < next.ns - s->now.ns)
        next.ns = s->now.ns + closes_ns;
    return next.ns > s->now.ns ? next : s->now;
}

static inline void sim_pass(struct sim *s, int64_t ns)
{
    s->now.ns += ns;
    s->wall.ns += ns;
}

/* Runs until `after_ns` after the beginning. */
static inline void sim_run(struct sim *s, int64_t after_ns)
{
    int64_t end_ns = s->begin.ns + after_ns;
    for (struct mono next; (next = sim_next(s)).ns < end_ns; sim_turn(s))
        sim_pass(s, next.ns - s->now.ns);
    sim_pass(s, end_ns - s->now.ns);
}

/* The host sleeps: both clocks go on, nobody turns the pipeline. */
static inline void sim_sleep(struct sim *s, int64_t ns)
{
    sim_pass(s, ns);
    pipeline_interrupted(s->pipeline);
    sim_turn(s);
}

/* ---- the exact numbers ---- */

/* Probes of a stream that are still under way: sent, but not reported yet. */
static inline uint64_t sim_under_way(const struct sim *s, uint32_t stream)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->n_flights; i++)
        n += s->flights[i].result.stream == stream;
    return n;
}

/* What a batch says of a stream, all its PoPs together. */
struct told {
    uint64_t sent, lost, replies, missed;
};

static inline struct told sim_told(const struct batch *batch, const struct target *target,
                                   size_t kind)
{
    struct told told = {0};
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *s = batch->series[i];
        if (s->target != target || s->kind != sim_kinds.list[kind])
            continue;
        told.replies += s->outcomes[OUTCOME_REPLY];
        told.lost += s->outcomes[OUTCOME_LOSS];
        told.missed += s->counters[COUNTER_MISSED];
    }
    told.sent = told.replies + told.lost;
    return told;
}

static inline int sim_by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The q-quantile of a stream's delays by the nearest rank; sorts them. */
static inline int64_t sim_quantile(struct truth *t, double q)
{
    qsort(t->delays, t->n, sizeof *t->delays, sim_by_value);
    double rank = ceil(q * (double)t->n - 1e-9);
    return t->delays[rank < 1 ? 0 : (size_t)rank - 1];
}

#endif
