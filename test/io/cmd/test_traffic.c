/*
 * `edgelat traffic` in a network namespace of the test, with nft(8): the table is loaded, read,
 * served and removed; a table of somebody else is left as it is; and where it is missing. What the
 * counters count is in test/lab/test_gateway.py.
 */
#include "program.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

static bool allowed;

static int set_up(void **state)
{
    (void)state;
    allowed = geteuid() == 0 && unshare(CLONE_NEWNET) == 0 &&
              system("nft list tables >/dev/null 2>&1") == 0;
    return 0;
}

static void runs(const char *arguments, int code, const char *out, const char *err)
{
    struct ran r;
    program_run(&r, "", arguments);
    CHECK_INT(code, r.code, arguments);
    CHECK(strstr(r.out, out) != NULL, "%s: '%s' in: %s", arguments, out, r.out);
    CHECK(strstr(r.err, err) != NULL, "%s: '%s' in: %s", arguments, err, r.err);
    CHECK(*err != '\0' || r.err[0] == '\0', "%s: %s", arguments, r.err);
}

static void table(void **state)
{
    (void)state;
    if (!allowed)
        skip();
    runs("traffic show", 2, "",
         "there is no table inet edgelat; run `edgelat traffic setup`");
    runs("traffic setup --dry-run", 0, "table inet edgelat", "");
    runs("traffic show", 2, "", "there is no table");
    runs("traffic setup", 0, "", "");
    runs("traffic show", 0, "nothing counted yet", "");
    runs("traffic setup", 0, "", "");
    runs("traffic remove", 0, "", "");
    runs("traffic show", 2, "", "there is no table");
    runs("traffic remove", 0, "", "");
    CHECK_INT(
        0,
        system("nft add table inet edgelat && nft add set inet edgelat mine '{ type "
               "ipv4_addr; }'"),
        "somebody else's");
    runs("traffic setup", 2, "", "is not by edgelat, and is left as it is");
    runs("traffic remove", 2, "", "is not by edgelat, and is left as it is");
    CHECK_INT(0, system("nft list set inet edgelat mine >/dev/null"),
              "it is still there");
    CHECK_INT(0, system("nft delete table inet edgelat"), "removed");
    runs("traffic", 2, "", "an argument is missing");
    runs("traffic load", 2, "", "'load' is unknown");
    runs("traffic show setup", 2, "", "takes one argument");
}

/* What the helper answers on its socket. */
static const char *ask(const char *path)
{
    static char text[4096];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = -1;
    for (int i = 0; i < 500; i++) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
            break;
        close(fd);
        fd = -1;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    CHECK(fd >= 0, "the helper listens at %s", path);
    size_t n = 0;
    for (ssize_t got;
         n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)got;
    text[n] = '\0';
    close(fd);
    return text;
}

/* The program of edgelat-traffic.service is the same command. */
static void program_of_its_own(void **state)
{
    char command[PATH_MAX + 64];
    (void)state;
    if (!allowed)
        skip();
    snprintf(command, sizeof command,
             "%s-traffic show 2>&1 | grep -q 'no table inet edgelat'", program_path());
    CHECK_INT(0, system(command), "its own message");
}

static void served(void **state)
{
    char folder[] = "/tmp/edgelat-traffic-XXXXXX", path[64], arguments[128];
    struct ran r;
    (void)state;
    if (!allowed)
        skip();
    CHECK(mkdtemp(folder) != NULL, "a folder");
    snprintf(path, sizeof path, "%s/counters", folder);
    snprintf(arguments, sizeof arguments, "traffic serve --socket %s", path);
    runs("traffic serve --socket /nosuch/socket", 2, "",
         "choose another file with --socket");
    program_start(&r, "", arguments);
    CHECK(strstr(ask(path), "error there is no table inet edgelat") != NULL, "%s",
          ask(path));
    runs("traffic setup", 0, "", "");
    CHECK_TEXT("end\n", ask(path), "nothing counted yet");
    runs("traffic remove", 0, "", "");
    kill(r.pid, SIGTERM);
    program_end(&r);
    CHECK_INT(0, r.code, "it ends");
    CHECK_TEXT("", r.err, "without a word");
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    /* LeakSanitizer stops other threads by ptrace(), which the filter forbids */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(program_of_its_own),
        cmocka_unit_test(served),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
