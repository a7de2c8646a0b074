/* What is tried again, and when: the batch stays, and comes as the same bytes. */
#include "io/ship/shipper_bed.h"

#include <time.h>

static void retry_after(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        REPLY("429 Too Many Requests", "Retry-After: 1\r\nContent-Length: 0\r\n", ""),
        OK};
    struct bed *b = begin(answers, 2, 1);
    uint64_t began = uv_hrtime();
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    double wait_s = (double)(b->peer.requests[1].at - began) / (double)NS_PER_S;
    CHECK(wait_s >= 1 && wait_s < 3, "%.3f s", wait_s); /* plus what a busy host adds */
    CHECK_INT(1, counters(b).failed, "one attempt failed");
    check_same(b, 0, 1);
    end(b);
}

static void retry_after_a_date(void **state)
{
    (void)state;
    char text[200], date[64];
    time_t then = time(NULL) + 3;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    snprintf(text, sizeof text,
             "HTTP/1.1 503 Busy\r\nConnection: close\r\nRetry-After: %s\r\n"
             "Content-Length: 0\r\n\r\n",
             date);
    const struct answer answers[] = {{text, 0}, OK};
    struct bed *b = begin(answers, 2, 1);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    double wait_s =
        (double)(b->peer.requests[1].at - b->peer.requests[0].at) / (double)NS_PER_S;
    CHECK(wait_s >= 1.5, "%.3f s", wait_s); /* a whole second is the unit */
    check_same(b, 0, 1);
    end(b);
}

static void tried_again(void **state)
{
    (void)state;
    static char long_reply[200 * 1024];
    int head =
        snprintf(long_reply, sizeof long_reply,
                 "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                 sizeof long_reply);
    memset(long_reply + head, 'x', sizeof long_reply - (size_t)head);
    static char long_head[300 * 1024] = "HTTP/1.1 200 OK\r\n";
    for (size_t n = strlen(long_head); n + 20 < sizeof long_head; n += 16)
        memcpy(long_head + n, "X-Forever: 1234\n", 16);
    const struct {
        const char *what;
        struct answer first;
    } cases[] = {
        {"a head without end", {long_head, sizeof long_head - 20}},
        {"503", REPLY("503 Busy", "Content-Length: 0\r\n", "")},
        {"502", REPLY("502 Bad Gateway", "Content-Length: 3\r\n", "no\n")},
        {"504", REPLY("504 Time-out", "Content-Length: 0\r\n", "")},
        {"cut in the middle", {"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhal", 0}},
        {"cut in the head", {"HTTP/1.1 200 O", 0}},
        {"no HTTP", {"220 mail.example ESMTP\r\n", 0}},
        {"longer than is read", {long_reply, sizeof long_reply}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct answer answers[] = {cases[i].first, OK};
        struct bed *b = begin(answers, 2, 2);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(2, counters(b).accepted, cases[i].what);
        CHECK_INT(1, counters(b).failed, cases[i].what);
        CHECK_INT(3, b->peer.n, cases[i].what);
        check_same(b, 0, 1);
        CHECK_INT(2, sent(b, 2), "in order");
        end(b);
    }
}

static void collector_comes_up(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    struct bed *b = begin(NULL, 0, 2);
    start(b);
    RUN_UNTIL(b, counters(b).failed >= 2);
    CHECK_INT(2, waiting(b), "nothing is lost");
    b->peer.answers = answers;
    b->peer.n_answers = 1;
    const char *colon = strrchr(b->collector->url, ':');
    peer_listen(&b->peer, &b->spool.loop, (uint16_t)atoi(colon + 1));
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(2, counters(b).accepted, "all are sent");
    end(b);
}

/* The operator's mistakes: the batch stays, and the collector is left in peace. */
static void not_usable_keeps_the_batch(void **state)
{
    (void)state;
    static const char *const statuses[] = {"401 Unauthorized", "403 Forbidden",
                                           "404 Not Found", "405 Method Not Allowed",
                                           "302 Found"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                 statuses[i]);
        const struct answer answers[] = {{text, 0}};
        struct bed *b = begin(answers, 1, 2);
        start(b);
        RUN_UNTIL(b, counters(b).failed == 1);
        shipper_wake(b->shipper); /* does not end the back-off */
        run_for(b, 300);
        CHECK_INT(1, b->peer.n, "one attempt");
        CHECK_INT(2, waiting(b), statuses[i]);
        CHECK_INT(0, counters(b).refused, "not refused");
        end(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after),
        cmocka_unit_test(retry_after_a_date),
        cmocka_unit_test(tried_again),
        cmocka_unit_test(collector_comes_up),
        cmocka_unit_test(not_usable_keeps_the_batch),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
