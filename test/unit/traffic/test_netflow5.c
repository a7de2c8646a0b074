/* NetFlow v5, by Cisco's table of its fields. */
#include "traffic/netflow5.h"

#include "core/time.h"

#include "datagram.h"

#include <errno.h>

static struct netflow5 x;
static struct flow_list flows;

#define RECORD                                                                           \
    "c0000201 0d6b0698 c00002fe 0002 0003 0000000a 000003e8 00015f90 00017ed0 c350 01bb" \
    "00 1b 06 00 0000 1f8b 18 10 0000"

static int take(const char *hex)
{
    uint8_t bytes[DATAGRAM_MAX];
    size_t len = from_hex(bytes, hex);
    flows.n = 0;
    return netflow5_take(&x, bytes, len, keep_flow, &flows);
}

static void a_flow(void **state)
{
    (void)state;
    x = (struct netflow5){.n_engines = 0};
    CHECK_INT(
        0, take("0005 0002 000186a0 000003e8 00000000 00000000 0001 4064" RECORD RECORD),
        "");
    CHECK_INT(2, flows.n, "two flows");
    const struct flow_record *f = &flows.list[1];
    CHECK_TEXT("192.0.2.1 50000", address_of(&f->from), "source");
    CHECK_TEXT("13.107.6.152 443", address_of(&f->to), "destination");
    CHECK_INT(6, f->protocol, "protocol");
    CHECK_INT(1000, f->count.bytes, "bytes");
    CHECK_INT(10, f->count.packets, "packets");
    CHECK_INT(2, f->input, "input");
    CHECK_INT(3, f->output, "output");
    CHECK_INT(2000, f->age_ns / NS_PER_MS, "age");
    CHECK_INT(8000, f->duration_ns / NS_PER_MS, "duration");
    CHECK_NEAR(100, f->sampling, 0, "sampling, without the bits of its mode");
    take(
        "0005 0001 00000064 000003e8 00000000 00000002 0001 0000"
        "c0000201 0d6b0698 c00002fe 0002 0003 0000000a 000003e8 ffffff38 00000032 c350 01bb"
        "00 1b 06 00 0000 1f8b 18 10 0000");
    CHECK_INT(50, flows.list[0].age_ns / NS_PER_MS, "age after the uptime wrapped");
    CHECK_INT(250, flows.list[0].duration_ns / NS_PER_MS, "duration while it wrapped");
    CHECK_INT(0, x.counters.lost, "in order");
    take("0005 0001 000186a0 000003e8 00000000 00000008 0001 0000" RECORD);
    CHECK_INT(5, x.counters.lost, "five flows are missing");
    take("0005 0001 000186a0 000003e8 00000000 00000100 0002 0000" RECORD);
    CHECK_INT(5, x.counters.lost, "each engine counts on its own");
}

static void a_restart(void **state)
{
    (void)state;
    x = (struct netflow5){.n_engines = 0};
    take("0005 0001 000186a0 000003e8 00000000 00000007 0001 0000" RECORD);
    take("0005 0001 00000064 000003ea 00000000 00000000 0001 0000" RECORD);
    take("0005 0001 000004b0 000003eb 00000000 00000001 0001 0000" RECORD);
    take("0005 0001 00000898 000003ec 00000000 00000002 0001 0000" RECORD);
    CHECK_INT(0, x.counters.lost, "the numbers begin again");
    take("0005 0001 00030d40 000004af 00000000 00000064 0001 0000" RECORD);
    CHECK_INT(97, x.counters.lost, "what is missing after it");
    take("0005 0001 00000064 000004b1 00000000 0000006a 0001 0000" RECORD);
    CHECK_INT(97, x.counters.lost, "numbers of the next start that are higher");
    x = (struct netflow5){.n_engines = 0};
    take("0005 0001 ffffff38 000003e8 00000000 00000007 0001 0000" RECORD);
    take("0005 0001 00000064 000003e8 00000000 0000000a 0001 0000" RECORD);
    CHECK_INT(2, x.counters.lost, "an uptime that wraps is no restart");
    take("0005 0001 00001388 000003ed 00000000 0000000c 0001 0000" RECORD);
    CHECK_INT(3, x.counters.lost, "one is late");
    take("0005 0001 00000fa0 000003ec 00000000 0000000b 0001 0000" RECORD);
    CHECK_INT(2, x.counters.lost, "an uptime of a datagram that is late is no restart");
}

static void malformed(void **state)
{
    (void)state;
    x = (struct netflow5){.n_engines = 0};
    CHECK_INT(-EBADMSG,
              take("0005 0002 000186a0 000003e8 00000000 00000000 0001 4064" RECORD),
              "fewer records than it says");
    CHECK_INT(-EBADMSG,
              take("0005 ffff 000186a0 000003e8 00000000 00000000 0001 4064" RECORD),
              "more records than fit");
    CHECK_INT(-EBADMSG, take("0005 0000 0001"), "half a header");
    CHECK_INT(-EBADMSG, take("0007 0000 000186a0 000003e8 00000000 00000000 0001 4064"),
              "version 7");
    CHECK_INT(4, x.counters.bad_datagrams, "all are counted");
    CHECK_INT(0, x.counters.flows, "none is used");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_flow),
                                       cmocka_unit_test(a_restart),
                                       cmocka_unit_test(malformed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
