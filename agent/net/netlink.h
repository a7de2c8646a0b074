/*
 * Did the host move to another network? The kernel tells of links, addresses, routes and
 * rules, rtnetlink(7). That is a hint only: a while after it the state is read again and
 * compared with what it was (network.h), as the kernel does not tell of all (IPv4 routes
 * that go with their link), loses count, and tells much that concerns nobody here
 * (containers).
 */
#ifndef EDGELAT_NET_NETLINK_H
#define EDGELAT_NET_NETLINK_H

#include "core/endpoint.h"
#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define NETWORK_SETTLE_NS (2 * NS_PER_S) /* of a burst: DHCP and router discovery */

struct network_change { /* valid during the callback only */
    const char *text;   /* one plain clause: "link eth0 is down" */
    bool moved;         /* false: a link in use was down for a moment, all is as it was */
    uint64_t place;     /* where the host is now: network_place() */
};

typedef void netlink_cb(const struct network_change *what, void *user);

struct netlink;

/* Looks at the network as it is, and watches it; reports `settle_ns` after the first
 * hint, or after the first one about the routes in use. Returns 0, or -errno where the kernel does not tell (no permission,
 * no descriptor): go on without. */
int netlink_create(struct netlink **out, uv_loop_t *loop, int64_t settle_ns,
                   netlink_cb *on_change, void *user);
/* Watches the route to an address that is probed, too: of the last NETLINK_FOLLOWED_MAX
 * ones. */
#define NETLINK_FOLLOWED_MAX 64
void netlink_follow(struct netlink *n, const struct endpoint *to);

void netlink_destroy(struct netlink *n); /* no callback after it returns; NULL is fine */

#endif
