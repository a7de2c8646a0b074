/*
 * Inside of serving: what is known of each (target, family), and what is said of it.
 */
#ifndef EDGELAT_EDGE_SERVING_STATE_H
#define EDGELAT_EDGE_SERVING_STATE_H

#include "core/damping.h"
#include "edge/serving.h"

enum fit { FIT_UNKNOWN, FIT_OPTIMAL, FIT_SUBOPTIMAL };

struct reported_pop { /* a PoP, as it was told */
    char pop[POP_TEXT_MAX];
    const char *basis;
};

struct served {                      /* what is known of a (target, family) */
    struct reported_pop now, before; /* pop "": none; before the last change */
    struct endpoint to;
    bool told; /* that this address has it; else it was learned */

    struct damping damping;
    int64_t foreign_ns; /* when it was last; 0: never */

    enum fit fit;
    int over; /* windows in a row that it was too far */
    enum role role;
    bool role_told;
};

struct look { /* at one of them */
    struct served *served;
    const struct site *site;
    const struct target *target;
    const struct target_address_state *place;
    enum family family;
    struct standing standing; /* of the PoP of `place` */
    struct wall time;
    struct events *events;
};

struct standing serving_standing(const struct look *l, const struct reported_pop *seen);

/* Each adds its event; `before` is what was until now. */
void serving_say_change(const struct look *l, const struct reported_pop *before);
void serving_say_unstable(const struct look *l, const struct reported_pop *before);
void serving_say_still(const struct look *l, uint64_t changes);
void serving_say_foreign(const struct look *l);
void serving_say_fit(const struct look *l, enum fit fit);
void serving_say_role(const struct look *l, enum role before);

#endif
