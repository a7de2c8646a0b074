/* Several collectors, and one that orders to stop probing. */
#include "io/ship/shipper_bed.h"

/* Another collector, named "backup". */
static void add_backup(struct bed *b, const struct answer *answers, size_t n)
{
    struct collector *c = &b->config.collectors[b->config.n_collectors++];
    b->backup.answers = answers;
    b->backup.n_answers = n;
    *c = *b->collector;
    strcpy(c->name, "backup");
    snprintf(c->url, sizeof c->url, "http://127.0.0.1:%d",
             peer_listen(&b->backup, &b->spool.loop, 0));
}

static void the_backup_takes_over(void **state)
{
    (void)state;
    static const struct answer good[] = {OK};
    static const struct answer bad[] = {REPLY("503 Busy", "Content-Length: 0\r\n", "")};
    static const struct answer closed[] = {REPLY("403 No", "Content-Length: 0\r\n", "")};
    static const struct answer slow[] = {
        REPLY("429 Slow", "Retry-After: 1\r\nContent-Length: 0\r\n", ""), OK};
    static const struct answer refuses[] = {REPLY("400 Bad", "Content-Length: 0\r\n", ""),
                                            OK};
    static const struct answer refuses_one[] = {
        OK, REPLY("400 Bad", "Content-Length: 0\r\n", ""), OK};
    static const struct {
        const char *what;
        const struct answer *first;
        size_t n, requests; /* that the first one gets */
        uint64_t refused;
    } cases[] = {
        {"not there", NULL, 0, 0, 0},
        {"busy", bad, 1, 2, 0},
        {"wrong token", closed, 1, 1, 0},
        {"busy for a moment", slow, 2, 4, 0},
        {"refuses what comes first", refuses, 2, 1, 0},
        {"refuses one", refuses_one, 3, 3, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = begin(cases[i].first, cases[i].n, 3);
        add_backup(b, good, 1);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(cases[i].requests, b->peer.n, cases[i].what);
        CHECK_INT(cases[i].requests > 2 ? 0 : 3, b->backup.n, cases[i].what);
        CHECK_INT(cases[i].refused, counters(b).refused, cases[i].what);
        CHECK_INT(3 - cases[i].refused, counters(b).accepted, cases[i].what);
        end(b);
    }
}

/* A collector that orders to stop probing works: no other one is asked, and it is asked
 * again soon. */
static void stop_probing(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        REPLY("403 Stop", "Retry-After: 1\r\nContent-Length: 26\r\n",
              "edgelat: stop probing: tea"),
        REPLY("503 Busy", "Content-Length: 0\r\n", ""), OK};
    static const struct answer good[] = {OK};
    const char *reason;
    struct bed *b = begin(answers, 3, 1);
    add_backup(b, good, 1);
    start(b);
    CHECK_INT(PROBING_UNKNOWN, shipper_probing(b->shipper, &reason), "nothing was said");
    CHECK_TEXT("", reason, "so there is no reason");
    RUN_UNTIL(b, counters(b).failed == 1);
    CHECK_INT(PROBING_STOPPED, shipper_probing(b->shipper, &reason), "the order");
    CHECK_TEXT("tea", reason, "and why");
    RUN_UNTIL(b, counters(b).failed == 2);
    CHECK_INT(PROBING_STOPPED, shipper_probing(b->shipper, &reason),
              "busy lifts nothing");
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(PROBING_ALLOWED, shipper_probing(b->shipper, &reason), "it is lifted");
    CHECK_TEXT("", reason, "without a reason");
    CHECK_INT(0, b->backup.n, "nobody else was asked");
    end(b);
}

/* All of them: back off as with one, and nothing is lost. */
static void no_collector_works(void **state)
{
    (void)state;
    static const struct answer bad[] = {REPLY("503 Busy", "Content-Length: 0\r\n", "")};
    struct bed *b = begin(bad, 1, 2);
    add_backup(b, bad, 1);
    start(b);
    RUN_UNTIL(b, b->peer.n >= 3 && b->backup.n >= 2);
    CHECK_INT(2, waiting(b), "nothing is lost");
    CHECK(b->peer.n <= b->backup.n + 2, "in turns: %zu, %zu", b->peer.n, b->backup.n);
    size_t before = b->peer.n + b->backup.n;
    shipper_flush(b->shipper, on_idle, b);
    RUN_UNTIL(b, b->idle == 1);
    CHECK(b->peer.n + b->backup.n <= before + 2, "one last go at each at most");
    end(b);
}

static void what_became_of_the_batches(void **state)
{
    (void)state;
    static const struct answer closed[] = {REPLY("403 No", "Content-Length: 0\r\n", "")};
    static const struct answer good[] = {OK};
    struct shipper_collector c[COLLECTORS_MAX];
    struct bed *b = begin(closed, 1, 2);
    add_backup(b, good, 1);
    start(b);
    CHECK_INT(2, shipper_collectors(b->shipper, c), "two collectors");
    CHECK(c[0].in_use && !c[1].in_use, "the first one is to have them");
    CHECK(c[0].last_answer.ns == 0 && c[0].accepted.ns == 0, "nothing was heard yet");
    CHECK(spool_counters(b->spool.spool).oldest.ns > 0, "since when the oldest waits");
    RUN_UNTIL(b, waiting(b) == 0);
    shipper_collectors(b->shipper, c);
    CHECK(!c[0].in_use && c[1].in_use, "the second one has them");
    CHECK(c[0].last_answer.ns > 0 && c[0].accepted.ns == 0, "the first took none");
    CHECK_INT(VERDICT_UNUSABLE, c[0].verdict, "it is not usable");
    CHECK(strstr(c[0].why, "HTTP 403") != NULL &&
              strstr(c[0].step, "header_file") != NULL,
          "got %s%s", c[0].why, c[0].step);
    CHECK(strncmp(c[0].host, "127.0.0.1:", 10) == 0, "no secret in %s", c[0].host);
    CHECK(c[1].accepted.ns >= c[0].last_answer.ns &&
              c[1].last_answer.ns == c[1].accepted.ns,
          "then");
    CHECK_INT(VERDICT_ACCEPTED, c[1].verdict, "the second one did");
    CHECK_TEXT("", c[1].why, "nothing is to be said of it");
    CHECK_INT(-1, shipper_retry_ns(b->shipper), "no other try is needed");
    CHECK_INT(0, spool_counters(b->spool.spool).oldest.ns, "nothing waits");
    end(b);

    static const struct answer busy[] = {
        REPLY("503 Busy", "Retry-After: 60\r\nContent-Length: 0\r\n", "")};
    b = begin(busy, 1, 1);
    start(b);
    RUN_UNTIL(b, counters(b).failed == 1);
    CHECK(shipper_retry_ns(b->shipper) > 30 * NS_PER_S, "as it asked for");
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_backup_takes_over),
        cmocka_unit_test(stop_probing),
        cmocka_unit_test(no_collector_works),
        cmocka_unit_test(what_became_of_the_batches),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
