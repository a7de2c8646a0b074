/*
 * Converts between endpoints (plain values) and socket addresses of the kernel.
 */
#ifndef EDGELAT_NET_SOCKET_H
#define EDGELAT_NET_SOCKET_H

#include "core/endpoint.h"
#include "core/uplink.h"

#include <sys/socket.h>

/* Sets the scope of `e` to the interface `zone`, a name or an index. False: no such
 * interface. "" changes nothing. */
bool socket_set_zone(struct endpoint *e, const char *zone);

/* Returns the length of the address in `*out`; 0 for FAMILY_NONE. */
socklen_t sockaddr_of(struct sockaddr_storage *out, const struct endpoint *e);

/* Returns FAMILY_NONE for an address that is neither IPv4 nor IPv6. An IPv4-mapped
 * address becomes IPv4. */
struct endpoint sockaddr_endpoint(const struct sockaddr *address);

/*
 * Makes the packets of a socket of `family` that is not connected take the uplink (NULL:
 * does nothing). Returns 0 or -errno: -ENODEV there is no such interface, -EADDRNOTAVAIL
 * this host does not have the source address, -EPERM marks need CAP_NET_ADMIN (CAP_NET_RAW
 * from Linux 5.17 on) and binding to an interface CAP_NET_RAW (nothing from 5.7 on),
 * -EAFNOSUPPORT the uplink has a source address of the other family only.
 */
int socket_use_uplink(int fd, enum family family, const struct uplink *uplink);

/* The same without the source address, for a socket that is bound to a port, too. */
int socket_steer(int fd, enum family family, const struct uplink *uplink);

/* This host's address and port of a socket; FAMILY_NONE: it has none. */
struct endpoint socket_own(int fd);

/* The address that packets to `to` over the uplink come from; FAMILY_NONE: no route.
 * Connecting a UDP socket looks up the route and sends nothing. */
struct endpoint socket_source(const struct endpoint *to, const struct uplink *uplink);

/* Whether replies can come back from `to`: not to a link-local address, or ::1, from the
 * internet; users' programs then take another family (RFC 6724, rule 2). False also for
 * FAMILY_NONE. */
bool socket_source_serves(const struct endpoint *source, const struct endpoint *to);

/* Whether the source of packets to `to` serves. */
bool socket_has_route(const struct endpoint *to, const struct uplink *uplink);

/* The same of packets to the internet, by the route to an address for documentation (RFC
 * 5737, RFC 3849): the kernel's answer takes policy routing into account. */
bool socket_has_default_route(enum family family, const struct uplink *uplink);

/* Packets that the kernel dropped because they were not read in time (for ICMPv6 also
 * those with a wrong checksum): counts up and wraps. 0 if the kernel does not report it. */
uint32_t socket_drops(int fd);

#endif
