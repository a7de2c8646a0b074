#include "cmd/cmd.h"

#include "capture.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>

static const struct cmd_option options[] = {
    {"json", 'j', NULL, ""},
    {"count", 'n', "N", ""},
    {"config", 'c', "FILE", ""},
    {"size", 300, "BYTES", ""},
    {0},
};

static const struct {
    const char *argv[6];
    int codes[4]; /* ends with -1 or '?' */
    const char *said;
} cases[] = {
    {{"probe", "icmp"}, {-1}, ""},
    {{"probe", "-j", "-n", "5", "a"}, {'j', 'n', -1}, ""},
    {{"probe", "a", "--count=5", "b", "--json"}, {'n', 'j', -1}, ""},
    {{"probe", "--jsno"},
     {'?'},
     "edgelat: probe has no option --jsno; did you mean --json?\n"},
    {{"probe", "a", "--cuont=5"},
     {'?'},
     "edgelat: probe has no option --cuont; did you mean --count?\n"},
    {{"probe", "--frobnicate"},
     {'?'},
     "edgelat: probe has no option --frobnicate; `edgelat probe --help` lists the options\n"},
    {{"probe", "--json=yes"}, {'?'}, "edgelat: option --json takes no value\n"},
    {{"probe", "a", "--count"}, {'?'}, "edgelat: option --count needs a value\n"},
    {{"probe", "-jn"}, {'j', '?'}, "edgelat: option -n needs a value\n"},
    {{"probe", "-x"},
     {'?'},
     "edgelat: probe has no option -x; `edgelat probe --help` lists the options\n"},
    {{"probe", "-json"},
     {'j', '?'},
     "edgelat: probe has no option -s; did you mean --json?\n"},
    {{"probe", "-config"}, {'c', -1}, ""},
    {{"probe", "--siz", "9", "-n7"}, {300, 'n', -1}, ""},
    {{"probe", "--size"}, {'?'}, "edgelat: option --size needs a value\n"},
    {{"probe", "--co", "9"},
     {'?'},
     "edgelat: probe has no option --co; `edgelat probe --help` lists the options\n"},
    {{"probe", "--", "-j"}, {-1}, ""},
};

static void test_getopt(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct capture out;
        char *argv[7] = {0};
        int argc = 0, codes[4], n = 0;
        for (; argc < 6 && cases[i].argv[argc] != NULL; argc++)
            argv[argc] = (char *)cases[i].argv[argc];
        optind = 0; /* restarts getopt */
        capture_begin(&out);
        do
            codes[n] = cmd_getopt(argc, argv, options);
        while (codes[n] != -1 && codes[n] != '?' && ++n < 4);
        capture_end(&out);
        CHECK_TEXT(cases[i].said, out.err, cases[i].argv[1]);
        for (int k = 0; k <= n && k < 4; k++)
            CHECK_INT(cases[i].codes[k], codes[k], cases[i].argv[1]);
    }
}

/* Names and codes are unique, and no code is the letter of another option. */
static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < cmd_commands_count; i++) {
        const char *command = cmd_commands[i]->name;
        for (const struct cmd_option *o = cmd_commands[i]->options; o->name != NULL;
             o++) {
            CHECK(strcmp(o->name, "help") != 0 && o->letter != 'h', "%s: -h", command);
            for (const struct cmd_option *p = o + 1; p->name != NULL; p++)
                CHECK(strcmp(o->name, p->name) != 0 && o->letter != p->letter,
                      "%s: --%s and --%s", command, o->name, p->name);
        }
    }
}

static void test_is_option(void **state)
{
    (void)state;
    const char *is[] = {"--json", "-j"};
    const char *is_not[] = {"",         "-",   "--", "json",   "--jso",
                            "--json=1", "-jx", "-n", "---json"};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++)
        CHECK(cmd_is_option(is[i], &options[0]), "%s", is[i]);
    for (size_t i = 0; i < sizeof is_not / sizeof *is_not; i++)
        CHECK(!cmd_is_option(is_not[i], &options[0]), "%s", is_not[i]);
}

static void test_cannot(void **state)
{
    (void)state;
    struct capture out;
    capture_begin(&out);
    int code = cmd_cannot("no %s", "way");
    capture_end(&out);
    CHECK_INT(2, code, "exit code");
    CHECK_TEXT("edgelat: no way\n", out.err, "standard error");
    CHECK_TEXT("", out.out, "standard output");
}

/* What a terminal receives; its line ends are those of a terminal. */
static void test_terminals(void **state)
{
    (void)state;
    static const char text[] = "\tsite\t>n\n\tZ\xc3\xbcrich\t1\n\t\xe6\x9d\xb1\t2\n";
    static const char utf8[] = "site    n\r\nZ\xc3\xbcrich  1\r\n\xe6\x9d\xb1      2\r\n",
                      ascii[] = "site    n\r\nZ?rich  1\r\n?       2\r\n";
    static const struct {
        const char *locale, *shown;
    } locales[] = {
        {"C.UTF-8", utf8}, {"C", ascii},           {"POSIX", ascii},
        {"", ascii},       {"xx_XX.UTF-8", utf8}, /* not installed */
        {"xx_XX", ascii},  {"xx_XX.utf8@x", utf8},
    };
    unsetenv("LC_CTYPE");
    unsetenv("LANG");
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
        char got[256] = "";
        int master = posix_openpt(O_RDWR | O_NOCTTY), saved = dup(STDOUT_FILENO);
        CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "a terminal");
        int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
        setenv("LC_ALL", locales[i].locale, 1);
        fflush(stdout);
        dup2(terminal, STDOUT_FILENO);
        cmd_print(text);
        fflush(stdout);
        dup2(saved, STDOUT_FILENO);
        close(terminal);
        size_t len = 0;
        for (ssize_t n; (n = read(master, got + len, sizeof got - 1 - len)) > 0;)
            len += (size_t)n; /* in pieces */
        CHECK_TEXT(locales[i].shown, got, locales[i].locale);
        close(master);
        close(saved);
    }
    struct capture out;
    setenv("LC_ALL", "C", 1);
    capture_begin(&out);
    cmd_write(stdout, "Z\xc3\xbcrich\x1b[2J\xc2\x9b\xff\n");
    capture_end(&out);
    CHECK_TEXT("Z\xc3\xbcrich?[2J??\n", out.out, "a file gets all that is text");
    unsetenv("LC_ALL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_getopt),    cmocka_unit_test(test_tables),
        cmocka_unit_test(test_is_option), cmocka_unit_test(test_cannot),
        cmocka_unit_test(test_terminals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
