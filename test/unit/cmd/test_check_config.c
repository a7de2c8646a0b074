#include "capture.h"
#include "cmd/cmd.h"
#include "core/config_keys.h"
#include "folder.h"

#include <getopt.h>

/* As main.c calls it. */
static int run(struct capture *out, const char *first, const char *second)
{
    char *argv[] = {"check-config", (char *)first, (char *)second, NULL};
    optind = 0; /* another command line than last time */
    capture_begin(out);
    int code = command_check_config.run(first == NULL ? 1 : second == NULL ? 2 : 3, argv);
    capture_end(out);
    return code;
}

static void check_summary(const struct folder *f, const char *text, const char *expected,
                          const char *found_expected)
{
    struct capture out;
    char line[512];
    const char *path = folder_write(f, "a.conf", text);
    CHECK_INT(CMD_FINE, run(&out, path, NULL), expected);
    snprintf(line, sizeof line, "%s: fine: %s\n  %s\n", path, expected, found_expected);
    char *found = strchr(out.out, '\n') + 1;
    found[strcspn(found, "\n") + 1] = '\0'; /* behind it: the data files found */
    CHECK_TEXT(line, out.out, "standard output");
    CHECK_TEXT("", out.err, "standard error");
}

static void test_fine(void **state)
{
    (void)state;
    struct folder f = folder_make();
    setenv("EDGELAT_DATA", "packaging/data", 1);
    check_summary(&f,
                  "[collector]\nurl = https://c.example:4318/\n"
                  "[target a]\nhost = a.example\nkinds = icmp\ninterval = 2s\n"
                  "[target b]\nhost = b.example\nkinds = icmp tcp\ninterval = 4s\n"
                  "family = ipv4\n",
                  "2 targets, 2 kinds, 1.50 probes a second at most, collector "
                  "https://c.example:4318",
                  "up to 29.00 probes a second for the 10 s of a look around, and 5.45 "
                  "more between them for 4 front doors and 5 usual names");
    check_summary(&f, "[target a]\nhost = a.example\nkinds = tcp\nfamily = ipv6\n",
                  "1 target, 1 kind, 0.10 probes a second at most, no collector",
                  "up to 27.50 probes a second for the 10 s of a look around, and 3.18 "
                  "more between them for 4 front doors and 5 usual names");
    check_summary(&f,
                  "[agent]\nfront_doors = 0\nworkloads = no\n"
                  "[target a]\nhost = a.example\nkinds = tcp\nfamily = ipv6\n",
                  "1 target, 1 kind, 0.10 probes a second at most, no collector",
                  "up to 0.50 probes a second for the 10 s of a look around");
    unsetenv("EDGELAT_DATA");
    folder_remove(&f);
}

static void test_shipped(void **state)
{
    (void)state;
    struct capture out;
    CHECK(run(&out, "packaging/edgelat.conf", NULL) == CMD_FINE, "%s", out.err);
    CHECK(strstr(out.out, ": fine: 5 targets, 3 kinds, ") != NULL, "got %s", out.out);
}

static void test_data_files(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    char expected[512];
    setenv("EDGELAT_DATA", "packaging/data", 1);
    CHECK_INT(CMD_FINE, run(&out, "packaging/edgelat.conf", NULL), "as shipped");
    CHECK(strstr(out.out, "\npackaging/data/metros.csv: fine: 144 entries, version ") &&
              strstr(out.out, "\npackaging/data/prefixes.csv: fine: ") &&
              strstr(out.out, "\npackaging/data/thresholds.csv: fine: ") &&
              strstr(out.out, "\npackaging/data/targets.csv: fine: 5 entries, ") &&
              strstr(out.out, "\npackaging/data/suffixes.csv: fine: "),
          "got %s", out.out);

    const char *path = folder_write(
        &f, "prefixes.csv",
        "# edgelat prefixes 1\nprefix,service,basis\n10.0.0.1/8,x,inferred\n");
    snprintf(expected, sizeof expected,
             "%s:3: prefix 10.0.0.1/8: goes on behind its length; did you mean "
             "10.0.0.0/8?\n",
             path);
    setenv("EDGELAT_DATA", f.path, 1);
    CHECK_INT(CMD_CANNOT, run(&out, "packaging/edgelat.conf", NULL), "one of ours");
    CHECK_TEXT(expected, out.err, "line and suggestion");
    unsetenv("EDGELAT_DATA");
    folder_remove(&f);
}

static void test_problems(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    char expected[1024];
    const char *path = folder_write(&f, "a.conf", "[target a]\nhots = a\nport = 0\n");
    snprintf(expected, sizeof expected,
             "%s:2: unknown key 'hots' in [target a]; did you mean 'host'?\n"
             "%s:3: port = 0 in [target a]: must be a whole number from 1 to 65535\n"
             "%s:1: [target a] needs a host: host = NAME\n",
             path, path, path);
    CHECK_INT(CMD_CANNOT, run(&out, path, NULL), "exit code");
    CHECK_TEXT("", out.out, "standard output");
    CHECK_TEXT(expected, out.err, "standard error");
    setenv("EDGELAT_CONFIG", path, 1);
    CHECK_INT(CMD_CANNOT, run(&out, NULL, NULL), "the file of the environment");
    CHECK_TEXT(expected, out.err, "is the same");
    unsetenv("EDGELAT_CONFIG");
    folder_remove(&f);
}

static void test_usage(void **state)
{
    (void)state;
    struct capture out;
    CHECK_INT(CMD_CANNOT, run(&out, "a", "b"), "two files");
    CHECK_TEXT("edgelat: check-config takes one FILE; 'b' is one too many\n", out.err,
               "two files");
    CHECK_INT(CMD_CANNOT, run(&out, "--kyes", NULL), "a wrong option");
    CHECK_TEXT("edgelat: check-config has no option --kyes; did you mean --keys?\n",
               out.err, "a wrong option");
}

static void test_keys(void **state)
{
    (void)state;
    struct capture out;
    CHECK_INT(CMD_FINE, run(&out, "--keys", NULL), "--keys");
    for (size_t i = 0; i < config_keys_count; i++)
        CHECK(strstr(out.out, config_keys[i].help) != NULL, "%s is listed",
              config_keys[i].name);
    CHECK(strstr(out.out, "\n[target NAME]\n") != NULL, "sections are named");
    CHECK(strstr(out.out, "  KIND_slow_interval ") != NULL, "kinds' own are named");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fine),     cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_problems), cmocka_unit_test(test_usage),
        cmocka_unit_test(test_keys),     cmocka_unit_test(test_data_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
