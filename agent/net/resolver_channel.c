/*
 * c-ares opens, reads and writes its sockets by our functions (ares_set_socket_functions(),
 * all five, c-ares 1.13), which note when a packet of each query left and came. A query is
 * found by the id in its packets. c-ares calls back from inside its own functions, and must
 * not be destroyed there: answers are copied and delivered after they have returned.
 */
#include "net/resolver_channel.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/error_queue.h"
#include "net/poll.h"
#include "net/rx_stamp.h"
#include "net/socket.h"
#include "net/timer.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define LIMIT_MS   5000
#define EDNS_BYTES 1200 /* as in glibc: avoids fragments */
#define TCP_BYTES                                                                        \
    (4 * (2 + 65535)) /* without an answer to a query; then it is no server */
#define ID_BYTES  2
#define FLAGS_AT  2 /* of the header, RFC 1035, section 4.1.1 */
#define TRUNCATED 2

struct dns_socket {
    struct dns_socket *next;
    struct resolver_channel *channel;
    int fd;
    bool datagrams;
    uint32_t next_key; /* number of its next datagram, see net/error_queue.h */
    struct poll *poll;
};

struct query {
    struct query *next;
    struct resolver_channel *channel;
    bool sent; /* in a datagram: its id is known */
    uint8_t id[ID_BYTES];
    const struct dns_socket *by; /* which carried the datagram; NULL: TCP */
    uint32_t key;
    struct stamps left, came;
    struct mono arrived; /* of its datagram; 0: none came */
    struct dns_reply reply;
    uint8_t *bytes;
    dns_reply_cb *cb;
    void *user;
};

struct resolver_channel {
    uv_loop_t *loop;
    uv_timer_t *timer; /* when c-ares must check its timeouts */
    uv_timer_t *ready; /* answers wait to be delivered */
    ares_channel ares;
    char device[IF_NAMESIZE]; /* of a server with a scope; "": any */
    struct dns_socket *sockets;
    const struct uplink *uplink; /* NULL: the system's routes */
    struct query *waiting;       /* c-ares has them */
    struct query *done, **done_end;
    int64_t bytes_came_ns; /* the last bytes by TCP; mono */
    size_t tcp_bytes;      /* since the last answer */
    bool deaf;             /* a socket cannot be watched */
    bool delivering, closed;
};

/* ---- stamps ---- */

/* The first from `q` on. */
static struct query *by_id(struct query *q, const uint8_t *id)
{
    while (q != NULL && !(q->sent && memcmp(q->id, id, ID_BYTES) == 0))
        q = q->next;
    return q;
}

static struct query *not_sent_yet(struct resolver_channel *c)
{
    struct query *q = c->waiting;
    while (q != NULL && q->sent)
        q = q->next;
    return q;
}

/* Transmit stamps come by the error queue. ICMP errors are left to recvmsg(). */
static void read_stamps(struct dns_socket *s)
{
    struct queued q;
    while (s->datagrams && error_queue_read(s->fd, NULL, 0, &q))
        for (struct query *a = s->channel->waiting; a != NULL; a = a->next)
            if (q.kind == QUEUED_STAMP && a->by == s && a->key == q.key)
                stamps_add(&a->left, q.stamps);
}

/*
 * c-ares draws the id of the next query before it keeps the last one, so two under way may
 * share one: a query that is not sent yet comes before one with the same id.
 */
static void note_sent(struct dns_socket *s, const uint8_t *id, struct mono at)
{
    uint32_t key = s->next_key++;
    struct query *q = not_sent_yet(s->channel);
    if (q != NULL) {
        memcpy(q->id, id, ID_BYTES);
        q->reply.sent = at;
        q->sent = true;
        q->by = s;
        q->key = key;
    } else if ((q = by_id(s->channel->waiting, id)) != NULL) {
        q->by = NULL; /* once more, without EDNS: its delay counts from the first */
        q->left = (struct stamps){0};
    }
}

/* Kernels differ in whether a packet that failed used a key: they begin again at 0. */
static void restart_keys(struct dns_socket *s)
{
    for (struct query *q = s->channel->waiting; q != NULL; q = q->next)
        q->by = q->by == s ? NULL : q->by;
    s->next_key = 0;
    error_queue_stamps(s->fd);
}

/* Of several with that id only c-ares knows whose it is; it ends that query next. */
static void note_came(struct dns_socket *s, const uint8_t *bytes, const struct queued *p)
{
    struct query *q = p->len >= NS_HFIXEDSZ ? by_id(s->channel->waiting, bytes) : NULL;
    for (; q != NULL; q = by_id(q->next, bytes)) {
        q->arrived = mono_now();
        q->came = p->stamps;
        q->reply.truncated = (bytes[FLAGS_AT] & TRUNCATED) != 0;
    }
}

/* ---- the socket functions of c-ares ---- */

static struct dns_socket *find_socket(struct resolver_channel *c, int fd)
{
    struct dns_socket *s = c->sockets;
    while (s != NULL && s->fd != fd)
        s = s->next;
    return s;
}

static ares_socket_t open_socket(int domain, int type, int protocol, void *user)
{
    struct resolver_channel *c = user;
    int on = 1, fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return fd;
    int rc =
        socket_use_uplink(fd, domain == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4, c->uplink);
    if (rc != 0) {
        close(fd);
        errno = -rc;
        return -1;
    }
    struct dns_socket *s = mem_alloc(sizeof *s);
    *s = (struct dns_socket){c->sockets, c, fd, type == SOCK_DGRAM, 0, NULL};
    c->sockets = s;
    if (c->device[0] != '\0')
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->device,
                   (socklen_t)strlen(c->device));
    if (s->datagrams) {
        error_queue_stamps(fd);
    } else {
        rx_stamp_enable(fd);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return fd;
}

static int close_socket(ares_socket_t fd, void *user)
{
    struct resolver_channel *c = user;
    struct dns_socket **at = &c->sockets;
    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    if (*at != NULL) {
        struct dns_socket *s = *at;
        *at = s->next;
        for (struct query *q = c->waiting; q != NULL; q = q->next)
            q->by = q->by == s ? NULL : q->by;
        poll_close(s->poll);
        free(s);
    }
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t len,
                          void *user)
{
    (void)user;
    return connect(fd, to, len);
}

static ares_ssize_t receive(ares_socket_t fd, void *bytes, size_t room, int flags,
                            struct sockaddr *from, ares_socklen_t *from_len, void *user)
{
    struct resolver_channel *c = user;
    struct dns_socket *s = find_socket(c, fd);
    struct queued packet;
    struct sockaddr_storage sender;
    if (s == NULL || !s->datagrams) {
        int64_t at = rx_stamp_next(fd, room);
        c->bytes_came_ns = at != 0 ? at : mono_now().ns;
        if (c->tcp_bytes > TCP_BYTES) {
            errno = ECONNABORTED;
            return -1;
        }
        ssize_t n = recvfrom(fd, bytes, room, flags, from, from_len);
        c->tcp_bytes += n > 0 ? (size_t)n : 0;
        return n;
    }
    int rc = socket_receive(fd, bytes, room, &packet);
    if (rc != 0) {
        errno = -rc;
        return -1;
    }
    if (from != NULL) {
        socklen_t len = sockaddr_of(&sender, &packet.from);
        memcpy(from, &sender, len < *from_len ? len : *from_len);
        *from_len = len;
    }
    read_stamps(s);
    note_came(s, bytes, &packet);
    return (ares_ssize_t)packet.len;
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int n,
                               void *user)
{
    struct dns_socket *s = find_socket(user, fd);
    struct mono at = mono_now();
    ares_ssize_t sent = writev(fd, parts, n);
    if (s != NULL && s->datagrams && sent < 0) {
        int error = errno;
        restart_keys(s);
        errno = error;
    } else if (s != NULL && s->datagrams && parts[0].iov_len >= ID_BYTES) {
        note_sent(s, parts[0].iov_base, at);
    }
    return sent;
}

/* ---- on the loop ---- */

static void on_timer(uv_timer_t *timer);
static void deliver(struct resolver_channel *c);

/* Must follow each call of c-ares; otherwise a lost packet would never time out. */
static void arm(struct resolver_channel *c)
{
    struct timeval room, *wait = ares_timeout(c->ares, NULL, &room);
    if (wait == NULL)
        uv_timer_stop(c->timer);
    else
        timer_in(c->timer, on_timer,
                 wait->tv_sec * NS_PER_S + wait->tv_usec * (NS_PER_MS / 1000));
}

static void process(struct resolver_channel *c, int read, int write)
{
    ares_process_fd(c->ares, read, write);
    arm(c);
    deliver(c);
}

static void on_timer(uv_timer_t *timer)
{
    process(timer->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_ready(uv_timer_t *timer)
{
    deliver(timer->data);
}

static void on_socket(struct poll *p, bool readable, bool writable, void *user)
{
    struct dns_socket *s = user;
    int fd = poll_fd(p);
    read_stamps(s);
    process(s->channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
}

static void on_socket_state(void *user, ares_socket_t fd, int read, int write)
{
    struct resolver_channel *c = user;
    struct dns_socket *s = find_socket(c, fd);
    if (s == NULL)
        return;
    if (!read && !write) { /* c-ares is about to close it */
        poll_close(s->poll);
        s->poll = NULL;
        return;
    }
    if (s->poll == NULL && (s->poll = poll_open(c->loop, fd, on_socket, s)) == NULL)
        c->deaf = true;
    if (s->poll != NULL)
        poll_want(s->poll, read, write);
}

/* ---- answers ---- */

/* By the datagram, unless the answer came later by TCP. */
static void set_time(struct query *q)
{
    struct dns_reply *r = &q->reply;
    enum stamp_basis basis;
    r->tcp = q->arrived.ns == 0 || r->truncated;
    if (r->tcp) {
        r->took_ns = q->channel->bytes_came_ns - r->sent.ns;
        return;
    }
    r->took_ns = stamps_delay(q->arrived.ns - r->sent.ns, q->left, q->came, &basis);
    r->kernel_time = basis != BASIS_USER;
}

static void on_answer(void *user, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct query *q = user, **at = &q->channel->waiting;
    struct resolver_channel *c = q->channel;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    c->tcp_bytes = 0;
    q->reply.status = status;
    q->reply.took_ns = -1;
    if (bytes != NULL && len > 0) {
        q->reply.len = (size_t)len;
        q->reply.bytes = q->bytes = mem_copy(bytes, (size_t)len);
        set_time(q);
    }
    q->next = NULL;
    *c->done_end = q;
    c->done_end = &q->next;
    timer_in(c->ready, on_ready, 0);
}

static void free_channel(struct resolver_channel *c)
{
    timer_close(c->timer);
    timer_close(c->ready);
    free(c);
}

static void deliver_all(struct resolver_channel *c)
{
    struct query *q;
    while ((q = c->done) != NULL) {
        c->done = q->next;
        if (c->done == NULL)
            c->done_end = &c->done;
        q->cb(&q->reply, q->user);
        free(q->bytes);
        free(q);
    }
}

static void deliver(struct resolver_channel *c)
{
    c->delivering = true;
    deliver_all(c);
    c->delivering = false;
    if (c->closed)
        free_channel(c);
}

/* ---- open, close, query ---- */

bool resolver_channel_is_idle(const struct resolver_channel *c)
{
    return c->waiting == NULL && c->done == NULL;
}

static void set_server(struct resolver_channel *c, const struct dns_server *to)
{
    struct ares_addr_port_node node = {
        .family = to->at.family == FAMILY_IPV6 ? AF_INET6 : AF_INET,
        .udp_port = to->at.port,
        .tcp_port = to->at.port,
    };
    struct endpoint scope = {0};
    memcpy(&node.addr, to->at.bytes, to->at.family == FAMILY_IPV6 ? 16 : 4);
    ares_set_servers_ports(c->ares, &node);
    if (to->zone[0] != '\0' && socket_set_zone(&scope, to->zone))
        if_indextoname(scope.scope, c->device); /* c-ares 1.18 supports no scope */
}

struct resolver_channel *resolver_channel_open(uv_loop_t *loop,
                                               const struct uplink *uplink,
                                               const struct dns_server *to,
                                               const struct resolv_conf *conf)
{
    static const struct ares_socket_functions functions = {
        open_socket, close_socket, connect_socket, receive, send_parts};
    struct resolver_channel *c = mem_zalloc(sizeof *c);
    struct ares_options options = {
        .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
                 (conf->use_vc ? ARES_FLAG_USEVC : 0) |
                 (conf->edns0 ? ARES_FLAG_EDNS : 0),
        .timeout = LIMIT_MS,
        .tries = 1,
        .lookups = "b",
        .ednspsz = EDNS_BYTES,
        .resolvconf_path = "/dev/null", /* parsed by config/resolv_conf.c */
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = c,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
               ARES_OPT_EDNSPSZ | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    /* newer c-ares caches answers by default; 0 s disables it */
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    if (ares_init_options(&c->ares, &options, mask) != ARES_SUCCESS) {
        free(c);
        return NULL;
    }
    c->loop = loop;
    c->uplink = uplink;
    c->timer = timer_new(loop, c);
    c->ready = timer_new(loop, c);
    c->done_end = &c->done;
    ares_set_socket_functions(c->ares, &functions, c);
    set_server(c, to);
    return c;
}

void resolver_channel_close(struct resolver_channel *c)
{
    if (c == NULL)
        return;
    ares_destroy(c->ares);
    deliver_all(c);
    c->closed = true;
    if (!c->delivering)
        free_channel(c);
}

bool resolver_channel_query(struct resolver_channel *c, const char *name, int type,
                            dns_reply_cb *cb, void *user)
{
    struct query *q = mem_zalloc(sizeof *q);
    q->channel = c;
    q->reply.sent = mono_now();
    q->cb = cb;
    q->user = user;
    q->next = c->waiting;
    c->waiting = q;
    c->deaf = false;
    ares_query(c->ares, name, ns_c_in, type, on_answer, q);
    arm(c);
    return !c->deaf;
}
