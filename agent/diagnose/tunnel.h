/*
 * Whether traffic leaves through a tunnel of a VPN. WireGuard, GRE and the like always are
 * carried by another interface, and so is what has the name that a VPN client uses. Any
 * other tun or tap interface may be the only uplink of a host; it is a VPN if another
 * interface carries it: one with a default route, a gateway, or the route to a single
 * public address (the VPN's server).
 *
 * Pure; the routing table is that of /proc/net/route, IPv4 only.
 */
#ifndef EDGELAT_DIAGNOSE_TUNNEL_H
#define EDGELAT_DIAGNOSE_TUNNEL_H

#include "net/link_message.h"

#define TUNNEL_ROUTES_MAX (256 << 10) /* bytes; further routes are not looked at */

enum tunnel { TUNNEL_NONE, TUNNEL_MAYBE, TUNNEL_SURE };

/* By its type, kind and name. PPP is none: it is the uplink of many sites. */
enum tunnel tunnel_judge(const struct link_state *link);

/* The interface that carries the tunnel `name`; false: none, `out` is "". */
bool tunnel_outer(char out[INTERFACE_NAME_MAX], const char *routes, size_t len,
                  const char *name);

#endif
