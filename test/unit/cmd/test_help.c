#include "cmd/help.h"

#include "check.h"
#include "cmd/cmd.h"

static const struct cmd_option options[] = {
    {"count", 'n', "N", "how often"},
    {"output", 'o', "FILE", "the page", .required = true},
    {"server-name", 256, "NAME",
     "what to ask for there and to find in the certificate (default HOST, if it has one)"},
    {"json", 257, NULL, "one object"},
    {0},
};

static const struct command command = {
    .name = "try",
    .arguments = "KIND HOST...",
    .options = options,
    .about =
        "A text that is longer than the eighty columns of a line continues in the next line.\n"
        "\n"
        "Another one.",
    .notes = "A note.",
    .examples = "edgelat try x\n"
                "edgelat try y\n",
};

static void test_command(void **state)
{
    (void)state;
    struct text text = {0};
    help_command(&text, &command);
    CHECK_TEXT(
        "usage: edgelat try -o FILE KIND HOST... [-n N] [--server-name NAME] [--json]\n"
        "\n"
        "A text that is longer than the eighty columns of a line continues in the next\n"
        "line.\n"
        "\n"
        "Another one.\n"
        "\n"
        "  -n, --count N           how often\n"
        "  -o, --output FILE       the page\n"
        "      --server-name NAME  what to ask for there and to find in the certificate\n"
        "                          (default HOST, if it has one)\n"
        "      --json              one object\n"
        "  -h, --help              print this help\n"
        "\n"
        "A note.\n"
        "\n"
        "examples:\n"
        "  edgelat try x\n"
        "  edgelat try y\n",
        text_string(&text), "help of a command");
    text_free(&text);
}

static void check_lines(const char *what, const struct text *text)
{
    for (const char *line = text_string(text); *line != '\0';) {
        size_t len = strcspn(line, "\n");
        CHECK(len <= 80, "%s: over 80 columns: %.*s", what, (int)len, line);
        CHECK(len == 0 || line[len - 1] != ' ', "%s: space at the end: %.*s", what,
              (int)len, line);
        CHECK(line[len] == '\n', "%s: the last line ends", what);
        line += len + 1;
    }
}

static void test_lines(void **state)
{
    (void)state;
    struct text text = {0};
    help_program(&text);
    check_lines("edgelat", &text);
    CHECK(strstr(text_string(&text), "\n  -V, --version ") != NULL, "-V is listed");
    CHECK(strstr(text_string(&text), "\n  -h, --help ") != NULL, "-h is listed");
    for (size_t i = 0; i < cmd_commands_count; i++) {
        text_clear(&text);
        help_command(&text, cmd_commands[i]);
        check_lines(cmd_commands[i]->name, &text);
    }
    text_free(&text);
}

static void test_kinds(void **state)
{
    (void)state;
    struct text text = {0};
    help_command(&text, &command_probe);
    CHECK(strstr(text_string(&text), "\nKinds: icmp, tcp, https, stun, dns.\n") != NULL,
          "kinds");
    text_free(&text);
}

/* The order of the table of the README. */
static void test_order(void **state)
{
    (void)state;
    char line[1024], row[64];
    FILE *readme = fopen("README.md", "r");
    CHECK(readme != NULL, "README.md can be read; tests run in the top folder");
    for (size_t i = 0; i < cmd_commands_count; i++) {
        snprintf(row, sizeof row, "| `edgelat %s ", cmd_commands[i]->name);
        do
            CHECK(fgets(line, sizeof line, readme) != NULL, "%s is next", row);
        while (strncmp(line, "| `edgelat ", 11) != 0);
        CHECK(strncmp(line, row, strlen(row)) == 0, "%s before %s", row, line);
    }
    fclose(readme);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
