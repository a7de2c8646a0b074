/*
 * Whether the wall clock may be believed. A host may boot with its clock days ahead or
 * behind (no battery, a virtual machine that was resumed) until NTP corrects it; what is
 * deleted by such a clock is gone. Two independent facts are asked for: the clock has not
 * been stepped for CLOCK_STEADY_NS, and the Date of the last HTTP reply agrees with it.
 * Pure.
 */
#ifndef EDGELAT_CORE_CLOCK_PROOF_H
#define EDGELAT_CORE_CLOCK_PROOF_H

#include "core/time.h"

#define CLOCK_STEADY_NS (600 * NS_PER_S)
#define CLOCK_AGREES_NS (600 * NS_PER_S) /* a cache may have kept the reply for a while */
#define CLOCK_STEP_NS   (60 * NS_PER_S)  /* less is a correction by slewing */

struct clock_proof { /* start with { 0 } */
    bool begun, proved;
    int64_t gap_ns; /* wall minus monotonic clock, at `since` */
    struct mono since;
};

/*
 * To be called at least each CLOCK_STEP_NS. `has_date`: a reply came with a Date, which was
 * `ahead_ns` ahead of the wall clock. True once: from now on the clock is believed.
 */
bool clock_proof_look(struct clock_proof *p, struct mono mono, struct wall wall,
                      bool has_date, int64_t ahead_ns);

#endif
