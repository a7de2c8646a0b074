#include "check.h"
#include "core/shift.h"

#define MS(x)     ((int64_t)((x)*NS_PER_MS))
#define MINUTE_NS (60 * NS_PER_S)

struct line {
    struct shift shift;
    struct wall now;
    int64_t interval_ns;
};

static struct line line_of(int64_t interval_ns)
{
    return (struct line){.now = {INT64_C(1795424400) * NS_PER_S},
                         .interval_ns = interval_ns};
}

/* Adds `values` near `ms`. Returns the number of the value that was news, or 0. */
static int add_values(struct line *l, double ms, int values, struct shift_news *news)
{
    int first = 0;
    for (int v = 1; v <= values; v++) {
        double wobble = 1 + 0.002 * (v % 5 - 2);
        shift_value(&l->shift, l->now, MS(ms * wobble));
        l->now.ns += l->interval_ns;
        if (first == 0 && l->shift.news != NULL) {
            first = v;
            if (news != NULL)
                *news = *l->shift.news;
        }
    }
    free(l->shift.news);
    l->shift.news = NULL;
    return first;
}

static const struct {
    const char *what;
    double before, after; /* ms */
    bool expected;
} steps[] = {
    {"a fifth more of a short path", 1.5, 1.8, true},
    {"a fifth less of it", 1.5, 1.2, true},
    {"a fifth more", 24, 28.8, true},
    {"a fifth less", 24, 19.2, true},
    {"a fifth of a long path", 180, 216, true},
    {"another continent", 3, 180, true},
    {"and back", 180, 3, true},
    {"a tenth is too little", 24, 26.4, false},
    {"a tenth less, too", 24, 21.6, false},
    {"a LAN: a third, and nothing in time", 0.2, 0.27, false},
    {"a LAN: half as much again", 0.3, 0.45, true},
    {"the same", 24, 24, false},
};

/* At any rate of the probes. */
static void a_step_is_reported_once_within_ten_values(void **state)
{
    (void)state;
    static const int64_t intervals_ns[] = {NS_PER_S, 10 * NS_PER_S, MINUTE_NS,
                                           5 * MINUTE_NS};
    for (size_t r = 0; r < 4; r++)
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            const char *what = steps[i].what;
            struct line l = line_of(intervals_ns[r]);
            struct shift_news news = {0};
            CHECK_INT(0, add_values(&l, steps[i].before, 100, NULL), what);
            struct wall began = l.now;
            int n = add_values(&l, steps[i].after, 10, &news);
            CHECK_INT(steps[i].expected, n > 0, what);
            CHECK_INT(0, add_values(&l, steps[i].after, 300, NULL), "and not again");
            if (!steps[i].expected)
                continue;
            CHECK_INT(SHIFT_SHIFTED, news.what, what);
            CHECK_INT(steps[i].after > steps[i].before, news.up, what);
            CHECK_NEAR(1, (double)news.before_ns / 1e6 / steps[i].before, 0.02, what);
            CHECK_NEAR(1, (double)news.after_ns / 1e6 / steps[i].after, 0.01, what);
            CHECK(news.low_ns <= MS(steps[i].after) && news.high_ns >= MS(steps[i].after),
                  "%s: the interval holds the truth", what);
            CHECK_INT(began.ns / NS_PER_S, news.since.ns / NS_PER_S, "since when");
        }
}

static void bursts_are_learned(void **state)
{
    (void)state;
    struct line l = line_of(10 * NS_PER_S);
    int reported = 0;
    add_values(&l, 24, 300, NULL);
    for (int burst = 0; burst < 48; burst++) {
        reported += add_values(&l, 36, 12, NULL) > 0; /* two minutes */
        reported += add_values(&l, 24, 348, NULL) > 0;
    }
    CHECK(reported <= 2, "%d were reported", reported);
    CHECK(add_values(&l, 36, 60, NULL) > 0, "one that stays for longer is");
}

static void a_spike_is_none(void **state)
{
    (void)state;
    struct line l = line_of(10 * NS_PER_S);
    int reported = add_values(&l, 24, 60, NULL);
    for (int spike = 0; spike < 200; spike++) {
        reported += add_values(&l, spike % 2 ? 9000 : 2, 1 + spike % 3, NULL);
        reported += add_values(&l, 24, 10 + spike % 20, NULL);
    }
    CHECK_INT(0, reported, "spikes of up to three values");
    CHECK(add_values(&l, 30, 20, NULL) > 0, "and it is not deaf");
}

static void flutter_is_told_once(void **state)
{
    (void)state;
    struct line l = line_of(10 * NS_PER_S);
    struct shift_news news = {0};
    int reported = 0;
    add_values(&l, 24, 300, NULL);
    for (int turn = 1; turn < 40; turn++) /* each stay is longer than the hold so far */
        reported += add_values(&l, turn % 2 ? 36 : 24, 360 * 7, &news) > 0;
    CHECK_INT(3, reported, "there, back, and that it flutters");
    CHECK_INT(SHIFT_FLUTTERS, news.what, "that was the last one");
}

static void a_new_path_is_learned_anew(void **state)
{
    (void)state;
    struct line l = line_of(10 * NS_PER_S);
    add_values(&l, 24, 60, NULL);
    shift_forget(&l.shift);
    CHECK_INT(0, add_values(&l, 48, 60, NULL), "another path, another level");
    CHECK(add_values(&l, 24, 10, NULL) > 0, "which is known by now");
}

/* ---- the site ---- */

enum { STREAMS = 10 };

/* Streams up to `moving` go up by half after two hours, three more of them a quarter of
 * an hour later; the number of events, the members of the first. */
static int events_of(int moving, int late, size_t *members, size_t *judged)
{
    struct shift_site site = {0};
    struct line lines[STREAMS];
    struct shift *streams[STREAMS];
    bool is_member[STREAMS];
    struct shift_event e;
    int events = 0;
    for (int i = 0; i < STREAMS; i++) {
        lines[i] = line_of(i % 2 ? MINUTE_NS : 10 * NS_PER_S);
        streams[i] = &lines[i].shift;
    }
    for (int m = 0; m < 180; m++) {
        for (int i = 0; i < STREAMS; i++)
            for (int v = 0; v < (i % 2 ? 1 : 6); v++) {
                bool up = (i < moving && m >= 120) ||
                          (i >= moving && i < moving + late && m >= 135);
                shift_value(streams[i], lines[i].now, MS((10 + i) * (up ? 1.5 : 1)));
                lines[i].now.ns += lines[i].interval_ns;
            }
        while (shift_site_window(&site, streams, STREAMS, lines[0].now, MINUTE_NS,
                                 is_member, &e))
            if (events++ == 0) {
                *members = e.members;
                *judged = e.judged;
                CHECK_NEAR(1.5, e.ratio, 0.001, "the ratio");
            }
    }
    for (int i = 0; i < STREAMS; i++)
        shift_forget(streams[i]);
    return events;
}

static void one_cause_is_one_event(void **state)
{
    (void)state;
    size_t members = 0, judged = 0;
    CHECK_INT(1, events_of(7, 0, &members, &judged), "seven of ten");
    CHECK_INT(7, members, "its members, those with few values as well");
    CHECK_INT(10, judged, "of so many");
    CHECK_INT(1, events_of(1, 0, &members, &judged), "one alone");
    CHECK_INT(1, members, "is one");
    CHECK_INT(2, events_of(4, 3, &members, &judged), "two causes");
    CHECK_INT(4, members, "are two");
    CHECK_INT(0, events_of(0, 0, &members, &judged), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_reported_once_within_ten_values),
        cmocka_unit_test(bursts_are_learned),
        cmocka_unit_test(a_spike_is_none),
        cmocka_unit_test(flutter_is_told_once),
        cmocka_unit_test(a_new_path_is_learned_anew),
        cmocka_unit_test(one_cause_is_one_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
