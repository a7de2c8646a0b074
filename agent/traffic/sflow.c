#include "traffic/sflow.h"

#include "base/wire.h"
#include "traffic/link_header.h"

#include <errno.h>

enum { VERSION = 5, INTERFACE_UNKNOWN = 0x3fffffff };
enum { FLOW_SAMPLE = 1, COUNTER_SAMPLE = 2, EXPANDED_FLOW = 3, EXPANDED_COUNTER = 4 };
enum { RAW_HEADER = 1, SAMPLED_IPV4 = 3, SAMPLED_IPV6 = 4 };
enum { HEADER_ETHERNET = 1, HEADER_IPV4 = 11, HEADER_IPV6 = 12, HEADER_MPLS = 13 };
enum { INTERFACE_SINGLE = 0, INTERFACE_DISCARDED = 1 };
enum { IPV6_HEADER = 40, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };
/* Linux does not make longer ones (GSO_MAX_SIZE, BIG TCP). */
enum { PACKET_BYTES_MAX = 512 << 10 };

/* ---- the packet ---- */

/* `rest`: bytes of the packet from here on, for a length field that is 0 (a segment that
 * the network card has yet to cut). */
static bool read_ip(struct wire *w, uint32_t rest, struct flow_record *f)
{
    uint32_t first = wire_u32(w), length;
    bool fragment = false;
    if (first >> 28 == 4) {
        uint32_t header = (first >> 24 & 15) * 4;
        length = first & 0xffff;
        wire_skip(w, 2);
        fragment = (wire_u16(w) & 0x1fff) != 0;
        wire_skip(w, 1);
        f->protocol = wire_u8(w);
        wire_skip(w, 2);
        f->from.family = f->to.family = FAMILY_IPV4;
        wire_copy(w, f->from.bytes, 4);
        wire_copy(w, f->to.bytes, 4);
        if (!wire_ok(w) || header < 20 || (length != 0 && length < header))
            return false;
        wire_skip(w, header - 20);
    } else {
        length = wire_u16(w);
        length += length != 0 ? IPV6_HEADER : 0;
        f->protocol = wire_u8(w);
        wire_skip(w, 1);
        f->from.family = f->to.family = FAMILY_IPV6;
        wire_copy(w, f->from.bytes, 16);
        wire_copy(w, f->to.bytes, 16);
        if (!wire_ok(w) || first >> 28 != 6)
            return false;
    }
    f->count.bytes = length != 0 ? length : rest;
    if (!fragment && (f->protocol == PROTOCOL_TCP || f->protocol == PROTOCOL_UDP)) {
        f->from.port = wire_u16(w); /* 0 if the sampled header ends before */
        f->to.port = wire_u16(w);
    }
    return true;
}

static bool skip_ethernet(struct wire *w)
{
    wire_skip(w, 12);
    uint16_t type = wire_u16(w);
    return link_header_skip(w, type) != 0;
}

static bool read_raw(struct wire record, struct flow_record *f)
{
    uint32_t protocol = wire_u32(&record), frame = wire_u32(&record),
             stripped = wire_u32(&record), len = wire_u32(&record);
    struct wire w = wire_take(&record, len);
    bool ip = protocol == HEADER_IPV4 || protocol == HEADER_IPV6 ||
              (protocol == HEADER_ETHERNET && skip_ethernet(&w)) ||
              (protocol == HEADER_MPLS && link_labels_skip(&w) != 0);
    uint32_t before = len - (uint32_t)w.left + stripped;
    return ip && wire_ok(&w) && read_ip(&w, frame > before ? frame - before : 0, f);
}

static bool read_sampled(struct wire w, size_t address, struct flow_record *f)
{
    f->count.bytes = wire_u32(&w);
    f->protocol = (uint8_t)wire_u32(&w);
    f->from.family = f->to.family = address == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
    wire_copy(&w, f->from.bytes, address);
    wire_copy(&w, f->to.bytes, address);
    f->from.port = (uint16_t)wire_u32(&w);
    f->to.port = (uint16_t)wire_u32(&w);
    return wire_ok(&w);
}

/* ---- samples ---- */

struct interface {
    uint32_t format, index;
};

static struct interface read_interface(struct wire *w, bool expanded)
{
    uint32_t word = wire_u32(w);
    struct interface i = {word >> 30, word & INTERFACE_UNKNOWN};
    if (expanded)
        i = (struct interface){word, wire_u32(w)};
    if (i.index == INTERFACE_UNKNOWN || i.index == UINT32_MAX)
        i.index = 0;
    return i;
}

/* Reads source type and index. */
static struct interface read_source(struct wire *w, bool expanded)
{
    uint32_t word = wire_u32(w);
    return expanded ? (struct interface){word, wire_u32(w)}
                    : (struct interface){word >> 24, word & 0xffffff};
}

static bool is_source(const struct interface *source, const struct interface *i)
{
    return source->format == 0 && i->format == INTERFACE_SINGLE && i->index != 0 &&
           i->index == source->index;
}

/* Reads the records: the packet's own header is the best one. */
static bool read_packet(struct wire *w, uint32_t n, struct flow_record *f)
{
    struct flow_record empty = *f;
    bool raw = false, found = false;
    for (uint32_t i = 0; i < n && wire_ok(w); i++) {
        uint32_t format = wire_u32(w), len = wire_u32(w);
        struct wire record = wire_take(w, len);
        struct flow_record read = empty;
        bool is_raw = format == RAW_HEADER;
        if (!wire_ok(w))
            break;
        if ((is_raw && !read_raw(record, &read)) ||
            (format == SAMPLED_IPV4 && !read_sampled(record, 4, &read)) ||
            (format == SAMPLED_IPV6 && !read_sampled(record, 16, &read)))
            continue;
        if (read.from.family == FAMILY_NONE || raw)
            continue;
        *f = read;
        found = true;
        raw = is_raw;
    }
    return found;
}

static int take_flow_sample(struct sflow *x, struct wire w, bool expanded,
                            uint32_t sub_agent, flow_cb *on_flow, void *user)
{
    struct flow_record f = {.domain = sub_agent, .count = {.packets = 1}};
    wire_skip(&w, 4); /* its sequence: the datagram's is enough */
    struct interface source = read_source(&w, expanded);
    f.sampling = wire_u32(&w);
    wire_skip(&w, 8); /* sample pool, drops */
    struct interface input = read_interface(&w, expanded),
                     output = read_interface(&w, expanded);
    uint32_t n = wire_u32(&w);
    f.input = input.format == INTERFACE_SINGLE ? input.index : 0;
    f.output = output.format == INTERFACE_SINGLE ? output.index : 0;
    f.side = is_source(&source, &input)    ? FLOW_AT_INGRESS
             : is_source(&source, &output) ? FLOW_AT_EGRESS
                                           : FLOW_SIDE_UNKNOWN;
    bool found = read_packet(&w, n, &f);
    if (!wire_ok(&w) || f.count.bytes > PACKET_BYTES_MAX)
        return -EBADMSG;
    if (found && output.format != INTERFACE_DISCARDED) {
        x->counters.flows++;
        on_flow(&f, user);
    }
    return 0;
}

static int take_counter_sample(struct sflow *x, struct wire w, bool expanded)
{
    wire_skip(&w, 4);
    read_source(&w, expanded);
    uint32_t n = wire_u32(&w);
    for (uint32_t i = 0; i < n && wire_ok(&w); i++) {
        wire_u32(&w);
        uint32_t len = wire_u32(&w);
        wire_skip(&w, len);
    }
    x->counters.interfaces += wire_ok(&w);
    return wire_ok(&w) ? 0 : -EBADMSG;
}

/* ---- datagrams ---- */

static struct sequence *agent_sequence(struct sflow *x, const struct endpoint *address,
                                       uint32_t sub_agent)
{
    size_t i = 0;
    while (i < x->n_agents && (x->agents[i].sub_agent != sub_agent ||
                               !endpoint_same_address(&x->agents[i].address, address)))
        i++;
    if (i == SFLOW_AGENTS_MAX) { /* behind a relay of many: begin again */
        x->n_agents = 0;
        i = 0;
    }
    if (i == x->n_agents) {
        x->agents[i] = (struct sflow_agent){.address = *address, .sub_agent = sub_agent};
        x->n_agents++;
    }
    return &x->agents[i].sequence;
}

static int take_samples(struct sflow *x, struct wire *w, uint32_t n, uint32_t sub_agent,
                        flow_cb *on_flow, void *user)
{
    int rc = 0;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        uint32_t format = wire_u32(w), len = wire_u32(w);
        struct wire sample = wire_take(w, len);
        if (!wire_ok(w))
            return -EBADMSG;
        if (format == FLOW_SAMPLE || format == EXPANDED_FLOW)
            rc = take_flow_sample(x, sample, format == EXPANDED_FLOW, sub_agent, on_flow,
                                  user);
        else if (format == COUNTER_SAMPLE || format == EXPANDED_COUNTER)
            rc = take_counter_sample(x, sample, format == EXPANDED_COUNTER);
    }
    return rc;
}

int sflow_take(struct sflow *x, const uint8_t *bytes, size_t len, flow_cb *on_flow,
               void *user)
{
    static const uint32_t steps[3] = {1, 1, 1};
    struct wire w = wire_from(bytes, len);
    struct flow_counters *c = &x->counters;
    struct endpoint agent = {.family = FAMILY_NONE};
    uint32_t version = wire_u32(&w), type = wire_u32(&w);
    agent.family = type == 1 ? FAMILY_IPV4 : type == 2 ? FAMILY_IPV6 : FAMILY_NONE;
    wire_copy(&w, agent.bytes, type == 1 ? 4 : type == 2 ? 16 : 0);
    uint32_t sub_agent = wire_u32(&w), number = wire_u32(&w);
    wire_skip(&w, 4); /* uptime */
    uint32_t n = wire_u32(&w);
    c->datagrams++;
    if (!wire_ok(&w) || version != VERSION || type > 2) {
        c->bad_datagrams++;
        return -EBADMSG;
    }
    sequence_take(agent_sequence(x, &agent, sub_agent), number, steps, &c->lost);
    int rc = take_samples(x, &w, n, sub_agent, on_flow, user);
    c->bad_datagrams += rc < 0;
    return rc;
}
