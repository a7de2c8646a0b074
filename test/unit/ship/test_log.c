#include "ship/log.h"

#include "../cmd/capture.h"

#include <string.h>

static const struct wall nine = {INT64_C(1795683600) * NS_PER_S};

static struct verdict verdict(enum verdict_kind kind, int status, const char *why)
{
    struct verdict v = {.kind = kind, .status = status, .step = ""};
    snprintf(v.why, sizeof v.why, "%s", why);
    return v;
}

static void say(struct ship_log *s, const struct verdict *v)
{
    if (v->kind == VERDICT_ACCEPTED)
        ship_log_accepted(s, SIGNAL_METRICS, "collector.example", v, 7);
    else if (v->kind == VERDICT_REFUSED)
        ship_log_refused(s, SIGNAL_METRICS, "collector.example", v, nine, 7);
    else
        ship_log_failed(s, SIGNAL_METRICS, "collector.example", v, "next try in 8 s",
                        false, 7);
}

static unsigned lines(const char *text)
{
    unsigned n = 0;
    while ((text = strchr(text, '\n')) != NULL) {
        text++;
        n++;
    }
    return n;
}

/* How many lines `times` answers make, each with another reason where it holds a '%'. */
static unsigned lines_of(struct ship_log *s, enum verdict_kind kind, int status,
                         const char *why, int times)
{
    static struct capture log;
    capture_begin(&log);
    for (int i = 0; i < times; i++) {
        struct verdict v = verdict(kind, status, why);
        char *number = strchr(v.why, '%');
        if (number != NULL)
            sprintf(number, "%d", i);
        say(s, &v);
    }
    capture_end(&log);
    return lines(log.err);
}

static void a_change_is_said_once(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum verdict_kind kind;
        int status;
        const char *why;
        int times;
        unsigned expected; /* lines */
    } in_turn[] = {
        {"the first one", VERDICT_ACCEPTED, 200, "", 100, 1},
        {"the same reason", VERDICT_AGAIN, 503, "HTTP 503: busy", 100, 1},
        {"another reason", VERDICT_AGAIN, 503, "HTTP 503: full", 1, 1},
        {"another status", VERDICT_AGAIN, 502, "HTTP 502", 100, 1},
        {"works again", VERDICT_ACCEPTED, 200, "", 100, 1},
        {"a number in each", VERDICT_REFUSED, 400, "HTTP 400: too old: %", 1000, 3},
        {"another number", VERDICT_REFUSED, 400, "HTTP 400: too old: 7 of %", 1000, 0},
        {"a status that is new", VERDICT_REFUSED, 413, "HTTP 413", 100, 1},
        {"and the first again", VERDICT_REFUSED, 400, "HTTP 400: too old: %", 1000, 3},
        {"works again", VERDICT_ACCEPTED, 200, "", 100, 1},
        {"a request id in each", VERDICT_AGAIN, 503, "HTTP 503: id %", 1000, 3},
        {"no reply", VERDICT_AGAIN, 0, "no reply in time", 100, 1},
    };
    struct ship_log s = {0};
    for (size_t i = 0; i < sizeof in_turn / sizeof *in_turn; i++)
        CHECK_INT(in_turn[i].expected,
                  lines_of(&s, in_turn[i].kind, in_turn[i].status, in_turn[i].why,
                           in_turn[i].times),
                  in_turn[i].what);
}

/* However many were not log: how many they were is, in the end. */
static void refused_ones_are_summed_up(void **state)
{
    (void)state;
    struct capture log;
    struct ship_log s = {0};
    struct verdict fine = verdict(VERDICT_ACCEPTED, 200, "");
    lines_of(&s, VERDICT_REFUSED, 400, "HTTP 400: too old: %", 1000);
    capture_begin(&log);
    say(&s, &fine);
    capture_end(&log);
    CHECK_TEXT("info shipper: export of metrics to collector.example works again, after "
               "1000 refused batches of 2026-11-26T09:00:00.000000Z to "
               "2026-11-26T09:00:00.000000Z, 7 batches waiting\n",
               log.err, "the sum");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_said_once),
        cmocka_unit_test(refused_ones_are_summed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
