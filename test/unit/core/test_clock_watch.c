#include "core/clock_watch.h"

#include "check.h"
#include "core/event_names.h"

#define S NS_PER_S

static const struct {
    const char *what;
    int64_t ahead_s[12];
    size_t n;
    int64_t behind_s;
    const char *servers; /* by letter; NULL: two in turn */
} cases[] = {
    {"no Date", {0}, 0, 0},
    {"too few", {3600, 3601, 3600, 3601}, 4, 0},
    {"right", {0, -1, 0, 1, 0}, 5, 0},
    {"an hour behind", {3600, 3601, 3599, 3600, 3602}, 5, 3600},
    {"an hour ahead", {-3600, -3601, -3599, -3600, -3602}, 5, -3599},
    {"within the limit", {60, 59, 61, 60, 61}, 5, 0},
    {"just over it", {62, 63, 62, 63, 62}, 5, 62},
    {"one server is wrong", {0, -1, 86400, 0, 1, 86401, 0}, 7, 0},
    {"most replies are from caches", {-900, -800, -700, -600, -1}, 5, 0},
    {"behind, and some are from caches", {300, 301, -500, 302, 303}, 5, 301},
    {"only one server, and it says so", {3600, 3601, 3600, 3601, 3600}, 5, 0, "aaaaa"},
    {"only one server, and it is behind", {-90, -91, -90, -91, -90}, 5, 0, "aaaaa"},
    {"the server that is asked most is wrong",
     {86400, 0, 86401, 86402, 1},
     5,
     0,
     "abaab"},
    {"two of three servers say so", {86400, 0, 86401, 86402, 1}, 5, 86400, "abcab"},
    {"one of the two is asked rarely",
     {3600, 3601, 3600, 3601, 3600, 3601, 3600, 3601, 3600, 3601, 3600, 3601},
     12,
     3600,
     "baaaaaaaaaaa"},
};

static void judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct clock_watch w = {0};
        for (size_t k = 0; k < cases[i].n; k++) {
            char server[] = {cases[i].servers != NULL ? cases[i].servers[k] : "ab"[k % 2],
                             '\0'};
            clock_watch_date(&w, server, cases[i].ahead_s[k] * S + (int64_t)k);
        }
        CHECK_NEAR((double)cases[i].behind_s, (double)clock_watch_behind_ns(&w) / S, 1e-6,
                   cases[i].what);
    }
}

static void reported_once(void **state)
{
    (void)state;
    static struct events events;
    struct clock_watch w = {0};
    for (int64_t k = 0; k < 20; k++)
        clock_watch_date(&w, "a", 3600 * S); /* one reply */
    clock_watch_window(&w, (struct wall){1}, &events);
    CHECK_INT(0, events.n, "one reply is no proof");
    for (int64_t k = 0; k < 9; k++)
        clock_watch_date(&w, k % 2 == 0 ? "a" : "b", 3600 * S + k);
    for (int turn = 0; turn < 3; turn++)
        clock_watch_window(&w, (struct wall){2}, &events);
    CHECK_INT(1, events.n, "wrong: once");
    CHECK_TEXT(EVENT_CLOCK_CHANGED, events.list[0].name, "its name");
    CHECK_TEXT("wrong", events.list[0].after, "after");
    CHECK_INT(EVENT_LEAVES_FINDING, event_leaves(events.list[0].name, "wrong"),
              "is a finding");
    for (int64_t k = 0; k < 9; k++)
        clock_watch_date(&w, "a", k);
    clock_watch_window(&w, (struct wall){3}, &events);
    CHECK_INT(2, events.n, "right again: once");
    CHECK_INT(EVENT_LEAVES_NOTHING, event_leaves(events.list[1].name, "right"),
              "no more");
}

/* What no server has said for long does not count: the clock may have been set since. */
static void forgotten(void **state)
{
    (void)state;
    struct clock_watch w = {0};
    for (int64_t k = 0; k < 9; k++)
        clock_watch_date(&w, k % 2 == 0 ? "a" : "b", 3600 * S + k);
    CHECK(clock_watch_behind_ns(&w) > 0, "two servers say so");
    for (int64_t k = 0; k <= CLOCK_DATES_MEMORY; k++)
        clock_watch_date(&w, "c", k);
    CHECK_INT(0, clock_watch_behind_ns(&w), "only one has answered since");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judged),
        cmocka_unit_test(reported_once),
        cmocka_unit_test(forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
