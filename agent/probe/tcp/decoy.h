/*
 * One handshake with a port of a target that nobody serves, within a waiting time: when
 * it succeeds a middlebox answered (core/intercept.h). A refusal, silence and any error
 * are all as they should be; so is a SYN that had to be sent again: it tells no delay.
 */
#ifndef EDGELAT_PROBE_TCP_DECOY_H
#define EDGELAT_PROBE_TCP_DECOY_H

#include "core/target.h"

#include <uv.h>

struct decoy;

/* `handshake_ns`: DELAY_UNDEFINED when nobody answered. */
typedef void decoy_cb(int64_t handshake_ns, void *user);

/* `on_end` comes once, later, unless cancelled. */
struct decoy *decoy_start(uv_loop_t *loop, const struct target *target,
                          const struct endpoint *to, decoy_cb *on_end, void *user);
void decoy_cancel(struct decoy *d); /* not after the callback came; NULL is fine */

#endif
