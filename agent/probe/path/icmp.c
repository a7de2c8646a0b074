/*
 * Queries by ICMP echo. The sequence number differs for each query, and the last 16 bits of
 * the nonce make up for it: the checksum, which routers may hash, stays the same.
 */
#include "base/mem.h"
#include "core/random.h"
#include "net/seed.h"
#include "probe/icmp/socket.h"
#include "probe/path/method.h"

#include <stdlib.h>

struct echoes {
    struct icmp_socket *socket;
    struct poll *poll;
    uint32_t tag;
    uint16_t id, base; /* of the sequence numbers */
    uint64_t nonce;    /* the last 16 bits are 0 */
    struct packet_in packets[ICMP_BATCH];
};

static uint16_t seq_of(const struct echoes *e, struct trace_query q)
{
    return (uint16_t)(e->base + q.round * TRACE_TTL_MAX + q.ttl - 1);
}

static struct echo echo_of(const struct echoes *e, uint16_t seq)
{
    return (struct echo){
        .id = e->id, .seq = seq, .tag = e->tag, .nonce = e->nonce | (uint16_t)~seq};
}

static bool is_ours(const struct tracer *t, const struct packet_in *p,
                    struct trace_query *q)
{
    const struct echoes *e = t->state;
    const struct icmp_message *m = &p->message;
    struct echo ours = echo_of(e, m->echo.seq);
    uint16_t number = (uint16_t)(m->echo.seq - e->base);
    bool to_target =
        method_same_host(m->what == ICMP_IS_REPLY ? &p->from : &m->quoted_to, &t->to);
    if (m->what == ICMP_OTHER || number >= TRACE_TTL_MAX * TRACE_QUERIES || !to_target ||
        m->echo.id != ours.id ||
        (m->whole && (m->echo.tag != ours.tag || m->echo.nonce != ours.nonce)))
        return false;
    *q = (struct trace_query){(uint8_t)(number % TRACE_TTL_MAX + 1),
                              (uint8_t)(number / TRACE_TTL_MAX)};
    return true;
}

static void take(struct tracer *t, const struct packet_in *p)
{
    struct trace_query q;
    if (p->is_stamp) {
        method_stamped(t, p->key, p->stamps);
        return;
    }
    if (!is_ours(t, p, &q))
        return;
    struct trace_answer answer = {
        .kind = TRACE_TARGET,
        .type = p->message.type,
        .code = p->message.code,
        .from = p->from,
        .rtt_ns = method_delay(t, q, p->stamps),
        .reply_ttl = p->ttl,
        .extension = p->extension,
    };
    if (p->message.what == ICMP_IS_REPLY ||
        method_error_kind(t, answer.type, answer.code, &answer.from, &answer.kind))
        method_answered(t, q, &answer);
}

/* The error queue first: transmit stamps belong to replies that may be waiting too. */
static void on_readable(struct poll *poll, bool readable, bool writable, void *user)
{
    struct tracer *t = user;
    struct echoes *e = t->state;
    size_t n;
    (void)poll, (void)readable, (void)writable;
    for (int errors = 1; errors >= 0; errors--)
        do {
            n = icmp_socket_receive(e->socket, errors, e->packets);
            for (size_t i = 0; i < n; i++)
                take(t, &e->packets[i]);
        } while (n == ICMP_BATCH);
}

static void icmp_close(struct tracer *t)
{
    struct echoes *e = t->state;
    poll_close(e->poll);
    icmp_socket_close(e->socket);
    free(e);
}

static int icmp_open(struct tracer *t)
{
    struct echoes *e = mem_zalloc(sizeof *e);
    uint64_t seed = seed_random();
    e->tag = (uint32_t)seed;
    e->base = (uint16_t)(seed >> 32);
    e->nonce = seed_random() & ~UINT64_C(0xffff);
    int rc = icmp_socket_open(&e->socket, (enum family)t->to.family, e->tag, t->uplink);
    if (rc != 0) {
        free(e);
        return rc;
    }
    icmp_socket_trace(e->socket);
    e->id = icmp_socket_id(e->socket);
    if (e->id == 0)
        e->id = (uint16_t)(ECHO_MARK(e->tag) << 8 | (seed >> 48 & 0xff));
    t->state = e;
    e->poll = poll_open(t->loop, icmp_socket_fd(e->socket), on_readable, t);
    if (e->poll == NULL) {
        icmp_close(t);
        return -EMFILE;
    }
    poll_want(e->poll, true, false);
    return 0;
}

static int icmp_send(struct tracer *t, struct trace_query q)
{
    struct echoes *e = t->state;
    struct packet_out out = {
        .echo = echo_of(e, seq_of(e, q)), .to = t->to, .payload_bytes = 56, .ttl = q.ttl};
    int error = 0;
    /* an ICMP error that is waiting fails the next call without sending */
    for (int i = 0; i < 2; i++)
        if (icmp_socket_send(e->socket, &out, 1, &error) == 1) {
            method_key(t, q);
            return 0;
        }
    icmp_socket_restart_keys(e->socket);
    t->n_keys = 0;
    return -error;
}

int tracer_icmp_allowed(enum family family)
{
    struct icmp_socket *s;
    int rc = icmp_socket_open(&s, family, 1, NULL);
    if (rc == 0)
        icmp_socket_close(s);
    return rc;
}

const struct method method_icmp = {
    .name = "icmp",
    .policy = &trace_all_at_once,
    .open = icmp_open,
    .send = icmp_send,
    .close = icmp_close,
};
