#include "check.h"
#include "core/host_port.h"

/* `host` NULL: refused, with `why` in the reason. */
static const struct {
    const char *text, *host, *why;
    enum family family;
    int port; /* -1: none */
} remote[] = {
    {"teams.microsoft.com", "teams.microsoft.com", "", FAMILY_NONE, -1},
    {"teams.microsoft.com.", "teams.microsoft.com.", "", FAMILY_NONE, -1},
    {"teams.microsoft.com:443", "teams.microsoft.com", "", FAMILY_NONE, 443},
    {"teams.microsoft.com.:443", "teams.microsoft.com.", "", FAMILY_NONE, 443},
    {"_sip.host_1:5061", "_sip.host_1", "", FAMILY_NONE, 5061},
    {"intranet", "intranet", "", FAMILY_NONE, -1},
    {"1und1", "1und1", "", FAMILY_NONE, -1},
    {"192.0.2.1", "192.0.2.1", "", FAMILY_IPV4, -1},
    {"192.0.2.1:1", "192.0.2.1", "", FAMILY_IPV4, 1},
    {"192.0.2.1:65535", "192.0.2.1", "", FAMILY_IPV4, 65535},
    {"::1", "::1", "", FAMILY_IPV6, -1},
    {"::", "::", "", FAMILY_IPV6, -1},
    {"::1:443", "::1:443", "", FAMILY_IPV6, -1},
    {"2001:db8::1", "2001:db8::1", "", FAMILY_IPV6, -1},
    {"[2001:db8::1]", "2001:db8::1", "", FAMILY_IPV6, -1},
    {"[2001:db8::1]:443", "2001:db8::1", "", FAMILY_IPV6, 443},
    {"[::ffff:192.0.2.1]:443", "::ffff:192.0.2.1", "", FAMILY_IPV6, 443},
    {"fe80::1%eth0", "fe80::1%eth0", "", FAMILY_IPV6, -1},
    {"fe80::1%2", "fe80::1%2", "", FAMILY_IPV6, -1},
    {"[fe80::1%eth0]", "fe80::1%eth0", "", FAMILY_IPV6, -1},
    {"[fe80::1%eth0.100]:443", "fe80::1%eth0.100", "", FAMILY_IPV6, 443},
    {"", NULL, "no host", FAMILY_NONE, 0},
    {":443", NULL, "no host", FAMILY_NONE, 0},
    {":", NULL, "no host", FAMILY_NONE, 0},
    {"host:", NULL, "port is missing", FAMILY_NONE, 0},
    {"host:0", NULL, "from 1 to 65535", FAMILY_NONE, 0},
    {"host:65536", NULL, "from 1 to 65535", FAMILY_NONE, 0},
    {"host:443x", NULL, "from 1 to 65535", FAMILY_NONE, 0},
    {"host:-1", NULL, "from 1 to 65535", FAMILY_NONE, 0},
    {"host: 443", NULL, "from 1 to 65535", FAMILY_NONE, 0},
    {"host:99999999999999999999", NULL, "from 1 to 65535", FAMILY_NONE, 0},
    {"a:b:c", NULL, "[ADDRESS]:PORT", FAMILY_NONE, 0},
    {"2001:db8::1::443", NULL, "[ADDRESS]:PORT", FAMILY_NONE, 0},
    {"fe80::1%eth0:443", NULL, "[ADDRESS]:PORT", FAMILY_NONE, 0},
    {"fe80::1%", NULL, "[ADDRESS]:PORT", FAMILY_NONE, 0},
    {"fe80::1%name-of-16-bytes", NULL, "[ADDRESS]:PORT", FAMILY_NONE, 0},
    {"2001:db8::1%eth0", NULL, "[ADDRESS]:PORT", FAMILY_NONE, 0},
    {"192.0.2.1%eth0", NULL, "host name or an address", FAMILY_NONE, 0},
    {"[::1", NULL, "']' is missing", FAMILY_NONE, 0},
    {"[", NULL, "']' is missing", FAMILY_NONE, 0},
    {"[fe80::1%lo", NULL, "']' is missing", FAMILY_NONE, 0},
    {"[]", NULL, "IPv6 address", FAMILY_NONE, 0},
    {"[]:443", NULL, "IPv6 address", FAMILY_NONE, 0},
    {"[::1]junk", NULL, "after ']'", FAMILY_NONE, 0},
    {"[::1]443", NULL, "after ']'", FAMILY_NONE, 0},
    {"[::1]]:443", NULL, "after ']'", FAMILY_NONE, 0},
    {"[::1]:", NULL, "port is missing", FAMILY_NONE, 0},
    {"[::1]:0", NULL, "from 1 to 65535", FAMILY_NONE, 0},
    {"[::1]:443:1", NULL, "from 1 to 65535", FAMILY_NONE, 0},
    {"[[::1]]", NULL, "IPv6 address", FAMILY_NONE, 0},
    {"[teams.microsoft.com]:443", NULL, "IPv6 address", FAMILY_NONE, 0},
    {"[192.0.2.1]:443", NULL, "IPv6 address", FAMILY_NONE, 0},
    {"::1]", NULL, "[ADDRESS]:PORT", FAMILY_NONE, 0},
    {"192.0.2.256", NULL, "host name or an address", FAMILY_NONE, 0},
    {"192.0.2", NULL, "host name or an address", FAMILY_NONE, 0},
    {"a..b", NULL, "host name or an address", FAMILY_NONE, 0},
    {".", NULL, "host name or an address", FAMILY_NONE, 0},
    {"a..", NULL, "host name or an address", FAMILY_NONE, 0},
    {"-a", NULL, "host name or an address", FAMILY_NONE, 0},
    {"two words", NULL, "host name or an address", FAMILY_NONE, 0},
    {"b\xc3\xbc"
     "cher.example",
     NULL, "xn--", FAMILY_NONE, 0},
};

static void to_connect_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++) {
        struct host_port h;
        const char *why = host_port_parse(&h, remote[i].text, HOST_REMOTE);
        if (remote[i].host == NULL) {
            CHECK(why != NULL && strstr(why, remote[i].why) != NULL, "'%s': %s",
                  remote[i].text, why);
            continue;
        }
        CHECK(why == NULL, "'%s': %s", remote[i].text, why);
        CHECK_TEXT(remote[i].host, h.host, remote[i].text);
        CHECK_INT(remote[i].family, h.family, remote[i].text);
        CHECK_INT(remote[i].port, h.has_port ? h.port : -1, remote[i].text);
    }
}

static void to_listen_at(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port; /* -1: none */
    } cases[] = {
        {"127.0.0.1:4318", "127.0.0.1", 4318},
        {"127.0.0.1:0", "127.0.0.1", 0},
        {"[::1]:0", "::1", 0},
        {"localhost:4318", "localhost", 4318},
        {":4318", "", 4318},
        {":0", "", 0},
        {"127.0.0.1", "127.0.0.1", -1},
        {"", NULL, 0},
        {":", NULL, 0},
        {":65536", NULL, 0},
        {"127.0.0.1:99999", NULL, 0},
        {"[::1", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host_port h;
        const char *why = host_port_parse(&h, cases[i].text, HOST_LISTEN);
        CHECK_INT(cases[i].host == NULL, why != NULL, cases[i].text);
        if (why != NULL)
            continue;
        CHECK_TEXT(cases[i].host, h.host, cases[i].text);
        CHECK_INT(cases[i].port, h.has_port ? h.port : -1, cases[i].text);
    }
}

static void the_longest_name(void **state)
{
    (void)state;
    char text[300];
    struct host_port h;
    memset(text, 'a', sizeof text);
    for (int i = 63; i < 300; i += 64)
        text[i] = '.';
    strcpy(text + 253, ":443");
    CHECK(host_port_parse(&h, text, HOST_REMOTE) == NULL, "253 characters and a port");
    CHECK_INT(253, strlen(h.host), "all of it");
    memset(text + 253, 'a', 10);
    strcpy(text + 254, ":443");
    CHECK(host_port_parse(&h, text, HOST_REMOTE) != NULL, "one more");
}

static void of_a_url(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
    } cases[] = {
        {"collector.example", "collector.example", -1},
        {"collector.example:4318", "collector.example", 4318},
        {"[2001:db8::1]:4318", "2001:db8::1", 4318},
        {"[fe80::1%25eth0]:4318", "fe80::1%eth0", 4318},
        {"[fe80::1%eth0]", "fe80::1%eth0", -1},
        {"2001:db8::1", NULL, 0},
        {"[::1]junk", NULL, 0},
        {"[::1", NULL, 0},
        {"host:0", NULL, 0},
        {"", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host_port h;
        char longer[64];
        snprintf(longer, sizeof longer, "%s/path", cases[i].text);
        const char *why = host_port_parse_url(&h, longer, strlen(cases[i].text));
        CHECK_INT(cases[i].host == NULL, why != NULL, cases[i].text);
        if (why != NULL)
            continue;
        CHECK_TEXT(cases[i].host, h.host, cases[i].text);
        CHECK_INT(cases[i].port, h.has_port ? h.port : -1, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_connect_to),
        cmocka_unit_test(to_listen_at),
        cmocka_unit_test(of_a_url),
        cmocka_unit_test(the_longest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
