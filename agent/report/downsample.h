/*
 * A stream thinned to the columns of a plot: of each its least and its greatest value, so
 * that no spike is lost however many windows a column holds. Neighbours with a gap
 * between them are not to be joined: nothing answered in between, no window was closed,
 * or it was not measured for much longer than around.
 */
#ifndef EDGELAT_REPORT_DOWNSAMPLE_H
#define EDGELAT_REPORT_DOWNSAMPLE_H

#include "report/dataset.h"

struct column {
    int64_t p50_least_ns, p50_most_ns; /* DELAY_UNDEFINED: no value */
    int64_t p95_most_ns;
    bool gap; /* between this value and the one before it */
    uint64_t sent, lost;
};

/* The column of a sample among `n` from `from_ns` to `to_ns`. */
size_t downsample_column(int64_t at_ns, int64_t from_ns, int64_t to_ns, size_t n);

int64_t downsample_middle(const struct sample *m);

/* Fills in `n` columns; `covered` is where windows were. */
void downsample(struct column *out, size_t n, const struct dataset_stream *s,
                int64_t from_ns, int64_t to_ns, const struct intervals *covered);

#endif
