/* Added targets, surveys, and a host that moves to another network. */
#include "interned.h"
#include "unit/core/rig.h"

static struct target door(const char *name)
{
    struct target t = target_default(&kinds);
    t.name = intern(name);
    t.host = interned("%s.example", name);
    t.discovered = true;
    return t;
}

/* Resolves the three targets and the added one, and answers all due probes for a while:
 * near 3 ms, middle 9 ms, far 24 ms, the added one 1 ms. */
static void resolve_all(struct rig *r, size_t added)
{
    resolve(r, 0, "192.0.2.1", "");
    resolve(r, 1, "192.0.2.2", "");
    resolve(r, 2, "192.0.2.3", "");
    if (added != PIPELINE_FULL)
        resolve(r, added, "192.0.2.4", "");
}

static void answer_for(struct rig *r, int64_t for_ns, size_t *sent)
{
    static const int64_t rtt_ms[] = {3, 9, 24, 1};
    struct mono stop = {r->now.ns + for_ns}, at;
    struct probe_request order;
    while (pipeline_next(r->p, &at) && at.ns < stop.ns) {
        pass(r, at.ns > r->now.ns ? at.ns - r->now.ns : 0);
        while (pipeline_take(r->p, r->now, &order)) {
            struct result result =
                result_of(order.stream, &order.to, r->wall, OUTCOME_REPLY);
            result.delays[0] = MS(rtt_ms[order.to.bytes[3] - 1]);
            pipeline_result(r->p, &result);
            sent[order.to.bytes[3] - 1]++;
        }
    }
    pass(r, stop.ns - r->now.ns);
}

static void a_survey_ranks_before_the_window_closes(void **state)
{
    (void)state;
    struct rig r;
    struct target added = door("door");
    size_t sent[4] = {0}, n;
    begin(&r);
    size_t number = pipeline_add(r.p, &added);
    CHECK_INT(TARGETS, number, "behind those of the configuration");
    resolve_all(&r, number);
    pipeline_survey_begin(r.p, r.now);
    answer_for(&r, 3 * NS_PER_S, sent);
    const struct target_state *states = pipeline_survey_rank(r.p, &n);
    CHECK_INT(1, states[number].rank, "it can be ranked meanwhile");
    answer_for(&r, 7 * NS_PER_S, sent);
    states = pipeline_survey_end(r.p, r.now, &n);
    CHECK_INT(TARGETS + 1, n, "a state each");
    CHECK_INT(1, states[number].rank, "the added one is nearest");
    CHECK_INT(2, states[0].rank, "then near");
    CHECK_INT(4, states[2].rank, "far is last");
    CHECK_INT(MS(1), states[number].min_ns, "the recent");
    CHECK(states[number].target == &added, "it is the added one");
    for (size_t t = 0; t < 4; t++)
        CHECK(sent[t] >= 10 + 4 && sent[t] <= 10 + 6,
              "ping each second, web each other: %zu", sent[t]);
    close_window(&r);
    CHECK_INT(1, r.batch->targets[number].rank, "it stays so when the window closes");
    CHECK_INT(TARGETS + 1, r.batch->n_targets, "the batch has it");
    end(&r);
}

static void what_is_added_slows_nobody_down(void **state)
{
    (void)state;
    struct rig r;
    struct target added = door("door");
    size_t sent[4] = {0};
    begin(&r);
    resolve_all(&r, pipeline_add(r.p, &added));
    answer_for(&r, MINUTE_NS, sent);
    close_window(&r);
    memset(sent, 0, sizeof sent);
    answer_for(&r, 10 * MINUTE_NS, sent);
    CHECK_NEAR(660, (double)sent[3], 3, "the nearest of all at its full rate");
    CHECK_NEAR(660, (double)sent[0], 3, "the nearest of the configured ones as well");
    CHECK_NEAR(70, (double)sent[1], 3, "the next one slowly");
    end(&r);
}

static void paused_until_resolved_and_again(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    struct target added = door("door");
    begin(&r);
    size_t number = pipeline_add(r.p, &added);
    CHECK_INT(0, take(&r, MINUTE_NS, &order), "no address");
    resolve(&r, number, "192.0.2.4", "AMS");
    CHECK(take(&r, MINUTE_NS, &order) > 0 && order.target == &added, "probed");
    vanish(&r, number, FAMILY_IPV4);
    CHECK_INT(0, take(&r, MINUTE_NS, &order), "given up");
    end(&r);
}

static const struct kind https = {.name = "https",
                                  .delays = {"rtt", "tls"},
                                  .uses = USES_PORT,
                                  .interval_ns = 10 * NS_PER_S,
                                  .slow_interval_ns = MINUTE_NS,
                                  .roles = {DELAY_HANDSHAKE, DELAY_TLS}};
static const struct kinds secure_kinds = {{&ping, &https}, 2};

enum { DOOR = TARGETS * STREAMS }; /* the first stream of the added target */

static uint32_t rank_of(struct rig *r, size_t target)
{
    size_t n;
    return pipeline_survey_rank(r->p, &n)[target].rank;
}

static void show_certificate(struct rig *r, const char *from)
{
    struct endpoint to = address(from);
    struct result result = result_of(DOOR + WEB4, &to, r->wall, OUTCOME_HTTP_ERROR);
    result.delays[1] = MS(2);
    pipeline_result(r->p, &result);
}

static void a_guess_counts_once_it_is_proved(void **state)
{
    (void)state;
    struct rig r;
    struct target added = door("door");
    added.server_name = "near.example";
    begin(&r);
    pipeline_destroy(r.p);
    r.p = pipeline_create(&r.settings, &secure_kinds, check_seed(), r.now, r.wall);
    size_t number = pipeline_add(r.p, &added);
    resolve_all(&r, number);
    pipeline_survey_begin(r.p, r.now);
    reply(&r, PING4, "192.0.2.1", MS(3));
    reply(&r, DOOR + PING4, "192.0.2.4", MS(1));
    give(&r, DOOR + WEB4, "192.0.2.4", OUTCOME_TLS_ERROR, MS(1), "");
    CHECK_INT(0, rank_of(&r, number), "anybody may answer there");
    CHECK_INT(1, rank_of(&r, 0), "a name that nobody guessed needs no proof");
    show_certificate(&r, "192.0.2.4");
    CHECK_INT(1, rank_of(&r, number), "it has the certificate");
    resolve(&r, number, "192.0.2.5", "");
    reply(&r, DOOR + PING4, "192.0.2.5", MS(1));
    CHECK_INT(0, rank_of(&r, number), "of another address nothing is proved");
    show_certificate(&r, "192.0.2.5");
    CHECK_INT(1, rank_of(&r, number), "until it is");
    vanish(&r, number, FAMILY_IPV4);
    CHECK_INT(0, rank_of(&r, number), "a paused target has no rank");
    end(&r);
}

static void too_many_are_refused(void **state)
{
    (void)state;
    struct rig r;
    struct target added = door("door");
    begin(&r);
    for (size_t i = 0; i < PIPELINE_ADDED_MAX; i++)
        CHECK_INT(TARGETS + i, pipeline_add(r.p, &added), "there is room");
    CHECK(pipeline_add(r.p, &added) == PIPELINE_FULL, "and then none");
    end(&r);
}

static void what_was_asked_is_carried(void **state)
{
    (void)state;
    struct rig r;
    struct dns_answer dns = {.chain = "a.example -> b.example", .servers = "192.0.2.53"};
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LHR");
    pipeline_dns_answer(r.p, 0, FAMILY_IPV4, &dns, r.now, r.wall);
    close_window(&r);
    const struct target_address_state *place = &r.batch->targets[0].addresses[0];
    CHECK_TEXT("a.example -> b.example", place->dns->chain, "the chain");
    CHECK_TEXT("192.0.2.53", place->dns->servers, "the servers");
    CHECK_TEXT("LHR", place->pop, "the PoP");
    CHECK_TEXT("cname", place->basis, "how it is known");
    CHECK_INT(FAMILY_NONE, r.batch->targets[0].addresses[1].to.family, "no IPv6");
    CHECK_INT(1, r.batch->n_events, "and reported once");
    CHECK_TEXT("edgelat.target.resolved", r.batch->events[0].name, "as an event");
    CHECK(strstr(r.batch->events[0].text, "by a.example -> b.example") != NULL, "%s",
          r.batch->events[0].text);
    give(&r, PING4, "192.0.2.1", OUTCOME_REPLY, MS(3), "LON");
    close_window(&r);
    CHECK_TEXT("answer", r.batch->targets[0].addresses[0].basis,
               "an answer said it better");
    end(&r);
}

static void another_chain_is_told_now_and_then(void **state)
{
    (void)state;
    struct rig r;
    size_t reported = 0;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "");
    for (int minute = 0; minute < 180; minute++) {
        struct dns_answer dns = {minute % 2 == 0 ? "a.example" : "b.example",
                                 "192.0.2.53"};
        pipeline_dns_answer(r.p, 0, FAMILY_IPV4, &dns, r.now, r.wall);
        close_window(&r);
        reported += r.batch->n_events;
    }
    CHECK_INT(3, reported, "a name that leads elsewhere each time: once an hour");
    end(&r);
}

static void moved_forgets_where_they_were(void **state)
{
    (void)state;
    struct rig r;
    size_t sent[4] = {0}, n;
    begin(&r);
    resolve_all(&r, PIPELINE_FULL);
    answer_for(&r, MINUTE_NS, sent);
    close_window(&r);
    CHECK_INT(1, r.batch->targets[0].rank, "near is nearest");
    answer_for(&r, 10 * NS_PER_S, sent); /* the open window has some, too */
    pipeline_moved(r.p, r.now, r.wall);
    pipeline_survey_begin(r.p, r.now);
    reply(&r, STREAMS, "192.0.2.2", MS(2)); /* middle's ping */
    const struct target_state *states = pipeline_survey_end(r.p, r.now, &n);
    CHECK_INT(1, states[1].rank, "what has answered since");
    CHECK_INT(0, states[0].rank, "nothing is known of the others");
    close_window(&r);
    CHECK_INT(0, r.batch->targets[0].rank, "nor when the window closes");
    expect_series(&r, PING, "", 70, "all that was measured counts");
    end(&r);
}

static void moved_measures_all_anew(void **state)
{
    (void)state;
    struct rig r;
    size_t sent[4] = {0};
    begin(&r);
    resolve_all(&r, PIPELINE_FULL);
    answer_for(&r, MINUTE_NS, sent);
    close_window(&r);
    memset(sent, 0, sizeof sent);
    pipeline_moved(r.p, r.now, r.wall);
    resolve_all(&r, PIPELINE_FULL); /* to the same addresses */
    answer_for(&r, 50 * NS_PER_S, sent);
    for (size_t t = 0; t < TARGETS; t++)
        CHECK_NEAR(55, (double)sent[t], 3, "at the full rate, before the window closes");
    end(&r);
}

/* ---- many targets ---- */

enum { MANY = 250 };

static const struct kind heavy = {.name = "heavy",
                                  .delays = {"rtt"},
                                  .uses = USES_PORT,
                                  .on_by_default = true,
                                  .interval_ns = MINUTE_NS,
                                  .slow_interval_ns = 5 * MINUTE_NS,
                                  .tells_pop = true,
                                  .packets = 80,
                                  .bytes = 70000};
static const struct kinds heavy_kinds = {{&heavy}, 1};

static void begin_many(struct rig *r, size_t hosts)
{
    static struct target targets[MANY];
    for (size_t t = 0; t < MANY; t++) {
        targets[t] = target_default(&heavy_kinds);
        targets[t].ipv6 = false;
        targets[t].host = interned("%zu.example", t % hosts);
    }
    begin(r);
    pipeline_destroy(r->p);
    r->settings.targets = targets;
    r->settings.n_targets = MANY;
    r->p = pipeline_create(&r->settings, &heavy_kinds, check_seed(), r->now, r->wall);
}

static void many_resolve(struct rig *r)
{
    for (size_t t = 0; t < MANY; t++) {
        char text[ADDRESS_TEXT_MAX];
        snprintf(text, sizeof text, "198.51.100.%zu", t);
        resolve(r, t, text, "");
    }
}

/* The probes due in the next seconds: bytes per second, and the most in one second. */
static double bytes_of(struct rig *r, int seconds, double *most)
{
    double sum = 0;
    *most = 0;
    for (int i = 0; i < seconds; i++) {
        struct probe_request order;
        double bytes = heavy.bytes * (double)take(r, NS_PER_S, &order);
        sum += bytes;
        *most = fmax(*most, bytes);
    }
    return sum / seconds;
}

/* On average: the phases are random. Without limits a survey would send 8.75 MB/s, and
 * twice that when it begins. */
static void a_survey_obeys_the_limits(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t hosts;
        double most; /* bytes a second */
    } cases[] = {
        {"many hosts", MANY, 2e6},
        {"ten hosts", 10, 10 * 160e3},
        {"one host", 1, 160e3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        double second, sum;
        size_t n;
        begin_many(&r, cases[i].hosts);
        pipeline_survey_begin(r.p, r.now);
        many_resolve(&r);
        sum = bytes_of(&r, 10, &second);
        CHECK(sum < 1.6 * cases[i].most, "%s: %.0f bytes/s", cases[i].what, sum);
        CHECK(sum > 0.5 * cases[i].most, "%s: only %.0f", cases[i].what, sum);
        CHECK(second < 2 * cases[i].most + 5 * heavy.bytes, "%s: %.0f bytes at once",
              cases[i].what, second);
        pipeline_survey_end(r.p, r.now, &n);
        sum = bytes_of(&r, 60, &second);
        CHECK(sum < 1.2 * cases[i].most, "%s, and then: %.0f", cases[i].what, sum);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_survey_ranks_before_the_window_closes),
        cmocka_unit_test(what_is_added_slows_nobody_down),
        cmocka_unit_test(paused_until_resolved_and_again),
        cmocka_unit_test(a_guess_counts_once_it_is_proved),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(what_was_asked_is_carried),
        cmocka_unit_test(another_chain_is_told_now_and_then),
        cmocka_unit_test(moved_forgets_where_they_were),
        cmocka_unit_test(moved_measures_all_anew),
        cmocka_unit_test(a_survey_obeys_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
