#include "net/error_queue.h"

#include "core/time.h"
#include "net/socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#ifndef IP_RECVERR_RFC4884 /* glibc before 2.33 */
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif

static void set(int socket, int level, int option, int value)
{
    setsockopt(socket, level, option, &value, sizeof value);
}

void error_queue_enable(int socket, enum family family, bool with_ttl)
{
    if (family == FAMILY_IPV6) {
        set(socket, IPPROTO_IPV6, IPV6_RECVERR, 1);
        if (with_ttl) {
            set(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
            set(socket, IPPROTO_IPV6, IPV6_RECVERR_RFC4884, 1);
        }
    } else {
        set(socket, IPPROTO_IP, IP_RECVERR, 1);
        if (with_ttl) {
            set(socket, IPPROTO_IP, IP_RECVTTL, 1);
            set(socket, IPPROTO_IP, IP_RECVERR_RFC4884, 1);
        }
    }
}

void error_queue_disable(int socket, enum family family)
{
    if (family == FAMILY_IPV6)
        set(socket, IPPROTO_IPV6, IPV6_RECVERR, 0);
    else
        set(socket, IPPROTO_IP, IP_RECVERR, 0);
}

struct extended_error extended_error_read(const struct cmsghdr *c)
{
    struct extended_error both = {0};
    size_t len = c->cmsg_len - CMSG_LEN(0);
    memcpy(&both, CMSG_DATA(c), len < sizeof both ? len : sizeof both);
    return both;
}

static void read_error(struct queued *q, const struct cmsghdr *c)
{
    struct extended_error both = extended_error_read(c);
    switch (both.error.ee_origin) {
    case SO_EE_ORIGIN_TIMESTAMPING:
        q->kind = QUEUED_STAMP;
        q->key = both.error.ee_data;
        return;
    case SO_EE_ORIGIN_ICMP:
    case SO_EE_ORIGIN_ICMP6:
        q->kind = QUEUED_ICMP;
        q->type = both.error.ee_type;
        q->code = both.error.ee_code;
        q->mtu = both.error.ee_errno == EMSGSIZE ? both.error.ee_info : 0;
        q->from = sockaddr_endpoint((struct sockaddr *)&both.offender);
        if ((both.error.ee_rfc4884.flags & SO_EE_RFC4884_FLAG_INVALID) == 0)
            q->extension_at = both.error.ee_rfc4884.len;
        return;
    default:
        return;
    }
}

static void read_control(struct queued *q, const struct cmsghdr *c)
{
    bool ip = c->cmsg_level == IPPROTO_IP, ipv6 = c->cmsg_level == IPPROTO_IPV6;
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
        struct scm_timestamping all;
        memcpy(&all, CMSG_DATA(c), sizeof all);
        q->stamps.software_ns = all.ts[0].tv_sec * NS_PER_S + all.ts[0].tv_nsec;
        q->stamps.hardware_ns = all.ts[2].tv_sec * NS_PER_S + all.ts[2].tv_nsec;
    } else if ((ip && c->cmsg_type == IP_RECVERR) ||
               (ipv6 && c->cmsg_type == IPV6_RECVERR)) {
        read_error(q, c);
    } else if ((ip && c->cmsg_type == IP_TTL) ||
               (ipv6 && c->cmsg_type == IPV6_HOPLIMIT)) {
        int ttl;
        memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
        q->ttl = (int16_t)ttl;
    } else if (ip && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        q->local = (struct endpoint){.family = FAMILY_IPV4};
        memcpy(q->local.bytes, &info.ipi_addr, sizeof info.ipi_addr);
    } else if (ipv6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        q->local = (struct endpoint){.family = FAMILY_IPV6};
        memcpy(q->local.bytes, &info.ipi6_addr, sizeof info.ipi6_addr);
    }
}

void socket_tell_local(int socket, enum family family)
{
    if (family == FAMILY_IPV6)
        set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    else
        set(socket, IPPROTO_IP, IP_PKTINFO, 1);
}

void error_queue_stamps(int socket)
{
    int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                 SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_HARDWARE |
                 SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE |
                 SOF_TIMESTAMPING_OPT_TX_SWHW | SOF_TIMESTAMPING_OPT_TSONLY;
    /* the kernel counts from 0 when OPT_ID comes on */
    set(socket, SOL_SOCKET, SO_TIMESTAMPING, stamps);
    set(socket, SOL_SOCKET, SO_TIMESTAMPING, stamps | SOF_TIMESTAMPING_OPT_ID);
    /* else a transmit stamp alone wakes the loop with an error */
    set(socket, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1);
}

int error_queue_keep_stamping(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        error_queue_stamps(fd);
    return fd;
}

static int read_message(int socket, int flags, void *bytes, size_t room,
                        struct queued *out, struct sockaddr_storage *name)
{
    _Alignas(struct cmsghdr) uint8_t control[256];
    struct iovec part = {bytes, room};
    struct msghdr m = {.msg_name = name,
                       .msg_namelen = sizeof *name,
                       .msg_iov = &part,
                       .msg_iovlen = room > 0,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    name->ss_family = AF_UNSPEC;
    ssize_t len = recvmsg(socket, &m, flags | MSG_DONTWAIT);
    if (len < 0)
        return -errno;
    *out = (struct queued){.kind = QUEUED_OTHER, .ttl = -1, .len = (size_t)len};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
        read_control(out, c);
    return 0;
}

bool error_queue_read(int socket, void *bytes, size_t room, struct queued *out)
{
    struct sockaddr_storage to;
    if (read_message(socket, MSG_ERRQUEUE, bytes, room, out, &to) != 0)
        return false;
    out->to = sockaddr_endpoint((struct sockaddr *)&to);
    if (out->extension_at > out->len)
        out->extension_at = 0;
    return true;
}

int socket_receive(int socket, void *bytes, size_t room, struct queued *out)
{
    struct sockaddr_storage from;
    int rc = read_message(socket, 0, bytes, room, out, &from);
    if (rc != 0)
        return rc;
    out->kind = QUEUED_PACKET;
    out->from = sockaddr_endpoint((struct sockaddr *)&from);
    return 0;
}
