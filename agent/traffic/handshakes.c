#include "traffic/handshakes.h"

#include "base/mem.h"
#include "base/wire.h"
#include "otlp/names.h"
#include "traffic/link_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAYS = 4,
    TYPE_TAG = 0x8100,
    PROTOCOL_TCP = 6,
    FLAG_FIN = 1,
    FLAG_SYN = 2,
    FLAG_RST = 4,
    FLAG_ACK = 16,
};
/* The wall clock was stepped if it and the monotonic clock differ by more than this. */
#define STEP_NS (500 * NS_PER_MS)

struct handshake_pending {
    uint64_t key; /* of addresses and ports; 0: free */
    uint32_t client_next, server_next;
    int64_t syn_ns, reply_ns; /* wall clock; reply_ns 0: none yet */
    struct mono syn_read, reply_read;
    uint8_t service;
    bool own, syn_again, reply_again;
};

struct handshake_segment { /* of TCP */
    struct endpoint from, to;
    uint32_t seq, ack;
    uint8_t flags;
};

const char *handshake_side_name(enum handshake_side side)
{
    return side == HANDSHAKE_OUTSIDE ? "outside" : "inside";
}

void handshakes_begin(struct handshakes *h, const struct prefixes *prefixes,
                      const uint64_t key[2])
{
    *h = (struct handshakes){.prefixes = prefixes, .key = {key[0], key[1]}};
    h->pending = mem_zalloc(HANDSHAKES_PENDING * sizeof *h->pending);
}

void handshakes_free(struct handshakes *h)
{
    for (size_t i = 0; i < h->n; i++)
        for (size_t s = 0; s < HANDSHAKE_SIDES; s++)
            histogram_free(&h->services[i].delays[s]);
    free(h->pending);
    h->pending = NULL;
    h->n = 0;
}

/* ---- packets ---- */

static bool read_ipv4(struct wire *w, struct handshake_segment *out)
{
    uint8_t head = wire_u8(w);
    wire_skip(w, 5);
    uint16_t fragment = wire_u16(w);
    wire_skip(w, 1);
    uint8_t protocol = wire_u8(w);
    wire_skip(w, 2);
    out->from.family = out->to.family = FAMILY_IPV4;
    wire_copy(w, out->from.bytes, 4);
    wire_copy(w, out->to.bytes, 4);
    if (head >> 4 != 4 || (head & 15) < 5 || (fragment & 0x3fff) != 0 ||
        protocol != PROTOCOL_TCP)
        return false;
    wire_skip(w, (size_t)(head & 15) * 4 - 20);
    return wire_ok(w);
}

static bool read_ipv6(struct wire *w, struct handshake_segment *out)
{
    uint8_t head = wire_u8(w);
    wire_skip(w, 5);
    uint8_t next = wire_u8(w);
    wire_skip(w, 1);
    out->from.family = out->to.family = FAMILY_IPV6;
    wire_copy(w, out->from.bytes, 16);
    wire_copy(w, out->to.bytes, 16);
    return wire_ok(w) && head >> 4 == 6 && next == PROTOCOL_TCP;
}

/*
 * Where the IP header begins. The kernel's protocol does not tell: of a packet with tags it is
 * that of the first one in the bytes, or (Linux 6.10 and later) the one behind the last; and a
 * tag of a packet that this host sends stands before the bytes. So the first reading that gives
 * a TCP header counts. Where a tag's EtherType is, IPv4 has the total length, which no
 * handshake has so large.
 */
static bool find_tcp(struct wire *w, uint16_t protocol, struct handshake_segment *out)
{
    const uint16_t readings[] = {TYPE_TAG, protocol, LINK_IPV4, LINK_IPV6};
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        struct wire at = *w;
        uint16_t type = link_header_skip(&at, readings[i]);
        if ((type == LINK_IPV4 && read_ipv4(&at, out)) ||
            (type == LINK_IPV6 && read_ipv6(&at, out))) {
            *w = at;
            return true;
        }
    }
    return false;
}

static bool read_segment(const struct handshake_packet *p, struct handshake_segment *out)
{
    struct wire w = wire_from(p->bytes, p->len);
    *out = (struct handshake_segment){.flags = 0};
    if (!find_tcp(&w, p->protocol, out))
        return false;
    out->from.port = wire_u16(&w);
    out->to.port = wire_u16(&w);
    out->seq = wire_u32(&w);
    out->ack = wire_u32(&w);
    wire_skip(&w, 1);
    out->flags = wire_u8(&w) & (FLAG_FIN | FLAG_SYN | FLAG_RST | FLAG_ACK);
    return wire_ok(&w);
}

/* ---- connections ---- */

static uint64_t hash_add(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t key_of(const struct handshakes *h, const struct endpoint *client,
                       const struct endpoint *server)
{
    uint64_t words[4], hash = h->key[0];
    memcpy(words, client->bytes, 16);
    memcpy(words + 2, server->bytes, 16);
    for (size_t i = 0; i < 4; i++)
        hash = hash_add(hash, words[i]);
    hash = hash_add(hash, (uint64_t)client->port << 16 | server->port);
    hash = hash_add(hash, h->key[1]);
    return hash != 0 ? hash : 1;
}

static bool is_old(const struct handshake_pending *p, struct mono now)
{
    return p->key == 0 || now.ns - p->syn_read.ns > HANDSHAKE_KEEP_NS;
}

static struct handshake_pending *bucket_of(const struct handshakes *h, uint64_t key)
{
    return &h->pending[key % (HANDSHAKES_PENDING / WAYS) * WAYS];
}

static struct handshake_pending *find(const struct handshakes *h, uint64_t key,
                                      struct mono now)
{
    struct handshake_pending *bucket = bucket_of(h, key);
    for (size_t i = 0; i < WAYS; i++)
        if (bucket[i].key == key && !is_old(&bucket[i], now))
            return &bucket[i];
    return NULL;
}

static bool is_own(const struct handshakes *h, const struct endpoint *address)
{
    for (size_t i = 0; i < h->n_own; i++)
        if (endpoint_same_address(&h->own[i], address))
            return true;
    return false;
}

static struct handshake_service *service_of(struct handshakes *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++)
        if (strcmp(h->services[i].name, name) == 0)
            return &h->services[i];
    if (h->n == HANDSHAKE_SERVICES_MAX)
        return NULL;
    struct handshake_service *s = &h->services[h->n++];
    *s = (struct handshake_service){.p50_ns = {DELAY_UNDEFINED, DELAY_UNDEFINED}};
    text_copy(s->name, sizeof s->name, name);
    for (enum handshake_side d = 0; d < HANDSHAKE_SIDES; d++) {
        s->delays[d] = histogram_empty();
        s->labels[d][0] = (struct self_label){ATTR_SERVICE, s->name};
        s->labels[d][1] = (struct self_label){ATTR_USER_SIDE, handshake_side_name(d)};
    }
    return s;
}

static void add_delay(struct handshakes *h, const struct handshake_pending *p,
                      enum handshake_side side, int64_t wall_ns, int64_t read_ns)
{
    int64_t difference = wall_ns - read_ns;
    if (p->own || wall_ns <= 0 || difference > STEP_NS || difference < -STEP_NS)
        return;
    histogram_add(&h->services[p->service].delays[side], wall_ns);
}

static void take_syn(struct handshakes *h, const struct handshake_segment *s,
                     const struct handshake_packet *packet)
{
    const struct prefix *prefix = prefixes_find(h->prefixes, &s->to);
    if (prefix == NULL || prefixes_find(h->prefixes, &s->from) != NULL)
        return;
    uint64_t key = key_of(h, &s->from, &s->to);
    struct handshake_pending *p = find(h, key, packet->now);
    struct handshake_service *service = service_of(h, prefix->service);
    if (service == NULL)
        return;
    if (p != NULL && p->client_next == s->seq + 1) {
        p->syn_again = true;
        service->again[HANDSHAKE_OUTSIDE] += !p->own;
        return;
    }
    struct handshake_pending *bucket = bucket_of(h, key);
    for (size_t i = 0; i < WAYS && p == NULL; i++)
        if (is_old(&bucket[i], packet->now))
            p = &bucket[i];
    if (p == NULL) {
        p = bucket;
        for (size_t i = 1; i < WAYS; i++)
            if (bucket[i].syn_read.ns < p->syn_read.ns)
                p = &bucket[i];
    }
    *p = (struct handshake_pending){.key = key,
                                    .client_next = s->seq + 1,
                                    .syn_ns = packet->wall_ns,
                                    .syn_read = packet->now,
                                    .service = (uint8_t)(service - h->services),
                                    .own = is_own(h, &s->from)};
}

static void take_reply(struct handshakes *h, const struct handshake_segment *s,
                       const struct handshake_packet *packet)
{
    struct handshake_pending *p = find(h, key_of(h, &s->to, &s->from), packet->now);
    if (p == NULL || s->ack != p->client_next)
        return;
    if (p->reply_ns != 0) {
        p->reply_again = true;
        h->services[p->service].again[HANDSHAKE_INSIDE] += !p->own;
        return;
    }
    p->reply_ns = packet->wall_ns;
    p->reply_read = packet->now;
    p->server_next = s->seq + 1;
    if (!p->syn_again)
        add_delay(h, p, HANDSHAKE_OUTSIDE, p->reply_ns - p->syn_ns,
                  p->reply_read.ns - p->syn_read.ns);
}

static void take_ack(struct handshakes *h, const struct handshake_segment *s,
                     const struct handshake_packet *packet)
{
    struct handshake_pending *p = find(h, key_of(h, &s->from, &s->to), packet->now);
    if (p == NULL || p->reply_ns == 0)
        return;
    /* Another one: the third packet carried data or was lost. */
    bool third = s->seq == p->client_next && s->ack == p->server_next;
    if (third && !p->reply_again)
        add_delay(h, p, HANDSHAKE_INSIDE, packet->wall_ns - p->reply_ns,
                  packet->now.ns - p->reply_read.ns);
    h->self += p->own;
    h->others += !p->own;
    h->services[p->service].connections += !p->own;
    *p = (struct handshake_pending){.key = 0};
}

void handshakes_take(struct handshakes *h, const struct handshake_packet *packet)
{
    struct handshake_segment s;
    if (packet->wall_ns == 0 || !read_segment(packet, &s))
        return;
    if (s.flags == FLAG_SYN)
        take_syn(h, &s, packet);
    else if (s.flags == (FLAG_SYN | FLAG_ACK))
        take_reply(h, &s, packet);
    else if (s.flags == FLAG_ACK)
        take_ack(h, &s, packet);
}

/* ---- the window ---- */

static double sum(bool delta, uint64_t total, uint64_t reported)
{
    return (double)(delta ? total - reported : total);
}

size_t handshakes_window(struct handshakes *h, bool delta,
                         struct self_value values[HANDSHAKE_VALUES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        for (enum handshake_side d = 0; d < HANDSHAKE_SIDES; d++) {
            struct handshake_service *s = &h->services[i];
            values[n++] = (struct self_value){.name = METRIC_USER_DELAY,
                                              .unit = "s",
                                              .description =
                                                  "Delays of TCP handshakes of users, to "
                                                  "Microsoft and inside of the site",
                                              .histogram = &s->delays[d],
                                              .begins = !s->begun,
                                              .labels = s->labels[d],
                                              .n_labels = 2};
            values[n++] = (struct self_value){
                .name = METRIC_USER_RETRANSMISSIONS,
                .unit = "{packet}",
                .description = "SYN (outside) and SYN-ACK (inside) that were sent again",
                .monotonic = true,
                .begins = !s->begun,
                .value = sum(delta, s->again[d], s->again_reported[d]),
                .labels = s->labels[d],
                .n_labels = 2};
        }
    for (size_t i = 0; i < h->n; i++) {
        struct handshake_service *s = &h->services[i];
        values[n++] =
            (struct self_value){.name = METRIC_USER_CONNECTIONS,
                                .unit = "{connection}",
                                .description = "TCP connections of users to Microsoft",
                                .monotonic = true,
                                .begins = !s->begun,
                                .value = sum(delta, s->connections, s->reported),
                                .labels = s->labels[0],
                                .n_labels = 1};
    }
    return n;
}

void handshakes_reported(struct handshakes *h, bool delta)
{
    for (size_t i = 0; i < h->n; i++) {
        struct handshake_service *s = &h->services[i];
        s->begun = true;
        s->reported = s->connections;
        for (size_t d = 0; d < HANDSHAKE_SIDES; d++) {
            s->again_reported[d] = s->again[d];
            if (s->delays[d].count > 0)
                s->p50_ns[d] = histogram_quantile(&s->delays[d], 0.5);
            if (delta)
                histogram_reset(&s->delays[d]);
        }
    }
    h->others_window = h->others - h->others_before;
    h->others_before = h->others;
}

void handshakes_text(const struct handshakes *h, const char *interface, struct text *out)
{
    text_add(out,
             "handshakes on %s: %" PRIu64 " connections of others seen, %" PRIu64
             " in the last window, and %" PRIu64 " of this host%s\n",
             interface, h->others, h->others_window, h->self,
             h->others > 0
                 ? ""
                 : "; this host must forward the site's traffic or have a mirror "
                   "port, and see it before NAT");
    for (size_t i = 0; i < h->n; i++) {
        const struct handshake_service *s = &h->services[i];
        if (s->p50_ns[HANDSHAKE_OUTSIDE] == DELAY_UNDEFINED)
            continue;
        text_add(out, "users of %s: median %.1f ms outside", s->name,
                 (double)s->p50_ns[HANDSHAKE_OUTSIDE] / 1e6);
        if (s->p50_ns[HANDSHAKE_INSIDE] != DELAY_UNDEFINED)
            text_add(out, ", %.1f ms inside", (double)s->p50_ns[HANDSHAKE_INSIDE] / 1e6);
        text_add(out, "\n");
    }
}
