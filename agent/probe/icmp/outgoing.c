#include "net/clock.h"
#include "probe/cause.h"
#include "probe/icmp/state.h"

#include <string.h>

struct send_batch {
    struct packet_out packets[ICMP_BATCH];
    uint64_t numbers[ICMP_BATCH];
    size_t n;
};

/* Takes from the queue, from `*at`, what can go out in one call: "don't fragment" is an
 * option of the socket. */
static void next_batch(struct icmp_family *f, size_t *at, size_t end,
                       struct send_batch *b)
{
    b->n = 0;
    for (; *at < end && b->n < ICMP_BATCH; (*at)++) {
        const struct sent_echo *e = echo_table_at(&f->echo_table, f->queue[*at]);
        if (e == NULL || e->x == NULL)
            continue; /* aborted while it was queued */
        const struct target *t = e->x->target;
        if (t->dont_fragment != f->dont_fragment) {
            if (b->n > 0)
                break;
            f->dont_fragment = t->dont_fragment;
            icmp_socket_dont_fragment(f->socket, f->dont_fragment);
        }
        b->packets[b->n] =
            (struct packet_out){.echo = {e->id, e->seq, f->icmp->tag, e->nonce},
                                .to = e->x->to,
                                .payload_bytes = t->payload_bytes,
                                .dscp = t->dscp,
                                .ttl = t->ttl};
        b->numbers[b->n++] = f->queue[*at];
    }
}

/* The stamps name packets by key, so a packet has its key before it goes. */
static void mark_sent(struct icmp_family *f, const struct send_batch *b, size_t from)
{
    struct mono now = mono_now();
    struct wall wall = wall_now();
    for (size_t i = from; i < b->n; i++) {
        struct sent_echo *e = echo_table_at(&f->echo_table, b->numbers[i]);
        e->x->packet.key = f->next_key + (uint32_t)(i - from);
        e->x->packet.drops = f->drops;
        f->by_key[e->x->packet.key % KEYS] = (uint32_t)b->numbers[i];
        e->x->sent = now;
        e->x->result.time = wall;
    }
}

static void give_up(struct icmp_family *f, uint64_t number, int error)
{
    struct sent_echo *e = echo_table_at(&f->echo_table, number);
    struct exchange *x = e->x;
    e->x = NULL;
    cause_not_sent_by(x->result.cause, sizeof x->result.cause, error, f->uplink);
    exchange_defer(x, OUTCOME_NOT_MEASURED);
}

/* A socket gives an error of an earlier packet to the next call: a packet is given up
 * only when it fails twice. */
static void send_batch(struct icmp_family *f, const struct send_batch *b)
{
    bool again = false;
    for (size_t from = 0; from < b->n;) {
        int error = 0;
        mark_sent(f, b, from);
        size_t sent = icmp_socket_send(f->socket, b->packets + from, b->n - from, &error);
        from += sent;
        f->next_key += (uint32_t)sent;
        if (from == b->n)
            return;
        again = sent > 0 || !again;
        if (!again)
            give_up(f, b->numbers[from++], error);
        icmp_drain(f, true);
        if (f->icmp->closed)
            return;
        icmp_socket_restart_keys(f->socket);
        f->next_key = 0;
    }
}

static void flush(struct icmp_family *f)
{
    size_t end = f->queued,
           at = 0; /* callbacks may queue more: that is the next turn's */
    for (bool there = icmp_refresh(f); !there && at < end; at++)
        if (echo_table_at(&f->echo_table, f->queue[at])->x != NULL)
            give_up(f, f->queue[at], f->error);
    while (at < end && !f->icmp->closed) {
        struct send_batch b;
        next_batch(f, &at, end, &b);
        send_batch(f, &b);
        if (!f->icmp->closed && (at < end || f->poll != NULL))
            icmp_drain(f, true);
        if (!f->icmp->closed && at < end)
            icmp_drain(f, false);
    }
    f->queued -= end;
    memmove(f->queue, f->queue + end, f->queued * sizeof *f->queue);
}

void icmp_send_queued(struct icmp *s)
{
    for (struct icmp_family *f = s->families; f != NULL && !s->closed; f = f->next)
        if (f->queued > 0)
            flush(f);
}
