/*
 * Some hundred codes: a table sorted by code, and metros by joining what is near.
 */
#include "edge/catalogue.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const families[] = {
    [POP_UNKNOWN] = "unknown",
    [POP_FRONT_DOOR] = "front-door",
    [POP_EXCHANGE] = "exchange-efz",
    [POP_BACKBONE] = "backbone-rdns",
};

enum { FAMILIES = sizeof families / sizeof *families };

const char *pop_family_name(enum pop_family family)
{
    return families[family];
}

static bool read_family(struct datafile *f, const char *word, enum pop_family *out)
{
    for (size_t i = POP_UNKNOWN + 1; i < FAMILIES; i++)
        if (strcmp(word, families[i]) == 0) {
            *out = (enum pop_family)i;
            return true;
        }
    const char *near = text_nearest(word, families + 1, FAMILIES - 1);
    datafile_problem(f, "family %s: must be one of %s, %s, %s%s%s", word, families[1],
                     families[2], families[3], near != NULL ? "; did you mean " : "",
                     near != NULL ? near : "");
    return false;
}

static bool read_code(struct datafile *f, const char *field, struct metro *m)
{
    size_t len = strspn(field, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (field[len] != '\0' || len < 2 || len > 3) {
        datafile_problem(f, "code %s: must be two or three upper-case letters", field);
        return false;
    }
    text_copy(m->code, sizeof m->code, field);
    return true;
}

static bool read_degrees(struct datafile *f, const char *column, const char *field,
                         double most, double *out)
{
    if (text_to_number(field, -most, most, out))
        return true;
    datafile_problem(f, "%s %s: must be a number of degrees from -%g to %g", column,
                     field, most, most);
    return false;
}

static bool read_metro(struct datafile *f, char *fields[], struct metro *m)
{
    return read_code(f, fields[0], m) && read_family(f, fields[1], &m->family) &&
           datafile_word(f, "city", fields[2], m->city, sizeof m->city) &&
           datafile_word(f, "country", fields[3], m->country, sizeof m->country) &&
           read_degrees(f, "latitude", fields[4], 90, &m->at.latitude) &&
           read_degrees(f, "longitude", fields[5], 180, &m->at.longitude);
}

static const struct metro *find(const struct metro *metros, size_t n, const char *code,
                                enum pop_family family)
{
    for (size_t i = 0; i < n; i++)
        if (metros[i].family == family && strcmp(metros[i].code, code) == 0)
            return &metros[i];
    return NULL;
}

static void add(struct catalogue *c, struct datafile *f, const struct metro *m)
{
    if (c->n == CATALOGUE_MAX) {
        datafile_problem(f, "more than %d codes", CATALOGUE_MAX);
        return;
    }
    if (find(c->metros, c->n, m->code, m->family) != NULL) {
        datafile_problem(f, "code %s of %s stands here twice", m->code,
                         pop_family_name(m->family));
        return;
    }
    c->metros = mem_grow(c->metros, &c->room, c->n + 1, sizeof *c->metros);
    c->metros[c->n++] = *m;
}

static bool is_near(struct position a, struct position b)
{
    enum { KM_PER_DEGREE = 111 }; /* of latitude; told without a sine, as most are far */
    return fabs(a.latitude - b.latitude) * KM_PER_DEGREE <= METRO_RADIUS_KM &&
           distance_km(a, b) <= METRO_RADIUS_KM;
}

/* Everything that is near, and what is near to that. */
static void spread(struct catalogue *c, size_t from, size_t group)
{
    size_t *waiting = mem_alloc(c->n * sizeof *waiting), n = 0;
    c->metros[from].group = group;
    waiting[n++] = from;
    while (n > 0) {
        struct position at = c->metros[waiting[--n]].at;
        for (size_t i = 0; i < c->n; i++)
            if (c->metros[i].group == 0 && is_near(at, c->metros[i].at)) {
                c->metros[i].group = group;
                waiting[n++] = i;
            }
    }
    free(waiting);
}

static int by_code(const void *a, const void *b)
{
    const struct metro *x = a, *y = b;
    int order = strcmp(x->code, y->code);
    return order != 0 ? order : (int)x->family - (int)y->family;
}

size_t catalogue_parse(struct catalogue *out, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    *out = (struct catalogue){0};
    if (datafile_open(&f, from, "metros", "code,family,city,country,latitude,longitude"))
        text_copy(out->version, sizeof out->version, f.version);
    while (datafile_next(&f, fields)) {
        struct metro m = {0};
        if (read_metro(&f, fields, &m))
            add(out, &f, &m);
    }
    if (out->n > 0)
        qsort(out->metros, out->n, sizeof *out->metros, by_code);
    size_t groups = 0;
    for (size_t i = 0; i < out->n; i++)
        if (out->metros[i].group == 0)
            spread(out, i, ++groups);
    return f.problems;
}

void catalogue_free(struct catalogue *c)
{
    free(c->metros);
    *c = (struct catalogue){0};
}

/* The first one of that code. */
static size_t first_of(const struct catalogue *c, const char *code)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->metros[middle].code, code) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct metro *catalogue_find(const struct catalogue *c, const char *code,
                                   enum pop_family family)
{
    const struct metro *found = NULL;
    for (size_t i = first_of(c, code); i < c->n; i++) {
        if (strcmp(c->metros[i].code, code) != 0)
            break;
        if (found == NULL || c->metros[i].family == family)
            found = &c->metros[i];
    }
    return found;
}

const struct metro *catalogue_of_pop(const struct catalogue *c, const char *pop,
                                     enum pop_family family)
{
    char code[POP_TEXT_MAX];
    text_copy(code, sizeof code, pop);
    code[strcspn(code, "0123456789")] = '\0'; /* the site within the metro */
    return catalogue_find(c, code, family);
}

bool catalogue_same_metro(const struct metro *a, const struct metro *b)
{
    return a->group == b->group;
}

/* Of two codes of one place the longer one is the city's: "AMS" before "AM". */
static bool is_nearer(const struct near_metro *a, const struct near_metro *b)
{
    return a->km < b->km ||
           (a->km == b->km && strlen(a->metro->code) > strlen(b->metro->code));
}

/* Puts it in its place, in front of what is farther; what is too many falls off. */
static size_t insert(struct near_metro *out, size_t n, size_t most, struct near_metro one)
{
    size_t at = n;
    for (size_t i = 0; i < n; i++)
        if (catalogue_same_metro(out[i].metro, one.metro)) {
            if (!is_nearer(&one, &out[i]))
                return n;
            at = i; /* the nearer code takes the place */
            break;
        }
    if (at == n && n == most) {
        if (most == 0 || out[n - 1].km <= one.km)
            return n;
        at = n - 1;
    }
    size_t count = at == n ? n + 1 : n;
    for (; at > 0 && out[at - 1].km > one.km; at--)
        out[at] = out[at - 1];
    out[at] = one;
    return count;
}

size_t catalogue_nearest(const struct catalogue *c, struct position from,
                         struct near_metro *out, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct metro *m = &c->metros[i];
        n = insert(out, n, most, (struct near_metro){m, distance_km(from, m->at)});
    }
    return n;
}
