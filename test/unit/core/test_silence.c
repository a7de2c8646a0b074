#include "core/silence.h"

#include "check.h"

#define MINUTE_NS (60 * NS_PER_S)

static struct wall at(int minute)
{
    return (struct wall){INT64_C(1795424400) * NS_PER_S + minute * MINUTE_NS};
}

/* How many packets in a row, by counting. */
static int packets_of(double p)
{
    int n = 0;
    for (double chance = 1; chance > exp(-SILENCE_NATS); n++)
        chance *= p;
    return n;
}

static int packets_to_sure(const struct silence_loss *loss, double least)
{
    struct silence s = {0};
    silence_answered(&s, at(0), false);
    int n = 0;
    for (; !silence_is_sure(&s); n++)
        silence_lost(&s, at(1 + n), 1, silence_evidence(loss, least));
    CHECK_INT(n, s.probes, "all of them");
    CHECK_INT(at(1).ns, s.since.ns, "since the first");
    return n;
}

static void it_takes_more_where_more_was_lost(void **state)
{
    (void)state;
    static const struct {
        double loss;
        int any, limited; /* packets, by the header */
    } cases[] = {{0, 4, 8}, {0.02, 4, 8}, {0.05, 6, 8}, {0.15, 8, 8}, {0.3, 13, 13}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct silence_loss l = {.most = (float)cases[c].loss};
        CHECK_INT(cases[c].any, packets_to_sure(&l, SILENCE_LOSS_LEAST), "of any kind");
        CHECK_INT(cases[c].limited, packets_to_sure(&l, SILENCE_LOSS_LIMITED), "limited");
        CHECK_INT(cases[c].limited, packets_of(fmax(cases[c].loss, SILENCE_LOSS_LIMITED)),
                  "counted");
    }
    struct silence_loss all = {0};
    silence_learn(&all, 10000, 0);
    CHECK_INT(22, packets_to_sure(&all, SILENCE_LOSS_LEAST), "never more than that");
}

static void the_loss_seen_is_remembered(void **state)
{
    (void)state;
    struct silence_loss l = {0};
    for (int i = 0; i < 500; i++) {
        silence_learn(&l, 0, 9);
        silence_learn(&l, 1, 0);
    }
    CHECK_NEAR(0.1, l.now, 0.02, "one in ten");
    CHECK_NEAR(0.12, l.most, 0.03, "at most");
    float most = l.most;
    silence_learn(&l, 0, 1440);
    CHECK(l.now < 0.001F, "a day of one a minute without loss");
    CHECK(l.most > most / 2, "it is not forgotten in a day");
    silence_learn(&l, 0, 7 * 1440);
    CHECK(l.most < most / 8, "but in a week");
}

/* A loss is known later than the replies to the probes after it. */
static void an_answer_to_a_later_probe_ends_it(void **state)
{
    (void)state;
    struct silence s = {0};
    CHECK(silence_lost(&s, at(0), 1, 1), "it begins");
    silence_answered(&s, at(1), false);
    CHECK(s.probes == 0 && s.since.ns == 0, "and ends");
    struct wall before = {at(1).ns - 2 * NS_PER_S};
    CHECK(!silence_lost(&s, before, 1, 1), "sent before the one that was answered");
    CHECK_INT(0, s.probes, "nothing began");
    CHECK(silence_lost(&s, at(-60), 1, 1), "the clock was set back");
}

/* Losses in runs: one after another proves little. */
static void losses_that_come_in_runs(void **state)
{
    (void)state;
    struct silence s = {0};
    struct silence_loss none = {0};
    double nats = silence_evidence(&none, SILENCE_LOSS_LEAST);
    for (int i = 0; i < 500; i++)
        if (i % 3 == 2)
            silence_answered(&s, at(i), false);
        else
            silence_lost(&s, at(i), 1, nats);
    int n = 0;
    silence_answered(&s, at(500), false);
    for (; !silence_is_sure(&s); n++)
        silence_lost(&s, at(501 + n), 1, nats);
    CHECK_INT(1 + packets_of(0.5) * 11 / 15, n, "half of the losses are followed by one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_takes_more_where_more_was_lost),
        cmocka_unit_test(the_loss_seen_is_remembered),
        cmocka_unit_test(an_answer_to_a_later_probe_ends_it),
        cmocka_unit_test(losses_that_come_in_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
