/*
 * The probes of several uplinks (core/uplink.h), pure: beside the pipeline, which probes
 * as the system's routes say, every chosen target is probed over each uplink, in pairs.
 *
 *     address --> schedule --> one probe over each uplink, at once, in random order
 *                                  -> result -> window -> series (target->uplink is set)
 *                                            -> difference of the pair (core/paired.h)
 *                                            -> state of the uplink -> events
 *
 * Pairs are sent at random times (Poisson, RFC 2330, 11.1.1), whatever the pattern of other
 * probes is: a grid of 20 s meets a Wi-Fi scan each minute always or never, and then the
 * interval of the difference held the truth on 85 % of such lines, not 95 %
 * (test/sim/test_paired.c).
 *
 * They share the rate of one target: each of n uplinks is probed at an n-th of the
 * target's full rate, whatever its rank. The first uplink is the one that others are
 * compared with.
 *
 * An uplink is down when UPLINK_DOWN_PROBES in a row have no answer over it, whatever
 * their targets, for UPLINK_DOWN_NS at least; probes of streams that have not been
 * answered over any uplink yet do not count. Unsent probes (no route, no interface)
 * count as unanswered. It is up again after UPLINK_UP_PROBES answers in a row. With 10 %
 * of independent loss the first is true by chance once in 10^6 probes. Frequent changes
 * are reported once (core/damping.h).
 */
#ifndef EDGELAT_CORE_UPLINKS_H
#define EDGELAT_CORE_UPLINKS_H

#include "core/event.h"
#include "core/pipeline.h"
#include "core/uplink_state.h"

enum { UPLINK_DOWN_PROBES = 6, UPLINK_UP_PROBES = 3 };
#define UPLINK_DOWN_NS (3 * NS_PER_S)
#define UPLINK_NONE    SIZE_MAX

struct uplinks;

struct uplinks_settings {
    const struct uplink *uplinks; /* borrowed */
    size_t n;                     /* 1 to UPLINKS_MAX */
    const struct target *targets; /* those with over_uplinks are probed */
    size_t n_targets;
    bool delta;
    uint32_t coarser; /* as in struct pipeline_settings, with `reader` */
    struct series_reader reader;
};

/* `settings` is copied, with the targets; `rolling` as in core/series.h. */
struct uplinks *uplinks_create(const struct uplinks_settings *settings,
                               const struct kinds *kinds, struct rolling_set *rolling,
                               uint64_t seed, struct wall wall);
void uplinks_destroy(struct uplinks *u); /* NULL is fine */

/* The address of a target (its number in the settings) over an uplink, or over all of
 * them with UPLINK_NONE; FAMILY_NONE in `to.family`: none. `pop`: that the name shows, ""
 * if none; what answers tell is preferred. */
void uplinks_resolved(struct uplinks *u, size_t target, enum family family, size_t uplink,
                      const struct endpoint *to, const char *pop, struct mono now,
                      struct wall wall);

/* The address in use; FAMILY_NONE: none. */
struct endpoint uplinks_address(const struct uplinks *u, size_t target,
                                enum family family, size_t uplink);

/* As of the pipeline. */
void uplinks_pause(struct uplinks *u, bool paused, struct mono now);
bool uplinks_next(const struct uplinks *u, struct mono *at);
bool uplinks_take(struct uplinks *u, struct mono now, struct probe_request *out);

/* Adds events of uplinks that went down or came up. False: of an address that is not
 * probed any more; it does not count. */
bool uplinks_result(struct uplinks *u, const struct result *result, struct wall now,
                    struct events *events);

/* Of a probe: the target, with its `uplink`. */
const struct target *uplinks_target(const struct uplinks *u, uint32_t stream);

void uplinks_after(struct uplinks *u, uint32_t stream, enum counter what);
void uplinks_interrupted(struct uplinks *u);
void uplinks_busy(struct uplinks *u);

/*
 * The system's routes to a target use these uplinks: a bit for each, several where
 * equal-cost routes share the flows; 0: another way. uplinks_routed() reports what has
 * changed since the last call: one event for all targets whose routes went from the same
 * to the same uplinks.
 */
void uplinks_route(struct uplinks *u, size_t target, enum family family,
                   unsigned uplinks);
void uplinks_routed(struct uplinks *u, struct wall wall, struct events *events);

/* Closes the window of all streams. */
const struct uplinks_report *uplinks_close(struct uplinks *u, struct mono now,
                                           struct wall wall);

/* Whether the target is probed over the uplinks. Not through a proxy, whose own way out is
 * not known. */
bool uplinks_probe(const struct target *t);

#endif
