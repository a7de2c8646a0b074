#include "net/rx_stamp.h"

#include "net/clock.h"

#include <string.h>
#include <sys/socket.h>

void rx_stamp_enable(int socket)
{
    int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

int64_t rx_stamp_next(int socket, size_t len)
{
    _Alignas(struct cmsghdr) uint8_t control[128];
    struct iovec part = {NULL, len}; /* MSG_TRUNC: nothing is copied */
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    if (recvmsg(socket, &m, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) <= 0)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        struct timespec t;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        int64_t ago_ns = wall_now().ns - (t.tv_sec * NS_PER_S + t.tv_nsec);
        return mono_now().ns - ago_ns;
    }
    return 0;
}
