/*
 * Tells a blocked UDP port from a host that is away: when no STUN request is answered, a
 * TCP handshake with the same address is. Relays of Teams serve TCP 443 too, other STUN
 * servers TCP at the port of STUN.
 */
#ifndef EDGELAT_PROBE_STUN_REACH_H
#define EDGELAT_PROBE_STUN_REACH_H

#include "core/uplink.h"

#include <uv.h>

struct reach;

/* `tcp_port`: that answered a handshake; 0: none did, so nothing can be told. */
typedef void reach_cb(uint16_t tcp_port, void *user);

/* Two handshakes, with TCP 443 and the port of `to`, over the uplink (NULL: by the system's
 * routes). `on_end` comes once, later. */
struct reach *reach_start(uv_loop_t *loop, const struct endpoint *to,
                          const struct uplink *uplink, reach_cb *on_end, void *user);
void reach_cancel(struct reach *r); /* not after the callback came; NULL is fine */

#endif
