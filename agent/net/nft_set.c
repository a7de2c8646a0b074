#include "net/nft_set.h"

#include "net/netlink_wire.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { DATAGRAM_MAX = 32768, DATAGRAMS_MAX = 4096 };

/* ---- parsing; values are in network byte order ---- */

static void take_key(struct wire value, struct endpoint *out)
{
    struct netlink_attribute a;
    while (netlink_next_attribute(&value, &a)) {
        if (a.type != NFTA_DATA_VALUE || (a.value.left != 4 && a.value.left != 16))
            continue;
        size_t len = a.value.left;
        *out = (struct endpoint){.family = len == 4 ? FAMILY_IPV4 : FAMILY_IPV6};
        wire_copy(&a.value, out->bytes, len);
    }
}

static void take_counter(struct wire value, struct nft_element *out)
{
    struct netlink_attribute a;
    while (netlink_next_attribute(&value, &a)) {
        if (a.type == NFTA_COUNTER_BYTES && a.value.left == 8)
            out->bytes = wire_u64(&a.value);
        if (a.type == NFTA_COUNTER_PACKETS && a.value.left == 8)
            out->packets = wire_u64(&a.value);
    }
}

static bool take_expression(struct wire value, struct nft_element *out)
{
    static const char counter[] = "counter";
    struct netlink_attribute a;
    struct wire data = {0};
    bool is_counter = false;
    while (netlink_next_attribute(&value, &a)) {
        if (a.type == NFTA_EXPR_NAME)
            is_counter = a.value.left == sizeof counter &&
                         memcmp(a.value.at, counter, sizeof counter) == 0;
        if (a.type == NFTA_EXPR_DATA)
            data = a.value;
    }
    if (is_counter)
        take_counter(data, out);
    return is_counter;
}

static void read_element(struct wire value, nft_element_cb *on_element, void *user)
{
    struct nft_element e = {.bytes = 0};
    struct netlink_attribute a, inner;
    uint32_t flags = 0;
    bool counted = false;
    while (netlink_next_attribute(&value, &a)) {
        if (a.type == NFTA_SET_ELEM_KEY)
            take_key(a.value, &e.first);
        if (a.type == NFTA_SET_ELEM_FLAGS && a.value.left == 4)
            flags = wire_u32(&a.value);
        if (a.type == NFTA_SET_ELEM_EXPR)
            counted = take_expression(a.value, &e) || counted;
        while (a.type == NFTA_SET_ELEM_EXPRESSIONS &&
               netlink_next_attribute(&a.value, &inner))
            counted = take_expression(inner.value, &e) || counted;
    }
    if (counted && e.first.family != FAMILY_NONE &&
        (flags & NFT_SET_ELEM_INTERVAL_END) == 0)
        on_element(&e, user);
}

static void read_elements(struct wire body, nft_element_cb *on_element, void *user)
{
    struct netlink_attribute list, element;
    wire_skip(&body, sizeof(struct nfgenmsg));
    while (netlink_next_attribute(&body, &list))
        while (list.type == NFTA_SET_ELEM_LIST_ELEMENTS &&
               netlink_next_attribute(&list.value, &element))
            if (element.type == NFTA_LIST_ELEM)
                read_element(element.value, on_element, user);
}

int nft_set_parse(const void *bytes, size_t len, nft_element_cb *on_element, void *user)
{
    struct wire w = wire_from(bytes, len);
    struct netlink_message m;
    while (netlink_next_message(&w, &m)) {
        if ((m.flags & NLM_F_DUMP_INTR) != 0)
            return -EINTR;
        if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
            return netlink_end(m.body);
        if (m.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM))
            read_elements(m.body, on_element, user);
    }
    return 0;
}

int nft_table_parse(const void *bytes, size_t len)
{
    struct wire w = wire_from(bytes, len);
    struct netlink_message m;
    struct netlink_attribute a;
    if (!netlink_next_message(&w, &m))
        return -EBADMSG;
    if (m.type == NLMSG_ERROR) {
        int rc = netlink_end(m.body);
        return rc < 0 ? rc : -EBADMSG;
    }
    if (m.type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE))
        return -EBADMSG;
    wire_skip(&m.body, sizeof(struct nfgenmsg));
    while (netlink_next_attribute(&m.body, &a))
        if (a.type == NFTA_TABLE_USE && a.value.left == 4)
            return (int)(wire_u32(&a.value) & INT32_MAX);
    return -EBADMSG;
}

/* ---- asking ---- */

union nft_request {
    struct nlmsghdr head;
    uint8_t bytes[256];
};

static void add_name(union nft_request *r, uint16_t type, const char *name)
{
    size_t len = strlen(name) + 1;
    struct nlattr *a = (struct nlattr *)(r->bytes + NLMSG_ALIGN(r->head.nlmsg_len));
    a->nla_type = type;
    a->nla_len = (uint16_t)(NLA_HDRLEN + len);
    memcpy((uint8_t *)a + NLA_HDRLEN, name, len);
    r->head.nlmsg_len =
        (uint32_t)(NLMSG_ALIGN(r->head.nlmsg_len) + NLA_ALIGN(a->nla_len));
}

_Static_assert((int)NFTA_TABLE_NAME == (int)NFTA_SET_ELEM_LIST_TABLE, "in both requests");

/* About a set, or (NULL) about the table. Returns the socket or -errno. */
static int ask(const char *table, const char *set)
{
    struct timeval second = {.tv_sec = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (fd < 0)
        return -errno;
    union nft_request r = {.head = {.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8,
                                    .nlmsg_flags = NLM_F_REQUEST,
                                    .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg))}};
    r.head.nlmsg_type |= set != NULL ? NFT_MSG_GETSETELEM : NFT_MSG_GETTABLE;
    r.head.nlmsg_flags |= set != NULL ? NLM_F_DUMP : 0;
    struct nfgenmsg body = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    memcpy(NLMSG_DATA(&r.head), &body, sizeof body);
    add_name(&r, NFTA_SET_ELEM_LIST_TABLE, table);
    if (set != NULL)
        add_name(&r, NFTA_SET_ELEM_LIST_SET, set);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    if (send(fd, &r, r.head.nlmsg_len, 0) >= 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}

static int read_dump(int fd, nft_element_cb *on_element, void *user)
{
    static _Alignas(4) uint8_t bytes[DATAGRAM_MAX];
    for (int i = 0; i < DATAGRAMS_MAX; i++) {
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_TRUNC);
        if (n < 0 || n > DATAGRAM_MAX)
            return n < 0 ? -errno : -EMSGSIZE;
        int rc = nft_set_parse(bytes, (size_t)n, on_element, user);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return -E2BIG;
}

int nft_set_read(const char *table, const char *set, nft_element_cb *on_element,
                 void *user)
{
    int fd = ask(table, set);
    if (fd < 0)
        return fd;
    int rc = read_dump(fd, on_element, user);
    close(fd);
    return rc;
}

int nft_table_holds(const char *table)
{
    _Alignas(4) uint8_t bytes[4096];
    int fd = ask(table, NULL);
    if (fd < 0)
        return fd;
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    int rc = n < 0 ? -errno : nft_table_parse(bytes, (size_t)n);
    close(fd);
    return rc;
}
