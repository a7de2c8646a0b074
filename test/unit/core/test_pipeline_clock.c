/* When windows close, and their timestamps when the clock is set or stands still. */
#include "unit/core/rig.h"

static void windows_end_on_the_minute(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct wall noon = r.wall;
    CHECK_INT(noon.ns + MINUTE_NS, pipeline_closing(r.p).ns, "the first");
    pass(&r, MINUTE_NS + 3 * NS_PER_S);
    r.batch = pipeline_close(r.p, r.now, r.wall);
    CHECK_INT(noon.ns, r.batch->window_start.ns, "late: from where it began");
    CHECK_INT(r.wall.ns, r.batch->time.ns, "late: to now");
    CHECK_INT(noon.ns + 2 * MINUTE_NS, pipeline_closing(r.p).ns, "the next is on time");
    pass(&r, 20 * NS_PER_S);
    r.batch = pipeline_close(r.p, r.now, r.wall);
    CHECK_INT(r.wall.ns, r.batch->time.ns, "early, at exit");
    CHECK_INT(noon.ns, r.batch->agent_start.ns, "the agent's start stays");
    end(&r);
}

static void stamps_do_not_go_back(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    close_window(&r);
    struct wall before = r.batch->time;
    r.wall.ns -= 4 * MINUTE_NS;
    for (int i = 0; i < 14; i++) {
        struct probe_request order;
        reply(&r, PING4, "192.0.2.1", MS(3));
        for (int s = 0; s < 100 && r.wall.ns < pipeline_closing(r.p).ns; s++) {
            pass(&r, NS_PER_S);
            while (pipeline_take(r.p, r.now, &order))
                ;
        }
        r.batch = pipeline_close(r.p, r.now, r.wall);
        CHECK(r.wall.ns >= before.ns || i < 4, "windows go on while the clock is behind");
        CHECK(r.batch->time.ns > before.ns, "later than the batch before");
        CHECK_INT(before.ns, r.batch->window_start.ns, "no gap, no overlap");
        const struct series *s = series(&r, PING, "LON");
        CHECK(s->window.start.ns <= s->window.end.ns, "start before end");
        CHECK(s->start.ns < r.batch->time.ns, "the series began before");
        before = r.batch->time;
    }
    CHECK_INT(r.wall.ns, r.batch->time.ns, "in step again when the clock has caught up");
    end(&r);
}

static void check_stamps(const struct batch *batch)
{
    CHECK(batch->window_start.ns < batch->time.ns, "the window");
    CHECK(batch->agent_start.ns < batch->time.ns, "the agent");
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *s = batch->series[i];
        CHECK(s->start.ns < batch->time.ns, "the series began before");
        CHECK(!s->in_window || s->window.start.ns < batch->time.ns, "and its window");
    }
}

/* The clock is hours ahead when the agent starts, then corrected: no later batch is
 * ahead. */
static void a_clock_that_was_ahead(void **state)
{
    (void)state;
    for (int delta = 0; delta < 2; delta++) {
        struct rig r;
        begin(&r);
        pipeline_destroy(r.p);
        r.settings.delta = delta;
        r.p = pipeline_create(&r.settings, &kinds, check_seed(), r.now, r.wall);
        resolve(&r, 0, "192.0.2.1", "LON");
        reply(&r, PING4, "192.0.2.1", MS(3));
        close_window(&r);
        pass(&r, 10 * NS_PER_S);
        reply(&r, PING4, "192.0.2.1", MS(3));
        resolve(&r, 0, "192.0.2.2", "AMS"); /* a part has ended before the step */
        r.wall.ns -= 120 * MINUTE_NS;
        pass(&r, 10 * NS_PER_S);
        reply(&r, PING4, "192.0.2.2", MS(3));
        resolve(&r, 0, "192.0.2.3", "DUB"); /* and one after it */
        reply(&r, PING4, "192.0.2.3", MS(3));
        pass(&r, 30 * NS_PER_S);
        struct mono opened_at = {r.now.ns - 50 * NS_PER_S};
        r.batch = pipeline_close(r.p, r.now, r.wall);
        CHECK_INT(r.wall.ns, r.batch->time.ns, "stamped with now");
        CHECK_NEAR((double)(r.now.ns - opened_at.ns),
                   (double)(r.wall.ns - r.batch->window_start.ns), 1e8, "its length");
        check_stamps(r.batch);
        expect_series(&r, PING, "LON", delta ? 1 : 2, "before the step");
        expect_series(&r, PING, "AMS", 1, "over it");
        expect_series(&r, PING, "DUB", 1, "after it");

        struct wall before = r.batch->time;
        reply(&r, PING4, "192.0.2.3", MS(3));
        close_window(&r);
        CHECK_INT(before.ns, r.batch->window_start.ns, "no gap, no overlap");
        CHECK_INT(r.wall.ns, r.batch->time.ns, "on time");
        check_stamps(r.batch);
        end(&r);
    }
}

static void a_sleep_is_told(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    take(&r, 10 * NS_PER_S, &order);
    reply(&r, PING4, "192.0.2.1", MS(3));
    pass(&r, 7200 * NS_PER_S);
    pipeline_interrupted(r.p);
    CHECK(!pipeline_take(r.p, r.now, &order), "no burst");
    take(&r, 20 * NS_PER_S, &order);
    r.batch = pipeline_close(r.p, r.now, r.wall);
    const struct series *s = expect_series(&r, PING, "LON", 1, "the answer before");
    CHECK(s->window.interrupted, "the window says so");
    CHECK_NEAR(7200, (double)s->counters[COUNTER_MISSED], 1, "what was not sent");
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    CHECK(!series(&r, PING, "LON")->window.interrupted, "the next one is whole");
    end(&r);
}

static void a_busy_host_is_told(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    struct mono at;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    take(&r, 10 * NS_PER_S, &order);
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    CHECK(!r.batch->busy && !r.batch->interrupted, "all in time");
    CHECK(pipeline_next(r.p, &at), "there is a next probe");
    pass(&r, at.ns - r.now.ns + PIPELINE_LATE_NS + 1);
    while (pipeline_take(r.p, r.now, &order))
        ;
    reply(&r, PING4, "192.0.2.1", MS(3));
    r.batch = pipeline_close(r.p, r.now, r.wall);
    CHECK(r.batch->busy && series(&r, PING, "LON")->window.busy, "a probe was late");
    pipeline_busy(r.p);
    close_window(&r);
    CHECK(r.batch->busy, "the loop was late");
    pipeline_interrupted(r.p);
    close_window(&r);
    CHECK(r.batch->interrupted && !r.batch->busy, "a sleep, also when nothing came");
    close_window(&r);
    CHECK(!r.batch->interrupted && !r.batch->busy, "over");
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_end_on_the_minute),
        cmocka_unit_test(stamps_do_not_go_back),
        cmocka_unit_test(a_clock_that_was_ahead),
        cmocka_unit_test(a_sleep_is_told),
        cmocka_unit_test(a_busy_host_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
