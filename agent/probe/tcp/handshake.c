#include "probe/tcp/handshake.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/error_queue.h"
#include "net/neighbour.h"
#include "net/poll.h"
#include "net/socket.h"
#include "probe/cause.h"
#include "probe/tcp/info.h"
#include "probe/tcp/resent.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT = 256 };

struct handshake_set {
    struct kept_socket {
        struct endpoint to; /* FAMILY_NONE: no socket */
        int socket;
    } kept[KEPT]; /* by a hash of the address */
    struct handshake **all;
    struct pollfd *fds; /* of each */
    size_t n, room, fds_room;
    bool looking, destroyed;
};

struct handshake {
    struct handshake_set *set;
    size_t place;      /* in the set */
    struct poll *poll; /* NULL: it is in a set */
    int socket;
    enum family family;
    struct mono sent;
    bool waited; /* for the link address of the next hop */
    bool plain;  /* the set may keep the socket */
    handshake_cb *on_end;
    void *user;
};

void handshake_hang_up(int socket)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(socket);
}

static struct kept_socket *kept_of(struct handshake_set *s, const struct endpoint *to)
{
    return &s->kept[(endpoint_hash(to) ^ to->port) % KEPT];
}

/* Ends a connection with a reset as well (RFC 9293, 3.10.5; tcp_disconnect()). */
static bool disconnect(int socket)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    return connect(socket, &none, sizeof none) == 0;
}

void handshake_set_hang_up(struct handshake_set *s, const struct handshake_end *end,
                           const struct endpoint *to)
{
    if (!end->plain || !disconnect(end->socket)) {
        handshake_hang_up(end->socket);
        return;
    }
    struct kept_socket *k = kept_of(s, to);
    if (k->to.family != FAMILY_NONE)
        close(k->socket);
    *k = (struct kept_socket){*to, end->socket};
}

/* -1: none */
static int take_kept(struct handshake_set *s, const struct endpoint *to)
{
    struct kept_socket *k = kept_of(s, to);
    if (k->to.port != to->port || !endpoint_same_address(&k->to, to))
        return -1;
    k->to = (struct endpoint){.family = FAMILY_NONE};
    return k->socket;
}

/* The last one takes the place. */
static void leave_set(struct handshake *h)
{
    struct handshake_set *s = h->set;
    s->n--;
    s->all[h->place] = s->all[s->n];
    s->fds[h->place] = s->fds[s->n];
    s->all[h->place]->place = h->place;
}

/* Leaves the loop or the set; returns the socket, which stays open. */
static int leave(struct handshake *h)
{
    int socket = h->socket;
    if (h->set != NULL)
        leave_set(h);
    poll_close(h->poll);
    free(h);
    return socket;
}

void handshake_cancel(struct handshake *h)
{
    handshake_hang_up(leave(h));
}

struct handshake_told handshake_tells(const struct handshake_end *end, int64_t known_ns)
{
    if (end->resent == 0)
        return (struct handshake_told){.rtt_ns = end->rtt_ns,
                                       .known = true,
                                       .kernel_time = end->kernel_time,
                                       .learnt_ns = end->answered_ns};
    int64_t rtt_ns = resent_rtt_ns(end->answered_ns, known_ns);
    bool own = rtt_ns == end->answered_ns;
    return (struct handshake_told){
        .rtt_ns = own ? end->rtt_ns : DELAY_UNDEFINED,
        .lost = resent_lost(end->resent, end->took_ns, rtt_ns),
        .known = rtt_ns > 0,
        .kernel_time = own && end->kernel_time,
        .learnt_ns = own || rtt_ns == 0 ? end->answered_ns : 0,
    };
}

uint8_t handshake_lost_so_far(const struct handshake *h, int64_t rtt_ns)
{
    uint32_t resent = h->waited ? 0 : tcp_sample_of(h->socket).retransmissions;
    return resent_unanswered(resent, mono_now().ns - h->sent.ns, rtt_ns);
}

/*
 * The kernel's sample is taken when the SYN-ACK comes in, however busy we are. It is
 * checked against our own clock, which can only be later; where it makes no sense ours is
 * taken, unless we look late.
 */
static void measure(struct handshake_end *end, const struct tcp_sample *sample,
                    int64_t user_ns, bool late)
{
    end->took_ns = user_ns - sample->answered_ms * NS_PER_MS;
    if (end->waited)
        return; /* a SYN sent again while the first one waited was not lost */
    bool resent = sample->retransmissions > 0;
    end->resent = sample->retransmissions > UINT8_MAX ? UINT8_MAX
                                                      : (uint8_t)sample->retransmissions;
    int64_t rtt_ns = sample->rtt_us * NS_PER_US;
    int64_t rounding_ns = resent ? NS_PER_MS : 0; /* of timestamps */
    if (rtt_ns > 0 && rtt_ns <= user_ns + rounding_ns)
        end->answered_ns = rtt_ns;
    end->kernel_time = end->answered_ns > (resent ? HANDSHAKE_RESENT_LEAST_NS : 0);
    if (end->kernel_time || (!late && !resent))
        end->rtt_ns = end->kernel_time ? rtt_ns : user_ns;
}

static struct icmp_report report_of(int socket)
{
    struct icmp_report report = {0};
    struct queued queued;
    if (!error_queue_read(socket, NULL, 0, &queued))
        return report;
    if (queued.kind == QUEUED_ICMP) {
        report.type = queued.type;
        report.code = queued.code;
        report.by = queued.from;
    }
    report.own = socket_own(socket);
    return report;
}

/* An error after the handshake, as a reset by a server that is full, is none of it. */
static void end_handshake(struct handshake *h, struct mono now)
{
    struct handshake was = *h;
    struct handshake_end end = {
        .socket = -1, .rtt_ns = DELAY_UNDEFINED, .waited = h->waited};
    struct tcp_sample sample = tcp_sample_of(h->socket);
    socklen_t len = sizeof end.error;
    /* Reading clears it: not for whoever goes on with the socket. */
    if ((sample.rtt_us == 0 || h->set == NULL) &&
        getsockopt(h->socket, SOL_SOCKET, SO_ERROR, &end.error, &len) != 0)
        end.error = errno;
    leave(h);
    if (end.error == 0 || sample.rtt_us > 0) {
        end.error = 0;
        end.socket = was.socket;
        if (was.set == NULL)
            error_queue_disable(was.socket, was.family);
        measure(&end, &sample, now.ns - was.sent.ns, was.set != NULL);
        end.plain = was.plain && end.kernel_time;
    } else {
        end.report = report_of(was.socket);
        close(was.socket);
    }
    was.on_end(&end, was.user);
}

static void on_event(struct poll *poll, bool readable, bool writable, void *user)
{
    struct mono arrived = mono_now(); /* first: the clock is running */
    (void)poll, (void)readable, (void)writable;
    end_handshake(user, arrived);
}

/* ---- a set ---- */

struct handshake_set *handshake_set_create(void)
{
    return mem_zalloc(sizeof(struct handshake_set));
}

static void join_set(struct handshake *h, struct handshake_set *s)
{
    s->all = mem_grow(s->all, &s->room, s->n + 1, sizeof *s->all);
    s->fds = mem_grow(s->fds, &s->fds_room, s->n + 1, sizeof *s->fds);
    s->all[s->n] = h;
    s->fds[s->n] = (struct pollfd){.fd = h->socket, .events = POLLOUT};
    h->set = s;
    h->place = s->n++;
}

static void free_set(struct handshake_set *s)
{
    for (struct kept_socket *k = s->kept; k < s->kept + KEPT; k++)
        if (k->to.family != FAMILY_NONE)
            close(k->socket);
    free(s->all);
    free(s->fds);
    free(s);
}

/* From the end: what takes the place of one that has ended was looked at before. A callback
 * that cancels others may hide one, until the next look. */
void handshake_set_look(struct handshake_set *s)
{
    if (s->n == 0 || poll(s->fds, s->n, 0) <= 0)
        return;
    struct mono now = mono_now();
    s->looking = true;
    for (size_t i = s->n; i > 0 && !s->destroyed; i--)
        if (i <= s->n && s->fds[i - 1].revents != 0) {
            s->all[i - 1]->plain &= s->fds[i - 1].revents == POLLOUT;
            end_handshake(s->all[i - 1], now);
        }
    s->looking = false;
    if (s->destroyed)
        free_set(s);
}

void handshake_set_destroy(struct handshake_set *s)
{
    if (s == NULL)
        return;
    s->destroyed = true;
    if (!s->looking)
        free_set(s);
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

static int begin(struct handshake **out, uv_loop_t *loop, struct handshake_set *set,
                 const struct endpoint *to, const struct uplink *uplink, uint8_t dscp,
                 handshake_cb *on_end, void *user)
{
    struct sockaddr_storage address;
    socklen_t len = sockaddr_of(&address, to);
    bool plain = set != NULL && uplink == NULL && dscp == 0 && to->scope == 0;
    int kept = plain ? take_kept(set, to) : -1;
    int fd = kept >= 0 ? kept : open_socket(to, uplink, dscp);
    if (fd < 0)
        return fd;
    struct handshake *h = mem_alloc(sizeof *h);
    *h = (struct handshake){.socket = fd,
                            .family = (enum family)to->family,
                            .plain = plain,
                            .on_end = on_end,
                            .user = user};
    if (set != NULL)
        join_set(h, set);
    else
        h->poll = poll_open(loop, fd, on_event, h);
    int rc = set == NULL && h->poll == NULL ? -EMFILE : 0;
    /* The error's errno alone does not tell a reset from a firewall's "port unreachable",
     * nor this host from a router. Only while connecting: on a connected socket each ICMP
     * error would end the connection. */
    if (kept < 0)
        error_queue_enable(fd, h->family, false);
    h->sent = mono_now();
    if (rc == 0 && connect(fd, (struct sockaddr *)&address, len) != 0 &&
        errno != EINPROGRESS)
        rc = -errno;
    if (rc != 0) {
        close(leave(h));
        return rc;
    }
    if (h->poll != NULL)
        poll_want(h->poll, false, true);
    h->waited = neighbour_awaited(to, uplink);
    *out = h;
    return 0;
}

int handshake_start(struct handshake **out, uv_loop_t *loop, const struct endpoint *to,
                    const struct uplink *uplink, uint8_t dscp, handshake_cb *on_end,
                    void *user)
{
    return begin(out, loop, NULL, to, uplink, dscp, on_end, user);
}

int handshake_start_in(struct handshake **out, struct handshake_set *set,
                       const struct endpoint *to, const struct uplink *uplink,
                       uint8_t dscp, handshake_cb *on_end, void *user)
{
    return begin(out, NULL, set, to, uplink, dscp, on_end, user);
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
        snprintf(cause, cause_size, "%s, reported by a router or the host",
                 strerror(error));
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

enum outcome handshake_result(struct result *r, const struct handshake_end *end)
{
    const struct icmp_report *report = &end->report;
    enum outcome outcome = handshake_outcome(end, &r->to, r->cause, sizeof r->cause);
    if (outcome == OUTCOME_UNREACHABLE && report->by.family != FAMILY_NONE &&
        !endpoint_same_address(&report->by, &report->own))
        r->reporter = (struct icmp_source){.by = report->by, .to = report->own};
    return outcome;
}
