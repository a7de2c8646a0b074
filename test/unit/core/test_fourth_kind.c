/*
 * A kind that the program does not have: no port, 40 ms where a handshake takes 3 ms, off
 * by default, and its silence is loss. The core must use only the kind's properties.
 */
#include "core/intercept.h"
#include "core/limits.h"
#include "core/series.h"
#include "unit/core/rig.h"

static const struct kind handshake = {.name = "handshake",
                                      .delays = {"rtt"},
                                      .uses = USES_PORT,
                                      .interval_ns = NS_PER_S,
                                      .slow_interval_ns = NS_PER_S,
                                      .roles = {DELAY_HANDSHAKE},
                                      .on_by_default = true};
static const struct kind route = {.name = "route",
                                  .delays = {"rtt", "hops"},
                                  .interval_ns = 10 * NS_PER_S,
                                  .slow_interval_ns = MINUTE_NS,
                                  .main_delay = 1};
static const struct kinds four = {{&ping, &web, &handshake, &route}, 4};

enum { ROUTE = 3, HANDSHAKE4 = 4, ROUTE4 = 6 };
static const char near[] = "192.0.2.1";

static void begin_four(struct rig *r)
{
    begin(r);
    pipeline_destroy(r->p);
    r->targets[0] = target_default(&four);
    r->targets[0].kinds[ROUTE] = true;
    r->p = pipeline_create(&r->settings, &four, 1, r->now, r->wall);
    resolve(r, 0, near, "");
}

static void it_is_off_by_default(void **state)
{
    (void)state;
    struct target t = target_default(&four);
    CHECK(t.kinds[PING] && t.kinds[WEB] && t.kinds[2], "these are on");
    CHECK(!t.kinds[ROUTE], "nobody asked for it");
    CHECK_INT(10 * NS_PER_S, t.interval_ns[ROUTE], "with an interval all the same");
    int64_t second[KINDS_MAX] = {NS_PER_S, NS_PER_S, NS_PER_S, NS_PER_S};
    double three = send_rate_of(&t, &four, second).of[RATE_PROBES];
    CHECK_NEAR(6, three, 1e-9, "three kinds by two families");
}

static void it_is_no_evidence_of_a_middlebox(void **state)
{
    (void)state;
    struct rig r;
    begin_four(&r);
    for (int i = 0; i < 3 * INTERCEPT_SAMPLES; i++) {
        reply(&r, HANDSHAKE4, near, MS(3));
        reply(&r, ROUTE4, near, MS(40));
    }
    close_window(&r);
    CHECK(!r.batch->targets[0].intercepted, "40 ms beside 3 ms prove nothing");
    CHECK_TEXT("", r.batch->targets[0].interception, "there is no doubt either");
    CHECK_INT(MS(3), r.batch->targets[0].min_ns, "the handshake counts");

    for (int i = 0; i < INTERCEPT_SAMPLES; i++) {
        reply(&r, HANDSHAKE4, near, MS(3));
        reply(&r, ROUTE4, near, MS(40));
        reply(&r, PING4, near, MS(30));
    }
    close_window(&r);
    CHECK_TEXT(
        "cannot tell whether a middlebox answers the handshakes (3.0 ms) or ICMP is "
        "slow (30.0 ms)",
        r.batch->targets[0].interception, "a round trip is: as the kind states");
    end(&r);
}

static void its_delays_stay_behind_a_middlebox(void **state)
{
    (void)state;
    struct rig r;
    begin_four(&r);
    pipeline_decoy(r.p, 0, FAMILY_IPV4, MS(3));
    reply(&r, HANDSHAKE4, near, MS(3));
    reply(&r, ROUTE4, near, MS(40));
    close_window(&r);
    CHECK(r.batch->targets[0].intercepted, "the decoy is answered");
    for (size_t i = 0; i < r.batch->n_series; i++) {
        const struct series *s = r.batch->series[i];
        bool counts = s->kind == &route;
        CHECK_INT(counts, s->window.delays[0].count, s->kind->name);
    }
    CHECK(r.batch->targets[0].up, "its answer is the target's own");
    CHECK_INT(MS(40), r.batch->targets[0].min_ns, "and ranks it");
    end(&r);
}

static void silence(struct rig *r, uint32_t stream)
{
    for (int i = 0; i < SILENT_LOSSES; i++)
        give(r, stream, near, OUTCOME_LOSS, DELAY_UNDEFINED, "");
}

static void its_silence_is_loss(void **state)
{
    (void)state;
    struct rig r;
    begin_four(&r);
    for (int w = 0; w < 2; w++) {
        silence(&r, PING4);
        silence(&r, ROUTE4);
        reply(&r, HANDSHAKE4, near, MS(3));
        close_window(&r);
    }
    CHECK_INT(STATE_UNKNOWN, r.batch->targets[0].states[0][PING], "filtered, perhaps");
    CHECK_INT(STATE_DOWN, r.batch->targets[0].states[0][ROUTE], "down");
    for (size_t i = 0; i < r.batch->n_series; i++) {
        const struct series *s = r.batch->series[i];
        CHECK((s->silent_while != NULL) == (s->kind == &ping), "%s", s->kind->name);
    }
    end(&r);
}

static void its_silence_tells_beside_one_that_may_be_filtered(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    pipeline_destroy(r.p);
    r.targets[0] = target_default(&four);
    r.targets[0].kinds[WEB] = r.targets[0].kinds[2] = false;
    r.targets[0].kinds[ROUTE] = true;
    r.p = pipeline_create(&r.settings, &four, 1, r.now, r.wall);
    resolve(&r, 0, near, "");
    silence(&r, PING4);
    close_window(&r);
    CHECK(!r.batch->targets[0].measured, "ping alone says nothing while route is used");
    silence(&r, 2); /* of route */
    close_window(&r);
    CHECK(r.batch->targets[0].measured && !r.batch->targets[0].up, "route does");
    end(&r);
}

static void its_probes_go_to_no_port(void **state)
{
    (void)state;
    struct rig r;
    begin_four(&r);
    struct probe_request request;
    struct mono at;
    size_t seen[KINDS_MAX] = {0};
    while (pipeline_next(r.p, &at) && at.ns < r.now.ns + MINUTE_NS)
        if (pipeline_take(r.p, at, &request)) {
            bool port = four.list[request.kind]->uses & USES_PORT;
            CHECK_INT(port ? 443 : 0, request.to.port, four.list[request.kind]->name);
            seen[request.kind]++;
        }
    CHECK(seen[PING] > 0 && seen[WEB] > 0 && seen[ROUTE] > 0, "all kinds: %zu, %zu, %zu",
          seen[PING], seen[WEB], seen[ROUTE]);
    end(&r);
}

static void its_name_and_delays_come_from_the_table(void **state)
{
    (void)state;
    CHECK_INT(ROUTE, kinds_find(&four, "route"), "by name");
    CHECK_TEXT("hops", kinds_main_delay(&four, "route"), "the delay it is about");
    CHECK(kind_delay(&route, DELAY_HANDSHAKE) == KIND_NONE, "no handshake");
    CHECK_INT(0, intercept_distance(&route, &(struct intercept){.decoy.n = 1}),
              "its first delay says how far, always");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_off_by_default),
        cmocka_unit_test(it_is_no_evidence_of_a_middlebox),
        cmocka_unit_test(its_delays_stay_behind_a_middlebox),
        cmocka_unit_test(its_silence_is_loss),
        cmocka_unit_test(its_silence_tells_beside_one_that_may_be_filtered),
        cmocka_unit_test(its_probes_go_to_no_port),
        cmocka_unit_test(its_name_and_delays_come_from_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
