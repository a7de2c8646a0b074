/* A trace in virtual time: the test is the clock, the routers and the target. */
#include "check.h"

#include "core/random.h"
#include "core/result.h"
#include "probe/path/trace.h"

#define MS(n) ((int64_t)(n)*NS_PER_MS)

enum { SILENT = -1 };

struct network {
    const char *what;
    uint8_t hops;                     /* the last one is the target */
    int64_t delays_ms[TRACE_TTL_MAX]; /* round trips; SILENT: no answer */
    uint8_t loop_from;                /* hop that follows the last one, from 1; 0: none */
    uint8_t limited;                  /* TTL that answers the first query only; 0: none */
    bool unreachable;                 /* the last hop is a router that says so */
};

struct run {
    struct trace trace;
    struct mono now;
    int64_t due[TRACE_TTL_MAX][TRACE_QUERIES]; /* arrival of each answer; 0: none */
    unsigned in_flight_most;
    int64_t gap_least_ns;
};

static struct endpoint router(uint8_t hop)
{
    return (struct endpoint){.family = FAMILY_IPV4, .bytes = {192, 0, 2, hop}};
}

/* The hop at which a packet of this TTL ends. */
static uint8_t hop_of(const struct network *n, uint8_t ttl)
{
    while (n->loop_from > 0 && ttl > n->hops)
        ttl = (uint8_t)(ttl - (n->hops - n->loop_from + 1));
    return ttl < n->hops ? ttl : n->hops;
}

static void answer(struct run *r, const struct network *n, struct trace_query q)
{
    uint8_t hop = hop_of(n, q.ttl);
    struct trace_answer a = {
        .kind = hop < n->hops || n->loop_from > 0 ? TRACE_EXCEEDED
                : n->unreachable                  ? TRACE_UNREACHABLE
                                                  : TRACE_TARGET,
        .from = router(hop),
        .rtt_ns = n->delays_ms[hop - 1] * NS_PER_MS,
        .reply_ttl = (int16_t)(64 - hop),
    };
    r->due[q.ttl - 1][q.round] = 0;
    CHECK(trace_add(&r->trace, q, &a), "%s: the answer is taken", n->what);
}

static void send_one(struct run *r, const struct network *n, struct trace_query q)
{
    uint8_t hop = hop_of(n, q.ttl);
    int64_t delay = n->delays_ms[hop - 1];
    bool limited = hop == n->limited && q.round > 0;
    unsigned in_flight = 1;
    if (r->trace.any_sent && r->now.ns - r->trace.last_sent.ns < r->gap_least_ns)
        r->gap_least_ns = r->now.ns - r->trace.last_sent.ns;
    for (size_t i = 0; i < TRACE_TTL_MAX; i++)
        for (size_t k = 0; k < TRACE_QUERIES; k++)
            in_flight += r->trace.hops[i].attempts[k].state == TRACE_SENT;
    if (in_flight > r->in_flight_most)
        r->in_flight_most = in_flight;
    trace_sent(&r->trace, q, r->now);
    if (delay != SILENT && !limited)
        r->due[q.ttl - 1][q.round] = r->now.ns + MS(delay);
}

/* The next answer up to `until`; false: none. */
static bool next_answer(struct run *r, struct mono until, struct trace_query *q)
{
    int64_t first = until.ns + 1;
    for (uint8_t i = 0; i < TRACE_TTL_MAX; i++)
        for (uint8_t k = 0; k < TRACE_QUERIES; k++)
            if (r->due[i][k] != 0 && r->due[i][k] < first) {
                first = r->due[i][k];
                *q = (struct trace_query){(uint8_t)(i + 1), k};
            }
    if (first > until.ns)
        return false;
    r->now.ns = first > r->now.ns ? first : r->now.ns;
    return true;
}

static void trace_network(struct run *r, const struct network *n,
                          const struct trace_policy *policy)
{
    *r = (struct run){.now = {MS(1000)}, .gap_least_ns = INT64_MAX};
    trace_begin(&r->trace, policy, r->now);
    for (;;) {
        struct trace_query q;
        struct mono until;
        enum trace_step step = trace_next(&r->trace, r->now, &q, &until);
        if (step == TRACE_OVER)
            return;
        if (step == TRACE_SEND) {
            send_one(r, n, q);
            continue;
        }
        CHECK(until.ns > r->now.ns, "%s: waits for something to come", n->what);
        if (next_answer(r, until, &q))
            answer(r, n, q);
        else
            r->now = until;
    }
}

static int64_t took_ms(const struct run *r)
{
    return (r->now.ns - r->trace.began.ns) / NS_PER_MS;
}

/* What each hop must be, from the network alone. */
static void check_hops(const struct run *r, const struct network *n, uint8_t last)
{
    for (uint8_t ttl = 1; ttl <= last; ttl++) {
        struct trace_stats s = trace_stats(&r->trace, ttl);
        int64_t delay = n->delays_ms[ttl - 1];
        int answers = delay == SILENT ? 0 : ttl == n->limited ? 1 : TRACE_QUERIES;
        CHECK(s.answered == answers && s.sent == TRACE_QUERIES,
              "%s, hop %u: %u of %u, not %d of 3", n->what, ttl, s.answered, s.sent,
              answers);
        CHECK_INT(delay == SILENT ? DELAY_UNDEFINED : MS(delay), s.min_ns, n->what);
        struct endpoint from = router(ttl), others[TRACE_QUERIES - 1];
        if (answers == 0)
            continue;
        CHECK(endpoint_same_address(&from, &s.answer->from), "%s: hop %u", n->what, ttl);
        CHECK_INT(0, trace_others(&r->trace, ttl, others), n->what);
    }
}

static const struct {
    struct network network;
    enum trace_end end;
    uint8_t end_ttl;
} cases[] = {
    {{"one hop", 1, {7}}, TRACE_END_TARGET, 1},
    {{"six hops", 6, {1, 2, 5, 8, 12, 14}}, TRACE_END_TARGET, 6},
    {{"a silent hop", 6, {1, 2, SILENT, 8, 12, 14}}, TRACE_END_TARGET, 6},
    {{"a silent gateway", 3, {SILENT, 2, 5}}, TRACE_END_TARGET, 3},
    {{"a slow router", 5, {1, 160, 5, 8, 12}}, TRACE_END_TARGET, 5},
    {{"a rate limit", 5, {1, 2, 5, 8, 12}, .limited = 3}, TRACE_END_TARGET, 5},
    {{"a silent target", 5, {1, 2, 5, 8, SILENT}}, TRACE_END_SILENT, 4},
    {{"unreachable", 4, {1, 2, 5, 8}, .unreachable = true}, TRACE_END_UNREACHABLE, 4},
    {{"a loop", 5, {1, 2, 5, 8, 12}, .loop_from = 4}, TRACE_END_LOOP, 6},
    {{"a loop of three", 5, {1, 2, 5, 8, 12}, .loop_from = 3}, TRACE_END_LOOP, 6},
};

static void ends(void **state)
{
    const struct trace_policy *const policies[] = {&trace_all_at_once,
                                                   &trace_one_at_a_time};
    (void)state;
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            const struct network *n = &cases[i].network;
            struct run r;
            uint8_t ttl;
            trace_network(&r, n, policies[p]);
            CHECK_INT(cases[i].end, trace_end(&r.trace, &ttl), n->what);
            CHECK_INT(cases[i].end_ttl, ttl, n->what);
            check_hops(&r, n, ttl < n->hops ? ttl : n->hops);
            CHECK(took_ms(&r) < 2000, "%s: %lld ms", n->what, (long long)took_ms(&r));
            CHECK(r.trace.packets <= 90, "%s: %u packets", n->what, r.trace.packets);
            CHECK(r.gap_least_ns >= policies[p]->gap_ns, "%s: a bounded rate", n->what);
            if (policies[p]->one_at_a_time)
                CHECK_INT(1, r.in_flight_most, n->what);
        }
}

/* Twenty hops with a target 150 ms away, the worst that all TTLs at once must bear. */
static void far(void **state)
{
    (void)state;
    struct network n = {.what = "twenty hops", .hops = 20};
    for (int i = 0; i < 20; i++)
        n.delays_ms[i] = i % 6 == 3 ? SILENT : 10 + 7 * i;
    struct run r;
    uint8_t ttl;
    trace_network(&r, &n, &trace_all_at_once);
    CHECK_INT(TRACE_END_TARGET, trace_end(&r.trace, &ttl), n.what);
    check_hops(&r, &n, 20);
    CHECK(took_ms(&r) < 1000, "%lld ms", (long long)took_ms(&r));
    CHECK(r.trace.packets <= 90, "%u packets", r.trace.packets);
}

/* A silent hop costs one round trip of the next hop, and no timeout. */
static void silence(void **state)
{
    (void)state;
    struct network n = {"silent", 4, {1, SILENT, 100, 110}};
    struct run r;
    trace_network(&r, &n, &trace_all_at_once);
    /* rounds: 100 ms until hop 3 answers, as long again; the last two share a wait */
    CHECK(took_ms(&r) <= 2 * 200 + 60 + 20, "%lld ms", (long long)took_ms(&r));

    struct network quiet = {"nothing answers", 30};
    for (int i = 0; i < 30; i++)
        quiet.delays_ms[i] = SILENT;
    uint8_t ttl;
    trace_network(&r, &quiet, &trace_all_at_once);
    CHECK_INT(TRACE_END_SILENT, trace_end(&r.trace, &ttl), quiet.what);
    CHECK_INT(0, ttl, quiet.what);
    CHECK(took_ms(&r) < 2000 && r.trace.packets <= 90, "%lld ms, %u packets",
          (long long)took_ms(&r), r.trace.packets);
}

/* Random paths: never too many packets, never too long, always the path that it was. */
static void random_paths(void **state)
{
    (void)state;
    struct random dice = random_from(check_seed());
    for (int round = 0; round < (check_quick() ? 400 : 2000); round++) {
        struct network n = {.what = "random",
                            .hops = (uint8_t)(1 + random_below(&dice, 20))};
        int64_t delay = 0;
        for (int i = 0; i < n.hops; i++) {
            delay += random_below(&dice, 12);
            bool silent = random_below(&dice, 4) == 0 && i + 1 < n.hops;
            n.delays_ms[i] = silent ? SILENT : 1 + delay;
        }
        struct run r;
        uint8_t ttl;
        trace_network(&r, &n, &trace_all_at_once);
        CHECK_INT(TRACE_END_TARGET, trace_end(&r.trace, &ttl), "random: the end");
        check_hops(&r, &n, n.hops);
        CHECK(took_ms(&r) < 1600 && r.trace.packets <= 90, "%lld ms, %u packets",
              (long long)took_ms(&r), r.trace.packets);
        trace_network(&r, &n, &trace_one_at_a_time);
        CHECK(took_ms(&r) <= 1600 && r.trace.packets <= 60, "one at a time: %u packets",
              r.trace.packets);
        CHECK_INT(1, r.in_flight_most, "one at a time");
    }
}

static void answers(void **state)
{
    (void)state;
    struct trace t;
    struct trace_query q, alone;
    struct mono until, now = {MS(1)};
    struct trace_answer a = {.kind = TRACE_EXCEEDED, .from = router(1), .rtt_ns = MS(3)};
    trace_begin(&t, &trace_all_at_once, now);
    CHECK(!trace_add(&t, (struct trace_query){1, 0}, &a), "not sent yet");
    CHECK(!trace_add(&t, (struct trace_query){0, 0}, &a), "no TTL");
    CHECK(!trace_add(&t, (struct trace_query){31, 0}, &a), "TTL too large");
    CHECK(!trace_add(&t, (struct trace_query){1, 3}, &a), "no such round");
    CHECK_INT(TRACE_SEND, trace_next(&t, now, &q, &until), "first");
    trace_sent(&t, q, now);
    CHECK(trace_unidentified(&t, &alone) && alone.ttl == 1, "the only query under way");
    now.ns += MS(2);
    CHECK_INT(TRACE_SEND, trace_next(&t, now, &q, &until), "second");
    trace_sent(&t, q, now);
    CHECK(!trace_unidentified(&t, &alone), "either of two");
    CHECK(trace_add(&t, (struct trace_query){1, 0}, &a), "the answer");
    CHECK(!trace_add(&t, (struct trace_query){1, 0}, &a), "a duplicate");
    CHECK_INT(1, trace_stats(&t, 1).answered, "counts once");
}

/* Two routers for one TTL: both are named, the fastest first. */
static void branches(void **state)
{
    (void)state;
    struct trace t;
    struct endpoint others[TRACE_QUERIES - 1];
    trace_begin(&t, &trace_all_at_once, (struct mono){1});
    for (uint8_t k = 0; k < TRACE_QUERIES; k++) {
        struct trace_attempt *a = &t.hops[4].attempts[k];
        *a = (struct trace_attempt){
            TRACE_ANSWERED, {1}, {.from = router(k == 1 ? 9 : 8), .rtt_ns = MS(9 - k)}};
    }
    struct trace_stats s = trace_stats(&t, 5);
    CHECK_INT(MS(7), s.min_ns, "the fastest");
    CHECK_INT(MS(8), s.median_ns, "the median");
    CHECK_INT(1, trace_others(&t, 5, others), "one other");
    struct endpoint nine = router(9);
    CHECK(endpoint_same_address(&nine, &others[0]), "the other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends),    cmocka_unit_test(far),
        cmocka_unit_test(silence), cmocka_unit_test(random_paths),
        cmocka_unit_test(answers), cmocka_unit_test(branches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
