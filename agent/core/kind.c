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

struct kinds kinds_using(const struct kinds *kinds, unsigned settings)
{
    struct kinds some = {.n = 0};
    for (size_t i = 0; i < kinds->n; i++)
        if (kinds->list[i]->uses & settings)
            some.list[some.n++] = kinds->list[i];
    return some;
}

struct kinds kinds_past_middlebox(const struct kinds *kinds)
{
    struct kinds some = {.n = 0};
    for (size_t i = 0; i < kinds->n; i++)
        if (!kind_only_handshakes(kinds->list[i]))
            some.list[some.n++] = kinds->list[i];
    return some;
}

static const char *before(const struct kinds *kinds, size_t i, const char *between,
                          const char *last)
{
    return i == 0 ? "" : i + 1 < kinds->n ? between : last;
}

void kinds_add_names(struct text *out, const struct kinds *kinds, const char *between,
                     const char *last)
{
    for (size_t i = 0; i < kinds->n; i++)
        text_add(out, "%s%s", before(kinds, i, between, last), kinds->list[i]->name);
}

void kinds_add_labels(struct text *out, const struct kinds *kinds, const char *between,
                      const char *last)
{
    for (size_t i = 0; i < kinds->n; i++)
        text_add(out, "%s%s", before(kinds, i, between, last), kinds->list[i]->label);
}

bool kind_only_handshakes(const struct kind *kind)
{
    size_t n = kind_delays(kind), i = 0;
    while (i < n && kind->roles[i] == DELAY_HANDSHAKE)
        i++;
    return n > 0 && i == n;
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
