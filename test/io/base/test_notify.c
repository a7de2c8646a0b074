/*
 * What the service manager receives, on both kinds of socket; and that nothing is sent
 * without NOTIFY_SOCKET.
 */
#include "base/notify.h"
#include "check.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Socket of the service manager: bound to `name` ("@..." is abstract) and set in
 * NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(address.sun_path, name, len);
    if (*name == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0,
          "%s: %s", name, strerror(errno));
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static const char *received(int fd)
{
    static char text[1024];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void test_nobody_asked(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    CHECK(!notify_wanted(), "no NOTIFY_SOCKET");
    CHECK_INT(0, notify_send("READY=1"), "no NOTIFY_SOCKET");
    setenv("NOTIFY_SOCKET", "", 1);
    CHECK(!notify_wanted(), "an empty NOTIFY_SOCKET");
    CHECK_INT(0, notify_send("READY=1"), "an empty NOTIFY_SOCKET");
}

static void check_socket(const char *name)
{
    int fd = listen_at(name);
    CHECK(notify_wanted(), "%s", name);
    CHECK_INT(0, notify_send("READY=1\nSTATUS=%d targets", 5), name);
    CHECK_TEXT("READY=1\nSTATUS=5 targets", received(fd), name);
    CHECK_INT(0, notify_send("WATCHDOG=1"), name);
    CHECK_TEXT("WATCHDOG=1", received(fd), "one datagram each");
    CHECK_TEXT("", received(fd), "and no more");
    close(fd);
    CHECK(notify_send("WATCHDOG=1") < 0, "%s: nobody is there any more", name);
}

static void test_sockets(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "@edgelat-test-notify-%d", (int)getpid());
    check_socket(name);

    char folder[] = "/tmp/edgelat-test-notify-XXXXXX";
    CHECK(mkdtemp(folder) != NULL, "%s", strerror(errno));
    snprintf(name, sizeof name, "%s/notify", folder);
    check_socket(name);
    unlink(name);
    rmdir(folder);
}

static void test_what_is_no_socket(void **state)
{
    (void)state;
    char long_path[200] = "/";
    memset(long_path + 1, 'x', sizeof long_path - 2);
    const char *const names[] = {"relative", "/", "@", "vsock:2:1234", long_path};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        CHECK_INT(-EINVAL, notify_send("READY=1"), names[i]);
    }
}

static void test_too_long(void **state)
{
    (void)state;
    char name[64], text[600];
    snprintf(name, sizeof name, "@edgelat-test-notify-%d", (int)getpid());
    int fd = listen_at(name);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK_INT(-EMSGSIZE, notify_send("STATUS=%s", text), "a line cut in half says less");
    CHECK_TEXT("", received(fd), "nothing was sent");
    close(fd);
}

static void test_watchdog(void **state)
{
    (void)state;
    char ours[24];
    snprintf(ours, sizeof ours, "%d", (int)getpid());
    const struct {
        const char *what, *usec, *pid;
        int64_t expected;
    } cases[] = {
        {"not watched", NULL, NULL, 0},
        {"any of us", "2000000", NULL, INT64_C(2000000000)},
        {"us", "2000000", ours, INT64_C(2000000000)},
        {"another process", "2000000", "1", 0},
        {"no number", "soon", ours, 0},
        {"half a number", "20s", ours, 0},
        {"nothing", "", ours, 0},
        {"negative", "-5", ours, 0},
        {"more than there is", "99999999999999999999", ours, 0},
        {"more ns than there are", "9223372036854775807", ours, 0},
        {"a pid that is none", "2000000", "x", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        if (cases[i].usec != NULL)
            setenv("WATCHDOG_USEC", cases[i].usec, 1);
        if (cases[i].pid != NULL)
            setenv("WATCHDOG_PID", cases[i].pid, 1);
        CHECK_INT(cases[i].expected, notify_watchdog_ns(), cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_asked),      cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_what_is_no_socket), cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
