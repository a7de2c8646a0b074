/*
 * A pipeline with three targets and two kinds, and its clocks: the tests resolve names,
 * pass results and check the batches.
 */
#ifndef EDGELAT_TEST_RIG_H
#define EDGELAT_TEST_RIG_H

#include "check.h"
#include "core/pipeline.h"
#include "interned.h"

#define MS(x)     ((int64_t)((x)*NS_PER_MS))
#define MINUTE_NS (60 * NS_PER_S)

enum { PING, WEB };
enum { PING4, PING6, WEB4, WEB6, STREAMS }; /* of the first target */

static const struct kind ping = {.name = "ping",
                                 .delays = {"rtt"},
                                 .interval_ns = NS_PER_S,
                                 .slow_interval_ns = 10 * NS_PER_S,
                                 .label = "ICMP",
                                 .roles = {DELAY_ROUND_TRIP},
                                 .on_by_default = true,
                                 .may_be_filtered = true,
                                 .single_packets = true};
static const struct kind web = {.name = "web",
                                .delays = {"rtt", "first_byte"},
                                .uses = USES_PORT,
                                .interval_ns = 10 * NS_PER_S,
                                .slow_interval_ns = MINUTE_NS,
                                .roles = {DELAY_HANDSHAKE, DELAY_REPLY},
                                .on_by_default = true};
static const struct kinds kinds = {{&ping, &web}, 2};

enum { TARGETS = 3 };

struct rig {
    struct target targets[TARGETS];
    struct pipeline_settings settings;
    struct pipeline *p;
    struct mono now;
    struct wall wall;
    const struct batch *batch;
};

static inline struct endpoint address(const char *text)
{
    struct endpoint e;
    CHECK(endpoint_parse(&e, text, 443), "%s is an address", text);
    return e;
}

static inline void begin(struct rig *r)
{
    static const char *const names[TARGETS] = {"near", "middle", "far"};
    *r = (struct rig){
        .now = {5000 * NS_PER_S},
        .wall = {INT64_C(1795424400) * NS_PER_S}, /* a full minute */
    };
    for (size_t t = 0; t < TARGETS; t++) {
        r->targets[t] = target_default(&kinds);
        r->targets[t].name = intern(names[t]);
        r->targets[t].host = interned("%s.example", names[t]);
    }
    r->settings = (struct pipeline_settings){
        .window_ns = MINUTE_NS,
        .nearest = 1,
        .pattern = PATTERN_PERIODIC,
        .ranking = {.loss_limit = 0.1, .margin_ratio = 0.1, .margin_ns = NS_PER_MS},
        .targets = r->targets,
        .n_targets = TARGETS,
    };
    r->p = pipeline_create(&r->settings, &kinds, check_seed(), r->now, r->wall);
}

static inline void pass(struct rig *r, int64_t ns)
{
    r->now.ns += ns;
    r->wall.ns += ns;
}

static inline void resolve(struct rig *r, size_t target, const char *text,
                           const char *pop)
{
    struct endpoint to = address(text);
    pipeline_resolved(r->p, target, to.family, to, pop, r->now, r->wall);
}

static inline void vanish(struct rig *r, size_t target, enum family family)
{
    struct endpoint none = {.family = FAMILY_NONE};
    pipeline_resolved(r->p, target, family, none, "", r->now, r->wall);
}

static inline void give(struct rig *r, uint32_t stream, const char *from,
                        enum outcome outcome, int64_t rtt_ns, const char *pop)
{
    struct endpoint to = address(from);
    struct result result = result_of(stream, &to, r->wall, outcome);
    result.delays[0] = rtt_ns;
    snprintf(result.pop, sizeof result.pop, "%s", pop);
    pipeline_result(r->p, &result);
    pass(r, NS_PER_MS);
}

static inline void reply(struct rig *r, uint32_t stream, const char *from, int64_t rtt_ns)
{
    give(r, stream, from, OUTCOME_REPLY, rtt_ns, "");
}

static inline void close_window(struct rig *r)
{
    struct wall at = pipeline_closing(r->p);
    if (at.ns > r->wall.ns)
        pass(r, at.ns - r->wall.ns);
    r->batch = pipeline_close(r->p, r->now, r->wall);
}

/* The series of a stream of the first target, or NULL. */
static inline const struct series *series(const struct rig *r, size_t kind,
                                          const char *pop)
{
    for (size_t i = 0; i < r->batch->n_series; i++) {
        const struct series *s = r->batch->series[i];
        if (s->target == &r->targets[0] &&
            strcmp(s->kind->name, kinds.list[kind]->name) == 0 &&
            strcmp(s->pop, pop) == 0)
            return s;
    }
    return NULL;
}

static inline const struct series *expect_series(const struct rig *r, size_t kind,
                                                 const char *pop, uint64_t replies,
                                                 const char *what)
{
    const struct series *s = series(r, kind, pop);
    CHECK(s != NULL, "%s: there is no series %s", what, pop);
    CHECK_INT(replies, s->outcomes[OUTCOME_REPLY], what);
    return s;
}

static inline void end(struct rig *r)
{
    pipeline_destroy(r->p);
}

/* Takes all probes due from now on, for a while; `last` is the last one. */
static inline size_t take(struct rig *r, int64_t for_ns, struct probe_request *last)
{
    struct mono stop = {r->now.ns + for_ns}, at;
    size_t n = 0;
    while (pipeline_next(r->p, &at) && at.ns < stop.ns) {
        if (at.ns > r->now.ns)
            pass(r, at.ns - r->now.ns);
        while (pipeline_take(r->p, r->now, last))
            n++;
    }
    pass(r, stop.ns - r->now.ns);
    return n;
}

#endif
