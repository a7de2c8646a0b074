#include "probe/icmp/extension.h"

enum { VERSION = 2, CLASS_MPLS = 1, TYPE_INCOMING_STACK = 1, QUOTE_LEAST = 128 };

/* RFC 1071: 0 over bytes that contain their correct checksum. */
static uint16_t sum_of(struct wire w)
{
    uint32_t sum = 0;
    while (w.left > 1)
        sum += wire_u16(&w);
    if (w.left > 0)
        sum += (uint32_t)wire_u8(&w) << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void read_labels(struct icmp_extension *out, struct wire stack)
{
    while (stack.left >= 4) {
        uint32_t entry = wire_u32(&stack);
        if (out->n_labels == MPLS_LABELS_MAX)
            return;
        out->labels[out->n_labels++] = (struct mpls_label){
            .label = entry >> 12,
            .traffic_class = entry >> 9 & 7,
            .bottom = (entry >> 8 & 1) != 0,
            .ttl = entry & 0xff,
        };
    }
}

bool icmp_extension_read(struct icmp_extension *out, struct wire w)
{
    struct wire whole = w;
    *out = (struct icmp_extension){0};
    uint8_t version = wire_u8(&w) >> 4;
    wire_skip(&w, 1);
    uint16_t checksum = wire_u16(&w);
    if (!wire_ok(&w) || version != VERSION || (checksum != 0 && sum_of(whole) != 0))
        return false;
    while (w.left > 0) {
        uint16_t len = wire_u16(&w);
        uint8_t class = wire_u8(&w), type = wire_u8(&w);
        struct wire object = wire_take(&w, len < 4 ? SIZE_MAX : (size_t)len - 4);
        if (!wire_ok(&w)) {
            *out = (struct icmp_extension){0};
            return false;
        }
        if (class == CLASS_MPLS && type == TYPE_INCOMING_STACK)
            read_labels(out, object);
    }
    return true;
}

bool icmp_extension_find(struct icmp_extension *out, struct wire w, enum family family)
{
    bool ipv6 = family == FAMILY_IPV6;
    *out = (struct icmp_extension){0};
    wire_skip(&w, 4); /* type, code, checksum */
    uint8_t first = wire_u8(&w), second = wire_u8(&w);
    wire_skip(&w, 2);
    size_t quoted = ipv6 ? (size_t)first * 8 : (size_t)second * 4;
    wire_skip(&w, quoted);
    return wire_ok(&w) && quoted >= QUOTE_LEAST && w.left > 0 &&
           icmp_extension_read(out, w);
}
