/*
 * Detects that the host moved to another network. rtnetlink(7) notifications about
 * links, addresses, routes and rules are only hints: some time after a hint, the state
 * is read again and compared with the previous one (network.h). The reason: the kernel
 * does not report every change (IPv4 routes removed together with their link), drops
 * notifications on overflow, and reports much that is irrelevant here (containers).
 */
#ifndef EDGELAT_NET_NETLINK_H
#define EDGELAT_NET_NETLINK_H

#include "core/endpoint.h"
#include "core/time.h"
#include "net/network.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define NETWORK_SETTLE_NS (2 * NS_PER_S) /* covers a burst: DHCP and router discovery */

struct network_change { /* valid during the callback only */
    const char *text;   /* one clause: "link eth0 is down" */
    /* False: a link in use was down briefly; the routes are the same as before. */
    bool moved;
    uint64_t place; /* identifies the current network: network_place() */
};

/* Reads the links that are up, addresses and default routes once into `out`, which begins
 * with { 0 }. Returns 0 or -errno. */
int netlink_read_network(struct network *out);

typedef void netlink_cb(const struct network_change *what, void *user);

struct netlink;

/* Reads the state of the network and watches it. Reports a change `settle_ns` after the
 * first hint, or after the first hint about the routes in use. Returns 0, or -errno when
 * the kernel refuses (no permission, no descriptor): continue without it. */
int netlink_create(struct netlink **out, uv_loop_t *loop, int64_t settle_ns,
                   netlink_cb *on_change, void *user);
/* network_identity() of the state last read; 0 also if `n` is NULL. */
uint64_t netlink_identity(const struct netlink *n);

/* Also watches the route to an address that is probed; only the last
 * NETLINK_FOLLOWED_MAX ones. */
#define NETLINK_FOLLOWED_MAX 64
void netlink_follow(struct netlink *n, const struct endpoint *to);

/* network_gateway() of the state last read; false also if `n` is NULL. */
bool netlink_gateway(const struct netlink *n, enum family family,
                     struct network_item *out);

/* network_expects_route() of the state last read; false also if `n` is NULL. */
bool netlink_expects_route(const struct netlink *n, enum family family);

/* network_uplink() of the state last read; false also if `n` is NULL. */
bool netlink_uplink(const struct netlink *n, char name[INTERFACE_NAME_MAX]);

void netlink_destroy(struct netlink *n); /* No callback after it returns. NULL is fine. */

#endif
