/*
 * Parses a location: degrees, a city, or the code of a metro of the catalogue. Case does not
 * matter.
 */
#ifndef EDGELAT_EDGE_LOCATION_H
#define EDGELAT_EDGE_LOCATION_H

#include "base/text.h"
#include "edge/catalogue.h"

#include <stdbool.h>

/* Parses "50.94 6.96" or "50.94, 6.96", latitude first, or "AMS", "Amsterdam", "Lyon" (the
 * city of an airport). False: appends the error to `wrong`, such as "AMD is not a code or a
 * city in metros.csv; did you mean AMS?". */
bool location_parse(struct position *out, const struct catalogue *c, const char *text,
                    struct text *wrong);

/* Finds a code or the city of one, not of an airport. NULL: appends the same error. */
const struct metro *location_metro(const struct catalogue *c, const char *code,
                                   struct text *wrong);

#endif
