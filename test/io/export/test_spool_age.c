/* How long batches wait, whatever the wall clock does meanwhile. */
#include "export/spool.h"

#include "io/export/spool_bed.h"
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
    passed_ns = 0;
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_old),
        cmocka_unit_test(steps_of_the_clock),
        cmocka_unit_test(history_over_steps),
        cmocka_unit_test(from_the_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
