#include "check.h"
#include "core/damping.h"

#define MINUTE_NS (60 * NS_PER_S)

/* One change each minute. Actions: C report a change, B report that it is unstable, S
 * suppress, E report that it is stable again. */
static const struct {
    const char *what;
    const char *changes[4]; /* in turn, each followed by this many ... */
    int still[4];           /* ... minutes without a change */
    const char *reported;
} cases[] = {
    {"now and then", {"c", "c", "c", "c"}, {20, 20, 20, 20}, "CCCC"},
    {"three are not too many", {"ccc", "ccc"}, {60, 60}, "CCCCCC"},
    {"four are", {"cccc"}, {60}, "CCCBE"},
    {"it is silent", {"ccccccc", "c", "c"}, {58, 58, 58}, "CCCBSSSSS"},
    {"until it has been still", {"cccccc", "c"}, {60, 10}, "CCCBSSEC"},
    {"and again", {"cccc", "cccc"}, {60, 60}, "CCCBECCCBE"},
};

static void test_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct damping s = {0};
        char reported[32] = "";
        size_t n = 0;
        int64_t now_ns = -7 * MINUTE_NS; /* any clock, any beginning */
        for (size_t p = 0; p < 4 && cases[i].changes[p] != NULL; p++) {
            int changes = (int)strlen(cases[i].changes[p]);
            for (int m = 0; m < changes + cases[i].still[p]; m++) {
                if (m < changes)
                    reported[n++] = "CBS"[damping_change(&s, now_ns)];
                if (damping_settled(&s, now_ns) > 0)
                    reported[n++] = 'E';
                now_ns += MINUTE_NS;
            }
        }
        CHECK_TEXT(cases[i].reported, reported, cases[i].what);
    }
}

/* A hundred days with a change every two seconds. */
static void test_never_at_rest(void **state)
{
    (void)state;
    struct damping s = {0};
    uint64_t n = 100 * 43200, reported = 0;
    for (uint64_t i = 0; i < n; i++) {
        reported += damping_change(&s, (int64_t)i * 2 * NS_PER_S) != DAMPING_SUPPRESS;
        reported += damping_settled(&s, (int64_t)i * 2 * NS_PER_S) > 0;
    }
    CHECK_INT(DAMPING_CHANGES, reported, "reported of");
    CHECK_INT(n, damping_settled(&s, (int64_t)n * 2 * NS_PER_S + DAMPING_STABLE_NS),
              "how many they were");
    CHECK_INT(0, damping_settled(&s, INT64_MAX), "once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_never_at_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
