/*
 * Whether packets wait in this host until the link address of their next hop is known
 * (ARP, neighbour discovery).
 */
#ifndef EDGELAT_NET_NEIGHBOUR_H
#define EDGELAT_NET_NEIGHBOUR_H

#include "core/endpoint.h"
#include "core/time.h"
#include "net/network.h"

#include <stdbool.h>

/* The kernel keeps an unused neighbour for at least a minute (gc_stale_time). */
#define NEIGHBOUR_KEEP_NS (30 * NS_PER_S)

/*
 * Whether what was just sent to `to` waits so. Asks the kernel's tables, and not again
 * for NEIGHBOUR_KEEP_NS where nothing waited; false also when the kernel does not say
 * (before Linux 5.0). From one thread only.
 */
bool neighbour_awaited(const struct endpoint *to);

/* Asks a socket of rtnetlink(7) for the next hop of `to`, which may be `to` itself, its
 * interface and the source address. False: there is no route, or it stays on this host. */
bool neighbour_next_hop(int netlink, const struct endpoint *to, struct network_item *hop);

#endif
