/* The agent's own metrics: totals, and the deltas of each window. */
#include "daemon/self_metrics.h"

#include "check.h"

static struct self_value sum(const char *name, const char *value, double total)
{
    return (struct self_value){name, "{x}", "", true, total, value ? "kind" : NULL,
                               value};
}

static void delta_of_rows_that_come_and_go(void **state)
{
    (void)state;
    static struct self_metrics s;
    struct self_value gauge = {"depth", "{x}", "", false, 7, NULL, NULL};
    struct self_value first[] = {sum("a", NULL, 10), sum("b", "x", 100),
                                 sum("b", "y", 1000), gauge};
    struct self_value second[] = {sum("b", "y", 1001), sum("c", NULL, 5), gauge,
                                  sum("a", NULL, 12)};
    struct self_value third[] = {sum("b", "x", 103), sum("c", NULL, 5),
                                 sum("b", "y", 1004)};
    self_metrics_delta(&s, first, 4);
    CHECK_NEAR(10, first[0].value, 0, "at first all of it");
    CHECK_NEAR(1000, first[2].value, 0, "at first all of it, with an attribute");
    CHECK_NEAR(7, first[3].value, 0, "a gauge stays");
    self_metrics_delta(&s, second, 4);
    CHECK_NEAR(1, second[0].value, 0, "behind rows that are gone");
    CHECK_NEAR(5, second[1].value, 0, "a new row");
    CHECK_NEAR(7, second[2].value, 0, "a gauge stays in another place");
    CHECK_NEAR(2, second[3].value, 0, "in another place");
    self_metrics_delta(&s, third, 3);
    CHECK_NEAR(3, third[0].value, 0, "back again: new since it was last reported");
    CHECK_NEAR(0, third[1].value, 0, "nothing new");
    CHECK_NEAR(3, third[2].value, 0, "one of two with the same name");
}

static const struct self_value *row(const struct self_value *values, size_t n,
                                    const char *name, const char *attribute_value)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(values[i].name, name) == 0 &&
            (attribute_value == NULL ||
             strcmp(values[i].attribute_value, attribute_value) == 0))
            return &values[i];
    fail_msg("no row %s", name);
    return NULL;
}

static const struct {
    const char *name, *attribute_value;
    double totals[2], deltas[2]; /* after the first and the second window */
} rows[] = {
    {"edgelat.agent.windows", "busy", {1, 1}, {1, 0}},
    {"edgelat.agent.windows", "interrupted", {0, 1}, {0, 1}},
    {"edgelat.agent.events.dropped", NULL, {3, 5}, {3, 2}},
    {"edgelat.agent.dns.lookups", NULL, {40, 50}, {40, 10}},
    {"edgelat.agent.export.results", "accepted", {6, 8}, {6, 2}},
    {"edgelat.agent.export.results", "failed", {1, 1}, {1, 0}},
    {"edgelat.agent.spool.waiting", NULL, {4, 2}, {4, 2}},
    {"edgelat.agent.loop.lag", NULL, {0.25, 0.5}, {0.25, 0.5}},
    {"edgelat.agent.probing", NULL, {1, 0}, {1, 0}},
};

static void two_windows(bool delta)
{
    static struct self_metrics s;
    struct self_value values[SELF_METRICS_MAX];
    const struct batch windows[] = {
        {.delta = delta, .busy = true, .events_dropped = 3},
        {.delta = delta, .interrupted = true, .events_dropped = 2},
    };
    const struct agent_counters counters[] = {
        {.measurer = {.probing = true,
                      .names = {.lookups = 40},
                      .loop_lag_max_ns = NS_PER_S / 4},
         .spool = {.waiting = 4},
         .shipper = {.accepted = 6, .failed = 1}},
        {.measurer = {.names = {.lookups = 50}, .loop_lag_max_ns = NS_PER_S / 2},
         .spool = {.waiting = 2},
         .shipper = {.accepted = 8, .failed = 1}},
    };
    self_metrics_begin(&s);
    for (size_t w = 0; w < 2; w++) {
        size_t n = self_metrics_window(&s, &windows[w], &counters[w], values);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            CHECK_NEAR(delta ? rows[i].deltas[w] : rows[i].totals[w],
                       row(values, n, rows[i].name, rows[i].attribute_value)->value, 0,
                       rows[i].name);
    }
}

static void cumulative(void **state)
{
    (void)state;
    two_windows(false);
}

static void delta(void **state)
{
    (void)state;
    two_windows(true);
}

static void cpu_time_is_the_agents(void **state)
{
    (void)state;
    static struct self_metrics s;
    struct self_value values[SELF_METRICS_MAX];
    self_metrics_begin(&s);
    s.began.user_s -= 100; /* the process is older than the agent */
    size_t n =
        self_metrics_window(&s, &(struct batch){0}, &(struct agent_counters){0}, values);
    CHECK_NEAR(100, row(values, n, "edgelat.agent.cpu.time", "user")->value, 5,
               "since the agent began");
    CHECK_NEAR(0, row(values, n, "edgelat.agent.cpu.time", "system")->value, 5,
               "since the agent began");
}

static void front_doors(void **state)
{
    (void)state;
    static struct self_metrics s;
    struct self_value values[SELF_METRICS_MAX];
    const struct agent_counters counters = {
        .swept = true, .doors = {.names = 118, .exist = 21, .answering = 20, .left = 1}};
    self_metrics_begin(&s);
    size_t without =
        self_metrics_window(&s, &(struct batch){0}, &(struct agent_counters){0}, values);
    size_t n = self_metrics_window(&s, &(struct batch){0}, &counters, values);
    CHECK_INT(without + 4, n, "only once a sweep can state something");
    const char *name = "edgelat.agent.front_doors";
    CHECK_NEAR(118, row(values, n, name, "asked")->value, 0, "names");
    CHECK_NEAR(21, row(values, n, name, "exist")->value, 0, "that exist");
    CHECK_NEAR(20, row(values, n, name, "answering")->value, 0, "and answer");
    CHECK_NEAR(1, row(values, n, name, "left")->value, 0, "that may be nearer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delta_of_rows_that_come_and_go),
        cmocka_unit_test(cumulative),
        cmocka_unit_test(delta),
        cmocka_unit_test(front_doors),
        cmocka_unit_test(cpu_time_is_the_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
