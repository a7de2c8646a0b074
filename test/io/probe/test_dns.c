/* The kind dns on loopback, against a server of the test. */
#include "io/probe/bed.h"

#include "net/clock.h"
#include "net/socket.h"
#include "probe/dns/dns.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct probe_kind *const kinds[] = {&dns_kind};

/* The kernel begins to stamp some time after the first socket asks for it. */
static struct bed *dns_bed(void)
{
    char why[128];
    struct bed *b = bed_make(kinds);
    CHECK_INT(0, prober_open(b->prober, 0, why, sizeof why), why);
    snprintf(b->target.query, sizeof b->target.query, "a.test");
    bed_turn(b, 1, 20);
    return b;
}

static int server(int type, const char *address, struct endpoint *at)
{
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_of(&sa, at);
    int one = 1, fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    CHECK_INT(0, bind(fd, (struct sockaddr *)&sa, len), address);
    CHECK_INT(0, getsockname(fd, (struct sockaddr *)&sa, &len), "name");
    *at = sockaddr_endpoint((struct sockaddr *)&sa);
    return fd;
}

struct query {
    uint8_t bytes[512];
    size_t len;
    struct sockaddr_storage from;
    socklen_t from_len;
};

static struct query receive(int fd)
{
    struct query q = {.from_len = sizeof q.from};
    ssize_t len =
        recvfrom(fd, q.bytes, sizeof q.bytes, 0, (struct sockaddr *)&q.from, &q.from_len);
    /* header, \1a\4test\0, type A, class IN */
    CHECK_INT(12 + 8 + 4, len, "the query");
    CHECK(memcmp(q.bytes + 12, "\1a\4test\0\0\1\0\1", 12) == 0, "of a.test, type A");
    q.len = (size_t)len;
    return q;
}

/* Makes the answer: these flags, and so many addresses. */
static size_t answer_of(uint8_t out[512], const struct query *q, uint16_t flags, int n)
{
    memcpy(out, q->bytes, q->len);
    out[2] = (uint8_t)(flags >> 8);
    out[3] = (uint8_t)flags;
    out[7] = (uint8_t)n;
    size_t len = q->len;
    for (int i = 0; i < n; i++, len += 16)
        memcpy(out + len, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16);
    return len;
}

static void answer(int fd, const struct query *q, uint16_t flags, int n)
{
    uint8_t out[512];
    size_t len = answer_of(out, q, flags, n);
    CHECK_INT((ssize_t)len,
              sendto(fd, out, len, 0, (const struct sockaddr *)&q->from, q->from_len),
              "answered");
}

static void answers(void **unused)
{
    (void)unused;
    static const struct {
        const char *address;
        uint16_t flags;
        int records;
        enum outcome outcome;
        const char *cause;
    } cases[] = {
        {"127.0.0.1", 0x8180, 2, OUTCOME_REPLY, ""},
        {"::1", 0x8180, 1, OUTCOME_REPLY, ""},
        {"127.0.0.1", 0x8183, 0, OUTCOME_REPLY, "the server answers no such name"},
        {"127.0.0.1", 0x8182, 0, OUTCOME_REFUSED,
         "the server answers SERVFAIL (it cannot resolve the name)"},
        {"127.0.0.1", 0x8185, 0, OUTCOME_REFUSED,
         "the server answers REFUSED (its policy forbids it)"},
        {"127.0.0.1", 0x818f, 0, OUTCOME_REFUSED, "the server answers an error code"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = dns_bed();
        struct endpoint at = bed_to(cases[i].address, 0);
        int fd = server(SOCK_DGRAM, cases[i].address, &at);
        bed_send(b, 0, &at);
        struct query q = receive(fd);
        answer(fd, &q, cases[i].flags, cases[i].records);
        usleep(50000); /* it is read late: the kernel's stamps do not have that */
        bed_wait(b, 1);
        const struct result *r = &b->results[0];
        CHECK_INT(cases[i].outcome, r->outcome, r->cause);
        CHECK_TEXT(cases[i].cause, r->cause, "cause");
        CHECK(r->delays[0] > 0 && r->delays[0] < 30 * NS_PER_MS, "%lld ns",
              (long long)r->delays[0]);
        CHECK(r->kernel_time && !r->dns.tcp, "by the kernel's stamps, by UDP");
        CHECK_INT(cases[i].records, r->dns.answers, "records");
        CHECK_INT(cases[i].flags & 15, r->dns.rcode, "rcode");
        close(fd);
        bed_end(b);
    }
}

/* A truncated answer comes whole by TCP, and the delay has both. */
static void truncated(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0);
    int tcp = server(SOCK_STREAM, "tcp", &at), udp = server(SOCK_DGRAM, "udp", &at);
    uint8_t out[2 + 512], in[2 + 512];
    CHECK_INT(0, listen(tcp, 1), "listen");
    bed_send(b, 0, &at);
    struct query q = receive(udp);
    usleep(40000);
    answer(udp, &q, 0x8380, 0);
    bed_turn(b, 1, 100); /* it connects */
    int fd = accept(tcp, NULL, NULL);
    ssize_t len = recv(fd, in, sizeof in, 0);
    CHECK_INT(2 + (ssize_t)q.len, len, "once more by TCP");
    memcpy(q.bytes, in + 2, q.len);
    size_t n = answer_of(out + 2, &q, 0x8180, 9);
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    CHECK_INT((ssize_t)(n + 2), send(fd, out, n + 2, 0), "answered");
    bed_wait(b, 1);
    const struct result *r = &b->results[0];
    CHECK_INT(OUTCOME_REPLY, r->outcome, r->cause);
    CHECK(r->dns.truncated && r->dns.tcp && r->dns.answers == 9, "%d %d %u",
          r->dns.truncated, r->dns.tcp, r->dns.answers);
    CHECK(r->delays[0] > 40 * NS_PER_MS, "%lld ns have both", (long long)r->delays[0]);
    close(fd);
    close(tcp);
    close(udp);
    bed_end(b);
}

/* ---- servers that answer "truncated", and are hostile by TCP ---- */

enum hostile {
    HANGS,
    CLOSES,
    HALF_A_LENGTH,
    HALF_AN_ANSWER,
    OVERSIZED,
    ENDLESS,
    FOREIGN_ID
};

static void write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            _exit(0);
        bytes += n;
        len -= (size_t)n;
    }
}

/* Serves TCP connections until it is killed. */
static _Noreturn void be_hostile(int listener, enum hostile how)
{
    static uint8_t out[2 + 65535];
    uint8_t in[2 + 512];
    for (;;) {
        struct query q;
        int fd = accept(listener, NULL, NULL);
        ssize_t len = recv(fd, in, sizeof in, 0);
        if (len < 2)
            _exit(0);
        q.len = (size_t)len - 2;
        memcpy(q.bytes, in + 2, q.len);
        size_t n = answer_of(out + 2, &q, 0x8180, 9);
        out[0] = (uint8_t)(n >> 8);
        out[1] = (uint8_t)n;
        switch (how) {
        case HANGS:
            pause();
            break;
        case HALF_A_LENGTH:
            write_all(fd, out, 1);
            break;
        case HALF_AN_ANSWER:
            write_all(fd, out, n / 2);
            break;
        case OVERSIZED: /* a length that never comes */
            memset(out, 0xff, 2);
            write_all(fd, out, n);
            pause();
            break;
        case ENDLESS:
            memset(out, 0xff, 2);
            for (;;)
                write_all(fd, out, sizeof out);
        case FOREIGN_ID: /* answers of other queries, for ever */
            out[2] ^= 0xff;
            for (;;)
                write_all(fd, out, n + 2);
        case CLOSES:
            break;
        }
        close(fd);
    }
}

static long resident_kb(void)
{
    long pages = 0, all;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/* The probe ends by its waiting time at the latest, memory does not grow, and the next probe of
 * the same server is answered. */
static void hostile_by_tcp(void **unused)
{
    (void)unused;
    static const char unusable[] =
        "the answer by UDP is truncated, and the server does not answer by TCP";
    static const struct {
        const char *what;
        enum hostile how;
        enum outcome outcome;
        const char *cause;
    } cases[] = {
        {"hangs", HANGS, OUTCOME_LOSS, NULL},
        {"closes at once", CLOSES, OUTCOME_REFUSED, unusable},
        {"closes within the length", HALF_A_LENGTH, OUTCOME_REFUSED, unusable},
        {"closes within the answer", HALF_AN_ANSWER, OUTCOME_REFUSED, unusable},
        {"announces more than it sends", OVERSIZED, OUTCOME_LOSS, NULL},
        {"sends without end", ENDLESS, OUTCOME_REPLY, NULL},
        {"answers other queries without end", FOREIGN_ID, OUTCOME_REFUSED, unusable},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = dns_bed();
        struct endpoint at = bed_to("127.0.0.1", 0);
        int tcp = server(SOCK_STREAM, "tcp", &at), udp = server(SOCK_DGRAM, "udp", &at);
        CHECK_INT(0, listen(tcp, 4), "listen");
        pid_t child = fork();
        if (child == 0)
            be_hostile(tcp, cases[i].how);
        close(tcp);
        target_wait(&b->target, 700 * NS_PER_MS);
        long before_kb = resident_kb();
        struct mono began = mono_now();
        bed_send(b, 0, &at);
        struct query q = receive(udp);
        answer(udp, &q, 0x8380, 0);
        bed_wait(b, 1);
        CHECK_INT(cases[i].outcome, b->results[0].outcome, cases[i].what);
        if (cases[i].cause != NULL)
            CHECK_TEXT(cases[i].cause, b->results[0].cause, cases[i].what);
        CHECK(mono_now().ns - began.ns < 8 * NS_PER_S, "%s: not in time", cases[i].what);
        bed_turn(b, 2, 300); /* more of it comes meanwhile */
        bed_send(b, 0, &at);
        q = receive(udp);
        answer(udp, &q, 0x8180, 1);
        bed_wait(b, 2);
        CHECK_INT(OUTCOME_REPLY, b->results[1].outcome, cases[i].what);
        CHECK(CHECK_SANITIZED || resident_kb() - before_kb < 8192, "%s: %ld kB more",
              cases[i].what, resident_kb() - before_kb);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(udp);
        bed_end(b);
    }
}

static void silence(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0);
    int fd = server(SOCK_DGRAM, "silent", &at);
    target_wait(&b->target, 200 * NS_PER_MS);
    bed_send(b, 0, &at);
    struct query q = receive(fd);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, b->results[0].cause);
    answer(fd, &q, 0x8180, 1);
    bed_turn(b, 2, 100);
    CHECK_INT(1, b->late[0], "a late answer");
    bed_send(b, 0, &at); /* ended with a probe under way */
    close(fd);
    bed_end(b);
}

static void closed_port(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0);
    close(server(SOCK_DGRAM, "closed", &at));
    bed_send(b, 0, &at);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_REFUSED, b->results[0].outcome, b->results[0].cause);
    CHECK_TEXT("no DNS server at this port", b->results[0].cause, "cause");
    bed_end(b);
}

/* ---- in slots: many servers at once ---- */

static void send_to_all(struct bed *b, int *fds, size_t n)
{
    char address[ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < n; i++) {
        snprintf(address, sizeof address, "127.0.1.%zu", i + 1);
        struct endpoint at = bed_to(address, 0);
        fds[i] = server(SOCK_DGRAM | SOCK_NONBLOCK, address, &at);
        bed_send(b, 0, &at);
    }
}

static size_t receive_all(const int *fds, size_t n, bool answers)
{
    size_t came = 0;
    uint8_t out[512];
    for (size_t i = 0; i < n; i++) {
        struct query q = {.from_len = sizeof q.from};
        ssize_t len = recvfrom(fds[i], q.bytes, sizeof q.bytes, 0,
                               (struct sockaddr *)&q.from, &q.from_len);
        if (len <= 0)
            continue;
        came++;
        q.len = (size_t)len;
        if (answers)
            sendto(fds[i], out, answer_of(out, &q, 0x8180, 1), 0,
                   (struct sockaddr *)&q.from, q.from_len);
    }
    return came;
}

static void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

/* Each answer makes room for the next query; the wait is in no delay. */
static void few_at_a_time(void **unused)
{
    (void)unused;
    enum { SERVERS = 24, FEW = 8 };
    struct bed *b = dns_bed();
    int fds[SERVERS];
    size_t sent = 0;
    send_to_all(b, fds, SERVERS);
    for (int turn = 0; turn < 100 && b->n < SERVERS; turn++) {
        bed_turn(b, b->n + 1, 1);
        size_t came = receive_all(fds, SERVERS, true);
        CHECK(came <= FEW, "%zu at a time", came);
        sent += came;
    }
    CHECK_INT(SERVERS, sent, "queries");
    CHECK_INT(SERVERS, b->n, "results");
    for (size_t i = 0; i < SERVERS; i++) {
        CHECK_INT(OUTCOME_REPLY, b->results[i].outcome, b->results[i].cause);
        CHECK(b->results[i].kernel_time, "by the kernel's stamps");
    }
    close_all(fds, SERVERS);
    bed_end(b);
}

/* Silent servers hold nobody up; more than 64 of them are too many. */
static void silent_servers(void **unused)
{
    (void)unused;
    enum { SERVERS = 70, MOST = 64 };
    struct bed *b = dns_bed();
    int fds[SERVERS];
    size_t sent = 0;
    send_to_all(b, fds, SERVERS);
    bed_turn(b, SERVERS - MOST, 900); /* shorter than the waiting time */
    sent += receive_all(fds, SERVERS, false);
    CHECK_INT(MOST, sent, "queries");
    CHECK_INT(SERVERS - MOST, b->n, "results");
    for (size_t i = 0; i < b->n; i++) {
        CHECK_INT(OUTCOME_NOT_MEASURED, b->results[i].outcome, "too many");
        CHECK_TEXT("more than 64 DNS servers that do not answer, or no memory",
                   b->results[i].cause, "cause");
    }
    close_all(fds, SERVERS);
    bed_end(b);
}

int main(void)
{
    const struct CMUnitTest in_slots[] = {
        cmocka_unit_test(few_at_a_time),
        cmocka_unit_test(silent_servers),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),        cmocka_unit_test(truncated),
        cmocka_unit_test(hostile_by_tcp), cmocka_unit_test(silence),
        cmocka_unit_test(closed_port),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + bed_run_in_slots(in_slots);
}
