#include "net/netlink_message.h"

#include "net/netlink_wire.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#define LOOPBACK_INDEX 1 /* in every network namespace */

struct netlink_reading {
    netlink_event_cb *on_event;
    void *user;
};

static void emit(const struct netlink_reading *r, const struct netlink_event *e)
{
    if (e->item.interface != 0 && e->item.interface != LOOPBACK_INDEX)
        r->on_event(e, r->user);
}

/* ---- fields ---- */

static void take_address(struct wire value, uint16_t family, struct endpoint *out)
{
    size_t len = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
    if (len == 0 || value.left != len)
        return;
    *out = (struct endpoint){.family = len == 4 ? FAMILY_IPV4 : FAMILY_IPV6};
    wire_copy(&value, out->bytes, len);
}

static enum family family_of(uint8_t family)
{
    return family == AF_INET    ? FAMILY_IPV4
           : family == AF_INET6 ? FAMILY_IPV6
                                : FAMILY_NONE;
}

/* ---- messages ---- */

static void read_link(const struct netlink_reading *r, struct wire w, bool gone)
{
    struct ifinfomsg m;
    wire_copy(&w, &m, sizeof m);
    /* AF_BRIDGE messages are about a port of a bridge */
    if (!wire_ok(&w) || m.ifi_family != AF_UNSPEC)
        return;
    unsigned up = IFF_UP | IFF_RUNNING;
    struct netlink_event e = {
        .item = {.part = NETWORK_LINK, .interface = (uint32_t)m.ifi_index},
        .there = !gone && (m.ifi_flags & up) == up,
    };
    emit(r, &e);
}

static void read_address(const struct netlink_reading *r, struct wire w, bool gone)
{
    struct ifaddrmsg m;
    struct netlink_attribute a;
    wire_copy(&w, &m, sizeof m);
    enum family family = family_of(m.ifa_family);
    if (!wire_ok(&w) || family == FAMILY_NONE || m.ifa_scope >= RT_SCOPE_LINK)
        return;
    struct endpoint local = {0},
                    address = {0}; /* `address` is the peer on a point-to-point link */
    uint32_t flags = m.ifa_flags;
    while (netlink_next_attribute(&w, &a)) {
        if (a.type == IFA_LOCAL)
            take_address(a.value, m.ifa_family, &local);
        if (a.type == IFA_ADDRESS)
            take_address(a.value, m.ifa_family, &address);
        if (a.type == IFA_FLAGS)
            netlink_take_u32(&a, &flags);
    }
    if (local.family == FAMILY_NONE)
        local = address;
    if (local.family == FAMILY_NONE ||
        (family == FAMILY_IPV6 && (flags & IFA_F_TEMPORARY) != 0))
        return;
    struct netlink_event e = {
        .item = {.part = NETWORK_ADDRESS,
                 .interface = m.ifa_index,
                 .family = family,
                 .address = local,
                 .prefix_len = m.ifa_prefixlen},
        .there = !gone && (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0,
    };
    emit(r, &e);
}

/* The gateway of a route or of one of its next hops. */
static void take_hop(struct network_item *route, const struct netlink_attribute *a)
{
    struct wire via = a->value;
    uint16_t family = route->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
    if (a->type == RTA_VIA)
        wire_copy(&via, &family, sizeof family);
    if (a->type == RTA_VIA || a->type == RTA_GATEWAY)
        take_address(via, family, &route->address);
}

static void emit_hops(const struct netlink_reading *r, struct netlink_event *e,
                      struct wire hops)
{
    struct rtnexthop hop;
    struct netlink_attribute a;
    for (;;) {
        wire_copy(&hops, &hop, sizeof hop);
        if (!wire_ok(&hops) || hop.rtnh_len < sizeof hop)
            return;
        struct wire attributes = netlink_take_padded(&hops, hop.rtnh_len - sizeof hop);
        e->item.interface = (uint32_t)hop.rtnh_ifindex;
        e->item.address = (struct endpoint){0};
        while (netlink_next_attribute(&attributes, &a))
            take_hop(&e->item, &a);
        if (wire_ok(&hops))
            emit(r, e);
    }
}

static void read_route(const struct netlink_reading *r, struct wire w, bool gone)
{
    struct rtmsg m;
    struct netlink_attribute a;
    wire_copy(&w, &m, sizeof m);
    enum family family = family_of(m.rtm_family);
    if (!wire_ok(&w) || family == FAMILY_NONE || m.rtm_dst_len != 0 ||
        m.rtm_type != RTN_UNICAST || (m.rtm_flags & RTM_F_CLONED) != 0)
        return;
    struct netlink_event e = {
        .item = {.part = NETWORK_ROUTE, .family = family},
        .there = !gone,
    };
    uint32_t table = m.rtm_table;
    struct wire hops = {0};
    while (netlink_next_attribute(&w, &a)) {
        take_hop(&e.item, &a);
        if (a.type == RTA_TABLE)
            netlink_take_u32(&a, &table);
        if (a.type == RTA_PRIORITY)
            netlink_take_u32(&a, &e.item.metric);
        if (a.type == RTA_OIF)
            netlink_take_u32(&a, &e.item.interface);
        if (a.type == RTA_PREFSRC)
            take_address(a.value, m.rtm_family, &e.item.source);
        if (a.type == RTA_MULTIPATH)
            hops = a.value;
    }
    if (table != RT_TABLE_MAIN)
        return;
    emit(r, &e);
    emit_hops(r, &e, hops);
}

int netlink_read(const void *bytes, size_t len, netlink_event_cb *on_event, void *user)
{
    struct netlink_reading r = {on_event, user};
    struct wire w = wire_from(bytes, len);
    struct netlink_message m;
    while (netlink_next_message(&w, &m)) {
        switch (m.type) {
        case NLMSG_DONE:
        case NLMSG_ERROR:
            return netlink_end(m.body);
        case RTM_NEWLINK:
        case RTM_DELLINK:
            read_link(&r, m.body, m.type == RTM_DELLINK);
            break;
        case RTM_NEWADDR:
        case RTM_DELADDR:
            read_address(&r, m.body, m.type == RTM_DELADDR);
            break;
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            read_route(&r, m.body, m.type == RTM_DELROUTE);
            break;
        default:
            break;
        }
    }
    return 0;
}

/* ---- answers about one address ---- */

bool netlink_read_hop(const void *bytes, size_t len, struct network_item *hop)
{
    struct wire w = wire_from(bytes, len);
    struct netlink_message m;
    struct rtmsg route;
    struct netlink_attribute a;
    if (!netlink_next_message(&w, &m) || m.type != RTM_NEWROUTE)
        return false;
    wire_copy(&m.body, &route, sizeof route);
    if (!wire_ok(&m.body) || route.rtm_type != RTN_UNICAST)
        return false;
    while (netlink_next_attribute(&m.body, &a)) {
        take_hop(hop, &a);
        if (a.type == RTA_OIF)
            netlink_take_u32(&a, &hop->interface);
        if (a.type == RTA_PREFSRC)
            take_address(a.value, route.rtm_family, &hop->source);
    }
    return hop->interface != 0;
}

uint16_t netlink_read_neighbour(const void *bytes, size_t len)
{
    struct wire w = wire_from(bytes, len);
    struct netlink_message m;
    struct ndmsg neighbour;
    if (!netlink_next_message(&w, &m) || m.type != RTM_NEWNEIGH)
        return 0;
    wire_copy(&m.body, &neighbour, sizeof neighbour);
    return wire_ok(&m.body) ? neighbour.ndm_state : 0;
}
