#include "net/netlink.h"

#include "base/mem.h"
#include "net/netlink_message.h"
#include "net/poll.h"
#include "net/timer.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX     32768 /* the kernel makes none longer */
#define DATAGRAMS_MAX    64    /* at once: the loop has other work, too */
#define DUMP_BYTES_MAX   (64 << 20)
#define ROUTES_BYTES_MAX (1 << 20) /* 17,000 of IPv4: 20 ms */

struct netlink {
    int socket;
    struct poll *poll;
    uv_timer_t *timer;
    int64_t settle_ns;
    struct network known;
    bool settling;              /* a burst is under way */
    struct netlink_event first; /* what it began with */
    bool lost;                  /* the kernel lost count */
    netlink_cb *on_change;
    void *user;
};

/* One datagram of the kernel: its length, 0 when there is none or it is somebody else's,
 * or -errno. */
static ssize_t receive(int fd, void *bytes)
{
    struct sockaddr_nl from = {0};
    socklen_t from_len = sizeof from;
    ssize_t n = recvfrom(fd, bytes, DATAGRAM_MAX, MSG_DONTWAIT | MSG_TRUNC,
                         (struct sockaddr *)&from, &from_len);
    if (n < 0)
        return -errno;
    if (n > DATAGRAM_MAX)
        return -ENOBUFS;
    return from.nl_pid == 0 ? n : 0;
}

/* ---- looking at all of it ---- */

/* Names are for people, whatever bytes somebody put into them. */
static void name_interface(struct network_item *item)
{
    char name[IF_NAMESIZE];
    if (if_indextoname(item->interface, name) == NULL)
        snprintf(name, sizeof name, "%u", item->interface); /* it is gone */
    text_copy(item->name, sizeof item->name, name);
    text_visible(item->name);
}

static void take_stock(const struct netlink_event *event, void *user)
{
    struct network_item item = event->item;
    if (!event->there)
        return;
    name_interface(&item);
    network_add(user, &item);
}

struct table {
    uint16_t type; /* RTM_GETLINK ... */
    uint8_t family;
    bool cut;    /* what would be behind `most` is not needed */
    size_t most; /* bytes of it that are read */
};

/* The main table of routes alone, where the kernel (4.20) filters; the others are told
 * apart when they are read. */
static int ask(int fd, const struct table *t)
{
    struct {
        struct nlmsghdr head;
        struct rtmsg body; /* begins as struct rtgenmsg, which is all that others take */
    } request = {
        .head = {.nlmsg_type = t->type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.rtm_family = t->family, .rtm_table = RT_TABLE_MAIN},
    };
    bool routes = t->type == RTM_GETROUTE;
    int filters = 1;
    request.head.nlmsg_len =
        NLMSG_LENGTH(routes ? sizeof(struct rtmsg) : sizeof(struct rtgenmsg));
    if (routes)
        setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &filters, sizeof filters);
    return send(fd, &request, request.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* The kernel has answered, or waits with the rest until it is read, when sending returns.
 */
static int read_table(int fd, const struct table *t, struct network *into)
{
    char bytes[DATAGRAM_MAX];
    int rc = ask(fd, t);
    for (size_t total = 0; rc == 0 && total < t->most;) {
        ssize_t n = receive(fd, bytes);
        int end = n < 0 ? (int)n : netlink_read(bytes, (size_t)n, take_stock, into);
        if (end == -ENOENT) /* no route was ever in that table */
            return 0;
        if (end != 0)
            return end < 0 ? end : 0;
        total += (size_t)n + 1;
    }
    return rc == 0 && !t->cut ? -E2BIG : rc;
}

/*
 * Where all of the internet's routes are (a router), a million of them would hold up the
 * loop for a second. The kernel gives IPv4's in order, the default ones first; in IPv6
 * they come last.
 */
static int look(struct network *into)
{
    static const struct table tables[] = {
        {RTM_GETLINK, AF_UNSPEC, false, DUMP_BYTES_MAX},
        {RTM_GETADDR, AF_UNSPEC, false, DUMP_BYTES_MAX},
        {RTM_GETROUTE, AF_INET, true, ROUTES_BYTES_MAX},
        {RTM_GETROUTE, AF_INET6, false, DUMP_BYTES_MAX},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == 0; i++) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        rc = fd < 0 ? -errno : read_table(fd, &tables[i], into);
        if (fd >= 0)
            close(fd); /* with what was not read */
    }
    return rc;
}

/* ---- hints ---- */

static void on_settled(uv_timer_t *timer);

static void settle(struct netlink *n)
{
    if (n->settling)
        return;
    n->settling = true;
    timer_in(n->timer, on_settled, n->settle_ns);
}

static void on_event(const struct netlink_event *event, void *user)
{
    struct netlink *n = user;
    bool news = event->replaced || network_has(&n->known, &event->item) != event->there;
    if (!news || n->settling)
        return;
    n->first = *event;
    name_interface(&n->first.item);
    settle(n);
}

static void take_events(struct netlink *n)
{
    char bytes[DATAGRAM_MAX];
    for (int i = 0; i < DATAGRAMS_MAX; i++) {
        ssize_t len = receive(n->socket, bytes);
        if (len == -EAGAIN)
            return;
        if (len >= 0) {
            netlink_read(bytes, (size_t)len, on_event, n);
        } else {
            n->lost = true;
            settle(n);
        }
    }
}

static void on_readable(struct poll *p, bool readable, bool writable, void *user)
{
    (void)p, (void)readable, (void)writable;
    take_events(user);
}

/* ---- the report ---- */

/* Looks again; what was known is kept where that fails. */
static void describe(struct text *out, struct netlink *n)
{
    struct network now = {0};
    if (look(&now) < 0) {
        network_free(&now);
        text_add(out, "something changed, and the kernel does not say what");
        return;
    }
    size_t differences = network_compare(out, &n->known, &now);
    network_free(&n->known);
    n->known = now;
    if (differences == 0 && n->lost) {
        text_add(out, "something changed, and the kernel lost count of what");
    } else if (differences == 0) {
        network_item_text(out, &n->first.item);
        text_add(out,
                 n->first.replaced ? " changed in a detail" : " changed for a moment");
    }
}

static void on_settled(uv_timer_t *timer)
{
    struct netlink *n = timer->data;
    struct text text = {0};
    take_events(n); /* they are older than what is looked at now */
    describe(&text, n);
    n->settling = n->lost = false;
    struct network_change change = {.text = text_string(&text)};
    n->on_change(&change, n->user); /* may destroy it */
    text_free(&text);
}

/* ---- beginning and end ---- */

static int subscribe(int fd)
{
    struct sockaddr_nl a = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
    };
    return bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
}

int netlink_create(struct netlink **out, uv_loop_t *loop, int64_t settle_ns,
                   netlink_cb *on_change, void *user)
{
    struct netlink *n = mem_zalloc(sizeof *n);
    n->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int rc = n->socket < 0 ? -errno : subscribe(n->socket);
    if (rc == 0)
        rc = look(&n->known);
    if (rc == 0) {
        n->poll = poll_open(loop, n->socket, on_readable, n);
        rc = n->poll == NULL ? -EMFILE : 0;
    }
    if (rc < 0) {
        if (n->socket >= 0)
            close(n->socket);
        network_free(&n->known);
        free(n);
        return rc;
    }
    poll_want(n->poll, true, false);
    n->timer = mem_zalloc(sizeof *n->timer);
    uv_timer_init(loop, n->timer);
    n->timer->data = n;
    n->settle_ns = settle_ns;
    n->on_change = on_change;
    n->user = user;
    *out = n;
    return 0;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void netlink_destroy(struct netlink *n)
{
    if (n == NULL)
        return;
    poll_close(n->poll);
    close(n->socket);
    uv_close((uv_handle_t *)n->timer, free_handle);
    network_free(&n->known);
    free(n);
}
