/*
 * The content of the data files about Microsoft's edge, and how it completes a
 * configuration: the position of the site, the default targets, and their limits.
 */
#ifndef EDGELAT_EDGE_EDGE_DATA_H
#define EDGELAT_EDGE_EDGE_DATA_H

#include "config/config.h"
#include "edge/catalogue.h"
#include "edge/issuers.h"
#include "edge/origins.h"
#include "edge/prefixes.h"
#include "edge/site.h"
#include "edge/suffixes.h"
#include "edge/thresholds.h"
#include "edge/workloads.h"

#include <stdbool.h>
#include <stddef.h>

struct edge_data { /* start with { 0 }, end with edge_data_free() */
    struct catalogue metros;
    struct prefixes prefixes;
    struct thresholds thresholds;
    struct workloads workloads;
    struct suffixes suffixes;
    struct issuers issuers;
    struct origins origins;
    struct site site; /* of the configuration, by edge_data_complete() */
};

void edge_data_free(struct edge_data *k);

/* A target for the workload, with defaults for the rest. */
struct target workload_target(const struct workload *w, const struct kinds *kinds);

/* Fills in the limits of a target that are not set, by its service. */
void edge_data_limits(const struct edge_data *k, struct target *target);

/*
 * Completes a configuration: if it has no target, the workloads become its targets;
 * limits that are not set come from the thresholds; `k->site` becomes the site. `k` must
 * not move afterwards: the site points into it. Returns the number of problems, each
 * reported to `on_problem`: a location missing in the catalogue, and no target at all.
 * `file` is the name of the configuration for messages.
 */
size_t edge_data_complete(struct edge_data *k, struct config *c,
                          const struct kinds *kinds, const char *file,
                          config_problem_cb *on_problem, void *user);

#endif
