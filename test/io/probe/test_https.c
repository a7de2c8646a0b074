/* The HTTPS kind against a real nginx, through the prober. */
#include "io/probe/bed.h"

#include "interned.h"
#include "io/net/nginx.h"
#include "probe/https/https.h"

#include <sys/resource.h>

static const struct probe_kind *const kinds[] = {&https_kind};

static struct nginx nginx;

enum {
    RTT,
    DNS,
    CONNECT,
    TLS,
    FIRST_BYTE,
    TOTAL,
    WARM_FIRST_BYTE,
    PROXY_CONNECT,
    PROXY_TUNNEL,
    DELAYS
};

static int start(void **state)
{
    without_proxies(state);
    nginx_start(&nginx);
    return 0;
}

static int end(void **state)
{
    (void)state;
    nginx_end(&nginx);
    return 0;
}

struct https_bed {
    struct bed *b;
    struct resolver *resolver;
    struct http *http;
};

/* "localhost" is in the hosts file; for all other names nobody is there to answer. */
static struct https_bed make(const char *dns, const char *host, const char *path)
{
    struct https_bed h = {.b = bed_make(kinds)};
    prober_destroy(h.b->prober);
    CHECK_INT(0, resolver_create(&h.resolver, &h.b->loop, dns), "resolver");
    CHECK_INT(0, http_create(&h.http, &h.b->loop), "http");
    struct prober_events events = {bed_on_result, bed_on_after, h.b};
    h.b->prober = prober_create(&h.b->loop, kinds, 1, h.resolver, h.http, events);
    target_wait(&h.b->target, 3 * NS_PER_S);
    h.b->target.host = intern(host);
    h.b->target.path = path;
    h.b->target.ca_file = nginx.ca;
    return h;
}

static void stop(struct https_bed *h)
{
    prober_destroy(h->b->prober);
    h->b->prober = NULL;
    http_destroy(h->http);
    resolver_destroy(h->resolver);
    bed_end(h->b);
}

static struct result probe(struct https_bed *h, const char *address, uint16_t port)
{
    struct endpoint to = bed_to(address, port);
    bed_send(h->b, 0, &to);
    bed_wait(h->b, h->b->n + 1);
    return h->b->results[h->b->n - 1];
}

static struct result probe_once(const char *host, const char *path, uint16_t port)
{
    struct https_bed h = make("127.0.0.1:1", host, path);
    struct result r = probe(&h, "127.0.0.1", port);
    stop(&h);
    return r;
}

static void check_undefined(const struct result *r, int from, const char *what)
{
    for (int i = from; i < DELAYS; i++)
        CHECK(r->delays[i] == DELAY_UNDEFINED, "%s: delay %d is undefined, not %" PRId64,
              what, i, r->delays[i]);
}

static void all_delays(void **state)
{
    (void)state;
    struct result r = probe_once("localhost", "/", nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK_TEXT("", r.cause, "cause");
    CHECK_TEXT("LON", r.pop, "PoP");
    CHECK(r.kernel_time, "rtt is the kernel's");
    CHECK(r.wire_bytes > 2000 && r.wire_bytes < 20000, "%u bytes on the wire",
          r.wire_bytes);
    for (int d = 0; d < PROXY_CONNECT; d++)
        CHECK(r.delays[d] > 0 && r.delays[d] < NS_PER_S, "delay %d: %" PRId64, d,
              r.delays[d]);
    CHECK(r.delays[RTT] <= r.delays[CONNECT], "the kernel's is the shorter");
    int64_t parts =
        r.delays[DNS] + r.delays[CONNECT] + r.delays[TLS] + r.delays[FIRST_BYTE];
    CHECK(r.delays[TOTAL] >= parts && r.delays[TOTAL] < parts + 100 * NS_PER_MS,
          "the total is the sum and the body");
    CHECK_INT(200, r.http.status, "status");
    CHECK_TEXT("2", r.http.version, "HTTP version");
    CHECK_TEXT("1.3", r.http.tls_version, "TLS version");
    CHECK_TEXT("Edgelat Test ca", r.http.issuer, "issuer");
    CHECK_TEXT("TCP_HIT", r.http.cache, "cache");
    CHECK(r.http.warm && !r.http.proxy, "warm, no proxy");
}

static void literal_has_no_dns(void **state)
{
    (void)state;
    struct result r = probe_once("127.0.0.1", "/", nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK_INT(DELAY_UNDEFINED, r.delays[DNS], "dns");
    CHECK(r.delays[TOTAL] > 0, "the total goes without it");

    struct https_bed h = make("127.0.0.1:1", "::1", "/");
    r = probe(&h, "::1", nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK_INT(FAMILY_IPV6, r.to.family, "IPv6");
    stop(&h);
}

static void failed_lookup_leaves_dns_undefined(void **state)
{
    (void)state;
    struct result r = probe_once("edge.test", "/", nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK_INT(DELAY_UNDEFINED, r.delays[DNS], "dns");
    CHECK_INT(DELAY_UNDEFINED, r.delays[TOTAL], "a total without a part is none");
    CHECK(r.delays[FIRST_BYTE] > 0, "the rest is measured");
    CHECK(strstr(r.cause, "the name was not resolved") != NULL, "noted: %s", r.cause);
}

/* What another network answers names the PoP where that one fetched it. */
static void a_pop_that_is_not_the_clients(void **state)
{
    (void)state;
    struct result r = probe_once("localhost", "/copy", nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK_TEXT("", r.pop, "no PoP in an old copy");
    CHECK(strstr(r.cause, "old copy") != NULL, "and that is said: %s", r.cause);
    CHECK(r.foreign == NULL, "whose it is it does not say");
    r = probe_once("localhost", "/akamai", nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK_TEXT("", r.pop, "no PoP of Akamai's");
    CHECK_TEXT("X-CDN-TraceID of Akamai", r.foreign, "its mark");
    r = probe_once("localhost", "/", nginx.good);
    CHECK(r.foreign == NULL, "the edge has none");
}

static void statuses_below_500_are_replies(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int status;
    } cases[] = {{"/busy", 503}, {"/missing", 404}, {"/moved", 301}};
    for (size_t i = 0; i < 3; i++) {
        struct result r = probe_once("localhost", cases[i].path, nginx.good);
        bool fails = cases[i].status == 503;
        CHECK_INT(fails ? OUTCOME_HTTP_ERROR : OUTCOME_REPLY, r.outcome, r.cause);
        CHECK_TEXT(fails ? "the server answered HTTP 503, its own failure" : "", r.cause,
                   "cause");
        CHECK(r.delays[FIRST_BYTE] > 0 && r.delays[TOTAL] > 0, "it is measured");
        CHECK_INT(cases[i].status, r.http.status, cases[i].path);
        CHECK_TEXT("LON", r.pop, "the PoP is in it all the same");
    }
}

static void long_body_is_cut(void **state)
{
    (void)state;
    struct result r = probe_once("localhost", "/big", nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK(r.delays[TOTAL] > 0 && r.delays[TOTAL] < NS_PER_S, "of 1 GiB");
    CHECK_INT(DELAY_UNDEFINED, r.delays[WARM_FIRST_BYTE], "the connection is gone");
}

static void tls_errors(void **state)
{
    (void)state;
    const struct {
        const char *what, *ca, *cause;
        uint16_t port;
    } cases[] = {
        {"another CA", nginx.other_ca, "unable to get local issuer certificate",
         nginx.good},
        {"expired", nginx.ca, "certificate has expired", nginx.expired},
        {"another name", nginx.ca, "certificate is not for localhost", nginx.wrong_name},
        {"plain HTTP", nginx.ca, "wrong version number", nginx.plain},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct https_bed h = make("127.0.0.1:1", "localhost", "/");
        h.b->target.ca_file = cases[i].ca;
        struct result r = probe(&h, "127.0.0.1", cases[i].port);
        stop(&h);
        CHECK_INT(OUTCOME_TLS_ERROR, r.outcome, cases[i].what);
        CHECK(strstr(r.cause, cases[i].cause) != NULL, "%s: %s", cases[i].what, r.cause);
        CHECK(r.delays[RTT] > 0 && r.delays[CONNECT] > 0, "the connection stood");
        check_undefined(&r, TLS, cases[i].what);
    }
}

static struct result probe_named(const char *server_name, const char *proxy)
{
    struct https_bed h = make("127.0.0.1:1", "localhost", "/");
    h.b->target.server_name = server_name;
    h.b->target.proxy = proxy;
    struct result r = probe(&h, "127.0.0.1", nginx.wrong_name);
    stop(&h);
    return r;
}

static void server_name_is_asked_for(void **state)
{
    (void)state;
    struct result r = probe_named("elsewhere.test", "");
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK_TEXT("elsewhere.test", r.http.cache, "SNI");
    CHECK_INT(200, r.http.status, "Host");
    CHECK(r.delays[DNS] > 0, "of localhost: nobody knows the other name");
    CHECK(r.http.warm, "also the second request");
    r = probe_named("another.test", "");
    CHECK_INT(OUTCOME_TLS_ERROR, r.outcome, "not the certificate's name");
    CHECK_TEXT("certificate is not for another.test", r.cause, "cause");
}

static void no_http_answer(void **state)
{
    (void)state;
    struct result r = probe_once("localhost", "/nothing", nginx.good);
    CHECK_INT(OUTCOME_HTTP_ERROR, r.outcome, r.cause);
    CHECK(r.delays[TLS] > 0, "TLS stood");
    check_undefined(&r, FIRST_BYTE, "no reply");
    CHECK(r.cause[0] != '\0', "says something");
}

static void refused(void **state)
{
    (void)state;
    struct result r = probe_once("localhost", "/", 1);
    CHECK_INT(OUTCOME_REFUSED, r.outcome, r.cause);
    check_undefined(&r, CONNECT, "refused");
}

static void the_phase_under_way_is_named(void **state)
{
    (void)state;
    uint16_t dns_port;
    char silent_dns[32];
    int dns = child_bind(SOCK_DGRAM, &dns_port);
    snprintf(silent_dns, sizeof silent_dns, "127.0.0.1:%u", dns_port);
    const struct {
        const char *dns, *host, *path;
        uint16_t port;
        const char *cause;
        enum outcome outcome;
        int running; /* the phase */
    } cases[] = {
        {silent_dns, "edge.test", "/", nginx.good,
         "no reply within 300ms: waiting for the name lookup", OUTCOME_LOSS, -1},
        {silent_dns, "localhost", "/", nginx.silent,
         "no reply within 300ms: waiting for the TLS handshake", OUTCOME_SLOW, TLS},
        {silent_dns, "localhost", "/slow", nginx.good,
         "no reply within 300ms: waiting for the reply", OUTCOME_SLOW, FIRST_BYTE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct https_bed h = make(cases[i].dns, cases[i].host, cases[i].path);
        target_wait(&h.b->target, 300 * NS_PER_MS);
        struct result r = probe(&h, "127.0.0.1", cases[i].port);
        CHECK_INT(cases[i].outcome, r.outcome, cases[i].cause);
        bool slow = cases[i].outcome == OUTCOME_SLOW; /* connected: that is no loss */
        CHECK_INT(slow ? 300 * NS_PER_MS : 0, r.longer_than[TOTAL], "of the total");
        for (int d = 0; d < TOTAL; d++)
            CHECK((d == cases[i].running) == (r.longer_than[d] > 0) &&
                      r.longer_than[d] < 300 * NS_PER_MS,
                  "delay %d is longer than %" PRId64 " ns", d, r.longer_than[d]);
        CHECK_TEXT(cases[i].cause, r.cause, "cause");
        CHECK(h.b->after_ns[0] >= 300 * NS_PER_MS && h.b->after_ns[0] < 2 * NS_PER_S,
              "loss after %" PRId64 " ns", h.b->after_ns[0]);
        stop(&h);
    }
    close(dns);
}

static void not_measured_without_descriptor(void **state)
{
    (void)state;
    struct https_bed h = make("127.0.0.1:1", "127.0.0.1", "/");
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    struct endpoint to = bed_to("127.0.0.1", nginx.good);
    int next = dup(0); /* the lowest that is free */
    close(next);
    none = before;
    none.rlim_cur = (rlim_t)next;
    bed_send(h.b, 0, &to);
    setrlimit(RLIMIT_NOFILE, &none);
    bed_wait(h.b, 1);
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK_INT(OUTCOME_NOT_MEASURED, h.b->results[0].outcome, h.b->results[0].cause);
    CHECK_TEXT("this host has no free file descriptor", h.b->results[0].cause, "cause");
    stop(&h);
}

static void ended_in_each_phase(void **state)
{
    (void)state;
    for (int tls_slots = 0; tls_slots < 14; tls_slots++) {
        struct https_bed h =
            make("127.0.0.1:1", "localhost", tls_slots % 2 ? "/slow" : "/");
        struct endpoint to = bed_to("127.0.0.1", nginx.good);
        for (uint32_t i = 0; i < 3; i++)
            bed_send(h.b, i, &to);
        for (int i = 0; i < tls_slots; i++)
            uv_run(&h.b->loop, UV_RUN_NOWAIT);
        size_t n = h.b->n;
        struct bed *b = h.b;
        prober_destroy(b->prober);
        b->prober = NULL;
        for (int i = 0; i < 50; i++)
            uv_run(&b->loop, UV_RUN_NOWAIT);
        CHECK_INT(n, b->n, "no result after it was destroyed");
        stop(&h);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool are_five_as_fast(void)
{
    struct https_bed h = make("127.0.0.1:1", "localhost", "/");
    struct endpoint to = bed_to("127.0.0.1", nginx.good);
    int64_t alone_ns = 0, tls_ns[5];
    for (int i = 0; i < 3; i++) {
        struct result r = probe(&h, "127.0.0.1", nginx.good);
        alone_ns = r.delays[TLS] > alone_ns ? r.delays[TLS] : alone_ns;
    }
    for (uint32_t i = 0; i < 5; i++)
        bed_send(h.b, i, &to);
    bed_wait(h.b, 3 + 5);
    for (size_t i = 0; i < 5; i++) {
        CHECK_INT(OUTCOME_REPLY, h.b->results[3 + i].outcome, h.b->results[3 + i].cause);
        tls_ns[i] = h.b->results[3 + i].delays[TLS];
    }
    qsort(tls_ns, 5, sizeof *tls_ns, by_value);
    print_message("# tls alone %lld us, of five at once %lld to %lld us\n",
                  (long long)alone_ns / 1000, (long long)tls_ns[0] / 1000,
                  (long long)tls_ns[4] / 1000);
    stop(&h);
    return tls_ns[2] < 2 * alone_ns;
}

/* Crypto of one must not stand in the delays of the others. Where it does, their median is
 * three times as long each time; on a busy host it is so at times. */
static void five_at_once_are_as_fast_as_one(void **state)
{
    (void)state;
    bool fast = false;
    for (int round = 0; round < 5 && !fast; round++)
        fast = are_five_as_fast();
    CHECK(fast, "the median of five in each of five rounds");
}

/* ---- through a proxy ---- */

struct proxy {
    struct child_folder tmp;
    pid_t pid;
    uint16_t port;
};

/* A real one; false when it is not installed. It lets nobody through to port 9. */
static bool proxy_start(struct proxy *p)
{
    char conf[512], path[96], log[96];
    if (system("command -v tinyproxy >/dev/null") != 0)
        return false;
    child_folder(&p->tmp);
    p->port = child_free_port();
    snprintf(conf, sizeof conf,
             "Port %u\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\n"
             "ConnectPort %u\nConnectPort %u\nConnectPort %u\nBasicAuth user secret\n",
             p->port, nginx.good, nginx.silent, nginx.wrong_name);
    child_write(p->tmp.path, "conf", conf);
    snprintf(path, sizeof path, "%s/conf", p->tmp.path);
    snprintf(log, sizeof log, "%s/log", p->tmp.path);
    p->pid = child_start((const char *const[]){"tinyproxy", "-d", "-c", path, NULL}, log);
    child_wait_for(p->port, "tinyproxy");
    return true;
}

static void proxy_end(struct proxy *p)
{
    child_end(p->pid);
    child_folder_remove(&p->tmp);
}

/* The name is one that only the proxy can resolve: for us there is no DNS server. */
static struct result probe_by(const char *proxy, uint16_t proxy_port, uint16_t port)
{
    struct https_bed h = make("127.0.0.1:1", "localhost", "/");
    target_wait(&h.b->target, NS_PER_S);
    h.b->target.port = port;
    char url[64];
    snprintf(url, sizeof url, "http://%s:%u", proxy, proxy_port);
    h.b->target.proxy = url;
    struct result r = probe(&h, "192.0.2.1", port); /* nobody is there */
    stop(&h);
    return r;
}

static void check_proxied(const struct result *r)
{
    CHECK(r->http.proxy, "it says that a proxy was used");
    for (int d = RTT; d <= CONNECT; d++)
        CHECK_INT(DELAY_UNDEFINED, r->delays[d], "what is the proxy's is undefined");
    CHECK(!r->kernel_time, "no delay is of kernel stamps");
}

static void check_phases(const struct result *r)
{
    int64_t sum_ns = r->delays[PROXY_CONNECT] + r->delays[PROXY_TUNNEL] + r->delays[TLS] +
                     r->delays[FIRST_BYTE];
    CHECK(r->delays[PROXY_CONNECT] > 0 && r->delays[PROXY_TUNNEL] > 0, "both are there");
    CHECK(r->delays[TOTAL] >= sum_ns, "the total is the sum of its phases");
    CHECK(r->delays[TOTAL] < sum_ns + NS_PER_S / 2, "and of nothing else but the body");
}

static void through_a_proxy(void **state)
{
    (void)state;
    struct proxy p;
    if (!proxy_start(&p))
        skip();
    struct result r = probe_by("user:secret@127.0.0.1", p.port, nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    check_proxied(&r);
    for (int d = TLS; d < DELAYS; d++)
        CHECK(r.delays[d] > 0 && r.delays[d] < NS_PER_S, "delay %d: %" PRId64, d,
              r.delays[d]);
    check_phases(&r);
    CHECK_INT(200, r.http.status, "status");
    CHECK_TEXT("LON", r.pop, "PoP");
    CHECK_TEXT("Edgelat Test ca", r.http.issuer, "the target's certificate");
    CHECK(r.http.warm, "the tunnel is used twice");

    r = probe_by("user:secret@localhost", p.port, nginx.good);
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    check_proxied(&r);

    r = probe_by("127.0.0.1", p.port, nginx.good);
    CHECK_INT(OUTCOME_NOT_MEASURED, r.outcome, "without its password");
    CHECK_TEXT("the proxy 127.0.0.1 wants a user and a password (HTTP 407); set "
               "http://USER:PASSWORD@HOST:PORT in https_proxy, or check those there",
               r.cause, "cause");
    check_proxied(&r);
    CHECK(r.delays[PROXY_CONNECT] > 0, "it is there");
    CHECK_INT(DELAY_UNDEFINED, r.delays[PROXY_TUNNEL], "without its password");
    r = probe_by("user:wrong@127.0.0.1", p.port, nginx.good);
    CHECK(r.outcome == OUTCOME_NOT_MEASURED && strstr(r.cause, "wrong") == NULL,
          "a wrong password stays secret: %s", r.cause);

    r = probe_by("user:secret@127.0.0.1", p.port, 9);
    CHECK_INT(OUTCOME_HTTP_ERROR, r.outcome, "a port that it refuses");
    CHECK_TEXT("the proxy 127.0.0.1 refuses CONNECT to localhost:9 (HTTP 403); have it "
               "allowed there",
               r.cause, "cause");

    r = probe_by("user:secret@127.0.0.1", p.port, nginx.silent);
    CHECK_INT(OUTCOME_SLOW, r.outcome, "silence behind it");
    CHECK_TEXT("no reply within 1s: waiting for the TLS handshake", r.cause, "cause");

    char url[64];
    snprintf(url, sizeof url, "http://user:secret@127.0.0.1:%u", p.port);
    r = probe_named("elsewhere.test", url); /* the proxy cannot look that up */
    CHECK_INT(OUTCOME_REPLY, r.outcome, r.cause);
    CHECK_TEXT("elsewhere.test", r.http.cache, "SNI");
    CHECK_INT(200, r.http.status, "Host");
    check_proxied(&r);
    CHECK(r.http.warm, "the tunnel is used twice");
    proxy_end(&p);
}

static void a_proxy_that_is_not_there(void **state)
{
    (void)state;
    struct result r = probe_by("127.0.0.1", 1, nginx.good);
    CHECK_INT(OUTCOME_UNREACHABLE, r.outcome, "nobody there");
    CHECK_TEXT("the proxy 127.0.0.1:1: connection refused; check `proxy` of the target",
               r.cause, "cause");
    check_proxied(&r);
    r = probe_by("proxy.test", 3128, nginx.good);
    CHECK_INT(OUTCOME_UNREACHABLE, r.outcome, "no such name");
    CHECK(strncmp(r.cause, "the proxy proxy.test:3128: ", 27) == 0, "cause: %s", r.cause);
    r = probe_by("127.0.0.1", nginx.silent, nginx.good);
    CHECK_INT(OUTCOME_SLOW, r.outcome, "it says nothing");
    CHECK_TEXT("no reply within 1s: waiting for the proxy", r.cause, "cause");
    check_proxied(&r);
}

static void proxy_of_the_environment(void **state)
{
    (void)state;
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    struct result by = probe_once("localhost", "/", nginx.good);
    setenv("no_proxy", "localhost", 1);
    struct result direct = probe_once("localhost", "/", nginx.good);
    unsetenv("no_proxy");
    setenv("https_proxy", "socks5://127.0.0.1:1", 1);
    struct result socks = probe_once("localhost", "/", nginx.good);
    unsetenv("https_proxy");
    CHECK_INT(OUTCOME_UNREACHABLE, by.outcome, by.cause);
    CHECK(by.http.proxy, "by the proxy");
    CHECK_INT(OUTCOME_REPLY, direct.outcome, direct.cause);
    CHECK(!direct.http.proxy && direct.delays[RTT] > 0, "directly");
    CHECK_INT(OUTCOME_NOT_MEASURED, socks.outcome, "not supported");
    CHECK(strstr(socks.cause, "http://HOST:PORT") != NULL, "cause: %s", socks.cause);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_delays),
        cmocka_unit_test(literal_has_no_dns),
        cmocka_unit_test(failed_lookup_leaves_dns_undefined),
        cmocka_unit_test(statuses_below_500_are_replies),
        cmocka_unit_test(a_pop_that_is_not_the_clients),
        cmocka_unit_test(long_body_is_cut),
        cmocka_unit_test(tls_errors),
        cmocka_unit_test(server_name_is_asked_for),
        cmocka_unit_test(no_http_answer),
        cmocka_unit_test(refused),
        cmocka_unit_test(the_phase_under_way_is_named),
        cmocka_unit_test(not_measured_without_descriptor),
        cmocka_unit_test(ended_in_each_phase),
        cmocka_unit_test(five_at_once_are_as_fast_as_one),
        cmocka_unit_test(through_a_proxy),
        cmocka_unit_test(a_proxy_that_is_not_there),
        cmocka_unit_test(proxy_of_the_environment),
    };
    return cmocka_run_group_tests(tests, start, end);
}
