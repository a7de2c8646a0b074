/*
 * edgelat: measures the latency to the Microsoft edge from the customer's premises. main()
 * finds and runs the command.
 */
#include "base/start.h"
#include "cmd/cmd.h"
#include "cmd/completion.h"
#include "cmd/data.h"
#include "cmd/help.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < cmd_commands_count; i++)
        if (strcmp(cmd_commands[i]->name, name) == 0)
            return cmd_commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[CMD_COMMANDS_MAX];
    for (size_t i = 0; i < cmd_commands_count; i++)
        names[i] = cmd_commands[i]->name;
    const char *near = text_nearest(name, names, cmd_commands_count);
    if (near != NULL)
        return cmd_cannot("unknown command '%s'; did you mean '%s'?", name, near);
    return cmd_cannot("unknown command '%s'; `edgelat --help` lists the commands", name);
}

/* --help before a "--" counts even if other options are invalid. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (cmd_is_option(argv[i], &cmd_help_option))
            return true;
    return false;
}

/* Prints and frees the text. */
static int print(struct text *text)
{
    fputs(text_string(text), stdout);
    text_free(text);
    return CMD_FINE;
}

static int print_help(const struct command *command) /* NULL: edgelat itself */
{
    struct text text = {0};
    if (command != NULL)
        help_command(&text, command);
    else
        help_program(&text);
    return print(&text);
}

/* The completions ask for them, so that they offer what targets.csv has now. */
static int print_services(void)
{
    struct data data;
    struct data_folders folders = data_folders();
    const char *names[WORKLOADS_MAX];
    data_load(&data, &folders);
    size_t n = workloads_services(names, &data.known.workloads);
    for (size_t i = 0; i < n; i++)
        puts(names[i]);
    data_free(&data);
    return CMD_FINE;
}

static int print_completion(const char *shell)
{
    struct text text = {0};
    if (shell != NULL && strcmp(shell, "services") == 0)
        return print_services();
    if (shell == NULL || !completion_render(&text, shell))
        return cmd_cannot(
            "--completion needs the name of a shell, bash, zsh or fish; or services");
    return print(&text);
}

/* Returns the letter of the option if `word` is an option of edgelat itself, else 0. */
static int own_option(const char *word)
{
    for (const struct cmd_option *o = cmd_own_options; o->name != NULL; o++)
        if (cmd_is_option(word, o))
            return o->letter;
    return cmd_is_option(word, &cmd_help_option) || strcmp(word, "help") == 0
               ? cmd_help_option.letter
               : 0;
}

static int perform(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    struct text why = {0};
    if (name == NULL) {
        print_help(NULL);
        return cmd_cannot("COMMAND is required; `edgelat --help` lists the commands");
    }
    int option = own_option(name);
    bool help = option == cmd_help_option.letter;
    if (option == 'V') {
        printf("edgelat %s\n", EDGELAT_VERSION);
        return CMD_FINE;
    }
    if (option == CMD_OPTION_COMPLETION)
        return print_completion(argv[2]);
    if (strncmp(name, "--completion=", 13) == 0)
        return print_completion(name + 13);
    if (help && argc < 3)
        return print_help(NULL);
    const struct command *command = find(help ? argv[2] : name);
    if (command == NULL)
        return unknown(help ? argv[2] : name);
    if (help || asks_for_help(argc - 1, argv + 1))
        return print_help(command);
    int rc = start_has(&command->needs, &why)
                 ? command->run(argc - 1, argv + 1)
                 : cmd_cannot("%s: %s", name, text_string(&why));
    text_free(&why);
    return rc;
}

int main(int argc, char **argv)
{
    if (!start_program())
        return CMD_CANNOT;
    if (argc > 1 && strcmp(argv[1], command_run.name) == 0)
        start_hold_signals();
    return cmd_finish(perform(argc, argv));
}
