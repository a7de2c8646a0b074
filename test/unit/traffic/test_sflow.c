/* sFlow version 5, by the XDR of its specification. */
#include "traffic/sflow.h"

#include "datagram.h"

#include <errno.h>

static struct sflow x;
static struct flow_list flows;

#define MACS "0200000000010200000000ff"
/* 1,500 bytes, UDP, 192.0.2.1:50000 to 13.107.6.152:443 */
#define IP4 "450005dc 00004000 40110000 c0000201 0d6b0698 c350 01bb 05c8 0000"
#define IP6                                                                                 \
    "60000000 05c8 11 40 20010db8000000000000000000000001 26031006000000000000000000000010" \
    "c350 01bb"

static void put(uint8_t *out, size_t *n, uint32_t word)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        out[(*n)++] = (uint8_t)(word >> shift);
}

/* A datagram with one sample of the format. */
static int take_sample(uint32_t number, uint32_t format, const char *hex)
{
    uint8_t bytes[DATAGRAM_MAX], sample[DATAGRAM_MAX], *copy;
    size_t len = from_hex(bytes, "00000005 00000001 c0000202 00000000"),
           n = from_hex(sample, hex);
    put(bytes, &len, number);
    put(bytes, &len, 100000);
    put(bytes, &len, 1);
    put(bytes, &len, format);
    put(bytes, &len, (uint32_t)n);
    memcpy(bytes + len, sample, n);
    copy = malloc(len + n);
    memcpy(copy, bytes, len + n);
    flows.n = 0;
    int rc = sflow_take(&x, copy, len + n, keep_flow, &flows);
    free(copy);
    return rc;
}

/* The record of a raw header, `frame` bytes long before it was sampled. */
static const char *raw(uint32_t protocol, uint32_t frame, uint32_t stripped,
                       const char *hex)
{
    static char out[1024];
    uint8_t header[DATAGRAM_MAX];
    size_t n = from_hex(header, hex), padded = (n + 3) / 4 * 4;
    int at = snprintf(out, sizeof out, "00000001 %08zx %08x %08x %08x %08zx", 16 + padded,
                      protocol, frame, stripped, n);
    for (size_t i = 0; i < padded; i++)
        at += snprintf(out + at, sizeof out - (size_t)at, "%02x", i < n ? header[i] : 0);
    return out;
}

static void packets(void **state)
{
    static const struct {
        const char *what;
        uint32_t protocol, frame, stripped;
        const char *header, *to;
        uint64_t bytes;
    } cases[] = {
        {"Ethernet, IPv4", 1, 1518, 4, MACS "0800" IP4, "13.107.6.152 443", 1500},
        {"Ethernet, IPv6", 1, 1538, 4, MACS "86dd" IP6, "2603:1006::10 443", 1520},
        {"VLAN", 1, 1522, 4, MACS "8100 0064 0800" IP4, "13.107.6.152 443", 1500},
        {"two VLANs", 1, 1526, 4, MACS "88a8 0064 8100 0064 86dd" IP6,
         "2603:1006::10 443", 1520},
        {"PPPoE", 1, 1526, 4, MACS "8864 1100 0001 05de 0021" IP4, "13.107.6.152 443",
         1500},
        {"MPLS", 1, 1526, 4, MACS "8847 00010000 00011140" IP4, "13.107.6.152 443", 1500},
        {"IPv4 alone", 11, 1500, 0, IP4, "13.107.6.152 443", 1500},
        {"the header ends before the ports", 11, 1500, 0,
         "450005dc 00004000 40110000 c0000201 0d6b0698", "13.107.6.152 0", 1500},
        {"a later fragment has no ports", 11, 1500, 0,
         "450005dc 00002001 40110000 c0000201 0d6b0698 c350 01bb", "13.107.6.152 0",
         1500},
        {"not cut into packets yet: length 0", 1, 65554, 0,
         MACS "0800 45000000 00004000 40110000 c0000201 0d6b0698 c350 01bb",
         "13.107.6.152 443", 65540},
        {"ARP", 1, 60, 4, MACS "0806 0001 0800 0604 0001", NULL, 0},
        {"half an IPv4 header", 1, 60, 4, MACS "0800 45000000 0000", NULL, 0},
        {"a header length below 20", 11, 60, 4,
         "440005dc 00004000 40110000 c0000201 0d6b0698", NULL, 0},
        {"version 5 of IP", 11, 60, 4,
         "540005dc 00004000 40110000 c0000201 0d6b0698"
         "00000000000000000000000000000000",
         NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sample[2048];
        x = (struct sflow){.n_agents = 0};
        snprintf(
            sample, sizeof sample,
            "00000001 00000002 00000190 00001000 00000000 00000002 00000003 00000001 %s",
            raw(cases[i].protocol, cases[i].frame, cases[i].stripped, cases[i].header));
        CHECK_INT(0, take_sample(1, 1, sample), cases[i].what);
        CHECK_INT(cases[i].to != NULL, flows.n, cases[i].what);
        if (cases[i].to == NULL)
            continue;
        CHECK_TEXT(cases[i].to, address_of(&flows.list[0].to), cases[i].what);
        CHECK_INT(cases[i].bytes, flows.list[0].count.bytes, cases[i].what);
        CHECK_INT(1, flows.list[0].count.packets, cases[i].what);
        CHECK_NEAR(400, flows.list[0].sampling, 0, cases[i].what);
        CHECK_INT(FLOW_AT_INGRESS, flows.list[0].side, cases[i].what);
    }
}

#define IPV4_RECORD                                                                      \
    "00000003 00000020 000005dc 00000011 c0000201 0d6b0698 0000c350 000001bb 00000000 00000000"
#define IPV6_RECORD                                                                      \
    "00000004 00000038 000005dc 00000011 20010db8000000000000000000000001"               \
    "26031006000000000000000000000010 0000c350 000001bb 00000000 00000000"
#define SWITCH_RECORD "000003e9 00000010 00000064 00000000 00000064 00000000"

/* Four gigabytes in one packet, by the frame's length or the record's. */
static void absurd_lengths(void **state)
{
    (void)state;
    char sample[2048];
    static const char head[] =
        "00000001 00000002 00000190 00001000 00000000 00000002 00000003 00000001";
    x = (struct sflow){.n_agents = 0};
    snprintf(sample, sizeof sample, "%s %s", head,
             raw(1, UINT32_MAX, 4,
                 MACS "0800 45000000 00004000 40110000 c0000201 0d6b0698 c350 01bb"));
    CHECK_INT(-EBADMSG, take_sample(1, 1, sample), "the frame");
    snprintf(sample, sizeof sample,
             "%s 00000003 00000020 ffffffff 00000011 c0000201 0d6b0698 0000c350 000001bb "
             "00000000 00000000",
             head);
    CHECK_INT(-EBADMSG, take_sample(2, 1, sample), "the record");
    CHECK_INT(2, x.counters.bad_datagrams, "counted");
    CHECK_INT(0, x.counters.flows, "no flow");
}

static void samples(void **state)
{
    static const struct {
        const char *what;
        uint32_t format;
        const char *sample, *to;
        enum flow_side side;
        double sampling;
        uint32_t input, output;
    } cases[] = {
        {"an IPv4 record after one of the switch", 1,
         "00000001 00000003 00000064 00001000 00000000 00000002 00000003 00000002" SWITCH_RECORD
             IPV4_RECORD,
         "13.107.6.152 443", FLOW_AT_EGRESS, 100, 2, 3},
        {"an expanded sample with an IPv6 record", 3,
         "00000001 00000000 12345678 00000064 00001000 00000000 00000000 12345678 00000000 00000003 00000001" IPV6_RECORD,
         "2603:1006::10 443", FLOW_AT_INGRESS, 100, 0x12345678, 3},
        {"interfaces not known (pmacct)", 1,
         "00000001 00000000 0000000a 00001000 00000000 3fffffff 3fffffff 00000001" IPV4_RECORD,
         "13.107.6.152 443", FLOW_SIDE_UNKNOWN, 10, 0, 0},
        {"to several interfaces", 1,
         "00000001 00000002 0000000a 00001000 00000000 00000002 80000004 00000001" IPV4_RECORD,
         "13.107.6.152 443", FLOW_AT_INGRESS, 10, 2, 0},
        {"discarded by the switch", 1,
         "00000001 00000002 0000000a 00001000 00000000 00000002 40000001 00000001" IPV4_RECORD,
         NULL, 0, 0, 0, 0},
        {"without a record of IP", 1,
         "00000001 00000002 0000000a 00001000 00000000 00000002 00000003 00000001" SWITCH_RECORD,
         NULL, 0, 0, 0, 0},
        {"counters of an interface", 2,
         "00000001 00000002 00000001 00000001 00000008 00000000 00000000", NULL, 0, 0, 0,
         0},
        {"of another enterprise", 0x1001, "00000001", NULL, 0, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        x = (struct sflow){.n_agents = 0};
        CHECK_INT(0, take_sample(1, cases[i].format, cases[i].sample), cases[i].what);
        CHECK_INT(cases[i].to != NULL, flows.n, cases[i].what);
        CHECK_INT(cases[i].format == 2, x.counters.interfaces, cases[i].what);
        if (cases[i].to == NULL)
            continue;
        const struct flow_record *f = &flows.list[0];
        CHECK_TEXT(cases[i].to, address_of(&f->to), cases[i].what);
        CHECK_INT(1500, f->count.bytes, cases[i].what);
        CHECK_INT(cases[i].side, f->side, cases[i].what);
        CHECK_NEAR(cases[i].sampling, f->sampling, 0, cases[i].what);
        CHECK_INT(cases[i].input, f->input, cases[i].what);
        CHECK_INT(cases[i].output, f->output, cases[i].what);
    }
}

static void malformed(void **state)
{
    static const uint8_t version4[28] = {0, 0, 0, 4, 0, 0, 0, 1};
    (void)state;
    x = (struct sflow){.n_agents = 0};
    CHECK_INT(-EBADMSG, take_sample(1, 1, "00000001 00000002"), "half a sample");
    CHECK_INT(-EBADMSG,
              take_sample(2, 1,
                          "00000001 00000002 0000000a 00001000 00000000 00000002"
                          "00000003 ffffffff"),
              "more records than there are");
    CHECK_INT(-EBADMSG,
              take_sample(3, 1,
                          "00000001 00000002 0000000a 00001000 00000000 00000002"
                          "00000003 00000001 00000001 fffffff0"),
              "a long record");
    CHECK_INT(-EBADMSG, take_sample(4, 2, "00000001 00000002 ffffffff"), "counters");
    CHECK_INT(-EBADMSG, sflow_take(&x, version4, sizeof version4, keep_flow, &flows),
              "version 4");
    CHECK_INT(5, x.counters.bad_datagrams, "all are counted");
    CHECK_INT(0, x.counters.lost, "none is lost");
    take_sample(15, 2, "00000001 00000002 00000000");
    CHECK_INT(10, x.counters.lost, "ten datagrams are missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets), cmocka_unit_test(absurd_lengths),
        cmocka_unit_test(samples), cmocka_unit_test(malformed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
