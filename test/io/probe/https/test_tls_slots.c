/* Turns of TLS handshakes, without any. */
#include "check.h"

#include "probe/https/tls_slots.h"

enum { MANY = 6 };

struct who {
    struct turn turn;
    uint64_t at_ns; /* of its turn, 0: not yet */
};

static uv_loop_t loop;
static struct turns *turns;
static struct who all[MANY];

static void on_turn(void *user)
{
    struct who *w = user;
    CHECK_INT(0, w->at_ns, "once");
    w->at_ns = uv_hrtime();
}

static int begin(void **state)
{
    (void)state;
    uv_loop_init(&loop);
    turns = turns_create(&loop);
    memset(all, 0, sizeof all);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        turn_end(turns, &all[i].turn);
    turns_destroy(turns);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void ask(size_t n)
{
    for (size_t i = 0; i < n; i++)
        turn_ask(turns, &all[i].turn, on_turn, &all[i]);
}

static size_t with_turn(void)
{
    size_t n = 0;
    for (size_t i = 0; i < MANY; i++)
        n += all[i].at_ns != 0;
    return n;
}

static void one_after_the_other(void **state)
{
    (void)state;
    uint64_t began = uv_hrtime();
    ask(4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(i + 1, with_turn(), "one turn at a time");
        CHECK(all[i].at_ns != 0, "in the order of asking");
        turn_end(turns, &all[i].turn);
        turn_end(turns, &all[i].turn);
        CHECK_INT(i + 1, with_turn(), "not from inside");
        uv_run(&loop, UV_RUN_NOWAIT);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    CHECK(uv_hrtime() - began < (uint64_t)TURN_WAIT_NS, "without any pause");
    all[0].at_ns = 0;
    ask(1);
    CHECK(all[0].at_ns != 0, "nobody has one: at once");
}

static void nobody_waits_for_long(void **state)
{
    (void)state;
    uint64_t began = uv_hrtime();
    ask(MANY);
    CHECK_INT(1, with_turn(), "the first");
    uv_run(&loop, UV_RUN_DEFAULT); /* until nobody waits */
    CHECK_INT(MANY, with_turn(), "all, though none has ended");
    CHECK(all[1].at_ns - began >= (uint64_t)TURN_WAIT_NS, "not too early");
    CHECK(all[MANY - 1].at_ns - began < 20 * (uint64_t)TURN_WAIT_NS, "nor too late");
}

static void who_gives_up_is_passed_over(void **state)
{
    (void)state;
    ask(4);
    turn_end(turns, &all[3].turn); /* the last ... */
    turn_end(turns, &all[1].turn); /* ... and the next one */
    turn_ask(turns, &all[4].turn, on_turn, &all[4]);
    turn_end(turns, &all[0].turn);
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK(all[2].at_ns != 0, "the one behind it");
    turn_end(turns, &all[2].turn);
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK(all[4].at_ns != 0, "the queue is whole");
    CHECK(all[1].at_ns == 0 && all[3].at_ns == 0, "no turn for who gave up");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_after_the_other, begin, end),
        cmocka_unit_test_setup_teardown(nobody_waits_for_long, begin, end),
        cmocka_unit_test_setup_teardown(who_gives_up_is_passed_over, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
