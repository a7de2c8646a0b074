/*
 * NetFlow v5: a header of 24 bytes and up to 30 records of 48, IPv4 only. There is no RFC; the
 * format is Cisco's. The sampling interval is in the lower 14 bits of a word of the header, 0
 * or 1 without sampling. Byte counts have 32 bits; times are milliseconds since the start of
 * the system and wrap. Pure.
 */
#ifndef EDGELAT_TRAFFIC_NETFLOW5_H
#define EDGELAT_TRAFFIC_NETFLOW5_H

#include "traffic/flow_record.h"
#include "traffic/sequence.h"

enum { NETFLOW5_RECORDS_MAX = 30, NETFLOW5_ENGINES_MAX = 8 };

struct netflow5_engine {
    uint16_t id; /* engine type and id */
    struct sequence sequence;
    struct uptime uptime;
};

struct netflow5 { /* of one exporter and port; start with { 0 } */
    struct netflow5_engine engines[NETFLOW5_ENGINES_MAX];
    size_t n_engines;
    struct flow_counters counters;
};

/* As ipfix_take(). */
int netflow5_take(struct netflow5 *x, const uint8_t *bytes, size_t len, flow_cb *on_flow,
                  void *user);

#endif
