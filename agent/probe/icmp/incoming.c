#include "net/clock.h"
#include "probe/cause.h"
#include "probe/icmp/state.h"
#include "probe/prober.h"

#define ROUNDS_MAX 64 /* batches read at a time, so that a flood cannot hold the loop */

static void on_stamp(struct icmp_family *f, const struct packet_in *p)
{
    uint32_t after = f->by_key[p->key % KEYS] - (uint32_t)f->echo_table.first;
    struct sent_echo *sent = echo_table_at(&f->echo_table, f->echo_table.first + after);
    if (sent == NULL || sent->x == NULL || sent->x->packet.key != p->key ||
        p->key >= f->next_key)
        return;
    stamps_add(&sent->x->packet.stamps, p->stamps);
}

/* Our own nonce, sent by somebody else than the target: several addresses, or an address
 * translation that does not know the way back. */
static void on_other_address(struct icmp_family *f, const struct packet_in *p)
{
    char by[ADDRESS_TEXT_MAX];
    struct sent_echo *sent = echo_table_at(
        &f->echo_table, echo_table_match_anyone(&f->echo_table, &p->message));
    prober_count_foreign(f->icmp->prober);
    if (sent != NULL)
        exchange_note(sent->x, "a reply came from another address, %s",
                      endpoint_address(by, &p->from));
}

struct read_at { /* by both clocks */
    struct mono mono;
    struct wall wall;
};

static void on_reply(struct icmp_family *f, const struct packet_in *p,
                     struct read_at read)
{
    struct icmp *s = f->icmp;
    if (p->message.echo.tag != s->tag)
        return; /* somebody else's `ping` */
    struct sent_echo *sent = echo_table_at(
        &f->echo_table, echo_table_match(&f->echo_table, &p->message, &p->from));
    if (sent == NULL) {
        on_other_address(f, p);
        return;
    }
    if (p->message.damaged_at != 0) { /* lost (RFC 7680, 2.4) */
        prober_count_damaged(s->prober);
        exchange_note(sent->x, "a reply came damaged, from byte %u of its payload on",
                      p->message.damaged_at);
        return;
    }
    flow_of(f, sent->stream)->losses = 0;
    struct exchange *x = sent->x;
    if (x == NULL) {
        enum counter what = sent->answered ? COUNTER_DUPLICATES : COUNTER_LATE;
        sent->answered = true;
        prober_after(s->prober, sent->stream, what);
        return;
    }
    sent->x = NULL;
    sent->answered = true;
    x->result.cause[0] = '\0';
    if (p->message.payload_bytes < x->target->payload_bytes)
        exchange_note(x, "the reply has %u of %u bytes", p->message.payload_bytes,
                      x->target->payload_bytes);
    enum stamp_basis basis;
    int64_t user_ns =
        stamps_user_delay(x->sent, read.mono, read.wall, p->stamps.software_ns);
    int64_t rtt = stamps_delay(user_ns, x->packet.stamps, p->stamps, &basis);
    x->result.kernel_time = basis != BASIS_USER;
    if (!x->result.kernel_time)
        prober_count_fallback(s->prober);
    if (f->poll == NULL && p->stamps.software_ns == 0) {
        rtt = DELAY_UNDEFINED;
        exchange_note(x, "no delay: the kernel did not stamp the reply");
        icmp_watch(f);
    }
    if (rtt != DELAY_UNDEFINED)
        prober_set_rtt(s->prober, &x->to, rtt);
    exchange_done(x, OUTCOME_REPLY, &rtt);
}

static void on_error(struct icmp_family *f, const struct packet_in *p)
{
    const struct icmp_message *m = &p->message;
    struct sent_echo *sent =
        echo_table_at(&f->echo_table, echo_table_match(&f->echo_table, m, &p->from));
    if (sent == NULL || sent->x == NULL)
        return;
    struct exchange *x = sent->x;
    sent->x = NULL;
    sent->answered = true;
    struct icmp_report report = {m->type, m->code, m->mtu, p->from, m->quoted_from};
    enum outcome outcome =
        cause_icmp_error(x->result.cause, sizeof x->result.cause, &report, &x->to);
    exchange_done(x, outcome, NULL);
}

static void on_packet(struct icmp_family *f, const struct packet_in *p,
                      struct read_at read)
{
    if (p->is_stamp)
        on_stamp(f, p);
    else if (p->message.what == ICMP_IS_REPLY)
        on_reply(f, p, read);
    else if (p->message.what == ICMP_IS_ERROR)
        on_error(f, p);
}

/* A transmit stamp is in the error queue before the reply is in the socket, but the two
 * are read one after the other: look again before a reply is taken without it. */
static bool lacks_stamp(struct icmp_family *f, const struct packet_in *p)
{
    if (p->message.what != ICMP_IS_REPLY)
        return false;
    struct sent_echo *sent = echo_table_at(
        &f->echo_table, echo_table_match(&f->echo_table, &p->message, &p->from));
    return sent != NULL && sent->x != NULL && sent->x->packet.stamps.software_ns == 0;
}

void icmp_drain(struct icmp_family *f, bool error_queue)
{
    struct packet_in packets[ICMP_BATCH];
    size_t n = ICMP_BATCH;
    for (int round = 0; n == ICMP_BATCH && round < ROUNDS_MAX; round++) {
        n = icmp_socket_receive(f->socket, error_queue, packets);
        struct read_at read = {.wall = wall_now()}; /* first: stamps_user_delay() */
        read.mono = mono_now();
        bool looked_again = error_queue;
        for (size_t i = 0; i < n && !f->icmp->closed; i++) {
            if (!looked_again && lacks_stamp(f, &packets[i])) {
                icmp_drain(f, true);
                looked_again = true;
            }
            if (!f->icmp->closed) /* a callback may destroy the prober */
                on_packet(f, &packets[i], read);
        }
        if (f->icmp->closed)
            return;
    }
    if (!error_queue)
        f->drops = icmp_socket_drops(f->socket);
}

void icmp_on_event(uv_poll_t *poll, int status, int events)
{
    struct icmp_family *f = ((struct icmp_poll *)poll->data)->family;
    if (status < 0 || (events & UV_PRIORITIZED) != 0)
        icmp_drain(f, true);
    if (!f->icmp->closed && (status < 0 || (events & UV_READABLE) != 0))
        icmp_drain(f, false);
    if (!f->icmp->closed && status < 0 &&
        f->poll == poll->data) /* libuv took it off the loop */
        uv_poll_start(poll, UV_READABLE | UV_PRIORITIZED, icmp_on_event);
}
