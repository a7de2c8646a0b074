/* The file of the percentiles, which the loop and a thread write in pieces: once an hour, while the set changes, at the end. */
#include "daemon/percentiles.h"

#include "check.h"
#include "io/net/child.h"

#include <sys/syscall.h>
#include <unistd.h>

#define HOUR_NS (3600 * NS_PER_S)

enum { SERIES = 40 }; /* several pieces */

static int64_t ahead_ns; /* of the monotonic clock */

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);
    if (rc == 0 && clock == CLOCK_MONOTONIC)
        t->tv_sec += ahead_ns / NS_PER_S;
    return rc;
}

struct bed {
    uv_loop_t loop;
    struct child_folder folder;
    struct rolling_set *set;
    struct rolling *series[SERIES];
    struct percentiles *percentiles;
};

static void add(struct bed *b, int64_t first_ns, size_t n)
{
    for (size_t i = 0; i < SERIES; i++) {
        struct tally values = {0};
        for (size_t k = 0; k < n; k++)
            tally_add(&values, first_ns + (int64_t)(i * n + k) * NS_PER_MS / 8);
        rolling_add(b->set, b->series[i], 0, &values);
        tally_free(&values);
    }
}

static void open_set(struct bed *b)
{
    b->set = rolling_set_create((struct mono){0});
    b->percentiles = percentiles_open(&b->loop, b->folder.path, b->set);
    for (size_t i = 0; i < SERIES; i++) {
        char key[16];
        snprintf(key, sizeof key, "series %zu", i);
        b->series[i] = rolling_claim(b->set, key, 1);
    }
}

static void begin(struct bed *b)
{
    *b = (struct bed){0};
    uv_loop_init(&b->loop);
    child_folder(&b->folder);
    open_set(b);
    add(b, 10 * NS_PER_MS, 500);
}

static void close_set(struct bed *b)
{
    percentiles_close(b->percentiles);
    rolling_set_destroy(b->set);
    uv_run(&b->loop, UV_RUN_DEFAULT);
}

static void end(struct bed *b)
{
    close_set(b);
    uv_loop_close(&b->loop);
    child_folder_remove(&b->folder);
}

static bool is_there(const struct bed *b, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", b->folder.path, name);
    return access(path, F_OK) == 0;
}

static void an_hour_passes(struct bed *b)
{
    ahead_ns += HOUR_NS;
    percentiles_window(b->percentiles);
}

/* The values of each series in the file, as an agent that starts now finds them. */
static void check_file(const struct bed *b, uint64_t values)
{
    struct bed next = {.folder = b->folder};
    uv_loop_init(&next.loop);
    open_set(&next);
    for (size_t i = 0; i < SERIES; i++) {
        struct period_summary all[PERIODS];
        rolling_summary(next.set, next.series[i], 0, (bool[PERIODS]){true}, all);
        CHECK_INT(values, all[PERIOD_HOUR].delay.count, "values of a series");
    }
    CHECK(!is_there(b, "percentiles.tmp"), "nothing is left behind");
    close_set(&next);
    uv_loop_close(&next.loop);
}

static void each_hour(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    percentiles_window(b.percentiles);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    CHECK(!is_there(&b, "percentiles"), "not before the hour is over");
    an_hour_passes(&b);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    check_file(&b, 500);
    end(&b);
}

static void a_window_closes_meanwhile(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    an_hour_passes(&b);
    add(&b, 20 * NS_PER_MS, 1);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    CHECK(!is_there(&b, "percentiles") && !is_there(&b, "percentiles.tmp"),
          "half of each state is no file");
    percentiles_window(b.percentiles);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    check_file(&b, 501);
    end(&b);
}

static void it_ends_meanwhile(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    an_hour_passes(&b);
    add(&b, 20 * NS_PER_MS, 1);
    close_set(&b);
    check_file(&b, 501);
    uv_loop_close(&b.loop);
    child_folder_remove(&b.folder);
}

static void the_folder_goes(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    child_folder_remove(&b.folder);
    an_hour_passes(&b);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    CHECK(!is_there(&b, "percentiles"), "it cannot be written, and the agent goes on");
    close_set(&b);
    uv_loop_close(&b.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hour),
        cmocka_unit_test(a_window_closes_meanwhile),
        cmocka_unit_test(it_ends_meanwhile),
        cmocka_unit_test(the_folder_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
