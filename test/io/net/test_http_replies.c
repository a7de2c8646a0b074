/* Misbehaving peers: a listener that sends one reply and closes. */
#include "io/net/http_bed.h"

#include <linux/filter.h>
#include <string.h>

static struct http_request get(const char *url)
{
    return (struct http_request){
        .url = url, .timeout_ns = 5 * NS_PER_S, .reply_max = 1024, .socket = -1};
}

struct peer {
    uv_tcp_t listener, client;
    uv_write_t write;
    const char *says; /* NULL: nothing, and it stays open */
    bool accepted;
};

static void close_client(uv_write_t *w, int status)
{
    const struct peer *p = w->handle->data;
    (void)status;
    if (strstr(p->says, " 204 ") == NULL) /* that one stays, and says nothing more */
        uv_close((uv_handle_t *)w->handle, NULL);
}

static void room_for_request(uv_handle_t *client, size_t hint, uv_buf_t *out)
{
    static char room[4096];
    (void)client, (void)hint;
    *out = uv_buf_init(room, sizeof room);
}

static void on_request(uv_stream_t *client, ssize_t n, const uv_buf_t *unused)
{
    struct peer *p = client->data;
    (void)unused;
    if (n <= 0 || p->says == NULL)
        return;
    uv_buf_t buffer = uv_buf_init((char *)p->says, (unsigned)strlen(p->says));
    uv_read_stop(client);
    uv_write(&p->write, client, &buffer, 1, close_client);
}

static void on_accept(uv_stream_t *listener, int status)
{
    (void)status;
    struct peer *p = listener->data;
    uv_tcp_init(listener->loop, &p->client);
    p->client.data = p;
    uv_accept(listener, (uv_stream_t *)&p->client);
    p->accepted = true;
    uv_read_start((uv_stream_t *)&p->client, room_for_request, on_request);
}

static uint16_t peer_start(struct peer *p, uv_loop_t *loop, const char *says,
                           uv_connection_cb on_connection)
{
    struct sockaddr_in a;
    int len = sizeof a;
    *p = (struct peer){.says = says};
    uv_tcp_init(loop, &p->listener);
    p->listener.data = p;
    uv_ip4_addr("127.0.0.1", 0, &a);
    uv_tcp_bind(&p->listener, (struct sockaddr *)&a, 0);
    uv_listen((uv_stream_t *)&p->listener, 4, on_connection);
    uv_tcp_getsockname(&p->listener, (struct sockaddr *)&a, &len);
    return ntohs(a.sin_port);
}

static struct got fetch_from_peer(const char *says, int64_t timeout_ns, bool own)
{
    uv_loop_t loop;
    struct http *h;
    struct peer p;
    struct got g = {0};
    char url[64];
    uv_loop_init(&loop);
    uint16_t port = peer_start(&p, &loop, says, on_accept);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    CHECK_INT(0, http_create(&h, &loop), "created");
    struct http_request request = get(url);
    request.timeout_ns = timeout_ns;
    request.repeat = own;
    if (own)
        request.socket = connected_to(port);
    http_start(h, &request, on_header, on_reply, &g);
    while (g.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    http_destroy(h);
    uv_close((uv_handle_t *)&p.listener, NULL);
    if (p.accepted && !uv_is_closing((uv_handle_t *)&p.client))
        uv_close((uv_handle_t *)&p.client, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    return g;
}

static void replies_that_make_no_sense(void **state)
{
    (void)state;
    static const struct {
        const char *says, *error;
    } cases[] = {
        {"", "closed the connection without a reply"},
        {"220 mail.example ESMTP\r\n", "what 127.0.0.1 answered is not HTTP"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
         "the reply of 127.0.0.1 ended too early"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-Ha", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", ""},
        {"HTTP/200 x\r\nContent-: a\r\n\r\n", "what 127.0.0.1 answered is not HTTP"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct got g = fetch_from_peer(cases[i].says, 5 * NS_PER_S, i % 2 == 0);
        CHECK_INT(HTTP_FAILED_REPLY, g.reply.failure, cases[i].says);
        CHECK(strstr(g.error, cases[i].error) != NULL, "%s: %s", cases[i].says, g.error);
        CHECK(g.error[0] != '\0', "says something");
    }
}

/* Keep-alive by its version, but the peer closes: the first reply stands. */
static void no_warm_where_the_peer_closes(void **state)
{
    (void)state;
    struct got g = fetch_from_peer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye",
                                   2 * NS_PER_S, true);
    CHECK_INT(HTTP_OK, g.reply.failure, g.error);
    CHECK_TEXT("bye", g.body, "body");
    CHECK(!g.reply.facts.warm, "the connection is gone");
    CHECK_INT(DELAY_UNDEFINED, g.reply.times.warm_first_byte_ns, "undefined");
}

/* The second request is never answered: the first reply comes before the time is over. */
static void no_warm_where_time_is_over(void **state)
{
    (void)state;
    struct got g =
        fetch_from_peer("HTTP/1.1 204 No Content\r\n\r\n", 400 * NS_PER_MS, true);
    CHECK_INT(HTTP_OK, g.reply.failure, g.error);
    CHECK_INT(204, g.reply.status, "status");
    CHECK(!g.reply.facts.warm, "no second reply");
}

static void silence_and_refusal(void **state)
{
    (void)state;
    struct got g = fetch_from_peer(NULL, 200 * NS_PER_MS, false);
    CHECK_INT(HTTP_FAILED_TIMEOUT, g.reply.failure, "no reply");
    CHECK_INT(0, g.reply.status, "no status");

    struct http_request request = get("http://127.0.0.1:1/");
    g = fetch(&request);
    CHECK_INT(HTTP_FAILED_CONNECT, g.reply.failure, "refused");
    CHECK_TEXT("connection to 127.0.0.1 failed: Connection refused", g.error, "error");
}

/* ---- packet loss ---- */

struct lossy {
    struct peer peer;
    uv_timer_t timer;
    int client; /* a second descriptor of its connection */
};

/* The peer's kernel takes no packet, until one has been sent again. */
static void on_lossy_accept(uv_stream_t *listener, int status)
{
    struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog filter = {.len = 1, .filter = nothing};
    struct peer *p = listener->data;
    int fd;
    on_accept(listener, status);
    uv_fileno((uv_handle_t *)&p->client, &fd);
    CHECK_INT(0, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter),
              "deaf");
}

static void end_loss(uv_timer_t *timer)
{
    struct lossy *l = timer->data;
    int fd, unused = 0;
    if (!l->peer.accepted || sent_again(l->client) == 0)
        return;
    uv_fileno((uv_handle_t *)&l->peer.client, &fd);
    setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    uv_close((uv_handle_t *)timer, NULL);
}

static void lost_packets_are_counted(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct http *h;
    struct lossy l;
    struct got g = {0};
    char url[64];
    uv_loop_init(&loop);
    CHECK_INT(0, http_create(&h, &loop), "created");
    uint16_t port =
        peer_start(&l.peer, &loop, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye",
                   on_lossy_accept);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    struct http_request request = get(url);
    request.socket = connected_to(port);
    l.client = dup(request.socket);
    while (!l.peer.accepted)
        uv_run(&loop, UV_RUN_ONCE);
    uv_timer_init(&loop, &l.timer);
    l.timer.data = &l;
    uv_timer_start(&l.timer, end_loss, 10, 10);
    http_start(h, &request, on_header, on_reply, &g);
    while (g.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK_TEXT("bye", g.body, g.error);
    CHECK(g.reply.lost_packets > 0, "none was sent again");
    CHECK(g.reply.lost_packets <= sent_again(l.client), "%u were", g.reply.lost_packets);
    close(l.client);
    http_destroy(h);
    uv_close((uv_handle_t *)&l.peer.listener, NULL);
    if (!uv_is_closing((uv_handle_t *)&l.peer.client))
        uv_close((uv_handle_t *)&l.peer.client, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_that_make_no_sense),
        cmocka_unit_test(no_warm_where_the_peer_closes),
        cmocka_unit_test(no_warm_where_time_is_over),
        cmocka_unit_test(silence_and_refusal),
        cmocka_unit_test(lost_packets_are_counted),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
