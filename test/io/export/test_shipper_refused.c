/* What a collector does not take: all of a batch, or some of its points. */
#include "export/otlp.h"

#include "../../unit/cmd/capture.h"
#include "io/export/shipper_bed.h"

static void partial_success(void **state)
{
    (void)state;
    /* partial_success { rejected_data_points: 7, error_message: "too old\n" } */
    static const char body[] = "\x0a\x0c\x08\x07\x12\x08too old\n";
    static char whole[200];
    int head = snprintf(whole, sizeof whole,
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
                        "application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                        sizeof body - 1);
    memcpy(whole + head, body, sizeof body - 1);
    const struct answer answers[] = {{whole, (size_t)head + sizeof body - 1},
                                     {whole, (size_t)head + sizeof body - 1},
                                     REPLY("200 OK", "Content-Length: 2\r\n", "{}")};
    struct bed *b = begin(answers, 3, 3);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(3, counters(b).accepted, "accepted, whatever the body");
    CHECK_INT(14, counters(b).rejected_points, "counted");
    CHECK_INT(0, spool_counters(b->spool.spool).set_aside, "not refused");
    end(b);
}

/* Refused for good: set aside, never sent again, and never in the way. */
static void refused_is_not_in_the_way(void **state)
{
    (void)state;
    static const char *const statuses[] = {"400 Bad Request", "413 Too Large",
                                           "415 Unsupported", "422 Unprocessable",
                                           "431 Head Too Large"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char text[200];
        snprintf(
            text, sizeof text,
            "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 12\r\n\r\nnot a batch!",
            statuses[i]);
        const struct answer answers[] = {{text, 0}, OK};
        struct bed *b = begin(answers, 2, 3);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(1, counters(b).refused, statuses[i]);
        CHECK_INT(2, counters(b).accepted, "the others");
        CHECK_INT(3, b->peer.n, "each once");
        CHECK_INT(1, spool_counters(b->spool.spool).set_aside, "set aside");
        CHECK_INT(2, sent(b, 1), "the next one");
        end(b);
    }
}

/* No path for logs: they are out of the way, and the metrics still arrive. */
static void logs_nowhere_to_go(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        OK, REPLY("404 Not Found", "Content-Length: 0\r\n", ""), OK};
    struct bed *b = begin(answers, 3, 1);
    bed_add_as(&b->spool, SIGNAL_LOGS, 2);
    bed_add(&b->spool, 3);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(2, counters(b).accepted, "metrics");
    CHECK_INT(1, counters(b).refused, "logs");
    CHECK_INT(0, counters(b).failed, "nothing is tried again");
    CHECK_INT(1, spool_counters(b->spool.spool).set_aside, "set aside");
    end(b);
}

static void what_to_do_is_said(void **state)
{
    (void)state;
    static const struct {
        enum signal signal;
        struct answer answer;
        const char *said;
    } cases[] = {
        {SIGNAL_METRICS, REPLY("413 Large", "Content-Length: 0\r\n", ""),
         "HTTP 413; raise what it takes in one request: a batch has up to 4 MiB, "
         "which gzip makes 1 MiB; set aside"},
        {SIGNAL_LOGS, REPLY("413 Large", "Content-Length: 0\r\n", ""),
         "HTTP 413; raise what it takes in one request: a batch has up to 4 MiB, "
         "which gzip makes 1 MiB; set aside"},
        {SIGNAL_LOGS, REPLY("404 No", "Content-Length: 0\r\n", ""),
         "HTTP 404; where it takes no logs, set `events = no`; set aside"},
        {SIGNAL_LOGS, REPLY("400 Bad", "Content-Length: 4\r\n", "what"),
         "HTTP 400: what; set aside"},
        {SIGNAL_METRICS, REPLY("422 Oops", "Content-Length: 0\r\n", ""),
         "HTTP 422; set aside in bad/ (to send it again: edgelat(1)), 0 batches"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct capture said;
        struct bed *b = begin(&cases[i].answer, 1, 0);
        bed_add_as(&b->spool, cases[i].signal, 1);
        bed_written(&b->spool, 1);
        capture_begin(&said);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        capture_end(&said);
        CHECK(strstr(said.err, cases[i].said) != NULL, "%s: %s", cases[i].said, said.err);
        end(b);
    }
}

/* A batch with `n` records: the bytes are the spool's. */
static void add_records(struct bed *b, int n)
{
    static struct events events;
    static const struct otlp_resource none = {"", "", "", "", NULL};
    size_t len;
    events.n = 0;
    for (int i = 0; i < n; i++)
        events_add(&events, "edgelat.test", SEVERITY_INFO, (struct wall){NS_PER_S}, NULL);
    struct batch batch = {.events = events.list, .n_events = events.n};
    void *bytes = otlp_logs(&batch, &none, &len);
    spool_add(b->spool.spool, SIGNAL_LOGS, bytes, len);
}

#define TOO_LARGE REPLY("413 Too Large", "Content-Length: 0\r\n", "")

static void too_large_is_halved(void **state)
{
    (void)state;
    static const struct answer both[] = {TOO_LARGE, OK};
    static const struct answer second_fails[] = {
        TOO_LARGE, OK, REPLY("503 Busy", "Content-Length: 0\r\n", ""), TOO_LARGE, OK};
    static const struct answer never[] = {TOO_LARGE, TOO_LARGE, OK};
    static const struct {
        const char *what;
        const struct answer *answers;
        size_t n;
        int records;
        size_t requests; /* with one of the batch behind it */
        uint64_t accepted, refused;
    } cases[] = {
        {"both halves fit", both, 2, 4, 4, 2, 0},
        {"begun anew when one fails", second_fails, 5, 4, 7, 2, 0},
        {"halved once", never, 3, 4, 3, 1, 1},
        {"one record", both, 2, 1, 2, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = begin(cases[i].answers, cases[i].n, 0);
        add_records(b, cases[i].records);
        bed_add(&b->spool, 2);
        bed_written(&b->spool, 2);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(cases[i].requests, b->peer.n, cases[i].what);
        CHECK_INT(cases[i].accepted, counters(b).accepted, cases[i].what);
        CHECK_INT(cases[i].refused, counters(b).refused, cases[i].what);
        CHECK_INT(2, sent(b, b->peer.n - 1), "the next one");
        end(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_success),
        cmocka_unit_test(refused_is_not_in_the_way),
        cmocka_unit_test(logs_nowhere_to_go),
        cmocka_unit_test(what_to_do_is_said),
        cmocka_unit_test(too_large_is_halved),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
