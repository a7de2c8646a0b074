/*
 * Reads requests of metrics for the dataset, in a fifth of the time of otlp_read(): a
 * report of a week reads each window of each target. Decodes only the metrics that are
 * wanted, into memory that the next request takes over, and the attributes of points that
 * are equal to earlier ones not at all: they are most of a request, and the same in each.
 *
 * A submessage that occurs twice is not merged, the last one counts; no encoder repeats
 * one. What is not wanted is not decoded, so damage in it is not noticed.
 */
#ifndef EDGELAT_REPORT_POINT_READER_H
#define EDGELAT_REPORT_POINT_READER_H

#include "proto/otlp.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct point_reader;

/* Never NULL. `wanted` chooses metrics by their name. */
struct point_reader *point_reader_create(bool (*wanted)(const char *name));
void point_reader_destroy(struct point_reader *r); /* NULL is fine */

/*
 * A request without the metrics that are not wanted, and without scopes, descriptions and
 * units. NULL: the bytes are no request of metrics, or it would take more than
 * OTLP_MEMORY_MAX. Valid until the next call.
 */
const Otlp__ExportMetricsServiceRequest *point_reader_read(struct point_reader *r,
                                                           const void *bytes, size_t len);

/*
 * What the caller keeps with the attributes of a point, all 0 at first: points with
 * equal attributes share it, also in later requests. `attributes` are those of a point of
 * point_reader_read(), valid as long as it is.
 */
struct point_note {
    void *target, *stream, *series, *what;
    unsigned number;
};
struct point_note *point_reader_note(Otlp__KeyValue *const *attributes);

#endif
