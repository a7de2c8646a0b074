/*
 * `edgelat run` with all of its parts switched on, in a network namespace of the test, asked by
 * `status` and `routes` after some windows: targets of this host and of a neighbour that never
 * answers, traces and path MTU, a BMP station with a router, flows of an exporter, interfaces and
 * handshakes.
 */
#include "io/probe/tun.h"

#include "../../unit/cmd/folder.h"
#include "program.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool allowed;

static int set_up(void **state)
{
    (void)state;
    allowed = make_network();
    return 0;
}

static const char *config_in(const struct folder *f)
{
    char text[2048];
    snprintf(
        text, sizeof text,
        "[agent]\nstate_dir = %s/state\nstatus_socket = %s/status\nstop_file = %s/stop\n"
        "window = 5s\nworkloads = no\nfront_doors = 0\n"
        "[path]\ninterval = 10s\nmtu_interval = 10s\n"
        "[peering_service]\nconnection = branch\nprimary = Ashburn\nprimary_metro = ASH\n"
        "[bmp]\nlisten = 127.0.0.1:11019\nrouters = 127.0.0.1 192.0.2.7\n"
        "validator = 127.0.0.1:323\n"
        "[traffic]\ninterfaces = lo t0 nosuch0\ncounters = %s/counters\n"
        "handshakes = lo\nflows = 127.0.0.1:2055\nexporters = 127.0.0.1\n"
        "[target self]\nhost = 127.0.0.1\nkinds = icmp\ninterval = 1s\n"
        "[target silent]\nhost = 10.9.0.2\nkinds = icmp\ninterval = 1s\n",
        f->path, f->path, f->path, f->path);
    return folder_write(f, "edgelat.conf", text);
}

static void send_to(int type, uint16_t port, const void *bytes, size_t len, int *keep)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);
    CHECK_INT(0, connect(fd, (struct sockaddr *)&to, sizeof to), "connected");
    CHECK_INT(len, write(fd, bytes, len), "sent");
    if (keep != NULL)
        *keep = fd;
    else
        close(fd);
}

/* Until the status has a closed window. */
static void wait_for_window(const char *arguments, const char *what)
{
    struct ran r = {.code = -1};
    for (int i = 0; i < 40; i++) {
        program_run(&r, "", arguments);
        if (strstr(r.out, what) != NULL)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 500 * 1000 * 1000}, NULL);
    }
    CHECK(false, "20 s without '%s': %s%s", what, r.out, r.err);
}

static void all_parts(void **state)
{
    static const uint8_t initiation[] = {3, 0, 0, 0, 12, 4, 0, 2, 0, 2, 'r', '1'};
    static const uint8_t no_flow[24] = {0, 5};
    static const char *const json[] = {
        "\"bgp\":{\"routers\":1,\"routers_connected\":1",
        "\"interfaces\":[",
        "\"exporters\":[",
        "\"handshakes\":{\"interface\":\"lo\"",
        "\"origin_validation\":{",
        "\"paths\":{",
        "\"target\":\"self\"",
    };
    static const char *const text[] = {
        "self",
        "silent",
        "the RPKI validator 127.0.0.1:323 is not reached since",
        "traffic through this host is not counted",
        "handshakes on lo",
        "exporter 127.0.0.1",
        "origins by RPKI: 0 valid",
        "silent is down",
    };
    struct folder f;
    struct ran agent, r;
    char line[256];
    int router = -1;
    (void)state;
    if (!allowed || tun < 0)
        skip();
    f = folder_make();
    const char *config = config_in(&f);
    char run_line[192], status_line[192];
    snprintf(run_line, sizeof run_line, "run -c %s", config);
    snprintf(status_line, sizeof status_line, "status -c %s", config);
    program_start(&agent, "", run_line);
    wait_for_window(status_line, "self");
    send_to(SOCK_STREAM, 11019, initiation, sizeof initiation, &router);
    send_to(SOCK_DGRAM, 2055, no_flow, sizeof no_flow, NULL);
    wait_for_window(status_line, "silent is down");
    snprintf(line, sizeof line, "%s --json", status_line);
    wait_for_window(line, "\"segments\"");
    program_run(&r, "", line);
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        CHECK(strstr(r.out, json[i]) != NULL, "%s in %s", json[i], r.out);
    program_run(&r, "", status_line);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        CHECK(strstr(r.out, text[i]) != NULL, "%s in %s", text[i], r.out);
    CHECK_INT(1, r.code, "problems");
    snprintf(line, sizeof line, "routes -c %s", config);
    program_run(&r, "", line);
    CHECK_HAS(r.out, "router r1 (127.0.0.1): connected since");
    CHECK_HAS(r.out, "router 192.0.2.7: has not connected");
    CHECK_INT(1, r.code, "the validator");
    kill(agent.pid, SIGHUP); /* starts anew, with what was kept */
    wait_for_window(status_line, "silent is down");
    kill(agent.pid, SIGTERM);
    program_end(&agent);
    CHECK_INT(0, agent.code, "it ends");
    close(router);
    folder_remove(&f);
}

int main(void)
{
    /* LeakSanitizer stops other threads by ptrace(), which the filter forbids */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_parts)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
