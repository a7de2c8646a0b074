#include "cmd/agent_answer.h"

#include "cmd/load.h"
#include "net/clock.h"
#include "status/socket.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPT_JSON = 256, OPT_WATCH };

const struct cmd_option agent_answer_options[] = {
    LOAD_CONFIG_OPTION("the agent's configuration, for its status_socket"),
    {"json", OPT_JSON, NULL, "one JSON object"},
    {"watch", OPT_WATCH, NULL, "again every 5 s, until Ctrl-C"},
    {0},
};

bool agent_answer_parse(int argc, char **argv, const char **config, bool *json,
                        bool *watch)
{
    *config = NULL;
    *json = *watch = false;
    for (int c; (c = cmd_getopt(argc, argv, agent_answer_options)) != -1;) {
        if (c == 'c')
            *config = optarg;
        else if (c == OPT_JSON)
            *json = true;
        else if (c == OPT_WATCH)
            *watch = true;
        else
            return false;
    }
    return true;
}

enum { PIECE = 16 << 10 };

#define TIMEOUT_NS (5 * NS_PER_S)

/* Reads the whole answer, but little more than ANSWER_MAX bytes. Returns 0 or -errno;
 * -EAGAIN: a read, or the whole answer, took longer than TIMEOUT_NS. */
static int read_bytes(const char *path, struct text *answer)
{
    char piece[PIECE];
    ssize_t n = 0;
    int fd = status_connect(path, TIMEOUT_NS);
    if (fd < 0)
        return fd;
    struct mono began = mono_now();
    bool late = false;
    while (answer->len <= ANSWER_MAX && !late &&
           (n = read(fd, piece, sizeof piece)) > 0) {
        text_add_bytes(answer, piece, (size_t)n);
        late = mono_now().ns - began.ns > TIMEOUT_NS;
    }
    int rc = late ? -EAGAIN : n < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int agent_answer_read(const char *path, struct text *bytes, struct status_answer *out)
{
    int rc = read_bytes(path, bytes);
    if (rc < 0 || answer_read(out, text_string(bytes), bytes->len))
        return rc;
    return answer_is_newer(text_string(bytes), bytes->len) ? -EPROTONOSUPPORT : -EPROTO;
}

static int no_answer(const char *path, int rc)
{
    if (rc == -EPROTO)
        return cmd_cannot("%s: the answer is not from a compatible agent; check "
                          "status_socket in [agent]",
                          path);
    if (rc == -EPROTONOSUPPORT)
        return cmd_cannot("%s: the agent is newer than this program (edgelat %s); use "
                          "the edgelat of the agent's package",
                          path, EDGELAT_VERSION);
    if (rc == -ENOENT || rc == -ECONNREFUSED)
        return cmd_cannot(
            "no agent answers at %s; check whether it runs (systemctl status "
            "edgelat)",
            path);
    if (rc == -EACCES)
        return cmd_cannot(
            "%s: permission denied; run as root or as a member of the group edgelat",
            path);
    if (rc == -EAGAIN)
        return cmd_cannot("the agent at %s does not answer within 5 s; see its log "
                          "(journalctl -u edgelat), or restart it (systemctl restart "
                          "edgelat)",
                          path);
    return cmd_cannot("cannot reach the agent at %s: %s", path, strerror(-rc));
}

int agent_answer_show(const char *path, bool json)
{
    struct text bytes = {0};
    struct status_answer answer;
    int rc = agent_answer_read(path, &bytes, &answer);
    if (rc < 0) {
        rc = no_answer(path, rc);
    } else {
        if (json)
            fwrite(answer.json, 1, answer.json_len, stdout);
        else
            cmd_print(answer.text);
        rc = answer.code == 0 ? CMD_FINE : CMD_BAD;
    }
    text_free(&bytes);
    return rc;
}

int agent_answer_watch(const char *path, bool json)
{
    for (;;) {
        if (!json)
            cmd_clear_terminal();
        int rc = agent_answer_show(path, json);
        fflush(stdout);
        if (rc == CMD_CANNOT || ferror(stdout) || cmd_unread())
            return rc;
        sleep(AGENT_ANSWER_WATCH_S);
    }
}

int agent_answer_config(struct config *c, const char *path)
{
    if (access(path, R_OK) == 0) {
        load_config(c, path);
        return CMD_FINE;
    }
    *c = config_default();
    if (strcmp(path, CONFIG_PATH) == 0)
        return CMD_FINE;
    return cmd_cannot("%s: %s; give the configuration of the agent with -c", path,
                      strerror(errno));
}
