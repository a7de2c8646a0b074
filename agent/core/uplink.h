/*
 * A way out of this host: one of several connections to the internet. Packets take it
 * because their socket is bound to its interface or its source address, or carries its
 * mark. A plain value.
 */
#ifndef EDGELAT_CORE_UPLINK_H
#define EDGELAT_CORE_UPLINK_H

#include "core/endpoint.h"

#include <stdint.h>

#define UPLINK_NAME_MAX 32
#define UPLINKS_MAX     8

struct uplink {
    char name[UPLINK_NAME_MAX]; /* unique; as a target's name */
    /* SO_BINDTODEVICE; also a VRF device. "": any. */
    char interface[ZONE_TEXT_MAX];
    /* Source addresses: IPv4, IPv6, by family_slot(). FAMILY_NONE: the kernel's choice, or,
     * if the other is set, the family is not used. */
    struct endpoint source[2];
    uint32_t mark;         /* SO_MARK, for rules of ip-rule(8); 0: none */
    char dns_servers[256]; /* asked over the uplink; "": the answers of the system's */
};

/* False: the uplink has a source address, but of the other family only. NULL, the system's
 * routes, has both families. */
bool uplink_has_family(const struct uplink *u, enum family family);

#endif
