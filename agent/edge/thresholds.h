/*
 * Microsoft's own limits and ratings, read from thresholds.csv: scores in points with
 * their values, and targets.
 */
#ifndef EDGELAT_EDGE_THRESHOLDS_H
#define EDGELAT_EDGE_THRESHOLDS_H

#include "core/media.h"
#include "core/target.h"
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

struct thresholds {        /* start with { 0 }, end with thresholds_free() */
    struct threshold *all; /* in the order of the file */
    size_t n, room;
    char version[DATAFILE_VERSION_MAX];
};

/* Returns the number of problems; invalid rows are left out. */
size_t thresholds_parse(struct thresholds *out, const struct datafile_source *from);
void thresholds_free(struct thresholds *t);

/*
 * Fills in the limits of a target of `service` that are not set (0), with their sources:
 * for exchange the delay that its score calls acceptable, for teams the targets of its
 * media from customer edge to Microsoft edge, for any service loss and the distance to
 * its egress. Microsoft publishes no figure for the delay of SharePoint and Front Door.
 */
void thresholds_limits(const struct thresholds *t, const char *service,
                       struct limits *limits);

/* Fills in the limits of media of Teams from customer edge to Microsoft edge. */
void thresholds_media(const struct thresholds *t, struct media_limits *out);

/* The score of a value, 0 to 100: linear between the rows, constant beyond them. NaN: the
 * measure has no score. */
double thresholds_points(const struct thresholds *t, const char *measure, double value);

#endif
