#include "check.h"

#include "probe/cause.h"

static const struct {
    const char *what, *to, *by, *own;
    uint8_t type, code;
    enum outcome expected;
    const char *cause;
} cases[] = {
    {"a router without a route", "203.0.113.5", "198.51.100.1", "198.51.100.10", 3, 1,
     OUTCOME_UNREACHABLE, "host unreachable, reported by 198.51.100.1"},
    {"a firewall on the path", "203.0.113.5", "198.51.100.1", "198.51.100.10", 3, 13,
     OUTCOME_UNREACHABLE, "administratively prohibited, reported by 198.51.100.1"},
    {"iptables' REJECT on the path", "203.0.113.5", "198.51.100.1", "198.51.100.10", 3, 3,
     OUTCOME_UNREACHABLE, "port unreachable, reported by 198.51.100.1"},
    {"a closed port", "203.0.113.5", "203.0.113.5", "198.51.100.10", 3, 3,
     OUTCOME_REFUSED, "port unreachable, reported by the target"},
    {"a firewall on the target", "203.0.113.5", "203.0.113.5", "198.51.100.10", 3, 10,
     OUTCOME_REFUSED, "administratively prohibited, reported by the target"},
    {"behind the target's address", "203.0.113.5", "203.0.113.5", "198.51.100.10", 3, 1,
     OUTCOME_UNREACHABLE, "host unreachable, reported by 203.0.113.5"},
    {"a loop", "203.0.113.5", "203.0.113.5", "198.51.100.10", 11, 0, OUTCOME_UNREACHABLE,
     "TTL exceeded, reported by 203.0.113.5"},
    {"a dead gateway", "203.0.113.5", "198.51.100.10", "198.51.100.10", 3, 1,
     OUTCOME_UNREACHABLE, "host unreachable: the next hop does not answer ARP"},
    {"this host's firewall", "203.0.113.5", "198.51.100.10", "198.51.100.10", 3, 3,
     OUTCOME_NOT_MEASURED, "this host's firewall rejects it: port unreachable"},
    {"this host is the target", "127.0.0.1", "127.0.0.1", "127.0.0.1", 3, 3,
     OUTCOME_REFUSED, "port unreachable, reported by the target"},
    {"own address not known", "203.0.113.5", "198.51.100.10", NULL, 3, 3,
     OUTCOME_UNREACHABLE, "port unreachable, reported by 198.51.100.10"},
    {"no route, IPv6", "2001:db8::5", "fd00::1", "fd00::10", 1, 0, OUTCOME_UNREACHABLE,
     "no route, reported by fd00::1"},
    {"a closed port, IPv6", "2001:db8::5", "2001:db8::5", "fd00::10", 1, 4,
     OUTCOME_REFUSED, "port unreachable, reported by the target"},
    {"unknown header, IPv6", "2001:db8::5", "2001:db8::5", "fd00::10", 4, 1,
     OUTCOME_REFUSED, "header not understood, reported by the target"},
    {"address unreachable by the target", "2001:db8::5", "2001:db8::5", "fd00::10", 1, 3,
     OUTCOME_UNREACHABLE, "host unreachable, reported by 2001:db8::5"},
    {"a dead gateway, IPv6", "2001:db8::5", "fd00::10", "fd00::10", 1, 3,
     OUTCOME_UNREACHABLE,
     "host unreachable: the next hop does not answer neighbour discovery"},
    {"this host's firewall, IPv6", "2001:db8::5", "fd00::10", "fd00::10", 1, 1,
     OUTCOME_NOT_MEASURED,
     "this host's firewall rejects it: administratively prohibited"},
};

static void what_an_icmp_error_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct icmp_report report = {cases[i].type, cases[i].code, 0, {0}, {0}};
        struct endpoint to;
        char cause[96];
        endpoint_parse(&to, cases[i].to, 443);
        endpoint_parse(&report.by, cases[i].by, 0);
        if (cases[i].own != NULL)
            endpoint_parse(&report.own, cases[i].own, 0);
        enum outcome outcome = cause_icmp_error(cause, sizeof cause, &report, &to);
        CHECK_TEXT(outcome_name(cases[i].expected), outcome_name(outcome), cases[i].what);
        CHECK_TEXT(cases[i].cause, cause, cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_icmp_error_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
