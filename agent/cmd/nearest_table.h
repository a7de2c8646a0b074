/*
 * What `edgelat nearest` prints: the targets by rank with the evidence for each, as a
 * table with notes beneath it, or as JSON lines.
 */
#ifndef EDGELAT_CMD_NEAREST_TABLE_H
#define EDGELAT_CMD_NEAREST_TABLE_H

#include "core/batch.h"
#include "edge/doors.h"
#include "edge/site.h"

#include <stdbool.h>
#include <stddef.h>

struct nearest_view {
    const struct site *site;
    const char *location; /* of the site, as somebody wrote it */
    bool json;
    const struct doors_summary *doors; /* NULL: no sweep that tells */
};

struct nearest_tally { /* of the targets that are shown */
    size_t named;      /* have an address */
    size_t measured, intercepted, filtered;
    size_t eligible; /* have a rank */
};

struct nearest_tally nearest_print(const struct nearest_view *v,
                                   const struct batch *batch);

#endif
