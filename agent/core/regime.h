/*
 * Detects that a value which may alternate has changed for good, such as the entry PoP
 * of a path: flows of equal-cost paths see several values side by side, which is no
 * change.
 *
 * A cumulative sum test (Page, "Continuous inspection schemes", Biometrika 1954) of two
 * hypotheses: the observations are draws from the values seen so far, each with its
 * share; or another value than the current one, the candidate, has REGIME_SHARE of them
 * now. Its share before is estimated by (n + 1) / (N + 2) (Laplace's rule of succession),
 * plus two standard errors if it was seen; so a value that was never seen in 100
 * observations has 1 %. The sum of the log likelihood ratios ends at 0, where the
 * candidate is dropped, or at REGIME_LIMIT, where it is the current value: after four in a
 * row if it was never seen in 100 observations, seven if in 10, some 60 if it was seen
 * half of the time. After a change the shares are learned anew. A value that has more than
 * REGIME_TESTABLE of the observations already is no candidate, as too little would tell
 * a change from alternation.
 *
 * The first REGIME_LEARN observations are not tested. The current value is the most
 * frequent one of these, and later any that came twice as often. Pure.
 */
#ifndef EDGELAT_CORE_REGIME_H
#define EDGELAT_CORE_REGIME_H

#include "core/path_state.h"

#include <stdbool.h>

#define REGIME_SHARE      0.95
#define REGIME_TESTABLE   0.7
#define REGIME_LIMIT      16.0 /* e^-16: once in 9 million observations, at most */
#define REGIME_SUSPICIOUS 1.9  /* of the sum, from where a further observation tells */

enum { REGIME_VALUES = 8, REGIME_MEMORY = 128, REGIME_LEARN = 10 };

struct regime_value {
    char text[PATH_WORD_MAX];
    uint32_t n;     /* observations, without those since the candidate came */
    uint32_t since; /* since it came */
};

struct regime {                  /* start with { 0 }, end with regime_free() */
    struct regime_value *values; /* at most REGIME_VALUES; [0] is the current one */
    size_t n_values, candidate;  /* candidate 0: none */
    uint32_t n;                  /* sum; halved at REGIME_MEMORY */
    bool learned;
    double share, sum; /* of the candidate */
    struct wall since; /* of the candidate, or of the last change */
};

enum regime_news {
    REGIME_SAME,
    REGIME_SUSPECT, /* a further observation soon would tell */
    REGIME_CHANGED, /* since `since`; `before` has the earlier value */
};

/* `before` is set if the result is REGIME_CHANGED. */
enum regime_news regime_add(struct regime *r, const char *value, struct wall now,
                            char before[PATH_WORD_MAX]);

/* Appends a value; there must be room. Returns its place. */
size_t regime_append(struct regime *r, const char *value);
void regime_free(struct regime *r);

/* Whether the last observation was REGIME_SUSPECT. */
bool regime_suspects(const struct regime *r);

/* The current value; "": none yet. */
const char *regime_current(const struct regime *r);

#endif
