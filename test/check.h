/*
 * Checks for the tests (cmocka): expected first, then what came, then what it is. A
 * failed check names its place and ends its test.
 */
#ifndef EDGELAT_TEST_CHECK_H
#define EDGELAT_TEST_CHECK_H

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(condition, ...)                                                            \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            print_error("ERROR: %s:%d: ", __FILE__, __LINE__);                           \
            print_error(__VA_ARGS__);                                                    \
            print_error("\n");                                                           \
            fail();                                                                      \
        }                                                                                \
    } while (0)

#define CHECK_INT(expected, actual, what)                                                \
    do {                                                                                 \
        long long e_ = (long long)(expected), a_ = (long long)(actual);                  \
        CHECK(e_ == a_, "%s: expected %lld, got %lld", what, e_, a_);                    \
    } while (0)

#define CHECK_NEAR(expected, actual, tolerance, what)                                    \
    do {                                                                                 \
        double e_ = (expected), a_ = (actual);                                           \
        CHECK(fabs(e_ - a_) <= (tolerance), "%s: expected %g +- %g, got %g", what, e_,   \
              (double)(tolerance), a_);                                                  \
    } while (0)

#define CHECK_TEXT(expected, actual, what)                                               \
    do {                                                                                 \
        const char *e_ = (expected), *a_ = (actual);                                     \
        CHECK(strcmp(e_, a_) == 0, "%s: expected \"%s\", got \"%s\"", what, e_, a_);     \
    } while (0)

/* The seed of this run, printed: SEED=n repeats it. */
static inline uint64_t check_seed(void)
{
    const char *given = getenv("SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20261123;
    printf("# SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* ONLY=PATTERN runs the test functions with such names ('*' and '?' as in a shell). */
__attribute__((constructor)) static void check_choose(void)
{
    if (getenv("ONLY") != NULL)
        cmocka_set_test_filter(getenv("ONLY"));
}

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer)
#define CHECK_SANITIZED true
#else
#define CHECK_SANITIZED false
#endif

/* Whether a simulation should draw fewer random cases: in `make check` (QUICK=1), and under a
 * sanitizer. `make test` runs all of them. */
static inline bool check_quick(void)
{
    return CHECK_SANITIZED || getenv("QUICK") != NULL;
}

#endif
