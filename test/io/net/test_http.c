#include "net/http.h"

#include "io/net/http_bed.h"
#include "io/net/nginx.h"
#include "net/clock.h"
#include "net/tls.h"

static struct nginx nginx;

static int start(void **state)
{
    nginx_start(&nginx);
    return without_proxies(state);
}

static int end(void **state)
{
    (void)state;
    nginx_end(&nginx);
    return 0;
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
    int same = dup(request.socket); /* a second descriptor of the connection */
    struct got g = fetch(&request);
    CHECK_TEXT("", g.error, "error");
    CHECK_INT(HTTP_OK, g.reply.failure, "failure");
    CHECK_INT(200, g.reply.status, "status");
    CHECK_TEXT("hello", g.body, "body, once");
    size_t until_date = strlen(NGINX_MSEDGE) - strlen("$now");
    CHECK(strncmp(NGINX_MSEDGE, g.msedge, until_date) == 0, "header: %s", g.msedge);
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
    CHECK(g.reply.lost_packets <= sent_again(same), "%u packets were sent again",
          g.reply.lost_packets);
    close(same);
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

/* OpenSSL itself finds no certificate behind a byte order mark. */
static void trusted_file_with_a_byte_order_mark(void **state)
{
    (void)state;
    char marked[96], command[256];
    snprintf(marked, sizeof marked, "%s/marked.pem", nginx.folder);
    snprintf(command, sizeof command, "{ printf '\\357\\273\\277'; cat %s; } >%s",
             nginx.ca, marked);
    child_run(command);
    struct http_request request = get(url_of("localhost", nginx.good, "/"));
    request.ca_file = marked;
    request.socket = connected_to(nginx.good);
    struct got g = fetch(&request);
    CHECK_INT(HTTP_OK, g.reply.failure, g.error);
}

/* The wall clock is compared with the Date of a reply. */
static void date_of_a_reply(void **state)
{
    (void)state;
    struct http_request request = get(url_of("localhost", nginx.good, "/"));
    request.ca_file = nginx.ca;
    struct got g = fetch(&request);
    CHECK_INT(HTTP_OK, g.reply.failure, g.error);
    CHECK(g.dated, "it came");
    CHECK_NEAR(0, (double)g.ahead_ns / 1e9, 3, "seconds ahead");

    request.url = url_of("localhost", nginx.good, "/cached");
    g = fetch(&request);
    CHECK_INT(HTTP_OK, g.reply.failure, g.error);
    CHECK(!g.dated, "the Date of a reply from a cache is none of now");
}

static void failures_on_this_host(void **state)
{
    (void)state;
    char folder_ca[96], fifo[96];
    snprintf(fifo, sizeof fifo, "%s/fifo", nginx.folder);
    CHECK_INT(0, mkfifo(fifo, 0600), "a FIFO that nobody writes to");
    snprintf(folder_ca, sizeof folder_ca, "%s/nginx.conf", nginx.folder);
    const struct {
        const char *url, *ca, *error, *key;
    } cases[] = {
        {"https://localhost/", fifo, "fifo: a FIFO, socket or device"},
        {"https://localhost/", nginx.ca, "fifo: a FIFO, socket or device", fifo},
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
            request.key_file = request.cert_file = cases[i].key;
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

/* Also of certificates that outlive their owners (RFC 5280, 4.1.2.5: the year 9999). */
static void days_until_it_expires(void **state)
{
    (void)state;
    static const int days[] = {40000, 32768, 1, -40000, 2900000};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        struct http_facts facts = {0};
        X509 *certificate = X509_new();
        X509_time_adj_ex(X509_getm_notAfter(certificate), days[i], 43200, NULL);
        tls_certificate_facts(&facts, certificate);
        CHECK_INT(days[i], facts.expires_days, "days");
        X509_free(certificate);
    }
}

/* No prompt appears on the terminal. */
static void key_with_a_passphrase(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"client.pem", "pkcs8.key"}, {"client.pem", "pkcs1.key"}, {"both.pem", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char cert[96], key[96] = "";
        const char *encrypted = cases[i][cases[i][1] != NULL];
        snprintf(cert, sizeof cert, "%s/%s", nginx.folder, cases[i][0]);
        if (cases[i][1] != NULL)
            snprintf(key, sizeof key, "%s/%s", nginx.folder, cases[i][1]);
        struct http_request request = get(url_of("localhost", nginx.mutual, "/"));
        request.cert_file = cert;
        request.key_file = key;
        struct got g = fetch(&request);
        CHECK_INT(HTTP_FAILED_LOCAL, g.reply.failure, g.error);
        CHECK(strstr(g.error, encrypted) != NULL && strstr(g.error, "encrypted") != NULL,
              "says which: %s", g.error);
    }
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

/* Asks the store for the CA of that file, as a handshake does. */
static bool finds(X509_STORE *store, const char *ca_file)
{
    FILE *file = fopen(ca_file, "r");
    X509 *ca = PEM_read_X509(file, NULL, NULL, NULL);
    X509_STORE_CTX *verifies = X509_STORE_CTX_new();
    X509_OBJECT *found = X509_OBJECT_new();
    X509_STORE_CTX_init(verifies, store, NULL, NULL);
    bool is = X509_STORE_CTX_get_by_subject(verifies, X509_LU_X509,
                                            X509_get_subject_name(ca), found) == 1 &&
              X509_cmp(X509_OBJECT_get0_X509(found), ca) == 0;
    X509_OBJECT_free(found);
    X509_STORE_CTX_free(verifies);
    X509_free(ca);
    fclose(file);
    return is;
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
    for (int i = 0; i < 2; i++) {
        CHECK_INT(i, sk_X509_OBJECT_num(X509_STORE_get0_objects(second)),
                  "a certificate is parsed when it is needed");
        CHECK(finds(second, nginx.ca), "one of two CAs");
    }
    CHECK(!finds(first, nginx.ca), "not in the file before");
    X509_STORE_free(first);
    tls_trust_destroy(t);
    tls_trust_destroy(NULL);
}

/* Such as a CA before and after it changed its key. A chain may need either. */
static void certificates_of_one_subject(void **state)
{
    (void)state;
    char why[160], path[128], command[768];
    snprintf(path, sizeof path, "%s/same.pem", nginx.folder);
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout new.key -out "
             "new.pem -subj '/O=Edgelat Test ca/CN=ca' 2>openssl.log && openssl x509 -in "
             "new.pem -trustout -addtrust serverAuth >same.pem && cat ca.pem >>same.pem",
             nginx.folder);
    child_run(command);
    struct tls_trust *t = tls_trust_create();
    X509_STORE *store = tls_trust_store(t, path, why, sizeof why);
    CHECK(store != NULL, "%s", why);
    X509_STORE_CTX *verifies = X509_STORE_CTX_new();
    X509_STORE_CTX_init(verifies, store, NULL, NULL);
    FILE *file = fopen(nginx.ca, "r");
    X509 *ca = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    STACK_OF(X509) *all = X509_STORE_CTX_get1_certs(verifies, X509_get_subject_name(ca));
    CHECK_INT(2, sk_X509_num(all), "the trusted certificate hides no other");
    sk_X509_pop_free(all, X509_free);
    X509_free(ca);
    X509_STORE_CTX_free(verifies);
    tls_trust_destroy(t);
}

static void preloaded_certificates(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct http *http;
    uv_loop_init(&loop);
    CHECK_INT(0, http_create(&http, &loop), "http");
    http_preload(http, "/nonexistent/ca.pem"); /* shows with the request */
    int64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    http_preload(http, ""); /* the system's: more than a hundred */
    int64_t first = clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;
    began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < 10; i++)
        http_preload(http, "");
    int64_t ten = clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;
    CHECK(ten < first, "10 times in %ld us, but once in %ld us", (long)ten / 1000,
          (long)first / 1000);
    http_destroy(http);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
}

static unsigned contexts;

/* OpenSSL calls it for each SSL_CTX that it makes. */
static void on_context(void *ctx, void *none, CRYPTO_EX_DATA *data, int index, long l,
                       void *p)
{
    (void)ctx, (void)none, (void)data, (void)index, (void)l, (void)p;
    contexts++;
}

/* Contexts and multi handles are kept, what one request may trust is not. */
static void probes_at_once_keep_what_they_trust(void **state)
{
    (void)state;
    const struct {
        const char *what, *ca, *error;
        uint16_t port;
    } cases[] = {
        {"trusted", nginx.ca, "", nginx.good},
        {"another CA", nginx.other_ca,
         "certificate of localhost is not trusted: unable to get local issuer "
         "certificate",
         nginx.good},
        {"trusted again", nginx.ca, "", nginx.good},
        {"expired", nginx.ca,
         "certificate of localhost is not trusted: certificate has expired",
         nginx.expired},
        {"another name", nginx.ca, "certificate is not for localhost", nginx.wrong_name},
        {"the system's CAs", "",
         "certificate of localhost is not trusted: unable to get local issuer "
         "certificate",
         nginx.good},
        {"trusted at last", nginx.ca, "", nginx.good},
    };
    enum { CASES = sizeof cases / sizeof *cases, CA_FILES = 3, ROUNDS = 4 };
    uv_loop_t loop;
    struct http *http;
    uv_loop_init(&loop);
    CHECK_INT(0, http_create(&http, &loop), "http");
    SSL_CTX_get_ex_new_index(0, NULL, on_context, NULL, NULL);
    contexts = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct got got[CASES] = {0};
        for (size_t i = 0; i < CASES; i++) {
            struct http_request request = get(url_of("localhost", cases[i].port, "/"));
            request.ca_file = cases[i].ca;
            request.proxy = "";
            request.socket = connected_to(cases[i].port);
            request.repeat = i % 2 == 0;
            http_start(http, &request, on_header, on_reply, &got[i]);
            if (round == 0) /* one at a time; then all at once */
                while (got[i].calls == 0)
                    uv_run(&loop, UV_RUN_ONCE);
        }
        for (size_t i = 0; i < CASES; i++) {
            const struct got *g = &got[i];
            while (g->calls == 0)
                uv_run(&loop, UV_RUN_ONCE);
            CHECK_TEXT(cases[i].error, g->error, cases[i].what);
            CHECK_TEXT("Edgelat Test ca", g->reply.facts.issuer, cases[i].what);
            CHECK_INT(g->error[0] == '\0' ? 200 : 0, g->reply.status, cases[i].what);
            CHECK((g->reply.times.tls_ns > 0) == (g->error[0] == '\0'),
                  "%s: TLS took %" PRId64 " ns", cases[i].what, g->reply.times.tls_ns);
            CHECK(g->reply.facts.warm == (g->error[0] == '\0' && i % 2 == 0),
                  "%s: a second request", cases[i].what);
        }
    }
    CHECK_INT(CA_FILES, contexts, "a context for each file");
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
        cmocka_unit_test(trusted_file_with_a_byte_order_mark),
        cmocka_unit_test(date_of_a_reply),
        cmocka_unit_test(failures_on_this_host),
        cmocka_unit_test(long_bodies),
        cmocka_unit_test(post),
        cmocka_unit_test(mutual_tls),
        cmocka_unit_test(days_until_it_expires),
        cmocka_unit_test(key_with_a_passphrase),
        cmocka_unit_test(proxy_of_the_environment),
        cmocka_unit_test(cancelled_in_each_phase),
        cmocka_unit_test(certificates_are_loaded_once),
        cmocka_unit_test(certificates_of_one_subject),
        cmocka_unit_test(preloaded_certificates),
        cmocka_unit_test(probes_at_once_keep_what_they_trust),
    };
    return cmocka_run_group_tests(tests, start, end);
}
