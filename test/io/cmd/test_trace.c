/*
 * `edgelat trace` in a network namespace of the test: by each method and family to this host, which
 * answers, to a neighbour that never does, and where there is no route. test/lab/test_trace.py has
 * real routers in between.
 */
#include "io/probe/tun.h"

#include "program.h"

static bool allowed;

static int set_up(void **state)
{
    (void)state;
    allowed =
        make_network() &&
        system(
            "ip addr add 13.107.6.152/32 dev lo && ip addr add 192.0.2.50/32 dev lo") ==
            0;
    return 0;
}

static void paths(void **state)
{
    static const struct {
        const char *arguments, *out[3], *err;
        int code;
    } cases[] = {
        {"127.0.0.1", {"127.0.0.1", "local"}, "", 0},
        {"--numeric --json 127.0.0.1",
         {"\"hop\":1", "\"end\":\"reached\"", "\"kind\":\"icmp\""},
         "",
         0},
        {"--tcp 127.0.0.1:9", {"TCP", "127.0.0.1"}, "", 0},
        {"--udp 127.0.0.1", {"UDP", "127.0.0.1"}, "", 0},
        {"-6 ::1", {"::1"}, "", 0},
        {"--tcp -6 --json [::1]:9", {"\"kind\":\"tcp\"", "::1"}, "", 0},
        {"--udp -6 ::1", {"::1"}, "", 0},
        {"--paths 127.0.0.1", {"127.0.0.1"}, "", 0},
        {"--paths --udp --json 127.0.0.1", {"\"kind\":\"udp\""}, "", 0},
        {"--mtu 127.0.0.1", {"MTU"}, "", 0},
        {"--mtu --json ::1", {"\"mtu\""}, "", 0},
        {"10.9.0.2", {"no hop answers. Firewalls may drop ICMP echo"}, "", 1},
        {"--json --udp fd09::2", {"\"end\":\"silent\""}, "", 1},
        {"13.107.6.152", {"the target, hop 1 (13.107.6.152", "Cold potato"}, "", 0},
        {"--as-dns --json 13.107.6.152", {"\"segment\":\"microsoft\""}, "", 0},
        {"--as-dns --numeric 192.0.2.50", {"192.0.2.50"}, "", 0},
        {"198.51.100.1", {""}, "edgelat: 198.51.100.1: ", 2},
    };
    (void)state;
    if (!allowed || tun < 0)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ran r;
        char line[256];
        snprintf(line, sizeof line, "trace %s", cases[i].arguments);
        program_run(&r, "env EDGELAT_CONFIG=/nosuch", line);
        for (size_t k = 0; k < 3 && cases[i].out[k] != NULL; k++)
            CHECK(strstr(r.out, cases[i].out[k]) != NULL, "%s: '%s' in\n%s%s", line,
                  cases[i].out[k], r.out, r.err);
        CHECK(strncmp(r.err, cases[i].err, strlen(cases[i].err)) == 0, "%s: %s", line,
              r.err);
        CHECK(cases[i].err[0] != '\0' || r.err[0] == '\0', "%s: %s", line, r.err);
        CHECK_INT(cases[i].code, r.code, line);
    }
}

/* The AS of the hops from a file that MaxMind's own Perl module wrote. */
static void as_database(void **state)
{
    static const char *const layouts[] = {"geolite", "dbip", "isp", "ipinfo"};
    char folder[] = "/tmp/edgelat-trace-XXXXXX", line[256];
    struct ran r;
    (void)state;
    if (!allowed || tun < 0 ||
        system("/usr/bin/perl -MMaxMind::DB::Writer::Tree -e 1 2>/dev/null") != 0)
        skip();
    CHECK(mkdtemp(folder) != NULL, "a folder");
    snprintf(
        line, sizeof line,
        "echo '192.0.2.0/24 64500 Provider' | /usr/bin/perl test/io/net/as_files.pl %s "
        ">/dev/null 2>&1",
        folder);
    CHECK_INT(0, system(line), "the files");
    for (size_t i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "trace --as-database %s/%s.mmdb 192.0.2.50", folder,
                 layouts[i]);
        program_run(&r, "env EDGELAT_CONFIG=/nosuch", line);
        CHECK(strstr(r.out, "AS64500") != NULL, "%s: %s%s", line, r.out, r.err);
        CHECK_INT(0, r.code, line);
    }
    snprintf(line, sizeof line, "trace --json --as-database %s/geolite.mmdb 192.0.2.50",
             folder);
    program_run(&r, "env EDGELAT_CONFIG=/nosuch", line);
    CHECK_HAS(r.out, "\"as\":64500");
    CHECK_HAS(r.out, "\"as_source\":\"database\"");
    snprintf(line, sizeof line, "rm -r %s", folder);
    CHECK_INT(0, system(line), "cleaned up");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths),
                                       cmocka_unit_test(as_database)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
