/*
 * Parses what the kernel tells of a network interface: counters by rtnetlink(7)
 * (IFLA_STATS64), speed and duplex by the generic netlink family "ethtool" (kernel:
 * Documentation/networking/ethtool-netlink.rst). Lengths are not trusted.
 */
#ifndef EDGELAT_NET_LINK_MESSAGE_H
#define EDGELAT_NET_LINK_MESSAGE_H

#include "net/network.h"

enum link_duplex { DUPLEX_NOT_KNOWN, DUPLEX_IS_HALF, DUPLEX_IS_FULL };

/* "half", "full"; NULL: not known. */
static inline const char *link_duplex_name(enum link_duplex duplex)
{
    return duplex == DUPLEX_IS_HALF ? "half" : duplex == DUPLEX_IS_FULL ? "full" : NULL;
}

struct link_counters { /* of one direction */
    uint64_t bytes, packets, errors;
    uint64_t drops; /* received: those missed for lack of room too, as /proc/net/dev */
};

struct link_state {
    uint32_t index;
    char name[INTERFACE_NAME_MAX]; /* text_visible() */
    bool up;                       /* up and running */
    uint16_t type;                 /* ARPHRD_ETHER, ... */
    char kind[INTERFACE_NAME_MAX]; /* of a virtual one: "tun", "wireguard"; "": none */
    struct link_counters received, sent;
};

struct link_modes {
    uint32_t mbit_s; /* 0: unknown, as of most virtual interfaces */
    enum link_duplex duplex;
};

/* The first RTM_NEWLINK of a datagram. 0, or -errno: the kernel's, or -EBADMSG. */
int link_read_state(const void *bytes, size_t len, struct link_state *out);

/* The number of a generic netlink family in the answer to CTRL_CMD_GETFAMILY; 0: none. */
uint16_t link_read_family(const void *bytes, size_t len);

/* The answer to ETHTOOL_MSG_LINKMODES_GET. `family`: of link_read_family(). False: none. */
bool link_read_modes(const void *bytes, size_t len, uint16_t family,
                     struct link_modes *out);

#endif
