/*
 * What stands between the EtherType and the IP header of a captured packet: up to
 * LINK_HEADER_TAGS_MAX stacked VLAN tags (IEEE 802.1Q, 802.1ad), then a PPPoE session
 * (RFC 2516) or MPLS labels (RFC 3032). Pure.
 */
#ifndef EDGELAT_TRAFFIC_LINK_HEADER_H
#define EDGELAT_TRAFFIC_LINK_HEADER_H

#include "base/wire.h"

#include <stdbool.h>

enum { LINK_IPV4 = 0x0800, LINK_IPV6 = 0x86dd, LINK_PPPOE = 0x8864, LINK_MPLS = 0x8847 };
enum { LINK_HEADER_TAGS_MAX = 4, LINK_HEADER_LABELS_MAX = 8 };

/* Whether the EtherType is that of a VLAN tag; 0x9100 is that of old switches. */
bool link_is_tag(uint16_t type);

/* Skips to the IP header. Returns LINK_IPV4 or LINK_IPV6; 0: there is none. `type`: the
 * EtherType in front of the bytes. */
uint16_t link_header_skip(struct wire *w, uint16_t type);

/* Skips MPLS labels alone; returns the same. */
uint16_t link_labels_skip(struct wire *w);

#endif
