/* The TCP kind on loopback and against a scripted network. */
#include "io/probe/tun.h"

#include "net/socket.h"
#include "probe/tcp/tcp.h"

#include <netinet/in.h>
#include <sys/resource.h>

static const struct probe_kind *const kinds[] = {&tcp_kind};

/* Listens at `address`, any port; `*at` says where. Returns the socket. */
static int listener(const char *address, int backlog, struct endpoint *at)
{
    struct endpoint any = bed_to(address, 0);
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_of(&sa, &any);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(0, bind(fd, (struct sockaddr *)&sa, len), "bind");
    CHECK_INT(0, listen(fd, backlog), "listen");
    CHECK_INT(0, getsockname(fd, (struct sockaddr *)&sa, &len), "name");
    *at = endpoint_of((struct sockaddr *)&sa);
    return fd;
}

static void reply_from(const char *address)
{
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    int fd = listener(address, 16, &at);
    b->target.dscp = 46;
    for (uint32_t i = 0; i < 3; i++)
        bed_send(b, i, &at);
    bed_wait(b, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct result *r = &b->results[i];
        CHECK_INT(OUTCOME_REPLY, r->outcome, r->cause);
        CHECK(r->delays[0] > 0 && r->delays[0] < 100 * NS_PER_MS, "%lld ns",
              (long long)r->delays[0]);
        CHECK(r->kernel_time, "the kernel's sample");
        CHECK_INT(0, r->lost_packets, "no SYN was sent twice");
        CHECK_TEXT("", r->cause, "no cause");
    }
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

static void refused(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    close(listener("127.0.0.1", 1, &at));
    bed_send(b, 0, &at);
    close(listener("::1", 1, &at));
    bed_send(b, 1, &at);
    bed_wait(b, 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(OUTCOME_REFUSED, b->results[i].outcome, "outcome");
        CHECK_TEXT("connection refused", b->results[i].cause, "cause");
        CHECK_INT(DELAY_UNDEFINED, b->results[i].delays[0], "no delay");
    }
    bed_end(b);
}

/* A full queue of connections drops SYNs: silence. */
static void fill(const struct endpoint *at, int fds[4])
{
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_of(&sa, at);
    for (int i = 0; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fds[i], (struct sockaddr *)&sa, len);
    }
    struct timespec settle = {.tv_nsec = 20 * NS_PER_MS};
    nanosleep(&settle, NULL);
}

static void loss(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    int fds[4], fd = listener("127.0.0.1", 0, &at);
    fill(&at, fds);
    b->target.waiting_ns = 100 * NS_PER_MS;
    bed_send(b, 0, &at);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, "outcome");
    CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[0], "loss has no delay");
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    close(fd);
    bed_end(b);
}

/* The first SYN is dropped, the second is answered: a lost packet, not a delay of 1 s. */
static void retransmitted_syn(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    int fds[4], fd = listener("127.0.0.1", 0, &at);
    fill(&at, fds);
    b->target.waiting_ns = 5 * NS_PER_S;
    bed_send(b, 0, &at);
    bed_turn(b, 1, 200);
    CHECK_INT(0, b->n, "no answer yet");
    for (int i = 0; i < 4; i++) /* now there is room in the queue */
        close(fds[i]);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (int taken; (taken = accept(fd, NULL, NULL)) >= 0;)
        close(taken);
    bed_wait(b, 1);
    const struct result *r = &b->results[0];
    CHECK_INT(OUTCOME_REPLY, r->outcome, r->cause);
    CHECK(r->lost_packets >= 1, "counted as a lost packet");
    CHECK_INT(DELAY_UNDEFINED, r->delays[0], "and never a delay of a second");
    close(fd);
    bed_end(b);
}

static void no_descriptor_left(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    int fd = listener("127.0.0.1", 16, &at);
    struct rlimit old, none;
    getrlimit(RLIMIT_NOFILE, &old);
    none = old;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    bed_send(b, 0, &at);
    setrlimit(RLIMIT_NOFILE, &old);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_NOT_MEASURED, b->results[0].outcome, "it is about this host");
    CHECK_TEXT("this host has no free file descriptor", b->results[0].cause, "cause");
    close(fd);
    bed_end(b);
}

/* The kernel says so at once: nothing was sent. */
static void no_route(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint to = bed_to("255.255.255.255", 443); /* TCP has no broadcast */
    bed_send(b, 0, &to);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_NOT_MEASURED, b->results[0].outcome, "it is about this host");
    CHECK_TEXT("this host has no route to the address", b->results[0].cause, "cause");
    bed_end(b);
}

/* A router's word is neither a refusal nor about this host. */
static void unreachable(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    static const struct {
        uint8_t type, code;
    } errors[2][2] = {{{3, 1}, {3, 13}}, {{1, 3}, {1, 0}}};
    for (int i = 0; i < 4; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i / 2], 443);
        b->target.dscp = 46;
        bed_send(b, 0, &to);
        struct packet request = take_request(b);
        uint8_t class = i < 2 ? request.bytes[1]
                              : (uint8_t)(request.bytes[0] << 4 | request.bytes[1] >> 4);
        CHECK_INT(46 << 2, class, "DSCP");
        struct packet error = error_on(&request, errors[i / 2][i % 2].type,
                                       errors[i / 2][i % 2].code, request.header + 20);
        inject(&error);
        bed_wait(b, 1);
        CHECK_INT(OUTCOME_UNREACHABLE, b->results[0].outcome, b->results[0].cause);
        CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[0], "no delay");
        bed_end(b);
    }
}

/* Closed with a reset: none of them stays behind and holds a port. */
static void ports_are_given_back(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    int fd = listener("127.0.0.1", 4096, &at);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (size_t i = 0; i < 5000; i += 50) {
        for (uint32_t k = 0; k < 50; k++)
            bed_send(b, 0, &at);
        bed_wait(b, i + 50);
        for (int taken; (taken = accept(fd, NULL, NULL)) >= 0;)
            close(taken);
    }
    size_t bad = 0;
    for (size_t i = 0; i < b->n; i++)
        bad += b->results[i].outcome != OUTCOME_REPLY;
    CHECK_INT(0, bad, "every handshake was answered");
    char line[256], needle[16];
    size_t left = 0;
    snprintf(needle, sizeof needle, ":%04X 06 ", at.port);
    FILE *f = fopen("/proc/net/tcp", "r");
    while (fgets(line, sizeof line, f) != NULL)
        left += strstr(line, needle) != NULL;
    fclose(f);
    CHECK_INT(0, left, "connections in TIME_WAIT");
    close(fd);
    bed_end(b);
}

static void ended_while_under_way(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    int fd = listener("127.0.0.1", 16, &at);
    bed_send(b, 0, &at);
    bed_send(b, 1, &at);
    bed_end(b);
    close(fd);
}

int main(void)
{
    if (!make_network())
        printf("# no namespace of our own: on the host's loopback only\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies),
        cmocka_unit_test(refused),
        cmocka_unit_test(loss),
        cmocka_unit_test(retransmitted_syn),
        cmocka_unit_test(no_descriptor_left),
        cmocka_unit_test(no_route),
        cmocka_unit_test(unreachable),
        cmocka_unit_test(ports_are_given_back),
        cmocka_unit_test(ended_while_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
