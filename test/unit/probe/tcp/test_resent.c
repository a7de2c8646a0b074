/* Which SYN was answered, against a path that is played: each SYN is lost or not, by its bit. */
#include "check.h"
#include "core/time.h"
#include "probe/tcp/resent.h"

#include <stdbool.h>

static int64_t in_ns(int64_t ms)
{
    return ms * NS_PER_MS;
}

/* When a kernel sends its SYNs: Linux before 6.5, and from then on. */
static const int64_t schedules[2][6] = {
    {0, 1000, 3000, 7000, 15000, 31000},
    {0, 1000, 2000, 3000, 4000, 5000},
};

static void answered(void **unused)
{
    (void)unused;
    static const int64_t rtts[] = {1,    20,   300,  700,  990, 1010,
                                   1100, 1600, 2500, 3200, 4700};
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sizeof rtts / sizeof *rtts; i++)
            for (uint8_t first = 0; first < 5; first++) { /* those before it are lost */
                int64_t took = schedules[s][first] + rtts[i];
                uint32_t n = 0;
                while (n + 1 < 6 && schedules[s][n + 1] <= took)
                    n++;
                if (n == 5)
                    continue; /* what comes later is not in the table */
                uint8_t lost = resent_lost(n, in_ns(took), in_ns(rtts[i]));
                CHECK(lost == first, "schedule %d, %lld ms, %u lost: %u", s,
                      (long long)rtts[i], first, lost);
                /* An earlier delay that varied by a quarter of a second says the same. */
                lost = resent_lost(n, in_ns(took), in_ns(rtts[i] + 250));
                CHECK(lost == first, "schedule %d, %lld + 250 ms, %u lost: %u", s,
                      (long long)rtts[i], first, lost);
            }
}

/* Of the path and of what its timestamps tell: a SYN-ACK that is repeated echoes the first
 * SYN. */
static void timestamps(void **unused)
{
    (void)unused;
    static const struct {
        const char *what;
        int64_t answered_ms, known_ms, expected_ms;
    } cases[] = {
        {"the second SYN was answered", 20, 0, 20},
        {"though the path was slower before", 300, 1500, 300},
        {"a slow path", 1100, 1050, 1100},
        {"a path that becomes slow", 1300, 950, 1300},
        {"a lost SYN-ACK", 1020, 20, 20},
        {"of a path of half a second", 1500, 480, 480},
        {"of a slow path", 2100, 1100, 1100},
        {"two lost SYN-ACKs", 3020, 20, 20},
        {"a slow path, or a lost SYN-ACK", 1020, 0, 0},
        {"no timestamps", 0, 20, 20},
        {"nor an earlier delay", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(in_ns(cases[i].expected_ms),
                  resent_rtt_ns(in_ns(cases[i].answered_ms), in_ns(cases[i].known_ms)),
                  cases[i].what);
}

static void unanswered(void **unused)
{
    (void)unused;
    static const struct {
        const char *what;
        uint32_t n;
        int64_t waited_ms, rtt_ms;
        uint8_t expected;
    } cases[] = {
        {"nothing was sent again", 0, 900, 20, 0},
        {"sent again, and a second passed", 1, 2000, 20, 1},
        {"the answer to the second may come yet", 1, 2000, 1100, 0},
        {"as may that, if the delay varies", 1, 2000, 700, 0},
        {"one of two", 2, 3500, 1600, 1},
        {"no delay is known", 1, 2000, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].expected,
                  resent_unanswered(cases[i].n, in_ns(cases[i].waited_ms),
                                    in_ns(cases[i].rtt_ms)),
                  cases[i].what);
}

static void bounds(void **unused)
{
    (void)unused;
    CHECK_INT(0, resent_lost(1, in_ns(1100), 0), "no delay is known: cannot tell");
    CHECK_INT(0, resent_lost(0, in_ns(5000), in_ns(20)), "nothing was sent again");
    CHECK_INT(1, resent_lost(1, in_ns(9000), in_ns(20)), "no more than were sent again");
    CHECK_INT(0, resent_lost(1, in_ns(1100), in_ns(1500)), "faster than before");
    CHECK_INT(UINT8_MAX, resent_lost(1000, INT64_MAX / 4, in_ns(20)), "a great number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered),
        cmocka_unit_test(timestamps),
        cmocka_unit_test(unanswered),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
