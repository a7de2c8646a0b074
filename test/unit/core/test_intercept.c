#include "check.h"
#include "core/intercept.h"
#include "core/random.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

static const struct kind icmp = {"icmp", {"rtt"}, false, NS_PER_S, NS_PER_S, false};
static const struct kind tcp = {"tcp", {"rtt"}, true, NS_PER_S, NS_PER_S, true};
static const struct kind https = {
    "https",  {"rtt", "dns", "connect", "tls", "first_byte", "total", "warm_first_byte"},
    true,     NS_PER_S,
    NS_PER_S, true};

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

/* 0: that kind of probe has no answer. */
static const struct {
    const char *what;
    double icmp, tcp, tls, first, warm; /* ms */
    bool expected;
} cases[] = {
    {"an honest way of 9 ms", 9, 9.1, 12, 9.5, 9.4, false},
    {"a LAN, where crypto is longer than the way", 0.2, 0.15, 3, 0.6, 0.4, false},
    {"a LAN without ICMP, on a slow host", 0, 0.15, 9, 0.6, 0.4, false},
    {"no ICMP, 2 ms, replies from behind the edge", 0, 2, 6, 80, 60, false},
    {"no ICMP, TLS 1.2: two round trips", 0, 20, 44, 80, 60, false},
    {"no ICMP, a server that is slow at TLS, not at replies", 0, 2, 60, 3, 2.5, false},
    {"ICMP: the way is short, TLS is slow", 2, 2, 60, 80, 80, false},
    {"ICMP on a little longer way", 14, 9, 12, 10, 10, false},
    {"ICMP 0.9 ms above a LAN's handshake", 1, 0.1, 0, 0, 0, false},
    {"a proxy lets TLS pass", 30, 2, 33, 31, 31, true},
    {"the same without ICMP", 0, 2, 33, 31, 31, true},
    {"a firewall decrypts, 0.3 ms away", 9, 0.3, 3, 12, 12, true},
    {"TCP and ICMP alone", 30, 2, 0, 0, 0, true},
    {"ICMP alone", 30, 0, 0, 0, 0, false},
    {"TCP alone", 0, 2, 0, 0, 0, false},
};

static void feed(struct intercept *i, size_t c, struct random *random)
{
    int64_t more = random_below(random, MS(20)); /* queues: one sample has none */
    for (int s = 0; s < INTERCEPT_SAMPLES; s++) {
        int64_t q = s == 1 ? 0 : more;
        if (cases[c].icmp > 0)
            rtt(i, &icmp, MS(cases[c].icmp) + q);
        if (cases[c].tcp > 0)
            rtt(i, &tcp, MS(cases[c].tcp) + q);
        if (cases[c].tls > 0)
            web(i, MS(cases[c].tcp) + q, MS(cases[c].tls) + q, MS(cases[c].first) + q,
                MS(cases[c].warm) + q);
    }
}

static void verdicts(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    char text[INTERCEPT_TEXT_MAX];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct intercept i = {0};
        for (int round = 0; round < 20; round++) {
            feed(&i, c, &random);
            CHECK_INT(cases[c].expected, intercepted(&i), cases[c].what);
        }
        CHECK_INT(cases[c].expected, intercept_text(text, &i)[0] != '\0', cases[c].what);
    }
}

static void few_samples_say_nothing(void **state)
{
    (void)state;
    struct intercept i = {0};
    for (int s = 0; s < INTERCEPT_SAMPLES; s++)
        rtt(&i, &tcp, MS(2));
    for (int s = 1; s < INTERCEPT_SAMPLES; s++) {
        rtt(&i, &icmp, MS(30));
        CHECK(!intercepted(&i), "%d pings are no proof", s);
    }
    rtt(&i, &icmp, NO);
    CHECK(!intercepted(&i), "a lost one is none");
    rtt(&i, &icmp, MS(30));
    CHECK(intercepted(&i), "now there are enough");
}

static void one_round(struct intercept *i, double tcp_ms, double icmp_ms)
{
    for (int s = 0; s < INTERCEPT_SAMPLES; s++) {
        rtt(i, &tcp, MS(tcp_ms));
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

/* In whichever order: the way gets longer or shorter for all kinds at once. */
static void a_change_of_way_is_no_middlebox(void **state)
{
    (void)state;
    for (int rate = 1; rate <= 10; rate++) {
        for (int at = 0; at < 60; at++) {
            struct intercept longer = {0}, shorter = {0};
            for (int second = 0; second < 240; second++) {
                bool after = second >= 120 + at;
                if (second % rate == 0) {
                    rtt(&longer, &icmp, after ? MS(30) : MS(3));
                    rtt(&shorter, &icmp, after ? MS(3) : MS(30));
                }
                if (second % (11 - rate) == 0) {
                    rtt(&longer, &tcp, after ? MS(30) : MS(3));
                    rtt(&shorter, &tcp, after ? MS(3) : MS(30));
                }
                CHECK(!intercepted(&longer) && !intercepted(&shorter),
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
               "nobody serves)",
               intercept_text(text, &i), "named");
    intercept_decoy(&i, NO);
    CHECK(!intercepted(&i), "gone");
    CHECK_TEXT("", intercept_text(text, &i), "nothing to name");
}

static void it_is_named(void **state)
{
    (void)state;
    char text[INTERCEPT_TEXT_MAX];
    struct intercept i = {0};
    one_round(&i, 2, 30.1);
    CHECK_TEXT("a middlebox 2.0 ms away answers the handshakes (ICMP takes 30.1 ms)",
               intercept_text(text, &i), "by ICMP");
    i = (struct intercept){0};
    for (int s = 0; s < INTERCEPT_SAMPLES; s++)
        web(&i, MS(0.4), MS(33), MS(31), NO);
    CHECK_TEXT("a middlebox 0.4 ms away answers the handshakes (TLS takes 33.0 ms)",
               intercept_text(text, &i), "by TLS");
}

static void icmp_that_fell_silent_decides_no_more(void **state)
{
    (void)state;
    struct intercept i = {0};
    one_round(&i, 2, 30);
    CHECK(intercepted(&i), "by ICMP");
    for (int s = 0; s < INTERCEPT_STALE * INTERCEPT_SAMPLES; s++)
        web(&i, MS(30), MS(33), MS(31), MS(31));
    CHECK(!intercepted(&i), "TLS knows better by now");
}

static void another_way_drops_the_samples(void **state)
{
    (void)state;
    struct intercept i = {0};
    one_round(&i, 2, 30);
    rtt(&i, &tcp, MS(2));
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
        cmocka_unit_test(few_samples_say_nothing),
        cmocka_unit_test(it_does_not_flap),
        cmocka_unit_test(a_change_of_way_is_no_middlebox),
        cmocka_unit_test(the_decoy_tells),
        cmocka_unit_test(it_is_named),
        cmocka_unit_test(icmp_that_fell_silent_decides_no_more),
        cmocka_unit_test(another_way_drops_the_samples),
        cmocka_unit_test(what_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
