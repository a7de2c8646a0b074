#include "check.h"
#include "edge/looking.h"

/* A look around at 1000 s, and what comes then; times are seconds after it began. */
static const struct {
    const char *what;
    int reasons[3]; /* 0: no more */
    bool nothing;   /* was found */
    int looks[3];   /* of the next two hours */
} cases[] = {
    {"no reason", {0}, false, {3600, 7200}},
    {"nothing was found", {0}, true, {60, 3660}},
    {"a reason during the look", {3}, false, {60, 3660}},
    {"several within the minute are one", {3, 20, 59}, false, {60, 3660}},
    {"a reason after the minute", {61}, false, {61, 3661}},
    {"one each half minute", {70, 100, 130}, false, {70, 130, 3730}},
};

static void test_when(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct looking l = {0};
        size_t n = 0;
        bool nothing = cases[i].nothing;
        looking_begin(&l, (struct mono){1000 * NS_PER_S});
        for (int s = 1; s <= 7200; s++) {
            struct mono now = {(1000 + s) * NS_PER_S};
            bool look = looking_is_due(&l, now);
            for (size_t r = 0; r < 3; r++)
                look |= cases[i].reasons[r] == s && looking_reason(&l, now);
            int began = n > 0 ? cases[i].looks[n - 1] : 0;
            CHECK_INT(s == began + 3, looking_has_first(&l, now), cases[i].what);
            if (looking_is_over(&l, now)) {
                CHECK_INT(began + 10, s, cases[i].what);
                looking_end(&l, nothing);
                nothing = false;
            }
            if (!look)
                continue;
            CHECK(n < 3, "%s: too many", cases[i].what);
            CHECK_INT(cases[i].looks[n++], s, cases[i].what);
            looking_begin(&l, now);
        }
        CHECK(n == 3 || cases[i].looks[n] == 0, "%s: only %zu looks", cases[i].what, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_when)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
