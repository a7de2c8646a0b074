/* Segments and entry of paths whose truth is written beside them. */
#include "probe/path/segments.h"

#include "../../edge/shipped.h"

#include "core/result.h"

#define LONDON "ae25-0.icr02.lon24.ntwk.msn.net"

struct hop_case {
    const char *address; /* NULL: no answer */
    const char *name;
    enum segment segment;
    const char *metro; /* NULL: none */
};

#define LOCAL     SEGMENT_LOCAL
#define PROVIDER  SEGMENT_PROVIDER
#define MICROSOFT SEGMENT_MICROSOFT
#define UNKNOWN   SEGMENT_UNKNOWN

static const struct {
    const char *what;
    struct hop_case hops[8];
    enum entry_state state;
    size_t first, before, metro; /* TTLs; 0: none */
    const char *verdict;         /* a part of it */
} cases[] = {
    {"by a router's name",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"198.51.100.9", LONDON, MICROSOFT, "LON"},
      {"13.107.6.152", "", MICROSOFT}},
     ENTRY_FOUND,
     3,
     2,
     3,
     "Traffic enters Microsoft's network at hop 3, London (LON), 30.0 ms away (by router "
     "name)."},
    {"carrier NAT is the provider's, a gateway may have a public address",
     {{"203.0.113.1", "", LOCAL},
      {"100.64.0.1", "", PROVIDER},
      {"104.44.1.1", LONDON, MICROSOFT, "LON"}},
     ENTRY_FOUND,
     3,
     2,
     3,
     "at hop 3, London"},
    {"routers of the site with registered addresses",
     {{"192.168.1.1", "", LOCAL},
      {"192.0.2.1", "", LOCAL},
      {"192.0.2.254", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"104.44.1.1", LONDON, MICROSOFT, "LON"}},
     ENTRY_FOUND,
     5,
     4,
     5,
     "at hop 5, London"},
    {"several private hops",
     {{"10.0.0.1", "", LOCAL},
      {"172.16.0.1", "", LOCAL},
      {NULL, "", LOCAL},
      {"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"104.44.1.1", LONDON, MICROSOFT, "LON"}},
     ENTRY_FOUND,
     6,
     5,
     6,
     "at hop 6, London"},
    {"private addresses within the provider",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"10.9.9.9", "", PROVIDER},
      {"198.51.100.2", "", PROVIDER},
      {"104.44.1.1", LONDON, MICROSOFT, "LON"}},
     ENTRY_FOUND,
     5,
     4,
     5,
     "at hop 5, London"},
    {"hidden by silence",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {NULL, "", UNKNOWN},
      {NULL, "", UNKNOWN},
      {"104.44.1.1", LONDON, MICROSOFT, "LON"}},
     ENTRY_HIDDEN,
     5,
     2,
     5,
     "hops 3 to 4 do not answer. The entry is behind hop 2 (198.51.100.1, 20.0 ms) "
     "and not behind hop 5 (London (LON), 50.0 ms)."},
    {"hidden by a router without a name",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"104.44.1.1", "", MICROSOFT},
      {"104.44.1.5", LONDON, MICROSOFT, "LON"}},
     ENTRY_HIDDEN,
     3,
     2,
     4,
     "Traffic enters Microsoft's network at hop 3 (104.44.1.1, 30.0 ms); cannot tell in "
     "which metro, as the router has no name. The first hop with a metro is hop 4 (London "
     "(LON), 40.0 ms)."},
    {"only the target",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"13.107.6.152", "", MICROSOFT}},
     ENTRY_HIDDEN,
     3,
     2,
     0,
     "no router of it answers before the target, hop 3"},
    {"nothing known before it",
     {{NULL, "", UNKNOWN}, {NULL, "", UNKNOWN}, {"104.44.1.1", LONDON, MICROSOFT, "LON"}},
     ENTRY_HIDDEN,
     3,
     0,
     3,
     "The entry is not behind hop 3 (London"},
    {"the target is not in the prefix table",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"104.44.1.1", LONDON, MICROSOFT, "LON"},
      {NULL, "", MICROSOFT},
      {"203.0.113.80", "", MICROSOFT}},
     ENTRY_FOUND,
     3,
     2,
     3,
     "at hop 3, London"},
    {"nor is it, and it has a name of another domain",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"104.44.1.1", LONDON, MICROSOFT, "LON"},
      {"203.0.113.80", "www.customer.example", UNKNOWN}},
     ENTRY_FOUND,
     3,
     2,
     3,
     "at hop 3, London"},
    {"the prefix table has gaps",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "", PROVIDER},
      {"104.44.1.1", LONDON, MICROSOFT, "LON"},
      {"198.51.100.77", "", MICROSOFT},
      {NULL, "", MICROSOFT},
      {"13.107.6.152", "", MICROSOFT}},
     ENTRY_FOUND,
     3,
     2,
     3,
     "at hop 3, London"},
    {"a code that is not in the catalogue",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "be-1.icr01.qqz20.ntwk.msn.net", MICROSOFT, "QQZ"}},
     ENTRY_FOUND,
     2,
     1,
     2,
     "at hop 2, QQZ, 20.0 ms"},
    {"not Microsoft",
     {{"192.168.1.1", "", LOCAL}, {"198.51.100.1", "lon.example.net", PROVIDER}},
     ENTRY_NONE,
     0,
     0,
     0,
     "no hop is known as Microsoft's; the target answers at hop 2"},
    {"a name that only looks like it",
     {{"192.168.1.1", "", LOCAL},
      {"198.51.100.1", "lon24.ntwk.msn.net.example.org", PROVIDER}},
     ENTRY_NONE,
     0,
     0,
     0,
     "no hop is known as Microsoft's"},
};

static void load(struct edge_data *k)
{
    *k = (struct edge_data){.metros = {.n = 0}};
    SHIPPED_PARSE(catalogue_parse, &k->metros, "metros.csv");
    SHIPPED_PARSE(prefixes_parse, &k->prefixes, "prefixes.csv");
    SHIPPED_PARSE(suffixes_parse, &k->suffixes, "suffixes.csv");
    SHIPPED_PARSE(origins_parse, &k->origins, "origins.csv");
    strcpy(k->site.peering.prefixes, "192.0.2.0/24 2001:db8:1::/48");
}

static size_t make(struct segment_hop hops[8], const struct hop_case of[8])
{
    size_t n = 0;
    for (; n < 8 && of[n].name != NULL; n++) {
        hops[n] = (struct segment_hop){.name = of[n].name, .min_ns = DELAY_UNDEFINED};
        if (of[n].address == NULL)
            continue;
        CHECK(endpoint_parse(&hops[n].address, of[n].address, 0), "an address");
        hops[n].min_ns = (int64_t)(n + 1) * 10 * NS_PER_MS;
    }
    return n;
}

static size_t ttl_of(size_t hop)
{
    return hop == SEGMENT_NO_HOP ? 0 : hop + 1;
}

static void paths(void **state)
{
    (void)state;
    struct edge_data known;
    load(&known);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct segment_hop hops[8];
        struct text verdict = {0};
        size_t n = make(hops, cases[i].hops);
        struct entry e = segments_judge(hops, n, &known);
        for (size_t k = 0; k < n; k++) {
            CHECK(cases[i].hops[k].segment == hops[k].segment, "%s: hop %zu is %s",
                  cases[i].what, k + 1, segment_name(hops[k].segment));
            const char *metro = cases[i].hops[k].metro;
            CHECK_TEXT(metro != NULL ? metro : "", hops[k].pop.metro, cases[i].what);
        }
        CHECK_INT(cases[i].state, e.state, cases[i].what);
        CHECK_INT(cases[i].first, ttl_of(e.first), cases[i].what);
        CHECK_INT(cases[i].before, ttl_of(e.before), cases[i].what);
        CHECK_INT(cases[i].metro, ttl_of(e.metro), cases[i].what);
        segments_verdict(&verdict, hops, n, &e, TRACE_END_TARGET, (uint8_t)n);
        CHECK(strstr(text_string(&verdict), cases[i].verdict) != NULL, "%s: %s",
              cases[i].what, text_string(&verdict));
        text_free(&verdict);
    }
    edge_data_free(&known);
}

/* Without a target; also without any hop and without the data files. */
static void not_reached(void **state)
{
    static const struct {
        enum trace_end end;
        const char *verdict;
    } ends[] = {
        {TRACE_END_SILENT, "The target was not reached: nothing answers behind hop 4"},
        {TRACE_END_LOOP, "The target was not reached: the path is a routing loop"},
        {TRACE_END_UNREACHABLE, "the target is unreachable, says hop 4 (13.107.6.152"},
    };
    struct edge_data known, nothing = {.metros = {.n = 0}};
    struct segment_hop hops[8];
    struct text verdict = {0};
    (void)state;
    load(&known);
    size_t n = make(hops, cases[0].hops);
    struct entry e = segments_judge(hops, n, &known);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        text_clear(&verdict);
        segments_verdict(&verdict, hops, n, &e, ends[i].end, 4);
        CHECK(strstr(text_string(&verdict), ends[i].verdict) != NULL, "%s",
              text_string(&verdict));
    }
    e = segments_judge(hops, 0, &known);
    text_clear(&verdict);
    segments_verdict(&verdict, hops, 0, &e, TRACE_END_SILENT, 0);
    CHECK_TEXT("Cannot tell where traffic enters Microsoft's network: no hop is known as "
               "Microsoft's; no hop answers.",
               text_string(&verdict), "no hop");
    e = segments_judge(hops, n, &nothing);
    CHECK_INT(ENTRY_FOUND, e.state, "the name alone tells it");
    text_free(&verdict);
    edge_data_free(&known);
}

/* Addresses that have no name and are in no prefix of prefixes.csv. */
static void test_by_as(void **state)
{
    (void)state;
    struct edge_data known;
    load(&known);
    struct segment_hop hops[] = {
        {.name = "", .min_ns = NS_PER_MS},
        {.name = "", .min_ns = NS_PER_MS, .as = 64500},
        {.name = "", .min_ns = NS_PER_MS, .as = 64510},
        {.name = "", .min_ns = NS_PER_MS, .as = 8075},
        {.name = "", .min_ns = NS_PER_MS},
    };
    static const char *const addresses[] = {"192.168.1.1", "198.51.100.1", "203.0.113.9",
                                            "198.51.100.77", "198.51.100.78"};
    for (size_t i = 0; i < 5; i++)
        CHECK(endpoint_parse(&hops[i].address, addresses[i], 0), "%s", addresses[i]);
    struct entry e = segments_judge(hops, 5, &known);
    CHECK_INT(3, e.first, "the first of Microsoft's by its AS");
    CHECK_TEXT("AS8075", hops[3].basis, "the evidence");
    CHECK_INT(SEGMENT_MICROSOFT, hops[4].segment, "a hop behind it without any evidence");
    hops[4].as = 64520;
    segments_judge(hops, 5, &known);
    CHECK_INT(SEGMENT_UNKNOWN, hops[4].segment, "a hop behind it of another AS");
    struct as_path p = segments_as_path(hops, 5);
    CHECK_INT(AS_HOPS_EXACT, p.state, "AS hops");
    CHECK_INT(2, p.hops, "through two networks");
    edge_data_free(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(not_reached),
        cmocka_unit_test(test_by_as),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
