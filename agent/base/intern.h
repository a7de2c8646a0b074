/*
 * Texts that many values share, each kept once until the end of the program: of the
 * configuration and of data files, never from the network. Not thread-safe.
 */
#ifndef EDGELAT_BASE_INTERN_H
#define EDGELAT_BASE_INTERN_H

#include <stddef.h>

/* Equal texts give the same pointer. */
const char *intern(const char *text);

/* A text that may be NULL, which stands for "". */
static inline const char *intern_text(const char *text)
{
    return text != NULL ? text : "";
}

#endif
