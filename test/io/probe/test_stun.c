/* The STUN kind on loopback, against a server of the test. */
#include "io/probe/bed.h"

#include "net/socket.h"
#include "probe/stun/message.h"
#include "probe/stun/stun.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct probe_kind *const kinds[] = {&stun_kind};

/* The kernel begins to stamp some time after the first socket asks for it. */
static struct bed *stun_bed(void)
{
    char why[128];
    struct bed *b = bed_make(kinds);
    CHECK_INT(0, prober_open(b->prober, 0, why, sizeof why), why);
    bed_turn(b, 1, 20);
    return b;
}

/* Binds a server to `address`, any port; `*at` says where. Returns its socket. */
static int server(const char *address, struct endpoint *at)
{
    struct endpoint any = bed_to(address, 0);
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_of(&sa, &any);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK_INT(0, bind(fd, (struct sockaddr *)&sa, len), "bind");
    CHECK_INT(0, getsockname(fd, (struct sockaddr *)&sa, &len), "name");
    *at = sockaddr_endpoint((struct sockaddr *)&sa);
    return fd;
}

struct request {
    uint8_t bytes[64];
    ssize_t len;
    struct sockaddr_storage from;
    socklen_t from_len;
};

static struct request receive(int fd)
{
    struct request r = {.from_len = sizeof r.from};
    r.len =
        recvfrom(fd, r.bytes, sizeof r.bytes, 0, (struct sockaddr *)&r.from, &r.from_len);
    CHECK_INT(STUN_REQUEST_LEN, r.len, "a request came");
    return r;
}

/* Answers with these two bytes of type, the id of the request, and attributes. */
static void answer(int fd, const struct request *r, uint16_t type, const void *attributes,
                   size_t len)
{
    uint8_t bytes[128] = {(uint8_t)(type >> 8), (uint8_t)type, 0, (uint8_t)len};
    memcpy(bytes + 4, r->bytes + 4, 16);
    if (len > 0)
        memcpy(bytes + 20, attributes, len);
    CHECK_INT(
        (ssize_t)(20 + len),
        sendto(fd, bytes, 20 + len, 0, (const struct sockaddr *)&r->from, r->from_len),
        "answered");
}

static const uint8_t mapped[] = {0, 1, 0, 8, 0, 1, 0x12, 0x34, 192, 0, 2, 7};

static void reply_from(const char *address)
{
    struct bed *b = stun_bed();
    struct endpoint at;
    int fd = server(address, &at);
    bed_send(b, 0, &at);
    struct request r = receive(fd);
    answer(fd, &r, 0x0101, mapped, sizeof mapped);
    bed_wait(b, 1);
    const struct result *result = &b->results[0];
    char text[ADDRESS_TEXT_MAX];
    CHECK_INT(OUTCOME_REPLY, result->outcome, result->cause);
    CHECK(result->delays[0] > 0 && result->delays[0] < 100 * NS_PER_MS, "%lld ns",
          (long long)result->delays[0]);
    CHECK(result->kernel_time, "by the kernel's stamps");
    CHECK_TEXT("", result->cause, "no cause");
    CHECK_TEXT("192.0.2.7", endpoint_address(text, &result->stun.mapped), "mapped");
    CHECK_INT(0x1234, result->stun.mapped.port, "mapped port");
    CHECK_INT(sockaddr_endpoint((struct sockaddr *)&r.from).port, result->stun.local.port,
              "local port");
    answer(fd, &r, 0x0101, NULL, 0);
    answer(fd, &r, 0x0101, NULL, 0);
    bed_turn(b, 2, 100);
    CHECK_INT(2, b->duplicates[0], "two more are duplicates");
    CHECK_INT(0, prober_counters(b->prober).timestamp_fallbacks, "fallbacks");
    close(fd);
    bed_end(b);
}

static void replies(void **unused)
{
    (void)unused;
    reply_from("127.0.0.1");
    reply_from("::1");
}

/* 50 ms pass between the packet and our reading it: the stamps do not have it. */
static void reading_late_costs_nothing(void **unused)
{
    (void)unused;
    struct bed *b = stun_bed();
    struct endpoint at;
    int fd = server("127.0.0.1", &at);
    bed_send(b, 0, &at);
    struct request r = receive(fd);
    answer(fd, &r, 0x0101, mapped, sizeof mapped);
    int64_t read_ns = mono_now().ns + 50 * NS_PER_MS;
    struct timespec busy = {.tv_nsec = 50 * NS_PER_MS};
    nanosleep(&busy, NULL);
    bed_wait(b, 1);
    CHECK(mono_now().ns >= read_ns, "it was read later");
    CHECK(b->results[0].delays[0] < 40 * NS_PER_MS, "%lld ns",
          (long long)b->results[0].delays[0]);
    close(fd);
    bed_end(b);
}

static const struct {
    const char *what;
    uint16_t type;
    uint8_t attributes[8];
    size_t len;
    enum outcome outcome;
    uint16_t error;
    const char *cause;
} cases[] = {
    {"an error response",
     0x0111,
     {0, 9, 0, 4, 0, 0, 4, 20},
     8,
     OUTCOME_REPLY,
     420,
     "the server answers with error 420"},
    {"the error of another method",
     0x0113,
     {0, 9, 0, 4, 0, 0, 4, 1},
     8,
     OUTCOME_REPLY,
     401,
     "the server answers with error 401"},
    {"attributes that do not fit",
     0x0101,
     {0, 9, 0, 99, 0, 0, 4, 20},
     8,
     OUTCOME_REPLY,
     0,
     "the response has malformed attributes"},
    {"an echo service",
     0x0001,
     {0},
     0,
     OUTCOME_LOSS,
     0,
     "the port sends requests back: it is an echo service, not STUN"},
    {"no STUN", 0xffff, {0}, 0, OUTCOME_LOSS, 0, "no answer within 100ms"},
};

static void odd_answers(void **unused)
{
    (void)unused;
    struct bed *b = stun_bed();
    struct endpoint at;
    int fd = server("127.0.0.1", &at);
    target_wait(&b->target, 100 * NS_PER_MS);
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bed_send(b, i, &at);
        struct request r = receive(fd);
        answer(fd, &r, cases[i].type, cases[i].attributes, cases[i].len);
        bed_wait(b, i + 1);
        CHECK_INT(cases[i].outcome, b->results[i].outcome, cases[i].what);
        CHECK_INT(cases[i].error, b->results[i].stun.error, cases[i].what);
        CHECK_TEXT(cases[i].cause, b->results[i].cause, cases[i].what);
    }
    CHECK_INT(2, prober_counters(b->prober).foreign, "foreign packets");
    close(fd);
    bed_end(b);
}

static void not_from_the_target(void **unused)
{
    (void)unused;
    struct bed *b = stun_bed();
    struct endpoint at, elsewhere;
    int fd = server("127.0.0.1", &at), other = server("127.0.0.1", &elsewhere);
    char cause[128];
    target_wait(&b->target, 100 * NS_PER_MS);
    bed_send(b, 0, &at);
    struct request r = receive(fd);
    answer(other, &r, 0x0101, mapped, sizeof mapped);
    r.bytes[19] ^= 1;
    answer(fd, &r, 0x0101, mapped, sizeof mapped);
    bed_wait(b, 1);
    snprintf(cause, sizeof cause,
             "a response came from another address, 127.0.0.1 port %u", elsewhere.port);
    CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, "neither is its response");
    CHECK_TEXT(cause, b->results[0].cause, "cause");
    CHECK_INT(2, prober_counters(b->prober).foreign, "foreign packets");
    close(fd);
    close(other);
    bed_end(b);
}

static void late(void **unused)
{
    (void)unused;
    struct bed *b = stun_bed();
    struct endpoint at;
    int fd = server("127.0.0.1", &at);
    target_wait(&b->target, 50 * NS_PER_MS);
    bed_send(b, 0, &at);
    struct request r = receive(fd);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, "outcome");
    CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[0], "loss has no delay");
    answer(fd, &r, 0x0101, mapped, sizeof mapped);
    answer(fd, &r, 0x0101, mapped, sizeof mapped);
    bed_turn(b, 2, 100);
    CHECK_INT(1, b->late[0], "the first is late");
    CHECK_INT(1, b->duplicates[0], "the second a duplicate");
    close(fd);
    bed_end(b);
}

static void refused(void **unused)
{
    (void)unused;
    struct bed *b = stun_bed();
    struct endpoint at;
    close(server("127.0.0.1", &at));
    bed_send(b, 0, &at);
    bed_send(b, 1, &at);
    bed_wait(b, 2);
    close(server("::1", &at));
    bed_send(b, 2, &at);
    bed_wait(b, 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(OUTCOME_REFUSED, b->results[i].outcome, b->results[i].cause);
        CHECK_TEXT("port unreachable, reported by the target", b->results[i].cause,
                   "cause");
    }
    bed_end(b);
}

/* A session of a NAT may be stale: three losses in a row change the source port, and the
 * other streams keep theirs. */
static void another_port_after_losses(void **unused)
{
    (void)unused;
    struct bed *b = stun_bed();
    struct endpoint at;
    int fd = server("127.0.0.1", &at);
    uint16_t ports[2] = {0};
    target_wait(&b->target, 20 * NS_PER_MS);
    for (uint32_t i = 0; i < 8; i++)
        for (uint32_t stream = 0; stream < 2; stream++) {
            bed_send(b, stream, &at);
            struct request r = receive(fd);
            uint16_t port = sockaddr_endpoint((struct sockaddr *)&r.from).port;
            if (stream == 1)
                answer(fd, &r, 0x0101, mapped, sizeof mapped);
            bed_wait(b, 2 * i + stream + 1);
            bool change = i == 0 || (stream == 0 && i % 3 == 0);
            CHECK((port != ports[stream]) == change, "probe %u of stream %u from port %u",
                  i, stream, port);
            ports[stream] = port;
        }
    close(fd);
    bed_end(b);
}

/* A packet that is not sent is no loss, and the stamps of the others stay right. */
static void not_sent(void **unused)
{
    (void)unused;
    struct bed *b = stun_bed();
    struct endpoint at, nowhere = bed_to("255.255.255.255", 3478); /* not permitted */
    int fd = server("127.0.0.1", &at);
    for (uint32_t i = 0; i < 3; i++) {
        bed_send(b, 0, &nowhere);
        bed_send(b, 1, &at);
        struct request r = receive(fd);
        answer(fd, &r, 0x0101, mapped, sizeof mapped);
        bed_wait(b, 3 * i + 2);
        bed_turn(b, 3 * i + 3, 1); /* the loop turns: keys begin again */
        bed_send(b, 1, &at);
        r = receive(fd);
        answer(fd, &r, 0x0101, mapped, sizeof mapped);
        bed_wait(b, 3 * i + 3);
        CHECK(b->results[3 * i + 2].kernel_time, "by the kernel's stamps");
    }
    size_t replies = 0;
    for (size_t i = 0; i < b->n; i++) {
        bool sent = b->results[i].stream == 1;
        replies += sent;
        CHECK_INT(sent ? OUTCOME_REPLY : OUTCOME_NOT_MEASURED, b->results[i].outcome,
                  b->results[i].cause);
    }
    CHECK_INT(6, replies, "replies");
    close(fd);
    bed_end(b);
}

static void the_end_under_way(void **unused)
{
    (void)unused;
    struct bed *b = stun_bed();
    struct endpoint at;
    int fd = server("127.0.0.1", &at);
    bed_send(b, 0, &at);
    bed_turn(b, 1, 10);
    CHECK_INT(0, b->n, "no result");
    close(fd);
    bed_end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies),
        cmocka_unit_test(reading_late_costs_nothing),
        cmocka_unit_test(odd_answers),
        cmocka_unit_test(not_from_the_target),
        cmocka_unit_test(late),
        cmocka_unit_test(refused),
        cmocka_unit_test(another_port_after_losses),
        cmocka_unit_test(not_sent),
        cmocka_unit_test(the_end_under_way),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + bed_run_in_slots(tests);
}
