/* What flow records mean: service, direction, sampling, duplicates. */
#include "traffic/flow_meter.h"

#include "check.h"
#include "config/config.h"

static struct prefix list[] = {
    {.bits = 96 + 16,
     .service = "exchange",
     .line = 1,
     .bytes = {[10] = 0xff, [11] = 0xff, [12] = 13, 107}},
    {.bits = 96 + 14,
     .service = "teams",
     .line = 2,
     .bytes = {[10] = 0xff, [11] = 0xff, [12] = 52, 112}},
    {.bits = 96 + 32,
     .service = "sharepoint",
     .line = 3,
     .up = 2,
     .bytes = {[10] = 0xff, [11] = 0xff, [12] = 52, 112, 0, 9}},
    {.bits = 32, .service = "teams", .line = 4, .bytes = {0x26, 0x03, 0x10, 0x63}},
};
static struct prefixes prefixes = {.all = list, .n = 4};
static struct rates r;
static struct flow_meter m;
static struct flow_origin wan, lan, second;
static struct mono now;

static void begin(void)
{
    now.ns = 5000 * NS_PER_S;
    rates_free(&r);
    rates_begin(&r, now);
    flow_meter_free(&m);
    flow_meter_begin(&m, &prefixes, &r);
    wan = (struct flow_origin){.exporter = 1, .session = 1, .format = FLOW_IPFIX};
    lan = (struct flow_origin){.exporter = 1, .session = 2, .format = FLOW_IPFIX};
    second = (struct flow_origin){.exporter = 2, .session = 1, .format = FLOW_IPFIX};
}

static struct flow_record flow(const char *from, const char *to, uint64_t bytes)
{
    struct flow_record f = {.protocol = 6, .count = {bytes, bytes / 100, 1}};
    assert_true(endpoint_parse(&f.from, from, 50000) && endpoint_parse(&f.to, to, 443));
    return f;
}

/* The sum by service and direction, of a format. */
static uint64_t bytes_of(const char *service, enum rate_direction direction,
                         const char *source)
{
    rates_flush(&r);
    for (size_t i = 0; i < r.n; i++)
        if (strcmp(r.rows[i].service, service) == 0 && r.rows[i].direction == direction &&
            strcmp(r.rows[i].source, source) == 0)
            return r.rows[i].total.bytes;
    return 0;
}

static void service_and_direction(void **state)
{
    static const struct {
        const char *what, *from, *to, *service;
        enum rate_direction direction;
    } cases[] = {
        {"to Exchange", "192.0.2.1", "13.107.6.152", "exchange", RATE_TRANSMIT},
        {"from Teams", "52.113.0.1", "192.0.2.1", "teams", RATE_RECEIVE},
        {"the longest prefix", "192.0.2.1", "52.112.0.9", "sharepoint", RATE_TRANSMIT},
        {"IPv6", "2603:1063::9", "2001:db8::1", "teams", RATE_RECEIVE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        struct flow_record f = flow(cases[i].from, cases[i].to, 1000);
        f.side = FLOW_AT_INGRESS; /* says nothing */
        flow_meter_take(&m, &wan, &f, now);
        CHECK_INT(1000, bytes_of(cases[i].service, cases[i].direction, "ipfix"),
                  cases[i].what);
        CHECK_INT(1, r.n, "one row");
        CHECK_INT(10, r.rows[0].total.packets, "packets");
        CHECK_INT(1, r.rows[0].total.flows, "flows");
    }
    begin();
    struct flow_record f = flow("192.0.2.1", "203.0.113.9", 1000);
    flow_meter_take(&m, &wan, &f, now);
    f = flow("52.113.0.1", "13.107.6.152", 1000);
    flow_meter_take(&m, &wan, &f, now);
    CHECK_INT(0, r.n, "nothing counted");
    CHECK_INT(1, m.counters.other, "not Microsoft's");
    CHECK_INT(1, m.counters.inside, "within Microsoft");
}

static void biflow(void **state)
{
    (void)state;
    begin();
    struct flow_record f = flow("192.0.2.1", "13.107.6.152", 1000);
    f.reverse = (struct flow_count){30000, 40, 1};
    flow_meter_take(&m, &wan, &f, now);
    CHECK_INT(1000, bytes_of("exchange", RATE_TRANSMIT, "ipfix"), "forward");
    CHECK_INT(30000, bytes_of("exchange", RATE_RECEIVE, "ipfix"), "reverse");
    f = flow("13.107.6.152", "192.0.2.1", 500);
    f.from.port = 1;
    f.reverse = (struct flow_count){70, 1, 1};
    flow_meter_take(&m, &wan, &f, now);
    CHECK_INT(1070, bytes_of("exchange", RATE_TRANSMIT, "ipfix"),
              "reverse of one from Microsoft");
    CHECK_INT(30500, bytes_of("exchange", RATE_RECEIVE, "ipfix"),
              "forward of one from Microsoft");
}

static void sampling(void **state)
{
    static const struct {
        const char *what;
        double configured, announced;
        bool unknown;
        uint64_t expected;
    } cases[] = {
        {"none", 0, 0, false, 1000},
        {"announced", 0, 100, false, 100000},
        {"configured", 50, 100, false, 50000},
        {"configured as none: the exporter has multiplied", 1, 100, false, 1000},
        {"a sampler that is not known", 0, 0, true, 0},
        {"the highest rate", 0, 1000000, false, 1000000000},
        {"configured for a sampler that is not known", 10, 0, true, 10000},
        {"the highest rate", 0, FLOW_SAMPLING_MAX, false, 1000000000},
        {"above it", 0, UINT32_MAX, false, 0},
        {"absurd", 0, 1e300, false, 0},
        {"configured for an absurd one", 100, 1e300, false, 100000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        struct flow_record f = flow("192.0.2.1", "13.107.6.152", 1000);
        f.sampling = cases[i].announced;
        f.sampler_unknown = cases[i].unknown;
        wan.sampling = cases[i].configured;
        flow_meter_take(&m, &wan, &f, now);
        CHECK_INT(cases[i].expected, bytes_of("exchange", RATE_TRANSMIT, "ipfix"),
                  cases[i].what);
        CHECK_INT(cases[i].expected == 0,
                  m.counters.sampler_unknown + m.counters.sampling_refused,
                  cases[i].what);
        CHECK_INT(cases[i].unknown && cases[i].expected == 0, m.counters.sampler_unknown,
                  cases[i].what);
    }
}

/* Ten minutes of one conversation, reported each minute by two points whose clocks and timeouts
 * differ: counted once. Then the second one alone. */
static void two_points(void **state)
{
    static const struct {
        const char *what;
        struct flow_origin *one, *other;
        enum flow_side sides[2];
        uint32_t outputs[2];
        double offset_s;
        bool once, directed;
    } cases[] = {
        {"LAN and WAN of a gateway, two processes",
         &lan,
         &wan,
         {0, 0},
         {0, 0},
         0.003,
         true},
        {"two routers in a row", &wan, &second, {0, 0}, {0, 0}, 0.7, true},
        {"timeouts that are not aligned", &wan, &second, {0, 0}, {0, 0}, 17, true},
        {"ingress and egress of one router",
         &wan,
         &wan,
         {FLOW_AT_INGRESS, FLOW_AT_EGRESS},
         {0, 0},
         0,
         true},
        {"directions without interfaces", &wan, &wan, {0, 0}, {0, 0}, 0, true, true},
        {"packets shared among two uplinks",
         &wan,
         &wan,
         {FLOW_AT_EGRESS, FLOW_AT_EGRESS},
         {7, 8},
         0,
         false},
        {"one point", &wan, &wan, {0, 0}, {0, 0}, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        double records = 0;
        for (int minute = 1; minute <= 10; minute++)
            for (int k = 0; k < 2; k++) {
                struct flow_record f = flow("192.0.2.1", "13.107.6.152", 6000);
                f.side = cases[i].sides[k];
                f.input = f.side == FLOW_SIDE_UNKNOWN ? 0 : 3;
                f.output = cases[i].outputs[k];
                f.direction = cases[i].directed ? (uint8_t)k : 0;
                f.duration_ns = 60 * NS_PER_S;
                struct mono at = {now.ns +
                                  (int64_t)((60 * minute + k * cases[i].offset_s) * 1e9)};
                rates_turn(&r, at);
                flow_meter_take(&m, k == 0 ? cases[i].one : cases[i].other, &f, at);
                records += 1;
            }
        uint64_t expected = cases[i].once ? 60000 : 120000;
        CHECK_INT(expected, bytes_of("exchange", RATE_TRANSMIT, "ipfix"), cases[i].what);
        CHECK_INT(cases[i].once ? 10 : 0, m.counters.duplicates + m.counters.held,
                  cases[i].what);
    }
}

static void short_flows(void **state)
{
    (void)state;
    begin();
    /* the second exporter's clock is coarse: seconds */
    for (int i = 0; i < 100; i++) {
        struct flow_record f = flow("192.0.2.1", "13.107.6.152", 1000);
        f.from.port = (uint16_t)(1000 + i);
        f.duration_ns = 50 * NS_PER_MS;
        now.ns += 300 * NS_PER_MS;
        flow_meter_take(&m, &wan, &f, now);
        f.age_ns = i % 10 * 100 * NS_PER_MS;
        flow_meter_take(&m, &second, &f, now);
    }
    CHECK_INT(100000, bytes_of("exchange", RATE_TRANSMIT, "ipfix"), "each once");
}

static void a_move_to_another_router(void **state)
{
    (void)state;
    begin();
    for (int minute = 1; minute <= 10; minute++) {
        struct flow_record f = flow("192.0.2.1", "13.107.6.152", 6000);
        f.duration_ns = 60 * NS_PER_S;
        struct mono at = {now.ns + minute * 60 * NS_PER_S};
        flow_meter_take(&m, minute <= 5 ? &wan : &second, &f, at);
    }
    CHECK_INT(0, m.counters.held, "what was held is counted");
    CHECK_INT(60000, bytes_of("exchange", RATE_TRANSMIT, "ipfix"), "both halves");
    CHECK_INT(0, m.counters.duplicates, "none is a duplicate");
}

/* Seconds turn until what is held is decided. */
static void pass(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        now.ns += NS_PER_S;
        rates_turn(&r, now);
        flow_meter_turn(&m, now);
    }
}

static void timeouts_differ(void **state)
{
    (void)state;
    begin();
    for (int s = 1; s <= 100; s++) {
        pass(1);
        struct flow_record f = flow("192.0.2.1", "13.107.6.152", 5000);
        f.duration_ns = 5 * NS_PER_S;
        if (s % 5 == 0)
            flow_meter_take(&m, &wan, &f, now);
        f.count.bytes = 25000;
        f.duration_ns = 25 * NS_PER_S;
        if (s % 25 == 0)
            flow_meter_take(&m, &second, &f, now);
    }
    pass(200);
    CHECK_INT(100000, bytes_of("exchange", RATE_TRANSMIT, "ipfix"), "each packet once");
    CHECK_INT(4, m.counters.duplicates, "of the slower one");
}

/* One exporter reports both directions in one record, the other one each alone. */
static void biflow_and_uniflow(void **state)
{
    (void)state;
    begin();
    struct flow_record f = flow("192.0.2.1", "13.107.6.152", 1000);
    f.reverse = (struct flow_count){7000, 7, 1};
    flow_meter_take(&m, &wan, &f, now);
    struct flow_record there = flow("192.0.2.1", "13.107.6.152", 1000), back = there;
    back.from = there.to;
    back.to = there.from;
    back.count.bytes = 7000;
    flow_meter_take(&m, &second, &there, now);
    flow_meter_take(&m, &second, &back, now);
    CHECK_INT(1000, bytes_of("exchange", RATE_TRANSMIT, "ipfix"), "there");
    CHECK_INT(7000, bytes_of("exchange", RATE_RECEIVE, "ipfix"), "back");
}

/* An exporter that starts again comes from another port: a point of its own. */
static void a_restart(void **state)
{
    (void)state;
    begin();
    for (int minute = 1; minute <= 4; minute++) {
        pass(60);
        struct flow_record f = flow("192.0.2.1", "13.107.6.152", 6000);
        f.duration_ns = 60 * NS_PER_S;
        flow_meter_take(&m, minute <= 2 ? &lan : &wan, &f, now);
    }
    pass(200);
    CHECK_INT(24000, bytes_of("exchange", RATE_TRANSMIT, "ipfix"), "nothing is lost");
    CHECK_INT(0, m.counters.duplicates, "none is a duplicate");
}

static void two_samplers(void **state)
{
    (void)state;
    begin();
    /* each samples one packet a second of conversations that the other one misses */
    for (int s = 0; s < 600; s++) {
        pass(1);
        struct flow_record f = flow("192.0.2.1", "13.107.6.152", 1000);
        f.count.packets = 1;
        f.sampling = 100;
        f.from.port = (uint16_t)s;
        flow_meter_take(&m, &wan, &f, now);
        f.from.port = (uint16_t)(s + 1000);
        flow_meter_take(&m, &second, &f, now);
    }
    CHECK_INT(600 * 100000, bytes_of("exchange", RATE_TRANSMIT, "ipfix"), "of one");
    CHECK(m.shared.last.ns > 0, "it is known");
    for (int s = 0; s < 600; s++) { /* the second one alone */
        pass(1);
        struct flow_record f = flow("192.0.2.1", "13.107.6.152", 1000);
        f.count.packets = 1;
        f.sampling = 100;
        flow_meter_take(&m, &second, &f, now);
    }
    CHECK_NEAR(1200 * 100000, (double)bytes_of("exchange", RATE_TRANSMIT, "ipfix"),
               300000, "and of the other one when the first stops");
}

static void translated_and_sampled(void **state)
{
    (void)state;
    begin();
    /* one in 100 packets, sampled at the ingress of the LAN and at the egress of the WAN */
    for (int i = 0; i < 1000; i++) {
        struct flow_record f =
            flow(i % 2 ? "10.0.0.1" : "198.51.100.1", "13.107.6.152", 1000);
        f.from.port = (uint16_t)i;
        f.sampling = 100;
        f.input = 1;
        f.output = 2;
        f.side = i % 2 ? FLOW_AT_INGRESS : FLOW_AT_EGRESS;
        flow_meter_take(&m, &wan, &f, now);
    }
    CHECK_INT(500 * 100000 + 100000, bytes_of("exchange", RATE_TRANSMIT, "ipfix"),
              "those at ingress, and the first, when nothing was known");
    struct flow_record f = flow("13.107.6.152", "10.0.0.1", 1000);
    f.input = 2;
    f.output = 1;
    f.side = FLOW_AT_EGRESS;
    flow_meter_take(&m, &wan, &f, now);
    CHECK_INT(1000, bytes_of("exchange", RATE_RECEIVE, "ipfix"),
              "the way back is reported at the egress of the LAN only");
}

static void each_source_is_complete(void **state)
{
    static const char *const names[] = {"ipfix", "netflow9", "netflow5", "sflow"};
    (void)state;
    begin();
    for (size_t i = 0; i < FLOW_FORMATS; i++) {
        struct flow_record f = flow("192.0.2.1", "13.107.6.152", 1000);
        struct flow_origin o = {
            .exporter = 1, .session = (uint16_t)i, .format = (enum flow_format)i};
        flow_meter_take(&m, &o, &f, now);
        CHECK_INT(1000, bytes_of("exchange", RATE_TRANSMIT, names[i]), names[i]);
    }
}

static int end(void **state)
{
    (void)state;
    rates_free(&r);
    flow_meter_free(&m);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(service_and_direction),
        cmocka_unit_test(biflow),
        cmocka_unit_test(sampling),
        cmocka_unit_test(two_points),
        cmocka_unit_test(short_flows),
        cmocka_unit_test(a_move_to_another_router),
        cmocka_unit_test(timeouts_differ),
        cmocka_unit_test(biflow_and_uniflow),
        cmocka_unit_test(a_restart),
        cmocka_unit_test(two_samplers),
        cmocka_unit_test(translated_and_sampled),
        cmocka_unit_test(each_source_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
