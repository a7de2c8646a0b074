#include "core/limits.h"

#include "check.h"
#include "core/time.h"
#include "interned.h"

static const struct kind ping = {
    .name = "ping", .on_by_default = true, .packets = 2, .bytes = 96, .payloads = 2};
static const struct kind web = {
    .name = "web", .on_by_default = true, .packets = 80, .bytes = 70000};
static const struct kinds kinds = {{&ping, &web}, 2};

static const int64_t intervals_ns[KINDS_MAX] = {NS_PER_S / 2, 10 * NS_PER_S};

static struct target to(const char *host)
{
    struct target t = target_default(&kinds);
    t.host = intern(host);
    return t;
}

static void check_traffic(struct send_rate t, double probes, double packets, double bytes,
                          const char *what)
{
    CHECK_NEAR(probes, t.of[RATE_PROBES], 1e-9, what);
    CHECK_NEAR(packets, t.of[RATE_PACKETS], 1e-9, what);
    CHECK_NEAR(bytes, t.of[RATE_BYTES], 1e-6, what);
}

static void by_kind_interval_family_and_payload(void **state)
{
    (void)state;
    struct target t = to("edge.example");
    t.payload_bytes = 100;
    check_traffic(send_rate_of(&t, &kinds, intervals_ns), 2 * 2.1, 2 * (4 + 8),
                  2 * (2 * 296 + 7000), "both families");
    t.ipv6 = false;
    check_traffic(send_rate_of(&t, &kinds, intervals_ns), 2.1, 12, 2 * 296 + 7000, "one");
    t.kinds[1] = false;
    check_traffic(send_rate_of(&t, &kinds, intervals_ns), 2, 4, 592, "one kind");
}

static void an_address_has_one_family(void **state)
{
    (void)state;
    struct target t = to("192.0.2.1");
    t.kinds[1] = false;
    check_traffic(send_rate_of(&t, &kinds, intervals_ns), 2, 4, 2 * 208, "IPv4");
    t = to("2001:db8::1");
    t.kinds[1] = false;
    check_traffic(send_rate_of(&t, &kinds, intervals_ns), 2, 4, 2 * 208, "IPv6");
    t.ipv6 = false;
    check_traffic(send_rate_of(&t, &kinds, intervals_ns), 0, 0, 0, "the other one only");
}

static void stretched_until_it_fits(void **state)
{
    (void)state;
    static const struct send_rate most = {{10, 200, 3000}};
    static const struct {
        const char *what;
        struct send_rate base, more;
        double expected;
    } cases[] = {
        {"nothing", {{0}}, {{0}}, 0},
        {"there is room", {{0}}, {{5, 20, 30}}, 0.5},
        {"just fits", {{0}}, {{10, 200, 3000}}, 1},
        {"twice too much of one measure", {{0}}, {{1, 1, 6000}}, 2},
        {"what is there takes room", {{5, 0, 0}}, {{20, 0, 0}}, 4},
        {"none is left", {{0, 200, 0}}, {{0, 1, 0}}, LIMITS_NEVER},
        {"less than none is left", {{0, 300, 0}}, {{1, 1, 1}}, LIMITS_NEVER},
        {"none is left nor needed", {{10, 300, 9000}}, {{0}}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_NEAR(cases[i].expected,
                   limits_stretch(&cases[i].base, &cases[i].more, &most), 1e-9,
                   cases[i].what);
}

static void names_of_one_host(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"edge.example", "edge.example", true},
        {"edge.example", "EDGE.example", true},
        {"edge.example", "edge.example.net", false},
        {"a.example", "b.example", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8::1", "2001:DB8:0:0::1", true},
        {"2001:db8::1", "2001:db8::2", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct target a = to(cases[i].a), b = to(cases[i].b);
        CHECK(target_same_host(&a, &b) == cases[i].same, "%s and %s", a.host, b.host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_kind_interval_family_and_payload),
        cmocka_unit_test(an_address_has_one_family),
        cmocka_unit_test(stretched_until_it_fits),
        cmocka_unit_test(names_of_one_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
