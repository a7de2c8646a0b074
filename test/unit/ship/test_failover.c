#include "ship/failover.h"

#include "check.h"

#define SECOND INT64_C(1000000000)

static void one_alone(void **state)
{
    (void)state;
    struct failover f = {.n = 1};
    for (int i = 0; i < 5; i++) {
        CHECK_INT(0, failover_choose(&f, i * 1000 * SECOND), "there is no other");
        CHECK(!failover_failed(&f, 0, i % 2, i * 1000 * SECOND), "back off");
    }
}

static void the_next_takes_over(void **state)
{
    (void)state;
    struct failover f = {.n = 3};
    failover_worked(&f, 0);
    CHECK(!failover_failed(&f, 0, false, 1 * SECOND), "once may be chance");
    CHECK_INT(0, failover_choose(&f, 2 * SECOND), "the same again");
    CHECK(failover_failed(&f, 0, false, 2 * SECOND), "twice is none");
    CHECK_INT(1, failover_choose(&f, 2 * SECOND), "the second");
    CHECK(failover_failed(&f, 1, false, 3 * SECOND),
          "while nothing works once is enough");
    CHECK_INT(2, failover_choose(&f, 3 * SECOND), "the third");
    CHECK(!failover_failed(&f, 2, false, 4 * SECOND), "all have failed: back off");
    CHECK_INT(0, failover_choose(&f, 5 * SECOND), "and from the beginning");
    CHECK(failover_failed(&f, 0, false, 5 * SECOND), "another round");
    failover_worked(&f, failover_choose(&f, 5 * SECOND));
    CHECK_INT(1, failover_choose(&f, 6 * SECOND), "stays where it works");
    CHECK(!failover_failed(&f, 1, false, 7 * SECOND), "once may be chance here too");
}

static void hopeless_is_left_at_once(void **state)
{
    (void)state;
    struct failover f = {.n = 2};
    CHECK(failover_failed(&f, 0, true, 0), "a wrong certificate will not pass");
    CHECK_INT(1, failover_choose(&f, 0), "the second");
}

static void back_to_the_first(void **state)
{
    (void)state;
    struct failover f = {.n = 2};
    failover_failed(&f, 0, true, 100 * SECOND);
    failover_worked(&f, 1);
    int64_t due = 100 * SECOND + FAILOVER_RETURN_NS;
    CHECK_INT(1, failover_choose(&f, due - 1), "not yet");
    CHECK_INT(0, failover_choose(&f, due), "the first is tried");
    CHECK(failover_failed(&f, 0, false, due), "it still fails: at once the second");
    CHECK_INT(1, failover_choose(&f, due), "which has the batch");
    CHECK(!failover_failed(&f, 1, false, due + 1), "that one's own failures count");
    CHECK_INT(1, failover_choose(&f, due + FAILOVER_RETURN_NS - 1), "one batch only");
    CHECK_INT(0, failover_choose(&f, due + FAILOVER_RETURN_NS), "again");
    failover_worked(&f, 0);
    CHECK_INT(0, failover_choose(&f, due + FAILOVER_RETURN_NS + 1), "and stays");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_alone),
        cmocka_unit_test(the_next_takes_over),
        cmocka_unit_test(hopeless_is_left_at_once),
        cmocka_unit_test(back_to_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
