#include "check.h"
#include "core/recent.h"
#include "unit/core/rig.h"

/* ---- probes ---- */

static void streams_rest_without_an_address(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    begin(&r);
    CHECK_INT(0, take(&r, MINUTE_NS, &order), "no address, no probe");
    resolve(&r, 0, "192.0.2.1", "");
    CHECK_INT(5 + 1, take(&r, FIRST_WITHIN_NS, &order), "each of them soon");
    CHECK_INT(60 + 6, take(&r, MINUTE_NS, &order), "one a second and one each ten");
    resolve(&r, 0, "2001:db8::1", "");
    take(&r, MINUTE_NS, &order);
    CHECK_INT(2 * 66, take(&r, MINUTE_NS, &order), "both families");
    vanish(&r, 0, FAMILY_IPV4);
    CHECK_INT(66, take(&r, MINUTE_NS, &order), "one is gone");
    CHECK_INT(FAMILY_IPV6, order.to.family, "the other is probed on");
    end(&r);
}

static void an_order_says_it_all(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 1, "192.0.2.7", "");
    bool seen[2] = {false, false};
    struct mono at;
    while (!(seen[PING] && seen[WEB]) && pipeline_next(r.p, &at)) {
        struct probe_request order;
        CHECK(pipeline_take(r.p, at, &order), "it is due");
        CHECK(order.target == &r.targets[1], "the target");
        struct endpoint to = address("192.0.2.7");
        CHECK(endpoint_same_address(&to, &order.to), "the address");
        CHECK_INT(order.kind == WEB ? 443 : 0, order.to.port,
                  "the port, where it has one");
        seen[order.kind] = true;
    }
    CHECK(seen[PING] && seen[WEB], "both kinds");
    end(&r);
}

static void a_target_has_the_streams_it_wants(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    begin(&r);
    pipeline_destroy(r.p);
    r.targets[0].ipv6 = false;
    r.targets[0].kinds[WEB] = false;
    r.p = pipeline_create(&r.settings, &kinds, 1, r.now, r.wall);
    resolve(&r, 0, "2001:db8::1", "");
    CHECK_INT(0, take(&r, MINUTE_NS, &order), "no stream in that family");
    resolve(&r, 0, "192.0.2.1", "");
    take(&r, MINUTE_NS, &order);
    CHECK_INT(60, take(&r, MINUTE_NS, &order), "ping alone");
    end(&r);
}

/* ---- the ranking ---- */

static const char *const addresses[TARGETS] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};

static void resolve_all(struct rig *r)
{
    for (size_t t = 0; t < TARGETS; t++)
        resolve(r, t, addresses[t], "");
}

static uint32_t ping4_of(size_t target)
{
    return (uint32_t)(target * STREAMS + PING4);
}

static void the_nearest_is_probed_in_full(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    begin(&r);
    resolve_all(&r);
    take(&r, 10 * NS_PER_S, &order);
    CHECK_INT(3 * 66, take(&r, MINUTE_NS, &order), "unknown: all at full rate");
    static const int64_t rtts[TARGETS] = {MS(3), MS(9), MS(24)};
    for (size_t t = 0; t < 2; t++)
        reply(&r, ping4_of(t), addresses[t], rtts[t]);
    close_window(&r);
    for (size_t t = 0; t < 2; t++) {
        CHECK_INT(t + 1, r.batch->targets[t].rank, "by delay");
        CHECK_INT(rtts[t], r.batch->targets[t].min_ns, "the recent");
        CHECK(r.batch->targets[t].up && r.batch->targets[t].measured, "it answered");
    }
    CHECK_INT(0, r.batch->targets[2].rank, "nothing is known of it");
    CHECK_INT(DELAY_UNDEFINED, r.batch->targets[2].min_ns, "no recent");
    CHECK(!r.batch->targets[2].measured, "nor was anything sent");
    take(&r, 2 * MINUTE_NS, &order);
    CHECK_INT(66 + 7 + 66, take(&r, MINUTE_NS, &order), "full, slow, still unknown");
    reply(&r, ping4_of(2), addresses[2], rtts[2]);
    r.batch = pipeline_close(r.p, r.now, r.wall);
    CHECK_INT(3, r.batch->targets[2].rank, "now it is ranked");
    CHECK_INT(1, r.batch->targets[0].rank, "windows without a probe change nothing");
    CHECK(!r.batch->targets[0].up && !r.batch->targets[0].measured,
          "but it had no answer");
    end(&r);
}

static void what_is_there_later_is_ranked_soon(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    begin(&r);
    resolve_all(&r);
    for (int window = 0; window < 3; window++) {
        for (size_t t = 0; t < TARGETS; t++)
            for (int i = 0; i < 10; i++)
                give(&r, ping4_of(t), addresses[t], OUTCOME_LOSS, DELAY_UNDEFINED, "");
        close_window(&r);
        CHECK_INT(0, r.batch->targets[0].rank, "nothing answers");
    }
    take(&r, 2 * MINUTE_NS, &order);
    CHECK_INT(66 + 7 + 7, take(&r, MINUTE_NS, &order), "one is asked at its full rate");
    for (int i = 0; i < 10; i++)
        reply(&r, ping4_of(0), addresses[0], MS(3));
    r.batch = pipeline_close(r.p, r.now, r.wall);
    CHECK_INT(1, r.batch->targets[0].rank, "the first window that was fine is enough");
    end(&r);
}

static void what_is_filtered_is_not_far(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve_all(&r);
    for (int i = 0; i < 10; i++) {
        give(&r, PING4, addresses[0], OUTCOME_LOSS, DELAY_UNDEFINED, "");
        reply(&r, WEB4, addresses[0], MS(3));
        reply(&r, ping4_of(1), addresses[1], MS(9));
        give(&r, ping4_of(2), addresses[2], OUTCOME_REFUSED, DELAY_UNDEFINED, "");
    }
    close_window(&r);
    CHECK_INT(1, r.batch->targets[0].rank, "filtered pings are no loss");
    CHECK_INT(2, r.batch->targets[1].rank, "the other");
    CHECK_INT(0, r.batch->targets[2].rank, "a refusal has no delay");
    CHECK(r.batch->targets[2].up, "but says that it is up");
    end(&r);
}

static void loss_makes_it_ineligible(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve_all(&r);
    for (int i = 0; i < 10; i++) {
        bool lost = i % 3 == 0;
        give(&r, PING4, addresses[0], lost ? OUTCOME_LOSS : OUTCOME_REPLY,
             lost ? DELAY_UNDEFINED : MS(3), "");
        reply(&r, ping4_of(1), addresses[1], MS(9));
        give(&r, ping4_of(2), addresses[2], OUTCOME_NOT_MEASURED, DELAY_UNDEFINED, "");
    }
    close_window(&r);
    CHECK_INT(0, r.batch->targets[0].rank, "40 % loss");
    CHECK_INT(MS(3), r.batch->targets[0].min_ns, "however near");
    CHECK_INT(1, r.batch->targets[1].rank, "the next one");
    CHECK(!r.batch->targets[2].up && !r.batch->targets[2].measured, "nothing was sent");
    end(&r);
}

static void who_moves_away_is_found_out(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve_all(&r);
    int windows = 0;
    for (int i = 0; i < 20; i++) {
        reply(&r, ping4_of(0), addresses[0], i < 10 ? MS(3) : MS(30));
        reply(&r, ping4_of(1), addresses[1], MS(9));
        close_window(&r);
        if (i < 10)
            CHECK_INT(1, r.batch->targets[0].rank, "before");
        else if (r.batch->targets[0].rank == 1)
            windows++;
    }
    CHECK_INT(RECENT_WINDOWS - 1, windows, "until its last good window is too old");
    CHECK_INT(2, r.batch->targets[0].rank, "after");
    end(&r);
}

/* By an answer from the same address, or by another chain to another address. */
static void move_to_another_pop(bool by_chain)
{
    struct rig r;
    begin(&r);
    resolve_all(&r);
    resolve(&r, 0, addresses[0], by_chain ? "LHR" : "");
    for (int i = 0; i < 3; i++) {
        give(&r, WEB4, addresses[0], OUTCOME_REPLY, MS(3), by_chain ? "" : "LON");
        reply(&r, ping4_of(1), addresses[1], MS(9));
        close_window(&r);
    }
    CHECK_INT(1, r.batch->targets[0].rank, "before");
    const char *now = by_chain ? "192.0.2.99" : addresses[0];
    if (by_chain)
        resolve(&r, 0, now, "JFK");
    give(&r, WEB4, now, OUTCOME_REPLY, MS(30), by_chain ? "" : "NYC");
    reply(&r, ping4_of(1), addresses[1], MS(9));
    close_window(&r);
    CHECK_INT(2, r.batch->targets[0].rank, "what was in London says nothing any more");
    end(&r);
}

static void another_pop_is_found_out_at_once(void **state)
{
    (void)state;
    move_to_another_pop(false);
    move_to_another_pop(true);
}

/* ---- a middlebox ---- */

static void connection(struct rig *r, int64_t rtt_ns)
{
    struct endpoint to = address(addresses[0]);
    struct result result = result_of(WEB4, &to, r->wall, OUTCOME_REPLY);
    result.delays[0] = rtt_ns;
    result.delays[1] = MS(31);
    result.delays[2] = MS(33); /* TLS, of the kind that has it */
    pipeline_result(r->p, &result);
    pass(r, NS_PER_MS);
}

static const struct kind tls_web = {.name = "web",
                                    .delays = {"rtt", "first_byte", "tls"},
                                    .uses = USES_PORT,
                                    .interval_ns = 10 * NS_PER_S,
                                    .slow_interval_ns = MINUTE_NS,
                                    .roles = {DELAY_HANDSHAKE, DELAY_REPLY, DELAY_TLS}};
static const struct kinds with_tls = {{&ping, &tls_web}, 2};

static void handshakes_of_a_middlebox_are_left_out(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    pipeline_destroy(r.p);
    r.p = pipeline_create(&r.settings, &with_tls, 1, r.now, r.wall);
    resolve_all(&r);
    for (int i = 0; i < 2 * INTERCEPT_SAMPLES; i++) {
        connection(&r, MS(2));
        reply(&r, PING4, addresses[0], MS(30));
        reply(&r, ping4_of(1), addresses[1], MS(9));
    }
    close_window(&r);
    const struct target_state *t = r.batch->targets;
    CHECK(t[0].intercepted && !t[1].intercepted && !t[2].intercepted, "which one");
    CHECK_TEXT("a middlebox 2.0 ms away answers the handshakes (ICMP takes 30.0 ms)",
               t[0].interception, "named");
    const struct series *s = series(&r, WEB, "");
    CHECK_INT(2 * INTERCEPT_SAMPLES, s->window.received, "they are counted");
    CHECK_INT(0, s->window.delays[0].count, "also those before it was found out");
    CHECK_INT(0, s->variation.count, "nor their variation");
    CHECK_INT(0, s->delays[0].count, "nor in the totals");
    CHECK_INT(2 * INTERCEPT_SAMPLES, s->window.delays[1].count, "replies are real");
    CHECK_INT(2, t[0].rank, "not the nearest because of it");
    CHECK_INT(MS(30), t[0].min_ns, "its distance is that of ICMP");

    for (int i = 0; i < INTERCEPT_AGAINST * INTERCEPT_SAMPLES + 1; i++) {
        connection(&r, MS(30));
        reply(&r, PING4, addresses[0], MS(30));
    }
    close_window(&r);
    CHECK(!t[0].intercepted, "it is gone");
    CHECK_TEXT("", t[0].interception, "nothing to name");
    CHECK(series(&r, WEB, "")->window.delays[0].count > 0, "handshakes count again");
    end(&r);
}

static void the_decoy_leaves_them_out_too(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve_all(&r);
    connection(&r, MS(2));
    pipeline_decoy(r.p, 0, FAMILY_IPV4, MS(2));
    connection(&r, MS(2));
    close_window(&r);
    CHECK(r.batch->targets[0].intercepted, "named");
    CHECK_INT(0, series(&r, WEB, "")->window.delays[0].count, "left out");
    CHECK_INT(DELAY_UNDEFINED, r.batch->targets[0].min_ns, "no distance from it");
    pipeline_decoy(r.p, 0, FAMILY_IPV4, DELAY_UNDEFINED);
    connection(&r, MS(30));
    close_window(&r);
    CHECK(!r.batch->targets[0].intercepted, "gone");
    CHECK_INT(1, series(&r, WEB, "")->window.delays[0].count, "counts again");
    end(&r);
}

/* ICMP may be filtered: its silence does not count in a window without other probes. */
static const struct delay_ring *handshakes(const struct rig *r)
{
    return r->batch->targets[0].addresses[0].handshakes[WEB];
}

/* The handshakes of the PoP in use are in the batch; those of another one are not. */
static void handshakes_are_kept_for_comparisons(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "AMS");
    reply(&r, WEB4, "192.0.2.1", MS(3));
    close_window(&r);
    CHECK(handshakes(&r) == NULL, "no other target of its service");
    struct target door = r.targets[0];
    door.server_name = r.targets[0].host;
    pipeline_add(r.p, &door);
    close_window(&r);
    CHECK(handshakes(&r) == NULL, "none yet");
    reply(&r, WEB4, "192.0.2.1", MS(3));
    reply(&r, PING4, "192.0.2.1", MS(2));
    give(&r, WEB4, "192.0.2.1", OUTCOME_LOSS, DELAY_UNDEFINED, "");
    reply(&r, WEB4, "192.0.2.9", MS(9));
    close_window(&r);
    CHECK_INT(1, (int)handshakes(&r)->n, "of the address in use, answered");
    CHECK_INT(MS(3), handshakes(&r)->values[0].ns, "its delay");
    CHECK(r.batch->targets[0].addresses[0].handshakes[PING] == NULL, "no pings");
    resolve(&r, 0, "192.0.2.2", "AMS");
    reply(&r, WEB4, "192.0.2.2", MS(4));
    close_window(&r);
    CHECK_INT(2, (int)handshakes(&r)->n, "another address of the same PoP");
    resolve(&r, 0, "192.0.2.3", "LON");
    reply(&r, WEB4, "192.0.2.3", MS(8));
    close_window(&r);
    CHECK_INT(1, (int)handshakes(&r)->n, "another PoP");
    resolve(&r, 0, "192.0.2.4", "");
    close_window(&r);
    CHECK_INT(0, (int)handshakes(&r)->n, "another address, and nobody knows where");
    reply(&r, WEB4, "192.0.2.4", MS(8));
    pipeline_moved(r.p, r.now, r.wall);
    close_window(&r);
    CHECK_INT(0, (int)handshakes(&r)->n, "another network");
    end(&r);
}

static void unanswered_icmp_is_no_outage(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve_all(&r);
    give(&r, PING4, addresses[0], OUTCOME_LOSS, DELAY_UNDEFINED, "");
    close_window(&r);
    CHECK(!r.batch->targets[0].measured, "never answered, and alone: nothing is known");
    give(&r, PING4, addresses[0], OUTCOME_LOSS, DELAY_UNDEFINED, "");
    give(&r, WEB4, addresses[0], OUTCOME_LOSS, DELAY_UNDEFINED, "");
    close_window(&r);
    CHECK(r.batch->targets[0].measured && !r.batch->targets[0].up,
          "nothing answers: down");
    reply(&r, PING4, addresses[0], MS(2));
    close_window(&r);
    give(&r, PING4, addresses[0], OUTCOME_LOSS, DELAY_UNDEFINED, "");
    close_window(&r);
    CHECK(r.batch->targets[0].measured && !r.batch->targets[0].up,
          "it was answered before: down");
    end(&r);
}

/* A third kind that measures handshakes and nothing else. */
static void a_middlebox_does_not_say_that_it_is_up(void **state)
{
    (void)state;
    static const struct kind tcp = {.name = "tcp",
                                    .delays = {"rtt"},
                                    .uses = USES_PORT,
                                    .interval_ns = NS_PER_S,
                                    .slow_interval_ns = NS_PER_S,
                                    .roles = {DELAY_HANDSHAKE}};
    static const struct kinds three = {{&ping, &web, &tcp}, 3};
    enum { TCP4 = 4 };
    struct rig r;
    begin(&r);
    pipeline_destroy(r.p);
    r.targets[0].kinds[2] = true;
    r.p = pipeline_create(&r.settings, &three, 1, r.now, r.wall);
    resolve(&r, 0, addresses[0], "");
    reply(&r, TCP4, addresses[0], MS(2));
    close_window(&r);
    CHECK(r.batch->targets[0].up && r.batch->targets[0].measured, "a handshake says so");
    reply(&r, PING4, addresses[0], MS(2));
    close_window(&r);
    pipeline_decoy(r.p, 0, FAMILY_IPV4, MS(2));
    reply(&r, TCP4, addresses[0], MS(2));
    close_window(&r);
    CHECK(!r.batch->targets[0].up && !r.batch->targets[0].measured,
          "a middlebox's says nothing");
    reply(&r, TCP4, addresses[0], MS(2));
    give(&r, PING4, addresses[0], OUTCOME_LOSS, DELAY_UNDEFINED, "");
    close_window(&r);
    CHECK(!r.batch->targets[0].up && r.batch->targets[0].measured, "it is down");
    connection(&r, MS(2));
    close_window(&r);
    CHECK(r.batch->targets[0].up, "HTTP comes from behind the middlebox");
    end(&r);
}

/* ---- HTTP responses ---- */

static void respond(struct rig *r, uint16_t status)
{
    struct endpoint to = address("192.0.2.1");
    struct result result = result_of(WEB4, &to, r->wall, OUTCOME_REPLY);
    result.http.status = status;
    pipeline_result(r->p, &result);
}

static void expect_responses(struct rig *r, size_t i, uint16_t status, uint32_t n,
                             uint32_t before)
{
    close_window(r);
    const struct status_count *is =
        &r->batch->targets[0].addresses[SLOT_IPV4].statuses[i];
    CHECK_INT(status, is->status, "status");
    CHECK_INT(n, is->n, "responses with it");
    CHECK_INT(before, is->before, "before the window");
}

/* The batch has those of its window, until the next call. */
static void responses_are_counted_by_status(void **state)
{
    (void)state;
    for (uint32_t delta = 0; delta < 2; delta++) {
        struct rig r;
        uint32_t kept = 1 - delta;
        begin(&r);
        pipeline_destroy(r.p);
        r.settings.delta = delta == 1;
        r.p = pipeline_create(&r.settings, &kinds, check_seed(), r.now, r.wall);
        resolve(&r, 0, "192.0.2.1", "");
        respond(&r, 200);
        respond(&r, 200);
        expect_responses(&r, 0, 200, 2, 0);
        respond(&r, 200);
        expect_responses(&r, 0, 200, 2 * kept + 1, 2 * kept);
        expect_responses(&r, 0, 200 * (uint16_t)kept, 3 * kept, 3 * kept);
        respond(&r, 503);
        expect_responses(&r, (size_t)kept, 503, 1, 0);
        end(&r);
    }
}

static void paused(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    struct mono at;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    CHECK(r.batch->targets[0].up, "it is up");
    pipeline_pause(r.p, true, r.now);
    CHECK(!pipeline_next(r.p, &at), "nothing is due");
    resolve(&r, 1, "192.0.2.2", "AMS");
    pipeline_survey_begin(r.p, r.now);
    CHECK_INT(0, take(&r, MINUTE_NS, &order), "whatever comes meanwhile");
    for (int i = 0; i < 3; i++) {
        close_window(&r);
        CHECK(!r.batch->targets[0].measured, "it is not measured, neither up nor down");
        CHECK_INT(0, r.batch->n_events, "nothing has changed");
        const struct series *s = expect_series(&r, PING, "LON", 1, "the series goes on");
        CHECK(!s->in_window, "without this window");
        CHECK_INT(0, s->counters[COUNTER_MISSED], "and misses nothing");
    }
    pipeline_pause(r.p, false, r.now);
    CHECK(take(&r, 10 * NS_PER_S, &order) > 4, "it goes on");
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_rest_without_an_address),
        cmocka_unit_test(an_order_says_it_all),
        cmocka_unit_test(a_target_has_the_streams_it_wants),
        cmocka_unit_test(the_nearest_is_probed_in_full),
        cmocka_unit_test(what_is_there_later_is_ranked_soon),
        cmocka_unit_test(what_is_filtered_is_not_far),
        cmocka_unit_test(loss_makes_it_ineligible),
        cmocka_unit_test(who_moves_away_is_found_out),
        cmocka_unit_test(another_pop_is_found_out_at_once),
        cmocka_unit_test(unanswered_icmp_is_no_outage),
        cmocka_unit_test(handshakes_of_a_middlebox_are_left_out),
        cmocka_unit_test(the_decoy_leaves_them_out_too),
        cmocka_unit_test(a_middlebox_does_not_say_that_it_is_up),
        cmocka_unit_test(handshakes_are_kept_for_comparisons),
        cmocka_unit_test(responses_are_counted_by_status),
        cmocka_unit_test(paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
