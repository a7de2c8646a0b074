#include "net/link_message.h"

#include "net/netlink_wire.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

/* Older kernels end the struct earlier; newer ones append. */
static void take_counters(struct wire value, struct link_state *out)
{
    struct rtnl_link_stats64 s = {0};
    if (value.left < offsetof(struct rtnl_link_stats64, rx_compressed))
        return;
    wire_copy(&value, &s, value.left < sizeof s ? value.left : sizeof s);
    out->received = (struct link_counters){s.rx_bytes, s.rx_packets, s.rx_errors,
                                           s.rx_dropped + s.rx_missed_errors};
    out->sent =
        (struct link_counters){s.tx_bytes, s.tx_packets, s.tx_errors, s.tx_dropped};
}

static void take_name(struct wire value, char name[INTERFACE_NAME_MAX])
{
    char text[INTERFACE_NAME_MAX + 1] = {0};
    wire_copy(&value, text, value.left < INTERFACE_NAME_MAX ? value.left : 0);
    text_copy(name, INTERFACE_NAME_MAX, text);
    text_visible(name);
}

static void take_kind(struct wire value, char kind[INTERFACE_NAME_MAX])
{
    struct netlink_attribute a;
    while (netlink_next_attribute(&value, &a))
        if (a.type == IFLA_INFO_KIND)
            take_name(a.value, kind);
}

int link_read_state(const void *bytes, size_t len, struct link_state *out)
{
    struct wire w = wire_from(bytes, len);
    struct netlink_message m;
    struct netlink_attribute a;
    struct ifinfomsg link;
    *out = (struct link_state){0};
    if (!netlink_next_message(&w, &m))
        return -EBADMSG;
    if (m.type == NLMSG_ERROR) {
        int rc = netlink_end(m.body);
        return rc < 0 ? rc : -EBADMSG;
    }
    wire_copy(&m.body, &link, sizeof link);
    if (m.type != RTM_NEWLINK || !wire_ok(&m.body) || link.ifi_index <= 0)
        return -EBADMSG;
    unsigned up = IFF_UP | IFF_RUNNING;
    out->index = (uint32_t)link.ifi_index;
    out->up = (link.ifi_flags & up) == up;
    out->type = link.ifi_type;
    while (netlink_next_attribute(&m.body, &a)) {
        if (a.type == IFLA_IFNAME)
            take_name(a.value, out->name);
        if (a.type == IFLA_LINKINFO)
            take_kind(a.value, out->kind);
        if (a.type == IFLA_STATS64)
            take_counters(a.value, out);
    }
    return out->name[0] != '\0' ? 0 : -EBADMSG;
}

/* The attributes of the answer of a generic netlink family. */
static bool generic_answer(const void *bytes, size_t len, uint16_t family,
                           uint8_t command, struct wire *out)
{
    struct wire w = wire_from(bytes, len);
    struct netlink_message m;
    struct genlmsghdr head;
    if (!netlink_next_message(&w, &m) || m.type != family)
        return false;
    wire_copy(&m.body, &head, sizeof head);
    *out = m.body;
    return wire_ok(&m.body) && head.cmd == command;
}

uint16_t link_read_family(const void *bytes, size_t len)
{
    struct wire w;
    struct netlink_attribute a;
    uint16_t id = 0;
    if (!generic_answer(bytes, len, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, &w))
        return 0;
    while (netlink_next_attribute(&w, &a))
        if (a.type == CTRL_ATTR_FAMILY_ID && a.value.left == sizeof id)
            wire_copy(&a.value, &id, sizeof id);
    return id;
}

bool link_read_modes(const void *bytes, size_t len, uint16_t family,
                     struct link_modes *out)
{
    struct wire w;
    struct netlink_attribute a;
    uint32_t speed = 0;
    *out = (struct link_modes){0};
    if (!generic_answer(bytes, len, family, ETHTOOL_MSG_LINKMODES_GET_REPLY, &w))
        return false;
    while (netlink_next_attribute(&w, &a)) {
        if (a.type == ETHTOOL_A_LINKMODES_SPEED)
            netlink_take_u32(&a, &speed);
        if (a.type == ETHTOOL_A_LINKMODES_DUPLEX && a.value.left == 1) {
            uint8_t duplex = wire_u8(&a.value);
            out->duplex = duplex == DUPLEX_HALF   ? DUPLEX_IS_HALF
                          : duplex == DUPLEX_FULL ? DUPLEX_IS_FULL
                                                  : DUPLEX_NOT_KNOWN;
        }
    }
    if (speed <= INT32_MAX) /* SPEED_UNKNOWN is -1 */
        out->mbit_s = speed;
    return true;
}
