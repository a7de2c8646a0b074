/*
 * Peers that send an endless stream of data that the agent does not count: TLS records,
 * HTTP/2 frames, interim replies, chunk extensions. None may block the loop or use
 * memory, and each is reported as an error of that peer. Times are CPU time of this
 * thread, so load on the machine does not matter.
 */
#include "io/net/http_bed.h"

#include "io/net/tls_peer.h"
#include "net/clock.h"

#include <sys/resource.h>

#define HELD_MOST_NS (100 * NS_PER_MS) /* as shipped: a sanitizer takes many times that */

enum {
    PIECE = 1 << 18,
    MEMORY_MOST = 16 << 10, /* KiB */
    BURST = 64,             /* TLS messages at once */
    PEER_LIVES_S = 10,      /* as long as it could hold a loop that nothing guards */
};

enum speech {        /* before the flood */
              RAW,   /* nothing: it comes in place of TLS */
              PLAIN, /* a request over TCP: of a collector, or CONNECT to a proxy */
              DHE,   /* a handshake with a prime of its own, which can be a long one */
              TLS12, /* as PLAIN, over TLS */
              TLS13,
              HTTP2,
};

enum asked { TARGET = 1, COLLECTOR = 2, PROXY = 4 };

struct hostile {
    const char *what;
    enum speech speech;
    unsigned as;       /* enum asked, bits */
    const char *first; /* sent once, then `piece` repeatedly */
    size_t first_len;
    const char *piece;
    size_t piece_len;
    int (*message)(SSL *); /* in place of `piece`: one TLS message into the buffer */
    bool warm;             /* answers one request before */
    enum http_failure failure;
    const char *error; /* part of the message; NULL: any */
};

static struct tls_peer_files files;

/* ---- the peer: a process of its own ---- */

static void read_http2_headers(const struct connection *c)
{
    uint8_t head[9], body[1 << 14];
    do {
        peer_read(c, head, sizeof head);
        peer_read(c, body, (size_t)(head[1] << 8 | head[2]));
    } while (head[3] != 1);
}

static int choose_http2(SSL *ssl, const unsigned char **out, unsigned char *len,
                        const unsigned char *in, unsigned in_len, void *user)
{
    (void)ssl, (void)in, (void)in_len, (void)user;
    *out = (const unsigned char *)"h2";
    *len = 2;
    return SSL_TLSEXT_ERR_OK;
}

static SSL *accept_tls(enum speech speech, int fd)
{
    SSL_CTX *ctx = tls_peer_context(&files);
    if (speech == TLS12 || speech == DHE)
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    if (speech == DHE) {
        SSL_CTX_set_cipher_list(ctx, "DHE");
        SSL_CTX_set_dh_auto(ctx, 1);
    }
    if (speech == HTTP2)
        SSL_CTX_set_alpn_select_cb(ctx, choose_http2, NULL);
    return tls_peer_accept(ctx, fd);
}

#define H2_SETTINGS "\0\0\0\4\0\0\0\0\0"

static void answer_first(const struct hostile *h, const struct connection *c)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    static const char h2_ok[] = "\0\0\1\1\5\0\0\0\1\x88";
    if (h->speech == HTTP2)
        peer_write(c, h2_ok, sizeof h2_ok - 1);
    else
        peer_write(c, ok, sizeof ok - 1);
}

/* Collects messages in memory to send them together: each alone would be a packet. */
static void flood_messages(const struct hostile *h, const struct connection *c)
{
    BIO *heap = BIO_new(BIO_s_mem());
    SSL_set0_wbio(c->ssl, heap);
    struct connection plain = {.fd = c->fd};
    for (;;) {
        char *bytes;
        for (int i = 0; i < BURST; i++)
            must(h->message(c->ssl) == 1);
        long len = BIO_get_mem_data(heap, &bytes);
        peer_write(&plain, bytes, (size_t)len);
        BIO_reset(heap);
    }
}

static void flood(const struct hostile *h, int fd)
{
    static char pieces[PIECE];
    struct connection c = {.fd = fd};
    if (h->speech > PLAIN)
        c.ssl = accept_tls(h->speech, fd);
    if (h->speech == HTTP2) {
        uint8_t preface[24];
        peer_read(&c, preface, sizeof preface);
        peer_write(&c, H2_SETTINGS, 9);
    }
    for (int requests = h->warm ? 2 : 1; h->speech != RAW && requests > 0; requests--) {
        if (h->speech == HTTP2)
            read_http2_headers(&c);
        else
            read_head(&c);
        if (requests == 2)
            answer_first(h, &c);
    }
    if (h->message != NULL)
        flood_messages(h, &c);
    for (size_t i = 0; i < PIECE; i++)
        pieces[i] = h->piece[i % h->piece_len];
    peer_write(&c, h->first, h->first_len);
    for (;;)
        peer_write(&c, pieces, PIECE - PIECE % h->piece_len);
}

static pid_t start(const struct hostile *h, uint16_t *port)
{
    int listener = child_bind(SOCK_STREAM, port);
    CHECK_INT(0, listen(listener, 8), "listens");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        alarm(PEER_LIVES_S);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                alarm(PEER_LIVES_S);
                flood(h, fd);
            }
            close(fd);
        }
    }
    close(listener);
    return pid;
}

/* ---- floods ---- */

static int hello_request(SSL *ssl)
{
    return SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1;
}

static int key_update(SSL *ssl)
{
    return SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
           SSL_do_handshake(ssl) == 1;
}

static int key_update_both(SSL *ssl)
{
    return SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
           SSL_do_handshake(ssl) == 1;
}

static int ticket(SSL *ssl)
{
    return SSL_new_session_ticket(ssl) == 1 && SSL_do_handshake(ssl) == 1;
}

#define BYTES(text) text, sizeof(text) - 1
#define NOTHING     "", 0
#define OK_CHUNKED  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define HELD        "held this host too long"
#define H2_OK       "\0\0\1\1\4\0\0\0\1\x88"

static const struct hostile peers[] = {
    {"HelloRequest records before TLS", RAW, TARGET | COLLECTOR, NOTHING,
     BYTES("\x16\3\3\0\4\0\0\0\0"), .failure = HTTP_FAILED_TLS, .error = HELD},
    {"empty handshake records", RAW, TARGET, NOTHING, BYTES("\x16\3\3\0\0"),
     .failure = HTTP_FAILED_TLS},
    {"warnings", RAW, TARGET, NOTHING, BYTES("\x15\3\3\0\2\1\x5a"),
     .failure = HTTP_FAILED_TLS},
    {"ChangeCipherSpec", RAW, TARGET, NOTHING, BYTES("\x14\3\3\0\1\1"),
     .failure = HTTP_FAILED_TLS},
    {"a prime of the server", DHE, TARGET | COLLECTOR, NOTHING, BYTES("x"),
     .failure = HTTP_FAILED_TLS, .error = "handshake failure"},
    {"HelloRequest in the session", TLS12, TARGET | COLLECTOR, .message = hello_request,
     .failure = HTTP_FAILED_REPLY},
    {"KeyUpdate", TLS13, TARGET | COLLECTOR, .message = key_update,
     .failure = HTTP_FAILED_REPLY},
    {"KeyUpdate that asks for one", TLS13, TARGET | COLLECTOR, .message = key_update_both,
     .failure = HTTP_FAILED_REPLY},
    {"session tickets", TLS13, TARGET | COLLECTOR, .message = ticket,
     .failure = HTTP_FAILED_REPLY},
    {"session tickets in the second reply", TLS13, TARGET, .message = ticket,
     .warm = true, .failure = HTTP_FAILED_REPLY},

    {"WINDOW_UPDATE", HTTP2, TARGET, NOTHING, BYTES("\0\0\4\x08\0\0\0\0\0\0\0\0\1"),
     .failure = HTTP_FAILED_REPLY, .error = HELD},
    {"WINDOW_UPDATE in the second reply", HTTP2, TARGET, NOTHING,
     BYTES("\0\0\4\x08\0\0\0\0\0\0\0\0\1"), .warm = true, .failure = HTTP_FAILED_REPLY,
     .error = HELD},
    {"PRIORITY", HTTP2, TARGET, NOTHING, BYTES("\0\0\5\2\0\0\0\0\1\0\0\0\0\x10"),
     .failure = HTTP_FAILED_REPLY},
    {"PRIORITY of many streams", HTTP2, TARGET, NOTHING,
     BYTES("\0\0\5\2\0\0\0\0\3\0\0\0\0\x10"
           "\0\0\5\2\0\0\0\0\5\0\0\0\3\x10"
           "\0\0\5\2\0\0\0\0\7\0\0\0\5\x10"),
     .failure = HTTP_FAILED_REPLY},
    {"empty DATA", HTTP2, TARGET, BYTES(H2_OK), BYTES("\0\0\0\0\0\0\0\0\1"),
     .failure = HTTP_FAILED_REPLY},
    {"DATA of padding", HTTP2, TARGET, BYTES(H2_OK), BYTES("\0\0\1\0\x08\0\0\0\1\0"),
     .failure = HTTP_FAILED_REPLY},
    {"PING", HTTP2, TARGET, NOTHING, BYTES("\0\0\x08\6\0\0\0\0\0edgelat."),
     .failure = HTTP_FAILED_REPLY},
    {"PING answers", HTTP2, TARGET, NOTHING, BYTES("\0\0\x08\6\1\0\0\0\0edgelat."),
     .failure = HTTP_FAILED_REPLY},
    {"SETTINGS", HTTP2, TARGET, NOTHING, BYTES("\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"),
     .failure = HTTP_FAILED_REPLY},
    {"GOAWAY", HTTP2, TARGET, NOTHING, BYTES("\0\0\x08\7\0\0\0\0\0\0\0\0\1\0\0\0\0"),
     .failure = HTTP_FAILED_REPLY},
    {"unknown frames", HTTP2, TARGET, NOTHING, BYTES("\0\0\0\xfa\0\0\0\0\0"),
     .failure = HTTP_FAILED_REPLY},
    {"CONTINUATION without a header", HTTP2, TARGET, BYTES("\0\0\1\1\0\0\0\0\1\x88"),
     BYTES("\0\0\0\x09\0\0\0\0\1"), .failure = HTTP_FAILED_REPLY},
    {"CONTINUATION full of headers", HTTP2, TARGET, BYTES("\0\0\1\1\0\0\0\0\1\x88"),
     BYTES("\0\0\x08\x09\0\0\0\0\1\x90\x90\x90\x90\x90\x90\x90\x90"),
     .failure = HTTP_FAILED_REPLY},
    {"interim replies of HTTP/2", HTTP2, TARGET, NOTHING,
     BYTES("\0\0\5\1\4\0\0\0\1\x08\3"
           "103"),
     .failure = HTTP_FAILED_REPLY, .error = "too long"},

    {"interim replies", TLS13, TARGET | COLLECTOR, NOTHING,
     BYTES("HTTP/1.1 103 Early Hints\r\n\r\n"), .failure = HTTP_FAILED_REPLY,
     .error = "head of the reply"},
    {"headers", TLS13, TARGET | COLLECTOR, BYTES("HTTP/1.1 200 OK\r\n"),
     BYTES("X-A: b\r\n"), .failure = HTTP_FAILED_REPLY, .error = "head of the reply"},
    {"a header line", TLS13, TARGET | COLLECTOR, BYTES("HTTP/1.1 200 OK\r\nX-A: "),
     BYTES("b"), .failure = HTTP_FAILED_REPLY, .error = "line"},
    {"a status line", PLAIN, TARGET | COLLECTOR, BYTES("HTTP/1.1 200 "), BYTES("b"),
     .failure = HTTP_FAILED_REPLY, .error = "line"},
    {"a line that is folded", PLAIN, TARGET | COLLECTOR,
     BYTES("HTTP/1.1 200 OK\r\nX-A: b\r\n"), BYTES(" b\r\n"),
     .failure = HTTP_FAILED_REPLY},
    {"a chunk extension", TLS13, TARGET | COLLECTOR, BYTES(OK_CHUNKED "1;"), BYTES("x"),
     .failure = HTTP_FAILED_REPLY, .error = "more than 1 MiB"},
    {"a chunk extension without TLS", PLAIN, TARGET | COLLECTOR, BYTES(OK_CHUNKED "1;"),
     BYTES("x"), .failure = HTTP_FAILED_REPLY, .error = "more than 1 MiB"},
    {"trailers", TLS13, TARGET | COLLECTOR, BYTES(OK_CHUNKED "0\r\n"), BYTES("T: a\r\n"),
     .failure = HTTP_FAILED_REPLY, .error = "head of the reply"},
    {"a trailer", TLS13, TARGET | COLLECTOR, BYTES(OK_CHUNKED "0\r\nT: "), BYTES("a"),
     .failure = HTTP_FAILED_REPLY, .error = "line"},
    {"a body that is cut", TLS13, TARGET | COLLECTOR,
     BYTES("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"), BYTES("\x1f\x8b\x08"),
     .failure = HTTP_OK, .error = ""},
    {"a second body that is cut", TLS13, TARGET, BYTES("HTTP/1.1 200 OK\r\n\r\n"),
     BYTES("a"), .warm = true, .failure = HTTP_OK, .error = ""},

    {"headers of a proxy", PLAIN, PROXY, BYTES("HTTP/1.1 200 OK\r\n"),
     BYTES("X-A: b\r\n"), .failure = HTTP_FAILED_REPLY, .error = "the proxy for"},
    {"interim replies of a proxy", PLAIN, PROXY, NOTHING,
     BYTES("HTTP/1.1 100 OK\r\n\r\n"), .failure = HTTP_FAILED_REPLY},
    {"a header line of a proxy", PLAIN, PROXY, BYTES("HTTP/1.1 200 OK\r\nX-A: "),
     BYTES("b"), .failure = HTTP_FAILED_REPLY, .error = "line"},
    {"the body of a proxy's refusal", PLAIN, PROXY,
     BYTES("HTTP/1.1 407 No\r\nContent-Length: 2000000000\r\n\r\n"), BYTES("b"),
     .failure = HTTP_FAILED_REPLY, .error = "proxy for"},
};

/* ---- this end ---- */

struct watch {
    int64_t turned_ns, longest_ns; /* CPU time */
};

static void on_tick(uv_timer_t *timer)
{
    struct watch *w = timer->data;
    int64_t now_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (now_ns - w->turned_ns > w->longest_ns)
        w->longest_ns = now_ns - w->turned_ns;
    w->turned_ns = now_ns;
}

static struct got ask(enum asked as, const struct hostile *h, uint16_t port,
                      struct watch *w)
{
    uv_loop_t loop;
    uv_timer_t timer;
    struct http *http;
    struct got g = {0};
    char url[64], proxy[64];
    snprintf(url, sizeof url, "http%s://localhost:%u/", h->speech == PLAIN ? "" : "s",
             port);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", port);
    struct http_request request = {
        .url = as == PROXY ? "https://front.example/" : url,
        .proxy = as == PROXY ? proxy : "",
        .ca_file = files.certificate,
        .timeout_ns = 20 * NS_PER_S,
        .reply_max = 16 << 10,
        .cut_reply = true,
        .socket = -1,
    };
    if (as == COLLECTOR) {
        request.body = "batch";
        request.body_len = 5;
    } else {
        request.socket = connected_to(port);
        request.repeat = true;
    }
    uv_loop_init(&loop);
    CHECK_INT(0, http_create(&http, &loop), "created");
    http_preload(http, files.certificate);
    http_start(http, &request, on_header, on_reply, &g);

    uv_timer_init(&loop, &timer);
    timer.data = w;
    *w = (struct watch){.turned_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID)};
    uv_timer_start(&timer, on_tick, 1, 1);
    while (g.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    http_destroy(http);
    on_tick(&timer);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    return g;
}

static long memory_kib(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return r.ru_maxrss;
}

static void try(const struct hostile *h, enum asked as)
{
    struct watch w;
    uint16_t port;
    pid_t pid = start(h, &port);
    long before = memory_kib();
    struct got g = ask(as, h, port, &w);
    child_end(pid);
    long more = memory_kib() - before;
    if (getenv("VERBOSE") != NULL)
        printf("# %s, %d: %.1f ms, %ld KiB, %d %s\n", h->what, (int)as,
               (double)w.longest_ns / 1e6, more, (int)g.reply.failure, g.error);
    CHECK(w.longest_ns < HELD_MOST_NS || CHECK_SANITIZED,
          "%s: the loop stood for %" PRId64 " us of CPU", h->what, w.longest_ns / 1000);
    CHECK(more < MEMORY_MOST || CHECK_SANITIZED, "%s: %ld KiB more", h->what, more);
    CHECK_INT(h->failure, g.reply.failure, h->what);
    CHECK(
        (h->failure == HTTP_OK) == (g.error[0] == '\0') &&
            (h->error == NULL || strstr(g.error, h->error) != NULL ||
             strstr(g.error, "held this host too long") != NULL), /* whichever is first */
        "%s: %s", h->what, g.error);
}

static void no_peer_holds_the_loop(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        for (unsigned as = TARGET; as <= PROXY; as *= 2)
            if ((peers[i].as & as) != 0)
                try(&peers[i], as);
}

static int begin(void **state)
{
    tls_peer_files(&files);
    return without_proxies(state);
}

static int end(void **state)
{
    (void)state;
    child_folder_remove(&files.folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_peer_holds_the_loop),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
