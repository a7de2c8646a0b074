/*
 * The cost of a cold HTTPS probe: the probe kind itself, compared with a bare TLS
 * handshake (SSL_CTX kept, chain and name verified, no request) with the same library,
 * certificate and server in the same run. The server is a process of its own, so CPU time
 * is that of the client; it closes after one reply, so a probe is one request.
 *
 *     bench_https [probe|bare COUNT]
 *
 * With arguments only that part runs, COUNT times: for perf and callgrind.
 */
#include "base/mem.h"
#include "net/clock.h"
#include "net/http.h"
#include "net/resolver.h"
#include "probe/https/https.h"
#include "probe/prober.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS     9
#define HANDSHAKES 150 /* a round */
#define SINGLES    60  /* probes looked at one by one */
#define HOST       "localhost"
#define NOISY      0.15 /* quartiles of the bare handshake further apart than this */

static char ca_file[] = "/tmp/bench_https.XXXXXX";
static uint16_t port;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_https: %s failed\n", what);
    exit(2);
}

static int64_t cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- the server ---- */

static X509 *certificate_for(EVP_PKEY *key, const char *name, const char *alternative,
                             EVP_PKEY *issuer_key, X509 *issuer)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    X509V3_CTX c;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), issuer == NULL ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const uint8_t *)"bench", -1,
                               -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1,
                               0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer == NULL ? x : issuer));
    X509_set_pubkey(x, key);
    X509V3_set_ctx(&c, issuer == NULL ? x : issuer, x, NULL, NULL, 0);
    const char *values[][2] = {
        {"basicConstraints", issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE"},
        {"subjectAltName", alternative},
    };
    for (size_t i = 0; i < 2; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, &c, values[i][0], values[i][1]);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    must(X509_sign(x, issuer_key, EVP_sha256()) > 0, "signing a certificate");
    return x;
}

static SSL_CTX *server_context(void)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = certificate_for(ca_key, "ca", "DNS:ca.test", ca_key, NULL);
    X509 *leaf = certificate_for(key, HOST, "DNS:" HOST, ca_key, ca);
    int fd = mkstemp(ca_file);
    FILE *file = fdopen(fd, "w");
    must(file != NULL && PEM_write_X509(file, ca) == 1 && fclose(file) == 0,
         "writing the CA");
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    must(SSL_CTX_use_certificate(ctx, leaf) == 1 &&
             SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
             SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1,
         "the server's certificate");
    SSL_CTX_set_num_tickets(ctx, 2);
    X509_free(ca), X509_free(leaf), EVP_PKEY_free(ca_key), EVP_PKEY_free(key);
    return ctx;
}

static void serve_one(SSL_CTX *ctx, int fd)
{
    static const char reply[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
        "Connection: close\r\n\r\nok\n";
    char request[4096];
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof request) > 0 &&
        SSL_write(ssl, reply, sizeof reply - 1) > 0)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
}

static pid_t start_server(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 128) == 0 &&
             getsockname(fd, (struct sockaddr *)&at, &len) == 0,
         "listening");
    port = ntohs(at.sin_port);
    SSL_CTX *ctx = server_context();
    pid_t parent = getpid(), pid = fork();
    must(pid >= 0, "fork");
    if (pid > 0) {
        close(fd);
        SSL_CTX_free(ctx);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "bench_server"); /* apart in a profile */
    signal(SIGPIPE, SIG_IGN);
    while (getppid() == parent) {
        int peer = accept(fd, NULL, NULL);
        if (peer >= 0)
            serve_one(ctx, peer);
    }
    _exit(0);
}

/* ---- the bare handshake ---- */

static SSL_CTX *bare_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    must(SSL_CTX_load_verify_locations(ctx, ca_file, NULL) == 1, "loading the CA");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

/* `request`: NULL for none. */
static void bare_one(SSL_CTX *ctx, const char *request)
{
    char reply[4096];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct linger reset = {1, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, HOST);
    SSL_set1_host(ssl, HOST);
    must(SSL_connect(ssl) == 1, "the bare handshake");
    if (request != NULL && SSL_write(ssl, request, (int)strlen(request)) > 0)
        while (SSL_read(ssl, reply, sizeof reply) > 0)
            ;
    SSL_free(ssl);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

static double run_bare(SSL_CTX *ctx, const char *request, size_t n)
{
    int64_t began = cpu_ns();
    for (size_t i = 0; i < n; i++)
        bare_one(ctx, request);
    return (double)(cpu_ns() - began) / (double)n / NS_PER_US;
}

/* ---- the probe ---- */

struct bench {
    uv_loop_t loop;
    uv_prepare_t before_poll;
    struct resolver *resolver;
    struct http *http;
    struct prober *prober;
    struct target target;
    struct endpoint to;
    bool came;
    size_t bad;
    char cause[sizeof((struct result *)0)->cause];
    int64_t turn_ns, longest_ns; /* CPU of one turn of the loop */
};

static void on_result(const struct result *result, void *user)
{
    struct bench *b = user;
    b->came = true;
    if (result->outcome == OUTCOME_REPLY && result->cause[0] == '\0')
        return;
    b->bad++;
    memcpy(b->cause, result->cause, sizeof b->cause);
}

static void on_before_poll(uv_prepare_t *prepare)
{
    struct bench *b = prepare->data;
    int64_t now_ns = cpu_ns();
    if (now_ns - b->turn_ns > b->longest_ns)
        b->longest_ns = now_ns - b->turn_ns;
    b->turn_ns = cpu_ns();
}

static bool heap_watched;
static size_t heap_max;

/* OpenSSL allocates most, and often: its calls are when the heap is looked at. */
static void *watched_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    void *p = malloc(size);
    size_t heap = heap_watched ? mallinfo2().uordblks : 0;
    if (heap > heap_max)
        heap_max = heap;
    return p;
}

static void *plain_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return realloc(p, size);
}

static void plain_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

static struct bench *bench_make(void)
{
    static const struct probe_kind *const kinds[] = {&https_kind};
    struct bench *b = mem_zalloc(sizeof *b);
    uv_loop_init(&b->loop);
    uv_prepare_init(&b->loop, &b->before_poll);
    b->before_poll.data = b;
    must(resolver_create(&b->resolver, &b->loop, "127.0.0.1:1") == 0, "the resolver");
    must(http_create(&b->http, &b->loop) == 0, "http");
    b->target = (struct target){.name = "bench", .path = "/", .proxy = "none"};
    b->target.host = HOST; /* of the hosts file */
    b->target.ca_file = ca_file;
    target_wait(&b->target, 3 * NS_PER_S);
    endpoint_parse(&b->to, "127.0.0.1", port);
    b->prober = prober_create(&b->loop, kinds, 1, b->resolver, b->http,
                              (struct prober_events){.on_result = on_result, .user = b});
    char why[256];
    must(prober_open(b->prober, 0, why, sizeof why) == 0, "opening the prober");
    return b;
}

static void bench_end(struct bench *b)
{
    prober_destroy(b->prober);
    http_destroy(b->http);
    resolver_destroy(b->resolver);
    uv_close((uv_handle_t *)&b->before_poll, NULL);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    uv_loop_close(&b->loop);
    free(b);
}

static double run_probes(struct bench *b, size_t n)
{
    int64_t began = cpu_ns();
    for (size_t i = 0; i < n; i++) {
        b->came = false;
        prober_send(b->prober, 0, 0, &b->target, &b->to);
        while (!b->came)
            uv_run(&b->loop, UV_RUN_ONCE);
    }
    return (double)(cpu_ns() - began) / (double)n / NS_PER_US;
}

/* ---- the figures ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct spread {
    double low, median, high; /* quartiles */
};

static struct spread spread_of(const double *values, size_t n)
{
    double sorted[SINGLES];
    memcpy(sorted, values, n * sizeof *values);
    qsort(sorted, n, sizeof *sorted, compare);
    return (struct spread){sorted[n / 4], sorted[n / 2], sorted[n - 1 - n / 4]};
}

static void print(const char *what, struct spread s, const char *unit)
{
    printf("%-28s %8.2f (%.2f to %.2f)%s\n", what, s.median, s.low, s.high, unit);
}

/* The turn of the loop with the most work, and what the heap grows by, in one probe. */
static void print_one_probe(struct bench *b)
{
    double blocked_us[SINGLES], grown_kib[SINGLES];
    uv_prepare_start(&b->before_poll, on_before_poll);
    for (size_t i = 0; i < SINGLES; i++) {
        b->longest_ns = 0;
        b->turn_ns = cpu_ns();
        run_probes(b, 1);
        on_before_poll(&b->before_poll); /* the last turn */
        blocked_us[i] = (double)b->longest_ns / NS_PER_US;
    }
    uv_prepare_stop(&b->before_poll);
    heap_watched = true;
    for (size_t i = 0; i < SINGLES; i++) {
        size_t heap = heap_max = mallinfo2().uordblks;
        run_probes(b, 1);
        grown_kib[i] = (double)(heap_max - heap) / 1024;
    }
    heap_watched = false;
    print("loop blocked at once", spread_of(blocked_us, SINGLES), " us CPU");
    print("heap of one probe", spread_of(grown_kib, SINGLES), " KiB");
}

static void compare_both(struct bench *b, SSL_CTX *ctx)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: " HOST "\r\n\r\n";
    double bare[ROUNDS], with_request[ROUNDS], probe[ROUNDS], ratio[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        bare[i] = run_bare(ctx, NULL, HANDSHAKES);
        with_request[i] = run_bare(ctx, request, HANDSHAKES);
        probe[i] = run_probes(b, HANDSHAKES);
        ratio[i] = probe[i] / bare[i];
    }
    struct spread s = spread_of(bare, ROUNDS);
    print("bare TLS 1.3 handshake", s, " us CPU");
    print("the same with one request", spread_of(with_request, ROUNDS), " us CPU");
    print("HTTPS probe, one request", spread_of(probe, ROUNDS), " us CPU");
    print("ratio (goal: at most 1.50)", spread_of(ratio, ROUNDS), "");
    if (s.high - s.low > NOISY * s.median)
        printf("no verdict: the machine is too noisy, as the bare handshake shows\n");
    print_one_probe(b);
    if (b->bad > 0)
        printf("no verdict: %zu probes failed: %s\n", b->bad, b->cause);
}

int main(int argc, char **argv)
{
    CRYPTO_set_mem_functions(watched_malloc, plain_realloc, plain_free);
    pid_t server = start_server();
    SSL_CTX *ctx = bare_context();
    struct bench *b = bench_make();
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    printf("HTTPS to loopback, TLS 1.3, P-256, %s; quartiles of %d rounds of %d\n",
           OpenSSL_version(OPENSSL_VERSION), ROUNDS, HANDSHAKES);
    if (n > 0 && strcmp(argv[1], "bare") == 0) {
        printf("%.1f us\n", run_bare(ctx, NULL, n));
    } else if (n > 0) {
        printf("%.1f us\n", run_probes(b, n));
    } else {
        run_bare(ctx, NULL, 10);
        run_probes(b, 10);
        compare_both(b, ctx);
    }
    bench_end(b);
    SSL_CTX_free(ctx);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    unlink(ca_file);
    return 0;
}
