#include "cmd/cmd.h"

#include "capture.h"

#include <getopt.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_getopt),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_is_option),
        cmocka_unit_test(test_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
