/*
 * Answers that no good DNS server gives: a server of our own, which sends what the test
 * has put together, by UDP or, where it is too long for that, by TCP.
 */
#include "net/resolver.h"

#include "base/wire.h"
#include "check.h"
#include "io/net/child.h"

#include <poll.h>

/* ---- the server ---- */

#define UDP_MAX 512
enum { TYPE_A = 1, TYPE_CNAME = 5 };

struct records { /* of an answer */
    uint8_t bytes[8192];
    struct wire_out out;
    uint16_t n;
};

/* A name of one label of any bytes, in front of "test". */
static size_t name_of(uint8_t out[80], const char *label, size_t len)
{
    struct wire_out w = wire_to(out, 80);
    wire_put_u8(&w, (uint8_t)len);
    wire_put(&w, label, len);
    wire_put(&w, "\4test", sizeof "\4test");
    return 80 - w.left;
}

static void record(struct records *r, const void *owner, size_t owner_len, uint16_t type,
                   uint32_t ttl, const void *data, size_t len)
{
    wire_put(&r->out, owner, owner_len);
    wire_put_u16(&r->out, type);
    wire_put_u16(&r->out, 1); /* IN */
    wire_put_u32(&r->out, ttl);
    wire_put_u16(&r->out, (uint16_t)len);
    wire_put(&r->out, data, len);
    r->n++;
}

static const uint8_t asked[] = {0xc0, 12}; /* the name in the question */

static size_t answer(uint8_t *out, size_t room, const uint8_t *question, size_t len,
                     const struct records *r)
{
    struct wire_out w = wire_to(out, room);
    size_t records_len = sizeof r->bytes - r->out.left;
    bool cut = 12 + len + records_len > room;
    wire_put(&w, question, 2);               /* its number */
    wire_put_u16(&w, cut ? 0x8380 : 0x8180); /* the latter is fine, the other "by TCP" */
    wire_put_u16(&w, 1);                     /* question */
    wire_put_u16(&w, cut ? 0 : r->n);
    wire_put_u32(&w, 0);
    wire_put(&w, question + 12, len - 12);
    if (!cut)
        wire_put(&w, r->bytes, records_len);
    return room - w.left;
}

static void serve_tcp(int listener, const struct records *r)
{
    uint8_t in[1024], out[sizeof r->bytes + 1024];
    int fd = accept(listener, NULL, NULL);
    ssize_t n = read(fd, in, sizeof in);
    if (n > 14) {
        size_t len = answer(out + 2, sizeof out - 2, in + 2, (size_t)n - 2, r);
        out[0] = (uint8_t)(len >> 8);
        out[1] = (uint8_t)len;
        n = write(fd, out, len + 2);
    }
    close(fd);
}

static void serve_udp(int fd, const struct records *r)
{
    uint8_t in[1024], out[UDP_MAX];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t n = recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)&from, &from_len);
    if (n > 12)
        sendto(fd, out, answer(out, sizeof out, in, (size_t)n, r), 0,
               (struct sockaddr *)&from, from_len);
}

static pid_t serve(uint16_t *port, const struct records *r)
{
    int sockets[2];
    child_bind_both(sockets, port);
    CHECK_INT(0, listen(sockets[1], 4), "listens by TCP");
    struct pollfd fds[2] = {{sockets[0], POLLIN, 0}, {sockets[1], POLLIN, 0}};
    pid_t pid = fork();
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (pid == 0 && poll(fds, 2, 30000) > 0) {
        if (fds[0].revents != 0)
            serve_udp(fds[0].fd, r);
        if (fds[1].revents != 0)
            serve_tcp(fds[1].fd, r);
    }
    if (pid == 0)
        _exit(0);
    close(fds[0].fd);
    close(fds[1].fd);
    return pid;
}

/* ---- asking it ---- */

static void on_resolution(const struct resolution *r, void *user)
{
    *(struct resolution *)user = *r;
}

static struct resolution ask(const struct records *records)
{
    uv_loop_t loop;
    struct resolver *resolver;
    struct resolution r = {.took_ns = -1};
    char server[32];
    uint16_t port;
    pid_t pid = serve(&port, records);
    snprintf(server, sizeof server, "127.0.0.1:%u", port);
    uv_loop_init(&loop);
    CHECK_INT(0, resolver_create(&resolver, &loop, server), "created");
    resolver_lookup(resolver, "asked.test", FAMILY_IPV4, 443, on_resolution, &r);
    while (r.took_ns < 0)
        uv_run(&loop, UV_RUN_ONCE);
    resolver_destroy(resolver);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    child_end(pid);
    return r;
}

static struct records *begin(void)
{
    static struct records r;
    r = (struct records){.n = 0};
    r.out = wire_to(r.bytes, sizeof r.bytes);
    return &r;
}

static void address(struct records *r, const void *owner, size_t owner_len, uint8_t last)
{
    record(r, owner, owner_len, TYPE_A, 60, (uint8_t[]){192, 0, 2, last}, 4);
}

/* ---- what comes of it ---- */

static void hostile_names(void **state)
{
    (void)state;
    static const struct {
        const char *what, *label;
        size_t len;
    } cases[] = {
        {"a terminal's escape sequence", "\x1b[31m", 5},
        {"a second line", "a\nwarn", 6},
        {"a NUL", "a\0b", 3},
        {"not ASCII", "k\xc3\xb6ln", 5},
        {"not UTF-8", "a\xff", 2},
        {"quotes", "a\",\"b\":\"", 8},
        {"a dot in a label", "lhr-efz.ms-acdc", 15},
        {"a backslash", "a\\", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t name[80];
        size_t len = name_of(name, cases[i].label, cases[i].len);
        struct records *records = begin();
        record(records, asked, sizeof asked, TYPE_CNAME, 60, name, len);
        address(records, name, len, 1);
        struct resolution r = ask(records);
        CHECK(r.error != NULL || r.n_cnames == 1, "%s: an error or a name",
              cases[i].what);
        for (const char *at = r.cnames[0]; *at != '\0'; at++)
            CHECK(*at > ' ' && *at <= '~', "%s: %s", cases[i].what, r.cnames[0]);
        CHECK(strcmp(r.cnames[0], "lhr-efz.ms-acdc.test") != 0, "another name than sent");
    }
}

static void long_chain(void **state)
{
    (void)state;
    struct records *records = begin();
    uint8_t from[80], to[80];
    size_t from_len = sizeof asked, to_len;
    memcpy(from, asked, sizeof asked);
    for (char c = 'a'; c <= 'z'; c++) {
        to_len = name_of(to, &c, 1);
        record(records, from, from_len, TYPE_CNAME, (uint32_t)(100 - c + 'a'), to,
               to_len);
        memcpy(from, to, to_len);
        from_len = to_len;
    }
    address(records, from, from_len, 1);
    struct resolution r = ask(records);
    CHECK(r.error == NULL, "fine: %s", r.error);
    CHECK_INT(1, r.n, "address");
    CHECK_INT(RESOLUTION_CNAMES_MAX, r.n_cnames, "of 26 links");
    for (size_t i = 0; i < r.n_cnames; i++) {
        char expected[] = {(char)('a' + i), '.', 't', 'e', 's', 't', '\0'};
        CHECK_TEXT(expected, r.cnames[i], "as they were sent");
    }
    CHECK_INT(60, r.ttl_s, "least TTL of all 26 and the address");
}

static void many_addresses(void **state)
{
    (void)state;
    struct records *records = begin();
    for (uint8_t i = 1; i <= 200; i++)
        address(records, asked, sizeof asked, i);
    struct resolution r = ask(records);
    CHECK(r.error == NULL, "fine, by TCP: %s", r.error);
    CHECK_INT(RESOLUTION_ADDRESSES_MAX, r.n, "of 200 addresses");
    for (size_t i = 0; i < r.n; i++)
        CHECK_INT(i + 1, r.addresses[i].bytes[3], "in the order they were sent");
}

static void longest_name(void **state)
{
    (void)state;
    uint8_t name[255];
    char expected[HOST_TEXT_MAX];
    struct wire_out w = wire_to(name, sizeof name);
    memset(expected, 'a', 253);
    expected[253] = expected[63] = expected[127] = expected[191] = '.';
    expected[253] = '\0';
    for (int i = 0; i < 4; i++) {
        wire_put_u8(&w, i < 3 ? 63 : 61);
        wire_put(&w, expected, i < 3 ? 63 : 61);
    }
    wire_put_u8(&w, 0);
    struct records *records = begin();
    record(records, asked, sizeof asked, TYPE_CNAME, 60, name, sizeof name);
    address(records, name, sizeof name, 1);
    struct resolution r = ask(records);
    CHECK(r.error == NULL && r.n == 1 && r.n_cnames == 1, "fine: %s", r.error);
    CHECK_TEXT(expected, r.cnames[0], "253 characters");
}

static void no_address_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t owner[2];
        uint16_t type;
        uint8_t data[4];
        size_t len;
    } cases[] = {
        {"an alias of itself", {0xc0, 12}, TYPE_CNAME, {0xc0, 12}, 2},
        {"a name that points to itself", {0xc0, 28}, TYPE_A, {192, 0, 2, 1}, 4},
        {"a name that points behind the end", {0xff, 0xff}, TYPE_A, {192, 0, 2, 1}, 4},
        {"three bytes of an address", {0xc0, 12}, TYPE_A, {192, 0, 2}, 3},
        {"an alias without a name", {0xc0, 12}, TYPE_CNAME, {0}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct records *records = begin();
        record(records, cases[i].owner, 2, cases[i].type, 60, cases[i].data,
               cases[i].len);
        struct resolution r = ask(records);
        CHECK_INT(0, r.n, cases[i].what);
        CHECK(r.error != NULL || r.ttl_s > 0, "%s: an error, or not asked at once again",
              cases[i].what);
    }
}

static void too_few_records(void **state)
{
    (void)state;
    struct records *records = begin();
    address(records, asked, sizeof asked, 1);
    records->n = 7;
    struct resolution r = ask(records);
    CHECK(r.error != NULL && r.temporary, "seven are promised");
    CHECK_TEXT("the DNS server's answer makes no sense", r.error, "error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_names),    cmocka_unit_test(long_chain),
        cmocka_unit_test(many_addresses),   cmocka_unit_test(longest_name),
        cmocka_unit_test(no_address_in_it), cmocka_unit_test(too_few_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
