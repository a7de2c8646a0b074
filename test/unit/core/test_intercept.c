#include "check.h"
#include "core/intercept.h"
#include "core/random.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

static const struct kind icmp = {
    .name = "icmp", .delays = {"rtt"}, .label = "ICMP", .roles = {DELAY_ROUND_TRIP}};
static const struct kind tcp = {
    .name = "tcp", .delays = {"rtt"}, .label = "TCP", .roles = {DELAY_HANDSHAKE}};
static const struct kind https = {
    .name = "https",
    .delays = {"rtt", "dns", "connect", "tls", "first_byte", "total", "warm_first_byte"},
    .label = "HTTPS",
    .roles = {DELAY_HANDSHAKE, DELAY_OTHER, DELAY_HANDSHAKE, DELAY_TLS, DELAY_REPLY,
              DELAY_OTHER, DELAY_REPLY}};
static const struct kinds kinds = {{&icmp, &tcp, &https}, 3};

static void give(struct intercept *i, const struct kind *kind, const int64_t *delays,
                 size_t n)
{
    struct endpoint to = {.family = FAMILY_IPV4};
    struct result r = result_of(0, &to, (struct wall){0}, OUTCOME_REPLY);
    for (size_t d = 0; d < n; d++)
        r.delays[d] = delays[d];
    intercept_add(i, kind, &r);
}

static void rtt(struct intercept *i, const struct kind *kind, int64_t ns)
{
    give(i, kind, &ns, 1);
}

static void web(struct intercept *i, int64_t rtt_ns, int64_t tls_ns, int64_t first_ns,
                int64_t warm_ns)
{
    int64_t delays[] = {rtt_ns,   MS(1),           rtt_ns, tls_ns,
                        first_ns, DELAY_UNDEFINED, warm_ns};
    give(i, &https, delays, 7);
}

#define NO DELAY_UNDEFINED

/*
 * A network, from which the delays follow. The handshake is answered by the edge or by a
 * middlebox; TLS by the edge or by a middlebox that decrypts; requests by the edge or by
 * a server `backend` ms behind it; echoes by the edge, `icmp_late` ms late.
 */
struct network {
    double edge, icmp_late, crypto, backend; /* ms; edge: the round trip to it */
    double box;                              /* ms; 0: no middlebox */
    bool decrypts, icmp, https, tls12;
};

static void probe(struct intercept *i, const struct network *n, int64_t queue)
{
    double handshake = n->box > 0 ? n->box : n->edge;
    double tls = n->box > 0 && n->decrypts ? n->box : n->edge;
    int64_t reply = MS(n->edge + n->backend) + queue;
    if (n->icmp)
        rtt(i, &icmp, MS(n->edge + n->icmp_late) + queue);
    rtt(i, &tcp, MS(handshake) + queue);
    if (!n->https)
        return;
    struct endpoint to = {.family = FAMILY_IPV4};
    struct result r = result_of(0, &to, (struct wall){0}, OUTCOME_REPLY);
    int64_t delays[] = {MS(handshake) + queue,
                        NO,
                        MS(handshake) + queue,
                        MS(tls * (n->tls12 ? 2 : 1) + n->crypto) + queue,
                        reply,
                        NO,
                        reply};
    memcpy(r.delays, delays, sizeof delays);
    strcpy(r.http.tls_version, n->tls12 ? "1.2" : "1.3");
    intercept_add(i, &https, &r);
}

static enum intercept_verdict verdict_on(struct intercept *i, const struct network *n,
                                         struct random *random)
{
    int64_t more = random_below(random, MS(20)); /* queues: one sample has none */
    for (int s = 0; s < INTERCEPT_SAMPLES; s++)
        probe(i, n, s == 1 ? 0 : more);
    return intercept_verdict(i);
}

enum { YES = INTERCEPT_YES, UNSURE = INTERCEPT_UNSURE, NONE = INTERCEPT_NO };

/* Fields of struct network; the expected verdict, and the least one allowed. */
static const struct {
    const char *what;
    struct network n;
    int expected;
} cases[] = {
    {"an honest path of 9 ms", {9, 0, 3, .5, 0, 0, 1, 1}, NONE},
    {"a LAN, where crypto is longer than the path", {.15, .1, 3, .4, 0, 0, 1, 1}, NONE},
    {"a LAN without ICMP, on a slow host", {.15, 0, 9, .4, 0, 0, 0, 1}, NONE},
    {"no ICMP, replies from behind the edge", {2, 0, 4, 70, 0, 0, 0, 1}, NONE},
    {"no ICMP, TLS 1.2", {20, 0, 4, 60, 0, 0, 0, 1, 1}, NONE},
    {"no ICMP, TLS 1.2, and slow at it", {20, 0, 12, 60, 0, 0, 0, 1, 1}, NONE},
    {"no ICMP, slow at TLS, not at replies", {2, 0, 58, .5, 0, 0, 0, 1}, NONE},
    {"slow at TLS and at replies, ICMP is quick", {2, 0, 58, 78, 0, 0, 1, 1}, NONE},
    {"ICMP by a little longer path", {9, 5, 3, 1, 0, 0, 1, 1}, NONE},
    {"ICMP is answered 60 ms late", {.1, 60, 3, .3, 0, 0, 1, 1}, NONE},
    {"the same, 9 ms away", {9, 60, 3, .5, 0, 0, 1, 1}, NONE},
    {"the same, TLS 1.2", {9, 60, 4, .5, 0, 0, 1, 1, 1}, NONE},
    {"late ICMP, replies later than the edge, not as ICMP",
     {3, 60, 3, 20, 0, 0, 1, 1},
     NONE},
    {"late ICMP, and replies from far behind the edge",
     {3, 60, 3, 80, 0, 0, 1, 1},
     UNSURE},
    {"late ICMP, TCP alone", {3, 60, 0, 0, 0, 0, 1, 0}, UNSURE},
    {"a middlebox, ICMP and TCP alone", {30, 0, 0, 0, 2, 0, 1, 0}, UNSURE},
    {"a middlebox passes TLS on", {30, 0, 3, 1, 2, 0, 1, 1}, YES},
    {"the same without ICMP", {30, 0, 3, 1, 2, 0, 0, 1}, YES},
    {"the same, ICMP late as well", {30, 60, 3, 1, 2, 0, 1, 1}, YES},
    {"the same, TLS 1.2", {30, 0, 4, 1, 2, 0, 1, 1, 1}, YES},
    {"the same, replies from far behind the edge", {30, 0, 3, 90, 2, 0, 1, 1}, YES},
    {"a firewall decrypts, 0.3 ms away", {9, 0, 3, 3, .3, 1, 1, 1}, UNSURE},
    {"a firewall decrypts, no ICMP: nothing shows it", {9, 0, 3, 3, .3, 1, 0, 1}, NONE},
    {"TCP alone", {2, 0, 0, 0, 0, 0, 0, 0}, NONE},
};

static void verdicts(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    char text[INTERCEPT_TEXT_MAX];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct intercept i = {0};
        for (int round = 0; round < 20; round++)
            CHECK_INT(cases[c].expected, verdict_on(&i, &cases[c].n, &random),
                      cases[c].what);
        CHECK_INT(cases[c].expected == YES, intercepted(&i), cases[c].what);
        CHECK_INT(cases[c].expected != NONE, intercept_text(text, &i, &kinds)[0] != '\0',
                  cases[c].what);
    }
}

static double between(struct random *random, double low, double high)
{
    return low * pow(high / low, (double)random_below(random, 1000000) / 1e6);
}

/*
 * Random networks: without a middlebox none is found; a middlebox that forwards TLS and
 * is clearly nearer than the edge is always found; one that decrypts gives at least
 * INTERCEPT_UNSURE if ICMP shows the path behind it.
 */
static void any_network(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    int reported[3] = {0};
    for (int k = 0; k < 20000; k++) {
        bool box = random_below(&random, 2) == 0;
        struct network n = {
            .edge = between(&random, 0.1, 200),
            .icmp_late = random_below(&random, 2) == 0 ? 0 : between(&random, 0.1, 200),
            .crypto = between(&random, 0.5, 9),
            .backend = random_below(&random, 2) == 0 ? 0.5 : between(&random, 0.1, 200),
            .decrypts = random_below(&random, 2) == 0,
            .icmp = random_below(&random, 4) != 0,
            .https = random_below(&random, 4) != 0,
            .tls12 = random_below(&random, 4) == 0,
        };
        n.box = box ? between(&random, 0.05, n.edge) : 0;
        bool far = n.box < n.edge / 2.2 - 12;
        struct intercept i = {0};
        enum intercept_verdict v = verdict_on(&i, &n, &random);
        char what[160];
        snprintf(what, sizeof what,
                 "edge %g, box %g%s, ICMP %s +%g, crypto %g, backend %g, https %d, 1.%d",
                 n.edge, n.box, n.decrypts ? " decrypts" : "", n.icmp ? "" : "none",
                 n.icmp_late, n.crypto, n.backend, n.https, n.tls12 ? 2 : 3);
        CHECK(box || v != INTERCEPT_YES, "named where there is none: %s", what);
        if (box && far && n.https && !n.decrypts)
            CHECK(v == INTERCEPT_YES, "not found: %s", what);
        if (box && far && n.icmp && (!n.https || (n.decrypts && n.icmp_late == 0)))
            CHECK(v != INTERCEPT_NO, "not even in doubt: %s", what);
        reported[v]++;
    }
    CHECK(reported[INTERCEPT_NO] > 1000 && reported[INTERCEPT_UNSURE] > 1000 &&
              reported[INTERCEPT_YES] > 1000,
          "all of them: %d %d %d", reported[0], reported[1], reported[2]);
}

static void few_samples_say_nothing(void **state)
{
    (void)state;
    struct intercept i = {0};
    for (int s = 1; s < INTERCEPT_SAMPLES; s++) {
        web(&i, MS(2), MS(33), MS(31), MS(31));
        CHECK(!intercepted(&i), "%d connections are no proof", s);
    }
    web(&i, MS(2), NO, NO, NO);
    CHECK(!intercepted(&i), "one without TLS is none");
    web(&i, MS(2), MS(33), MS(31), MS(31));
    CHECK(intercepted(&i), "now there are enough");
}

static void one_round(struct intercept *i, double tcp_ms, double icmp_ms)
{
    for (int s = 0; s < INTERCEPT_SAMPLES; s++) {
        web(i, MS(tcp_ms), MS(icmp_ms + 3), MS(icmp_ms), MS(icmp_ms));
        rtt(i, &icmp, MS(icmp_ms));
    }
}

static void it_does_not_flap(void **state)
{
    (void)state;
    struct intercept i = {0};
    one_round(&i, 9, 9);
    for (int s = 0; s < 10; s++) {
        one_round(&i, 9, 30);
        CHECK(!intercepted(&i), "once, and then not again: no verdict");
        one_round(&i, 9, 9);
    }
    one_round(&i, 2, 30);
    one_round(&i, 2, 30);
    CHECK(intercepted(&i), "twice in a row");
    one_round(&i, 29, 30);
    CHECK(intercepted(&i), "it stays for one that says no");
    one_round(&i, 29, 30);
    CHECK(!intercepted(&i), "and goes with the second");
}

/* In any order: the path gets longer or shorter for all kinds at once. */
static void a_change_of_path_is_no_middlebox(void **state)
{
    (void)state;
    for (int rate = 1; rate <= 10; rate++) {
        for (int at = 0; at < 60; at++) {
            struct intercept longer = {0}, shorter = {0};
            for (int second = 0; second < 240; second++) {
                bool after = second >= 120 + at;
                int64_t was = MS(3), is = MS(30);
                if (second % rate == 0) {
                    rtt(&longer, &icmp, after ? is : was);
                    rtt(&shorter, &icmp, after ? was : is);
                }
                if (second % (11 - rate) == 0) {
                    int64_t l = after ? is : was, s = after ? was : is;
                    web(&longer, l, l + MS(3), l, l);
                    web(&shorter, s, s + MS(3), s, s);
                }
                CHECK(intercept_verdict(&longer) == INTERCEPT_NO &&
                          intercept_verdict(&shorter) == INTERCEPT_NO,
                      "ICMP each %d s, changed at %d s", rate, at);
            }
        }
    }
}

static void the_decoy_tells(void **state)
{
    (void)state;
    char text[INTERCEPT_TEXT_MAX];
    struct intercept i = {0};
    intercept_decoy(&i, NO);
    CHECK(!intercepted(&i), "nobody there: as it should be");
    intercept_decoy(&i, MS(2));
    CHECK(intercepted(&i), "somebody there");
    CHECK_TEXT("a middlebox 2.0 ms away answers the handshakes (also on a port that "
               "no service uses)",
               intercept_text(text, &i, &kinds), "named");
    intercept_decoy(&i, NO);
    CHECK(!intercepted(&i), "gone");
    CHECK_TEXT("", intercept_text(text, &i, &kinds), "nothing to name");
}

static void it_is_named(void **state)
{
    (void)state;
    char text[INTERCEPT_TEXT_MAX];
    struct intercept i = {0};
    one_round(&i, 2, 30.1);
    CHECK_TEXT("a middlebox 2.0 ms away answers the handshakes (ICMP takes 30.1 ms)",
               intercept_text(text, &i, &kinds), "by ICMP");
    i = (struct intercept){0};
    for (int s = 0; s < INTERCEPT_SAMPLES; s++)
        web(&i, MS(0.4), MS(33), MS(31), NO);
    CHECK_TEXT("a middlebox 0.4 ms away answers the handshakes (TLS takes 33.0 ms)",
               intercept_text(text, &i, &kinds), "by TLS");
    i = (struct intercept){0};
    for (int s = 0; s < INTERCEPT_SAMPLES; s++) {
        rtt(&i, &tcp, MS(2));
        rtt(&i, &icmp, MS(30));
    }
    CHECK_TEXT(
        "cannot tell whether a middlebox answers the handshakes (2.0 ms) or ICMP is "
        "slow (30.0 ms); probe it by HTTPS as well",
        intercept_text(text, &i, &kinds), "in doubt");
    for (int s = 0; s < INTERCEPT_SAMPLES; s++)
        web(&i, MS(2), MS(5), MS(32), MS(32.5));
    CHECK_TEXT(
        "cannot tell whether a middlebox answers the handshakes: they take 2.0 ms, "
        "ICMP 30.0 ms and replies 32.0 ms",
        intercept_text(text, &i, &kinds), "in doubt, with HTTPS");
}

static void icmp_that_fell_silent_decides_no_more(void **state)
{
    (void)state;
    struct intercept i = {0};
    for (int s = 0; s < INTERCEPT_SAMPLES; s++) {
        rtt(&i, &tcp, MS(2));
        rtt(&i, &icmp, MS(2));
    }
    for (int s = 0; s < INTERCEPT_STALE * INTERCEPT_SAMPLES - 1; s++)
        web(&i, MS(2), MS(33), MS(31), MS(31));
    CHECK(!intercepted(&i), "ICMP is as quick: the server is slow");
    web(&i, MS(2), MS(33), MS(31), MS(31));
    CHECK(intercepted(&i), "TLS knows better by now");
}

static void another_path_drops_the_samples(void **state)
{
    (void)state;
    struct intercept i = {0};
    one_round(&i, 2, 30);
    web(&i, MS(2), MS(33), MS(31), MS(31));
    rtt(&i, &icmp, MS(30));
    intercept_forget(&i);
    CHECK(intercepted(&i), "the verdict stands");
    one_round(&i, 30, 30);
    one_round(&i, 30, 30);
    CHECK(!intercepted(&i), "the 2 ms are not among the new samples");
}

static void what_is_left_out(void **state)
{
    (void)state;
    static const bool expected[] = {true, false, true, false, false, false, false};
    for (size_t d = 0; d < 7; d++)
        CHECK_INT(expected[d], intercept_leaves_out(&https, d), https.delays[d]);
    CHECK(intercept_leaves_out(&tcp, 0), "a TCP handshake");
    CHECK(!intercept_leaves_out(&icmp, 0), "an echo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(any_network),
        cmocka_unit_test(few_samples_say_nothing),
        cmocka_unit_test(it_does_not_flap),
        cmocka_unit_test(a_change_of_path_is_no_middlebox),
        cmocka_unit_test(the_decoy_tells),
        cmocka_unit_test(it_is_named),
        cmocka_unit_test(icmp_that_fell_silent_decides_no_more),
        cmocka_unit_test(another_path_drops_the_samples),
        cmocka_unit_test(what_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
