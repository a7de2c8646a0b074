#include "cmd/completion.h"

#include "cmd/cmd.h"
#include "cmd/help.h"
#include "probe/kinds.h"

#include <limits.h>
#include <string.h>

enum { BRIEF_MAX = 128 };

static const char shells[] = "bash zsh fish";

/* ---- common to all shells ---- */

/* The start of a help text, up to a remark, for one line of a menu. */
static const char *brief(char out[BRIEF_MAX], const char *help)
{
    size_t len = strcspn(help, ";");
    const char *remark = strstr(help, " (");
    if (remark != NULL && (size_t)(remark - help) < len)
        len = (size_t)(remark - help);
    text_copy(out, len < BRIEF_MAX ? len + 1 : BRIEF_MAX, help);
    return out;
}

/* Escapes text for a single-quoted shell string; puts a backslash before each character of
 * `special`. */
static void add_quoted(struct text *out, const char *s, const char *special)
{
    for (; *s != '\0'; s++) {
        if (strchr(special, *s) != NULL)
            text_add(out, "\\");
        text_add(out, *s == '\'' ? "'\\''" : "%c", *s);
    }
}

/* "setup|remove" as "setup remove" */
static void add_choices(struct text *out, const char *arguments)
{
    for (const char *at = arguments; *at != '\0'; at++)
        text_add_bytes(out, *at == '|' ? " " : at, 1);
}

static void add_kinds(struct text *out)
{
    kinds_add_names(out, probe_kind_words(), " ", " ");
}

static void add_commands(struct text *out)
{
    for (size_t i = 0; i < cmd_commands_count; i++)
        text_add(out, "%s%s", i > 0 ? " " : "", cmd_commands[i]->name);
}

/* Calls `add` for each option of each command (--help last), then for the options of edgelat
 * itself, with command "". */
typedef void add_option(struct text *out, const char *command,
                        const struct cmd_option *option);
static void add_options(struct text *out, const char *command,
                        const struct cmd_option *options, add_option *add)
{
    for (const struct cmd_option *o = options; o->name != NULL; o++)
        add(out, command, o);
    add(out, command, &cmd_help_option);
}

/* ---- bash ---- */

static void bash_name(struct text *out, const char *command, const struct cmd_option *o)
{
    (void)command;
    text_add(out, " --%s", o->name);
}

static void bash_options(struct text *out, const char *command,
                         const struct cmd_option *options)
{
    text_add(out, "        %s) echo", command);
    add_options(out, command, options, bash_name);
    text_add(out, " ;;\n");
}

static const char *const bash_words[] = {
    [CMD_ANYTHING] = "anything", [CMD_FILE] = "file",           [CMD_FOLDER] = "folder",
    [CMD_HOST] = "host",         [CMD_KIND] = "kind",           [CMD_SHELL] = "shell",
    [CMD_SERVICE] = "service",   [CMD_INTERFACE] = "interface", [CMD_CHOICE] = "choice",
};

static void bash_argument(struct text *out, const char *command,
                          const struct cmd_option *o)
{
    if (o->argument == NULL)
        return;
    text_add(out, "        ");
    if (o->letter <= UCHAR_MAX)
        text_add(out, "'%s -%c' | ", command, o->letter);
    if (o->also != 0)
        text_add(out, "'%s -%c' | ", command, o->also);
    text_add(out, "'%s --%s') echo %s ;;\n", command, o->name, bash_words[o->word]);
}

static const char bash_end[] =
    "_edgelat()\n"
    "{\n"
    "    local command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]}\n"
    "    local previous=${COMP_WORDS[COMP_CWORD - 1]} what='' argument=1 i\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)) || [[ $command == -* ]]; then command=''; fi\n"
    "    # bash makes three words of --option=value\n"
    "    if [[ $current == = ]]; then\n"
    "        current=''\n"
    "    elif [[ $previous == = ]]; then\n"
    "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    what=$(_edgelat_option_takes \"$command\" \"$previous\")\n"
    "    if [[ -z $what && $current == -* ]]; then\n"
    "        what=option\n"
    "    elif [[ -z $what ]]; then\n"
    "        for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "            [[ ${COMP_WORDS[i]} == [-=]* || ${COMP_WORDS[i - 1]} == = ||\n"
    "                -n $(_edgelat_option_takes \"$command\" \"${COMP_WORDS[i - 1]}\") ]] ||\n"
    "                argument=$((argument + 1))\n"
    "        done\n"
    "        what=$(_edgelat_argument \"$command\" $argument)\n"
    "    fi\n"
    "    case $what in\n"
    "        option) what=$(_edgelat_options \"$command\") ;;\n"
    "        command) what=$_edgelat_commands ;;\n"
    "        kind) what=$_edgelat_kinds ;;\n"
    "        shell) what=$_edgelat_shells ;;\n"
    "        'choice '*) what=${what#choice } ;;\n"
    "        interface) what=$(command ls /sys/class/net 2>/dev/null) ;;\n"
    "        service)\n"
    "            what=$(edgelat --completion services 2>/dev/null)\n"
    "            mapfile -t COMPREPLY < <(compgen -W \"$what\" -A hostname -- "
    "\"$current\")\n"
    "            return\n"
    "            ;;\n"
    "        file | folder)\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            mapfile -t COMPREPLY < <(compgen -A \"${what/folder/directory}\" -- "
    "\"$current\")\n"
    "            return\n"
    "            ;;\n"
    "        host) mapfile -t COMPREPLY < <(compgen -A hostname -- \"$current\"); return ;;\n"
    "        *) return ;;\n"
    "    esac\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$what\" -- \"$current\")\n"
    "}\n"
    "\n"
    "complete -F _edgelat edgelat\n";

static void render_bash(struct text *out)
{
    text_add(out, "# bash completion of edgelat, made by `edgelat --completion bash`\n\n"
                  "_edgelat_commands='");
    add_commands(out);
    text_add(out, "'\n_edgelat_kinds='");
    add_kinds(out);
    text_add(out,
             "'\n_edgelat_shells='%s'\n\n"
             "_edgelat_options() # COMMAND\n"
             "{\n"
             "    case $1 in\n",
             shells);
    for (size_t i = 0; i < cmd_commands_count; i++)
        bash_options(out, cmd_commands[i]->name, cmd_commands[i]->options);
    bash_options(out, "''", cmd_own_options);
    text_add(out, "    esac\n"
                  "}\n\n"
                  "# What the argument of an option is; nothing if it takes none.\n"
                  "_edgelat_option_takes() # COMMAND OPTION\n"
                  "{\n"
                  "    case \"$1 $2\" in\n");
    for (size_t i = 0; i < cmd_commands_count; i++)
        add_options(out, cmd_commands[i]->name, cmd_commands[i]->options, bash_argument);
    add_options(out, "", cmd_own_options, bash_argument);
    text_add(out, "    esac\n"
                  "}\n\n"
                  "# What the Nth argument of a command is.\n"
                  "_edgelat_argument() # COMMAND N\n"
                  "{\n"
                  "    case \"$1 $2\" in\n"
                  "        ' 1' | 'help 1') echo command ;;\n");
    for (size_t i = 0; i < cmd_commands_count; i++) {
        const struct command *c = cmd_commands[i];
        if (c->first != c->rest) {
            text_add(out, "        '%s 1') echo %s", c->name, bash_words[c->first]);
            if (c->first == CMD_CHOICE) {
                text_add(out, " ");
                add_choices(out, c->arguments);
            }
            text_add(out, " ;;\n");
        }
        if (c->rest != CMD_ANYTHING)
            text_add(out, "        '%s '*) echo %s ;;\n", c->name, bash_words[c->rest]);
    }
    text_add(out, "    esac\n}\n\n%s", bash_end);
}

/* ---- zsh: _arguments of its completion system (zshcompsys(1)) ---- */

static void zsh_action(struct text *out, enum cmd_word word, const char *choices)
{
    switch (word) {
    case CMD_FILE:
        text_add(out, "_files");
        break;
    case CMD_FOLDER:
        text_add(out, "_files -/");
        break;
    case CMD_HOST:
        text_add(out, "_hosts");
        break;
    case CMD_INTERFACE:
        text_add(out, "_net_interfaces");
        break;
    case CMD_KIND:
        text_add(out, "(");
        add_kinds(out);
        text_add(out, ")");
        break;
    case CMD_SHELL:
        text_add(out, "(%s)", shells);
        break;
    case CMD_SERVICE:
        text_add(out, "{_hosts; compadd -- ${(f)\"$(edgelat --completion services "
                      "2>/dev/null)\"}}");
        break;
    case CMD_CHOICE:
        text_add(out, "(");
        add_choices(out, choices);
        text_add(out, ")");
        break;
    case CMD_ANYTHING: /* shows its description, offers no words */
        text_add(out, " ");
        break;
    }
}

static void zsh_option(struct text *out, const char *command, const struct cmd_option *o)
{
    struct text full = {0};
    char help[BRIEF_MAX];
    bool has_argument = o->argument != NULL, has_letter = o->letter <= UCHAR_MAX;
    bool alone = *command == '\0' || o == &cmd_help_option; /* excludes all others */
    text_add(out, " \\\n                '");
    if (alone)
        text_add(out, "(- : *)");
    else if (o->also != 0)
        text_add(out, "(-%c -%c --%s)", o->letter, o->also, o->name);
    else if (has_letter)
        text_add(out, "(-%c --%s)", o->letter, o->name);
    if (has_letter) {
        text_add(out, "'{-%c%s", o->letter, has_argument ? "+" : "");
        if (o->also != 0)
            text_add(out, ",-%c%s", o->also, has_argument ? "+" : "");
        text_add(out, ",--%s%s}'", o->name, has_argument ? "=" : "");
    } else {
        text_add(out, "--%s%s", o->name, has_argument && !alone ? "=" : "");
    }
    text_add(out, "[");
    help_option(&full, o);
    add_quoted(out, brief(help, text_string(&full)), "[]\\");
    text_free(&full);
    text_add(out, "]");
    if (has_argument) {
        text_add(out, ":");
        add_quoted(out, o->argument, ":\\");
        text_add(out, ":");
        zsh_action(out, o->word, "");
    }
    text_add(out, "'");
}

static void zsh_command(struct text *out, const struct command *c)
{
    text_add(out, "        %s)\n            _arguments -s -S", c->name);
    add_options(out, c->name, c->options, zsh_option);
    if (c->first != c->rest) {
        text_add(out, " \\\n                '1:%s:", bash_words[c->first]);
        zsh_action(out, c->first, c->arguments);
        text_add(out, "'");
    }
    if (c->rest != CMD_ANYTHING) {
        text_add(out, " \\\n                '*:%s:", bash_words[c->rest]);
        zsh_action(out, c->rest, c->arguments);
        text_add(out, "'");
    }
    text_add(out, "\n            ;;\n");
}

static void render_zsh(struct text *out)
{
    text_add(out, "#compdef edgelat\n"
                  "# zsh completion of edgelat, made by `edgelat --completion zsh`\n\n"
                  "_edgelat()\n"
                  "{\n"
                  "    local curcontext=$curcontext state line\n"
                  "    typeset -A opt_args\n"
                  "    local -a commands=(\n");
    for (size_t i = 0; i < cmd_commands_count; i++) {
        text_add(out, "        '%s:", cmd_commands[i]->name);
        add_quoted(out, cmd_commands[i]->summary, "\\");
        text_add(out, "'\n");
    }
    text_add(out, "    )\n"
                  "    _arguments -C");
    add_options(out, "", cmd_own_options, zsh_option);
    text_add(out, " \\\n                '1:command:->command' \\\n"
                  "                '*::argument:->argument' && return\n"
                  "    if [[ $state == command ]]; then\n"
                  "        _describe command commands\n"
                  "        return\n"
                  "    fi\n"
                  "    curcontext=${curcontext%%:*}-$words[1]:\n"
                  "    case $words[1] in\n"
                  "        help) _describe command commands ;;\n");
    for (size_t i = 0; i < cmd_commands_count; i++)
        zsh_command(out, cmd_commands[i]);
    text_add(out, "    esac\n"
                  "}\n\n"
                  "_edgelat \"$@\"\n");
}

/* ---- fish ---- */

static void fish_action(struct text *out, enum cmd_word word, const char *choices)
{
    switch (word) {
    case CMD_FILE:
        text_add(out, " -F");
        break;
    case CMD_FOLDER:
        text_add(out, " -a '(__fish_complete_directories)'");
        break;
    case CMD_HOST:
        text_add(out, " -a '(__fish_print_hostnames)'");
        break;
    case CMD_INTERFACE:
        text_add(out, " -a '(__fish_print_interfaces)'");
        break;
    case CMD_KIND:
        text_add(out, " -a '");
        add_kinds(out);
        text_add(out, "'");
        break;
    case CMD_SHELL:
        text_add(out, " -a '%s'", shells);
        break;
    case CMD_SERVICE:
        text_add(out, " -a '(edgelat --completion services 2>/dev/null; "
                      "__fish_print_hostnames)'");
        break;
    case CMD_CHOICE:
        text_add(out, " -a '");
        add_choices(out, choices);
        text_add(out, "'");
        break;
    case CMD_ANYTHING:
        break;
    }
}

static void fish_option(struct text *out, const char *command, const struct cmd_option *o)
{
    struct text full = {0};
    char help[BRIEF_MAX];
    text_add(out, "complete -c edgelat -n '__edgelat_is%s%s'",
             *command != '\0' ? " " : "", command);
    if (o->letter <= UCHAR_MAX)
        text_add(out, " -s %c", o->letter);
    if (o->also != 0)
        text_add(out, " -s %c", o->also);
    text_add(out, " -l %s", o->name);
    if (o->argument != NULL) {
        text_add(out, o->word == CMD_FILE ? " -r" : " -x");
        fish_action(out, o->word, "");
    }
    text_add(out, " -d '");
    help_option(&full, o);
    add_quoted(out, brief(help, text_string(&full)), "\\");
    text_free(&full);
    text_add(out, "'\n");
}

static void fish_argument(struct text *out, const struct command *c, const char *when,
                          enum cmd_word word)
{
    if (word == CMD_ANYTHING)
        return;
    text_add(out, "complete -c edgelat -n '__edgelat_is %s%s", c->name, when);
    if (c->first == CMD_KIND)
        add_kinds(out);
    text_add(out, "'");
    fish_action(out, word, c->arguments);
    text_add(out, "\n");
}

static void fish_command(struct text *out, const struct command *c)
{
    text_add(out, "\ncomplete -c edgelat -n '__edgelat_is' -a %s -d '", c->name);
    add_quoted(out, c->summary, "\\");
    text_add(out, "'\n");
    add_options(out, c->name, c->options, fish_option);
    if (c->first == CMD_KIND) {
        fish_argument(out, c, "; and not __fish_seen_subcommand_from ", c->first);
        fish_argument(out, c, "; and __fish_seen_subcommand_from ", c->rest);
    } else {
        fish_argument(out, c, "", c->first);
    }
}

static void render_fish(struct text *out)
{
    text_add(out, "# fish completion of edgelat, made by `edgelat --completion fish`\n\n"
                  "function __edgelat_is # COMMAND; none: no command stands there yet\n"
                  "    set -l words (commandline -opc)\n"
                  "    if set -q argv[1]\n"
                  "        set -q words[2]; and test $words[2] = $argv[1]\n"
                  "    else\n"
                  "        not set -q words[2]; or string match -q -- '-*' $words[2]\n"
                  "    end\n"
                  "end\n\n"
                  "complete -c edgelat -f\n");
    add_options(out, "", cmd_own_options, fish_option);
    text_add(out, "complete -c edgelat -n '__edgelat_is help' -a '");
    add_commands(out);
    text_add(out, "'\n");
    for (size_t i = 0; i < cmd_commands_count; i++)
        fish_command(out, cmd_commands[i]);
}

bool completion_render(struct text *out, const char *shell)
{
    static const struct {
        const char *shell;
        void (*render)(struct text *out);
    } all[] = {{"bash", render_bash}, {"zsh", render_zsh}, {"fish", render_fish}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(shell, all[i].shell) == 0) {
            all[i].render(out);
            return true;
        }
    return false;
}
