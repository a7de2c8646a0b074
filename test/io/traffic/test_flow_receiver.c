/* The receiver over loopback: allow-list, bounded work of a turn, drops of the kernel, and what the
 * status says of exporters. */
#include "traffic/flow_receiver.h"

#include "net/clock.h"

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
    struct flow_receiver *receiver;
    struct exporters *exporters;
    struct capture log;
};

/* NetFlow v5: one flow, 192.0.2.1 to 13.107.6.152, 1,000 bytes, sampled 1:100. */
static const uint8_t datagram[72] = {
    0, 5, 0, 1, 0,    1,    0x86, 0xa0, 0, 0, 3,  0xe8, 0, 0,   0, 0, 0, 0,
    0, 0, 0, 1, 0x40, 100,  192,  0,    2, 1, 13, 107,  6, 152, 0, 0, 0, 0,
    0, 0, 0, 0, 0,    0,    0,    10,   0, 0, 3,  0xe8, 0, 1,   0, 0, 0, 1,
    0, 0, 0, 1, 1,    0xbb, 0,    0,    6, 0, 0,  0,    0, 0,   0, 0, 0, 0};

static struct prefix prefix = {.bits = 96 + 24,
                               .service = "exchange",
                               .bytes = {[10] = 0xff, [11] = 0xff, [12] = 13, 107, 6}};

static int create(struct bed *b, const char *listen, const char *exporters)
{
    *b = (struct bed){.config = config_default(), .log = b->log};
    uv_loop_init(&b->loop);
    b->data.prefixes = (struct prefixes){.all = &prefix, .n = 1};
    strcpy(b->config.traffic_flows, listen);
    strcpy(b->config.traffic_exporters, exporters);
    return flow_receiver_create(&b->receiver, &b->loop, &b->config, &b->data);
}

static void end(struct bed *b)
{
    flow_receiver_destroy(b->receiver);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    config_free(&b->config);
}

/* Sends `n` copies, each with its own sequence number, from 127.0.0.`last`. */
static void send_from(const struct bed *b, uint8_t last, size_t len, size_t n)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f000000u + last)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(flow_receiver_port(b->receiver, 0)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t bytes[sizeof datagram];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_INT(0, bind(fd, (struct sockaddr *)&from, sizeof from), "bound");
    memcpy(bytes, datagram, sizeof bytes);
    for (size_t i = 0; i < n; i++) {
        uint32_t number = htonl((uint32_t)i);
        memcpy(bytes + 16, &number, sizeof number);
        sendto(fd, bytes, len, 0, (struct sockaddr *)&to, sizeof to);
    }
    close(fd);
}

static void turn(struct bed *b)
{
    for (int i = 0; i < 10; i++) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    b->exporters = flow_receiver_exporters(b->receiver);
}

static void only_exporters(void **state)
{
    struct bed *b = *state;
    struct text text = {0}, problems = {0};
    CHECK_INT(0, create(b, "127.0.0.1:0", "127.0.0.2 127.0.0.9"), "it listens");
    capture_begin(&b->log);
    send_from(b, 2, sizeof datagram, 2);
    send_from(b, 3, sizeof datagram, 5);
    send_from(b, 2, 20, 1);
    turn(b);
    capture_end(&b->log);
    const struct exporters *x = b->exporters;
    CHECK_INT(3, x->counters.datagrams, "datagrams of the exporter");
    CHECK_INT(5, x->counters.refused, "others are refused");
    CHECK_INT(1, x->n, "one exporter");
    CHECK_INT(2, x->list[0]->counters.flows, "its flows");
    CHECK_INT(1, x->list[0]->counters.bad_datagrams, "a datagram that is cut off");
    CHECK(strstr(b->log.err, "127.0.0.3 refused: not in exporters") != NULL, "logged: %s",
          b->log.err);
    rates_flush(&b->exporters->rates);
    CHECK_INT(200000, x->rates.rows[0].total.bytes,
              "two flows, 1 of 100 packets sampled");
    exporters_text(x, mono_now(), &text);
    CHECK_TEXT("exporter 127.0.0.2: NetFlow v5, 2 flows, last 0 s ago, sampling 1:100\n"
               "exporter 127.0.0.9: nothing received yet\n",
               text_string(&text), "for the status");
    CHECK_INT(1, exporters_problems(x, "127.0.0.1:2055", mono_now(), &problems),
              "a problem");
    CHECK(strstr(text_string(&problems), "1 datagram was malformed") != NULL, "%s",
          text_string(&problems));
    text_free(&problems);
    problems = (struct text){0};
    struct mono later = {mono_now().ns + 11 * 60 * NS_PER_S};
    CHECK_INT(2, exporters_problems(x, "127.0.0.1:2055", later, &problems),
              "after 11 minutes");
    CHECK(strstr(text_string(&problems),
                 "127.0.0.2 (NetFlow v5) is silent: its last datagram came 11 min ago") !=
                  NULL &&
              strstr(text_string(&problems),
                     "127.0.0.9: nothing received yet; let it export") != NULL,
          "%s", text_string(&problems));
    text_free(&text);
    text_free(&problems);
    end(b);
}

static void a_flood(void **state)
{
    struct bed *b = *state;
    enum { N = 100000 };
    CHECK_INT(0, create(b, "127.0.0.1:0", "127.0.0.1"), "it listens");
    send_from(b, 1, sizeof datagram, N);
    capture_begin(&b->log);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    b->exporters = flow_receiver_exporters(b->receiver);
    CHECK_INT(FLOW_RECEIVER_TURN, b->exporters->counters.datagrams, "a turn is bounded");
    for (uint64_t before = 0; before != b->exporters->counters.datagrams;) {
        before = b->exporters->counters.datagrams;
        turn(b);
    }
    send_from(b, 1, sizeof datagram,
              1); /* the kernel says its drops with the next datagram */
    turn(b);
    capture_end(&b->log);
    uint64_t taken = b->exporters->counters.datagrams - 1;
    CHECK(taken < N, "some were dropped: %llu", (unsigned long long)taken);
    CHECK_INT(N - taken, b->exporters->dropped.total, "the kernel's drops are counted");
    struct text problems = {0};
    exporters_problems(b->exporters, "127.0.0.1:2055", mono_now(), &problems);
    CHECK(strstr(text_string(&problems), "the kernel dropped ") != NULL, "%s",
          text_string(&problems));
    text_free(&problems);
    end(b);
}

static void no_address(void **state)
{
    struct bed *b = *state;
    CHECK_INT(-EADDRNOTAVAIL, create(b, "192.0.2.1:2055", "127.0.0.1"),
              "not this host's");
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    config_free(&b->config);
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct bed));
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_exporters, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood, setup, teardown),
        cmocka_unit_test_setup_teardown(no_address, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
