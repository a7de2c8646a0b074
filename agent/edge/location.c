#include "edge/location.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD_ROOM = 64 };

/* The most similar code with the same first letter. */
static const struct metro *similar(const struct catalogue *c, const char *word)
{
    const char **codes = mem_alloc(c->n * sizeof *codes);
    char upper[WORD_ROOM];
    size_t n = 0;
    text_copy(upper, sizeof upper, word);
    for (char *at = upper; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    for (size_t i = 0; i < c->n; i++)
        if (c->metros[i].code[0] == upper[0])
            codes[n++] = c->metros[i].code;
    const char *near = text_nearest(upper, codes, n);
    free(codes);
    return near != NULL ? catalogue_find(c, near, POP_FRONT_DOOR) : NULL;
}

/* Not an airport: almost every mistyped code is an airport somewhere, as AMD for AMS. */
static const struct metro *if_metro(const struct metro *m)
{
    bool is = m != NULL && m->family != POP_AIRPORT && m->family != POP_EXCHANGE_SITE;
    return is ? m : NULL;
}

const struct metro *location_metro(const struct catalogue *c, const char *code,
                                   struct text *wrong)
{
    const struct metro *found = if_metro(catalogue_find(c, code, POP_FRONT_DOOR));
    if (found != NULL)
        return found;
    if (c->n == 0) {
        text_add(wrong, "%s cannot be looked up: there is no metros.csv", code);
        return NULL;
    }
    const struct metro *near = if_metro(catalogue_of_city(c, code));
    if (near == NULL)
        near = similar(c, code);
    text_add(wrong, "%s is not a code in metros.csv", code);
    if (near != NULL)
        text_add(wrong, "; did you mean %s (%s)?", near->code, near->city);
    return NULL;
}

static bool read_degrees(struct position *out, const char *text)
{
    char words[WORD_ROOM];
    if (!text_copy(words, sizeof words, text))
        return false;
    size_t first = strcspn(words, ", \t");
    char *second = words + first + strspn(words + first, ", \t");
    words[first] = '\0';
    return text_to_number(words, -90, 90, &out->latitude) &&
           text_to_number(second, -180, 180, &out->longitude);
}

bool location_parse(struct position *out, const struct catalogue *c, const char *text,
                    struct text *wrong)
{
    if (isalpha((unsigned char)*text)) {
        const struct metro *m = location_metro(c, text, wrong);
        if (m != NULL)
            *out = m->at;
        return m != NULL;
    }
    struct position read;
    if (!read_degrees(&read, text)) {
        text_add(wrong,
                 "%s is not a location; write LATITUDE LONGITUDE in degrees, such as "
                 "50.94 6.96 (north and east are positive), or the code of a metro",
                 text);
        return false;
    }
    *out = read;
    return true;
}
