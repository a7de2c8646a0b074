/*
 * Detects packets that wait on this host until the link-layer address of their next hop
 * is resolved (ARP, neighbour discovery).
 */
#ifndef EDGELAT_NET_NEIGHBOUR_H
#define EDGELAT_NET_NEIGHBOUR_H

#include "core/endpoint.h"
#include "core/time.h"
#include "core/uplink.h"
#include "net/network.h"

#include <stdbool.h>

/* The kernel keeps an unused neighbour for at least a minute (gc_stale_time). */
#define NEIGHBOUR_KEEP_NS (30 * NS_PER_S)

/*
 * True if the packet just sent to `to` over the uplink (NULL: by the system's routes) waits for neighbour resolution. Queries the
 * kernel; after a negative answer, does not query again for NEIGHBOUR_KEEP_NS. False
 * also when the kernel does not answer (before Linux 5.0). Single-threaded.
 */
bool neighbour_awaited(const struct endpoint *to, const struct uplink *uplink);

/*
 * What ARP or neighbour discovery knows of an address on a link (RFC 4861, 7.3.2; for ARP
 * the kernel keeps the same states). The kernel itself asks again, by unicast, when an
 * entry in use is older than 30 s on average, so the state of a gateway that is probed is
 * at most about a minute old. Needs no privilege.
 */
enum neighbour_state {
    NEIGHBOUR_UNKNOWN,   /* no entry, a link without ARP, or the kernel does not tell */
    NEIGHBOUR_ANSWERS,   /* confirmed by an answer, or by traffic of a connection */
    NEIGHBOUR_ASKED,     /* not confirmed for a while, or being asked: cannot tell */
    NEIGHBOUR_NO_ANSWER, /* it was asked several times and did not answer */
};
enum neighbour_state neighbour_state_of(const struct endpoint *address,
                                        uint32_t interface);

/* Queries the rtnetlink(7) socket `netlink` for the next hop to `to` (which may be `to`
 * itself) over the uplink, its interface and the source address. False: no route, or a local
 * destination. */
bool neighbour_next_hop(int netlink, const struct endpoint *to,
                        const struct uplink *uplink, struct network_item *hop);

/* The same for a TCP connection from `source_port` to `to`: rules may choose by port, and
 * equal-cost routes by both. The kernel looks an IPv4 route up again when it has chosen the
 * source address, which a rule may choose by, too. */
bool neighbour_flow_hop(int netlink, const struct endpoint *to, uint16_t source_port,
                        const struct uplink *uplink, struct network_item *hop);

#endif
