/* TXT records of Team Cymru's zones: as they are, and as they must not be. */
#include "edge/as_origin.h"

#include "check.h"

static struct endpoint parsed(const char *text)
{
    struct endpoint e;
    CHECK(endpoint_parse(&e, text, 0), "%s", text);
    return e;
}

static void test_names(void **state)
{
    (void)state;
    char name[HOST_TEXT_MAX];
    struct endpoint e = parsed("13.107.6.10");
    as_origin_name(name, &e);
    CHECK_TEXT("10.6.107.13.origin.asn.cymru.com.", name, "IPv4");
    e = parsed("2603:1006::10");
    as_origin_name(name, &e);
    CHECK_TEXT("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.1.3.0.6.2."
               "origin6.asn.cymru.com.",
               name, "IPv6");
}

static const struct {
    const char *what, *address, *text;
    bool fine;
    struct as_origin expected;
} records[] = {
    {"as documented",
     "13.107.6.10",
     "8075 | 13.104.0.0/14 | US | arin | 2015-03-26",
     true,
     {{8075}, 1, 14}},
    {"several origins",
     "216.90.108.31",
     "23028 64500 | 216.90.108.0/24 | US | arin | 1998-09-25",
     true,
     {{23028, 64500}, 2, 24}},
    {"the same one twice",
     "13.107.6.10",
     "8075 8075 | 13.104.0.0/14 |",
     true,
     {{8075}, 1, 14}},
    {"more than there is room for",
     "13.107.6.10",
     "1 2 3 4 5 6 | 13.104.0.0/14 | US",
     true,
     {{1, 2, 3, 4}, 4, 14}},
    {"4 bytes",
     "13.107.6.10",
     "4200000001 | 13.104.0.0/14 | US",
     true,
     {{4200000001}, 1, 14}},
    {"without spaces", "13.107.6.10", "8075|13.107.6.0/24|US", true, {{8075}, 1, 24}},
    {"IPv6",
     "2603:1006::10",
     "8075 | 2603:1000::/24 | US | arin | 2013-10-10",
     true,
     {{8075}, 1, 24}},
    {"two fields only", "13.107.6.10", "8075 | 13.104.0.0/14", true, {{8075}, 1, 14}},
    {"another prefix",
     "13.107.6.10",
     "8075 | 40.96.0.0/13 | US | arin | 2015-03-26",
     false,
     {{0}}},
    {"another family", "13.107.6.10", "8075 | 2603:1000::/24 | US", false, {{0}}},
    {"no origin", "13.107.6.10", "NA | 13.104.0.0/14 | US", false, {{0}}},
    {"AS 0", "13.107.6.10", "0 | 13.104.0.0/14 | US", false, {{0}}},
    {"AS 4294967295", "13.107.6.10", "4294967295 | 13.104.0.0/14 | US", false, {{0}}},
    {"more than 4 bytes", "13.107.6.10", "4294967296 | 13.104.0.0/14 | US", false, {{0}}},
    {"negative", "13.107.6.10", "-8075 | 13.104.0.0/14 | US", false, {{0}}},
    {"with AS", "13.107.6.10", "AS8075 | 13.104.0.0/14 | US", false, {{0}}},
    {"too many bits", "13.107.6.10", "8075 | 13.104.0.0/33 | US", false, {{0}}},
    {"everything", "13.107.6.10", "8075 | 0.0.0.0/0 | US", false, {{0}}},
    {"half of IPv6", "2603:1006::10", "8075 | 2000::/3 | US", false, {{0}}},
    {"AS_TRANS", "13.107.6.10", "23456 | 13.104.0.0/14 | US", false, {{0}}},
    {"no bits", "13.107.6.10", "8075 | 13.104.0.0 | US", false, {{0}}},
    {"no prefix", "13.107.6.10", "8075 |", false, {{0}}},
    {"no bar", "13.107.6.10", "8075", false, {{0}}},
    {"empty", "13.107.6.10", "", false, {{0}}},
    {"bars", "13.107.6.10", "||||||", false, {{0}}},
    {"another kind of record", "13.107.6.10", "v=spf1 -all", false, {{0}}},
};

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        struct endpoint e = parsed(records[i].address);
        struct as_origin o;
        CHECK_INT(records[i].fine, as_origin_read(&o, records[i].text, &e),
                  records[i].what);
        CHECK_INT(records[i].expected.n, o.n, records[i].what);
        CHECK_INT(records[i].expected.bits, o.bits, records[i].what);
        for (size_t k = 0; k < o.n; k++)
            CHECK_INT(records[i].expected.as[k], o.as[k], records[i].what);
    }
}

/* In both orders. */
static void test_longest_prefix(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"64500 | 13.0.0.0/8 | US", "8075 | 13.104.0.0/14 | US"},
        {"8075 | 13.104.0.0/14 | US", "64500 | 13.0.0.0/8 | US"},
    };
    struct endpoint e = parsed("13.107.6.10");
    for (size_t i = 0; i < 2; i++) {
        struct as_origin all = {.n = 0}, one;
        for (size_t k = 0; k < 2; k++)
            if (as_origin_read(&one, texts[i][k], &e))
                as_origin_add(&all, &one);
        CHECK_INT(1, all.n, "one origin");
        CHECK_INT(8075, all.as[0], "of the longest prefix");
    }
    struct as_origin all = {.n = 0};
    as_origin_add(&all, &(struct as_origin){{64500}, 1, 24});
    as_origin_add(&all, &(struct as_origin){{64501, 64500}, 2, 24});
    CHECK_INT(2, all.n, "records of equal length are joined");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_longest_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
