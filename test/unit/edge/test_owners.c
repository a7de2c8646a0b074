#include "edge/owners.h"

#include "shipped.h"

static struct suffixes suffixes;
static struct prefixes prefixes;

static int load(void **state)
{
    (void)state;
    SHIPPED_PARSE(suffixes_parse, &suffixes, "suffixes.csv");
    SHIPPED_PARSE(prefixes_parse, &prefixes, "prefixes.csv");
    return 0;
}

static int unload(void **state)
{
    (void)state;
    suffixes_free(&suffixes);
    prefixes_free(&prefixes);
    return 0;
}

#define AKAMAI "23.44.10.14"
#define TRACE  "X-CDN-TraceID of Akamai"

/* Each step, and the precedence of the earlier steps. */
static const struct {
    const char *what, *mark, *name, *address;
    uint32_t as;
    enum owner_type type;
    const char *why; /* a part of it */
} cases[] = {
    {"a mark, whatever else", TRACE, "s-0005.s-msedge.net", "13.107.42.16", 8075,
     OWNER_FOREIGN, TRACE},
    {"a mark at an unknown address", TRACE, "www.bing.com", AKAMAI, 0, OWNER_FOREIGN,
     TRACE},
    {"a name before an address", NULL, "e86303.dscx.akamaiedge.net", "13.107.42.16", 8075,
     OWNER_FOREIGN, "akamaiedge.net of akamai"},
    {"the edge by name, outside of the prefixes", NULL, "a-0003.a-msedge.net", AKAMAI, 0,
     OWNER_EDGE, "of front-door"},
    {"its fallback", NULL, "a-0016.dc-msedge.net", AKAMAI, 0, OWNER_EDGE, "fallback"},
    {"a region by name", NULL, "b-tr-teasc-01.ukwest.cloudapp.azure.com", "52.115.84.7",
     8075, OWNER_REGION, "of azure"},
    {"login", NULL, "www.tm.ak.prd.aadg.trafficmanager.net", "20.190.128.1", 8075,
     OWNER_REGION, "of entra"},
    {"a name that may be either: by the address", NULL, "x.azureedge.net",
     "13.107.246.70", 0, OWNER_EDGE, "13.107.246.0/24"},
    {"no name that is known: by the address", NULL, "microsoft.com", "13.107.246.70", 0,
     OWNER_EDGE, "13.107.246.0/24"},
    {"Entra by the address", NULL, "login.example", "20.190.128.1", 0, OWNER_REGION,
     "of entra"},
    {"an address before an AS", NULL, "microsoft.com", "13.107.246.70", 20940, OWNER_EDGE,
     "13.107.246.0/24"},
    {"AS8075", NULL, "microsoft.com", AKAMAI, 8075, OWNER_EDGE, "AS8075"},
    {"AS8068", NULL, "teams.microsoft.com", AKAMAI, 8068, OWNER_EDGE, "AS8068"},
    {"another AS", NULL, "www.bing.com", AKAMAI, 20940, OWNER_FOREIGN, "AS20940"},
    {"nothing is known", NULL, "www.bing.com", AKAMAI, 0, OWNER_UNKNOWN, ""},
    {"no address yet", NULL, "www.bing.com", "", 0, OWNER_UNKNOWN, ""},
    {"a private address, by whatever name", NULL, "s-0005.s-msedge.net", "10.1.2.3", 0,
     OWNER_PRIVATE, "DNS answers 10.1.2.3, a private address"},
    {"behind it another network", TRACE, "x.edgekey.net", "192.168.1.1", 0, OWNER_PRIVATE,
     "192.168.1.1"},
    {"a filter", NULL, "teams.microsoft.com", "127.0.0.1", 0, OWNER_FILTERED,
     "DNS answers 127.0.0.1, the loopback address of this host"},
    {"a filter, IPv6", NULL, "teams.microsoft.com", "::1", 0, OWNER_FILTERED, "::1"},
    {"a captive portal", NULL, "teams.microsoft.com", "169.254.1.1", 0, OWNER_FILTERED,
     "link-local"},
    {"a name of this host", NULL, "localhost", "127.0.0.1", 0, OWNER_UNKNOWN, ""},
    {"a literal", NULL, "127.0.0.1", "127.0.0.1", 0, OWNER_UNKNOWN, ""},
};

static struct endpoint at(const char *address)
{
    struct endpoint e = {.family = FAMILY_NONE};
    CHECK(*address == '\0' || endpoint_parse(&e, address, 443), "%s", address);
    return e;
}

static void test_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct owner_clues clues = {cases[i].mark, cases[i].name, at(cases[i].address),
                                    cases[i].as};
        struct owner f = owners_judge(&suffixes, &prefixes, &clues);
        CHECK_TEXT(owner_name(cases[i].type), owner_name(f.type), cases[i].what);
        CHECK(strstr(f.why, cases[i].why) != NULL, "%s: %s", cases[i].what, f.why);
        CHECK_INT(cases[i].type == OWNER_UNKNOWN, f.why[0] == '\0', cases[i].what);
        char text[OWNER_TEXT_MAX];
        owner_text(text, &f, "the.host");
        CHECK_INT(owner_may_be_pop(f.type), text[0] == '\0', cases[i].what);
        CHECK(text[0] == '\0' || (strstr(text, "the.host") && strstr(text, f.why)), "%s",
              text);
    }
}

static enum owner_type named(struct owners *f, enum family family, const char *name,
                             const char *address)
{
    struct endpoint e = at(address);
    return owners_resolved(f, 1, family, name, &e).type;
}

static enum owner_type replied(struct owners *f, const char *from, const char *mark)
{
    struct endpoint e = at(from);
    return owners_replied(f, 1, e.family, &e, mark).type;
}

static void test_a_mark_stays(void **state)
{
    (void)state;
    struct owners *f = owners_create(&suffixes, &prefixes, 2);
    CHECK_INT(OWNER_UNKNOWN, named(f, FAMILY_IPV4, "www.bing.com", AKAMAI), "at first");
    CHECK_INT(OWNER_FOREIGN, replied(f, AKAMAI, TRACE), "by its reply");
    CHECK_INT(OWNER_FOREIGN, named(f, FAMILY_IPV4, "www.bing.com", AKAMAI),
              "asked again");
    CHECK_INT(OWNER_FOREIGN, named(f, FAMILY_IPV4, "www.bing.com", "23.44.10.15"),
              "the next of its addresses");
    CHECK_INT(OWNER_FOREIGN, replied(f, AKAMAI, NULL), "an old one says nothing");
    CHECK_INT(OWNER_UNKNOWN, named(f, FAMILY_IPV6, "www.bing.com", "2600:1406::1"),
              "nor does another family");
    CHECK_INT(OWNER_UNKNOWN, replied(f, "23.44.10.15", NULL), "a reply without one does");
    CHECK_INT(OWNER_FOREIGN, replied(f, "23.44.10.15", TRACE), "and with one again");
    CHECK_INT(OWNER_EDGE, named(f, FAMILY_IPV4, "a-0001.a-msedge.net", "23.44.10.16"),
              "it has moved to the edge");
    CHECK_INT(OWNER_FILTERED, named(f, FAMILY_IPV4, "www.bing.com", "127.0.0.1"),
              "filtered");
    CHECK_INT(OWNER_UNKNOWN, named(f, FAMILY_IPV4, "www.bing.com", ""), "gone");
    owners_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_a_mark_stays),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
