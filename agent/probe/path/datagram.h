/*
 * The payload of a UDP query. It names the query and the process, and keeps the UDP
 * checksum the same for all queries of a trace. Pure.
 */
#ifndef EDGELAT_PROBE_PATH_DATAGRAM_H
#define EDGELAT_PROBE_PATH_DATAGRAM_H

#include "base/wire.h"
#include "probe/path/trace.h"

enum { DATAGRAM_BYTES = 12 };

void datagram_write(uint8_t out[DATAGRAM_BYTES], uint64_t tag, struct trace_query q);

enum datagram_read { DATAGRAM_OURS, DATAGRAM_SHORT, DATAGRAM_FOREIGN };

/* Reads a payload, or as much of it as an error quotes. */
enum datagram_read datagram_read(struct wire w, uint64_t tag, struct trace_query *q);

#endif
