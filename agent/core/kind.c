#include "core/kind.h"

#include <string.h>

size_t kinds_find(const struct kinds *kinds, const char *name)
{
    for (size_t i = 0; i < kinds->n; i++)
        if (strcmp(kinds->list[i]->name, name) == 0)
            return i;
    return KIND_NONE;
}

const struct kind *kinds_with(const struct kinds *kinds, enum delay_role role)
{
    for (size_t i = 0; i < kinds->n; i++)
        if (kind_delay(kinds->list[i], role) != KIND_NONE)
            return kinds->list[i];
    return NULL;
}

const char *kinds_main_delay(const struct kinds *kinds, const char *name)
{
    size_t i = kinds_find(kinds, name);
    return i == KIND_NONE ? KIND_ROUND_TRIP
                          : kinds->list[i]->delays[kinds->list[i]->main_delay];
}

size_t kind_delays(const struct kind *kind)
{
    size_t n = 0;
    while (n < DELAYS_MAX && kind->delays[n] != NULL)
        n++;
    return n;
}

size_t kind_delay(const struct kind *kind, enum delay_role role)
{
    size_t n = kind_delays(kind);
    for (size_t i = 0; i < n; i++)
        if (kind->roles[i] == role)
            return i;
    return KIND_NONE;
}
