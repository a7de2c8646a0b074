#include "check.h"

#include "probe/path/datagram.h"

static uint32_t sum_of(const uint8_t *bytes)
{
    uint32_t sum = 0;
    for (int i = 0; i < DATAGRAM_BYTES; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void round_trip(void **state)
{
    (void)state;
    uint8_t first[DATAGRAM_BYTES], bytes[DATAGRAM_BYTES];
    datagram_write(first, 0x0123456789abcdef, (struct trace_query){1, 0});
    for (uint8_t ttl = 1; ttl <= TRACE_TTL_MAX; ttl++)
        for (uint8_t round = 0; round < TRACE_QUERIES; round++) {
            struct trace_query q;
            datagram_write(bytes, 0x0123456789abcdef, (struct trace_query){ttl, round});
            CHECK_INT(sum_of(first), sum_of(bytes), "one checksum for all");
            CHECK_INT(
                DATAGRAM_OURS,
                datagram_read(wire_from(bytes, sizeof bytes), 0x0123456789abcdef, &q),
                "ours");
            CHECK(q.ttl == ttl && q.round == round, "TTL %u, round %u", q.ttl, q.round);
            CHECK_INT(DATAGRAM_FOREIGN,
                      datagram_read(wire_from(bytes, sizeof bytes), 7, &q),
                      "another tag");
            for (size_t len = 0; len < 10; len++)
                CHECK_INT(DATAGRAM_SHORT,
                          datagram_read(wire_from(bytes, len), 0x0123456789abcdef, &q),
                          "a short quote");
        }
    struct trace_query q;
    bytes[8] = 31;
    CHECK_INT(DATAGRAM_FOREIGN,
              datagram_read(wire_from(bytes, sizeof bytes), 0x0123456789abcdef, &q),
              "no such TTL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
