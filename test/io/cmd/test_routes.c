/* `edgelat routes`: options, no agent, no station; and what a station answers that is fed by a
 * router over loopback. */
#include "../../unit/cmd/capture.h"
#include "../../unit/cmd/folder.h"
#include "base/json_read.h"
#include "cmd/cmd.h"
#include "daemon/routes_server.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct bed {
    struct folder folder;
    char socket[128], config[128];
};

static void begin(struct bed *b, const char *bmp)
{
    char text[512];
    b->folder = folder_make();
    snprintf(b->socket, sizeof b->socket, "%s/status", b->folder.path);
    snprintf(text, sizeof text,
             "[agent]\nstatus_socket = %s\n%s[target a]\nhost = a.example\n", b->socket,
             bmp);
    text_copy(b->config, sizeof b->config,
              folder_write(&b->folder, "edgelat.conf", text));
}

static const char station_on[] = "[bmp]\nlisten = 127.0.0.1:11019\nrouters = 127.0.0.1\n";

static int run(struct capture *out, const struct bed *b, const char *option)
{
    char *argv[] = {"routes", "-c", (char *)b->config, (char *)option, NULL};
    optind = 0;
    capture_begin(out);
    int code = command_routes.run(option != NULL ? 4 : 3, argv);
    capture_end(out);
    return code;
}

static void cannot(void **state)
{
    (void)state;
    static const struct {
        const char *what, *bmp, *option, *message;
    } cases[] = {
        {"a word", station_on, "all", "edgelat: routes takes no argument 'all'\n"},
        {"an unknown option", station_on, "--all",
         "edgelat: routes has no option --all; "},
        {"no [bmp]", "", NULL,
         "edgelat: the BMP station is off; to switch it on, set listen and routers in [bmp] "},
        {"no agent", station_on, NULL, "edgelat: no agent answers at "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        struct capture out;
        begin(&b, cases[i].bmp);
        CHECK_INT(CMD_CANNOT, run(&out, &b, cases[i].option), cases[i].what);
        CHECK_TEXT("", out.out, cases[i].what);
        CHECK(strstr(out.err, cases[i].message) != NULL, "%s: %s", cases[i].what,
              out.err);
        folder_remove(&b.folder);
    }
}

/* Its port is in use, or [bmp] was added since its start. */
static void agent_without_station(void **state)
{
    (void)state;
    struct bed b;
    struct capture out;
    begin(&b, station_on);
    folder_write(&b.folder, "status", "");
    CHECK_INT(CMD_CANNOT, run(&out, &b, NULL), "exit code");
    CHECK(strstr(out.err, "the agent has no BMP station: it cannot listen on "
                          "127.0.0.1:11019 (see `edgelat status`)") != NULL,
          "%s", out.err);
    folder_remove(&b.folder);
}

/* ---- a station ---- */

struct agent {
    uv_loop_t loop;
    struct config config;
    struct edge_data data;
    struct station *station;
    struct routes_server *server;
    int router; /* the router's end of the BMP session; -1: none */
};

static void agent_begin(struct agent *a, const struct bed *b)
{
    *a = (struct agent){.config = config_default(), .router = -1};
    uv_loop_init(&a->loop);
    strcpy(a->config.bmp_listen, "127.0.0.1:0");
    strcpy(a->config.bmp_routers, "127.0.0.1");
    strcpy(a->config.peering.prefixes, "13.107.6.0/24");
    text_copy(a->config.status_socket, sizeof a->config.status_socket, b->socket);
    CHECK_INT(0, station_create(&a->station, &a->loop, &a->config, &a->data), "listens");
    a->server = routes_server_create(&a->loop, &a->config, a->station);
}

static void agent_end(struct agent *a)
{
    if (a->router >= 0)
        close(a->router);
    routes_server_destroy(a->server);
    station_destroy(a->station);
    uv_run(&a->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&a->loop), "every handle is closed");
    config_free(&a->config);
}

/* A recorded session of FRR 8.4, without its first byte. */
static void send_recorded(struct agent *a)
{
    static char bytes[65536];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(station_port(a->station)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    FILE *file = fopen("test/fuzz/corpus/bmp/frr", "rb");
    CHECK(file != NULL, "the recording can be read");
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    a->router = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(0, connect(a->router, (struct sockaddr *)&to, sizeof to), "connected");
    CHECK_INT(n - 1, send(a->router, bytes + 1, n - 1, 0), "sent");
}

/* Runs the command in a process of its own while the loop answers. */
static int ask(struct agent *a, struct capture *out, const struct bed *b,
               const char *option)
{
    int ends[2], status;
    CHECK_INT(0, pipe(ends), "a pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int code = run(out, b, option);
        const char *text = code == CMD_CANNOT ? out->err : out->out;
        status = write(ends[1], text, strlen(text)) < 0 ? 99 : code;
        _exit(status);
    }
    close(ends[1]);
    for (int i = 0; i < 500 && waitpid(pid, &status, WNOHANG) == 0; i++) {
        uv_run(&a->loop, UV_RUN_NOWAIT);
        usleep(2000);
    }
    ssize_t n = read(ends[0], out->out, sizeof out->out - 1);
    out->out[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    return WEXITSTATUS(status);
}

static void no_router(void **state)
{
    (void)state;
    struct bed b;
    struct agent a;
    static struct capture out;
    begin(&b, station_on);
    agent_begin(&a, &b);
    CHECK_INT(CMD_BAD, ask(&a, &out, &b, NULL), "a problem");
    CHECK(strstr(out.out, "  router 127.0.0.1: has not connected\n") != NULL &&
              strstr(out.out, "No router has connected in the ") != NULL,
          "a sentence: %s", out.out);
    agent_end(&a);
    folder_remove(&b.folder);
}

static void check_width(const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        CHECK(len <= 80, "80 columns: %.*s", (int)len, at);
        at += len + (at[len] == '\n');
    }
}

static void a_router(void **state)
{
    (void)state;
    struct bed b;
    struct agent a;
    static struct capture out;
    begin(&b, station_on);
    agent_begin(&a, &b);
    send_recorded(&a);
    for (int i = 0; i < 50; i++) {
        uv_run(&a.loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    CHECK_INT(CMD_FINE, ask(&a, &out, &b, NULL), "no problem");
    CHECK(strstr(out.out, "  router r1 (127.0.0.1): connected since ") != NULL &&
              strstr(out.out, "  198.51.100.2 (AS65002) of r1\n    up since ") != NULL &&
              strstr(out.out, "  13.107.6.0/24 (registered): announced\n"
                              "    active    from 198.51.100.2, next hop ") != NULL,
          "text: %s", out.out);
    check_width(out.out);
    CHECK_INT(CMD_FINE, ask(&a, &out, &b, "--json"), "JSON");
    struct json_span json = json_span_of(out.out, strlen(out.out)), session = {0};
    CHECK(json_next_item(json_member(json, "sessions"), &session), "a session: %s",
          out.out);
    char text[64];
    CHECK(json_read_string(json_member(session, "state"), text, sizeof text),
          "its state");
    CHECK_TEXT("up", text, "up");
    agent_end(&a);
    folder_remove(&b.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cannot),
        cmocka_unit_test(agent_without_station),
        cmocka_unit_test(no_router),
        cmocka_unit_test(a_router),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
