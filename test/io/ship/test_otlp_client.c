/*
 * What a client says of a collector behind TLS, with a real nginx for it, and what it
 * does when the files change that it was given.
 */
#include "ship/otlp_client.h"

#include "../../unit/cmd/capture.h"
#include "io/net/nginx.h"

static struct nginx nginx;

static void path_in(char *out, size_t room, const char *name)
{
    snprintf(out, room, "%s/%s", nginx.folder, name);
}

struct bed {
    uv_loop_t loop;
    struct http *http;
    struct collector collector;
    struct otlp_client *client;
    struct verdict verdict; /* of the last batch */
    bool done;
};

static void begin(struct bed *b, uint16_t port, const char *ca_file)
{
    *b = (struct bed){.collector = {.timeout_ns = 5 * NS_PER_S, .proxy = "none"}};
    uv_loop_init(&b->loop);
    CHECK_INT(0, http_create(&b->http, &b->loop), "http");
    snprintf(b->collector.url, sizeof b->collector.url, "https://localhost:%u", port);
    snprintf(b->collector.ca_file, sizeof b->collector.ca_file, "%s", ca_file);
}

static void end(struct bed *b)
{
    otlp_client_destroy(b->client);
    http_destroy(b->http);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
}

static void on_done(const struct verdict *v, void *user)
{
    struct bed *b = user;
    b->verdict = *v;
    b->done = true;
}

static void run_to_the_end(struct bed *b)
{
    b->done = false;
    while (!b->done)
        uv_run(&b->loop, UV_RUN_ONCE);
}

/* One batch there. */
static const struct verdict *send_one(struct bed *b)
{
    struct spooled batch = {.id = 1, .bytes = (char *)"batch", .len = 5};
    if (b->client == NULL)
        b->client = otlp_client_create(b->http, &b->collector);
    if (otlp_client_send(b->client, &batch, on_done, b, &b->verdict))
        run_to_the_end(b);
    return &b->verdict;
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint16_t port;
        const char *ca, *path;
        enum verdict_kind kind;
        const char *why, *step;
    } cases[] = {
        {"all is fine", nginx.good, nginx.ca, "", VERDICT_ACCEPTED, "", ""},
        {"another name", nginx.wrong_name, nginx.ca, "", VERDICT_UNUSABLE,
         "certificate is not for localhost", "ca_file"},
        {"expired", nginx.expired, nginx.ca, "", VERDICT_UNUSABLE,
         "certificate has expired", "ca_file"},
        {"another CA", nginx.good, nginx.other_ca, "", VERDICT_UNUSABLE, "is not trusted",
         "ca_file"},
        {"TLS 1.1 only", nginx.old_tls, nginx.ca, "", VERDICT_UNUSABLE, "TLS handshake",
         ""},
        {"no client certificate", nginx.mutual, nginx.ca, "", VERDICT_UNUSABLE,
         "No required SSL certificate", "cert_file"},
        {"plain HTTP", nginx.plain, nginx.ca, "", VERDICT_UNUSABLE, "TLS handshake",
         "; that port speaks plain HTTP, not TLS: set http://"},
        {"a web server", nginx.good, nginx.ca, "/elsewhere", VERDICT_UNUSABLE,
         "HTTP 200 with a body (text/plain) 'hello'", "`url`"},
        {"no such file", nginx.good, "/nowhere/ca.pem", "", VERDICT_UNUSABLE,
         "/nowhere/ca.pem", ""},
        {"redirect", nginx.good, nginx.ca, "/moved", VERDICT_UNUSABLE,
         "HTTP 301: it redirects to https://localhost", "`url`"},
        {"no token", nginx.good, nginx.ca, "/token", VERDICT_UNUSABLE, "HTTP 401",
         "set `header_file`"},
        {"a proxy", nginx.good, nginx.ca, "/proxy", VERDICT_UNUSABLE, "HTTP 407",
         "`proxy`"},
        {"busy", nginx.good, nginx.ca, "/busy", VERDICT_AGAIN, "HTTP 503", ""},
        {"no reply", nginx.good, nginx.ca, "/nothing", VERDICT_AGAIN,
         "closed the connection", "cert_file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        begin(&b, cases[i].port, cases[i].ca);
        strcat(b.collector.url, cases[i].path);
        const struct verdict *v = send_one(&b);
        CHECK_INT(cases[i].kind, v->kind, cases[i].what);
        CHECK(strstr(v->why, cases[i].why) != NULL, "%s: %s", cases[i].what, v->why);
        CHECK(strstr(v->step, cases[i].step) != NULL, "%s: %s", cases[i].what, v->step);
        CHECK_INT(strcmp(cases[i].what, "busy") == 0 ? 7 * NS_PER_S : 0,
                  v->retry_after_ns, cases[i].what);
        end(&b);
    }
}

/* Of our own, which has expired; before TLS 1.3 and with it, and as nginx says it. */
static void what_is_wrong_with_ours_is_said(void **state)
{
    (void)state;
    char ca[128], cert[128], key[128], log[128], accept[16];
    const struct {
        const char *what, *option; /* of openssl s_server; NULL: nginx */
        const char *why;
    } cases[] = {
        {"nginx", NULL, "HTTP 400: 400 The SSL certificate error"},
        {"TLS 1.3", "-tls1_3",
         "localhost ended the connection: it says 'certificate expired'"},
        {"TLS 1.2", "-tls1_2",
         "TLS handshake with localhost failed: it says 'certificate expired'"},
    };
    path_in(ca, sizeof ca, "ca.pem");
    path_in(log, sizeof log, "s_server.log");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        pid_t pid = 0;
        uint16_t port = nginx.mutual;
        path_in(cert, sizeof cert, "good.pem");
        path_in(key, sizeof key, "good.key");
        if (cases[i].option != NULL) {
            port = child_free_port();
            snprintf(accept, sizeof accept, "%u", port);
            pid = child_start((const char *const[]){"openssl", "s_server", "-accept",
                                                    accept, "-cert", cert, "-key", key,
                                                    "-CAfile", ca, "-Verify", "1",
                                                    "-verify_return_error", "-quiet",
                                                    "-www", cases[i].option, NULL},
                              log);
            child_wait_for(port, "openssl s_server");
        }
        begin(&b, port, nginx.ca);
        path_in(b.collector.cert_file, sizeof b.collector.cert_file, "expired.pem");
        path_in(b.collector.key_file, sizeof b.collector.key_file, "expired.key");
        const struct verdict *v = send_one(&b);
        CHECK(v->kind != VERDICT_REFUSED, "%s: it is not the batch's", cases[i].what);
        CHECK_TEXT(cases[i].why, v->why, cases[i].what);
        CHECK_TEXT(
            "; look at `cert_file`: has it expired, does the collector trust its CA?",
            v->step, cases[i].what);
        end(&b);
        child_end(pid);
    }
}

static void never_hangs(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, nginx.silent, nginx.ca);
    b.collector.timeout_ns = NS_PER_S;
    const struct verdict *v = send_one(&b);
    CHECK_INT(VERDICT_AGAIN, v->kind, "connects, and never says a word");
    CHECK_TEXT("no reply from localhost in time", v->why, "why");
    end(&b);
}

/* A byte every 20 ms: each moves the connection on, none ends it. */
static void drip(int listener)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nX: ";
    int fd = accept(listener, NULL, NULL);
    for (size_t i = 0; i < 1000; i++) {
        const char *byte = i < sizeof head - 1 ? &head[i] : "x";
        if (write(fd, byte, 1) != 1)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
    _exit(0);
}

static void slow_replies_are_bounded(void **state)
{
    (void)state;
    struct bed b;
    uint16_t port;
    int listener = child_bind(SOCK_STREAM, &port);
    listen(listener, 1);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        drip(listener);
    }
    close(listener);
    begin(&b, nginx.good, nginx.ca);
    snprintf(b.collector.url, sizeof b.collector.url, "http://127.0.0.1:%u", port);
    b.collector.timeout_ns = NS_PER_S;
    const struct verdict *v = send_one(&b);
    CHECK_INT(VERDICT_AGAIN, v->kind, "a byte every 20 ms");
    CHECK_TEXT("no reply from 127.0.0.1 in time", v->why, "why");
    end(&b);
    child_end(pid);
}

/* A real one, which lets through to nginx's first server only. */
static void through_a_proxy(void **state)
{
    (void)state;
    struct bed b;
    char conf[256], path[96], log[96];
    uint16_t port = child_free_port();
    if (system("command -v tinyproxy >/dev/null") != 0)
        skip();
    snprintf(conf, sizeof conf,
             "Port %u\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nConnectPort %u\n",
             port, nginx.good);
    child_write(nginx.folder, "proxy.conf", conf);
    path_in(path, sizeof path, "proxy.conf");
    path_in(log, sizeof log, "proxy.log");
    pid_t pid =
        child_start((const char *const[]){"tinyproxy", "-d", "-c", path, NULL}, log);
    child_wait_for(port, "tinyproxy");

    begin(&b, nginx.good, nginx.ca);
    snprintf(b.collector.proxy, sizeof b.collector.proxy, "http://127.0.0.1:%u", port);
    CHECK_INT(VERDICT_ACCEPTED, send_one(&b)->kind, "through the proxy");
    CHECK_INT(VERDICT_ACCEPTED, send_one(&b)->kind, "and again");
    end(&b);

    begin(&b, nginx.wrong_name, nginx.ca);
    snprintf(b.collector.proxy, sizeof b.collector.proxy, "http://127.0.0.1:%u", port);
    const struct verdict *v = send_one(&b);
    CHECK_INT(VERDICT_AGAIN, v->kind, "the proxy lets nobody through to there");
    CHECK_TEXT("the proxy for localhost answered HTTP 403", v->why, "why");
    CHECK_TEXT("; look at `proxy`, and at what it allows", v->step, "next step");
    end(&b);
    child_end(pid);
}

/* ---- files that change ---- */

/* FOLDER/to becomes what FOLDER/from is, as a renewal does it: written beside, renamed.
 */
static void install(const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && install -m 0600 %s %s.new && mv %s.new %s", nginx.folder, from, to,
             to, to);
    child_run(command);
}

struct seen { /* a line of nginx's log: connection and subject */
    int connection;
    char subject[64];
};

/* It is written a moment after the reply. */
static void read_log(struct seen *seen, size_t expected)
{
    char path[128];
    size_t n = 0;
    path_in(path, sizeof path, "mutual.log");
    for (int tries = 0; n < expected && tries < 300; tries++) {
        FILE *log = fopen(path, "r");
        CHECK(log != NULL, "%s is there", path);
        for (n = 0; n < expected &&
                    fscanf(log, "%d CN=%63s", &seen[n].connection, seen[n].subject) == 2;)
            n++;
        fclose(log);
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
    }
    CHECK_INT(expected, n, "lines in nginx's log");
}

static void a_renewed_certificate_is_taken(void **state)
{
    (void)state;
    struct bed b;
    struct seen seen[4];
    begin(&b, nginx.mutual, nginx.ca);
    path_in(b.collector.cert_file, sizeof b.collector.cert_file, "own.pem");
    path_in(b.collector.key_file, sizeof b.collector.key_file, "own.key");
    install("client.pem", "own.pem");
    install("client.key", "own.key");
    char log[128];
    path_in(log, sizeof log, "mutual.log");
    CHECK_INT(0, truncate(log, 0), "an empty log");
    for (int i = 0; i < 4; i++) {
        if (i == 2) {
            install("client2.pem", "own.pem");
            install("client2.key", "own.key");
        }
        const struct verdict *v = send_one(&b);
        CHECK(v->kind == VERDICT_ACCEPTED, "batch %d: %s", i, v->why);
    }
    read_log(seen, 4);
    CHECK_INT(seen[0].connection, seen[1].connection, "one connection, kept open");
    CHECK_TEXT("client", seen[1].subject, "with the old certificate");
    CHECK(seen[2].connection != seen[1].connection, "a new one for the new certificate");
    CHECK_TEXT("client2", seen[2].subject, "which it shows");
    CHECK_INT(seen[2].connection, seen[3].connection,
              "and the old one is not used again");

    install("client.key", "own.key"); /* it does not fit */
    CHECK_INT(VERDICT_UNUSABLE, send_one(&b)->kind, "a key of another certificate");
    CHECK(b.verdict.local, "which the collector does not see");
    end(&b);
}

static void a_changed_ca_holds_at_once(void **state)
{
    (void)state;
    struct bed b;
    char ca[128];
    path_in(ca, sizeof ca, "trusted.pem");
    install("ca.pem", "trusted.pem");
    begin(&b, nginx.good, ca);
    CHECK_INT(VERDICT_ACCEPTED, send_one(&b)->kind, "trusted");
    install("other.pem", "trusted.pem");
    CHECK_INT(VERDICT_UNUSABLE, send_one(&b)->kind, "no longer, open connection or not");
    install("ca.pem", "trusted.pem");
    CHECK_INT(VERDICT_ACCEPTED, send_one(&b)->kind, "trusted again");
    end(&b);
}

/* Said once; the secret itself never. */
static void who_can_read_a_secret(void **state)
{
    (void)state;
    struct bed b;
    struct capture said;
    begin(&b, nginx.good, nginx.ca);
    path_in(b.collector.header_file, sizeof b.collector.header_file, "token");
    child_write(nginx.folder, "token", "Authorization: Bearer sesame\n");
    CHECK_INT(0, chmod(b.collector.header_file, 0644), "for everybody");
    capture_begin(&said);
    send_one(&b);
    send_one(&b);
    capture_end(&said);
    char *first = strstr(said.err, "everybody on this host can read this secret");
    CHECK(first != NULL && strstr(said.err, b.collector.header_file) != NULL, "%s",
          said.err);
    CHECK(strstr(first + 1, "everybody") == NULL, "once: %s", said.err);
    CHECK(strstr(said.err, "sesame") == NULL, "%s", said.err);

    CHECK_INT(0, chmod(b.collector.header_file, 0640), "mended");
    capture_begin(&said);
    send_one(&b);
    capture_end(&said);
    CHECK_TEXT("", said.err, "nothing more");
    end(&b);
}

static int group_begin(void **state)
{
    without_proxies(state);
    nginx_start(&nginx);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    nginx_end(&nginx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(what_is_wrong_with_ours_is_said),
        cmocka_unit_test(never_hangs),
        cmocka_unit_test(slow_replies_are_bounded),
        cmocka_unit_test(through_a_proxy),
        cmocka_unit_test(a_renewed_certificate_is_taken),
        cmocka_unit_test(a_changed_ca_holds_at_once),
        cmocka_unit_test(who_can_read_a_secret),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
