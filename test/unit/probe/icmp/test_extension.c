/* Extensions of ICMP errors, written down by hand after RFC 4884 and RFC 4950. */
#include "check.h"

#include "probe/icmp/extension.h"

/* label 24001, class 5, TTL 1; label 17, bottom of the stack, TTL 1 */
#define OBJECT 0, 12, 1, 1, 0x05, 0xdc, 0x1a, 0x01, 0x00, 0x01, 0x11, 0x01

static const struct {
    const char *what;
    uint8_t bytes[64];
    size_t len;
    bool valid;
    size_t labels;
} cases[] = {
    {"two labels, no checksum", {0x20, 0, 0, 0, OBJECT}, 16, true, 2},
    {"a right checksum", {0x20, 0, 0xae, 0x13, OBJECT}, 16, true, 2},
    {"a wrong checksum", {0x20, 0, 0xae, 0x14, OBJECT}, 16, false, 0},
    {"version 1", {0x10, 0, 0, 0, OBJECT}, 16, false, 0},
    {"nothing", {0}, 0, false, 0},
    {"half a header", {0x20, 0}, 2, false, 0},
    {"no object", {0x20, 0, 0, 0}, 4, true, 0},
    {"an object longer than the message", {0x20, 0, 0, 0, OBJECT}, 15, false, 0},
    {"an object shorter than its header", {0x20, 0, 0, 0, 0, 3, 1, 1}, 8, false, 0},
    {"half an object header", {0x20, 0, 0, 0, 0, 8}, 6, false, 0},
    {"another class", {0x20, 0, 0, 0, 0, 8, 2, 1, 1, 2, 3, 4}, 12, true, 0},
    {"another type", {0x20, 0, 0, 0, 0, 8, 1, 2, 1, 2, 3, 4}, 12, true, 0},
    {"another class, then labels",
     {0x20, 0, 0, 0, 0, 8, 2, 1, 1, 2, 3, 4, OBJECT},
     24,
     true,
     2},
    {"half a label", {0x20, 0, 0, 0, 0, 6, 1, 1, 1, 2}, 10, true, 0},
};

static void structures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct icmp_extension e;
        bool valid = icmp_extension_read(&e, wire_from(cases[i].bytes, cases[i].len));
        CHECK_INT(cases[i].valid, valid, cases[i].what);
        CHECK_INT(cases[i].labels, e.n_labels, cases[i].what);
        if (e.n_labels < 2)
            continue;
        CHECK_INT(24001, e.labels[0].label, cases[i].what);
        CHECK_INT(5, e.labels[0].traffic_class, cases[i].what);
        CHECK_INT(false, e.labels[0].bottom, cases[i].what);
        CHECK_INT(1, e.labels[0].ttl, cases[i].what);
        CHECK_INT(17, e.labels[1].label, cases[i].what);
        CHECK_INT(true, e.labels[1].bottom, cases[i].what);
    }
}

static void deep_stack(void **state)
{
    (void)state;
    uint8_t bytes[4 + 4 + 20 * 4] = {0x20, 0, 0, 0, 0, 84, 1, 1};
    struct icmp_extension e;
    CHECK(icmp_extension_read(&e, wire_from(bytes, sizeof bytes)), "20 labels");
    CHECK_INT(MPLS_LABELS_MAX, e.n_labels, "as many as there is room for");
}

/* The length field: byte 5 in units of 4 for IPv4, byte 4 in units of 8 for IPv6. */
static void whole_errors(void **state)
{
    (void)state;
    static const uint8_t structure[] = {0x20, 0, 0, 0, OBJECT};
    uint8_t four[8 + 128 + sizeof structure] = {11, 0, 0, 0, 0, 32};
    uint8_t six[8 + 128 + sizeof structure] = {3, 0, 0, 0, 16};
    struct icmp_extension e;
    memcpy(four + 136, structure, sizeof structure);
    memcpy(six + 136, structure, sizeof structure);
    CHECK(icmp_extension_find(&e, wire_from(four, sizeof four), FAMILY_IPV4), "IPv4");
    CHECK_INT(2, e.n_labels, "IPv4");
    CHECK(icmp_extension_find(&e, wire_from(six, sizeof six), FAMILY_IPV6), "IPv6");
    CHECK_INT(2, e.n_labels, "IPv6");
    CHECK(!icmp_extension_find(&e, wire_from(four, 136), FAMILY_IPV4), "cut off");
    CHECK(!icmp_extension_find(&e, wire_from(four, 50), FAMILY_IPV4), "short quote");
    four[5] = 0;
    CHECK(!icmp_extension_find(&e, wire_from(four, sizeof four), FAMILY_IPV4),
          "no length");
    four[5] = 31;
    CHECK(!icmp_extension_find(&e, wire_from(four, sizeof four), FAMILY_IPV4),
          "less than 128 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structures),
        cmocka_unit_test(deep_stack),
        cmocka_unit_test(whole_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
