/*
 * The HTTPS kind: one request as a user's program makes it, phase by phase, each delay
 * excluding the others:
 *
 *     resolver --> handshake (ours, timed by the kernel) --> http: TLS, request, reply,
 * and dns          connect, rtt                             tls, first_byte    once more:
 * warm
 *
 * The name is looked up for its delay; the connection goes to the address that is being
 * probed, whatever the lookup says. What is asked for there is the target's server_name,
 * where it has one.
 *
 * With an HTTP proxy, the proxy is looked up and connected to instead, and asked for a
 * tunnel to the target's host by name, as a user's program does. TLS and replies come
 * from the target, through the tunnel; rtt, connect and dns would be the proxy's and stay
 * undefined. Instead there are proxy_connect, the TCP handshake with the proxy, and
 * proxy_tunnel, from CONNECT to the proxy's answer: its lookup of the name and its
 * handshake with the target. The total is what the user waits for, from the SYN to the
 * proxy on.
 */
#include "probe/https/https.h"

#include "base/intern.h"
#include "base/mem.h"
#include "edge/reply.h"
#include "net/clock.h"
#include "net/http_proxy.h"
#include "probe/cause.h"
#include "probe/https/tls_slots.h"
#include "probe/prober.h"
#include "probe/tcp/handshake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_MAX (16 * 1024) /* bytes of a body; the rest is not read */

enum {
    RTT,
    DNS,
    CONNECT,
    TLS,
    FIRST_BYTE,
    TOTAL,
    WARM_FIRST_BYTE,
    PROXY_CONNECT,
    PROXY_TUNNEL,
    DELAYS
};

struct https { /* the kind's state */
    const struct probe_tools *tools;
    struct tls_slots *tls_slots;
};

struct fetch { /* at most one of the three is under way */
    struct exchange *x;
    struct lookup *lookup;
    struct handshake *handshake;
    struct http_exchange *http;
    struct tls_slot slot;
    int socket;               /* connected, while it waits for its slot; else -1 */
    struct http_proxy *proxy; /* NULL: none */
    enum family asked_family; /* of the proxy's name */
    struct endpoint to;       /* what is connected to: the target, or the proxy */
    struct mono connecting;   /* since when */
    int64_t connect_ns, tunnel_ns;
    bool overdue; /* its result is reported */
    int64_t delays[DELAYS];
    bool lookup_failed;
    struct reply reply;
};

static const struct probe_tools *tools_of(const struct fetch *f)
{
    const struct https *h = f->x->kind_state;
    return h->tools;
}

static void fetch_free(struct fetch *f)
{
    free(f->proxy);
    free(f);
}

static void release_slot(struct fetch *f)
{
    const struct https *h = f->x->kind_state;
    tls_slot_release(h->tls_slots, &f->slot);
}

static void take_pop(struct fetch *f)
{
    struct result *r = &f->x->result;
    struct pop pop = reply_pop(&f->reply);
    pop_text(r->pop, &pop);
    r->pop_basis = pop.source;
    r->foreign = f->reply.foreign;
    if (r->cause[0] == '\0' && reply_is_copy(&f->reply))
        snprintf(r->cause, sizeof r->cause,
                 "the reply is an old copy, so its PoP header does not count");
}

static void finish(struct fetch *f, enum outcome outcome)
{
    struct exchange *x = f->x;
    int64_t delays[DELAYS];
    memcpy(delays, f->delays, sizeof delays);
    take_pop(f);
    release_slot(f);
    fetch_free(f);
    exchange_done(x, outcome, delays);
}

static void say(struct fetch *f, const char *clause)
{
    snprintf(f->x->result.cause, sizeof f->x->result.cause, "%s", clause);
}

static const char *waiting_for(const struct fetch *f)
{
    if (f->lookup != NULL)
        return f->proxy != NULL ? "the lookup of the proxy's name" : "the name lookup";
    if (f->handshake != NULL)
        return f->proxy != NULL ? "the TCP handshake of the proxy" : "the TCP handshake";
    return "its slot";
}

static void set_timeout_error(struct fetch *f, const char *phase)
{
    char waited[DURATION_TEXT_MAX];
    snprintf(f->x->result.cause, sizeof f->x->result.cause,
             "no reply within %s: waiting for %s",
             duration_text(waited, f->x->waiting_ns), phase);
}

/* ---- the request ---- */

static void on_header(const char *name, const char *value, size_t value_len, void *user)
{
    struct fetch *f = user;
    release_slot(f); /* TLS is over */
    reply_header(&f->reply, name, value, value_len);
}

/* The sum for the user: undefined when a part of it is. */
static int64_t total(const struct fetch *f, const struct http_times *t)
{
    if (f->lookup_failed || t->first_byte_ns == DELAY_UNDEFINED ||
        t->body_ns == DELAY_UNDEFINED)
        return DELAY_UNDEFINED;
    int64_t dns_ns =
        f->delays[DNS] == DELAY_UNDEFINED ? 0 : f->delays[DNS]; /* a literal */
    return dns_ns + f->connect_ns + f->tunnel_ns + t->tls_ns + t->first_byte_ns +
           t->body_ns;
}

static void take_times(struct fetch *f, const struct http_times *t)
{
    f->tunnel_ns = f->proxy != NULL ? t->tunnel_ns : 0;
    f->delays[TLS] = t->tls_ns;
    f->delays[FIRST_BYTE] = t->first_byte_ns;
    f->delays[WARM_FIRST_BYTE] = t->warm_first_byte_ns;
    if (f->proxy != NULL)
        f->delays[PROXY_TUNNEL] = t->tunnel_ns;
    f->delays[TOTAL] = total(f, t);
}

/* Tinyproxy answers a wrong password with 401. */
static bool wants_password(int proxy_status)
{
    return proxy_status == 407 || proxy_status == 401;
}

/* Says what the proxy that refused CONNECT wants. Never its user or password. */
static void say_refused(struct fetch *f, int status)
{
    const struct target *t = f->x->target;
    struct result *r = &f->x->result;
    const char *wants = *intern_text(t->proxy) != '\0'
                            ? "http://USER:PASSWORD@HOST:PORT in https_proxy"
                            : "user and password in https_proxy";
    if (wants_password(status))
        snprintf(r->cause, sizeof r->cause,
                 "the proxy %.40s wants a user and a password (HTTP %d); set %s, or "
                 "check those there",
                 f->proxy->host, status, wants);
    else if (status == 403)
        snprintf(
            r->cause, sizeof r->cause,
            "the proxy %.40s refuses CONNECT to %.50s:%u (HTTP 403); have it allowed "
            "there",
            f->proxy->host, t->host, f->x->to.port);
    else
        snprintf(r->cause, sizeof r->cause,
                 "the proxy %.40s cannot connect to %.50s:%u (HTTP %d); try the name at "
                 "the proxy",
                 f->proxy->host, t->host, f->x->to.port, status);
}

/* With the whole head it is answered, whatever the body does, and a PoP is named. */
static bool is_answered(const struct http_reply *reply)
{
    return reply->failure == HTTP_OK ||
           (reply->failure == HTTP_FAILED_TIMEOUT && reply->head);
}

static enum outcome outcome_of(const struct http_reply *reply)
{
    if (is_answered(
            reply)) /* 404 and 403 are answers of the server, 5xx is its failure */
        return result_status_fails(reply->status) ? OUTCOME_HTTP_ERROR : OUTCOME_REPLY;
    if (wants_password(reply->proxy_status)) /* it does not even look where this goes */
        return OUTCOME_NOT_MEASURED;
    switch (reply->failure) {
    case HTTP_OK:
    case HTTP_FAILED_TIMEOUT: /* the TCP handshake was answered */
        return OUTCOME_SLOW;
    case HTTP_FAILED_CONNECT: /* reset as soon as it stood */
    case HTTP_FAILED_TLS:
        return OUTCOME_TLS_ERROR;
    case HTTP_FAILED_REPLY:
        return OUTCOME_HTTP_ERROR;
    case HTTP_FAILED_LOCAL:
        return OUTCOME_NOT_MEASURED;
    }
    return OUTCOME_HTTP_ERROR;
}

static enum outcome take_reply(struct fetch *f, const struct http_reply *reply)
{
    struct result *r = &f->x->result;
    enum outcome outcome = outcome_of(reply);
    take_times(f, &reply->times);
    r->http = reply->facts;
    r->http.proxy = f->proxy != NULL;
    r->http.proxy_status = (uint16_t)reply->proxy_status;
    r->longer_than[TOTAL] = reply->failure == HTTP_FAILED_TIMEOUT ? f->x->waiting_ns : 0;
    if (is_answered(reply) && result_status_fails(reply->status))
        snprintf(r->cause, sizeof r->cause,
                 "the server answered HTTP %d, its own failure", reply->status);
    else if (outcome == OUTCOME_REPLY && reply->failure != HTTP_OK)
        say(f, "the reply did not end within the waiting time");
    else if (reply->failure == HTTP_FAILED_TIMEOUT)
        set_timeout_error(f, reply->waited_for);
    else if (reply->proxy_status != 0)
        say_refused(f, reply->proxy_status);
    else if (reply->failure != HTTP_OK)
        say(f, reply->error);
    return outcome;
}

static void on_reply(const struct http_reply *reply, void *user)
{
    struct fetch *f = user;
    struct result *r = &f->x->result;
    enum outcome outcome = take_reply(f, reply);
    if (f->proxy == NULL)
        r->lost_packets = (uint8_t)(r->lost_packets + reply->lost_packets > UINT8_MAX
                                        ? UINT8_MAX
                                        : r->lost_packets + reply->lost_packets);
    r->wire_bytes = reply->wire.bytes;
    r->wire_packets = reply->wire.packets;
    finish(f, outcome);
}

/* A certificate has neither the zone of an address nor the final dot of a name. */
static int server_name_len(const char *name)
{
    int len = (int)strcspn(name, "%");
    return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}

static void request(void *user)
{
    struct fetch *f = user;
    const struct target *target = f->x->target;
    const char *name =
        *intern_text(target->server_name) != '\0' ? target->server_name : target->host;
    bool ipv6_literal = strchr(name, ':') != NULL;
    char url[HOST_TEXT_MAX + PATH_TEXT_MAX + sizeof "https://[]:65535"];
    snprintf(url, sizeof url, "https://%s%.*s%s:%u%s", ipv6_literal ? "[" : "",
             server_name_len(name), name, ipv6_literal ? "]" : "", f->x->to.port,
             intern_text(target->path));

    char proxy[PROXY_TEXT_MAX + ADDRESS_TEXT_MAX] = "";
    if (f->proxy != NULL)
        http_proxy_url(proxy, f->proxy, &f->to);

    if (f->slot.since.ns != 0) /* the wait for the slot does not count */
        f->x->sent.ns -= f->slot.since.ns + TLS_SLOT_WAIT_NS - mono_now().ns;
    int64_t left_ns = f->x->sent.ns + f->x->waiting_ns - mono_now().ns;
    struct http_request request = {
        .url = url,
        .ca_file = intern_text(target->ca_file),
        .proxy = proxy,
        .tunnel_to = target->host,
        .timeout_ns = left_ns > NS_PER_MS ? left_ns : NS_PER_MS,
        .grace_ns = PROBER_LATE_NS,
        .reply_max = REPLY_MAX,
        .cut_reply = true,
        .socket = f->socket,
        .repeat = true,
    };
    f->socket = -1;
    f->http = http_start(tools_of(f)->http, &request, on_header, on_reply, f);
}

/* TLS begins when its slot is granted; the wait does not count as waiting time. */
static void connected(struct fetch *f, int socket)
{
    const struct https *h = f->x->kind_state;
    f->socket = socket;
    tls_slot_request(h->tls_slots, &f->slot, request, f);
    if (f->slot.waits)
        f->x->sent.ns += TLS_SLOT_WAIT_NS;
}

/* ---- the connection ---- */

/* Without the proxy the target cannot be reached, whatever the proxy's own fault is;
 * OUTCOME_NOT_MEASURED: this host could not even ask the proxy, or its name does not
 * exist. */
static void no_proxy(struct fetch *f, enum outcome outcome, const char *why)
{
    struct result *r = &f->x->result;
    snprintf(r->cause, sizeof r->cause, "the proxy %.40s:%u: %.60s; check %s",
             f->proxy->host, f->proxy->port, why,
             *intern_text(f->x->target->proxy) != '\0' ? "`proxy` of the target"
                                                       : "https_proxy");
    finish(f, outcome == OUTCOME_NOT_MEASURED ? outcome : OUTCOME_UNREACHABLE);
}

/* Six SYNs, or a SYN and its reset. */
#define HANDSHAKE_WIRE_BYTES   600
#define HANDSHAKE_WIRE_PACKETS 7

static void on_proxy(struct fetch *f, const struct handshake_end *end)
{
    char why[sizeof f->x->result.cause];
    enum outcome outcome = handshake_outcome(end, &f->to, why, sizeof why);
    if (outcome != OUTCOME_REPLY) {
        no_proxy(f, outcome, why);
        return;
    }
    f->delays[PROXY_CONNECT] =
        end->kernel_time && end->resent == 0 ? end->rtt_ns : f->connect_ns;
    connected(f, end->socket);
}

static void on_handshake(const struct handshake_end *end, void *user)
{
    struct mono arrived = mono_now(); /* first thing: the clock is running */
    struct fetch *f = user;
    struct result *r = &f->x->result;
    f->handshake = NULL;
    f->connect_ns = arrived.ns - f->connecting.ns; /* repeated SYNs included */
    if (f->proxy != NULL) {
        on_proxy(f, end);
        return;
    }
    struct handshake_told told =
        handshake_tells(end, prober_rtt_ns(tools_of(f)->prober, &f->to));
    r->lost_packets = told.lost;
    if (end->error != 0) {
        r->wire_bytes = HANDSHAKE_WIRE_BYTES;
        r->wire_packets = HANDSHAKE_WIRE_PACKETS;
        finish(f, handshake_result(r, end));
        return;
    }
    r->kernel_time = told.kernel_time;
    if (end->rtt_ns != DELAY_UNDEFINED && !end->kernel_time)
        prober_count_fallback(tools_of(f)->prober);
    f->delays[RTT] = told.rtt_ns;
    f->delays[CONNECT] = told.kernel_time && told.lost == 0 ? told.rtt_ns : f->connect_ns;
    if (told.learnt_ns > 0)
        prober_set_rtt(tools_of(f)->prober, &f->to, told.learnt_ns);
    connected(f, end->socket);
}

static void connect_to(struct fetch *f, const struct endpoint *to)
{
    struct exchange *x = f->x;
    f->to = *to;
    f->connecting = mono_now();
    int rc = handshake_start(&f->handshake, tools_of(f)->loop, to, x->target->uplink,
                             x->target->dscp, on_handshake, f);
    if (rc == 0)
        return;
    cause_not_sent_by(x->result.cause, sizeof x->result.cause, rc, x->target->uplink);
    finish(f, OUTCOME_NOT_MEASURED);
}

/* ---- the name ---- */

static void on_resolution(const struct resolution *r, void *user)
{
    struct fetch *f = user;
    f->lookup = NULL;
    f->lookup_failed = r->error != NULL;
    if (f->lookup_failed) /* the address is known all the same; only `dns` is missing */
        snprintf(f->x->result.cause, sizeof f->x->result.cause,
                 "the name was not resolved: %s", r->error);
    else if (endpoint_literal(f->x->target->host) == FAMILY_NONE)
        f->delays[DNS] = r->took_ns;
    connect_to(f, &f->x->to);
}

/* IPv4 first: inside a company it is what proxies have. */
static void look_up_proxy(struct fetch *f, enum family family);

static void on_proxy_resolution(const struct resolution *r, void *user)
{
    struct fetch *f = user;
    f->lookup = NULL;
    if (r->n > 0)
        connect_to(f, &r->addresses[0]);
    else if (f->asked_family == FAMILY_IPV4)
        look_up_proxy(f, FAMILY_IPV6);
    else
        no_proxy(f,
                 r->error != NULL && r->temporary ? OUTCOME_UNREACHABLE
                                                  : OUTCOME_NOT_MEASURED,
                 r->error != NULL ? r->error : "it has no address");
}

static void look_up_proxy(struct fetch *f, enum family family)
{
    f->asked_family = family;
    f->lookup = resolver_lookup(tools_of(f)->resolver, f->proxy->host, family,
                                f->proxy->port, on_proxy_resolution, f);
}

/* ---- the kind ---- */

static int https_open(void **state, const struct probe_tools *tools, char *why,
                      size_t why_size)
{
    (void)why, (void)why_size;
    struct https *h = mem_zalloc(sizeof *h);
    h->tools = tools; /* outlive the prober's kinds */
    h->tls_slots = tls_slots_create(tools->loop);
    *state = h;
    return 0;
}

static void https_start(struct exchange *x)
{
    struct fetch *f = mem_zalloc(sizeof *f);
    f->x = x;
    f->socket = -1;
    for (size_t i = 0; i < DELAYS; i++)
        f->delays[i] = DELAY_UNDEFINED;
    x->own = f;
    struct result *r = &x->result;
    struct http_proxy proxy;
    int proxied = http_proxy_for(&proxy, x->target->proxy, true, x->target->host,
                                 r->cause, sizeof r->cause);
    if (proxied < 0) {
        fetch_free(f);
        exchange_defer(x, OUTCOME_NOT_MEASURED);
        return;
    }
    r->http.proxy = proxied == 1;
    if (proxied == 1) {
        f->proxy = mem_copy(&proxy, sizeof proxy);
        look_up_proxy(f, FAMILY_IPV4);
        return;
    }
    f->lookup = resolver_lookup(tools_of(f)->resolver, x->target->host,
                                (enum family)x->to.family, x->to.port, on_resolution, f);
}

/* The phase under way has taken what the finished ones have left of the waiting time. */
static void censor_phase(struct fetch *f)
{
    struct result *r = &f->x->result;
    int64_t spent_ns = f->connect_ns;
    if (f->tunnel_ns == DELAY_UNDEFINED)
        return; /* the proxy is waited for */
    spent_ns += f->tunnel_ns;
    for (int i = DNS; i <= TLS; i++)
        if (i != CONNECT && f->delays[i] != DELAY_UNDEFINED)
            spent_ns += f->delays[i];
    int64_t left_ns = f->x->waiting_ns - spent_ns;
    int phase = f->delays[TLS] == DELAY_UNDEFINED ? TLS : FIRST_BYTE;
    if (left_ns > 0 && f->delays[phase] == DELAY_UNDEFINED)
        r->longer_than[phase] = left_ns;
}

/* What the request has come through is measured; the rest is longer than the waiting
 * time. */
static void https_overdue(struct exchange *x)
{
    struct fetch *f = x->own;
    f->overdue = true;
    if (f->http == NULL)
        set_timeout_error(f, waiting_for(f));
    else
        x->result.outcome = take_reply(f, http_reply_so_far(f->http));
    if (f->socket >= 0) { /* connected; it waits for its slot */
        x->result.outcome = OUTCOME_SLOW;
        x->result.longer_than[TOTAL] = x->waiting_ns;
    } else if (x->result.outcome == OUTCOME_SLOW) {
        censor_phase(f);
    }
    memcpy(x->result.delays, f->delays, sizeof f->delays);
    take_pop(f);
}

static void https_abort(struct exchange *x)
{
    struct fetch *f = x->own;
    if (!f->overdue)
        https_overdue(x);
    if (f->lookup != NULL)
        lookup_cancel(f->lookup);
    if (f->handshake != NULL)
        handshake_cancel(f->handshake);
    if (f->http != NULL)
        http_cancel(f->http);
    if (f->socket >= 0)
        handshake_hang_up(f->socket);
    release_slot(f);
    fetch_free(f);
}

static void https_close(void *state)
{
    struct https *h = state;
    tls_slots_destroy(h->tls_slots);
    free(h);
}

const struct probe_kind https_kind = {
    .kind =
        {
            .name = "https",
            .delays = {"rtt", "dns", "connect", "tls", "first_byte", "total",
                       "warm_first_byte", "proxy_connect", "proxy_tunnel"},
            .uses = USES_PORT | USES_DSCP | USES_TLS | USES_HTTP,
            .label = "HTTPS",
            .examples = "edgelat probe https outlook.office365.com bing.com -n 5\n",
            .main_delay = TOTAL,
            .roles = {[RTT] = DELAY_HANDSHAKE,
                      [CONNECT] = DELAY_HANDSHAKE,
                      [TLS] = DELAY_TLS,
                      [FIRST_BYTE] = DELAY_REPLY,
                      [WARM_FIRST_BYTE] = DELAY_REPLY,
                      [PROXY_TUNNEL] = DELAY_TUNNEL},
            .on_by_default = true,
            .tells_pop = true,
            .interval_ns = 60 * NS_PER_S,
            .slow_interval_ns = 300 * NS_PER_S,
            .waiting_ns = 10 * NS_PER_S,
            /* Captured: 22 and 5 kB with two short replies, 46 and 39 kB with two of
             * REPLY_MAX, 81 and 69 kB where a longer one fills the window first. */
            .packets = 80,
            .bytes = 70000,
        },
    .open = https_open,
    .start = https_start,
    .overdue = https_overdue,
    .abort = https_abort,
    .close = https_close,
};
