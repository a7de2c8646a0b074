/*
 * The order to stop probing: a collector answers a batch with 403 and a body whose first
 * line is STOP_PROBING, optionally followed by ": " and a reason. The order is lifted when
 * the collector accepts a batch. Other 403 answers concern credentials.
 */
#ifndef EDGELAT_OTLP_STOP_H
#define EDGELAT_OTLP_STOP_H

#define STOP_PROBING    "edgelat: stop probing"
#define STOP_REASON_MAX 128

enum probing { PROBING_UNKNOWN, PROBING_ALLOWED, PROBING_STOPPED };

#endif
