/* The STUN kind: a Binding request (RFC 8489) and its response by UDP, the port of Teams
 * media. */
#ifndef EDGELAT_PROBE_STUN_STUN_H
#define EDGELAT_PROBE_STUN_STUN_H

#include "probe/probe.h"

extern const struct probe_kind stun_kind;

#endif
