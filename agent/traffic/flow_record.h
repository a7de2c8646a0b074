/*
 * What an exporter reports of one flow (or of one sampled packet), in a form common to
 * IPFIX, NetFlow v9, NetFlow v5 and sFlow. A plain value: the parsers fill it in.
 */
#ifndef EDGELAT_TRAFFIC_FLOW_RECORD_H
#define EDGELAT_TRAFFIC_FLOW_RECORD_H

#include "core/endpoint.h"

enum flow_format { FLOW_IPFIX, FLOW_NETFLOW9, FLOW_NETFLOW5, FLOW_SFLOW, FLOW_FORMATS };

/* "ipfix", "netflow9", "netflow5", "sflow": values of edgelat.traffic.source; and for
 * people "IPFIX", "NetFlow v9", ... */
const char *flow_format_name(enum flow_format format);
const char *flow_format_title(enum flow_format format);

/* Where the router saw the packets: when they came in, or when they went out. */
enum flow_side { FLOW_SIDE_UNKNOWN, FLOW_AT_INGRESS, FLOW_AT_EGRESS };

struct flow_count {
    uint64_t bytes; /* of IP packets: headers of layer 2 are subtracted */
    uint64_t packets, flows;
};

struct flow_record {
    struct endpoint from, to; /* with ports; FAMILY_NONE: not reported */
    uint8_t protocol;
    /* Only with the interface of that side. Without one the direction of the record may mean
     * anything: softflowd's is which end of a conversation sent first. */
    enum flow_side side;
    uint8_t direction;      /* as exported: 0, 1 */
    uint32_t domain;        /* observation domain, source id, engine, sub-agent */
    uint32_t input, output; /* interfaces of the router; 0: not reported */

    struct flow_count count;   /* as exported: of the sampled packets, if it samples */
    struct flow_count reverse; /* from `to` to `from`: a biflow (RFC 5103), else 0 */

    /* One in so many packets is sampled; 0: the exporter has not announced it. */
    double sampling;
    bool sampler_unknown; /* it names a sampler that it has not announced */

    /* Of the flow's end, until it was exported, and its length; by the exporter's clock.
     * 0 when not reported. */
    int64_t age_ns, duration_ns;
};

typedef void flow_cb(const struct flow_record *flow, void *user);

/* Counters of a parser, since it began. Cumulative. */
struct flow_counters {
    uint64_t datagrams, bad_datagrams;
    uint64_t flows;       /* records (sFlow: samples) passed on */
    uint64_t lost;        /* records or datagrams missing in the exporter's sequence */
    uint64_t no_template; /* sets whose template is not known (yet) */
    uint64_t not_kept;    /* templates and samplers beyond the limits */
    uint64_t interfaces;  /* sFlow: counter samples of interfaces */
};

#endif
