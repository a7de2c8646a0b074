/* Sums, mean and highest second, against a plain array of seconds. */
#include "traffic/rates.h"

#include "check.h"

static struct rates r;
static struct self_value values[RATES_VALUES_MAX];

static struct mono at(double s)
{
    return (struct mono){(int64_t)(s * 1e9)};
}

static void add(struct rate_row *row, uint64_t bytes, double duration_s)
{
    struct rate_amount amount = {bytes, bytes / 100, 1};
    rates_add(&r, row, &amount, at(duration_s).ns);
}

static double value_of(size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(values[i].name, name) == 0)
            return values[i].value;
    return -1;
}

static void sums_and_rates(void **state)
{
    (void)state;
    rates_begin(&r, at(1000.5));
    struct rate_row *row = rates_row(&r, "teams", RATE_RECEIVE, "ipfix");
    add(row, 1000, 0);
    rates_turn(&r, at(1003.2));
    add(row, 5000, 0.4);
    size_t n = rates_window(&r, false, at(1010), values);
    CHECK_INT(RATES_VALUES, n, "rows");
    CHECK_NEAR(6000, value_of(n, "edgelat.traffic.io"), 0, "bytes");
    CHECK_NEAR(60, value_of(n, "edgelat.traffic.packets"), 0, "packets");
    CHECK_NEAR(2, value_of(n, "edgelat.traffic.flows"), 0, "flows");
    CHECK_NEAR(600, value_of(n, "edgelat.traffic.rate"), 0, "mean of ten seconds");
    CHECK_NEAR(5000, value_of(n, "edgelat.traffic.rate.max"), 0, "highest second");
    CHECK_INT(3, values[0].n_labels, "attributes");
    CHECK_TEXT("teams", values[0].labels[0].value, "service");
    CHECK_TEXT("receive", values[0].labels[1].value, "direction");
    CHECK_TEXT("ipfix", values[0].labels[2].value, "source");
    CHECK_INT(1, values[0].begins, "0 precedes the first value");
    n = rates_window(&r, false, at(1020), values);
    CHECK_NEAR(6000, value_of(n, "edgelat.traffic.io"), 0, "cumulative");
    CHECK_NEAR(0, value_of(n, "edgelat.traffic.rate"), 0, "nothing in this window");
    CHECK_NEAR(0, value_of(n, "edgelat.traffic.rate.max"), 0, "nor in a second");
    CHECK_INT(0, values[0].begins, "only once");
    add(row, 700, 0);
    n = rates_window(&r, true, at(1030), values);
    CHECK_NEAR(700, value_of(n, "edgelat.traffic.io"), 0, "delta");
    rates_free(&r);
}

static void a_long_flow_is_no_spike(void **state)
{
    (void)state;
    rates_begin(&r, at(0));
    struct rate_row *row = rates_row(&r, "exchange", RATE_TRANSMIT, "netflow9");
    add(row, 600007, 600); /* told after ten minutes */
    double sum = 0;
    for (int window = 0; window < 10; window++) {
        size_t n = rates_window(&r, true, at(60 * (window + 1)), values);
        CHECK_NEAR(1000, value_of(n, "edgelat.traffic.rate"), 1, "mean");
        CHECK_NEAR(1000, value_of(n, "edgelat.traffic.rate.max"), 7, "highest second");
        sum += value_of(n, "edgelat.traffic.io");
    }
    CHECK_NEAR(600007, sum, 0, "to the byte");
    size_t n = rates_window(&r, true, at(660), values);
    CHECK_NEAR(0, value_of(n, "edgelat.traffic.io"), 0, "then no more");
    add(row, 3600000, 3600);
    n = rates_window(&r, true, at(670), values);
    CHECK_NEAR(2000, value_of(n, "edgelat.traffic.rate"), 0,
               "an hour is compressed into half of it");
    rates_flush(&r);
    n = rates_window(&r, true, at(670), values);
    CHECK_NEAR(3600000 - 20000, value_of(n, "edgelat.traffic.io"), 0,
               "the rest at the end");
    CHECK_NEAR(0, value_of(n, "edgelat.traffic.rate.max"), 0, "is no second");
    rates_free(&r);
}

static void any_flows(void **state)
{
    enum { SECONDS = 5000 };
    static uint64_t truth[SECONDS];
    (void)state;
    srandom((unsigned)check_seed());
    rates_begin(&r, at(0));
    struct rate_row *row = rates_row(&r, "teams", RATE_RECEIVE, "ipfix");
    uint64_t highest = 0, told = 0, total = 0;
    for (long s = 0; s < 2000; s++) {
        rates_turn(&r, at((double)s));
        for (int i = 0; i < 3; i++) {
            uint64_t bytes = (uint64_t)random() % 1000000;
            long n = random() % 1800 + 1;
            add(row, bytes, (double)n - 0.3);
            for (long k = 0; k < n; k++)
                truth[s + k] += bytes / (uint64_t)n;
            truth[s] += bytes % (uint64_t)n;
        }
    }
    for (long w = 0; w < 2000; w++)
        highest = truth[w] > highest ? truth[w] : highest;
    for (long w = 0; w < SECONDS; w++)
        total += truth[w];
    size_t n = rates_window(&r, true, at(2000), values);
    told = (uint64_t)value_of(n, "edgelat.traffic.io");
    CHECK_NEAR((double)highest, value_of(n, "edgelat.traffic.rate.max"), 0,
               "highest second");
    n = rates_window(&r, true, at(4999), values);
    told += (uint64_t)value_of(n, "edgelat.traffic.io");
    CHECK_INT(total, told, "to the byte");
    rates_free(&r);
}

/* otlp/metrics.h needs the rows of a metric one after the other. */
static void rows_of_a_metric_are_adjacent(void **state)
{
    static const char *const services[] = {"teams", "exchange", "entra"};
    (void)state;
    rates_begin(&r, at(0));
    for (size_t i = 0; i < 3; i++)
        add(rates_row(&r, services[i], RATE_RECEIVE, "sflow"), 100, 0);
    size_t n = rates_window(&r, false, at(10), values), changes = 0;
    for (size_t i = 1; i < n; i++)
        changes += strcmp(values[i].name, values[i - 1].name) != 0;
    CHECK_INT(15, n, "rows");
    CHECK_INT(RATES_VALUES - 1, changes, "five groups");
    rates_free(&r);
}

static void bounded(void **state)
{
    char name[16];
    (void)state;
    rates_begin(&r, at(0));
    for (int i = 0; i < RATES_MAX + 3; i++) {
        snprintf(name, sizeof name, "s%d", i);
        CHECK((rates_row(&r, name, RATE_RECEIVE, "sflow") != NULL) == (i < RATES_MAX),
              "row %d", i);
    }
    CHECK_INT(3, r.not_kept, "the others are counted");
    rates_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_rates), cmocka_unit_test(a_long_flow_is_no_spike),
        cmocka_unit_test(any_flows), cmocka_unit_test(rows_of_a_metric_are_adjacent),
        cmocka_unit_test(bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
