/*
 * Damping of reports of a value that keeps changing: after DAMPING_CHANGES changes within
 * DAMPING_STABLE_NS the value is reported as unstable once; further changes are not
 * reported until it has been stable for DAMPING_STABLE_NS.
 */
#ifndef EDGELAT_CORE_DAMPING_H
#define EDGELAT_CORE_DAMPING_H

#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

#define DAMPING_CHANGES   4
#define DAMPING_STABLE_NS (3600 * NS_PER_S)

struct damping {                         /* start with { 0 } */
    int64_t changed_ns[DAMPING_CHANGES]; /* ring of the last changes, by any one clock */
    uint64_t changes;                    /* since it was last stable */
    bool suppressing;
};

enum damping_action {
    DAMPING_REPORT,          /* report the change */
    DAMPING_REPORT_UNSTABLE, /* report that it keeps changing */
    DAMPING_SUPPRESS,        /* report nothing */
};

/* Records a change at `now_ns`; returns what to report. */
enum damping_action damping_change(struct damping *s, int64_t now_ns);

/* Returns the number of changes once, when the suppressed value has become stable; else
 * 0. */
uint64_t damping_settled(struct damping *s, int64_t now_ns);

#endif
