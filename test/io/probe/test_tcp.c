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
    *at = sockaddr_endpoint((struct sockaddr *)&sa);
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

/* The sample of the handshake stays while we do not look, whatever the peer does then. */
static void read_late(void **unused)
{
    (void)unused;
    enum { SILENT, TALKS, CLOSES, RESETS, PEERS };
    for (int peer = SILENT; peer < PEERS; peer++) {
        struct bed *b = bed_make(kinds);
        struct endpoint at;
        int fd = listener("127.0.0.1", 16, &at);
        target_wait(&b->target, 100 * NS_PER_MS);
        bed_send(b, 0, &at);
        int taken = accept(fd, NULL, NULL);
        CHECK(taken >= 0, "accepted");
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        if (peer == TALKS)
            CHECK_INT(5, send(taken, "220 \n", 5, 0), "a banner");
        if (peer == RESETS)
            setsockopt(taken, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        if (peer == CLOSES || peer == RESETS)
            close(taken);
        bed_stand_still(200);
        bed_wait(b, 1);
        const struct result *r = &b->results[0];
        CHECK_INT(OUTCOME_REPLY, r->outcome, r->cause);
        CHECK(r->kernel_time, "the kernel's sample");
        CHECK(r->delays[0] > 0 && r->delays[0] < 100 * NS_PER_MS, "%lld ns",
              (long long)r->delays[0]);
        if (peer == SILENT || peer == TALKS)
            close(taken);
        close(fd);
        bed_end(b);
    }
}

static uint16_t port_of_next(int listener)
{
    struct sockaddr_in from = {0};
    socklen_t len = sizeof from;
    close(accept(listener, (struct sockaddr *)&from, &len));
    return ntohs(from.sin_port);
}

/* In slots by the socket of the first handshake: nothing of that is left in the second. */
static void slower_the_second_time(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    int fd = listener("127.0.0.1", 16, &at);
    bed_send(b, 0, &at);
    bed_wait(b, 1);
    uint16_t port = port_of_next(fd);
    if (system("tc qdisc add dev lo root netem delay 20ms") == 0) {
        bed_send(b, 0, &at);
        bed_wait(b, 2);
        CHECK_INT(0, system("tc qdisc del dev lo root"), "for the next run");
        CHECK(b->results[1].kernel_time, "the kernel's sample");
        CHECK(b->results[1].delays[0] >= 40 * NS_PER_MS, "%lld ns",
              (long long)b->results[1].delays[0]);
        CHECK(port != port_of_next(fd), "another source port");
    }
    close(fd);
    bed_send(b, 0, &at);
    bed_wait(b, b->n + 1);
    CHECK_INT(OUTCOME_REFUSED, b->results[b->n - 1].outcome, "when nobody listens");
    bed_end(b);
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

/* Makes room in the queue. */
static void drain(int listener, const int fds[4])
{
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    for (int taken; (taken = accept(listener, NULL, NULL)) >= 0;)
        close(taken);
}

static void loss(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint at;
    int fds[4], fd = listener("127.0.0.1", 0, &at);
    fill(&at, fds);
    target_wait(&b->target, 100 * NS_PER_MS);
    bed_send(b, 0, &at);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, "outcome");
    CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[0], "loss has no delay");
    drain(fd, fds);
    for (int i = 0; i < 100 && b->late[0] == 0; i++)
        bed_turn(b, 2, 20);
    CHECK_INT(1, b->late[0], "the answer to the next SYN is late");
    CHECK_INT(1, b->n, "but one result");
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
    target_wait(&b->target, 5 * NS_PER_S);
    bed_send(b, 0, &at);
    bed_turn(b, 1, 200);
    CHECK_INT(0, b->n, "no answer yet");
    drain(fd, fds);
    bed_wait(b, 1);
    const struct result *r = &b->results[0];
    CHECK_INT(OUTCOME_REPLY, r->outcome, r->cause);
    CHECK(r->lost_packets >= 1, "counted as a lost packet");
    CHECK_INT(DELAY_UNDEFINED, r->delays[0], "and never a delay of a second");
    close(fd);
    bed_end(b);
}

/* The SYN-ACK to `syn`, by IPv4; with timestamps (RFC 7323) if the SYN has them. */
static struct packet syn_ack(const struct packet *syn, bool timestamps)
{
    static const uint8_t options[] = {1, 1, 8, 10, 0, 0, 0, 1};
    struct packet p = reply_to(syn);
    const uint8_t *theirs = syn->bytes + 20;
    uint8_t *ours = p.bytes + 20;
    memset(ours, 0, sizeof p.bytes - 20);
    memcpy(ours, theirs + 2, 2);
    memcpy(ours + 2, theirs, 2);
    ours[4] = 1; /* the sequence number */
    memcpy(ours + 8, theirs + 4, 4);
    for (int i = 11; ++ours[i] == 0;)
        i--;
    ours[12] = timestamps ? 8 << 4 : 5 << 4;
    ours[13] = 0x12;
    ours[14] = 0xff; /* the window */
    const uint8_t *at = theirs + 20;
    while (timestamps && *at != 8)
        at += *at == 1 ? 1 : at[1];
    if (timestamps) {
        memcpy(ours + 20, options, sizeof options);
        memcpy(ours + 28, at + 2, 4);
    }
    p.len = timestamps ? 52 : 40;
    p.bytes[2] = 0;
    p.bytes[3] = (uint8_t)p.len;
    p.bytes[10] = p.bytes[11] = 0;
    put_checksum(p.bytes + 10, add_up(p.bytes, 20));
    put_checksum(ours + 16, add_up(p.bytes + 12, 8) + 6 + (uint32_t)p.len - 20 +
                                add_up(ours, p.len - 20));
    return p;
}

/* Answers the first SYN `rtt_ms` after it came, or loses it and answers the second so. */
static void handshake(struct bed *b, bool timestamps, bool lose, int rtt_ms)
{
    struct endpoint to = bed_to(far_ends[0], 443);
    bed_send(b, 0, &to);
    struct packet syn = take_request(b);
    if (lose) {
        bed_turn(b, SIZE_MAX, 900);
        syn = take_request(b);
    }
    bed_turn(b, SIZE_MAX, (uint64_t)rtt_ms);
    struct packet answer = syn_ack(&syn, timestamps);
    inject(&answer);
}

/* The kernel sends a SYN again after a second, whether or not it is lost. */
static void sent_again(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    static const struct {
        const char *what;
        bool timestamps;
        int earlier_ms; /* the delay of a handshake before; 0: there is none */
        bool lose;
        int rtt_ms;
        int lost, delay_ms; /* -1: undefined */
        const char *cause;
    } cases[] = {
        {"slow", true, 900, false, 1100, 0, 1100, ""},
        {"slow, the first of all", true, 0, false, 1100, 0, -1,
         "no delay: the SYN was sent again, and the round-trip delay here is not known: "
         "cannot tell whether one was lost"},
        {"an answer to the first SYN is lost", true, 10, false, 1200, 1, -1,
         "no delay: the SYN was sent again"},
        {"lost", true, 0, true, 20, 1, -1, "no delay: the SYN was sent again"},
        {"lost, to the millisecond", true, 0, true, 200, 1, 200, ""},
        {"slow, unmarked", false, 900, false, 1100, 0, -1,
         "no delay: the SYN was sent again"},
        {"lost, unmarked", false, 10, true, 20, 1, -1,
         "no delay: the SYN was sent again"},
        {"unmarked, the first of all", false, 0, false, 1100, 0, -1,
         "no delay: the SYN was sent again, and the round-trip delay here is not known: "
         "cannot tell whether one was lost"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = bed_make(kinds);
        target_wait(&b->target, 5 * NS_PER_S);
        if (cases[i].earlier_ms > 0) {
            handshake(b, cases[i].timestamps, false, cases[i].earlier_ms);
            bed_wait(b, 1);
        }
        handshake(b, cases[i].timestamps, cases[i].lose, cases[i].rtt_ms);
        bed_wait(b, cases[i].earlier_ms > 0 ? 2 : 1);
        const struct result *r = &b->results[b->n - 1];
        CHECK(r->outcome == OUTCOME_REPLY, "%s: %s", cases[i].what, r->cause);
        CHECK_INT(cases[i].lost, r->lost_packets, cases[i].what);
        CHECK_TEXT(cases[i].cause, r->cause, cases[i].what);
        if (cases[i].delay_ms < 0)
            CHECK_INT(DELAY_UNDEFINED, r->delays[0], cases[i].what);
        else
            CHECK(r->delays[0] >= (cases[i].delay_ms - 2) * NS_PER_MS &&
                      r->delays[0] < (cases[i].delay_ms + 300) * NS_PER_MS,
                  "%s: %lld ns", cases[i].what, (long long)r->delays[0]);
        bed_end(b);
        uint8_t rest[2048];
        while (read(tun, rest, sizeof rest) > 0)
            ; /* SYNs that nobody answers any more */
    }
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

/* Who reports what; the sender is the router 10.9.0.77 or fd09::77, or the target. */
static const struct {
    const char *what;
    int family; /* index into far_ends */
    bool by_target;
    uint8_t type, code;
    enum outcome expected;
} reports[] = {
    {"host unreachable", 0, false, 3, 1, OUTCOME_UNREACHABLE},
    {"network unreachable", 0, false, 3, 0, OUTCOME_UNREACHABLE},
    {"prohibited", 0, false, 3, 13, OUTCOME_UNREACHABLE},
    {"a firewall's port unreachable", 0, false, 3, 3, OUTCOME_UNREACHABLE},
    {"TTL exceeded", 0, false, 11, 0, OUTCOME_UNREACHABLE},
    {"the target's port unreachable", 0, true, 3, 3, OUTCOME_REFUSED},
    {"prohibited by the target", 0, true, 3, 13, OUTCOME_REFUSED},
    {"host unreachable by the target's address", 0, true, 3, 1, OUTCOME_UNREACHABLE},
    {"no route, IPv6", 1, false, 1, 0, OUTCOME_UNREACHABLE},
    {"prohibited, IPv6", 1, false, 1, 1, OUTCOME_UNREACHABLE},
    {"address unreachable, IPv6", 1, false, 1, 3, OUTCOME_UNREACHABLE},
    {"a firewall's port unreachable, IPv6", 1, false, 1, 4, OUTCOME_UNREACHABLE},
    {"a reject route, IPv6", 1, false, 1, 6, OUTCOME_UNREACHABLE},
    {"the target's port unreachable, IPv6", 1, true, 1, 4, OUTCOME_REFUSED},
    {"prohibited by the target, IPv6", 1, true, 1, 1, OUTCOME_REFUSED},
};

static void icmp_errors(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        int family = reports[i].family;
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[family], 443);
        b->target.dscp = 46;
        bed_send(b, 0, &to);
        struct packet request = take_request(b);
        uint8_t class = family == 0
                            ? request.bytes[1]
                            : (uint8_t)(request.bytes[0] << 4 | request.bytes[1] >> 4);
        CHECK_INT(46 << 2, class, "DSCP");
        struct packet error =
            error_on(&request, reports[i].type, reports[i].code, request.header + 20);
        if (reports[i].by_target) {
            error.bytes[family == 0 ? 15 : 23] = 2;
            finish(&error);
        }
        inject(&error);
        bed_wait(b, 1);
        CHECK(b->results[0].outcome == reports[i].expected, "%s: %s (%s)",
              reports[i].what, outcome_name(b->results[0].outcome), b->results[0].cause);
        CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[0], "no delay");
        bed_end(b);
    }
}

/* The gateway is dead: ARP and neighbour discovery fail in this host, `ping` says 100 %
 * loss. */
static void dead_next_hop(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    static const char *const next_hops[] = {"10.9.1.2", "fd0a::2"};
    if (system("ip link add v0 type veth peer name v1 && ip link set v1 up && "
               "ip addr add 10.9.1.1/24 dev v0 && ip addr add fd0a::1/64 dev v0 nodad && "
               "ip link set v0 up && cd /proc/sys/net && for f in ipv4 ipv6; do "
               "echo 1 >$f/neigh/v0/mcast_solicit; echo 20 >$f/neigh/v0/retrans_time_ms; "
               "done") != 0)
        skip();
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(next_hops[i], 443);
        target_wait(&b->target, 5 * NS_PER_S);
        bed_send(b, 0, &to);
        bed_wait(b, 1);
        CHECK_INT(OUTCOME_UNREACHABLE, b->results[0].outcome, b->results[0].cause);
        CHECK(strstr(b->results[0].cause, "the next hop does not answer") != NULL, "%s",
              b->results[0].cause);
        bed_end(b);
    }
    CHECK_INT(0, system("ip link del v0"), "for the next run");
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
        cmocka_unit_test(read_late),
        cmocka_unit_test(slower_the_second_time),
        cmocka_unit_test(refused),
        cmocka_unit_test(loss),
        cmocka_unit_test(retransmitted_syn),
        cmocka_unit_test(sent_again),
        cmocka_unit_test(no_descriptor_left),
        cmocka_unit_test(no_route),
        cmocka_unit_test(icmp_errors),
        cmocka_unit_test(dead_next_hop),
        cmocka_unit_test(ports_are_given_back),
        cmocka_unit_test(ended_while_under_way),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + bed_run_in_slots(tests);
}
