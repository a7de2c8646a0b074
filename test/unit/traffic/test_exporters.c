/* Exporters: who is allowed, sessions by port, silence, and what the status and the metrics say. */
#include "traffic/exporters.h"

#include "datagram.h"

static struct exporters x;
static struct mono now;
static struct self_value values[EXPORTERS_VALUES_MAX];
static struct prefix prefix = {.bits = 96 + 24,
                               .service = "exchange",
                               .bytes = {[10] = 0xff, [11] = 0xff, [12] = 13, 107, 6}};
static const struct prefixes prefixes = {.all = &prefix, .n = 1};

static void begin(const char *allowed, const char *sampling)
{
    struct config config = config_default();
    exporters_free(&x);
    snprintf(config.traffic_exporters, sizeof config.traffic_exporters, "%s", allowed);
    snprintf(config.traffic_sampling, sizeof config.traffic_sampling, "%s", sampling);
    now.ns = 1000 * NS_PER_S;
    exporters_begin(&x, &config, &prefixes, now);
    config_free(&config);
}

static uint32_t export_time; /* of the next message; no two are equal */

static enum exporters_taken take(const char *from, uint16_t port, const char *hex)
{
    uint8_t bytes[DATAGRAM_MAX];
    struct endpoint e;
    size_t len = from_hex(bytes, hex);
    if (bytes[1] == 10) { /* the length of the message */
        bytes[2] = (uint8_t)(len >> 8);
        bytes[3] = (uint8_t)len;
        export_time++;
        for (int i = 0; i < 4; i++)
            bytes[4 + i] = (uint8_t)(export_time >> (24 - 8 * i));
    }
    assert_true(endpoint_parse(&e, from, port));
    return exporters_take(&x, &e, bytes, len, now);
}

#define IPFIX "000a 0000 000003e8 00000000 00000000"
#define ONE                                                                              \
    "{0002 0100 0003 0008 0004 000c 0004 0001 0004} {0100 c0000201 0d6b0698 00000064}"
#define OTHER                                                                            \
    "{0002 0100 0003 0001 0004 0008 0004 000c 0004} {0100 00000200 c0000202 0d6b0698}"
#define DATA "{0100 c0000203 0d6b0698 00000064}"

static uint64_t bytes_so_far(void)
{
    rates_flush(&x.rates);
    return x.rates.n > 0 ? x.rates.rows[0].total.bytes : 0;
}

static void ports_are_sessions(void **state)
{
    (void)state;
    begin("192.0.2.1", "");
    CHECK_INT(EXPORTERS_REFUSED, take("192.0.2.2", 1, IPFIX ONE), "not allowed");
    CHECK_INT(EXPORTERS_TAKEN, take("192.0.2.1", 1, IPFIX ONE), "allowed");
    CHECK_INT(100, bytes_so_far(), "bytes");
    take("192.0.2.1", 2, IPFIX OTHER);
    CHECK_INT(612, bytes_so_far(),
              "another process, the same number for another template");
    take("192.0.2.1", 1, IPFIX DATA);
    CHECK_INT(712, bytes_so_far(), "that of the first is kept");
    CHECK_INT(1, x.n, "one exporter");
    take("192.0.2.1", 9, IPFIX DATA);
    CHECK_INT(712, bytes_so_far(),
              "data of a third port, and two templates: not guessed");
    begin("192.0.2.1", "");
    take("192.0.2.1", 1, IPFIX ONE);
    take("192.0.2.1", 2, IPFIX DATA);
    take("192.0.2.1", 3, IPFIX DATA);
    CHECK_INT(300, bytes_so_far(), "a NAT has changed the port twice");
    CHECK_INT(1, x.list[0]->n_sessions, "it is one session");
    take("192.0.2.1", 4, IPFIX "{0100 c0000203 0d6b0698 0000006400000000}");
    CHECK_INT(300, bytes_so_far(), "data that do not fit the template are of another");
    begin("192.0.2.1", "");
    for (uint16_t port = 1; port < 21; port++) {
        now.ns += NS_PER_S;
        take("192.0.2.1", port, IPFIX ONE);
    }
    exporters_turn(&x, now);
    CHECK_INT(EXPORTER_SESSIONS_MAX, x.list[0]->n_sessions, "their number is bounded");
    CHECK_INT(20, x.list[0]->counters.flows, "flows of those that were replaced count");
    CHECK_INT(EXPORTERS_BAD, take("192.0.2.1", 1, "0007 0000 0000 0000"), "NetFlow v7");
    CHECK_INT(EXPORTERS_BAD, take("192.0.2.1", 1, "00"), "a byte");
}

static void configured_sampling(void **state)
{
    (void)state;
    begin("192.0.2.1, 2001:db8::1", "2001:db8::1=50");
    take("192.0.2.1", 1, IPFIX ONE);
    CHECK_INT(100, bytes_so_far(), "not of this exporter");
    begin("192.0.2.1, 2001:db8::1", "2001:db8::1=50");
    take("2001:db8::1", 1, IPFIX ONE);
    CHECK_INT(5000, bytes_so_far(), "configured");
    CHECK_NEAR(50, exporter_sampling(x.list[0]), 0, "and shown");
}

/* sFlow, one in 4294967295: one packet would be 4.3 TB. */
static void absurd_sampling(void **state)
{
    static const char datagram[] =
        "00000005 00000001 c0000201 00000000 00000001 00000000 00000001"
        "00000001 0000004c"
        "00000001 00000002 ffffffff 00001000 00000000 00000002 00000003 00000001"
        "00000003 00000024 000003e8 00000011 c0000201 0d6b0698 0000c350 000001bb 00000000"
        "00000000 00000000";
    struct text text = {0};
    (void)state;
    begin("192.0.2.1", "");
    CHECK_INT(EXPORTERS_TAKEN, take("192.0.2.1", 1, datagram), "well-formed");
    CHECK_INT(0, bytes_so_far(), "left out");
    CHECK_INT(1, x.list[0]->sampling_refused.total, "and counted");
    CHECK_INT(1, exporters_problems(&x, "192.0.2.10:6343", now, &text), "said once");
    CHECK_TEXT(
        "exporter 192.0.2.1 (sFlow): 1 flow record was left out, as the sampling rate "
        "that it announces is above 1:1000000 (1:4294967295 at last); correct it on "
        "the router, or set sampling = 192.0.2.1=N in [traffic]\n",
        text_string(&text), "with what to do");
    text_free(&text);
    begin("192.0.2.1", "192.0.2.1=100");
    take("192.0.2.1", 1, datagram);
    CHECK_INT(100000, bytes_so_far(), "the configured rate counts");
}

/* The network, or a mirror port, may deliver a datagram twice, the second after others. */
static void datagrams_that_came_twice(void **state)
{
    (void)state;
    begin("192.0.2.1 192.0.2.2", "");
    take("192.0.2.1", 1, IPFIX ONE);
    export_time--;
    take("192.0.2.1", 1, IPFIX ONE);
    CHECK_INT(100, bytes_so_far(), "at once");
    uint32_t first = export_time;
    take("192.0.2.1", 1, IPFIX DATA);
    take("192.0.2.1", 1, IPFIX "{0100 c0000204 0d6b0698 00000064}");
    CHECK_INT(300, bytes_so_far(), "two others");
    export_time = first;
    take("192.0.2.1", 1, IPFIX DATA);
    CHECK_INT(300, bytes_so_far(), "after another");
    CHECK_INT(2, x.counters.repeated, "are counted apart");
    CHECK_INT(3, x.meter.counters.counted, "and nothing else of them");
    CHECK_INT(0, x.meter.counters.duplicates, "their records are not looked at");
    take("192.0.2.2", 1, IPFIX ONE);
    export_time--;
    take("192.0.2.2", 2, IPFIX ONE);
    CHECK_INT(2, x.counters.repeated, "other exporters and ports are others");
    CHECK_INT(7, x.counters.datagrams, "all are datagrams");
}

static void silence(void **state)
{
    static const struct {
        const char *what;
        int64_t pause_s, silent_after_s;
    } cases[] = {{"each second", 1, 60},
                 {"each minute", 60, 180},
                 {"each half an hour", 1800, 2400}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin("192.0.2.1", "");
        for (int k = 0; k < 10; k++, now.ns += cases[i].pause_s * NS_PER_S)
            take("192.0.2.1", 1, IPFIX ONE);
        int64_t last = x.list[0]->last.ns;
        now.ns = last + cases[i].silent_after_s * NS_PER_S;
        exporters_turn(&x, now);
        CHECK_INT(false, x.list[0]->silent, cases[i].what);
        now.ns += 1;
        exporters_turn(&x, now);
        CHECK_INT(true, x.list[0]->silent, cases[i].what);
        now.ns += 5000 * NS_PER_S; /* an outage is not learned */
        for (int k = 0; k < 2; k++, now.ns += NS_PER_S)
            take("192.0.2.1", 1, IPFIX ONE);
        exporters_turn(&x, now);
        CHECK_INT(false, x.list[0]->silent, "it sends again");
        now.ns += cases[i].silent_after_s * NS_PER_S;
        exporters_turn(&x, now);
        CHECK_INT(true, x.list[0]->silent, "silent as soon as before");
    }
}

#define NETFLOW5                                                                         \
    "0005 0001 000186a0 000003e8 00000000 00000000 0000 0000 c0000201 0d6b0698 00000000" \
    "0000 0000 00000001 000003e8 00000001 00000001 01bb 0000 00 00 06 00 0000 0000 0000 0000"

/* A router that is set to another format is not silent for ever after. */
static void another_format(void **state)
{
    struct text text = {0};
    (void)state;
    begin("192.0.2.1", "");
    take("192.0.2.1", 1, NETFLOW5);
    take("192.0.2.1", 1, "0009 0001 0000");
    now.ns += 90 * NS_PER_S;
    exporters_turn(&x, now);
    CHECK_INT(true, x.list[0]->silent, "before");
    CHECK_INT(false, x.list[1]->silent, "of NetFlow v9 came only a malformed datagram");
    take("192.0.2.1", 1, IPFIX ONE);
    exporters_turn(&x, now);
    CHECK_INT(false, x.list[0]->silent, "it sends IPFIX now");
    CHECK_INT(1, exporters_problems(&x, "127.0.0.1:2055", now, &text), "problems");
    CHECK(strstr(text_string(&text), "1 datagram was malformed") != NULL, "%s",
          text_string(&text));
    text_free(&text);
    now.ns += 90 * NS_PER_S;
    exporters_turn(&x, now);
    CHECK_INT(true, x.list[2]->silent, "IPFIX has ended, too");
    begin("192.0.2.1", "");
    take("192.0.2.1", 1, NETFLOW5);
    now.ns += NS_PER_S;
    take("192.0.2.1", 1, IPFIX ONE);
    now.ns += NS_PER_S;
    take("192.0.2.1", 1, "0005 0000 000186a0 000003e8 00000000 00000000 0000 0000");
    now.ns += 90 * NS_PER_S;
    take("192.0.2.1", 1, IPFIX ONE);
    exporters_turn(&x, now);
    CHECK_INT(true, x.list[0]->silent, "one of two that it sent at the same time");
}

static void metrics(void **state)
{
    size_t groups = 1;
    (void)state;
    begin("192.0.2.1", "");
    take("192.0.2.1", 1, IPFIX DATA ONE);
    take("192.0.2.9", 1, IPFIX ONE);
    now.ns += NS_PER_S;
    size_t n = exporters_window(&x, true, now, values);
    CHECK_INT(RATES_VALUES + 13, n, "rows");
    for (size_t i = 1; i < n; i++)
        groups += strcmp(values[i].name, values[i - 1].name) != 0;
    CHECK_INT(RATES_VALUES + 8, groups, "rows of a metric are adjacent");
    double no_template = -1, refused = -1, counted = -1;
    for (size_t i = 0; i < n; i++) {
        const char *name = strrchr(values[i].name, '.');
        no_template = strcmp(name, ".no_template") == 0 ? values[i].value : no_template;
        refused = strcmp(name, ".refused") == 0 ? values[i].value : refused;
        if (values[i].attribute != NULL &&
            strcmp(values[i].attribute_value, "counted") == 0)
            counted = values[i].value;
    }
    CHECK_NEAR(1, no_template, 0, "a set without template");
    CHECK_NEAR(1, refused, 0, "refused");
    CHECK_NEAR(1, counted, 0, "counted");
    n = exporters_window(&x, true, now, values);
    for (size_t i = 0; i < n; i++)
        CHECK_NEAR(0, values[i].value, 0, values[i].name);
}

static void for_people(void **state)
{
    struct text text = {0};
    (void)state;
    begin("192.0.2.1", "192.0.2.1=100");
    for (int i = 0; i < 1204; i++)
        take("192.0.2.1", 1, IPFIX ONE);
    now.ns += 3 * NS_PER_S;
    exporters_turn(&x, now);
    x.list[0]->counters.lost = 0; /* all have the same number */
    exporters_text(&x, now, &text);
    CHECK_TEXT(
        "exporter 192.0.2.1: IPFIX, 1,204 flows, last 3 s ago, sampling 1:100, 1 template\n",
        text_string(&text), "status");
    text_free(&text);
}

static void two_samplers(void **state)
{
    struct text text = {0};
    (void)state;
    begin("192.0.2.1 192.0.2.2", "192.0.2.1=100 192.0.2.2=100");
    take("192.0.2.1", 1, IPFIX ONE);
    take("192.0.2.2", 1, IPFIX ONE);
    exporters_turn(&x, now);
    exporters_text(&x, now, &text);
    CHECK_TEXT(
        "exporter 192.0.2.1: IPFIX, 1 flow, last 0 s ago, sampling 1:100, 1 template\n"
        "exporter 192.0.2.2: IPFIX, 1 flow, last 0 s ago, sampling 1:100, 1 template\n"
        "exporters 192.0.2.1 and 192.0.2.2 sample traffic of the same networks: it is "
        "counted from one of them; if they share the traffic, it is counted too low: "
        "cannot tell yet\n",
        text_string(&text), "status");
    text_clear(&text);
    now.ns += EXPORTER_RECENT_NS + NS_PER_S;
    exporters_text(&x, now, &text);
    CHECK(strstr(text_string(&text), "exporters") == NULL, "until it is long ago");
    text_free(&text);
}

static int end(void **state)
{
    (void)state;
    exporters_free(&x);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ports_are_sessions),
                                       cmocka_unit_test(configured_sampling),
                                       cmocka_unit_test(absurd_sampling),
                                       cmocka_unit_test(silence),
                                       cmocka_unit_test(datagrams_that_came_twice),
                                       cmocka_unit_test(another_format),
                                       cmocka_unit_test(metrics),
                                       cmocka_unit_test(for_people),
                                       cmocka_unit_test(two_samplers)};
    return cmocka_run_group_tests(tests, NULL, end);
}
