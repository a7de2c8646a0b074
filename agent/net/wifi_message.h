/*
 * Parses what the kernel tells of the radio link of a Wi-Fi client to its access point: answers
 * of the generic netlink family "nl80211" (<linux/nl80211.h>). Lengths are not trusted. Pure.
 */
#ifndef EDGELAT_NET_WIFI_MESSAGE_H
#define EDGELAT_NET_WIFI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below it rates fall and frames are repeated; a design for voice plans for -67 dBm. */
#define WIFI_WEAK_DBM (-75)

struct wifi_link { /* all 0: not a Wi-Fi client, not associated, or no signal is told */
    int8_t signal_dbm; /* of received frames, averaged where the driver does */
    uint64_t received_bit_s, sent_bit_s; /* of the last data frames; 0: unknown */
    /* Since the association; they wrap at 2^32. */
    uint32_t frames;  /* that were sent, each counted once */
    uint32_t retries; /* further transmissions of them */
    uint32_t failed;  /* that were given up */
};

static inline bool wifi_has_link(const struct wifi_link *w)
{
    return w->signal_dbm < 0;
}

/* Answer to NL80211_CMD_GET_INTERFACE: is it a client of an access point? `family`: the number
 * of nl80211. */
bool wifi_read_is_client(const void *bytes, size_t len, uint16_t family);

/* A datagram of the answer to NL80211_CMD_GET_STATION of a client: takes the access point, not
 * the peers of direct links (TDLS). Leaves `out` as it is when there is none. */
void wifi_read_access_point(const void *bytes, size_t len, uint16_t family,
                            struct wifi_link *out);

#endif
