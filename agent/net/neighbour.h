/*
 * Whether packets wait in this host until the link address of their next hop is known
 * (ARP, neighbour discovery).
 */
#ifndef EDGELAT_NET_NEIGHBOUR_H
#define EDGELAT_NET_NEIGHBOUR_H

#include "core/endpoint.h"
#include "core/time.h"

#include <stdbool.h>

/* The kernel keeps an unused neighbour for at least a minute (gc_stale_time). */
#define NEIGHBOUR_KEEP_NS (30 * NS_PER_S)

/*
 * Whether what was just sent to `to` waits so. Asks the kernel's tables, and not again
 * for NEIGHBOUR_KEEP_NS where nothing waited; false also when the kernel does not say
 * (before Linux 5.0). From one thread only.
 */
bool neighbour_awaited(const struct endpoint *to);

#endif
