/*
 * What the kernel says of the network, rtnetlink(7): bytes in, values out. Struct layouts
 * and numbers are the kernel's, in this host's byte order; lengths are not trusted.
 *
 * Left out is what leads nobody out of this host: loopback; addresses that reach no
 * further than the link; temporary IPv6 addresses (RFC 8981), which come and go beside
 * the one that they are made from; routes that are not the default route of the main
 * table, and cached ones.
 */
#ifndef EDGELAT_NET_NETLINK_MESSAGE_H
#define EDGELAT_NET_NETLINK_MESSAGE_H

#include "net/network.h"

struct netlink_event {
    struct network_item item; /* without the interface's name */
    bool there; /* the link is up and running, the address can be used, the route stands
                 */
};

typedef void netlink_event_cb(const struct netlink_event *event, void *user);

/* Reads the messages of one datagram. Returns 1 when they end a dump, -errno when that
 * failed, else 0. A message that makes no sense ends the reading. */
int netlink_read(const void *bytes, size_t len, netlink_event_cb *on_event, void *user);

/* The answer to RTM_GETROUTE: the next hop to an address, and its interface. `hop` begins
 * with that address and its family, and keeps it where there is no gateway. False: it
 * stays on this host, or there is no route. */
bool netlink_read_hop(const void *bytes, size_t len, struct network_item *hop);

/* The answer to RTM_GETNEIGH: whether its link address is not known yet. */
bool netlink_read_awaited(const void *bytes, size_t len);

#endif
