#include "net/link.h"

#include "net/neighbour.h"

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/nl80211.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 8192, DATAGRAMS_MAX = 16 };

union link_request {
    struct nlmsghdr head;
    uint8_t bytes[128];
};

static void begin(union link_request *r, uint16_t type, const void *body, size_t len)
{
    memset(r, 0, sizeof *r);
    r->head.nlmsg_type = type;
    r->head.nlmsg_flags = NLM_F_REQUEST;
    r->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
    memcpy(NLMSG_DATA(&r->head), body, len);
}

static struct rtattr *add_attribute(union link_request *r, uint16_t type,
                                    const void *value, size_t len)
{
    struct rtattr *a = (struct rtattr *)(r->bytes + NLMSG_ALIGN(r->head.nlmsg_len));
    a->rta_type = type;
    a->rta_len = (uint16_t)RTA_LENGTH(len);
    if (len > 0)
        memcpy(RTA_DATA(a), value, len);
    r->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->head.nlmsg_len) + RTA_SPACE(len));
    return a;
}

/* The length of the answer, or -errno. */
static ssize_t ask(int fd, const union link_request *r, uint8_t answer[ANSWER_MAX])
{
    ssize_t n = send(fd, r, r->head.nlmsg_len, 0);
    if (n > 0)
        n = recv(fd, answer, ANSWER_MAX, MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

int links_read(const struct links *l, const char *name, struct link_state *out)
{
    union link_request r;
    uint8_t answer[ANSWER_MAX];
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    uint32_t brief = RTEXT_FILTER_SKIP_STATS; /* of IPv6, and VFs are left out as well */
    begin(&r, RTM_GETLINK, &body, sizeof body);
    add_attribute(&r, IFLA_IFNAME, name, strnlen(name, INTERFACE_NAME_MAX - 1) + 1);
    add_attribute(&r, IFLA_EXT_MASK, &brief, sizeof brief);
    ssize_t n = ask(l->route, &r, answer);
    return n < 0 ? (int)n : link_read_state(answer, (size_t)n, out);
}

/* What else waits: a driver may put a message in front of an answer, NLMSG_ERROR behind it. */
static void drop_rest(int fd, uint8_t answer[ANSWER_MAX])
{
    while (recv(fd, answer, ANSWER_MAX, MSG_DONTWAIT) > 0)
        continue;
}

static uint16_t find_family(int fd, const char *name)
{
    union link_request r;
    uint8_t answer[ANSWER_MAX];
    struct genlmsghdr body = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
    begin(&r, GENL_ID_CTRL, &body, sizeof body);
    add_attribute(&r, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
    ssize_t n = ask(fd, &r, answer);
    return n > 0 ? link_read_family(answer, (size_t)n) : 0;
}

struct link_modes links_modes(const struct links *l, uint32_t index)
{
    union link_request r;
    uint8_t answer[ANSWER_MAX];
    struct link_modes modes = {0};
    struct genlmsghdr body = {.cmd = ETHTOOL_MSG_LINKMODES_GET, .version = 1};
    if (l->generic < 0 || l->ethtool == 0)
        return modes;
    begin(&r, l->ethtool, &body, sizeof body);
    struct rtattr *outer =
        add_attribute(&r, ETHTOOL_A_LINKMODES_HEADER | NLA_F_NESTED, NULL, 0);
    add_attribute(&r, ETHTOOL_A_HEADER_DEV_INDEX, &index, sizeof index);
    outer->rta_len = (uint16_t)(r.bytes + r.head.nlmsg_len - (uint8_t *)outer);
    ssize_t n = ask(l->generic, &r, answer);
    if (n > 0)
        link_read_modes(answer, (size_t)n, l->ethtool, &modes);
    drop_rest(l->generic, answer);
    return modes;
}

static ssize_t ask_wifi(const struct links *l, uint8_t command, uint16_t flags,
                        uint32_t index, uint8_t answer[ANSWER_MAX])
{
    union link_request r;
    struct genlmsghdr body = {.cmd = command};
    begin(&r, l->nl80211, &body, sizeof body);
    r.head.nlmsg_flags |= flags;
    add_attribute(&r, NL80211_ATTR_IFINDEX, &index, sizeof index);
    return ask(l->generic, &r, answer);
}

struct wifi_link links_wifi(struct links *l, uint32_t index)
{
    uint8_t answer[ANSWER_MAX];
    struct wifi_link link = {0};
    if (l->generic >= 0 && l->nl80211 == 0)
        l->nl80211 = find_family(l->generic, NL80211_GENL_NAME);
    if (l->generic < 0 || l->nl80211 == 0)
        return link;
    ssize_t n = ask_wifi(l, NL80211_CMD_GET_INTERFACE, 0, index, answer);
    if (n <= 0 || !wifi_read_is_client(answer, (size_t)n, l->nl80211))
        return link;
    n = ask_wifi(l, NL80211_CMD_GET_STATION, NLM_F_DUMP, index, answer);
    for (size_t i = 0; n > 0 && i < DATAGRAMS_MAX; i++) {
        wifi_read_access_point(answer, (size_t)n, l->nl80211, &link);
        n = recv(l->generic, answer, ANSWER_MAX, MSG_DONTWAIT);
    }
    drop_rest(l->generic, answer);
    return link;
}

bool links_to(const struct links *l, const struct endpoint *address,
              char name[INTERFACE_NAME_MAX])
{
    struct network_item hop;
    char text[IF_NAMESIZE];
    if (!neighbour_next_hop(l->route, address, NULL, &hop) ||
        if_indextoname(hop.interface, text) == NULL)
        return false;
    text_copy(name, INTERFACE_NAME_MAX, text);
    return true;
}

int links_open(struct links *l)
{
    *l = (struct links){.generic = -1};
    l->route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (l->route < 0)
        return -errno;
    l->generic = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    if (l->generic >= 0)
        l->ethtool = find_family(l->generic, ETHTOOL_GENL_NAME);
    return 0;
}

void links_close(struct links *l)
{
    if (l->route >= 0)
        close(l->route);
    if (l->generic >= 0)
        close(l->generic);
    l->route = l->generic = -1;
}
