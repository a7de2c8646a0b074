/*
 * The network as seen from this host: links that are up, addresses, default routes, and
 * the routes to probed addresses. Plain values, to be compared and reported.
 *
 * The host has moved when the routes in use differ: interface or gateway of the default
 * route with the lowest metric, of the route to a probed address, or the source address
 * on such an interface. Not a move: links and addresses of containers, of a bridge, or
 * of an interface without such a route; a default route with a higher metric; a route
 * that was removed and added again.
 */
#ifndef EDGELAT_NET_NETWORK_H
#define EDGELAT_NET_NETWORK_H

#include "base/text.h"
#include "core/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERFACE_NAME_MAX 16  /* IFNAMSIZ */
#define NETWORK_ITEMS_MAX  512 /* further items are ignored */

/* in the order of a report */
enum network_part { NETWORK_LINK, NETWORK_ROUTE, NETWORK_ADDRESS };

struct network_item {
    enum network_part part;
    uint32_t interface;
    char name[INTERFACE_NAME_MAX]; /* of the interface; for messages, not compared */
    enum family family;            /* of the address or route; FAMILY_NONE for a link */
    struct endpoint address;       /* of a route: its gateway; FAMILY_NONE: none */
    struct endpoint to;     /* of a route: its destination; FAMILY_NONE: default route */
    struct endpoint source; /* set by the route, not compared; FAMILY_NONE: none */
    uint8_t prefix_len;     /* of the address */
    uint32_t metric;        /* of the route; the lowest wins */
};

struct network { /* start with { 0 }; end with network_free() */
    struct network_item *items;
    size_t n, room;
};

void network_add(struct network *n,
                 const struct network_item *item); /* ignores duplicates */
bool network_has(const struct network *n, const struct network_item *item);
/* Removes the route to the address `to`. */
void network_forget_route(struct network *n, const struct endpoint *to);
void network_free(struct network *n);

/* "link eth0", "the default route 192.0.2.1 by eth0", "address 192.0.2.7/24 of eth0" */
void network_item_text(struct text *out, const struct network_item *item);

/*
 * Compares the routes in use and appends the differences as one clause: "link eth0 is
 * down", "the default route went from 192.0.2.1 to 192.0.2.2 by eth0"; at most three of
 * them. Returns the number of differences; 0: the host has not moved.
 */
size_t network_compare(struct text *out, const struct network *before,
                       const struct network *after);

/*
 * The default route in use of a family that has a gateway: `out->address` with the scope
 * that a link-local one needs, and its interface. False: none, as on a point-to-point
 * link (LTE, PPPoE).
 */
bool network_gateway(const struct network *n, enum family family,
                     struct network_item *out);

/* The interface of the default route in use, of IPv4 if there is one. False: none. */
bool network_uplink(const struct network *n, char name[INTERFACE_NAME_MAX]);

/*
 * Whether a default route of the family is to be expected: the host has an address of it on
 * an interface that carries a default route of either family, or on any if there is no
 * default route. Not expected: one for an address of a container bridge or of a second,
 * local network; a link-local address; a unique local one (RFC 4193), which routers hand
 * out where they have no IPv6 uplink.
 */
bool network_expects_route(const struct network *n, enum family family);

/* Why a host without a route has none, as a clause with the next step: "no network interface
 * is up; check cable or Wi-Fi: ip link". */
void network_lack_text(struct text *out, const struct network *n);

/* True if a route in use goes through that interface. */
bool network_uses(const struct network *n, uint32_t interface);

/* A hash of the routes in use and their source addresses. */
uint64_t network_place(const struct network *n);

/*
 * Identifies the network across restarts: the gateway of the default route in use (its
 * interface's name where it has none) and the prefixes of the source addresses, of IPv4
 * where it has a default route, else of IPv6. Unlike network_place() it does not have
 * what changes in one network: interface numbers (of each container), the host part of
 * addresses (DHCP, RFC 8981), routes to probed addresses, and the IPv6 prefix where there
 * is IPv4 (providers replace it daily). 0: no default route. It is known without a
 * packet, but two networks may have the same one.
 */
uint64_t network_identity(const struct network *n);

#endif
