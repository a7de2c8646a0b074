/* How long batches wait, whatever the wall clock does meanwhile. */
#include "spool/spool.h"

#include "io/spool/spool_bed.h"
#include "net/clock.h"

#include <sys/syscall.h>

#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS  (24 * HOUR_NS)

/* ---- the clocks of this process ---- */

static int64_t stepped_ns; /* the wall clock, by somebody */
static int64_t passed_ns;  /* both */

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);
    int64_t ns = t->tv_sec * NS_PER_S + t->tv_nsec + passed_ns;
    if (clock == CLOCK_REALTIME)
        ns += stepped_ns;
    *t = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    return rc;
}

static struct spool_limits an_hour(void)
{
    struct spool_limits limits = wide;
    limits.age_ns = HOUR_NS;
    return limits;
}

static void too_old(void **state)
{
    (void)state;
    struct spool_bed b;
    char path[256];
    struct timespec times[2] = {{.tv_sec = time(NULL) - 7200},
                                {.tv_sec = time(NULL) - 7200}};
    bed_begin(&b);
    bed_open(&b, wide);
    for (unsigned i = 1; i <= 3; i++)
        bed_add(&b, i);
    bed_close(&b);
    for (int i = 1; i <= 2; i++) {
        snprintf(path, sizeof path, "%s/%020d-metrics.pb.gz", b.dir, i);
        CHECK_INT(0, utimensat(AT_FDCWD, path, times, 0), "aged");
    }
    bed_open(&b, an_hour());
    CHECK_INT(0, spool_counters(b.spool).dropped, "the clock may be wrong");
    spool_trust_clock(b.spool);
    CHECK_INT(2, spool_counters(b.spool).dropped, "older than the bound");
    CHECK_INT(3, bed_take(&b), "the younger one");
    bed_end(&b);
}

/* Days ahead and back again: nothing is older for it, and what has waited an hour is. */
static void steps_of_the_clock(void **state)
{
    (void)state;
    static const int64_t steps[] = {10 * DAY_NS, -10 * DAY_NS, 0};
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, an_hour());
    for (unsigned i = 0; i < 3; i++) {
        bed_add(&b, i + 1);
        bed_written(&b, i + 1);
        stepped_ns = steps[i];
        struct spooled first;
        CHECK(spool_first(b.spool, &first), "waits");
        CHECK_INT(1, number_of(first.bytes, first.len), "the oldest");
        free(first.bytes);
    }
    CHECK_INT(0, spool_counters(b.spool).dropped, "none is dropped");
    passed_ns += HOUR_NS / 2;
    struct wall oldest = spool_counters(b.spool).oldest;
    CHECK_NEAR(1800, (double)(wall_now().ns - oldest.ns) / 1e9, 60, "as it is told");
    bed_add(&b, 4);
    bed_written(&b, 4);
    passed_ns += HOUR_NS / 2 + NS_PER_S;
    CHECK_INT(4, bed_take(&b), "half an hour old");
    CHECK_INT(3, spool_counters(b.spool).dropped, "an hour old");
    passed_ns = 0;
    bed_end(&b);
}

/* What the collector has taken is kept as long, whatever the clock does. */
static void history_over_steps(void **state)
{
    (void)state;
    struct spool_bed b;
    struct spool_limits limits = wide;
    limits.history.age_ns = HOUR_NS;
    bed_begin(&b);
    bed_open(&b, limits);
    for (unsigned i = 1; i <= 3; i++) {
        stepped_ns = i == 2 ? 10 * DAY_NS : 0;
        bed_add(&b, i);
        bed_written(&b, i);
        CHECK_INT(i, bed_take(&b), "taken");
        bed_settle(&b);
    }
    CHECK_INT(3, spool_counters(b.spool).history, "all are kept");
    bed_close(&b);
    bed_open(&b, limits);
    CHECK_INT(3, spool_counters(b.spool).history, "and found again");
    passed_ns = HOUR_NS + NS_PER_S;
    bed_add(&b, 4);
    bed_written(&b, 1);
    bed_settle(&b);
    CHECK_INT(0, spool_counters(b.spool).history, "an hour");
    CHECK_INT(3, spool_counters(b.spool).history_dropped, "they went");
    passed_ns = 0;
    bed_end(&b);
}

/* Written while the clock was ahead, and found when it is right. */
static void from_the_future(void **state)
{
    (void)state;
    struct spool_bed b;
    char path[256];
    struct timespec then[2] = {{.tv_sec = time(NULL) + 864000},
                               {.tv_sec = time(NULL) + 864000}};
    bed_begin(&b);
    bed_open(&b, wide);
    bed_add(&b, 1);
    bed_close(&b);
    snprintf(path, sizeof path, "%s/00000000000000000001-metrics.pb.gz", b.dir);
    CHECK_INT(0, utimensat(AT_FDCWD, path, then, 0), "dated");
    bed_open(&b, an_hour());
    passed_ns = HOUR_NS / 2;
    struct spooled first;
    CHECK(spool_first(b.spool, &first), "it waits");
    free(first.bytes);
    passed_ns = HOUR_NS + NS_PER_S;
    CHECK(!spool_first(b.spool, &first), "not for longer than others");
    CHECK_INT(1, spool_counters(b.spool).dropped, "dropped");
    CHECK_INT(1, spool_counters(b.spool).dropped_by[SPOOL_OLD], "for its age");
    passed_ns = 0;
    bed_end(&b);
}

/* ---- a clock that may be wrong ---- */

static void stamp(const struct spool_bed *b, const char *sub, unsigned id,
                  int64_t seconds)
{
    char path[256];
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    snprintf(path, sizeof path, "%s/%s/%020u-metrics.pb.gz", b->state, sub, id);
    CHECK_INT(0, utimensat(AT_FDCWD, path, times, 0), path);
}

/* Six that an earlier run wrote, ten minutes apart, the last one just now: three were
 * taken, three wait. */
static void six(struct spool_bed *b)
{
    int64_t now = time(NULL);
    bed_begin(b);
    bed_open(b, wide);
    for (unsigned i = 1; i <= 6; i++) {
        bed_add(b, i);
        bed_written(b, i);
    }
    for (int i = 1; i <= 3; i++)
        bed_take(b);
    bed_settle(b);
    bed_close(b);
    for (unsigned i = 1; i <= 6; i++)
        stamp(b, i <= 3 ? "history" : "spool", i, now - (6 - (int)i) * 600);
}

static void check_left(struct spool_bed *b, unsigned history, unsigned waiting,
                       const char *what)
{
    bed_settle(b);
    struct spool_counters c = spool_counters(b->spool);
    CHECK_INT(waiting, c.waiting, what);
    CHECK_INT(history, c.history, what);
    CHECK_INT(waiting, bed_files(b, ""), what);
    CHECK_INT(history, bed_files(b, "/../history"), what);
}

static const struct {
    const char *what;
    int64_t off_ns;  /* the clock at the start; it is right when it is believed */
    int64_t stamp_s; /* of the first of the history, 0: as it was */
    unsigned history, waiting; /* of three each, then */
} boots[] = {
    {"right", 0, 0, 1, 3},
    {"60 days ahead", 60 * DAY_NS, 0, 1, 3},
    {"60 days behind", -60 * DAY_NS, 0, 1, 3},
    {"in 1970", -INT64_C(1790000000) * NS_PER_S, 0, 1, 3},
    {"past 2262", 0, INT64_C(15000000000), 3, 3},
    {"before 1970", 0, -86400, 3, 3},
    {"in 2000", 0, 946684800, 3, 3},
};

/* 35 minutes are kept: of the history 30, of those that wait all. One whose time says
 * nothing keeps those behind it, as the oldest goes first. */
static void clock_at_boot(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof boots / sizeof *boots; i++) {
        struct spool_bed b;
        struct spool_limits limits = wide;
        limits.age_ns = limits.history.age_ns = HOUR_NS * 7 / 12;
        six(&b);
        if (boots[i].stamp_s != 0)
            stamp(&b, "history", 1, boots[i].stamp_s);
        stepped_ns = boots[i].off_ns;
        bed_open(&b, limits);
        check_left(&b, 3, 3, boots[i].what);
        bed_add(&b, 7);
        bed_written(&b, 1);
        check_left(&b, 3, 4, boots[i].what);
        stepped_ns = 0;
        spool_trust_clock(b.spool);
        bed_add(&b, 8);
        bed_written(&b, 2);
        check_left(&b, boots[i].history, boots[i].waiting + 2, boots[i].what);
        bed_end(&b);
    }
}

/* Written while the clock was 60 days behind: as old as what was there before it. */
static void stamped_behind(void **state)
{
    (void)state;
    struct spool_bed b;
    six(&b);
    stamp(&b, "spool", 5, time(NULL) - 60 * 86400);
    stamp(&b, "spool", 6, time(NULL) - 60 * 86400);
    bed_open(&b, an_hour());
    spool_trust_clock(b.spool);
    for (unsigned i = 4; i <= 6; i++)
        CHECK_INT(i, bed_take(&b), "none is dropped");
    bed_end(&b);
}

/* A clock that never proves itself: age counts from the start of this run. */
static void never_proved(void **state)
{
    (void)state;
    struct spool_bed b;
    struct spool_limits limits = an_hour();
    limits.history.age_ns = HOUR_NS;
    six(&b);
    stepped_ns = 60 * DAY_NS;
    bed_open(&b, limits);
    passed_ns = HOUR_NS - 60 * NS_PER_S;
    bed_add(&b, 7);
    bed_written(&b, 1);
    check_left(&b, 3, 4, "not yet an hour");
    passed_ns = HOUR_NS + 60 * NS_PER_S;
    bed_add(&b, 8);
    bed_written(&b, 2);
    check_left(&b, 0, 2, "an hour");
    passed_ns = stepped_ns = 0;
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_old),
        cmocka_unit_test(steps_of_the_clock),
        cmocka_unit_test(history_over_steps),
        cmocka_unit_test(from_the_future),
        cmocka_unit_test(clock_at_boot),
        cmocka_unit_test(stamped_behind),
        cmocka_unit_test(never_proved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
