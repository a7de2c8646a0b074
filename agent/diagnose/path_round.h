/*
 * Traces the paths to some addresses on the loop, two at a time, with the names of the
 * routers, and divides each (probe/path/segments.h).
 */
#ifndef EDGELAT_DIAGNOSE_PATH_ROUND_H
#define EDGELAT_DIAGNOSE_PATH_ROUND_H

#include "diagnose/facts.h"
#include "edge/edge_data.h"
#include "net/as_lookup.h"
#include "net/resolver.h"

#include <uv.h>

struct path_round;

/*
 * Fills in `facts->paths`, whose service and address are set. `on_path` comes after each that could be begun.
 * `known`, `as`, `resolver` and `uplink` (NULL: the system's routes) are borrowed.
 */
struct path_round *path_round_start(uv_loop_t *loop, struct facts *facts,
                                    const struct edge_data *known, struct as_lookup *as,
                                    struct resolver *resolver,
                                    const struct uplink *uplink,
                                    void (*on_path)(void *user), void *user);
size_t path_round_left(const struct path_round *p); /* 0: all are traced */
void path_round_destroy(struct path_round *p); /* before the resolver; NULL is fine */

#endif
