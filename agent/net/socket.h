/*
 * Between an endpoint, which is a plain value, and the socket addresses of the kernel.
 */
#ifndef EDGELAT_NET_SOCKET_H
#define EDGELAT_NET_SOCKET_H

#include "core/endpoint.h"

#include <sys/socket.h>

/* Puts in the interface of a zone, by its name or number. False: there is none of that
 * name. "" changes nothing. */
bool socket_set_zone(struct endpoint *e, const char *zone);

/* Returns the length of what was put into `*out`; 0 for FAMILY_NONE. */
socklen_t sockaddr_of(struct sockaddr_storage *out, const struct endpoint *e);

/* FAMILY_NONE for an address that is neither IPv4 nor IPv6; an IPv4-mapped one is IPv4.
 */
struct endpoint sockaddr_endpoint(const struct sockaddr *address);

#endif
