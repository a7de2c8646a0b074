/*
 * The cost of an ICMP probe: the prober at 20,000 probes/s to loopback, compared with a
 * bare sendmmsg/recvmmsg loop with kernel timestamps at the same rate in the same run.
 * CPU time is that of the process and includes the replies, which loopback creates in
 * the same process; this is equal for both.
 */
#include "net/clock.h"
#include "probe/icmp/icmp.h"
#include "probe/prober.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define RATE    20000
#define SECONDS 3
#define PROBES  (RATE * SECONDS)
#define BATCH   64

static int64_t cpu_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NS_PER_US;
}

/* How many probes should have been sent by now. */
static size_t due(struct mono began)
{
    int64_t n = (mono_now().ns - began.ns) / (NS_PER_S / RATE);
    return n > PROBES ? PROBES : (size_t)n;
}

struct figures {
    double us_a_probe;
    size_t lost, without_stamps;
};

/* ---- the bare loop ---- */

struct bare {
    int fd;
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    uint8_t bytes[BATCH][128];
    _Alignas(struct cmsghdr) uint8_t control[BATCH][192];
    int64_t sent_stamp[PROBES];
    size_t received, stamped;
};

static uint16_t sum16(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void bare_send(struct bare *b, size_t from, size_t n)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000001)}};
    for (size_t i = 0; i < n; i++) {
        uint32_t number = (uint32_t)(from + i);
        uint8_t *p = b->bytes[i];
        memset(p, 0, 64);
        p[0] = ICMP_ECHO;
        memcpy(p + 8, &number, sizeof number);
        uint16_t sum = sum16(p, 64);
        p[2] = (uint8_t)(sum >> 8), p[3] = (uint8_t)sum;
        b->parts[i] = (struct iovec){p, 64};
        b->messages[i].msg_hdr = (struct msghdr){.msg_name = &to,
                                                 .msg_namelen = sizeof to,
                                                 .msg_iov = &b->parts[i],
                                                 .msg_iovlen = 1};
    }
    if (sendmmsg(b->fd, b->messages, (unsigned)n, 0) != (int)n)
        perror("sendmmsg");
}

static void bare_take(struct bare *b, size_t i)
{
    struct msghdr *m = &b->messages[i].msg_hdr;
    struct scm_timestamping stamps = {0};
    struct sock_extended_err error = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING)
            memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
        else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR)
            memcpy(&error, CMSG_DATA(c), sizeof error);
    }
    int64_t stamp = stamps.ts[0].tv_sec * NS_PER_S + stamps.ts[0].tv_nsec;
    if (error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING) {
        b->sent_stamp[error.ee_data % PROBES] = stamp;
        return;
    }
    uint32_t number;
    memcpy(&number, b->bytes[i] + 20 + 8, sizeof number);
    b->received++;
    b->stamped +=
        number < PROBES && b->sent_stamp[number] > 0 && stamp >= b->sent_stamp[number];
}

static void bare_receive(struct bare *b, int flags)
{
    int n = BATCH;
    while (n == BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            b->parts[i] = (struct iovec){b->bytes[i], sizeof b->bytes[i]};
            b->messages[i].msg_hdr = (struct msghdr){.msg_iov = &b->parts[i],
                                                     .msg_iovlen = 1,
                                                     .msg_control = b->control[i],
                                                     .msg_controllen = 192};
        }
        n = recvmmsg(b->fd, b->messages, BATCH, flags, NULL);
        for (int i = 0; i < n; i++)
            bare_take(b, (size_t)i);
    }
}

static struct figures run_bare(void)
{
    struct bare *b = calloc(1, sizeof *b);
    b->fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
    struct icmp_filter only_replies = {~(1u << ICMP_ECHOREPLY)};
    setsockopt(b->fd, SOL_RAW, ICMP_FILTER, &only_replies, sizeof only_replies);
    int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                SOF_TIMESTAMPING_OPT_TSONLY;
    setsockopt(b->fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
    struct mono began = mono_now();
    int64_t cpu = cpu_ns();
    for (size_t sent = 0; sent < PROBES;) {
        poll(NULL, 0, 1);
        for (size_t n = due(began) - sent; n > 0; n = due(began) - sent) {
            n = n > BATCH ? BATCH : n;
            bare_send(b, sent, n);
            sent += n;
            bare_receive(b, MSG_ERRQUEUE);
            bare_receive(b, 0);
        }
    }
    struct figures f = {(double)(cpu_ns() - cpu) / PROBES / NS_PER_US,
                        PROBES - b->received, b->received - b->stamped};
    close(b->fd);
    free(b);
    return f;
}

/* ---- the prober ---- */

struct driver {
    struct prober *prober;
    struct target target;
    struct endpoint to;
    struct mono began;
    size_t sent, came;
};

static void on_result(const struct result *result, void *user)
{
    struct driver *d = user;
    (void)result;
    d->came++;
}

static void on_tick(uv_timer_t *timer)
{
    struct driver *d = timer->data;
    for (size_t end = due(d->began); d->sent < end; d->sent++)
        prober_send(d->prober, (uint32_t)(d->sent % 200), 0, &d->target, &d->to);
    if (d->came == PROBES)
        uv_stop(timer->loop);
}

static struct figures run_prober(void)
{
    static const struct probe_kind *const kinds[] = {&icmp_kind};
    uv_loop_t loop;
    uv_timer_t timer;
    struct driver d = {.target = {.payload_bytes = 56}};
    target_wait(&d.target, NS_PER_S);
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    timer.data = &d;
    endpoint_parse(&d.to, "127.0.0.1", 0);
    d.prober = prober_create(&loop, kinds, 1, NULL, NULL,
                             (struct prober_events){.on_result = on_result, .user = &d});
    char why[256];
    if (prober_open(d.prober, 0, why, sizeof why) != 0) {
        fprintf(stderr, "bench_icmp: %s\n", why);
        exit(2);
    }
    d.began = mono_now();
    int64_t cpu = cpu_ns();
    uv_timer_start(&timer, on_tick, 1, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    struct prober_counters c = prober_counters(d.prober);
    struct figures f = {(double)(cpu_ns() - cpu) / PROBES / NS_PER_US,
                        PROBES - c.answered, c.timestamp_fallbacks};
    prober_destroy(d.prober);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return f;
}

static struct figures print(const char *what, struct figures f)
{
    printf("%-12s %6.2f us CPU a probe, %zu lost, %zu without stamps\n", what,
           f.us_a_probe, f.lost, f.without_stamps);
    return f;
}

int main(void)
{
    printf("ICMP, %d probes a second to loopback for %d s, twice\n", RATE, SECONDS);
    for (int i = 0; i < 2; i++) {
        struct figures bare = print("bare loop", run_bare());
        struct figures prober = print("the prober", run_prober());
        printf("ratio        %6.2f (goal: at most 1.50)\n",
               prober.us_a_probe / bare.us_a_probe);
    }
    return 0;
}
