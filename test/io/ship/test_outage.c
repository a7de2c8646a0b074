/*
 * An hour without a collector, and the time after it, in seconds: the clocks of this
 * process jump to the next timer whenever nothing else is to be done. Sockets and files
 * are real.
 */
#include "base/log.h"
#include "io/ship/shipping_bed.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

/* ---- the clocks ---- */

static int64_t skipped_ns; /* ahead of the real clocks */

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);
    if (rc == 0 && clock != CLOCK_PROCESS_CPUTIME_ID &&
        clock != CLOCK_THREAD_CPUTIME_ID) {
        int64_t ns = t->tv_sec * NS_PER_S + t->tv_nsec + skipped_ns;
        *t = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    }
    return rc;
}

/* 30 ms in which nothing comes, from the disk's threads too: nothing will. */
static int wait_or_skip(int fd, struct epoll_event *events, int n, int timeout_ms)
{
    enum { QUIET_MS = 30 };
    int real_ms = timeout_ms < 0 || timeout_ms > QUIET_MS ? QUIET_MS : timeout_ms;
    int rc = (int)syscall(SYS_epoll_pwait, fd, events, n, real_ms, NULL, (size_t)8);
    if (rc == 0 && timeout_ms > real_ms)
        skipped_ns += (timeout_ms - real_ms) * NS_PER_MS;
    return rc;
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
    return wait_or_skip(fd, events, n, timeout_ms);
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout_ms,
                const sigset_t *signals)
{
    (void)signals; /* libuv blocks SIGPROF at most */
    return wait_or_skip(fd, events, n, timeout_ms);
}

static double minutes_since(int64_t then_ns)
{
    return (double)((int64_t)uv_hrtime() - then_ns) / 60e9;
}

/* ---- a window a minute ---- */

struct hour {
    struct shipping_bed *bed;
    uv_timer_t window;
    unsigned down_at, up_at, ends_at; /* windows */
};

static void close_window(uv_timer_t *timer)
{
    struct hour *h = timer->data;
    shipping_add(h->bed, 3000);
    if (h->bed->added == h->down_at)
        collector_down(&h->bed->collector);
    if (h->bed->added == h->up_at)
        collector_up(&h->bed->collector);
    if (h->bed->added == h->ends_at)
        uv_timer_stop(timer);
}

static void an_hour_down(void **state)
{
    (void)state;
    struct shipping_bed *b = shipping_begin(wide);
    struct hour h = {.bed = b, .down_at = 5, .up_at = 65, .ends_at = 80};
    b->config = config_default(); /* with its limits */
    snprintf(b->config.collectors[0].url, sizeof b->config.collectors[0].url,
             "http://127.0.0.1:%u", b->collector.port);
    uv_timer_init(&b->spool.loop, &h.window);
    h.window.data = &h;
    uv_timer_start(&h.window, close_window, 60000, 60000);
    int64_t began = (int64_t)uv_hrtime();
    shipping_start(b);

    while (b->added < h.up_at)
        uv_run(&b->spool.loop, UV_RUN_ONCE);
    uint64_t tried = shipper_counters(b->shipper).failed;
    CHECK_NEAR(h.up_at, minutes_since(began), 1, "the clock is the tests'");
    CHECK(shipping_waits(b) >= 60, "%u wait", (unsigned)shipping_waits(b));
    CHECK(tried >= 12 && tried <= 60, "%u tries in an hour", (unsigned)tried);

    int64_t up = (int64_t)uv_hrtime();
    while (shipping_waits(b) > 3)
        uv_run(&b->spool.loop, UV_RUN_ONCE);
    print_message("# %u tries in the hour; caught up %.1f minutes after its end\n",
                  (unsigned)tried, minutes_since(up));
    CHECK(minutes_since(up) < 5.5, "the back-off ends after five minutes");
    while (b->added < h.ends_at || shipping_waits(b) > 0)
        uv_run(&b->spool.loop, UV_RUN_ONCE);
    shipping_account(b, 0, 0);
    for (unsigned i = 1; i <= h.ends_at; i++)
        CHECK_INT(1, b->collector.all[i].accepted, "each window");
    uv_close((uv_handle_t *)&h.window, NULL);
    shipping_end(b);
}

/* Two hours, and a spool that keeps one: the first hour is counted as dropped. */
static void older_than_the_spool_keeps(void **state)
{
    (void)state;
    struct spool_limits limits = wide;
    limits.age_ns = 3600 * NS_PER_S;
    struct shipping_bed *b = shipping_begin(limits);
    struct hour h = {.bed = b, .up_at = 120, .ends_at = 120};
    collector_down(&b->collector);
    uv_timer_init(&b->spool.loop, &h.window);
    h.window.data = &h;
    uv_timer_start(&h.window, close_window, 60000, 60000);
    shipping_start(b);
    while (b->added < h.ends_at || shipping_waits(b) > 0)
        uv_run(&b->spool.loop, UV_RUN_ONCE);
    unsigned dropped = (unsigned)spool_counters(b->spool.spool).dropped;
    CHECK(dropped >= 59 && dropped <= 66, "%u dropped", dropped);
    shipping_account(b, 0, dropped);
    for (unsigned i = dropped + 1; i <= 120; i++)
        CHECK_INT(1, b->collector.all[i].accepted, "the younger ones");
    uv_close((uv_handle_t *)&h.window, NULL);
    shipping_end(b);
}

/* ---- the first of two comes back ---- */

static enum conduct busy_at_first(struct fake_collector *c, unsigned request)
{
    (void)c;
    return request < 2 ? SAY_429 : TAKE;
}

/* It asks for time, and has the batches again: the second one gets none from then on. */
static void first_is_busy_when_it_returns(void **state)
{
    (void)state;
    struct shipping_bed *b = shipping_begin(wide);
    struct fake_collector *second = calloc(1, sizeof *second);
    struct hour h = {.bed = b, .up_at = 5, .ends_at = 20};
    collector_begin(second, &b->spool.loop);
    b->config.n_collectors = 2;
    b->config.collectors[1] = b->config.collectors[0];
    snprintf(b->config.collectors[1].url, sizeof b->config.collectors[1].url,
             "http://127.0.0.1:%u", second->port);
    b->collector.conduct_of = busy_at_first;
    collector_down(&b->collector);
    uv_timer_init(&b->spool.loop, &h.window);
    h.window.data = &h;
    uv_timer_start(&h.window, close_window, 60000, 60000);
    shipping_start(b);
    while (b->collector.requests == 0)
        uv_run(&b->spool.loop, UV_RUN_ONCE);
    unsigned by_second = collector_accepted(second);
    CHECK(by_second >= 5, "%u while the first was down", by_second);
    while (b->added < h.ends_at || shipping_waits(b) > 0)
        uv_run(&b->spool.loop, UV_RUN_ONCE);
    CHECK_INT(by_second, collector_accepted(second), "the second");
    CHECK_INT(h.ends_at - by_second, collector_accepted(&b->collector), "the first");
    uv_close((uv_handle_t *)&h.window, NULL);
    collector_end(second);
    shipping_end(b);
    free(second);
}

int main(void)
{
    log_set_level(LOG_LEVEL_WARN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_down),
        cmocka_unit_test(older_than_the_spool_keeps),
        cmocka_unit_test(first_is_busy_when_it_returns),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
