/*
 * Parses rtnetlink(7) messages: bytes in, values out. Struct layouts and constants are
 * the kernel's, in host byte order. Lengths are not trusted.
 *
 * Messages that cannot concern the path out of this host are ignored: loopback;
 * addresses of link scope or narrower; temporary IPv6 addresses (RFC 8981), which come
 * and go beside the address that they derive from; routes other than the default route
 * of the main table; cached routes.
 */
#ifndef EDGELAT_NET_NETLINK_MESSAGE_H
#define EDGELAT_NET_NETLINK_MESSAGE_H

#include "net/network.h"

struct netlink_event {
    struct network_item item; /* `name` is not set */
    bool there;               /* Link: up and running. Address: usable. Route: present. */
};

typedef void netlink_event_cb(const struct netlink_event *event, void *user);

/* Parses the messages of one datagram. Returns 1 at the end of a dump, -errno if the
 * dump failed, else 0. Parsing stops at a malformed message. */
int netlink_read(const void *bytes, size_t len, netlink_event_cb *on_event, void *user);

/* Parses the answer to RTM_GETROUTE: the next hop to an address, and its interface. The
 * caller presets `hop` with that address and its family; the address stays when the
 * route has no gateway. False: a local destination, or no route. */
bool netlink_read_hop(const void *bytes, size_t len, struct network_item *hop);

/* Parses the answer to RTM_GETNEIGH: the state of the entry, NUD_* of
 * linux/neighbour.h. 0: there is none. */
uint16_t netlink_read_neighbour(const void *bytes, size_t len);

#endif
