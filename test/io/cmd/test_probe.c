/* `edgelat probe` against hosts on loopback addresses, with names from dnsmasq. */
#include "io/cmd/program.h"
#include "io/daemon/world.h"

enum { FINE, BAD, CANNOT };

static int begin_world(void **state)
{
    world_begin(state);
    world_be_resolv_conf();
    return 0;
}

static void answered(void **state)
{
    (void)state;
    static struct ran r;
    int near = world_listen(1, 443), far = world_listen(2, 8443);
    program_run(&r, "", "probe tcp near.test far.test:8443 -n 4 -i 0.02 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(8, program_count(r.out, "\"outcome\":\"reply\""), "results");
    CHECK_INT(2, program_count(r.out, "\"sent\":4,\"received\":4,"),
              "summaries, one a host");
    CHECK_HAS(r.out, "\"address\":\"198.51.100.2\",\"family\":\"ipv4\",\"port\":8443");

    program_run(&r, "", "probe tcp near.test -n 2 -i 0.02");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_HAS(r.out, "TCP to near.test: 2 probes, 20 ms apart");
    CHECK_INT(2, program_count(r.out, "near.test  tcp  198.51.100.1:443  #"), "lines");
    close(near);
    close(far);
}

/* Without a kind: those that are on by default, each with its own sequence numbers. */
static void all_kinds(void **state)
{
    (void)state;
    static struct ran r;
    int near = world_listen(1, 443);
    program_run(&r, "", "probe near.test -c 2 -i 0.1 -W 1 --json");
    CHECK_INT(BAD, r.code, "nobody speaks TLS there");
    CHECK_INT(2,
              program_count(r.out, "\"kind\":\"icmp\",\"address\":\"198.51.100.1\","
                                   "\"family\":\"ipv4\",\"port\":null,\"sequence\":"),
              "by ICMP");
    CHECK_INT(3, program_count(r.out, "\"kind\":\"tcp\""), "by TCP, with the summary");
    CHECK_INT(3, program_count(r.out, "\"kind\":\"https\""), "by HTTPS, too");
    CHECK_INT(3, program_count(r.out, "\"sequence\":2,"), "numbered");
    program_run(&r, "", "probe TCP near.test -n 2 -i 0.1 -D");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_HAS(r.out, "\n[1"); /* until 2033 */
    CHECK_HAS(r.out, "  near.test  tcp  198.51.100.1:443  #2  rtt ");
    program_run(&r, "", "probe tcp near.test -c 2 -i 0.1 -q");
    CHECK_INT(0, program_count(r.out, "#"), "only the summary");
    close(near);
}

static void not_answered(void **state)
{
    (void)state;
    static struct ran r;
    program_run(&r, "", "probe tcp near.test -n 3 -i 0.02 --json");
    CHECK_INT(BAD, r.code, "refused");
    CHECK_INT(3, program_count(r.out, "\"outcome\":\"refused\""), "results");
    CHECK_HAS(r.out, "\"sent\":3,\"received\":0,");

    program_run(&r, "", "probe tcp 203.0.113.1 -n 2 -i 0.02 --json");
    CHECK_INT(CANNOT, r.code, "there is no way out of this namespace");
    CHECK_INT(2, program_count(r.out, "\"outcome\":\"not_measured\""), "results");
    CHECK_TEXT("edgelat: 203.0.113.1: not measured by tcp: this host has no route to the "
               "address\n",
               r.err, "why");
}

static void by_icmp(void **state)
{
    (void)state;
    static struct ran r;
    program_run(&r, "", "probe icmp near.test ::1 -n 2 -i 0.02 --size 100 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(4, program_count(r.out, "\"outcome\":\"reply\""), "results");
    CHECK_INT(2, program_count(r.out, "\"sent\":2,\"received\":2,"), "summaries");
    program_run(&r, "", "probe icmp near.test:80");
    CHECK_INT(CANNOT, r.code, "it has no ports");
}

/* DNS begins with another one each time: the summary must not depend on which. */
static void five_addresses(void **state)
{
    (void)state;
    static struct ran r;
    int up[] = {world_listen(3, 443), world_listen(5, 443), world_listen(7, 443),
                world_listen(8, 443)};
    for (int i = 0; i < 5; i++) {
        program_run(&r, "", "probe tcp five.test -n 10 -i 0.02 --json");
        CHECK_INT(BAD, r.code, r.err);
        CHECK_INT(8, program_count(r.out, "\"outcome\":\"reply\""),
                  "two to each of four");
        CHECK_INT(2, program_count(r.out, "\"address\":\"198.51.100.9\",\"family\""),
                  "two to the one without a server");
        CHECK_INT(1, program_count(r.out, "\"summary\":true"), "one summary");
        CHECK_HAS(r.out, "\"sent\":8,\"received\":8,\"waiting\":0,\"lost\":0,");
        CHECK_HAS(r.out, "{\"address\":\"198.51.100.9\",\"sent\":2,\"received\":0,"
                         "\"silent\":true,");
        CHECK_INT(4, program_count(r.out, "\"sent\":2,\"received\":2,\"silent\":false,"),
                  "the others");
    }
    program_run(&r, "", "probe tcp five.test -n 10 -i 0.02");
    CHECK_HAS(r.out, "1 of 5 addresses does not answer and is left out above");
    CHECK_HAS(r.out, "\n  198.51.100.9: ");
    for (size_t i = 0; i < 4; i++)
        close(up[i]);
    program_run(&r, "", "probe tcp five.test -n 10 -i 0.02 --json");
    CHECK_INT(BAD, r.code, "none answers");
    CHECK_HAS(r.out,
              "\"sent\":10,\"received\":0,\"waiting\":0,\"lost\":0,\"failed\":10,");
}

/* Without -4 and -6: the family with a route. With both: each family. */
static void families(void **state)
{
    (void)state;
    static struct ran r;
    program_run(&r, "", "probe icmp both.test -n 1 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(1, program_count(r.out, "\"outcome\":\"reply\""), "one family");
    program_run(&r, "", "probe icmp both.test -4 -6 -n 1 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(2, program_count(r.out, "\"outcome\":\"reply\""), "both");
    CHECK_HAS(r.out, "\"family\":\"ipv6\"");
    program_run(&r, "", "probe icmp both.test -4 -6 -n 1");
    CHECK_HAS(r.out, "ICMP to both.test: 1 probe by IPv4 and IPv6\n");
    CHECK_HAS(r.out, "\nboth.test  icmp ipv4  198.51.100.6\n");
    CHECK_HAS(r.out, "\nboth.test  icmp ipv6  ::1\n");
    /* connections: IPv6 refuses, so a user's traffic takes IPv4 (RFC 8305) */
    int only4 = world_listen(6, 443);
    program_run(&r, "", "probe tcp both.test -n 1 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(0, program_count(r.out, "\"family\":\"ipv6\""), "not IPv6");
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                    .sin6_port = htons(443),
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(six, (struct sockaddr *)&loopback, sizeof loopback) == 0 &&
              listen(six, 8) == 0,
          "::1");
    program_run(&r, "", "probe tcp both.test -n 1 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(2, program_count(r.out, "\"family\":\"ipv6\""), "IPv6 where it works");
    close(six);
    close(only4);
    program_run(&r, "", "probe icmp near.test -6 -n 1");
    CHECK_INT(CANNOT, r.code, "it has no IPv6 address");
    CHECK_HAS(r.err, "near.test: no address of that family");
}

static void names(void **state)
{
    (void)state;
    static struct ran r;
    int near = world_listen(1, 443);
    program_run(&r, "", "probe tcp near.test gone.test -n 2 -i 0.02 --json");
    CHECK_INT(CANNOT, r.code, "one has no address");
    CHECK_HAS(r.err, "gone.test: no such name; check the name");
    CHECK_INT(2, program_count(r.out, "\"outcome\":\"reply\""), "the other is probed");
    program_run(&r, "", "probe tcp filtered.office.com -n 1");
    CHECK_INT(CANNOT, r.code, "nobody has 0.0.0.0");
    CHECK_HAS(r.err, "0.0.0.0");
    program_run(&r, "", "probe tcp b\u00fccher.test -n 1");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_HAS(r.out, "xn--bcher-kva.test  tcp ipv4  198.51.100.1:443");
    close(near);
}

/* RFC 4007: a link-local address with its interface, by name and by number. */
static void zones(void **state)
{
    (void)state;
    static struct ran r;
    CHECK_INT(0, system("ip address add fe80::1/64 dev lo"), "on lo");
    program_run(&r, "", "probe icmp fe80::1%lo '[fe80::1%1]' -n 1 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(2, program_count(r.out, "\"outcome\":\"reply\""), "both");
}

static void a_middlebox(void **state)
{
    (void)state;
    static struct ran r;
    int near = world_listen(1, 443), decoy = world_listen(1, 4);
    program_run(&r, "", "probe tcp near.test -n 3 -i 0.02 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_HAS(r.out, "a middlebox ");
    CHECK_HAS(r.out, "also on a port that no service uses");
    CHECK_INT(0, program_count(r.out, "\"min\":0"), "its delays are not in the summary");
    close(near);
    close(decoy);
}

static void ends_with_the_summary(void **state)
{
    (void)state;
    static struct ran r;
    static const int signals[] = {SIGINT, SIGTERM};
    int near = world_listen(1, 443);
    for (size_t i = 0; i < 2; i++) {
        char summary[64];
        program_start(&r, "", "probe tcp near.test -n 0 -i 0.02 --json");
        program_printed(&r, 1000);
        kill(r.pid, signals[i]);
        program_end(&r);
        CHECK_INT(FINE, r.code, strsignal(signals[i]));
        unsigned replies = program_count(r.out, "\"outcome\":\"reply\"");
        snprintf(summary, sizeof summary, "\"received\":%u,", replies);
        CHECK(replies > 3, "some were answered");
        CHECK_HAS(r.out, summary);
    }
    program_run(&r, "", "probe tcp near.test -n 0 -i 0.02 | head -n 2");
    CHECK_INT(2, program_count(r.out, "\n"), "the reader has gone, and so it ends");
    program_run(&r, "", "probe tcp near.test -n 2 -i 0.02 >/dev/full");
    CHECK_INT(CANNOT, r.code, "a full disk");
    close(near);
}

/* Ctrl-\\ does not end it. Probes under way at the end count as sent, and a host that
 * answered none of them is a problem. */
static void asked_for_its_counts(void **state)
{
    (void)state;
    static struct ran r;
    int near = world_listen(1, 443);
    program_start(&r, "", "probe tcp near.test -n 0 -i 0.02");
    program_printed(&r, 1000);
    kill(r.pid, SIGQUIT);
    program_printed(&r, 2000);
    kill(r.pid, SIGINT);
    program_end(&r);
    CHECK_INT(FINE, r.code, r.err);
    CHECK_HAS(r.err, "near.test tcp ipv4: ");
    CHECK_HAS(r.err, " waiting, loss 0.0 %, p50 ");
    close(near);
}

/* The rate limit of an ordinary user, over all of the user's processes. */
static void as_an_ordinary_user(void **state)
{
    (void)state;
    static struct ran r;
    if (geteuid() != 0 || system("setpriv --reuid=65534 true") != 0)
        skip();
    int near = world_listen(1, 443);
    program_run(&r, "setpriv --reuid=65534 --clear-groups",
                "probe tcp near.test -n 2 -i 0.05");
    CHECK_INT(CANNOT, r.code, "too short an interval");
    CHECK_HAS(r.err, "an interval of 0.05 s is too short: at least 0.2 s");
    program_run(&r, "setpriv --reuid=65534 --clear-groups",
                "probe tcp near.test 198.51.100.1 -n 2 -i 0.2");
    CHECK_INT(CANNOT, r.code, "one host by two names");
    CHECK_HAS(r.err, "198.51.100.1 would get 10 probes a second");
    program_run(&r, "setpriv --reuid=65534 --clear-groups",
                "probe tcp near.test -n 2 -i 0.2");
    CHECK_INT(FINE, r.code, r.err);
    close(near);
}

int main(void)
{
    if (!make_network()) {
        printf("1..0 # SKIP no network namespaces here\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered),
        cmocka_unit_test(all_kinds),
        cmocka_unit_test(not_answered),
        cmocka_unit_test(by_icmp),
        cmocka_unit_test(five_addresses),
        cmocka_unit_test(families),
        cmocka_unit_test(names),
        cmocka_unit_test(zones),
        cmocka_unit_test(a_middlebox),
        cmocka_unit_test(ends_with_the_summary),
        cmocka_unit_test(asked_for_its_counts),
        cmocka_unit_test(as_an_ordinary_user),
    };
    return cmocka_run_group_tests(tests, begin_world, world_end);
}
