/* Uses rtnetlink(7): queries the route to the address, then the neighbour entry of its
 * next hop. */
#include "net/neighbour.h"

#include "net/clock.h"
#include "net/netlink_message.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union neighbour_request { /* both kinds of query */
    struct nlmsghdr head;
    uint8_t
        bytes[NLMSG_SPACE(sizeof(struct rtmsg)) + 2 * RTA_SPACE(16) + 5 * RTA_SPACE(4)];
};

enum { ANSWER_MAX = 1024 };

static uint8_t family_of(const struct endpoint *e)
{
    return e->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
}

static uint8_t len_of(const struct endpoint *e)
{
    return e->family == FAMILY_IPV6 ? 16 : 4;
}

static void begin(union neighbour_request *r, uint16_t type, const void *body,
                  size_t body_len)
{
    memset(r, 0, sizeof *r);
    r->head.nlmsg_type = type;
    r->head.nlmsg_flags = NLM_F_REQUEST;
    r->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_len);
    memcpy(NLMSG_DATA(&r->head), body, body_len);
}

static void add_attribute(union neighbour_request *r, uint16_t type, const void *value,
                          size_t len)
{
    struct rtattr *attribute =
        (struct rtattr *)(r->bytes + NLMSG_ALIGN(r->head.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(len);
    memcpy(RTA_DATA(attribute), value, len);
    r->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->head.nlmsg_len) + RTA_LENGTH(len));
}

/* The length of the answer, 0 when there is none. The kernel has answered before sending
 * returns. */
static size_t ask(int netlink, const union neighbour_request *r,
                  uint8_t answer[ANSWER_MAX])
{
    ssize_t n = send(netlink, r, r->head.nlmsg_len, 0);
    if (n > 0)
        n = recv(netlink, answer, ANSWER_MAX, MSG_DONTWAIT);
    return n > 0 ? (size_t)n : 0;
}

static void add_source(union neighbour_request *r, const struct endpoint *source)
{
    struct rtmsg *body = NLMSG_DATA(&r->head);
    body->rtm_src_len = (uint8_t)(8 * len_of(source));
    add_attribute(r, RTA_SRC, source->bytes, len_of(source));
}

static void add_uplink(union neighbour_request *r, enum family family,
                       const struct uplink *u)
{
    const struct endpoint *source = &u->source[family_slot(family)];
    uint32_t index = u->interface[0] != '\0' ? if_nametoindex(u->interface) : 0;
    if (index != 0)
        add_attribute(r, RTA_OIF, &index, sizeof index);
    if (u->mark != 0)
        add_attribute(r, RTA_MARK, &u->mark, sizeof u->mark);
    if (source->family != FAMILY_NONE)
        add_source(r, source);
}

static void begin_route(union neighbour_request *r, const struct endpoint *to,
                        const struct uplink *uplink)
{
    struct rtmsg body = {.rtm_family = family_of(to),
                         .rtm_dst_len = (uint8_t)(8 * len_of(to))};
    begin(r, RTM_GETROUTE, &body, sizeof body);
    add_attribute(r, RTA_DST, to->bytes, len_of(to));
    if (to->scope != 0)
        add_attribute(r, RTA_OIF, &to->scope, sizeof to->scope);
    else if (uplink != NULL)
        add_uplink(r, (enum family)to->family, uplink);
}

static bool ask_hop(int netlink, const union neighbour_request *r,
                    const struct endpoint *to, struct network_item *hop)
{
    uint8_t answer[ANSWER_MAX];
    *hop = (struct network_item){.family = (enum family)to->family, .address = *to};
    return netlink_read_hop(answer, ask(netlink, r, answer), hop);
}

bool neighbour_next_hop(int netlink, const struct endpoint *to,
                        const struct uplink *uplink, struct network_item *hop)
{
    union neighbour_request r;
    begin_route(&r, to, uplink);
    return ask_hop(netlink, &r, to, hop);
}

bool neighbour_flow_hop(int netlink, const struct endpoint *to, uint16_t source_port,
                        const struct uplink *uplink, struct network_item *hop)
{
    union neighbour_request r;
    uint8_t protocol = IPPROTO_TCP;
    uint16_t from = htons(source_port), port = htons(to->port);
    begin_route(&r, to, uplink);
    add_attribute(&r, RTA_IP_PROTO, &protocol, sizeof protocol);
    add_attribute(&r, RTA_SPORT, &from, sizeof from);
    add_attribute(&r, RTA_DPORT, &port, sizeof port);
    bool found = ask_hop(netlink, &r, to, hop);
    bool bound = uplink != NULL && uplink->source[SLOT_IPV4].family != FAMILY_NONE;
    if (found && !bound && hop->source.family == FAMILY_IPV4) {
        add_source(&r, &hop->source);
        found = ask_hop(netlink, &r, to, hop);
    }
    return found;
}

/* NUD_*; 0: there is no entry. */
static uint16_t entry(int netlink, const struct network_item *hop)
{
    struct ndmsg body = {.ndm_family = family_of(&hop->address),
                         .ndm_ifindex = (int)hop->interface};
    union neighbour_request r;
    uint8_t answer[ANSWER_MAX];
    begin(&r, RTM_GETNEIGH, &body, sizeof body);
    add_attribute(&r, NDA_DST, hop->address.bytes, len_of(&hop->address));
    return netlink_read_neighbour(answer, ask(netlink, &r, answer));
}

enum neighbour_state neighbour_state_of(const struct endpoint *address,
                                        uint32_t interface)
{
    struct network_item hop = {.interface = interface, .address = *address};
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink < 0)
        return NEIGHBOUR_UNKNOWN;
    uint16_t is = entry(netlink, &hop);
    close(netlink);
    return (is & NUD_REACHABLE) != 0                         ? NEIGHBOUR_ANSWERS
           : (is & (NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0 ? NEIGHBOUR_ASKED
           : (is & (NUD_FAILED | NUD_INCOMPLETE)) != 0       ? NEIGHBOUR_NO_ANSWER
                                                             : NEIGHBOUR_UNKNOWN;
}

static bool ask_kernel(const struct endpoint *to, const struct uplink *uplink)
{
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink < 0)
        return false;
    struct network_item hop;
    bool waits = neighbour_next_hop(netlink, to, uplink, &hop) &&
                 (entry(netlink, &hop) & NUD_INCOMPLETE) != 0;
    close(netlink);
    return waits;
}

/* ---- not for each packet: that takes as long as the packet itself ---- */

enum { SETS = 64, WAYS = 4 };

/* In sets by a hash of the address; the oldest of a set is replaced. */
static struct kept {
    struct endpoint to;
    const struct uplink *uplink;
    struct mono until;
} kept[SETS][WAYS];

/* Its place, or the one that it takes over. */
static struct kept *kept_of(const struct endpoint *to, const struct uplink *uplink)
{
    struct kept *set = kept[endpoint_hash(to) % SETS], *oldest = set;
    for (struct kept *k = set; k < set + WAYS; k++) {
        if (k->uplink == uplink && endpoint_same_address(&k->to, to))
            return k;
        if (k->until.ns < oldest->until.ns)
            oldest = k;
    }
    *oldest = (struct kept){*to, uplink, {0}};
    return oldest;
}

bool neighbour_awaited(const struct endpoint *to, const struct uplink *uplink)
{
    struct kept *k = kept_of(to, uplink);
    struct mono now = mono_now();
    if (now.ns < k->until.ns)
        return false;
    bool waits = ask_kernel(to, uplink);
    k->until.ns = waits ? 0 : now.ns + NEIGHBOUR_KEEP_NS;
    return waits;
}
