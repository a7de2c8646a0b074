#include "net/race.h"

#include "io/net/child.h"

#include <arpa/inet.h>
#include <stdbool.h>

struct bed {
    uv_loop_t loop;
    size_t winner;
    int calls;
    double took_s;
};

static void on_winner(size_t winner, void *user)
{
    struct bed *b = user;
    b->winner = winner;
    b->calls++;
}

static struct endpoint at(const char *address, uint16_t port)
{
    struct endpoint e;
    CHECK(endpoint_parse(&e, address, port), "%s", address);
    return e;
}

static void run_over(struct bed *b, const struct uplink *uplink,
                     const struct endpoint *to, size_t n, int64_t limit_ns)
{
    *b = (struct bed){0};
    uv_loop_init(&b->loop);
    uint64_t began = uv_hrtime();
    race_begin(&b->loop, uplink, to, n, limit_ns, on_winner, b);
    CHECK_INT(0, b->calls, "never from inside the call");
    while (b->calls == 0)
        uv_run(&b->loop, UV_RUN_ONCE);
    b->took_s = (double)(uv_hrtime() - began) / 1e9;
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(1, b->calls, "once");
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
}

static void run(struct bed *b, const struct endpoint *to, size_t n, int64_t limit_ns)
{
    run_over(b, NULL, to, n, limit_ns);
}

/* A listener whose queue is full: Linux drops what comes then, as a black hole does. */
struct hole {
    int listener, callers[4];
    uint16_t port;
};

static void hole_open(struct hole *h)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    h->listener = child_bind(SOCK_STREAM, &h->port);
    CHECK_INT(0, listen(h->listener, 0), "listens");
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sa.sin_port = htons(h->port);
    for (size_t i = 0; i < 4; i++) {
        h->callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(h->callers[i], (struct sockaddr *)&sa, sizeof sa);
    }
}

static void hole_close(struct hole *h)
{
    close(h->listener);
    for (size_t i = 0; i < 4; i++)
        close(h->callers[i]);
}

static void over_an_uplink(void **state)
{
    (void)state;
    struct bed b;
    struct uplink other = {.source = {at("127.0.0.9", 0)}},
                  nobodys = {.source = {at("192.0.2.1", 0)}};
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    uint16_t port;
    int listener = child_bind(SOCK_STREAM, &port);
    listen(listener, 8);
    struct endpoint to = at("127.0.0.1", port);
    run_over(&b, &other, &to, 1, NS_PER_S);
    CHECK_INT(0, b.winner, "connected");
    int fd = accept(listener, (struct sockaddr *)&from, &len);
    CHECK_INT(0x7f000009, ntohl(from.sin_addr.s_addr), "from its source address");
    close(fd);
    run_over(&b, &nobodys, &to, 1, NS_PER_S);
    CHECK_INT(RACE_NONE, b.winner, "not from an address that this host has not");
    close(listener);
}

static void who_wins(void **state)
{
    (void)state;
    uint16_t open_port, closed_port;
    int open_socket = child_bind(SOCK_STREAM, &open_port);
    int closed_socket = child_bind(SOCK_STREAM, &closed_port); /* nobody listens */
    listen(open_socket, 8);
    struct hole hole;
    hole_open(&hole);
    struct endpoint works = at("127.0.0.1", open_port), dead = at("127.0.0.1", hole.port),
                    refuses = at("127.0.0.1", closed_port);
    const struct {
        const char *what;
        struct endpoint to[RACE_MAX];
        size_t n, winner;
        double least_s, most_s;
    } cases[] = {
        {"the first", {works, dead}, 2, 0, 0, 0.2},
        {"behind a black hole", {dead, works}, 2, 1, 0.25, 0.6},
        {"behind two", {dead, dead, works}, 3, 2, 0.5, 0.9},
        {"behind one that refuses", {refuses, works}, 2, 1, 0, 0.2},
        {"behind many that refuse", {refuses, refuses, refuses, works}, 4, 3, 0, 0.2},
        {"all refuse", {refuses, refuses}, 2, RACE_NONE, 0, 0.2},
        {"one alone refuses", {refuses}, 1, RACE_NONE, 0, 0.2},
        {"nobody answers", {dead, dead}, 2, RACE_NONE, 0.7, 1.1},
        {"a black hole, then refused", {dead, refuses}, 2, RACE_NONE, 0.7, 1.1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        run(&b, cases[i].to, cases[i].n, 700 * NS_PER_MS);
        CHECK_INT(cases[i].winner, b.winner, cases[i].what);
        CHECK(b.took_s >= cases[i].least_s && b.took_s < cases[i].most_s, "%s: %.3f s",
              cases[i].what, b.took_s);
    }
    hole_close(&hole);
    close(open_socket);
    close(closed_socket);
}

static void cancelled(void **state)
{
    (void)state;
    struct hole hole;
    hole_open(&hole);
    struct endpoint to[2] = {at("127.0.0.1", hole.port), at("127.0.0.1", hole.port)};
    for (int turns = 0; turns < 3; turns++) {
        struct bed b = {0};
        uv_loop_init(&b.loop);
        struct race *r = race_begin(&b.loop, NULL, to, 2, NS_PER_S, on_winner, &b);
        for (int i = 0; i < turns; i++)
            uv_run(&b.loop, UV_RUN_NOWAIT);
        race_cancel(r);
        uv_run(&b.loop, UV_RUN_DEFAULT);
        CHECK_INT(0, b.calls, "no callback");
        CHECK_INT(0, uv_loop_close(&b.loop), "every handle is closed");
    }
    hole_close(&hole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_wins),
        cmocka_unit_test(over_an_uplink),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
