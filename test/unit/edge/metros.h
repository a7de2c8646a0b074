/*
 * The shipped catalogue of metros, for all tests of a program:
 *
 *     return cmocka_run_group_tests(tests, metros_load, metros_unload);
 */
#ifndef EDGELAT_TEST_METROS_H
#define EDGELAT_TEST_METROS_H

#include "edge/catalogue.h"
#include "shipped.h"

static struct catalogue metros;

static int metros_load(void **state)
{
    (void)state;
    SHIPPED_PARSE(catalogue_parse, &metros, "metros.csv");
    return 0;
}

static int metros_unload(void **state)
{
    (void)state;
    catalogue_free(&metros);
    return 0;
}

/* Gets the problems of a text that has none. */
static inline void no_problem(const char *text, void *user)
{
    (void)user;
    CHECK(false, "%s", text);
}

#endif
