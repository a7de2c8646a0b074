/*
 * What a receiver has decoded, as a table (base/fit.h) for people and scripts: one row a target, kind,
 * family and PoP, since the series began. Made of nothing but the request: it shows what
 * arrived, not what was meant. Values of attributes are cut and cleaned, as anybody may
 * have sent them; no cell holds a blank.
 *
 *     2026-11-23T09:00:00.000000Z  host branch-17  site Leeds  3120 bytes
 *     since 2026-11-23T08:00:00.000000Z; delays in ms: icmp rtt, https total
 *     rank  target               PoP  kind  family  sent  loss   p50   p90 ...
 *     1     teams.microsoft.com  LON  icmp  ipv4     300  0.0%  3.12  3.34 ...
 *     -     ...
 */
#ifndef EDGELAT_COLLECTOR_TABLE_H
#define EDGELAT_COLLECTOR_TABLE_H

#include "base/text.h"
#include "core/kind.h"
#include "proto/otlp.pb-c.h"

#include <stddef.h>

/* One table a resource; `bytes` is the length of the batch as it came; `kinds` name the
 * delay that is shown of each. */
void table_render(struct text *out, const Otlp__ExportMetricsServiceRequest *request,
                  size_t bytes, const struct kinds *kinds);

#endif
