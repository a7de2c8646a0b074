#include "traffic/handshakes.h"

#include "check.h"

#include <math.h>

enum { SYN = 2, SYN_ACK = 0x12, ACK = 0x10, RST = 4, ECN = 0xc0, PSH = 8 };
#define AT(ms) ((ms)*NS_PER_MS)
#define BEGAN  (INT64_C(1700000000) * NS_PER_S) /* the wall clock at 0 */

static struct prefixes prefixes;
static struct handshakes h;
static bool hides_tags; /* the kernel, behind the EtherType of the last one */

/* ---- packets ---- */

enum form {
    PLAIN,
    TAGGED,
    TAG_OUTSIDE,
    QINQ,
    FOUR_TAGS,
    PPPOE,
    QINQ_PPPOE,
    OPTIONS,
    FORMS
};

struct ends {
    const char *client, *server;
    uint16_t port; /* of the client */
};

static const struct ends user4 = {"10.0.0.7", "192.0.2.1", 50000},
                         user6 = {"2001:db8:1::7", "2001:db8:ffff::1", 50000};

static void put16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
    put16(to, value >> 16);
    put16(to + 2, value);
}

/* A packet of the client (or of the server), `ms` after the begin by the packet's stamp; the clock of
 * this host says `read_ms`. */
static void take_at(const struct ends *of, bool server, enum form form, uint8_t flags,
                    uint32_t seq, uint32_t ack, int64_t ms, int64_t read_ms)
{
    uint8_t bytes[128] = {0}, *at = bytes;
    struct endpoint a, b;
    CHECK(endpoint_parse(&a, server ? of->server : of->client, 0), "from");
    CHECK(endpoint_parse(&b, server ? of->client : of->server, 0), "to");
    bool v4 = a.family == FAMILY_IPV4;
    uint16_t type = v4 ? 0x0800 : 0x86dd;
    bool pppoe = form == PPPOE || form == QINQ_PPPOE;
    size_t tags = form == TAGGED                       ? 1
                  : form == QINQ || form == QINQ_PPPOE ? 2
                  : form == FOUR_TAGS                  ? 4
                                                       : 0;
    uint16_t inner = pppoe ? 0x8864 : type;
    for (size_t i = 0; i < tags; i++) {
        put16(at, 0x4007); /* priority 2, VLAN 7: begins as a header of IPv4 does */
        put16(at + 2, i + 1 < tags ? 0x8100 : inner);
        at += 4;
    }
    if (pppoe) {
        put16(at, 0x1100);
        put16(at + 2, 9); /* session */
        put16(at + 4, v4 ? 42 : 62);
        put16(at + 6, v4 ? 0x0021 : 0x0057);
        at += 8;
    }
    if (v4) {
        size_t head = form == OPTIONS ? 28 : 20;
        at[0] = (uint8_t)(0x40 | head / 4);
        put16(at + 2, (uint32_t)head + 20);
        put16(at + 6, 0x4000); /* may not be fragmented */
        at[9] = 6;
        memcpy(at + 12, a.bytes, 4);
        memcpy(at + 16, b.bytes, 4);
        at += head;
    } else {
        at[0] = 0x60;
        put16(at + 4, 20);
        at[6] = 6;
        memcpy(at + 8, a.bytes, 16);
        memcpy(at + 24, b.bytes, 16);
        at += 40;
    }
    put16(at, server ? 443 : of->port);
    put16(at + 2, server ? of->port : 443);
    put32(at + 4, seq);
    put32(at + 8, ack);
    at[12] = 5 << 4;
    at[13] = flags;
    struct handshake_packet p = {
        .bytes = bytes,
        .len = (size_t)(at + 20 - bytes),
        .protocol = hides_tags                        ? inner
                    : tags > 1                        ? 0x88a8
                    : tags > 0 || form == TAG_OUTSIDE ? 0x8100
                                                      : inner,
        .wall_ns = BEGAN + AT(ms),
        .now = {AT(read_ms)},
    };
    handshakes_take(&h, &p);
}

static void take(const struct ends *of, bool server, uint8_t flags, uint32_t seq,
                 uint32_t ack, int64_t ms)
{
    take_at(of, server, PLAIN, flags, seq, ack, ms, ms);
}

static void check_delays(const char *what, uint64_t outside, double outside_ms,
                         uint64_t inside, double inside_ms)
{
    static const struct handshake_service none;
    const struct handshake_service *s = h.n > 0 ? &h.services[0] : &none;
    CHECK_INT(outside, s->delays[HANDSHAKE_OUTSIDE].count, what);
    CHECK_INT(inside, s->delays[HANDSHAKE_INSIDE].count, what);
    CHECK(fabs(s->delays[HANDSHAKE_OUTSIDE].sum_s * 1e3 - outside_ms) < 1e-6,
          "%s: outside", what);
    CHECK(fabs(s->delays[HANDSHAKE_INSIDE].sum_s * 1e3 - inside_ms) < 1e-6, "%s: inside",
          what);
}

static int set_up(void **state)
{
    (void)state;
    static const char rows[] =
        "# edgelat prefixes 2026-11-29\nprefix,service,basis\n"
        "192.0.2.0/24,teams,published\n2001:db8:ffff::/48,teams,published\n";
    struct datafile_source from = {
        .name = "prefixes.csv", .text = rows, .len = sizeof rows - 1};
    prefixes = (struct prefixes){.n = 0};
    CHECK_INT(0, prefixes_parse(&prefixes, &from), "prefixes");
    handshakes_begin(&h, &prefixes, (uint64_t[2]){1, 2});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    handshakes_free(&h);
    prefixes_free(&prefixes);
    return 0;
}

/* ---- tests ---- */

static void each_form(void **state)
{
    (void)state;
    uint64_t n = 0;
    for (int i = 0; i < 4; i++)
        for (enum form form = 0; form < (i % 2 ? OPTIONS : FORMS); form++, n++) {
            const struct ends *of = i % 2 ? &user6 : &user4;
            hides_tags = i >= 2;
            int64_t at = 1000 * (int64_t)n;
            take_at(of, false, form, SYN | ECN, 0xffffffff, 0, at, at); /* numbers wrap */
            take_at(of, true, form, SYN_ACK, 77, 0, at + 40, at + 40);
            take_at(of, false, form, ACK, 0, 78, at + 43, at + 43);
        }
    hides_tags = false;
    check_delays("IPv4 and IPv6, with tags and options", n, 40.0 * (double)n, n,
                 3.0 * (double)n);
    CHECK_INT(n, h.others, "connections");
}

static void sent_again(void **state)
{
    (void)state;
    take(&user4, false, SYN, 1, 0, 0);
    take(&user4, false, SYN, 1, 0, 1000);
    take(&user4, true, SYN_ACK, 9, 2, 1040);
    take(&user4, false, ACK, 2, 10, 1043);
    check_delays("a SYN: which one was answered is not known (Karn)", 0, 0, 1, 3);
    take(&user4, false, SYN, 100, 0, 2000); /* the port is used again */
    take(&user4, true, SYN_ACK, 9, 101, 2040);
    take(&user4, true, SYN_ACK, 9, 101, 3040);
    take(&user4, false, ACK, 101, 10, 3042);
    check_delays("a SYN-ACK", 1, 40, 1, 3);
    CHECK_INT(1, h.services[0].again[HANDSHAKE_OUTSIDE], "SYN sent again");
    CHECK_INT(1, h.services[0].again[HANDSHAKE_INSIDE], "SYN-ACK sent again");
    CHECK_INT(2, h.others, "both are connections");
}

static void not_a_handshake(void **state)
{
    (void)state;
    static const struct ends strangers = {"10.0.0.7", "203.0.113.9", 1},
                             incoming = {"192.0.2.1", "10.0.0.7", 1},
                             both = {"192.0.2.1", "192.0.2.2", 1};
    static const struct ends *const others[] = {&strangers, &incoming, &both};
    for (size_t i = 0; i < 3; i++) {
        take(others[i], false, SYN, 1, 0, 0);
        take(others[i], true, SYN_ACK, 9, 2, 40);
        take(others[i], false, ACK, 2, 10, 43);
    }
    CHECK_INT(0, h.n, "not with Microsoft, or not from the site");
    take(&user4, true, SYN_ACK, 9, 2, 40);
    take(&user4, false, ACK, 2, 10, 43);
    CHECK_INT(0, h.others, "the begin was not seen");
    take(&user4, false, SYN, 1, 0, 100);
    take(&user4, true, SYN_ACK, 9, 3, 140);
    check_delays("an answer to another SYN", 0, 0, 0, 0);
    take(&user4, true, RST | ACK, 0, 2, 140);
    take(&user4, true, SYN_ACK, 9, 2, 150);
    take(&user4, false, ACK, 500, 700, 200);
    check_delays("data came before the ACK that was seen", 1, 50, 0, 0);
    CHECK_INT(1, h.others, "it is a connection");
    take(&user4, false, SYN, 1000, 0, 1000);
    take(&user4, true, SYN_ACK, 9, 1001, 1000 + 21000);
    check_delays("after the time that is remembered", 1, 50, 0, 0);
}

static void clock_steps(void **state)
{
    (void)state;
    take_at(&user4, false, PLAIN, SYN, 1, 0, 0, 0);
    take_at(&user4, true, PLAIN, SYN_ACK, 9, 2, 5040, 40); /* stepped by 5 s */
    take_at(&user4, false, PLAIN, ACK, 2, 10, 5043, 43);
    check_delays("forward", 0, 0, 1, 3);
    take_at(&user4, false, PLAIN, SYN, 50, 0, 6000, 1000);
    take_at(&user4, true, PLAIN, SYN_ACK, 9, 51, 1040, 1040);
    check_delays("and back", 0, 0, 1, 3);
}

static void own_connections(void **state)
{
    (void)state;
    CHECK(endpoint_parse(&h.own[0], "10.0.0.7", 0), "an address of this host");
    h.n_own = 1;
    take(&user4, false, SYN, 1, 0, 0);
    take(&user4, true, SYN_ACK, 9, 2, 40);
    take(&user4, false, ACK, 2, 10, 41);
    check_delays("a probe is no user", 0, 0, 0, 0);
    CHECK_INT(1, h.self, "counted");
    CHECK_INT(0, h.others, "none of others");
    struct text text = {0};
    handshakes_text(&h, "eth0", &text);
    CHECK(strstr(text_string(&text),
                 "handshakes on eth0: 0 connections of others seen") != NULL,
          "it says so");
    text_free(&text);
}

/* More than fit: memory is bounded, and new ones replace old ones. */
static void flood(void **state)
{
    (void)state;
    char client[32];
    struct ends of = {client, "192.0.2.1", 1};
    for (int i = 0; i < 3 * HANDSHAKES_PENDING; i++) {
        snprintf(client, sizeof client, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        take(&of, false, SYN, 1, 0, i / 100);
    }
    take(&of, true, SYN_ACK, 9, 2, 200);
    check_delays("the newest is there", 1, 200 - (3 * HANDSHAKES_PENDING - 1) / 100, 0,
                 0);
}

static void windows(void **state)
{
    (void)state;
    static struct self_value values[HANDSHAKE_VALUES_MAX];
    for (int i = 0; i < 2; i++) {
        take(&user4, false, SYN, 1, 0, 1000 * i);
        take(&user4, true, SYN_ACK, 9, 2, 1000 * i + 40);
        take(&user4, false, ACK, 2, 10, 1000 * i + 43);
        size_t n = handshakes_window(&h, true, values);
        CHECK_INT(5, n, "two histograms, two counts of packets, one of connections");
        for (size_t v = 0; v < n; v++)
            CHECK_INT(values[v].histogram != NULL
                          ? 1
                          : strcmp(values[v].name, "edgelat.user.connections") == 0,
                      values[v].histogram != NULL ? values[v].histogram->count
                                                  : (uint64_t)values[v].value,
                      values[v].name);
        CHECK(values[0].begins == (i == 0), "the first");
        handshakes_reported(&h, true);
    }
    CHECK_INT(1, h.others_window, "in the window");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_a_handshake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clock_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(own_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flood, set_up, tear_down),
        cmocka_unit_test_setup_teardown(windows, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("traffic/handshakes", tests, NULL, NULL);
}
