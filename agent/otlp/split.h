/*
 * A request that a receiver found too large, in two halves: each has half of the points
 * of every metric, or half of the log records; where no metric has two points, half of
 * the metrics. The same request gives the same bytes.
 */
#ifndef EDGELAT_OTLP_SPLIT_H
#define EDGELAT_OTLP_SPLIT_H

#include "otlp/signal.h"

#include <stdbool.h>
#include <stddef.h>

struct otlp_half { /* gzipped; free() them */
    void *bytes;
    size_t len;
};

/* False when it cannot be read, or has nothing that could be halved. */
bool otlp_split(enum signal signal, const void *bytes, size_t len,
                struct otlp_half out[2]);

#endif
