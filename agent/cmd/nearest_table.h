/*
 * The output of `edgelat nearest`: the targets by rank with the evidence for each, as a
 * table with notes below it, or as JSON lines.
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
    const char *location; /* of the site, as configured */
    bool json;
    const struct doors_summary *doors; /* NULL: no result of a sweep */
    bool unanswered;                   /* DNS did not answer the sweep */
};

struct nearest_tally { /* counts of the targets shown */
    size_t named;      /* have an address */
    size_t measured, intercepted, filtered;
    size_t eligible; /* have a rank */
};

struct nearest_tally nearest_print(const struct nearest_view *v,
                                   const struct batch *batch);

#endif
