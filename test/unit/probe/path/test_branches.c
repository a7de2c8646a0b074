#include "check.h"

#include "probe/path/branches.h"

static struct trace flow(uint8_t router)
{
    struct trace t;
    trace_begin(&t, &trace_all_at_once, (struct mono){1});
    if (router > 0)
        t.hops[2].attempts[0] = (struct trace_attempt){
            TRACE_ANSWERED,
            {1},
            {.from = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, router}}}};
    return t;
}

static void counts(void **state)
{
    static const uint8_t routers[] = {7, 9, 7, 0, 7};
    struct branches b = {.flows = 0};
    (void)state;
    for (size_t i = 0; i < sizeof routers; i++) {
        struct trace t = flow(routers[i]);
        branches_add(&b, &t);
    }
    CHECK_INT(5, b.flows, "flows");
    CHECK_INT(2, b.hops[2].n, "two routers");
    CHECK_INT(7, b.hops[2].all[0].address.bytes[3], "the first flow's first");
    CHECK_INT(3, b.hops[2].all[0].flows, "its flows");
    CHECK_INT(1, b.hops[2].all[1].flows, "flows of the other");
    CHECK_INT(0, b.hops[1].n, "a silent hop");
}

/* As many routers as there may be flows; more are left out. */
static void bounds(void **state)
{
    struct branches b = {.flows = 0};
    (void)state;
    for (uint8_t i = 1; i <= BRANCHES_FLOWS + 5; i++) {
        struct trace t = flow(i);
        branches_add(&b, &t);
    }
    CHECK_INT(BRANCHES_FLOWS, b.flows, "flows");
    CHECK_INT(BRANCHES_FLOWS, b.hops[2].n, "routers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
