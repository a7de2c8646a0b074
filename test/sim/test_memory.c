/*
 * A day of 50 targets, with changing paths, names that move to another PoP and outages:
 * the memory allocated after the first hours does not grow until the end. The delays are
 * bounded, because a histogram grows with the range of its values. And a day under attack,
 * in which each DNS answer has another address and each reply another PoP: memory does not
 * grow either, and no result is lost. And a month in which each target moves to a PoP that
 * it never had four times a day: from the tenth day on, when each stream has all the series
 * it may have, memory does not grow, the percentiles of three days included. And what each
 * further target takes, at most, of the windows of ten minutes.
 */
#include "core/series.h"
#include "sim/network.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

/* Of the address sanitizer's allocator, which does not tell mallinfo2(). */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t bytes_allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 all = mallinfo2();
    return all.uordblks + all.hblkhd;
}

#define HOUR_NS (3600 * NS_PER_S)

enum { TARGETS = 50, HOURS = 24, SETTLED = 6, CHANGES = 4 };

static size_t hours(void)
{
    return check_quick() ? HOURS / 2 : HOURS;
}

static size_t allocated[HOURS + 1]; /* at the end of each hour; most, of its windows */

/* Without the simulator's own records: it forgets each window. */
static size_t bytes_of_core(struct sim *s)
{
    size_t own = s->flights.room * sizeof *s->flights.items +
                 s->flights.n * malloc_usable_size(sim_first(s));
    for (size_t i = 0; i < s->settings.n_targets * SIM_KINDS; i++) {
        s->truth[i].n = 0;
        own += s->truth[i].room * sizeof *s->truth[i].delays;
    }
    return bytes_allocated() - own;
}

/* Leaves out the delays of the last three days, which have a limit of their own. */
static void note_memory(struct sim *s, const struct batch *batch)
{
    (void)batch;
    CHECK(rolling_set_bytes(pipeline_rolling(s->pipeline)) <= ROLLING_BYTES_MAX,
          "%zu bytes for three days", rolling_set_bytes(pipeline_rolling(s->pipeline)));
    size_t now = bytes_of_core(s) - rolling_set_bytes(pipeline_rolling(s->pipeline));
    size_t hour = (size_t)((s->now.ns - s->begin.ns - 1) / HOUR_NS);
    if (now > allocated[hour])
        allocated[hour] = now;
}

/* Each hour each target changes four times: longer, to another PoP, away, as it was. */
static void plan(struct move moves[HOURS * CHANGES * TARGETS], const struct way *ways)
{
    size_t n = 0;
    for (int64_t quarter = 0; quarter < HOURS * CHANGES; quarter++)
        for (size_t t = 0; t < TARGETS; t++) {
            struct move m = {quarter * HOUR_NS / CHANGES + 60 * NS_PER_S, t, ways[t]};
            m.way.rtt_ns *= quarter % CHANGES == 0 ? 3 : 1;
            m.way.pop = quarter % CHANGES == 1 ? "WAW" : m.way.pop;
            m.way.loss = quarter % CHANGES == 2 ? 1 : m.way.loss;
            moves[n++] = m;
        }
}

static void memory_stays_flat(void **state)
{
    (void)state;
    static struct sim day;
    static struct move moves[HOURS * CHANGES * TARGETS];
    struct way ways[TARGETS];
    for (size_t t = 0; t < TARGETS; t++)
        ways[t] = (struct way){(int64_t)(3 + t) * NS_PER_MS, 0, 0.01, "AMS"};
    plan(moves, ways);
    sim_begin(&day, TARGETS, ways, (struct wall){20780 * 24 * HOUR_NS}, check_seed());
    day.moves = moves;
    day.n_moves = sizeof moves / sizeof *moves;
    day.on_batch = note_memory;
    sim_start(&day);
    sim_run(&day, (int64_t)hours() * HOUR_NS);
    CHECK_INT(hours() * 60 - 1, day.batches, "windows");
    CHECK(allocated[SETTLED] > 100000, "%zu bytes: it counts", allocated[SETTLED]);
    for (size_t hour = SETTLED + 1; hour < hours(); hour++)
        CHECK(allocated[hour] <= allocated[SETTLED] + allocated[SETTLED] / 100,
              "hour %zu: %zu bytes, %zu in hour %d", hour, allocated[hour],
              allocated[SETTLED], SETTLED);
    print_message("# %zu bytes in hour %d, %zu in hour %zu\n", allocated[SETTLED],
                  SETTLED, allocated[hours() - 1], hours() - 1);
    sim_end(&day);
}

/* ---- under attack ---- */

enum { HOSTILE = 8, TURN_S = 5 }; /* as often as a TTL of 0 has a name asked again */

static uint64_t reported[HOSTILE * SIM_KINDS]; /* probes sent, by stream */
static size_t series_most;

static void add_windows(struct sim *s, const struct batch *batch)
{
    note_memory(s, batch);
    series_most = batch->n_series > series_most ? batch->n_series : series_most;
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *x = batch->series[i];
        size_t target = (size_t)(x->target - s->targets);
        if (x->in_window)
            reported[sim_stream(target, x->kind == &sim_web)] += x->window.sent;
    }
}

static void hostile_names_cost_no_memory(void **state)
{
    (void)state;
    static struct sim day;
    struct way ways[HOSTILE];
    static char pops[HOSTILE][8];
    memset(allocated, 0, sizeof allocated);
    for (size_t t = 0; t < HOSTILE; t++)
        ways[t] = (struct way){(int64_t)(3 + t) * NS_PER_MS, 0, 0.01, pops[t]};
    sim_begin(&day, HOSTILE, ways, (struct wall){20780 * 24 * HOUR_NS}, check_seed());
    day.on_batch = add_windows;
    sim_start(&day);
    size_t begun = bytes_allocated();
    for (int64_t turn = 1; turn * TURN_S < (int64_t)hours() * 3600; turn++) {
        sim_run(&day, turn * TURN_S * NS_PER_S);
        for (size_t t = 0; t < HOSTILE; t++) {
            struct endpoint to = sim_address(t);
            to.bytes[1] = (uint8_t)(turn >> 16);
            to.bytes[2] = (uint8_t)(turn >> 8);
            to.bytes[3] = (uint8_t)turn;
            snprintf(pops[t], sizeof pops[t], "%c%c%c", (char)('A' + turn / 676 % 26),
                     (char)('A' + turn / 26 % 26), (char)('A' + turn % 26));
            pipeline_resolved(day.pipeline, t, FAMILY_IPV4, to, "", day.now, day.wall);
        }
    }
    sim_run(&day, (int64_t)hours() * HOUR_NS);
    day.on_batch(&day, pipeline_close(day.pipeline, day.now, day.wall));
    for (uint32_t i = 0; i < HOSTILE * SIM_KINDS; i++)
        CHECK_INT(day.truth[i].sent - sim_under_way(&day, i), reported[i], "results");
    for (size_t hour = SETTLED + 1; hour < hours(); hour++)
        CHECK(allocated[hour] <= allocated[SETTLED] + allocated[SETTLED] / 50,
              "hour %zu: %zu bytes, %zu in hour %d", hour, allocated[hour],
              allocated[SETTLED], SETTLED);
    CHECK(allocated[hours() - 1] < begun + (1u << 20), "%zu bytes, %zu at the start",
          allocated[hours() - 1], begun);
    CHECK(series_most <= HOSTILE * SIM_KINDS * (SERIES_PLACES_MAX + 1), "%zu series",
          series_most);
    print_message("# %zu bytes at the start, %zu in hour %zu; %zu series at most\n",
                  begun, allocated[hours() - 1], hours() - 1, series_most);
    sim_end(&day);
}

/* ---- a month ---- */

enum {
    MONTHLY = 2,
    DAYS = 31,
    MOVES = 4, /* a day */
    FULL = 10, /* days */
};

static size_t of_day[DAYS]; /* most, of its windows */

static void note_day(struct sim *s, const struct batch *batch)
{
    (void)batch;
    size_t day = (size_t)((s->now.ns - s->begin.ns - 1) / (24 * HOUR_NS));
    size_t now = bytes_of_core(s);
    if (now > of_day[day])
        of_day[day] = now;
}

static void a_month_with_pops_that_change(void **state)
{
    (void)state;
    static struct sim month;
    static struct move moves[DAYS * MOVES * MONTHLY];
    static char pops[DAYS * MOVES][4];
    int days = check_quick() ? 14 : DAYS;
    struct way ways[MONTHLY];
    size_t n = 0;
    for (int i = 0; i < DAYS * MOVES; i++)
        snprintf(pops[i], sizeof pops[i], "P%c%c", 'A' + i / 26, 'A' + i % 26);
    for (size_t t = 0; t < MONTHLY; t++)
        ways[t] = (struct way){(int64_t)(5 + 7 * t) * NS_PER_MS, NS_PER_MS / 20, 0.001,
                               pops[0]};
    for (int64_t i = 1; i < DAYS * MOVES; i++)
        for (size_t t = 0; t < MONTHLY; t++) {
            moves[n] = (struct move){i * 24 / MOVES * HOUR_NS, t, ways[t]};
            moves[n++].way.pop = pops[i];
        }
    sim_begin(&month, MONTHLY, ways, (struct wall){20780 * 24 * HOUR_NS}, check_seed());
    month.settings.nearest = 0; /* the slow intervals: a month in seconds */
    month.moves = moves;
    month.n_moves = n;
    month.on_batch = note_day;
    sim_start(&month);
    size_t begun = bytes_allocated();
    sim_run(&month, days * 24 * HOUR_NS);
    CHECK(of_day[FULL] > begun + 20000, "%zu bytes: it counts", of_day[FULL] - begun);
    for (int day = FULL + 1; day < days; day++)
        CHECK(of_day[day] <= of_day[FULL] + (of_day[FULL] - begun) / 10,
              "day %d: %zu bytes, %zu on day %d", day, of_day[day], of_day[FULL], FULL);
    print_message("# %zu bytes at the start, %zu on day %d, %zu on day %d\n", begun,
                  of_day[FULL], FULL, of_day[days - 1], days - 1);
    sim_end(&month);
}

/* ---- a target more ---- */

enum { FEW = 10, MANY = 60, BYTES_A_TARGET = 12500 };

static size_t most; /* of the windows, before they are left */

static void note_most(struct sim *s, const struct batch *batch)
{
    (void)batch;
    size_t now = bytes_of_core(s);
    most = now > most ? now : most;
}

static size_t bytes_with(size_t targets)
{
    static struct sim s;
    struct way ways[MANY];
    for (size_t t = 0; t < targets; t++)
        ways[t] = (struct way){(int64_t)(3 + t) * NS_PER_MS, NS_PER_MS, 0.01, "AMS"};
    sim_begin(&s, targets, ways, (struct wall){20780 * 24 * HOUR_NS}, check_seed());
    s.on_batch = note_most;
    size_t begun = bytes_allocated();
    most = 0;
    sim_start(&s);
    sim_run(&s, 600 * NS_PER_S);
    sim_end(&s);
    return most - begun;
}

/* By two kinds in one family; of address sanitizer's allocator the blocks are larger. */
static void a_target_takes_no_more_than_it_needs(void **state)
{
    (void)state;
    size_t bytes = (bytes_with(MANY) - bytes_with(FEW)) / (MANY - FEW);
    print_message("# %zu bytes a target of two kinds\n", bytes);
    CHECK(bytes > 2000, "%zu bytes: it counts", bytes);
    CHECK(bytes <= BYTES_A_TARGET, "%zu bytes a target", bytes);
}

/* mallinfo2() counts what glibc keeps of each size that was freed. */
static void count_what_is_used(char **argv)
{
    if (getenv("GLIBC_TUNABLES") != NULL)
        return;
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0", 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    (void)argc;
    count_what_is_used(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_stays_flat),
        cmocka_unit_test(hostile_names_cost_no_memory),
        cmocka_unit_test(a_month_with_pops_that_change),
        cmocka_unit_test(a_target_takes_no_more_than_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
