/*
 * What is known of the uplinks when a window closes, as values: core/uplinks.h makes them,
 * the batch carries them.
 */
#ifndef EDGELAT_CORE_UPLINK_STATE_H
#define EDGELAT_CORE_UPLINK_STATE_H

#include "core/paired.h"
#include "core/target.h"
#include "core/uplink.h"

struct series;

enum uplink_condition { UPLINK_UNKNOWN, UPLINK_UP, UPLINK_DOWN };

struct uplink_state {
    const struct uplink *uplink;
    enum uplink_condition condition;
    struct wall since;   /* of the condition; 0 while unknown */
    bool used[2];        /* by the system's routes to any target, by family_slot() */
    uint64_t sent, lost; /* probes since the start; unsent ones are neither */
};

struct uplink_difference { /* `uplink` minus `base`, of the first delay of the kind */
    const struct target *target;
    const struct kind *kind;
    enum family family;
    const struct uplink *uplink, *base;
    struct paired_interval interval;
};

struct uplink_target { /* a target over an uplink: `target->uplink` is set */
    const struct target *target;
    struct endpoint to[2]; /* by family_slot(); FAMILY_NONE: not probed */
    const char *pop[2];    /* "": not known */
    bool used[2];          /* by the system's routes to the target */
};

struct uplinks_report { /* views, valid until the next call on their `struct uplinks` */
    const struct series *const *series;
    size_t n_series;
    struct uplink_state states[UPLINKS_MAX];
    size_t n;
    const struct uplink_difference *differences; /* those with pairs */
    size_t n_differences;
    const struct uplink_target *targets;
    size_t n_targets;
};

/* "up", "down", "unknown" */
const char *uplink_condition_name(enum uplink_condition condition);

#endif
