/* `edgelat status` with valid answers, invalid answers and no answer. */
#include "../../unit/cmd/capture.h"
#include "../../unit/cmd/folder.h"
#include "cmd/cmd.h"

#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

struct bed {
    struct folder folder;
    char socket[128], config[128];
};

static void begin(struct bed *b)
{
    char text[512];
    b->folder = folder_make();
    snprintf(b->socket, sizeof b->socket, "%s/status", b->folder.path);
    snprintf(text, sizeof text,
             "[agent]\nstatus_socket = %s\n[target a]\nhost = a.example\n", b->socket);
    text_copy(b->config, sizeof b->config,
              folder_write(&b->folder, "edgelat.conf", text));
}

/* Starts a process that sends these bytes to one client, endlessly if so. */
static pid_t answer_with(const struct bed *b, const char *bytes, bool endless)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    text_copy(a.sun_path, sizeof a.sun_path, b->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(b->socket);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 1) == 0,
          "a listener");
    pid_t pid = fork();
    if (pid != 0) {
        close(fd);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int client = accept(fd, NULL, NULL);
    do
        if (send(client, bytes, strlen(bytes), MSG_NOSIGNAL) < 0)
            break;
    while (endless);
    _exit(0);
}

static int run(struct capture *out, const struct bed *b, const char *option)
{
    char *argv[] = {"status", "-c", (char *)b->config, (char *)option, NULL};
    optind = 0;
    capture_begin(out);
    int code = command_status.run(option != NULL ? 4 : 3, argv);
    capture_end(out);
    return code;
}

static const struct {
    const char *what, *bytes, *option;
    int code;
    const char *out;
    bool endless;
} cases[] = {
    {"fine", "edgelat status 1 0 8 8\n{\"a\":1}\none\ntwo\n", NULL, CMD_FINE,
     "one\ntwo\n", false},
    {"something is wrong", "edgelat status 1 1 8 8\n{\"a\":1}\none\ntwo\n", NULL, CMD_BAD,
     "one\ntwo\n", false},
    {"a table", "edgelat status 2 0 3 12\n{}\n\tab\t>c\n\tx\t1\n", NULL, CMD_FINE,
     "ab  c\nx   1\n", false},
    {"as JSON", "edgelat status 1 1 8 8\n{\"a\":1}\none\ntwo\n", "--json", CMD_BAD,
     "{\"a\":1}\n", false},
    {"nothing", "", NULL, CMD_CANNOT, NULL, false},
    {"half an answer", "edgelat status 1 0 8 8\n{\"a\":1}\none\n", NULL, CMD_CANNOT, NULL,
     false},
    {"something else", "220 smtp.example ESMTP\r\n", NULL, CMD_CANNOT, NULL, false},
    {"an endless one", "edgelat status 1 0 8 8\n", NULL, CMD_CANNOT, NULL, true},
    {"tricks with a terminal", "edgelat status 1 0 0 5\n\x1b[2J\n", NULL, CMD_CANNOT,
     NULL, false},
};

static void what_answers(void **state)
{
    (void)state;
    struct bed b;
    struct capture out;
    char no_agent[256];
    begin(&b);
    snprintf(
        no_agent, sizeof no_agent,
        "edgelat: %s: the answer is not from a compatible agent; check status_socket "
        "in [agent]\n",
        b.socket);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pid_t pid = answer_with(&b, cases[i].bytes, cases[i].endless);
        CHECK_INT(cases[i].code, run(&out, &b, cases[i].option), cases[i].what);
        waitpid(pid, NULL, 0);
        CHECK_TEXT(cases[i].out != NULL ? cases[i].out : "", out.out, cases[i].what);
        CHECK_TEXT(cases[i].out != NULL ? "" : no_agent, out.err, cases[i].what);
    }
    folder_remove(&b.folder);
}

static void a_newer_agent(void **state)
{
    (void)state;
    struct bed b;
    struct capture out;
    char expected[256];
    begin(&b);
    snprintf(expected, sizeof expected,
             "edgelat: %s: the agent is newer than this program (edgelat %s); use the "
             "edgelat of the agent's package\n",
             b.socket, EDGELAT_VERSION);
    pid_t pid = answer_with(&b, "edgelat status 3 0 0 9\n\t\tone\ttwo", false);
    CHECK_INT(CMD_CANNOT, run(&out, &b, NULL), "its form is not known");
    waitpid(pid, NULL, 0);
    CHECK_TEXT("", out.out, "nothing of it is shown");
    CHECK_TEXT(expected, out.err, "one sentence");
    folder_remove(&b.folder);
}

static void nobody_answers(void **state)
{
    (void)state;
    struct bed b;
    struct capture out;
    char expected[256];
    begin(&b);
    snprintf(expected, sizeof expected,
             "edgelat: no agent answers at %s; check whether it runs (systemctl status "
             "edgelat)\n",
             b.socket);
    CHECK_INT(CMD_CANNOT, run(&out, &b, NULL), "there is no file");
    CHECK_TEXT(expected, out.err, "there is no file");
    pid_t pid = answer_with(&b, "", false);
    run(&out, &b, NULL);
    waitpid(pid, NULL, 0);
    CHECK_INT(CMD_CANNOT, run(&out, &b, "--json"), "it is dead");
    CHECK_TEXT(expected, out.err, "it is dead");
    CHECK_TEXT("", out.out, "it is dead");
    folder_remove(&b.folder);
}

static void usage(void **state)
{
    (void)state;
    struct bed b;
    struct capture out;
    begin(&b);
    CHECK_INT(CMD_CANNOT, run(&out, &b, "--jsn"), "an option that there is not");
    CHECK_TEXT("edgelat: status has no option --jsn; did you mean --json?\n", out.err,
               "an option that there is not");
    CHECK_INT(CMD_CANNOT, run(&out, &b, "teams"), "an argument");
    CHECK_TEXT(
        "edgelat: status takes no argument 'teams'; to probe a host use `edgelat probe`\n",
        out.err, "an argument");
    snprintf(b.config, sizeof b.config, "/nowhere/edgelat.conf");
    CHECK_INT(CMD_CANNOT, run(&out, &b, NULL), "no such configuration");
    CHECK_TEXT("edgelat: /nowhere/edgelat.conf: No such file or directory; give the "
               "configuration of the agent with -c\n",
               out.err, "no such configuration");
    folder_remove(&b.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_answers),
        cmocka_unit_test(a_newer_agent),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
