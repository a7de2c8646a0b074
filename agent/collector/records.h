/*
 * Log records that a receiver has decoded, a line each, for people and scripts. Made of
 * nothing but the request; values are cut and cleaned, as anybody may have sent them. The
 * first three cells hold no blank.
 *
 *     2026-11-23T09:00:00.000000Z  WARN  edgelat.pop.changed  teams  AMS -> LON  text
 */
#ifndef EDGELAT_COLLECTOR_RECORDS_H
#define EDGELAT_COLLECTOR_RECORDS_H

#include "base/text.h"
#include "proto/otlp.pb-c.h"

#include <stdbool.h>

/* `routine` false leaves out events that are frequent and harmless (event_traits()). */
void records_render(struct text *out, const Otlp__ExportLogsServiceRequest *request,
                    bool routine);

#endif
