/*
 * `edgelat traffic`: the nftables counters of a gateway. `setup` and `remove` load and remove the
 * table with nft(8); `serve` is the helper of the agent, with CAP_NET_ADMIN, which the agent
 * does not have; `show` prints the counters once.
 */
#include "base/mem.h"
#include "base/privileges.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/interrupt.h"
#include "status/socket.h"
#include "traffic/nft_ruleset.h"
#include "traffic/set_counters.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPT_DRY_RUN = 256, OPT_SOCKET };

#define SOCKET_PATH "/run/edgelat-traffic/counters"

static const struct cmd_option options[] = {
    {"dry-run", OPT_DRY_RUN, NULL, "setup, remove: print what would be loaded"},
    {"socket", OPT_SOCKET, "PATH", "serve: the socket to answer at (" SOCKET_PATH ")",
     CMD_FILE},
    {0},
};

#define FOREIGN "the table inet " NFT_TABLE " is not by edgelat"

static void no_element(const struct nft_element *element, void *user)
{
    (void)element;
    (void)user;
}

/* Whether the table of our name is somebody else's: it has other things in it. */
static bool is_foreign(void)
{
    int holds = nft_table_holds(NFT_TABLE);
    bool ours = holds <= 0 || holds == NFT_SETS + 1; /* and a chain */
    for (size_t i = 0; holds > 0 && ours && i < NFT_SETS; i++)
        ours = nft_set_read(NFT_TABLE, nft_sets[i].name, no_element, NULL) != -ENOENT;
    return !ours;
}

/* ---- setup and remove ---- */

static int load_rules(const struct text *rules)
{
    int pipes[2];
    if (pipe(pipes) < 0)
        return cmd_cannot("traffic: no pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[0], STDIN_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execlp("nft", "nft", "-f", "-", (char *)NULL);
        execl("/usr/sbin/nft", "nft", "-f", "-", (char *)NULL);
        _exit(127);
    }
    close(pipes[0]);
    if (child < 0) {
        close(pipes[1]);
        return cmd_cannot("traffic: cannot start nft: %s", strerror(errno));
    }
    ssize_t written = 0;
    signal(SIGPIPE, SIG_IGN); /* nft may end before it has read all */
    for (size_t at = 0; at < rules->len && written >= 0; at += (size_t)written)
        written = write(pipes[1], rules->bytes + at, rules->len - at);
    close(pipes[1]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return cmd_cannot("traffic: nft is not installed; apt install nftables (or dnf)");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return cmd_cannot("traffic: nft did not load the table inet " NFT_TABLE
                          "; it needs root (CAP_NET_ADMIN), and its message is above");
    return CMD_FINE;
}

static int apply(const struct text *rules, bool dry_run)
{
    if (!dry_run && is_foreign())
        return cmd_cannot("traffic: " FOREIGN ", and is left as it is; rename it, or "
                          "delete it: nft delete table inet " NFT_TABLE);
    if (!dry_run)
        return load_rules(rules);
    fputs(text_string(rules), stdout);
    return CMD_FINE;
}

static int run_setup(bool dry_run)
{
    struct data *data = mem_zalloc(sizeof *data);
    struct data_folders folders = data_folders();
    struct text rules = {0};
    data_load(data, &folders);
    int rc =
        nft_ruleset(&data->known.prefixes, &rules) > 0
            ? apply(&rules, dry_run)
            : cmd_cannot("traffic: no prefixes.csv; it belongs in /usr/share/edgelat");
    text_free(&rules);
    data_free(data);
    free(data);
    return rc;
}

static int run_remove(bool dry_run)
{
    struct text rules = {0};
    nft_ruleset_remove(&rules);
    int rc = apply(&rules, dry_run);
    text_free(&rules);
    return rc;
}

/* ---- serve and show ---- */

struct set_reading {
    struct text *answer;
    enum rate_direction direction;
};

static void on_element(const struct nft_element *element, void *user)
{
    struct set_reading *r = user;
    set_counters_add(r->answer, r->direction, element);
}

static int read_sets(struct text *answer)
{
    int rc = 0;
    for (size_t i = 0; i < NFT_SETS && rc == 0; i++) {
        struct set_reading r = {answer, nft_sets[i].direction};
        rc = nft_set_read(NFT_TABLE, nft_sets[i].name, on_element, &r);
    }
    return rc;
}

static const char *why_not(char out[SET_ERROR_MAX], int rc)
{
    if (rc == -ENOENT && is_foreign())
        snprintf(out, SET_ERROR_MAX, FOREIGN "; rename it");
    else if (rc == -ENOENT)
        snprintf(out, SET_ERROR_MAX,
                 "there is no table inet " NFT_TABLE
                 "; run `edgelat traffic setup`, or restart edgelat-traffic.service");
    else if (rc == -EPERM || rc == -EACCES)
        snprintf(out, SET_ERROR_MAX, "reading nftables needs root (CAP_NET_ADMIN)");
    else
        snprintf(out, SET_ERROR_MAX, "nftables cannot be read: %s", strerror(-rc));
    return out;
}

static void on_ask(struct text *answer, void *user)
{
    char why[SET_ERROR_MAX];
    (void)user;
    int rc = read_sets(answer);
    if (rc == -EINTR) { /* the rules were changed meanwhile */
        text_clear(answer);
        rc = read_sets(answer);
    }
    if (rc < 0)
        set_counters_error(answer, why_not(why, rc));
    else
        set_counters_end(answer);
}

static int run_show(void)
{
    struct text answer = {0};
    char why[SET_ERROR_MAX];
    int rc = read_sets(&answer);
    if (rc == 0)
        cmd_print(answer.len > 0 ? text_string(&answer) : "nothing counted yet\n");
    text_free(&answer);
    return rc < 0 ? cmd_cannot("traffic: %s", why_not(why, rc)) : CMD_FINE;
}

static void on_interrupt(void *user)
{
    uv_stop(user);
}

static int run_serve(const char *path)
{
    uv_loop_t loop;
    struct interrupt interrupt;
    struct status_socket *socket;
    uv_loop_init(&loop);
    int rc = status_socket_create(&socket, &loop, path, STATUS_ONCE, on_ask, NULL);
    if (rc < 0) {
        uv_loop_close(&loop);
        return cmd_cannot("traffic: %s: %s; choose another file with --socket", path,
                          strerror(-rc));
    }
    interrupt_start(&interrupt, &loop, on_interrupt, &loop);
    rc = privileges_limit_calls();
    if (rc == 0)
        uv_run(&loop, UV_RUN_DEFAULT);
    interrupt_stop(&interrupt);
    status_socket_destroy(socket);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return rc < 0
               ? cmd_cannot("traffic: system calls cannot be limited: %s", strerror(-rc))
               : CMD_FINE;
}

static int run(int argc, char **argv)
{
    bool dry_run = false;
    const char *path = NULL;
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        if (c == OPT_DRY_RUN)
            dry_run = true;
        else if (c == OPT_SOCKET)
            path = optarg;
        else
            return CMD_CANNOT;
    }
    const char *action = optind < argc ? argv[optind] : "";
    if (optind + 1 < argc)
        return cmd_cannot("traffic takes one argument, not '%s' as well",
                          argv[optind + 1]);
    bool loads = strcmp(action, "setup") == 0 || strcmp(action, "remove") == 0;
    if (dry_run && *action != '\0' && !loads)
        return cmd_cannot(
            "traffic: --dry-run is for setup and remove, not for %s; leave it "
            "out",
            action);
    if (path != NULL && *action != '\0' && strcmp(action, "serve") != 0)
        return cmd_cannot("traffic: --socket is for serve, not for %s; leave it out",
                          action);
    if (strcmp(action, "setup") == 0)
        return run_setup(dry_run);
    if (strcmp(action, "remove") == 0)
        return run_remove(dry_run);
    if (strcmp(action, "serve") == 0)
        return run_serve(path != NULL ? path : SOCKET_PATH);
    if (strcmp(action, "show") == 0)
        return run_show();
    return cmd_cannot("traffic: %s%s%s; it must be setup, remove, show or serve",
                      *action != '\0' ? "'" : "",
                      *action != '\0' ? action : "an argument is missing",
                      *action != '\0' ? "' is unknown" : "");
}

const struct command command_traffic = {
    .name = "traffic",
    .summary = "count traffic through this gateway with nftables",
    .arguments = "setup|remove|show|serve",
    .first = CMD_CHOICE,
    .options = options,
    .about =
        "On a Linux gateway, counts the bytes that it forwards to and from Microsoft, by "
        "service. setup loads a table of nftables, inet " NFT_TABLE
        ", with a set of counters for each direction and family, from prefixes.csv; it "
        "touches no other table and drops no packet. remove removes it. show prints the "
        "counters, by the first address of each range. serve answers the agent, which "
        "has no right to read nftables itself: edgelat-traffic.service runs it with "
        "CAP_NET_ADMIN and nothing else. All but --dry-run need root or this "
        "capability.",
    .notes =
        "Enable edgelat-traffic.service, which does setup, serve and remove, and set "
        "counters = " SOCKET_PATH " in [traffic]; see edgelat.conf(5).",
    .examples = "edgelat traffic setup --dry-run\n"
                "sudo systemctl enable --now edgelat-traffic\n"
                "sudo edgelat traffic show\n",
    .run = run,
    .needs = CMD_LOOP_NEEDS,
};
