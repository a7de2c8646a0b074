#include "probe/tcp/handshake.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/error_queue.h"
#include "net/neighbour.h"
#include "net/socket.h"
#include "probe/cause.h"
#include "probe/tcp/info.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct handshake {
    uv_poll_t poll;
    int socket;
    enum family family;
    struct mono sent;
    bool waited; /* for the link address of the next hop */
    handshake_cb *on_end;
    void *user;
};

void handshake_hang_up(int socket)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(socket);
}

static void free_handshake(uv_handle_t *poll)
{
    free(poll->data);
}

/* Leaves the loop; returns the socket, which stays open. */
static int leave(struct handshake *h)
{
    uv_poll_stop(&h->poll);
    uv_close((uv_handle_t *)&h->poll, free_handshake);
    return h->socket;
}

void handshake_cancel(struct handshake *h)
{
    handshake_hang_up(leave(h));
}

static uint8_t lost_packets(const struct tcp_sample *sample)
{
    return sample->retransmissions > UINT8_MAX ? UINT8_MAX
                                               : (uint8_t)sample->retransmissions;
}

uint8_t handshake_sent_again(const struct handshake *h)
{
    struct tcp_sample sample = tcp_sample_of(h->socket);
    return h->waited ? 0 : lost_packets(&sample);
}

/*
 * The kernel's sample is taken when the SYN-ACK comes in, however busy we are. It is
 * checked against our own clock, which can only be later; where it makes no sense ours is
 * taken.
 */
static void measure(struct handshake_end *end, int socket, int64_t user_ns)
{
    if (end->waited)
        return; /* a SYN sent again while the first one waited was not lost */
    struct tcp_sample sample = tcp_sample_of(socket);
    end->lost_packets = lost_packets(&sample);
    if (end->lost_packets > 0)
        return;
    int64_t rtt_ns = sample.rtt_us * NS_PER_US;
    end->kernel_time = rtt_ns > 0 && rtt_ns <= user_ns;
    end->rtt_ns = end->kernel_time ? rtt_ns : user_ns;
}

static struct icmp_report report_of(int socket)
{
    struct icmp_report report = {0};
    struct queued queued;
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof own;
    if (!error_queue_read(socket, NULL, 0, &queued))
        return report;
    if (queued.kind == QUEUED_ICMP) {
        report.type = queued.type;
        report.code = queued.code;
        report.by = queued.from;
    }
    if (getsockname(socket, (struct sockaddr *)&own, &len) == 0)
        report.own = sockaddr_endpoint((struct sockaddr *)&own);
    return report;
}

/* Any status: libuv says UV_EBADF of a socket in error, whose own word is SO_ERROR. */
static void on_event(uv_poll_t *poll, int status, int events)
{
    struct mono arrived = mono_now(); /* first: the clock is running */
    struct handshake *h = poll->data;
    (void)status, (void)events;

    struct handshake_end end = {
        .socket = -1, .rtt_ns = DELAY_UNDEFINED, .waited = h->waited};
    socklen_t len = sizeof end.error;
    if (getsockopt(h->socket, SOL_SOCKET, SO_ERROR, &end.error, &len) != 0)
        end.error = errno;
    int socket = leave(h);
    if (end.error == 0) {
        end.socket = socket;
        error_queue_disable(socket, h->family);
        measure(&end, socket, arrived.ns - h->sent.ns);
    } else {
        end.report = report_of(socket);
        close(socket);
    }
    h->on_end(&end, h->user);
}

static int open_socket(const struct endpoint *to, const struct uplink *uplink,
                       uint8_t dscp)
{
    bool ipv6 = to->family == FAMILY_IPV6;
    int fd =
        socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int class = dscp << 2; /* the two bits below it are ECN's */
    int rc = 0;
    if (class != 0)
        rc = ipv6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof class)
                  : setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof class);
    rc = rc != 0 ? -errno : socket_use_uplink(fd, (enum family)to->family, uplink);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}

int handshake_start(struct handshake **out, uv_loop_t *loop, const struct endpoint *to,
                    const struct uplink *uplink, uint8_t dscp, handshake_cb *on_end,
                    void *user)
{
    struct sockaddr_storage address;
    socklen_t len = sockaddr_of(&address, to);
    int fd = open_socket(to, uplink, dscp);
    if (fd < 0)
        return fd;
    struct handshake *h = mem_zalloc(sizeof *h);
    *h = (struct handshake){
        .socket = fd, .family = (enum family)to->family, .on_end = on_end, .user = user};
    int rc = uv_poll_init(loop, &h->poll, fd);
    if (rc != 0) {
        close(fd);
        free(h);
        return rc;
    }
    h->poll.data = h;
    /* The error's errno alone does not tell a reset from a firewall's "port unreachable",
     * nor this host from a router. Only while connecting: on a connected socket each ICMP
     * error would end the connection. */
    error_queue_enable(fd, h->family, false);
    h->sent = mono_now();
    rc = connect(fd, (struct sockaddr *)&address, len) == 0 ? 0 : -errno;
    if (rc == 0 || rc == -EINPROGRESS)
        rc = uv_poll_start(&h->poll, UV_WRITABLE, on_event);
    if (rc != 0) {
        close(leave(h));
        return rc;
    }
    h->waited = neighbour_awaited(to, uplink);
    *out = h;
    return 0;
}

/* The kernel does not say who sent the error, or it was a reset. */
static enum outcome outcome_of(int error, char *cause, size_t cause_size)
{
    switch (error) {
    case ECONNREFUSED: /* reset: the host is there, the port is not */
    case ECONNRESET:
        snprintf(cause, cause_size, "connection refused");
        return OUTCOME_REFUSED;
    case EHOSTUNREACH: /* a router said so, or the last one found nobody there */
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
        snprintf(cause, cause_size, "a router or the host said: %s", strerror(error));
        return OUTCOME_UNREACHABLE;
    case ETIMEDOUT:
        snprintf(cause, cause_size, "no answer to any SYN");
        return OUTCOME_LOSS;
    default:
        cause_not_sent(cause, cause_size, error);
        return OUTCOME_NOT_MEASURED;
    }
}

enum outcome handshake_outcome(const struct handshake_end *end, const struct endpoint *to,
                               char *cause, size_t cause_size)
{
    if (end->error == 0)
        return OUTCOME_REPLY;
    if (end->report.by.family != FAMILY_NONE)
        return cause_icmp_error(cause, cause_size, &end->report, to);
    return outcome_of(end->error, cause, cause_size);
}
