/* Answers of nl80211 of Linux 6.1 (mac80211, two simulated radios, hostapd and
 * wpa_supplicant), recorded in test/fuzz/corpus/wifi; `iw` gave the expected values. */
#include "net/wifi_message.h"

#include "check.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/nl80211.h>

enum { FAMILY = 32 };

static uint8_t bytes[4096];
static size_t len;

static void recorded(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "test/fuzz/corpus/wifi/%s", name);
    FILE *f = fopen(path, "rb");
    CHECK(f != NULL, path);
    len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
}

/* The value of an attribute of NL80211_ATTR_STA_INFO in the recorded message. */
static uint8_t *station_info(uint16_t type)
{
    struct nlattr a;
    bool inside = false;
    for (size_t at = NLMSG_HDRLEN + GENL_HDRLEN; at + sizeof a <= len;
         at += NLA_ALIGN(a.nla_len)) {
        memcpy(&a, bytes + at, sizeof a);
        a.nla_type &= NLA_TYPE_MASK;
        if (inside && a.nla_type == type)
            return bytes + at + NLA_HDRLEN;
        if (!inside && a.nla_type == NL80211_ATTR_STA_INFO) {
            inside = true;
            a.nla_len = NLA_HDRLEN; /* on to what it holds */
        }
    }
    CHECK(false, "the recorded message has it");
    return NULL;
}

static void reads_a_client(void **state)
{
    (void)state;
    struct wifi_link w = {0};
    recorded("client-interface");
    CHECK(wifi_read_is_client(bytes, len, FAMILY), "type managed");
    CHECK(!wifi_read_is_client(bytes, len, FAMILY + 1), "another family");
    recorded("client-stations");
    wifi_read_access_point(bytes, len, FAMILY, &w);
    CHECK_INT(-79, w.signal_dbm, "signal avg");
    CHECK_INT(54000000, w.sent_bit_s, "tx bitrate");
    CHECK_INT(0, w.received_bit_s, "rx bitrate is not told");
    CHECK_INT(18, w.frames, "tx packets");
    CHECK_INT(0, w.retries, "tx retries");
    CHECK_INT(0, w.failed, "tx failed");
    CHECK(wifi_has_link(&w), "it is associated");
}

static void refuses_others(void **state)
{
    (void)state;
    struct wifi_link w = {0};
    recorded("access-point-interface");
    CHECK(!wifi_read_is_client(bytes, len, FAMILY), "an access point is no client");
    recorded("no-wifi");
    CHECK(!wifi_read_is_client(bytes, len, FAMILY), "no such radio");
    wifi_read_access_point(bytes, len, FAMILY, &w);
    CHECK(!wifi_has_link(&w), "nor a station");
    recorded("client-stations");
    wifi_read_access_point(bytes, len, FAMILY + 1, &w);
    CHECK(!wifi_has_link(&w), "another family");
    for (size_t cut = 0; cut < len; cut++)
        wifi_read_access_point(bytes, cut, FAMILY, &w);
    CHECK(!wifi_has_link(&w), "a message that is cut short");
}

static void takes_the_access_point_only(void **state)
{
    (void)state;
    struct wifi_link w = {.signal_dbm = -60};
    recorded("client-stations");
    uint8_t *flags = station_info(NL80211_STA_INFO_STA_FLAGS);
    uint32_t set = 1u << NL80211_STA_FLAG_TDLS_PEER;
    memcpy(flags, &set, sizeof set);     /* mask */
    memcpy(flags + 4, &set, sizeof set); /* set */
    wifi_read_access_point(bytes, len, FAMILY, &w);
    CHECK_INT(-60, w.signal_dbm, "a peer of a direct link is left out");
}

static void signal_without_average(void **state)
{
    (void)state;
    struct wifi_link w = {0};
    recorded("client-stations");
    *station_info(NL80211_STA_INFO_SIGNAL_AVG) = 0;
    wifi_read_access_point(bytes, len, FAMILY, &w);
    CHECK_INT(-80, w.signal_dbm, "signal");
    *station_info(NL80211_STA_INFO_SIGNAL) = 55; /* of 100, as drivers without dBm tell */
    w = (struct wifi_link){0};
    wifi_read_access_point(bytes, len, FAMILY, &w);
    CHECK(!wifi_has_link(&w), "a signal that is not in dBm is unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_client),
        cmocka_unit_test(refuses_others),
        cmocka_unit_test(takes_the_access_point_only),
        cmocka_unit_test(signal_without_average),
    };
    return cmocka_run_group_tests_name("net/wifi_message", tests, NULL, NULL);
}
