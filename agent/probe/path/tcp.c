/*
 * Queries by TCP handshake: a socket for each, all from one port. The kernel allows one
 * socket at a time for the same two ports and addresses, so the queries are sent one after
 * the other. Its socket is closed, with a reset if connected, before the next one.
 */
#include "base/mem.h"
#include "net/error_queue.h"
#include "net/socket.h"
#include "probe/path/method.h"
#include "probe/tcp/handshake.h"
#include "probe/tcp/info.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

struct syns {
    struct sockaddr_storage own;
    socklen_t own_len;
    int socket; /* of the query under way; -1: none */
    struct poll *poll;
    struct trace_query query;
};

static int open_bound(const struct syns *s, const struct tracer *t)
{
    bool ipv6 = t->to.family == FAMILY_IPV6;
    int fd =
        socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (ipv6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        setsockopt(fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, &off, sizeof off);
    }
    int rc = socket_steer(fd, (enum family)t->to.family, t->uplink);
    if (rc == 0 && bind(fd, (struct sockaddr *)&s->own, s->own_len) != 0)
        rc = -errno;
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}

static void hang_up(struct syns *s)
{
    if (s->socket < 0)
        return;
    poll_close(s->poll);
    handshake_hang_up(s->socket);
    s->poll = NULL;
    s->socket = -1;
}

static void tcp_close(struct tracer *t)
{
    struct syns *s = t->state;
    hang_up(s);
    free(s);
}

static int tcp_open(struct tracer *t)
{
    struct syns *s = mem_zalloc(sizeof *s);
    s->socket = -1;
    struct endpoint any = {.family = t->to.family};
    const struct endpoint *source =
        t->uplink != NULL ? &t->uplink->source[family_slot((enum family)t->to.family)]
                          : &any;
    s->own_len = sockaddr_of(&s->own, source->family != FAMILY_NONE ? source : &any);
    int fd = open_bound(s, t);
    if (fd < 0) {
        free(s);
        return fd;
    }
    t->port_keeper = fd;
    getsockname(fd, (struct sockaddr *)&s->own, &s->own_len);
    t->state = s;
    return 0;
}

enum icmp_end { ICMP_NONE, ICMP_NO_ANSWER, ICMP_ANSWER };

/* The ICMP error that ended the handshake; not every one is an answer. */
static enum icmp_end take_error(struct tracer *t, struct trace_answer *answer)
{
    enum icmp_end end = ICMP_NONE;
    const struct syns *s = t->state;
    struct queued queued;
    uint8_t bytes[1500];
    while (error_queue_read(s->socket, bytes, sizeof bytes, &queued)) {
        if (queued.kind != QUEUED_ICMP)
            continue;
        struct stamps rx = {.software_ns = queued.stamps.software_ns};
        *answer = (struct trace_answer){.type = queued.type,
                                        .code = queued.code,
                                        .from = queued.from,
                                        .rtt_ns = method_delay(t, s->query, rx),
                                        .reply_ttl = queued.ttl};
        if (queued.extension_at > 0)
            icmp_extension_read(
                &answer->extension,
                wire_from(bytes + queued.extension_at, queued.len - queued.extension_at));
        if (method_error_kind(t, answer->type, answer->code, &answer->from,
                              &answer->kind))
            return ICMP_ANSWER;
        end = ICMP_NO_ANSWER;
    }
    return end;
}

static void on_event(struct poll *poll, bool readable, bool writable, void *user)
{
    struct tracer *t = user;
    struct syns *s = t->state;
    struct trace_answer answer = {.kind = TRACE_TARGET, .from = t->to, .reply_ttl = -1};
    (void)poll, (void)readable, (void)writable;
    answer.rtt_ns = method_delay(t, s->query, (struct stamps){0});
    enum icmp_end icmp = take_error(t, &answer); /* before SO_ERROR, which clears it */
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(s->socket, SOL_SOCKET, SO_ERROR, &error, &len);
    if (icmp == ICMP_NO_ANSWER || (icmp == ICMP_NONE && error != 0 &&
                                   error != ECONNREFUSED && error != ECONNRESET)) {
        hang_up(s);
        return; /* an error of this host, such as a failed neighbour resolution */
    }
    if (icmp == ICMP_NONE && error == 0) {
        int64_t rtt_ns = tcp_sample_of(s->socket).rtt_us * NS_PER_US;
        if (rtt_ns > 0 && rtt_ns < answer.rtt_ns)
            answer.rtt_ns = rtt_ns;
    }
    answer.from.port = 0;
    hang_up(s);
    method_answered(t, s->query, &answer);
}

static int tcp_send(struct tracer *t, struct trace_query q)
{
    struct syns *s = t->state;
    bool ipv6 = t->to.family == FAMILY_IPV6;
    int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    int ttl = q.ttl;
    hang_up(s); /* the one before was silent */
    int fd = open_bound(s, t);
    if (fd < 0)
        return fd;
    struct sockaddr_storage to;
    socklen_t len = sockaddr_of(&to, &t->to);
    error_queue_enable(fd, (enum family)t->to.family, true);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
    if (ipv6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof ttl);
    else
        setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    int rc = connect(fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS
                 ? 0
                 : -errno;
    if (rc == 0 && (s->poll = poll_open(t->loop, fd, on_event, t)) == NULL)
        rc = -EMFILE;
    if (rc != 0) {
        close(fd);
        return rc;
    }
    s->socket = fd;
    s->query = q;
    poll_want(s->poll, false, true);
    return 0;
}

const struct method method_tcp = {
    .name = "tcp",
    .policy = &trace_one_at_a_time,
    .open = tcp_open,
    .send = tcp_send,
    .close = tcp_close,
};
