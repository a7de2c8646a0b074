/*
 * Asks each DNS server on its own for the names of the services, on the loop: every name
 * once in both families. The hosts file is not asked.
 */
#ifndef EDGELAT_DIAGNOSE_RESOLVER_ROUND_H
#define EDGELAT_DIAGNOSE_RESOLVER_ROUND_H

#include "core/uplink.h"
#include "diagnose/facts.h"

#include <uv.h>

struct resolver_round;

/* Fills in `facts->resolvers`, whose servers and names are set; over the uplink (NULL: by the
 * system's routes). Both are borrowed. */
struct resolver_round *resolver_round_start(uv_loop_t *loop, struct facts *facts,
                                            const struct uplink *uplink);

/* No callback after it; the facts stay. NULL is fine. */
void resolver_round_destroy(struct resolver_round *r);

#endif
