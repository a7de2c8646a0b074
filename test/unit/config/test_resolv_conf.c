#include "check.h"
#include "config/resolv_conf.h"

#include <errno.h>

/* The result in one line: servers | search | ndots and flags. */
static const char *text_of(const struct resolv_conf *c)
{
    static char line[1024];
    char servers[512];
    dns_servers_text(servers, sizeof servers, c->servers, c->n_servers);
    int n = snprintf(line, sizeof line, "%s |", servers);
    for (size_t i = 0; i < c->n_search; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, " %s", c->search[i]);
    snprintf(line + n, sizeof line - (size_t)n, " | %u%s%s%s%s%s%s", c->ndots,
             c->rotate ? " rotate" : "", c->use_vc ? " vc" : "", c->edns0 ? " edns" : "",
             c->no_aaaa ? " no-aaaa" : "", c->no_tld_query ? " no-tld" : "",
             c->single_request ? " single" : "");
    return line;
}

static void files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reported;
    } cases[] = {
        {"", " | | 1"},
        {"nameserver 192.0.2.1\n", "192.0.2.1 | | 1"},
        {"nameserver 192.0.2.1", "192.0.2.1 | | 1"},
        {"nameserver\t192.0.2.1 \r\nnameserver 2001:db8::1\r\n",
         "192.0.2.1, 2001:db8::1 | | 1"},
        {"\xEF\xBB\xBFnameserver 192.0.2.1\n", "192.0.2.1 | | 1"},
        {"nameserver fe80::1%eth0\nnameserver fe80::2%3\n",
         "fe80::1%eth0, fe80::2%3 | | 1"},
        {"nameserver 192.0.2.1#53\nnameserver 192.0.2.2;x\nnameserver 192.0.2.3 # y\n",
         "192.0.2.1, 192.0.2.2, 192.0.2.3 | | 1"},
        {"nameserver dns.example\nnameserver\nnameserver 192.0.2\n nameserver 192.0.2.1\n"
         "nameservers 192.0.2.1\n#nameserver 192.0.2.1\n",
         " | | 1"},
        {"nameserver 0.0.0.0\nnameserver ::\n", "127.0.0.1, ::1 | | 1"},
        {"search a.test b.test\t c.test\n", " | a.test b.test c.test | 1"},
        {"search a.test\ndomain b.test c.test\n", " | b.test | 1"},
        {"domain a.test\nsearch b.test c.test\n", " | b.test c.test | 1"},
        {"search a.test\nsearch\t\n", " | | 1"},
        {"options ndots:5 rotate use-vc\noptions edns0\n", " | | 5 rotate vc edns"},
        {"options single-request\n", " | | 1 single"},
        {"options single-request-reopen timeout:1 attempts:9 trust-ad\n",
         " | | 1 single"},
        {"options no-aaaa no-tld-query\n", " | | 1 no-aaaa no-tld"},
        {"options ndots:99\n", " | | 15"},
        {"options ndots:0\n", " | | 0"},
        {"options ndots:x ndots: ndots:-1 use-vcs\n", " | | 1"},
        {"sortlist 192.0.2.0/255.255.255.0\nlookup file bind\nfamily inet6\n", " | | 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct resolv_conf c = resolv_conf_default();
        resolv_conf_read(&c, cases[i].text, strlen(cases[i].text));
        CHECK_TEXT(cases[i].reported, text_of(&c), cases[i].text);
        resolv_conf_free(&c);
    }
}

static void is_bounded(void **state)
{
    (void)state;
    struct resolv_conf c = resolv_conf_default();
    struct text text = {0};
    for (int i = 1; i <= 20; i++)
        text_add(&text, "nameserver 192.0.2.%d\n", i);
    text_add(&text, "search");
    for (int i = 1; i <= 100; i++)
        text_add(&text, " d%d.test", i);
    text_add(&text, "\noptions %5000s rotate\n", "");
    resolv_conf_read(&c, text_string(&text), text.len);
    text_free(&text);
    CHECK_INT(DNS_SERVERS_MAX, c.n_servers, "servers");
    CHECK_INT(SEARCH_MAX, c.n_search, "domains");
    CHECK(!c.rotate, "a line that is too long is none");
    resolv_conf_free(&c);
}

static void environment_and_host(void **state)
{
    (void)state;
    static const struct {
        const char *file, *options, *localdomain, *host, *reported;
    } cases[] = {
        {"", NULL, NULL, "branch7", "127.0.0.1 | | 1"},
        {"", NULL, NULL, "branch7.corp.test", "127.0.0.1 | corp.test | 1"},
        {"search a.test\n", NULL, NULL, "branch7.corp.test", "127.0.0.1 | a.test | 1"},
        {"search a.test\n", NULL, "b.test c.test", "x.y",
         "127.0.0.1 | b.test c.test | 1"},
        {"search a.test\n", NULL, "", "x.y", "127.0.0.1 | | 1"},
        {"options ndots:2\n", "ndots:3 use-vc", NULL, "", "127.0.0.1 | | 3 vc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct resolv_conf c = resolv_conf_default();
        resolv_conf_read(&c, cases[i].file, strlen(cases[i].file));
        resolv_conf_environment(&c, cases[i].options, cases[i].localdomain);
        resolv_conf_complete(&c, cases[i].host);
        CHECK_TEXT(cases[i].reported, text_of(&c), cases[i].reported);
        resolv_conf_free(&c);
    }
}

/* As resolver(3) and glibc's res_nsearch() have it. */
static void candidates(void **state)
{
    (void)state;
    static const struct {
        const char *file, *host, *expected;
    } cases[] = {
        {"", "host", "host"},
        {"search a.test b.test\n", "host", "host.a.test host.b.test host"},
        {"search a.test b.test\n", "www.x", "www.x www.x.a.test www.x.b.test"},
        {"search a.test\n", "host.", "host."},
        {"search a.test\n", "www.x.", "www.x."},
        {"search a.test\noptions ndots:2\n", "www.x", "www.x.a.test www.x"},
        {"search a.test\noptions ndots:2\n", "www.x.y", "www.x.y www.x.y.a.test"},
        {"search a.test\noptions ndots:0\n", "host", "host host.a.test"},
        {"search a.test\noptions no-tld-query\n", "host", "host.a.test"},
        {"search a.test\noptions no-tld-query ndots:2\n", "www.x", "www.x.a.test www.x"},
        {"search . a.test\n", "host", "host host.a.test host"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct resolv_conf c = resolv_conf_default();
        struct text all = {0};
        char name[HOST_TEXT_MAX];
        resolv_conf_read(&c, cases[i].file, strlen(cases[i].file));
        for (size_t n = 0; resolv_conf_candidate(&c, cases[i].host, n, name); n++)
            text_add(&all, "%s%s", n > 0 ? " " : "", name);
        CHECK_TEXT(cases[i].expected, text_string(&all), cases[i].file);
        text_free(&all);
        resolv_conf_free(&c);
    }
}

static void a_candidate_that_is_too_long_is_empty(void **state)
{
    (void)state;
    struct resolv_conf c = resolv_conf_default();
    char host[HOST_TEXT_MAX], name[HOST_TEXT_MAX];
    resolv_conf_read(&c, "search a.test\n", 14);
    memset(host, 'a', 250);
    host[250] = '\0';
    CHECK(resolv_conf_candidate(&c, host, 0, name), "there is one");
    CHECK_TEXT("", name, "256 characters");
    CHECK(resolv_conf_candidate(&c, host, 1, name), "the name itself");
    CHECK_TEXT(host, name, "fits");
    resolv_conf_free(&c);
}

static void server_lists(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reported;
        int rc;
    } cases[] = {
        {"", "", 0},
        {"192.0.2.1:53 192.0.2.2:5353", "192.0.2.1, 192.0.2.2:5353", 2},
        {" 192.0.2.1 , [2001:db8::1]:5353\t2001:db8::2 [2001:db8::3]",
         "192.0.2.1, [2001:db8::1]:5353, 2001:db8::2, 2001:db8::3", 4},
        {"fe80::1%eth0, [fe80::2%eth1]:5353", "fe80::1%eth0, [fe80::2%eth1]:5353", 2},
        {"0.0.0.0:5353 ::", "127.0.0.1:5353, ::1", 2}, /* as in resolv.conf */
        {"nonsense", "nonsense", -EINVAL},
        {"192.0.2.1:99999", "192.0.2.1:99999", -EINVAL},
        {"192.0.2.1:", "192.0.2.1:", -EINVAL},
        {"192.0.2.1:0", "192.0.2.1:0", -EINVAL},
        {"[2001:db8::1", "[2001:db8::1", -EINVAL},
        {"[2001:db8::1]53", "[2001:db8::1]53", -EINVAL},
        {"192.0.2.1 dns.example", "dns.example", -EINVAL},
        {"1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9",
         "1.1.1.9", -E2BIG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dns_server list[DNS_SERVERS_MAX];
        char wrong[DNS_SERVER_TEXT_MAX], text[512];
        int n = dns_servers_parse(list, cases[i].text, wrong);
        CHECK_INT(cases[i].rc, n, cases[i].text);
        if (n >= 0)
            dns_servers_text(text, sizeof text, list, (size_t)n);
        CHECK_TEXT(cases[i].reported, n >= 0 ? text : wrong, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(environment_and_host),
        cmocka_unit_test(candidates),
        cmocka_unit_test(a_candidate_that_is_too_long_is_empty),
        cmocka_unit_test(server_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
