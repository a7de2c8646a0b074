#include "net/http_proxy.h"

#include "check.h"

#include <errno.h>

static const struct {
    const char *list, *host;
    bool expected;
} exempt[] = {
    {"", "teams.microsoft.com", false},
    {"*", "teams.microsoft.com", true},
    {"microsoft.com", "teams.microsoft.com", true},
    {".microsoft.com", "teams.microsoft.com", true},
    {".microsoft.com", "microsoft.com", true},
    {"MICROSOFT.com", "teams.Microsoft.COM", true},
    {"soft.com", "microsoft.com", false},
    {"teams.microsoft.com", "microsoft.com", false},
    {"localhost, ,example.org,microsoft.com", "microsoft.com", true},
    {"localhost example.org microsoft.com", "example.org", true},
    {".", "microsoft.com", false},
    {",,", "microsoft.com", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.10", false},
    {"192.0.2.0/24", "192.0.2.77", true},
    {"192.0.2.0/28", "192.0.2.15", true},
    {"192.0.2.0/28", "192.0.2.16", false},
    {"0.0.0.0/0", "192.0.2.16", true},
    {"192.0.2.0/33", "192.0.2.0", false},
    {"192.0.2.0/", "192.0.2.0", false},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"2001:db8::/33", "2001:db8:7fff::1", true},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"2001:db8::1/128", "2001:db8::1", true},
};

static void who_goes_without(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exempt / sizeof *exempt; i++)
        CHECK(http_proxy_exempt(exempt[i].list, exempt[i].host) == exempt[i].expected,
              "%s in '%s'", exempt[i].host, exempt[i].list);
}

static void nothing_set(void)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY",   "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

static const struct {
    const char *what, *variable, *value, *without, *configured;
    int expected;
    const char *host;
    uint16_t port;
} rules[] = {
    {"nothing", NULL, NULL, NULL, "", 0, "", 0},
    {"environment", "https_proxy", "http://p.example:3128", NULL, "", 1, "p.example",
     3128},
    {"in capitals", "HTTPS_PROXY", "http://p.example:3128/", NULL, "", 1, "p.example",
     3128},
    {"for all protocols", "all_proxy", "http://p.example", NULL, "", 1, "p.example",
     1080},
    {"without a scheme", "https_proxy", "p.example:8080", NULL, "", 1, "p.example", 8080},
    {"with a password", "https_proxy", "http://u:p@p.example:80", NULL, "", 1,
     "p.example", 80},
    {"IPv6", "https_proxy", "http://[2001:db8::1]:3128", NULL, "", 1, "2001:db8::1",
     3128},
    {"exempt", "https_proxy", "http://p.example:3128", "microsoft.com", "", 0, "", 0},
    {"configured none", "https_proxy", "http://p.example:3128", NULL, "none", 0, "", 0},
    {"configured", "https_proxy", "http://p.example:3128", "*", "http://q.example:1", 1,
     "q.example", 1},
    {"SOCKS", "https_proxy", "socks5://p.example:1080", NULL, "", -EINVAL, "", 0},
    {"TLS to the proxy", "https_proxy", "https://p.example", NULL, "", -EINVAL, "", 0},
    {"no port", "https_proxy", "http://p.example:99999", NULL, "", -EINVAL, "", 0},
    {"no host", "https_proxy", "http://", NULL, "", -EINVAL, "", 0},
};

static void which_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct http_proxy p = {0};
        char why[96] = "";
        nothing_set();
        if (rules[i].variable != NULL)
            setenv(rules[i].variable, rules[i].value, 1);
        if (rules[i].without != NULL)
            setenv("no_proxy", rules[i].without, 1);
        CHECK_INT(rules[i].expected,
                  http_proxy_for(&p, rules[i].configured, true, "teams.microsoft.com",
                                 why, sizeof why),
                  rules[i].what);
        if (rules[i].expected == 1) {
            CHECK_TEXT(rules[i].host, p.host, rules[i].what);
            CHECK_INT(rules[i].port, p.port, rules[i].what);
        }
        CHECK_INT(rules[i].expected < 0, why[0] != '\0', "why");
    }
    nothing_set();
}

static void plain_http_has_its_own(void **state)
{
    (void)state;
    struct http_proxy p;
    char why[96];
    nothing_set();
    setenv("http_proxy", "http://plain.example:1", 1);
    CHECK_INT(0, http_proxy_for(&p, "", true, "h", why, sizeof why), "not of https");
    CHECK_INT(1, http_proxy_for(&p, "", false, "h", why, sizeof why), "of http");
    CHECK_TEXT("plain.example", p.host, "host");
    unsetenv("http_proxy");
}

static void a_password_is_not_said(void **state)
{
    (void)state;
    struct http_proxy p;
    char why[96];
    CHECK_INT(-EINVAL,
              http_proxy_for(&p, "socks5://user:secret@p.example:1", true, "h", why,
                             sizeof why),
              "SOCKS");
    CHECK_TEXT("proxy 'p.example:1' is not of the form http://HOST:PORT", why, "why");
}

static void the_address_in_place_of_the_name(void **state)
{
    (void)state;
    char url[PROXY_TEXT_MAX + ADDRESS_TEXT_MAX], why[96];
    struct http_proxy p;
    struct endpoint at;
    CHECK_INT(1, http_proxy_for(&p, "http://u:p@p.example", true, "h", why, sizeof why),
              why);
    endpoint_parse(&at, "192.0.2.1", 1080);
    http_proxy_url(url, &p, &at);
    CHECK_TEXT("http://u:p@192.0.2.1:1080/", url, "IPv4, with the port of the rule");
    endpoint_parse(&at, "2001:db8::1", 1080);
    http_proxy_url(url, &p, &at);
    CHECK_TEXT("http://u:p@[2001:db8::1]:1080/", url, "IPv6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_goes_without),
        cmocka_unit_test(which_one),
        cmocka_unit_test(plain_http_has_its_own),
        cmocka_unit_test(a_password_is_not_said),
        cmocka_unit_test(the_address_in_place_of_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
