#include "net/error_queue.h"

#include "core/time.h"
#include "net/socket.h"

#include <linux/errqueue.h>
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
        set(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, with_ttl);
        set(socket, IPPROTO_IPV6, IPV6_RECVERR_RFC4884, with_ttl);
    } else {
        set(socket, IPPROTO_IP, IP_RECVERR, 1);
        set(socket, IPPROTO_IP, IP_RECVTTL, with_ttl);
        set(socket, IPPROTO_IP, IP_RECVERR_RFC4884, with_ttl);
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
        q->software_ns = all.ts[0].tv_sec * NS_PER_S + all.ts[0].tv_nsec;
        q->hardware_ns = all.ts[2].tv_sec * NS_PER_S + all.ts[2].tv_nsec;
    } else if ((ip && c->cmsg_type == IP_RECVERR) ||
               (ipv6 && c->cmsg_type == IPV6_RECVERR)) {
        read_error(q, c);
    } else if ((ip && c->cmsg_type == IP_TTL) ||
               (ipv6 && c->cmsg_type == IPV6_HOPLIMIT)) {
        int ttl;
        memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
        q->ttl = (int16_t)ttl;
    }
}

bool error_queue_read(int socket, void *bytes, size_t room, struct queued *out)
{
    _Alignas(struct cmsghdr) uint8_t control[256];
    struct sockaddr_storage to = {.ss_family = AF_UNSPEC};
    struct iovec part = {bytes, room};
    struct msghdr m = {.msg_name = &to,
                       .msg_namelen = sizeof to,
                       .msg_iov = &part,
                       .msg_iovlen = room > 0,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    ssize_t len = recvmsg(socket, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (len < 0)
        return false;
    *out = (struct queued){.kind = QUEUED_OTHER, .ttl = -1, .len = (size_t)len};
    out->to = sockaddr_endpoint((struct sockaddr *)&to);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
        read_control(out, c);
    if (out->extension_at > out->len)
        out->extension_at = 0;
    return true;
}
