#include "route/station.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/host_port.h"
#include "net/clock.h"
#include "net/socket.h"
#include "otlp/names.h"
#include "route/feed.h"
#include "route/rtr_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_MS = 1000, BACKLOG = 16, PIECE = 32 << 10 };
enum { KEEPALIVE_IDLE_S = 20, KEEPALIVE_INTERVAL_S = 5, KEEPALIVE_COUNT = 3 };

struct bmp_session { /* of one router */
    uv_tcp_t tcp;
    struct station *station;
    bool used, closing;
    struct endpoint address;
    struct feed feed;
    uint8_t *bytes; /* not yet taken */
    size_t len, room;
    bool bad_logged;
    struct mono last_progress; /* when a whole message was taken last */
};

struct station {
    uv_tcp_t listener;
    uv_timer_t timer;
    unsigned open; /* handles */
    bool ending;
    const struct config *config;
    struct watch watch;
    struct rib rib;
    struct rtr_client *validator; /* NULL: none */
    struct bmp_session sessions[STATION_ROUTERS_MAX];
    uint64_t messages, bad_messages, refused;
    uint64_t messages_reported, bad_reported, not_kept_reported;
    struct endpoint refused_last; /* logged once in a row */
};

static struct instant instant_now(void)
{
    return (struct instant){mono_now(), wall_now()};
}

static void on_vrps(void *user)
{
    struct station *s = user;
    rib_validate(&s->rib, instant_now());
}

static void handle_closed(struct station *s)
{
    if (--s->open > 0)
        return;
    rib_free(&s->rib);
    watch_free(&s->watch);
    free(s);
}

/* ---- sessions ---- */

static void on_session_closed(uv_handle_t *handle)
{
    struct bmp_session *c = handle->data;
    struct station *s = c->station;
    s->messages += c->feed.messages;
    s->bad_messages += c->feed.bad;
    free(c->bytes);
    *c = (struct bmp_session){.used = false};
    handle_closed(s);
}

static void session_close(struct bmp_session *c, const char *why)
{
    struct station *s = c->station;
    if (c->closing)
        return;
    c->closing = true;
    if (!s->ending)
        feed_end(&c->feed, why, instant_now());
    uv_close((uv_handle_t *)&c->tcp, on_session_closed);
}

/* Logs why the station ends the session. */
static void session_end(struct bmp_session *c, const char *why)
{
    char address[ADDRESS_TEXT_MAX];
    log_warn("bmp", "router %s: %s; session closed, the router may connect again",
             endpoint_address(address, &c->address), why);
    session_close(c, why);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct bmp_session *c = handle->data;
    (void)suggested;
    if (c->room - c->len < PIECE / 2) {
        c->room = c->room < PIECE ? PIECE : 2 * c->room;
        c->bytes = mem_resize(c->bytes, c->room); /* at most 2 * BMP_MESSAGE_MAX */
    }
    *out = uv_buf_init((char *)c->bytes + c->len, (unsigned)(c->room - c->len));
}

static void take_bytes(struct bmp_session *c)
{
    struct instant now = instant_now();
    ssize_t used = feed_take(&c->feed, c->bytes, c->len, now);
    if (used < 0) {
        c->station->bad_messages += used == -EBADMSG;
        session_end(c, c->feed.error);
        return;
    }
    if (used > 0)
        c->last_progress = now.mono;
    if (c->feed.bad > 0 && !c->bad_logged) {
        char address[ADDRESS_TEXT_MAX];
        c->bad_logged = true;
        log_warn("bmp",
                 "router %s: %s; it is ignored, further ones of this session are only "
                 "counted",
                 endpoint_address(address, &c->address), c->feed.bad_last);
    }
    c->len -= (size_t)used;
    if (c->len > 0 && used > 0)
        memmove(c->bytes, c->bytes + used, c->len);
    if (c->len == 0 && c->room > PIECE) { /* after a long message */
        free(c->bytes);
        c->bytes = NULL;
        c->room = 0;
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct bmp_session *c = stream->data;
    (void)buffer;
    if (n > 0) {
        c->len += (size_t)n;
        take_bytes(c);
    } else if (n < 0) {
        session_close(c, n == UV_EOF         ? "closed by the router"
                         : n == UV_ETIMEDOUT ? "the router no longer answers"
                                             : uv_strerror((int)n));
    }
}

static void keep_alive(uv_tcp_t *tcp)
{
    int fd, interval = KEEPALIVE_INTERVAL_S, count = KEEPALIVE_COUNT;
    uv_tcp_keepalive(tcp, 1, KEEPALIVE_IDLE_S);
    if (uv_fileno((uv_handle_t *)tcp, &fd) < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

/* ---- accepting ---- */

static struct endpoint remote_address(uv_tcp_t *tcp)
{
    struct sockaddr_storage address;
    int len = sizeof address;
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&address, &len) < 0)
        return (struct endpoint){.family = FAMILY_NONE};
    struct endpoint e = sockaddr_endpoint((struct sockaddr *)&address);
    e.port = 0;
    e.scope = 0;
    return e;
}

/* Returns why the connection is refused, or NULL. */
static const char *why_refused(const struct station *s, const struct bmp_session *c)
{
    size_t same = 0;
    for (size_t i = 0; i < STATION_ROUTERS_MAX; i++)
        same += s->sessions[i].used && !s->sessions[i].closing &&
                endpoint_same_address(&s->sessions[i].address, &c->address);
    if (!endpoint_is_listed(s->config->bmp_routers, &c->address))
        return "not in routers of [bmp]";
    return same > STATION_PER_ADDRESS_MAX ? "too many connections of this router" : NULL;
}

static void log_refused(struct station *s, const struct endpoint *from, const char *why)
{
    char address[ADDRESS_TEXT_MAX];
    s->refused++;
    if (endpoint_same_address(&s->refused_last, from))
        return;
    s->refused_last = *from;
    log_warn("bmp", "connection from %s refused: %s", endpoint_address(address, from),
             why);
}

static struct bmp_session *free_session(struct station *s)
{
    for (size_t i = 0; i < STATION_ROUTERS_MAX; i++)
        if (!s->sessions[i].used)
            return &s->sessions[i];
    return NULL;
}

static void on_spare_closed(uv_handle_t *handle)
{
    struct station *s = handle->data;
    free(handle);
    handle_closed(s);
}

/* libuv reports no further connection until this one is accepted. */
static void refuse_one(struct station *s)
{
    uv_tcp_t *spare = mem_zalloc(sizeof *spare);
    spare->data = s;
    s->open++;
    uv_tcp_init(s->listener.loop, spare);
    uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)spare);
    struct endpoint from = remote_address(spare);
    log_refused(s, &from, "too many routers are connected");
    uv_close((uv_handle_t *)spare, on_spare_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct station *s = listener->data;
    if (status < 0)
        return;
    struct bmp_session *c = free_session(s);
    if (c == NULL) {
        refuse_one(s);
        return;
    }
    *c = (struct bmp_session){.used = true, .station = s, .last_progress = mono_now()};
    s->open++;
    uv_tcp_init(listener->loop, &c->tcp);
    c->tcp.data = c;
    int rc = uv_accept(listener, (uv_stream_t *)&c->tcp);
    c->address = remote_address(&c->tcp);
    c->feed = feed_of(&s->rib, &c->address);
    const char *why = rc < 0 ? uv_strerror(rc) : why_refused(s, c);
    if (why != NULL) {
        log_refused(s, &c->address, why);
        session_close(c, why);
        return;
    }
    char address[ADDRESS_TEXT_MAX];
    s->refused_last.family = FAMILY_NONE;
    log_info("bmp", "router %s is connected", endpoint_address(address, &c->address));
    keep_alive(&c->tcp);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static void on_turn(uv_timer_t *timer)
{
    struct station *s = timer->data;
    struct instant now = instant_now();
    for (size_t i = 0; i < STATION_ROUTERS_MAX; i++) {
        struct bmp_session *c = &s->sessions[i];
        if (!c->used || c->closing)
            continue;
        bool within = c->len > 0 || c->feed.skip > 0 || !feed_is_connected(&c->feed);
        if (feed_is_replaced(&c->feed))
            session_close(c, "replaced by a connection that ended");
        else if (within && now.mono.ns - c->last_progress.ns > STATION_STALL_NS)
            session_end(c, "stalled within a message for 60 s");
    }
    rib_turn(&s->rib, now);
}

/* ---- what comes out ---- */

uint16_t station_port(const struct station *s)
{
    struct sockaddr_storage address;
    int len = sizeof address;
    uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &len);
    return sockaddr_endpoint((struct sockaddr *)&address).port;
}

const struct rib *station_rib(const struct station *s)
{
    return &s->rib;
}

struct station_counters station_counters(const struct station *s)
{
    struct station_counters c = {
        .messages = s->messages, .bad_messages = s->bad_messages, .refused = s->refused};
    for (size_t i = 0; i < STATION_ROUTERS_MAX; i++) {
        const struct bmp_session *is = &s->sessions[i];
        c.messages += is->used ? is->feed.messages : 0;
        c.bad_messages += is->used ? is->feed.bad : 0;
    }
    return c;
}

static struct self_value counter_row(const char *name, const char *unit, const char *what,
                                     bool delta, uint64_t total, uint64_t *reported)
{
    uint64_t increase = total - *reported;
    *reported = total;
    return (struct self_value){.name = name,
                               .unit = unit,
                               .description = what,
                               .monotonic = true,
                               .value = (double)(delta ? increase : total)};
}

size_t station_window(struct station *s, bool delta, struct events *events,
                      struct self_value values[STATION_VALUES_MAX])
{
    events_move(events, &s->rib.events);
    size_t left_out = s->rib.values_left_out;
    size_t n = rib_window(&s->rib, delta, instant_now(), values);
    if (left_out == 0 && s->rib.values_left_out > 0)
        log_warn("bmp",
                 "%zu series of prefixes are left out of the metrics: at most %d rows; "
                 "let the routers monitor fewer peers or prefixes",
                 s->rib.values_left_out, RIB_VALUES_MAX);
    values[n++] =
        counter_row(METRIC_AGENT_BMP_MESSAGES, "{message}", "BMP messages received",
                    delta, station_counters(s).messages, &s->messages_reported);
    values[n++] =
        counter_row(METRIC_AGENT_BMP_BAD_MESSAGES, "{message}", "Malformed BMP messages",
                    delta, station_counters(s).bad_messages, &s->bad_reported);
    values[n++] = counter_row(METRIC_AGENT_BMP_NOT_KEPT, "{route}",
                              "Watched routes and peers beyond the limits of the station",
                              delta, s->rib.not_kept, &s->not_kept_reported);
    return n;
}

/* ---- create and destroy ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

int station_create(struct station **out, uv_loop_t *loop, const struct config *config,
                   const struct edge_data *edge_data)
{
    struct station *s = mem_zalloc(sizeof *s);
    struct host_port at;
    struct endpoint address = {.family = FAMILY_NONE};
    struct sockaddr_storage to;
    s->config = config;
    s->listener.data = s->timer.data = s;
    s->open = 2;
    watch_build(&s->watch, config->peering.prefixes, &edge_data->prefixes);
    if (config->bmp_validator[0] != '\0')
        s->validator =
            rtr_client_create(loop, config->bmp_validator, &s->watch, on_vrps, s);
    struct rib_setup setup = {
        .watch = &s->watch,
        .validator = s->validator != NULL ? rtr_client_validator(s->validator) : NULL,
        .peering = &config->peering,
        .origins = &edge_data->origins,
        .routers = config->bmp_routers,
        .primary_peers = config->bmp_primary_peers,
        .backup_peers = config->bmp_backup_peers};
    rib_begin(&s->rib, &setup, instant_now());
    uv_tcp_init(loop, &s->listener);
    uv_timer_init(loop, &s->timer);
    int rc = -EINVAL;
    if (host_port_parse(&at, config->bmp_listen, HOST_LISTEN) == NULL &&
        endpoint_parse(&address, at.host, at.port)) {
        sockaddr_of(&to, &address);
        rc = uv_tcp_bind(&s->listener, (struct sockaddr *)&to, 0);
    }
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_connection);
    if (rc < 0) {
        station_destroy(s);
        return rc;
    }
    uv_timer_start(&s->timer, on_turn, TURN_MS, TURN_MS);
    *out = s;
    return 0;
}

void station_destroy(struct station *s)
{
    if (s == NULL)
        return;
    s->ending = true;
    rtr_client_destroy(s->validator);
    for (size_t i = 0; i < STATION_ROUTERS_MAX; i++)
        if (s->sessions[i].used)
            session_close(&s->sessions[i], "the agent ends");
    uv_close((uv_handle_t *)&s->timer, on_handle_closed);
    uv_close((uv_handle_t *)&s->listener, on_handle_closed);
}
