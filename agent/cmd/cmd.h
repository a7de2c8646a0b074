/*
 * What a person types: one struct command a command, one file a command, joined in
 * main.c. A command answers --help itself from `help`; exit codes are the contract of the
 * design: 0 fine, 1 measured and found bad, 2 could not do it, then with one plain
 * sentence on standard error.
 */
#ifndef EDGELAT_CMD_CMD_H
#define EDGELAT_CMD_CMD_H

#include "base/text.h"

#include <stddef.h>

enum { CMD_FINE = 0, CMD_BAD = 1, CMD_CANNOT = 2 };

struct command {
    const char *name;
    const char *summary; /* one line, for `edgelat --help` */
    const char *help;    /* all of `edgelat NAME --help`: usage, options, examples */
    int (*run)(int argc,
               char **argv); /* argv[0] is the command's name; --help is done before */
};

extern const struct command command_run, command_probe, command_nearest,
    command_check_config, command_decode, command_collect, command_whereis,
    command_status, command_report;

/* "edgelat: " and the sentence to standard error; returns CMD_CANNOT. */
__attribute__((format(printf, 1, 2))) int cmd_cannot(const char *format, ...);

/*
 * getopt_long() for a command: an unknown option or a missing value is said with the
 * nearest valid option. `longs` ends with a zeroed element. Returns what getopt_long()
 * does, '?' after complaining.
 */
struct option;
int cmd_getopt(int argc, char **argv, const char *shorts, const struct option *longs);

#endif
