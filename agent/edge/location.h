/*
 * Where a place is, as people write it into the configuration: degrees, or the code of a
 * metro of the catalogue.
 */
#ifndef EDGELAT_EDGE_LOCATION_H
#define EDGELAT_EDGE_LOCATION_H

#include "base/text.h"
#include "edge/catalogue.h"

#include <stdbool.h>

/* "50.94 6.96" or "50.94, 6.96", latitude first, or "AMS". False: `wrong` gets a clause
 * with what is wrong, such as "AMD is no code of metros.csv; did you mean AMS?". */
bool location_parse(struct position *out, const struct catalogue *c, const char *text,
                    struct text *wrong);

/* A code alone. NULL: the same clause. */
const struct metro *location_metro(const struct catalogue *c, const char *code,
                                   struct text *wrong);

#endif
