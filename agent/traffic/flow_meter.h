/*
 * What flow records mean: the service by the longest prefix that covers an address
 * (edge/prefixes.h), the direction by which side is Microsoft's. The exporter's own direction
 * decides nothing: many leave it 0. Records with no address of Microsoft, or two, are counted
 * and left out. Pure.
 *
 * Sampling: the configured rate of the exporter, else what it announces, else 1. A record
 * whose sampler is not announced is left out and counted, and so is one that is announced as one
 * in more than FLOW_SAMPLING_MAX: a single packet would be counted as terabytes.
 *
 * A packet that is reported twice counts once. Two rules, both per format, because each source
 * of edgelat.traffic.io is complete on its own:
 *
 * 1. A record seen at egress is left out if the same exporter also reports what comes in at the
 *    record's input interface: it has reported the packets there, perhaps with other addresses
 *    (NAT). This holds for sampled records as well.
 * 2. A conversation (addresses, ports, protocol) counts from one observation point at a time:
 *    exporter and its session, domain, interface and side. A record of another point is left out if
 *    more than half of it lies within the last record that counted, give or take
 *    FLOW_METER_SLACK_MS for clocks; so when a conversation moves to another router, the new
 *    one counts. Two ingress interfaces of one exporter, or two egress ones, are no duplicates:
 *    a packet comes in once. This covers two routers in a row, and a probe on both sides of a
 *    gateway; not NAT between two exporters: let only one of those export.
 *
 * Rule 2 remembers FLOW_METER_CONVERSATIONS; the oldest of a bucket is forgotten.
 */
#ifndef EDGELAT_TRAFFIC_FLOW_METER_H
#define EDGELAT_TRAFFIC_FLOW_METER_H

#include "edge/prefixes.h"
#include "traffic/flow_record.h"
#include "traffic/rates.h"

enum {
    FLOW_METER_CONVERSATIONS = 1 << 14,
    FLOW_METER_SLACK_MS = 2000,
    FLOW_METER_INTERFACES_MAX = 64, /* of an exporter, for rule 1 */
};
/* An interface at which nothing came in for so long is forgotten. */
#define FLOW_METER_INTERFACE_NS (30 * 60 * NS_PER_S)
/* The most bytes that a record may count: 100 Gbit/s for an hour. */
#define FLOW_METER_BYTES_MAX 45e12

struct ingress_interface {
    uint32_t index;
    struct mono seen;
};

struct flow_origin { /* of records: one format of one exporter */
    uint8_t exporter;
    uint16_t session; /* a number of its own for each session of the exporter */
    enum flow_format format;
    double sampling; /* configured; 0: as announced */
    struct ingress_interface interfaces[FLOW_METER_INTERFACES_MAX];
    size_t n_interfaces;
};

struct flow_meter_counters {
    uint64_t counted, other, inside; /* inside: both addresses are Microsoft's */
    uint64_t duplicates, sampler_unknown, sampling_refused;
};

struct conversation;

struct flow_meter { /* start with flow_meter_begin(), end with flow_meter_free() */
    const struct prefixes *prefixes;
    struct rates *rates;
    struct conversation *conversations; /* NULL until the first record */
    struct rate_row *rows[FLOW_FORMATS][RATE_DIRECTIONS][8]; /* found last, by prefix */
    struct flow_meter_counters counters;
};

/* Borrows both. */
void flow_meter_begin(struct flow_meter *m, const struct prefixes *prefixes,
                      struct rates *rates);
void flow_meter_free(struct flow_meter *m);

/* Call rates_turn() before, with the same time. */
void flow_meter_take(struct flow_meter *m, struct flow_origin *origin,
                     const struct flow_record *f, struct mono now);

#endif
