/* 10,000 agents that were started in the same second, with the same configuration. */
#include "check.h"
#include "core/random.h"
#include "core/schedule.h"
#include "core/splay.h"

enum { AGENTS = 10000 };

/* Random counts over `slots`: none is five standard deviations off. */
static void check_even(const uint32_t *count, size_t slots, double all, const char *what)
{
    double mean = all / (double)slots, off = 5 * sqrt(mean);
    for (size_t i = 0; i < slots; i++)
        CHECK(fabs(count[i] - mean) < off, "%s: %u in slot %zu, not %.0f +- %.0f", what,
              count[i], i, mean, off);
}

static void they_do_not_ship_in_step(void **state)
{
    (void)state;
    static const struct {
        int64_t window_s, spread_s; /* -1: the default */
        int64_t expected_s;
    } cases[] = {{60, -1, 30}, {10, -1, 5}, {300, -1, 30}, {60, 50, 50}, {5, 2, 2}};
    struct random seeds = random_from(check_seed());
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        uint32_t in_second[60] = {0};
        int64_t splay_ns =
            cases[c].spread_s < 0 ? SPLAY_DEFAULT : cases[c].spread_s * NS_PER_S;
        for (int a = 0; a < AGENTS; a++) {
            int64_t ns =
                splay_delay(random_next(&seeds), cases[c].window_s * NS_PER_S, splay_ns);
            CHECK(ns >= 0 && ns < cases[c].expected_s * NS_PER_S, "%lld ns, window %lld",
                  (long long)ns, (long long)cases[c].window_s);
            in_second[ns / NS_PER_S]++;
        }
        check_even(in_second, (size_t)cases[c].expected_s, AGENTS, "batches a second");
    }
}

static void some_ship_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        CHECK_INT(0, splay_delay(seed, 5 * NS_PER_S, SPLAY_DEFAULT), "short windows");
        CHECK_INT(0, splay_delay(seed, 60 * NS_PER_S, 0), "by configuration");
    }
    CHECK_INT(splay_delay(7, 60 * NS_PER_S, SPLAY_DEFAULT),
              splay_delay(7, 60 * NS_PER_S, SPLAY_DEFAULT), "one agent: always its own");
}

/* Of each agent's one probe each ten seconds, after the first round. */
static void probe(enum pattern pattern)
{
    uint32_t in_slot[100] = {0};
    struct random seeds = random_from(check_seed());
    for (int a = 0; a < AGENTS; a++) {
        struct schedule *s = schedule_create(pattern, random_next(&seeds));
        struct mono at = {0};
        struct due due;
        schedule_set(s, 0, 10 * NS_PER_S, 0, at);
        while (schedule_next(s, &at) && at.ns < 30 * NS_PER_S) {
            CHECK(schedule_take(s, at, &due), "it is due");
            if (at.ns >= 20 * NS_PER_S)
                in_slot[(at.ns - 20 * NS_PER_S) / (100 * NS_PER_MS)]++;
        }
        schedule_destroy(s);
    }
    check_even(in_slot, 100, AGENTS, "probes in a tenth of a second");
}

static void they_do_not_probe_in_step(void **state)
{
    (void)state;
    probe(PATTERN_PERIODIC);
    probe(PATTERN_POISSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_do_not_ship_in_step),
        cmocka_unit_test(some_ship_at_once),
        cmocka_unit_test(they_do_not_probe_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
