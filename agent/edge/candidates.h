/*
 * Front doors by metro: where a workload's name resolves to the one that serves the site,
 * those of other metros have names of their own. Which to ask for, of the metros nearest
 * to a place. The form of the names is what CNAME chains show, promised by nobody: a name
 * that does not resolve is quietly no candidate.
 */
#ifndef EDGELAT_EDGE_CANDIDATES_H
#define EDGELAT_EDGE_CANDIDATES_H

#include "edge/catalogue.h"
#include "edge/workloads.h"

#include <stddef.h>

enum { DOORS_A_METRO = 3 };

struct candidate_door {
    char host[HOST_TEXT_MAX];        /* "lhr-efz.ms-acdc.office.com" */
    char server_name[HOST_TEXT_MAX]; /* the workload's own host, for TLS */
    const struct metro *metro;       /* the code that the host is made of */
    double km;                       /* from the place to it */
    size_t metro_number; /* 0 is the nearest metro; the first of one metro that resolves
                            is enough */
};

/*
 * Of `w`, which has by_metro, in `metros` metros: those nearest to `from` whose zone is
 * known, that is, which have an Exchange code, but for the last one, which is the nearest
 * of the others. The nearest first, at most DOORS_A_METRO in each, next to each other;
 * `out` has room for so many. By the Exchange codes of a metro; by its Front Door codes
 * of three letters where it has none; a metro that has neither is passed over. How many.
 */
size_t candidates_by_metro(struct candidate_door *out, const struct catalogue *c,
                           const struct workload *w, struct position from, size_t metros);

#endif
