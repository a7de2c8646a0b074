/*
 * What a person types: one struct command a command, one file a command, joined in
 * commands.c. A command lists each of its options once, in a table; getopt_long()'s
 * arrays, --help (help.h) and the completions of shells (completion.h) are made from it.
 * Exit codes are the contract of the design: 0 fine, 1 measured and found bad, 2 could
 * not do it, then with one plain sentence on standard error.
 */
#ifndef EDGELAT_CMD_CMD_H
#define EDGELAT_CMD_CMD_H

#include "base/start.h"
#include "base/text.h"

#include <stddef.h>

enum { CMD_FINE = 0, CMD_BAD = 1, CMD_CANNOT = 2 };

/* Of a command with an event loop: libuv's pipes, threads and their stacks. */
#define CMD_LOOP_NEEDS                                                                   \
    {                                                                                    \
        .descriptors = 16, .memory_bytes = 48 << 20, .threads = 5                        \
    }

/* What a shell offers for a word of the command line. */
enum cmd_word { CMD_ANYTHING, CMD_FILE, CMD_FOLDER, CMD_HOST, CMD_KIND, CMD_SHELL };

struct cmd_option {
    const char *name;     /* --NAME */
    int letter;           /* of -L; above 255: a code, there is no -L */
    const char *argument; /* how the help calls it, "FILE"; NULL: it takes none */
    const char *help;     /* wrapped by help.h; completions show it up to ';' or " (" */
    enum cmd_word word;   /* what its argument is */
    bool required;
    unsigned uses; /* of kinds that use these settings (enum kind_setting); 0: of all */
};

struct command {
    const char *name;
    const char *summary;       /* one line, for `edgelat --help` */
    const char *arguments;     /* for the usage line: "FILE..."; NULL: it takes none */
    enum cmd_word first, rest; /* what the arguments are */
    /* Ends with a zeroed element. --help, which all have, is not in it. */
    const struct cmd_option *options;
    /* Above and below the options. Each line is a paragraph, wrapped by help.h. */
    const char *about, *notes;
    const char *examples; /* a line each; NULL: only those of the kinds */
    /* argv[0] is the command's name; --help is done before */
    int (*run)(int argc, char **argv);
    struct start_needs needs; /* checked before; 0: nothing beyond the standard ones */
};

extern const struct command command_run, command_probe, command_nearest,
    command_check_config, command_decode, command_collect, command_whereis,
    command_status, command_report;

/* All of them, in the order of the README, and what `edgelat` takes instead of one. */
extern const struct command *const cmd_commands[];
extern const size_t cmd_commands_count;
enum { CMD_COMMANDS_MAX = 16, CMD_OPTION_COMPLETION = 256 };
extern const struct cmd_option cmd_own_options[]; /* of `edgelat` without a command */
extern const struct cmd_option cmd_help_option;   /* of `edgelat` and of each command */

/* Whether `word` is --NAME or -L of the option. */
bool cmd_is_option(const char *word, const struct cmd_option *option);

/* "edgelat: " and the sentence to standard error; returns CMD_CANNOT. */
__attribute__((format(printf, 1, 2))) int cmd_cannot(const char *format, ...);

/* The sentence for an http_create() that has failed with `rc`; returns CMD_CANNOT. */
int cmd_no_http(int rc);

/*
 * Flushes standard output and returns `rc`, or CMD_CANNOT with a sentence when not all of
 * it could be written. Ends the process by SIGPIPE, silently, when nobody reads any more,
 * also where SIGPIPE is ignored.
 */
int cmd_finish(int rc);

/* Whether standard output is a pipe or socket that nobody reads any more. */
bool cmd_unread(void);

/*
 * getopt_long() for a command: an unknown option or a missing value is said with the
 * nearest valid option. Returns the `letter` of the next option, its argument in
 * `optarg`; -1 at the end, '?' after complaining. As in GNU getopt, options may stand
 * behind arguments, and a long name may be cut short.
 */
int cmd_getopt(int argc, char **argv, const struct cmd_option *options);

#endif
