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

/* Writes the configuration to a file of that name. */
static void start(struct ran *r, const char *name, const char *configuration,
                  const char *options)
{
    char arguments[256];
    child_write(world_folder.path, name, configuration);
    snprintf(arguments, sizeof arguments, "nearest -c %s/%s %s", world_folder.path, name,
             options);
    program_start(r, "", arguments);
}

static void nearest(struct ran *r, const char *configuration, const char *options)
{
    start(r, "edgelat.conf", configuration, options);
    program_end(r);
}

static void ranks(void **state)
{
    (void)state;
    static struct ran r;
    int near = world_listen(1, 443);
    nearest(&r, FEW DNS TARGET("near") TARGET("far") TARGET("gone"), "-t 2 --json");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_INT(3, program_count(r.out, "\n"), "one line a target");
    CHECK_INT(1, program_count(r.out, "\"rank\":1,"), "one of them answers");
    const char *first = strstr(r.out, "\"rank\":1,"), *end = strchr(first, '\n');
    const char *target = strstr(r.out, "\"target\":\"near\"");
    CHECK(target != NULL && target < end, "the one that answers: %s", r.out);
    nearest(&r, FEW DNS TARGET("near"), "-t 2 -l Lyon");
    CHECK_INT(FINE, r.code, "a city without a PoP");
    CHECK_HAS(r.out, " stretch ");
    nearest(&r, FEW DNS TARGET("near"), "-t 2 --json >/dev/full");
    CHECK_INT(CANNOT, r.code, "a full disk");
    CHECK_HAS(r.err, "cannot write all of standard output");
    close(near);
}

/* Front doors by metro: sweeps, ranks them, and prints the result of the sweep. */
static void front_doors(void **state)
{
    (void)state;
    static struct ran r;
    int doors[] = {world_listen(3, 443), world_listen(4, 443)};
    nearest(&r,
            "[agent]\nworkloads = no\nlocation = 51.5 -0.1\n" DNS
            "[target mail]\nhost = outlook.office365.com\nservice = exchange\nkinds = "
            "tcp\nfamily = ipv4\n",
            "-t 5 -v");
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
    static const struct {
        const char *what, *configuration, *why;
        int code;
    } cases[] = {
        {"answers", FEW DNS TARGET("near"), "", BAD},
        {"middlebox", FEW DNS TARGET("far"),
         "a middlebox answers the handshakes in place of the targets", BAD},
        {"names", FEW DNS TARGET("gone"), "no name was resolved", CANNOT},
        {"filter", FEW DNS "[target a]\nhost = filtered.office.com\nkinds = tcp\n",
         "a filter or a hijack of DNS", CANNOT},
        {"way-out", FEW DNS "[target a]\nhost = 203.0.113.1\nkinds = tcp\n",
         "nothing could be sent", CANNOT},
    };
    enum { N = sizeof cases / sizeof *cases };
    static struct ran r[N];
    int far = world_listen(2, 443), decoy = world_listen(2, 4);
    for (size_t i = 0; i < N; i++)
        start(&r[i], cases[i].what, cases[i].configuration, "-t 3");
    for (size_t i = 0; i < N; i++) {
        program_end(&r[i]);
        CHECK_INT(cases[i].code, r[i].code, cases[i].what);
        CHECK_HAS(r[i].err, cases[i].why);
    }
    close(far);
    close(decoy);
}

/* One sentence, not a warning for each name and a table of dashes. */
static void no_network(void **state)
{
    (void)state;
    static struct ran r;
    nearest(&r,
            FEW "[dns]\nservers = 203.0.113.53\n" TARGET("near") TARGET("far")
                TARGET("gone"),
            "-t 2");
    CHECK_INT(CANNOT, r.code, "nothing is known");
    CHECK_TEXT("", r.out, "no table");
    CHECK_TEXT("Measuring for 2 s ...\n"
               "edgelat: no name was resolved: no DNS server could be reached; this host "
               "has no route to the internet: there is no default route, though t0 has "
               "the address 10.9.0.1/24; add one: ip route\n",
               r.err, "the sentence");
    int near = world_listen(1, 443);
    nearest(&r, FEW DNS TARGET("near") TARGET("gone"), "-t 2");
    CHECK_INT(FINE, r.code, r.err);
    CHECK_HAS(r.out, "\ngone: gone.test has no address: no such name\n");
    CHECK_TEXT("Measuring for 2 s ...\n", r.err, "no warnings");
    close(near);
}

/* Ctrl-C prints the results so far. */
static void ends_sooner(void **state)
{
    (void)state;
    static struct ran r;
    start(&r, "edgelat.conf", FEW DNS TARGET("near"), "-t 300 -v");
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    kill(r.pid, SIGINT);
    program_end(&r);
    CHECK_INT(1, program_count(r.out, "near "), "its line");
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
        nearest(&r, FEW DNS TARGET("near"), cases[i].options);
        CHECK_INT(CANNOT, r.code, cases[i].options);
        CHECK_HAS(r.err, cases[i].why);
    }
    nearest(&r, FEW "[dns]\nservers = ns.example\n" TARGET("near"), "-t 2");
    CHECK_INT(CANNOT, r.code, "a DNS server that is no address");
    nearest(&r, "[agent\n", "-t 2");
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
        cmocka_unit_test(nothing_to_rank), cmocka_unit_test(no_network),
        cmocka_unit_test(ends_sooner),     cmocka_unit_test(usage),
    };
    return cmocka_run_group_tests(tests, begin_world, world_end);
}
