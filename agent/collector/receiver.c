#include "collector/receiver.h"

#include "base/log.h"
#include "base/mem.h"
#include "collector/received.h"
#include "net/socket.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "otlp/read.h"
#include "otlp/stop.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROTOBUF "application/x-protobuf"

enum {
    HEADERS_MAX = 16 << 10,
    LIBRARY_BODY_MAX = 4 * RECEIVER_BODY_MAX, /* past that libevent answers, in HTML */
    SILENCE_S = 30,
    BACKLOG = 64,
    CONNECTIONS_MAX = 256,
    OTHER_DESCRIPTORS =
        16,              /* that are no connections: ours, the folder, a batch's file */
    HELD_MAX = 64 << 20, /* bytes read of unfinished requests, all connections */
    PAUSE_S = 1,         /* after accept() failed */
    FORBIDDEN = 403,
    UNSUPPORTED_MEDIA_TYPE = 415,
};

struct connection {
    struct receiver *receiver;
    struct bufferevent *stream;
    struct evhttp_connection *http; /* NULL until adopted */
    size_t held;                    /* bytes read since the last whole request */
    TAILQ_ENTRY(connection) link;
};

TAILQ_HEAD(connections, connection);

struct receiver {
    struct event_base *base;
    struct evhttp *http;
    struct event *signals[2];
    struct evconnlistener *listener;
    struct event *resume, *relieve;
    struct connections
        connections; /* the one without a whole request for longest first */
    size_t n_connections, connections_max, held;
    bool said_paused, said_again, said_full, said_held; /* each is logged once */
    struct received received;
    bool stores;
    uint16_t port;
    char stop[sizeof STOP_PROBING + STOP_REASON_MAX]; /* "" is none */
    receiver_batch_cb *on_batch;
    void *user;
};

/* ---- connections ---- */

/*
 * libevent 2.1 limits neither their number nor what all of them hold. When there are too
 * many, or they hold too much, the one that has sent no whole request for longest is
 * closed: it is idle or slow. A batch takes an agent milliseconds, and it tries again.
 */
static void close_oldest(struct receiver *r)
{
    evhttp_connection_free(TAILQ_FIRST(&r->connections)->http);
}

static void on_closed(struct evhttp_connection *http, void *user)
{
    struct connection *c = user;
    struct receiver *r = c->receiver;
    (void)http;
    TAILQ_REMOVE(&r->connections, c, link);
    r->n_connections--;
    r->held -= c->held;
    free(c);
}

/* libevent 2.1 has no callback for a new connection, but it is the argument of those that
 * it has set for the stream meanwhile. */
static void adopt(struct connection *c)
{
    void *http;
    bufferevent_getcb(c->stream, NULL, NULL, NULL, &http);
    c->http = http;
    evhttp_connection_set_closecb(c->http, on_closed, c);
}

static void make_room(struct receiver *r, size_t most)
{
    struct connection *c = NULL;
    TAILQ_FOREACH_REVERSE(c, &r->connections, connections, link)
    {
        if (c->http != NULL)
            break; /* new ones are at the end */
        adopt(c);
    }
    if (r->n_connections > most && !r->said_full) {
        r->said_full = true;
        log_warn("receiver",
                 "more than %zu connections; closing those that are idle or slow for "
                 "longest; raise `ulimit -n` up to %d, or send to an OpenTelemetry "
                 "Collector",
                 r->connections_max, CONNECTIONS_MAX + OTHER_DESCRIPTORS);
    }
    if (r->held > HELD_MAX && !r->said_held) {
        r->said_held = true;
        log_warn("receiver",
                 "unfinished requests hold more than %d MiB; closing the oldest; see who "
                 "sends that much, or send to an OpenTelemetry Collector",
                 HELD_MAX >> 20);
    }
    while (r->n_connections > most || r->held > HELD_MAX)
        close_oldest(r);
}

static void relieve(evutil_socket_t fd, short what, void *user)
{
    struct receiver *r = user;
    (void)fd;
    (void)what;
    make_room(r, r->connections_max);
}

/* Nothing may be freed from here: the buffer is in use. */
static void on_bytes(struct evbuffer *buffer, const struct evbuffer_cb_info *info,
                     void *user)
{
    struct connection *c = user;
    (void)buffer;
    c->held += info->n_added;
    c->receiver->held += info->n_added;
    if (c->receiver->held > HELD_MAX)
        event_active(c->receiver->relieve, EV_TIMEOUT, 0);
}

static void on_whole_request(struct receiver *r, struct evhttp_request *q)
{
    struct evhttp_connection *http = evhttp_request_get_connection(q);
    struct connection *c = TAILQ_FIRST(&r->connections);
    while (c->http != http)
        c = TAILQ_NEXT(c, link);
    TAILQ_REMOVE(&r->connections, c, link);
    TAILQ_INSERT_TAIL(&r->connections, c, link);
    r->held -= c->held;
    c->held = evbuffer_get_length(bufferevent_get_input(c->stream));
    r->held += c->held;
}

/* The stream of a connection that has just been accepted. */
static struct bufferevent *on_accepted(struct event_base *base, void *user)
{
    struct receiver *r = user;
    make_room(r, r->connections_max - 1);
    struct connection *c = mem_zalloc(sizeof *c);
    c->receiver = r;
    c->stream = bufferevent_socket_new(base, -1, 0);
    /* what comes behind a request waits in the kernel; a chunk has to fit */
    bufferevent_setwatermark(c->stream, EV_READ, 0, LIBRARY_BODY_MAX + HEADERS_MAX);
    evbuffer_add_cb(bufferevent_get_input(c->stream), on_bytes, c);
    TAILQ_INSERT_TAIL(&r->connections, c, link);
    r->n_connections++;
    event_active(r->relieve, EV_TIMEOUT, 0);
    if (r->said_paused && !r->said_again) {
        r->said_again = true;
        log_info("receiver", "accepting connections again");
    }
    return c->stream;
}

static void resume(evutil_socket_t fd, short what, void *user)
{
    struct receiver *r = user;
    (void)fd;
    (void)what;
    evconnlistener_enable(r->listener);
}

/* libevent gives the callback of a failed accept() its own argument, not ours. */
static struct receiver *listening;

static void on_accept_failed(struct evconnlistener *listener, void *library)
{
    struct receiver *r = listening;
    (void)library;
    int reason = errno;
    evconnlistener_disable(listener);
    event_add(r->resume, &(struct timeval){.tv_sec = PAUSE_S});
    if (!r->said_paused)
        log_warn("receiver",
                 "cannot accept connections: %s; raise `ulimit -n`, or see what else "
                 "uses this host; trying every second",
                 strerror(reason));
    r->said_paused = true;
    if (!TAILQ_EMPTY(&r->connections))
        close_oldest(r);
}

static size_t most_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
        limit.rlim_cur >= CONNECTIONS_MAX + OTHER_DESCRIPTORS)
        return CONNECTIONS_MAX;
    return limit.rlim_cur > OTHER_DESCRIPTORS ? limit.rlim_cur - OTHER_DESCRIPTORS : 1;
}

/* ---- answers ---- */

static void answer(struct evhttp_request *q, int status, const char *sentence)
{
    struct evbuffer *body = evbuffer_new();
    evhttp_add_header(evhttp_request_get_output_headers(q), "Content-Type", "text/plain");
    evbuffer_add_printf(body, "%s\n", sentence);
    evhttp_send_reply(q, status, NULL, body);
    evbuffer_free(body);
}

/* An empty response has no bytes, whatever the signal. */
static void answer_accepted(struct evhttp_request *q)
{
    evhttp_add_header(evhttp_request_get_output_headers(q), "Content-Type", PROTOBUF);
    evhttp_send_reply(q, HTTP_OK, "OK", NULL);
}

/* ---- what is wrong with a request, before its body is looked at ---- */

struct refusal {
    int status; /* 0: none */
    const char *sentence;
};

static const char *header(struct evhttp_request *q, const char *name)
{
    const char *value = evhttp_find_header(evhttp_request_get_input_headers(q), name);
    return value == NULL ? "" : value;
}

/* "application/x-protobuf", with parameters or without. */
static bool is_protobuf(const char *type)
{
    size_t len = strcspn(type, "; \t");
    return len == strlen(PROTOBUF) && strncasecmp(type, PROTOBUF, len) == 0;
}

static bool is_gzip(struct evhttp_request *q)
{
    return strcasecmp(header(q, "Content-Encoding"), "gzip") == 0;
}

/* By the path; SIGNALS: there is none. */
static enum signal signal_of(struct evhttp_request *q)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(q));
    enum signal signal = 0;
    while (signal < SIGNALS && (path == NULL || strcmp(path, signal_path(signal)) != 0))
        signal++;
    return signal;
}

static struct refusal refuse(const struct receiver *r, struct evhttp_request *q)
{
    const char *encoding = header(q, "Content-Encoding");
    size_t len = evbuffer_get_length(evhttp_request_get_input_buffer(q));

    if (signal_of(q) == SIGNALS)
        return (struct refusal){HTTP_NOTFOUND,
                                "Metrics go to /v1/metrics, logs to /v1/logs."};
    if (evhttp_request_get_command(q) != EVHTTP_REQ_POST)
        return (struct refusal){HTTP_BADMETHOD, "Batches come by POST."};
    if (!is_protobuf(header(q, "Content-Type")))
        return (struct refusal){UNSUPPORTED_MEDIA_TYPE,
                                "The content type has to be " PROTOBUF "."};
    if (encoding[0] != '\0' && strcasecmp(encoding, "identity") != 0 && !is_gzip(q))
        return (struct refusal){UNSUPPORTED_MEDIA_TYPE,
                                "The content encoding has to be gzip, or none."};
    if (len > RECEIVER_BODY_MAX)
        return (struct refusal){HTTP_ENTITYTOOLARGE,
                                "The body is larger than 4 MiB; send smaller batches."};
    if (r->stop[0] != '\0')
        return (struct refusal){FORBIDDEN, r->stop};
    return (struct refusal){0};
}

/* ---- the body ---- */

struct body { /* as it came, or unpacked */
    void *bytes;
    size_t len;
};

static struct refusal unpack(struct body *plain, const struct body *came)
{
    int rc =
        gzip_unpack(came->bytes, came->len, OTLP_BYTES_MAX, &plain->bytes, &plain->len);
    if (rc == -EMSGSIZE)
        return (struct refusal){HTTP_ENTITYTOOLARGE,
                                "Unpacked the body is larger than 16 MiB."};
    if (rc < 0)
        return (struct refusal){HTTP_BADREQUEST, "The body is not one whole gzip."};
    return (struct refusal){0};
}

static int store(struct receiver *r, enum signal signal, const struct body *came,
                 bool gzip)
{
    if (!r->stores)
        return 0;
    if (gzip)
        return received_store(&r->received, signal, came->bytes, came->len);
    size_t len;
    void *packed = gzip_pack(came->bytes, came->len, &len);
    int rc = received_store(&r->received, signal, packed, len);
    free(packed);
    return rc;
}

static struct refusal accept_batch(struct receiver *r, enum signal signal,
                                   const struct body *came, bool gzip)
{
    struct body plain = *came;
    struct refusal refusal = gzip ? unpack(&plain, came) : (struct refusal){0};
    if (refusal.status != 0)
        return refusal;
    ProtobufCMessage *request = otlp_read(signal, plain.bytes, plain.len);
    if (gzip)
        free(plain.bytes);
    if (request == NULL)
        return (struct refusal){HTTP_BADREQUEST,
                                signal == SIGNAL_LOGS
                                    ? "The body is not an ExportLogsServiceRequest."
                                    : "The body is not an ExportMetricsServiceRequest."};
    int rc = store(r, signal, came, gzip);
    if (rc == 0)
        r->on_batch(signal, request, came->len, r->user);
    otlp_read_free(request);
    if (rc == 0)
        return (struct refusal){0};
    log_warn("receiver", "cannot store a batch: %s; the sender is asked to try again",
             strerror(-rc));
    return (struct refusal){HTTP_SERVUNAVAIL, "The batch cannot be stored."};
}

static void on_request(struct evhttp_request *q, void *user)
{
    on_whole_request(user, q);
    struct refusal refusal = refuse(user, q);
    if (refusal.status == 0) {
        struct evbuffer *in = evhttp_request_get_input_buffer(q);
        struct body came = {.len = evbuffer_get_length(in)};
        came.bytes = evbuffer_pullup(in, -1);
        refusal = accept_batch(user, signal_of(q), &came, is_gzip(q));
    }
    if (refusal.status == HTTP_BADMETHOD)
        evhttp_add_header(evhttp_request_get_output_headers(q), "Allow", "POST");
    if (refusal.status == 0)
        answer_accepted(q);
    else
        answer(q, refusal.status, refusal.sentence);
}

/* ---- the server ---- */

static int listen_on(struct receiver *r, const struct endpoint *at)
{
    struct sockaddr_storage address;
    socklen_t len = sockaddr_of(&address, at);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (at->family ==
        FAMILY_IPV6) /* "::" is IPv4's, too, whatever the system's default */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    struct evhttp_bound_socket *bound = NULL;
    if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
        (bound = evhttp_accept_socket_with_handle(r->http, fd)) == NULL) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    r->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(r->listener, on_accept_failed);
    listening = r;
    r->port = sockaddr_endpoint((struct sockaddr *)&address).port;
    return 0;
}

static void on_signal(evutil_socket_t number, short what, void *base)
{
    (void)number;
    (void)what;
    event_base_loopbreak(base);
}

static void start(struct receiver *r)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    r->base = event_base_new();
    r->http = evhttp_new(r->base);
    evhttp_set_allowed_methods(r->http, UINT16_MAX); /* the others get status 405 */
    evhttp_set_max_headers_size(r->http, HEADERS_MAX);
    evhttp_set_max_body_size(r->http, LIBRARY_BODY_MAX);
    evhttp_set_timeout(r->http, SILENCE_S);
    evhttp_set_bevcb(r->http, on_accepted, r);
    evhttp_set_gencb(r->http, on_request, r);
    TAILQ_INIT(&r->connections);
    r->connections_max = most_connections();
    r->resume = evtimer_new(r->base, resume, r);
    r->relieve = evtimer_new(r->base, relieve, r);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        r->signals[i] = evsignal_new(r->base, numbers[i], on_signal, r->base);
        evsignal_add(r->signals[i], NULL);
    }
}

int receiver_create(struct receiver **out, const struct endpoint *at, const char *dir,
                    receiver_batch_cb *on_batch, void *user, const char **why)
{
    struct receiver *r = mem_zalloc(sizeof *r);
    r->on_batch = on_batch;
    r->user = user;
    *why = "the folder cannot be used";
    int rc = dir == NULL ? 0 : received_open(&r->received, dir);
    if (rc < 0) {
        free(r);
        return rc;
    }
    r->stores = dir != NULL;
    start(r);
    *why = "cannot listen there";
    rc = listen_on(r, at);
    if (rc < 0)
        receiver_destroy(r);
    else
        *out = r;
    return rc;
}

void receiver_destroy(struct receiver *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < sizeof r->signals / sizeof *r->signals; i++)
        event_free(r->signals[i]);
    evhttp_free(r->http);
    event_free(r->resume);
    event_free(r->relieve);
    event_base_free(r->base);
    if (r->stores)
        received_close(&r->received);
    free(r);
}

void receiver_stop_probing(struct receiver *r, const char *reason)
{
    snprintf(r->stop, sizeof r->stop, "%s%s%s", STOP_PROBING,
             reason[0] != '\0' ? ": " : "", reason);
}

uint16_t receiver_port(const struct receiver *r)
{
    return r->port;
}

void receiver_run(struct receiver *r)
{
    event_base_dispatch(r->base);
}
