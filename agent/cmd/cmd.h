/*
 * The command line: one struct command and one file per command, listed in commands.c. A
 * command lists each of its options once, in a table; getopt_long()'s arrays, --help
 * (help.h) and the shell completions (completion.h) are made from it. Exit codes are a
 * contract: 0 OK, 1 problem found, 2 error, with one sentence on standard error.
 */
#ifndef EDGELAT_CMD_CMD_H
#define EDGELAT_CMD_CMD_H

#include "base/start.h"
#include "base/text.h"

#include <stddef.h>
#include <stdio.h>

enum { CMD_FINE = 0, CMD_BAD = 1, CMD_CANNOT = 2 };

/* Needs of a command with an event loop: libuv's pipes, threads and their stacks. */
#define CMD_LOOP_NEEDS                                                                   \
    {                                                                                    \
        .descriptors = 16, .memory_bytes = 48 << 20, .threads = 5                        \
    }

/* Type of a word on the command line, for shell completion. */
enum cmd_word {
    CMD_ANYTHING,
    CMD_FILE,
    CMD_FOLDER,
    CMD_HOST,
    CMD_INTERFACE,
    CMD_KIND,
    CMD_SHELL,
    CMD_SERVICE, /* of targets.csv, or a host */
    CMD_CHOICE,  /* one of the words of `arguments`, "setup|remove" */
};

struct cmd_option {
    const char *name;     /* --NAME */
    int letter;           /* L for -L; above 255: a code without a -L */
    const char *argument; /* its name in the help, "FILE"; NULL: takes none */
    const char *help;     /* completions show it up to ';' or " (" */
    enum cmd_word word;   /* type of its argument */
    bool required;
    unsigned uses; /* only for kinds with these settings (enum kind_setting); 0: all */
    int also;      /* a second letter, taken like `letter`, which cmd_getopt() returns */
    bool may_be_empty; /* its argument */
};

struct command {
    const char *name;
    const char *summary;       /* one line, for `edgelat --help` */
    const char *arguments;     /* for the usage line: "FILE..."; NULL: none */
    enum cmd_word first, rest; /* types of the arguments */
    /* Ends with a zeroed element. --help, common to all, is not in it. */
    const struct cmd_option *options;
    /* Text above and below the options. Each line is a paragraph, wrapped by help.h. */
    const char *about, *notes;
    const char *examples; /* one per line; NULL: only those of the kinds */
    /* argv[0] is the command's name; --help is handled before */
    int (*run)(int argc, char **argv);
    struct start_needs needs; /* checked before run; 0: only the standard ones */
};

extern const struct command command_run, command_probe, command_nearest,
    command_check_config, command_decode, command_collect, command_whereis,
    command_diagnose, command_status, command_routes, command_report, command_trace,
    command_traffic, command_top;

/* All commands, in the order of the README. */
extern const struct command *const cmd_commands[];
extern const size_t cmd_commands_count;
enum { CMD_COMMANDS_MAX = 16, CMD_OPTION_COMPLETION = 256 };
extern const struct cmd_option cmd_own_options[]; /* of `edgelat` without a command */
extern const struct cmd_option cmd_help_option;   /* of `edgelat` and of each command */

/* Whether `word` is --NAME or -L of the option. */
bool cmd_is_option(const char *word, const struct cmd_option *option);

/* Prints "edgelat: " and the sentence to standard error. Returns CMD_CANNOT. */
__attribute__((format(printf, 1, 2))) int cmd_cannot(const char *format, ...);

/* Prints the message for an http_create() that failed with `rc`. Returns CMD_CANNOT. */
int cmd_no_http(int rc);

/*
 * Flushes standard output and returns `rc`, or prints a message and returns CMD_CANNOT if
 * not everything was written. If the reader closed the pipe, ends the process by SIGPIPE
 * without a message, even if SIGPIPE is ignored.
 */
int cmd_finish(int rc);

/* Empties the screen before the next output, if standard output is a terminal that can (not
 * TERM=dumb). */
void cmd_clear_terminal(void);

/* The width of the terminal at standard output, or $COLUMNS; 0: neither. */
int cmd_columns(void);

/* Writes text to standard output or error, "?" for what is not safe to show (text_next())
 * other than newlines and tabs; on a terminal whose locale is not UTF-8 also for what is
 * beyond ASCII, of which such a terminal may take a byte for a control character. */
void cmd_write(FILE *to, const char *text);

/* Prints text with tables (base/fit.h): on a terminal as wide as that, else of any width. */
void cmd_print(const char *text);

/* The same by pieces: prints when a piece ends with a newline. */
__attribute__((format(printf, 1, 2))) void cmd_printf(const char *format, ...);

/* Whether standard output is a pipe or socket whose reader has closed it. */
bool cmd_unread(void);

/*
 * getopt_long() for a command. Returns the `letter` of the next option, its argument in
 * `optarg`; -1 at the end; '?' after an error, which is reported with the nearest valid
 * option. As in GNU getopt, options may follow arguments and long names may be abbreviated.
 */
int cmd_getopt(int argc, char **argv, const struct cmd_option *options);

#endif
