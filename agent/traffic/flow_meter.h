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
 * 2. The first observation point (exporter and its session, domain, interface and side) that
 *    reports a conversation (addresses, ports, protocol; each direction alone) is responsible
 *    for it: its records count, whatever its timeouts. What another point reports until the
 *    time that the responsible one has reported is a duplicate, give or take
 *    FLOW_METER_SLACK_MS for clocks. What it reports of later packets is held: it is a
 *    duplicate when the responsible point reports that time as well, and is counted, with
 *    the other point responsible from then on, when the responsible one would have
 *    reported it: after the longest time from a packet to its record that this exporter
 *    has shown, at least FLOW_METER_HOLD_MS. So a conversation that moves to another
 *    router, or one whose exporter stops, loses nothing, and counts late. A record is
 *    divided evenly over its time. Two ingress interfaces of one exporter, or two egress
 *    ones, are no duplicates: a packet comes in once.
 * 3. Samples of two exporters hit different packets, so a conversation of one is often missing in
 *    the other. For records that are sampled, the local network (/24, IPv6 /64) and the
 *    direction stand in for the conversation, and the exporter for the point. Responsibility
 *    moves when the responsible exporter would have sampled FLOW_METER_SAMPLES packets of
 *    what is held and has sampled none (e^-14), or sends nothing at all.
 *    Two sampled exporters of a network may share its traffic, as two routers at one
 *    location do, instead of seeing the same packets. Long conversations tell: if the
 *    responsible exporter would have sampled FLOW_METER_SAMPLES packets of one and has
 *    none, they are apart; if it has some, together. Apart, both count. Until
 *    FLOW_METER_APART conversations have told, and where both occur, it is counted from one
 *    of them, and the status says so (`shared`).
 *
 * An exporter that starts again from another port is another point: its records are held
 * once, and what ended within FLOW_METER_SLACK_MS of its last record is a duplicate, as two
 * processes of one host look the same.
 *
 * What cannot be recognized: NAT between two exporters; a sampled and an unsampled one; two
 * sampled processes of one exporter. Let only one of those export.
 *
 * Rules 2 and 3 remember FLOW_METER_CONVERSATIONS; the oldest of a bucket is forgotten.
 *
 * Figures of test/unit/traffic/test_flow_counting.c: with 200
 * conversations of bursts and pauses, active timeouts of 5 to 120 s and clocks that differ by a
 * second, counted to sent is 1.000 for two or three exporters that do not sample (before
 * rule 2: up to 1.99), 1.000 when the first stops, 0.98 when each conversation moves to
 * another router every 400 s; 0.998 to 1.001 for two or three that sample 1:100 or 1:1000
 * (before: 1.7 to 2.1), 0.87 to 0.94 in the first 20 minutes where two or three that sample
 * see a part of the conversations each, and 1 after that.
 */
#ifndef EDGELAT_TRAFFIC_FLOW_METER_H
#define EDGELAT_TRAFFIC_FLOW_METER_H

#include "edge/prefixes.h"
#include "traffic/flow_record.h"
#include "traffic/rates.h"

enum {
    FLOW_METER_CONVERSATIONS = 1 << 14,
    FLOW_METER_SLACK_MS = 2000,
    FLOW_METER_HOLD_MS = 60000,
    FLOW_METER_HOLD_MOST_MS =
        35 * 60000, /* routers end a flow after 30 minutes at most */
    FLOW_METER_SAMPLES = 14,
    FLOW_METER_APART = 3,
    FLOW_METER_WITNESSES = 1 << 12,
    FLOW_METER_PAIRS = 16,
    FLOW_METER_EXPORTERS = 64,
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
    uint64_t held; /* now; counted or duplicate later */
};

struct claim;
struct witness;

struct flow_reporter { /* one format of one exporter */
    uint32_t last_ms;  /* its last record */
    uint32_t lag_ms;   /* the longest from the first packet of a record to the record */
};

struct flow_pair { /* two sampled exporters of one format; exporters[0] is responsible */
    uint8_t exporters[2], format;
    uint32_t together, apart; /* long conversations that both report, or only the other */
};

struct flow_shared { /* two sampled exporters report the same network: cannot tell */
    uint8_t exporters[2];
    struct mono last; /* 0: never */
};

struct flow_meter { /* start with flow_meter_begin(), end with flow_meter_free() */
    const struct prefixes *prefixes;
    struct rates *rates;
    struct claim *claims; /* NULL until the first record */
    size_t swept, n_held;
    struct flow_reporter reporters[FLOW_METER_EXPORTERS][FLOW_FORMATS];
    struct witness *witnesses; /* NULL until two sampled exporters report a network */
    struct flow_pair pairs[FLOW_METER_PAIRS];
    size_t n_pairs;
    struct flow_shared shared;
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

/* Counts what was held, where it is time. Call it about every second, after rates_turn(). */
void flow_meter_turn(struct flow_meter *m, struct mono now);

#endif
