/* Targets that are not a PoP of the edge have no PoP and no rank, and are not probed like
 * near ones. */
#include "rig.h"

static const char *const addresses[TARGETS] = {"23.44.10.14", "192.0.2.1", "192.0.2.2"};
static const char ipv6[] = "2001:db8::1";

static const struct owner edge = {OWNER_EDGE, "prefix"}, unknown = {OWNER_UNKNOWN, ""},
                          foreign = {OWNER_FOREIGN, "X-CDN-TraceID of Akamai"},
                          region = {OWNER_REGION, "x.cloudapp.azure.com of azure"},
                          private = {OWNER_PRIVATE, "DNS answers 10.0.0.1"},
                          filtered = {OWNER_FILTERED, "DNS answers 127.0.0.1"};

static uint32_t stream(size_t target, uint32_t of_first)
{
    return (uint32_t)(target * STREAMS) + of_first;
}

static void begin_resolved(struct rig *r)
{
    begin(r);
    for (size_t t = 0; t < TARGETS; t++)
        resolve(r, t, addresses[t], "");
}

/* The first target answers in 1 ms and names a PoP, the others in 9 and 20 ms. */
static void window(struct rig *r, const char *pop)
{
    for (int i = 0; i < 3; i++) {
        give(r, WEB4, addresses[0], OUTCOME_REPLY, MS(1), pop);
        give(r, stream(1, WEB4), addresses[1], OUTCOME_REPLY, MS(9), "AMS");
        give(r, stream(2, WEB4), addresses[2], OUTCOME_REPLY, MS(20), "LON");
    }
    close_window(r);
}

static void who_is_no_pop(void **state)
{
    (void)state;
    const struct owner *const no[] = {&foreign, &region, &private};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        struct rig r;
        begin_resolved(&r);
        CHECK(pipeline_owner(r.p, 0, FAMILY_IPV4, no[i], r.now, r.wall), "another kind");
        CHECK(!pipeline_owner(r.p, 0, FAMILY_IPV4, no[i], r.now, r.wall), "said once");
        window(&r, "MAA");
        const struct target_state *t = r.batch->targets;
        CHECK_INT(0, t[0].rank, no[i]->why);
        CHECK_TEXT("", t[0].pop, "no PoP, whatever it says");
        CHECK_TEXT("", t[0].addresses[0].pop, "also of its family");
        CHECK_INT(MS(1), t[0].min_ns, "its delay is shown");
        CHECK(t[0].up && t[0].measured, "it is up");
        CHECK_TEXT(no[i]->why, target_verdict(t)->why, "and why it is none");
        CHECK_INT(1, t[1].rank, "the nearest PoP");
        CHECK_INT(2, t[2].rank, "the next one");
        expect_series(&r, WEB, "", 3, "its series has no PoP");
        end(&r);
    }
}

static void count_pings(struct rig *r, int64_t for_ns, size_t n[TARGETS])
{
    struct mono stop = {r->now.ns + for_ns}, at;
    struct probe_request last;
    memset(n, 0, TARGETS * sizeof *n);
    while (pipeline_next(r->p, &at) && at.ns < stop.ns) {
        pass(r, at.ns > r->now.ns ? at.ns - r->now.ns : 0);
        while (pipeline_take(r->p, r->now, &last))
            n[last.target - r->targets] += last.kind == PING;
    }
    pass(r, stop.ns - r->now.ns);
}

/* Of three targets one is probed at the full interval, but not the one that is no PoP,
 * although it is the first in the configuration. */
static void no_full_interval(void **state)
{
    (void)state;
    struct rig r;
    size_t n[TARGETS];
    begin_resolved(&r);
    pipeline_owner(r.p, 0, FAMILY_IPV4, &foreign, r.now, r.wall);
    count_pings(&r, 50 * NS_PER_S, n);
    CHECK(n[0] <= 5 && n[1] > 45 && n[2] > 45, "nothing is known yet: %zu, %zu, %zu",
          n[0], n[1], n[2]);
    window(&r, "MAA");
    count_pings(&r, 600 * NS_PER_S, n);
    CHECK_INT(60, n[0], "pings at the slow interval");
    CHECK(n[1] > 590, "the nearest at the full one: %zu", n[1]);
    CHECK_INT(60, n[2], "the third at the slow one");
    pipeline_owner(r.p, 0, FAMILY_IPV4, &edge, r.now, r.wall);
    window(&r, "MAA");
    count_pings(&r, 600 * NS_PER_S, n);
    CHECK(n[0] > 590, "at the edge it is the nearest: %zu", n[0]);
    end(&r);
}

/* The intervals change long after the last probe or answer: nothing was missed. */
static void nothing_was_due_meanwhile(void **state)
{
    (void)state;
    struct rig r;
    size_t n[TARGETS];
    begin(&r);
    resolve(&r, 0, addresses[0], "");
    pipeline_owner(r.p, 0, FAMILY_IPV4, &foreign, r.now, r.wall);
    for (int i = 0; i < 6; i++) {
        count_pings(&r, 9 * NS_PER_S, n);
        pipeline_owner(r.p, 0, FAMILY_IPV4, i % 2 ? &foreign : &edge, r.now, r.wall);
    }
    reply(&r, PING4, addresses[0], MS(3));
    close_window(&r);
    CHECK_INT(0, expect_series(&r, PING, "", 1, "ping")->counters[COUNTER_MISSED],
              "missed probes");
    CHECK(!r.batch->busy, "the host was not too busy");
    end(&r);
}

/* A PoP turns out not to be one, and the reverse: neither keeps the other's figures. */
static void it_changes(void **state)
{
    (void)state;
    struct rig r;
    begin_resolved(&r);
    window(&r, "MAA");
    CHECK_INT(1, r.batch->targets[0].rank, "nothing is known of it");
    pipeline_owner(r.p, 0, FAMILY_IPV4, &edge, r.now, r.wall);
    window(&r, "MAA");
    CHECK_TEXT("MAA", r.batch->targets[0].pop, "from unknown to edge nothing changes");
    pipeline_owner(r.p, 0, FAMILY_IPV4, &foreign, r.now, r.wall);
    window(&r, "MAA");
    CHECK_INT(0, r.batch->targets[0].rank, "no rank any more");
    CHECK_TEXT("", r.batch->targets[0].pop, "nor PoP");
    expect_series(&r, WEB, "", 3, "a series of its own");
    expect_series(&r, WEB, "MAA", 6, "and the old one stays as it was");
    pipeline_owner(r.p, 0, FAMILY_IPV4, &edge, r.now, r.wall);
    for (int i = 0; i < 3; i++)
        give(&r, WEB4, addresses[0], OUTCOME_REPLY, MS(15), "LON");
    close_window(&r);
    CHECK_INT(MS(15), r.batch->targets[0].min_ns,
              "the other network's delay is forgotten");
    CHECK_TEXT("LON", r.batch->targets[0].pop, "its PoP");
    end(&r);
}

/* If only one family is the edge, the target is ranked by that family alone. */
static void one_family(void **state)
{
    (void)state;
    struct rig r;
    begin_resolved(&r);
    resolve(&r, 0, ipv6, "");
    pipeline_owner(r.p, 0, FAMILY_IPV4, &foreign, r.now, r.wall);
    pipeline_owner(r.p, 0, FAMILY_IPV6, &edge, r.now, r.wall);
    for (int i = 0; i < 3; i++)
        give(&r, WEB6, ipv6, OUTCOME_REPLY, MS(12), "AMS");
    window(&r, "MAA");
    const struct target_state *t = &r.batch->targets[0];
    CHECK_INT(MS(12), t->min_ns, "the delay of the edge");
    CHECK_INT(2, t->rank, "and its rank");
    CHECK_TEXT("AMS", t->pop, "its PoP");
    CHECK_INT(OWNER_EDGE, target_verdict(t)->type, "as a whole it is one");
    CHECK_INT(OWNER_FOREIGN, t->addresses[0].owner->type, "by IPv4 it is not");
    end(&r);
}

static void a_filtered_one_has_no_address(void **state)
{
    (void)state;
    struct rig r;
    begin_resolved(&r);
    vanish(&r, 0, FAMILY_IPV4);
    pipeline_owner(r.p, 0, FAMILY_IPV4, &filtered, r.now, r.wall);
    close_window(&r);
    CHECK_INT(OWNER_FILTERED, target_verdict(r.batch->targets)->type, "it is said");
    CHECK_INT(0, r.batch->targets[0].rank, "no rank");
    pipeline_owner(r.p, 0, FAMILY_IPV4, &unknown, r.now, r.wall);
    resolve(&r, 0, addresses[0], "");
    window(&r, "MAA");
    CHECK_INT(1, r.batch->targets[0].rank, "and when the filter is gone");
    CHECK_TEXT("MAA", r.batch->targets[0].pop, "its PoP");
    end(&r);
}

/* The owner can be known from the chain before the address is. */
static void a_chain_with_a_pop(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    pipeline_owner(r.p, 0, FAMILY_IPV4, &private, r.now, r.wall);
    resolve(&r, 0, "10.0.0.1", "LHR");
    close_window(&r);
    CHECK_TEXT("", r.batch->targets[0].pop, "a chain does not make it one");
    pipeline_owner(r.p, 0, FAMILY_IPV4, &edge, r.now, r.wall);
    resolve(&r, 0, "192.0.2.7", "LHR");
    close_window(&r);
    CHECK_TEXT("LHR", r.batch->targets[0].pop, "the same chain, at the edge");
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_no_pop),
        cmocka_unit_test(no_full_interval),
        cmocka_unit_test(nothing_was_due_meanwhile),
        cmocka_unit_test(it_changes),
        cmocka_unit_test(one_family),
        cmocka_unit_test(a_filtered_one_has_no_address),
        cmocka_unit_test(a_chain_with_a_pop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
