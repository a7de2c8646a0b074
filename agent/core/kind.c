#include "core/kind.h"

#include <string.h>

size_t kinds_find(const struct kinds *kinds, const char *name)
{
    for (size_t i = 0; i < kinds->n; i++)
        if (strcmp(kinds->list[i]->name, name) == 0)
            return i;
    return KIND_NONE;
}

size_t kind_delays(const struct kind *kind)
{
    size_t n = 0;
    while (n < DELAYS_MAX && kind->delays[n] != NULL)
        n++;
    return n;
}

size_t kind_delay(const struct kind *kind, const char *name)
{
    size_t n = kind_delays(kind);
    for (size_t i = 0; i < n; i++)
        if (strcmp(kind->delays[i], name) == 0)
            return i;
    return KIND_NONE;
}
