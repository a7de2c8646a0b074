#include "check.h"
#include "core/destination.h"

/* RFC 6724, section 10.2, has most of the rows. */
static const struct {
    const char *what, *ipv6, *from6, *ipv4, *from4;
    bool ipv6_first;
} cases[] = {
    {"both global", "2001:db8:1::1", "2001:db8:1::2", "198.51.100.121", "198.51.100.117",
     true},
    {"private IPv4 behind NAT, global IPv6", "2603:1026::1", "2001:db8::2", "52.96.0.1",
     "10.0.0.2", true},
    {"no IPv6 route", "2001:db8:1::1", "", "198.51.100.121", "198.51.100.117", false},
    {"no IPv4 route", "2001:db8:1::1", "2001:db8:1::2", "198.51.100.121", "", true},
    {"no route at all", "2001:db8:1::1", "", "198.51.100.121", "", true},
    {"only a unique local IPv6 address", "2603:1026::1", "fd00::2", "52.96.0.1",
     "10.0.0.2", false},
    {"only a link-local IPv6 address", "2001:db8:1::1", "fe80::1", "198.51.100.121",
     "198.51.100.117", false},
    {"both unique local", "fd00::1", "fd00::2", "10.1.0.1", "10.0.0.2", false},
    {"6to4 source", "2001:db8:1::1", "2002:c633:6401::2", "198.51.100.121",
     "198.51.100.117", false},
    {"6to4 to 6to4", "2002:c633:6401::1", "2002:c633:6401::2", "198.51.100.121",
     "198.51.100.117", false},
    {"Teredo", "2001:db8::1", "2001:0:1::2", "198.51.100.121", "198.51.100.117", false},
    {"IPv4 from a link-local address", "2001:db8:1::1", "2001:db8:1::2", "198.51.100.121",
     "169.254.13.78", true},
    {"loopback", "::1", "::1", "127.0.0.1", "127.0.0.1", true},
};

static struct endpoint parsed(const char *text)
{
    struct endpoint e = {.family = FAMILY_NONE};
    endpoint_parse(&e, text, 0);
    return e;
}

static void a_family_is_preferred(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint six = parsed(cases[i].ipv6), from6 = parsed(cases[i].from6);
        struct endpoint four = parsed(cases[i].ipv4), from4 = parsed(cases[i].from4);
        CHECK_INT(cases[i].ipv6_first, destination_is_better(&six, &from6, &four, &from4),
                  cases[i].what);
        CHECK_INT(!cases[i].ipv6_first,
                  destination_is_better(&four, &from4, &six, &from6), cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_family_is_preferred)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
