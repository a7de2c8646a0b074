/*
 * Do the DNS resolvers of this host lead a service to the same place, and if not, which of
 * them leads it how much farther? A resolver that is far from the site, or behind a VPN,
 * names front doors that are near to itself. Pure.
 *
 * Each answer is compared with those of the other resolvers, by the delays measured to the
 * addresses, not by distance (edge/gain.h). Front doors of one metro are one place; where a
 * metro is not known, another address is another place. It is compared with the other place
 * that surely gains most: with k others, one of k intervals of 95 %.
 *
 * Figures of test/unit/edge/test_agreement.c, 2 to 4 resolvers, 60 values each, random
 * paths with a queue: of those that lead 5 ms farther or more and 20 % farther, all are
 * found; of those that lead at most 0.5 ms farther, none.
 */
#ifndef EDGELAT_EDGE_AGREEMENT_H
#define EDGELAT_EDGE_AGREEMENT_H

#include "base/text.h"
#include "core/endpoint.h"
#include "edge/catalogue.h"
#include "edge/gain.h"

#include <stddef.h>

enum agreement_verdict {
    AGREEMENT_CANNOT_TELL, /* it has no address, or no other resolver has one */
    AGREEMENT_SAME,        /* to the same place as every other resolver */
    AGREEMENT_UNDECIDED,   /* another place; the delays do not show which is farther */
    AGREEMENT_ELSEWHERE,   /* another place, not farther */
    AGREEMENT_FARTHER,     /* another place, farther by `gain` */
};

/* What one resolver answers for the name of a service, in one family. */
struct agreement_answer {
    const char *resolver;      /* "192.0.2.53" */
    struct endpoint to;        /* FAMILY_NONE: no address */
    const struct metro *metro; /* of the PoP there; NULL: not known */
    /* Of TCP handshakes with `to`, of the same kind of probe for all answers. NULL: not
     * measured, or by something else than the service (a middlebox, a lie). */
    const struct delay_ring *handshakes;
};

struct agreement {
    enum agreement_verdict verdict;
    const struct agreement_answer *other; /* compared with; NULL: none is elsewhere */
    struct gain gain;                     /* of the other one, if there is one */
};

/* Judges `answers[number]`; `other` points into `answers`. */
struct agreement agreement_judge(const struct agreement_answer *answers, size_t n,
                                 size_t number, struct wall now);

/* As a clause: "resolver 192.0.2.53 leads Exchange to Milan, +15.0 ms (14.2 to 15.8)
 * against London by 192.0.2.1". `own` was judged. */
void agreement_text(struct text *out, const struct agreement *a,
                    const struct agreement_answer *own, const char *service);

#endif
