/* The RPKI to Router protocol, with PDUs written byte by byte as RFC 8210 has them, and what
 * the table of routes makes of the VRPs. */
#include "route/rtr.h"

#include "router.h"

#include <errno.h>

enum { SESSION = 0x1234 };

struct client {
    struct world world;
    struct rtr rtr;
    struct bytes from; /* of the validator */
};

static void begin(struct client *c)
{
    world_begin(&c->world);
    rtr_begin(&c->rtr, &c->world.watch);
    rtr_connected(&c->rtr);
    c->from.n = 0;
}

static void end(struct client *c)
{
    rtr_free(&c->rtr);
    world_end(&c->world);
}

static void pdu(struct client *c, int version, int type, int field, uint32_t length)
{
    put(&c->from, 1, (uint64_t)version);
    put(&c->from, 1, (uint64_t)type);
    put(&c->from, 2, (uint64_t)field);
    put(&c->from, 4, length);
}

static void prefix(struct client *c, int version, int flags, const char *text,
                   int longest, uint32_t as)
{
    struct endpoint e;
    char address[ADDRESS_TEXT_MAX];
    const char *slash = strchr(text, '/');
    snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
    CHECK(endpoint_parse(&e, address, 0), "%s", address);
    size_t len = e.family == FAMILY_IPV4 ? 4 : 16;
    pdu(c, version, len == 4 ? 4 : 6, 0, (uint32_t)(16 + len));
    put(&c->from, 1, (uint64_t)flags);
    put(&c->from, 1, (uint64_t)atoi(slash + 1));
    put(&c->from, 1, (uint64_t)longest);
    put(&c->from, 1, 0);
    for (size_t i = 0; i < len; i++)
        put(&c->from, 1, e.bytes[i]);
    put(&c->from, 4, as);
}

static void end_of_data(struct client *c, int version, uint32_t serial)
{
    pdu(c, version, 7, SESSION, version > 0 ? 24 : 12);
    put(&c->from, 4, serial);
    for (uint32_t s = 0; version > 0 && s < 3; s++)
        put(&c->from, 4, (uint32_t[]){900, 300, 3600}[s]);
}

static ssize_t take(struct client *c)
{
    ssize_t used = rtr_take(&c->rtr, c->from.at, c->from.n);
    c->from.n = 0;
    return used;
}

static void check_output(struct client *c, const char *hex, const char *what)
{
    uint8_t out[RTR_OUT_MAX];
    char text[2 * RTR_OUT_MAX + 1] = "";
    size_t n = rtr_output(&c->rtr, out);
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", out[i]);
    CHECK_TEXT(hex, text, what);
}

static const char *judged(const struct client *c, const char *text, uint32_t as)
{
    struct bgp_prefix p;
    CHECK(bgp_prefix_parse(&p, text), "%s", text);
    const char *name = origin_state_name(rtr_validate(&c->rtr, &p, as));
    return name != NULL ? name : "not validated";
}

static void table(struct client *c, int version)
{
    pdu(c, version, 3, SESSION, 8);
    prefix(c, version, 1, "13.107.6.0/24", 24, 8075);
    prefix(c, version, 1, "52.96.0.0/12", 16, 8075);
    prefix(c, version, 1, "52.96.0.0/14", 14, 0);
    prefix(c, version, 1, "203.0.112.0/23", 24, 65551);
    prefix(c, version, 1, "2603:1000::/24", 48, 8075);
    prefix(c, version, 1, "192.88.99.0/24", 24, 1); /* not watched */
    end_of_data(c, version, 7);
    CHECK(take(c) > 0, "the table is taken: %s", c->rtr.error);
}

static void test_validation(void **state)
{
    static const struct {
        const char *prefix;
        uint32_t as;
        const char *expected, *what;
    } cases[] = {
        {"13.107.6.0/24", 8075, "valid", "as the VRP has it"},
        {"13.107.6.0/24", 174, "invalid", "another AS"},
        {"13.107.6.152/31", 8075, "invalid", "longer than the maximum length"},
        {"13.107.0.0/16", 8075, "not_found", "less specific than the VRP"},
        {"52.97.0.0/16", 8075, "valid", "more specific, within the maximum length"},
        {"52.96.0.0/14", 8075, "valid", "one VRP of several is enough"},
        {"52.96.0.0/14", 0, "invalid", "an AS_SET; AS 0 makes nothing valid"},
        {"203.0.113.0/24", 65551, "valid", "an AS number of 4 bytes"},
        {"2603:1006::/40", 8075, "valid", "IPv6"},
        {"2603:1006::/40", 8068, "invalid", "IPv6, another AS"},
        {"192.88.99.0/24", 2, "not_found", "VRPs of other prefixes are not kept"},
    };
    (void)state;
    struct client c;
    begin(&c);
    check_output(&c, "0102000000000008", "Reset Query");
    check_output(&c, "", "once");
    CHECK_TEXT("not validated", judged(&c, "13.107.6.0/24", 8075), "no data yet");
    table(&c, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_TEXT(cases[i].expected, judged(&c, cases[i].prefix, cases[i].as),
                   cases[i].what);
    CHECK_INT(5, c.rtr.table.n, "VRPs that concern watched prefixes");
    CHECK(c.rtr.refresh_s == 900 && c.rtr.retry_s == 300 && c.rtr.expire_s == 3600,
          "the intervals of the validator");
    rtr_expire(&c.rtr);
    CHECK_TEXT("not validated", judged(&c, "13.107.6.0/24", 8075), "expired");
    end(&c);
}

static void test_changes(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    check_output(&c, "0102000000000008", "Reset Query");
    table(&c, 1);
    pdu(&c, 1, 0, SESSION, 12);
    put(&c.from, 4, 8);
    CHECK_INT(12, take(&c), "Serial Notify");
    check_output(&c, "010112340000000c00000007", "Serial Query, of the table's serial");
    pdu(&c, 1, 3, SESSION, 8);
    prefix(&c, 1, 0, "13.107.6.0/24", 24, 8075);
    prefix(&c, 1, 1, "13.107.6.0/24", 24, 8068);
    CHECK(take(&c) > 0, "changes");
    CHECK_TEXT("valid", judged(&c, "13.107.6.0/24", 8075), "they count from End of Data");
    end_of_data(&c, 1, 8);
    CHECK_INT(24, take(&c), "End of Data");
    CHECK_TEXT("invalid", judged(&c, "13.107.6.0/24", 8075), "withdrawn");
    CHECK_TEXT("valid", judged(&c, "13.107.6.0/24", 8068), "announced");
    CHECK_TEXT("valid", judged(&c, "2603:1006::/40", 8075), "the others are as before");

    rtr_refresh(&c.rtr);
    check_output(&c, "010112340000000c00000008", "the refresh interval is over");
    pdu(&c, 1, 8, 0, 8);
    CHECK_INT(8, take(&c), "Cache Reset");
    check_output(&c, "0102000000000008", "Reset Query");
    CHECK_TEXT("valid", judged(&c, "13.107.6.0/24", 8068), "until then, what was known");
    table(&c, 1);
    CHECK_TEXT("invalid", judged(&c, "13.107.6.0/24", 8068), "replaced as a whole");

    rtr_closed(&c.rtr);
    rtr_connected(&c.rtr);
    check_output(&c, "010112340000000c00000007", "goes on after a lost connection");
    pdu(&c, 1, 3, SESSION, 8);
    prefix(&c, 1, 1, "13.107.6.0/24", 24, 8068);
    CHECK(take(&c) > 0, "half of an answer");
    rtr_closed(&c.rtr);
    rtr_connected(&c.rtr);
    CHECK_TEXT("invalid", judged(&c, "13.107.6.0/24", 8068), "does not count");
    check_output(&c, "010112340000000c00000007", "and is asked for again");
    end(&c);
}

static void test_another_session(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    check_output(&c, "0102000000000008", "Reset Query");
    table(&c, 1);
    rtr_connected(&c.rtr);
    check_output(&c, "010112340000000c00000007", "Serial Query");
    pdu(&c, 1, 3, SESSION + 1, 8);
    CHECK_INT(-EBADMSG, take(&c), "ends the connection");
    check_output(&c,
                 "010a00000000002a" /* Error Report, corrupt data */
                 "00000008"
                 "0103123500000008"
                 "00000012"
                 "616e6f746865722073657373696f6e204944",
                 "another session ID");
    CHECK_TEXT("not validated", judged(&c, "13.107.6.0/24", 8075), "the data is dropped");
    rtr_connected(&c.rtr);
    check_output(&c, "0102000000000008", "Reset Query");
    table(&c, 1);
    pdu(&c, 1, 0, SESSION + 1, 12);
    put(&c.from, 4, 8);
    CHECK_INT(-EBADMSG, take(&c), "of a Serial Notify, too");
    end(&c);
}

static void test_versions(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    check_output(&c, "0102000000000008", "begins with version 1");
    pdu(&c, 0, 0, SESSION, 12);
    put(&c.from, 4, 8);
    pdu(&c, 2, 0, SESSION, 12);
    put(&c.from, 4, 8);
    CHECK_INT(24, take(&c), "Serial Notify before the answer, of any version");
    check_output(&c, "", "is ignored");
    pdu(&c, 0, 10, 4, 16);
    put(&c.from, 8, 0);
    CHECK_INT(-EAGAIN, take(&c), "Unsupported Protocol Version");
    rtr_connected(&c.rtr);
    check_output(&c, "0002000000000008", "the next connection has version 0");
    pdu(&c, 0, 10, 4, 16);
    put(&c.from, 8, 0);
    CHECK_INT(-EBADMSG, take(&c), "neither version");
    check_output(&c, "", "an Error Report is not answered");
    end(&c);

    begin(&c);
    check_output(&c, "0102000000000008", "version 1");
    table(&c, 0);
    CHECK_TEXT("valid", judged(&c, "13.107.6.0/24", 8075), "answered in version 0");
    CHECK_INT(3600, c.rtr.refresh_s, "which has no intervals");
    rtr_refresh(&c.rtr);
    check_output(&c, "000112340000000c00000007", "goes on in version 0");
    pdu(&c, 1, 3, SESSION, 8);
    CHECK_INT(-EBADMSG, take(&c), "the version changes");
    CHECK_INT(8, c.rtr.error_code, "Unexpected Protocol Version");
    rtr_connected(&c.rtr);
    check_output(&c, "0102000000000008",
                 "of a session in another version nothing is kept");
    rtr_closed(&c.rtr);
    rtr_connected(&c.rtr);
    check_output(&c, "0002000000000008", "closed without an answer: version 0");
    rtr_closed(&c.rtr);
    rtr_connected(&c.rtr);
    check_output(&c, "0102000000000008", "and version 1 again");
    pdu(&c, 2, 3, SESSION, 8);
    CHECK_INT(-EBADMSG, take(&c), "version 2 was not asked for");
    end(&c);
}

static void test_errors(void **state)
{
    static const struct {
        const char *what;
        size_t len;
        uint8_t bytes[32];
        int code; /* -1: fine */
    } cases[] = {
        {"Router Key is skipped", 12, {1, 9, 1, 0, 0, 0, 0, 12}, -1},
        {"half a header", 7, {1, 4, 0, 0, 0, 0, 0}, -1},
        {"half a prefix", 12, {1, 4, 0, 0, 0, 0, 0, 20, 1, 24, 24, 0}, -1},
        {"length below the header", 8, {1, 4, 0, 0, 0, 0, 0, 7}, 0},
        {"length of 4 GiB", 8, {1, 4, 0, 0, 255, 255, 255, 255}, 0},
        {"prefix with the length of another", 12, {1, 4, 0, 0, 0, 0, 0, 12}, 0},
        {"33 bits", 20, {1, 4, 0, 0, 0, 0, 0, 20, 1, 33, 33, 0, 13, 107, 6}, 0},
        {"maximum of 33", 20, {1, 4, 0, 0, 0, 0, 0, 20, 1, 24, 33, 0, 13, 107, 6}, 0},
        {"maximum below the bits",
         20,
         {1, 4, 0, 0, 0, 0, 0, 20, 1, 24, 23, 0, 13, 107, 6},
         0},
        {"IPv6, 129 bits", 32, {1, 6, 0, 0, 0, 0, 0, 32, 1, 129, 129, 0, 0x26, 3}, 0},
        {"End of Data of version 0", 12, {1, 7, 0x12, 0x34, 0, 0, 0, 12}, 0},
        {"End of Data of another session", 24, {1, 7, 9, 9, 0, 0, 0, 24}, 0},
        {"a second Cache Response", 8, {1, 3, 0x12, 0x34, 0, 0, 0, 8}, 0},
        {"Cache Reset within data", 8, {1, 8, 0, 0, 0, 0, 0, 8}, 0},
        {"a query", 8, {1, 2, 0, 0, 0, 0, 0, 8}, 5},
        {"type 11 of version 2", 8, {1, 11, 0, 0, 0, 0, 0, 8}, 5},
        {"withdrawal of an unknown prefix",
         20,
         {1, 4, 0, 0, 0, 0, 0, 20, 0, 24, 24, 0, 13, 107, 6, 0, 0, 0, 0, 9},
         6},
        {"a prefix twice",
         20,
         {1, 4, 0, 0, 0, 0, 0, 20, 1, 24, 24, 0, 13, 107, 6, 0, 0, 0, 0x1f, 0x8b},
         7},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client c;
        uint8_t out[RTR_OUT_MAX];
        begin(&c);
        check_output(&c, "0102000000000008", "Reset Query");
        pdu(&c, 1, 3, SESSION, 8);
        prefix(&c, 1, 1, "13.107.6.0/24", 24, 8075);
        CHECK(take(&c) == 28, "the begin of the data");
        for (size_t k = 0; k < cases[i].len; k++)
            put(&c.from, 1, cases[i].bytes[k]);
        ssize_t used = take(&c);
        CHECK(cases[i].code < 0 ? used >= 0 : used == -EBADMSG, "%s: %zd", cases[i].what,
              used);
        size_t n = rtr_output(&c.rtr, out);
        CHECK(cases[i].code < 0
                  ? n == 0
                  : n > 16 && out[1] == 10 && out[3] == cases[i].code && out[7] == n,
              "%s: Error Report of code %d", cases[i].what, cases[i].code);
        end(&c);
    }
}

static void test_pieces(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    check_output(&c, "0102000000000008", "Reset Query");
    pdu(&c, 1, 3, SESSION, 8);
    for (int i = 0; i < 5000; i++) { /* more than the limit */
        pdu(&c, 1, 4, 0, 20);
        put(&c.from, 8, (uint64_t)0x01181800 << 32 | 0x0d6b0600);
        put(&c.from, 4, (uint64_t)i);
        size_t from = 0;
        for (size_t n = 1; n <= c.from.n; n++) {
            ssize_t used = rtr_take(&c.rtr, c.from.at + from, n - from);
            CHECK(used >= 0, "a byte at a time");
            from += (size_t)used;
        }
        CHECK_INT(c.from.n, from, "all is used");
        c.from.n = 0;
    }
    end_of_data(&c, 1, 1);
    CHECK_INT(24, take(&c), "End of Data");
    CHECK_INT(RTR_VRPS_MAX, c.rtr.table.n, "bounded");
    CHECK_INT(5000 - RTR_VRPS_MAX, c.rtr.left_out, "the rest is counted");
    end(&c);
}

static const char *announced(struct client *c, const char *prefix, const char *path)
{
    static const struct neighbour peer = {.address = 0xc6336402, .as = 65002};
    static struct bytes b;
    struct announcement is = {.path = path, .next_hop = peer.address};
    if (c->world.rib.n_prefixes == 0) {
        put_initiation(&b, "r1");
        put_peer_up(&b, &peer, 65001, false);
        feed_bytes(&c->world, &b);
        pass(&c->world, 10000);
        take_events(&c->world);
    }
    put_route(&b, &peer, prefix, &is, 0);
    feed_bytes(&c->world, &b);
    return take_events(&c->world);
}

static void test_routes(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    static struct validator validator = {.reached = true};
    validator.rtr = &c.rtr;
    c.world.rib.is.validator = &validator;
    CHECK_TEXT("PrefixAnnouncementEvent edgelat.route.origin_unexpected",
               announced(&c, "13.107.6.0/24", "65002 174"), "no data yet");
    check_output(&c, "0102000000000008", "Reset Query");
    table(&c, 1);
    rib_validate(&c.world.rib, c.world.now);
    CHECK_TEXT("edgelat.route.origin_invalid", take_events(&c.world), "data came");
    rib_validate(&c.world.rib, c.world.now);
    CHECK_TEXT("", take_events(&c.world), "no news");
    CHECK_TEXT("PrefixOriginAsChangeEvent", announced(&c, "13.107.6.0/24", "65002 8075"),
               "valid again");
    rtr_expire(&c.rtr);
    rib_validate(&c.world.rib, c.world.now);
    CHECK_TEXT("", take_events(&c.world), "expired");
    rtr_refresh(&c.rtr);
    check_output(&c, "0102000000000008", "Reset Query");
    table(&c, 1);
    CHECK_TEXT("PrefixAnnouncementEvent edgelat.route.more_specific "
               "edgelat.route.origin_invalid",
               announced(&c, "203.0.113.0/24", "65002"), "a registered prefix");
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validation),      cmocka_unit_test(test_changes),
        cmocka_unit_test(test_another_session), cmocka_unit_test(test_versions),
        cmocka_unit_test(test_errors),          cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
