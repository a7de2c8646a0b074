/*
 * What Microsoft itself calls good or bad, read from thresholds.csv: scores in points
 * with their values, and targets.
 */
#ifndef EDGELAT_EDGE_THRESHOLDS_H
#define EDGELAT_EDGE_THRESHOLDS_H

#include "edge/datafile.h"

#include <stddef.h>

enum { THRESHOLDS_MAX = 256 };

#define THRESHOLD_TARGET (-1.0)

struct threshold {
    char measure[32]; /* "exchange_tcp_latency", "teams_rtt" */
    double points;    /* 0 to 100, linear between the rows, or THRESHOLD_TARGET */
    double value;
    char unit[16]; /* "ms", "MB/s", "percent", "km" */
    char source[128];
};

struct thresholds {        /* all zero is an empty one; ends with thresholds_free() */
    struct threshold *all; /* in the order of the file */
    size_t n, room;
    char version[DATAFILE_VERSION_MAX];
};

/* Returns the number of problems; what is wrong is left out. */
size_t thresholds_parse(struct thresholds *out, const struct datafile_source *from);
void thresholds_free(struct thresholds *t);

#endif
