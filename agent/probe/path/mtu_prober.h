/*
 * Finds the path MTU to a target on the loop, by ICMP echoes that routers may not fragment,
 * without privileges where ping sockets are allowed. The kernel's own knowledge of the path
 * (from earlier messages) is not used, IP_PMTUDISC_PROBE of ip(7).
 *
 * Packets of a round are `gap_ns` apart. A round ends with the last answer, with the message
 * of a router, or four round trips (at least MTU_WAIT_NS) after its last packet; the first
 * one waits two seconds. A search of more than 30 s ends as MTU_UNKNOWN.
 */
#ifndef EDGELAT_PROBE_PATH_MTU_PROBER_H
#define EDGELAT_PROBE_PATH_MTU_PROBER_H

#include "core/time.h"
#include "core/uplink.h"
#include "probe/path/mtu_search.h"

#include <uv.h>

#define MTU_GAP_NS  (200 * NS_PER_MS) /* 5 a second to a host */
#define MTU_WAIT_NS (200 * NS_PER_MS)

struct mtu_prober;

/* Once, at the end; do not destroy the prober from inside it. `cause`: one clause if nothing
 * could be sent, else NULL. */
typedef void mtu_prober_cb(const struct mtu_search *result, const char *cause,
                           void *user);

/* Over the uplink, which outlives it (NULL: by the system's routes). Returns 0 or -errno
 * (-EPERM, -EACCES: this user may not send ICMP), also that of socket_use_uplink(). */
int mtu_prober_start(struct mtu_prober **out, uv_loop_t *loop, const struct endpoint *to,
                     const struct uplink *uplink, int64_t gap_ns, mtu_prober_cb *cb,
                     void *user);
void mtu_prober_destroy(struct mtu_prober *p); /* no callback after it; NULL is fine */

#endif
