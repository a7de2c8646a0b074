/* The handshake with a port that nobody serves, on loopback. */
#include "check.h"

#include "core/intercept.h"
#include "net/socket.h"
#include "probe/tcp/single.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS "127.0.77.4"

struct ended {
    int calls;
    int64_t handshake_ns;
};

static void on_end(int64_t handshake_ns, void *user)
{
    struct ended *e = user;
    e->calls++;
    e->handshake_ns = handshake_ns;
}

/* Listens on that port of ADDRESS; with `full` nobody gets in any more. -1: may not. */
static int listener(uint16_t port, bool full)
{
    struct endpoint at;
    struct sockaddr_storage sa;
    endpoint_parse(&at, ADDRESS, port);
    socklen_t len = sockaddr_of(&sa, &at);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&sa, len) < 0) {
        CHECK_INT(EACCES, errno, "only root may");
        close(fd);
        return -1;
    }
    CHECK_INT(0, listen(fd, full ? 0 : 8), "listen");
    return fd;
}

static struct ended try(uint16_t target_port, int64_t waiting_ns, bool cancel)
{
    uv_loop_t loop;
    struct ended e = {0};
    struct endpoint to;
    uv_loop_init(&loop);
    endpoint_parse(&to, ADDRESS, intercept_decoy_port(target_port));
    struct single *d = single_start(&loop, &to, NULL, 0, waiting_ns, on_end, &e);
    CHECK_INT(0, e.calls, "never from inside");
    if (cancel)
        single_cancel(d);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(cancel ? 0 : 1, e.calls, "once");
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    return e;
}

static void nobody_there(void **unused)
{
    (void)unused;
    CHECK_INT(DELAY_UNDEFINED, try(443, NS_PER_S, false).handshake_ns, "refused");
    try(443, NS_PER_S, true);
}

static void somebody_there(void **unused)
{
    (void)unused;
    int fd = listener(INTERCEPT_DECOY_PORT, false);
    if (fd < 0)
        skip();
    int64_t ns = try(443, NS_PER_S, false).handshake_ns;
    CHECK(ns > 0 && ns < NS_PER_S, "answered in %lld ns", (long long)ns);
    CHECK_INT(DELAY_UNDEFINED, try(INTERCEPT_DECOY_PORT, NS_PER_S, false).handshake_ns,
              "another port when the target itself is there");
    close(fd);
}

static void silence(void **unused)
{
    (void)unused;
    int fd = listener(INTERCEPT_DECOY_PORT, true), in[2];
    if (fd < 0)
        skip();
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    getsockname(fd, (struct sockaddr *)&sa, &len);
    for (int i = 0; i < 2; i++) {
        in[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int rc = connect(in[i], (struct sockaddr *)&sa, len);
        CHECK(rc == 0 || errno == EINPROGRESS, "the queue is filled");
    }
    uint64_t before = uv_hrtime();
    CHECK_INT(DELAY_UNDEFINED, try(443, 100 * NS_PER_MS, false).handshake_ns, "silence");
    CHECK(uv_hrtime() - before < 2 * (uint64_t)NS_PER_S, "not waited for any longer");
    close(in[0]);
    close(in[1]);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(somebody_there),
        cmocka_unit_test(silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
