#include "check.h"

#include "core/random.h"
#include "probe/deadlines.h"

#define N 500

/* Any order of adding and taking out: the first is the least of those that are in. */
static void the_first_is_the_least(void **unused)
{
    (void)unused;
    struct random r = random_from(check_seed());
    static struct deadline all[N];
    static bool in[N];
    struct deadlines d = {0};
    CHECK(deadlines_first(&d) == NULL, "nothing at first");
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)random_below(&r, N);
        if (in[i]) {
            deadlines_remove(&d, &all[i]);
        } else {
            all[i].at.ns = random_below(&r, 100);
            deadlines_add(&d, &all[i]);
        }
        in[i] = !in[i];
        int64_t least = INT64_MAX;
        size_t n = 0;
        for (size_t k = 0; k < N; k++) {
            n += in[k];
            if (in[k] && all[k].at.ns < least)
                least = all[k].at.ns;
        }
        CHECK_INT(n, d.n, "as many as were added");
        if (n > 0)
            CHECK_INT(least, deadlines_first(&d)->at.ns, "the least");
    }
    deadlines_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_is_the_least)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
