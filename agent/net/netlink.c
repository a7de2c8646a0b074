#include "net/netlink.h"

#include "base/mem.h"
#include "net/neighbour.h"
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

/* Maximum size that the kernel sends; not on the stack, which never shrinks. */
#define DATAGRAM_MAX     32768
#define DATAGRAMS_MAX    64 /* per loop iteration, so other work is not delayed */
#define DUMP_BYTES_MAX   (64 << 20)
#define ROUTES_BYTES_MAX (1 << 20) /* 17,000 IPv4 routes: 20 ms */

struct netlink {
    int socket;
    struct poll *poll;
    uv_timer_t *timer;
    int64_t settle_ns;
    struct network known;
    struct endpoint followed[NETLINK_FOLLOWED_MAX];
    size_t n_followed, next_followed;
    bool settling;                   /* a hint has arrived */
    bool in_use;                     /* a hint was about the routes in use */
    struct network_item interrupted; /* link in use that went down since the first hint */
    netlink_cb *on_change;
    void *user;
};

/* Receives one datagram of the kernel. Returns its length; 0 for a datagram from another
 * process; or -errno. */
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

/* ---- reading the whole state ---- */

/* Names are shown in messages; they may contain any byte. */
static void name_interface(struct network_item *item)
{
    char name[IF_NAMESIZE];
    if (if_indextoname(item->interface, name) == NULL)
        snprintf(name, sizeof name, "%u", item->interface); /* already removed */
    text_copy(item->name, sizeof item->name, name);
    text_visible(item->name);
}

static void add_event_item(const struct netlink_event *event, void *user)
{
    struct network_item item = event->item;
    if (!event->there)
        return;
    name_interface(&item);
    network_add(user, &item);
}

struct neighbour_table {
    uint16_t type; /* RTM_GETLINK ... */
    uint8_t family;
    bool cut;    /* entries beyond `most` are not needed */
    size_t most; /* bytes to read */
};

/* Requests the main routing table only, if the kernel filters (4.20); otherwise other
 * tables are skipped when parsing. */
static int ask(int fd, const struct neighbour_table *t)
{
    struct {
        struct nlmsghdr head;
        /* begins like struct rtgenmsg, the body of the other requests */
        struct rtmsg body;
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

/* When send() returns, the answer is complete or the kernel holds the rest until it is
 * read. */
static int read_table(int fd, const struct neighbour_table *t, char bytes[DATAGRAM_MAX],
                      struct network *into)
{
    int rc = ask(fd, t);
    for (size_t total = 0; rc == 0 && total < t->most;) {
        ssize_t n = receive(fd, bytes);
        int end = n < 0 ? (int)n : netlink_read(bytes, (size_t)n, add_event_item, into);
        if (end == -ENOENT) /* the table has never had a route */
            return 0;
        if (end != 0)
            return end < 0 ? end : 0;
        total += (size_t)n + 1;
    }
    return rc == 0 && !t->cut ? -E2BIG : rc;
}

/*
 * A router with a full table (a million routes) would block the loop for a second. The
 * kernel dumps IPv4 routes in order, default routes first; in IPv6 they come last.
 */
int netlink_read_network(struct network *out)
{
    static const struct neighbour_table tables[] = {
        {RTM_GETLINK, AF_UNSPEC, false, DUMP_BYTES_MAX},
        {RTM_GETADDR, AF_UNSPEC, false, DUMP_BYTES_MAX},
        {RTM_GETROUTE, AF_INET, true, ROUTES_BYTES_MAX},
        {RTM_GETROUTE, AF_INET6, false, DUMP_BYTES_MAX},
    };
    char *bytes = mem_alloc(DATAGRAM_MAX);
    int rc = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == 0; i++) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        rc = fd < 0 ? -errno : read_table(fd, &tables[i], bytes, out);
        if (fd >= 0)
            close(fd); /* discards unread data */
    }
    free(bytes);
    return rc;
}

/* Adds the route to a probed address; nothing without a route. */
static void read_route_to(int fd, const struct endpoint *to, struct network *into)
{
    struct network_item route;
    if (!neighbour_next_hop(fd, to, NULL, &route))
        return;
    if (endpoint_same_address(&route.address, to))
        route.address = (struct endpoint){0}; /* no gateway */
    route.part = NETWORK_ROUTE;
    route.to = *to;
    route.to.port = 0;
    name_interface(&route);
    network_add(into, &route);
}

static void read_routes_to(const struct endpoint *list, size_t n, struct network *into)
{
    int fd = n > 0 ? socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) : -1;
    for (size_t i = 0; fd >= 0 && i < n; i++)
        read_route_to(fd, &list[i], into);
    if (fd >= 0)
        close(fd);
}

static int read_network(struct netlink *n, struct network *into)
{
    int rc = netlink_read_network(into);
    if (rc == 0)
        read_routes_to(n->followed, n->n_followed, into);
    return rc;
}

void netlink_follow(struct netlink *n, const struct endpoint *to)
{
    if (n == NULL || to->family == FAMILY_NONE || to->family == FAMILY_PROXY)
        return;
    for (size_t i = 0; i < n->n_followed; i++)
        if (endpoint_same_address(&n->followed[i], to))
            return;
    network_forget_route(&n->known, &n->followed[n->next_followed]);
    n->followed[n->next_followed] = *to;
    n->next_followed = (n->next_followed + 1) % NETLINK_FOLLOWED_MAX;
    if (n->n_followed < NETLINK_FOLLOWED_MAX)
        n->n_followed++;
    read_routes_to(to, 1, &n->known);
}

uint64_t netlink_identity(const struct netlink *n)
{
    return n != NULL ? network_identity(&n->known) : 0;
}

bool netlink_gateway(const struct netlink *n, enum family family,
                     struct network_item *out)
{
    return n != NULL && network_gateway(&n->known, family, out);
}

bool netlink_expects_route(const struct netlink *n, enum family family)
{
    return n != NULL && network_expects_route(&n->known, family);
}

bool netlink_uplink(const struct netlink *n, char name[INTERFACE_NAME_MAX])
{
    return n != NULL && network_uplink(&n->known, name);
}

/* ---- hints ---- */

static void on_settled(uv_timer_t *timer);

/* The first hint about the routes in use restarts the timer: earlier hints were about
 * something else. */
static void settle(struct netlink *n, bool in_use)
{
    if (n->settling && (n->in_use || !in_use))
        return;
    n->settling = true;
    n->in_use = in_use;
    timer_in(n->timer, on_settled, n->settle_ns);
}

static void on_event(const struct netlink_event *event, void *user)
{
    struct netlink *n = user;
    const struct network_item *item = &event->item;
    bool news = network_has(&n->known, item) != event->there;
    bool in_use =
        news && (item->part == NETWORK_ROUTE || network_uses(&n->known, item->interface));
    if (in_use && item->part == NETWORK_LINK && !event->there) {
        n->interrupted = *item;
        name_interface(&n->interrupted);
    }
    if (in_use)
        settle(n, true);
}

static void take_events(struct netlink *n)
{
    char *bytes = mem_alloc(DATAGRAM_MAX);
    for (int i = 0; i < DATAGRAMS_MAX; i++) {
        ssize_t len = receive(n->socket, bytes);
        if (len == -EAGAIN)
            break;
        settle(n, false);
        if (len >= 0) /* else notifications were lost */
            netlink_read(bytes, (size_t)len, on_event, n);
    }
    free(bytes);
}

static void on_readable(struct poll *p, bool readable, bool writable, void *user)
{
    (void)p, (void)readable, (void)writable;
    take_events(user);
}

/* ---- the report ---- */

static void report(struct netlink *n, const char *text, bool moved)
{
    struct network_change change = {text, moved, network_place(&n->known)};
    n->on_change(&change, n->user); /* may destroy `n` */
}

static void on_settled(uv_timer_t *timer)
{
    struct netlink *n = timer->data;
    struct network now = {0};
    struct text text = {0};
    bool in_use = n->in_use;
    take_events(n); /* they are older than the state read below */
    if (n->in_use != in_use)
        return;                      /* timer restarted */
    if (read_network(n, &now) < 0) { /* changed while being read, or no descriptor left */
        network_free(&now);
        timer_in(timer, on_settled, n->settle_ns);
        return;
    }
    bool moved = network_compare(&text, &n->known, &now) > 0;
    bool interrupted = !moved && n->interrupted.interface != 0;
    if (interrupted) {
        network_item_text(&text, &n->interrupted);
        text_add(&text, " was down briefly");
    }
    network_free(&n->known);
    n->known = now;
    n->settling = n->in_use = false;
    n->interrupted = (struct network_item){0};
    if (moved || interrupted)
        report(n, text_string(&text), moved);
    text_free(&text);
}

/* ---- create and destroy ---- */

static int subscribe(int fd)
{
    struct sockaddr_nl a = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE |
                     1u << (RTNLGRP_IPV6_RULE - 1),
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
        rc = read_network(n, &n->known);
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
    n->timer = timer_new(loop, n);
    n->settle_ns = settle_ns;
    n->on_change = on_change;
    n->user = user;
    *out = n;
    return 0;
}

void netlink_destroy(struct netlink *n)
{
    if (n == NULL)
        return;
    poll_close(n->poll);
    close(n->socket);
    timer_close(n->timer);
    network_free(&n->known);
    free(n);
}
