/*
 * A shipper over a spool, and up to two collectors that say what they are told, one
 * answer a connection.
 */
#ifndef EDGELAT_TEST_SHIPPER_BED_H
#define EDGELAT_TEST_SHIPPER_BED_H

#include "io/spool/spool_bed.h"
#include "ship/shipper.h"

enum { REQUESTS_MAX = 16, BODY_MAX = 512 };

/* ---- a collector that says what it is told, one answer a connection ---- */

struct request {
    char head[1024];
    char body[BODY_MAX];
    size_t body_len;
    uint64_t at;
};

struct answer {
    const char *bytes;
    size_t len; /* 0: a text */
};

struct collector_peer {
    uv_tcp_t listener, clients[REQUESTS_MAX];
    uv_write_t writes[REQUESTS_MAX];
    const struct answer *answers; /* the last one again and again */
    size_t n_answers, n_clients, n;
    struct request requests[REQUESTS_MAX];
    char got[REQUESTS_MAX][2048];
    size_t got_len[REQUESTS_MAX];
};

struct bed {
    struct spool_bed spool;
    struct collector_peer peer, backup;
    struct config config;
    struct collector *collector; /* the first one */
    struct http *http;
    struct shipper *shipper;
    uv_timer_t limit;
    uint64_t until;
    bool too_long;
    int idle;
};

static inline void close_client(uv_write_t *w, int status)
{
    (void)status;
    uv_close((uv_handle_t *)w->handle, NULL);
}

static inline void room(uv_handle_t *client, size_t hint, uv_buf_t *out)
{
    struct collector_peer *p = client->data;
    size_t i = (size_t)((uv_tcp_t *)client - p->clients);
    (void)hint;
    *out = uv_buf_init(p->got[i] + p->got_len[i],
                       (unsigned)(sizeof p->got[i] - 1 - p->got_len[i]));
}

/* True: all of the request is there, and is noted. */
static inline bool take_request(struct collector_peer *p, size_t i)
{
    p->got[i][p->got_len[i]] = '\0';
    const char *end = strstr(p->got[i], "\r\n\r\n"), *length;
    if (end == NULL || (length = strcasestr(p->got[i], "Content-Length:")) == NULL)
        return false;
    size_t head = (size_t)(end + 4 - p->got[i]), body = strtoul(length + 15, NULL, 10);
    if (p->got_len[i] < head + body)
        return false;
    struct request *r = &p->requests[p->n++];
    CHECK(head < sizeof r->head && body <= sizeof r->body, "a request of %zu bytes",
          body);
    memcpy(r->head, p->got[i], head);
    memcpy(r->body, p->got[i] + head, body);
    r->body_len = body;
    r->at = uv_hrtime();
    return true;
}

static inline void on_read(uv_stream_t *client, ssize_t n, const uv_buf_t *unused)
{
    struct collector_peer *p = client->data;
    size_t i = (size_t)((uv_tcp_t *)client - p->clients);
    (void)unused;
    if (n < 0) {
        uv_close((uv_handle_t *)client, NULL);
        return;
    }
    p->got_len[i] += (size_t)n;
    if (!take_request(p, i))
        return;
    uv_read_stop(client);
    const struct answer *a =
        &p->answers[p->n - 1 < p->n_answers ? p->n - 1 : p->n_answers - 1];
    uv_buf_t buffer =
        uv_buf_init((char *)a->bytes, (unsigned)(a->len > 0 ? a->len : strlen(a->bytes)));
    uv_write(&p->writes[i], client, &buffer, 1, close_client);
}

static inline void on_accept(uv_stream_t *listener, int status)
{
    struct collector_peer *p = listener->data;
    CHECK(status == 0 && p->n_clients < REQUESTS_MAX, "too many connections");
    uv_tcp_t *client = &p->clients[p->n_clients++];
    uv_tcp_init(listener->loop, client);
    client->data = p;
    uv_accept(listener, (uv_stream_t *)client);
    uv_read_start((uv_stream_t *)client, room, on_read);
}

static inline int peer_listen(struct collector_peer *p, uv_loop_t *loop, uint16_t port)
{
    struct sockaddr_in a;
    int len = sizeof a;
    uv_tcp_init(loop, &p->listener);
    p->listener.data = p;
    uv_ip4_addr("127.0.0.1", port, &a);
    CHECK_INT(0, uv_tcp_bind(&p->listener, (struct sockaddr *)&a, 0), "bound");
    CHECK_INT(0, uv_listen((uv_stream_t *)&p->listener, 4, on_accept), "listens");
    uv_tcp_getsockname(&p->listener, (struct sockaddr *)&a, &len);
    return ntohs(a.sin_port);
}

/* ---- the bed ---- */

static inline void wake(void *user)
{
    struct bed *b = user;
    if (b->shipper != NULL)
        shipper_wake(b->shipper);
}

/* Ticks: uv_run() may call back from a timer and then still wait for something else. */
static inline void on_limit(uv_timer_t *timer)
{
    struct bed *b = timer->data;
    b->too_long = uv_hrtime() > b->until;
}

static inline void set_limit(struct bed *b, uint64_t ms)
{
    b->too_long = false;
    b->until = uv_hrtime() + ms * NS_PER_MS;
    uv_timer_start(&b->limit, on_limit, 10, 10);
}

static inline void on_idle(void *user)
{
    ((struct bed *)user)->idle++;
}

/* `batches` in the spool, and a collector at `port` (0: any); without answers none
 * listens. */
static inline struct bed *begin(const struct answer *answers, size_t n, unsigned batches)
{
    struct bed *b = calloc(1, sizeof *b);
    bed_begin(&b->spool);
    b->spool.on_ready = wake;
    b->spool.user = b;
    bed_open(&b->spool, wide);
    for (unsigned i = 1; i <= batches; i++)
        bed_add(&b->spool, i);
    bed_written(&b->spool, batches);

    b->peer.answers = answers;
    b->peer.n_answers = n;
    b->config = config_default();
    b->config.shipping.catch_up = 0;
    b->collector = &b->config.collectors[0];
    int port = n > 0 ? peer_listen(&b->peer, &b->spool.loop, 0) : child_free_port();
    snprintf(b->collector->url, sizeof b->collector->url, "http://u:secret@127.0.0.1:%d/",
             port);
    b->collector->timeout_ns = 2 * NS_PER_S;
    uv_timer_init(&b->spool.loop, &b->limit);
    b->limit.data = b;
    CHECK_INT(0, http_create(&b->http, &b->spool.loop), "http");
    return b;
}

static inline void start(struct bed *b)
{
    CHECK_INT(0,
              shipper_create(&b->shipper, &b->spool.loop, b->http, b->spool.spool,
                             &b->config, check_seed()),
              "created");
    shipper_wake(b->shipper);
}

static inline struct shipper_counters counters(const struct bed *b)
{
    return shipper_counters(b->shipper);
}

static inline uint64_t waiting(const struct bed *b)
{
    return spool_counters(b->spool.spool).waiting;
}

/* Runs for `ms`. */
static inline void run_for(struct bed *b, unsigned ms)
{
    set_limit(b, ms);
    while (!b->too_long)
        uv_run(&b->spool.loop, UV_RUN_ONCE);
    uv_timer_stop(&b->limit);
}

#define RUN_UNTIL(b, condition)                                                          \
    do {                                                                                 \
        set_limit((b), 8000);                                                            \
        while (!(condition) && !(b)->too_long)                                           \
            uv_run(&(b)->spool.loop, UV_RUN_ONCE);                                       \
        uv_timer_stop(&(b)->limit);                                                      \
        CHECK(!(b)->too_long, "8 s and not yet: %s", #condition);                        \
    } while (0)

static inline void end(struct bed *b)
{
    shipper_destroy(b->shipper);
    b->shipper = NULL;
    http_destroy(b->http);
    uv_close((uv_handle_t *)&b->limit, NULL);
    if (b->peer.listener.data != NULL)
        uv_close((uv_handle_t *)&b->peer.listener, NULL);
    if (b->backup.listener.data != NULL)
        uv_close((uv_handle_t *)&b->backup.listener, NULL);
    bed_end(&b->spool);
    free(b);
}

static inline unsigned sent(const struct bed *b, size_t i)
{
    return number_of(b->peer.requests[i].body, b->peer.requests[i].body_len);
}

static inline void check_same(const struct bed *b, size_t i, size_t j)
{
    const struct request *x = &b->peer.requests[i], *y = &b->peer.requests[j];
    CHECK(x->body_len == y->body_len && memcmp(x->body, y->body, x->body_len) == 0,
          "requests %zu and %zu are not the same bytes", i, j);
}

#define REPLY(status, headers, body)                                                     \
    {                                                                                    \
        "HTTP/1.1 " status "\r\nConnection: close\r\n" headers "\r\n" body, 0            \
    }
#define OK REPLY("200 OK", "Content-Length: 0\r\n", "")

#endif
