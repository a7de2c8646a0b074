/*
 * The first probe to a neighbour whose link address is not known yet: the packet waits in
 * this host, and that is not the way's delay. Two network namespaces joined by veth; the
 * far one's addresses are on its loopback interface, so it answers no ARP and no
 * neighbour solicitation, and the address is told to the kernel by hand, late.
 */
#include "io/probe/tun.h"

#include "net/neighbour.h"
#include "net/socket.h"
#include "probe/icmp/icmp.h"
#include "probe/tcp/tcp.h"

#include <netinet/in.h>

#define WAIT_MS 300
#define MOST_NS (20 * NS_PER_MS) /* of a way through memory, on a busy host */

static const struct probe_kind *const icmp[] = {&icmp_kind}, *const tcp[] = {&tcp_kind};
static const char *const ends[] = {"10.8.0.2", "fd08::2"};
static int far_sockets[2] = {-1, -1};
static struct endpoint far_ports[2];

static void listen_at(int i)
{
    struct endpoint any = bed_to(ends[i], 0);
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_of(&sa, &any);
    int fd = far_sockets[i] = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(0, bind(fd, (struct sockaddr *)&sa, len), "bind");
    CHECK_INT(0, listen(fd, 16), "listen");
    CHECK_INT(0, getsockname(fd, (struct sockaddr *)&sa, &len), "name");
    far_ports[i] = sockaddr_endpoint((struct sockaddr *)&sa);
}

static int this_network(void)
{
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static const char far_setting[] =
    "ip link set lo up && ip link set w1 up && "
    "echo 1 >/proc/sys/net/ipv4/conf/w1/arp_ignore && "
    "ip addr add 10.8.0.2/32 dev lo && ip addr add fd08::2/128 dev lo nodad && "
    "ip route add 10.8.0.0/24 dev w1 src 10.8.0.2 && "
    "ip route add fd08::/64 dev w1 src fd08::2 && "
    "ip neigh add 10.8.0.1 dev w1 lladdr 02:00:00:00:00:01 && "
    "ip neigh add fd08::1 dev w1 lladdr 02:00:00:00:00:01";

static const char near_setting[] = "ip addr add 10.8.0.1/24 dev w0 && "
                                   "ip addr add fd08::1/64 dev w0 nodad && "
                                   "ip link set w0 up";

/* False: not allowed here. The namespaces go with this process. */
static bool make_ethernet(void)
{
    char link[200];
    if (!make_network())
        return false;
    int far = this_network();
    if (unshare(CLONE_NEWNET) != 0)
        return false;
    int near = this_network();
    snprintf(link, sizeof link,
             "ip link add w0 address 02:00:00:00:00:01 type veth "
             "peer name w1 address 02:00:00:00:00:02 netns /proc/%d/fd/%d",
             (int)getpid(), far);
    CHECK_INT(0, system("ip link set lo up"), "lo");
    CHECK_INT(0, system(link), "a veth pair");
    CHECK_INT(0, system(near_setting), "this end");
    CHECK_INT(0, setns(far, CLONE_NEWNET), "the far network");
    CHECK_INT(0, system(far_setting), "the far end");
    listen_at(0);
    listen_at(1);
    CHECK_INT(0, setns(near, CLONE_NEWNET), "and back");
    close(near);
    close(far);
    return true;
}

static void forget(void)
{
    CHECK_INT(0,
              system("ip neigh flush dev w0 nud all; ip -6 neigh flush dev w0 nud all"),
              "no neighbour is known");
}

static void tell(void)
{
    CHECK_INT(0,
              system("ip neigh replace 10.8.0.2 dev w0 lladdr 02:00:00:00:00:02 && "
                     "ip neigh replace fd08::2 dev w0 lladdr 02:00:00:00:00:02"),
              "the neighbours are known");
}

/* One probe that has to wait, and one that need not. */
static struct bed *probe_twice(const struct probe_kind *const *kind,
                               const struct endpoint *to)
{
    struct bed *b = bed_make(kind);
    target_wait(&b->target, 3 * NS_PER_S);
    forget();
    bed_send(b, 0, to);
    bed_turn(b, 1, WAIT_MS);
    CHECK_INT(0, b->n, "it waits");
    tell();
    bed_wait(b, 1);
    CHECK(b->after_ns[0] > WAIT_MS * NS_PER_MS, "that long");
    CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, b->results[0].cause);
    bed_send(b, 0, to);
    bed_wait(b, 2);
    const struct result *second = &b->results[1];
    CHECK_INT(OUTCOME_REPLY, second->outcome, second->cause);
    CHECK(second->kernel_time, "the kernel's");
    CHECK(second->delays[0] > 0 && second->delays[0] < MOST_NS, "the second: %lld ns",
          (long long)second->delays[0]);
    CHECK_TEXT("", second->cause, "nothing to say of it");
    return b;
}

static void icmp_is_stamped_after_the_wait(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        struct endpoint to = bed_to(ends[i], 0);
        struct bed *b = probe_twice(icmp, &to);
        const struct result *r = &b->results[0];
        CHECK(r->kernel_time, "the kernel's");
        CHECK(r->delays[0] > 0 && r->delays[0] < MOST_NS, "%s: %lld ns", ends[i],
              (long long)r->delays[0]);
        bed_end(b);
    }
}

static void tcp_has_no_delay(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        struct bed *b = probe_twice(tcp, &far_ports[i]);
        const struct result *r = &b->results[0];
        CHECK_INT(DELAY_UNDEFINED, r->delays[0], "the wait is not the way's");
        CHECK_TEXT(
            "no delay: the SYN waited in this host for the next hop's link address",
            r->cause, ends[i]);
        CHECK_INT(0, r->lost_packets, "no packet was lost");
        bed_end(b);
    }
}

static void nothing_is_awaited(void **unused)
{
    (void)unused;
    static const char *const others[] = {"127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct endpoint to = bed_to(others[i], 443);
        CHECK(!neighbour_awaited(&to, NULL), "%s: this host, or no route", others[i]);
    }
    forget();
    struct endpoint near = bed_to(ends[0], 443);
    CHECK(!neighbour_awaited(&near, NULL), "nothing was sent to it");
}

int main(void)
{
    if (!make_ethernet()) {
        printf("1..0 # SKIP no network namespaces here\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(icmp_is_stamped_after_the_wait),
        cmocka_unit_test(tcp_has_no_delay),
        cmocka_unit_test(nothing_is_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
