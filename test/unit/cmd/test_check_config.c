#include "capture.h"
#include "cmd/cmd.h"
#include "config/keys.h"
#include "folder.h"

#include <getopt.h>

/* Calls the command as main.c does. */
static int run(struct capture *out, const char *first, const char *second)
{
    char *argv[] = {"check-config", (char *)first, (char *)second, NULL};
    optind = 0; /* restarts getopt */
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
    snprintf(line, sizeof line, "%s: OK: %s\n  %s\n", path, expected, found_expected);
    char *found = strchr(out.out, '\n') + 1;
    found[strcspn(found, "\n") + 1] = '\0'; /* the data files follow */
    CHECK_TEXT(line, out.out, "standard output");
    CHECK_TEXT("", out.err, "standard error");
}

static void test_fine(void **state)
{
    (void)state;
    struct folder f = folder_make();
    setenv("EDGELAT_DATA", "packaging/data", 1);
    check_summary(
        &f,
        "[collector]\nurl = https://c.example:4318/\n"
        "[target a]\nhost = a.example\nkinds = icmp\ninterval = 2s\n"
        "[target b]\nhost = b.example\nkinds = icmp tcp\ninterval = 4s\n"
        "family = ipv4\n",
        "2 targets, 2 kinds, up to 1.50 probes/s, collector "
        "https://c.example:4318",
        "during discovery (10 s every hour) up to 35.00 probes/s; otherwise 5.59/s "
        "more for 4 discovered front doors and 7 built-in names");
    check_summary(
        &f, "[target a]\nhost = a.example\nkinds = tcp\nfamily = ipv6\n",
        "1 target, 1 kind, up to 0.10 probes/s, no collector",
        "during discovery (10 s every hour) up to 33.50 probes/s; otherwise 3.33/s "
        "more for 4 discovered front doors and 7 built-in names");
    check_summary(&f,
                  "[agent]\nfront_doors = 0\nworkloads = no\n"
                  "[target a]\nhost = a.example\nkinds = tcp\nfamily = ipv6\n",
                  "1 target, 1 kind, up to 0.10 probes/s, no collector",
                  "during discovery (10 s every hour) up to 0.50 probes/s");
    unsetenv("EDGELAT_DATA");
    folder_remove(&f);
}

static void test_shipped(void **state)
{
    (void)state;
    struct capture out;
    CHECK(run(&out, "packaging/edgelat.conf", NULL) == CMD_FINE, "%s", out.err);
    CHECK(strstr(out.out, ": OK: 7 targets, 3 kinds, ") != NULL, "got %s", out.out);
}

static void test_data_files(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    char expected[512];
    setenv("EDGELAT_DATA", "packaging/data", 1);
    CHECK_INT(CMD_FINE, run(&out, "packaging/edgelat.conf", NULL), "as shipped");
    CHECK(strstr(out.out, "\npackaging/data/metros.csv: OK: 213 entries, version ") &&
              strstr(out.out, "\npackaging/data/prefixes.csv: OK: ") &&
              strstr(out.out, "\npackaging/data/thresholds.csv: OK: ") &&
              strstr(out.out, "\npackaging/data/targets.csv: OK: 7 entries, ") &&
              strstr(out.out, "\npackaging/data/suffixes.csv: OK: ") &&
              strstr(out.out, "\npackaging/data/airports.csv: OK: "),
          "got %s", out.out);

    const char *path = folder_write(
        &f, "prefixes.csv",
        "# edgelat prefixes 1\nprefix,service,basis\n10.0.0.1/8,x,inferred\n");
    snprintf(expected, sizeof expected,
             "%s:3: prefix 10.0.0.1/8: has host bits set; did you mean "
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

/* A file that the configuration names, and the message about it; NULL: none. */
static const struct {
    const char *keys; /* of [collector] */
    const char *said; /* after the name of the configuration */
} named[] = {
    {"cert_file = F/cert\nkey_file = F/key\nca_file = F/cert\nheader_file = F/token\n",
     NULL},
    {"header_file = F/tokn\n",
     ":3: header_file F/tokn: no such file; create it or remove the key\n"},
    {"ca_file = F/cart\n",
     ":3: ca_file F/cart: no such file; create it or remove the key\n"},
    {"ca_file = F/token\n", ":3: ca_file F/token: no certificate in PEM form "
                            "(-----BEGIN CERTIFICATE-----); is it the right file?\n"},
    {"ca_file = F\n", ":3: ca_file F: this is a folder; name the file in it\n"},
    {"ca_file = F/fifo\n", ":3: ca_file F/fifo: a FIFO, socket or device; only a regular "
                           "file is read here\n"},
    {"header_file = F/cert\n",
     ":3: header_file F/cert: it must have one line such as 'Authorization: Bearer TOKEN'\n"},
    {"header_file = F/empty\n",
     ":3: header_file F/empty: it must have one line such as 'Authorization: Bearer TOKEN'\n"},
    {"cert_file = F/key\nkey_file = F/key\n",
     ":3: cert_file F/key: no certificate in PEM form (-----BEGIN CERTIFICATE-----); is it "
     "the right file?\n"},
    {"cert_file = F/cert\nkey_file = F/cert\n",
     ":4: key_file F/cert: no private key in PEM form (-----BEGIN PRIVATE KEY-----); is it "
     "the right file?\n"},
    {"cert_file = F/cert\nkey_file = F/other\n",
     ":4: key_file F/other: is not the key of the certificate in F/cert; which of them is "
     "old?\n"},
    {"cert_file = F/cert\nkey_file = F/locked\n",
     ":4: key_file F/locked: the key is encrypted and nobody can enter its "
     "passphrase; store it unencrypted: openssl pkey -in OLD -out NEW\n"},
    {"[target a]\nhost = a.example\nca_file = F/cart\n",
     ":5: ca_file F/cart: no such file; create it or remove the key\n"},
    {"[traffic]\ncounters = F/not-yet\n", NULL}, /* of edgelat-traffic.service */
    {"[traffic]\ncounters = F/fifo\n", NULL},
    {"header_file = /run/credentials/edgelat.service/header\n",
     ":3: header_file /run/credentials/edgelat.service/header: warning: not checked: "
     "this user cannot read it\n"},
};

/* `text` with F/ replaced by the folder. */
static void in_folder(char out[2048], const struct folder *f, const char *text)
{
    out[0] = '\0';
    for (const char *at = text; *at != '\0'; at++) {
        size_t used = strlen(out);
        bool is_folder = *at == 'F' && strchr("/:\n", at[1]) != NULL;
        if (is_folder)
            snprintf(out + used, 2048 - used, "%s", f->path);
        else
            snprintf(out + used, 2048 - used, "%c", *at);
    }
}

static void test_named_files(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    setenv("EDGELAT_DATA", "packaging/data", 1);
    char command[512], keys[2048], said[2048], expected[2304], text[2304];
    snprintf(
        command, sizeof command,
        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-keyout key -out cert -subj /CN=lab 2>/dev/null && openssl genpkey -algorithm "
        "ed25519 -out other && openssl pkey -in key -aes256 -passout pass:secret -out "
        "locked && mkfifo fifo && echo 'Authorization: Bearer x' >token && : >empty",
        f.path);
    CHECK_INT(0, system(command), "openssl");
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        bool warning = named[i].said != NULL && strstr(named[i].said, "warning") != NULL;
        in_folder(keys, &f, named[i].keys);
        in_folder(said, &f, named[i].said != NULL ? named[i].said : "");
        snprintf(text, sizeof text,
                 "[collector]\nurl = https://c.example\n%s[agent]\nstate_dir = %s\n",
                 keys, f.path);
        const char *path = folder_write(&f, "a.conf", text);
        snprintf(expected, sizeof expected, "%s%s", said[0] != '\0' ? path : "", said);
        CHECK_INT(named[i].said == NULL || warning ? CMD_FINE : CMD_CANNOT,
                  run(&out, "-c", path), named[i].keys);
        CHECK_TEXT(expected, out.err, named[i].keys);
    }
    unsetenv("EDGELAT_DATA");
    folder_remove(&f);
}

/* If a drop-in names the file, its line is reported. */
static void test_named_in_drop_in(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    setenv("EDGELAT_DATA", "packaging/data", 1);
    char folder[128], path[128], expected[512];
    snprintf(folder, sizeof folder, "%s/a.conf.d", f.path);
    CHECK_INT(0, mkdir(folder, 0755), "a folder of drop-ins");
    folder_write(&f, "a.conf.d/b.conf", "[collector]\n\nheader_file = /nowhere/b\n");
    text_copy(path, sizeof path,
              folder_write(&f, "a.conf",
                           "[collector]\nurl = https://c.example\nheader_file = /etc\n"));
    snprintf(expected, sizeof expected,
             "%s/b.conf:3: header_file /nowhere/b: no such file; create it or remove the "
             "key\n",
             folder);
    CHECK_INT(CMD_CANNOT, run(&out, path, NULL), "exit code");
    CHECK_TEXT(expected, out.err, "the last one counts");
    unsetenv("EDGELAT_DATA");
    folder_remove(&f);
}

static void test_standard_input(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    const char *path = folder_write(&f, "a.conf", "[agent]\nnaerest = 3\n");
    int before = dup(STDIN_FILENO);
    CHECK(freopen(path, "r", stdin) != NULL, "the file is standard input");
    CHECK_INT(CMD_CANNOT, run(&out, "-", NULL), "a mistake");
    CHECK_TEXT(
        "/dev/stdin:2: unknown key 'naerest' in [agent]; did you mean 'nearest'?\n",
        out.err, "where");
    dup2(before, STDIN_FILENO);
    close(before);
    folder_remove(&f);
}

static void test_usage(void **state)
{
    (void)state;
    struct capture out;
    CHECK_INT(CMD_CANNOT, run(&out, "a", "b"), "two files");
    CHECK_TEXT("edgelat: check-config takes one FILE; 'b' is too many\n", out.err,
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
        cmocka_unit_test(test_fine),
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_named_files),
        cmocka_unit_test(test_named_in_drop_in),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_data_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
