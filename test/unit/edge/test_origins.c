#include "edge/origins.h"

#include "shipped.h"

/* The 16 bytes of an IPv4 prefix. */
struct at {
    uint8_t bytes[16], bits;
};

static struct at ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t bits)
{
    return (struct at){{[10] = 0xff, [11] = 0xff, [12] = a, [13] = b, [14] = c},
                       (uint8_t)(96 + bits)};
}

static enum origin_verdict judge(const struct origins *o, struct at at, uint32_t as,
                                 bool microsoft)
{
    return origins_judge(o, at.bytes, at.bits, as, microsoft);
}

static void the_shipped_ones(void **state)
{
    (void)state;
    struct origins o;
    struct at prefix = ipv4(13, 107, 6, 24);
    SHIPPED_PARSE(origins_parse, &o, "origins.csv");
    CHECK_INT(ORIGIN_EXPECTED, judge(&o, prefix, 8075, true), "8075");
    CHECK_INT(ORIGIN_EXPECTED, judge(&o, prefix, 12076, true), "ExpressRoute");
    CHECK_INT(ORIGIN_UNEXPECTED, judge(&o, prefix, 174, true), "another");
    CHECK_INT(ORIGIN_UNKNOWN, judge(&o, prefix, 174, false), "a prefix of somebody else");
    CHECK(origins_are_microsofts(&o, 8068) && !origins_are_microsofts(&o, 3356), "whose");
    origins_free(&o);
}

static size_t parse(struct origins *o, const char *rows)
{
    char text[1024];
    struct said said = {.n = 0};
    int len =
        snprintf(text, sizeof text, "# edgelat origins 1\nprefix,origin_as\n%s", rows);
    struct datafile_source from = source_of(text, (size_t)len, &said);
    size_t problems = origins_parse(o, &from);
    CHECK_INT(problems, said.n, "each is reported");
    text_free(&said.lines);
    return problems;
}

static void the_longest_row_decides(void **state)
{
    (void)state;
    struct origins o;
    CHECK_INT(0,
              parse(&o, "203.0.0.0/16,1\n203.0.112.0/23,2\n203.0.112.0/23,3\n"
                        "203.0.113.0/24,4\nmicrosoft,5\n2001:db8::/32,6\n"),
              "no problem");
    static const struct {
        uint8_t c, bits;
        uint32_t as;
        bool microsoft;
        enum origin_verdict verdict;
    } cases[] = {
        {112, 23, 2, false, ORIGIN_EXPECTED},   {112, 23, 3, false, ORIGIN_EXPECTED},
        {112, 23, 1, false, ORIGIN_UNEXPECTED}, {112, 24, 2, false, ORIGIN_EXPECTED},
        {113, 24, 2, false, ORIGIN_UNEXPECTED}, {113, 24, 4, true, ORIGIN_EXPECTED},
        {0, 16, 1, true, ORIGIN_EXPECTED},      {0, 16, 5, true, ORIGIN_UNEXPECTED},
        {0, 8, 5, true, ORIGIN_EXPECTED},       {0, 8, 1, true, ORIGIN_UNEXPECTED},
        {0, 8, 1, false, ORIGIN_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(cases[i].verdict == judge(&o, ipv4(203, 0, cases[i].c, cases[i].bits),
                                        cases[i].as, cases[i].microsoft),
              "203.0.%u.0/%u from %u", cases[i].c, cases[i].bits, cases[i].as);
    origins_free(&o);
}

static void wrong_rows_are_left_out(void **state)
{
    (void)state;
    struct origins o;
    CHECK_INT(5,
              parse(&o, "203.0.113.0/24,0\n203.0.113.1/24,1\nMicrosoft,1\n"
                        "203.0.113.0/24,AS1\n::/0,4294967296\nmicrosoft,4294967295\n"),
              "problems");
    CHECK_INT(1, o.n, "the last one is right");
    origins_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_ones),
        cmocka_unit_test(the_longest_row_decides),
        cmocka_unit_test(wrong_rows_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
