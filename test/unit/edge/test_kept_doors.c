/* The file of front doors: what was written is read again, anything else is refused. */
#include "edge/kept_doors.h"

#include "core/result.h"
#include "shipped.h"

#define HEAD                                                                             \
    "edgelat doors 1\nnetwork 00000000000000ff\nswept 1795424400\nfamilies ipv4 ipv6\n"
#define ROW "lhr-efz.example 203.0.113.75 2001:db8::75 9012345\n"

static void is_read_again(void **state)
{
    (void)state;
    static const char file[] = HEAD ROW "qqq-efz.example - - -\n"
                                        "ams-efz.example 203.0.113.20 - -\nend 3\n";
    struct kept_doors k;
    struct text out = {0};
    char address[ADDRESS_TEXT_MAX];
    CHECK_INT(0, kept_doors_read(&k, file, sizeof file - 1), "it is one");
    CHECK_INT(255, k.network, "its network");
    CHECK_INT(INT64_C(1795424400) * NS_PER_S, k.swept.ns, "when");
    CHECK(k.families[0] && k.families[1], "the families");
    CHECK_INT(3, k.n, "the doors");
    CHECK_TEXT("lhr-efz.example", k.all[0].host, "the name");
    CHECK_TEXT("2001:db8::75", endpoint_address(address, &k.all[0].to[1]), "the address");
    CHECK_INT(443, k.all[0].to[0].port, "and its port");
    CHECK_INT(9012345, k.all[0].rtt_ns, "the delay");
    CHECK_INT(FAMILY_NONE, k.all[1].to[0].family, "a name that does not exist");
    CHECK_INT(DELAY_UNDEFINED, k.all[2].rtt_ns, "one that did not answer");
    kept_doors_write(&out, &k);
    CHECK_TEXT(file, text_string(&out), "written as it was");
    text_free(&out);
    kept_doors_free(&k);
}

static void is_damaged(void **state)
{
    (void)state;
    static const struct {
        const char *what, *file;
        size_t line;
    } cases[] = {
        {"empty", "", 1},
        {"another version",
         "edgelat doors 2\nnetwork 00000000000000ff\nswept 1\nfamilies ipv4\nend 0\n", 1},
        {"no network", "edgelat doors 1\nnetwork ff\nswept 1\nfamilies ipv4\nend 0\n", 2},
        {"a time before 1970",
         "edgelat doors 1\nnetwork 00000000000000ff\nswept -1\nfamilies ipv4\nend 0\n",
         3},
        {"no such family",
         "edgelat doors 1\nnetwork 00000000000000ff\nswept 1\nfamilies ipv5\nend 0\n", 4},
        {"a family twice",
         "edgelat doors 1\nnetwork 00000000000000ff\nswept 1\nfamilies ipv4 "
         "ipv4\nend 0\n",
         4},
        {"the end is missing", HEAD ROW, 6},
        {"a row is missing", HEAD ROW "end 2\n", 6},
        {"the last line is cut", HEAD ROW "end 1", 6},
        {"more behind the end", HEAD ROW "end 1\n" ROW, 6},
        {"a word too much", HEAD "lhr-efz.example 203.0.113.75 - 1 1\nend 1\n", 5},
        {"two blanks", HEAD "lhr-efz.example  203.0.113.75 - 1\nend 1\n", 5},
        {"the other family", HEAD "lhr-efz.example - 203.0.113.75 1\nend 1\n", 5},
        {"this host", HEAD "lhr-efz.example 127.0.0.1 - 1\nend 1\n", 5},
        {"every host", HEAD "lhr-efz.example 255.255.255.255 - 1\nend 1\n", 5},
        {"no delay", HEAD "lhr-efz.example 203.0.113.75 - -1\nend 1\n", 5},
        {"a delay of nothing", HEAD "lhr-efz.example - - 5\nend 1\n", 5},
        {"a control character", HEAD "lhr\033.example - - -\nend 1\n", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kept_doors k;
        CHECK_INT(cases[i].line,
                  kept_doors_read(&k, cases[i].file, strlen(cases[i].file)),
                  cases[i].what);
        CHECK_INT(0, k.n, cases[i].what);
    }
}

static void is_judged(void **state)
{
    (void)state;
    const int64_t hour_ns = 3600 * NS_PER_S;
    const struct kept_doors k = {.network = 7, .swept = {100 * hour_ns}};
    const struct wall soon = {101 * hour_ns};
    CHECK(kept_doors_unfit(&k, 7, soon, 24 * hour_ns) == NULL, "an hour old");
    CHECK(kept_doors_unfit(&k, 8, soon, 24 * hour_ns) != NULL, "another network");
    CHECK(kept_doors_unfit(&k, 0, soon, 24 * hour_ns) != NULL, "no network");
    const struct kept_doors nowhere = {.swept = k.swept};
    CHECK(kept_doors_unfit(&nowhere, 0, soon, 24 * hour_ns) != NULL, "nor then");
    struct wall late = {124 * hour_ns}, before = {99 * hour_ns};
    CHECK(kept_doors_unfit(&k, 7, late, 24 * hour_ns) != NULL, "a day old");
    CHECK(kept_doors_unfit(&k, 7, before, 24 * hour_ns) != NULL, "from the future");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_again),
        cmocka_unit_test(is_damaged),
        cmocka_unit_test(is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
