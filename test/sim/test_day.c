/*
 * A day in a branch office with five PoPs. At noon the path to the nearest one becomes
 * longer; at 18:00 another target is served by another PoP. Two are equally near all day,
 * and one loses a third of its probes.
 */
#include "core/recent.h"
#include "sim/network.h"

#define MS(x)     ((int64_t)((x)*NS_PER_MS))
#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (60 * MINUTE_NS)
#define DAY_NS    (24 * HOUR_NS)
#define WINDOWS   1440
#define NOON      720 /* the window that begins at noon */

enum { NEAREST, TWIN, OTHER_TWIN, MIDDLE, LOSSY, TARGETS };

static const struct way ways[TARGETS] = {
    [NEAREST] = {MS(3), MS(0.3), 0.001, "LON"}, [TWIN] = {MS(9), MS(1), 0, "AMS"},
    [OTHER_TWIN] = {MS(9.3), MS(1), 0, "DUB"},  [MIDDLE] = {MS(24), MS(3), 0.02, "FRA"},
    [LOSSY] = {MS(60), MS(5), 0.3, "NYC"},
};

static const struct move moves[] = {
    {12 * HOUR_NS, NEAREST, {MS(40), MS(0.3), 0.001, "LON"}},
    {18 * HOUR_NS, MIDDLE, {MS(33), MS(3), 0.02, "WAW"}},
};

struct notes { /* taken from the batches of the day */
    uint64_t windows;
    uint32_t ranks[WINDOWS][TARGETS];
    uint64_t sent_in_windows;        /* by the pings of TWIN, summed over the windows */
    uint64_t least_sent, most_sent;  /* ... in one of them */
    struct histogram ended[TARGETS]; /* of the delays of pings, before they began again */
    size_t ends[TARGETS], at_once;
    const struct batch *last;
};

static struct sim day;
static struct notes notes;

static void take_notes(struct sim *s, const struct batch *batch)
{
    uint64_t window = notes.windows++;
    CHECK(window < WINDOWS, "no more windows than minutes");
    CHECK_INT(s->wall.ns, batch->time.ns, "it is stamped with now");
    CHECK_INT(0, batch->time.ns % MINUTE_NS, "on the minute");
    CHECK_INT(MINUTE_NS, batch->time.ns - batch->window_start.ns, "a minute long");
    for (size_t t = 0; t < TARGETS; t++)
        notes.ranks[window][t] = batch->targets[t].rank;
    size_t ends = 0;
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *series = batch->series[i];
        if (series->histograms_end && series->kind == &sim_ping) {
            size_t t = (size_t)(series->target - s->targets);
            histogram_merge(&notes.ended[t], &series->delays[0]);
            notes.ends[t]++;
        }
        ends += series->histograms_end;
        if (series->target != &s->targets[TWIN] || series->kind != &sim_ping)
            continue;
        uint64_t sent = series->window.sent;
        notes.sent_in_windows += sent;
        if (window > 0 && (sent < notes.least_sent || window == 1))
            notes.least_sent = sent;
        if (sent > notes.most_sent)
            notes.most_sent = sent;
    }
    notes.at_once = ends > notes.at_once ? ends : notes.at_once;
    notes.last = batch;
}

static int live_the_day(void **state)
{
    (void)state;
    day.user = NULL;
    sim_begin(&day, TARGETS, ways, (struct wall){20780 * DAY_NS}, check_seed());
    day.moves = moves;
    day.n_moves = sizeof moves / sizeof *moves;
    day.on_batch = take_notes;
    for (size_t t = 0; t < TARGETS; t++)
        notes.ended[t] = histogram_empty();
    sim_start(&day);
    sim_run(&day, DAY_NS + 1);
    return 0;
}

static int end_the_day(void **state)
{
    (void)state;
    sim_end(&day);
    for (size_t t = 0; t < TARGETS; t++)
        histogram_free(&notes.ended[t]);
    return 0;
}

static void windows_are_minutes(void **state)
{
    (void)state;
    CHECK_INT(WINDOWS, notes.windows, "one a minute");
    size_t known = 0;
    for (size_t i = 0; i < notes.last->n_series; i++)
        known += notes.last->series[i]->pop[0] != '\0'; /* not: before the first answer */
    CHECK_INT(2 * TARGETS + 2, known, "a series a stream, and two of a move");
}

static void ranked_by_what_is_true(void **state)
{
    (void)state;
    uint64_t lossy_ranked = 0;
    for (int w = 0; w < WINDOWS; w++) {
        const uint32_t *rank = notes.ranks[w];
        if (w < NOON) {
            CHECK_INT(1, rank[NEAREST], "the nearest in the morning");
            CHECK_INT(4, rank[MIDDLE], "behind the twins");
        } else if (w >= NOON + RECENT_WINDOWS + 1) {
            CHECK_INT(3, rank[MIDDLE], "one up in the afternoon");
            CHECK_INT(4, rank[NEAREST], "moved away");
        }
        lossy_ranked += rank[LOSSY] > 0;
    }
    CHECK(lossy_ranked < WINDOWS / 8, "a third lost: eligible in %" PRIu64 " windows",
          lossy_ranked);
}

static void the_move_is_noticed_in_time(void **state)
{
    (void)state;
    int still = 0;
    while (notes.ranks[NOON + still][NEAREST] == 1)
        still++;
    CHECK(still > 0, "the minimum of recent windows does not jump");
    CHECK(still < RECENT_WINDOWS + 1, "noticed in window %d", still + 1);
}

static void equals_do_not_alternate(void **state)
{
    (void)state;
    bool first = notes.ranks[0][TWIN] < notes.ranks[0][OTHER_TWIN];
    for (int w = 0; w < WINDOWS; w++) {
        const uint32_t *rank = notes.ranks[w];
        CHECK_INT(first, rank[TWIN] < rank[OTHER_TWIN], "who was first stays first");
        CHECK_INT(1, llabs((long long)rank[TWIN] - (long long)rank[OTHER_TWIN]),
                  "neighbours");
    }
}

/* The first minute at the full interval, the rest at the slow one. */
static double sent_slowly(const struct kind *kind)
{
    return (double)(MINUTE_NS / kind->interval_ns +
                    (DAY_NS - MINUTE_NS) / kind->slow_interval_ns);
}

static void sent_by_arithmetic(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < SIM_KINDS; kind++) {
        double all = (double)(DAY_NS / sim_kinds.list[kind]->interval_ns);
        for (size_t t = TWIN; t <= OTHER_TWIN; t++) {
            const struct truth *truth = &day.truth[sim_stream(t, kind)];
            CHECK_NEAR(all, (double)truth->sent, 1, "near all day: no drift");
        }
        CHECK_NEAR(sent_slowly(sim_kinds.list[kind]),
                   (double)day.truth[sim_stream(LOSSY, kind)].sent, 2, "far all day");
    }
    CHECK(notes.least_sent >= 59 && notes.most_sent <= 61,
          "%" PRIu64 " to %" PRIu64 " in a window", notes.least_sent, notes.most_sent);
}

static void nothing_is_forgotten_or_doubled(void **state)
{
    (void)state;
    for (size_t t = 0; t < TARGETS; t++)
        for (size_t kind = 0; kind < SIM_KINDS; kind++) {
            uint32_t stream = sim_stream(t, kind);
            const struct truth *truth = &day.truth[stream];
            struct reported reported = sim_reported(notes.last, &day.targets[t], kind);
            CHECK_INT(truth->sent, reported.sent + sim_under_way(&day, stream), "sent");
            CHECK_INT(0, reported.missed, "nothing was missed");
            CHECK_NEAR((double)truth->lost, (double)reported.lost, 3,
                       "lost, but for the last");
        }
    CHECK_INT(sim_reported(notes.last, &day.targets[TWIN], SIM_PING).sent,
              notes.sent_in_windows, "the windows add up to the total");
}

static void loss_within_binomial_bounds(void **state)
{
    (void)state;
    for (size_t t = 0; t < TARGETS; t++) {
        struct reported reported = sim_reported(notes.last, &day.targets[t], SIM_PING);
        double n = (double)reported.sent, p = ways[t].loss;
        CHECK_NEAR(n * p, (double)reported.lost, 5 * sqrt(n * p * (1 - p)), "five sigma");
    }
}

static const struct series *series_of(size_t target, const char *pop)
{
    for (size_t i = 0; i < notes.last->n_series; i++) {
        const struct series *s = notes.last->series[i];
        if (s->target == &day.targets[target] && s->kind == &sim_ping &&
            strcmp(s->pop, pop) == 0)
            return s;
    }
    fail_msg("target %zu has no series %s", target, pop);
    return NULL;
}

/* Of all series of a target, including the one before the first HTTPS answer, and of the
 * whole day. */
static struct histogram ping_delays(size_t target)
{
    struct histogram all = histogram_empty();
    histogram_merge(&all, &notes.ended[target]);
    for (size_t i = 0; i < notes.last->n_series; i++) {
        const struct series *s = notes.last->series[i];
        if (s->target == &day.targets[target] && s->kind == &sim_ping)
            histogram_merge(&all, &s->delays[0]);
    }
    return all;
}

static void percentiles_are_right(void **state)
{
    (void)state;
    static const double quantiles[] = {0.01, 0.5, 0.9, 0.95, 0.99, 0.999};
    static const size_t settled[] = {TWIN, OTHER_TWIN, LOSSY};
    for (size_t i = 0; i < sizeof settled / sizeof *settled; i++) {
        struct histogram all = ping_delays(settled[i]);
        struct truth *truth = &day.truth[sim_stream(settled[i], SIM_PING)];
        for (size_t q = 0; q < sizeof quantiles / sizeof *quantiles; q++) {
            double exact = (double)sim_quantile(truth, quantiles[q]);
            CHECK_NEAR(exact, (double)histogram_quantile(&all, quantiles[q]), exact / 100,
                       "within 1 % of the exact one");
        }
        CHECK_INT(truth->n, all.count, "every answer");
        histogram_free(&all);
    }
}

/* Every eight hours, each series at its own time. */
static void histograms_begin_again(void **state)
{
    (void)state;
    CHECK_INT(3, notes.ends[TWIN], "in 24 hours");
    CHECK_INT(3, notes.ends[LOSSY], "in 24 hours");
    CHECK_INT(1, notes.at_once, "one series at a time");
}

static void two_pops_are_two_series(void **state)
{
    (void)state;
    const struct series *before = series_of(MIDDLE, "FRA");
    const struct series *after = series_of(MIDDLE, "WAW");
    CHECK(after->delays[0].min_ns >= MS(33), "none of the old one's in the new series");
    CHECK(before->window.end.ns <= after->start.ns, "one ends, then the other begins");
    double late_s = (double)(after->start.ns - (20780 * DAY_NS + 18 * HOUR_NS)) / 1e9;
    CHECK(late_s >= 0 && late_s <= 130, "reported by the first answer, %g s after",
          late_s);
    CHECK_TEXT("WAW", notes.last->targets[MIDDLE].pop, "where it is now");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_minutes),
        cmocka_unit_test(ranked_by_what_is_true),
        cmocka_unit_test(the_move_is_noticed_in_time),
        cmocka_unit_test(equals_do_not_alternate),
        cmocka_unit_test(sent_by_arithmetic),
        cmocka_unit_test(nothing_is_forgotten_or_doubled),
        cmocka_unit_test(loss_within_binomial_bounds),
        cmocka_unit_test(percentiles_are_right),
        cmocka_unit_test(histograms_begin_again),
        cmocka_unit_test(two_pops_are_two_series),
    };
    return cmocka_run_group_tests(tests, live_the_day, end_the_day);
}
