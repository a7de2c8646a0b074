/* rtnetlink(7): the route to the address, then the neighbour that it goes through. */
#include "net/neighbour.h"

#include "net/clock.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct address {
    uint8_t family;
    uint8_t len;
    uint8_t bytes[16];
};

union request { /* of both kinds, with one address and one number */
    struct nlmsghdr head;
    uint8_t bytes[NLMSG_SPACE(sizeof(struct rtmsg)) + RTA_SPACE(16)];
};

union answer {
    struct nlmsghdr head;
    uint8_t bytes[1024];
};

static struct address address_of(const struct endpoint *to)
{
    bool ipv6 = to->family == FAMILY_IPV6;
    struct address a = {.family = ipv6 ? AF_INET6 : AF_INET, .len = ipv6 ? 16 : 4};
    memcpy(a.bytes, to->bytes, sizeof a.bytes);
    return a;
}

static void begin(union request *r, uint16_t type, const void *body, size_t body_len)
{
    memset(r, 0, sizeof *r);
    r->head.nlmsg_type = type;
    r->head.nlmsg_flags = NLM_F_REQUEST;
    r->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_len);
    memcpy(NLMSG_DATA(&r->head), body, body_len);
}

static void add_address(union request *r, uint16_t type, const struct address *a)
{
    struct rtattr *attribute =
        (struct rtattr *)(r->bytes + NLMSG_ALIGN(r->head.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(a->len);
    memcpy(RTA_DATA(attribute), a->bytes, a->len);
    r->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->head.nlmsg_len) + RTA_LENGTH(a->len));
}

/* The length of the answer, 0 when there is none. The kernel has answered before sending
 * returns. */
static size_t ask(int netlink, const union request *r, union answer *a)
{
    ssize_t n = send(netlink, r, r->head.nlmsg_len, 0);
    if (n > 0)
        n = recv(netlink, a, sizeof *a, MSG_DONTWAIT);
    return n > 0 && NLMSG_OK(&a->head, (size_t)n) ? (size_t)n : 0;
}

/* Finds the next hop of `to`, which may be `to` itself, and its interface. False: it
 * stays on this host, or there is no route. */
static bool next_hop(int netlink, const struct address *to, struct address *hop,
                     int *interface)
{
    struct rtmsg body = {.rtm_family = to->family, .rtm_dst_len = (uint8_t)(8 * to->len)};
    union request r;
    union answer a;
    begin(&r, RTM_GETROUTE, &body, sizeof body);
    add_address(&r, RTA_DST, to);
    if (ask(netlink, &r, &a) == 0 || a.head.nlmsg_type != RTM_NEWROUTE)
        return false;
    const struct rtmsg *route = NLMSG_DATA(&a.head);
    if (route->rtm_type != RTN_UNICAST)
        return false;
    *hop = *to;
    *interface = 0;
    int len = (int)RTM_PAYLOAD(&a.head);
    for (struct rtattr *i = RTM_RTA(route); RTA_OK(i, len); i = RTA_NEXT(i, len)) {
        if (i->rta_type == RTA_OIF && RTA_PAYLOAD(i) == sizeof *interface)
            memcpy(interface, RTA_DATA(i), sizeof *interface);
        if (i->rta_type == RTA_GATEWAY && RTA_PAYLOAD(i) == to->len)
            memcpy(hop->bytes, RTA_DATA(i), to->len);
        if (i->rta_type == RTA_VIA && RTA_PAYLOAD(i) == 2 + 16) { /* IPv4 over IPv6 */
            *hop = (struct address){.family = AF_INET6, .len = 16};
            memcpy(hop->bytes, (uint8_t *)RTA_DATA(i) + 2, 16);
        }
    }
    return *interface != 0;
}

static bool incomplete(int netlink, const struct address *hop, int interface)
{
    struct ndmsg body = {.ndm_family = hop->family, .ndm_ifindex = interface};
    union request r;
    union answer a;
    begin(&r, RTM_GETNEIGH, &body, sizeof body);
    add_address(&r, NDA_DST, hop);
    return ask(netlink, &r, &a) > 0 && a.head.nlmsg_type == RTM_NEWNEIGH &&
           (((struct ndmsg *)NLMSG_DATA(&a.head))->ndm_state & NUD_INCOMPLETE) != 0;
}

static bool ask_kernel(const struct endpoint *to)
{
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink < 0)
        return false;
    struct address address = address_of(to), hop;
    int interface;
    bool awaited = next_hop(netlink, &address, &hop, &interface) &&
                   incomplete(netlink, &hop, interface);
    close(netlink);
    return awaited;
}

/* ---- not for each packet: that takes as long as the packet itself ---- */

#define KEPT 256

static struct kept {
    struct endpoint to;
    struct mono until;
} kept[KEPT]; /* by a hash of the address; another one of that place takes it over */

static struct kept *kept_of(const struct endpoint *to)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < sizeof to->bytes; i++)
        hash = (hash ^ to->bytes[i]) * 16777619u;
    return &kept[hash % KEPT];
}

bool neighbour_awaited(const struct endpoint *to)
{
    struct kept *k = kept_of(to);
    struct mono now = mono_now();
    if (now.ns < k->until.ns && endpoint_same_address(&k->to, to))
        return false;
    bool awaited = ask_kernel(to);
    if (!awaited)
        *k = (struct kept){*to, {now.ns + NEIGHBOUR_KEEP_NS}};
    return awaited;
}
