/*
 * edgelat: latency to the Microsoft edge, measured where the users are. Here: the table
 * of commands.
 */
#include "base/start.h"
#include "cmd/cmd.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_run,          &command_probe,   &command_nearest,
    &command_status,       &command_report,  &command_decode,
    &command_check_config, &command_collect, &command_whereis,
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void)
{
    printf("usage: edgelat COMMAND [OPTION...]\n"
           "\n"
           "Measures the way from here to the Microsoft edge: round-trip delay, loss and "
           "delay\n"
           "variation by ICMP, TCP and HTTPS; once from the command line, or for good as "
           "an agent\n"
           "that ships percentiles to an OTLP collector.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-14s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n"
           "`edgelat COMMAND --help` says more. Exit codes: 0 fine, 1 measured and found "
           "bad,\n"
           "2 could not do it.\n"
           "\n"
           "examples:\n"
           "  edgelat probe tcp teams.microsoft.com       is it slow right now?\n"
           "  edgelat nearest                             which PoP serves us, and which "
           "is near?\n"
           "  sudo edgelat run                            the agent, with "
           "/etc/edgelat/edgelat.conf\n"
           "  sudo edgelat status                         is the agent well, and what "
           "does it see?\n"
           "  sudo edgelat report -o report.html          when was it slow, and who "
           "served us?\n");
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = text_nearest(name, names, COMMANDS);
    if (near != NULL)
        return cmd_cannot("there is no command '%s'; did you mean '%s'?", name, near);
    return cmd_cannot("there is no command '%s'; `edgelat --help` lists them", name);
}

/* --help before a "--": also beside options that are wrong. */
static int asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return 1;
    return 0;
}

/* What main() was asked for. */
static int perform(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    struct text why = {0};
    if (name == NULL) {
        print_help();
        return cmd_cannot("which command?");
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("edgelat %s\n", EDGELAT_VERSION);
        return CMD_FINE;
    }
    bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
                strcmp(name, "help") == 0;
    if (help && argc < 3) {
        print_help();
        return CMD_FINE;
    }
    const struct command *command = find(help ? argv[2] : name);
    if (command == NULL)
        return unknown(help ? argv[2] : name);
    if (help || asks_for_help(argc - 1, argv + 1)) {
        fputs(command->help, stdout);
        return CMD_FINE;
    }
    int rc = start_has(&command->needs, &why)
                 ? command->run(argc - 1, argv + 1)
                 : cmd_cannot("%s: %s", name, text_string(&why));
    text_free(&why);
    return rc;
}

int main(int argc, char **argv)
{
    if (start_descriptors() < 0) /* nowhere to say it */
        return CMD_CANNOT;
    if (!start_stack())
        return CMD_CANNOT;
    start_environment();
    if (argc > 1 && strcmp(argv[1], command_run.name) == 0)
        start_hold_signals();
    return cmd_finish(perform(argc, argv));
}
