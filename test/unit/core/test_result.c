#include "check.h"
#include "core/result.h"

static void outcomes_have_the_names_of_the_contract(void **state)
{
    (void)state;
    static const char *const names[] = {"reply",        "loss",      "refused",
                                        "unreachable",  "tls_error", "http_error",
                                        "not_measured", "slow"};
    CHECK_INT(sizeof names / sizeof *names, OUTCOME_COUNT, "all of them");
    for (enum outcome o = 0; o < OUTCOME_COUNT; o++)
        CHECK_TEXT(names[o], outcome_name(o), "outcome");
}

static void a_new_result_has_no_delay(void **state)
{
    (void)state;
    struct endpoint to = {0};
    endpoint_parse(&to, "192.0.2.1", 443);
    struct result r = result_of(7, &to, (struct wall){5 * NS_PER_S}, OUTCOME_LOSS);
    for (size_t i = 0; i < DELAYS_MAX; i++)
        CHECK_INT(DELAY_UNDEFINED, r.delays[i], "undefined, not 0");
    CHECK_INT(7, r.stream, "stream");
    CHECK_INT(OUTCOME_LOSS, r.outcome, "outcome");
    CHECK_INT(5 * NS_PER_S, r.time.ns, "time");
    CHECK(endpoint_same_address(&to, &r.to) && r.to.port == 443, "where it went");
    CHECK_TEXT("", r.pop, "no PoP");
    CHECK_TEXT("", r.cause, "no cause");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_have_the_names_of_the_contract),
        cmocka_unit_test(a_new_result_has_no_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
