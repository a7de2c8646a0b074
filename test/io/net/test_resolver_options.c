/*
 * What getaddrinfo() of a host resolves has to resolve here: the search list, the options
 * of resolv.conf(5), servers that are of no use and servers with a scope. Scripted
 * servers on loopback; the options come by RES_OPTIONS and LOCALDOMAIN, as they may.
 */
#include "net/resolver.h"

#include "base/wire.h"
#include "check.h"
#include "core/time.h"
#include "io/net/child.h"

#include <net/if.h>
#include <poll.h>
#include <sched.h>

enum { A = 1, NS = 2, AAAA = 28, HEAD = 12, PACKET_MAX = 512 };
enum { FINE = 0x8180, REFERRAL = 0x8100 }; /* with recursion, and without */

struct server {
    uint16_t flags; /* of every answer, with its rcode */
    bool authority; /* an NS record behind it */
    bool no_udp;
    bool wants_edns; /* refuses what has no OPT record */
    bool overtaxed;  /* loses all questions that come while it works on one */
};

/* ---- the server ---- */

/* "four.test" has an IPv4 address alone, and a broken server denies it for the other
 * family in "denied.test"; all names below branch.test have an IPv6 address. */
static bool knows(const char *name, uint16_t type, uint16_t *rcode)
{
    size_t len = strlen(name);
    bool wild = len > 11 && strcmp(name + len - 12, ".branch.test") == 0;
    bool four = strcmp(name, "four.test") == 0, denied = strcmp(name, "denied.test") == 0;
    *rcode = wild || four || (denied && type == A) ? 0 : 3;
    return type == A ? four || denied : wild;
}

static void name_text(char *out, const uint8_t *at)
{
    for (; *at != 0; at += *at + 1) {
        memcpy(out, at + 1, *at);
        out[*at] = at[1 + *at] != 0 ? '.' : '\0';
        out += *at + 1;
    }
}

static size_t answer(uint8_t *out, const uint8_t *in, const struct server *s)
{
    char name[PACKET_MAX] = "";
    uint16_t rcode;
    struct wire_out w = wire_to(out, PACKET_MAX);
    size_t name_len = strlen((const char *)in + HEAD) + 1;
    uint16_t type = in[HEAD + name_len + 1];
    name_text(name, in + HEAD);
    bool found = knows(name, type, &rcode) && s->flags == FINE;
    bool refused = s->wants_edns && in[11] == 0;
    wire_put(&w, in, 2);
    wire_put_u16(&w, refused ? FINE | 5 : s->flags == FINE ? FINE | rcode : s->flags);
    wire_put_u16(&w, 1);
    wire_put_u16(&w, found && !refused);
    wire_put_u16(&w, s->authority);
    wire_put_u16(&w, 0);
    wire_put(&w, in + HEAD, name_len + 4);
    if (found && !refused) {
        wire_put_u16(&w, 0xc00c);
        wire_put_u16(&w, type);
        wire_put(&w, "\0\1\0\0\0\x3c\0", 7);
        wire_put_u8(&w, type == A ? 4 : 16);
        wire_put(&w, type == A ? "\xc0\0\2\4" : "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\7",
                 type == A ? 4 : 16);
    }
    if (s->authority)
        wire_put(&w, "\0\0\2\0\1\0\0\0\x3c\0\4\1a\1b", 15); /* the root's */
    return PACKET_MAX - w.left;
}

static void serve_udp(int fd, const struct server *s)
{
    uint8_t in[PACKET_MAX], out[PACKET_MAX], more[PACKET_MAX];
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)&from, &len);
    if (n < HEAD || s->no_udp)
        return;
    if (s->overtaxed) {
        nanosleep(&(struct timespec){.tv_nsec = 50 * NS_PER_MS}, NULL);
        if (recv(fd, more, sizeof more, MSG_DONTWAIT) > 0)
            return;
    }
    sendto(fd, out, answer(out, in, s), 0, (struct sockaddr *)&from, len);
}

static void serve_tcp(int listener, const struct server *s)
{
    uint8_t in[PACKET_MAX + 2], out[PACKET_MAX + 2];
    int fd = accept(listener, NULL, NULL);
    if (read(fd, in, sizeof in) > HEAD + 2) {
        size_t n = answer(out + 2, in + 2, s);
        out[0] = (uint8_t)(n >> 8);
        out[1] = (uint8_t)n;
        CHECK(write(fd, out, n + 2) > 0, "answered by TCP");
    }
    close(fd);
}

static void serve(int udp, int tcp, const struct server *s)
{
    struct pollfd fds[2] = {{udp, POLLIN, 0}, {tcp, POLLIN, 0}};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (poll(fds, 2, 30000) > 0) {
        if (fds[0].revents != 0)
            serve_udp(udp, s);
        if (fds[1].revents != 0)
            serve_tcp(tcp, s);
    }
    _exit(0);
}

/* Adds its address to `servers`. */
static pid_t start(const struct server *s, char servers[128])
{
    int sockets[2];
    uint16_t port;
    child_bind_both(sockets, &port);
    CHECK_INT(0, listen(sockets[1], 4), "listens");
    pid_t pid = fork();
    if (pid == 0)
        serve(sockets[0], sockets[1], s);
    close(sockets[0]);
    close(sockets[1]);
    size_t len = strlen(servers);
    snprintf(servers + len, 128 - len, " 127.0.0.1:%u", port);
    return pid;
}

/* ---- asking ---- */

static void on_resolution(const struct resolution *r, void *user)
{
    *(struct resolution *)user = *r;
}

/* Both families at the same time, as the agent asks. */
static void ask(struct resolution r[2], const char *servers, const char *host)
{
    uv_loop_t loop;
    struct resolver *resolver;
    r[0].took_ns = r[1].took_ns = -1;
    uv_loop_init(&loop);
    CHECK_INT(0, resolver_create(&resolver, &loop, servers), "created");
    resolver_lookup(resolver, host, FAMILY_IPV4, 443, on_resolution, &r[0]);
    resolver_lookup(resolver, host, FAMILY_IPV6, 443, on_resolution, &r[1]);
    while (r[0].took_ns < 0 || r[1].took_ns < 0)
        uv_run(&loop, UV_RUN_ONCE);
    resolver_destroy(resolver);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
}

/* "n n": addresses of IPv4 and IPv6, or the error. */
static const char *told(const struct resolution r[2])
{
    static char text[256];
    char of[2][96];
    for (size_t f = 0; f < 2; f++)
        snprintf(of[f], sizeof of[f], "%s",
                 r[f].error != NULL ? r[f].error
                 : r[f].n == 0      ? "none"
                                    : "one");
    snprintf(text, sizeof text, "%s, %s", of[0], of[1]);
    return text;
}

static void check(const struct server *list, size_t n, const char *options,
                  const char *domain, const char *host, const char *expected)
{
    char servers[128] = "", what[256];
    pid_t pids[4];
    struct resolution r[2];
    setenv("RES_OPTIONS", options, 1);
    setenv("LOCALDOMAIN", domain, 1);
    for (size_t i = 0; i < n; i++)
        pids[i] = start(&list[i], servers);
    ask(r, servers, host);
    for (size_t i = 0; i < n; i++)
        child_end(pids[i]);
    snprintf(what, sizeof what, "%s, options '%s', search '%s'", host, options, domain);
    CHECK_TEXT(expected, told(r), what);
    for (size_t f = 0; f < 2; f++)
        CHECK(r[f].took_ns < NS_PER_S, "%s: at once, not after %g s", what,
              (double)r[f].took_ns / 1e9);
}

static const struct server fine = {.flags = FINE};

static void the_search_list_is_for_both_families(void **state)
{
    (void)state;
    static const struct {
        const char *options, *domain, *host, *expected;
    } cases[] = {
        {"", "", "four.test", "one, none"},
        {"", "branch.test", "four.test", "one, none"}, /* not four.test.branch.test */
        {"", "branch.test", "denied.test", "one, none"},
        {"", "branch.test", "absent.test", "none, one"}, /* as getaddrinfo() has it */
        {"", "branch.test", "absent.test.", "no such name, no such name"},
        {"", "branch.test", "host", "none, one"},
        {"", "", "host", "no such name, no such name"},
        {"", "test", "four", "one, none"},
        {"ndots:2", "other.test branch.test", "four.test", "none, one"},
        {"ndots:2", "other.test", "four.test", "one, none"},
        {"no-aaaa", "branch.test", "host", "none, none"},
        {"no-aaaa", "", "four.test", "one, none"},
        {"no-tld-query", "other.test", "host", "no such name, no such name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&fine, 1, cases[i].options, cases[i].domain, cases[i].host,
              cases[i].expected);
}

static void a_server_of_no_use_is_passed_over(void **state)
{
    (void)state;
    const struct server cases[] = {
        {.flags = REFERRAL, .authority = true},
        {.flags = REFERRAL},
        {.flags = FINE | 1},
        {.flags = FINE | 2},
        {.flags = FINE | 4},
        {.flags = FINE | 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct server two[] = {cases[i], fine};
        check(two, 2, "", "", "four.test", "one, none");
    }
    const struct server all[] = {{.flags = REFERRAL, .authority = true},
                                 {.flags = FINE | 5}};
    check(all, 2, "", "branch.test", "four.test",
          "the DNS server refused the question, the DNS server refused the question");
}

static void options_change_how_is_asked(void **state)
{
    (void)state;
    const struct server no_udp = {.flags = FINE, .no_udp = true};
    const struct server wants_edns = {.flags = FINE, .wants_edns = true};
    const struct server overtaxed = {.flags = FINE, .overtaxed = true};
    check(&no_udp, 1, "use-vc", "", "four.test", "one, none");
    check(&wants_edns, 1, "edns0", "", "four.test", "one, none");
    check(&fine, 1, "edns0 trust-ad rotate timeout:1 attempts:1", "", "four.test",
          "one, none");
    check(&overtaxed, 1, "single-request", "", "four.test", "one, none");
    check(&overtaxed, 1, "single-request-reopen", "", "four.test", "one, none");
}

/* ---- a server with a scope, in namespaces of our own ---- */

#define CANNOT 77

static int link_local(void)
{
    char command[512], ready;
    int go[2], up[2];
    if (unshare(CLONE_NEWNET) != 0 || pipe(go) != 0 || pipe(up) != 0)
        return CANNOT;
    pid_t pid = fork();
    if (pid == 0) { /* the router: its own network, and in it one end of the cable */
        struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(5353)};
        at.sin6_addr.s6_addr[0] = 0xfe, at.sin6_addr.s6_addr[1] = 0x80;
        at.sin6_addr.s6_addr[15] = 1;
        int fd;
        if (unshare(CLONE_NEWNET) != 0 || write(up[1], "u", 1) != 1 ||
            read(go[0], &ready, 1) != 1 ||
            system("ip addr add fe80::1/64 dev dn0 nodad && ip link set dn0 up") != 0)
            _exit(1);
        fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        at.sin6_scope_id = if_nametoindex("dn0");
        if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || write(up[1], "b", 1) != 1)
            _exit(1);
        serve(fd, -1, &fine);
    }
    snprintf(command, sizeof command,
             "ip link add up0 type veth peer name dn0 && ip link set dn0 netns %d && "
             "ip addr add fe80::2/64 dev up0 nodad && ip link set up0 up",
             pid);
    if (read(up[0], &ready, 1) != 1 || system(command) != 0 ||
        write(go[1], "g", 1) != 1 || read(up[0], &ready, 1) != 1)
        return 1;
    struct resolution r[2];
    ask(r, "[fe80::1%up0]:5353", "four.test");
    child_end(pid);
    if (strcmp(told(r), "one, none") != 0 ||
        strcmp(r[0].servers, "[fe80::1%up0]:5353") != 0)
        return 2;
    ask(r, "[fe80::1%gone0]:5353", "four.test");
    return r[0].error != NULL && r[0].temporary && r[0].took_ns < NS_PER_S ? 0 : 3;
}

static void a_server_with_a_scope(void **state)
{
    (void)state;
    int status;
    setenv("RES_OPTIONS", "", 1);
    setenv("LOCALDOMAIN", "", 1);
    pid_t pid = fork();
    if (pid == 0)
        _exit(link_local());
    waitpid(pid, &status, 0);
    if (WEXITSTATUS(status) == CANNOT)
        skip();
    CHECK_INT(0, WEXITSTATUS(status), "resolved by fe80::1%up0");
}

int main(void)
{
    setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_list_is_for_both_families),
        cmocka_unit_test(a_server_of_no_use_is_passed_over),
        cmocka_unit_test(options_change_how_is_asked),
        cmocka_unit_test(a_server_with_a_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
