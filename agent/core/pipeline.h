/*
 * The pure whole, from what is due to what goes into the batch. The daemon turns it with
 * real clocks and sockets, the simulator with scripted ones: it is the same object.
 *
 *     resolved --> schedule --> (shell sends) --> result --> window --> series --> batch
 *                     ^                                         |
 *                     +--------------- nearest <----------------+
 *
 * A stream is one (target, kind, family); it rests until its target has an address of
 * that family. When a window closes the targets are ranked; the nearest `config.nearest`
 * are probed at their full interval, the others at their slow one.
 */
#ifndef EDGELAT_CORE_PIPELINE_H
#define EDGELAT_CORE_PIPELINE_H

#include "core/batch.h"
#include "core/config.h"
#include "core/schedule.h"

struct pipeline;

/* `config` and `kinds` are borrowed and outlive the pipeline. */
struct pipeline *pipeline_create(const struct config *config, const struct kinds *kinds,
                                 uint64_t seed, struct mono now, struct wall wall);
void pipeline_destroy(struct pipeline *p);

struct order { /* send this probe now */
    uint32_t stream;
    const struct target *target;
    size_t kind;
    struct endpoint to;
};

/*
 * The resolver's answer for a target's family: the address to probe from now on
 * (FAMILY_NONE in `to.family`: there is none, its streams rest) and the PoP that the
 * name's CNAME chain shows, "" if none.
 */
void pipeline_resolved(struct pipeline *p, size_t target, enum family family,
                       struct endpoint to, const char *pop, struct mono now,
                       struct wall wall);

bool pipeline_next(const struct pipeline *p,
                   struct mono *at); /* when pipeline_take() has something */
bool pipeline_take(struct pipeline *p, struct mono now,
                   struct order *out); /* call until false */

void pipeline_result(struct pipeline *p, const struct result *result);
void pipeline_after(struct pipeline *p, uint32_t stream, enum afterthought what);
void pipeline_interrupted(
    struct pipeline *p); /* the host slept or the clock stepped: windows say so */

struct wall
pipeline_closing(const struct pipeline *p); /* when the open window is to be closed */

/*
 * Closes the window at `wall` (on time, late, or early at the end of the agent), ranks,
 * sets the schedule, and returns what is to be exported: a view, valid until the next
 * call on `p`.
 */
const struct batch *pipeline_close(struct pipeline *p, struct mono now, struct wall wall);

#endif
