/*
 * `edgelat run` under a service manager: readiness, watchdog, reload in place, stop. Runs the
 * program itself with a collector in the test process.
 */
#include "io/cmd/program.h"
#include "io/daemon/http_sink.h"
#include "io/daemon/world.h"

#include <sys/un.h>

struct rig {
    uv_loop_t loop;
    struct sink sink;
    char config[128], log[128];
    int manager;         /* the service manager's socket */
    char reported[8192]; /* all messages sent to it */
    pid_t agent;
};

static int begin_world(void **state)
{
    setenv("EDGELAT_DATA", "packaging/data", 1);
    /* LeakSanitizer stops other threads by ptrace(), which the filter forbids */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    return world_begin(state);
}

static void configure(struct rig *r, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[agent]\nwindow = 5s\nworkloads = no\nfront_doors = 0\n"
             "state_dir = %s/state\nstatus_socket = %s/status\nstop_file = %s/stop\n"
             "[dns]\nservers = " WORLD_DNS "\n"
             "[collector]\nurl = http://127.0.0.1:%u\nproxy = none\n"
             "[target near]\nhost = near.test\nkinds = tcp\ninterval = 1s\n%s",
             world_folder.path, world_folder.path, world_folder.path, r->sink.port, more);
    child_write(world_folder.path, "edgelat.conf", text);
}

static struct rig *begin(void)
{
    struct rig *r = calloc(1, sizeof *r);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    uv_loop_init(&r->loop);
    sink_begin(&r->sink, &r->loop);
    snprintf(r->config, sizeof r->config, "%s/edgelat.conf", world_folder.path);
    snprintf(r->log, sizeof r->log, "%s/agent.log", world_folder.path);
    snprintf(a.sun_path, sizeof a.sun_path, "%s/notify", world_folder.path);
    unlink(a.sun_path);
    unlink(r->log);
    r->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(bind(r->manager, (struct sockaddr *)&a, sizeof a) == 0, "a manager's socket");
    chmod(a.sun_path, 0777);
    setenv("NOTIFY_SOCKET", a.sun_path, 1);
    setenv("WATCHDOG_USEC", "200000", 1);
    unsetenv("WATCHDOG_PID");
    configure(r, "");
    return r;
}

static void start(struct rig *r)
{
    const char *const argv[] = {program_path(), "run", "-c", r->config, NULL};
    r->agent = child_start(argv, r->log);
}

static const char *log_of(const struct rig *r)
{
    static char text[65536];
    FILE *f = fopen(r->log, "r");
    text[0] = '\0';
    if (f != NULL) {
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        fclose(f);
    }
    return text;
}

/* One turn of the collector; collects the messages to the manager. */
static void turn(struct rig *r)
{
    size_t used = strlen(r->reported);
    ssize_t n = recv(r->manager, r->reported + used, sizeof r->reported - used - 2, 0);
    if (n > 0) {
        r->reported[used + (size_t)n] = '\n';
        r->reported[used + (size_t)n + 1] = '\0';
    }
    uv_run(&r->loop, UV_RUN_NOWAIT);
    nanosleep(&(struct timespec){.tv_nsec = 2 * NS_PER_MS}, NULL);
}

#define TURN(r, condition)                                                               \
    do {                                                                                 \
        struct mono until_ = {mono_now().ns + 10 * NS_PER_S};                            \
        while (!(condition) && mono_now().ns < until_.ns)                                \
            turn(r);                                                                     \
        CHECK((condition), "10 s and not yet: %s; reported %s; log: %s", #condition,     \
              (r)->reported, log_of(r));                                                 \
    } while (0)

static int exit_code(struct rig *r)
{
    int status = -1;
    TURN(r, r->agent == 0 ||
                (waitpid(r->agent, &status, WNOHANG) == r->agent && (r->agent = 0) == 0));
    CHECK(WIFEXITED(status), "killed by %d; log: %s", WTERMSIG(status), log_of(r));
    return WEXITSTATUS(status);
}

static void end(struct rig *r)
{
    child_end(r->agent);
    sink_end(&r->sink);
    close(r->manager);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&r->loop), "every handle is closed");
    free(r);
}

static void life_of_a_service(void **state)
{
    (void)state;
    struct rig *r = begin();
    int near = world_listen(1, 443);
    start(r);
    TURN(r, strstr(r->reported, "READY=1\nSTATUS=1 targets") != NULL);
    TURN(r, strstr(r->reported, "WATCHDOG=1\nSTATUS=1 targets") != NULL);

    child_write(world_folder.path, "edgelat.conf", ""); /* by a full disk */
    kill(r->agent, SIGHUP);
    TURN(r, strstr(log_of(r), "edgelat.conf:1: empty, ") != NULL &&
                strstr(log_of(r), "keeping the running configuration") != NULL);

    configure(r, "intervall = 5s\n"); /* a reload with a mistake in it */
    kill(r->agent, SIGHUP);
    TURN(r, strstr(log_of(r), "did you mean 'interval'") != NULL);
    CHECK(strstr(r->reported, "RELOADING=1") == NULL, "it goes on");

    configure(r, "[target far]\nhost = far.test\nkinds = tcp\n");
    r->reported[0] = '\0';
    kill(r->agent, SIGHUP);
    TURN(r, strstr(r->reported, "READY=1\nSTATUS=2 targets") != NULL);
    CHECK(strstr(r->reported, "RELOADING=1\nMONOTONIC_USEC=") != NULL,
          "in place, announced");
    CHECK(sink_count(&r->sink, SIGNAL_METRICS) > 0, "the open window was shipped");

    child_write(world_folder.path, "stop", "");
    TURN(r, strstr(r->reported, "STATUS=probing is stopped: ") != NULL);
    kill(r->agent, SIGUSR1); /* ignored; must not kill it */
    kill(r->agent, SIGTERM);
    CHECK_INT(0, exit_code(r), "stopped as asked");
    CHECK(strstr(r->reported, "STOPPING=1") != NULL, "announced");
    close(near);
    end(r);
}

static void what_cannot_start(void **state)
{
    (void)state;
    static struct ran ran;
    char arguments[256];
    struct rig *r = begin();
    configure(r, "intervall = 5s\n");
    snprintf(arguments, sizeof arguments, "run -c %s", r->config);
    program_run(&ran, "", arguments);
    CHECK_INT(2, ran.code, "a mistake in the configuration");
    CHECK(strstr(ran.err, "did you mean 'interval'?") != NULL, "%s", ran.err);
    program_run(&ran, "", "run -c /dev/null");
    CHECK_INT(2, ran.code, "a configuration that is no file");
    program_run(&ran, "", "run now");
    CHECK_INT(2, ran.code, "an argument");
    CHECK(strstr(ran.err, "run takes no argument 'now'") != NULL, "%s", ran.err);
    program_run(&ran, "", "rnu");
    CHECK_INT(2, ran.code, "a command that there is not");
    CHECK(strstr(ran.err, "did you mean 'run'?") != NULL, "%s", ran.err);
    end(r);
}

int main(void)
{
    if (!make_network()) {
        printf("1..0 # SKIP no network namespaces here\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life_of_a_service),
        cmocka_unit_test(what_cannot_start),
    };
    return cmocka_run_group_tests(tests, begin_world, world_end);
}
