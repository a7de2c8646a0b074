#include "core/loss.h"

#include "check.h"

static const struct {
    const char *what;
    uint64_t lost, sent;
    double ratio;
    bool exceeds;
} cases[] = {
    {"none", 0, 30, 0.001, false},
    {"nothing was sent", 0, 0, 0.02, false},
    {"one of thirty at 0.1 %: 3 % of chance", 1, 30, 0.001, false},
    {"two of thirty at 0.1 %: 0.04 %", 2, 30, 0.001, true},
    {"three of thirty at 2 %: 2 %", 3, 30, 0.02, false},
    {"four of thirty at 2 %: 0.3 %", 4, 30, 0.02, true},
    {"all of three at 2 %", 3, 3, 0.02, true},
    {"one of one at 2 %", 1, 1, 0.02, false},
    {"as many as the limit says", 20, 1000, 0.02, false},
    {"1 in 6 of very many", 3000, 18000, 0.1, true},
    {"the limit itself of very many", 1800, 18000, 0.1, false},
    {"a little more of very many, still chance", 1870, 18000, 0.1, false},
    {"no limit is low enough", 1, 10, 0, true},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].exceeds,
                  loss_exceeds(cases[i].lost, cases[i].sent, cases[i].ratio),
                  cases[i].what);
}

/* The sum of the terms and the normal distribution meet where one gives way to the
 * other. */
static void both_ways_agree(void **state)
{
    (void)state;
    uint64_t first[2];
    for (int i = 0; i < 2; i++) {
        uint64_t sent = i == 0 ? 2499 : 2501; /* 50 are to be expected of 2500 */
        first[i] = 50;
        while (!loss_exceeds(first[i], sent, 0.02))
            first[i]++;
    }
    CHECK_NEAR((double)first[0], (double)first[1], 2, "the first that is too many");
}

static void in_text(void **state)
{
    (void)state;
    static const struct {
        const char *what, *expected;
        uint64_t lost, failed, sent;
    } texts[] = {
        {"nothing sent", "-", 0, 0, 0},
        {"all answered", "0.0 %", 0, 0, 9},
        {"one in eight", "12.5 %", 1, 0, 8},
        {"a dead port", "-", 0, 4, 4},
        {"some failed", "-", 0, 1, 4},
        {"some lost, some failed", "25.0 %", 1, 1, 4},
        {"all lost", "100.0 %", 7, 0, 7},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char out[LOSS_TEXT_MAX];
        CHECK_TEXT(texts[i].expected,
                   loss_text(out, texts[i].lost, texts[i].failed, texts[i].sent),
                   texts[i].what);
    }
}

/* A hundred handshakes on a path that loses a tenth: nine SYNs were answered when they were
 * sent again, one never, of which two were sent. */
static void packets_and_probes(void **state)
{
    (void)state;
    static const struct kind tcp = {.name = "tcp", .single_packets = true},
                             https = {.name = "https"};
    static const uint32_t outcomes[OUTCOME_COUNT] = {
        [OUTCOME_REPLY] = 99, [OUTCOME_LOSS] = 1};
    static const uint32_t counters[COUNTERS] = {[COUNTER_LOST_PACKETS] = 10};
    struct loss_count packets = loss_count_of(&tcp, outcomes, counters);
    CHECK_INT(110, packets.sent, "packets");
    CHECK_INT(11, packets.lost, "a tenth of them");
    struct loss_count probes = loss_count_of(&https, outcomes, counters);
    CHECK_INT(100, probes.sent, "probes of many packets");
    CHECK_INT(1, probes.lost, "one lost");
    CHECK_INT(100, loss_count_of(NULL, outcomes, counters).sent, "an unknown kind");
}

/* R. G. Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I,
 * method 3. */
static void interval(void **state)
{
    (void)state;
    static const struct {
        uint64_t lost, sent;
        double low, high;
    } known[] = {{81, 263, 0.2553, 0.3662},
                 {15, 148, 0.0624, 0.1605},
                 {0, 20, 0, 0.1611},
                 {1, 29, 0.0061, 0.1718}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct loss_interval v = loss_interval(known[i].lost, known[i].sent);
        CHECK_NEAR(known[i].low, v.low, 0.00005, "low");
        CHECK_NEAR(known[i].high, v.high, 0.00005, "high");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_and_probes), cmocka_unit_test(table),
        cmocka_unit_test(both_ways_agree),    cmocka_unit_test(in_text),
        cmocka_unit_test(interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
