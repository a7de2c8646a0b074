#include "traffic/interfaces.h"

#include "check.h"
#include "otlp/names.h"

static struct interfaces x;
static struct self_value values[INTERFACES_VALUES_MAX];
static size_t n_values;

static struct mono at(double s)
{
    return (struct mono){(int64_t)(s * 1e9)};
}

/* A reading: bytes and drops received, errors sent. */
static struct link_state reading(uint64_t bytes, uint64_t drops, uint64_t errors)
{
    return (struct link_state){
        .index = 3,
        .up = true,
        .received = {.bytes = bytes, .packets = bytes / 100, .drops = drops},
        .sent = {.errors = errors}};
}

static struct interface_traffic *begin(const char *name)
{
    interfaces_free(&x);
    x = (struct interfaces){.n = 0};
    struct interface_traffic *i = interfaces_add(&x, name);
    i->configured = true;
    return i;
}

static void take(struct interface_traffic *i, double s, uint64_t bytes)
{
    struct link_state is = reading(bytes, 0, 0);
    interface_take(i, &is, at(s));
}

static void window(double s, bool delta)
{
    n_values = interfaces_window(&x, delta, at(s), values);
}

/* -1: there is none. */
static double value(const char *metric, const char *direction)
{
    for (size_t i = 0; i < n_values; i++)
        if (strcmp(values[i].name, metric) == 0 &&
            (values[i].n_labels == 1 ||
             strcmp(values[i].labels[1].value, direction) == 0))
            return values[i].value;
    return -1;
}

static const char *problems(double s)
{
    static struct text text;
    text_clear(&text);
    interfaces_problems(&x, at(s), &text);
    return text_string(&text);
}

static void mean_and_highest_second(void **state)
{
    (void)state;
    struct interface_traffic *i = begin("eth0");
    i->modes.mbit_s = 100;
    take(i, 100, 5000);
    take(i, 101, 6000);
    take(i, 102.5, 9000); /* read late: 2,000 a second */
    take(i, 103, 9000);   /* less than a second: it goes on */
    take(i, 110, 15000);
    window(110, false);
    CHECK_INT(10000, value(METRIC_INTERFACE_IO, "receive"),
              "what it held before is left out");
    CHECK_INT(100, value(METRIC_INTERFACE_PACKETS, "receive"), "packets");
    CHECK_INT(1000, value(METRIC_INTERFACE_RATE, "receive"), "mean");
    CHECK_INT(2000, value(METRIC_INTERFACE_RATE_MAX, "receive"), "highest second");
    CHECK_INT(0, value(METRIC_INTERFACE_IO, "transmit"), "the other direction");
    CHECK_INT(100e6, value(METRIC_INTERFACE_SPEED, ""), "speed");
    CHECK(value(METRIC_INTERFACE_UTILIZATION, "receive") == 1000 / 12.5e6, "utilization");
    CHECK(value(METRIC_INTERFACE_UTILIZATION_MAX, "receive") == 2000 / 12.5e6,
          "its highest");
    take(i, 111, 15500);
    window(111, true);
    CHECK_INT(500, value(METRIC_INTERFACE_IO, "receive"), "delta");
    CHECK_INT(500, value(METRIC_INTERFACE_RATE_MAX, "receive"), "of this window");
}

static void counters_fall_and_jump(void **state)
{
    (void)state;
    struct interface_traffic *i = begin("eth0");
    i->modes.mbit_s = 10; /* 1.25 MB a second */
    take(i, 1, 1000000);
    take(i, 2, 2000000);
    take(i, 3, 500000); /* fell */
    take(i, 4, 600000);
    take(i, 5, 600000 + UINT64_C(4000000000)); /* jumped: 3,200 times what it carries */
    take(i, 6, 700000 + UINT64_C(4000000000));
    window(6, false);
    CHECK_INT(1200000, value(METRIC_INTERFACE_IO, "receive"), "what is known");
    CHECK_INT(2, i->resets, "two resets");
    i->modes.mbit_s = 0;
    take(i, 7, 700000 + UINT64_C(8000000000));
    CHECK_INT(2, i->resets, "without a speed no jump is known");
}

static void goes_and_comes(void **state)
{
    (void)state;
    struct interface_traffic *i = begin("wwan0");
    CHECK_TEXT(
        "", strstr(problems(0), "wwan0: there is no such interface") != NULL ? "" : "-",
        "a configured interface that is not there");
    window(1, false);
    CHECK_INT(0, n_values, "nothing is known");
    take(i, 1, 1000);
    take(i, 2, 2000);
    interface_take(i, NULL, at(3));
    window(3, false);
    CHECK_INT(1000, value(METRIC_INTERFACE_IO, "receive"), "until it went");
    window(4, false);
    CHECK_INT(1000, value(METRIC_INTERFACE_IO, "receive"), "the sum stays");
    CHECK_INT(-1, value(METRIC_INTERFACE_RATE, "receive"), "there is no rate");
    take(i, 5, 900); /* made again, with counters of its own */
    struct link_state other = reading(50000, 0, 0);
    other.index = 4; /* and again between two readings */
    interface_take(i, &other, at(6));
    other.received.bytes += 100;
    interface_take(i, &other, at(7));
    window(7, false);
    CHECK_INT(1100, value(METRIC_INTERFACE_IO, "receive"), "it goes on");
    CHECK_TEXT("", problems(7), "no problem");
}

static void growth_is_a_problem(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint64_t drops, errors; /* in 10 s, of 10,000 packets */
        const char *problem;
    } cases[] = {
        {"nothing", 0, 0, ""},
        {"spanning tree, every other second", 5, 0, ""},
        {"drops", 40, 0,
         "interface eth0: 40 receive drops (0.4 % of 10040 packets) in 10s"},
        {"one error", 0, 1, "interface eth0: 1 transmit errors ("},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct interface_traffic *i = begin("eth0");
        struct link_state is = reading(0, 9, 9);
        interface_take(i, &is, at(100));
        is = reading(1000000, 9 + cases[c].drops, 9 + cases[c].errors);
        interface_take(i, &is, at(110));
        window(110, false);
        const char *found = problems(110);
        CHECK(*cases[c].problem == '\0' ? *found == '\0'
                                        : strstr(found, cases[c].problem) == found,
              cases[c].what);
        CHECK(*cases[c].problem == '\0' || *problems(110 + 599) != '\0', "ten minutes");
        CHECK_TEXT("", problems(110 + 601), "no longer");
    }
}

static void half_duplex(void **state)
{
    (void)state;
    struct interface_traffic *i = begin("eth0");
    i->modes = (struct link_modes){100, DUPLEX_IS_HALF};
    take(i, 1, 0);
    CHECK(strstr(problems(1), "eth0: half duplex at 100 Mbit/s") != NULL, "a problem");
    struct link_state down = {.index = 3};
    interface_take(i, &down, at(2));
    CHECK_TEXT("", problems(2), "not of a link that is down");
}

static void room(void **state)
{
    (void)state;
    char name[16];
    begin("eth0");
    for (int i = 1; i < INTERFACES_MAX; i++) {
        snprintf(name, sizeof name, "ppp%d", i);
        interfaces_add(&x, name)->present = true;
    }
    CHECK(interfaces_add(&x, "ppp99") == NULL, "no room");
    CHECK_INT(1, x.not_kept, "counted");
    x.list[5]->present = false;
    CHECK(interfaces_add(&x, "ppp99") == x.list[5], "the place of one that is gone");
    CHECK(interfaces_add(&x, "ppp99") == x.list[5], "known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_and_highest_second),
        cmocka_unit_test(counters_fall_and_jump),
        cmocka_unit_test(goes_and_comes),
        cmocka_unit_test(growth_is_a_problem),
        cmocka_unit_test(half_duplex),
        cmocka_unit_test(room),
    };
    return cmocka_run_group_tests_name("traffic/interfaces", tests, NULL, NULL);
}
