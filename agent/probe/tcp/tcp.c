/* The TCP kind: one handshake a probe, ended by a reset. */
#include "probe/tcp/tcp.h"

#include "base/mem.h"
#include "probe/cause.h"
#include "probe/prober.h"
#include "probe/tcp/handshake.h"

#include <stdio.h>
#include <stdlib.h>

struct tcp {
    const struct probe_tools *tools; /* outlive the prober's kinds */
    struct handshake_set *set;       /* in slots, else NULL */
};

static int tcp_open(void **state, const struct probe_tools *tools, char *why,
                    size_t why_size)
{
    (void)why, (void)why_size;
    struct tcp *t = mem_alloc(sizeof *t);
    *t = (struct tcp){.tools = tools};
    if (tools->reading == PROBER_IN_SLOTS)
        t->set = handshake_set_create();
    *state = t;
    return 0;
}

static void on_end(const struct handshake_end *end, void *user)
{
    struct exchange *x = user;
    const struct tcp *t = x->kind_state;

    int64_t known_ns = prober_rtt_ns(t->tools->prober, &x->to);
    struct handshake_told told = handshake_tells(end, known_ns);
    if (end->error == 0) {
        handshake_set_hang_up(t->set, end, &x->to);
        if (end->rtt_ns != DELAY_UNDEFINED && !end->kernel_time)
            prober_count_fallback(t->tools->prober);
    }
    x->result.lost_packets = told.lost;
    x->result.kernel_time = told.kernel_time;
    enum outcome outcome = handshake_result(&x->result, end);
    if (outcome == OUTCOME_REPLY && end->waited)
        snprintf(x->result.cause, sizeof x->result.cause,
                 "no delay: the SYN waited in this host for the next hop's link address");
    else if (outcome == OUTCOME_REPLY && told.rtt_ns == DELAY_UNDEFINED &&
             end->resent > 0)
        snprintf(
            x->result.cause, sizeof x->result.cause, "no delay: the SYN was sent again%s",
            told.known
                ? ""
                : ", and the round-trip delay here is not known: cannot tell whether "
                  "one was lost");
    if (told.learnt_ns > 0)
        prober_set_rtt(t->tools->prober, &x->to, told.learnt_ns);
    /* An answer to a later SYN, or without a delay, may be late all the same: this process
     * may have been stopped. */
    bool late = (told.rtt_ns == DELAY_UNDEFINED || end->resent > 0) &&
                end->took_ns > x->waiting_ns;
    exchange_done(x, outcome, late ? &end->took_ns : &told.rtt_ns);
}

static void tcp_start(struct exchange *x)
{
    const struct tcp *t = x->kind_state;
    const struct target *to = x->target;
    struct handshake *h = NULL;
    int rc = t->set != NULL
                 ? handshake_start_in(&h, t->set, &x->to, to->uplink, to->dscp, on_end, x)
                 : handshake_start(&h, t->tools->loop, &x->to, to->uplink, to->dscp,
                                   on_end, x);
    x->own = h;
    if (rc != 0) {
        cause_not_sent_by(x->result.cause, sizeof x->result.cause, rc, to->uplink);
        exchange_defer(x, OUTCOME_NOT_MEASURED);
    }
}

static void tcp_read(void *state)
{
    struct tcp *t = state;
    handshake_set_look(t->set);
}

static void tcp_overdue(struct exchange *x)
{
    const struct tcp *t = x->kind_state;
    x->result.lost_packets =
        handshake_lost_so_far(x->own, prober_rtt_ns(t->tools->prober, &x->to));
}

static void tcp_abort(struct exchange *x)
{
    tcp_overdue(x);
    handshake_cancel(x->own);
}

static void tcp_close(void *state)
{
    struct tcp *t = state;
    handshake_set_destroy(t->set);
    free(t);
}

const struct probe_kind tcp_kind = {
    .kind =
        {
            .name = "tcp",
            .delays = {"rtt", NULL},
            .uses = USES_PORT | USES_DSCP,
            .label = "TCP",
            .examples =
                "edgelat probe tcp teams.microsoft.com '[2603:1026::1]:443'\n"
                "edgelat probe tcp bing.com --json | jq 'select(.summary|not).delays.rtt'\n",
            .roles = {DELAY_HANDSHAKE},
            .on_by_default = true,
            .single_packets = true,
            .interval_ns = 10 * NS_PER_S,
            .slow_interval_ns = 60 * NS_PER_S,
            .packets = 4, /* SYN, SYN-ACK, ACK, RST over IPv6 */
            .bytes = 304,
        },
    .open = tcp_open,
    .start = tcp_start,
    .read = tcp_read,
    .overdue = tcp_overdue,
    .abort = tcp_abort,
    .close = tcp_close,
};
