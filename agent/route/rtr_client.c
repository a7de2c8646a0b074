#include "route/rtr_client.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/backoff.h"
#include "core/host_port.h"
#include "net/clock.h"
#include "net/seed.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_MS = 1000, BUFFER = 2 * RTR_PDU_MAX };

struct rtr_client {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    uint8_t out[RTR_OUT_MAX]; /* being sent */
    uint8_t bytes[BUFFER];
    size_t len;
    struct rtr rtr;
    struct validator validator;
    struct endpoint address;
    bool opened, connected, writing, ending, logged;
    unsigned open;     /* handles */
    unsigned failures; /* in a row */
    struct random random;
    struct mono retry_at, progress, taken;
    uint64_t seen; /* changes that were reported */
    void (*on_change)(void *user);
    void *user;
};

const struct validator *rtr_client_validator(const struct rtr_client *c)
{
    return &c->validator;
}

/* `why`: what failed, or NULL: it answered. */
static void set_reached(struct rtr_client *c, const char *why)
{
    struct validator *v = &c->validator;
    bool before = v->reached || v->why[0] != '\0';
    if (!before || v->reached != (why == NULL))
        v->since = wall_now();
    v->reached = why == NULL;
    text_copy(v->why, sizeof v->why, why != NULL ? why : "");
}

static void handle_closed(struct rtr_client *c)
{
    if (--c->open > 0 || !c->ending)
        return;
    rtr_free(&c->rtr);
    free(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct rtr_client *c = handle->data;
    c->opened = c->writing = false;
    handle_closed(c);
}

static void disconnect(struct rtr_client *c)
{
    if (!c->opened || uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    c->connected = false;
    c->len = 0;
    uv_close((uv_handle_t *)&c->tcp, on_tcp_closed);
}

/* Disconnects for a while. `why`: a clause. */
static void give_up(struct rtr_client *c, const char *why)
{
    bool query_failed = c->connected && c->rtr.state != RTR_QUIET && c->rtr.told;
    int64_t wait_ns = RTR_CLIENT_LEAST_NS + backoff_ns(&c->random, RTR_CLIENT_LEAST_NS,
                                                       RTR_CLIENT_MOST_NS, c->failures);
    int64_t retry_ns = query_failed ? c->rtr.retry_s * NS_PER_S : 0;
    if (c->failures == 0)
        log_warn("bmp", "validator %s: %s; trying again with increasing pauses, %s",
                 c->validator.address, why,
                 c->rtr.has_data ? "its data counts until it expires"
                                 : "origins are not validated until then");
    set_reached(c, why);
    c->failures += c->failures < 30;
    c->retry_at.ns = mono_now().ns + (wait_ns > retry_ns ? wait_ns : retry_ns);
    disconnect(c);
}

/* ---- data ---- */

static void report_change(struct rtr_client *c)
{
    if (c->seen == c->rtr.changes)
        return;
    if (c->rtr.has_data) {
        if (c->failures > 0 || !c->logged)
            log_info("bmp", "validator %s: %zu prefixes for the watched routes",
                     c->validator.address, c->rtr.table.n);
        set_reached(c, NULL);
        c->logged = true;
        c->taken = mono_now();
        c->failures = 0;
    }
    c->seen = c->rtr.changes;
    c->on_change(c->user);
}

static void on_written(uv_write_t *write, int status)
{
    struct rtr_client *c = write->data;
    c->writing = false;
    if (status < 0 && status != UV_ECANCELED)
        give_up(c, uv_strerror(status));
}

static void send_query(struct rtr_client *c)
{
    if (c->writing || !c->connected)
        return;
    size_t len = rtr_output(&c->rtr, c->out);
    uv_buf_t buffer = uv_buf_init((char *)c->out, (unsigned)len);
    if (len == 0)
        return;
    c->progress = mono_now();
    c->write.data = c;
    c->writing = uv_write(&c->write, (uv_stream_t *)&c->tcp, &buffer, 1, on_written) == 0;
}

/* Best effort: the connection is closed next. */
static void send_error_report(struct rtr_client *c)
{
    uint8_t out[RTR_OUT_MAX];
    size_t len = c->rtr.reports ? rtr_output(&c->rtr, out) : 0;
    uv_buf_t buffer = uv_buf_init((char *)out, (unsigned)len);
    if (len > 0 && !c->writing)
        uv_try_write((uv_stream_t *)&c->tcp, &buffer, 1);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct rtr_client *c = handle->data;
    (void)suggested;
    *out = uv_buf_init((char *)c->bytes + c->len, (unsigned)(BUFFER - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct rtr_client *c = stream->data;
    (void)buffer;
    if (n < 0) {
        rtr_closed(&c->rtr);
        give_up(c, n == UV_EOF ? "it closed the connection" : uv_strerror((int)n));
        return;
    }
    c->len += (size_t)n;
    ssize_t used = rtr_take(&c->rtr, c->bytes, c->len);
    report_change(c);
    if (used == -EAGAIN) { /* with another version, at once */
        c->retry_at = mono_now();
        disconnect(c);
        return;
    }
    if (used < 0) {
        send_error_report(c);
        give_up(c, c->rtr.error);
        return;
    }
    if (used > 0)
        c->progress = mono_now();
    c->len -= (size_t)used;
    memmove(c->bytes, c->bytes + used, c->len);
    send_query(c);
}

/* ---- connection ---- */

static void on_connected(uv_connect_t *connect, int status)
{
    struct rtr_client *c = connect->data;
    if (status < 0) {
        if (status != UV_ECANCELED)
            give_up(c, uv_strerror(status));
        return;
    }
    c->connected = true;
    rtr_connected(&c->rtr);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    send_query(c);
}

static void open_connection(struct rtr_client *c)
{
    struct sockaddr_storage to;
    sockaddr_of(&to, &c->address);
    uv_tcp_init(c->timer.loop, &c->tcp);
    c->tcp.data = c->connect.data = c;
    c->opened = true;
    c->open++;
    c->progress = mono_now();
    int rc = uv_tcp_connect(&c->connect, &c->tcp, (struct sockaddr *)&to, on_connected);
    if (rc < 0)
        give_up(c, uv_strerror(rc));
}

static void on_turn(uv_timer_t *timer)
{
    struct rtr_client *c = timer->data;
    int64_t now_ns = mono_now().ns, age_ns = now_ns - c->taken.ns;
    if (c->rtr.has_data && age_ns > c->rtr.expire_s * NS_PER_S) {
        log_warn("bmp", "validator %s: its data has expired; origins are not validated",
                 c->validator.address);
        rtr_expire(&c->rtr);
        report_change(c);
    }
    if (!c->opened && now_ns >= c->retry_at.ns)
        open_connection(c);
    else if (c->opened && (!c->connected || c->rtr.state != RTR_QUIET) &&
             now_ns - c->progress.ns > RTR_CLIENT_STALL_NS)
        give_up(c, "it does not answer");
    else if (c->connected && c->rtr.state == RTR_QUIET &&
             now_ns - c->progress.ns > c->rtr.refresh_s * NS_PER_S)
        rtr_refresh(&c->rtr);
    send_query(c);
}

struct rtr_client *rtr_client_create(uv_loop_t *loop, const char *to,
                                     const struct watch *watch,
                                     void (*on_change)(void *user), void *user)
{
    struct rtr_client *c = mem_zalloc(sizeof *c);
    struct host_port at;
    c->on_change = on_change;
    c->user = user;
    c->open = 1;
    c->random = random_from(seed_random());
    c->timer.data = c;
    c->validator = (struct validator){.rtr = &c->rtr, .since = wall_now()};
    text_copy(c->validator.address, sizeof c->validator.address, to);
    if (host_port_parse(&at, to, HOST_REMOTE) == NULL)
        endpoint_parse(&c->address, at.host, at.port);
    rtr_begin(&c->rtr, watch);
    uv_timer_init(loop, &c->timer);
    uv_timer_start(&c->timer, on_turn, 0, TURN_MS);
    return c;
}

void rtr_client_destroy(struct rtr_client *c)
{
    if (c == NULL)
        return;
    c->ending = true;
    disconnect(c);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}
