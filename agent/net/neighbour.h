/*
 * Whether packets wait in this host until the link address of their next hop is known
 * (ARP, neighbour discovery).
 */
#ifndef EDGELAT_NET_NEIGHBOUR_H
#define EDGELAT_NET_NEIGHBOUR_H

#include "core/endpoint.h"

#include <stdbool.h>

/* Whether what was just sent to `to` waits so. Asks the kernel's tables; false also when
 * it does not say (before Linux 5.0). */
bool neighbour_awaited(const struct endpoint *to);

#endif
