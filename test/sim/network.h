/*
 * The scripted network: a seeded set of targets, each with its own delay, jitter, loss and
 * PoP, which may change at given times; a virtual clock; and a pipeline driven by them as
 * the measurer drives it. All probes and their exact results are recorded here too, to be
 * compared with what the pipeline reports.
 */
#ifndef EDGELAT_SIM_NETWORK_H
#define EDGELAT_SIM_NETWORK_H

#include "base/heap.h"
#include "base/mem.h"
#include "check.h"
#include "core/pipeline.h"
#include "core/random.h"
#include "interned.h"

#define SIM_TARGETS_MAX 64
#define SIM_TICK_NS     NS_PER_S

struct way {           /* what it is like to get to a target */
    int64_t rtt_ns;    /* the least */
    int64_t jitter_ns; /* mean of the queueing above it, exponential */
    double loss;
    const char *pop; /* named by HTTPS answers */
};

struct move { /* from `at` on (after the beginning) ... */
    int64_t at_ns;
    size_t target; /* ... the path to this target is this; sorted by time */
    struct way way;
};

struct truth { /* of one stream */
    uint64_t sent, lost;
    int64_t *delays; /* of all answers, as they came */
    size_t n, room;
};

struct flight { /* a probe under way */
    struct heap_item arrives;
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
    struct truth *truth; /* by stream */
    struct heap flights; /* by arrival */

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
                                     .may_be_filtered = true,
                                     .single_packets = true};
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
        s->targets[t].name = interned("target-%zu", t);
        s->targets[t].host = interned("%zu.example", t);
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

/* The probe that arrives first; NULL: none is in flight. */
static inline struct flight *sim_first(const struct sim *s)
{
    struct heap_item *first = heap_first(&s->flights);
    return first != NULL ? heap_struct(first, struct flight, arrives) : NULL;
}

static inline void sim_end(struct sim *s)
{
    pipeline_destroy(s->pipeline);
    for (size_t i = 0; i < s->settings.n_targets * SIM_KINDS; i++)
        free(s->truth[i].delays);
    free(s->truth);
    for (struct flight *f; (f = sim_first(s)) != NULL; free(f))
        heap_remove(&s->flights, &f->arrives);
    heap_free(&s->flights);
}

/* ---- probes in flight ---- */

static inline void sim_send(struct sim *s, const struct probe_request *order)
{
    size_t target = (size_t)(order->target - s->targets);
    const struct way *way = &s->ways[target];
    bool lost = random_unit(&s->random) < way->loss;
    int64_t rtt_ns =
        way->rtt_ns + (int64_t)random_exponential(&s->random, (double)way->jitter_ns);
    lost |= rtt_ns > order->target->waiting_ns[order->kind];

    struct flight *f = mem_zalloc(sizeof *f);
    f->arrives.at_ns = s->now.ns + order->target->waiting_ns[order->kind];
    f->result = result_of(order->stream, &order->to, s->wall,
                          lost ? OUTCOME_LOSS : OUTCOME_REPLY);
    struct truth *truth = &s->truth[order->stream];
    truth->sent++;
    truth->lost += lost;
    if (!lost) {
        f->arrives.at_ns = s->now.ns + rtt_ns;
        f->result.delays[0] = rtt_ns;
        if (order->kind == SIM_WEB) {
            f->result.delays[1] = rtt_ns + NS_PER_MS;
            snprintf(f->result.pop, sizeof f->result.pop, "%s", way->pop);
        }
    }
    heap_add(&s->flights, &f->arrives);

    s->in_this_second = s->now.ns / NS_PER_S == s->second ? s->in_this_second + 1 : 1;
    s->second = s->now.ns / NS_PER_S;
    if (s->in_this_second > s->most_in_a_second)
        s->most_in_a_second = s->in_this_second;
}

static inline void sim_arrive(struct sim *s)
{
    struct flight *f = sim_first(s);
    heap_remove(&s->flights, &f->arrives);
    struct truth *t = &s->truth[f->result.stream];
    if (f->result.outcome == OUTCOME_REPLY) {
        t->delays = mem_grow(t->delays, &t->room, t->n + 1, sizeof *t->delays);
        t->delays[t->n++] = f->result.delays[0];
    }
    pipeline_result(s->pipeline, &f->result);
    free(f);
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
    for (struct flight *f; (f = sim_first(s)) != NULL && f->arrives.at_ns <= s->now.ns;)
        sim_arrive(s);
    if (s->wall.ns >= pipeline_closing(s->pipeline).ns)
        sim_close_window(s);
    while (pipeline_take(s->pipeline, s->now, &order))
        sim_send(s, &order);
}

/* Time of the next event: an answer, a probe, the end of a window, a move, a tick. */
static inline struct mono sim_next(const struct sim *s)
{
    struct mono next = {s->now.ns + SIM_TICK_NS}, at;
    const struct flight *first = sim_first(s);
    if (first != NULL && first->arrives.at_ns < next.ns)
        next.ns = first->arrives.at_ns;
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

/* The host sleeps: both clocks go on, the pipeline is not run. */
static inline void sim_sleep(struct sim *s, int64_t ns)
{
    sim_pass(s, ns);
    pipeline_interrupted(s->pipeline);
    sim_turn(s);
}

/* ---- the exact numbers ---- */

/* Probes of a stream in flight: sent, but not reported yet. */
static inline uint64_t sim_under_way(const struct sim *s, uint32_t stream)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->flights.n; i++)
        n += heap_struct(s->flights.items[i], struct flight, arrives)->result.stream ==
             stream;
    return n;
}

/* The values of a stream in a batch, summed over its PoPs. */
struct reported {
    uint64_t sent, lost, replies, missed;
};

static inline struct reported sim_reported(const struct batch *batch,
                                           const struct target *target, size_t kind)
{
    struct reported told = {0};
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
