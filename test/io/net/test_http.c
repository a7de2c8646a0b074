#include "net/http.h"

#include "check.h"
#include "io/net/nginx.h"
#include "net/tls.h"

#include <poll.h>
#include <uv.h>

static struct nginx nginx;

static int start(void **state)
{
    (void)state;
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    nginx_start(&nginx);
    return 0;
}

static int end(void **state)
{
    (void)state;
    nginx_end(&nginx);
    return 0;
}

struct got {
    int calls;
    struct http_reply reply;
    char error[320], body[128], msedge[128];
    int headers;
};

static void on_header(const char *name, const char *value, size_t len, void *user)
{
    struct got *g = user;
    g->headers++;
    if (strcasecmp(name, "x-msedge-ref") == 0)
        snprintf(g->msedge, sizeof g->msedge, "%.*s", (int)len, value);
}

static void on_reply(const struct http_reply *reply, void *user)
{
    struct got *g = user;
    g->calls++;
    g->reply = *reply;
    snprintf(g->error, sizeof g->error, "%s", reply->error);
    snprintf(g->body, sizeof g->body, "%.*s", (int)reply->body_len, reply->body);
}

static struct http_request get(const char *url)
{
    return (struct http_request){.url = url,
                                 .ca_file = nginx.ca,
                                 .timeout_ns = 5 * NS_PER_S,
                                 .reply_max = 1024,
                                 .socket = -1};
}

static const char *url_of(const char *host, uint16_t port, const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "https://%s:%u%s", host, port, path);
    return url;
}

static struct got fetch(const struct http_request *request)
{
    uv_loop_t loop;
    struct http *h;
    struct got g = {0};
    uv_loop_init(&loop);
    CHECK_INT(0, http_create(&h, &loop), "created");
    http_start(h, request, on_header, on_reply, &g);
    CHECK_INT(0, g.calls, "never from inside the call");
    while (g.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    http_destroy(h);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(1, g.calls, "exactly one reply");
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    return g;
}

static int connected_to(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int error = -1;
    socklen_t len = sizeof error;
    connect(fd, (struct sockaddr *)&a, sizeof a);
    poll(&p, 1, 1000);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    CHECK(p.revents == POLLOUT && error == 0, "cannot connect to %u", port);
    return fd;
}

static void check_phase(int64_t ns, const char *what)
{
    CHECK(ns > 0 && ns < NS_PER_S, "%s took %" PRId64 " ns", what, ns);
}

static void cold_and_warm_over_own_socket(void **state)
{
    (void)state;
    struct http_request request = get(url_of("edge.test", nginx.good, "/"));
    request.socket = connected_to(nginx.good);
    request.proxy = "";
    request.repeat = true;
    struct got g = fetch(&request);
    CHECK_TEXT("", g.error, "error");
    CHECK_INT(HTTP_OK, g.reply.failure, "failure");
    CHECK_INT(200, g.reply.status, "status");
    CHECK_TEXT("hello", g.body, "body, once");
    CHECK_TEXT(NGINX_MSEDGE, g.msedge, "header");
    CHECK_TEXT("2", g.reply.facts.version, "HTTP version");
    CHECK_TEXT("1.3", g.reply.facts.tls_version, "TLS version");
    CHECK_TEXT("Edgelat Test ca", g.reply.facts.issuer, "issuer");
    CHECK_TEXT("TCP_HIT", g.reply.facts.cache, "cache");
    CHECK(g.reply.facts.expires_days == 19 || g.reply.facts.expires_days == 20,
          "expires in %d days", g.reply.facts.expires_days);
    check_phase(g.reply.times.tls_ns, "TLS");
    check_phase(g.reply.times.first_byte_ns, "first byte");
    check_phase(g.reply.times.warm_first_byte_ns, "warm first byte");
    CHECK(g.reply.times.body_ns >= 0, "body");
    CHECK(g.reply.facts.warm, "warm");
    CHECK_INT(0, g.reply.lost_packets, "loopback loses none");
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
        int status;
        int64_t retry_after_s;
    } cases[] = {
        {"/busy", "later", 503, 7}, {"/missing", NULL, 404, 0}, {"/moved", NULL, 301, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_request request = get(url_of("localhost", nginx.good, cases[i].path));
        struct got g = fetch(&request);
        CHECK_INT(HTTP_OK, g.reply.failure, g.error);
        CHECK_INT(cases[i].status, g.reply.status, cases[i].path);
        CHECK_INT(cases[i].retry_after_s * NS_PER_S, g.reply.retry_after_ns,
                  "Retry-After");
        if (cases[i].body != NULL)
            CHECK_TEXT(cases[i].body, g.body, "body");
    }
}

static void not_trusted(void **state)
{
    (void)state;
    const struct {
        const char *what, *host, *ca;
        uint16_t port;
        const char *error;
        const char *issuer;
    } cases[] = {
        {"another CA", "localhost", nginx.other_ca, nginx.good,
         "certificate of localhost is not trusted: unable to get local issuer "
         "certificate",
         "Edgelat Test ca"},
        {"the system's CAs", "localhost", "", nginx.good,
         "certificate of localhost is not trusted: unable to get local issuer "
         "certificate",
         "Edgelat Test ca"},
        {"expired", "localhost", nginx.ca, nginx.expired,
         "certificate of localhost is not trusted: certificate has expired",
         "Edgelat Test ca"},
        {"another name", "localhost", nginx.ca, nginx.wrong_name,
         "certificate is not for localhost", "Edgelat Test ca"},
        {"plain HTTP", "localhost", nginx.ca, nginx.plain,
         "TLS handshake with localhost failed: wrong version number", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int own = 0; own < 2; own++) {
            struct http_request request = get(url_of(cases[i].host, cases[i].port, "/"));
            request.ca_file = cases[i].ca;
            request.socket = own ? connected_to(cases[i].port) : -1;
            struct got g = fetch(&request);
            CHECK_INT(HTTP_FAILED_TLS, g.reply.failure, cases[i].what);
            CHECK_TEXT(cases[i].error, g.error, cases[i].what);
            CHECK_TEXT(cases[i].issuer, g.reply.facts.issuer, cases[i].what);
            CHECK_INT(0, g.reply.status, "no status");
            CHECK_INT(DELAY_UNDEFINED, g.reply.times.tls_ns, "undefined, not 0");
            CHECK_INT(DELAY_UNDEFINED, g.reply.times.first_byte_ns, "undefined, not 0");
        }
    }
}

static void failures_on_this_host(void **state)
{
    (void)state;
    char folder_ca[96];
    snprintf(folder_ca, sizeof folder_ca, "%s/nginx.conf", nginx.folder);
    const struct {
        const char *url, *ca, *error;
    } cases[] = {
        {"https://localhost/", "/absent/ca.pem",
         "trusted certificates /absent/ca.pem: No such file or directory"},
        {"https://localhost/", folder_ca, "no certificate in PEM form"},
        {"ftp://localhost/", "", "'ftp://localhost/' is not an http or https URL"},
        {"https://local host/", "", "is not an http or https URL"},
        {"", "", "'' is not an http or https URL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int own = 0; own < 2; own++) {
            struct http_request request = get(cases[i].url);
            request.ca_file = cases[i].ca;
            request.socket = own ? connected_to(nginx.good) : -1;
            struct got g = fetch(&request);
            CHECK_INT(HTTP_FAILED_LOCAL, g.reply.failure, cases[i].url);
            CHECK(strstr(g.error, cases[i].error) != NULL, "%s", g.error);
        }
    }
}

static void long_bodies(void **state)
{
    (void)state;
    struct http_request request = get(url_of("localhost", nginx.good, "/big"));
    request.cut_reply = true;
    request.reply_max = 16 * 1024;
    struct got g = fetch(&request);
    CHECK_INT(HTTP_OK, g.reply.failure, g.error);
    CHECK_INT(16 * 1024, g.reply.body_len, "cut there, of 1 GiB");

    request.cut_reply = false;
    g = fetch(&request);
    CHECK_INT(HTTP_FAILED_REPLY, g.reply.failure, "too long");
    CHECK_TEXT("the reply of localhost is longer than 16384 bytes", g.error, "error");
}

static void post(void **state)
{
    (void)state;
    static char body[200000];
    const char *const headers[] = {"Content-Type: application/x-protobuf", NULL};
    memset(body, 'b', sizeof body);
    struct http_request request = get(url_of("localhost", nginx.good, "/echo"));
    request.body = body;
    request.body_len = sizeof body;
    request.headers = headers;
    struct got g = fetch(&request);
    CHECK_INT(HTTP_OK, g.reply.failure, g.error);
    CHECK_TEXT("POST 200000 application/x-protobuf", g.body, "what arrived");
}

static void mutual_tls(void **state)
{
    (void)state;
    char cert[96], key[96];
    snprintf(cert, sizeof cert, "%s/client.pem", nginx.folder);
    snprintf(key, sizeof key, "%s/client.key", nginx.folder);
    struct http_request request = get(url_of("localhost", nginx.mutual, "/"));
    request.body = "x";
    request.body_len = 1;
    struct got g = fetch(&request);
    CHECK_INT(400, g.reply.status, "no certificate sent");

    request.cert_file = cert;
    request.key_file = key;
    g = fetch(&request);
    CHECK_INT(200, g.reply.status, g.error);
    CHECK_TEXT("CN=client", g.body, "who nginx saw");

    request.key_file = "/absent/client.key";
    g = fetch(&request);
    CHECK_INT(HTTP_FAILED_LOCAL, g.reply.failure, g.error);
    CHECK(strstr(g.error, "/absent/client.key") != NULL, "names it: %s", g.error);
}

/* A POST takes the proxy of the environment; a probe's own socket never does. */
static void proxy_of_the_environment(void **state)
{
    (void)state;
    struct http_request request = get(url_of("localhost", nginx.good, "/"));
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    struct got by_proxy = fetch(&request);
    request.proxy = "";
    struct got direct = fetch(&request);
    request.socket = connected_to(nginx.good);
    struct got own = fetch(&request);
    unsetenv("https_proxy");
    CHECK_INT(HTTP_FAILED_CONNECT, by_proxy.reply.failure,
              "nobody is at the proxy's port");
    CHECK_INT(200, direct.reply.status, direct.error);
    CHECK_INT(200, own.reply.status, own.error);
}

/* ---- peers that misbehave: a listener of our own that says one thing and closes ---- */

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

static uint16_t peer_start(struct peer *p, uv_loop_t *loop, const char *says)
{
    struct sockaddr_in a;
    int len = sizeof a;
    *p = (struct peer){.says = says};
    uv_tcp_init(loop, &p->listener);
    p->listener.data = p;
    uv_ip4_addr("127.0.0.1", 0, &a);
    uv_tcp_bind(&p->listener, (struct sockaddr *)&a, 0);
    uv_listen((uv_stream_t *)&p->listener, 4, on_accept);
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
    uint16_t port = peer_start(&p, &loop, says);
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

static void cancelled_in_each_phase(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        uv_loop_t loop;
        struct http *h;
        struct got gone = {0}, kept = {0};
        uv_loop_init(&loop);
        CHECK_INT(0, http_create(&h, &loop), "created");
        struct http_request request = get(url_of("localhost", nginx.good, "/"));
        request.socket = connected_to(nginx.good);
        request.repeat = true;
        struct http_exchange *x = http_start(h, &request, on_header, on_reply, &gone);
        request.socket = -1;
        http_start(h, &request, on_header, on_reply, &kept);
        for (int i = 0; i < turns && gone.calls == 0; i++)
            uv_run(&loop, UV_RUN_ONCE);
        int before = gone.calls;
        if (before == 0)
            http_cancel(x);
        while (kept.calls == 0)
            uv_run(&loop, UV_RUN_ONCE);
        http_start(h, &request, on_header, on_reply, &gone); /* destroyed under way */
        http_destroy(h);
        uv_run(&loop, UV_RUN_DEFAULT);
        CHECK_INT(before, gone.calls, "no callback after cancel or destroy");
        CHECK_INT(200, kept.reply.status, "the other one is not touched");
        CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    }
    http_destroy(NULL);
}

/* The store is the same one until the file changes. */
static void certificates_are_loaded_once(void **state)
{
    (void)state;
    char why[160], path[128], command[512];
    snprintf(path, sizeof path, "%s/changing.pem", nginx.folder);
    snprintf(command, sizeof command, "cp %s %s", nginx.other_ca, path);
    child_run(command);
    struct tls_trust *t = tls_trust_create();
    X509_STORE *first = tls_trust_store(t, path, why, sizeof why);
    CHECK(first != NULL, "%s", why);
    X509_STORE_up_ref(first); /* as a request under way does */
    CHECK(tls_trust_store(t, path, why, sizeof why) == first, "not loaded again");
    CHECK(tls_trust_store(t, nginx.ca, why, sizeof why) != first, "another file");
    snprintf(command, sizeof command, "cat %s >>%s", nginx.ca, path);
    child_run(command);
    X509_STORE *second = tls_trust_store(t, path, why, sizeof why);
    CHECK(second != NULL && second != first, "the file has changed");
    CHECK(tls_trust_store(t, path, why, sizeof why) == second, "not loaded again");
    X509_STORE_free(first);
    tls_trust_destroy(t);
    tls_trust_destroy(NULL);
}

static void preloaded_certificates(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct http *http;
    uv_loop_init(&loop);
    CHECK_INT(0, http_create(&http, &loop), "http");
    http_preload(http, "/nonexistent/ca.pem"); /* shows with the request */
    uint64_t began = uv_hrtime();
    http_preload(http, ""); /* the system's: more than a hundred */
    uint64_t first = uv_hrtime() - began;
    began = uv_hrtime();
    for (int i = 0; i < 10; i++)
        http_preload(http, "");
    uint64_t ten = uv_hrtime() - began;
    CHECK(ten < first, "10 times in %lu us, but once in %lu us",
          (unsigned long)ten / 1000, (unsigned long)first / 1000);
    http_destroy(http);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cold_and_warm_over_own_socket),
        cmocka_unit_test(statuses),
        cmocka_unit_test(not_trusted),
        cmocka_unit_test(failures_on_this_host),
        cmocka_unit_test(long_bodies),
        cmocka_unit_test(post),
        cmocka_unit_test(mutual_tls),
        cmocka_unit_test(proxy_of_the_environment),
        cmocka_unit_test(replies_that_make_no_sense),
        cmocka_unit_test(no_warm_where_the_peer_closes),
        cmocka_unit_test(no_warm_where_time_is_over),
        cmocka_unit_test(silence_and_refusal),
        cmocka_unit_test(cancelled_in_each_phase),
        cmocka_unit_test(certificates_are_loaded_once),
        cmocka_unit_test(preloaded_certificates),
    };
    return cmocka_run_group_tests(tests, start, end);
}
