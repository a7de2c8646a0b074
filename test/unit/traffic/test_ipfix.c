/* IPFIX and NetFlow v9: the bytes are written from RFC 7011, RFC 3954, RFC 5103 and RFC 5477. */
#include "traffic/ipfix.h"

#include "datagram.h"

#include <errno.h>

static struct ipfix x;
static struct flow_list flows;
static struct mono now = {NS_PER_S};

/* Wraps sets into an IPFIX message: length, export time 1000 s, sequence, domain. */
static int take_ipfix(uint32_t number, uint32_t domain, const char *sets)
{
    uint8_t bytes[DATAGRAM_MAX], *copy;
    char head[64];
    size_t len = from_hex(bytes, sets) + 16;
    snprintf(head, sizeof head, "000a %04zx 000003e8 %08x %08x", len, number, domain);
    from_hex(bytes, head);
    from_hex(bytes + 16, sets);
    copy = malloc(len); /* a buffer whose bounds are watched */
    memcpy(copy, bytes, len);
    flows.n = 0;
    int rc = ipfix_take(&x, copy, len, now, keep_flow, &flows);
    free(copy);
    return rc;
}

static int take_v9_at(uint32_t uptime_ms, uint32_t export_s, uint32_t number,
                      uint32_t source, const char *sets)
{
    uint8_t bytes[DATAGRAM_MAX];
    char head[80];
    snprintf(head, sizeof head, "0009 0001 %08x %08x %08x %08x", uptime_ms, export_s,
             number, source);
    size_t len = from_hex(bytes, head);
    len += from_hex(bytes + len, sets);
    flows.n = 0;
    return ipfix_take(&x, bytes, len, now, keep_flow, &flows);
}

/* System up for 100 s at the export. */
static int take_v9(uint32_t number, uint32_t source, const char *sets)
{
    return take_v9_at(100000, 1000, number, source, sets);
}

static void begin(void)
{
    ipfix_free(&x);
    x = (struct ipfix){.n_templates = 0};
    now.ns = NS_PER_S;
}

#define HEAD_ADDRESSES "0008 0004 000c 0004 0007 0002 000b 0002 0004 0001"
/* Template 256: addresses, ports, protocol, octets (4), packets (4). */
#define TEMPLATE "0002 0024 0100 0007 " HEAD_ADDRESSES " 0001 0004 0002 0004"
/* 192.0.2.1:50000 to 13.107.6.152:443, TCP, 1,000 bytes, 10 packets. */
#define ADDRESSES "c0000201 0d6b0698 c350 01bb 06"
#define DATA      "0100 0019 " ADDRESSES " 000003e8 0000000a"

static void a_flow(void **state)
{
    (void)state;
    begin();
    CHECK_INT(0, take_ipfix(0, 7, DATA), "data before the template is no error");
    CHECK_INT(0, flows.n, "it is not guessed");
    CHECK_INT(1, x.counters.no_template, "it is counted");
    CHECK_INT(0, take_ipfix(1, 7, TEMPLATE DATA), "template and data in one message");
    CHECK_INT(1, flows.n, "one flow");
    const struct flow_record *f = &flows.list[0];
    CHECK_TEXT("192.0.2.1 50000", address_of(&f->from), "source");
    CHECK_TEXT("13.107.6.152 443", address_of(&f->to), "destination");
    CHECK_INT(6, f->protocol, "protocol");
    CHECK_INT(1000, f->count.bytes, "bytes");
    CHECK_INT(10, f->count.packets, "packets");
    CHECK_INT(1, f->count.flows, "flows");
    CHECK_INT(0, f->reverse.bytes, "no reverse");
    CHECK_INT(7, f->domain, "domain");
    CHECK_INT(0, f->sampling, "no sampling announced");
    take_ipfix(2, 8, DATA);
    CHECK_INT(0, flows.n, "templates of another domain do not count");
    take_ipfix(2, 7, "0100 001c" ADDRESSES "000003e8 0000000a 000000 [padding]");
    CHECK_INT(1, flows.n, "padding is no record");
    take_ipfix(3, 7,
               "0100 002e" ADDRESSES "000003e8 0000000a" ADDRESSES "00000001 00000001");
    CHECK_INT(2, flows.n, "two records");
    CHECK_INT(0, x.counters.lost, "nothing lost");
}

static void layouts(void **state)
{
    (void)state;
    static const struct {
        const char *what, *sets;
        uint64_t bytes, packets, reverse_bytes, reverse_packets;
        enum flow_side side;
        int64_t age_ms, duration_ms;
    } cases[] = {
        {"counts of 8 bytes",
         "0002 0018 0100 0004 0008 0004 000c 0004 0001 0008 0002 0008"
         "0100 001c c0000201 0d6b0698 0000000100000000 000000000000000a",
         INT64_C(1) << 32, 10, 0, 0, 0, 0, 0},
        {"counts of 3 and 1 bytes",
         "0002 0018 0100 0004 0008 0004 000c 0004 0001 0003 0002 0001"
         "0100 0010 c0000201 0d6b0698 010000 0a",
         65536, 10, 0, 0, 0, 0, 0},
        {"an enterprise's own field, and one of variable length",
         "{0002 0100 0006 0008 0004 8001 0004 00001234 000c 0004 0052 ffff 0001 0004 0002 0004}"
         "{0100 c0000201 ffffffff 0d6b0698 04 65746830 00000400 0000000a"
         " c0000201 ffffffff 0d6b0698 ff 0000 00000400 00000000}",
         1024, 10, 0, 0, 0, 0, 0},
        {"a biflow (RFC 5103)",
         "0002 0028 0100 0006 0008 0004 000c 0004 0001 0004 0002 0004 8001 0004 00007279 8002 0004 00007279"
         "0100 001c c0000201 0d6b0698 00000064 00000001 00000c80 00000003",
         100, 1, 3200, 3, 0, 0, 0},
        {"initiator and responder (firewalls)",
         "0002 0020 0100 0006 0008 0004 000c 0004 00e7 0004 00e8 0004 012a 0004 012b 0004"
         "0100 001c c0000201 0d6b0698 00000064 00000c80 00000001 00000003",
         100, 1, 3200, 3, 0, 0, 0},
        {"octets of layer 2",
         "0002 0018 0100 0004 0008 0004 000c 0004 0160 0004 0002 0004"
         "0100 0014 c0000201 0d6b0698 000003e8 0000000a",
         1000 - 10 * 14, 10, 0, 0, 0, 0, 0},
        {"octets of layer 2 with a VLAN tag",
         "0002 001c 0100 0005 0008 0004 000c 0004 0160 0004 0002 0004 00f3 0002"
         "0100 0016 c0000201 0d6b0698 000003e8 0000000a 0064",
         1000 - 10 * 18, 10, 0, 0, 0, 0, 0},
        {"direction 0 with an interface",
         "0002 0020 0100 0006 0008 0004 000c 0004 0001 0004 000a 0004 000e 0004 003d 0001"
         "0100 0019 c0000201 0d6b0698 00000001 00000002 00000003 00",
         1, 0, 0, 0, FLOW_AT_INGRESS, 0, 0},
        {"direction 1 with an interface",
         "0002 0020 0100 0006 0008 0004 000c 0004 0001 0004 000a 0004 000e 0004 003d 0001"
         "0100 0019 c0000201 0d6b0698 00000001 00000002 00000003 01",
         1, 0, 0, 0, FLOW_AT_EGRESS, 0, 0},
        {"direction 1 without an interface",
         "{0002 0100 0004 0008 0004 000c 0004 0001 0004 003d 0001} {0100 c0000201 0d6b0698 00000001 01}",
         1, 0, 0, 0, FLOW_SIDE_UNKNOWN, 0, 0},
        {"direction always 0, as of softflowd",
         "0002 0020 0100 0006 0008 0004 000c 0004 0001 0004 000a 0004 000e 0004 003d 0001"
         "0100 0019 c0000201 0d6b0698 00000001 00000000 00000000 00",
         1, 0, 0, 0, FLOW_SIDE_UNKNOWN, 0, 0},
        {"times in ms: 990 to 998 s",
         "0002 001c 0100 0005 0008 0004 000c 0004 0001 0004 0098 0008 0099 0008"
         "0100 0020 c0000201 0d6b0698 00000001 00000000000f1b30 00000000000f3a70",
         1, 0, 0, 0, 0, 2000, 8000},
        {"times in s",
         "0002 001c 0100 0005 0008 0004 000c 0004 0001 0004 0096 0004 0097 0004"
         "0100 0018 c0000201 0d6b0698 00000001 000003de 000003e6",
         1, 0, 0, 0, 0, 2000, 8000},
        {"times of NTP: 990.5 to 998.75 s",
         "0002 001c 0100 0005 0008 0004 000c 0004 0001 0004 009c 0008 009d 0008"
         "0100 0020 c0000201 0d6b0698 00000001 83aa825e80000000 83aa8266c0000000",
         1, 0, 0, 0, 0, 1250, 8250},
        {"times before the export in us",
         "0002 001c 0100 0005 0008 0004 000c 0004 0001 0004 009e 0004 009f 0004"
         "0100 0018 c0000201 0d6b0698 00000001 00989680 001e8480",
         1, 0, 0, 0, 0, 2000, 8000},
        {"start and length",
         "0002 001c 0100 0005 0008 0004 000c 0004 0001 0004 0098 0008 00a1 0004"
         "0100 001c c0000201 0d6b0698 00000001 00000000000f1b30 00001f40",
         1, 0, 0, 0, 0, 2000, 8000},
        {"uptimes, and no start of the system: only the length is known",
         "0002 001c 0100 0005 0008 0004 000c 0004 0001 0004 0016 0004 0015 0004"
         "0100 0018 c0000201 0d6b0698 00000001 00002710 00004e20",
         1, 0, 0, 0, 0, 0, 10000},
        {"uptimes and the start of the system in the record: 900 s, up 90 to 98 s",
         "0002 0020 0100 0006 0008 0004 000c 0004 0001 0004 0016 0004 0015 0004 00a0 0008"
         "0100 0020 c0000201 0d6b0698 00000001 00015f90 00017ed0 00000000000dbba0",
         1, 0, 0, 0, 0, 2000, 8000},
        {"an end before the start, and after the export",
         "0002 001c 0100 0005 0008 0004 000c 0004 0001 0004 0098 0008 0099 0008"
         "0100 0020 c0000201 0d6b0698 00000001 ffffffffffffffff 0fffffffffffffff",
         1, 0, 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        CHECK_INT(0, take_ipfix(0, 0, cases[i].sets), cases[i].what);
        CHECK(flows.n >= 1, "%s: no flow", cases[i].what);
        const struct flow_record *f = &flows.list[0];
        CHECK_TEXT("13.107.6.152 0", address_of(&f->to), cases[i].what);
        CHECK_INT(cases[i].bytes, f->count.bytes, cases[i].what);
        CHECK_INT(cases[i].packets, f->count.packets, cases[i].what);
        CHECK_INT(cases[i].reverse_bytes, f->reverse.bytes, cases[i].what);
        CHECK_INT(cases[i].reverse_packets, f->reverse.packets, cases[i].what);
        CHECK_INT(cases[i].side, f->side, cases[i].what);
        CHECK_INT(cases[i].age_ms, f->age_ns / NS_PER_MS, cases[i].what);
        CHECK_INT(cases[i].duration_ms, f->duration_ns / NS_PER_MS, cases[i].what);
    }
}

static void both_families(void **state)
{
    (void)state;
    static const char template[] =
        "0002 001c 0100 0005 0008 0004 000c 0004 001b 0010 001c 0010 0001 0004";
    char sets[512];
    begin();
    snprintf(sets, sizeof sets, "%s 0100 0030 %s", template,
             "00000000 00000000 20010db8000000000000000000000001"
             "26031006000000000000000000000010 00000001");
    take_ipfix(0, 0, sets);
    CHECK_TEXT("2603:1006::10 0", address_of(&flows.list[0].to), "IPv4 is 0");
    take_ipfix(1, 0,
               "0100 0030 c0000201 0d6b0698 00000000000000000000000000000000"
               "00000000000000000000000000000000 00000001");
    CHECK_TEXT("13.107.6.152 0", address_of(&flows.list[0].to), "IPv6 is 0");
}

static void sampling(void **state)
{
    /* the flow's template 256 has FLOW_SAMPLER_ID, 257 selectorId, 258 neither */
    static const char templates[] =
        "{0002 0100 0004 0008 0004 000c 0004 0001 0004 0030 0001"
        " 0101 0004 0008 0004 000c 0004 0001 0004 012e 0002"
        " 0102 0004 0008 0004 000c 0004 0001 0004 000a 0002}";
    static const char *const data[] = {"0100 0011 c0000201 0d6b0698 00000001 %02x",
                                       "0101 0012 c0000201 0d6b0698 00000001 %04x",
                                       "0102 0012 c0000201 0d6b0698 00000001 %04x"};
    static const struct {
        const char *what, *options;
        size_t data;
        unsigned id;
        double expected;
        bool unknown;
    } cases[] = {
        {"nothing announced", "", 2, 0, 0, false},
        {"a sampler that was not announced", "", 0, 3, 0, true},
        {"sampler 0 is none", "", 0, 0, 0, false},
        {"sampler 3, one in 100 (scope: meteringProcessId)",
         "{0003 0110 0004 0001 008f 0004 0030 0001 0031 0001 0032 0004 0000}"
         "{0110 00000001 03 02 00000064}",
         0, 3, 100, false},
        {"another sampler",
         "{0003 0110 0004 0001 008f 0004 0030 0001 0031 0001 0032 0004 0000}"
         "{0110 00000001 03 02 00000064}",
         0, 4, 0, true},
        {"selector 9: 1 packet, then a space of 127",
         "{0003 0110 0003 0001 012e 0002 0131 0004 0132 0004} {0110 0009 00000001 0000007f}",
         1, 9, 128, false},
        {"selector 9: 2 of 50",
         "{0003 0110 0003 0001 012e 0002 0135 0004 0136 0004} {0110 0009 00000002 00000032}",
         1, 9, 25, false},
        {"selector 9: probability 0.125",
         "{0003 0110 0002 0001 012e 0002 0137 0008} {0110 0009 3fc0000000000000}", 1, 9,
         8, false},
        {"the domain: samplingInterval",
         "{0003 0110 0003 0001 0090 0004 0022 0004 0023 0001} {0110 00000001 000003e8 01}",
         2, 0, 1000, false},
        {"interface 0, which is none: the domain (softflowd)",
         "{0003 0110 0002 0001 000a 0004 0022 0004} {0110 00000000 0000000a}", 2, 7, 10,
         false},
        {"interface 5, and this flow came in by it",
         "{0003 0110 0002 0001 000a 0004 0022 0004} {0110 00000005 00000020}", 2, 5, 32,
         false},
        {"interface 5, and this flow came in by 6",
         "{0003 0110 0002 0001 000a 0004 0022 0004} {0110 00000005 00000020}", 2, 6, 0,
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sets[1024], record[128];
        begin();
        snprintf(record, sizeof record, data[cases[i].data], cases[i].id);
        snprintf(sets, sizeof sets, "%s %s %s", templates, cases[i].options, record);
        CHECK_INT(0, take_ipfix(0, 1, sets), cases[i].what);
        CHECK_INT(1, flows.n, cases[i].what);
        CHECK_NEAR(cases[i].expected, flows.list[0].sampling, 1e-9, cases[i].what);
        CHECK_INT(cases[i].unknown, flows.list[0].sampler_unknown, cases[i].what);
    }
    begin();
    take_ipfix(
        0, 0,
        "{0003 0110 0003 0001 0090 0004 0022 0004 0023 0001} {0110 00000001 000003e8 01}");
    take_ipfix(0, 1, TEMPLATE DATA);
    CHECK_NEAR(1000, flows.list[0].sampling, 0, "domain 0 is the whole exporter");
}

static void netflow9(void **state)
{
    (void)state;
    begin();
    /* template 300: addresses, octets, packets, last, first; system up 90 to 98 s */
    take_v9(
        1, 5,
        "0000 0020 012c 0006 0008 0004 000c 0004 0001 0004 0002 0004 0015 0004 0016 0004");
    take_v9(2, 5, "012c 001c c0000201 0d6b0698 00000064 00000002 00017ed0 00015f90");
    CHECK_INT(1, flows.n, "a flow");
    CHECK_INT(2000, flows.list[0].age_ns / NS_PER_MS, "age");
    CHECK_INT(8000, flows.list[0].duration_ns / NS_PER_MS, "duration");
    take_v9(3, 5, "012c 001c c0000201 0d6b0698 00000064 00000002 00000001 fffffc18");
    CHECK_INT(99999, flows.list[0].age_ns / NS_PER_MS, "age");
    CHECK_INT(1001, flows.list[0].duration_ns / NS_PER_MS,
              "the uptime wrapped meanwhile");
    /* options: scope interface (2 bytes), sampling interval and algorithm; padded */
    take_v9(
        4, 5,
        "0001 0018 012d 0004 0008 0002 0002 0022 0004 0023 0001 0000 012d 000c 0005 00000040 01 00");
    take_v9(5, 5,
            "0000 0018 012e 0004 0008 0004 000c 0004 0001 0004 000a 0002"
            "012e 0014 c0000201 0d6b0698 00000064 0005 0000");
    CHECK_NEAR(64, flows.list[0].sampling, 0, "sampling of the interface");
    take_v9(6, 5,
            "0000 0018 8001 0004 0008 0004 000c 0004 0001 0004 8002 0002"
            "8001 0014 c0000201 0d6b0698 00000064 0005 0000");
    CHECK_INT(1, flows.n, "numbers above 32767 are no enterprise bit");
    CHECK_INT(0, x.counters.lost, "nothing lost");
    take_v9(10, 5, "");
    CHECK_INT(3, x.counters.lost, "three datagrams lost");
    take_v9(8, 5, "");
    CHECK_INT(2, x.counters.lost, "one of them came late");
    take_v9(20, 6, "");
    CHECK_INT(2, x.counters.lost, "each source counts on its own");
    CHECK_INT(
        0,
        take_ipfix(0, 5,
                   "012c 001c c0000201 0d6b0698 00000064 00000002 00017ed0 00015f90"),
        "");
    CHECK_INT(0, flows.n, "a template of NetFlow v9 is none of IPFIX");
}

static void start_of_the_system(void **state)
{
    (void)state;
    begin();
    /* started at 900 s: 1000 s is 100 s after it */
    take_ipfix(
        0, 0,
        "{0003 0110 0002 0001 0090 0004 00a0 0008} {0110 00000001 00000000000dbba0}"
        "0002 001c 0100 0005 0008 0004 000c 0004 0001 0004 0016 0004 0015 0004");
    take_ipfix(1, 0, "0100 0018 c0000201 0d6b0698 00000001 00015f90 00017ed0");
    CHECK_INT(2000, flows.list[0].age_ns / NS_PER_MS, "age from the option's start");
}

static void lost_records(void **state)
{
    (void)state;
    begin();
    take_ipfix(100, 0, TEMPLATE DATA);
    take_ipfix(101, 0, DATA);
    CHECK_INT(0, x.counters.lost, "in order");
    take_ipfix(142, 0, DATA);
    CHECK_INT(40, x.counters.lost, "40 records are missing");
    take_ipfix(110, 0,
               "0100 002e" ADDRESSES "000003e8 0000000a" ADDRESSES "00000001 00000001");
    CHECK_INT(38, x.counters.lost, "two of them came late");
    take_ipfix(143, 0, "0101 0014 00000000000000000000000000000000");
    take_ipfix(243, 0, DATA);
    CHECK_INT(38, x.counters.lost, "what had no template had any number of records");
    take_ipfix(5, 0, DATA);
    take_ipfix(6, 0, DATA);
    take_ipfix(7, 0, DATA);
    take_ipfix(8, 0, DATA);
    take_ipfix(10, 0, DATA);
    CHECK_INT(38 - 2 + 1, x.counters.lost, "after a restart it counts anew");
    begin();
    take_ipfix(1, 0, TEMPLATE DATA);
    take_ipfix(3, 0,
               "0100 002e" ADDRESSES "000003e8 0000000a" ADDRESSES "00000001 00000001");
    take_ipfix(4, 0, DATA);
    take_ipfix(6, 0,
               "0100 002e" ADDRESSES "000003e8 0000000a" ADDRESSES "00000001 00000001");
    CHECK_INT(0, x.counters.lost,
              "softflowd's number includes the message's own records");
    take_ipfix(18, 0,
               "0100 002e" ADDRESSES "000003e8 0000000a" ADDRESSES "00000001 00000001");
    CHECK_INT(10, x.counters.lost, "ten are missing");
}

static void lives_of_templates(void **state)
{
    (void)state;
    begin();
    take_ipfix(0, 0, TEMPLATE DATA);
    take_ipfix(1, 0, "0002 0008 0100 0000 [withdrawn]" DATA);
    CHECK_INT(0, flows.n, "withdrawn");
    take_ipfix(1, 0, TEMPLATE);
    take_ipfix(1, 0, "0002 0008 0002 0000 [all withdrawn]" DATA);
    CHECK_INT(0, flows.n, "all withdrawn");
    take_ipfix(1, 0, TEMPLATE);
    now.ns += IPFIX_LIFETIME_NS;
    take_ipfix(1, 0, DATA);
    CHECK_INT(1, flows.n, "old, but not too old");
    now.ns += 1;
    take_ipfix(2, 0, DATA);
    CHECK_INT(0, flows.n, "expired");
    ipfix_turn(&x, now);
    CHECK_INT(0, x.n_templates, "and removed");
    take_ipfix(2, 0, TEMPLATE);
    take_ipfix(
        2, 0,
        "0002 0014 0100 0003 0008 0004 000c 0004 0001 0002 0100 000e c0000201 0d6b0698 0010");
    CHECK_INT(16, flows.list[0].count.bytes, "another layout replaces it");
    for (unsigned id = 256; id < 256 + 2 * IPFIX_TEMPLATES_MAX; id++) {
        char set[64];
        snprintf(set, sizeof set, "0002 0010 %04x 0002 000c 0004 0001 0002", id);
        take_ipfix(3, 1, set);
    }
    CHECK_INT(IPFIX_TEMPLATES_MAX, x.n_templates, "their number is bounded");
    CHECK_INT(IPFIX_TEMPLATES_MAX + 1, x.counters.not_kept, "the others are counted");
    take_ipfix(3, 0, "0100 000e c0000201 0d6b0698 0010");
    CHECK_INT(1, flows.n, "those in use are kept");
    now.ns += 11 * 60 * NS_PER_S;
    take_ipfix(3, 2, TEMPLATE DATA);
    CHECK_INT(1, flows.n, "those that are not renewed make room");
}

/* After a restart the same number may be another layout: nothing is decoded by the old one. */
static void a_restart(void **state)
{
    static const char v9[] =
        "0000 0018 0100 0004 0008 0004 000c 0004 0001 0004 0002 0004",
                      other[] =
                          "0000 0018 0100 0004 0008 0004 000c 0004 0002 0004 0001 0004",
                      data[] = "0100 0014 c0000201 0d6b0698 0000000a 000003e8";
    static const struct {
        const char *what;
        uint32_t uptime_ms, export_s, later_ms, later_s;
        bool restarted;
    } cases[] = {
        {"uptime of 10 days, then of 2 s", 900000000, 1000, 2000, 1060, true},
        {"of 40 days, then of 2 s", 3456000000, 1000, 2000, 1060, true},
        {"the uptime wraps", 4294967000, 1000, 4704, 1005, false},
        {"a datagram comes late", 100000, 1000, 98000, 998, false},
        {"it goes on", 100000, 1000, 160000, 1060, false},
        {"it goes on, the clock was set", 100000, 1000, 160000, 900000, false},
        {"long after", 100000, 1000, 2000100000, 2001000, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        take_v9_at(cases[i].uptime_ms, cases[i].export_s, 500, 1, v9);
        take_v9_at(cases[i].uptime_ms, cases[i].export_s, 77, 2, v9);
        take_v9_at(cases[i].later_ms, cases[i].later_s, cases[i].restarted ? 0 : 501, 1,
                   data);
        CHECK_INT(!cases[i].restarted, flows.n, cases[i].what);
        CHECK_INT(cases[i].restarted, x.counters.no_template, cases[i].what);
        CHECK_INT(0, x.counters.lost, cases[i].what);
        take_v9_at(cases[i].uptime_ms, cases[i].export_s, 78, 2, data);
        CHECK_INT(1, flows.n, "another domain goes on");
        take_v9_at(cases[i].later_ms, cases[i].later_s, cases[i].restarted ? 1 : 502, 1,
                   other);
        take_v9_at(cases[i].later_ms, cases[i].later_s, cases[i].restarted ? 2 : 503, 1,
                   data);
        CHECK_INT(1000, flows.list[0].count.bytes, cases[i].what);
    }
    begin();
    take_ipfix(700, 1, TEMPLATE DATA);
    take_ipfix(0, 1, DATA);
    CHECK_INT(0, flows.n, "IPFIX: the sequence is 0 again");
    CHECK_INT(1, x.counters.no_template, "it is counted");
    take_ipfix(1, 1, TEMPLATE DATA);
    CHECK_INT(1, flows.n, "a template of the new start");
    begin();
    take_ipfix(0, 1, TEMPLATE DATA);
    take_ipfix(0, 1, DATA);
    CHECK_INT(1, flows.n, "an exporter whose sequence is always 0");
    take_ipfix(0xffffffff, 1, DATA);
    take_ipfix(0, 1, DATA);
    CHECK_INT(1, flows.n, "a sequence that wraps");
}

static void malformed(void **state)
{
    static const struct {
        const char *what, *sets;
    } cases[] = {
        {"a set that is longer than the message", "0002 0100"},
        {"a set shorter than its header", "0002 0003 00000000"},
        {"a template with fewer fields than it says", "0002 000c 0100 0002 0001 0004"},
        {"a template number of a set", "0002 000c 00ff 0001 0001 0004"},
        {"a record that ends within a field of variable length",
         "0002 0010 0100 0002 0052 ffff 000c 0004 0100 0009 ff ffff 0000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        CHECK_INT(-EBADMSG, take_ipfix(0, 0, cases[i].sets), cases[i].what);
        CHECK_INT(1, x.counters.bad_datagrams, cases[i].what);
    }
    begin();
    CHECK_INT(0, take_ipfix(0, 0, "0002 000c 0100 0001 0001 0000 0100 0008 00000000"),
              "a record of no bytes would never end");
    CHECK_INT(0, x.n_templates, "its template is not kept");
    static const uint8_t half[] = {0, 10, 0, 16, 0, 0};
    CHECK_INT(-EBADMSG, ipfix_take(&x, half, sizeof half, now, keep_flow, &flows),
              "half a header");
    static const uint8_t other[16] = {0, 11, 0, 16};
    CHECK_INT(-EBADMSG, ipfix_take(&x, other, sizeof other, now, keep_flow, &flows),
              "version 11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow),        cmocka_unit_test(layouts),
        cmocka_unit_test(both_families), cmocka_unit_test(sampling),
        cmocka_unit_test(netflow9),      cmocka_unit_test(start_of_the_system),
        cmocka_unit_test(lost_records),  cmocka_unit_test(lives_of_templates),
        cmocka_unit_test(a_restart),     cmocka_unit_test(malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
