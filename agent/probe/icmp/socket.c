#include "probe/icmp/socket.h"

#include "base/mem.h"
#include "core/time.h"
#include "net/error_queue.h"
#include "net/socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_BYTES (60 + 8 + ECHO_PAYLOAD_MAX) /* the longest IPv4 header, a reply */
#define CONTROL_BYTES 192
#define BUFFER_BYTES  (4 << 20) /* the kernel gives less without CAP_NET_ADMIN */

/* Used only inside one call, by all sockets: 72 kB. */
static struct {
    struct mmsghdr messages[ICMP_BATCH];
    struct iovec parts[ICMP_BATCH][2];
    struct sockaddr_storage names[ICMP_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[ICMP_BATCH][2 * CMSG_SPACE(sizeof(int))];
    uint8_t bytes[ICMP_BATCH][ECHO_HEAD_LEN];
} sending;

static struct {
    struct mmsghdr messages[ICMP_BATCH];
    struct iovec parts[ICMP_BATCH];
    struct sockaddr_storage names[ICMP_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[ICMP_BATCH][CONTROL_BYTES];
    uint8_t bytes[ICMP_BATCH][RECEIVE_BYTES];
} receiving;

struct icmp_socket {
    int fd;
    enum family family;
    bool raw, trace;
    uint16_t id;
};

static const uint8_t zeros[ECHO_PAYLOAD_MAX];

/* ---- opening ---- */

static void set(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}

/*
 * Replies with our tag, and errors that quote a request with our tag, or with our mark
 * where they quote less (RFC 792: the first 8 bytes). All else, a `ping` beside us and a
 * flood of forged errors alike, is dropped by the kernel: it neither wakes us nor fills
 * the buffer. A load beyond the end of the packet drops it (BPF).
 */
static void filter_raw(int fd, enum family family, uint32_t tag)
{
    bool ipv6 = family == FAMILY_IPV6;
    if (ipv6) {
        struct icmp6_filter types;
        ICMP6_FILTER_SETBLOCKALL(&types);
        for (int type = ICMP6_DST_UNREACH; type <= ICMP6_PARAM_PROB; type++)
            ICMP6_FILTER_SETPASS(type, &types);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &types);
        setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &types, sizeof types);
    } else {
        struct icmp_filter types = {
            .data = ~(1u << ICMP_ECHOREPLY | 1u << ICMP_DEST_UNREACH |
                      1u << ICMP_TIME_EXCEEDED | 1u << ICMP_PARAMETERPROB)};
        setsockopt(fd, SOL_RAW, ICMP_FILTER, &types, sizeof types);
    }
    enum { ACCEPT = 19, DROP = 20 }; /* the last two statements */
#define IF_EQUAL(at, value, yes, no)                                                     \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, (yes) - (at)-1, (no) - (at)-1)
    struct sock_filter program[] = {
        /* X: where the message begins; IPv4 comes with its header */
        [0] = ipv6 ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, 0)
                   : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        [1] = BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
        [2] = IF_EQUAL(2, ipv6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY, 3, 5),
        [3] = BPF_STMT(BPF_LD | BPF_W | BPF_IND, ECHO_TAG_OFFSET),
        [4] = IF_EQUAL(4, tag, ACCEPT, DROP),
        /* X: where the quoted request begins, behind its IP header */
        [5] = BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8),
        [6] = BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 15),
        [7] = BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
        [8] = ipv6 ? (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 40)
                   : (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 0),
        [9] = BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
        [10] = BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 8),
        [11] = BPF_STMT(BPF_MISC | BPF_TAX, 0),
        [12] = BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        [13] = BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
        [14] = BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ECHO_TAG_OFFSET + 4, 0, 2),
        [15] = BPF_STMT(BPF_LD | BPF_W | BPF_IND, ECHO_TAG_OFFSET),
        [16] = IF_EQUAL(16, tag, ACCEPT, DROP),
        [17] = BPF_STMT(BPF_LD | BPF_B | BPF_IND, ECHO_ID_OFFSET),
        [18] = IF_EQUAL(18, ECHO_MARK(tag), ACCEPT, DROP),
        [ACCEPT] = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        [DROP] = BPF_STMT(BPF_RET | BPF_K, 0),
    };
#undef IF_EQUAL
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

/* A ping socket gets replies to its own id only; errors come by the error queue. */
static int bind_ping(struct icmp_socket *s, bool bound)
{
    struct sockaddr_storage any = {.ss_family =
                                       s->family == FAMILY_IPV6 ? AF_INET6 : AF_INET};
    socklen_t len = s->family == FAMILY_IPV6 ? sizeof(struct sockaddr_in6)
                                             : sizeof(struct sockaddr_in);
    if ((!bound && bind(s->fd, (struct sockaddr *)&any, len) != 0) ||
        getsockname(s->fd, (struct sockaddr *)&any, &len) != 0)
        return -errno;
    s->id = sockaddr_endpoint((struct sockaddr *)&any).port;
    error_queue_enable(s->fd, s->family, false);
    return 0;
}

static int open_fd(enum family family, int type)
{
    type |= SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = family == FAMILY_IPV6 ? socket(AF_INET6, type, IPPROTO_ICMPV6)
                                   : socket(AF_INET, type, IPPROTO_ICMP);
    return fd < 0 ? -errno : fd;
}

void icmp_socket_restart_keys(struct icmp_socket *s)
{
    error_queue_stamps(s->fd);
}

void icmp_socket_dont_fragment(struct icmp_socket *s, bool dont)
{
    if (s->family == FAMILY_IPV6) {
        set(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
            dont ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_WANT);
        set(s->fd, IPPROTO_IPV6, IPV6_DONTFRAG, dont);
    } else {
        set(s->fd, IPPROTO_IP, IP_MTU_DISCOVER,
            dont ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
    }
}

void icmp_socket_trace(struct icmp_socket *s)
{
    s->trace = true;
    if (!s->raw)
        error_queue_enable(s->fd, s->family, true);
    if (s->family == FAMILY_IPV6) {
        set(s->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
        set(s->fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0);
    } else {
        set(s->fd, IPPROTO_IP, IP_RECVTTL, 1);
    }
}

/* For the next packet in place `i`; the kernel has written over it what the last one had.
 */
static void make_room(size_t i)
{
    receiving.parts[i] = (struct iovec){receiving.bytes[i], RECEIVE_BYTES};
    receiving.messages[i].msg_hdr =
        (struct msghdr){.msg_name = &receiving.names[i],
                        .msg_namelen = sizeof receiving.names[i],
                        .msg_iov = &receiving.parts[i],
                        .msg_iovlen = 1,
                        .msg_control = receiving.control[i],
                        .msg_controllen = CONTROL_BYTES};
    receiving.names[i].ss_family = AF_UNSPEC;
}

int icmp_socket_open(struct icmp_socket **out, enum family family, uint32_t tag,
                     const struct uplink *uplink)
{
    bool raw = true;
    int fd = open_fd(family, SOCK_RAW);
    if (fd == -EPERM || fd == -EACCES) {
        raw = false;
        fd = open_fd(family, SOCK_DGRAM);
    }
    if (fd < 0)
        return fd;
    struct icmp_socket *s = mem_zalloc(sizeof *s);
    s->fd = fd;
    s->family = family;
    s->raw = raw;
    for (size_t i = 0; i < ICMP_BATCH; i++)
        make_room(i);
    int rc = socket_use_uplink(fd, family, uplink);
    if (raw)
        filter_raw(fd, family, tag);
    else if (rc == 0)
        rc = bind_ping(s, uplink != NULL &&
                              uplink->source[family_slot(family)].family != FAMILY_NONE);
    if (rc != 0) {
        icmp_socket_close(s);
        return rc;
    }
    int bytes = BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        set(fd, SOL_SOCKET, SO_RCVBUF, bytes);
    icmp_socket_dont_fragment(s, false);
    icmp_socket_restart_keys(s);
    *out = s;
    return 0;
}

void icmp_socket_close(struct icmp_socket *s)
{
    if (s == NULL)
        return;
    close(s->fd);
    free(s);
}

int icmp_socket_fd(const struct icmp_socket *s)
{
    return s->fd;
}

uint16_t icmp_socket_id(const struct icmp_socket *s)
{
    return s->id;
}

uint32_t icmp_socket_drops(const struct icmp_socket *s)
{
    return socket_drops(s->fd);
}

/* ---- sending ---- */

static void put_integer(struct msghdr *m, uint8_t *control, int level, int type,
                        int value)
{
    struct cmsghdr *c = (struct cmsghdr *)(control + m->msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(c), &value, sizeof value);
    m->msg_control = control;
    m->msg_controllen += CMSG_SPACE(sizeof value);
}

static void put_control(struct msghdr *m, uint8_t *control, bool ipv6,
                        const struct packet_out *p)
{
    int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    if (p->dscp != 0) /* the two bits below it are ECN's */
        put_integer(m, control, level, ipv6 ? IPV6_TCLASS : IP_TOS, p->dscp << 2);
    if (p->ttl != 0)
        put_integer(m, control, level, ipv6 ? IPV6_HOPLIMIT : IP_TTL, p->ttl);
}

static void prepare(struct icmp_socket *s, size_t i, const struct packet_out *p)
{
    size_t payload = p->payload_bytes;
    if (payload < ECHO_PAYLOAD_MIN)
        payload = ECHO_PAYLOAD_MIN;
    if (payload > ECHO_PAYLOAD_MAX)
        payload = ECHO_PAYLOAD_MAX;
    echo_write(sending.bytes[i], s->family, &p->echo);
    sending.parts[i][0] = (struct iovec){sending.bytes[i], ECHO_HEAD_LEN};
    sending.parts[i][1] = (struct iovec){(void *)zeros, payload - ECHO_PAYLOAD_MIN};

    struct endpoint to = p->to;
    to.port = 0;
    struct msghdr *m = &sending.messages[i].msg_hdr;
    *m = (struct msghdr){.msg_name = &sending.names[i],
                         .msg_namelen = sockaddr_of(&sending.names[i], &to),
                         .msg_iov = sending.parts[i],
                         .msg_iovlen = 2};
    put_control(m, sending.control[i], s->family == FAMILY_IPV6, p);
}

size_t icmp_socket_send(struct icmp_socket *s, const struct packet_out *packets, size_t n,
                        int *error)
{
    for (size_t i = 0; i < n; i++)
        prepare(s, i, &packets[i]);
    size_t sent = 0;
    while (sent < n) {
        int rc = sendmmsg(s->fd, sending.messages + sent, (unsigned)(n - sent), 0);
        if (rc < 0 && errno != EINTR) {
            *error = errno;
            break;
        }
        sent += rc > 0 ? (size_t)rc : 0;
    }
    return sent;
}

/* ---- receiving ---- */

static int64_t nanoseconds(const struct timespec *ts)
{
    return ts->tv_sec * NS_PER_S + ts->tv_nsec;
}

static struct stamps stamps_of(const struct cmsghdr *c)
{
    struct scm_timestamping all;
    memcpy(&all, CMSG_DATA(c), sizeof all);
    return (struct stamps){nanoseconds(&all.ts[0]), nanoseconds(&all.ts[2])};
}

static int16_t ttl_of(const struct cmsghdr *c)
{
    int ttl;
    memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
    return (int16_t)ttl;
}

/* An ICMP error that the kernel took apart for a ping socket: it gives the sender and,
 * as the data, the request that was quoted. */
static void read_ping_error(struct packet_in *p, const struct sock_extended_err *e,
                            const struct sockaddr *offender, struct wire quoted,
                            const struct sockaddr *to, enum family family)
{
    p->from = sockaddr_endpoint(offender);
    p->message.type = e->ee_type;
    p->message.code = e->ee_code;
    p->message.mtu = e->ee_errno == EMSGSIZE ? e->ee_info : 0;
    p->message.quoted_to = sockaddr_endpoint(to);
    if (icmp_read_quoted(&p->message, quoted, family))
        p->message.what = ICMP_IS_ERROR;
    bool extended = (e->ee_rfc4884.flags & SO_EE_RFC4884_FLAG_INVALID) == 0;
    size_t at = extended ? e->ee_rfc4884.len : 0; /* 0 also when not enabled */
    wire_skip(&quoted, at);
    if (at > 0 && wire_ok(&quoted))
        icmp_extension_read(&p->extension, quoted);
}

static void read_extended(struct icmp_socket *s, struct packet_in *p,
                          const struct cmsghdr *c, size_t i)
{
    struct extended_error both = extended_error_read(c);
    switch (both.error.ee_origin) {
    case SO_EE_ORIGIN_TIMESTAMPING:
        p->is_stamp = true;
        p->key = both.error.ee_data;
        break;
    case SO_EE_ORIGIN_ICMP:
    case SO_EE_ORIGIN_ICMP6:
        read_ping_error(p, &both.error, (struct sockaddr *)&both.offender,
                        wire_from(receiving.bytes[i], receiving.messages[i].msg_len),
                        (struct sockaddr *)&receiving.names[i], s->family);
        break;
    default: /* our own: sending has said so already */
        break;
    }
}

static struct packet_in read_packet(struct icmp_socket *s, size_t i, bool error_queue)
{
    struct msghdr *m = &receiving.messages[i].msg_hdr;
    struct packet_in p = {.ttl = -1};
    if (!error_queue) {
        struct wire w = wire_from(receiving.bytes[i], receiving.messages[i].msg_len);
        bool with_header = s->raw && s->family == FAMILY_IPV4;
        p.message = with_header ? icmp_read_raw4(w) : icmp_read(w, s->family);
        if (s->trace && with_header)
            wire_skip(&w, (size_t)(receiving.bytes[i][0] & 15) * 4);
        if (s->trace && p.message.what == ICMP_IS_ERROR)
            icmp_extension_find(&p.extension, w, s->family);
        p.from = sockaddr_endpoint((struct sockaddr *)&receiving.names[i]);
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING)
            p.stamps = stamps_of(c);
        else if (s->trace &&
                 ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
                  (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)))
            p.ttl = ttl_of(c);
        else if (error_queue &&
                 ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                  (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)))
            read_extended(s, &p, c, i);
    }
    return p;
}

size_t icmp_socket_receive(struct icmp_socket *s, bool error_queue,
                           struct packet_in packets[ICMP_BATCH])
{
    int n;
    do
        n = recvmmsg(s->fd, receiving.messages, ICMP_BATCH,
                     error_queue ? MSG_ERRQUEUE : 0, NULL);
    while (n < 0 && errno == EINTR);
    for (int i = 0; i < n; i++) {
        packets[i] = read_packet(s, (size_t)i, error_queue);
        make_room((size_t)i);
    }
    return n < 0 ? 0 : (size_t)n;
}
