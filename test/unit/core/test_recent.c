#include "check.h"
#include "core/recent.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

static struct summary summary_of(uint64_t sent, uint64_t lost, int64_t min_ns)
{
    struct summary s = {.sent = sent, .received = sent - lost};
    s.outcomes[OUTCOME_LOSS] = lost;
    s.outcomes[OUTCOME_REPLY] = sent - lost;
    s.delays[0].min_ns = min_ns;
    return s;
}

static void window(struct recent *e, uint64_t sent, uint64_t lost, int64_t min_ns)
{
    struct summary s = summary_of(sent, lost, min_ns);
    recent_add(e, &s, 0);
    recent_close(e);
}

static void the_last_windows_count(void **state)
{
    (void)state;
    struct recent e = {0};
    CHECK_INT(DELAY_UNDEFINED, recent_sum(&e).min_ns, "nothing yet");
    for (int i = 1; i <= 2 * RECENT_WINDOWS; i++) {
        window(&e, 10, 1, MS(i));
        int first = i > RECENT_WINDOWS ? i - RECENT_WINDOWS + 1 : 1;
        struct window_stats sum = recent_sum(&e);
        CHECK_INT(MS(first), sum.min_ns, "minimum of the last five");
        CHECK_INT(10 * (i - first + 1), sum.sent, "sent in them");
        CHECK_INT(i - first + 1, sum.lost, "lost in them");
        CHECK_INT(9 * (i - first + 1), sum.answered, "answered in them");
    }
}

static void silence_is_no_evidence(void **state)
{
    (void)state;
    struct recent e = {0};
    for (int i = 0; i < RECENT_WINDOWS; i++)
        window(&e, 1, 0, MS(3));
    for (int i = 0; i < 100; i++)
        window(&e, 0, 0, DELAY_UNDEFINED);
    CHECK_INT(RECENT_WINDOWS, recent_sum(&e).sent,
              "windows without a probe push nothing out");
    for (int i = 0; i < RECENT_WINDOWS; i++)
        window(&e, 1, 1, DELAY_UNDEFINED);
    CHECK_INT(DELAY_UNDEFINED, recent_sum(&e).min_ns, "windows with losses do");
}

static void parts_of_a_window_are_one(void **state)
{
    (void)state;
    struct recent e = {0};
    for (int i = 0; i < RECENT_WINDOWS; i++) {
        struct summary part = summary_of(1, 1, DELAY_UNDEFINED);
        recent_add(&e, &part, 0);
        window(&e, 1, 0, MS(3 + i));
    }
    struct window_stats sum = recent_sum(&e);
    CHECK_INT(MS(3), sum.min_ns, "the first window still counts");
    CHECK_INT(2 * RECENT_WINDOWS, sum.sent, "both parts of each");
}

static const struct {
    const char *what;
    struct window_stats streams[3];
    struct candidate expected;
} cases[] = {
    {"nothing", {{0, 0, 0, DELAY_UNDEFINED}}, {DELAY_UNDEFINED, 0, 0}},
    {"the lowest of all", {{9, 0, 9, MS(4)}, {9, 0, 9, MS(3)}}, {MS(3), 18, 0}},
    {"a stream without an answer says nothing",
     {{9, 9, 0, DELAY_UNDEFINED}, {9, 1, 8, MS(3)}},
     {MS(3), 9, 1}},
    {"unless no stream has one",
     {{9, 9, 0, DELAY_UNDEFINED}, {5, 5, 0, DELAY_UNDEFINED}},
     {DELAY_UNDEFINED, 14, 14}},
    {"what is not used has no minimum",
     {{0, 0, 0, DELAY_UNDEFINED}, {9, 0, 9, MS(3)}, {0, 0, 0, DELAY_UNDEFINED}},
     {MS(3), 9, 0}},
};

static void candidates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct candidate c = recent_candidate(cases[i].streams, 3);
        CHECK_INT(cases[i].expected.min_ns, c.min_ns, cases[i].what);
        CHECK_INT(cases[i].expected.sent, c.sent, cases[i].what);
        CHECK_INT(cases[i].expected.lost, c.lost, cases[i].what);
    }
}

static void an_outage_that_is_over(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int lost[8]; /* of 6, window by window; -1 ends them */
        int sent, lost_since;
    } outages[] = {
        {"it goes on", {6, 6, 6, -1}, 6, 6},
        {"it has just ended: that window counts alone", {6, 6, 2, -1}, 6, 2},
        {"down at first", {6, 6, 2, 0, -1}, 6, 0},
        {"down for the greater part of the first window", {4, 0, 0, -1}, 6, 0},
        {"in the middle", {0, 6, 6, 0, -1}, 24, 12},
        {"oldest of five", {0, 6, 6, 1, 0, 0, -1}, 12, 0},
        {"again and again", {6, 0, 6, 0, 6, -1}, 18, 12},
        {"a level is none", {2, 1, 3, 2, 2, -1}, 30, 10},
    };
    for (size_t i = 0; i < sizeof outages / sizeof *outages; i++) {
        struct recent e = {0};
        for (const int *lost = outages[i].lost; *lost >= 0; lost++)
            window(&e, 6, (uint64_t)*lost, *lost < 6 ? MS(3) : DELAY_UNDEFINED);
        struct window_stats seen = recent_sum(&e);
        CHECK_INT(outages[i].sent, seen.sent, outages[i].what);
        CHECK_INT(outages[i].lost_since, seen.lost, outages[i].what);
        CHECK((i == 0) == (seen.min_ns == DELAY_UNDEFINED), "%s: the minimum of all",
              outages[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_that_is_over),
        cmocka_unit_test(the_last_windows_count),
        cmocka_unit_test(silence_is_no_evidence),
        cmocka_unit_test(parts_of_a_window_are_one),
        cmocka_unit_test(candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
