/*
 * What a person types: one struct command a command, one file a command, joined in
 * main.c. A command answers --help itself from `help`; exit codes are the contract of the
 * design: 0 fine, 1 measured and found bad, 2 could not do it, then with one plain
 * sentence on standard error.
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

struct command {
    const char *name;
    const char *summary; /* one line, for `edgelat --help` */
    const char *help;    /* all of `edgelat NAME --help`: usage, options, examples */
    /* argv[0] is the command's name; --help is done before */
    int (*run)(int argc, char **argv);
    struct start_needs needs; /* checked before; 0: nothing beyond the standard ones */
};

extern const struct command command_run, command_probe, command_nearest,
    command_check_config, command_decode, command_collect, command_whereis,
    command_status, command_report;

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
 * nearest valid option. `longs` ends with a zeroed element. Returns what getopt_long()
 * does, '?' after complaining.
 */
struct option;
int cmd_getopt(int argc, char **argv, const char *shorts, const struct option *longs);

#endif
