/*
 * IPFIX (RFC 7011) and NetFlow v9 (RFC 3954) of one transport session, that is of one address
 * and port of an exporter: templates, options and flow records. Pure.
 *
 * Templates belong to an observation domain (v9: source id). A data set whose template is not
 * known is counted, never guessed; the exporter sends its templates again after some minutes.
 * A template that was not renewed for IPFIX_LIFETIME_NS expires; one with another layout
 * replaces it; a withdrawal (RFC 7011, 8.1) removes it. When the exporter has started again,
 * the templates of the domain are forgotten: by the uptime of v9, and where the sequence of
 * IPFIX is 0 again.
 *
 * Understood in records: addresses, ports, protocol, interfaces, direction, byte and packet
 * counts of 1 to 8 bytes (octetDeltaCount; else the post, initiator, total or layer 2 ones),
 * the reverse counts of a biflow (RFC 5103, and responderOctets), and times in all forms:
 * absolute in s, ms, us and ns, relative to the start of the system (32 bits, which wrap) or to
 * the export, and durations. From layer 2 counts 14 bytes a packet are subtracted, and 4 more
 * with a VLAN tag.
 *
 * Understood in options: the start of the system, and sampling, for the domain, for an
 * interface, a sampler (FLOW_SAMPLER_ID) or a selector (RFC 5477): an interval, an interval
 * and a space, a size and a population, a probability. Domain 0 of IPFIX is the whole
 * exporter. What a record says of its own sampling comes first.
 */
#ifndef EDGELAT_TRAFFIC_IPFIX_H
#define EDGELAT_TRAFFIC_IPFIX_H

#include "core/time.h"
#include "traffic/flow_record.h"
#include "traffic/sequence.h"

#include <sys/types.h>

enum {
    IPFIX_TEMPLATES_MAX = 256,
    IPFIX_FIELDS_MAX = 256, /* of a template; a longer one is not kept */
    IPFIX_DOMAINS_MAX = 32,
    IPFIX_SAMPLERS_MAX = 64,
};
/* Three times the usual 30 minutes between templates (RFC 7011, 8.4; NetFlow v9 of IOS). */
#define IPFIX_LIFETIME_NS (90 * 60 * NS_PER_S)

struct ipfix_field { /* adjacent unknown fields of fixed length are one */
    uint8_t what;    /* enum in ipfix.c */
    uint16_t len;    /* 65535: variable */
};

struct ipfix_template {
    uint32_t domain;
    uint16_t id;
    bool options, v9;
    struct mono renewed;
    uint16_t record_min; /* shortest record, at least 1 */
    bool variable;       /* records may be longer */
    uint16_t n;
    struct ipfix_field *fields; /* owned */
};

struct ipfix_domain {
    uint32_t id;
    struct mono used;
    struct sequence sequence;
    struct uptime uptime; /* v9 */
    bool has_init;
    int64_t init_ns; /* start of the system since 1970; IPFIX options */
};

enum ipfix_sampler_kind {
    SAMPLER_DOMAIN,
    SAMPLER_INTERFACE,
    SAMPLER_ID,
    SAMPLER_SELECTOR
};

struct ipfix_sampler {
    uint32_t domain;
    uint8_t kind; /* enum ipfix_sampler_kind */
    uint64_t id;  /* 0 for a domain */
    double rate;  /* one in so many */
    struct mono renewed;
};

struct ipfix { /* start with { 0 }, end with ipfix_free() */
    struct ipfix_template *templates[IPFIX_TEMPLATES_MAX]; /* the first n_templates */
    size_t n_templates;
    struct ipfix_domain domains[IPFIX_DOMAINS_MAX];
    size_t n_domains;
    struct ipfix_sampler samplers[IPFIX_SAMPLERS_MAX];
    size_t n_samplers;
    struct flow_counters counters;
};

/*
 * Takes one datagram and passes its flows on. Returns 0, or -EBADMSG when it is malformed; the
 * sets before the malformed one are used.
 */
int ipfix_take(struct ipfix *x, const uint8_t *bytes, size_t len, struct mono now,
               flow_cb *on_flow, void *user);

/*
 * Whether the datagram begins with data that fit a template of this session: the same exporter
 * from another port, as after a NAT has forgotten it. A new session begins with templates.
 */
bool ipfix_continues(const struct ipfix *x, const uint8_t *bytes, size_t len,
                     struct mono now);

/* Removes what has expired. */
void ipfix_turn(struct ipfix *x, struct mono now);
void ipfix_free(struct ipfix *x);

#endif
