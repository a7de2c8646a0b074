/* When the guard ends a connection, and when it does not. */
#include "io/net/child.h"
#include "net/clock.h"
#include "net/guard.h"

#include <errno.h>

struct pair {
    int ours, theirs;
};

static struct pair connect_pair(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct pair p;
    uint16_t port;
    int listener = child_bind(SOCK_STREAM, &port);
    a.sin_port = htons(port);
    CHECK_INT(0, listen(listener, 1), "listens");
    p.ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(0, connect(p.ours, (struct sockaddr *)&a, sizeof a), "connects");
    p.theirs = accept(listener, NULL, NULL);
    close(listener);
    return p;
}

static void close_pair(struct pair p)
{
    close(p.ours);
    close(p.theirs);
}

static bool stands(int fd)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    return getpeername(fd, (struct sockaddr *)&a, &len) == 0;
}

static void work(int64_t ns)
{
    int64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
        ;
}

/* Unread received bytes are discarded, too: the library must not process them. */
static void a_call_that_works_too_long(void **state)
{
    (void)state;
    struct guard g = {0};
    struct pair p = connect_pair(), other = connect_pair(), gone = connect_pair();
    static char bytes[GUARD_FLOOD_BYTES + 1];
    CHECK(guard_add(&g, p.ours) && guard_add(&g, gone.ours), "room for two");
    guard_forget(&g, gone.ours);
    guard_begin(&g);
    CHECK_INT(sizeof bytes, send(p.theirs, bytes, sizeof bytes, 0), "sent");
    guard_enter(&g);
    work(2 * GUARD_CALL_NS);
    CHECK_INT(GUARD_TOO_LONG, g.verdict, "while it works");
    CHECK(recv(p.ours, bytes, 1, MSG_DONTWAIT) <= 0, "nothing to read");
    guard_leave(&g);
    CHECK(!stands(p.ours), "is disconnected");
    CHECK(stands(other.ours) && stands(gone.ours), "others are not");
    guard_begin(&g);
    CHECK_INT(GUARD_FINE, g.verdict, "the next request");
    close_pair(p);
    close_pair(other);
    close_pair(gone);
}

/* An attacker who can flood one target can flood all of them at once. */
static void others_after_a_flood(void **state)
{
    (void)state;
    enum { PEERS = 10 };
    static char bytes[GUARD_FLOOD_BYTES + 1];
    int64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < PEERS; i++) {
        struct guard g = {0};
        struct pair p = connect_pair();
        guard_add(&g, p.ours);
        guard_begin(&g);
        CHECK_INT(sizeof bytes, send(p.theirs, bytes, sizeof bytes, 0), "sent");
        guard_enter(&g);
        while (g.verdict == GUARD_FINE)
            work(GUARD_WARY_NS / 10);
        guard_leave(&g);
        close_pair(p);
    }
    CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) - began < PEERS * GUARD_CALL_NS / 2,
          "they hold the loop less long than the first one");
}

/* Such as a signature with a long key on a small processor. */
static void a_call_that_computes(void **state)
{
    (void)state;
    struct guard g = {0};
    struct pair p = connect_pair();
    guard_add(&g, p.ours);
    guard_begin(&g);
    guard_enter(&g);
    work(3 * GUARD_CALL_NS);
    guard_leave(&g);
    CHECK_INT(GUARD_FINE, g.verdict, "nothing was received");
    CHECK(stands(p.ours), "still connected");
    close_pair(p);
}

/* Suspended, stopped or without CPU time: not a fault of the peer. */
static void a_call_that_waits(void **state)
{
    (void)state;
    const struct timespec wait = {.tv_nsec = 3 * GUARD_CALL_NS};
    struct guard g = {0};
    struct pair p = connect_pair();
    guard_add(&g, p.ours);
    guard_begin(&g);
    guard_enter(&g);
    nanosleep(&wait, NULL);
    guard_leave(&g);
    work(2 * GUARD_CALL_NS); /* outside: it is our own */
    CHECK_INT(GUARD_FINE, g.verdict, "no CPU time");
    CHECK(stands(p.ours), "still connected");
    close_pair(p);
}

static void bytes_of_one_request(void **state)
{
    (void)state;
    static char bytes[64 << 10];
    struct guard g = {0};
    struct pair p = connect_pair();
    guard_add(&g, p.ours);
    for (int request = 0; request < 3; request++) {
        guard_begin(&g);
        size_t most = request < 2 ? GUARD_BYTES : GUARD_BYTES + sizeof bytes;
        for (size_t n = 0; n < most; n += sizeof bytes) {
            CHECK_INT(sizeof bytes, send(p.theirs, bytes, sizeof bytes, 0), "sent");
            guard_enter(&g);
            CHECK_INT(sizeof bytes, recv(p.ours, bytes, sizeof bytes, MSG_WAITALL),
                      "read");
            guard_leave(&g);
        }
        CHECK_INT(request < 2 ? GUARD_FINE : GUARD_TOO_MUCH, g.verdict, "verdict");
    }
    CHECK(!stands(p.ours), "is disconnected");
    close_pair(p);
}

static void no_more_sockets_than_it_knows(void **state)
{
    (void)state;
    struct guard g = {0};
    struct pair p = connect_pair();
    for (int i = 0; i < GUARD_SOCKETS; i++)
        CHECK(guard_add(&g, p.ours), "room");
    CHECK(!guard_add(&g, p.ours), "no room");
    close_pair(p);
}

static int begin(void **state)
{
    (void)state;
    return guard_start();
}

static int end(void **state)
{
    (void)state;
    guard_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_works_too_long),
        cmocka_unit_test(others_after_a_flood),
        cmocka_unit_test(a_call_that_computes),
        cmocka_unit_test(a_call_that_waits),
        cmocka_unit_test(bytes_of_one_request),
        cmocka_unit_test(no_more_sockets_than_it_knows),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
