/*
 * Reduces a stream to the columns of a plot. Each column keeps its minimum and maximum,
 * so no spike is lost, however many windows a column contains. Two neighbouring values
 * have a gap between them, and must not be joined by a line, if no probe was answered in
 * between, no window was closed in between, or the time between them is much longer than
 * the usual distance around them.
 */
#ifndef EDGELAT_REPORT_DOWNSAMPLE_H
#define EDGELAT_REPORT_DOWNSAMPLE_H

#include "report/dataset.h"

struct column {
    int64_t p50_least_ns, p50_most_ns; /* DELAY_UNDEFINED: no value */
    int64_t highest_ns;
    bool gap; /* between this value and the previous one */
    uint64_t sent, lost;
};

/* The column of time `at_ns` if `n` columns span `from_ns` to `to_ns`; bounded. */
size_t downsample_column(int64_t at_ns, int64_t from_ns, int64_t to_ns, size_t n);

/* The middle of the sample's window. */
int64_t downsample_middle(const struct sample *m);

/* Fills in `n` columns; `covered` are the times with a window. */
void downsample(struct column *out, size_t n, const struct dataset_stream *s,
                int64_t from_ns, int64_t to_ns, const struct intervals *covered);

#endif
