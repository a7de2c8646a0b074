#include "net/http_dns.h"

#include "check.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

/* ---- a DNS server that knows one name ---- */

#define RACE_NS (100 * NS_PER_MS)

enum { PACKET_MAX = 512, HEAD = 12, TYPE_A = 1, TYPE_AAAA = 28 };

struct dns {
    uv_udp_t socket;
    char servers[32]; /* for http_hosts_create() */
    bool silent;
    uint8_t drops; /* questions of this type; 0: none */
    unsigned asked;
};

static void room(uv_handle_t *socket, size_t hint, uv_buf_t *out)
{
    static char packet[PACKET_MAX];
    (void)socket, (void)hint;
    *out = uv_buf_init(packet, sizeof packet);
}

/* The question again, and behind it the address; for other names that there is none. */
static void on_question(uv_udp_t *socket, ssize_t n, const uv_buf_t *got,
                        const struct sockaddr *from, unsigned flags)
{
    static const char name[] = "\x09"
                               "collector\x04test";
    static const uint8_t v6[16] = {[15] = 1};
    struct dns *d = socket->data;
    (void)flags;
    if (n < HEAD || from == NULL)
        return;
    d->asked++;
    if (d->silent)
        return;
    static const uint8_t v4[] = {127, 0, 0, 4};
    uint8_t p[PACKET_MAX] = {0};
    memcpy(p, got->base, (size_t)n);
    size_t end = HEAD + strlen((char *)p + HEAD) + 1;
    uint8_t type = p[end + 1];
    bool known =
        strcmp((char *)p + HEAD, name) == 0 && (type == TYPE_A || type == TYPE_AAAA);
    if (type == d->drops)
        return;
    memcpy(p + 2, known ? "\x84\x00" : "\x84\x03", 2); /* an answer, or NXDOMAIN */
    memset(p + 6, 0, 6);
    p[7] = known;
    end += 4;
    if (known) {
        uint8_t len = type == TYPE_A ? sizeof v4 : sizeof v6;
        memcpy(p + end, "\xc0\x0c\x00\x00\x00\x01\x00\x00\x00\x3c\x00", 11); /* 60 s */
        p[end + 3] = type;
        p[end + 11] = len;
        memcpy(p + end + 12, type == TYPE_A ? v4 : v6, len);
        end += 12 + len;
    }
    uv_buf_t answer = uv_buf_init((char *)p, (unsigned)end);
    uv_udp_try_send(socket, &answer, 1, from);
}

static void dns_begin(struct dns *d, uv_loop_t *loop)
{
    struct sockaddr_in a;
    int len = sizeof a;
    *d = (struct dns){0};
    uv_udp_init(loop, &d->socket);
    d->socket.data = d;
    uv_ip4_addr("127.0.0.1", 0, &a);
    CHECK_INT(0, uv_udp_bind(&d->socket, (struct sockaddr *)&a, 0), "bound");
    uv_udp_getsockname(&d->socket, (struct sockaddr *)&a, &len);
    uv_udp_recv_start(&d->socket, room, on_question);
    snprintf(d->servers, sizeof d->servers, "127.0.0.1:%u", ntohs(a.sin_port));
}

/* ---- the tests ---- */

struct bed {
    uv_loop_t loop;
    struct dns dns;
    struct http_hosts *hosts;
    struct got {
        int answers;
        char error[128];
        int64_t name_ns;
    } got, other;
};

static void begin(struct bed *b)
{
    *b = (struct bed){0};
    uv_loop_init(&b->loop);
    dns_begin(&b->dns, &b->loop);
    b->hosts = http_hosts_create(&b->loop, b->dns.servers, NULL);
}

static void end(struct bed *b)
{
    http_hosts_destroy(b->hosts);
    uv_close((uv_handle_t *)&b->dns.socket, NULL);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
}

static void on_host(const char *error, int64_t name_ns, void *user)
{
    struct got *g = user;
    g->answers++;
    g->name_ns = name_ns;
    snprintf(g->error, sizeof g->error, "%s", error != NULL ? error : "");
}

/* True: it had to be asked for, and an answer has come. */
static bool ask(struct bed *b, const char *host)
{
    b->got = (struct got){0};
    if (http_hosts_ask(b->hosts, host, 1, RACE_NS, on_host, &b->got) == NULL)
        return false;
    CHECK_INT(0, b->got.answers, "never from inside the call");
    while (b->got.answers == 0)
        uv_run(&b->loop, UV_RUN_ONCE);
    CHECK_INT(1, b->got.answers, "once");
    return true;
}

#define TURNED "+collector.test:1:127.0.0.4,[::1]"
#define KNOWN  "+collector.test:1:[::1],127.0.0.4"

static void looked_up_and_kept(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    CHECK(http_hosts_known(b.hosts, "collector.test", 1) == NULL, "nothing at first");
    CHECK(ask(&b, "collector.test"), "asked for");
    CHECK_TEXT("", b.got.error, "no error");
    CHECK_TEXT(KNOWN, http_hosts_known(b.hosts, "Collector.TEST", 1), "known");
    CHECK(http_hosts_known(b.hosts, "collector.test", 2) == NULL, "another port");
    struct endpoint v6;
    endpoint_parse(&v6, "::1", 1);
    http_hosts_worked(b.hosts, "collector.test", 1, &v6);
    CHECK(!ask(&b, "collector.test"), "kept");
    CHECK_INT(2, b.dns.asked, "one question a family");

    http_hosts_failed(b.hosts, "collector.test", 1);
    CHECK(ask(&b, "collector.test"), "asked for anew");
    CHECK_INT(4, b.dns.asked, "of the server");
    end(&b);
}

static void not_of_dns(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    CHECK(!ask(&b, "192.0.2.9"), "an address");
    CHECK(!ask(&b, "2001:db8::9"), "an address");
    CHECK(ask(&b, "localhost"), "of the hosts file");
    const char *known = http_hosts_known(b.hosts, "localhost", 1);
    CHECK(known != NULL && strstr(known, "127.0.0.1") != NULL, "%s", known);
    CHECK_INT(0, b.dns.asked, "nobody was asked");

    CHECK(ask(&b, "nobody.test"), "a name that DNS has not");
    CHECK_TEXT("", b.got.error, "the system may have it");
    CHECK(http_hosts_known(b.hosts, "nobody.test", 1) == NULL, "libcurl asks");
    end(&b);
}

/* Known addresses stay valid; libcurl must not resolve an unknown name. */
static void no_server_answers(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    CHECK(ask(&b, "collector.test"), "asked for");
    b.dns.silent = true;
    http_hosts_failed(b.hosts, "collector.test", 1);
    struct http_question *q = /* beside it */
        http_hosts_ask(b.hosts, "other.test", 1, RACE_NS, on_host, &b.other);
    CHECK(q != NULL && ask(&b, "collector.test"), "asked for anew");
    CHECK_TEXT("", b.got.error, "no error");
    CHECK_TEXT(TURNED, http_hosts_known(b.hosts, "collector.test", 1), "still known");
    while (b.other.answers == 0)
        uv_run(&b.loop, UV_RUN_ONCE);
    CHECK_TEXT("no DNS server answered within 5 s", b.other.error, "the other");
    CHECK(http_hosts_known(b.hosts, "other.test", 1) == NULL, "is not known");
    q = http_hosts_ask(b.hosts, "other.test", 1, RACE_NS, on_host, &b.other);
    CHECK(q != NULL, "asked again the next time");
    uv_run(&b.loop, UV_RUN_NOWAIT);
    http_question_cancel(q);
    http_question_cancel(NULL);
    end(&b);
    CHECK_INT(1, b.other.answers, "no callback after cancel");
}

/* RFC 8305, 3: a forwarder that answers for one family only costs the delay, no more. */
static void one_family_is_dropped(void **state)
{
    (void)state;
    static const struct {
        uint8_t drops;
        const char *known;
    } cases[] = {{TYPE_AAAA, "+collector.test:1:127.0.0.4"},
                 {TYPE_A, "+collector.test:1:[::1]"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        begin(&b);
        b.dns.drops = cases[i].drops;
        CHECK(ask(&b, "collector.test"), "asked for");
        CHECK_TEXT("", b.got.error, "no error");
        CHECK_TEXT(cases[i].known, http_hosts_known(b.hosts, "collector.test", 1),
                   "the other one");
        CHECK(b.got.name_ns >= HTTP_HOST_DELAY_NS && b.got.name_ns < NS_PER_S,
              "it took %.3f s", (double)b.got.name_ns / 1e9);
        end(&b);
    }
}

/* The address that worked is first and stays first after the name is resolved again; the
 * one that failed is last. */
static void order_is_learnt(void **state)
{
    (void)state;
    struct bed b;
    struct endpoint v4, other;
    begin(&b);
    endpoint_parse(&v4, "127.0.0.4", 1);
    endpoint_parse(&other, "127.0.0.5", 1);
    CHECK(ask(&b, "collector.test"), "asked for");
    CHECK_TEXT(KNOWN, http_hosts_known(b.hosts, "collector.test", 1), "as they came");
    http_hosts_worked(b.hosts, "collector.test", 1, &other);
    CHECK_TEXT(KNOWN, http_hosts_known(b.hosts, "collector.test", 1), "none of them");
    http_hosts_worked(b.hosts, "collector.test", 1, &v4);
    CHECK_TEXT(TURNED, http_hosts_known(b.hosts, "collector.test", 1), "what worked");
    CHECK(!ask(&b, "collector.test"), "no race is needed");
    http_hosts_failed(b.hosts, "collector.test", 1);
    CHECK_TEXT(KNOWN, http_hosts_known(b.hosts, "collector.test", 1), "what failed");
    http_hosts_failed(b.hosts, "collector.test", 1);
    CHECK(ask(&b, "collector.test"), "asked for anew");
    CHECK_TEXT(TURNED, http_hosts_known(b.hosts, "collector.test", 1), "still last");
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_family_is_dropped), cmocka_unit_test(order_is_learnt),
        cmocka_unit_test(looked_up_and_kept),    cmocka_unit_test(not_of_dns),
        cmocka_unit_test(no_server_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
