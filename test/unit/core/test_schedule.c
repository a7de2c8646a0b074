#include "check.h"
#include "core/random.h"
#include "core/schedule.h"

#define DAY_NS  (86400 * NS_PER_S)
#define HOUR_NS (3600 * NS_PER_S)

static const struct mono morning = {1000 * NS_PER_S};

static struct mono at(int64_t after_ns)
{
    return (struct mono){morning.ns + after_ns};
}

/* Takes all probes due before `end`, each `late_ns` late. */
static uint64_t take_until(struct schedule *s, struct mono end, int64_t late_ns)
{
    struct mono now;
    struct due due;
    uint64_t sent = 0;
    while (schedule_next(s, &now) && now.ns < end.ns) {
        now.ns += late_ns;
        while (schedule_take(s, now, &due))
            sent++;
    }
    return sent;
}

static void a_day_does_not_drift(void **state)
{
    (void)state;
    struct schedule *s = schedule_create(PATTERN_PERIODIC, check_seed());
    schedule_set(s, 0, 10 * NS_PER_S, 0, morning);
    CHECK_INT(8640, take_until(s, at(DAY_NS), 0), "one each ten seconds");

    struct mono before, after;
    schedule_next(s, &before);
    take_until(s, at(2 * DAY_NS), 7 * NS_PER_MS);
    schedule_next(s, &after);
    CHECK_INT(DAY_NS, after.ns - before.ns, "always 7 ms late, and still on the grid");
    schedule_destroy(s);
}

static void phases_are_spread(void **state)
{
    (void)state;
    enum { STREAMS = 1000, PARTS = 10 };
    struct schedule *s = schedule_create(PATTERN_PERIODIC, check_seed());
    for (size_t i = 0; i < STREAMS; i++)
        schedule_set(s, i, 60 * NS_PER_S, 0, morning);
    for (int part = 0; part < PARTS; part++) {
        uint64_t sent = take_until(s, at((part + 1) * 6 * NS_PER_S), 0);
        CHECK_NEAR(100, (double)sent, 50, "probes in a tenth of the interval");
    }
    CHECK_INT(STREAMS, take_until(s, at(120 * NS_PER_S), 0), "and each again");
    schedule_destroy(s);
}

static void the_first_comes_soon(void **state)
{
    (void)state;
    enum { STREAMS = 100 };
    struct schedule *s = schedule_create(PATTERN_PERIODIC, check_seed());
    for (size_t i = 0; i < STREAMS; i++)
        schedule_set(s, i, 300 * NS_PER_S, 5 * NS_PER_S, morning);
    CHECK_INT(STREAMS, take_until(s, at(5 * NS_PER_S), 0), "all within five seconds");
    CHECK_INT(0, take_until(s, at(300 * NS_PER_S), 0), "then the interval");
    CHECK_INT(STREAMS, take_until(s, at(305 * NS_PER_S), 0), "from then on");

    schedule_set(s, 0, 0, 0, at(305 * NS_PER_S));
    schedule_set(s, 0, NS_PER_S, 5 * NS_PER_S, at(306 * NS_PER_S));
    CHECK_INT(1, take_until(s, at(307 * NS_PER_S), 0), "the interval if it is shorter");
    schedule_destroy(s);
}

static void another_interval_keeps_what_is_sooner(void **state)
{
    (void)state;
    struct schedule *s = schedule_create(PATTERN_PERIODIC, check_seed());
    struct mono before, after;
    schedule_set(s, 0, 10 * NS_PER_S, 0, morning);
    schedule_next(s, &before);
    schedule_set(s, 0, 10 * NS_PER_S, 0, morning);
    schedule_next(s, &after);
    CHECK_INT(before.ns, after.ns, "the same interval again changes nothing");

    schedule_set(s, 0, 300 * NS_PER_S, 0, morning);
    schedule_next(s, &after);
    CHECK(after.ns <= before.ns, "slower: the next probe is not put off");
    take_until(s, at(10 * NS_PER_S), 0);
    schedule_set(s, 0, NS_PER_S, 0, at(10 * NS_PER_S));
    schedule_next(s, &after);
    CHECK(after.ns < at(11 * NS_PER_S).ns, "faster: from now on");
    before = after;
    schedule_set(s, 0, NS_PER_S - 1, 0, at(10 * NS_PER_S));
    schedule_set(s, 0, NS_PER_S - 2, 0, at(10 * NS_PER_S));
    schedule_next(s, &after);
    CHECK_INT(before.ns, after.ns, "what lies within the new one stays");
    schedule_destroy(s);
}

static void a_paused_stream_sends_nothing(void **state)
{
    (void)state;
    struct schedule *s = schedule_create(PATTERN_PERIODIC, check_seed());
    struct mono when;
    CHECK(!schedule_next(s, &when), "all rest at first");
    for (size_t i = 0; i < 3; i++)
        schedule_set(s, i, NS_PER_S, 0, morning);
    schedule_set(s, 1, 0, 0, morning);
    CHECK_INT(200, take_until(s, at(100 * NS_PER_S), 0), "two of three");
    schedule_set(s, 0, 0, 0, morning);
    schedule_set(s, 2, 0, 0, morning);
    CHECK(!schedule_next(s, &when), "all rest again");
    schedule_destroy(s);
}

static void a_pause_makes_no_burst(void **state)
{
    (void)state;
    enum { STREAMS = 50 };
    struct schedule *s = schedule_create(PATTERN_PERIODIC, check_seed());
    int64_t phase[STREAMS];
    struct due due;
    for (size_t i = 0; i < STREAMS; i++)
        schedule_set(s, i, NS_PER_S, 0, morning);
    for (size_t i = 0; i < STREAMS; i++) {
        struct mono when;
        schedule_next(s, &when);
        CHECK(schedule_take(s, when, &due), "it is due");
        phase[due.stream] = due.at.ns % NS_PER_S;
    }

    struct mono awake = at(2 * HOUR_NS + NS_PER_S / 2);
    CHECK(!schedule_take(s, awake, &due), "nothing at once");
    for (size_t i = 0; i < STREAMS; i++) {
        struct mono when;
        schedule_next(s, &when);
        CHECK(when.ns > awake.ns && when.ns <= awake.ns + NS_PER_S, "in the next second");
        CHECK(schedule_take(s, when, &due), "it is due");
        CHECK_INT(phase[due.stream], due.at.ns % NS_PER_S, "on the grid of before");
        int64_t first =
            morning.ns + phase[due.stream]; /* as `morning` is a whole second */
        CHECK_INT((due.at.ns - first) / NS_PER_S - 1, due.missed,
                  "all between are missed");
    }
    schedule_destroy(s);
}

static void a_short_delay_costs_the_probes_before_the_last(void **state)
{
    (void)state;
    struct schedule *s = schedule_create(PATTERN_PERIODIC, check_seed());
    struct mono first, next;
    struct due due;
    schedule_set(s, 0, 10 * NS_PER_MS, 0, morning);
    schedule_next(s, &first);
    struct mono now = {first.ns + 25 * NS_PER_MS};
    CHECK(schedule_take(s, now, &due), "one is sent");
    CHECK_INT(2, due.missed, "those 25 and 15 ms ago are not");
    CHECK_INT(first.ns + 20 * NS_PER_MS, due.at.ns, "the one 5 ms ago is");
    CHECK(!schedule_take(s, now, &due), "and only that");
    schedule_next(s, &next);
    CHECK_INT(first.ns + 30 * NS_PER_MS, next.ns, "the grid goes on");
    schedule_destroy(s);
}

static void a_step_of_years_costs_nothing(void **state)
{
    (void)state;
    struct schedule *s = schedule_create(PATTERN_PERIODIC, check_seed());
    struct mono next;
    struct due due;
    schedule_set(s, 0, NS_PER_MS, 0, morning);
    CHECK(!schedule_take(s, at(3650 * DAY_NS), &due), "arithmetic, not a loop");
    schedule_next(s, &next);
    CHECK(schedule_take(s, next, &due), "it goes on");
    CHECK_NEAR(3650.0 * 86400e3, (double)due.missed, 1, "ten years of milliseconds");
    schedule_destroy(s);
}

static void poisson_has_the_mean_and_the_floor(void **state)
{
    (void)state;
    enum { PROBES = 100000 };
    struct schedule *s = schedule_create(PATTERN_POISSON, check_seed());
    struct mono when, before;
    struct due due;
    schedule_set(s, 0, NS_PER_S, 0, morning);
    schedule_next(s, &before);
    struct mono first = before;
    uint64_t longer = 0;
    for (int i = 0; i < PROBES; i++) {
        CHECK(schedule_take(s, before, &due), "it is due");
        schedule_next(s, &when);
        CHECK(when.ns - before.ns >= NS_PER_S / 10, "never closer than a tenth");
        longer += when.ns - before.ns > NS_PER_S;
        before = when;
    }
    double mean_s = (double)(before.ns - first.ns) / 1e9 / PROBES;
    CHECK_NEAR(1.0, mean_s, 5 * 0.9 / sqrt(PROBES), "mean gap, within five sigma");
    CHECK_NEAR(exp(-1), (double)longer / PROBES, 5 * 0.4822 / sqrt(PROBES),
               "share of the gaps longer than the mean: exponential");
    schedule_destroy(s);
}

static void poisson_makes_no_burst_either(void **state)
{
    (void)state;
    enum { STREAMS = 200 };
    struct schedule *s = schedule_create(PATTERN_POISSON, check_seed());
    struct due due;
    for (size_t i = 0; i < STREAMS; i++)
        schedule_set(s, i, NS_PER_S, 0, morning);
    CHECK(!schedule_take(s, at(HOUR_NS), &due), "nothing at once");
    uint64_t missed = 0;
    struct mono when;
    while (schedule_next(s, &when) && when.ns < at(HOUR_NS + 60 * NS_PER_S).ns) {
        CHECK(when.ns >= at(HOUR_NS).ns + NS_PER_S / 10, "a gap of its own");
        CHECK(schedule_take(s, when, &due), "it is due");
        missed += due.missed;
    }
    CHECK_NEAR(200 * 3600, (double)missed, 200 * 2, "what was to be expected");
    schedule_destroy(s);
}

/* Streams of random intervals, and a loop that is late at random and sometimes pauses. */
static void every_probe_is_sent_or_missed(void **state)
{
    (void)state;
    enum { STREAMS = 40 };
    struct random r = random_from(check_seed());
    struct schedule *s = schedule_create(PATTERN_PERIODIC, random_next(&r));
    int64_t interval_ns[STREAMS], first[STREAMS] = {0}, last[STREAMS];
    uint64_t counted[STREAMS] = {0};
    for (size_t i = 0; i < STREAMS; i++) {
        interval_ns[i] = NS_PER_MS * (10 + random_below(&r, 20000));
        schedule_set(s, i, interval_ns[i], 0, morning);
    }
    struct mono now = morning;
    for (int turn = 0; turn < 100000; turn++) {
        struct mono next;
        struct due due;
        bool pause = random_below(&r, 1000) == 0;
        schedule_next(s, &next);
        now.ns = next.ns > now.ns ? next.ns : now.ns;
        now.ns += random_below(&r, pause ? HOUR_NS : 20 * NS_PER_MS);
        while (schedule_take(s, now, &due)) {
            CHECK(due.at.ns <= now.ns && due.at.ns > now.ns - SCHEDULE_PAUSE_NS,
                  "due now or a little before");
            counted[due.stream] += 1 + due.missed;
            if (first[due.stream] == 0)
                first[due.stream] =
                    due.at.ns - (int64_t)due.missed * interval_ns[due.stream];
            last[due.stream] = due.at.ns;
        }
    }
    for (size_t i = 0; i < STREAMS; i++)
        CHECK_INT((last[i] - first[i]) / interval_ns[i] + 1, counted[i],
                  "none forgotten");
    schedule_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_does_not_drift),
        cmocka_unit_test(phases_are_spread),
        cmocka_unit_test(the_first_comes_soon),
        cmocka_unit_test(another_interval_keeps_what_is_sooner),
        cmocka_unit_test(a_paused_stream_sends_nothing),
        cmocka_unit_test(a_pause_makes_no_burst),
        cmocka_unit_test(a_short_delay_costs_the_probes_before_the_last),
        cmocka_unit_test(a_step_of_years_costs_nothing),
        cmocka_unit_test(poisson_has_the_mean_and_the_floor),
        cmocka_unit_test(poisson_makes_no_burst_either),
        cmocka_unit_test(every_probe_is_sent_or_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
