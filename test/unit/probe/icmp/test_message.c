#include "check.h"

#include "probe/icmp/message.h"

static const struct echo echo = {0x1234, 0xfffe, 0xa1b2c3d4, 0x0102030405060708};

static void an_echo_as_bytes(void **unused)
{
    (void)unused;
    uint8_t out[ECHO_HEAD_LEN];
    static const uint8_t v4[ECHO_HEAD_LEN] = {8,    0,    0,    0,    0x12, 0x34, 0xff,
                                              0xfe, 0xa1, 0xb2, 0xc3, 0xd4, 1,    2,
                                              3,    4,    5,    6,    7,    8};
    echo_write(out, FAMILY_IPV4, &echo);
    uint32_t sum = 0; /* RFC 1071: over all, the checksum included, it is all ones */
    for (int i = 0; i < ECHO_HEAD_LEN; i += 2)
        sum += (uint32_t)out[i] << 8 | out[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    CHECK_INT(0xffff, sum, "checksum");
    out[2] = v4[2], out[3] = v4[3];
    CHECK(memcmp(v4, out, sizeof v4) == 0, "IPv4");
    echo_write(out, FAMILY_IPV6, &echo);
    CHECK_INT(128, out[0], "type of IPv6");
    CHECK_INT(0, out[2] << 8 | out[3], "its checksum is the kernel's");
    CHECK(memcmp(v4 + 4, out + 4, sizeof v4 - 4) == 0, "the rest is the same");
}

/* A reply and errors, put together here; each is then cut at every length. */
static size_t make_reply(uint8_t *at, enum family family)
{
    echo_write(at, family, &echo);
    at[0] = family == FAMILY_IPV4 ? 0 : 129;
    return ECHO_HEAD_LEN;
}

static size_t make_error(uint8_t *at, enum family family, size_t options)
{
    bool v6 = family == FAMILY_IPV6;
    size_t ip = v6 ? 40 : 20 + options;
    memset(at, 0, 8 + ip);
    at[0] = v6 ? 1 : 3;
    at[1] = v6 ? 3 : 1;
    uint8_t *quoted = at + 8;
    quoted[0] = v6 ? 0x60 : (uint8_t)(0x45 + options / 4);
    quoted[v6 ? 6 : 9] = v6 ? 58 : 1;
    quoted[v6 ? 39 : 19] = 9;
    echo_write(quoted + ip, family, &echo);
    return 8 + ip + ECHO_HEAD_LEN;
}

static void a_reply_cut_anywhere(void **unused)
{
    (void)unused;
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[64];
        size_t len = make_reply(bytes, families[i]);
        for (size_t cut = 0; cut <= len; cut++) {
            uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees the end */
            memcpy(exact + 1, bytes, cut);
            struct icmp_message m = icmp_read(wire_from(exact + 1, cut), families[i]);
            free(exact);
            CHECK_INT(cut >= 20 ? ICMP_IS_REPLY : ICMP_OTHER, m.what, "what it is");
            if (cut < 20)
                continue;
            CHECK_INT(echo.id, m.echo.id, "id");
            CHECK_INT(echo.seq, m.echo.seq, "sequence");
            CHECK_INT(echo.tag, m.echo.tag, "tag");
            CHECK(echo.nonce == m.echo.nonce, "nonce");
        }
    }
}

static void an_error_cut_anywhere(void **unused)
{
    (void)unused;
    static const struct {
        const char *what;
        enum family family;
        size_t options, ip;
    } cases[] = {
        {"IPv4", FAMILY_IPV4, 0, 20},
        {"IPv4 with options", FAMILY_IPV4, 40, 60},
        {"IPv6", FAMILY_IPV6, 0, 40},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[128];
        size_t len = make_error(bytes, cases[i].family, cases[i].options);
        for (size_t cut = 0; cut <= len; cut++) {
            uint8_t *exact = malloc(cut + 1);
            memcpy(exact + 1, bytes, cut);
            struct icmp_message m = icmp_read(wire_from(exact + 1, cut), cases[i].family);
            free(exact);
            size_t quoted = 8 + cases[i].ip;
            CHECK_INT(cut >= quoted + 8 ? ICMP_IS_ERROR : ICMP_OTHER, m.what,
                      cases[i].what);
            if (m.what != ICMP_IS_ERROR)
                continue;
            CHECK_INT(echo.id, m.echo.id, "id");
            CHECK_INT(echo.seq, m.echo.seq, "sequence");
            CHECK_INT(cut >= quoted + 20, m.whole, "the nonce is known");
            CHECK_INT(9, m.quoted_to.bytes[cases[i].family == FAMILY_IPV6 ? 15 : 3],
                      "where it went");
        }
    }
}

/* One byte of a good error is changed, and it is nothing of ours any more. */
static void not_ours(void **unused)
{
    (void)unused;
    static const struct {
        const char *what;
        enum family family;
        size_t at;
        uint8_t value;
    } cases[] = {
        {"redirect", FAMILY_IPV4, 0, 5},
        {"quotes no IPv4", FAMILY_IPV4, 8, 0x65},
        {"a header of 16 bytes", FAMILY_IPV4, 8, 0x44},
        {"quotes UDP", FAMILY_IPV4, 8 + 9, 17},
        {"quotes a later fragment", FAMILY_IPV4, 8 + 7, 1},
        {"quotes a reply", FAMILY_IPV4, 28, 0},
        {"redirect", FAMILY_IPV6, 0, 137},
        {"quotes no IPv6", FAMILY_IPV6, 8, 0x45},
        {"quotes TCP", FAMILY_IPV6, 8 + 6, 6},
        {"quotes a reply", FAMILY_IPV6, 48, 129},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[128];
        size_t len = make_error(bytes, cases[i].family, 0);
        bytes[cases[i].at] = cases[i].value;
        struct icmp_message m = icmp_read(wire_from(bytes, len), cases[i].family);
        CHECK_INT(ICMP_OTHER, m.what, cases[i].what);
    }
}

static void after_an_ipv4_header(void **unused)
{
    (void)unused;
    uint8_t bytes[128] = {0x46, [9] = 1}; /* 24 bytes of header */
    size_t len = 24 + make_reply(bytes + 24, FAMILY_IPV4);
    CHECK_INT(ICMP_IS_REPLY, icmp_read_raw4(wire_from(bytes, len)).what, "with options");
    bytes[0] = 0x4f; /* says 60 bytes */
    CHECK_INT(ICMP_OTHER, icmp_read_raw4(wire_from(bytes, len)).what,
              "longer than it is");
}

static void words(void **unused)
{
    (void)unused;
    static const struct {
        enum family family;
        uint8_t type, code;
        const char *text;
    } cases[] = {
        {FAMILY_IPV4, 3, 0, "network unreachable"},
        {FAMILY_IPV4, 3, 1, "host unreachable"},
        {FAMILY_IPV4, 3, 13, "administratively prohibited"},
        {FAMILY_IPV4, 3, 200, "unreachable"},
        {FAMILY_IPV4, 11, 0, "TTL exceeded"},
        {FAMILY_IPV4, 12, 0, "header not understood"},
        {FAMILY_IPV6, 1, 0, "no route"},
        {FAMILY_IPV6, 1, 1, "administratively prohibited"},
        {FAMILY_IPV6, 1, 3, "host unreachable"},
        {FAMILY_IPV6, 2, 0, "too big"},
        {FAMILY_IPV6, 3, 0, "TTL exceeded"},
        {FAMILY_IPV6, 4, 1, "header not understood"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(cases[i].text,
                   icmp_error_text(cases[i].family, cases[i].type, cases[i].code),
                   "words");
}

static void mtu(void **unused)
{
    (void)unused;
    uint8_t bytes[128];
    size_t len = make_error(bytes, FAMILY_IPV4, 0);
    bytes[1] = 4, bytes[6] = 5, bytes[7] = 0x78;
    CHECK_INT(1400, icmp_read(wire_from(bytes, len), FAMILY_IPV4).mtu, "IPv4");
    bytes[1] = 1;
    CHECK_INT(0, icmp_read(wire_from(bytes, len), FAMILY_IPV4).mtu, "not in this error");
    len = make_error(bytes, FAMILY_IPV6, 0);
    bytes[0] = 2, bytes[1] = 0, bytes[6] = 5;
    CHECK_INT(1280, icmp_read(wire_from(bytes, len), FAMILY_IPV6).mtu, "IPv6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_as_bytes),
        cmocka_unit_test(a_reply_cut_anywhere),
        cmocka_unit_test(an_error_cut_anywhere),
        cmocka_unit_test(not_ours),
        cmocka_unit_test(after_an_ipv4_header),
        cmocka_unit_test(words),
        cmocka_unit_test(mtu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
