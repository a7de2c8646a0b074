#include "cmd/cmd.h"
#include "cmd/load.h"
#include "net/clock.h"
#include "status/answer.h"
#include "status/socket.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPT_JSON = 256, PIECE = 16 << 10 };

static const struct cmd_option options[] = {
    LOAD_CONFIG_OPTION("the agent's configuration, for its status_socket"),
    {"json", OPT_JSON, NULL, "one JSON object"},
    {0},
};

#define PATIENCE_NS (5 * NS_PER_S)

/* All that the agent sends, up to one byte more than is accepted. Returns 0 or -errno;
 * -EAGAIN: not within the time for all of it, nor for a piece. */
static int ask(const char *path, struct text *answer)
{
    char piece[PIECE];
    ssize_t n = 0;
    int fd = status_connect(path, PATIENCE_NS);
    if (fd < 0)
        return fd;
    struct mono began = mono_now();
    bool late = false;
    while (answer->len <= ANSWER_MAX && !late &&
           (n = read(fd, piece, sizeof piece)) > 0) {
        text_add_bytes(answer, piece, (size_t)n);
        late = mono_now().ns - began.ns > PATIENCE_NS;
    }
    int rc = late ? -EAGAIN : n < 0 ? -errno : 0;
    close(fd);
    return rc;
}

static int no_answer(const char *path, int rc)
{
    if (rc == -ENOENT || rc == -ECONNREFUSED)
        return cmd_cannot("no agent answers at %s; `systemctl status edgelat` says "
                          "whether it runs",
                          path);
    if (rc == -EACCES)
        return cmd_cannot("%s is for root and the group edgelat; ask with sudo", path);
    if (rc == -EAGAIN)
        return cmd_cannot("the agent at %s does not answer within 5 s; its log says more "
                          "(journalctl -u edgelat), `systemctl restart edgelat` ends it",
                          path);
    return cmd_cannot("cannot ask the agent at %s: %s", path, strerror(-rc));
}

static int show(const char *path, bool json)
{
    struct text bytes = {0};
    struct status_answer answer;
    int rc = ask(path, &bytes);
    if (rc < 0)
        rc = no_answer(path, rc);
    else if (!answer_read(&answer, text_string(&bytes), bytes.len))
        rc = cmd_cannot("what answers at %s is no agent of this version; is "
                        "status_socket right?",
                        path);
    else {
        fwrite(json ? answer.json : answer.text, 1,
               json ? answer.json_len : answer.text_len, stdout);
        rc = answer.code == 0 ? CMD_FINE : CMD_BAD;
    }
    text_free(&bytes);
    return rc;
}

/* One with problems is no reason not to ask: the agent runs with what it was started
 * with. Nor is that there is none in the usual place, or that this user may not read it.
 */
static int find_socket(struct config *c, const char *path)
{
    if (access(path, R_OK) == 0) {
        load_config(c, path);
        return CMD_FINE;
    }
    *c = config_default();
    if (strcmp(path, CONFIG_PATH) == 0)
        return CMD_FINE;
    return cmd_cannot("%s: %s; which configuration does the agent have?", path,
                      strerror(errno));
}

static int run(int argc, char **argv)
{
    const char *given = NULL;
    bool json = false;
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        if (c == 'c')
            given = optarg;
        else if (c == OPT_JSON)
            json = true;
        else
            return CMD_CANNOT;
    }
    if (optind < argc)
        return cmd_cannot("status takes no argument '%s'; `edgelat probe` asks a host",
                          argv[optind]);
    struct config config;
    int rc = find_socket(&config, load_path(given));
    if (rc == CMD_FINE)
        rc = show(config.status_socket, json);
    config_free(&config);
    return rc;
}

const struct command command_status = {
    .name = "status",
    .summary = "the running agent: targets, spool, exports, and what is wrong",
    .options = options,
    .about =
        "Asks the agent that runs on this host how it is: whether it probes, each "
        "target with PoP, state and the delays of its last window, what waits in the "
        "spool, what the collectors said last, the last events, and what is wrong "
        "with what to do next. For root and the group edgelat.",
    .notes = "Exit code: 0 nothing is wrong, or it is too early to say; 1 something is: "
             "probing is stopped, a target is down or degraded, a collector takes no "
             "batch, ...; 2 no agent answers, or not to this user.",
    .examples = "sudo edgelat status\n"
                "sudo edgelat status --json | jq '.findings, .spool'\n"
                "edgelat status >/dev/null || echo something is wrong\n",
    .run = run,
};
