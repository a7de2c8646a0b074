/* The callback of a data file's problems, for fuzz targets: counts those that have a text. */
#ifndef EDGELAT_TEST_DATA_FILE_H
#define EDGELAT_TEST_DATA_FILE_H

#include <assert.h>
#include <string.h>

static inline void count(const char *text, void *user)
{
    assert(strlen(text) > 0);
    ++*(size_t *)user;
}

#endif
