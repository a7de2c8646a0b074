#include "traffic/set_counters.h"

#include "check.h"

static struct prefixes prefixes;
static struct rates rates;
static struct set_counters counters;
static char why[SET_ERROR_MAX];
static double now_s;

static int set_up(void **state)
{
    (void)state;
    static const char rows[] =
        "# edgelat prefixes 2026-11-29\nprefix,service,basis\n"
        "192.0.2.0/24,teams,published\n192.0.2.7/32,exchange,published\n"
        "2001:db8::/32,teams,published\n";
    struct datafile_source from = {
        .name = "prefixes.csv", .text = rows, .len = sizeof rows - 1};
    prefixes = (struct prefixes){.n = 0};
    CHECK_INT(0, prefixes_parse(&prefixes, &from), "prefixes");
    now_s = 100;
    rates_begin(&rates, (struct mono){100 * NS_PER_S});
    counters = (struct set_counters){.prefixes = &prefixes, .rates = &rates};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rates_free(&rates);
    prefixes_free(&prefixes);
    return 0;
}

static bool take(const char *answer)
{
    now_s += 2;
    rates_turn(&rates, (struct mono){(int64_t)(now_s * 1e9)});
    why[0] = '\0';
    return set_counters_take(&counters, answer, strlen(answer), 2 * NS_PER_S, why);
}

static uint64_t total(const char *service, enum rate_direction direction)
{
    rates_flush(&rates);
    return rates_row(&rates, service, direction, "nftables")->total.bytes;
}

static void increases_count(void **state)
{
    (void)state;
    CHECK(take("transmit 192.0.2.0 1000\ntransmit 192.0.2.7 50\nend\n"), "the first");
    CHECK_INT(0, total("teams", RATE_TRANSMIT), "what they hold is not counted");
    CHECK(
        take(
            "transmit 192.0.2.0 1500\ntransmit 192.0.2.7 50\ntransmit 192.0.2.8 100\n"
            "transmit 2001:db8:: 10\nreceive 192.0.2.0 7\ntransmit 198.51.100.1 999\nend\n"),
        "the second");
    CHECK_INT(610, total("teams", RATE_TRANSMIT), "three ranges of one service");
    CHECK_INT(0, total("exchange", RATE_TRANSMIT), "unchanged");
    CHECK_INT(7, total("teams", RATE_RECEIVE), "new");
    CHECK_INT(3, rates.n, "an address of no prefix is nobody's");
}

static void counters_that_fall(void **state)
{
    (void)state;
    take("transmit 192.0.2.0 1000\nreceive 192.0.2.0 20\nend\n");
    CHECK(take("transmit 192.0.2.0 30\nreceive 192.0.2.0 40\nend\n"),
          "the table was made again");
    CHECK_INT(30, total("teams", RATE_TRANSMIT), "since then");
    CHECK_INT(40, total("teams", RATE_RECEIVE), "all counters began again");
    CHECK_INT(1, counters.resets, "one reset");
    CHECK(take("end\n"), "again, and nothing yet");
    CHECK_INT(30, total("teams", RATE_TRANSMIT), "nothing");
    CHECK(take("transmit 192.0.2.0 5\nend\n"), "and on");
    CHECK_INT(35, total("teams", RATE_TRANSMIT), "from 0");
}

static void wrong_answers(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *why;
    } cases[] = {
        {"", "the helper's answer is incomplete or of another version"},
        {"transmit 192.0.2.0 1000\n",
         "the helper's answer is incomplete or of another version"},
        {"end", NULL},
        {"transmit 192.0.2.0 -1\nend\n",
         "the helper's answer is incomplete or of another version"},
        {"transmit 192.0.2.0\nend\n",
         "the helper's answer is incomplete or of another version"},
        {"sideways 192.0.2.0 1\nend\n",
         "the helper's answer is incomplete or of another version"},
        {"transmit example.org 1\nend\n",
         "the helper's answer is incomplete or of another version"},
        {"error there is no table\n", "there is no table"},
        {"error \x1b[31mred\n", "?[31mred"},
    };
    take("transmit 192.0.2.0 1000\nend\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(cases[i].why == NULL, take(cases[i].answer), cases[i].answer);
        if (cases[i].why != NULL)
            CHECK_TEXT(cases[i].why, why, cases[i].answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(increases_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counters_that_fall, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_answers, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("traffic/set_counters", tests, NULL, NULL);
}
