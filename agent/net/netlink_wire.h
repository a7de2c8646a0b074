/*
 * The framing of netlink(7), for parsers: messages and attributes, in host byte order. Lengths
 * are not trusted; a malformed message or attribute ends the iteration.
 */
#ifndef EDGELAT_NET_NETLINK_WIRE_H
#define EDGELAT_NET_NETLINK_WIRE_H

#include "base/wire.h"

struct netlink_message {
    uint16_t type, flags;
    struct wire body;
};

struct netlink_attribute {
    uint16_t type; /* without the flags of nla_type */
    struct wire value;
};

bool netlink_next_message(struct wire *w, struct netlink_message *out);
bool netlink_next_attribute(struct wire *w, struct netlink_attribute *out);

/* A view of the next `len` bytes; skips the padding to 4 bytes, which the last one may lack. */
struct wire netlink_take_padded(struct wire *w, size_t len);

/* Sets `out` if the value has that size. */
void netlink_take_u32(const struct netlink_attribute *a, uint32_t *out);

/* The value of NLMSG_DONE or NLMSG_ERROR: 1 at the end, -errno if the request failed. */
int netlink_end(struct wire body);

#endif
