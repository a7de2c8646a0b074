#include "net/netlink_message.h"

#include "check.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

/* ---- messages as the kernel writes them ---- */

static _Alignas(4) uint8_t bytes[1024];
static size_t len; /* of all messages */
static size_t at;  /* where the last one begins */

static void put(const void *what, size_t size)
{
    CHECK(len + size <= sizeof bytes, "room");
    memcpy(bytes + len, what, size);
    len += size;
    ((struct nlmsghdr *)(bytes + at))->nlmsg_len = (uint32_t)(len - at);
    while (len % 4 != 0)
        bytes[len++] = 0;
}

static void begin(uint16_t type, uint16_t flags, const void *body, size_t size)
{
    struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_flags = flags};
    at = len;
    put(&head, sizeof head);
    put(body, size);
}

static void attribute(uint16_t type, const void *value, size_t size)
{
    uint8_t text[64];
    struct rtattr head = {.rta_len = (uint16_t)RTA_LENGTH(size), .rta_type = type};
    memcpy(text, &head, sizeof head);
    memcpy(text + sizeof head, value, size);
    put(text, sizeof head + size);
}

static void attribute_u32(uint16_t type, uint32_t value)
{
    attribute(type, &value, sizeof value);
}

static void link_message(uint16_t type, uint8_t family, int index, unsigned flags)
{
    struct ifinfomsg m = {.ifi_family = family, .ifi_index = index, .ifi_flags = flags};
    begin(type, 0, &m, sizeof m);
    attribute(IFLA_IFNAME, "eth0", 5);
}

static const uint8_t ipv4[] = {192, 0, 2, 7}, gateway4[] = {192, 0, 2, 1};
static const uint8_t ipv6[16] = {0x20, 1, 0xd, 0xb8, [15] = 7},
                     gateway6[16] = {0xfe, 0x80};

static void address4(uint16_t type, uint8_t scope, uint8_t flags)
{
    struct ifaddrmsg m = {AF_INET, 24, flags, scope, 2};
    begin(type, 0, &m, sizeof m);
    attribute(IFA_ADDRESS, gateway4, 4); /* the peer's */
    attribute(IFA_LOCAL, ipv4, 4);
}

static void address6(uint16_t type, uint32_t flags)
{
    struct ifaddrmsg m = {AF_INET6, 64, (uint8_t)flags, RT_SCOPE_UNIVERSE, 2};
    begin(type, 0, &m, sizeof m);
    attribute(IFA_ADDRESS, ipv6, 16);
    attribute_u32(IFA_FLAGS, flags);
}

static void route_head(uint16_t type, uint8_t family, uint8_t dst_len, uint32_t table,
                       uint8_t kind, unsigned flags)
{
    struct rtmsg m = {.rtm_family = family,
                      .rtm_dst_len = dst_len,
                      .rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_COMPAT,
                      .rtm_type = kind,
                      .rtm_flags = flags};
    begin(type, 0, &m, sizeof m);
    attribute_u32(RTA_TABLE, table);
}

static void route4(uint16_t type, uint8_t dst_len, uint32_t table, uint8_t kind)
{
    route_head(type, AF_INET, dst_len, table, kind, 0);
    attribute_u32(RTA_OIF, 2);
    attribute(RTA_GATEWAY, gateway4, 4);
    attribute_u32(RTA_PRIORITY, 100);
}

/* ---- what was read ---- */

static struct netlink_event events[8];
static size_t n_events;

static void on_event(const struct netlink_event *event, void *user)
{
    (void)user;
    CHECK(n_events < 8, "no more than that");
    events[n_events++] = *event;
}

static int read_all(void)
{
    n_events = 0;
    int rc = netlink_read(bytes, len, on_event, NULL);
    len = 0;
    return rc;
}

/* The only one, in short: there or not, part, interface, family, address, metric. */
static const char *first_event(void)
{
    static char text[128];
    char address[ADDRESS_TEXT_MAX];
    const struct netlink_event *e = &events[0];
    const char *const parts[] = {"link", "route", "address"};
    if (n_events != 1)
        return n_events == 0 ? "" : "several";
    snprintf(text, sizeof text, "%s %s %u %s %s/%u %u", e->there ? "+" : "-",
             parts[e->item.part], e->item.interface, family_name(e->item.family),
             endpoint_address(address, &e->item.address), e->item.prefix_len,
             e->item.metric);
    return text;
}

#define EXPECT(expected, message, what)                                                  \
    do {                                                                                 \
        message;                                                                         \
        CHECK_INT(0, read_all(), what);                                                  \
        CHECK_TEXT(expected, first_event(), what);                                       \
    } while (0)

#define RUNNING (IFF_UP | IFF_RUNNING)

static void links(void **state)
{
    (void)state;
    EXPECT("+ link 2 none /0 0", link_message(RTM_NEWLINK, 0, 2, RUNNING), "up");
    EXPECT("- link 2 none /0 0", link_message(RTM_NEWLINK, 0, 2, IFF_UP), "no carrier");
    EXPECT("- link 2 none /0 0", link_message(RTM_NEWLINK, 0, 2, IFF_RUNNING), "off");
    EXPECT("- link 2 none /0 0", link_message(RTM_DELLINK, 0, 2, RUNNING), "gone");
    EXPECT("", link_message(RTM_NEWLINK, 0, 1, RUNNING), "loopback");
    EXPECT("", link_message(RTM_DELLINK, AF_BRIDGE, 2, RUNNING), "left a bridge");
}

static void addresses(void **state)
{
    (void)state;
    EXPECT("+ address 2 ipv4 192.0.2.7/24 0", address4(RTM_NEWADDR, 0, 0), "new");
    EXPECT("- address 2 ipv4 192.0.2.7/24 0", address4(RTM_DELADDR, 0, 0), "gone");
    EXPECT("+ address 2 ipv4 192.0.2.7/24 0", address4(RTM_NEWADDR, 0, IFA_F_SECONDARY),
           "a second one");
    EXPECT("", address4(RTM_NEWADDR, RT_SCOPE_LINK, 0), "no further than the link");
    EXPECT("+ address 2 ipv6 2001:db8::7/64 0", address6(RTM_NEWADDR, IFA_F_PERMANENT),
           "IPv6");
    EXPECT("- address 2 ipv6 2001:db8::7/64 0", address6(RTM_NEWADDR, IFA_F_TENTATIVE),
           "not in use yet");
    EXPECT("- address 2 ipv6 2001:db8::7/64 0", address6(RTM_NEWADDR, IFA_F_DADFAILED),
           "somebody else's");
    EXPECT("+ address 2 ipv6 2001:db8::7/64 0",
           address6(RTM_NEWADDR, IFA_F_NOPREFIXROUTE), "flags beyond eight bits");
    EXPECT("", address6(RTM_NEWADDR, IFA_F_TEMPORARY | IFA_F_TENTATIVE), "temporary");
}

static void routes(void **state)
{
    (void)state;
    EXPECT("+ route 2 ipv4 192.0.2.1/0 100",
           route4(RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST), "new");
    EXPECT("- route 2 ipv4 192.0.2.1/0 100",
           route4(RTM_DELROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST), "gone");
    EXPECT("", route4(RTM_NEWROUTE, 24, RT_TABLE_MAIN, RTN_UNICAST), "not the default");
    EXPECT("", route4(RTM_NEWROUTE, 0, 1000, RTN_UNICAST), "another table");
    EXPECT("", route4(RTM_NEWROUTE, 0, RT_TABLE_LOCAL, RTN_UNICAST), "the local table");
    EXPECT("", route4(RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_BLACKHOLE), "leads nowhere");

    route_head(RTM_NEWROUTE, AF_INET6, 0, RT_TABLE_MAIN, RTN_UNICAST, RTM_F_CLONED);
    EXPECT("", attribute_u32(RTA_OIF, 2), "cached");
    route_head(RTM_NEWROUTE, AF_INET6, 0, RT_TABLE_MAIN, RTN_UNICAST, 0);
    attribute_u32(RTA_OIF, 2);
    EXPECT("+ route 2 ipv6 fe80::/0 0", attribute(RTA_GATEWAY, gateway6, 16), "IPv6");
    route_head(RTM_NEWROUTE, AF_INET, 0, RT_TABLE_MAIN, RTN_UNICAST, 0);
    EXPECT("+ route 5 ipv4 /0 0", attribute_u32(RTA_OIF, 5), "without gateway");

    uint8_t via[18] = {[2] = 0xfe, [3] = 0x80};
    memcpy(via, &(uint16_t){AF_INET6}, 2);
    route_head(RTM_NEWROUTE, AF_INET, 0, RT_TABLE_MAIN, RTN_UNICAST, 0);
    attribute_u32(RTA_OIF, 2);
    EXPECT("+ route 2 ipv4 fe80::/0 0", attribute(RTA_VIA, via, sizeof via),
           "IPv4 by IPv6");
    EXPECT("", route_head(RTM_NEWROUTE, AF_DECnet, 0, RT_TABLE_MAIN, RTN_UNICAST, 0),
           "of another family");
}

/* Two next hops, as an attribute of a route; `first_len` is what the first one says. */
static void put_hops(uint16_t first_len)
{
    uint8_t hops[sizeof(struct rtnexthop) + 8 + sizeof(struct rtnexthop)];
    struct rtnexthop one = {.rtnh_len = first_len, .rtnh_ifindex = 2};
    struct rtnexthop two = {.rtnh_len = sizeof two, .rtnh_ifindex = 3};
    struct rtattr gateway = {.rta_len = 8, .rta_type = RTA_GATEWAY};
    memcpy(hops, &one, sizeof one);
    memcpy(hops + sizeof one, &gateway, sizeof gateway);
    memcpy(hops + sizeof one + sizeof gateway, gateway4, 4);
    memcpy(hops + sizeof one + 8, &two, sizeof two);
    route_head(RTM_NEWROUTE, AF_INET, 0, RT_TABLE_MAIN, RTN_UNICAST, 0);
    attribute(RTA_MULTIPATH, hops, sizeof hops);
}

static void next_hops(void **state)
{
    (void)state;
    put_hops(sizeof(struct rtnexthop) + 8);
    CHECK_INT(0, read_all(), "read");
    CHECK_INT(2, n_events, "next hops");
    CHECK_INT(192, events[0].item.address.bytes[0], "the first has a gateway");
    CHECK_INT(3, events[1].item.interface, "the second");
    CHECK_INT(FAMILY_NONE, events[1].item.address.family, "which has none");
    static const uint16_t wrong[] = {0, 7, 200, UINT16_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put_hops(wrong[i]);
        EXPECT("", (void)0, "lengths that lie");
    }
}

static void ends(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint16_t type;
        int32_t error;
        int expected;
    } cases[] = {
        {"the end of a dump", NLMSG_DONE, 0, 1},
        {"a dump that failed", NLMSG_DONE, -EINVAL, -EINVAL},
        {"refused", NLMSG_ERROR, -EPERM, -EPERM},
        {"acknowledged", NLMSG_ERROR, 0, 1},
        {"no error number", NLMSG_ERROR, INT32_MIN, 1},
        {"something else", NLMSG_NOOP, 0, 0},
        {"a neighbour", RTM_NEWNEIGH, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        link_message(RTM_NEWLINK, 0, 2, RUNNING);
        begin(cases[i].type, 0, &cases[i].error, sizeof cases[i].error);
        CHECK_INT(cases[i].expected, read_all(), cases[i].what);
        CHECK_INT(1, n_events, "what stands before it is read");
    }
}

/* Every length short of the whole, and every length that a message may claim. */
/* ---- answers about one address ---- */

/* "ADDRESS INTERFACE", or "" where it stays on this host. */
static const char *hop_of(enum family family, const uint8_t *to)
{
    static char text[ADDRESS_TEXT_MAX + 16];
    char address[ADDRESS_TEXT_MAX];
    struct network_item hop = {.family = family, .address.family = (uint8_t)family};
    memcpy(hop.address.bytes, to, family == FAMILY_IPV4 ? 4 : 16);
    bool leaves = netlink_read_hop(bytes, len, &hop);
    len = 0;
    snprintf(text, sizeof text, "%s %u", endpoint_address(address, &hop.address),
             hop.interface);
    return leaves ? text : "";
}

static void hops(void **state)
{
    (void)state;
    route4(RTM_NEWROUTE, 32, RT_TABLE_MAIN, RTN_UNICAST);
    CHECK_TEXT("192.0.2.1 2", hop_of(FAMILY_IPV4, ipv4), "a gateway");
    route_head(RTM_NEWROUTE, AF_INET6, 128, RT_TABLE_MAIN, RTN_UNICAST, 0);
    attribute_u32(RTA_OIF, 3);
    CHECK_TEXT("2001:db8::7 3", hop_of(FAMILY_IPV6, ipv6), "the address itself");
    uint8_t via[18] = {AF_INET6};
    memcpy(via + 2, gateway6, 16);
    route_head(RTM_NEWROUTE, AF_INET, 32, RT_TABLE_MAIN, RTN_UNICAST, 0);
    attribute_u32(RTA_OIF, 3);
    attribute(RTA_VIA, via, sizeof via);
    CHECK_TEXT("fe80:: 3", hop_of(FAMILY_IPV4, ipv4), "IPv4 through IPv6");
    route4(RTM_NEWROUTE, 32, RT_TABLE_LOCAL, RTN_LOCAL);
    CHECK_TEXT("", hop_of(FAMILY_IPV4, ipv4), "this host");
    route4(RTM_DELROUTE, 32, RT_TABLE_MAIN, RTN_UNICAST);
    CHECK_TEXT("", hop_of(FAMILY_IPV4, ipv4), "no answer");
    int32_t error = -ENETUNREACH;
    begin(NLMSG_ERROR, 0, &error, sizeof error);
    CHECK_TEXT("", hop_of(FAMILY_IPV4, ipv4), "no route");
    CHECK_TEXT("", hop_of(FAMILY_IPV4, ipv4), "nothing at all");
}

static uint16_t neighbour(uint16_t type, uint16_t neighbour_state, size_t cut)
{
    struct ndmsg m = {.ndm_family = AF_INET, .ndm_state = neighbour_state};
    begin(type, 0, &m, sizeof m - cut);
    uint16_t read = netlink_read_neighbour(bytes, len);
    len = 0;
    return read;
}

static void neighbours(void **state)
{
    (void)state;
    CHECK_INT(NUD_INCOMPLETE, neighbour(RTM_NEWNEIGH, NUD_INCOMPLETE, 0), "asked for");
    CHECK_INT(NUD_REACHABLE, neighbour(RTM_NEWNEIGH, NUD_REACHABLE, 0), "known");
    CHECK_INT(0, neighbour(RTM_DELNEIGH, NUD_INCOMPLETE, 0), "another message");
    CHECK_INT(0, neighbour(RTM_NEWNEIGH, NUD_INCOMPLETE, 1), "cut short");
    CHECK_INT(0, netlink_read_neighbour(bytes, 0), "nothing at all");
}

static void lengths_that_lie(void **state)
{
    (void)state;
    address4(RTM_NEWADDR, 0, 0);
    put_hops(sizeof(struct rtnexthop) + 8);
    size_t whole = len;
    for (size_t short_len = 0; short_len < whole; short_len++) {
        uint8_t *copy = malloc(short_len + 1); /* sanitizers see what is read behind it */
        memcpy(copy, bytes, short_len);
        n_events = 0;
        CHECK_INT(0, netlink_read(copy, short_len, on_event, NULL), "nothing ends");
        free(copy);
        CHECK(n_events < 3, "%zu of %zu bytes: %zu events", short_len, whole, n_events);
    }
    for (uint32_t claimed = 0; claimed < 2 * whole; claimed++) {
        ((struct nlmsghdr *)bytes)->nlmsg_len = claimed;
        n_events = 0;
        netlink_read(bytes, whole, on_event, NULL);
        CHECK(n_events <= 3, "%u claimed", claimed);
    }
    len = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),      cmocka_unit_test(addresses),
        cmocka_unit_test(routes),     cmocka_unit_test(next_hops),
        cmocka_unit_test(ends),       cmocka_unit_test(hops),
        cmocka_unit_test(neighbours), cmocka_unit_test(lengths_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
