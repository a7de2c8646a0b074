/* STUN messages: the test vectors of RFC 5769, what coturn sends, and broken ones. */
#include "check.h"

#include "probe/stun/message.h"

#define COOKIE          0x21, 0x12, 0xa4, 0x42
#define ID              0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
#define HEAD(a, b, len) a, b, 0, len, COOKIE, ID

/* RFC 5769, 2.2 and 2.3 */
static const uint8_t ipv4_response[] =
    "\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20"
    "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
    "\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53"
    "\xf0\x6b\xe7\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96";
static const uint8_t ipv6_response[] =
    "\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20"
    "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5"
    "\xbe\xd2\xb9\xd9"
    "\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75"
    "\xbf\xe3\xed\x41\x80\x28\x00\x04\xc8\xfb\x0b\x4c";

static void vectors_of_rfc_5769(void **unused)
{
    (void)unused;
    char text[ADDRESS_TEXT_MAX];
    struct stun_message m = stun_read(wire_from(ipv4_response, sizeof ipv4_response - 1));
    CHECK_INT(STUN_SUCCESS, m.class, "class");
    CHECK_TEXT("192.0.2.1", endpoint_address(text, &m.mapped), "mapped address");
    CHECK_INT(32853, m.mapped.port, "mapped port");
    CHECK(!m.damaged, "whole");
    m = stun_read(wire_from(ipv6_response, sizeof ipv6_response - 1));
    CHECK_TEXT("2001:db8:1234:5678:11:2233:4455:6677", endpoint_address(text, &m.mapped),
               "mapped address");
    CHECK_INT(32853, m.mapped.port, "mapped port");
    CHECK(memcmp(m.id.bytes, ipv6_response + 8, sizeof m.id.bytes) == 0, "id");
}

static void a_request(void **unused)
{
    (void)unused;
    static const uint8_t expected[] = {HEAD(0, 1, 0)};
    struct stun_id id = {{ID}};
    uint8_t bytes[STUN_REQUEST_LEN];
    stun_write_request(bytes, &id);
    CHECK(memcmp(bytes, expected, sizeof expected) == 0, "as RFC 8489, 5 draws it");
    CHECK_INT(STUN_REQUEST, stun_read(wire_from(bytes, sizeof bytes)).class, "class");
}

#define PLAIN 0, 1, 0, 8, 0, 1, 0x12, 0x34, 192, 0, 2, 7
#define XORED 0, 0x20, 0, 8, 0, 1, 0x33, 0x26, 225, 18, 166, 69

static const struct {
    const char *what;
    uint8_t bytes[64];
    size_t len;
    enum stun_class class;
    const char *mapped;
    uint16_t error;
    bool damaged;
} cases[] = {
    {"nothing", {0}, 0, STUN_NOT, "", 0, false},
    {"half a header", {HEAD(1, 1, 0)}, 19, STUN_NOT, "", 0, false},
    {"no attributes", {HEAD(1, 1, 0)}, 20, STUN_SUCCESS, "", 0, false},
    {"another cookie",
     {1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43, ID},
     20,
     STUN_NOT,
     "",
     0,
     false},
    {"a channel of TURN", {HEAD(0x41, 1, 0)}, 20, STUN_NOT, "", 0, false},
    {"an indication", {HEAD(0, 0x11, 0)}, 20, STUN_REQUEST, "", 0, false},
    {"of RFC 3489", {HEAD(1, 1, 12), PLAIN}, 32, STUN_SUCCESS, "192.0.2.7", 0, false},
    {"both, the masked one counts",
     {HEAD(1, 1, 24), 0, 1, 0, 8, 0, 1, 0x12, 0x34, 10, 0, 0, 1, XORED},
     44,
     STUN_SUCCESS,
     "192.0.2.7",
     0,
     false},
    {"two, the first counts",
     {HEAD(1, 1, 24), PLAIN, 0, 1, 0, 8, 0, 1, 0, 1, 10, 0, 0, 1},
     44,
     STUN_SUCCESS,
     "192.0.2.7",
     0,
     false},
    {"behind an unknown one with padding",
     {HEAD(1, 1, 20), 0x80, 0x99, 0, 1, 9, 0, 0, 0, PLAIN},
     40,
     STUN_SUCCESS,
     "192.0.2.7",
     0,
     false},
    {"an unknown family",
     {HEAD(1, 1, 12), 0, 1, 0, 8, 0, 3, 0, 1, 1, 2, 3, 4},
     32,
     STUN_SUCCESS,
     "",
     0,
     true},
    {"an IPv6 address of 4 bytes",
     {HEAD(1, 1, 12), 0, 1, 0, 8, 0, 2, 0, 1, 1, 2, 3, 4},
     32,
     STUN_SUCCESS,
     "",
     0,
     true},
    {"cut in the address", {HEAD(1, 1, 12), PLAIN}, 31, STUN_SUCCESS, "", 0, true},
    {"longer than it says", {HEAD(1, 1, 0), PLAIN}, 32, STUN_SUCCESS, "", 0, false},
    {"an attribute longer than the message",
     {HEAD(1, 1, 8), 0, 1, 0xff, 0xff, 0, 1, 0, 1},
     28,
     STUN_SUCCESS,
     "",
     0,
     true},
    {"without the last padding",
     {HEAD(1, 1, 5), 0x80, 0x99, 0, 1, 9},
     25,
     STUN_SUCCESS,
     "",
     0,
     false},
    {"error 420",
     {HEAD(1, 0x11, 8), 0, 9, 0, 4, 0, 0, 4, 20},
     28,
     STUN_ERROR,
     "",
     420,
     false},
    {"error 401 of Allocate",
     {HEAD(1, 0x13, 8), 0, 9, 0, 4, 0, 0, 4, 1},
     28,
     STUN_ERROR,
     "",
     401,
     false},
    {"error 299 there is none",
     {HEAD(1, 0x11, 8), 0, 9, 0, 4, 0, 0, 2, 99},
     28,
     STUN_ERROR,
     "",
     0,
     false},
    {"an error without a code", {HEAD(1, 0x11, 0)}, 20, STUN_ERROR, "", 0, false},
};

static void messages(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[ADDRESS_TEXT_MAX];
        struct stun_message m = stun_read(wire_from(cases[i].bytes, cases[i].len));
        CHECK_INT(cases[i].class, m.class, cases[i].what);
        CHECK_TEXT(cases[i].mapped, endpoint_address(text, &m.mapped), cases[i].what);
        CHECK_INT(cases[i].error, m.error, cases[i].what);
        CHECK_INT(cases[i].damaged, m.damaged, cases[i].what);
        CHECK(text[0] == '\0' || m.mapped.port == 0x1234, "%s: port", cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_5769),
        cmocka_unit_test(a_request),
        cmocka_unit_test(messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
