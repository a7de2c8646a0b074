/*
 * All that is known of Microsoft's edge, as the data files say it, and how it completes a
 * configuration: where the site is, which targets there are, and what is good for them.
 */
#ifndef EDGELAT_EDGE_EDGE_DATA_H
#define EDGELAT_EDGE_EDGE_DATA_H

#include "config/config.h"
#include "edge/catalogue.h"
#include "edge/prefixes.h"
#include "edge/site.h"
#include "edge/suffixes.h"
#include "edge/thresholds.h"
#include "edge/workloads.h"

#include <stdbool.h>
#include <stddef.h>

struct edge_data { /* all zero knows nothing; ends with edge_data_free() */
    struct catalogue metros;
    struct prefixes prefixes;
    struct thresholds thresholds;
    struct workloads workloads;
    struct suffixes suffixes;
    struct site site; /* of the configuration, by edge_data_complete() */
};

void edge_data_free(struct edge_data *k);

/* A target that asks for the workload, with defaults for the rest. */
struct target workload_target(const struct workload *w, const struct kinds *kinds);

/* Fills in the limits of a target that nobody has set: of its service. */
void edge_data_limits(const struct edge_data *k, struct target *target);

/*
 * Completes a configuration that has been read: without any target the workloads become
 * its targets, limits that nobody has set are those of the thresholds, and `k->site` is
 * the site. `k` stays where it is from then on: the site points into it. Returns the
 * number of problems, each given to `on_problem`: a place that is not in the catalogue,
 * and that there is no target at all. `file` is its name for messages.
 */
size_t edge_data_complete(struct edge_data *k, struct config *c,
                          const struct kinds *kinds, const char *file,
                          config_problem_cb *on_problem, void *user);

#endif
