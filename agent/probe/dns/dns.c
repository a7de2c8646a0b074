#include "probe/dns/dns.h"

#include "base/mem.h"
#include "core/time.h"
#include "net/clock.h"
#include "net/error_queue.h"
#include "net/resolver_channel.h"
#include "net/socket.h"
#include "net/timer.h"
#include "probe/prober.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANNELS_MAX 64 /* servers with queries under way */
#define CHANNELS_FEW 8  /* while servers answer, in the agent */
#define IDLE_MAX     2  /* channels kept for the next queries */
#define RCODE_AT     3  /* in the header, RFC 1035, section 4.1.1 */
#define RCODES       15
#define ANSWERS_AT   6

/*
 * After a time in which this host did not run, many queries are due at once. They wait for
 * the few channels, of 74 kB each, but no longer than so many ticks, so that a silent
 * server holds nobody up. A tick is also a turn of the loop, which reads what has come.
 */
#define TICK_NS   (10 * NS_PER_MS)
#define TICKS_MAX 20

struct channel {
    const struct uplink *uplink;
    struct endpoint to;
    struct resolver_channel *is;
};

struct dns {
    struct prober *prober;
    uv_loop_t *loop;
    int stamping; /* error_queue_keep_stamping() */
    struct channel channels[CHANNELS_MAX];
    size_t n, few;
    struct asked *queue, **queue_end;
    uv_timer_t *ticks; /* runs while there is a queue */
    uint32_t tick;
};

struct asked {
    struct dns *dns;
    struct resolver_channel *channel; /* NULL: in the queue */
    struct asked *next;
    uint32_t since; /* its first tick there */
    uint32_t stream;
    struct exchange *x; /* NULL: its waiting time is over */
};

static struct dns_server server_at(const struct endpoint *to)
{
    struct dns_server server = {.at = *to};
    char name[IF_NAMESIZE];
    if (to->scope != 0 && if_indextoname(to->scope, name) != NULL)
        snprintf(server.zone, sizeof server.zone, "%s", name);
    return server;
}

/* The channel that has queries to this server under way, else an idle one, else a new one
 * of at most `most`; NULL: so many servers have queries under way. */
static struct resolver_channel *channel_to(struct dns *d, const struct uplink *uplink,
                                           const struct endpoint *to, size_t most)
{
    struct channel *found = NULL;
    for (size_t i = 0; i < d->n; i++) {
        struct channel *c = &d->channels[i];
        if (c->uplink == uplink && c->to.port == to->port &&
            endpoint_same_address(&c->to, to))
            return c->is;
        if (found == NULL && resolver_channel_is_idle(c->is))
            found = c;
    }
    struct dns_server server = server_at(to);
    struct resolver_channel *is = NULL;
    if (found != NULL) {
        is = found->is;
        resolver_channel_redirect(is, uplink, &server);
    } else if (d->n < most) {
        struct resolv_conf conf = resolv_conf_default();
        is = resolver_channel_open(d->loop, uplink, &server, &conf);
        found = &d->channels[d->n];
        d->n += is != NULL;
    }
    if (is != NULL)
        *found = (struct channel){uplink, *to, is};
    return is;
}

/* Closes an idle channel if there are enough. */
static void release_channel(struct dns *d, struct resolver_channel *is)
{
    size_t idle = 0, at = d->n;
    for (size_t i = 0; i < d->n; i++) {
        idle += resolver_channel_is_idle(d->channels[i].is);
        if (d->channels[i].is == is)
            at = i;
    }
    if (at == d->n || idle <= IDLE_MAX || !resolver_channel_is_idle(is))
        return;
    d->channels[at] = d->channels[--d->n];
    resolver_channel_close(is);
}

static const char *rcode_text(unsigned rcode)
{
    static const char *const names[] = {"no error",
                                        "FORMERR (it does not understand the query)",
                                        "SERVFAIL (it cannot resolve the name)",
                                        "no such name",
                                        "NOTIMP (it does not support the query)",
                                        "REFUSED (its policy forbids it)"};
    return rcode < sizeof names / sizeof *names ? names[rcode] : "an error code";
}

static enum outcome read_reply(struct result *r, const struct dns_reply *reply)
{
    struct dns_facts *f = &r->dns;
    f->rcode = reply->bytes[RCODE_AT] & RCODES;
    f->answers = (uint16_t)(reply->bytes[ANSWERS_AT] << 8 | reply->bytes[ANSWERS_AT + 1]);
    f->truncated = reply->truncated;
    f->tcp = reply->tcp;
    r->kernel_time = reply->kernel_time;
    r->cause[0] = '\0';
    if (f->rcode != ns_r_noerror)
        snprintf(r->cause, sizeof r->cause, "the server answers %s",
                 rcode_text(f->rcode));
    return f->rcode == ns_r_noerror || f->rcode == ns_r_nxdomain ? OUTCOME_REPLY
                                                                 : OUTCOME_REFUSED;
}

static enum outcome without_reply(struct result *r, const struct dns_reply *reply)
{
    int status = reply->status;
    if (reply->truncated) {
        r->dns.truncated = true;
        snprintf(r->cause, sizeof r->cause,
                 "the answer by UDP is truncated, and the server does not answer by TCP");
        return OUTCOME_REFUSED;
    }
    if (status != ARES_ECONNREFUSED) {
        snprintf(r->cause, sizeof r->cause, "%s", ares_strerror(status));
        return OUTCOME_NOT_MEASURED;
    }
    snprintf(r->cause, sizeof r->cause, "no DNS server at this port");
    return OUTCOME_REFUSED;
}

static void ask_queued(struct dns *d);

static void on_reply(const struct dns_reply *reply, void *user)
{
    struct asked asked = *(struct asked *)user;
    free(user);
    ask_queued(asked.dns);
    release_channel(asked.dns, asked.channel);
    bool came = reply->bytes != NULL && reply->len >= NS_HFIXEDSZ;
    if (asked.x == NULL) {
        if (came)
            prober_after(asked.dns->prober, asked.stream, COUNTER_LATE);
        return;
    }
    struct result *r = &asked.x->result;
    asked.x->own = NULL;
    if (!came) {
        exchange_done(asked.x, without_reply(r, reply), NULL);
        return;
    }
    enum outcome outcome = read_reply(r, reply);
    if (!r->kernel_time)
        prober_count_fallback(asked.dns->prober);
    exchange_done(asked.x, outcome, &reply->took_ns);
}

/* False: there is no channel for it now. */
static bool ask(struct asked *asked, size_t most)
{
    struct exchange *x = asked->x;
    const struct target *t = x->target;
    asked->channel = channel_to(asked->dns, t->uplink, &x->to, most);
    if (asked->channel == NULL)
        return false;
    x->sent = mono_now();
    x->result.time = wall_now();
    resolver_channel_query(asked->channel, t->query[0] != '\0' ? t->query : DNS_QUERY,
                           ns_t_a, on_reply, asked);
    return true;
}

static void leave_queue(struct asked *asked)
{
    struct dns *d = asked->dns;
    struct asked **at = &d->queue;
    while (*at != asked)
        at = &(*at)->next;
    *at = asked->next;
    if (*at == NULL)
        d->queue_end = at;
    if (d->queue == NULL)
        uv_timer_stop(d->ticks);
}

/* Reports nothing: a callback of the prober may destroy it. */
static void ask_queued(struct dns *d)
{
    struct asked *first;
    while ((first = d->queue) != NULL) {
        bool long_enough = d->tick - first->since >= TICKS_MAX;
        if (!ask(first, long_enough ? CHANNELS_MAX : d->few) && !long_enough)
            return;
        leave_queue(first);
        if (first->channel != NULL)
            continue;
        struct exchange *x = first->x;
        free(first);
        snprintf(x->result.cause, sizeof x->result.cause,
                 "more than %d DNS servers that do not answer, or no memory",
                 CHANNELS_MAX);
        exchange_defer(x, OUTCOME_NOT_MEASURED);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct dns *d = timer->data;
    d->tick++;
    timer_in(timer, on_tick, TICK_NS);
    ask_queued(d);
}

static void dns_start(struct exchange *x)
{
    struct dns *d = x->kind_state;
    struct result *r = &x->result;
    if (!socket_has_route(&x->to, x->target->uplink)) {
        snprintf(r->cause, sizeof r->cause, "this host has no route to it");
        exchange_defer(x, OUTCOME_NOT_MEASURED);
        return;
    }
    struct asked *asked = mem_alloc(sizeof *asked);
    *asked = (struct asked){.dns = d, .stream = r->stream, .x = x, .since = d->tick};
    x->own = asked;
    if (d->queue == NULL && ask(asked, d->few))
        return;
    if (d->queue == NULL)
        timer_in(d->ticks, on_tick, TICK_NS);
    *d->queue_end = asked;
    d->queue_end = &asked->next;
}

static void dns_abort(struct exchange *x)
{
    struct asked *asked = x->own;
    asked->x = NULL;
    if (asked->channel != NULL)
        return;
    leave_queue(asked);
    free(asked);
    x->unheard = true; /* nothing was sent */
}

static void dns_close(void *state)
{
    struct dns *d = state;
    timer_close(d->ticks);
    while (d->n > 0) /* out of the list first: on_reply() comes for queries under way */
        resolver_channel_close(d->channels[--d->n].is);
    if (d->stamping >= 0)
        close(d->stamping);
    free(d);
}

static int dns_open(void **state, const struct probe_tools *tools, char *why,
                    size_t why_size)
{
    (void)why, (void)why_size;
    struct dns *d = mem_zalloc(sizeof *d);
    d->prober = tools->prober;
    d->loop = tools->loop;
    d->few = tools->reading == PROBER_IN_SLOTS ? CHANNELS_FEW : CHANNELS_MAX;
    d->queue_end = &d->queue;
    d->ticks = timer_new(tools->loop, d);
    d->stamping = error_queue_keep_stamping();
    *state = d;
    return 0;
}

const struct probe_kind dns_kind = {
    .kind =
        {
            .name = "dns",
            .delays = {"rtt", NULL},
            .uses = USES_PORT | USES_QUERY,
            .port = 53,
            .label = "DNS",
            .examples = "edgelat probe dns 192.0.2.53 --name outlook.office365.com\n",
            .roles = {DELAY_ROUND_TRIP},
            .single_packets = true,
            .of_resolver = true,
            .interval_ns = 10 * NS_PER_S,
            .slow_interval_ns = 60 * NS_PER_S,
            .packets = 12, /* by UDP, and by TCP after a truncated answer */
            .bytes = 2 * (40 + 8 + 300) + 1232 + 10 * 60,
        },
    .open = dns_open,
    .start = dns_start,
    .abort = dns_abort,
    .close = dns_close,
};
