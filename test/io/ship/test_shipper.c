#include "ship/shipper.h"

#include "../../unit/cmd/capture.h"
#include "io/ship/shipper_bed.h"

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

/* A page is no answer of OTLP, however long it is. */
static void a_long_reply_delivers_nothing(void **state)
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
    RUN_UNTIL(b, counters(b).failed == 1);
    CHECK_INT(1, waiting(b), "it stays");
    end(b);
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

static void catches_up_no_faster_than_agreed(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    struct bed *b = begin(answers, 1, 5);
    b->config.shipping.catch_up = 20;
    uint64_t began = uv_hrtime();
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    double took_s = (double)(b->peer.requests[4].at - began) / (double)NS_PER_S;
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

/* The collector's other port: the HTTP/2 frame that it begins with, and no more. */
static void the_port_of_grpc(void **state)
{
    (void)state;
    static const char settings[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 64, 0};
    static const struct answer answers[] = {{settings, sizeof settings}};
    static struct capture said;
    struct bed *b = begin(answers, 1, 1);
    const char *port = strrchr(b->collector->url, ':');
    snprintf(b->collector->proxy, sizeof b->collector->proxy, "http://127.0.0.1%.*s",
             (int)strcspn(port, "/"), port);
    strcpy(b->collector->url, "http://collector.invalid:4317");
    capture_begin(&said);
    start(b);
    RUN_UNTIL(b, counters(b).failed == 1);
    capture_end(&said);
    CHECK(strstr(said.err, "what collector.invalid answered is not HTTP; 4317 is the "
                           "port of gRPC: OTLP over HTTP uses 4318; next try") != NULL,
          "%s", said.err);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_all_in_order),
        cmocka_unit_test(url_is_taken_as_it_is),
        cmocka_unit_test(each_signal_goes_to_its_path),
        cmocka_unit_test(a_long_reply_delivers_nothing),
        cmocka_unit_test(flush),
        cmocka_unit_test(catches_up_no_faster_than_agreed),
        cmocka_unit_test(through_a_proxy),
        cmocka_unit_test(the_port_of_grpc),
        cmocka_unit_test(destroyed_under_way),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
