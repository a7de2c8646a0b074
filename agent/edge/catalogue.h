/*
 * The catalogue of Microsoft's metros: what a code stands for and where that is, read
 * from metros.csv. Three families of codes name the same addresses differently (LON and LHR,
 * CHI and MDW), so PoPs are compared by metro, never by code: codes whose positions are
 * within METRO_RADIUS_KM of each other, or of one that is in the metro already, are one
 * metro. A code that is not here is an answer, "unknown", not an error.
 *
 * Two more kinds of codes say where something is, but not that a PoP is there: sites of
 * Exchange's servers, and airport codes (airports.csv), of which new codes are likely to
 * be. They are found by code and by city, and belong to the metro that is near them;
 * the list of metros and what is nearest is without them.
 */
#ifndef EDGELAT_EDGE_CATALOGUE_H
#define EDGELAT_EDGE_CATALOGUE_H

#include "edge/datafile.h"
#include "edge/distance.h"
#include "edge/pop.h"

#include <stdbool.h>
#include <stddef.h>

#define METRO_RADIUS_KM 60.0 /* London's PoPs, or San Jose and Palo Alto, are one */

enum { CATALOGUE_MAX = 4096 }; /* codes */

struct metro { /* one code */
    char code[8];
    enum pop_family family;
    char city[48], country[48];
    struct position at;
    size_t group; /* the same for all codes of one metro */
};

struct catalogue { /* all zero is an empty one; ends with catalogue_free() */
    struct metro *metros;
    size_t n, room;
    struct metro *others; /* sites of Exchange's servers, airports */
    size_t n_others, others_room, n_airports;
    char version[DATAFILE_VERSION_MAX]; /* of metros.csv; "" while there is none */
    char airports_version[DATAFILE_VERSION_MAX];
};

/* Returns the number of problems; what is wrong is left out. */
size_t catalogue_parse(struct catalogue *out, const struct datafile_source *from);
/* Adds airports.csv to what metros.csv said. */
size_t catalogue_parse_airports(struct catalogue *c, const struct datafile_source *from);
void catalogue_free(struct catalogue *c);

/* "front-door", "exchange-efz", "exchange-site", "backbone-rdns", "airport", "unknown" */
const char *pop_family_name(enum pop_family family);

/* By its code, upper case; that of another family when `family` has none of this name.
 * NULL: unknown. */
const struct metro *catalogue_find(const struct catalogue *c, const char *code,
                                   enum pop_family family);

/* The same by a PoP as results name it: "LON", or "SG1", which is a site of SG. */
const struct metro *catalogue_of_pop(const struct catalogue *c, const char *pop,
                                     enum pop_family family);

/* By its city, in any case: "frankfurt", "Ashburn, Virginia", "London, United Kingdom".
 * Front Door's code of three letters where there are several. NULL: unknown. */
const struct metro *catalogue_of_city(const struct catalogue *c, const char *city);

bool catalogue_same_metro(const struct metro *a, const struct metro *b);

struct near_metro {
    const struct metro *metro; /* the nearest code of that metro, of equals the longest */
    double km;
};

/* The metros nearest to a place, each once, the nearest first; how many, at most `most`.
 */
size_t catalogue_nearest(const struct catalogue *c, struct position from,
                         struct near_metro *out, size_t most);

#endif
