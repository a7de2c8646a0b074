#include "check.h"
#include "edge/path_losses.h"

/* Each result in the order of its arrival: the second of sending, and '-' for a loss. The
 * truth is the row's count. */
static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int results[24]; /* second; negative: lost; ends with 0 */
        unsigned rows;
    } cases[] = {
        {"three in a row", {1, -2, -3, -4, 5}, 1},
        {"two", {1, -2, -3, 4, 5}, 0},
        {"losses known behind later answers", {1, 5, -2, 6, -3, 7, -4, 8}, 1},
        {"with an answer between", {1, 5, 3, -2, 6, -4, -7, 8}, 0},
        {"one answer came late", {1, -2, -4, -5, 3, -6}, 2},
        {"a long outage is one row",
         {1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12},
         1},
        {"two outages", {1, -2, -3, -4, 5, 6, 7, -8, -9, -10, 11}, 2},
        {"never answered: filtered", {-1, -2, -3, -4, -5, -6, -7, -8, -9, -10}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct path_losses l = {.n = 0};
        unsigned rows = 0;
        for (const int *r = cases[i].results; *r != 0; r++) {
            struct wall sent = {(*r < 0 ? -*r : *r) * NS_PER_S};
            rows += path_losses_add(&l, sent, *r < 0);
        }
        CHECK_INT(cases[i].rows, rows, cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
