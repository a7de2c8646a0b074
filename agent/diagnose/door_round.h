/*
 * Finds the front doors by metro (edge/doors.h) on the loop: one sweep, in about five
 * seconds. Only the handshakes' delays are known then; the caller measures the nearest.
 */
#ifndef EDGELAT_DIAGNOSE_DOOR_ROUND_H
#define EDGELAT_DIAGNOSE_DOOR_ROUND_H

#include "edge/doors.h"
#include "edge/edge_data.h"
#include "net/resolver.h"

#include <uv.h>

struct door_round;

/* `known`, `resolver` and `uplink` (NULL: the system's routes) are borrowed. `on_over` comes
 * once, later, unless it is destroyed before. */
struct door_round *door_round_start(uv_loop_t *loop, const struct edge_data *known,
                                    struct resolver *resolver,
                                    const struct uplink *uplink, bool ipv4, bool ipv6,
                                    void (*on_over)(void *user), void *user);
void door_round_destroy(struct door_round *d); /* before the resolver; NULL is fine */

struct doors *door_round_doors(struct door_round *d);

#endif
