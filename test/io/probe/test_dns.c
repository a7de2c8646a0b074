/* The kind dns on loopback, against a server of the test. */
#include "io/probe/tun.h"

#include "interned.h"
#include "net/clock.h"
#include "net/socket.h"
#include "probe/dns/dns.h"

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
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
    b->target.query = "a.test";
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

static void turn_until_readable(struct bed *b, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 500 && poll(&p, 1, 0) == 0; i++)
        bed_turn(b, 1, 10);
    CHECK(p.revents == POLLIN, "something came");
}

/* A truncated answer comes whole by TCP. The delay has both, and not what the truncated
 * one waited before it was read. */
static void truncated(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0);
    int tcp = server(SOCK_STREAM, "tcp", &at), udp = server(SOCK_DGRAM, "udp", &at);
    uint8_t out[2 + 512], in[2 + 512];
    CHECK_INT(0, listen(tcp, 1), "listen");
    int64_t began_ns = mono_now().ns;
    bed_send(b, 0, &at);
    struct query q = receive(udp);
    usleep(40000);
    answer(udp, &q, 0x8380, 0);
    int64_t most_ns = mono_now().ns - began_ns;
    usleep(100000);
    began_ns = mono_now().ns;
    turn_until_readable(b, tcp);
    int fd = accept(tcp, NULL, NULL);
    turn_until_readable(b, fd);
    ssize_t len = recv(fd, in, sizeof in, 0);
    CHECK_INT(2 + (ssize_t)q.len, len, "once more by TCP");
    memcpy(q.bytes, in + 2, q.len);
    size_t n = answer_of(out + 2, &q, 0x8180, 9);
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    CHECK_INT((ssize_t)(n + 2), send(fd, out, n + 2, 0), "answered");
    bed_wait(b, 1);
    most_ns += mono_now().ns - began_ns;
    const struct result *r = &b->results[0];
    CHECK_INT(OUTCOME_REPLY, r->outcome, r->cause);
    CHECK(r->dns.truncated && r->dns.tcp && r->dns.answers == 9, "%d %d %u",
          r->dns.truncated, r->dns.tcp, r->dns.answers);
    CHECK(r->delays[0] > 40 * NS_PER_MS && r->delays[0] <= most_ns,
          "%lld ns have both, of %lld", (long long)r->delays[0], (long long)most_ns);
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
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    struct bed *b = dns_bed();
    for (size_t i = 0; i < 2; i++) {
        struct endpoint at = bed_to(addresses[i], 0);
        close(server(SOCK_DGRAM, "closed", &at));
        bed_send(b, 0, &at);
        bed_wait(b, i + 1);
        CHECK_INT(OUTCOME_REFUSED, b->results[i].outcome, b->results[i].cause);
        CHECK_TEXT("no DNS server at this port", b->results[i].cause, "cause");
    }
    bed_end(b);
}

/* ---- what is no answer ---- */

static void not_the_answer(void **unused)
{
    (void)unused;
    static const struct {
        const char *what;
        size_t at; /* the byte that differs */
        uint8_t by;
        size_t cut;
        const char *cause;
    } cases[] = {
        {"another id", 0, 1, 0, "the server answers with another id or question"},
        {"another name", 13, 1, 0, "the server answers with another id or question"},
        {"another type", 21, 28 ^ 1, 0, "the server answers with another id or question"},
        {"no question", 5, 1, 0, "the server answers with another id or question"},
        {"another opcode", 2, 0x28, 0, "the server answers with another id or question"},
        {"a header alone", 0, 0, 12, "the server answers with another id or question"},
        {"nothing", 0, 0, 24, "the server answers with another id or question"},
        {"an echo", 2, 0x80, 0,
         "the port sends queries back: it is an echo service, not DNS"},
    };
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0);
    int fd = server(SOCK_DGRAM, "odd", &at);
    target_wait(&b->target, 100 * NS_PER_MS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[512];
        bed_send(b, 0, &at);
        struct query q = receive(fd);
        size_t len = answer_of(out, &q, 0x8180, 0) - cases[i].cut;
        out[cases[i].at] ^= cases[i].by;
        sendto(fd, out, len, 0, (struct sockaddr *)&q.from, q.from_len);
        bed_wait(b, i + 1);
        CHECK_INT(OUTCOME_LOSS, b->results[i].outcome, cases[i].what);
        CHECK_TEXT(cases[i].cause, b->results[i].cause, cases[i].what);
        CHECK_INT(i + 1, prober_counters(b->prober).foreign, cases[i].what);
    }
    close(fd);
    bed_end(b);
}

/* The right one counts nevertheless, in any case; only what the server sends is read. */
static void among_forged_answers(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0), elsewhere = at;
    int fd = server(SOCK_DGRAM, "asked", &at),
        other = server(SOCK_DGRAM, "other", &elsewhere);
    bed_send(b, 0, &at);
    struct query q = receive(fd);
    answer(other, &q, 0x8185, 0);
    q.bytes[1] ^= 1;
    for (int i = 0; i < 100; i++) /* more than are read at a time */
        answer(fd, &q, 0x8183, 0);
    q.bytes[1] ^= 1;
    q.bytes[13] ^= 'a' ^ 'A';
    answer(fd, &q, 0x8180, 1);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, b->results[0].cause);
    CHECK_TEXT("", b->results[0].cause, "cause");
    CHECK_INT(1, b->results[0].dns.answers, "the answer of the server");
    CHECK_INT(100, prober_counters(b->prober).foreign, "with another id");
    close(fd);
    close(other);
    bed_end(b);
}

/* RFC 5452: neither ids nor source ports can be guessed from those before. */
static void ids_and_ports(void **unused)
{
    (void)unused;
    enum { N = 200 };
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0);
    int fd = server(SOCK_DGRAM, "ports", &at);
    uint16_t ids[N], ports[N];
    size_t same_ids = 0, same_ports = 0, next_ids = 0, next_ports = 0;
    for (size_t i = 0; i < N; i++) {
        bed_send(b, 0, &at);
        struct query q = receive(fd);
        ids[i] = (uint16_t)(q.bytes[0] << 8 | q.bytes[1]);
        ports[i] = sockaddr_endpoint((struct sockaddr *)&q.from).port;
        answer(fd, &q, 0x8180, 1);
        for (size_t k = 0; k < i; k++) {
            same_ids += ids[i] == ids[k];
            same_ports += ports[i] == ports[k];
        }
        next_ids += i > 0 && abs(ids[i] - ids[i - 1]) <= 16;
        next_ports += i > 0 && abs(ports[i] - ports[i - 1]) <= 16;
    }
    bed_wait(b, N);
    /* expected: 0.3 pairs of ids; 0.1 and 0.2 neighbours; ports under way differ */
    CHECK(same_ids <= 6 && next_ids <= 6, "ids: %zu %zu", same_ids, next_ids);
    CHECK(same_ports == 0 && next_ports <= 6, "ports: %zu %zu", same_ports, next_ports);
    close(fd);
    bed_end(b);
}

/* ---- what keeps a query from leaving, and from arriving ---- */

static void not_sent(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 53), no_route = bed_to("fe80::1", 53);
    struct uplink absent = {.name = "wan9", .interface = "wan9"};
    char no_name[] = "..";
    b->target.query = intern(no_name);
    bed_send(b, 0, &at);
    b->target.query = "a.test";
    bed_send(b, 0, &no_route); /* no scope */
    b->target.uplink = &absent;
    bed_send(b, 0, &at);
    bed_wait(b, 3);
    static const char *const causes[] = {
        "not a name that DNS can hold",
        "this host has no route to the address",
        "this host has no interface wan9",
    };
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(OUTCOME_NOT_MEASURED, b->results[i].outcome, causes[i]);
        CHECK_TEXT(causes[i], b->results[i].cause, "cause");
    }
    bed_end(b);
}

/* By UDP, and by TCP after a truncated answer. */
static void over_an_uplink(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0), own = bed_to("127.0.0.7", 0);
    struct uplink uplink = {.name = "wan", .interface = "lo", .source = {own}};
    int tcp = server(SOCK_STREAM, "tcp", &at), udp = server(SOCK_DGRAM, "udp", &at);
    CHECK_INT(0, listen(tcp, 1), "listen");
    b->target.uplink = &uplink;
    bed_send(b, 0, &at);
    struct query q = receive(udp);
    struct endpoint from = sockaddr_endpoint((struct sockaddr *)&q.from);
    CHECK(endpoint_same_address(&own, &from), "by UDP");
    answer(udp, &q, 0x8380, 0);
    turn_until_readable(b, tcp);
    int fd = accept(tcp, (struct sockaddr *)&q.from, &q.from_len);
    from = sockaddr_endpoint((struct sockaddr *)&q.from);
    CHECK(endpoint_same_address(&own, &from), "by TCP");
    close(fd);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_REFUSED, b->results[0].outcome, b->results[0].cause);
    close(tcp);
    close(udp);
    bed_end(b);
}

/* As router advertisements announce them (RFC 8106): fe80::1%eth0. */
static void with_a_scope(void **unused)
{
    (void)unused;
    NEEDS_TUN; /* a namespace of our own */
    if (system("ip addr replace fe80::53/64 dev lo nodad") != 0)
        skip();
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("fe80::53", 0);
    CHECK(socket_set_zone(&at, "lo"), "zone");
    int fd = server(SOCK_DGRAM, "fe80::53", &at);
    bed_send(b, 0, &at);
    struct query q = receive(fd);
    answer(fd, &q, 0x8180, 1);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, b->results[0].cause);
    close(fd);
    bed_end(b);
}

static void icmp_errors(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    static const struct {
        const char *to;
        uint8_t type, code;
        const char *cause;
    } cases[] = {
        {"10.9.0.2", 3, 1, "host unreachable, reported by 10.9.0.119"},
        {"fd09::2", 1, 0, "no route, reported by fd09::77"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = dns_bed();
        struct endpoint at = bed_to(cases[i].to, 53);
        bed_send(b, 0, &at);
        struct packet request = take_request(b);
        struct packet error =
            error_on(&request, cases[i].type, cases[i].code, request.header + 8);
        inject(&error);
        bed_wait(b, 1);
        CHECK_INT(OUTCOME_UNREACHABLE, b->results[0].outcome, cases[i].to);
        CHECK_TEXT(cases[i].cause, b->results[0].cause, "cause");
        bed_end(b);
    }
}

/* ---- many servers at once ---- */

static size_t descriptors(void)
{
    size_t n = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

static size_t receive_all(int fd, bool answers)
{
    size_t came = 0;
    uint8_t out[512];
    struct query q = {.from_len = sizeof q.from};
    ssize_t len;
    while ((len = recvfrom(fd, q.bytes, sizeof q.bytes, MSG_DONTWAIT,
                           (struct sockaddr *)&q.from, &q.from_len)) > 0) {
        came++;
        q.len = (size_t)len;
        if (answers)
            sendto(fd, out, answer_of(out, &q, 0x8180, 1), 0, (struct sockaddr *)&q.from,
                   q.from_len);
    }
    return came;
}

/* Silent servers hold nobody up, and no descriptor is left open. */
static void silent_servers(void **unused)
{
    (void)unused;
    enum { MOST = 512, TOO_MANY = 3 };
    struct bed *b = dns_bed();
    struct endpoint silent = bed_to("127.0.0.1", 0), at = silent;
    int fd = server(SOCK_DGRAM, "answers", &at),
        dead = server(SOCK_DGRAM, "silent", &silent);
    size_t before = descriptors(), refused = 0, lost = 0;
    target_wait(&b->target, 500 * NS_PER_MS);
    for (size_t i = 0; i < MOST - 100; i++)
        bed_send(b, 0, &silent);
    for (size_t i = 0; i < 100 + TOO_MANY; i++)
        bed_send(b, 1, &at);
    CHECK_INT(100, receive_all(fd, true), "all leave together");
    bed_wait(b, MOST + TOO_MANY);
    for (size_t i = 0; i < b->n; i++) {
        const struct result *r = &b->results[i];
        lost += r->outcome == OUTCOME_LOSS;
        if (r->outcome == OUTCOME_REPLY)
            CHECK(r->kernel_time, "by the kernel's stamps");
        if (r->outcome != OUTCOME_NOT_MEASURED)
            continue;
        refused++;
        CHECK_TEXT("too many DNS queries are under way from this host", r->cause,
                   "cause");
    }
    CHECK_INT(MOST - 100, lost, "silence");
    CHECK_INT(TOO_MANY, refused, "too many");
    CHECK_INT(PROBER_LATE_MAX, descriptors() - before, "those that may be late are open");
    receive_all(dead, true);
    bed_turn(b, SIZE_MAX, 100);
    CHECK_INT(PROBER_LATE_MAX, b->late[0], "late answers");
    CHECK_INT(before, descriptors(), "none is open");
    close(dead);
    close(fd);
    bed_end(b);
}

static void ended_while_under_way(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0);
    int tcp = server(SOCK_STREAM, "tcp", &at), udp = server(SOCK_DGRAM, "udp", &at);
    CHECK_INT(0, listen(tcp, 1), "listen");
    bed_send(b, 0, &at);
    bed_send(b, 0, &at);
    struct query q = receive(udp);
    answer(udp, &q, 0x8380, 0);
    turn_until_readable(b, tcp); /* one by TCP, one by UDP */
    close(tcp);
    close(udp);
    bed_end(b);
}

static void destroy(const struct result *result, void *user)
{
    struct bed *b = user;
    (void)result;
    b->n++;
    prober_destroy(b->prober);
    b->prober = NULL;
}

/* By the callback of the first of several results that are read together. */
static void ended_from_inside(void **unused)
{
    (void)unused;
    struct bed *b = dns_bed();
    struct endpoint at = bed_to("127.0.0.1", 0);
    int fd = server(SOCK_DGRAM, "udp", &at);
    prober_destroy(b->prober);
    struct prober_events events = {destroy, bed_on_after, b, bed_on_busy, bed_reading};
    b->prober = prober_create(&b->loop, kinds, 1, NULL, NULL, events);
    for (int i = 0; i < 3; i++)
        bed_send(b, 0, &at);
    CHECK_INT(3, receive_all(fd, true), "queries");
    bed_turn(b, 1, 1000);
    CHECK_INT(1, b->n, "results");
    close(fd);
    bed_end(b);
}

int main(void)
{
    if (!make_network())
        printf("# no namespace of our own: on the host's loopback only\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(truncated),
        cmocka_unit_test(hostile_by_tcp),
        cmocka_unit_test(silence),
        cmocka_unit_test(closed_port),
        cmocka_unit_test(not_the_answer),
        cmocka_unit_test(among_forged_answers),
        cmocka_unit_test(ids_and_ports),
        cmocka_unit_test(not_sent),
        cmocka_unit_test(over_an_uplink),
        cmocka_unit_test(with_a_scope),
        cmocka_unit_test(icmp_errors),
        cmocka_unit_test(silent_servers),
        cmocka_unit_test(ended_while_under_way),
        cmocka_unit_test(ended_from_inside),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + bed_run_in_slots(tests);
}
