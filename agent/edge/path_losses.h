/*
 * Finds losses in a row in one stream of probes, as a reason to trace the path before the
 * window closes. Results arrive in any order, as a loss is known only after the waiting
 * time: the probes are taken in the order in which they were sent. Pure.
 */
#ifndef EDGELAT_EDGE_PATH_LOSSES_H
#define EDGELAT_EDGE_PATH_LOSSES_H

#include "core/time.h"

#include <stdbool.h>
#include <stddef.h>

enum { PATH_LOSSES_IN_A_ROW = 3, PATH_LOSSES_MEMORY = 8 };

struct path_losses {                      /* start with { 0 } */
    struct wall sent[PATH_LOSSES_MEMORY]; /* the last results, a ring */
    bool lost[PATH_LOSSES_MEMORY];        /* the same ones */
    size_t n;                             /* results added */
    bool answered;                        /* ever: silence from the start is a filter */
};

/* True if this loss makes a row of PATH_LOSSES_IN_A_ROW; a longer row is no news. */
bool path_losses_add(struct path_losses *l, struct wall sent, bool lost);

#endif
