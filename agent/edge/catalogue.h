/*
 * The catalogue of Microsoft's metros: the city and position of each code, read from
 * metros.csv. Three families of codes have different names for the same place (LON and
 * LHR, CHI and MDW), so PoPs are compared by metro, never by code: codes within
 * METRO_RADIUS_KM of each other, or of a code already in the metro, are one metro. A
 * missing code is "unknown", not an error.
 *
 * Two more families of codes have a position but not necessarily a PoP: sites of
 * Exchange's servers, and airport codes (airports.csv), which new codes are likely to
 * use. They are found by code and by city, and belong to the metro near them, but are not
 * used as the nearest metro.
 */
#ifndef EDGELAT_EDGE_CATALOGUE_H
#define EDGELAT_EDGE_CATALOGUE_H

#include "edge/datafile.h"
#include "edge/distance.h"
#include "edge/pop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRO_RADIUS_KM 60.0 /* joins London's PoPs, and San Jose and Palo Alto */

enum { CATALOGUE_MAX = 4096 }; /* codes */

struct metro { /* one code; small, as there are some thousand */
    const char *city;
    struct position at;
    unsigned group : 14;   /* the same for all codes of one metro */
    unsigned family : 3;   /* enum pop_family */
    unsigned country : 15; /* metro_country() */
    char code[4];
};

struct catalogue { /* start with { 0 }, end with catalogue_free() */
    struct metro *metros;
    size_t n, room;
    struct metro *others; /* sites of Exchange's servers, airports */
    size_t n_others, others_room, n_airports;
    char *cities, *airport_cities;      /* of each file */
    char version[DATAFILE_VERSION_MAX]; /* of metros.csv; "": not read */
    char airports_version[DATAFILE_VERSION_MAX];
};

/* Reads metros.csv. Returns the number of problems; invalid rows are left out. */
size_t catalogue_parse(struct catalogue *out, const struct datafile_source *from);

/* Adds airports.csv, after metros.csv. */
size_t catalogue_parse_airports(struct catalogue *c, const struct datafile_source *from);
void catalogue_free(struct catalogue *c);

/* "front-door", "exchange-efz", "exchange-site", "backbone-rdns", "airport", "unknown" */
const char *pop_family_name(enum pop_family family);

/* "Germany" */
const char *metro_country(const struct metro *m);

/* Finds a code (upper case) in `family`, else in another family. NULL: unknown. */
const struct metro *catalogue_find(const struct catalogue *c, const char *code,
                                   enum pop_family family);

/* The same for a PoP as results name it: "LON", or "SG1", which is a site of SG. */
const struct metro *catalogue_of_pop(const struct catalogue *c, const char *pop,
                                     enum pop_family family);

/* Finds a city, in any case, also with marks that the catalogue leaves out: "frankfurt",
 * "São Paulo", "Ashburn, Virginia", "London, United Kingdom". If it has several codes,
 * prefers Front Door's code of three letters. NULL: unknown. */
const struct metro *catalogue_of_city(const struct catalogue *c, const char *city);

/* False when either is NULL. */
bool catalogue_same_metro(const struct metro *a, const struct metro *b);

struct near_metro {
    const struct metro *metro; /* its nearest code; of equally near ones the longest */
    double km;
};

/* Writes the metros nearest to a position, each once, nearest first; returns their
 * number, at most `most`. */
size_t catalogue_nearest(const struct catalogue *c, struct position from,
                         struct near_metro *out, size_t most);

#endif
