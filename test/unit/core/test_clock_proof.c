/* When the wall clock is trusted. */
#include "core/clock_proof.h"

#include "check.h"

#define DAY_NS   (86400 * NS_PER_S)
#define TODAY_NS (INT64_C(1795000000) * NS_PER_S)

static const struct {
    const char *what;
    int64_t off_ns;  /* error of the wall clock until ... */
    int corrected_s; /* ... this time */
    bool replies;    /* HTTP replies come, with the true time */
    int proved_s;    /* -1: never */
} cases[] = {
    {"right, and replies agree", 0, 0, true, 600},
    {"right, nobody says so", 0, 0, false, -1},
    {"60 days ahead for ever", 60 * DAY_NS, 100000, true, -1},
    {"60 days behind for ever", -60 * DAY_NS, 100000, true, -1},
    {"60 days ahead, fixed after 5 s", 60 * DAY_NS, 5, true, 605},
    {"60 days behind, fixed after 700 s", -60 * DAY_NS, 700, true, 1300},
    {"two hours ahead for ever", 7200 * NS_PER_S, 100000, true, -1},
};

static void when_it_is_believed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct clock_proof p = {0};
        int proved = -1;
        for (int s = 0; s < 2000; s++) {
            int64_t off = s < cases[i].corrected_s ? cases[i].off_ns : 0;
            struct wall wall = {TODAY_NS + s * NS_PER_S + off};
            if (clock_proof_update(&p, (struct mono){(1000 + s) * NS_PER_S}, wall,
                                   cases[i].replies, -off)) {
                CHECK_INT(-1, proved, "it is said once");
                proved = s;
            }
        }
        CHECK_INT(cases[i].proved_s, proved, cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(when_it_is_believed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
