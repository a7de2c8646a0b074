/*
 * The number of AS hops: written cases, and random paths whose AS are known and of which a
 * trace shows a part only.
 */
#include "edge/as_path.h"

#include "core/random.h"

#include "check.h"

#define MS_AS                                                                            \
    {                                                                                    \
        AS_OF_MICROSOFT, 0                                                               \
    }

static const struct {
    const char *what;
    struct as_hop hops[8];
    size_t n;
    enum as_hops_state state;
    uint8_t expected;
    const char *text;
} traces[] = {
    {"the provider is next to it",
     {{AS_OF_SITE, 0}, {AS_OF_OTHERS, 64500}, {AS_OF_OTHERS, 64500}, MS_AS},
     4,
     AS_HOPS_EXACT,
     1,
     "AS64500 > AS8075"},
    {"a transit provider between",
     {{AS_OF_SITE, 0}, {AS_OF_OTHERS, 64500}, {AS_OF_OTHERS, 64510}, MS_AS},
     4,
     AS_HOPS_EXACT,
     2,
     "AS64500 > AS64510 > AS8075"},
    {"a silent hop inside of a network",
     {{AS_OF_SITE, 0},
      {AS_OF_OTHERS, 64500},
      {AS_OF_OTHERS, 0},
      {AS_OF_OTHERS, 64500},
      MS_AS},
     5,
     AS_HOPS_EXACT,
     1,
     "AS64500 > AS8075"},
    {"a silent hop between two networks",
     {{AS_OF_SITE, 0},
      {AS_OF_OTHERS, 64500},
      {AS_OF_OTHERS, 0},
      {AS_OF_OTHERS, 64510},
      MS_AS},
     5,
     AS_HOPS_AT_LEAST,
     2,
     "AS64500 > ? > AS64510 > AS8075"},
    {"a silent hop in front of Microsoft's",
     {{AS_OF_SITE, 0}, {AS_OF_OTHERS, 64500}, {AS_OF_OTHERS, 0}, MS_AS},
     4,
     AS_HOPS_AT_LEAST,
     1,
     "AS64500 > ? > AS8075"},
    {"a silent hop in front of the provider",
     {{AS_OF_SITE, 0}, {AS_OF_OTHERS, 0}, {AS_OF_OTHERS, 64500}, MS_AS},
     4,
     AS_HOPS_AT_LEAST,
     1,
     "? > AS64500 > AS8075"},
    {"no AS is known",
     {{AS_OF_SITE, 0}, {AS_OF_OTHERS, 0}, {AS_OF_OTHERS, 0}, MS_AS},
     4,
     AS_HOPS_UNKNOWN,
     0,
     "? > AS8075"},
    {"a peering of the site's own",
     {{AS_OF_SITE, 0}, MS_AS},
     2,
     AS_HOPS_EXACT,
     1,
     "AS8075"},
    {"silent hops of the site",
     {{AS_OF_SITE, 0}, {AS_OF_OTHERS, 0}, {AS_OF_SITE, 0}, {AS_OF_OTHERS, 64500}, MS_AS},
     5,
     AS_HOPS_EXACT,
     1,
     "AS64500 > AS8075"},
    {"an AS again: the other one is an address only",
     {{AS_OF_SITE, 0},
      {AS_OF_OTHERS, 64500},
      {AS_OF_OTHERS, 64510},
      {AS_OF_OTHERS, 64500},
      MS_AS},
     5,
     AS_HOPS_AT_LEAST,
     1,
     "AS64500 > AS8075"},
    {"hops behind the entry do not count",
     {{AS_OF_SITE, 0}, {AS_OF_OTHERS, 64500}, MS_AS, {AS_OF_OTHERS, 64511}, MS_AS},
     5,
     AS_HOPS_EXACT,
     1,
     "AS64500 > AS8075"},
    {"it is not reached",
     {{AS_OF_SITE, 0}, {AS_OF_OTHERS, 64500}, {AS_OF_OTHERS, 64510}},
     3,
     AS_HOPS_UNKNOWN,
     0,
     NULL},
    {"no hops", {{0}}, 0, AS_HOPS_UNKNOWN, 0, NULL},
};

static void test_traces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        struct as_path p = as_path_of_hops(traces[i].hops, traces[i].n);
        struct text text = {0};
        as_path_text(&text, &p);
        CHECK_INT(traces[i].state, p.state, traces[i].what);
        CHECK_INT(traces[i].expected, p.hops, traces[i].what);
        if (traces[i].text != NULL)
            CHECK_TEXT(traces[i].text, text_string(&text), traces[i].what);
        text_free(&text);
    }
}

static bool is_microsofts(uint32_t as, const void *user)
{
    (void)user;
    return as == 8075 || as == 8068;
}

static void test_routes(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint32_t as[8];
        size_t n;
        enum as_hops_state state;
        uint8_t expected;
    } routes[] = {
        {"one", {64500, 8075}, 2, AS_HOPS_EXACT, 1},
        {"prepending counts once", {64500, 64500, 64500, 8075}, 4, AS_HOPS_EXACT, 1},
        {"Microsoft's own prepending", {64500, 8075, 8075}, 3, AS_HOPS_EXACT, 1},
        {"two", {64500, 64510, 64510, 8075}, 4, AS_HOPS_EXACT, 2},
        {"another AS of Microsoft's", {64500, 8068}, 2, AS_HOPS_EXACT, 1},
        {"behind 8075", {64500, 8075, 12076}, 3, AS_HOPS_EXACT, 1},
        {"the neighbour is Microsoft", {8075}, 1, AS_HOPS_EXACT, 1},
        {"a set", {64500, 0, 8075}, 3, AS_HOPS_AT_LEAST, 1},
        {"an AS number of 4 bytes", {4200000001, 8075}, 2, AS_HOPS_EXACT, 1},
        {"not Microsoft's", {64500, 64510}, 2, AS_HOPS_UNKNOWN, 0},
        {"an empty path", {0}, 0, AS_HOPS_UNKNOWN, 0},
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        struct as_path p =
            as_path_of_route(routes[i].as, routes[i].n, is_microsofts, NULL);
        CHECK_INT(routes[i].state, p.state, routes[i].what);
        CHECK_INT(routes[i].expected, p.hops, routes[i].what);
    }
    uint32_t longest[300];
    for (size_t i = 0; i < 300; i++)
        longest[i] = (uint32_t)i + 1;
    struct as_path p = as_path_of_route(longest, 300, is_microsofts, NULL);
    CHECK_INT(AS_HOPS_UNKNOWN, p.state, "a path beyond all bounds");
    struct as_hop many[AS_PATH_MAX + 6];
    for (uint32_t i = 0; i < AS_PATH_MAX + 5; i++)
        many[i] = (struct as_hop){AS_OF_OTHERS, i + 1};
    many[AS_PATH_MAX + 5] = (struct as_hop)MS_AS;
    p = as_path_of_hops(many, AS_PATH_MAX + 6);
    CHECK_INT(AS_HOPS_AT_LEAST, p.state, "more AS than there is room for");
    CHECK_INT(AS_PATH_MAX, p.hops, "are a bound");
}

/* Networks of one to four routers each; any router may be silent or not in the database. */
static void test_random_paths(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    unsigned exact = 0, bounds = 0, unknown = 0, wrong = 0;
    enum { PATHS = 20000 };
    for (int i = 0; i < PATHS; i++) {
        struct as_hop hops[32] = {{AS_OF_SITE, 0}};
        size_t n = 1, networks = 1 + (size_t)random_below(&r, 4);
        for (size_t k = 0; k < networks; k++)
            for (int64_t routers = 1 + random_below(&r, 4); routers > 0; routers--)
                hops[n++] = (struct as_hop){
                    AS_OF_OTHERS, random_below(&r, 6) == 0 ? 0 : (uint32_t)(64500 + k)};
        hops[n++] = (struct as_hop)MS_AS;
        struct as_path p = as_path_of_hops(hops, n);
        exact += p.state == AS_HOPS_EXACT;
        bounds += p.state == AS_HOPS_AT_LEAST;
        unknown += p.state == AS_HOPS_UNKNOWN;
        wrong += p.state == AS_HOPS_EXACT ? p.hops != networks : p.hops > networks;
    }
    printf("# %d paths: %u exact, %u bounds, %u cannot tell, %u wrong\n", PATHS, exact,
           bounds, unknown, wrong);
    CHECK_INT(0, wrong, "an exact number or a bound that is not true");
    CHECK(exact > PATHS / 3, "most paths have a number: %u", exact);
    CHECK(bounds > 0 && unknown > 0, "%u bounds, %u unknown", bounds, unknown);
}

static void test_clause(void **state)
{
    (void)state;
    static const struct {
        struct as_hop hops[4];
        const char *expected;
    } clauses[] = {
        {{{AS_OF_SITE, 0}, {AS_OF_OTHERS, 64500}, MS_AS},
         "Microsoft's network is one AS hop away, AS64500 > AS8075"},
        {{{AS_OF_OTHERS, 64500}, {AS_OF_OTHERS, 64510}, MS_AS},
         "Microsoft's network is 2 AS hops away, AS64500 > AS64510 > AS8075"},
        {{{AS_OF_OTHERS, 64500}, {AS_OF_OTHERS, 0}, MS_AS},
         "Microsoft's network is at least one AS hop away, AS64500 > ? > AS8075"},
        {{{AS_OF_OTHERS, 0}, {AS_OF_OTHERS, 0}, MS_AS},
         "cannot tell how many AS hops Microsoft's network is away"},
    };
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++) {
        struct as_path p = as_path_of_hops(clauses[i].hops, 3);
        struct text text = {0};
        as_path_clause(&text, &p);
        CHECK_TEXT(clauses[i].expected, text_string(&text), "a clause");
        text_free(&text);
    }
}

static void test_exchanges(void **state)
{
    (void)state;
    static const char *const exchanges[] = {"DE-CIX Management GmbH",
                                            "AMS-IX B.V.",
                                            "LINX",
                                            "Toronto Internet Exchange Community",
                                            "France-IX Services",
                                            "NL-ix"},
                             *const others[] = {"Equinix (EMEA)",
                                                "MICROSOFT-CORP-MSN-AS-BLOCK",
                                                "Netflix",
                                                "Mixed Signals LLC",
                                                "",
                                                "-",
                                                "Zenix"};
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++)
        CHECK(as_name_is_exchange(exchanges[i]), "%s", exchanges[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(!as_name_is_exchange(others[i]), "%s", others[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traces),       cmocka_unit_test(test_routes),
        cmocka_unit_test(test_random_paths), cmocka_unit_test(test_clause),
        cmocka_unit_test(test_exchanges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
