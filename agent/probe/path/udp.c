/*
 * Queries by UDP: one connected socket, so source and destination port stay the same; the
 * TTL goes along with each packet.
 */
#include "base/mem.h"
#include "net/error_queue.h"
#include "net/seed.h"
#include "net/socket.h"
#include "probe/path/datagram.h"
#include "probe/path/method.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct datagrams {
    int socket;
    struct poll *poll;
    uint64_t tag;
};

static void udp_close(struct tracer *t)
{
    struct datagrams *d = t->state;
    poll_close(d->poll);
    free(d);
}

static void take_error(struct tracer *t, const struct queued *queued,
                       const uint8_t *bytes)
{
    struct datagrams *d = t->state;
    struct stamps rx = queued->stamps;
    struct trace_answer answer = {.type = queued->type,
                                  .code = queued->code,
                                  .from = queued->from,
                                  .reply_ttl = queued->ttl};
    struct trace_query q;
    if (queued->kind == QUEUED_STAMP)
        method_stamped(t, queued->key, rx);
    if (queued->kind != QUEUED_ICMP ||
        !method_error_kind(t, answer.type, answer.code, &answer.from, &answer.kind))
        return;
    if (queued->extension_at > 0)
        icmp_extension_read(
            &answer.extension,
            wire_from(bytes + queued->extension_at, queued->len - queued->extension_at));
    switch (datagram_read(wire_from(bytes, queued->len), d->tag, &q)) {
    case DATAGRAM_OURS:
        answer.rtt_ns = method_delay(t, q, rx);
        method_answered(t, q, &answer);
        break;
    case DATAGRAM_SHORT:
        method_answered_unknown(t, &answer, rx);
        break;
    case DATAGRAM_FOREIGN:
        break;
    }
}

/* A service that answers with a packet of its own does not say to which query. */
static void take_reply(struct tracer *t)
{
    struct trace_answer answer = {.kind = TRACE_TARGET, .from = t->to, .reply_ttl = -1};
    method_answered_unknown(t, &answer, (struct stamps){0});
}

static void on_readable(struct poll *poll, bool readable, bool writable, void *user)
{
    struct tracer *t = user;
    struct datagrams *d = t->state;
    struct queued queued;
    uint8_t bytes[1500];
    (void)poll, (void)readable, (void)writable;
    while (error_queue_read(d->socket, bytes, sizeof bytes, &queued))
        take_error(t, &queued, bytes);
    while (recv(d->socket, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
        take_reply(t);
}

static int udp_open(struct tracer *t)
{
    bool ipv6 = t->to.family == FAMILY_IPV6;
    struct sockaddr_storage to;
    socklen_t len = sockaddr_of(&to, &t->to);
    int fd =
        socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int off = 0;
    error_queue_enable(fd, (enum family)t->to.family, true);
    error_queue_stamps(fd);
    if (ipv6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, &off, sizeof off);
    struct datagrams *d = mem_zalloc(sizeof *d);
    *d = (struct datagrams){.socket = fd, .tag = seed_random()};
    t->state = d;
    t->port_keeper = fd;
    int rc = socket_use_uplink(fd, (enum family)t->to.family, t->uplink);
    if (rc == 0 && connect(fd, (struct sockaddr *)&to, len) != 0)
        rc = -errno;
    if (rc == 0 && (d->poll = poll_open(t->loop, fd, on_readable, t)) == NULL)
        rc = -EMFILE;
    if (rc != 0) {
        udp_close(t);
        return rc;
    }
    poll_want(d->poll, true, false);
    return 0;
}

static int udp_send(struct tracer *t, struct trace_query q)
{
    struct datagrams *d = t->state;
    bool ipv6 = t->to.family == FAMILY_IPV6;
    uint8_t bytes[DATAGRAM_BYTES];
    int ttl = q.ttl;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof ttl)] = {0};
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    c->cmsg_type = ipv6 ? IPV6_HOPLIMIT : IP_TTL;
    c->cmsg_len = CMSG_LEN(sizeof ttl);
    memcpy(CMSG_DATA(c), &ttl, sizeof ttl);
    datagram_write(bytes, d->tag, q);

    int rc = 0;
    for (int i = 0; i < 3; i++) { /* an ICMP error that is waiting fails the next call */
        if (sendmsg(d->socket, &m, 0) >= 0) {
            method_key(t, q);
            return 0;
        }
        rc = -errno;
    }
    return rc;
}

const struct method method_udp = {
    .name = "udp",
    .policy = &trace_all_at_once,
    .open = udp_open,
    .send = udp_send,
    .close = udp_close,
};
