/*
 * Pure: which event explains another one. A lost BGP session explains the withdrawn
 * prefix, that the changed PoP, and that the shift of the delay.
 *
 * Events have layers (event_traits()), from the network of the host up to what a target's
 * probes show. The cause of an event is one of a lower layer that can explain it, agrees with
 * it in all that both name (target, family, router, BGP session, and the prefix with the
 * target's address), and began at most CAUSE_BEFORE_NS before it; as the kernel
 * switches over before a routing daemon has reported it, also up to CAUSE_AFTER_NS after
 * it. Of a router's own reports it is CAUSE_TOGETHER_NS: BIRD withdraws the routes just
 * before it reports the session down. Of several, the lowest layer is the cause, and of these the last one: all events of
 * one incident have the same cause. Times are those when things began, not when they were
 * detected: a shift is detected minutes later.
 *
 * What came up (a session, a route, a path, the last metre) explains no loss: no withdrawal,
 * interrupted path or target that is down. A session that is seen up for the first time, as
 * after a start of the agent, has not changed and explains nothing.
 *
 * A coincidence within these bounds is reported as a cause; test/sim/test_causes.c says how
 * often that is.
 */
#ifndef EDGELAT_CORE_CAUSES_H
#define EDGELAT_CORE_CAUSES_H

#include "core/batch.h"

#define CAUSE_BEFORE_NS   (60 * NS_PER_S)
#define CAUSE_AFTER_NS    (10 * NS_PER_S)
#define CAUSE_TOGETHER_NS (100 * NS_PER_MS)

enum { CAUSES_MAX = 64 };

struct possible_cause {
    const char *name;
    enum event_layer layer;
    bool came_up;
    struct wall since;
    const struct target *target;
    enum family family;
    struct event_scope scope;
};

struct causes { /* { 0 }: none yet. The last CAUSES_MAX. */
    struct possible_cause list[CAUSES_MAX];
    size_t n;
};

/* Sets the causes of the events of a window, and the fact of the targets that events of
 * routing concern; keeps those that may explain later ones. */
void causes_find(struct causes *c, struct events *events,
                 const struct target_state *targets, size_t n_targets);

#endif
