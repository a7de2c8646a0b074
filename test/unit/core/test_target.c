#include "check.h"
#include "core/target.h"
#include "core/time.h"

static const struct kind icmp = {"icmp",   {"rtt"},       0,
                                 NS_PER_S, 10 * NS_PER_S, .on_by_default = true};
static const struct kind https = {"https",
                                  {"rtt", "dns", "connect", "tls", "first_byte", "total"},
                                  USES_PORT,
                                  10 * NS_PER_S,
                                  60 * NS_PER_S,
                                  .main_delay = 5,
                                  .roles = {[3] = DELAY_TLS},
                                  .on_by_default = true};
static const struct kind full = {
    "full", {"a", "b", "c", "d", "e", "f", "g", "h", "i"}, 0, NS_PER_S, NS_PER_S};
static const struct kinds kinds = {{&icmp, &https}, 2};

static void kinds_are_found_by_name(void **state)
{
    (void)state;
    CHECK_INT(0, kinds_find(&kinds, "icmp"), "the first");
    CHECK_INT(1, kinds_find(&kinds, "https"), "the last");
    CHECK(kinds_find(&kinds, "http") == KIND_NONE, "the whole name counts");
    CHECK_INT(1, kind_delays(&icmp), "one delay");
    CHECK_INT(6, kind_delays(&https), "six delays");
    CHECK_INT(DELAYS_MAX, kind_delays(&full), "as many as there can be");
    CHECK_INT(3, kind_delay(&https, DELAY_TLS), "by role");
    CHECK(kind_delay(&icmp, DELAY_TLS) == KIND_NONE, "it has none");
    CHECK_INT(0, kind_delay(&full, DELAY_OTHER), "the first of several");
    CHECK(kinds_with(&kinds, DELAY_TLS) == &https, "the kind that has it");
    CHECK(kinds_with(&kinds, DELAY_REPLY) == NULL, "no kind has it");
    CHECK_TEXT("total", kinds_main_delay(&kinds, "https"), "what the user waits for");
    CHECK_TEXT("rtt", kinds_main_delay(&kinds, "icmp"), "the first, if nothing is said");
    CHECK_TEXT("rtt", kinds_main_delay(&kinds, "later"), "of another version's kind");
}

static void kinds_are_listed(void **state)
{
    (void)state;
    static const struct kind tcp = {.name = "tcp",
                                    .delays = {"rtt"},
                                    .uses = USES_PORT | USES_DSCP,
                                    .label = "TCP",
                                    .roles = {DELAY_HANDSHAKE}};
    static const struct kind ping = {
        .name = "icmp", .delays = {"rtt"}, .uses = USES_PAYLOAD, .label = "ICMP"};
    static const struct kind web = {.name = "https",
                                    .delays = {"rtt", "tls"},
                                    .uses = USES_PORT | USES_TLS,
                                    .label = "HTTPS",
                                    .roles = {DELAY_HANDSHAKE, DELAY_TLS}};
    static const struct kinds three = {{&tcp, &ping, &web}, 3};
    const struct {
        const char *what;
        struct kinds kinds;
        const char *names;
    } lists[] = {
        {"all", three, "tcp, icmp and https"},
        {"with a port", kinds_using(&three, USES_PORT), "tcp and https"},
        {"either", kinds_using(&three, USES_PAYLOAD | USES_TLS), "icmp and https"},
        {"one", kinds_using(&three, USES_DSCP), "tcp"},
        {"none", kinds_using(&three, USES_HTTP), ""},
        {"more than handshakes", kinds_past_middlebox(&three), "icmp and https"},
    };
    struct text out = {0};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        text_clear(&out);
        kinds_add_names(&out, &lists[i].kinds, ", ", " and ");
        CHECK_TEXT(lists[i].names, text_string(&out), lists[i].what);
    }
    text_clear(&out);
    kinds_add_labels(&out, &three, ", ", " or ");
    CHECK_TEXT("TCP, ICMP or HTTPS", text_string(&out), "labels");
    text_free(&out);
    CHECK(!kind_only_handshakes(&(struct kind){.name = "none"}), "it has no delay");
}

static void a_target_takes_its_habits_from_the_kinds(void **state)
{
    (void)state;
    struct target t = target_default(&kinds);
    CHECK_TEXT("", t.name, "to be given");
    CHECK_TEXT("/", t.path, "path");
    CHECK_INT(0, t.port, "port: that of the kind");
    CHECK(t.ipv4 && t.ipv6, "both families");
    CHECK(t.kinds[0] && t.kinds[1] && !t.kinds[2], "the kinds that there are");
    CHECK_INT(NS_PER_S, t.interval_ns[0], "interval");
    CHECK_INT(60 * NS_PER_S, t.slow_interval_ns[1], "slow interval");
    CHECK_INT(2 * NS_PER_S, t.waiting_ns[0], "waiting time");
    CHECK_INT(56, t.payload_bytes, "payload");
    CHECK_INT(0, t.dscp, "best effort");
    CHECK(!t.dont_fragment, "may be fragmented");
}

static void the_port_of_a_kind(void **state)
{
    (void)state;
    const struct kind none = {.name = "none", .port = 9},
                      usual = {.name = "usual", .uses = USES_PORT},
                      own = {.name = "own", .uses = USES_PORT, .port = 3478};
    struct target t = target_default(&kinds);
    CHECK_INT(0, target_port(&t, &none), "a kind without ports");
    CHECK_INT(443, target_port(&t, &usual), "default");
    CHECK_INT(3478, target_port(&t, &own), "default of the kind");
    CHECK_INT(443, target_port(&t, NULL), "a handshake");
    t.port = 8443;
    CHECK_INT(8443, target_port(&t, &own), "of the target, for all its kinds");
    CHECK_INT(8443, target_port(&t, NULL), "of the target, for a handshake");
    CHECK_INT(0, target_port(&t, &none), "but for those without");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_listed),
        cmocka_unit_test(kinds_are_found_by_name),
        cmocka_unit_test(a_target_takes_its_habits_from_the_kinds),
        cmocka_unit_test(the_port_of_a_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
