/*
 * Splits a request that is too large for a receiver: each half has half of the points of
 * every metric, or half of the log records; if no metric has two points, half of the
 * metrics. The same request gives the same bytes.
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

/* False when it cannot be read, or cannot be halved further. */
bool otlp_split(enum signal signal, const void *bytes, size_t len,
                struct otlp_half out[2]);

#endif
