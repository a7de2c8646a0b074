#include "check.h"
#include "core/endpoint.h"

static void literals_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum family family; /* FAMILY_NONE: refused */
        const char *back;
    } cases[] = {
        {"192.0.2.1", FAMILY_IPV4, "192.0.2.1"},
        {"0.0.0.0", FAMILY_IPV4, "0.0.0.0"},
        {"2001:db8::1", FAMILY_IPV6, "2001:db8::1"},
        {"2001:DB8:0:0:0:0:0:1", FAMILY_IPV6, "2001:db8::1"},
        {"::ffff:192.0.2.1", FAMILY_IPV6, "::ffff:192.0.2.1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", FAMILY_IPV6,
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"", FAMILY_NONE, ""},
        {"192.0.2", FAMILY_NONE, ""},
        {"192.0.2.256", FAMILY_NONE, ""},
        {"192.0.2.1:443", FAMILY_NONE, ""},
        {"[2001:db8::1]", FAMILY_NONE, ""},
        {"edge.example", FAMILY_NONE, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint e = {0};
        char text[ADDRESS_TEXT_MAX];
        bool ok = endpoint_parse(&e, cases[i].text, 443);
        CHECK_INT(cases[i].family != FAMILY_NONE, ok, cases[i].text);
        CHECK_INT(cases[i].family, e.family, cases[i].text);
        CHECK_INT(ok ? 443 : 0, e.port, cases[i].text);
        CHECK_TEXT(cases[i].back, endpoint_address(text, &e), cases[i].text);
    }
}

static void zones(void **state)
{
    (void)state;
    static const struct {
        const char *text, *zone; /* NULL: refused */
    } cases[] = {
        {"fe80::1%eth0", "eth0"},
        {"fe80::1%2", "2"},
        {"FEBF::1%wlp0s20f3.100", "wlp0s20f3.100"},
        {"fe80::1", ""},
        {"192.0.2.1", ""},
        {"fe80::1%", NULL},
        {"fe80::1%a%b", NULL},
        {"fe80::1%a/b", NULL},
        {"fe80::1%a b", NULL},
        {"2001:db8::1%eth0", NULL},
        {"fec0::1%eth0", NULL},
        {"192.0.2.1%eth0", NULL},
        {"fe80::1%sixteen-bytes-16", NULL},
        {"%eth0", NULL},
        {"host%eth0", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint e = {0};
        char zone[ZONE_TEXT_MAX] = "?";
        bool ok = endpoint_parse_zoned(&e, zone, cases[i].text, 443);
        CHECK_INT(cases[i].zone != NULL, ok, cases[i].text);
        CHECK_TEXT(ok ? cases[i].zone : "", zone, cases[i].text);
        CHECK_INT(e.family, endpoint_literal(cases[i].text), cases[i].text);
    }
}

static void a_refused_literal_changes_nothing(void **state)
{
    (void)state;
    struct endpoint e = {0};
    CHECK(endpoint_parse(&e, "2001:db8::1", 1), "an address");
    struct endpoint before = e;
    CHECK(!endpoint_parse(&e, "2001:db8::1::2", 2), "not an address");
    CHECK_INT(0, memcmp(&before, &e, sizeof e), "as it was");
}

/* What DNS may answer for a name of the internet, and what it may not. */
static void addresses_of_nobody_and_private_ones(void **state)
{
    (void)state;
    static const struct {
        const char *text, *nobodys; /* a word of the reason; "": a host can have it */
        bool private;
    } cases[] = {
        {"127.0.0.1", "loopback", false},
        {"127.255.255.254", "loopback", false},
        {"::1", "loopback", false},
        {"::ffff:127.0.0.1", "loopback", false},
        {"169.254.0.1", "link-local", false},
        {"169.254.255.255", "link-local", false},
        {"fe80::1", "link-local", false},
        {"febf:ffff::1", "link-local", false},
        {"::ffff:169.254.1.1", "link-local", false},
        {"0.0.0.0", "unspecified", false},
        {"0.1.2.3", "unspecified", false},
        {"::", "unspecified", false},
        {"::ffff:0.0.0.0", "unspecified", false},
        {"224.0.0.1", "multicast", false},
        {"239.255.255.255", "multicast", false},
        {"255.255.255.255", "reserved", false},
        {"240.0.0.1", "reserved", false},
        {"ff02::1", "multicast", false},
        {"10.0.0.0", "", true},
        {"10.255.255.255", "", true},
        {"172.16.0.1", "", true},
        {"172.31.255.255", "", true},
        {"192.168.0.1", "", true},
        {"100.64.0.1", "", true},
        {"100.127.255.255", "", true},
        {"198.18.0.1", "", true},
        {"198.19.255.255", "", true},
        {"fc00::1", "", true},
        {"fdff::1", "", true},
        {"fec0::1", "", true},
        {"::ffff:10.1.2.3", "", true},
        {"9.255.255.255", "", false},
        {"11.0.0.0", "", false},
        {"126.255.255.255", "", false},
        {"128.0.0.1", "", false},
        {"169.253.255.255", "", false},
        {"169.255.0.1", "", false},
        {"172.15.255.255", "", false},
        {"172.32.0.1", "", false},
        {"192.167.255.255", "", false},
        {"192.169.0.1", "", false},
        {"100.63.255.255", "", false},
        {"100.128.0.1", "", false},
        {"198.17.255.255", "", false},
        {"198.20.0.1", "", false},
        {"223.255.255.255", "", false},
        {"13.107.42.16", "", false},
        {"2603:1006::1", "", false},
        {"::2", "", false},
        {"fb00::1", "", false},
        {"fe00::1", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint e;
        CHECK(endpoint_parse(&e, cases[i].text, 443), "%s", cases[i].text);
        const char *said = endpoint_nobodys(&e);
        CHECK_INT(cases[i].nobodys[0] != '\0', said != NULL, cases[i].text);
        CHECK(said == NULL || strstr(said, cases[i].nobodys) != NULL, "%s: %s",
              cases[i].text, said);
        CHECK_INT(cases[i].private, endpoint_is_private(&e), cases[i].text);
    }
    struct endpoint none = {.family = FAMILY_NONE};
    CHECK(endpoint_nobodys(&none) == NULL && !endpoint_is_private(&none), "none at all");
}

static void addresses_that_nat64_translates(void **state)
{
    (void)state;
    static const char *const translated[] = {"64:ff9b::c000:201",
                                             "64:ff9b::", "64:ff9b:1::c000:201",
                                             "64:ff9b:1:ffff::1"},
                             *const others[] = {"192.0.2.1", "64:ff9b:0:0:0:1::1",
                                                "64:ff9b:2::1", "64:ff9a::1",
                                                "2001:db8::c000:201"};
    struct endpoint e;
    for (size_t i = 0; i < sizeof translated / sizeof *translated; i++)
        CHECK(endpoint_parse(&e, translated[i], 0) && endpoint_is_nat64(&e), "%s",
              translated[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(endpoint_parse(&e, others[i], 0) && !endpoint_is_nat64(&e), "%s",
              others[i]);
}

static void names_of_this_host_and_its_network(void **state)
{
    (void)state;
    static const char *const local[] = {
        "localhost",     "LOCALHOST.",
        "a.localhost",   "branch",
        "printer.local", "nas.lan",
        "x.home.arpa",   "edge.test",
        "192.0.2.1",     "2001:db8::1",
        "fe80::1%2",     "vm.internal",
        "a.b.corp",      "localhost.localdomain",
        "a.example",
    };
    static const char *const public[] = {
        "teams.microsoft.com", "teams.microsoft.com.", "bing.com",
        "a.localhost.com",     "xlocalhost.net",       "mylan.org",
        "local.dev",
    };
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        CHECK(host_is_local(local[i]), "%s", local[i]);
    for (size_t i = 0; i < sizeof public / sizeof *public; i++)
        CHECK(!host_is_local(public[i]), "%s", public[i]);
}

static void addresses_are_compared_without_the_port(void **state)
{
    (void)state;
    struct endpoint a = {0}, b = {0};
    endpoint_parse(&a, "192.0.2.1", 443);
    endpoint_parse(&b, "192.0.2.1", 80);
    CHECK(endpoint_same_address(&a, &b), "only the port differs");
    endpoint_parse(&b, "192.0.2.2", 443);
    CHECK(!endpoint_same_address(&a, &b), "the address differs");
    endpoint_parse(&b, "c000:201::", 443);
    CHECK(!endpoint_same_address(&a, &b), "the same bytes in another family");

    endpoint_parse(&a, "fe80::1", 443);
    b = a;
    b.scope = 2;
    CHECK(!endpoint_same_address(&a, &b), "on another link it is another host");
    CHECK(endpoint_same_address(&(struct endpoint){0}, &(struct endpoint){0}),
          "none is none");
}

static void same_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t bits; /* as many as are the same */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", 32},     {"192.0.2.1", "192.0.2.0", 31},
        {"10.128.0.0", "10.0.0.0", 8},      {"10.64.0.0", "10.0.0.0", 9},
        {"128.0.0.0", "0.0.0.0", 0},        {"2001:db8::1", "2001:db8::1", 128},
        {"2001:db8::", "2001:db8:1::", 47}, {"2001:db8::1", "2001:db8::", 127},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint a, b;
        CHECK(endpoint_parse(&a, cases[i].a, 0) && endpoint_parse(&b, cases[i].b, 0),
              "%s", cases[i].a);
        for (size_t bits = 0; bits <= (a.family == FAMILY_IPV4 ? 32 : 128); bits++)
            CHECK_INT(bits <= cases[i].bits, endpoint_same_prefix(a.bytes, b.bytes, bits),
                      cases[i].a);
    }
}

static void one_host_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool host;
    } cases[] = {
        {"192.0.2.1", true},
        {"127.0.0.1", true},
        {"1.0.0.0", true},
        {"223.255.255.255", true},
        {"0.0.0.0", false},
        {"0.1.2.3", false},
        {"224.0.0.1", false},
        {"239.255.255.250", false},
        {"255.255.255.255", false},
        {"2001:db8::1", true},
        {"::1", true},
        {"fe80::1", true},
        {"::", false},
        {"ff02::1", false},
        {"::ffff:192.0.2.1", true},
        {"::ffff:0.0.0.0", false},
        {"::ffff:224.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint e = {0};
        endpoint_parse(&e, cases[i].address, 0);
        CHECK_INT(cases[i].host, endpoint_is_host(&e), cases[i].address);
    }
    CHECK(!endpoint_is_host(&(struct endpoint){0}), "no address");
}

static void families_have_their_otel_names(void **state)
{
    (void)state;
    CHECK_TEXT("ipv4", family_name(FAMILY_IPV4), "4");
    CHECK_TEXT("ipv6", family_name(FAMILY_IPV6), "6");
    CHECK_TEXT("none", family_name(FAMILY_NONE), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_read_and_written),
        cmocka_unit_test(zones),
        cmocka_unit_test(a_refused_literal_changes_nothing),
        cmocka_unit_test(addresses_of_nobody_and_private_ones),
        cmocka_unit_test(addresses_that_nat64_translates),
        cmocka_unit_test(names_of_this_host_and_its_network),
        cmocka_unit_test(addresses_are_compared_without_the_port),
        cmocka_unit_test(same_prefix),
        cmocka_unit_test(one_host_or_not),
        cmocka_unit_test(families_have_their_otel_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
