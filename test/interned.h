/* Names and hosts of targets, for tests and benchmarks. */
#ifndef EDGELAT_TEST_INTERNED_H
#define EDGELAT_TEST_INTERNED_H

#include "base/intern.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 1, 2))) static inline const char *
interned(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return intern(text);
}

#endif
