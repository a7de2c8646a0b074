#include "probe/dns/dns.h"

#include "base/intern.h"
#include "base/mem.h"
#include "core/time.h"
#include "net/clock.h"
#include "net/error_queue.h"
#include "net/poll.h"
#include "net/resolver_query.h"
#include "net/rx_stamp.h"
#include "net/socket.h"
#include "probe/cause.h"
#include "probe/prober.h"
#include "probe/tcp/handshake.h"

#include <arpa/nameser.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#define QUERIES_MAX 512 /* under way, or late; each has a socket */
#define IDS         128 /* 256 bytes of chance are one call */
#define BATCH       64
#define ROUNDS_MAX  64 /* packets of one socket, so that a flood cannot hold the loop */
#define LENGTH      2  /* of a message by TCP, before it: RFC 1035, section 4.2.2 */
#define NOT_BY_TCP  "the answer by UDP is truncated, and the server does not answer by TCP"

struct dns {
    struct prober *prober;
    uv_loop_t *loop;
    int stamping;      /* error_queue_keep_stamping() */
    int ready;         /* epoll(7): the sockets of queries by UDP */
    struct poll *poll; /* watches `ready`; NULL: it is looked at in slots */
    size_t n;          /* struct asked */
    uint16_t ids[IDS]; /* random */
    size_t ids_left;
    bool reading, closed;
};

struct by_tcp {
    struct handshake *handshake; /* NULL: connected, or not begun */
    struct poll *poll;           /* of the connection */
    struct mono began;
    int64_t udp_ns; /* until the truncated answer came */
    size_t came;    /* bytes of the answer, with its length */
    size_t len;     /* of the answer, without its length */
};

struct asked {
    struct dns *dns;
    struct exchange *x;
    int fd;             /* -1: none is open */
    struct stamps left; /* of the query by UDP */
    struct by_tcp tcp;
    uint8_t *head; /* of the answer by TCP: so much as `query`, with the length */
    size_t len;
    uint8_t query[]; /* before it, its length */
};

/* ---- the end of a query ---- */

static void close_socket(struct asked *a)
{
    if (a->fd >= 0)
        close(a->fd); /* leaves `ready` by that */
    a->fd = -1;
}

static void forget(struct asked *a)
{
    if (a->tcp.handshake != NULL)
        handshake_cancel(a->tcp.handshake);
    poll_close(a->tcp.poll);
    close_socket(a);
    a->dns->n--;
    free(a->head);
    free(a);
}

/* A callback of the prober may destroy it, and so close the kind. */
static void finish(struct asked *a, enum outcome outcome, const int64_t *rtt)
{
    struct exchange *x = a->x;
    forget(a);
    exchange_done(x, outcome, rtt);
}

static const char *rcode_text(unsigned rcode)
{
    static const char *const names[] = {"no error",
                                        "FORMERR (it does not understand the query)",
                                        "SERVFAIL (it cannot resolve the name)",
                                        "no such name",
                                        "NOTIMP (it does not support the query)",
                                        "REFUSED (its policy forbids it)"};
    return rcode < sizeof names / sizeof *names ? names[rcode] : "an error code";
}

static void finish_answered(struct asked *a, const struct resolver_head *head,
                            int64_t rtt_ns)
{
    struct result *r = &a->x->result;
    r->dns.rcode = head->rcode;
    r->dns.answers = head->answers;
    snprintf(r->cause, sizeof r->cause, "%s",
             rtt_ns == DELAY_UNDEFINED ? "no delay: the kernel did not stamp the answer"
                                       : "");
    if (head->rcode != ns_r_noerror)
        snprintf(r->cause, sizeof r->cause, "the server answers %s",
                 rcode_text(head->rcode));
    if (!r->kernel_time)
        prober_count_fallback(a->dns->prober);
    bool useful = head->rcode == ns_r_noerror || head->rcode == ns_r_nxdomain;
    finish(a, useful ? OUTCOME_REPLY : OUTCOME_REFUSED, &rtt_ns);
}

/* ---- by TCP, after a truncated answer ---- */

static void finish_unusable(struct asked *a)
{
    exchange_note(a->x, NOT_BY_TCP);
    finish(a, OUTCOME_REFUSED, NULL);
}

/* What a slot waited before it read the truncated answer is not part of the delay. */
static void on_whole(struct asked *a, int64_t came_ns)
{
    struct resolver_head head;
    int64_t now_ns = mono_now().ns;
    if (resolver_query_match(&head, wire_from(a->query + LENGTH, a->len),
                             wire_from(a->head + LENGTH, a->tcp.len)) != RESOLVER_MATCH) {
        finish_unusable(a);
        return;
    }
    if (came_ns < a->tcp.began.ns || came_ns > now_ns)
        came_ns = now_ns; /* no stamp, or the wall clock was stepped */
    int64_t rtt_ns = a->tcp.udp_ns == DELAY_UNDEFINED
                         ? DELAY_UNDEFINED
                         : a->tcp.udp_ns + came_ns - a->tcp.began.ns;
    a->x->result.dns.tcp = true;
    a->x->result.kernel_time = false;
    finish_answered(a, &head, rtt_ns);
}

/* Keeps the beginning of the answer, which has all that counts. */
static void take_bytes(struct asked *a, const uint8_t *bytes, size_t n)
{
    size_t room = LENGTH + a->len;
    if (a->tcp.came < room)
        memcpy(a->head + a->tcp.came, bytes,
               n < room - a->tcp.came ? n : room - a->tcp.came);
    a->tcp.came += n;
    if (a->tcp.came == LENGTH)
        a->tcp.len = (size_t)(a->head[0] << 8 | a->head[1]);
}

static void on_bytes(struct poll *poll, bool readable, bool writable, void *user)
{
    struct asked *a = user;
    uint8_t bytes[4096];
    (void)poll, (void)readable, (void)writable;
    for (;;) {
        size_t all = a->tcp.came < LENGTH ? LENGTH : LENGTH + a->tcp.len;
        size_t want = all - a->tcp.came < sizeof bytes ? all - a->tcp.came : sizeof bytes;
        int64_t came_ns = rx_stamp_next(a->fd, want);
        ssize_t n = recv(a->fd, bytes, want, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n > 0)
            take_bytes(a, bytes, (size_t)n);
        if (n <= 0 || (a->tcp.came == LENGTH && a->tcp.len < a->len)) {
            finish_unusable(a);
            return;
        }
        if (a->tcp.came == LENGTH + a->tcp.len) {
            on_whole(a, came_ns);
            return;
        }
    }
}

static void on_connected(const struct handshake_end *end, void *user)
{
    struct asked *a = user;
    a->tcp.handshake = NULL;
    a->fd = end->socket;
    if (end->error == 0) {
        rx_stamp_enable(a->fd);
        a->tcp.poll = poll_open(a->dns->loop, a->fd, on_bytes, a);
    }
    ssize_t len = (ssize_t)(LENGTH + a->len);
    if (a->tcp.poll == NULL || send(a->fd, a->query, (size_t)len, MSG_NOSIGNAL) != len) {
        finish_unusable(a);
        return;
    }
    poll_want(a->tcp.poll, true, false);
}

static void ask_by_tcp(struct asked *a, int64_t udp_ns)
{
    struct exchange *x = a->x;
    close_socket(a);
    x->result.dns.truncated = true;
    a->head = mem_zalloc(LENGTH + a->len);
    a->tcp.udp_ns = udp_ns;
    a->tcp.began = mono_now();
    if (handshake_start(&a->tcp.handshake, a->dns->loop, &x->to, x->target->uplink, 0,
                        on_connected, a) != 0) {
        a->tcp.handshake = NULL;
        finish_unusable(a);
        return;
    }
    exchange_note(x, NOT_BY_TCP);
}

/* ---- by UDP ---- */

static void on_icmp(struct asked *a, const struct queued *q)
{
    struct exchange *x = a->x;
    char *cause = x->result.cause;
    struct icmp_report report = {q->type, q->code, q->mtu, q->from, socket_own(a->fd)};
    enum outcome outcome =
        cause_icmp_error(cause, sizeof x->result.cause, &report, &x->to);
    if (outcome == OUTCOME_REFUSED && q->code == (x->to.family == FAMILY_IPV6 ? 4 : 3))
        snprintf(cause, sizeof x->result.cause, "no DNS server at this port");
    finish(a, outcome, NULL);
}

/* False: an ICMP error ended it. */
static bool read_errors(struct asked *a)
{
    struct queued q;
    for (int i = 0; i < ROUNDS_MAX && error_queue_read(a->fd, NULL, 0, &q); i++) {
        if (q.kind == QUEUED_STAMP) {
            stamps_add(&a->left, q.stamps);
        } else if (q.kind == QUEUED_ICMP) {
            on_icmp(a, &q);
            return false;
        }
    }
    return true;
}

static void on_ready(struct poll *poll, bool readable, bool writable, void *user);

static void watch(struct dns *d)
{
    d->poll = poll_open(d->loop, d->ready, on_ready, d);
    if (d->poll != NULL)
        poll_want(d->poll, true, false);
}

static bool is_answer(struct asked *a, const uint8_t *bytes, size_t len,
                      struct resolver_head *head)
{
    enum resolver_match match = resolver_query_match(
        head, wire_from(a->query + LENGTH, a->len), wire_from(bytes, len));
    if (match == RESOLVER_MATCH)
        return true;
    prober_count_foreign(a->dns->prober);
    exchange_note(a->x,
                  match == RESOLVER_ECHO
                      ? "the port sends queries back: it is an echo service, not DNS"
                      : "the server answers with another id or question");
    return false;
}

static void on_packet(struct asked *a, const struct queued *q,
                      const struct resolver_head *head, struct mono read,
                      struct wall read_wall)
{
    struct exchange *x = a->x;
    enum stamp_basis basis;
    if (!read_errors(a)) /* the stamp of the query is there before its answer */
        return;
    int64_t user_ns = stamps_user_delay(x->sent, read, read_wall, q->stamps.software_ns);
    int64_t rtt_ns = stamps_delay(user_ns, a->left, q->stamps, &basis);
    x->result.kernel_time = basis != BASIS_USER;
    if (a->dns->poll == NULL && q->stamps.software_ns == 0) {
        rtt_ns = DELAY_UNDEFINED;
        watch(a->dns);
    }
    if (head->truncated)
        ask_by_tcp(a, rtt_ns);
    else
        finish_answered(a, head, rtt_ns);
}

static void read_socket(struct asked *a)
{
    uint8_t bytes[NS_PACKETSZ];
    struct queued q;
    struct resolver_head head;
    int rc = 0;
    /* an error of the query is returned once, and is in the error queue too */
    for (int i = 0; i < ROUNDS_MAX && rc != -EAGAIN; i++) {
        rc = socket_receive(a->fd, bytes, sizeof bytes, &q);
        struct wall read_wall = wall_now(); /* first: stamps_user_delay() */
        struct mono read = mono_now();
        if (rc == 0 && is_answer(a, bytes, q.len, &head)) {
            on_packet(a, &q, &head, read, read_wall);
            return;
        }
    }
    read_errors(a);
}

static void dns_free(struct dns *d)
{
    close(d->ready);
    if (d->stamping >= 0)
        close(d->stamping);
    free(d);
}

/* Level-triggered: what ROUNDS_MAX leaves is ready again. */
static void read_ready(void *state)
{
    struct dns *d = state;
    struct epoll_event events[BATCH];
    size_t rounds = (d->n + BATCH - 1) / BATCH;
    d->reading = true;
    for (int n = BATCH; n == BATCH && rounds > 0 && !d->closed; rounds--) {
        n = epoll_wait(d->ready, events, BATCH, 0);
        for (int i = 0; i < n && !d->closed; i++)
            read_socket(events[i].data.ptr);
    }
    d->reading = false;
    if (d->closed)
        dns_free(d);
}

static void on_ready(struct poll *poll, bool readable, bool writable, void *user)
{
    (void)poll, (void)readable, (void)writable;
    read_ready(user);
}

/* In connect() the kernel chooses the port at random; packets of others are dropped. */
static int open_socket(const struct exchange *x)
{
    struct sockaddr_storage address;
    socklen_t len = sockaddr_of(&address, &x->to);
    enum family family = (enum family)x->to.family;
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    error_queue_enable(fd, family, false);
    error_queue_stamps(fd);
    int rc = socket_use_uplink(fd, family, x->target->uplink);
    if (rc == 0 && connect(fd, (struct sockaddr *)&address, len) != 0)
        rc = -errno;
    if (rc == 0 && family == FAMILY_IPV6) {
        struct endpoint own = socket_own(fd);
        rc = socket_source_serves(&own, &x->to) ? 0 : -ENETUNREACH;
    }
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}

/* ---- one probe ---- */

static uint16_t random_id(struct dns *d)
{
    if (d->ids_left == 0) {
        ssize_t got = getrandom(d->ids, sizeof d->ids, 0);
        assert(got > 0); /* there is always chance after the boot */
        d->ids_left = (size_t)got / sizeof *d->ids;
    }
    return d->ids[--d->ids_left];
}

static struct asked *asked_create(struct dns *d, struct exchange *x)
{
    uint8_t query[RESOLVER_QUERY_MAX];
    const char *asked = intern_text(x->target->query);
    const char *name = *asked != '\0' ? asked : DNS_QUERY;
    size_t len = resolver_query_write(query, name, ns_t_a, random_id(d));
    if (len == 0)
        return NULL;
    struct asked *a = mem_zalloc(sizeof *a + LENGTH + len);
    *a = (struct asked){.dns = d, .x = x, .fd = -1, .len = len};
    a->query[0] = (uint8_t)(len >> 8);
    a->query[1] = (uint8_t)len;
    memcpy(a->query + LENGTH, query, len);
    d->n++;
    return a;
}

/* Returns 0 or -errno. */
static int send_query(struct asked *a)
{
    struct exchange *x = a->x;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = a};
    a->fd = open_socket(x);
    if (a->fd < 0)
        return a->fd;
    if (epoll_ctl(a->dns->ready, EPOLL_CTL_ADD, a->fd, &event) != 0)
        return -errno;
    x->sent = mono_now();
    x->result.time = wall_now();
    return send(a->fd, a->query + LENGTH, a->len, 0) >= 0 ? 0 : -errno;
}

static void dns_start(struct exchange *x)
{
    struct dns *d = x->kind_state;
    struct result *r = &x->result;
    struct asked *a = d->n < QUERIES_MAX ? asked_create(d, x) : NULL;
    if (a == NULL) {
        snprintf(r->cause, sizeof r->cause,
                 d->n < QUERIES_MAX
                     ? "not a name that DNS can hold"
                     : "too many DNS queries are under way from this host");
        exchange_defer(x, OUTCOME_NOT_MEASURED);
        return;
    }
    x->own = a;
    int rc = send_query(a);
    if (rc != 0) {
        forget(a);
        cause_not_sent_by(r->cause, sizeof r->cause, rc, x->target->uplink);
        exchange_defer(x, OUTCOME_NOT_MEASURED);
    }
}

/* It goes on: a late answer is counted. */
static void dns_overdue(struct exchange *x)
{
    (void)x;
}

static void dns_abort(struct exchange *x)
{
    forget(x->own);
}

static void dns_close(void *state)
{
    struct dns *d = state;
    poll_close(d->poll);
    d->closed = true;
    if (!d->reading)
        dns_free(d);
}

static int dns_open(void **state, const struct probe_tools *tools, char *why,
                    size_t why_size)
{
    int ready = epoll_create1(EPOLL_CLOEXEC);
    if (ready < 0) {
        int rc = -errno;
        snprintf(why, why_size, "no descriptor for DNS queries: %s", strerror(-rc));
        return rc;
    }
    struct dns *d = mem_zalloc(sizeof *d);
    d->prober = tools->prober;
    d->loop = tools->loop;
    d->ready = ready;
    d->stamping = error_queue_keep_stamping();
    if (tools->reading == PROBER_AT_ONCE)
        watch(d);
    *state = d;
    return 0;
}

const struct probe_kind dns_kind = {
    .kind =
        {
            .name = "dns",
            .delays = {"rtt", NULL},
            .uses = USES_PORT | USES_QUERY,
            .port = 53,
            .label = "DNS",
            .examples = "edgelat probe dns 192.0.2.53 --name outlook.office365.com\n",
            .roles = {DELAY_ROUND_TRIP},
            .single_packets = true,
            .of_resolver = true,
            .interval_ns = 10 * NS_PER_S,
            .slow_interval_ns = 60 * NS_PER_S,
            .packets = 12, /* by UDP, and by TCP after a truncated answer */
            .bytes = 2 * (40 + 8 + 300) + 1232 + 10 * 60,
        },
    .open = dns_open,
    .start = dns_start,
    .read = read_ready,
    .overdue = dns_overdue,
    .abort = dns_abort,
    .close = dns_close,
};
