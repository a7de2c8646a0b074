/*
 * Did the network change? The kernel tells of links, addresses and routes, rtnetlink(7).
 * That is taken as a hint: a while after the first one of a burst everything is looked at
 * again and compared with what was there before, as the kernel does not tell of all (IPv4
 * routes that go with their link), or loses count.
 *
 * What is looked at: network.h. What is left out of it: netlink_message.h.
 */
#ifndef EDGELAT_NET_NETLINK_H
#define EDGELAT_NET_NETLINK_H

#include "core/time.h"

#include <uv.h>

#define NETWORK_SETTLE_NS (2 * NS_PER_S) /* of a burst: DHCP and router discovery */

struct network_change { /* valid during the callback only */
    const char *text;   /* one plain clause: "link eth0 is down" */
};

typedef void netlink_cb(const struct network_change *what, void *user);

struct netlink;

/* Looks at the network as it is, and watches it; reports `settle_ns` after the first
 * change of a burst. Returns 0, or -errno where the kernel does not tell (no permission,
 * no descriptor): go on without. */
int netlink_create(struct netlink **out, uv_loop_t *loop, int64_t settle_ns,
                   netlink_cb *on_change, void *user);
void netlink_destroy(struct netlink *n); /* no callback after it returns; NULL is fine */

#endif
