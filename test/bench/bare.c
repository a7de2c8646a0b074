/*
 * The floor of what probes cost: a loop without an agent around it, which sends each address an ICMP echo and
 * a TCP handshake a second, in slots as the agent does, and does only what the kernel has to: raw socket with
 * both stamps; socket(), connect(), TCP_INFO, reset. Runs until it is killed.
 *
 *     bare SLOT_MS ADDRESS...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST    1000
#define MESSAGE 64
#define NS      1000000000

static struct sockaddr_in to[MOST];
static struct mmsghdr messages[MOST];
static struct iovec parts[MOST];
static uint8_t bytes[MOST][128], control[MOST][192];
static int sockets[MOST]; /* of the handshakes under way */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)NS + t.tv_nsec;
}

static void prepare(size_t i, const struct sockaddr_in *name, size_t len)
{
    parts[i] = (struct iovec){bytes[i], len};
    messages[i].msg_hdr =
        (struct msghdr){.msg_name = (void *)name,
                        .msg_namelen = name != NULL ? sizeof *name : 0,
                        .msg_iov = &parts[i],
                        .msg_iovlen = 1,
                        .msg_control = name != NULL ? NULL : control[i],
                        .msg_controllen = name != NULL ? 0 : sizeof control[i]};
}

/* Raw sockets of IPv4 leave the checksum to us: of zeros but for the type it is this. */
static void send_echoes(int raw, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        memset(bytes[i], 0, MESSAGE);
        bytes[i][0] = ICMP_ECHO;
        bytes[i][2] = 0xff - ICMP_ECHO;
        bytes[i][3] = 0xff;
        prepare(i, &to[from + i], MESSAGE);
    }
    if (sendmmsg(raw, messages, (unsigned)n, 0) != (int)n)
        perror("sendmmsg");
}

static void receive(int raw, size_t n, int flags)
{
    for (size_t i = 0; i < n; i++)
        prepare(i, NULL, sizeof bytes[i]);
    recvmmsg(raw, messages, (unsigned)n, flags, NULL);
}

static void begin_handshake(size_t i)
{
    struct sockaddr_in address = to[i];
    address.sin_port = htons(443);
    sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(sockets[i], (struct sockaddr *)&address, sizeof address) != 0 &&
        errno != EINPROGRESS)
        perror("connect");
}

static void end_handshake(size_t i)
{
    struct linger reset = {.l_onoff = 1};
    struct tcp_info info;
    socklen_t len = sizeof info;
    getsockopt(sockets[i], IPPROTO_TCP, TCP_INFO, &info, &len);
    setsockopt(sockets[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(sockets[i]);
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc - 2 > MOST)
        return 2;
    int64_t slot_ns = strtol(argv[1], NULL, 10) * (NS / 1000);
    size_t n = (size_t)argc - 2;
    for (size_t i = 0; i < n; i++) {
        to[i].sin_family = AF_INET;
        inet_pton(AF_INET, argv[2 + i], &to[i].sin_addr);
    }
    int raw = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
    struct icmp_filter only_replies = {~(1u << ICMP_ECHOREPLY)};
    setsockopt(raw, SOL_RAW, 1 /* ICMP_FILTER */, &only_replies, sizeof only_replies);
    int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                 SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                 SOF_TIMESTAMPING_OPT_TSONLY;
    setsockopt(raw, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
    int64_t began = now_ns();
    for (size_t from = 0, under_way = 0, first = 0;;) {
        int64_t at = (now_ns() / slot_ns + 1) * slot_ns;
        struct timespec until = {at / NS, at % NS};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        receive(raw, under_way + 1, MSG_ERRQUEUE);
        receive(raw, under_way + 1, 0);
        for (; under_way > 0; under_way--)
            end_handshake(first++);
        size_t due = (size_t)((now_ns() - began) % NS * (int64_t)n / NS);
        first = from;
        under_way =
            (due >= from ? due : n) - from; /* the rest of the second by the next slot */
        if (under_way > 0)
            send_echoes(raw, from, under_way);
        for (size_t i = 0; i < under_way; i++)
            begin_handshake(from + i);
        from = due >= from ? due : 0;
    }
}
