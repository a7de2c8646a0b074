#include "probe/path/mtu_prober.h"

#include "base/mem.h"
#include "core/result.h"
#include "net/clock.h"
#include "net/poll.h"
#include "net/seed.h"
#include "net/timer.h"
#include "probe/cause.h"
#include "probe/icmp/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_WAIT_NS (2 * NS_PER_S)
#define WAIT_MOST_NS  (2 * NS_PER_S)
#define SEARCH_NS     (29 * NS_PER_S) /* gives up after it, and the last wait */

enum { IPV4_HEADERS = 28, IPV6_HEADERS = 48 }; /* with the ICMP header */
enum { ICMP4_UNREACHABLE = 3, ICMP4_TOO_BIG = 4, ICMP6_TOO_BIG = 2 };

struct mtu_prober {
    uv_timer_t *timer;
    struct icmp_socket *socket;
    struct poll *poll;
    struct endpoint to;
    uint32_t tag;
    uint16_t id, first_seq, next_seq; /* of this round's packets */
    uint64_t nonce;
    struct mtu_search search;
    struct mtu_round round;
    struct mono sent[MTU_CONFIRM];
    bool answered[MTU_CONFIRM];
    struct mono began;
    int64_t gap_ns;
    int64_t rtt_ns; /* the longest; 0: none */
    int error;      /* of the first packet that could not be sent, but for its size */
    bool over;
    struct packet_in packets[ICMP_BATCH];
    mtu_prober_cb *cb;
    void *user;
};

static uint16_t headers(const struct mtu_prober *p)
{
    return p->to.family == FAMILY_IPV6 ? IPV6_HEADERS : IPV4_HEADERS;
}

static struct echo echo_of(const struct mtu_prober *p, uint16_t seq)
{
    return (struct echo){.id = p->id, .seq = seq, .tag = p->tag, .nonce = p->nonce + seq};
}

/* ---- rounds ---- */

static void on_timer(uv_timer_t *timer);

static void end_search(struct mtu_prober *p)
{
    char cause[sizeof((struct result *)0)->cause];
    p->over = true;
    poll_close(p->poll);
    icmp_socket_close(p->socket);
    bool nothing = p->search.verdict == MTU_SILENT && p->error != 0;
    if (nothing)
        cause_not_sent(cause, sizeof cause, p->error);
    p->cb(&p->search, nothing ? cause : NULL, p->user);
}

static void end_round(struct mtu_prober *p)
{
    uint16_t size;
    uint8_t packets, enough;
    mtu_search_add(&p->search, &p->round);
    p->round = (struct mtu_round){.sent = 0};
    memset(p->answered, 0, sizeof p->answered);
    p->first_seq = p->next_seq;
    if (!mtu_search_next(&p->search, &size, &packets, &enough)) {
        end_search(p);
    } else if (mono_now().ns - p->began.ns > SEARCH_NS) {
        mtu_search_give_up(&p->search);
        end_search(p);
    } else {
        timer_in(p->timer, on_timer, 0);
    }
}

static void send_packet(struct mtu_prober *p, uint16_t size)
{
    struct packet_out out = {.echo = echo_of(p, p->next_seq),
                             .to = p->to,
                             .payload_bytes = (uint16_t)(size - headers(p))};
    int error = 0;
    struct mono now = mono_now();
    /* an ICMP error that is waiting fails the next call without sending */
    for (int i = 0; i < 2; i++)
        if (icmp_socket_send(p->socket, &out, 1, &error) == 1) {
            p->sent[p->round.sent++] = now;
            p->next_seq++;
            return;
        }
    p->round.sent++; /* counts as lost */
    p->next_seq++;
    if (error == EMSGSIZE)
        p->round.local = true;
    else if (p->error == 0)
        p->error = -error;
}

static int64_t wait_ns(const struct mtu_prober *p)
{
    if (p->rtt_ns == 0)
        return FIRST_WAIT_NS;
    int64_t wait = 4 * p->rtt_ns > MTU_WAIT_NS ? 4 * p->rtt_ns : MTU_WAIT_NS;
    return wait < WAIT_MOST_NS ? wait : WAIT_MOST_NS;
}

static bool is_decided(const struct mtu_round *r, uint8_t enough)
{
    return r->local || r->reported != 0 || r->answered >= enough;
}

/* Sends the next packet of the round, or ends the round. */
static void on_timer(uv_timer_t *timer)
{
    struct mtu_prober *p = timer->data;
    uint16_t size;
    uint8_t packets, enough;
    if (!mtu_search_next(&p->search, &size, &packets, &enough))
        return;
    if (!is_decided(&p->round, enough) && p->round.sent < packets) {
        send_packet(p, size);
        bool last = p->round.sent == packets || p->round.local;
        timer_in(timer, on_timer, p->round.local ? 0 : last ? wait_ns(p) : p->gap_ns);
        return;
    }
    end_round(p);
}

/* ---- answers ---- */

static bool is_too_big(const struct mtu_prober *p, const struct icmp_message *m)
{
    return p->to.family == FAMILY_IPV6
               ? m->type == ICMP6_TOO_BIG
               : m->type == ICMP4_UNREACHABLE && m->code == ICMP4_TOO_BIG;
}

/* Of a packet of this round: its number. */
static bool is_ours(const struct mtu_prober *p, const struct icmp_message *m,
                    uint16_t *number)
{
    struct echo ours = echo_of(p, m->echo.seq);
    *number = (uint16_t)(m->echo.seq - p->first_seq);
    return m->what != ICMP_OTHER && *number < p->round.sent && m->echo.id == ours.id &&
           (!m->whole || (m->echo.tag == ours.tag && m->echo.nonce == ours.nonce));
}

static void take(struct mtu_prober *p, const struct packet_in *in)
{
    uint16_t number;
    const struct icmp_message *m = &in->message;
    if (in->is_stamp || !is_ours(p, m, &number))
        return;
    if (m->what == ICMP_IS_ERROR) {
        if (!is_too_big(p, m) || !endpoint_same_address(&m->quoted_to, &p->to))
            return;
        /* 0: of an old router (RFC 1191, section 5) */
        p->round.reported = m->mtu > 0 && m->mtu <= UINT16_MAX ? (uint16_t)m->mtu : 1;
        p->round.by = in->from;
        return;
    }
    if (!endpoint_same_address(&in->from, &p->to) || p->answered[number])
        return;
    int64_t rtt_ns = mono_now().ns - p->sent[number].ns;
    p->answered[number] = true;
    p->round.answered++;
    p->rtt_ns = rtt_ns > p->rtt_ns ? rtt_ns : p->rtt_ns;
}

static void on_readable(struct poll *poll, bool readable, bool writable, void *user)
{
    struct mtu_prober *p = user;
    uint16_t size;
    uint8_t packets, enough;
    size_t n;
    (void)poll, (void)readable, (void)writable;
    for (int errors = 1; errors >= 0; errors--)
        do {
            n = icmp_socket_receive(p->socket, errors, p->packets);
            for (size_t i = 0; i < n; i++)
                take(p, &p->packets[i]);
        } while (n == ICMP_BATCH);
    if (mtu_search_next(&p->search, &size, &packets, &enough) &&
        is_decided(&p->round, enough))
        timer_in(p->timer, on_timer, 0);
}

/* ---- start and end ---- */

int mtu_prober_start(struct mtu_prober **out, uv_loop_t *loop, const struct endpoint *to,
                     const struct uplink *uplink, int64_t gap_ns, mtu_prober_cb *cb,
                     void *user)
{
    struct mtu_prober *p = mem_zalloc(sizeof *p);
    uint64_t seed = seed_random();
    p->tag = (uint32_t)seed;
    p->first_seq = p->next_seq = (uint16_t)(seed >> 32);
    p->nonce = seed_random();
    p->to = *to;
    p->to.port = 0;
    p->began = mono_now();
    p->gap_ns = gap_ns;
    p->cb = cb;
    p->user = user;
    int rc = icmp_socket_open(&p->socket, (enum family)to->family, p->tag, uplink);
    if (rc != 0) {
        free(p);
        return rc;
    }
    icmp_socket_dont_fragment(p->socket, true);
    p->id = icmp_socket_id(p->socket);
    if (p->id == 0)
        p->id = (uint16_t)(ECHO_MARK(p->tag) << 8 | (seed >> 48 & 0xff));
    p->poll = poll_open(loop, icmp_socket_fd(p->socket), on_readable, p);
    if (p->poll == NULL) {
        icmp_socket_close(p->socket);
        free(p);
        return -EMFILE;
    }
    poll_want(p->poll, true, false);
    p->timer = timer_new(loop, p);
    mtu_search_begin(&p->search, (enum family)to->family, MTU_MOST);
    timer_in(p->timer, on_timer, 0);
    *out = p;
    return 0;
}

void mtu_prober_destroy(struct mtu_prober *p)
{
    if (p == NULL)
        return;
    if (!p->over) {
        poll_close(p->poll);
        icmp_socket_close(p->socket);
    }
    timer_close(p->timer);
    free(p);
}
