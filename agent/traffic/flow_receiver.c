#include "traffic/flow_receiver.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/host_port.h"
#include "net/clock.h"
#include "net/poll.h"
#include "net/socket.h"
#include "net/timer.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURN_MS = 1000, DATAGRAM_MAX = 65535, RECEIVE_BUFFER = 4 << 20 };
#define REFUSED_LOG_NS (60 * NS_PER_S)

struct flow_socket {
    int fd;
    struct poll *poll;
    uint32_t dropped; /* as the kernel counts; wraps */
    struct flow_receiver *receiver;
};

struct flow_batch { /* of recvmmsg(); pages that no datagram reaches are never resident */
    struct mmsghdr messages[FLOW_RECEIVER_BATCH];
    struct iovec pieces[FLOW_RECEIVER_BATCH];
    struct sockaddr_storage from[FLOW_RECEIVER_BATCH];
    union {
        struct cmsghdr header;
        uint8_t bytes[64];
    } control[FLOW_RECEIVER_BATCH];
    uint8_t bytes[FLOW_RECEIVER_BATCH][DATAGRAM_MAX];
};

struct flow_receiver {
    struct flow_socket sockets[TRAFFIC_LISTENS_MAX];
    size_t n;
    uv_timer_t *timer;
    struct flow_batch *batch;
    struct exporters exporters;
    struct mono refused_logged, bad_logged;
};

/* ---- datagrams ---- */

static bool log_due(struct mono *logged, struct mono now)
{
    if (logged->ns != 0 && now.ns - logged->ns < REFUSED_LOG_NS)
        return false;
    *logged = now;
    return true;
}

static void take_datagram(struct flow_receiver *r, const struct mmsghdr *m, size_t i,
                          struct mono now)
{
    char address[ADDRESS_TEXT_MAX];
    struct endpoint from = sockaddr_endpoint((struct sockaddr *)&r->batch->from[i]);
    from.scope = 0;
    size_t known = r->exporters.n;
    switch (exporters_take(&r->exporters, &from, r->batch->bytes[i], m->msg_len, now)) {
    case EXPORTERS_REFUSED:
        if (log_due(&r->refused_logged, now))
            log_warn(
                "traffic",
                "datagram from %s refused: not in exporters of [traffic] (further ones "
                "are counted, and logged once a minute)",
                endpoint_address(address, &from));
        break;
    case EXPORTERS_BAD:
        if (log_due(&r->bad_logged, now))
            log_warn(
                "traffic",
                "datagram from %s is malformed, or neither IPFIX, NetFlow v9, NetFlow v5 "
                "nor sFlow v5 (further ones are counted, and logged once a minute)",
                endpoint_address(address, &from));
        break;
    case EXPORTERS_TAKEN:
        break;
    }
    if (r->exporters.n > known)
        log_info("traffic", "exporter %s sends %s", endpoint_address(address, &from),
                 flow_format_title(r->exporters.list[known]->origin.format));
}

/* The kernel attaches the number of datagrams it has dropped so far (SO_RXQ_OVFL). */
static void note_drops(struct flow_socket *s, struct msghdr *m, struct mono now)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        uint32_t dropped;
        struct troubled *total = &s->receiver->exporters.dropped;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
        troubled_set(total, total->total + (uint32_t)(dropped - s->dropped), now);
        s->dropped = dropped;
    }
}

static size_t read_batch(struct flow_socket *s)
{
    struct flow_batch *b = s->receiver->batch;
    for (size_t i = 0; i < FLOW_RECEIVER_BATCH; i++) {
        b->pieces[i] = (struct iovec){b->bytes[i], DATAGRAM_MAX};
        b->messages[i].msg_hdr = (struct msghdr){.msg_name = &b->from[i],
                                                 .msg_namelen = sizeof b->from[i],
                                                 .msg_iov = &b->pieces[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = &b->control[i],
                                                 .msg_controllen = sizeof b->control[i]};
    }
    int n = recvmmsg(s->fd, b->messages, FLOW_RECEIVER_BATCH, MSG_DONTWAIT, NULL);
    struct mono now = mono_now();
    for (int i = 0; i < n; i++) {
        note_drops(s, &b->messages[i].msg_hdr, now);
        take_datagram(s->receiver, &b->messages[i], (size_t)i, now);
    }
    return n > 0 ? (size_t)n : 0;
}

static void on_readable(struct poll *p, bool readable, bool writable, void *user)
{
    struct flow_socket *s = user;
    (void)p, (void)writable;
    for (size_t n = 0; readable && n < FLOW_RECEIVER_TURN;) {
        size_t more = read_batch(s);
        n += more;
        if (more < FLOW_RECEIVER_BATCH)
            return;
    }
}

/* Reports each change once. */
static void log_silence(struct flow_receiver *r)
{
    char address[ADDRESS_TEXT_MAX];
    exporters_turn(&r->exporters, mono_now());
    for (size_t i = 0; i < r->exporters.n; i++) {
        struct exporter *e = r->exporters.list[i];
        if (e->silent == e->silence_logged)
            continue;
        e->silence_logged = e->silent;
        endpoint_address(address, &e->address);
        if (e->silent)
            log_warn("traffic", "exporter %s (%s) is silent: its traffic is not counted",
                     address, flow_format_title(e->origin.format));
        else
            log_info("traffic", "exporter %s (%s) sends again", address,
                     flow_format_title(e->origin.format));
    }
}

static void on_turn(uv_timer_t *timer)
{
    log_silence(timer->data);
}

struct exporters *flow_receiver_exporters(struct flow_receiver *r)
{
    log_silence(r);
    return &r->exporters;
}

/* ---- create and destroy ---- */

uint16_t flow_receiver_port(const struct flow_receiver *r, size_t socket)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    getsockname(r->sockets[socket].fd, (struct sockaddr *)&address, &len);
    return sockaddr_endpoint((struct sockaddr *)&address).port;
}

static int open_socket(struct flow_receiver *r, uv_loop_t *loop, const char *word)
{
    struct host_port at;
    struct endpoint address;
    struct sockaddr_storage to;
    struct flow_socket *s = &r->sockets[r->n];
    int on = 1, room = RECEIVE_BUFFER;
    if (host_port_parse(&at, word, HOST_LISTEN) != NULL ||
        !endpoint_parse(&address, at.host, at.port))
        return -EINVAL;
    socklen_t len = sockaddr_of(&to, &address);
    s->receiver = r;
    s->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return -errno;
    setsockopt(s->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    int rc = bind(s->fd, (struct sockaddr *)&to, len) < 0 ? -errno : 0;
    s->poll = rc == 0 ? poll_open(loop, s->fd, on_readable, s) : NULL;
    if (s->poll == NULL) {
        close(s->fd);
        return rc < 0 ? rc : -ENOMEM;
    }
    poll_want(s->poll, true, false);
    r->n++;
    return 0;
}

int flow_receiver_create(struct flow_receiver **out, uv_loop_t *loop,
                         const struct config *config, const struct edge_data *edge_data)
{
    struct flow_receiver *r = mem_zalloc(sizeof *r);
    const char *at = config->traffic_flows;
    int rc = 0;
    exporters_begin(&r->exporters, config, &edge_data->prefixes, mono_now());
    r->batch = mem_alloc(sizeof *r->batch);
    r->timer = timer_new(loop, r);
    while (rc == 0 && *at != '\0' && r->n < TRAFFIC_LISTENS_MAX) {
        char word[80];
        size_t len = strcspn(at, " \t,");
        text_copy(word, len < sizeof word ? len + 1 : sizeof word, at);
        at += len + strspn(at + len, " \t,");
        rc = open_socket(r, loop, word);
    }
    if (rc < 0) {
        flow_receiver_destroy(r);
        return rc;
    }
    uv_timer_start(r->timer, on_turn, TURN_MS, TURN_MS);
    *out = r;
    return 0;
}

void flow_receiver_destroy(struct flow_receiver *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n; i++) {
        poll_close(r->sockets[i].poll);
        close(r->sockets[i].fd);
    }
    timer_close(r->timer);
    exporters_free(&r->exporters);
    free(r->batch);
    free(r);
}
