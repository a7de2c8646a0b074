/*
 * `edgelat collect` is a program of its own, edgelat-collect, so that the library of its
 * HTTP server is only where its package is. Here: what the command line takes, for help
 * and completions, and the start of that program.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cmd_option options[] = {
    {"listen", 'l', "ADDR:PORT",
     "where to listen: an address or a name; IPv6 as [ADDR]:PORT; :PORT is every address; "
     "port 0 is any free one, printed to standard error",
     .required = true},
    {"dir", 'd', "DIR", "keep every accepted batch as a file in DIR (made if missing)",
     CMD_FOLDER},
    {"quiet", 'q', NULL, "print nothing"},
    {"in-place", 'i', NULL,
     "one table, rewritten in place on a terminal; elsewhere printed once, at the end"},
    {"stop", 's', "REASON",
     "accept nothing, and order the agents to stop probing; started again without it they "
     "go on; REASON may be ''",
     .may_be_empty = true},
    {0},
};

/*
 * Beside this program, as in the folder of a build, or in PREFIX/libexec/edgelat where it
 * is PREFIX/bin/edgelat. It reads the arguments. Comes back only when it is not there.
 */
static int start_collector(int argc, char **argv)
{
    static const char *const places[] = {"edgelat-collect",
                                         "../libexec/edgelat/edgelat-collect"};
    char path[PATH_MAX + 64];
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
    (void)argc;
    if (len <= 0 || len == PATH_MAX)
        len = (ssize_t)strlen(strcpy(path, "/usr/bin/edgelat")); /* no /proc */
    path[len] = '\0';
    char *name = strrchr(path, '/') + 1;
    argv[0] = (char *)places[0]; /* as ps(1) shows it */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        strcpy(name, places[i]);
        execv(path, argv);
        if (errno != ENOENT && errno != ENOTDIR)
            return cmd_cannot("collect: cannot start %s: %s", path, strerror(errno));
    }
    fputs("edgelat collect: the package edgelat-collect is not installed; "
          "apt install edgelat-collect (or dnf)\n",
          stderr);
    return CMD_CANNOT;
}

const struct command command_collect = {
    .name = "collect",
    .summary = "a small OTLP/HTTP receiver for trials and tests",
    .options = options,
    .about =
        "A small OTLP/HTTP receiver for trials and tests; not for production. After "
        "each batch that it has accepted it prints what it decoded: of one on "
        "/v1/metrics a table with percentiles, loss and PoP a target, since the agent "
        "started; of one on /v1/logs the events, a line each.",
    .notes = "Ctrl-C or SIGTERM ends it.",
    .examples = "edgelat collect --listen 127.0.0.1:4318\n"
                "edgelat collect --listen [::1]:0 --dir ./received --quiet\n",
    .run = start_collector,
};
