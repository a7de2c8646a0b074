#include "net/wifi_message.h"

#include "net/netlink_wire.h"

#include <linux/genetlink.h>
#include <linux/nl80211.h>

static uint64_t bit_rate(struct wire info)
{
    struct netlink_attribute a;
    uint32_t hundreds = 0; /* of kbit/s */
    while (netlink_next_attribute(&info, &a))
        if (a.type == NL80211_RATE_INFO_BITRATE32)
            netlink_take_u32(&a, &hundreds);
    return hundreds * UINT64_C(100000);
}

static int8_t dbm(struct wire value)
{
    int8_t level = (int8_t)wire_u8(&value);
    return wire_ok(&value) && level < 0 ? level : 0;
}

static bool is_direct_peer(struct wire value)
{
    struct nl80211_sta_flag_update flags;
    wire_copy(&value, &flags, sizeof flags);
    return wire_ok(&value) && (flags.set & 1u << NL80211_STA_FLAG_TDLS_PEER) != 0;
}

static void take_station(struct wire info, struct wifi_link *out)
{
    struct netlink_attribute a;
    struct wifi_link link = {0};
    int8_t average = 0;
    while (netlink_next_attribute(&info, &a)) {
        if (a.type == NL80211_STA_INFO_STA_FLAGS && is_direct_peer(a.value))
            return;
        if (a.type == NL80211_STA_INFO_SIGNAL)
            link.signal_dbm = dbm(a.value);
        else if (a.type == NL80211_STA_INFO_SIGNAL_AVG)
            average = dbm(a.value);
        else if (a.type == NL80211_STA_INFO_RX_BITRATE)
            link.received_bit_s = bit_rate(a.value);
        else if (a.type == NL80211_STA_INFO_TX_BITRATE)
            link.sent_bit_s = bit_rate(a.value);
        else if (a.type == NL80211_STA_INFO_TX_PACKETS)
            netlink_take_u32(&a, &link.frames);
        else if (a.type == NL80211_STA_INFO_TX_RETRIES)
            netlink_take_u32(&a, &link.retries);
        else if (a.type == NL80211_STA_INFO_TX_FAILED)
            netlink_take_u32(&a, &link.failed);
    }
    if (average != 0)
        link.signal_dbm = average;
    if (wifi_has_link(&link))
        *out = link;
}

/* The attributes of the next message of this command. */
static bool next_answer(struct wire *w, uint16_t family, uint8_t command,
                        struct wire *attributes)
{
    struct netlink_message m;
    struct genlmsghdr head;
    while (netlink_next_message(w, &m)) {
        wire_copy(&m.body, &head, sizeof head);
        *attributes = m.body;
        if (m.type == family && wire_ok(&m.body) && head.cmd == command)
            return true;
    }
    return false;
}

bool wifi_read_is_client(const void *bytes, size_t len, uint16_t family)
{
    struct wire w = wire_from(bytes, len), body;
    struct netlink_attribute a;
    uint32_t type = NL80211_IFTYPE_UNSPECIFIED;
    if (!next_answer(&w, family, NL80211_CMD_NEW_INTERFACE, &body))
        return false;
    while (netlink_next_attribute(&body, &a))
        if (a.type == NL80211_ATTR_IFTYPE)
            netlink_take_u32(&a, &type);
    return type == NL80211_IFTYPE_STATION || type == NL80211_IFTYPE_P2P_CLIENT;
}

void wifi_read_access_point(const void *bytes, size_t len, uint16_t family,
                            struct wifi_link *out)
{
    struct wire w = wire_from(bytes, len), body;
    struct netlink_attribute a;
    while (next_answer(&w, family, NL80211_CMD_NEW_STATION, &body))
        while (netlink_next_attribute(&body, &a))
            if (a.type == NL80211_ATTR_STA_INFO)
                take_station(a.value, out);
}
