/*
 * Days with faults: the host sleeps, the clock is set, batches are lost or duplicated; and
 * a day with as many targets as a branch may need.
 */
#include "core/recent.h"
#include "sim/network.h"

#define MS(x)     ((int64_t)((x)*NS_PER_MS))
#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (60 * MINUTE_NS)
#define DAY_NS    (24 * HOUR_NS)

static const struct wall midnight = {20780 * DAY_NS};

enum { PLAIN = 3 };
static const struct way plain[PLAIN] = {{MS(3), MS(0.3), 0.01, "LON"},
                                        {MS(9), MS(1), 0, "AMS"},
                                        {MS(24), MS(3), 0.05, "FRA"}};

/* Every probe sent is reported or in flight. */
static void check_books(const struct sim *s, const struct batch *batch)
{
    for (size_t t = 0; t < s->settings.n_targets; t++)
        for (size_t kind = 0; kind < SIM_KINDS; kind++) {
            uint32_t stream = sim_stream(t, kind);
            struct reported reported = sim_reported(batch, &s->targets[t], kind);
            CHECK_INT(s->truth[stream].sent, reported.sent + sim_under_way(s, stream),
                      "sent");
        }
}

/* ---- the host sleeps ---- */

struct sleep {
    uint64_t interrupted, missed; /* windows; probes of the first target */
};

static void watch_sleep(struct sim *s, const struct batch *batch)
{
    struct sleep *sleep = s->user;
    bool interrupted = false;
    for (size_t i = 0; i < batch->n_series; i++)
        interrupted |=
            batch->series[i]->in_window && batch->series[i]->window.interrupted;
    sleep->interrupted += interrupted;
    sleep->missed = sim_reported(batch, &s->targets[0], SIM_PING).missed;
    check_books(s, batch);
}

static void two_hours_of_sleep(void **state)
{
    (void)state;
    struct sleep sleep = {0};
    struct sim s = {.user = &sleep};
    sim_begin(&s, PLAIN, plain, midnight, check_seed());
    s.on_batch = watch_sleep;
    sim_start(&s);
    sim_run(&s, 3 * HOUR_NS + 30 * NS_PER_S);
    uint64_t most_before = s.most_in_a_second;
    sim_sleep(&s, 2 * HOUR_NS);
    sim_run(&s, DAY_NS + 1);

    CHECK(s.most_in_a_second <= most_before,
          "no burst: %" PRIu64 " in a second, %" PRIu64 " before", s.most_in_a_second,
          most_before);
    CHECK_INT(1, sleep.interrupted, "one window says so");
    CHECK_INT(1440 - 120 + 1, s.batches, "the window it slept in, and the others");
    CHECK_NEAR(7200, (double)sleep.missed, 1, "what was not sent");
    CHECK_NEAR(86400 - 7200, (double)s.truth[0].sent, 2, "what was: still on the grid");
    sim_end(&s);
}

/* The monotonic clock of Linux stands still in a suspend. */
static void a_suspend_that_stops_the_clock(void **state)
{
    (void)state;
    struct sleep sleep = {0};
    struct sim s = {.user = &sleep};
    sim_begin(&s, PLAIN, plain, midnight, check_seed());
    s.on_batch = watch_sleep;
    sim_start(&s);
    sim_run(&s, HOUR_NS + 30 * NS_PER_S);
    s.wall.ns += 2 * HOUR_NS;
    pipeline_interrupted(s.pipeline);
    sim_run(&s, 2 * HOUR_NS + 1);
    CHECK_INT(1, sleep.interrupted, "one window says so");
    CHECK_INT(0, sleep.missed, "no time has passed for the schedule");
    CHECK_NEAR(7200, (double)s.truth[0].sent, 1, "two hours awake");
    CHECK_INT(120 + 1, s.batches, "and one window more, closed at once");
    sim_end(&s);
}

/* ---- the clock is set ---- */

struct stamps {
    struct wall before;
    int back;
};

static void watch_stamps(struct sim *s, const struct batch *batch)
{
    struct stamps *stamps = s->user;
    stamps->back += batch->time.ns <= stamps->before.ns;
    CHECK(batch->time.ns - s->wall.ns <= STAMP_AHEAD_NS,
          "no batch is ahead of the clock");
    CHECK(batch->window_start.ns < batch->time.ns, "a window ends after it begins");
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *series = batch->series[i];
        CHECK(series->start.ns < batch->time.ns, "a series begins before it is reported");
        CHECK(series->window.start.ns < series->window.end.ns, "so does its window");
    }
    stamps->before = batch->time;
    check_books(s, batch);
}

static void the_clock_is_set_back_and_forth(void **state)
{
    (void)state;
    struct stamps stamps = {{0}};
    struct sim s = {.user = &stamps};
    sim_begin(&s, PLAIN, plain, midnight, check_seed());
    s.on_batch = watch_stamps;
    sim_start(&s);
    sim_run(&s, 10 * HOUR_NS + 20 * NS_PER_S);
    s.wall.ns -= HOUR_NS;
    pipeline_interrupted(s.pipeline);
    sim_run(&s, 15 * HOUR_NS + 20 * NS_PER_S);
    s.wall.ns += HOUR_NS;
    pipeline_interrupted(s.pipeline);
    sim_run(&s, DAY_NS + 1);
    CHECK_NEAR(1440, (double)s.batches, 2, "windows of a minute all the time");
    CHECK_INT(1, stamps.back, "the stamps went back with the clock, once");
    CHECK_INT(s.wall.ns - 1, stamps.before.ns, "in step with the clock at the end");
    CHECK_NEAR(86400, (double)s.truth[0].sent, 1, "probes do not care");
    sim_end(&s);
}

/* ---- batches are lost ---- */

struct receiver {
    struct random random;
    struct reported reported[PLAIN][SIM_KINDS]; /* as in the last batch received */
    struct received {                           /* of the delays of pings */
        struct wall start;
        uint64_t count, before; /* as last received; of earlier histograms */
        uint64_t gone; /* since then, with the batch in which a histogram ended */
    } delays[PLAIN];
    uint64_t came, lost;
};

/* A histogram that begins again has a new start time, as OTLP's data model says. */
static void receive_delays(struct received *r, const struct series *s, bool lost)
{
    uint64_t count = s->delays[0].count;
    if (lost && s->histograms_end)
        r->gone += s->histograms_start.ns == r->start.ns ? count - r->count : count;
    if (lost)
        return;
    if (s->histograms_start.ns != r->start.ns) {
        r->before += r->count;
        r->start = s->histograms_start;
    }
    r->count = count;
}

/* A third of the batches is lost, and all from 02:00 to 04:00; some come twice. */
static void receive(struct sim *s, const struct batch *batch)
{
    struct receiver *r = s->user;
    int64_t hour = (s->now.ns - s->begin.ns - 1) / HOUR_NS;
    bool last = s->batches == 1440;
    bool lost = !last && (random_below(&r->random, 3) == 0 || hour == 2 || hour == 3);
    for (size_t i = 0; i < batch->n_series; i++)
        if (batch->series[i]->kind == &sim_ping)
            receive_delays(&r->delays[batch->series[i]->target - s->targets],
                           batch->series[i], lost);
    if (lost) {
        r->lost++;
        return;
    }
    for (int64_t times = 1 + random_below(&r->random, 2); times > 0; times--) {
        for (size_t t = 0; t < PLAIN; t++)
            for (size_t kind = 0; kind < SIM_KINDS; kind++)
                r->reported[t][kind] = sim_reported(batch, &s->targets[t], kind);
    }
    r->came++;
}

static void a_lost_batch_loses_no_counts(void **state)
{
    (void)state;
    uint64_t seed = check_seed();
    struct receiver r = {.random = random_from(seed + 1)};
    struct sim s = {.user = &r};
    sim_begin(&s, PLAIN, plain, midnight, seed);
    s.on_batch = receive;
    sim_start(&s);
    sim_run(&s, DAY_NS + 1);
    CHECK(r.lost > 500 && r.came > 500, "%" PRIu64 " were lost, %" PRIu64 " came", r.lost,
          r.came);
    for (size_t t = 0; t < PLAIN; t++) {
        uint64_t under_way = sim_under_way(&s, sim_stream(t, SIM_PING));
        const struct truth *truth = &s.truth[sim_stream(t, SIM_PING)];
        const struct reported *reported = &r.reported[t][SIM_PING];
        CHECK_INT(truth->sent, reported->sent + under_way, "every probe arrived");
        const struct received *d = &r.delays[t];
        CHECK_INT(
            reported->replies, d->before + d->count + d->gone,
            "and every delay, unless the batch was lost in which a histogram ended");
    }
    sim_end(&s);
}

/* ---- many targets ---- */

enum { MANY = 50 };

static void watch_first(struct sim *s, const struct batch *batch)
{
    if (s->batches <= 1)
        return;
    size_t nearest = 0, first = 0;
    for (size_t t = 0; t < MANY; t++) {
        nearest = s->ways[t].rtt_ns < s->ways[nearest].rtt_ns ? t : nearest;
        first = batch->targets[t].rank == 1 ? t : first;
    }
    CHECK(s->ways[first].rtt_ns <= s->ways[nearest].rtt_ns + MS(2),
          "%" PRId64 " us is first, but %" PRId64 " us the nearest",
          s->ways[first].rtt_ns / 1000, s->ways[nearest].rtt_ns / 1000);
}

static void a_day_of_fifty_targets(void **state)
{
    (void)state;
    const int64_t hours = check_quick() ? 6 : 24;
    uint64_t seed = check_seed();
    struct random r = random_from(seed);
    static const double losses[] = {0, 0.01, 0.05};
    struct way ways[MANY];
    for (size_t t = 0; t < MANY; t++)
        ways[t] = (struct way){MS(2) + random_below(&r, MS(150)), random_below(&r, MS(5)),
                               losses[t % 3], "PoP"};
    struct sim s = {0};
    sim_begin(&s, MANY, ways, midnight, seed);
    s.on_batch = watch_first;
    sim_start(&s);
    sim_run(&s, hours * HOUR_NS + 1);
    CHECK_INT(60 * hours, s.batches, "one a minute");
    CHECK_INT(3, s.settings.nearest, "that many in full");
    uint64_t sent = 0;
    for (size_t t = 0; t < MANY; t++)
        sent += s.truth[sim_stream(t, SIM_PING)].sent;
    CHECK_NEAR((3 * 86400.0 + (MANY - 3) * 5756.0) * (double)hours / 24 + (MANY - 3) * 60,
               (double)sent, 0.02 * (double)sent, "three in full, the others slowly");
    sim_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hours_of_sleep),
        cmocka_unit_test(a_suspend_that_stops_the_clock),
        cmocka_unit_test(the_clock_is_set_back_and_forth),
        cmocka_unit_test(a_lost_batch_loses_no_counts),
        cmocka_unit_test(a_day_of_fifty_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
