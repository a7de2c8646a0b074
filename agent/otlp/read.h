/*
 * OTLP requests from outside, read within bounds: a small request that would decode to
 * more than OTLP_MEMORY_MAX is refused as damaged.
 */
#ifndef EDGELAT_OTLP_READ_H
#define EDGELAT_OTLP_READ_H

#include "otlp/metrics.h"
#include "proto/otlp.pb-c.h"

#include <stddef.h>

/* Of one request, decoded; metrics take seven to eight times their bytes. */
#define OTLP_MEMORY_MAX (16 * OTLP_BYTES_MAX)

/*
 * An Otlp__ExportMetricsServiceRequest or Otlp__ExportLogsServiceRequest, by `signal`.
 * NULL when the bytes (plain, not gzipped) are no such request.
 */
ProtobufCMessage *otlp_read(enum signal signal, const void *bytes, size_t len);
void otlp_read_free(ProtobufCMessage *request); /* NULL is fine */

/* The time of a gzipped batch: of its points, or of its first record; 0: unknown. */
struct wall otlp_read_time(enum signal signal, const void *bytes, size_t len);

#endif
