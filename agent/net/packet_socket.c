#include "net/packet_socket.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 1 << 20, FILTER_MAX = 160, TAGS_MAX = 4 };

/* ---- the filter: classic BPF ---- */

enum label { NEXT = -1, PASS, DROP, BEFORE, PPPOE, V4, V6, TAG, LABELS = TAG + TAGS_MAX };

struct program {
    struct sock_filter code[FILTER_MAX];
    enum label yes[FILTER_MAX], no[FILTER_MAX];
    size_t at[LABELS], n;
};

static void load(struct program *p, uint16_t code, uint32_t k)
{
    assert(p->n < FILTER_MAX);
    p->yes[p->n] = p->no[p->n] = NEXT;
    p->code[p->n++] = (struct sock_filter){.code = code, .k = k};
}

static void jump(struct program *p, uint16_t test, uint32_t k, enum label yes,
                 enum label no)
{
    load(p, BPF_JMP | test, k);
    p->yes[p->n - 1] = yes;
    p->no[p->n - 1] = no;
}

static void label(struct program *p, enum label name)
{
    p->at[name] = p->n;
}

/* Passes SYN and SYN-ACK, whatever ECN and PSH say; goes on with an ACK. A holds the flags. */
static void test_flags(struct program *p)
{
    load(p, BPF_ALU | BPF_AND | BPF_K, 0x37); /* URG ACK RST SYN FIN */
    jump(p, BPF_JEQ | BPF_K, 0x02, PASS, NEXT);
    jump(p, BPF_JEQ | BPF_K, 0x12, PASS, NEXT);
    jump(p, BPF_JEQ | BPF_K, 0x10, NEXT, DROP);
}

/* A: length of the TCP header of the byte that is loaded. */
static void header_length(struct program *p)
{
    load(p, BPF_ALU | BPF_RSH | BPF_K, 2);
    load(p, BPF_ALU | BPF_AND | BPF_K, 0x3c);
}

static void store(struct program *p, uint32_t at)
{
    load(p, BPF_ST, at);
}

/* X: where the IP header begins. M[0]: its length field. */
static void test_v4(struct program *p)
{
    label(p, V4);
    load(p, BPF_LD | BPF_B | BPF_IND, 9);
    jump(p, BPF_JEQ | BPF_K, IPPROTO_TCP, NEXT, DROP);
    load(p, BPF_LD | BPF_H | BPF_IND, 6);
    jump(p, BPF_JSET | BPF_K, 0x3fff, DROP, NEXT); /* fragments */
    load(p, BPF_LD | BPF_H | BPF_IND, 2);
    store(p, 0);
    load(p, BPF_LD | BPF_B | BPF_IND, 0);
    load(p, BPF_ALU | BPF_AND | BPF_K, 0xf);
    load(p, BPF_ALU | BPF_LSH | BPF_K, 2);
    store(p, 1); /* length of the header */
    load(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    load(p, BPF_MISC | BPF_TAX, 0);
    load(p, BPF_LD | BPF_B | BPF_IND, 13);
    test_flags(p);
    load(p, BPF_LD | BPF_B | BPF_IND, 12);
    header_length(p);
    load(p, BPF_LDX | BPF_MEM, 1);
    load(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    load(p, BPF_LDX | BPF_MEM, 0);
    jump(p, BPF_JEQ | BPF_X, 0, PASS, DROP); /* no data */
}

static void test_v6(struct program *p)
{
    label(p, V6);
    load(p, BPF_LD | BPF_B | BPF_IND, 6);
    jump(p, BPF_JEQ | BPF_K, IPPROTO_TCP, NEXT, DROP);
    load(p, BPF_LD | BPF_H | BPF_IND, 4);
    store(p, 0);
    load(p, BPF_LD | BPF_B | BPF_IND, 40 + 13);
    test_flags(p);
    load(p, BPF_LD | BPF_B | BPF_IND, 40 + 12);
    header_length(p);
    load(p, BPF_LDX | BPF_MEM, 0);
    jump(p, BPF_JEQ | BPF_X, 0, PASS, DROP);
}

/* Moves X on, and keeps A. */
static void advance(struct program *p, uint32_t bytes)
{
    store(p, 0);
    load(p, BPF_MISC | BPF_TXA, 0);
    load(p, BPF_ALU | BPF_ADD | BPF_K, bytes);
    load(p, BPF_MISC | BPF_TAX, 0);
    load(p, BPF_LD | BPF_MEM, 0);
}

/* By the EtherType in A. `tag`, `none`: where to go on for a VLAN tag, and for another one. */
static void test_type(struct program *p, enum label tag, enum label none)
{
    jump(p, BPF_JEQ | BPF_K, ETH_P_IP, V4, NEXT);
    jump(p, BPF_JEQ | BPF_K, ETH_P_IPV6, V6, NEXT);
    jump(p, BPF_JEQ | BPF_K, ETH_P_PPP_SES, PPPOE, NEXT);
    jump(p, BPF_JEQ | BPF_K, ETH_P_8021Q, tag, NEXT);
    jump(p, BPF_JEQ | BPF_K, ETH_P_8021AD, tag, NEXT);
    jump(p, BPF_JEQ | BPF_K, ETH_P_QINQ1, tag, none);
}

/* RFC 2516, section 4: the session's packets have code 0, and then PPP's protocol. */
static void test_pppoe(struct program *p)
{
    label(p, PPPOE);
    load(p, BPF_LD | BPF_H | BPF_IND, 0);
    jump(p, BPF_JEQ | BPF_K, 0x1100, NEXT, DROP);
    load(p, BPF_LD | BPF_H | BPF_IND, 6);
    advance(p, 8);
    jump(p, BPF_JEQ | BPF_K, 0x0021, V4, NEXT);
    jump(p, BPF_JEQ | BPF_K, 0x0057, V6, DROP);
}

static void set_jumps(struct program *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->yes[i] != NEXT)
            p->code[i].jt = (uint8_t)(p->at[p->yes[i]] - i - 1);
        if (p->no[i] != NEXT)
            p->code[i].jf = (uint8_t)(p->at[p->no[i]] - i - 1);
    }
}

/* The kernel takes the outer VLAN tag off received packets. Inner ones stand in front of the
 * network header; one of a packet that this host sends stands before the begin of the data. */
static void make_filter(struct program *p)
{
    p->n = 0;
    load(p, BPF_LDX | BPF_IMM, 0);
    load(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
    for (uint32_t i = 0; i < TAGS_MAX; i++) {
        test_type(p, TAG + i, i == 1 ? BEFORE : DROP);
        label(p, TAG + i);
        load(p, BPF_LD | BPF_H | BPF_IND, 2);
        advance(p, 4);
    }
    test_type(p, DROP, DROP);
    label(p, BEFORE);
    load(p, BPF_LDX | BPF_IMM, 0);
    load(p, BPF_LD | BPF_B | BPF_ABS, 0);
    load(p, BPF_ALU | BPF_RSH | BPF_K, 4);
    jump(p, BPF_JEQ | BPF_K, 4, V4, NEXT);
    jump(p, BPF_JEQ | BPF_K, 6, V6, DROP);
    test_pppoe(p);
    test_v4(p);
    test_v6(p);
    label(p, PASS);
    load(p, BPF_RET | BPF_K, PACKET_BYTES_MAX);
    label(p, DROP);
    load(p, BPF_RET | BPF_K, 0);
    set_jumps(p);
}

/* ---- the socket ---- */

int packet_socket_open(unsigned interface)
{
    struct program program;
    int room = RECEIVE_BUFFER, on = 1;
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETH_P_ALL), /* sent ones as well */
                             .sll_ifindex = (int)interface};
    /* Protocol 0: nothing arrives before the filter is there. */
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    make_filter(&program);
    struct sock_fprog filter = {(unsigned short)program.n, program.code};
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0 ||
        bind(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static int64_t stamp_of(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        struct timespec t;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS ||
            c->cmsg_len < CMSG_LEN(sizeof t))
            continue;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }
    return 0;
}

ssize_t packet_socket_receive(int fd, struct packet packets[PACKET_BATCH])
{
    struct mmsghdr messages[PACKET_BATCH];
    struct iovec parts[PACKET_BATCH];
    struct sockaddr_ll from[PACKET_BATCH];
    _Alignas(struct cmsghdr) char control[PACKET_BATCH][64];
    for (size_t i = 0; i < PACKET_BATCH; i++) {
        parts[i] = (struct iovec){packets[i].bytes, PACKET_BYTES_MAX};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
                                                   .msg_namelen = sizeof from[i],
                                                   .msg_iov = &parts[i],
                                                   .msg_iovlen = 1,
                                                   .msg_control = control[i],
                                                   .msg_controllen = sizeof control[i]}};
    }
    int n = recvmmsg(fd, messages, PACKET_BATCH, MSG_DONTWAIT, NULL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++) {
        packets[i].len = messages[i].msg_len;
        packets[i].protocol = ntohs(from[i].sll_protocol);
        packets[i].wall_ns = stamp_of(&messages[i].msg_hdr);
    }
    return n;
}

uint32_t packet_socket_drops(int fd)
{
    struct tpacket_stats stats = {0};
    socklen_t len = sizeof stats;
    getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
    return stats.tp_drops;
}
