#include "check.h"

#include "base/heap.h"

#include <stdlib.h>

#define N 500

/* Any order of adding, moving and taking out: the first is the least of those that are in. */
static void the_first_is_the_least(void **unused)
{
    (void)unused;
    srandom((unsigned)check_seed());
    static struct heap_item all[N];
    static bool in[N];
    struct heap h = {0};
    CHECK(heap_first(&h) == NULL, "nothing at first");
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)random() % N;
        bool moves = in[i] && random() % 3 == 0;
        if (moves) {
            all[i].at_ns = random() % 100;
            heap_moved(&h, &all[i]);
        } else if (in[i]) {
            heap_remove(&h, &all[i]);
        } else {
            all[i].at_ns = random() % 100;
            heap_add(&h, &all[i]);
        }
        in[i] = moves || !in[i];
        int64_t least = INT64_MAX;
        size_t n = 0;
        for (size_t k = 0; k < N; k++) {
            n += in[k];
            if (in[k] && all[k].at_ns < least)
                least = all[k].at_ns;
        }
        CHECK_INT(n, h.n, "as many as were added");
        if (n > 0)
            CHECK_INT(least, heap_first(&h)->at_ns, "the least");
    }
    heap_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_is_the_least)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
