/*
 * Some hundred codes and some thousand airports, in tables sorted by code. Codes near
 * each other are joined to metros.
 */
#include "edge/catalogue.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const families[] = {
    [POP_UNKNOWN] = "unknown",
    [POP_FRONT_DOOR] = "front-door",
    [POP_EXCHANGE] = "exchange-efz",
    [POP_BACKBONE] = "backbone-rdns",
    [POP_EXCHANGE_SITE] = "exchange-site",
    [POP_AIRPORT] = "airport",
};

enum { WORD_MAX = 48, COUNTRIES_MAX = 1024 };
enum { FAMILIES = POP_AIRPORT }; /* families allowed in metros.csv come before it */

const char *pop_family_name(enum pop_family family)
{
    return families[family];
}

static bool read_family(struct datafile *f, const char *word, struct metro *m)
{
    for (size_t i = POP_UNKNOWN + 1; i < FAMILIES; i++)
        if (strcmp(word, families[i]) == 0) {
            m->family = i;
            return true;
        }
    const char *near = text_nearest(word, families + 1, FAMILIES - 1);
    datafile_problem(f, "family %s: must be one of %s, %s, %s, %s%s%s", word, families[1],
                     families[2], families[3], families[4],
                     near != NULL ? "; did you mean " : "", near != NULL ? near : "");
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
                         double most, float *out)
{
    double degrees;
    if (text_to_number(field, -most, most, &degrees)) {
        *out = (float)degrees;
        return true;
    }
    datafile_problem(f, "%s %s: must be a number of degrees from -%g to %g", column,
                     field, most, most);
    return false;
}

/* Of all catalogues, each kept until the end of the program like the texts of intern(). */
static struct {
    const char *names[COUNTRIES_MAX];
    size_t n;
} countries;

const char *metro_country(const struct metro *m)
{
    return countries.names[m->country];
}

static bool read_country(struct datafile *f, const char *field, struct metro *m)
{
    char word[WORD_MAX];
    if (!datafile_word(f, "country", field, word, sizeof word))
        return false;
    const char *name = intern(word);
    size_t i = 0;
    while (i < countries.n && countries.names[i] != name)
        i++;
    if (i == COUNTRIES_MAX) {
        datafile_problem(f, "more than %d countries", COUNTRIES_MAX);
        return false;
    }
    countries.n += i == countries.n;
    countries.names[i] = name;
    m->country = (unsigned)i;
    return true;
}

/* City, country and position. The city is copied to `*cities`, which advances. */
static bool read_location(struct datafile *f, char *fields[], char **cities,
                          struct metro *m)
{
    if (!datafile_word(f, "city", fields[0], *cities, WORD_MAX) ||
        !read_country(f, fields[1], m) ||
        !read_degrees(f, "latitude", fields[2], 90, &m->at.latitude) ||
        !read_degrees(f, "longitude", fields[3], 180, &m->at.longitude))
        return false;
    m->city = *cities;
    *cities += strlen(*cities) + 1;
    return true;
}

static bool read_metro(struct datafile *f, char *fields[], char **cities, struct metro *m)
{
    return read_code(f, fields[0], m) && read_family(f, fields[1], m) &&
           read_location(f, fields + 2, cities, m);
}

static bool read_airport(struct datafile *f, char *fields[], char **cities,
                         struct metro *m)
{
    m->family = POP_AIRPORT;
    return read_code(f, fields[0], m) && read_location(f, fields + 1, cities, m);
}

/* Index of the first entry with this code, or where it would be, in a sorted list. */
static size_t first_of(const struct metro *list, size_t n, const char *code)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(list[middle].code, code) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Keeps the list sorted by code, then by family. */
static void add(struct catalogue *c, struct datafile *f, const struct metro *m)
{
    bool other = m->family == POP_EXCHANGE_SITE || m->family == POP_AIRPORT;
    struct metro **list = other ? &c->others : &c->metros;
    size_t *n = other ? &c->n_others : &c->n;
    if (*n == CATALOGUE_MAX) {
        datafile_problem(f, "more than %d codes", CATALOGUE_MAX);
        return;
    }
    size_t at = first_of(*list, *n, m->code);
    for (; at < *n && strcmp((*list)[at].code, m->code) == 0; at++) {
        if ((*list)[at].family == m->family) {
            datafile_problem(f, "code %s of %s: duplicate", m->code,
                             pop_family_name(m->family));
            return;
        }
        if ((*list)[at].family > m->family)
            break;
    }
    *list = mem_grow(*list, other ? &c->others_room : &c->room, *n + 1, sizeof **list);
    memmove(&(*list)[at + 1], &(*list)[at], (*n - at) * sizeof **list);
    (*list)[at] = *m;
    ++*n;
}

static bool is_near(struct position a, struct position b)
{
    enum { KM_PER_DEGREE = 111 }; /* of latitude; a cheap test first: most are far */
    return fabsf(a.latitude - b.latitude) * KM_PER_DEGREE <= METRO_RADIUS_KM &&
           distance_km(a, b) <= METRO_RADIUS_KM;
}

/* Gives `group` to the code and, transitively, to all codes near it. */
static void grow_group(struct catalogue *c, size_t from, unsigned group)
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

/* Puts each of the other codes into the nearest metro, or into one of its own. */
static void assign_others(struct catalogue *c)
{
    for (size_t i = 0; i < c->n_others; i++) {
        struct metro *other = &c->others[i];
        double least = METRO_RADIUS_KM;
        /* there are at most n groups of metros */
        other->group = (unsigned)(c->n + 1 + i);
        for (size_t m = 0; m < c->n; m++) {
            if (!is_near(other->at, c->metros[m].at))
                continue;
            double km = distance_km(other->at, c->metros[m].at);
            if (km <= least) {
                least = km;
                other->group = c->metros[m].group;
            }
        }
    }
}

/* Each city is shorter than its row. */
static char *cities_room(const struct datafile_source *from)
{
    return mem_alloc(from->len + DATAFILE_LINE_MAX);
}

static void move_cities(struct metro *list, size_t n, const char *from, const char *end,
                        const char *to)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].city >= from && list[i].city < end)
            list[i].city = to + (list[i].city - from);
}

/* Returns the memory that is not used: of entries, and of the cities behind `end`. */
static void trim(struct catalogue *c, char **cities, const char *end)
{
    char *from = *cities;
    *cities = mem_copy(from, (size_t)(end - from));
    move_cities(c->metros, c->n, from, end, *cities);
    move_cities(c->others, c->n_others, from, end, *cities);
    free(from);
    c->room = c->n;
    c->metros = mem_resize(c->metros, c->n * sizeof *c->metros);
    c->others_room = c->n_others;
    c->others = mem_resize(c->others, c->n_others * sizeof *c->others);
}

size_t catalogue_parse(struct catalogue *out, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    *out = (struct catalogue){0};
    char *cities = out->cities = cities_room(from);
    if (datafile_open(&f, from, "metros", "code,family,city,country,latitude,longitude"))
        text_copy(out->version, sizeof out->version, f.version);
    while (datafile_next(&f, fields)) {
        struct metro m = {0};
        if (read_metro(&f, fields, &cities, &m))
            add(out, &f, &m);
    }
    unsigned groups = 0;
    for (size_t i = 0; i < out->n; i++)
        if (out->metros[i].group == 0)
            grow_group(out, i, ++groups);
    assign_others(out);
    trim(out, &out->cities, cities);
    return f.problems;
}

size_t catalogue_parse_airports(struct catalogue *c, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    size_t sites = c->n_others;
    char *cities = c->airport_cities = cities_room(from);
    if (datafile_open(&f, from, "airports", "code,city,country,latitude,longitude"))
        text_copy(c->airports_version, sizeof c->airports_version, f.version);
    while (datafile_next(&f, fields)) {
        struct metro m = {0};
        if (read_airport(&f, fields, &cities, &m))
            add(c, &f, &m);
    }
    c->n_airports = c->n_others - sites;
    assign_others(c);
    trim(c, &c->airport_cities, cities);
    return f.problems;
}

void catalogue_free(struct catalogue *c)
{
    free(c->metros);
    free(c->others);
    free(c->cities);
    free(c->airport_cities);
    *c = (struct catalogue){0};
}

/* The entry of this family, else the first one with this code. */
static const struct metro *find_in(const struct metro *list, size_t n, const char *code,
                                   enum pop_family family)
{
    const struct metro *found = NULL;
    for (size_t i = first_of(list, n, code); i < n; i++) {
        if (strcmp(list[i].code, code) != 0)
            break;
        if (found == NULL || list[i].family == family)
            found = &list[i];
    }
    return found;
}

const struct metro *catalogue_find(const struct catalogue *c, const char *code,
                                   enum pop_family family)
{
    const struct metro *m = find_in(c->metros, c->n, code, family);
    const struct metro *other = find_in(c->others, c->n_others, code, family);
    return m == NULL || (other != NULL && other->family == family) ? other : m;
}

/* "Ashburn" is the city of "Ashburn, Virginia"; the country may follow. */
static bool is_of_city(const struct metro *m, const char *text)
{
    size_t city = strcspn(m->city, ",");
    if (strncasecmp(m->city, text, city) != 0)
        return false;
    const char *rest = text + city;
    return *rest == '\0' || strcasecmp(m->city + city, rest) == 0 ||
           (strncmp(rest, ", ", 2) == 0 && strcasecmp(metro_country(m), rest + 2) == 0);
}

/* How well known a code is: the three letters of Front Door's codes are known best, in
 * particular if they are an airport code. */
static int familiarity(const struct catalogue *c, const struct metro *m)
{
    const struct metro *airport = find_in(c->others, c->n_others, m->code, POP_AIRPORT);
    return 8 * (m->family == POP_FRONT_DOOR) + 2 * (int)strlen(m->code) +
           (airport != NULL && airport->family == POP_AIRPORT);
}

static bool is_better_known(const struct catalogue *c, const struct metro *m,
                            const struct metro *than)
{
    return than == NULL || familiarity(c, m) > familiarity(c, than);
}

/* The nearest Front Door code of an airport, whose city may have another name ("Bromma"
 * for the airport of "Stockholm"), else the airport. */
static const struct metro *metro_of(const struct catalogue *c, const struct metro *other)
{
    const struct metro *found = other;
    double least = METRO_RADIUS_KM;
    for (size_t i = 0; i < c->n; i++) {
        const struct metro *m = &c->metros[i];
        double km = distance_km(m->at, other->at);
        if (m->family == POP_FRONT_DOOR && strlen(m->code) == 3 && km < least) {
            least = km;
            found = m;
        }
    }
    return found;
}

static const struct metro *find_city(const struct catalogue *c, const char *city)
{
    const struct metro *found = NULL, *other = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (is_of_city(&c->metros[i], city) && is_better_known(c, &c->metros[i], found))
            found = &c->metros[i];
    for (size_t i = 0; found == NULL && i < c->n_others; i++)
        if (is_of_city(&c->others[i], city) && is_better_known(c, &c->others[i], other))
            other = &c->others[i];
    return other != NULL ? metro_of(c, other) : found;
}

const struct metro *catalogue_of_city(const struct catalogue *c, const char *city)
{
    char unmarked[DATAFILE_LINE_MAX];
    const struct metro *found = find_city(c, city);
    if (found != NULL)
        return found;
    text_unmarked(unmarked, sizeof unmarked, city);
    return find_city(c, unmarked);
}

const struct metro *catalogue_of_pop(const struct catalogue *c, const char *pop,
                                     enum pop_family family)
{
    char code[POP_TEXT_MAX];
    text_copy(code, sizeof code, pop);
    code[strcspn(code, "0123456789")] = '\0'; /* remove the site within the metro */
    return catalogue_find(c, code, family);
}

bool catalogue_same_metro(const struct metro *a, const struct metro *b)
{
    return a != NULL && b != NULL && a->group == b->group;
}

/* Of two codes at the same position the longer one wins: "AMS" before "AM". */
static bool is_nearer(const struct near_metro *a, const struct near_metro *b)
{
    return a->km < b->km ||
           (a->km == b->km && strlen(a->metro->code) > strlen(b->metro->code));
}

/* Inserts a metro, sorted by distance, each metro once; keeps at most `most`. Returns the
 * new count. */
static size_t insert(struct near_metro *out, size_t n, size_t most, struct near_metro one)
{
    size_t at = n;
    for (size_t i = 0; i < n; i++)
        if (catalogue_same_metro(out[i].metro, one.metro)) {
            if (!is_nearer(&one, &out[i]))
                return n;
            at = i; /* the nearer code replaces it */
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
