/* `edgelat nearest` with names from dnsmasq and servers on loopback addresses. */
#include "io/cmd/program.h"
#include "io/daemon/world.h"

enum { FINE, BAD, CANNOT };

#define TARGET(name) "[target " name "]\nhost = " name ".test\nkinds = tcp\n"
#define FEW          "[agent]\nworkloads = no\nfront_doors = 0\n"
#define DNS          "[dns]\nservers = " WORLD_DNS "\n"

static int begin_world(void **state)
{
    setenv("EDGELAT_DATA", "packaging/data", 1);
    return world_begin(state);
}

static void nearest(struct ran *r, const char *before, const char *configuration,
                    const char *options)
{
    char arguments[256];
    child_write(world_folder.path, "edgelat.conf", configuration);
    snprintf(arguments, sizeof arguments, "nearest -c %s/edgelat.conf %s",
             world_folder.path, options);
    program_run(r, before, arguments);
}

static void ranks(void **state)
{
    (void)state;
    static struct ran r;
    int near = world_listen(1, 443);
    nearest(&r, "", FEW DNS TARGET("near") TARGET("far") TARGET("gone"), "-t 2 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(3, program_count(r.out, "\n"), "one line a target");
    CHECK_INT(1, program_count(r.out, "\"rank\":1,"), "one of them answers");
    const char *first = strstr(r.out, "\"rank\":1,"), *end = strchr(first, '\n');
    const char *target = strstr(r.out, "\"target\":\"near\"");
    CHECK(target != NULL && target < end, "the one that answers: %s", r.out);
    close(near);
}

/* Front doors by metro: sweeps, ranks them, and says what the sweep can state. */
static void front_doors(void **state)
{
    (void)state;
    static struct ran r;
    int doors[] = {world_listen(3, 443), world_listen(4, 443)};
    nearest(
        &r, "timeout --preserve-status -s INT 4",
        "[agent]\nworkloads = no\nlocation = 51.5 -0.1\n" DNS
        "[target mail]\nhost = outlook.office365.com\nservice = exchange\nkinds = tcp\nfamily = ipv4\n",
        "-t 6 -v");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_HAS(r.out, "LHR");
    CHECK_HAS(r.out, "AMS");
    CHECK_HAS(r.err, "(exchange-ams) is 198.51.100.4, PoP AMS");
    close(doors[0]);
    close(doors[1]);
}

static void nothing_to_rank(void **state)
{
    (void)state;
    static struct ran r;
    static const struct {
        const char *what, *configuration, *why, *for_s;
        int code;
    } cases[] = {
        {"nobody answers", FEW DNS TARGET("near"), "", "2.3", BAD},
        {"no name", FEW DNS TARGET("gone"), "no name was resolved", "0.7", CANNOT},
        {"a filter", FEW DNS "[target a]\nhost = filtered.office.com\nkinds = tcp\n",
         "a filter or a hijack of DNS", "0.7", CANNOT},
        {"no way out", FEW DNS "[target a]\nhost = 203.0.113.1\nkinds = tcp\n",
         "nothing could be sent", "0.7", CANNOT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char before[64];
        snprintf(before, sizeof before, "timeout --preserve-status -s TERM %s",
                 cases[i].for_s);
        nearest(&r, before, cases[i].configuration, "");
        CHECK_INT(cases[i].code, r.code, cases[i].what);
        CHECK_HAS(r.err, cases[i].why);
    }
}

static void a_middlebox(void **state)
{
    (void)state;
    static struct ran r;
    int near = world_listen(1, 443), decoy = world_listen(1, 4);
    nearest(&r, "timeout --preserve-status -s INT 1", FEW DNS TARGET("near"), "");
    CHECK_INT(BAD, r.code, r.err);
    CHECK_HAS(r.err, "a middlebox answers the handshakes in place of the targets");
    CHECK_HAS(r.out, "a middlebox ");
    close(near);
    close(decoy);
}

static void usage(void **state)
{
    (void)state;
    static struct ran r;
    static const struct {
        const char *options, *why;
    } cases[] = {
        {"-t 1", "whole seconds from 2 to 300"},
        {"--location nowhere", "--location: "},
        {"teams", "takes no argument 'teams'"},
        {"--frobnicate", "--frobnicate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nearest(&r, "", FEW DNS TARGET("near"), cases[i].options);
        CHECK_INT(CANNOT, r.code, cases[i].options);
        CHECK_HAS(r.err, cases[i].why);
    }
    nearest(&r, "", FEW "[dns]\nservers = ns.example\n" TARGET("near"), "-t 2");
    CHECK_INT(CANNOT, r.code, "a DNS server that is no address");
    nearest(&r, "", "[agent\n", "-t 2");
    CHECK_INT(CANNOT, r.code, "a broken configuration");
}

int main(void)
{
    if (!make_network()) {
        printf("1..0 # SKIP no network namespaces here\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks),           cmocka_unit_test(front_doors),
        cmocka_unit_test(nothing_to_rank), cmocka_unit_test(a_middlebox),
        cmocka_unit_test(usage),
    };
    return cmocka_run_group_tests(tests, begin_world, world_end);
}
