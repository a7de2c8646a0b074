#include "net/resolver.h"

#include "check.h"
#include "core/time.h"
#include "io/net/child.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <uv.h>

/* dnsmasq with the Exchange chain of agent/edge/README.md in small. */
static struct child_folder tmp;
static pid_t dnsmasq;
static uint16_t dns_port;
static char dns_server[32];

static int start_dnsmasq(void **state)
{
    (void)state;
    char path[96], log[96];
    child_folder(&tmp);
    const char *folder = tmp.path;
    dns_port = child_free_port();
    snprintf(dns_server, sizeof dns_server, "127.0.0.1:%u", dns_port);
    char conf[1024];
    snprintf(conf, sizeof conf,
             "port=%u\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\n"
             "local-ttl=300\nuser=\ngroup=\npid-file=%s/pid\n"
             "local=/test/\nlocal=/office.test/\n"
             "cname=outlook.test,outlook.ha.test,70\n"
             "cname=outlook.ha.test,lhr-efz.office.test,40\n"
             "host-record=lhr-efz.office.test,192.0.2.7,2001:db8::7,120\n"
             "host-record=four.test,192.0.2.4,55\n"
             "address=/many.test/192.0.2.1\naddress=/many.test/192.0.2.2\n"
             "address=/many.test/192.0.2.3\n",
             dns_port, folder);
    child_write(folder, "conf", conf);
    snprintf(path, sizeof path, "--conf-file=%s/conf", folder);
    snprintf(log, sizeof log, "%s/log", folder);
    const char *const argv[] = {"dnsmasq", "--keep-in-foreground", path, NULL};
    setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", 1);
    dnsmasq = child_start(argv, log);
    child_wait_for(dns_port, "dnsmasq");
    return 0;
}

static int end_dnsmasq(void **state)
{
    (void)state;
    child_end(dnsmasq);
    child_folder_remove(&tmp);
    return 0;
}

struct answer {
    int calls;
    struct resolution r;
};

static void on_resolution(const struct resolution *r, void *user)
{
    struct answer *a = user;
    a->calls++;
    a->r = *r;
}

static struct answer ask(const char *servers, const char *host, enum family family)
{
    uv_loop_t loop;
    struct resolver *r;
    struct answer a = {0};
    uv_loop_init(&loop);
    CHECK_INT(0, resolver_create(&r, &loop, servers), "created");
    resolver_lookup(r, host, family, 443, on_resolution, &a);
    CHECK_INT(0, a.calls, "never from inside the call");
    while (a.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    resolver_destroy(r);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(1, a.calls, "exactly one answer");
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    return a;
}

static const char *first_address(const struct answer *a)
{
    static char text[ADDRESS_TEXT_MAX];
    return endpoint_address(text, &a->r.addresses[0]);
}

static void chain_and_ttl(void **state)
{
    (void)state;
    static const struct {
        enum family family;
        const char *address;
    } cases[] = {{FAMILY_IPV4, "192.0.2.7"}, {FAMILY_IPV6, "2001:db8::7"}};
    for (size_t i = 0; i < 2; i++) {
        struct answer a = ask(dns_server, "outlook.test", cases[i].family);
        CHECK(a.r.error == NULL, "fine: %s", a.r.error);
        CHECK_INT(1, a.r.n, "addresses");
        CHECK_TEXT(cases[i].address, first_address(&a), "address");
        CHECK_INT(443, a.r.addresses[0].port, "port");
        CHECK_INT(2, a.r.n_cnames, "links of the chain");
        CHECK_TEXT("outlook.ha.test", a.r.cnames[0], "first link");
        CHECK_TEXT("lhr-efz.office.test", a.r.cnames[1], "second link");
        CHECK_INT(40, a.r.ttl_s, "least TTL of the chain");
        CHECK_TEXT(dns_server, a.r.servers, "who was asked");
        CHECK(a.r.took_ns > 0 && a.r.took_ns < NS_PER_S, "took %" PRId64, a.r.took_ns);
    }
}

/* The answer waits in the socket while the loop is busy. */
static void a_busy_loop_adds_nothing(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        uv_loop_t loop;
        struct resolver *r;
        struct answer a = {0};
        setenv("RES_OPTIONS", tcp ? "use-vc" : "", 1);
        uv_loop_init(&loop);
        CHECK_INT(0, resolver_create(&r, &loop, dns_server), "created");
        resolver_lookup(r, "outlook.test", FAMILY_IPV4, 443, on_resolution, &a);
        for (int turn = 0; a.calls == 0; turn++) {
            usleep(30000); /* TCP connects in the first turns */
            uv_run(&loop, UV_RUN_ONCE);
        }
        CHECK(a.r.error == NULL, "fine: %s", a.r.error);
        if (!tcp)
            CHECK(a.r.took_ns < 15 * NS_PER_MS, "took %" PRId64, a.r.took_ns);
        resolver_destroy(r);
        uv_run(&loop, UV_RUN_DEFAULT);
        CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    }
    unsetenv("RES_OPTIONS");
}

static void several_addresses(void **state)
{
    (void)state;
    struct answer a = ask(dns_server, "many.test", FAMILY_IPV4);
    CHECK(a.r.error == NULL, "fine: %s", a.r.error);
    CHECK_INT(3, a.r.n, "addresses");
}

static void no_address_of_that_family(void **state)
{
    (void)state;
    struct answer a = ask(dns_server, "four.test", FAMILY_IPV6);
    CHECK(a.r.error == NULL, "not an error: %s", a.r.error);
    CHECK_INT(0, a.r.n, "addresses");
    CHECK(a.r.ttl_s > 0, "is not asked again at once");
}

static void no_such_name(void **state)
{
    (void)state;
    struct answer a = ask(dns_server, "absent.test", FAMILY_IPV4);
    CHECK(a.r.error != NULL, "an error");
    CHECK_TEXT("no such name", a.r.error, "error");
    CHECK(!a.r.temporary, "it is an answer");
}

static void refused(void **state)
{
    (void)state; /* dnsmasq has no server to forward this to */
    struct answer a = ask(dns_server, "elsewhere.example", FAMILY_IPV4);
    CHECK(a.r.error != NULL && a.r.temporary, "a passing error");
    CHECK(strstr(a.r.error, "refused") != NULL, "says so: %s", a.r.error);
}

static void not_a_name(void **state)
{
    (void)state;
    char host[HOST_TEXT_MAX];
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    struct answer a = ask(dns_server, host, FAMILY_IPV4);
    CHECK(a.r.error != NULL && !a.r.temporary, "one label of 253 characters");
    a = ask(dns_server, "a..test", FAMILY_IPV4);
    CHECK(a.r.error != NULL && !a.r.temporary, "an empty label: %s", a.r.error);
}

static void literals(void **state)
{
    (void)state;
    struct answer a = ask("127.0.0.1:1", "192.0.2.9", FAMILY_IPV4); /* asks nobody */
    CHECK(a.r.error == NULL, "fine: %s", a.r.error);
    CHECK_TEXT("192.0.2.9", first_address(&a), "address");
    CHECK(a.r.ttl_s == UINT32_MAX && a.r.n_cnames == 0, "for ever");
    CHECK_TEXT("", a.r.servers, "nobody was asked");
    a = ask("127.0.0.1:1", "2001:db8::9", FAMILY_IPV6);
    CHECK_TEXT("2001:db8::9", first_address(&a), "address");
    a = ask("127.0.0.1:1", "192.0.2.9", FAMILY_IPV6);
    CHECK(a.r.error == NULL && a.r.n == 0, "no IPv6 address in an IPv4 literal");
    a = ask("127.0.0.1:1", "fe80::1%lo", FAMILY_IPV6);
    CHECK(a.r.error == NULL, "fine: %s", a.r.error);
    CHECK_INT(1, a.r.addresses[0].scope, "the index of lo");
    a = ask("127.0.0.1:1", "fe80::1%nope0", FAMILY_IPV6);
    CHECK(a.r.error != NULL && a.r.temporary, "an interface may come");
    a = ask("127.0.0.1:1", "fe80::1", FAMILY_IPV6);
    CHECK(a.r.error != NULL && !a.r.temporary, "link-local without an interface");
}

static void hosts_file(void **state)
{
    (void)state;
    struct answer a = ask(dns_server, "localhost", FAMILY_IPV4);
    CHECK(a.r.error == NULL, "fine: %s", a.r.error);
    CHECK_TEXT("127.0.0.1", first_address(&a), "address");
    CHECK_INT(443, a.r.addresses[0].port, "port");
    CHECK_INT(0, a.r.ttl_s, "the file may change at any time");
    CHECK_TEXT("hosts file", a.r.servers, "who was asked");
}

static void nobody_listens(void **state)
{
    (void)state;
    struct answer a = ask("127.0.0.1:1", "outlook.test", FAMILY_IPV4);
    CHECK(a.r.error != NULL && a.r.temporary, "a passing error");
    CHECK(a.r.took_ns < 2 * NS_PER_S, "known at once, not after the limit");
    CHECK_TEXT("127.0.0.1:1", a.r.servers, "who was asked");
}

static void silence(void **state)
{
    (void)state;
    uint16_t port;
    int fd = child_bind(SOCK_DGRAM, &port);
    char server[32];
    snprintf(server, sizeof server, "127.0.0.1:%u", port);
    struct answer a = ask(server, "outlook.test", FAMILY_IPV4);
    close(fd);
    CHECK(a.r.error != NULL && a.r.temporary, "a passing error");
    CHECK_NEAR(5.0, (double)a.r.took_ns / 1e9, 1.0, "s until it gives up");
}

static void second_server(void **state)
{
    (void)state;
    uint16_t port;
    int fd = child_bind(SOCK_DGRAM, &port);
    char servers[96];
    snprintf(servers, sizeof servers, "127.0.0.1:%u, 127.0.0.1:%u", port, dns_port);
    struct answer a = ask(servers, "outlook.test", FAMILY_IPV4);
    close(fd);
    CHECK(a.r.error == NULL, "the second one answers: %s", a.r.error);
    CHECK(a.r.took_ns > NS_PER_S, "after the first had its time");
    CHECK_TEXT(servers, a.r.servers, "who were asked");
}

static void cancelled_and_destroyed(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct resolver *r;
    struct answer a = {0}, kept = {0};
    uv_loop_init(&loop);
    CHECK_INT(0, resolver_create(&r, &loop, dns_server), "created");
    lookup_cancel(resolver_lookup(r, "outlook.test", FAMILY_IPV4, 1, on_resolution, &a));
    lookup_cancel(resolver_lookup(r, "192.0.2.1", FAMILY_IPV4, 1, on_resolution, &a));
    lookup_cancel(resolver_lookup(r, "localhost", FAMILY_IPV4, 1, on_resolution, &a));
    resolver_lookup(r, "outlook.test", FAMILY_IPV4, 1, on_resolution, &kept);
    while (kept.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    resolver_lookup(r, "outlook.test", FAMILY_IPV4, 1, on_resolution, &a);
    resolver_lookup(r, "192.0.2.1", FAMILY_IPV4, 1, on_resolution, &a);
    resolver_destroy(r);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, a.calls, "no callback after cancel or destroy");
    CHECK_INT(1, kept.calls, "the others are not touched");
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    resolver_destroy(NULL);
}

/* ---- a resolv.conf that changes, in namespaces of our own ---- */

#define CANNOT 77 /* no namespaces on this host */

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    return fd >= 0 && close(fd) == 0 && ok;
}

/* A network of our own, and `conf` for /etc/resolv.conf. */
static bool enter_namespaces(const char *conf)
{
    char map[32];
    bool root = geteuid() == 0;
    snprintf(map, sizeof map, "0 %u 1", geteuid());
    if (unshare(CLONE_NEWNS | CLONE_NEWNET | (root ? 0 : CLONE_NEWUSER)) != 0)
        return false;
    if (!root && !write_file("/proc/self/uid_map", map))
        return false;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(conf, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0 &&
           system("ip link set lo up") == 0;
}

static pid_t dnsmasq_at(const char *address, const char *answer)
{
    char listen_at[64], name[64];
    snprintf(listen_at, sizeof listen_at, "--listen-address=%s", address);
    snprintf(name, sizeof name, "--address=/conf.test/%s", answer);
    const char *const argv[] = {"dnsmasq",
                                "--keep-in-foreground",
                                "--conf-file=/dev/null",
                                "--bind-interfaces",
                                "--no-resolv",
                                "--no-hosts",
                                "--user=",
                                "--group=",
                                "--pid-file=",
                                listen_at,
                                name,
                                NULL};
    return child_start(argv, "/dev/null");
}

/* The last digit of the answer for conf.test; 0 is none. Asked again while its server
 * starts. */
static int last_digit(uv_loop_t *loop, struct resolver *r)
{
    struct answer a = {0};
    for (int i = 0; i < 50 && a.r.n == 0; i++) {
        a.calls = 0;
        resolver_lookup(r, "conf.test", FAMILY_IPV4, 1, on_resolution, &a);
        while (a.calls == 0)
            uv_run(loop, UV_RUN_ONCE);
        nanosleep(&(struct timespec){.tv_nsec = a.r.n == 0 ? 50000000 : 0}, NULL);
    }
    return a.r.n > 0 ? a.r.addresses[0].bytes[3] : 0;
}

static int resolv_conf_changes(void)
{
    char conf[96];
    uv_loop_t loop;
    struct resolver *r;
    snprintf(conf, sizeof conf, "%s/resolv.conf", tmp.path);
    write_file(conf, "nameserver 127.0.0.1\n");
    if (!enter_namespaces(conf))
        return CANNOT;
    pid_t first = dnsmasq_at("127.0.0.1", "192.0.2.1");
    pid_t second = dnsmasq_at("127.0.0.2", "192.0.2.2");
    uv_loop_init(&loop);
    if (resolver_create(&r, &loop, NULL) != 0)
        return 1;
    int before = last_digit(&loop, r);
    struct answer under_way = {0};
    kill(first, SIGSTOP); /* this lookup hangs, until it is asked again elsewhere */
    resolver_lookup(r, "conf.test", FAMILY_IPV4, 1, on_resolution, &under_way);
    uv_run(&loop, UV_RUN_NOWAIT);
    write_file(conf, "nameserver 127.0.0.2\n");
    int after = last_digit(&loop, r);
    while (under_way.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    child_end(first);
    child_end(second);
    resolver_destroy(r);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop) != 0)
        return 2;
    if (under_way.r.n != 1 || under_way.r.addresses[0].bytes[3] != 2)
        return 3;
    if (strcmp(under_way.r.servers, "127.0.0.2") != 0)
        return 4;
    return before == 1 && after == 2 ? 0 : 10 * before + after;
}

static void resolv_conf_is_followed(void **state)
{
    (void)state;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(resolv_conf_changes());
    waitpid(pid, &status, 0);
    if (WEXITSTATUS(status) == CANNOT)
        skip();
    CHECK_INT(0, status, "first server, then the second one");
}

struct ender {
    struct resolver *r;
    bool done;
};

static void destroy_inside(const struct resolution *r, void *user)
{
    (void)r;
    struct ender *e = user;
    resolver_destroy(e->r);
    e->done = true;
}

static void destroyed_inside_the_callback(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct ender e = {0};
    struct answer a = {0};
    uv_loop_init(&loop);
    CHECK_INT(0, resolver_create(&e.r, &loop, dns_server), "created");
    resolver_lookup(e.r, "outlook.test", FAMILY_IPV4, 1, destroy_inside, &e);
    resolver_lookup(e.r, "absent.test.office.test", FAMILY_IPV6, 1, on_resolution, &a);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(e.done, "answered");
    CHECK(a.calls <= 1, "at most one");
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
}

static void not_a_server(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct resolver *r;
    uv_loop_init(&loop);
    CHECK_INT(-EINVAL, resolver_create(&r, &loop, "192.0.2.1 dns.example"), "a name");
    CHECK_INT(0, uv_loop_close(&loop), "nothing is left behind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_and_ttl),
        cmocka_unit_test(a_busy_loop_adds_nothing),
        cmocka_unit_test(several_addresses),
        cmocka_unit_test(no_address_of_that_family),
        cmocka_unit_test(no_such_name),
        cmocka_unit_test(refused),
        cmocka_unit_test(not_a_name),
        cmocka_unit_test(literals),
        cmocka_unit_test(hosts_file),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(silence),
        cmocka_unit_test(second_server),
        cmocka_unit_test(resolv_conf_is_followed),
        cmocka_unit_test(cancelled_and_destroyed),
        cmocka_unit_test(destroyed_inside_the_callback),
        cmocka_unit_test(not_a_server),
    };
    return cmocka_run_group_tests(tests, start_dnsmasq, end_dnsmasq);
}
