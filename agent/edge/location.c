#include "edge/location.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD_ROOM = 64, CODE_LETTERS = 3 };

enum { AMONG_CODES, AMONG_METROS, AMONG_CITIES /* also those with an airport only */ };

static const struct metro *similar(const struct catalogue *c, const char *word, int among)
{
    bool is_code = among == AMONG_CODES;
    const char **words = mem_alloc((c->n + c->n_others) * sizeof *words);
    char given[WORD_ROOM];
    size_t n = 0;
    text_copy(given, sizeof given, word);
    for (char *at = given + !is_code; *at != '\0'; at++)
        *at = (char)(is_code ? toupper((unsigned char)*at) : tolower((unsigned char)*at));
    given[0] = (char)toupper((unsigned char)given[0]);
    for (size_t i = 0; i < c->n; i++) {
        const struct metro *m = &c->metros[i];
        if ((is_code ? m->code[0] : m->city[0]) == given[0])
            words[n++] = is_code ? m->code : m->city;
    }
    for (size_t i = 0; i < c->n_others && among == AMONG_CITIES; i++)
        if (c->others[i].city[0] == given[0])
            words[n++] = c->others[i].city;
    const char *near = text_nearest(given, words, n);
    free(words);
    return near == NULL ? NULL
           : is_code    ? catalogue_find(c, near, POP_FRONT_DOOR)
                        : catalogue_of_city(c, near);
}

/* Not an airport: almost every mistyped code is an airport somewhere, as AMD for AMS. */
static const struct metro *if_metro(const struct metro *m)
{
    bool is = m != NULL && m->family != POP_AIRPORT && m->family != POP_EXCHANGE_SITE;
    return is ? m : NULL;
}

/* `cities`: what a longer word is compared with for a suggestion. */
static const struct metro *find_metro(const struct catalogue *c, const char *code,
                                      int cities, struct text *wrong)
{
    char upper[WORD_ROOM];
    text_copy(upper, sizeof upper, code);
    for (char *at = upper; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    const struct metro *found = if_metro(catalogue_find(c, upper, POP_FRONT_DOOR));
    if (found == NULL)
        found = if_metro(catalogue_of_city(c, code));
    if (found != NULL)
        return found;
    if (c->n == 0) {
        text_add(wrong, "%s cannot be looked up: there is no metros.csv", code);
        return NULL;
    }
    /* A short word is a code, rather if it has only capitals: Lyn is Lyon, and LYN is not. */
    const struct metro *near = NULL;
    if (strcmp(upper, code) != 0 || strlen(code) > CODE_LETTERS)
        near = similar(c, code, cities);
    if (near == NULL && strlen(code) <= CODE_LETTERS)
        near = similar(c, code, AMONG_CODES);
    text_add(wrong, "%s is not a code or a city in metros.csv", code);
    if (near != NULL && if_metro(near) == NULL)
        text_add(wrong, "; did you mean %s?", near->city);
    else if (near != NULL)
        text_add(wrong, "; did you mean %s (%s)?", near->code, near->city);
    return NULL;
}

const struct metro *location_metro(const struct catalogue *c, const char *code,
                                   struct text *wrong)
{
    return find_metro(c, code, AMONG_METROS, wrong);
}

static bool read_degrees(struct position *out, const char *text)
{
    char words[WORD_ROOM];
    if (!text_copy(words, sizeof words, text))
        return false;
    size_t first = strcspn(words, ", \t");
    char *second = words + first + strspn(words + first, ", \t");
    words[first] = '\0';
    double latitude, longitude;
    if (!text_to_number(words, -90, 90, &latitude) ||
        !text_to_number(second, -180, 180, &longitude))
        return false;
    *out = (struct position){(float)latitude, (float)longitude};
    return true;
}

bool location_parse(struct position *out, const struct catalogue *c, const char *text,
                    struct text *wrong)
{
    if (isalpha((unsigned char)*text)) {
        struct text unknown = {0};
        const struct metro *m = find_metro(c, text, AMONG_CITIES, &unknown);
        if (m == NULL && strlen(text) > CODE_LETTERS) /* the city of an airport will do */
            m = catalogue_of_city(c, text);
        if (m == NULL)
            text_add(wrong, "%s", text_string(&unknown));
        text_free(&unknown);
        if (m != NULL)
            *out = m->at;
        return m != NULL;
    }
    if (read_degrees(out, text))
        return true;
    text_add(wrong,
             "%s is not a location; write LATITUDE LONGITUDE in degrees, such as "
             "50.94 6.96 (north and east are positive), or a city or the code of a metro",
             text);
    return false;
}
