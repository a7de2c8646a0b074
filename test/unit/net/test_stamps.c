/* Which stamps a delay is made of: the boundary at which the kernel's clocks come in, so
 * this is also where a wall clock is stepped while a probe is under way. */
#include "check.h"

#include "core/time.h"
#include "net/stamps.h"

#define HOUR_NS  (3600 * NS_PER_S)
#define WALL     (INT64_C(1795424400) * NS_PER_S)
#define PHC      (INT64_C(77) * NS_PER_S) /* of the interface, since it came up */
#define US(n)    ((int64_t)(n)*NS_PER_US)
#define RTT      US(5000)
#define USER     US(5080)
#define SOFTWARE RTT
#define HARDWARE US(4990)

struct both {
    struct stamps sent, received;
};

static const struct {
    const char *what;
    struct both stamps;
    int64_t delay;
    enum stamp_basis basis;
} cases[] = {
    {"software", {{WALL, 0}, {WALL + RTT, 0}}, SOFTWARE, BASIS_SOFTWARE},
    {"as long as ours", {{WALL, 0}, {WALL + USER, 0}}, USER, BASIS_SOFTWARE},
    {"in the same nanosecond", {{WALL, 0}, {WALL, 0}}, 0, BASIS_SOFTWARE},
    {"longer than ours", {{WALL, 0}, {WALL + USER + 1, 0}}, USER, BASIS_USER},
    {"negative", {{WALL, 0}, {WALL - 1, 0}}, USER, BASIS_USER},
    {"no stamps", {{0, 0}, {0, 0}}, USER, BASIS_USER},
    {"no transmit stamp", {{0, 0}, {WALL + RTT, 0}}, USER, BASIS_USER},
    {"no receive stamp", {{WALL, 0}, {0, 0}}, USER, BASIS_USER},
    {"the clock went on an hour",
     {{WALL, 0}, {WALL + RTT + HOUR_NS, 0}},
     USER,
     BASIS_USER},
    {"the clock went back an hour",
     {{WALL, 0}, {WALL + RTT - HOUR_NS, 0}},
     USER,
     BASIS_USER},
    {"the clock went on by less than the probe took outside of the stamps",
     {{WALL, 0}, {WALL + RTT + US(80), 0}},
     USER,
     BASIS_SOFTWARE},
    {"hardware and software",
     {{WALL, PHC}, {WALL + RTT, PHC + HARDWARE}},
     HARDWARE,
     BASIS_HARDWARE},
    {"hardware alone", {{0, PHC}, {0, PHC + HARDWARE}}, HARDWARE, BASIS_HARDWARE},
    {"hardware of the request only",
     {{WALL, PHC}, {WALL + RTT, 0}},
     SOFTWARE,
     BASIS_SOFTWARE},
    {"hardware of the reply only",
     {{WALL, 0}, {WALL + RTT, PHC}},
     SOFTWARE,
     BASIS_SOFTWARE},
    {"hardware here, software there", {{0, PHC}, {WALL + RTT, 0}}, USER, BASIS_USER},
    {"out by one interface and in by another, of a later clock",
     {{WALL, PHC}, {WALL + RTT, PHC + 60 * NS_PER_S}},
     SOFTWARE,
     BASIS_SOFTWARE},
    {"the same, of an earlier clock",
     {{WALL, PHC}, {WALL + RTT, PHC - 60 * NS_PER_S}},
     SOFTWARE,
     BASIS_SOFTWARE},
    {"hardware longer than software, which lies outside of it",
     {{WALL, PHC}, {WALL + RTT, PHC + RTT + 1}},
     SOFTWARE,
     BASIS_SOFTWARE},
    {"the wall clock stepped, the interface's did not",
     {{WALL, PHC}, {WALL + RTT - HOUR_NS, PHC + HARDWARE}},
     HARDWARE,
     BASIS_HARDWARE},
    {"the clock of the interface stepped",
     {{WALL, PHC + HOUR_NS}, {WALL + RTT, PHC + HARDWARE}},
     SOFTWARE,
     BASIS_SOFTWARE},
    {"both stepped",
     {{WALL, PHC}, {WALL + RTT + HOUR_NS, PHC + HARDWARE - HOUR_NS}},
     USER,
     BASIS_USER},
};

static void delay(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum stamp_basis basis;
        int64_t ns =
            stamps_delay(USER, cases[i].stamps.sent, cases[i].stamps.received, &basis);
        CHECK_INT(cases[i].delay, ns, cases[i].what);
        CHECK_INT(cases[i].basis, basis, cases[i].what);
    }
}

/* Sent at 1 s; the reply came RTT later, and was read 10 ms after that. */
static void delay_without_the_wait(void **unused)
{
    (void)unused;
    static const struct {
        const char *what;
        int64_t received, read_wall, delay;
    } reads[] = {
        {"it waited 10 ms", WALL + RTT, WALL + RTT + US(10000), RTT},
        {"no stamp", 0, WALL + RTT + US(10000), RTT + US(10000)},
        {"the clock went on an hour since", WALL + RTT, WALL + RTT + US(10000) + HOUR_NS,
         RTT + US(10000)},
        {"the clock went back an hour since", WALL + RTT,
         WALL + RTT + US(10000) - HOUR_NS, RTT + US(10000)},
        {"it went on an hour before it came", WALL + RTT + HOUR_NS,
         WALL + RTT + US(10000) + HOUR_NS, RTT},
    };
    struct mono sent = {NS_PER_S}, read = {NS_PER_S + RTT + US(10000)};
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        CHECK_INT(reads[i].delay,
                  stamps_user_delay(sent, read, (struct wall){reads[i].read_wall},
                                    reads[i].received),
                  reads[i].what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay),
        cmocka_unit_test(delay_without_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
