/*
 * Replies in parts: which of them is the answer, and when it came. The peer is a process
 * of its own; its pauses are the oracle.
 */
#include "io/probe/bed.h"

#include "io/net/tls_peer.h"
#include "probe/https/https.h"

#define PAUSE_NS (400 * NS_PER_MS) /* more than a busy host adds to a delay */
#define WAIT_NS  (4 * PAUSE_NS)
#define EARLY    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
#define HEAD     "HTTP/1.1 200 OK\r\nX-MSEdge-Ref: Ref A: 1 Ref B: LON04EDGE0411\r\n"
#define ANSWER   HEAD "Content-Length: 2\r\n\r\nok"

static const struct probe_kind *const kinds[] = {&https_kind};

enum { RTT, DNS, CONNECT, TLS, FIRST_BYTE, TOTAL, WARM_FIRST_BYTE };
enum { PARTS = 3 };

static struct tls_peer_files files;

static const struct reply_case {
    const char *what;
    const char *parts[PARTS]; /* PAUSE_NS before each; nothing after the last */
    enum outcome outcome;
    int status;
    int pauses; /* in first_byte; -1: undefined */
    int in_all; /* in total; -1: undefined */
} cases[] = {
    {"at once", {ANSWER}, OUTCOME_REPLY, 200, 1, 1},
    {"after an interim reply", {EARLY, ANSWER}, OUTCOME_REPLY, 200, 2, 2},
    {"after two, and its body later",
     {EARLY EARLY, HEAD "Content-Length: 2\r\n\r\n", "ok"},
     OUTCOME_REPLY,
     200,
     2,
     3},
    {"an interim reply alone", {EARLY}, OUTCOME_SLOW, 0, -1, -1},
    {"a stream of events",
     {HEAD "Content-Type: text/event-stream\r\n\r\n: ping\n\n"},
     OUTCOME_REPLY,
     200,
     1,
     -1},
    {"a body that stops",
     {HEAD "Content-Length: 100\r\n\r\nhalf"},
     OUTCOME_REPLY,
     200,
     1,
     -1},
    {"a chunk that stops",
     {HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nha"},
     OUTCOME_REPLY,
     200,
     1,
     -1},
    {"half a head", {HEAD}, OUTCOME_SLOW, 200, 1, -1},
    {"switching protocols, unasked",
     {"HTTP/1.1 101 No\r\nUpgrade: x\r\n\r\n"},
     OUTCOME_SLOW,
     0,
     -1,
     -1},
};

static void serve(const struct reply_case *reply, int fd)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct connection c = {fd, tls_peer_accept(tls_peer_context(&files), fd)};
    for (;;) {
        read_head(&c);
        for (int i = 0; i < PARTS && reply->parts[i] != NULL; i++) {
            nanosleep(&pause, NULL);
            peer_write(&c, reply->parts[i], strlen(reply->parts[i]));
        }
    }
}

static pid_t start(const struct reply_case *reply, uint16_t *port)
{
    int listener = child_bind(SOCK_STREAM, port);
    CHECK_INT(0, listen(listener, 1), "listens");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        serve(reply, accept(listener, NULL, NULL));
    }
    close(listener);
    return pid;
}

/* With `late`: waits for that many late replies, too. */
static struct result probe(uint16_t port, int64_t waiting_ns, size_t late)
{
    struct bed *b = bed_make(kinds);
    struct resolver *resolver;
    struct http *http;
    struct endpoint to = bed_to("127.0.0.1", port);
    prober_destroy(b->prober);
    CHECK_INT(0, resolver_create(&resolver, &b->loop, "127.0.0.1:1"), "resolver");
    CHECK_INT(0, http_create(&http, &b->loop), "http");
    b->prober = prober_create(&b->loop, kinds, 1, resolver, http,
                              (struct prober_events){bed_on_result, bed_on_after, b});
    target_wait(&b->target, waiting_ns);
    b->target.host = "localhost";
    b->target.path = "/";
    b->target.proxy = "none";
    b->target.ca_file = files.certificate;
    bed_send(b, 0, &to);
    bed_wait(b, 1);
    struct result r = b->results[0];
    for (int i = 0; i < 100 && b->late[0] < late; i++)
        bed_turn(b, 2, 20);
    CHECK_INT(late, b->late[0], "late replies");
    CHECK_INT(1, b->n, "but one result");
    CHECK_INT(0, prober_under_way(b->prober), "under way");
    prober_destroy(b->prober);
    b->prober = NULL;
    http_destroy(http);
    resolver_destroy(resolver);
    bed_end(b);
    return r;
}

static void check_pauses(const char *what, int pauses, int64_t delay_ns)
{
    if (pauses < 0)
        CHECK_INT(DELAY_UNDEFINED, delay_ns, what);
    else
        CHECK(delay_ns >= pauses * PAUSE_NS && delay_ns < (pauses + 1) * PAUSE_NS,
              "%s: %d pauses, but %" PRId64 " us", what, pauses, delay_ns / 1000);
}

static void the_final_reply_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply_case *c = &cases[i];
        uint16_t port;
        pid_t pid = start(c, &port);
        struct result r = probe(port, WAIT_NS, 0);
        child_end(pid);
        CHECK(c->outcome == r.outcome, "%s: %s, %s", c->what, outcome_name(r.outcome),
              r.cause);
        CHECK_INT(c->status, r.http.status, c->what);
        check_pauses(c->what, c->pauses, r.delays[FIRST_BYTE]);
        check_pauses(c->what, c->in_all, r.delays[TOTAL]);
        CHECK(r.delays[DNS] >= 0 && r.delays[CONNECT] > 0 && r.delays[TLS] > 0,
              "%s: what came before is measured", c->what);
        CHECK_TEXT(c->outcome == OUTCOME_REPLY ? "LON" : r.pop, r.pop, c->what);
        CHECK((c->in_all >= 0) == (r.cause[0] == '\0'), "%s: %s", c->what, r.cause);
    }
}

static int begin(void **state)
{
    (void)state;
    tls_peer_files(&files);
    return 0;
}

static int end(void **state)
{
    (void)state;
    child_folder_remove(&files.folder);
    return 0;
}

/* A real server that replies after the waiting time: its delay is longer than that, which
 * is no loss, and the reply is counted when it comes. */
static void a_slow_reply_is_late(void **state)
{
    (void)state;
    uint16_t port;
    pid_t pid = start(&cases[0], &port);
    struct result r = probe(port, PAUSE_NS / 2, 1);
    child_end(pid);
    CHECK_INT(OUTCOME_SLOW, r.outcome, r.cause);
    CHECK(r.delays[RTT] > 0 && r.delays[TLS] > 0, "what came in time is measured");
    CHECK_INT(DELAY_UNDEFINED, r.delays[TOTAL], "the total is not known, ...");
    CHECK_INT(PAUSE_NS / 2, r.longer_than[TOTAL], "... only that it is longer");
    CHECK(r.longer_than[FIRST_BYTE] > 0 && r.longer_than[FIRST_BYTE] < PAUSE_NS / 2,
          "and so is the first byte: %" PRId64, r.longer_than[FIRST_BYTE]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_final_reply_counts),
        cmocka_unit_test(a_slow_reply_is_late),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
