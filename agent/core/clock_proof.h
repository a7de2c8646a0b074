/*
 * Decides whether the wall clock can be trusted. A host may boot with its clock days
 * ahead or behind (no battery, a resumed virtual machine) until NTP corrects it; data
 * deleted by age on such a clock is lost. Two independent conditions must hold: the clock
 * has not been stepped for CLOCK_STEADY_NS, and the Date of the last HTTP reply agrees
 * with it.
 */
#ifndef EDGELAT_CORE_CLOCK_PROOF_H
#define EDGELAT_CORE_CLOCK_PROOF_H

#include "core/time.h"

#define CLOCK_STEADY_NS (600 * NS_PER_S)
#define CLOCK_AGREES_NS (600 * NS_PER_S) /* allows for a reply from an HTTP cache */
#define CLOCK_STEP_NS   (60 * NS_PER_S)  /* a smaller change is slewing */

struct clock_proof { /* start with { 0 } */
    bool begun, proved;
    int64_t gap_ns; /* wall minus monotonic clock, at `since` */
    struct mono since;
};

/*
 * Call at least every CLOCK_STEP_NS. `has_date`: an HTTP reply had a Date, `ahead_ns`
 * ahead of the wall clock. Returns true once, when the clock becomes trusted.
 */
bool clock_proof_update(struct clock_proof *p, struct mono mono, struct wall wall,
                        bool has_date, int64_t ahead_ns);

#endif
