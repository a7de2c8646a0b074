#include "packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, ICMP_HEADER = 8, TCP_HEADER = 20 };
enum { TCP_SYN = 0x02, TCP_ACK = 0x10 };

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_parse(struct address *out, const char *text)
{
    if (inet_pton(AF_INET6, text, out->bytes) == 1)
        return true;
    memcpy(out->bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, out->bytes + 12) == 1;
}

bool address_is_ipv4(const struct address *a)
{
    return memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static bool read_ipv4(struct packet *out, const uint8_t *b, size_t len)
{
    if (len < IPV4_HEADER)
        return false;
    size_t header = (size_t)(b[0] & 15) * 4, total = get16(b + 2);
    if (header < IPV4_HEADER || total < header || total > len)
        return false;
    *out = (struct packet){.bytes = b, .len = total, .ttl = b[8], .payload = header};
    if ((get16(b + 6) & IP_OFFMASK) == 0)
        out->protocol = b[9];
    memcpy(out->source.bytes, mapped, sizeof mapped);
    memcpy(out->source.bytes + 12, b + 12, 4);
    memcpy(out->destination.bytes, mapped, sizeof mapped);
    memcpy(out->destination.bytes + 12, b + 16, 4);
    return true;
}

static bool read_ipv6(struct packet *out, const uint8_t *b, size_t len)
{
    if (len < IPV6_HEADER || (size_t)get16(b + 4) + IPV6_HEADER > len)
        return false;
    *out = (struct packet){.bytes = b,
                           .len = (size_t)get16(b + 4) + IPV6_HEADER,
                           .ipv6 = true,
                           .ttl = b[7],
                           .protocol = b[6], /* extension headers count as "other" */
                           .payload = IPV6_HEADER};
    memcpy(out->source.bytes, b + 8, 16);
    memcpy(out->destination.bytes, b + 24, 16);
    return true;
}

bool packet_read(struct packet *out, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return false;
    switch (bytes[0] >> 4) {
    case 4:
        return read_ipv4(out, bytes, len);
    case 6:
        return read_ipv6(out, bytes, len);
    default:
        return false;
    }
}

static bool has(const struct packet *p, uint8_t protocol, size_t bytes)
{
    return p->protocol == protocol && p->len >= p->payload + bytes;
}

bool packet_is_icmp(const struct packet *p)
{
    return has(p, p->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, ICMP_HEADER);
}

bool packet_is_echo_request(const struct packet *p)
{
    return packet_is_icmp(p) && p->bytes[p->payload] == (p->ipv6 ? 128 : 8);
}

/* RFC 1122 3.2.2 and RFC 4443 2.4: no error is answered with an error. */
static bool is_icmp_error(const struct packet *p)
{
    if (!packet_is_icmp(p))
        return false;
    uint8_t type = p->bytes[p->payload];
    return p->ipv6 ? type < 128 : type != 0 && type != 8;
}

bool packet_is_tcp(const struct packet *p)
{
    return has(p, IPPROTO_TCP, TCP_HEADER);
}

bool packet_is_tcp_syn(const struct packet *p)
{
    return packet_is_tcp(p) &&
           (p->bytes[p->payload + 13] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static uint32_t sum(uint32_t start, const uint8_t *p, size_t len)
{
    for (; len > 1; len -= 2, p += 2)
        start += get16(p);
    if (len == 1)
        start += (uint32_t)*p << 8;
    while (start >> 16)
        start = (start & 0xffff) + (start >> 16);
    return start;
}

static void seal_ipv4(uint8_t *header)
{
    put16(header + 10, 0);
    put16(header + 10, (uint16_t)~sum(0, header, (size_t)(header[0] & 15) * 4));
}

/* RFC 8200 8.1; TCP over IPv4 takes its pseudo-header in the same way (RFC 9293 3.1). */
static uint32_t pseudo_header(const uint8_t *ip, uint8_t protocol, size_t len)
{
    uint32_t addresses = ip[0] >> 4 == 6 ? sum(0, ip + 8, 32) : sum(0, ip + 12, 8);
    return addresses + protocol + (uint32_t)len;
}

void packet_age(uint8_t *bytes, const struct packet *p, unsigned hops)
{
    bytes[p->ipv6 ? 7 : 8] = (uint8_t)(p->ttl - hops);
    if (!p->ipv6)
        seal_ipv4(bytes);
}

/* Returns the length of the IP header; the payload of `len` bytes follows it. */
static size_t write_header(uint8_t *out, const struct address *from,
                           const struct address *to, bool ipv6, uint8_t protocol,
                           size_t len)
{
    memset(out, 0, IPV6_HEADER);
    if (ipv6) {
        out[0] = 0x60;
        put16(out + 4, (uint16_t)len);
        out[6] = protocol;
        out[7] = 64;
        memcpy(out + 8, from->bytes, 16);
        memcpy(out + 24, to->bytes, 16);
        return IPV6_HEADER;
    }
    out[0] = 0x45;
    put16(out + 2, (uint16_t)(IPV4_HEADER + len));
    out[8] = 64;
    out[9] = protocol;
    memcpy(out + 12, from->bytes + 12, 4);
    memcpy(out + 16, to->bytes + 12, 4);
    seal_ipv4(out);
    return IPV4_HEADER;
}

static size_t seal_icmp(uint8_t *out, size_t header, size_t len, bool ipv6)
{
    uint8_t *icmp = out + header;
    put16(icmp + 2, 0);
    uint32_t start = ipv6 ? pseudo_header(out, IPPROTO_ICMPV6, len) : 0;
    put16(icmp + 2, (uint16_t)~sum(start, icmp, len));
    return header + len;
}

size_t packet_error(uint8_t *out, enum icmp_error error, const struct address *from,
                    const struct packet *cause)
{
    static const uint8_t types[][2][2] = {/* IPv4 type and code, IPv6 type and code */
                                          [ICMP_TTL_EXCEEDED] = {{11, 0}, {3, 0}},
                                          [ICMP_HOST_UNREACHABLE] = {{3, 1}, {1, 3}},
                                          [ICMP_PROHIBITED] = {{3, 13}, {1, 1}}};
    if (is_icmp_error(cause))
        return 0;
    /* as much of the packet as fits: RFC 1812 4.3.2.3 (576 bytes), RFC 4443 3 (1280) */
    size_t room =
        cause->ipv6 ? 1280 - IPV6_HEADER - ICMP_HEADER : 576 - IPV4_HEADER - ICMP_HEADER;
    size_t quoted = cause->len < room ? cause->len : room;
    size_t len = ICMP_HEADER + quoted;
    size_t header = write_header(out, from, &cause->source, cause->ipv6,
                                 cause->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, len);
    uint8_t *icmp = out + header;
    memset(icmp, 0, ICMP_HEADER);
    memcpy(icmp, types[error][cause->ipv6], 2);
    memcpy(icmp + ICMP_HEADER, cause->bytes, quoted);
    return seal_icmp(out, header, len, cause->ipv6);
}

size_t packet_echo_reply(uint8_t *out, const struct packet *request)
{
    size_t len = request->len - request->payload;
    if (len > PACKET_MAX - IPV6_HEADER)
        return 0;
    size_t header =
        write_header(out, &request->destination, &request->source, request->ipv6,
                     request->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, len);
    memcpy(out + header, request->bytes + request->payload, len);
    out[header] = request->ipv6 ? 129 : 0;
    return seal_icmp(out, header, len, request->ipv6);
}

size_t packet_syn_ack(uint8_t *out, const struct packet *syn)
{
    const uint8_t *theirs = syn->bytes + syn->payload;
    size_t header = write_header(out, &syn->destination, &syn->source, syn->ipv6,
                                 IPPROTO_TCP, TCP_HEADER);
    uint8_t *tcp = out + header;
    memset(tcp, 0, TCP_HEADER);
    memcpy(tcp, theirs + 2, 2); /* ports change places */
    memcpy(tcp + 2, theirs, 2);
    memcpy(tcp + 4, theirs + 4, 4); /* any initial sequence number will do */
    uint32_t next;
    memcpy(&next, theirs + 4, 4);
    next = htonl(ntohl(next) + 1);
    memcpy(tcp + 8, &next, 4);
    tcp[12] = TCP_HEADER / 4 << 4;
    tcp[13] = TCP_SYN | TCP_ACK;
    put16(tcp + 14, 65535);
    uint32_t start = pseudo_header(out, IPPROTO_TCP, TCP_HEADER);
    put16(tcp + 16, (uint16_t)~sum(start, tcp, TCP_HEADER));
    return header + TCP_HEADER;
}
