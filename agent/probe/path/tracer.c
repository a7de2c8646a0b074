#include "base/mem.h"
#include "net/clock.h"
#include "net/neighbour.h"
#include "net/socket.h"
#include "net/timer.h"
#include "probe/path/method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct method *const methods[] = {
    [TRACER_ICMP] = &method_icmp,
    [TRACER_TCP] = &method_tcp,
    [TRACER_UDP] = &method_udp,
};

const struct tracer_extent tracer_whole = {TRACE_TTL_MAX, TRACE_QUERIES};

const char *tracer_method_name(enum tracer_method method)
{
    return methods[method]->name;
}

static void on_timer(uv_timer_t *timer);

static void wake(struct tracer *t, int64_t in_ns)
{
    timer_in(t->timer, on_timer, in_ns);
}

static void send_query(struct tracer *t, struct trace_query q)
{
    struct mono now = mono_now();
    int rc = t->method->send(t, q);
    if (rc == 0) {
        trace_sent(&t->trace, q, now);
        return;
    }
    trace_not_sent(&t->trace, q);
    if (t->error == 0)
        t->error = rc;
}

static bool any_answer(const struct trace *t)
{
    uint8_t ttl;
    return trace_end(t, &ttl) != TRACE_END_SILENT || ttl > 0;
}

static void end_trace(struct tracer *t)
{
    char text[sizeof((struct result *)0)->cause];
    const char *cause = NULL;
    t->over = true;
    t->method->close(t);
    if (!any_answer(&t->trace)) {
        cause = text;
        if (t->report.by.family != FAMILY_NONE)
            cause_icmp_error(text, sizeof text, &t->report, &t->to);
        else if (t->trace.packets == 0)
            cause_not_sent_by(text, sizeof text, t->error, t->uplink);
        else if (neighbour_awaited(&t->to, t->uplink))
            snprintf(text, sizeof text, "the next hop does not answer %s",
                     t->to.family == FAMILY_IPV6 ? "neighbour discovery" : "ARP");
        else
            cause = NULL;
    }
    t->events.on_over(&t->trace, cause, t->events.user);
}

/* Sends what is due and re-arms the timer, or ends the trace. */
static void on_timer(uv_timer_t *timer)
{
    struct tracer *t = timer->data;
    struct trace_query q;
    struct mono until;
    if (t->report.by.family != FAMILY_NONE && !any_answer(&t->trace)) {
        end_trace(t);
        return;
    }
    for (;;) {
        switch (trace_next(&t->trace, mono_now(), &q, &until)) {
        case TRACE_SEND:
            send_query(t, q);
            continue;
        case TRACE_WAIT:
            wake(t, until.ns - mono_now().ns);
            return;
        case TRACE_OVER:
            end_trace(t);
            return;
        }
    }
}

/* What is left once the method is closed. */
static void free_tracer(struct tracer *t)
{
    if (t->port_keeper >= 0)
        close(t->port_keeper);
    free(t);
}

int tracer_start(struct tracer **out, uv_loop_t *loop, enum tracer_method method,
                 const struct endpoint *to, const struct uplink *uplink,
                 struct tracer_extent extent, const struct tracer_events *events)
{
    struct trace_policy policy = *methods[method]->policy;
    policy.ttl_max = extent.ttl_max;
    policy.queries = extent.queries;
    struct tracer *t = mem_zalloc(sizeof *t);
    t->loop = loop;
    t->method = methods[method];
    t->to = *to;
    t->uplink = uplink;
    t->events = *events;
    t->port_keeper = -1;
    int rc = t->method->open(t);
    if (rc != 0) {
        free_tracer(t);
        return rc;
    }
    t->timer = timer_new(loop, t);
    trace_begin(&t->trace, &policy, mono_now());
    wake(t, 0);
    *out = t;
    return 0;
}

void tracer_destroy(struct tracer *t)
{
    if (t == NULL)
        return;
    if (!t->over)
        t->method->close(t);
    timer_close(t->timer);
    free_tracer(t);
}

/* ---- for the methods ---- */

bool method_same_host(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool method_error_kind(struct tracer *t, uint8_t type, uint8_t code,
                       const struct endpoint *from, enum trace_kind *kind)
{
    bool ipv6 = t->to.family == FAMILY_IPV6;
    bool from_target = method_same_host(from, &t->to);
    struct endpoint own = socket_source(&t->to, t->uplink);
    if (method_same_host(from, &own) && !from_target) {
        t->report =
            (struct icmp_report){.type = type, .code = code, .by = *from, .own = *from};
        wake(t, 0);
        return false;
    }
    if (type == (ipv6 ? 3 : 11)) {
        *kind = TRACE_EXCEEDED;
        return code == 0; /* 1: fragments */
    }
    *kind = from_target ? TRACE_TARGET : TRACE_UNREACHABLE;
    if (ipv6)
        return type == 1 || type == 4;
    return (type == 3 && code != 4) || type == 12;
}

void method_key(struct tracer *t, struct trace_query q)
{
    if (t->n_keys < sizeof t->keys / sizeof *t->keys)
        t->keys[t->n_keys++] = q;
}

void method_stamped(struct tracer *t, uint32_t key, struct stamps tx)
{
    if (key >= t->n_keys)
        return;
    struct trace_query q = t->keys[key];
    struct stamps *stamps = &t->tx[q.ttl - 1][q.round];
    if (tx.software_ns != 0) /* those of the interface come in an entry of their own */
        stamps->software_ns = tx.software_ns;
    if (tx.hardware_ns != 0)
        stamps->hardware_ns = tx.hardware_ns;
}

int64_t method_delay(const struct tracer *t, struct trace_query q, struct stamps rx)
{
    struct mono sent = t->trace.hops[q.ttl - 1].attempts[q.round].sent;
    struct stamps tx = t->tx[q.ttl - 1][q.round];
    int64_t user_ns = mono_now().ns - sent.ns;
    if (tx.software_ns == 0 && rx.software_ns != 0)
        tx.software_ns = wall_now().ns - user_ns;
    enum stamp_basis basis;
    return stamps_delay(user_ns, tx, rx, &basis);
}

static void note_address(struct tracer *t, const struct endpoint *address)
{
    for (size_t i = 0; i < t->n_known; i++)
        if (endpoint_same_address(&t->known[i], address))
            return;
    t->known[t->n_known++] = *address;
    t->events.on_address(address, t->events.user);
}

void method_answered(struct tracer *t, struct trace_query q,
                     const struct trace_answer *answer)
{
    if (!trace_add(&t->trace, q, answer))
        return;
    note_address(t, &answer->from);
    wake(t, 0);
}

void method_answered_unknown(struct tracer *t, struct trace_answer *answer,
                             struct stamps rx)
{
    struct trace_query q;
    if (!trace_unidentified(&t->trace, &q))
        return;
    answer->rtt_ns = method_delay(t, q, rx);
    method_answered(t, q, answer);
}
