#include "base/fit.h"

#include "check.h"

static void check(const char *text, size_t columns, const char *expected,
                  const char *what)
{
    struct text out = {0};
    fit_text(&out, text, columns);
    CHECK_TEXT(expected, text_string(&out), what);
    text_free(&out);
}

static void prose(void **state)
{
    (void)state;
    static const char line[] = "hole is down by tcp; check the path\n";
    check("", 80, "", "nothing");
    check("\n\na\n", 80, "\n\na\n", "empty lines");
    check(line, 0, line, "no limit");
    check(line, 35, line, "it fits");
    check(line, 34, "hole is down by tcp; check the\n  path\n", "one too many");
    check(line, 12, "hole is down\n  by tcp;\n  check the\n  path\n", "several lines");
    check("    AS path 64500 8075\n", 16, "    AS path\n      64500 8075\n", "indented");
    check("a-word-without-any-space and\n", 8, "a-word-without-any-space\n  and\n",
          "a word is not broken");
    check("Z\xc3\xbcrich, Gen\xc3\xa8ve\n", 14, "Z\xc3\xbcrich, Gen\xc3\xa8ve\n",
          "characters, not bytes");
}

static const char table[] =
    "before\n"
    "\t>rank\ttarget\t>p50, ms\t-2window\t-1address\n"
    "\t1\tteams\t3.108\t09:00:00\t192.0.2.1\n"
    "\t\tteams\t2 addresses: 192.0.2.1 3.1 ms, 192.0.2.2 does not answer\n"
    "\t10\tZ\xc3\xbcrich\t(13.108)\t09:00:00\t-\n"
    "after\n";

static void tables(void **state)
{
    (void)state;
    check(table, 0,
          "before\n"
          "rank  target   p50, ms  window    address\n"
          "   1  teams      3.108  09:00:00  192.0.2.1\n"
          "      teams   2 addresses: 192.0.2.1 3.1 ms, 192.0.2.2 does not answer\n"
          "  10  Z\xc3\xbcrich  (13.108)  09:00:00  -\n"
          "after\n",
          "whole");
    check(table, 40,
          "before\n"
          "rank target  p50, ms window   address\n"
          "   1 teams     3.108 09:00:00 192.0.2.1\n"
          "     teams  2 addresses: 192.0.2.1 3.1\n"
          "            ms, 192.0.2.2 does not\n"
          "            answer\n"
          "  10 Z\xc3\xbcrich (13.108) 09:00:00 -\n"
          "after\n",
          "narrow gaps");
    check(table, 34,
          "before\n"
          "rank  target   p50, ms  window\n"
          "   1  teams      3.108  09:00:00\n"
          "      teams   2 addresses:\n"
          "              192.0.2.1 3.1 ms,\n"
          "              192.0.2.2 does not\n"
          "              answer\n"
          "  10  Z\xc3\xbcrich  (13.108)  09:00:00\n"
          "(left out at 34 columns: address)\n"
          "after\n",
          "one column less");
    check(table, 24,
          "before\n"
          "rank  target   p50, ms\n"
          "   1  teams      3.108\n"
          "      teams   2\n"
          "  addresses: 192.0.2.1\n"
          "  3.1 ms, 192.0.2.2 does\n"
          "  not answer\n"
          "  10  Z\xc3\xbcrich  (13.108)\n"
          "(left out at 24 columns:\n"
          "  window; address)\n"
          "after\n",
          "two columns less");
}

/* As xterm, foot and the Linux console draw them: Unicode's East_Asian_Width and marks. */
static void columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},
        {"Amsterdam", 9},
        {"Z\xc3\xbcrich", 6},
        {"\xe6\x9d\xb1\xe4\xba\xac", 4},                         /* Tokyo */
        {"\xec\x84\x9c\xec\x9a\xb8 1", 6},                       /* Seoul */
        {"\xef\xbc\xa1", 2},                                     /* fullwidth A */
        {"Sa\xcc\x83o", 3},                                      /* NFD */
        {"\xe0\xb8\x81\xe0\xb8\xa3\xe0\xb8\xb8\xe0\xb8\x87", 3}, /* Bangkok */
        {"\xf0\x9f\x98\x80", 2},                                 /* a face */
        {"\xff\xc3", 2},                                         /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].width, fit_width(cases[i].text, strlen(cases[i].text)),
                  cases[i].text);
    static const char tokyo[] = "\xe6\x9d\xb1\xe4\xba\xac";
    CHECK_INT(0, fit_bytes(tokyo, 6, 1), "half of it does not fit");
    CHECK_INT(3, fit_bytes(tokyo, 6, 3), "one and a half");
    CHECK_INT(6, fit_bytes(tokyo, 6, 80), "all");
    CHECK_INT(5, fit_bytes("Sa\xcc\x83o", 5, 3), "its mark with it");
    CHECK_INT(4, fit_bytes("Sa\xcc\x83o", 5, 2), "also at the end");
    check("\tsite\t>loss\n\t\xe6\x9d\xb1\xe4\xba\xac 1\t0\n\tKyoto\t10\n", 0,
          "site    loss\n\xe6\x9d\xb1\xe4\xba\xac 1     0\nKyoto     10\n", "a table");
    check("\xe6\x9d\xb1 \xe4\xba\xac \xe4\xba\xac\n", 7,
          "\xe6\x9d\xb1 \xe4\xba\xac\n  \xe4\xba\xac\n", "prose");
    check("\xe6\x9d\xb1 \xe4\xba\xac \xe4\xba\xac\n", 8,
          "\xe6\x9d\xb1 \xe4\xba\xac \xe4\xba\xac\n", "prose that fits");
}

static void long_cells(void **state)
{
    (void)state;
    static const char names[] = "\t>rank\ttarget\tkind\t>loss\n"
                                "\t1\tteams\ticmp\t0\n"
                                "\t2\ta-long-name.example\ticmp\t-\n"
                                "\t\ta-long-name.example\tno answer, see the log\n"
                                "\t\ta-long-name.example\t\t\n";
    check(names, 35,
          "rank target              kind loss\n"
          "   1 teams               icmp    0\n"
          "   2 a-long-name.example icmp    -\n"
          "     a-long-name.example no answer,\n"
          "  see the log\n"
          "     a-long-name.example\n",
          "it fits");
    check(names, 30,
          "rank target          kind loss\n"
          "   1 teams           icmp    0\n"
          "   2 a-long-name.example\n"
          "                     icmp    -\n"
          "     a-long-name.example\n"
          "                     no\n"
          "  answer, see the log\n"
          "     a-long-name.example\n",
          "a line of its own");
    check(names, 10,
          "rank target kind loss\n"
          "   1 teams  icmp    0\n"
          "   2 a-long-name.example\n"
          "            icmp    -\n"
          "     a-long-name.example\n"
          "            no\n"
          "  answer,\n"
          "  see the\n"
          "  log\n"
          "     a-long-name.example\n",
          "never narrower than the title");
    check("\thost\tverdict\n\ta\tunreachable\n", 8, "host verdict\na    unreachable\n",
          "the last column");
    check("\tone\ttwo\t>n\n\tlong-long-1\tlong-long-22\t3\n", 11,
          "one   two n\nlong-long-1\n      long-long-22\n          3\n",
          "two such columns");
}

static void below(void **state)
{
    (void)state;
    static const char hops[] = "\t>hop\taddress\t+name\t>min\n"
                               "\t1\t192.0.2.1\tr1.example\t1.0\n"
                               "\t2\tno answer\t-\t-\n";
    check(hops, 0,
          "hop  address    name        min\n"
          "  1  192.0.2.1  r1.example  1.0\n"
          "  2  no answer  -             -\n",
          "beside");
    check(hops, 28,
          "hop  address    min\n"
          "  1  192.0.2.1  1.0\n"
          "     r1.example\n"
          "  2  no answer    -\n",
          "below");
    check("\t\t\t\n\tgood\tclock\n\tbad\tit is too late for that\n", 20,
          "good  clock\nbad   it is too late\n      for that\n", "no titles");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prose),      cmocka_unit_test(tables), cmocka_unit_test(columns),
        cmocka_unit_test(long_cells), cmocka_unit_test(below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
