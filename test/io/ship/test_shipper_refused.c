/* What a collector does not take: all of a batch, or some of its points. */
#include "otlp/metrics.h"

#include "../../unit/cmd/capture.h"
#include "io/ship/shipper_bed.h"

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
        const struct answer answers[] = {OK, {text, 0}, OK};
        struct bed *b = begin(answers, 3, 4);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(1, counters(b).refused, statuses[i]);
        CHECK_INT(3, counters(b).accepted, "the others");
        CHECK_INT(4, b->peer.n, "each once");
        CHECK_INT(1, spool_counters(b->spool.spool).set_aside, "set aside");
        CHECK_INT(3, sent(b, 2), "the next one");
        end(b);
    }
}

/* A wrong path, a limit, a tenant that is not there: all wait, and are tried rarely. */
static void nothing_was_ever_accepted(void **state)
{
    (void)state;
    static const char *const statuses[] = {"400 Bad Request", "413 Too Large", "500 Oops",
                                           "511 Sign in", "404 Not Found"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                 statuses[i]);
        const struct answer answers[] = {{text, 0}};
        struct bed *b = begin(answers, 1, 30);
        start(b);
        run_for(b, 1500);
        CHECK(b->peer.n >= 1 && b->peer.n < 12, "%s: %zu requests", statuses[i],
              b->peer.n);
        CHECK_INT(30, waiting(b), statuses[i]);
        CHECK_INT(0, spool_counters(b->spool.spool).set_aside, statuses[i]);
        CHECK(shipper_retry_ns(b->shipper) >= 0, "%s: the next try is planned",
              statuses[i]);
        end(b);
    }
}

/* It refuses the first of all only: that shows when it has accepted the next. */
static void the_first_of_all_is_refused(void **state)
{
    (void)state;
    static const struct answer bad = REPLY("400 Bad", "Content-Length: 0\r\n", "");
    const struct answer answers[] = {bad, OK, bad, OK};
    struct bed *b = begin(answers, 4, 3);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK_INT(1, counters(b).refused, "one");
    CHECK_INT(2, counters(b).accepted, "the others");
    CHECK_INT(1, sent(b, 0), "refused");
    CHECK_INT(2, sent(b, 1), "accepted");
    CHECK_INT(1, sent(b, 2), "refused again, and believed");
    CHECK_INT(3, sent(b, 3), "the last one");
    end(b);
}

/* A gateway that dies of one batch holds up no other. */
static void one_fails_for_ever(void **state)
{
    (void)state;
    static const struct answer busy = REPLY("502 Bad", "Content-Length: 0\r\n", "");
    const struct answer answers[] = {busy, busy, busy, OK, busy, OK};
    struct bed *b = begin(answers, 6, 4);
    start(b);
    RUN_UNTIL(b, counters(b).accepted == 3);
    CHECK_INT(1, waiting(b), "it waits");
    CHECK_INT(0, counters(b).refused, "and is not refused");
    CHECK_INT(2, sent(b, 3), "the one behind it");
    CHECK_INT(1, sent(b, 4), "once more");
    CHECK_INT(3, sent(b, 5), "then the others");
    end(b);
}

/* No path for logs: they wait, and the metrics still arrive. */
static void logs_nowhere_to_go(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        OK, REPLY("404 Not Found", "Content-Length: 0\r\n", ""), OK,
        REPLY("404 Not Found", "Content-Length: 0\r\n", "")};
    struct shipper_collector c[COLLECTORS_MAX];
    struct bed *b = begin(answers, 4, 1);
    bed_add_as(&b->spool, SIGNAL_LOGS, 2);
    bed_add(&b->spool, 3);
    start(b);
    RUN_UNTIL(b, counters(b).accepted == 2);
    CHECK_INT(1, waiting(b), "the logs wait");
    CHECK_INT(0, spool_counters(b->spool.spool).set_aside, "and are not set aside");
    shipper_collectors(b->shipper, c);
    CHECK_INT(VERDICT_UNUSABLE, c[0].verdict, "which is reported");
    CHECK_INT(SIGNAL_LOGS, c[0].signal, "of the logs");
    CHECK(strstr(c[0].why, "HTTP 404") != NULL, "%s", c[0].why);
    end(b);
}

static void what_to_do_is_said(void **state)
{
    (void)state;
    static const struct {
        bool trusted; /* it has accepted one before */
        enum signal signal;
        struct answer answer;
        const char *said;
    } cases[] = {
        {true, SIGNAL_METRICS, REPLY("413 Large", "Content-Length: 0\r\n", ""),
         "HTTP 413; raise its limit for one request: a batch has up to 4 MiB, 1 MiB with "
         "gzip; set aside"},
        {true, SIGNAL_LOGS, REPLY("404 No", "Content-Length: 0\r\n", ""),
         "HTTP 404; if it takes no logs, set `events = no`; set aside"},
        {true, SIGNAL_LOGS, REPLY("400 Bad", "Content-Length: 4\r\n", "what"),
         "HTTP 400: what; set aside"},
        {true, SIGNAL_METRICS, REPLY("422 Oops", "Content-Length: 0\r\n", ""),
         "HTTP 422; set aside in bad/ (to send it again: edgelat(1)), 0 batches"},
        {false, SIGNAL_METRICS, REPLY("422 Oops", "Content-Length: 0\r\n", ""),
         "HTTP 422; it has accepted none yet: look at `url` in [collector]; metrics wait"},
        {false, SIGNAL_LOGS, REPLY("404 No", "Content-Length: 0\r\n", ""),
         "HTTP 404; if it takes no logs, set `events = no`; logs wait, next try in"},
        {false, SIGNAL_METRICS, REPLY("500 Oops", "Content-Length: 0\r\n", ""),
         "HTTP 500; next try in"},
        {false, SIGNAL_METRICS, REPLY("511 Sign in", "Content-Length: 0\r\n", ""),
         "HTTP 511; is there a sign-in page in between?"},
        {false, SIGNAL_METRICS, REPLY("200 Fine", "Content-Length: 9\r\n", "It works!"),
         "HTTP 200 with a body 'It works!', which is no OTLP response; is there a "
         "sign-in page in between? look at `url`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct capture said;
        const struct answer answers[] = {OK, cases[i].answer};
        bool trusted = cases[i].trusted;
        struct bed *b = begin(answers + !trusted, trusted ? 2 : 1, 0);
        for (unsigned n = 1; n <= (trusted ? 2 : 1); n++)
            bed_add_as(&b->spool, cases[i].signal, n);
        bed_written(&b->spool, trusted ? 2 : 1);
        capture_begin(&said);
        start(b);
        RUN_UNTIL(b, counters(b).refused + counters(b).failed == 1);
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
    static const struct answer both[] = {OK, TOO_LARGE, OK};
    static const struct answer second_fails[] = {
        OK, TOO_LARGE, OK, REPLY("503 Busy", "Content-Length: 0\r\n", ""), TOO_LARGE, OK};
    static const struct answer twice[] = {OK, TOO_LARGE, TOO_LARGE, OK};
    static const struct answer never[] = {OK, TOO_LARGE, TOO_LARGE, TOO_LARGE, OK};
    static const struct {
        const char *what;
        const struct answer *answers;
        size_t n;
        int records;
        size_t requests; /* with one of the batch before and one of the batch behind it */
        uint64_t accepted, refused;
    } cases[] = {
        {"both halves fit", both, 3, 4, 5, 3, 0},
        {"begun anew when one fails", second_fails, 6, 4, 8, 3, 0},
        {"quarters fit", twice, 4, 4, 7, 3, 0},
        {"one record of four is too large", never, 5, 4, 5, 2, 1},
        {"one record", both, 3, 1, 3, 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = begin(cases[i].answers, cases[i].n, 0);
        add_records(b, 1);
        add_records(b, cases[i].records);
        bed_add(&b->spool, 3);
        bed_written(&b->spool, 3);
        start(b);
        RUN_UNTIL(b, waiting(b) == 0);
        CHECK_INT(cases[i].requests, b->peer.n, cases[i].what);
        CHECK_INT(cases[i].accepted, counters(b).accepted, cases[i].what);
        CHECK_INT(cases[i].refused, counters(b).refused, cases[i].what);
        CHECK_INT(3, sent(b, b->peer.n - 1), "the next one");
        end(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_success),
        cmocka_unit_test(refused_is_not_in_the_way),
        cmocka_unit_test(nothing_was_ever_accepted),
        cmocka_unit_test(the_first_of_all_is_refused),
        cmocka_unit_test(one_fails_for_ever),
        cmocka_unit_test(logs_nowhere_to_go),
        cmocka_unit_test(what_to_do_is_said),
        cmocka_unit_test(too_large_is_halved),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
