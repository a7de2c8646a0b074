/*
 * A request is one libcurl easy handle. POSTs share a multi handle and therefore
 * connections. A request over a probe's socket has a multi handle of its own: its
 * connection is used by no other request and is closed at its end.
 */
#include "base/mem.h"
#include "net/http_exchange.h"
#include "net/http_failure.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARM_LEAST_NS      (20 * NS_PER_MS) /* no second request with less time left */
#define RETRY_AFTER_MOST_S 86400

/* ---- end of a request ---- */

static void link_exchange(struct http_exchange *x)
{
    x->next = x->http->exchanges;
    x->self = &x->http->exchanges;
    if (x->next != NULL)
        x->next->self = &x->next;
    x->http->exchanges = x;
}

static void unlink_exchange(struct http_exchange *x)
{
    *x->self = x->next;
    if (x->next != NULL)
        x->next->self = x->self;
}

/* Keeps it for the next probe, unless one is kept or its connection is still open. */
static void release_multi(struct http *h, struct multi *m)
{
    if (h->spare != NULL || !multi_is_empty(m)) {
        multi_destroy(m);
        return;
    }
    multi_offer(m, NULL);
    h->spare = m;
}

static struct multi *take_multi(struct http *h, multi_done_cb *on_end)
{
    struct multi *m = h->spare;
    h->spare = NULL;
    return m != NULL ? m : multi_create(h->loop, on_end);
}

/* Frees a request whose easy handle is out of its multi handle. Closes the connection of
 * a probe. */
static void release(struct http_exchange *x)
{
    unlink_exchange(x);
    curl_easy_cleanup(x->easy);
    if (x->multi != x->http->shared)
        release_multi(x->http, x->multi);
    if (x->socket >= 0)
        close(x->socket);
    for (struct curl_slist *h = x->headers; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data)); /* may be secret */
    curl_slist_free_all(x->headers);
    curl_slist_free_all(x->connect_to);
    curl_slist_free_all(x->resolve);
    X509_STORE_free(x->store);
    SSL_CTX_free(x->context);
}

static void take_times(struct http_exchange *x)
{
    struct http_times *t = &x->reply.times;
    const struct tls_handshake *h = &x->handshake;
    if (h->started_ns != 0)
        t->tunnel_ns = h->started_ns - x->began_ns;
    if (h->done_ns != 0 && x->reply.failure != HTTP_FAILED_TLS)
        t->tls_ns = h->done_ns - h->started_ns;
    if (x->reply.status == 0)
        return;
    t->first_byte_ns = x->first_byte_ns;
    if (x->reply.failure == HTTP_OK)
        t->body_ns = tls_came_ns(h, x->replied_ns, (int64_t)uv_hrtime()) - x->replied_ns;
}

/* libcurl 7.88 returns a negative wait for a past date. */
static int64_t retry_after_ns(curl_off_t after_s)
{
    if (after_s < 0)
        return 0;
    return (after_s > RETRY_AFTER_MOST_S ? RETRY_AFTER_MOST_S : after_s) * NS_PER_S;
}

static void take_facts(struct http_exchange *x)
{
    struct http_facts *f = &x->reply.facts;
    const struct http_facts *tls = &x->handshake.facts;
    long version = 0;
    curl_off_t after_s = 0;
    int status = http_final_status(x);
    curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &after_s);
    x->reply.status = status;
    x->reply.retry_after_ns = retry_after_ns(after_s);
    f->status = (uint16_t)status;
    if (status != 0)
        text_copy(f->version, sizeof f->version,
                  version == CURL_HTTP_VERSION_2_0   ? "2"
                  : version == CURL_HTTP_VERSION_1_0 ? "1.0"
                                                     : "1.1");
    memcpy(f->tls_version, tls->tls_version, sizeof f->tls_version);
    memcpy(f->issuer, tls->issuer, sizeof f->issuer);
    f->expires_days = tls->expires_days;
}

/* libcurl 7.88 accepts "HTTP/200 x" as a status line and then reports no status. */
static CURLcode end_of(const struct http_exchange *x, CURLcode code)
{
    if (!x->cut && code != CURLE_OK)
        return code;
    return http_final_status(x) != 0 ? CURLE_OK : CURLE_WEIRD_SERVER_REPLY;
}

/* What the request waits for now, for a message. */
static const char *waiting_for(const struct http_exchange *x)
{
    if (x->proxied && x->handshake.started_ns == 0)
        return "the proxy";
    if (x->tls && x->handshake.done_ns == 0)
        return "the TLS handshake";
    if (x->warm)
        return "the second reply";
    return x->replied_ns == 0 ? "the reply" : "the rest of the reply";
}

static void take_failure(struct http_exchange *x, CURLcode code)
{
    struct http_reply *r = &x->reply;
    if (x->why[0] != '\0') {
        r->failure = HTTP_FAILED_LOCAL;
        text_copy(x->error, sizeof x->error, x->why);
    } else if (x->too_long) {
        r->failure = HTTP_FAILED_REPLY;
        snprintf(x->error, sizeof x->error, "the %s of %s is longer than %zu bytes",
                 x->head_len > HEAD_MAX ? "head of the reply" : "reply", x->host,
                 x->head_len > HEAD_MAX ? HEAD_MAX : x->reply_max);
    } else {
        r->failure = http_failure(x->error, sizeof x->error, x->easy, end_of(x, code),
                                  x->host, x->details);
    }
    long connect_status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    r->proxy_status = connect_status >= 300 ? (int)connect_status : 0;
    r->error = x->error;
    r->waited_for = r->failure == HTTP_FAILED_TIMEOUT ? waiting_for(x) : "";
}

/* True: the peer was cut off, which outweighs what the library makes of it. */
static bool take_verdict(struct http_exchange *x)
{
    enum guard_verdict verdict = multi_verdict(x->multi);
    const struct tls_handshake *h = &x->handshake;
    if (verdict == GUARD_FINE)
        return false;
    bool in_tls = h->started_ns != 0 && h->done_ns == 0;
    bool of_proxy = x->proxied && h->started_ns == 0;
    x->reply.disconnected = true;
    x->reply.failure = in_tls ? HTTP_FAILED_TLS : HTTP_FAILED_REPLY;
    snprintf(x->error, sizeof x->error, "%s%.200s held this host too long%s",
             of_proxy ? "the proxy for " : "", x->host,
             verdict == GUARD_TOO_MUCH ? ": it sent more than 1 MiB" : "");
    x->reply.error = x->error;
    x->reply.waited_for = "";
    return true;
}

/* Returns true if the second request on the same connection has started. */
static bool start_warm(struct http_exchange *x)
{
    int64_t left_ns = x->deadline_ns - (int64_t)uv_hrtime();
    if (!x->repeat || x->cut || x->reply.failure != HTTP_OK || left_ns < WARM_LEAST_NS)
        return false;
    if (multi_is_empty(x->multi)) /* the peer does not keep the connection open */
        return false;
    x->warm = true;
    x->handshake.request_ns = 0;
    x->first_byte_ns = DELAY_UNDEFINED;
    x->replied_ns = 0;
    curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, 1L);
    /* Ends before the deadline of the whole request, so the first reply is reported in
     * time. */
    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)(left_ns * 3 / 4 / NS_PER_MS));
    multi_add(x->multi, x->easy);
    return true;
}

/* If the second request failed, its delay stays undefined; the first reply is still
 * valid. */
static void take_warm(struct http_exchange *x)
{
    long connections = 0;
    curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connections);
    if (x->replied_ns == 0 || connections != 0)
        return;
    x->reply.times.warm_first_byte_ns = x->first_byte_ns;
    x->reply.facts.warm = true;
}

static void report(struct http_exchange *x)
{
    release(x);
    x->reply.body = text_string(&x->body);
    x->reply.body_len = x->body.len;
    x->on_reply(&x->reply, x->user);
    text_free(&x->body);
    free(x);
}

/* Reports to http_dns which address was used and whether it worked. */
static void update_hosts(struct http_exchange *x)
{
    const char *address = NULL;
    struct endpoint used;
    if (x->multi != x->http->shared || x->peer[0] == '\0') /* a probe */
        return;
    curl_easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &address);
    if (x->reply.status == 0)
        http_hosts_failed(x->http->hosts, x->peer, x->peer_port);
    else if (address != NULL && endpoint_parse(&used, address, x->peer_port))
        http_hosts_worked(x->http->hosts, x->peer, x->peer_port, &used);
}

static void on_done(CURL *easy, CURLcode code, void *user)
{
    (void)easy;
    struct http_exchange *x = user;
    if (x->warm) {
        if (!take_verdict(x))
            take_warm(x);
    } else {
        if (!take_verdict(x))
            take_failure(x, code);
        take_facts(x);
        take_times(x);
        update_hosts(x);
        if (start_warm(x))
            return;
    }
    report(x);
}

/* ---- start of a request ---- */

/* Passes the known addresses of the host and the remaining time to libcurl. */
static void begin(struct http_exchange *x)
{
    const char *known = http_hosts_known(x->http->hosts, x->peer, x->peer_port);
    int64_t left_ms = (x->deadline_ns - (int64_t)uv_hrtime()) / NS_PER_MS;
    if (known != NULL) {
        x->resolve = curl_slist_append(NULL, known);
        curl_easy_setopt(x->easy, CURLOPT_RESOLVE, x->resolve);
    }
    if (x->socket < 0)
        curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, left_ms > 1 ? (long)left_ms : 1L);
    multi_add(x->multi, x->easy);
}

static void on_host(const char *error, int64_t name_ns, void *user)
{
    struct http_exchange *x = user;
    x->question = NULL;
    x->deadline_ns += name_ns;
    if (error == NULL) {
        begin(x);
        return;
    }
    x->reply.failure = HTTP_FAILED_CONNECT;
    snprintf(x->error, sizeof x->error, "name of %s: %s", x->peer, error);
    x->reply.error = x->error;
    x->reply.waited_for = "";
    report(x);
}

struct http_exchange *http_start(struct http *h, const struct http_request *request,
                                 http_header_cb *on_header, http_reply_cb *on_reply,
                                 void *user)
{
    struct http_exchange *x = mem_zalloc(sizeof *x);
    x->http = h;
    x->socket = request->socket;
    x->repeat = request->repeat && request->socket >= 0;
    x->cut_reply = request->cut_reply;
    x->handshake.socket = -1;
    x->first_byte_ns = DELAY_UNDEFINED;
    x->reply_max = request->reply_max;
    x->proxied =
        request->socket >= 0 && request->proxy != NULL && request->proxy[0] != '\0';
    x->began_ns = (int64_t)uv_hrtime();
    x->deadline_ns = x->began_ns + request->timeout_ns;
    x->on_header = on_header;
    x->on_reply = on_reply;
    x->user = user;
    x->reply.times =
        (struct http_times){DELAY_UNDEFINED, DELAY_UNDEFINED, DELAY_UNDEFINED,
                            DELAY_UNDEFINED, DELAY_UNDEFINED};
    x->easy = curl_easy_init();
    assert(x->easy != NULL); /* out of memory */
    link_exchange(x);

    x->multi = x->socket < 0 ? h->shared : take_multi(h, on_done);
    if (x->multi == NULL) {
        x->multi = h->shared;
        snprintf(x->why, sizeof x->why, "no descriptor left for a connection");
    }
    http_options_set(x, request);
    if (x->socket < 0 && x->why[0] == '\0' && x->peer[0] != '\0')
        x->question = http_hosts_ask(h->hosts, x->peer, x->peer_port,
                                     request->timeout_ns / 2, on_host, x);
    if (x->question == NULL)
        begin(x);
    return x;
}

void http_cancel(struct http_exchange *x)
{
    http_question_cancel(x->question);
    multi_remove(x->multi, x->easy);
    release(x);
    text_free(&x->body);
    free(x);
}

const struct http_reply *http_reply_so_far(struct http_exchange *x)
{
    if (!x->warm) { /* otherwise the first reply has set them */
        x->reply.failure = HTTP_FAILED_TIMEOUT;
        x->reply.waited_for = waiting_for(x);
        take_facts(x);
        take_times(x);
    }
    return &x->reply;
}

/*
 * Asked by libgnutls when it is loaded, which libcurl does on Debian, for RTMP and LDAP:
 * those are not used here, and its initialisation would keep 105 kB
 * (GNUTLS_SKIP_GLOBAL_INIT in its manual).
 */
int _gnutls_global_init_skip(void);

int _gnutls_global_init_skip(void)
{
    return 1;
}

int http_create(struct http **out, uv_loop_t *loop)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -EIO;
    int rc = guard_start();
    struct multi *shared = rc == 0 ? multi_create(loop, on_done) : NULL;
    if (rc == 0 && shared == NULL) {
        guard_stop();
        rc = -EMFILE;
    }
    if (rc < 0) {
        curl_global_cleanup();
        return rc;
    }
    struct http *h = mem_zalloc(sizeof *h);
    h->loop = loop;
    h->shared = shared;
    h->hosts = http_hosts_create(loop, NULL, NULL);
    h->trust = tls_trust_create();
    *out = h;
    return 0;
}

void http_use_uplink(struct http *h, const struct uplink *uplink, const char *servers)
{
    h->uplink = uplink;
    http_hosts_destroy(h->hosts);
    h->hosts = http_hosts_create(h->loop, servers, uplink);
}

const char *http_clock_ahead(const struct http *h, int64_t *ahead_ns)
{
    *ahead_ns = h->date_ahead_ns;
    return h->date_host[0] != '\0' ? h->date_host : NULL;
}

void http_preload(struct http *h, const char *ca_file)
{
    char why[192];
    tls_trust_store(h->trust, ca_file, why, sizeof why);
}

void http_destroy(struct http *h)
{
    if (h == NULL)
        return;
    while (h->exchanges != NULL)
        http_cancel(h->exchanges); /* NOLINT(clang-analyzer-unix.Malloc): it unlinks */
    multi_destroy(h->shared);
    multi_destroy(h->spare);
    http_hosts_destroy(h->hosts);
    tls_trust_destroy(h->trust);
    free(h);
    guard_stop();
    curl_global_cleanup();
}
