/*
 * sFlow version 5 (sflow.org, "sFlow Version 5", July 2004): flow samples and expanded flow
 * samples with the raw header of the packet (Ethernet with VLAN tags, PPPoE or MPLS, or IP
 * itself), or with the sampled IPv4 or IPv6 record. Each packet counts as often as the sampling
 * rate in its sample says. Its length is that of the IP packet, not of the frame. Samples of
 * packets that the switch discarded are left out. Counter samples are checked and counted.
 *
 * A packet was seen at ingress if the data source of the sample is its input interface, at
 * egress if it is its output interface. Pure.
 */
#ifndef EDGELAT_TRAFFIC_SFLOW_H
#define EDGELAT_TRAFFIC_SFLOW_H

#include "traffic/flow_record.h"
#include "traffic/sequence.h"

enum { SFLOW_AGENTS_MAX = 8 };

struct sflow_agent { /* an sFlow agent numbers its datagrams by sub-agent */
    struct endpoint address;
    uint32_t sub_agent;
    struct sequence sequence;
};

struct sflow { /* of one exporter and port; start with { 0 } */
    struct sflow_agent agents[SFLOW_AGENTS_MAX];
    size_t n_agents;
    struct flow_counters counters;
};

/* As ipfix_take(). */
int sflow_take(struct sflow *x, const uint8_t *bytes, size_t len, flow_cb *on_flow,
               void *user);

#endif
