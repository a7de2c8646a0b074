/*
 * The STUN kind. Its sockets are not connected and serve all targets of a family, so that
 * two servers which see two addresses of one socket show a symmetric NAT (RFC 5780, 4.3).
 *
 * After some losses in a row a stream takes another socket, and so another source port: a
 * NAT or firewall may hold a session of the old one that leads nowhere any more, and each
 * probe would keep it alive. With SOCKETS ports in turn, an old one has expired before it
 * is used again (30 s is usual for a session without an answer).
 *
 * When the kernel has dropped packets of the socket while a probe was under way, its
 * response may have been among them: it is not measured, and this host was busy.
 */
#include "probe/stun/stun.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/error_queue.h"
#include "net/poll.h"
#include "net/seed.h"
#include "net/socket.h"
#include "probe/cause.h"
#include "probe/prober.h"
#include "probe/stun/bindings.h"
#include "probe/stun/reach.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKETS        4    /* of a family */
#define KEYS           1024 /* stamps on their way */
#define FLOWS          512  /* more streams share them, which is harmless */
#define RANDOM_NUMBERS 32
#define SILENT_LOSSES  3
#define ROUNDS_MAX     4096 /* packets read at a time, so that a flood cannot hold the loop */
#define REACH_EVERY_NS (600 * NS_PER_S)
#define TRIES          3 /* an error of an earlier packet fails the next call */

struct stun_way { /* the sockets of one uplink */
    struct stun_way *next;
    const struct uplink *uplink;             /* NULL: the system's routes */
    uint32_t interface;                      /* that they are bound to; 0: none */
    struct stun_socket *sockets[2][SOCKETS]; /* IPv4, IPv6; NULL: not opened yet */
};

struct stun_socket {
    struct stun_socket *older;
    struct stun *stun;
    const struct stun_way *way;
    int fd;            /* -1: it was of an interface that is gone */
    bool used;         /* something was sent */
    uint16_t port;     /* that the kernel chose */
    struct poll *poll; /* NULL: it is read in slots */
    uint32_t drops;    /* socket_drops() at the last look */
    uint32_t next_key;
    bool keys_lost;        /* until the idle handle has restarted them */
    uint32_t by_key[KEYS]; /* number of the request sent with a key */
};

struct stun_flow {  /* what the probes of a stream have in common */
    uint8_t losses; /* in a row, on this socket */
    uint8_t socket;
    uint16_t tcp_port;   /* that answered when it was `tried`; 0: none */
    struct mono tried;   /* TCP; 0: never, or UDP was answered since */
    struct reach *reach; /* under way */
};

struct stun {
    struct prober *prober;
    enum prober_reading reading;
    uv_loop_t *loop;
    struct bindings bindings;
    struct stun_way *ways;
    struct stun_socket *newest; /* of all that were opened */
    struct stun_flow flows[FLOWS];
    uv_idle_t repair; /* runs while a socket has lost its keys */
    uint64_t random[RANDOM_NUMBERS];
    size_t random_left;
    bool closed; /* perhaps by a callback: check after each */
};

static struct stun_flow *flow_of(struct stun *s, uint32_t stream)
{
    return &s->flows[stream % FLOWS];
}

/* ---- packets that came ---- */

static void on_stamp(struct stun_socket *k, const struct queued *q)
{
    struct binding *sent = bindings_at(&k->stun->bindings, k->by_key[q->key % KEYS]);
    if (k->keys_lost || q->key >= k->next_key || sent == NULL || sent->x == NULL ||
        sent->x->packet.key != q->key || sent->socket != k)
        return;
    stamps_add(&sent->x->packet.stamps, q->stamps);
}

static void on_icmp(struct stun_socket *k, const struct queued *q, const uint8_t *bytes)
{
    struct bindings *b = &k->stun->bindings;
    struct stun_message quoted = stun_read(wire_from(bytes, q->len));
    struct binding *sent = quoted.class == STUN_REQUEST ? bindings_find(b, &quoted.id)
                                                        : bindings_last_to(b, &q->to);
    struct exchange *x = sent != NULL ? sent->x : NULL;
    if (x == NULL || sent->socket != k || !endpoint_same_address(&x->to, &q->to))
        return;
    struct icmp_report report = {q->type, q->code, q->mtu, q->from,
                                 socket_source(&x->to, k->way->uplink)};
    sent->x = NULL;
    sent->answered = true;
    enum outcome outcome =
        cause_icmp_error(x->result.cause, sizeof x->result.cause, &report, &x->to);
    exchange_done(x, outcome, NULL);
}

static void drain_errors(struct stun_socket *k)
{
    struct stun *s = k->stun;
    uint8_t bytes[128];
    struct queued q;
    for (int i = 0; i < ROUNDS_MAX && !s->closed; i++) {
        if (!error_queue_read(k->fd, bytes, sizeof bytes, &q))
            return;
        if (q.kind == QUEUED_STAMP)
            on_stamp(k, &q);
        else if (q.kind == QUEUED_ICMP)
            on_icmp(k, &q, bytes);
    }
}

/* The request with the id of `m`, if `m` may count as its response. */
static struct binding *answered_by(struct stun_socket *k, const struct stun_message *m,
                                   const struct endpoint *from)
{
    char by[ADDRESS_TEXT_MAX];
    struct binding *sent = bindings_find(&k->stun->bindings, &m->id);
    if (m->class == STUN_NOT || sent == NULL) {
        prober_count_foreign(k->stun->prober);
        return NULL;
    }
    if (m->class == STUN_REQUEST) {
        prober_count_foreign(k->stun->prober);
        exchange_note(sent->x,
                      "the port sends requests back: it is an echo service, not STUN");
        return NULL;
    }
    if (!binding_is_to(sent, from)) {
        prober_count_foreign(k->stun->prober);
        exchange_note(sent->x, "a response came from another address, %s port %u",
                      endpoint_address(by, from), from->port);
        return NULL;
    }
    return sent;
}

static void fill_in(struct result *r, const struct stun_socket *k,
                    const struct endpoint *local, const struct stun_message *m)
{
    r->cause[0] = '\0';
    r->stun.mapped = m->mapped;
    r->stun.local = *local;
    r->stun.local.port = k->port;
    r->stun.error = m->error;
    if (m->damaged)
        snprintf(r->cause, sizeof r->cause, "the response has malformed attributes");
    else if (m->class == STUN_ERROR)
        snprintf(r->cause, sizeof r->cause, "the server answers with error %u", m->error);
}

static int watch(struct stun_socket *k);

static void on_packet(struct stun_socket *k, const struct queued *q, const uint8_t *bytes)
{
    struct wall read_wall = wall_now(); /* first: stamps_user_delay() */
    struct mono read = mono_now();
    struct stun *s = k->stun;
    struct stun_message m = stun_read(wire_from(bytes, q->len));
    struct binding *sent = answered_by(k, &m, &q->from);
    if (sent == NULL)
        return;
    /* It is in the error queue before the response is in the socket, but the two are read
     * one after the other. */
    if (sent->x != NULL && sent->x->packet.stamps.software_ns == 0) {
        drain_errors(k); /* its callbacks may send, which moves the table */
        if (s->closed || (sent = bindings_find(&s->bindings, &m.id)) == NULL)
            return;
    }
    struct stun_flow *flow = flow_of(s, sent->stream);
    flow->losses = 0;
    flow->tried = (struct mono){0};
    flow->tcp_port = 0;
    struct exchange *x = sent->x;
    if (x == NULL) {
        enum counter what = sent->answered ? COUNTER_DUPLICATES : COUNTER_LATE;
        sent->answered = true;
        prober_after(s->prober, sent->stream, what);
        return;
    }
    sent->x = NULL;
    sent->answered = true;
    fill_in(&x->result, k, &q->local, &m);
    enum stamp_basis basis;
    int64_t user_ns = stamps_user_delay(x->sent, read, read_wall, q->stamps.software_ns);
    int64_t rtt = stamps_delay(user_ns, x->packet.stamps, q->stamps, &basis);
    x->result.kernel_time = basis != BASIS_USER;
    if (!x->result.kernel_time)
        prober_count_fallback(s->prober);
    if (k->poll == NULL && q->stamps.software_ns == 0) {
        rtt = DELAY_UNDEFINED;
        exchange_note(x, "no delay: the kernel did not stamp the response");
        watch(k);
    }
    exchange_done(x, OUTCOME_REPLY, &rtt);
}

static void drain(struct stun_socket *k)
{
    struct stun *s = k->stun;
    uint8_t bytes[STUN_RESPONSE_MAX];
    struct queued q;
    int rc = 0;
    /* an error of an earlier packet is returned once, and is in the error queue too */
    for (int i = 0; i < ROUNDS_MAX && !s->closed && rc != -EAGAIN; i++) {
        rc = socket_receive(k->fd, bytes, sizeof bytes, &q);
        if (rc == 0)
            on_packet(k, &q, bytes);
    }
    if (!s->closed)
        k->drops = socket_drops(k->fd);
}

static void read_socket(struct stun_socket *k)
{
    drain_errors(k);
    if (!k->stun->closed)
        drain(k);
}

static void on_event(struct poll *poll, bool readable, bool writable, void *user)
{
    (void)poll, (void)readable, (void)writable;
    read_socket(user);
}

static void stun_read_all(void *state)
{
    struct stun *s = state;
    for (struct stun_socket *k = s->newest; k != NULL && !s->closed; k = k->older)
        if (k->fd >= 0 && k->used)
            read_socket(k);
}

/* ---- sockets ---- */

static int watch(struct stun_socket *k)
{
    k->poll = poll_open(k->stun->loop, k->fd, on_event, k);
    if (k->poll == NULL)
        return -EMFILE;
    poll_want(k->poll, true, false);
    return 0;
}

static int open_socket(struct stun *s, const struct stun_way *way, enum family family,
                       struct stun_socket **out)
{
    int domain = family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
    int fd = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct sockaddr_storage any = {.ss_family = (sa_family_t)domain};
    socklen_t len =
        family == FAMILY_IPV6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    struct stun_socket *k = mem_zalloc(sizeof *k);
    *k = (struct stun_socket){.stun = s, .way = way, .fd = fd};
    error_queue_enable(fd, family, false);
    error_queue_stamps(fd);
    socket_tell_local(fd, family);
    int rc = socket_use_uplink(fd, family, way->uplink);
    bool bound = way->uplink != NULL &&
                 way->uplink->source[family_slot(family)].family != FAMILY_NONE;
    if (rc == 0)
        rc = (bound || bind(fd, (struct sockaddr *)&any, len) == 0) &&
                     getsockname(fd, (struct sockaddr *)&any, &len) == 0
                 ? 0
                 : -errno;
    if (rc == 0 && s->reading == PROBER_AT_ONCE)
        rc = watch(k);
    if (rc != 0) {
        close(fd);
        free(k);
        return rc;
    }
    k->port = sockaddr_endpoint((struct sockaddr *)&any).port;
    k->older = s->newest;
    *out = s->newest = k;
    return 0;
}

static void close_socket(struct stun_socket *k)
{
    if (k == NULL || k->fd < 0)
        return;
    poll_close(k->poll);
    close(k->fd);
    k->fd = -1;
}

/* Its sockets are opened anew when its interface is another one by now, as after a modem
 * came back. */
static struct stun_way *way_of(struct stun *s, const struct uplink *uplink)
{
    struct stun_way *w = s->ways;
    uint32_t index = uplink != NULL && uplink->interface[0] != '\0'
                         ? if_nametoindex(uplink->interface)
                         : 0;
    while (w != NULL && w->uplink != uplink)
        w = w->next;
    if (w == NULL) {
        w = mem_zalloc(sizeof *w);
        *w = (struct stun_way){.next = s->ways, .uplink = uplink, .interface = index};
        s->ways = w;
    }
    for (size_t i = 0; w->interface != index && i < 2 * SOCKETS; i++) {
        close_socket(w->sockets[i / SOCKETS][i % SOCKETS]);
        w->sockets[i / SOCKETS][i % SOCKETS] = NULL;
    }
    w->interface = index;
    return w;
}

/* Some packets went without a known key: all stamps that wait are read, which ends their
 * use, and keys begin again. */
static void on_repair(uv_idle_t *idle)
{
    struct stun *s = idle->data;
    uv_idle_stop(idle);
    for (struct stun_socket *k = s->newest; k != NULL; k = k->older) {
        if (k->fd < 0 || !k->keys_lost)
            continue;
        drain_errors(k);
        if (s->closed)
            return;
        error_queue_stamps(k->fd);
        k->next_key = 0;
        k->keys_lost = false;
    }
}

/* Returns 0 or -errno. */
static int send_request(struct stun_socket *k, const struct exchange *x,
                        const struct stun_id *id)
{
    bool ipv6 = x->to.family == FAMILY_IPV6;
    uint8_t bytes[STUN_REQUEST_LEN];
    int tos = x->target->dscp << 2; /* the two bits below it are ECN's */
    struct sockaddr_storage to;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof tos)] = {0};
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr m = {.msg_name = &to,
                       .msg_namelen = sockaddr_of(&to, &x->to),
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    c->cmsg_type = ipv6 ? IPV6_TCLASS : IP_TOS;
    c->cmsg_len = CMSG_LEN(sizeof tos);
    memcpy(CMSG_DATA(c), &tos, sizeof tos);
    stun_write_request(bytes, id);
    for (int i = 0; i < TRIES; i++) {
        if (sendmsg(k->fd, &m, 0) >= 0)
            return 0;
        k->keys_lost = true; /* kernels differ in whether the packet used a key */
        uv_idle_start(&k->stun->repair, on_repair);
    }
    return -errno;
}

/* ---- one probe ---- */

static void not_sent(struct exchange *x, int error)
{
    cause_not_sent_by(x->result.cause, sizeof x->result.cause, error, x->target->uplink);
    exchange_defer(x, OUTCOME_NOT_MEASURED);
}

static uint64_t chance(struct stun *s)
{
    if (s->random_left == 0) {
        /* 256 bytes are one call */
        ssize_t got = getrandom(s->random, sizeof s->random, 0);
        assert(got > 0); /* there is always chance after the boot */
        s->random_left = (size_t)got / sizeof *s->random;
    }
    return s->random[--s->random_left];
}

static void stun_start(struct exchange *x)
{
    struct stun *s = x->kind_state;
    struct stun_flow *flow = flow_of(s, x->result.stream);
    if (flow->losses >= SILENT_LOSSES) {
        flow->socket = (flow->socket + 1) % SOCKETS;
        flow->losses = 0;
    }
    struct stun_way *way = way_of(s, x->target->uplink);
    struct stun_socket **k = &way->sockets[x->to.family == FAMILY_IPV6][flow->socket];
    int rc = *k == NULL ? open_socket(s, way, (enum family)x->to.family, k) : 0;
    if (rc != 0) {
        not_sent(x, rc);
        return;
    }
    x->sent = mono_now();
    x->result.time = wall_now();
    struct binding binding = {
        .chance = chance(s),
        .socket = *k,
        .x = x,
        .stream = x->result.stream,
    };
    x->packet.key = (*k)->next_key;
    x->packet.drops = (*k)->drops;
    uint32_t number;
    if (!bindings_add(&s->bindings, &binding, &x->to, x->sent, &number)) {
        snprintf(x->result.cause, sizeof x->result.cause,
                 "too many probes are under way from this host");
        exchange_defer(x, OUTCOME_NOT_MEASURED);
        return;
    }
    struct stun_id id = bindings_id(&s->bindings, number);
    (*k)->used = true;
    (*k)->by_key[(*k)->next_key++ % KEYS] = number;
    x->own = (void *)(uintptr_t)number;
    rc = send_request(*k, x, &id);
    if (rc != 0) {
        bindings_at(&s->bindings, number)->x = NULL;
        not_sent(x, rc);
    }
}

static void on_reach(uint16_t tcp_port, void *user)
{
    struct stun_flow *flow = user;
    flow->reach = NULL;
    flow->tcp_port = flow->tried.ns != 0 ? tcp_port : 0; /* unless answered meanwhile */
}

/* Tells a blocked port from a host that is away, after SILENT_LOSSES and then rarely. */
static void on_silence(struct stun *s, struct stun_flow *flow, struct exchange *x)
{
    struct mono now = mono_now();
    if (flow->tcp_port != 0) {
        x->result.stun.tcp_port = flow->tcp_port;
        exchange_note(
            x,
            "no answer, but TCP port %u of this address answers: UDP port %u is blocked",
            flow->tcp_port, x->to.port);
    }
    if (flow->reach != NULL || flow->losses < SILENT_LOSSES ||
        (flow->tried.ns != 0 && now.ns - flow->tried.ns < REACH_EVERY_NS))
        return;
    flow->tried = now;
    flow->reach = reach_start(s->loop, &x->to, x->target->uplink, on_reach, flow);
}

static void stun_abort(struct exchange *x)
{
    struct stun *s = x->kind_state;
    struct binding *sent = bindings_at(&s->bindings, (uint32_t)(uintptr_t)x->own);
    assert(sent != NULL && sent->x == x);
    sent->x = NULL;
    if (socket_drops(sent->socket->fd) != x->packet.drops) {
        x->unheard = true;
        return;
    }
    struct stun_flow *flow = flow_of(s, sent->stream);
    if (flow->losses < SILENT_LOSSES)
        flow->losses++;
    on_silence(s, flow, x);
}

/* ---- beginning and end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct stun *s = handle->data;
    bindings_free(&s->bindings);
    for (struct stun_socket *older, *k = s->newest; k != NULL; k = older) {
        older = k->older;
        free(k);
    }
    for (struct stun_way *next, *w = s->ways; w != NULL; w = next) {
        next = w->next;
        free(w);
    }
    free(s);
}

static void stun_close(void *state)
{
    struct stun *s = state;
    s->closed = true;
    for (size_t i = 0; i < FLOWS; i++)
        reach_cancel(s->flows[i].reach);
    for (struct stun_socket *k = s->newest; k != NULL; k = k->older)
        close_socket(k);
    uv_close((uv_handle_t *)&s->repair, on_closed);
}

/* One socket of a family is opened now: the kernel begins to stamp some time after the
 * first socket on the host asks for it. One family is enough. */
static int stun_open(void **state, const struct probe_tools *tools, char *why,
                     size_t why_size)
{
    struct stun *s = mem_zalloc(sizeof *s);
    s->prober = tools->prober;
    s->reading = tools->reading;
    s->loop = tools->loop;
    s->bindings = bindings_create((uint32_t)chance(s));
    uv_idle_init(s->loop, &s->repair); /* cannot fail */
    s->repair.data = s;
    struct stun_way *way = way_of(s, NULL);
    int ipv4 = open_socket(s, way, FAMILY_IPV4, &way->sockets[0][0]);
    int ipv6 = open_socket(s, way, FAMILY_IPV6, &way->sockets[1][0]);
    if (ipv4 != 0 && ipv6 != 0) {
        snprintf(why, why_size, "no UDP socket for STUN: %s", strerror(-ipv4));
        stun_close(s);
        return ipv4;
    }
    *state = s;
    return 0;
}

const struct probe_kind stun_kind = {
    .kind =
        {
            .name = "stun",
            .delays = {"rtt", NULL},
            .uses = USES_PORT | USES_DSCP | USES_MEDIA,
            .port = STUN_PORT,
            .label = "STUN",
            .examples = "edgelat probe stun world.relay.avd.microsoft.com\n"
                        "edgelat probe stun --media worldaz.relay.teams.microsoft.com\n",
            .roles = {DELAY_ROUND_TRIP},
            .single_packets = true,
            .may_be_filtered = true,
            .interval_ns = 10 * NS_PER_S,
            .slow_interval_ns = 60 * NS_PER_S,
            .most_per_s = 1,
            .packets = 2, /* request and response over IPv6 */
            .bytes = 40 + 8 + STUN_REQUEST_LEN + 40 + 8 + 132,
        },
    .open = stun_open,
    .start = stun_start,
    .read = stun_read_all,
    .abort = stun_abort,
    .close = stun_close,
};
