#include "traffic/nft_ruleset.h"

#include "check.h"

static struct prefixes prefixes;

static void read(const char *rows)
{
    struct text text = {0};
    text_add(&text, "# edgelat prefixes 2026-11-29\nprefix,service,basis\n%s", rows);
    struct datafile_source from = {
        .name = "prefixes.csv", .text = text_string(&text), .len = text.len};
    CHECK_INT(0, prefixes_parse(&prefixes, &from), "prefixes");
    text_free(&text);
}

/* The elements of a set, without white space. */
static const char *elements(const char *rules, const char *set)
{
    static char out[2048];
    char head[32];
    size_t n = 0;
    snprintf(head, sizeof head, "set %s {", set);
    const char *at = strstr(rules, head);
    CHECK(at != NULL, "the set %s", set);
    const char *end = strstr(at, "\n    }"), *list = strstr(at, "elements = {");
    if (list == NULL || list > end)
        return "";
    for (at = list + 12; *at != '}'; at++)
        if (*at != ' ' && *at != '\n')
            out[n++] = *at;
    out[n] = '\0';
    return out;
}

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *what, *rows, *v4, *v6;
        size_t n;
    } cases[] = {
        {"one of each family",
         "192.0.2.0/24,teams,published\n2001:db8::/32,teams,published\n",
         "192.0.2.0-192.0.2.255", "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 2},
        {"an address inside of a prefix is cut out",
         "192.0.2.0/24,teams,published\n192.0.2.7/32,exchange,published\n",
         "192.0.2.0-192.0.2.6,192.0.2.7,192.0.2.8-192.0.2.255", "", 3},
        {"of the same service: nothing to cut",
         "192.0.2.0/24,teams,published\n192.0.2.8/29,teams,published\n",
         "192.0.2.0-192.0.2.255", "", 1},
        {"at the beginning and at the end",
         "192.0.2.0/24,a,published\n192.0.2.0/25,b,published\n192.0.2.255/32,c,published\n",
         "192.0.2.0-192.0.2.127,192.0.2.128-192.0.2.254,192.0.2.255", "", 3},
        {"neighbours of one service are one range, of two services two",
         "192.0.2.0/25,a,published\n192.0.2.128/25,a,published\n192.0.3.0/24,b,published\n",
         "192.0.2.0-192.0.2.255,192.0.3.0-192.0.3.255", "", 2},
        {"three levels",
         "10.0.0.0/8,a,published\n10.1.0.0/16,b,published\n10.1.2.0/24,c,published\n",
         "10.0.0.0-10.0.255.255,10.1.0.0-10.1.1.255,10.1.2.0-10.1.2.255,10.1.3.0-10.1.255.255,"
         "10.2.0.0-10.255.255.255",
         "", 5},
        {"the last addresses",
         "255.255.255.255/32,a,published\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128,a,published\n",
         "255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 2},
        {"none", "", "", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text rules = {0};
        read(cases[i].rows);
        CHECK_INT(cases[i].n, nft_ruleset(&prefixes, &rules), cases[i].what);
        static const char *const sets[] = {"to4", "from4", "to6", "from6"};
        for (size_t s = 0; s < 4; s++)
            CHECK_TEXT(s < 2 ? cases[i].v4 : cases[i].v6,
                       elements(text_string(&rules), sets[s]), cases[i].what);
        text_free(&rules);
        prefixes_free(&prefixes);
        prefixes = (struct prefixes){.n = 0};
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges)};
    return cmocka_run_group_tests_name("traffic/nft_ruleset", tests, NULL, NULL);
}
