#include "base/wire.h"
#include "check.h"

static void reads_in_network_order(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct wire w = wire_from(bytes, sizeof bytes);
    CHECK_INT(1, wire_u8(&w), "u8");
    CHECK_INT(0x0203, wire_u16(&w), "u16");
    CHECK_INT(0x04050607, wire_u32(&w), "u32");
    CHECK_INT(0x08090a0b0c0d0e0f, wire_u64(&w), "u64");
    CHECK(wire_ok(&w) && w.left == 0, "all was there");
}

static void a_short_read_sticks(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3};
    struct wire w = wire_from(bytes, sizeof bytes);
    CHECK_INT(0, wire_u32(&w), "four of three bytes");
    CHECK_INT(0, wire_u8(&w), "and everything after it");
    CHECK(!wire_ok(&w), "it is said");
}

static void a_view_is_bounded(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4};
    struct wire w = wire_from(bytes, sizeof bytes);
    struct wire body = wire_take(&w, 2);
    CHECK_INT(0x0102, wire_u16(&body), "inside");
    CHECK_INT(0, wire_u8(&body), "not beyond");
    CHECK(!wire_ok(&body) && wire_ok(&w), "only the view is short");
    CHECK_INT(0x0304, wire_u16(&w), "the rest is untouched");
    uint8_t copy[2] = {9, 9};
    wire_copy(&w, copy, sizeof copy);
    CHECK_INT(0, copy[0] + copy[1], "a short copy is zeros");
}

static void writing_stops_at_the_end(void **state)
{
    (void)state;
    uint8_t bytes[8] = {0};
    struct wire_out out = wire_to(bytes, 7);
    wire_put_u16(&out, 0x0102);
    wire_put_u32(&out, 0x03040506);
    wire_put_u16(&out, 0x0708);
    CHECK(out.no_room, "two bytes do not fit into one");
    CHECK_INT(6, bytes[5], "what fitted is there");
    CHECK_INT(0, bytes[6] + bytes[7], "nothing else is");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_network_order),
        cmocka_unit_test(a_short_read_sticks),
        cmocka_unit_test(a_view_is_bounded),
        cmocka_unit_test(writing_stops_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
