#include "export/header_file.h"
#include "export/shipper.h"

#include "export/otlp.h"

#include "io/export/spool_bed.h"

#include <time.h>

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

static void close_client(uv_write_t *w, int status)
{
    (void)status;
    uv_close((uv_handle_t *)w->handle, NULL);
}

static void room(uv_handle_t *client, size_t hint, uv_buf_t *out)
{
    struct collector_peer *p = client->data;
    size_t i = (size_t)((uv_tcp_t *)client - p->clients);
    (void)hint;
    *out = uv_buf_init(p->got[i] + p->got_len[i],
                       (unsigned)(sizeof p->got[i] - 1 - p->got_len[i]));
}

/* True: all of the request is there, and is noted. */
static bool take_request(struct collector_peer *p, size_t i)
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

static void on_read(uv_stream_t *client, ssize_t n, const uv_buf_t *unused)
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

static void on_accept(uv_stream_t *listener, int status)
{
    struct collector_peer *p = listener->data;
    CHECK(status == 0 && p->n_clients < REQUESTS_MAX, "too many connections");
    uv_tcp_t *client = &p->clients[p->n_clients++];
    uv_tcp_init(listener->loop, client);
    client->data = p;
    uv_accept(listener, (uv_stream_t *)client);
    uv_read_start((uv_stream_t *)client, room, on_read);
}

static int peer_listen(struct collector_peer *p, uv_loop_t *loop, uint16_t port)
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

static void wake(void *user)
{
    struct bed *b = user;
    if (b->shipper != NULL)
        shipper_wake(b->shipper);
}

/* Ticks: uv_run() may call back from a timer and then still wait for something else. */
static void on_limit(uv_timer_t *timer)
{
    struct bed *b = timer->data;
    b->too_long = uv_hrtime() > b->until;
}

static void set_limit(struct bed *b, uint64_t ms)
{
    b->too_long = false;
    b->until = uv_hrtime() + ms * NS_PER_MS;
    uv_timer_start(&b->limit, on_limit, 10, 10);
}

static void on_idle(void *user)
{
    ((struct bed *)user)->idle++;
}

/* `batches` in the spool, and a collector at `port` (0: any); without answers none
 * listens. */
static struct bed *begin(const struct answer *answers, size_t n, unsigned batches)
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

static void start(struct bed *b)
{
    CHECK_INT(0,
              shipper_create(&b->shipper, &b->spool.loop, b->http, b->spool.spool,
                             &b->config, check_seed()),
              "created");
    shipper_wake(b->shipper);
}

static struct shipper_counters counters(const struct bed *b)
{
    return shipper_counters(b->shipper);
}

static uint64_t waiting(const struct bed *b)
{
    return spool_counters(b->spool.spool).waiting;
}

/* Runs for `ms`. */
static void run_for(struct bed *b, unsigned ms)
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

static void end(struct bed *b)
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

static unsigned sent(const struct bed *b, size_t i)
{
    return number_of(b->peer.requests[i].body, b->peer.requests[i].body_len);
}

static void check_same(const struct bed *b, size_t i, size_t j)
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

/* ---- tests ---- */

static void sends_all_in_order(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    struct bed *b = begin(answers, 1, 5);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(5, counters(b).accepted, "accepted");
    CHECK_INT(5, b->peer.n, "once each");
    for (unsigned i = 0; i < 5; i++)
        CHECK_INT(i + 1, sent(b, i), "oldest first");
    const char *head = b->peer.requests[0].head;
    CHECK(strncmp(head, "POST /v1/metrics HTTP/1.1\r\n", 27) == 0, "%s", head);
    CHECK(strstr(head, "\r\nContent-Type: application/x-protobuf\r\n") != NULL, "%s",
          head);
    CHECK(strstr(head, "\r\nContent-Encoding: gzip\r\n") != NULL, "%s", head);
    CHECK(strstr(head, "\r\nUser-Agent: edgelat/" EDGELAT_VERSION "\r\n") != NULL, "%s",
          head);
    bed_add(&b->spool, 6); /* one that comes later */
    RUN_UNTIL(b, b->peer.n == 6 && waiting(b) == 0);
    CHECK_INT(6, sent(b, 5), "at once");
    end(b);
}

static void url_is_taken_as_it_is(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    static const struct {
        const char *base, *line;
    } cases[] = {
        {"", "POST /v1/metrics "},
        {"/otlp", "POST /otlp/v1/metrics "},
        {"/otlp//", "POST /otlp/v1/metrics "},
        {"/otlp/v1/metrics", "POST /otlp/v1/metrics "},
        {"/otlp/v1/metrics/", "POST /otlp/v1/metrics "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = begin(answers, 1, 1);
        b->collector->url[strlen(b->collector->url) - 1] = '\0';
        strcat(b->collector->url, cases[i].base);
        start(b);
        RUN_UNTIL(b, b->peer.n == 1);
        CHECK(strncmp(b->peer.requests[0].head, cases[i].line, strlen(cases[i].line)) ==
                  0,
              "%s: %s", cases[i].base, b->peer.requests[0].head);
        end(b);
    }
}

static void each_signal_goes_to_its_path(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    static const char *const bases[] = {"", "/otlp/", "/v1/metrics", "/v1/logs/"};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct bed *b = begin(answers, 1, 1);
        b->collector->url[strlen(b->collector->url) - 1] = '\0';
        strcat(b->collector->url, bases[i]);
        bed_add_as(&b->spool, SIGNAL_LOGS, 2);
        start(b);
        RUN_UNTIL(b, b->peer.n == 2);
        const char *line = i == 1 ? "POST /otlp/v1/logs " : "POST /v1/logs ";
        CHECK(strncmp(b->peer.requests[1].head, line, strlen(line)) == 0, "%s: %s",
              bases[i], b->peer.requests[1].head);
        CHECK_INT(2, sent(b, 1), "its bytes");
        end(b);
    }
}

static void partial_success(void **state)
{
    (void)state;
    /* partial_success { rejected_data_points: 7, error_message: "too old\n" } */
    static const char body[] = "\x0a\x0c\x08\x07\x12\x08too old\n";
    static char whole[200];
    int head = snprintf(whole, sizeof whole,
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
                        "application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                        sizeof body - 1);
    memcpy(whole + head, body, sizeof body - 1);
    const struct answer answers[] = {{whole, (size_t)head + sizeof body - 1},
                                     {whole, (size_t)head + sizeof body - 1},
                                     REPLY("200 OK", "Content-Length: 2\r\n", "{}")};
    struct bed *b = begin(answers, 3, 3);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(3, counters(b).accepted, "accepted, whatever the body");
    CHECK_INT(14, counters(b).rejected_points, "counted");
    CHECK_INT(0, spool_counters(b->spool.spool).set_aside, "not refused");
    end(b);
}

/* Refused for good: set aside, never sent again, and never in the way. */
static void refused_is_not_in_the_way(void **state)
{
    (void)state;
    static const char *const statuses[] = {"400 Bad Request",     "413 Too Large",
                                           "415 Unsupported",     "422 Unprocessable",
                                           "501 Not Implemented", "505 Version"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char text[200];
        snprintf(
            text, sizeof text,
            "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 12\r\n\r\nnot a batch!",
            statuses[i]);
        const struct answer answers[] = {{text, 0}, OK};
        struct bed *b = begin(answers, 2, 3);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(1, counters(b).refused, statuses[i]);
        CHECK_INT(2, counters(b).accepted, "the others");
        CHECK_INT(3, b->peer.n, "each once");
        CHECK_INT(1, spool_counters(b->spool.spool).set_aside, "set aside");
        CHECK_INT(2, sent(b, 1), "the next one");
        end(b);
    }
}

/* No path for logs: they are out of the way, and the metrics still arrive. */
static void logs_nowhere_to_go(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        OK, REPLY("404 Not Found", "Content-Length: 0\r\n", ""), OK};
    struct bed *b = begin(answers, 3, 1);
    bed_add_as(&b->spool, SIGNAL_LOGS, 2);
    bed_add(&b->spool, 3);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(2, counters(b).accepted, "metrics");
    CHECK_INT(1, counters(b).refused, "logs");
    CHECK_INT(0, counters(b).failed, "nothing is tried again");
    CHECK_INT(1, spool_counters(b->spool.spool).set_aside, "set aside");
    end(b);
}

/* A batch with `n` records: the bytes are the spool's. */
static void add_records(struct bed *b, int n)
{
    static struct events events;
    static const struct otlp_resource none = {"", "", "", "", NULL};
    size_t len;
    events.n = 0;
    for (int i = 0; i < n; i++)
        events_add(&events, "edgelat.test", SEVERITY_INFO, (struct wall){NS_PER_S}, NULL);
    struct batch batch = {.events = events.list, .n_events = events.n};
    void *bytes = otlp_logs(&batch, &none, &len);
    spool_add(b->spool.spool, SIGNAL_LOGS, bytes, len);
}

#define TOO_LARGE REPLY("413 Too Large", "Content-Length: 0\r\n", "")

static void too_large_is_halved(void **state)
{
    (void)state;
    static const struct answer both[] = {TOO_LARGE, OK};
    static const struct answer second_fails[] = {
        TOO_LARGE, OK, REPLY("503 Busy", "Content-Length: 0\r\n", ""), TOO_LARGE, OK};
    static const struct answer never[] = {TOO_LARGE, TOO_LARGE, OK};
    static const struct {
        const char *what;
        const struct answer *answers;
        size_t n;
        int records;
        size_t requests; /* with one of the batch behind it */
        uint64_t accepted, refused;
    } cases[] = {
        {"both halves fit", both, 2, 4, 4, 2, 0},
        {"begun anew when one fails", second_fails, 5, 4, 7, 2, 0},
        {"halved once", never, 3, 4, 3, 1, 1},
        {"one record", both, 2, 1, 2, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = begin(cases[i].answers, cases[i].n, 0);
        add_records(b, cases[i].records);
        bed_add(&b->spool, 2);
        bed_written(&b->spool, 2);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(cases[i].requests, b->peer.n, cases[i].what);
        CHECK_INT(cases[i].accepted, counters(b).accepted, cases[i].what);
        CHECK_INT(cases[i].refused, counters(b).refused, cases[i].what);
        CHECK_INT(2, sent(b, b->peer.n - 1), "the next one");
        end(b);
    }
}

static void retry_after(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        REPLY("429 Too Many Requests", "Retry-After: 1\r\nContent-Length: 0\r\n", ""),
        OK};
    struct bed *b = begin(answers, 2, 1);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    double wait_s =
        (double)(b->peer.requests[1].at - b->peer.requests[0].at) / (double)NS_PER_S;
    CHECK(wait_s >= 1 && wait_s < 2, "%.3f s", wait_s);
    CHECK_INT(1, counters(b).failed, "one attempt failed");
    check_same(b, 0, 1);
    end(b);
}

static void retry_after_a_date(void **state)
{
    (void)state;
    char text[200], date[64];
    time_t then = time(NULL) + 3;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    snprintf(text, sizeof text,
             "HTTP/1.1 503 Busy\r\nConnection: close\r\nRetry-After: %s\r\n"
             "Content-Length: 0\r\n\r\n",
             date);
    const struct answer answers[] = {{text, 0}, OK};
    struct bed *b = begin(answers, 2, 1);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    double wait_s =
        (double)(b->peer.requests[1].at - b->peer.requests[0].at) / (double)NS_PER_S;
    CHECK(wait_s >= 1.5, "%.3f s", wait_s); /* a whole second is the unit */
    check_same(b, 0, 1);
    end(b);
}

static void tried_again(void **state)
{
    (void)state;
    static char long_reply[200 * 1024];
    int head =
        snprintf(long_reply, sizeof long_reply,
                 "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                 sizeof long_reply);
    memset(long_reply + head, 'x', sizeof long_reply - (size_t)head);
    static char long_head[300 * 1024] = "HTTP/1.1 200 OK\r\n";
    for (size_t n = strlen(long_head); n + 20 < sizeof long_head; n += 16)
        memcpy(long_head + n, "X-Forever: 1234\n", 16);
    const struct {
        const char *what;
        struct answer first;
    } cases[] = {
        {"a head without end", {long_head, sizeof long_head - 20}},
        {"503", REPLY("503 Busy", "Content-Length: 0\r\n", "")},
        {"502", REPLY("502 Bad Gateway", "Content-Length: 3\r\n", "no\n")},
        {"504", REPLY("504 Time-out", "Content-Length: 0\r\n", "")},
        {"cut in the middle", {"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhal", 0}},
        {"cut in the head", {"HTTP/1.1 200 O", 0}},
        {"no HTTP", {"220 mail.example ESMTP\r\n", 0}},
        {"longer than is read", {long_reply, sizeof long_reply}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct answer answers[] = {cases[i].first, OK};
        struct bed *b = begin(answers, 2, 2);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(2, counters(b).accepted, cases[i].what);
        CHECK_INT(1, counters(b).failed, cases[i].what);
        CHECK_INT(3, b->peer.n, cases[i].what);
        check_same(b, 0, 1);
        CHECK_INT(2, sent(b, 2), "in order");
        end(b);
    }
}

static void accepted_with_a_long_reply(void **state)
{
    (void)state;
    static char text[200 * 1024];
    int head =
        snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                 sizeof text);
    memset(text + head, 'x', sizeof text - (size_t)head);
    const struct answer answers[] = {{text, sizeof text}};
    struct bed *b = begin(answers, 1, 1);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(1, counters(b).accepted, "the status counts");
    end(b);
}

static void collector_comes_up(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    struct bed *b = begin(NULL, 0, 2);
    start(b);
    RUN_UNTIL(b, counters(b).failed >= 2);
    CHECK_INT(2, waiting(b), "nothing is lost");
    b->peer.answers = answers;
    b->peer.n_answers = 1;
    const char *colon = strrchr(b->collector->url, ':');
    peer_listen(&b->peer, &b->spool.loop, (uint16_t)atoi(colon + 1));
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(2, counters(b).accepted, "all are sent");
    end(b);
}

/* The operator's mistakes: the batch stays, and the collector is left in peace. */
static void not_usable_keeps_the_batch(void **state)
{
    (void)state;
    static const char *const statuses[] = {"401 Unauthorized", "403 Forbidden",
                                           "404 Not Found", "405 Method Not Allowed",
                                           "302 Found"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                 statuses[i]);
        const struct answer answers[] = {{text, 0}};
        struct bed *b = begin(answers, 1, 2);
        start(b);
        RUN_UNTIL(b, counters(b).failed == 1);
        shipper_wake(b->shipper); /* does not end the back-off */
        run_for(b, 300);
        CHECK_INT(1, b->peer.n, "one attempt");
        CHECK_INT(2, waiting(b), statuses[i]);
        CHECK_INT(0, counters(b).refused, "not refused");
        end(b);
    }
}

static void header_file(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    struct bed *b = begin(answers, 1, 1);
    snprintf(b->collector->header_file, sizeof b->collector->header_file, "%s/token",
             b->spool.folder.path);
    child_write(b->spool.folder.path, "token", "Authorization: Bearer one\n");
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK(strstr(b->peer.requests[0].head, "\r\nAuthorization: Bearer one\r\n") != NULL,
          "%s", b->peer.requests[0].head);
    child_write(b->spool.folder.path, "token.new", "Authorization: Bearer two\n");
    char from[256];
    snprintf(from, sizeof from, "%s/token.new", b->spool.folder.path);
    CHECK_INT(0, rename(from, b->collector->header_file), "renewed");
    bed_add(&b->spool, 2);
    RUN_UNTIL(b, b->peer.n == 2 && waiting(b) == 0);
    CHECK(strstr(b->peer.requests[1].head, "\r\nAuthorization: Bearer two\r\n") != NULL,
          "%s", b->peer.requests[1].head);
    end(b);

    static const char *const wrong[] = {"", "no colon\n", "A: b\nC: d\n",
                                        "A: b\r\n\r\nGET"};
    for (size_t i = 0; i <= sizeof wrong / sizeof *wrong; i++) {
        b = begin(answers, 1, 1);
        snprintf(b->collector->header_file, sizeof b->collector->header_file, "%s/token",
                 b->spool.folder.path);
        if (i < sizeof wrong / sizeof *wrong) /* else there is no such file */
            child_write(b->spool.folder.path, "token", wrong[i]);
        start(b);
        run_for(b, 100);
        CHECK_INT(1, counters(b).failed, "counts as an attempt");
        CHECK_INT(0, b->peer.n, "nothing is sent without it");
        CHECK_INT(1, waiting(b), "kept");
        end(b);
    }
}

static void header_of_the_environment(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    setenv(HEADER_VARIABLE, "Authorization: Bearer environment", 1);
    struct bed *b = begin(answers, 1, 1);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK(strstr(b->peer.requests[0].head, "\r\nAuthorization: Bearer environment\r\n") !=
              NULL,
          "%s", b->peer.requests[0].head);
    end(b);

    b = begin(answers, 1, 1);
    snprintf(b->collector->header_file, sizeof b->collector->header_file, "%s/token",
             b->spool.folder.path);
    child_write(b->spool.folder.path, "token", "Authorization: Bearer file\n");
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK(strstr(b->peer.requests[0].head, "Bearer file") != NULL, "a file wins: %s",
          b->peer.requests[0].head);
    end(b);

    setenv(HEADER_VARIABLE, "no colon", 1);
    b = begin(answers, 1, 1);
    start(b);
    run_for(b, 100);
    CHECK_INT(0, b->peer.n, "nothing is sent without it");
    CHECK_INT(1, waiting(b), "kept");
    end(b);
    unsetenv(HEADER_VARIABLE);
}

static void flush(void **state)
{
    (void)state;
    static const struct answer good[] = {OK};
    static const struct answer bad[] = {REPLY("503 Busy", "Content-Length: 0\r\n", "")};
    struct bed *b = begin(good, 1, 2);
    start(b);
    bed_add(&b->spool, 3); /* the last window, still being written */
    shipper_flush(b->shipper, on_idle, b);
    CHECK_INT(0, b->idle, "never from inside the call");
    RUN_UNTIL(b, b->idle > 0);
    CHECK_INT(0, waiting(b), "the last one too");
    CHECK_INT(3, counters(b).accepted, "all");
    run_for(b, 100);
    CHECK_INT(1, b->idle, "once");
    end(b);

    b = begin(bad, 1, 2);
    start(b);
    RUN_UNTIL(b, counters(b).failed == 1);
    size_t before = b->peer.n;
    shipper_flush(b->shipper, on_idle, b); /* ends the back-off */
    RUN_UNTIL(b, b->idle > 0);
    CHECK_INT(before + 1, b->peer.n, "one attempt");
    CHECK_INT(2, waiting(b), "kept");
    end(b);

    b = begin(good, 1, 0);
    start(b);
    shipper_flush(b->shipper, on_idle, b);
    CHECK_INT(0, b->idle, "later, also with nothing to send");
    RUN_UNTIL(b, b->idle == 1);
    end(b);
}

/* Another collector, named "backup". */
static void add_backup(struct bed *b, const struct answer *answers, size_t n)
{
    struct collector *c = &b->config.collectors[b->config.n_collectors++];
    b->backup.answers = answers;
    b->backup.n_answers = n;
    *c = *b->collector;
    strcpy(c->name, "backup");
    snprintf(c->url, sizeof c->url, "http://127.0.0.1:%d",
             peer_listen(&b->backup, &b->spool.loop, 0));
}

static void the_backup_takes_over(void **state)
{
    (void)state;
    static const struct answer good[] = {OK};
    static const struct answer bad[] = {REPLY("503 Busy", "Content-Length: 0\r\n", "")};
    static const struct answer closed[] = {REPLY("403 No", "Content-Length: 0\r\n", "")};
    static const struct answer slow[] = {
        REPLY("429 Slow", "Retry-After: 1\r\nContent-Length: 0\r\n", ""), OK};
    static const struct answer refuses[] = {REPLY("400 Bad", "Content-Length: 0\r\n", ""),
                                            OK};
    static const struct {
        const char *what;
        const struct answer *first;
        size_t n, requests; /* that the first one gets */
        uint64_t refused;
    } cases[] = {
        {"not there", NULL, 0, 0, 0},      {"busy", bad, 1, 2, 0},
        {"wrong token", closed, 1, 1, 0},  {"busy for a moment", slow, 2, 4, 0},
        {"refuses one", refuses, 2, 3, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = begin(cases[i].first, cases[i].n, 3);
        add_backup(b, good, 1);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(cases[i].requests, b->peer.n, cases[i].what);
        CHECK_INT(cases[i].requests > 2 ? 0 : 3, b->backup.n, cases[i].what);
        CHECK_INT(cases[i].refused, counters(b).refused, cases[i].what);
        CHECK_INT(3 - cases[i].refused, counters(b).accepted, cases[i].what);
        end(b);
    }
}

/* A collector that orders to stop probing works: no other one is asked, and it is asked
 * again soon. */
static void stop_probing(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        REPLY("403 Stop", "Retry-After: 1\r\nContent-Length: 26\r\n",
              "edgelat: stop probing: tea"),
        REPLY("503 Busy", "Content-Length: 0\r\n", ""), OK};
    static const struct answer good[] = {OK};
    const char *reason;
    struct bed *b = begin(answers, 3, 1);
    add_backup(b, good, 1);
    start(b);
    CHECK_INT(PROBING_UNSAID, shipper_probing(b->shipper, &reason), "nothing was said");
    CHECK_TEXT("", reason, "so there is no reason");
    RUN_UNTIL(b, counters(b).failed == 1);
    CHECK_INT(PROBING_STOPPED, shipper_probing(b->shipper, &reason), "the order");
    CHECK_TEXT("tea", reason, "and why");
    RUN_UNTIL(b, counters(b).failed == 2);
    CHECK_INT(PROBING_STOPPED, shipper_probing(b->shipper, &reason),
              "busy lifts nothing");
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(PROBING_ALLOWED, shipper_probing(b->shipper, &reason), "it is lifted");
    CHECK_TEXT("", reason, "without a reason");
    CHECK_INT(0, b->backup.n, "nobody else was asked");
    end(b);
}

/* All of them: back off as with one, and nothing is lost. */
static void no_collector_works(void **state)
{
    (void)state;
    static const struct answer bad[] = {REPLY("503 Busy", "Content-Length: 0\r\n", "")};
    struct bed *b = begin(bad, 1, 2);
    add_backup(b, bad, 1);
    start(b);
    RUN_UNTIL(b, b->peer.n >= 3 && b->backup.n >= 2);
    CHECK_INT(2, waiting(b), "nothing is lost");
    CHECK(b->peer.n <= b->backup.n + 2, "in turns: %zu, %zu", b->peer.n, b->backup.n);
    size_t before = b->peer.n + b->backup.n;
    shipper_flush(b->shipper, on_idle, b);
    RUN_UNTIL(b, b->idle == 1);
    CHECK(b->peer.n + b->backup.n <= before + 2, "one last go at each at most");
    end(b);
}

static void catches_up_no_faster_than_agreed(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    struct bed *b = begin(answers, 1, 5);
    b->config.shipping.catch_up = 20;
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    double took_s =
        (double)(b->peer.requests[4].at - b->peer.requests[0].at) / (double)NS_PER_S;
    CHECK(took_s > 0.19, "5 batches in %.3f s", took_s);
    end(b);
}

static void through_a_proxy(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    struct bed *b = begin(answers, 1, 1);
    const char *port = strrchr(b->collector->url, ':');
    snprintf(b->collector->proxy, sizeof b->collector->proxy, "http://127.0.0.1%.6s",
             port);
    b->collector->proxy[strcspn(b->collector->proxy + 7, "/") + 7] = '\0';
    strcpy(b->collector->url, "http://collector.invalid:4318");
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK(strncmp(b->peer.requests[0].head,
                  "POST http://collector.invalid:4318/v1/metrics ", 46) == 0,
          "%s", b->peer.requests[0].head);
    end(b);
}

static void destroyed_under_way(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    for (int turns = 0; turns < 8; turns++) {
        struct bed *b = begin(answers, 1, 2);
        start(b);
        shipper_flush(b->shipper, on_idle, b);
        for (int i = 0; i < turns && waiting(b) > 0; i++)
            uv_run(&b->spool.loop, UV_RUN_NOWAIT);
        shipper_destroy(b->shipper);
        b->shipper = NULL;
        int before = b->idle;
        run_for(b, 30);
        CHECK_INT(before, b->idle, "no callback");
        end(b);
    }
    shipper_destroy(NULL);
}

int main(void)
{
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_all_in_order),
        cmocka_unit_test(url_is_taken_as_it_is),
        cmocka_unit_test(each_signal_goes_to_its_path),
        cmocka_unit_test(partial_success),
        cmocka_unit_test(refused_is_not_in_the_way),
        cmocka_unit_test(logs_nowhere_to_go),
        cmocka_unit_test(too_large_is_halved),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(retry_after_a_date),
        cmocka_unit_test(tried_again),
        cmocka_unit_test(accepted_with_a_long_reply),
        cmocka_unit_test(collector_comes_up),
        cmocka_unit_test(not_usable_keeps_the_batch),
        cmocka_unit_test(header_file),
        cmocka_unit_test(header_of_the_environment),
        cmocka_unit_test(flush),
        cmocka_unit_test(the_backup_takes_over),
        cmocka_unit_test(stop_probing),
        cmocka_unit_test(no_collector_works),
        cmocka_unit_test(catches_up_no_faster_than_agreed),
        cmocka_unit_test(through_a_proxy),
        cmocka_unit_test(destroyed_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
