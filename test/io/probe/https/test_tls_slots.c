/* Turns of TLS handshakes, without any. */
#include "check.h"

#include "probe/https/tls_slots.h"

enum { MANY = 6 };

struct who {
    struct tls_slot slot;
    uint64_t at_ns; /* of its slot, 0: not yet */
};

static uv_loop_t loop;
static struct tls_slots *tls_slots;
static struct who all[MANY];

static void on_granted(void *user)
{
    struct who *w = user;
    CHECK_INT(0, w->at_ns, "once");
    w->at_ns = uv_hrtime();
}

static int begin(void **state)
{
    (void)state;
    uv_loop_init(&loop);
    tls_slots = tls_slots_create(&loop);
    memset(all, 0, sizeof all);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        tls_slot_release(tls_slots, &all[i].slot);
    tls_slots_destroy(tls_slots);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void ask(size_t n)
{
    for (size_t i = 0; i < n; i++)
        tls_slot_request(tls_slots, &all[i].slot, on_granted, &all[i]);
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
        CHECK_INT(i + 1, with_turn(), "one slot at a time");
        CHECK(all[i].at_ns != 0, "in the order of asking");
        tls_slot_release(tls_slots, &all[i].slot);
        tls_slot_release(tls_slots, &all[i].slot);
        CHECK_INT(i + 1, with_turn(), "not from inside");
        uv_run(&loop, UV_RUN_NOWAIT);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    CHECK(uv_hrtime() - began < (uint64_t)TLS_SLOT_WAIT_NS, "without any pause");
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
    CHECK(all[1].at_ns - began >= (uint64_t)TLS_SLOT_WAIT_NS, "not too early");
    CHECK(all[MANY - 1].at_ns - began < 20 * (uint64_t)TLS_SLOT_WAIT_NS, "nor too late");
}

static void who_gives_up_is_passed_over(void **state)
{
    (void)state;
    ask(4);
    tls_slot_release(tls_slots, &all[3].slot); /* the last ... */
    tls_slot_release(tls_slots, &all[1].slot); /* ... and the next one */
    tls_slot_request(tls_slots, &all[4].slot, on_granted, &all[4]);
    tls_slot_release(tls_slots, &all[0].slot);
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK(all[2].at_ns != 0, "the one behind it");
    tls_slot_release(tls_slots, &all[2].slot);
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK(all[4].at_ns != 0, "the queue is whole");
    CHECK(all[1].at_ns == 0 && all[3].at_ns == 0, "no slot for who gave up");
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
