#include "probe/icmp/message.h"

#include <string.h>

enum {
    ICMP4_UNREACHABLE = 3,
    ICMP4_ECHO_REQUEST = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER = 12,
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_PARAMETER = 4,
    ICMP6_ECHO_REQUEST = 128,
    ICMP4_FRAGMENTATION_NEEDED = 4, /* a code */
    PROTOCOL_ICMP4 = 1,
    PROTOCOL_ICMP6 = 58,
};

/* RFC 1071, of an even number of bytes. */
static uint16_t checksum(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

void echo_write(uint8_t out[ECHO_HEAD_LEN], enum family family, const struct echo *echo)
{
    memset(out, 0, ECHO_HEAD_LEN);
    struct wire_out w = wire_to(out, ECHO_HEAD_LEN);
    wire_put_u8(&w, family == FAMILY_IPV6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST);
    wire_put_u8(&w, 0);
    wire_put_u16(&w, 0);
    wire_put_u16(&w, echo->id);
    wire_put_u16(&w, echo->seq);
    wire_put_u32(&w, echo->tag);
    wire_put_u64(&w, echo->nonce);
    if (family == FAMILY_IPV4) {
        w = wire_to(out + 2, 2);
        wire_put_u16(&w, checksum(out, ECHO_HEAD_LEN));
    }
}

/* From the id on. False when not even id and sequence number are there. */
static bool read_echo(struct icmp_message *m, struct wire *w)
{
    m->echo.id = wire_u16(w);
    m->echo.seq = wire_u16(w);
    bool known = wire_ok(w);
    m->echo.tag = wire_u32(w);
    m->echo.nonce = wire_u64(w);
    m->whole = wire_ok(w);
    return known;
}

/* The zeros behind the nonce. */
static void read_rest(struct icmp_message *m, struct wire w)
{
    size_t before = sizeof m->echo.tag + sizeof m->echo.nonce, zeros = 0;
    while (zeros < w.left && w.at[zeros] == 0)
        zeros++;
    m->damaged_at = zeros < w.left ? (uint16_t)(before + zeros) : 0;
    m->payload_bytes = (uint16_t)(before + w.left);
}

bool icmp_read_quoted(struct icmp_message *m, struct wire w, enum family family)
{
    uint8_t type = wire_u8(&w);
    wire_skip(&w, 3); /* code, checksum */
    return type == (family == FAMILY_IPV6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST) &&
           read_echo(m, &w);
}

/* Takes the IPv4 header off. False: it is none, or not of a first fragment of ICMP. */
static bool read_ipv4(struct wire *w, struct endpoint *from, struct endpoint *to)
{
    uint8_t version_length = wire_u8(w);
    wire_skip(w, 5); /* class, length, identification */
    uint16_t fragment = wire_u16(w) & 0x1fff;
    wire_skip(w, 1); /* TTL */
    uint8_t protocol = wire_u8(w);
    wire_skip(w, 2); /* checksum */
    *from = *to = (struct endpoint){.family = FAMILY_IPV4};
    wire_copy(w, from->bytes, 4);
    wire_copy(w, to->bytes, 4);
    size_t words = version_length & 15;
    if (version_length >> 4 != 4 || words < 5)
        return false;
    wire_skip(w, (words - 5) * 4);
    return wire_ok(w) && fragment == 0 && protocol == PROTOCOL_ICMP4;
}

/* The same for IPv6: our requests have no extension headers. */
static bool read_ipv6(struct wire *w, struct endpoint *from, struct endpoint *to)
{
    uint8_t version = wire_u8(w) >> 4;
    wire_skip(w, 5); /* class, flow, length */
    uint8_t next_header = wire_u8(w);
    wire_skip(w, 1); /* hop limit */
    *from = *to = (struct endpoint){.family = FAMILY_IPV6};
    wire_copy(w, from->bytes, 16);
    wire_copy(w, to->bytes, 16);
    return wire_ok(w) && version == 6 && next_header == PROTOCOL_ICMP6;
}

static bool is_error(enum family family, uint8_t type)
{
    if (family == FAMILY_IPV6)
        return type >= ICMP6_UNREACHABLE && type <= ICMP6_PARAMETER;
    return type == ICMP4_UNREACHABLE || type == ICMP4_TIME_EXCEEDED ||
           type == ICMP4_PARAMETER;
}

static uint32_t mtu_of(enum family family, const struct icmp_message *m, uint32_t rest)
{
    if (family == FAMILY_IPV6)
        return m->type == ICMP6_TOO_BIG ? rest : 0;
    bool needed = m->type == ICMP4_UNREACHABLE && m->code == ICMP4_FRAGMENTATION_NEEDED;
    return needed ? rest & 0xffff : 0;
}

struct icmp_message icmp_read(struct wire w, enum family family)
{
    struct icmp_message m = {.what = ICMP_OTHER};
    m.type = wire_u8(&w);
    m.code = wire_u8(&w);
    wire_skip(&w, 2);
    if (!wire_ok(&w))
        return m;
    if (m.type == (family == FAMILY_IPV6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY)) {
        if (read_echo(&m, &w) && m.whole) {
            m.what = ICMP_IS_REPLY;
            read_rest(&m, w);
        }
    } else if (is_error(family, m.type)) {
        m.mtu = mtu_of(family, &m, wire_u32(&w));
        bool ours = family == FAMILY_IPV6 ? read_ipv6(&w, &m.quoted_from, &m.quoted_to)
                                          : read_ipv4(&w, &m.quoted_from, &m.quoted_to);
        if (ours && icmp_read_quoted(&m, w, family))
            m.what = ICMP_IS_ERROR;
    }
    return m;
}

struct icmp_message icmp_read_raw4(struct wire w)
{
    struct endpoint from, to;
    if (!read_ipv4(&w, &from, &to))
        return (struct icmp_message){.what = ICMP_OTHER};
    return icmp_read(w, FAMILY_IPV4);
}

static const char *unreachable4(uint8_t code)
{
    switch (code) {
    case 0:
    case 6:
    case 11:
        return "network unreachable";
    case 1:
    case 7:
    case 12:
        return "host unreachable";
    case 2:
        return "protocol unreachable";
    case 3:
        return "port unreachable";
    case 4:
        return "too big, and may not be fragmented";
    case 9:
    case 10:
    case 13:
        return "administratively prohibited";
    default:
        return "unreachable";
    }
}

static const char *unreachable6(uint8_t code)
{
    switch (code) {
    case 0:
        return "no route";
    case 1:
    case 5:
    case 6:
        return "administratively prohibited";
    case 3:
        return "host unreachable";
    case 4:
        return "port unreachable";
    default:
        return "unreachable";
    }
}

const char *icmp_error_text(enum family family, uint8_t type, uint8_t code)
{
    bool ipv6 = family == FAMILY_IPV6;
    if (type == (ipv6 ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE))
        return ipv6 ? unreachable6(code) : unreachable4(code);
    if (type == (ipv6 ? ICMP6_TIME_EXCEEDED : ICMP4_TIME_EXCEEDED))
        return code == 0 ? "TTL exceeded" : "fragments did not all arrive";
    if (ipv6 && type == ICMP6_TOO_BIG)
        return "too big";
    return "header not understood";
}
