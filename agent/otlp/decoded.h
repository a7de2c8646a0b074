/*
 * Values of decoded OTLP from any sender: missing and absurd values have a defined result,
 * and texts are safe to print.
 */
#ifndef EDGELAT_OTLP_DECODED_H
#define EDGELAT_OTLP_DECODED_H

#include "core/histogram.h"
#include "proto/otlp.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The text of attribute `key`; `missing` if it is absent, no text, or empty. */
const char *decoded_text(Otlp__KeyValue *const *attributes, size_t n, const char *key,
                         const char *missing);

int64_t decoded_integer(const Otlp__NumberDataPoint *point); /* 0 if it is none */
double decoded_number(const Otlp__NumberDataPoint *point);   /* 0 if it is not finite */

/*
 * The point as a histogram of the core, for histogram_free(). False when it is none of
 * delays: too many buckets, or some beyond 2^64 s or below 2^-64 s.
 */
bool decoded_histogram(struct histogram *out,
                       const Otlp__ExponentialHistogramDataPoint *point);

/*
 * Copies `text`, cut to fit at a whole character. Blanks become `blank`; control
 * characters, those that turn the direction of writing and what is not UTF-8 become '?'.
 * Returns `out`.
 */
const char *decoded_clean(char *out, size_t room, const char *text, char blank);

#endif
