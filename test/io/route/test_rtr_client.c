/* The client of a validator over loopback: a table in pieces, the version, an Error Report,
 * a validator that is not there, and that every handle is closed. */
#include "route/rtr_client.h"

#include "net/clock.h"

#include "../../unit/cmd/capture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct bed {
    uv_loop_t loop;
    struct watch watch;
    struct rtr_client *client;
    struct capture log;
    int listener, fd, changes;
    char to[32];
};

static void on_change(void *user)
{
    struct bed *b = user;
    b->changes++;
}

static void begin(struct bed *b)
{
    struct prefixes none = {.n = 0};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *b = (struct bed){.fd = -1};
    capture_begin(&b->log);
    uv_loop_init(&b->loop);
    watch_build(&b->watch, "13.107.6.0/24", &none);
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_INT(0, bind(b->listener, (struct sockaddr *)&at, sizeof at), "bound");
    CHECK_INT(0, getsockname(b->listener, (struct sockaddr *)&at, &len), "a port");
    snprintf(b->to, sizeof b->to, "127.0.0.1:%d", ntohs(at.sin_port));
}

static void start(struct bed *b)
{
    CHECK_INT(0, listen(b->listener, 4), "the validator listens");
    b->client = rtr_client_create(&b->loop, b->to, &b->watch, on_change, b);
}

static void end(struct bed *b)
{
    rtr_client_destroy(b->client);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    watch_free(&b->watch);
    close(b->fd);
    close(b->listener);
}

static void turn(struct bed *b)
{
    uv_run(&b->loop, UV_RUN_NOWAIT);
    usleep(1000);
}

static void accept_one(struct bed *b)
{
    close(b->fd);
    b->fd = -1;
    for (int i = 0; i < 3000 && b->fd < 0; i++) {
        turn(b);
        b->fd = accept4(b->listener, NULL, NULL, SOCK_NONBLOCK);
    }
    CHECK(b->fd >= 0, "the client connects");
}

/* As hex digits, up to `want` bytes. */
static const char *received(struct bed *b, size_t want)
{
    static char text[513];
    uint8_t bytes[256];
    size_t n = 0;
    for (int i = 0; i < 3000 && n < want; i++) {
        turn(b);
        ssize_t got = recv(b->fd, bytes + n, want - n, 0);
        n += got > 0 ? (size_t)got : 0;
    }
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static const uint8_t response[] = {1, 3, 0, 9, 0, 0, 0, 8};
static const uint8_t vrp[] = {1,  4, 0,  0,   0, 0, 0, 20, 1,    24,
                              24, 0, 13, 107, 6, 0, 0, 0,  0x1f, 0x8b};
static const uint8_t end_of_data[] = {1, 7, 0,    9,    0, 0, 0, 24,   0, 0, 0,    5,
                                      0, 0, 0x0e, 0x10, 0, 0, 2, 0x58, 0, 0, 0x1c, 0x20};

static void test_table(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    start(&b);
    accept_one(&b);
    CHECK_TEXT("0102000000000008", received(&b, 8), "Reset Query");
    send(b.fd, response, sizeof response, 0);
    for (size_t i = 0; i < sizeof vrp; i++) {
        send(b.fd, vrp + i, 1, 0);
        turn(&b);
    }
    send(b.fd, end_of_data, sizeof end_of_data, 0);
    for (int i = 0; i < 1000 && b.changes == 0; i++)
        turn(&b);
    size_t n = rtr_client_validator(b.client)->rtr->table.n;
    bool reached = rtr_client_validator(b.client)->reached;
    send(b.fd, "\1\0\0\11\0\0\0\14\0\0\0\6", 12, 0);
    CHECK_TEXT("010100090000000c00000005", received(&b, 12),
               "Serial Query after a Serial Notify");
    end(&b);
    capture_end(&b.log);
    CHECK_INT(1, b.changes, "reported once");
    CHECK_INT(1, n, "the VRP");
    CHECK(reached, "it has answered");
    CHECK(strstr(b.log.err, ": 1 prefixes for the watched routes\n") != NULL, "%s",
          b.log.err);
}

static void test_errors(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    start(&b);
    accept_one(&b);
    CHECK_TEXT("0102000000000008", received(&b, 8), "Reset Query");
    send(b.fd, "\0\12\0\4\0\0\0\20\0\0\0\0\0\0\0\0", 16, 0);
    accept_one(&b);
    CHECK_TEXT("0002000000000008", received(&b, 8), "at once again, in version 0");
    send(b.fd, vrp, sizeof vrp, 0);
    const char *report = received(&b, 8);
    CHECK(strncmp(report, "000a0008000000", 14) == 0, "Error Report: %s", report);
    for (int i = 0; i < 50; i++)
        turn(&b);
    char rest[256];
    while (recv(b.fd, rest, sizeof rest, 0) > 0)
        continue;
    CHECK_INT(0, recv(b.fd, rest, 1, 0), "the connection is closed");
    end(&b);
    capture_end(&b.log);
    CHECK(strstr(b.log.err,
                 ": another version of the protocol; trying again with "
                 "increasing pauses, origins are not validated until then\n") != NULL,
          "%s", b.log.err);
}

static void test_none(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    b.client = rtr_client_create(&b.loop, b.to, &b.watch, on_change, &b);
    const struct validator *v = rtr_client_validator(b.client);
    CHECK(!v->reached && v->why[0] == '\0', "not tried yet: no problem");
    for (int i = 0; i < 50; i++)
        turn(&b);
    CHECK(!v->reached, "it is not");
    CHECK_TEXT("connection refused", v->why, "why");
    CHECK(v->since.ns > 0 && v->since.ns <= wall_now().ns, "since when");
    CHECK_TEXT(b.to, v->address, "which");
    end(&b);
    capture_end(&b.log);
    CHECK(strstr(b.log.err, "connection refused; trying again") != NULL, "%s", b.log.err);
    CHECK_INT(0, b.changes, "no change");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
