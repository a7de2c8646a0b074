/*
 * One TCP handshake outside the schedule of the prober, within a waiting time: with a port
 * that nobody serves (core/intercept.h), or with a front door of a sweep (edge/doors.h).
 * A refusal, silence and any error count as no answer; so does a SYN that was sent again,
 * which has no delay.
 */
#ifndef EDGELAT_PROBE_TCP_SINGLE_H
#define EDGELAT_PROBE_TCP_SINGLE_H

#include "core/endpoint.h"
#include "core/time.h"
#include "core/uplink.h"

#include <uv.h>

#define SINGLE_WAITING_NS (2 * NS_PER_S)

struct single;

/* `rtt_ns`: of the handshake; DELAY_UNDEFINED when nobody answered. */
typedef void single_cb(int64_t rtt_ns, void *user);

/* Over the uplink; NULL: by the system's routes. `on_end` comes once, later, unless cancelled. */
struct single *single_start(uv_loop_t *loop, const struct endpoint *to,
                            const struct uplink *uplink, uint8_t dscp, int64_t waiting_ns,
                            single_cb *on_end, void *user);
void single_cancel(struct single *s); /* not after the callback came; NULL is fine */

#endif
