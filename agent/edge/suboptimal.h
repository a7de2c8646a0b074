/*
 * Is the PoP that serves a target the right one? Its delay is compared with that of the
 * other front doors of the same service that are measured (edge/explorer.h), in the same
 * address family, TCP handshakes of one kind of probe with each other, by edge/gain.h.
 * PoPs are compared within one family of codes only: front doors of Exchange are not
 * those of Front Door, and serve something else. Distance decides nothing; where there is
 * no front door to compare with, it is a hint. Pure.
 */
#ifndef EDGELAT_EDGE_SUBOPTIMAL_H
#define EDGELAT_EDGE_SUBOPTIMAL_H

#include "core/batch.h"
#include "edge/gain.h"
#include "edge/site.h"

#include <stddef.h>

enum fit {
    FIT_NEW,         /* not judged yet */
    FIT_OPTIMAL,     /* no front door that answers would gain anything */
    FIT_SUBOPTIMAL,  /* one would */
    FIT_CANNOT_TELL, /* there is none to compare with, and another metro is far nearer */
    FIT_UNKNOWN,     /* there is none to compare with */
    FIT_UNDECIDED,   /* there are some, but the delays do not show it yet */
};

struct suboptimal {
    enum fit fit;
    struct gain gain;                 /* of FIT_OPTIMAL and FIT_SUBOPTIMAL */
    const struct target_state *other; /* the front door compared with; NULL: none */
};

/* Judges the PoP of `states[number]` in family `f` (family_slot()) in this window. */
struct suboptimal suboptimal_judge(const struct site *site,
                                   const struct target_state *states, size_t n,
                                   size_t number, size_t f, struct wall now);

#endif
