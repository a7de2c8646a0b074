/* The station over loopback: allow-list, sessions in pieces, junk, limits, and that every
 * handle is closed. The bytes are a recorded session of FRR 8.4. */
#include "route/station.h"

#include "../../unit/cmd/capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct bed {
    uv_loop_t loop;
    struct config config;
    struct edge_data data;
    struct station *station;
    struct capture log;
};

static void begin(struct bed *b, const char *routers)
{
    *b = (struct bed){.config = config_default(), .log = b->log};
    uv_loop_init(&b->loop);
    strcpy(b->config.bmp_listen, "127.0.0.1:0");
    strcpy(b->config.bmp_routers, routers);
    strcpy(b->config.peering.prefixes, "13.107.6.0/24");
    CHECK_INT(0, station_create(&b->station, &b->loop, &b->config, &b->data),
              "it listens");
}

static void end(struct bed *b)
{
    station_destroy(b->station);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    config_free(&b->config);
}

/* Turns the loop until nothing more comes. */
static void turn(struct bed *b)
{
    for (int i = 0; i < 20; i++) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
}

static int connect_to(const struct bed *b)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(station_port(b->station)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(0, connect(fd, (struct sockaddr *)&to, sizeof to), "connected");
    return fd;
}

static size_t recorded(uint8_t *out, size_t room)
{
    FILE *file = fopen("test/fuzz/corpus/bmp/frr", "rb");
    CHECK(file != NULL, "the recording can be read");
    fgetc(file); /* the size of the pieces, for the fuzz target */
    size_t n = fread(out, 1, room, file);
    fclose(file);
    return n;
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void test_session(void **state)
{
    (void)state;
    struct bed b;
    static uint8_t bytes[65536];
    static struct events events;
    struct self_value values[STATION_VALUES_MAX];
    size_t len = recorded(bytes, sizeof bytes);
    begin(&b, "192.0.2.1 127.0.0.1");
    int fd = connect_to(&b);
    for (size_t at = 0; at < len; at += 997) {
        size_t n = len - at < 997 ? len - at : 997;
        CHECK_INT(n, send(fd, bytes + at, n, 0), "sent");
        uv_run(&b.loop, UV_RUN_NOWAIT);
    }
    turn(&b);
    const struct rib *rib = station_rib(b.station);
    CHECK_TEXT("r1", rib->routers[0].name, "the router");
    CHECK_INT(1, rib->n_prefixes, "the watched prefix");
    CHECK(station_counters(b.station).messages > 50, "all messages are counted");
    CHECK(station_window(b.station, false, &events, values) > 5, "metrics");
    CHECK(events.n > 0 && rib->events.n == 0, "events are moved");
    close(fd);
    turn(&b);
    CHECK(!rib->routers[0].connected, "the router is gone");
    end(&b);
}

static void test_refused(void **state)
{
    (void)state;
    struct bed b;
    capture_begin(&b.log);
    begin(&b, "192.0.2.1");
    int first = connect_to(&b), second = connect_to(&b);
    turn(&b);
    bool closed = is_closed(first) && is_closed(second);
    uint64_t refused = station_counters(b.station).refused;
    close(first);
    close(second);
    end(&b);
    capture_end(&b.log);
    CHECK(closed, "not in the allow-list");
    CHECK_INT(2, refused, "counted");
    CHECK_TEXT("warn bmp: connection from 127.0.0.1 refused: not in routers of [bmp]\n",
               b.log.err, "logged once");
}

static void test_junk(void **state)
{
    (void)state;
    struct bed b;
    capture_begin(&b.log);
    begin(&b, "127.0.0.1");
    int fd = connect_to(&b), good = connect_to(&b);
    send(fd, "GET / HTTP/1.1\r\n\r\n", 18, 0);
    turn(&b);
    bool ended = is_closed(fd), goes_on = !is_closed(good);
    uint64_t bad = station_counters(b.station).bad_messages;
    close(fd);
    close(good);
    end(&b);
    capture_end(&b.log);
    CHECK(ended && goes_on, "that session ends, and no other");
    CHECK_INT(1, bad, "counted");
    CHECK(strstr(b.log.err, "router 127.0.0.1: a message with a wrong version or length; "
                            "session closed, the router may connect again\n") != NULL,
          "logged: %s", b.log.err);
}

static void test_many(void **state)
{
    (void)state;
    struct bed b;
    int fds[20];
    capture_begin(&b.log);
    begin(&b, "127.0.0.1");
    for (int i = 0; i < 20; i++) {
        fds[i] = connect_to(&b);
        turn(&b);
    }
    uint64_t refused = station_counters(b.station).refused;
    for (int i = 0; i < 20; i++)
        close(fds[i]);
    end(&b);
    capture_end(&b.log);
    CHECK_INT(20 - STATION_PER_ADDRESS_MAX, refused, "a router has few connections");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_junk),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
