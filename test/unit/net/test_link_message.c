#include "net/link_message.h"

#include "check.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

/* ---- messages as the kernel writes them ---- */

static _Alignas(4) uint8_t bytes[1024];
static size_t len;

static void put(const void *what, size_t size)
{
    CHECK(len + size + 3 <= sizeof bytes, "room");
    memcpy(bytes + len, what, size);
    len += size;
    ((struct nlmsghdr *)bytes)->nlmsg_len = (uint32_t)len;
    while (len % 4 != 0)
        bytes[len++] = 0;
}

static void begin(uint16_t type, const void *body, size_t size)
{
    struct nlmsghdr head = {.nlmsg_type = type};
    len = 0;
    put(&head, sizeof head);
    put(body, size);
}

static void attribute(uint16_t type, const void *value, size_t size)
{
    uint8_t text[512];
    struct rtattr head = {.rta_len = (uint16_t)RTA_LENGTH(size), .rta_type = type};
    memcpy(text, &head, sizeof head);
    memcpy(text + sizeof head, value, size);
    put(text, sizeof head + size);
}

static void link_message(const char *name, size_t stats_len)
{
    struct ifinfomsg m = {.ifi_index = 7, .ifi_flags = IFF_UP | IFF_RUNNING};
    struct rtnl_link_stats64 s = {.rx_packets = 1,
                                  .tx_packets = 2,
                                  .rx_bytes = UINT64_C(5000000000),
                                  .tx_bytes = 4,
                                  .rx_errors = 5,
                                  .tx_errors = 6,
                                  .rx_dropped = 7,
                                  .tx_dropped = 8,
                                  .rx_missed_errors = 100};
    uint8_t longer[sizeof s + 64] = {0};
    memcpy(longer, &s, sizeof s);
    begin(RTM_NEWLINK, &m, sizeof m);
    attribute(IFLA_IFNAME, name, strlen(name) + 1);
    attribute(IFLA_STATS64, longer, stats_len);
}

/* ---- tests ---- */

static void reads_counters(void **state)
{
    (void)state;
    struct link_state s;
    static const size_t sizes[] = {offsetof(struct rtnl_link_stats64, rx_compressed),
                                   sizeof(struct rtnl_link_stats64),
                                   sizeof(struct rtnl_link_stats64) + 64};
    for (size_t i = 0; i < 3; i++) { /* of an older kernel, of ours, of a newer one */
        link_message("eth0", sizes[i]);
        CHECK_INT(0, link_read_state(bytes, len, &s), "read");
        CHECK_INT(7, s.index, "index");
        CHECK_TEXT("eth0", s.name, "name");
        CHECK(s.up, "up");
        CHECK_INT(5000000000, s.received.bytes, "64 bits");
        CHECK_INT(1, s.received.packets, "packets received");
        CHECK_INT(5, s.received.errors, "errors received");
        CHECK_INT(107, s.received.drops, "drops, those missed among them");
        CHECK_INT(4, s.sent.bytes, "bytes sent");
        CHECK_INT(2, s.sent.packets, "packets sent");
        CHECK_INT(6, s.sent.errors, "errors sent");
        CHECK_INT(8, s.sent.drops, "drops sent");
    }
    link_message("eth0", 64);
    CHECK_INT(0, link_read_state(bytes, len, &s), "short counters");
    CHECK_INT(0, s.received.bytes, "are none");
}

static void refuses_others(void **state)
{
    (void)state;
    struct link_state s;
    int32_t error = -ENODEV, none = 0;
    begin(NLMSG_ERROR, &error, sizeof error);
    CHECK_INT(-ENODEV, link_read_state(bytes, len, &s), "no such interface");
    begin(NLMSG_ERROR, &none, sizeof none);
    CHECK_INT(-EBADMSG, link_read_state(bytes, len, &s), "an acknowledgement");
    link_message("a name of an interface that is too long", 192);
    CHECK_INT(-EBADMSG, link_read_state(bytes, len, &s), "no name");
    link_message("eth0", 192);
    for (size_t cut = 0; cut < len; cut++)
        CHECK(link_read_state(bytes, cut, &s) < 0, "cut");
    link_message("e\x1b[0m", 192);
    CHECK_INT(0, link_read_state(bytes, len, &s), "a name with control characters");
    CHECK_TEXT("e?[0m", s.name, "is made visible");
}

static void modes_message(uint32_t speed, uint8_t duplex)
{
    struct genlmsghdr head = {.cmd = ETHTOOL_MSG_LINKMODES_GET_REPLY, .version = 1};
    begin(21, &head, sizeof head);
    attribute(ETHTOOL_A_LINKMODES_SPEED, &speed, sizeof speed);
    attribute(ETHTOOL_A_LINKMODES_DUPLEX, &duplex, 1);
}

static void reads_modes(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint32_t speed;
        uint8_t duplex;
        uint32_t mbit_s;
        const char *name;
    } cases[] = {
        {"a switch port", 1000, DUPLEX_FULL, 1000, "full"},
        {"a hub", 10, DUPLEX_HALF, 10, "half"},
        {"virtio", (uint32_t)SPEED_UNKNOWN, DUPLEX_UNKNOWN, 0, NULL},
        {"400 Gbit/s", 400000, DUPLEX_FULL, 400000, "full"},
    };
    struct link_modes m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        modes_message(cases[i].speed, cases[i].duplex);
        CHECK(link_read_modes(bytes, len, 21, &m), cases[i].what);
        CHECK_INT(cases[i].mbit_s, m.mbit_s, cases[i].what);
        const char *name = link_duplex_name(m.duplex);
        CHECK_TEXT(cases[i].name != NULL ? cases[i].name : "-", name != NULL ? name : "-",
                   cases[i].what);
    }
    CHECK(!link_read_modes(bytes, len, 22, &m), "another family");
    int32_t error = -EOPNOTSUPP;
    begin(NLMSG_ERROR, &error, sizeof error);
    CHECK(!link_read_modes(bytes, len, 21, &m), "an interface without modes");
}

static void reads_family(void **state)
{
    (void)state;
    struct genlmsghdr head = {.cmd = CTRL_CMD_NEWFAMILY, .version = 1};
    uint16_t id = 21;
    begin(GENL_ID_CTRL, &head, sizeof head);
    attribute(CTRL_ATTR_FAMILY_NAME, "ethtool", 8);
    attribute(CTRL_ATTR_FAMILY_ID, &id, sizeof id);
    CHECK_INT(21, link_read_family(bytes, len), "its number");
    CHECK_INT(0, link_read_family(bytes, len - 8), "cut");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_counters),
        cmocka_unit_test(refuses_others),
        cmocka_unit_test(reads_modes),
        cmocka_unit_test(reads_family),
    };
    return cmocka_run_group_tests_name("net/link_message", tests, NULL, NULL);
}
