/*
 * What leads out of this host: links that are up, addresses, default routes, and the
 * routes to addresses that are probed. Plain values, to be compared and to be told.
 *
 * The host has moved when the routes in use differ: interface or gateway of the default
 * route of the lowest metric, of the route to an address that is probed, or the source
 * address on such an interface. Nothing else is a move: links and addresses of
 * containers, of a bridge, of an interface that carries no such route; a default route
 * that waits behind another one; a route that was taken away and put back.
 */
#ifndef EDGELAT_NET_NETWORK_H
#define EDGELAT_NET_NETWORK_H

#include "base/text.h"
#include "core/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERFACE_NAME_MAX 16  /* IFNAMSIZ */
#define NETWORK_ITEMS_MAX  512 /* more of them are left out */

enum network_part { NETWORK_LINK, NETWORK_ROUTE, NETWORK_ADDRESS }; /* as they are told */

struct network_item {
    enum network_part part;
    uint32_t interface;
    char name[INTERFACE_NAME_MAX]; /* of the interface; for people, not compared */
    enum family family;            /* of the address, of the route; none of a link */
    struct endpoint address;       /* or the gateway's; FAMILY_NONE: the route has none */
    struct endpoint to; /* of a route to one address; FAMILY_NONE: the default route */
    struct endpoint source; /* that a route sets, not compared; FAMILY_NONE: none */
    uint8_t prefix_len;     /* of the address */
    uint32_t metric;        /* of the route; the lowest is taken */
};

struct network { /* start with { 0 }; end with network_free() */
    struct network_item *items;
    size_t n, room;
};

void network_add(struct network *n, const struct network_item *item); /* once */
bool network_has(const struct network *n, const struct network_item *item);
/* Of a route to one address. */
void network_forget_route(struct network *n, const struct endpoint *to);
void network_free(struct network *n);

/* "link eth0", "the default route 192.0.2.1 by eth0", "address 192.0.2.7/24 of eth0" */
void network_item_text(struct text *out, const struct network_item *item);

/*
 * Adds what is different of the routes in use as one clause: "link eth0 is down", "the
 * default route went from 192.0.2.1 to 192.0.2.2 by eth0"; the first three of several.
 * Returns how many there are; 0: the host has not moved.
 */
size_t network_compare(struct text *out, const struct network *before,
                       const struct network *after);

/* Whether a route in use goes by that interface. */
bool network_uses(const struct network *n, uint32_t interface);

/* The same number for the same routes in use and source addresses. */
uint64_t network_place(const struct network *n);

#endif
