/*
 * Converts between endpoints (plain values) and socket addresses of the kernel.
 */
#ifndef EDGELAT_NET_SOCKET_H
#define EDGELAT_NET_SOCKET_H

#include "core/endpoint.h"

#include <sys/socket.h>

/* Sets the scope of `e` to the interface `zone`, a name or an index. False: no such
 * interface. "" changes nothing. */
bool socket_set_zone(struct endpoint *e, const char *zone);

/* Returns the length of the address in `*out`; 0 for FAMILY_NONE. */
socklen_t sockaddr_of(struct sockaddr_storage *out, const struct endpoint *e);

/* Returns FAMILY_NONE for an address that is neither IPv4 nor IPv6. An IPv4-mapped
 * address becomes IPv4. */
struct endpoint sockaddr_endpoint(const struct sockaddr *address);

/* The address that packets to `to` come from; FAMILY_NONE: no route. Connecting a UDP socket
 * looks up the route and sends nothing. */
struct endpoint socket_source(const struct endpoint *to);

bool socket_has_route(const struct endpoint *to);

/* Packets that the kernel dropped because they were not read in time (for ICMPv6 also
 * those with a wrong checksum): counts up and wraps. 0 if the kernel does not report it. */
uint32_t socket_drops(int fd);

#endif
