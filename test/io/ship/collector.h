/*
 * A collector that misbehaves as it is told, and keeps account of what it got: batches
 * that say their number ("batch N"), each with its bytes.
 */
#ifndef EDGELAT_TEST_COLLECTOR_H
#define EDGELAT_TEST_COLLECTOR_H

#include "check.h"
#include "core/time.h"
#include "otlp/gzip.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <uv.h>

enum { NUMBERS_MAX = 4096, CHUNK = 64 * 1024 };
#define HUGE_REPLY (UINT64_C(1) << 30)

enum conduct {
    TAKE,         /* 200 */
    SAY_500,      /* not to be sent again, says OTLP; the field means the contrary */
    SAY_503,      /* to be sent again */
    SAY_429,      /* the same, but it works */
    CUT_BODY,     /* reset when half of the body is there */
    CUT_REPLY,    /* took it, and reset before it said so */
    DRIP,         /* 200, one byte a second */
    HUGE_503,     /* with a body of 1 GiB */
    ENDLESS_HEAD, /* 200, and headers without an end */
};

struct collected {
    unsigned whole;    /* times that all of it came */
    unsigned accepted; /* times that 200 was said */
    void *bytes;       /* as they came first */
    size_t len;
};

struct fake_collector;
struct caller {
    uv_tcp_t tcp;
    uv_write_t write;
    uv_timer_t timer;
    struct fake_collector *at;
    struct caller *next;
    char *got;
    size_t len, room;
    bool begun; /* the head of a request is there: its conduct is chosen */
    enum conduct conduct;
    size_t said; /* bytes of a slow reply */
    int open;    /* handles */
};

struct fake_collector {
    uv_loop_t *loop;
    uv_tcp_t *listener; /* NULL: it is down */
    uint16_t port;
    struct caller *callers;
    enum conduct (*conduct_of)(struct fake_collector *c,
                               unsigned request); /* NULL: TAKE */
    unsigned requests, calls;
    unsigned last;        /* number that was accepted last */
    bool out_of_order;    /* of those accepted */
    uint64_t reply_bytes; /* that could be sent */
    struct collected all[NUMBERS_MAX];
};

/* ---- account ---- */

static inline unsigned collector_number(const void *bytes, size_t len)
{
    void *unpacked;
    size_t n;
    char text[32];
    unsigned number;
    CHECK_INT(0, gzip_unpack(bytes, len, 16u << 20, &unpacked, &n), "a whole batch");
    snprintf(text, sizeof text, "%.*s", (int)(n < 20 ? n : 20), (const char *)unpacked);
    free(unpacked);
    CHECK(sscanf(text, "batch %u", &number) == 1 && number < NUMBERS_MAX, "'%s'", text);
    return number;
}

static inline unsigned collector_note(struct fake_collector *c, const void *bytes,
                                      size_t len)
{
    unsigned number = collector_number(bytes, len);
    struct collected *one = &c->all[number];
    if (one->whole++ == 0) {
        one->bytes = malloc(len);
        memcpy(one->bytes, bytes, len);
        one->len = len;
    }
    CHECK(one->len == len && memcmp(one->bytes, bytes, len) == 0,
          "%u came again with other bytes", number);
    return number;
}

static inline void collector_accept(struct fake_collector *c, unsigned number)
{
    c->all[number].accepted++;
    c->out_of_order |= number <= c->last;
    c->last = number;
}

static inline unsigned collector_accepted(const struct fake_collector *c)
{
    unsigned n = 0;
    for (unsigned i = 0; i < NUMBERS_MAX; i++)
        n += c->all[i].accepted;
    return n;
}

/* ---- callers ---- */

static inline void caller_closed(uv_handle_t *handle)
{
    struct caller *k = handle->data;
    if (--k->open > 0)
        return;
    struct caller **at = &k->at->callers;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    free(k->got);
    free(k);
}

static inline void caller_hang_up(struct caller *k, bool reset)
{
    if (uv_is_closing((uv_handle_t *)&k->tcp))
        return;
    uv_close((uv_handle_t *)&k->timer, caller_closed);
    if (!reset || uv_tcp_close_reset(&k->tcp, caller_closed) < 0)
        uv_close((uv_handle_t *)&k->tcp, caller_closed);
}

static inline void caller_written(uv_write_t *write, int status)
{
    struct caller *k = write->handle->data;
    if (status < 0)
        caller_hang_up(k, false);
}

static inline void caller_say(struct caller *k, const char *text)
{
    uv_buf_t buffer = uv_buf_init((char *)text, (unsigned)strlen(text));
    uv_write(&k->write, (uv_stream_t *)&k->tcp, &buffer, 1, caller_written);
}

static const char slow_reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

static inline void caller_drip(uv_timer_t *timer)
{
    struct caller *k = timer->data;
    uv_buf_t buffer = uv_buf_init((char *)slow_reply + k->said, 1);
    if (k->said++ < sizeof slow_reply - 1)
        uv_try_write((uv_stream_t *)&k->tcp, &buffer, 1);
}

/* More and more of it, until it is all or nobody wants it. */
static inline void caller_pour(uv_write_t *write, int status)
{
    static char zeros[CHUNK], header[CHUNK];
    struct caller *k = write->handle->data;
    k->at->reply_bytes += status < 0 ? 0 : CHUNK;
    if (status < 0 || k->at->reply_bytes >= HUGE_REPLY) {
        caller_hang_up(k, false);
        return;
    }
    for (size_t i = 0; i < CHUNK; i += 1024) { /* lines of 1 KiB */
        memset(header + i, 'a', 1022);
        memcpy(header + i, "X-A: ", 5);
        memcpy(header + i + 1022, "\r\n", 2);
    }
    uv_buf_t buffer = uv_buf_init(k->conduct == ENDLESS_HEAD ? header : zeros, CHUNK);
    uv_write(&k->write, (uv_stream_t *)&k->tcp, &buffer, 1, caller_pour);
}

static inline void caller_begin_to_pour(struct caller *k, const char *head)
{
    uv_buf_t buffer = uv_buf_init((char *)head, (unsigned)strlen(head));
    k->at->reply_bytes = 0;
    uv_write(&k->write, (uv_stream_t *)&k->tcp, &buffer, 1, caller_pour);
}

static inline void caller_answer(struct caller *k, unsigned number)
{
    switch (k->conduct) {
    case TAKE:
        collector_accept(k->at, number);
        caller_say(k, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        break;
    case SAY_500:
        caller_say(k, "HTTP/1.1 500 Broken\r\nContent-Length: 4\r\n\r\noops");
        break;
    case SAY_503:
        caller_say(k, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        break;
    case SAY_429:
        caller_say(k, "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n");
        break;
    case DRIP:
        k->said = 0;
        uv_timer_start(&k->timer, caller_drip, 0, 1000);
        break;
    case HUGE_503:
        caller_begin_to_pour(k, "HTTP/1.1 503 X\r\nContent-Length: 1073741824\r\n\r\n");
        break;
    case ENDLESS_HEAD:
        caller_begin_to_pour(k, "HTTP/1.1 200 OK\r\n");
        break;
    case CUT_BODY:
    case CUT_REPLY:
        caller_hang_up(k, true);
        break;
    }
}

/* False: not all of a request is there. */
static inline bool caller_take(struct caller *k)
{
    struct fake_collector *c = k->at;
    k->got[k->len] = '\0';
    const char *end = strstr(k->got, "\r\n\r\n"), *length;
    if (end == NULL || (length = strcasestr(k->got, "\r\nContent-Length:")) == NULL)
        return false;
    if (!k->begun) {
        k->conduct = c->conduct_of != NULL ? c->conduct_of(c, c->requests) : TAKE;
        k->begun = true;
        c->requests++;
    }
    size_t head = (size_t)(end + 4 - k->got), body = strtoul(length + 17, NULL, 10);
    if (k->conduct == CUT_BODY && k->len >= head + body / 2) {
        caller_hang_up(k, true);
        return false;
    }
    if (k->len < head + body)
        return false;
    unsigned number = collector_note(c, k->got + head, body);
    k->len -= head + body;
    memmove(k->got, k->got + head + body, k->len);
    k->begun = false;
    caller_answer(k, number);
    return true;
}

static inline void caller_room(uv_handle_t *handle, size_t hint, uv_buf_t *out)
{
    struct caller *k = handle->data;
    (void)hint;
    if (k->room - k->len < CHUNK)
        k->got = realloc(k->got, (k->room = k->len + 4 * CHUNK));
    *out = uv_buf_init(k->got + k->len, CHUNK - 1);
}

static inline void caller_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *unused)
{
    struct caller *k = stream->data;
    (void)unused;
    if (n < 0) {
        caller_hang_up(k, false);
        return;
    }
    k->len += (size_t)n;
    while (!uv_is_closing((uv_handle_t *)&k->tcp) && caller_take(k))
        ;
}

static inline void collector_called(uv_stream_t *listener, int status)
{
    struct fake_collector *c = listener->data;
    CHECK_INT(0, status, "a connection");
    struct caller *k = calloc(1, sizeof *k);
    k->at = c;
    k->next = c->callers;
    c->callers = k;
    c->calls++;
    k->open = 2;
    uv_tcp_init(c->loop, &k->tcp);
    uv_timer_init(c->loop, &k->timer);
    k->tcp.data = k->timer.data = k;
    CHECK_INT(0, uv_accept(listener, (uv_stream_t *)&k->tcp), "accepted");
    uv_read_start((uv_stream_t *)&k->tcp, caller_room, caller_read);
}

/* ---- up and down ---- */

static inline void collector_up(struct fake_collector *c)
{
    struct sockaddr_in a;
    int len = sizeof a, little = 16 * 1024;
    c->listener = malloc(sizeof *c->listener);
    uv_tcp_init(c->loop, c->listener);
    c->listener->data = c;
    uv_ip4_addr("127.0.0.1", c->port, &a);
    CHECK_INT(0, uv_tcp_bind(c->listener, (struct sockaddr *)&a, 0), "bound");
    uv_recv_buffer_size((uv_handle_t *)c->listener, &little); /* a body comes in pieces */
    CHECK_INT(0, uv_listen((uv_stream_t *)c->listener, 16, collector_called), "listens");
    uv_tcp_getsockname(c->listener, (struct sockaddr *)&a, &len);
    c->port = ntohs(a.sin_port);
}

static inline void collector_free_listener(uv_handle_t *handle)
{
    free(handle);
}

static inline void collector_down(struct fake_collector *c)
{
    if (c->listener != NULL)
        uv_close((uv_handle_t *)c->listener, collector_free_listener);
    c->listener = NULL;
    for (struct caller *k = c->callers; k != NULL; k = k->next)
        caller_hang_up(k, true);
}

static inline void collector_begin(struct fake_collector *c, uv_loop_t *loop)
{
    c->loop = loop;
    collector_up(c);
}

/* The loop must turn once more. */
static inline void collector_end(struct fake_collector *c)
{
    collector_down(c);
    for (unsigned i = 0; i < NUMBERS_MAX; i++)
        free(c->all[i].bytes);
}

#endif
