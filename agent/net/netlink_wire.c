#include "net/netlink_wire.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct wire netlink_take_padded(struct wire *w, size_t len)
{
    struct wire taken = wire_take(w, len);
    size_t padding = (4 - len % 4) % 4;
    wire_skip(w, padding < w->left ? padding : w->left);
    return taken;
}

bool netlink_next_message(struct wire *w, struct netlink_message *out)
{
    struct nlmsghdr head;
    wire_copy(w, &head, sizeof head);
    if (!wire_ok(w) || head.nlmsg_len < sizeof head)
        return false;
    out->type = head.nlmsg_type;
    out->flags = head.nlmsg_flags;
    out->body = netlink_take_padded(w, head.nlmsg_len - sizeof head);
    return wire_ok(w);
}

bool netlink_next_attribute(struct wire *w, struct netlink_attribute *out)
{
    struct rtattr head;
    wire_copy(w, &head, sizeof head);
    if (!wire_ok(w) || head.rta_len < sizeof head)
        return false;
    out->type = head.rta_type & NLA_TYPE_MASK;
    out->value = netlink_take_padded(w, head.rta_len - sizeof head);
    return wire_ok(w);
}

void netlink_take_u32(const struct netlink_attribute *a, uint32_t *out)
{
    struct wire value = a->value;
    if (value.left == sizeof *out)
        wire_copy(&value, out, sizeof *out);
}

int netlink_end(struct wire body)
{
    int32_t error;
    wire_copy(&body, &error, sizeof error); /* 0 also if absent */
    return error < 0 && error > -4096 ? error : 1;
}
