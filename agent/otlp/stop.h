/*
 * The order to stop probing: a collector answers a batch with 403 and a body whose first
 * line is STOP_PROBING, and behind ": " a reason if it likes. It lifts that by accepting
 * a batch. Other 403s are about credentials.
 */
#ifndef EDGELAT_OTLP_STOP_H
#define EDGELAT_OTLP_STOP_H

#define STOP_PROBING    "edgelat: stop probing"
#define STOP_REASON_MAX 128

enum probing { PROBING_UNSAID, PROBING_ALLOWED, PROBING_STOPPED };

#endif
