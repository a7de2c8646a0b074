/*
 * Real kernel notifications: a network namespace with a veth pair, changed by ip(8).
 * Needs root or user namespaces.
 */
#include "io/probe/tun.h"

#include "net/netlink.h"
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <sys/resource.h>

#define SETTLE_NS (300 * NS_PER_MS)
#define QUIET_MS  1000

static uv_loop_t loop;
static struct netlink *netlink;
static int reports;
static char last[512];
static bool moved;

static void on_change(const struct network_change *what, void *user)
{
    CHECK(user == &loop, "the user's pointer");
    reports++;
    moved = what->moved;
    snprintf(last, sizeof last, "%s", what->text);
}

static void ip(const char *commands)
{
    char line[1024];
    snprintf(line, sizeof line, "ip -batch - <<'END'\n%s\nEND", commands);
    CHECK_INT(0, system(line), commands);
}

/* Turns the loop until a report comes, `ms` at most. */
static void turn(uint64_t ms)
{
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    uv_update_time(&loop);
    uv_timer_start(&timer, bed_stop, ms, 0);
    for (int before = reports; reports == before && uv_is_active((uv_handle_t *)&timer);)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

static int set_up(void **state)
{
    (void)state;
    reports = 0;
    CHECK_INT(0, uv_loop_init(&loop), "loop");
    CHECK_INT(0, netlink_create(&netlink, &loop, SETTLE_NS, on_change, &loop), "created");
    return 0;
}

static int set_up_host(void **state)
{
    static const char running[] =
        "for i in $(seq 200); do [ \"$(ip -o link show up | grep "
        "-c 'state UP')\" = 2 ] && exit 0; sleep 0.05; done; exit 1";
    ip("link add w0 type veth peer name w1\nlink set w0 up\nlink set w1 up\n"
       "addr add 10.8.0.1/24 dev w0\nroute add default via 10.8.0.2\n"
       "addr add fd08::1/64 dev w0 nodad valid_lft 500 preferred_lft 400");
    CHECK_INT(0, system(running), "the kernel takes its time to say that both run");
    return set_up(state);
}

static int tear_down(void **state)
{
    (void)state;
    netlink_destroy(netlink);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    CHECK(system("ip link del w0 2>/dev/null") != -1, "the link goes");
    return 0;
}

static void check_report(const char *text)
{
    struct mono began = mono_now();
    int before = reports;
    turn(10000);
    CHECK_INT(before + 1, reports, text);
    CHECK_TEXT(text, last, "report");
    CHECK(mono_now().ns - began.ns >= SETTLE_NS - 10 * NS_PER_MS, "when it has settled");
}

/* In the order of a host's life; each step is one burst. */
static void each_change(void **state)
{
    (void)state;
    static const struct {
        const char *commands, *text;
    } steps[] = {
        {"link set w0 up\nlink set w1 up\naddr add 10.8.0.1/24 dev w0\n"
         "route add default via 10.8.0.2 metric 100",
         "link w0 is up, the default route 10.8.0.2 by w0 is new"},
        {"route replace default via 10.8.0.3 metric 100",
         "the default route went from 10.8.0.2 to 10.8.0.3 by w0"},
        {"addr del 10.8.0.1/24 dev w0\naddr add 10.8.0.7/24 dev w0\n"
         "route add default via 10.8.0.3 metric 100",
         "the address of w0 went from 10.8.0.1/24 to 10.8.0.7/24"},
        {"addr add fd08::1/64 dev w0 nodad\nroute add default via fe80::1 dev w0",
         "the IPv6 default route fe80::1 by w0 is new"},
        {"link set w1 down", "link w0 is down"}, /* its carrier */
        {"link set w1 up", "link w0 is up"},
        {"link set w0 down", /* the kernel does not tell of its IPv4 route */
         "link w0 is down, the default route 10.8.0.3 by w0 is gone, the IPv6 default "
         "route fe80::1 by w0 is gone"},
    };
    ip("link add w0 type veth peer name w1");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        ip(steps[i].commands);
        check_report(steps[i].text);
        CHECK(moved, "%s: a move", steps[i].text);
    }
}

static void what_is_no_change(void **state)
{
    (void)state;
    ip("addr change fd08::1/64 dev w0 valid_lft 600 preferred_lft 500\n"
       "addr change 10.8.0.1/24 dev w0 valid_lft 600 preferred_lft 500\n"
       "route add 10.7.0.0/16 via 10.8.0.2\n"
       "route add default via 10.8.0.2 table 100\n"
       "route add unreachable default metric 5000\n"
       "route replace default via 10.8.0.2\n"
       "route replace default via 10.8.0.2 mtu 1400\n"
       "route del default\nroute add default via 10.8.0.2\n"
       "addr add 10.8.0.99/24 dev w0\n"
       "addr add 10.6.0.1/32 dev lo\n"
       "addr add 169.254.1.1/16 scope link dev w0\n"
       "neigh add 10.8.0.9 lladdr 02:00:00:00:00:09 dev w0\n"
       "link set w0 mtu 1400\n"
       "link add w2 type veth peer name w3\n"
       "link set w2 up\nlink set w3 up\naddr add 10.5.0.1/24 dev w2\n"
       "route add default via 10.5.0.2 metric 700\n"
       "link add b0 type bridge\nlink set b0 up\naddr add 172.17.0.1/16 dev b0\n"
       "link set w3 master b0\nlink set w3 nomaster");
    ip("link del w2\nlink del b0\naddr del 10.6.0.1/32 dev lo\n"
       "route del unreachable default metric 5000\nroute del default table 100");
    turn(QUIET_MS);
    CHECK(reports == 0, "reported: %s", last);
}

/* An address that the kernel itself makes beside another one, and its end. */
static void temporary_addresses(void **state)
{
    (void)state;
    write_file("/proc/sys/net/ipv6/conf/w0/use_tempaddr", "2");
    ip("route add default via fe80::1 dev w0");
    check_report("the IPv6 default route fe80::1 by w0 is new");
    ip("addr add fd09:8::1/64 dev w0 mngtmpaddr nodad valid_lft 500 preferred_lft 400");
    check_report("address fd09:8::1/64 of w0 is new");
    CHECK_INT(0, system("ip -6 addr show dev w0 temporary | grep -q fd09:8:"),
              "there is a temporary one");
    ip("addr flush dev w0 temporary");
    turn(QUIET_MS);
    CHECK_TEXT("address fd09:8::1/64 of w0 is new", last, "nothing after that");
}

/* More than the socket has room for, while the loop is busy elsewhere. */
static void lost_count(void **state)
{
    (void)state;
    static const char flood[] =
        "for i in 1 2 3 4 5 6 7 8; do for j in $(seq 0 255); do "
        "echo route add 10.1$i.$j.0/24 via 10.8.0.2; done; done | ip -batch -";
    CHECK_INT(0, system(flood), "many routes");
    turn(QUIET_MS);
    CHECK(reports == 0, "that is no move: %s", last);
    ip("route del default");
    check_report("the default route 10.8.0.2 by w0 is gone");
}

/* More routes than are read: 40,960; nothing after them is needed. */
static void a_full_table(void **state)
{
    (void)state;
    static const char flood[] =
        "for a in $(seq 20 59); do for i in $(seq 0 255); do for j in 0 64 128 192; do "
        "echo route add $a.$i.$j.0/26 via 10.8.0.2; done; done; done | ip -batch -";
    CHECK_INT(0, system(flood), "many routes");
    turn(QUIET_MS); /* the kernel lost count */
    ip("route replace default via 10.8.0.3\nroute add default via fe80::1 dev w0");
    check_report("the default route went from 10.8.0.2 to 10.8.0.3 by w0, the IPv6 "
                 "default route fe80::1 by w0 is new");
}

/* As when a cable is moved to another switch: reported although the state is the same. */
static void a_link_that_was_down_for_a_moment(void **state)
{
    (void)state;
    netlink_destroy(netlink);
    CHECK_INT(0, netlink_create(&netlink, &loop, NETWORK_SETTLE_NS, on_change, &loop),
              "created");
    ip("link set w1 down");
    turn(300); /* the kernel tells of carriers once a second */
    ip("link set w1 up");
    check_report("link w0 was down briefly");
    CHECK(!moved, "that is no move");
}

/* Earlier hints are about something else: the timer restarts. */
static void a_move_amid_noise(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        ip("link add w2 type veth peer name w3\nlink set w2 up\nlink set w3 up");
        turn(100);
        ip("link del w2");
        turn(100);
        CHECK(reports == 0, "noise: %s", last);
    }
    ip("link add w2 type veth peer name w3\nlink set w2 up");
    turn(100);
    ip("route replace default via 10.8.0.3");
    check_report("the default route went from 10.8.0.2 to 10.8.0.3 by w0");
    ip("link del w2");
    turn(QUIET_MS);
    CHECK_INT(1, reports, "nothing more");
}

/* A route to a probed address, as set by a VPN; and a rule, which does not appear in the
 * routes. */
static void routes_to_what_is_probed(void **state)
{
    (void)state;
    struct endpoint to;
    endpoint_parse(&to, "203.0.113.9", 443);
    netlink_follow(netlink, &to);
    netlink_follow(netlink, &to);
    ip("link add w2 type veth peer name w3\nlink set w3 up\nlink set w2 up\naddr add 10.5.0.1/24 dev w2\n"
       "route add 203.0.114.0/24 dev w2");
    turn(QUIET_MS);
    CHECK(reports == 0, "of others: %s", last);
    ip("route add 203.0.113.0/24 dev w2");
    check_report("the route to 203.0.113.9 by w2 is new");
    ip("route del 203.0.113.0/24 dev w2");
    check_report("the route to 203.0.113.9 by w2 is gone");
    ip("route add 203.0.113.0/24 dev w2 table 77\nrule add to 203.0.113.9 lookup 77");
    check_report("the route to 203.0.113.9 by w2 is new");
    ip("rule del to 203.0.113.9 lookup 77");
    check_report("the route to 203.0.113.9 by w2 is gone");
    ip("link del w2");
}

/* What takes the default route from the uplink in use is a move, by whatever means. */
static void another_uplink(void **state)
{
    (void)state;
    struct endpoint to;
    endpoint_parse(&to, "203.0.113.9", 443);
    ip("link add w2 type veth peer name w3\nlink set w3 up\nlink set w2 up\n"
       "addr add 10.5.0.1/24 dev w2\nroute add default via 10.5.0.2 metric 700\n"
       "route add default via 10.8.0.2 metric 100\nroute del default via 10.8.0.2 metric 0");
    turn(QUIET_MS);
    CHECK(reports == 0, "a second uplink, and another metric of the first: %s", last);
    ip("route add default via 10.5.0.2 metric 50");
    check_report("the default route went from 10.8.0.2 by w0 to 10.5.0.2 by w2");
    CHECK(moved, "the second uplink has the better metric now");
    ip("route del default via 10.5.0.2 metric 50");
    check_report("the default route went from 10.5.0.2 by w2 to 10.8.0.2 by w0");

    netlink_follow(netlink, &to);
    ip("tuntap add t9 mode tun\nlink set t9 up\naddr add 10.77.0.2/24 dev t9");
    turn(QUIET_MS);
    CHECK_INT(2, reports, "a VPN that carries nothing");
    ip("route add 0.0.0.0/1 dev t9\nroute add 128.0.0.0/1 dev t9"); /* OpenVPN's def1 */
    check_report("the route to 203.0.113.9 by t9 is new");
    ip("route del 0.0.0.0/1 dev t9\nroute del 128.0.0.0/1 dev t9");
    check_report("the route to 203.0.113.9 by t9 is gone");
    /* wg-quick's */
    ip("route add default dev t9 table 51820\nrule add not fwmark 51820 table 51820\n"
       "rule add table main suppress_prefixlength 0");
    check_report("the route to 203.0.113.9 by t9 is new");
    ip("rule del not fwmark 51820 table 51820\n"
       "rule del table main suppress_prefixlength 0\nroute del default table 51820");
    check_report("the route to 203.0.113.9 by t9 is gone");
    ip("route add default dev t9 metric 1"); /* NetworkManager's */
    check_report("the default route went from 10.8.0.2 by w0 to t9");
    ip("link del t9");
    check_report("the default route went from t9 to 10.8.0.2 by w0");
    ip("link del w2");
}

/* Renewals as clients do them: the same lease again, after it was taken away or not; and an
 * interface that gets another name. */
static void renewed_and_renamed(void **state)
{
    (void)state;
    ip("addr del 10.8.0.1/24 dev w0\naddr add 10.8.0.1/24 dev w0 valid_lft 300 preferred_lft 300\n"
       "route add default via 10.8.0.2");
    turn(QUIET_MS);
    CHECK(reports == 0, "a client that begins anew: %s", last);
    ip("addr replace 10.8.0.1/24 dev w0 valid_lft 900 preferred_lft 900\n"
       "route replace default via 10.8.0.2 proto dhcp src 10.8.0.1");
    turn(QUIET_MS);
    CHECK(reports == 0, "the same lease, now with its source: %s", last);
    if (system("ip link set w0 name wan7 2>/dev/null") != 0)
        printf("# SKIP: this kernel renames no interface that is up\n");
    turn(QUIET_MS);
    CHECK(reports == 0, "renamed: %s", last);
    ip("route replace default via 10.8.0.3 proto dhcp src 10.8.0.1");
    turn(10000);
    CHECK_INT(1, reports, last);
    CHECK_INT(0, system("ip link set wan7 name w0 2>/dev/null; true"), "as before");
}

/* A Router Advertisement (RFC 4861) out of w1: prefix fd0a::/64, and router lifetime. */
static void advertise(uint16_t router_s, uint32_t prefix_s)
{
    struct {
        struct nd_router_advert head;
        struct nd_opt_prefix_info prefix;
    } ra = {.head = {.nd_ra_hdr = {.icmp6_type = ND_ROUTER_ADVERT}},
            .prefix = {.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION,
                       .nd_opt_pi_len = 4,
                       .nd_opt_pi_prefix_len = 64,
                       .nd_opt_pi_flags_reserved =
                           ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO}};
    struct endpoint link = {.family = FAMILY_IPV6};
    CHECK(socket_set_zone(&link, "w1"), "w1");
    struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_scope_id = link.scope};
    int hops = 255, s = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
    ra.head.nd_ra_router_lifetime = htons(router_s);
    ra.prefix.nd_opt_pi_valid_time = ra.prefix.nd_opt_pi_preferred_time = htonl(prefix_s);
    inet_pton(AF_INET6, "fd0a::", &ra.prefix.nd_opt_pi_prefix);
    inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
    setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
    CHECK(sendto(s, &ra, sizeof ra, 0, (struct sockaddr *)&all, sizeof all) ==
              (ssize_t)sizeof ra,
          "sent: %s", strerror(errno));
    close(s);
}

static void router_advertisements(void **state)
{
    (void)state;
    write_file("/proc/sys/net/ipv6/conf/w0/accept_ra", "2");
    write_file("/proc/sys/net/ipv6/conf/w0/accept_dad", "0");
    write_file("/proc/sys/net/ipv6/conf/w0/accept_ra_from_local", "1"); /* w1's */
    ip("addr add fe80::77/64 dev w1 nodad");
    advertise(1800, 86400);
    turn(10000);
    CHECK_INT(1, reports, "the first one");
    CHECK(strstr(last, "the IPv6 default route fe80::") != NULL && moved, "%s", last);
    CHECK_INT(0, system("ip -6 addr show dev w0 | grep -q fd0a:"), "it has an address");
    for (uint16_t i = 1; i <= 4; i++) {
        advertise((uint16_t)(1800 - i), 86400 - 60 * i);
        turn(300);
    }
    turn(QUIET_MS);
    CHECK(reports == 1, "renewals: %s", last);
    advertise(0, 86400);
    turn(10000);
    CHECK(reports == 2 && strstr(last, "is gone") != NULL && moved, "%s", last);
}

static void destroyed_while_it_settles(void **state)
{
    (void)state;
    ip("route del default");
    turn(100);
    CHECK_INT(0, reports, "not yet");
    netlink_destroy(netlink);
    netlink = NULL;
    turn(QUIET_MS);
    CHECK_INT(0, reports, "nor after it is destroyed");
}

static void destroy_inside(const struct network_change *what, void *user)
{
    (void)what, (void)user;
    reports++;
    netlink_destroy(netlink);
    netlink = NULL;
}

static void destroyed_inside_the_callback(void **state)
{
    (void)state;
    netlink_destroy(netlink);
    CHECK_INT(0, netlink_create(&netlink, &loop, SETTLE_NS, destroy_inside, NULL),
              "created");
    ip("route del default");
    turn(10000);
    CHECK_INT(1, reports, "reported");
}

static void no_descriptor_left(void **state)
{
    (void)state;
    struct netlink *another = NULL;
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    int next = dup(0); /* the lowest that is free */
    close(next);
    none = before;
    for (int room = 0; room < 2; room++) { /* for none, and for the socket alone */
        none.rlim_cur = (rlim_t)(next + room);
        setrlimit(RLIMIT_NOFILE, &none);
        int rc = netlink_create(&another, &loop, SETTLE_NS, on_change, &loop);
        setrlimit(RLIMIT_NOFILE, &before);
        CHECK_INT(-EMFILE, rc, "created");
    }
    netlink_destroy(NULL);
}

int main(void)
{
    if (!make_network()) {
        printf("1..0 # SKIP no network namespaces here\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_change, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(temporary_addresses, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(lost_count, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(a_full_table, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(a_link_that_was_down_for_a_moment, set_up_host,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_move_amid_noise, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(routes_to_what_is_probed, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(another_uplink, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(renewed_and_renamed, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(router_advertisements, set_up_host, tear_down),
        cmocka_unit_test_setup_teardown(destroyed_while_it_settles, set_up_host,
                                        tear_down),
        cmocka_unit_test_setup_teardown(destroyed_inside_the_callback, set_up_host,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_descriptor_left, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
