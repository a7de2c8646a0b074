/*
 * A small HTTP receiver on 127.0.0.1 in the test's loop: keeps the request bodies and gives
 * each the same answer. One request per connection.
 */
#ifndef EDGELAT_TEST_HTTP_SINK_H
#define EDGELAT_TEST_HTTP_SINK_H

#include "check.h"

#include "otlp/signal.h"

#include <arpa/inet.h>
#include <uv.h>

enum { SINK_MAX = 64 };

struct sink_request {
    enum signal signal; /* by its path */
    char *body;
    size_t len;
};

struct sink {
    uv_tcp_t listener;
    uint16_t port;
    const char *answer; /* a complete response; it must close the connection */
    struct sink_request requests[SINK_MAX];
    size_t n;
};

#define SINK_OK                                                                            \
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\nDate: Thu, 01 Jan 2026 " \
    "00:00:00 GMT\r\n\r\n"

struct sink_client {
    uv_tcp_t tcp;
    uv_write_t write;
    struct sink *sink;
    char *bytes;
    size_t len, room;
};

static inline void sink_free_client(uv_handle_t *tcp)
{
    struct sink_client *c = tcp->data;
    free(c->bytes);
    free(c);
}

static inline void sink_written(uv_write_t *write, int status)
{
    (void)status;
    uv_close((uv_handle_t *)write->handle, sink_free_client);
}

/* True when the request is complete; then it is kept. */
static inline bool sink_take(struct sink_client *c)
{
    char *end = memmem(c->bytes, c->len, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    *end = '\0';
    const char *length = strcasestr(c->bytes, "Content-Length:");
    size_t head = (size_t)(end + 4 - c->bytes), body = strtoul(length + 15, NULL, 10);
    bool whole = c->len == head + body;
    *end = '\r';
    if (!whole)
        return false;
    CHECK(c->sink->n < SINK_MAX, "a bounded number of requests");
    struct sink_request *r = &c->sink->requests[c->sink->n++];
    bool logs = strncmp(c->bytes, "POST /v1/logs ", 14) == 0;
    CHECK(logs || strncmp(c->bytes, "POST /v1/metrics ", 17) == 0, "%.20s", c->bytes);
    r->signal = logs ? SIGNAL_LOGS : SIGNAL_METRICS;
    r->body = malloc(body);
    r->len = body;
    memcpy(r->body, c->bytes + head, body);
    return true;
}

static inline void sink_room(uv_handle_t *tcp, size_t hint, uv_buf_t *out)
{
    struct sink_client *c = tcp->data;
    if (c->room - c->len < hint + 1)
        c->bytes = realloc(c->bytes, c->room = 2 * (c->room + hint));
    *out = uv_buf_init(c->bytes + c->len, (unsigned)hint);
}

static inline void sink_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *unused)
{
    struct sink_client *c = tcp->data;
    (void)unused;
    if (n < 0) {
        uv_close((uv_handle_t *)tcp, sink_free_client);
        return;
    }
    c->len += (size_t)n;
    c->bytes[c->len] = '\0';
    if (!sink_take(c))
        return;
    uv_read_stop(tcp);
    uv_buf_t out =
        uv_buf_init((char *)c->sink->answer, (unsigned)strlen(c->sink->answer));
    uv_write(&c->write, tcp, &out, 1, sink_written);
}

static inline void sink_accept(uv_stream_t *listener, int status)
{
    CHECK_INT(0, status, "a connection");
    struct sink_client *c = calloc(1, sizeof *c);
    c->sink = listener->data;
    uv_tcp_init(listener->loop, &c->tcp);
    c->tcp.data = c;
    uv_accept(listener, (uv_stream_t *)&c->tcp);
    uv_read_start((uv_stream_t *)&c->tcp, sink_room, sink_read);
}

static inline void sink_begin(struct sink *s, uv_loop_t *loop)
{
    struct sockaddr_in a;
    int len = sizeof a;
    *s = (struct sink){.answer = SINK_OK};
    uv_tcp_init(loop, &s->listener);
    s->listener.data = s;
    uv_ip4_addr("127.0.0.1", 0, &a);
    CHECK_INT(0, uv_tcp_bind(&s->listener, (struct sockaddr *)&a, 0), "bound");
    CHECK_INT(0, uv_listen((uv_stream_t *)&s->listener, 16, sink_accept), "listens");
    uv_tcp_getsockname(&s->listener, (struct sockaddr *)&a, &len);
    s->port = ntohs(a.sin_port);
}

static inline size_t sink_count(const struct sink *s, enum signal signal)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->requests[i].signal == signal;
    return n;
}

/* The newest request of a signal, or NULL. */
static inline const struct sink_request *sink_last(const struct sink *s,
                                                   enum signal signal)
{
    for (size_t i = s->n; i > 0; i--)
        if (s->requests[i - 1].signal == signal)
            return &s->requests[i - 1];
    return NULL;
}

static inline void sink_end(struct sink *s)
{
    uv_close((uv_handle_t *)&s->listener, NULL);
    for (size_t i = 0; i < s->n; i++)
        free(s->requests[i].body);
}

#endif
