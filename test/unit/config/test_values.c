#include "config/values.h"
#include "core/splay.h"

#include "base/text.h"
#include "check.h"

static const struct kind icmp = {"icmp", {"rtt"}, 0, NS_PER_S, NS_PER_S};
static const struct kind tcp = {"tcp", {"rtt"}, USES_PORT, NS_PER_S, NS_PER_S};
static const struct kinds kinds = {.list = {&icmp, &tcp}, .n = 2};

static const struct config_key *find(const char *section, const char *name)
{
    for (size_t i = 0; i < config_keys_count; i++)
        if (strcmp(config_section_names[config_keys[i].section], section) == 0 &&
            strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    fail_msg("there is no key %s in [%s]", name, section);
    return NULL;
}

#define X8(x)  x x x x x x x x
#define X64(x) X8(X8(x))

static const struct {
    const char *section, *key, *value, *must; /* NULL: it is fine */
} cases[] = {
    {"agent", "site", "K\xC3\xB6ln", NULL},
    {"agent", "site", "\"here\"", "be written without quotes"},
    {"agent", "site", X64("a"), "be at most 63 bytes long"},
    {"agent", "window", "5s", NULL},
    {"agent", "window", "1h", NULL},
    {"agent", "window", "7.5s", NULL},
    {"agent", "window", "4s", "be a duration from 5s to 1h"},
    {"agent", "window", "60", "be a duration from 5s to 1h, with its unit: 60s or 60m"},
    {"agent", "window", "7s", "divide 24 h evenly (10s, 60s, 5m)"},
    {"agent", "window", "-5s", "be a duration from 5s to 1h"},
    {"agent", "schedule", "Poisson", "be periodic or poisson"},
    {"agent", "nearest", "256", NULL},
    {"agent", "nearest", "257", "be a whole number from 1 to 256"},
    {"agent", "nearest", "3.0", "be a whole number from 1 to 256"},
    {"agent", "state_dir", "var/lib", "be an absolute path, beginning with '/'"},
    {"agent", "loss_limit", "1%", NULL},
    {"agent", "loss_limit", "0.1", "be a share from 1% to 100%"},
    {"agent", "loss_limit", "101%", "be a share from 1% to 100%"},
    {"agent", "loss_limit", "nan%", "be a share from 1% to 100%"},
    {"agent", "loss_limit", "%", "be a share from 1% to 100%"},
    {"agent", "hysteresis_least", "0ms", NULL},

    {"agent", "front_doors", "0", NULL},
    {"agent", "front_doors", "17", "be a whole number from 0 to 16"},
    {"peering_service", "primary_metro", "AMS", NULL},
    {"peering_service", "primary_metro", "CO", NULL},
    {"peering_service", "backup_metro", "ams",
     "be the code of a metro, two or three upper-case letters such as AMS"},
    {"peering_service", "backup_metro", "LOND",
     "be the code of a metro, two or three upper-case letters such as AMS"},
    {"bmp", "listen", "192.0.2.10:11019", NULL},
    {"bmp", "listen", "[2001:db8::10]:11019", NULL},
    {"bmp", "listen", "192.0.2.10",
     "be an address of this host and a port, such as 192.0.2.10:11019 or "
     "[2001:db8::10]:11019"},
    {"bmp", "validator", "[2001:db8::20]:323", NULL},
    {"bmp", "validator", "192.0.2.20",
     "be an address and a port, such as 192.0.2.20:323 or [2001:db8::20]:323"},
    {"bmp", "validator", "rpki.example.com:323",
     "be an address and a port, such as 192.0.2.20:323 or [2001:db8::20]:323"},
    {"bmp", "listen", "router:11019",
     "be an address of this host and a port, such as 192.0.2.10:11019 or "
     "[2001:db8::10]:11019"},
    {"bmp", "routers", "192.0.2.1, 2001:db8::1", NULL},
    {"bmp", "routers", "192.0.2.1 all",
     "be addresses, such as 192.0.2.1 or 2001:db8::1; 'all' is none"},
    {"traffic", "interfaces", "eth0, ppp0 br-lan.7", NULL},
    {"traffic", "interfaces", "none", NULL},
    {"traffic", "interfaces", "eth0/1",
     "be names of interfaces, such as eth0 wan0; 'eth0/1' is none"},
    {"traffic", "interfaces", "sixteen-letters0",
     "be names of interfaces, such as eth0 wan0; 'sixteen-letters0' is none"},
    {"traffic", "interfaces", "none eth0",
     "be names of interfaces, such as eth0 wan0, or none, not both"},
    {"traffic", "interfaces", "a b c d e f g h i", "be at most 8 interfaces"},
    {"traffic", "counters", "/run/edgelat-traffic/counters", NULL},
    {"traffic", "handshakes", "br-lan", NULL},
    {"traffic", "handshakes", "eth0 eth1",
     "be the name of one interface, such as br-lan"},
    {"traffic", "flows", "192.0.2.10:2055, [2001:db8::10]:6343", NULL},
    {"traffic", "flows", "192.0.2.10:2055 2055",
     "be addresses of this host with a port, such as 192.0.2.10:2055 or "
     "[2001:db8::10]:2055; '2055' is none"},
    {"traffic", "flows", "1.1.1.1:1 1.1.1.1:2 1.1.1.1:3 1.1.1.1:4 1.1.1.1:5",
     "be at most 4 addresses with a port"},
    {"traffic", "sampling", "192.0.2.1=100 2001:db8::1=1", NULL},
    {"traffic", "flows", "192.0.2.10:2055 192.0.2.10:4739 192.0.2.10:2055",
     "name each once; '192.0.2.10:2055' is there twice, so correct or remove one"},
    {"traffic", "flows", "192.0.2.10:2055 0.0.0.0:2055",
     "name each once; '192.0.2.10:2055' and '0.0.0.0:2055' are the same, so correct or "
     "remove one"},
    {"traffic", "flows", "[2001:db8::1]:2055 [2001:DB8:0::1]:2055",
     "name each once; '[2001:db8::1]:2055' and '[2001:DB8:0::1]:2055' are the same, so "
     "correct or remove one"},
    {"traffic", "flows", "0.0.0.0:2055 0.0.0.0:4739 [::]:2055", NULL},
    {"traffic", "sampling", "192.0.2.1=10 192.0.2.1=20",
     "name each once; '192.0.2.1=10' and '192.0.2.1=20' are the same, so correct or "
     "remove one"},
    {"traffic", "exporters", "192.0.2.1 192.0.2.2 192.0.2.1",
     "name each once; '192.0.2.1' is there twice, so correct or remove one"},
    {"traffic", "interfaces", "eth0 eth0",
     "name each once; 'eth0' is there twice, so correct or remove one"},
    {"bmp", "routers", "2001:db8::1 2001:db8:0:0::1",
     "name each once; '2001:db8::1' and '2001:db8:0:0::1' are the same, so correct or "
     "remove one"},
    {"bmp", "primary_peers", "192.0.2.1, 192.0.2.1",
     "name each once; '192.0.2.1' is there twice, so correct or remove one"},
    {"peering_service", "prefixes", "203.0.113.0/24 203.0.113.0/24",
     "name each once; '203.0.113.0/24' is there twice, so correct or remove one"},
    {"peering_service", "prefixes", "203.0.113.0/24 203.0.113.0/25", NULL},
    {"peering_service", "public_addresses", "203.0.113.1 203.0.113.1",
     "name each once; '203.0.113.1' is there twice, so correct or remove one"},
    {"target", "kinds", "icmp tcp icmp",
     "name each once; 'icmp' is there twice, so correct or remove one"},
    {"traffic", "sampling", "192.0.2.1=1:100",
     "be ADDRESS=N with N from 1 to 1000000, such as 192.0.2.1=100; '192.0.2.1=1:100' is "
     "none"},
    {"traffic", "sampling", "100",
     "be ADDRESS=N with N from 1 to 1000000, such as 192.0.2.1=100; '100' is none"},
    {"peering_service", "prefixes", "203.0.113.0/24", NULL},
    {"peering_service", "prefixes", "203.0.113.0/25, 2001:db8::/32", NULL},
    {"peering_service", "prefixes", "203.0.113.0",
     "be prefixes, such as 203.0.113.0/24; '203.0.113.0' is none"},
    {"peering_service", "prefixes", "203.0.113.1/24",
     "be prefixes, such as 203.0.113.0/24; '203.0.113.1/24' is none"},
    {"peering_service", "prefixes", "203.0.113.0/33",
     "be prefixes, such as 203.0.113.0/24; '203.0.113.0/33' is none"},
    {"peering_service", "prefixes", "10.0.0.0/8",
     "be public prefixes, as registered in Azure; '10.0.0.0/8' is private, or has such addresses in it"},
    {"peering_service", "prefixes", "10.20.0.0/24",
     "be public prefixes, as registered in Azure; '10.20.0.0/24' is private, or has such addresses in it"},
    {"peering_service", "prefixes", "8.0.0.0/6",
     "be public prefixes, as registered in Azure; '8.0.0.0/6' is private, or has such addresses in it"},
    {"peering_service", "prefixes", "172.31.255.0/24",
     "be public prefixes, as registered in Azure; '172.31.255.0/24' is private, or has such addresses in it"},
    {"peering_service", "prefixes", "192.168.1.0/24",
     "be public prefixes, as registered in Azure; '192.168.1.0/24' is private, or has such addresses in it"},
    {"peering_service", "prefixes", "192.0.0.0/8",
     "be public prefixes, as registered in Azure; '192.0.0.0/8' is private, or has such addresses in it"},
    {"peering_service", "prefixes", "100.127.0.0/16",
     "be public prefixes, as registered in Azure; '100.127.0.0/16' is of carrier-grade NAT, or has such addresses in it"},
    {"peering_service", "prefixes", "127.0.0.0/8",
     "be public prefixes, as registered in Azure; '127.0.0.0/8' is loopback, or has such addresses in it"},
    {"peering_service", "prefixes", "127.0.0.1/32",
     "be public prefixes, as registered in Azure; '127.0.0.1/32' is loopback, or has such addresses in it"},
    {"peering_service", "prefixes", "169.254.0.0/16",
     "be public prefixes, as registered in Azure; '169.254.0.0/16' is link-local, or has such addresses in it"},
    {"peering_service", "prefixes", "198.19.0.0/16",
     "be public prefixes, as registered in Azure; '198.19.0.0/16' is of benchmarks, or has such addresses in it"},
    {"peering_service", "prefixes", "239.1.2.0/24",
     "be public prefixes, as registered in Azure; '239.1.2.0/24' is multicast, or has such addresses in it"},
    {"peering_service", "prefixes", "255.255.255.255/32",
     "be public prefixes, as registered in Azure; '255.255.255.255/32' is reserved, or has such addresses in it"},
    {"peering_service", "prefixes", "0.0.0.0/8",
     "be public prefixes, as registered in Azure; '0.0.0.0/8' is \"this network\", or has such addresses in it"},
    {"peering_service", "prefixes", "128.0.0.0/1",
     "be public prefixes, as registered in Azure; '128.0.0.0/1' is link-local, or has such addresses in it"},
    {"peering_service", "prefixes", "fd00::/8",
     "be public prefixes, as registered in Azure; 'fd00::/8' is not global unicast, or has such addresses in it"},
    {"peering_service", "prefixes", "fe80::/10",
     "be public prefixes, as registered in Azure; 'fe80::/10' is not global unicast, or has such addresses in it"},
    {"peering_service", "prefixes", "::1/128",
     "be public prefixes, as registered in Azure; '::1/128' is not global unicast, or has such addresses in it"},
    {"peering_service", "prefixes", "ff02::/16",
     "be public prefixes, as registered in Azure; 'ff02::/16' is not global unicast, or has such addresses in it"},
    {"peering_service", "prefixes", "0.0.0.0/0",
     "be prefixes, such as 203.0.113.0/24; '0.0.0.0/0' is none"},
    {"peering_service", "prefixes", "11.0.0.0/8 172.32.0.0/16 100.128.0.0/9", NULL},
    {"peering_service", "prefixes", "192.167.0.0/16 198.20.0.0/16 223.255.255.0/24",
     NULL},

    {"dns", "servers", "192.0.2.1", NULL},
    {"dns", "servers", "2001:db8::1,192.0.2.1:53", NULL},
    {"dns", "servers", "[2001:db8::1]", NULL},
    {"dns", "servers", "fe80::1%eth0 [fe80::2%eth0]:5353", NULL},
    {"dns", "servers", "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8",
     NULL},
    {"dns", "servers", "192.0.2.1 192.0.2.1:53",
     "name each once; '192.0.2.1' and '192.0.2.1:53' are the same, so correct or remove "
     "one"},
    {"dns", "servers", "fe80::1%eth0 fe80::1%eth1", NULL},
    {"dns", "servers", X8("192.0.2.1 ") "192.0.2.1", "be at most 8 addresses"},
    {"dns", "servers", "192.0.2.1:0",
     "be addresses of DNS servers, such as 192.0.2.1 or [2001:db8::1]:5353; "
     "'192.0.2.1:0' is none"},
    {"dns", "servers", "192.0.2.1 dns.example",
     "be addresses of DNS servers, such as 192.0.2.1 or [2001:db8::1]:5353; "
     "'dns.example' is none"},
    {"dns", "servers", "[192.0.2.1]:53",
     "be addresses of DNS servers, such as 192.0.2.1 or [2001:db8::1]:5353; "
     "'[192.0.2.1]:53' is none"},
    {"dns", "servers", "[2001:db8::1",
     "be addresses of DNS servers, such as 192.0.2.1 or [2001:db8::1]:5353; "
     "'[2001:db8::1' is none"},
    {"dns", "servers", ",",
     "be addresses of DNS servers, such as 192.0.2.1 or [2001:db8::1]:5353; ',' is none"},

    {"collector", "url", "https://c.example", NULL},
    {"collector", "temporality", "deltas", "be cumulative or delta"},
    {"collector", "catch_up", "1001", "be a whole number from 0 to 1000"},
    {"collector", "proxy", "https://p:3128",
     "be none, or begin with http://: other proxies are not supported"},
    {"collector", "url", "http://127.0.0.1:4318/", NULL},
    {"collector", "url", "https://[2001:db8::1]:4318/a/b", NULL},
    {"collector", "url", "https://collector", NULL},
    {"collector", "url", "c.example:4318", "begin with https:// or http://"},
    {"collector", "url", "ftp://c.example", "begin with https:// or http://"},
    {"collector", "url", "https://",
     "be a URL such as https://collector.example:4318, "
     "without query"},
    {"collector", "url", "https://c.example:99999",
     "be a URL such as https://collector.example:4318, without query"},
    {"collector", "url", "https://2001:db8::1/",
     "be a URL such as https://collector.example:4318, without query"},
    {"collector", "url", "https://c.example/a b",
     "be a URL such as https://collector.example:4318, without query"},
    {"collector", "url", "https://c.example/?token=1",
     "be a URL such as https://collector.example:4318, without query"},
    {"collector", "url", "https://me:secret@c.example",
     "be without user and password; put an Authorization header into header_file"},
    {"collector", "url", "https://c.example/v1/metrics/",
     "be the base URL: /v1/metrics is appended"},
    {"collector", "url", "https://c.example/" X64("abcdefgh"),
     "be at most 511 bytes long"},

    {"spool", "size", "1M", NULL},
    {"spool", "size", "1048576", NULL},
    {"spool", "size", "1024K", NULL},
    {"spool", "size", "64G", NULL},
    {"spool", "history", "0", NULL},
    {"spool", "history", "65G", "be a size from 0 to 64G, with K, M or G for its unit"},
    {"spool", "size", "65G", "be a size from 1M to 64G, with K, M or G for its unit"},
    {"spool", "size", "99999999999999999999G",
     "be a size from 1M to 64G, with K, M or G for its unit"},
    {"spool", "size", "64", "be a size from 1M to 64G, with K, M or G for its unit"},
    {"spool", "size", "64MB", "be a size from 1M to 64G, with K, M or G for its unit"},
    {"spool", "size", "M", "be a size from 1M to 64G, with K, M or G for its unit"},
    {"spool", "size", "-1M", "be a size from 1M to 64G, with K, M or G for its unit"},

    {"target", "delay_limit", "60ms", NULL},
    {"target", "variation_limit", "0s", "be a duration from 100us to 10s"},
    {"target", "distance_limit", "800km", NULL},
    {"target", "distance_limit", "800", "be a distance from 1km to 20000km"},
    {"target", "distance_limit", "km", "be a distance from 1km to 20000km"},
    {"target", "proxy", "none", NULL},
    {"target", "proxy", "http://proxy.example:3128", NULL},
    {"target", "proxy", "http://[2001:db8::1]:3128/", NULL},
    {"target", "proxy", "http://proxy.example:3128/x",
     "be none, or of the form http://proxy.example:3128"},
    {"target", "proxy", "http://:3128",
     "be none, or of the form http://proxy.example:3128"},
    {"target", "proxy", "proxy.example:3128",
     "be none, or begin with http://: other proxies are not supported"},
    {"target", "proxy", "http://u:p@proxy.example",
     "be without user and password; put those into https_proxy of the service's "
     "environment"},
    {"target", "host", "outlook.office365.com", NULL},
    {"target", "host", "localhost", NULL},
    {"target", "host", "a_b.example", NULL},
    {"target", "host", "xn--kln-sna.example", NULL},
    {"target", "host", "192.0.2.1", NULL},
    {"target", "host", "2001:db8::1", NULL},
    {"target", "host", "0.0.0.0", "be the address of one host, not of many or of none"},
    {"target", "host", "224.0.0.1", "be the address of one host, not of many or of none"},
    {"target", "host", "ff02::1", "be the address of one host, not of many or of none"},
    {"target", "host", "https://teams.microsoft.com/",
     "be a name or an address only, without scheme and path"},
    {"target", "host", "teams.microsoft.com/x",
     "be a name or an address only; the path is a key of its own: path = /x"},
    {"target", "host", "teams.microsoft.com:443",
     "be a name or an address only, without brackets; the port is a key of its own: port "
     "= 443"},
    {"target", "host", "[2001:db8::1]:443",
     "be a name or an address only, without brackets; the port is a key of its own: port "
     "= 443"},
    {"target", "host", "[2001:db8::1]",
     "be a host name or an address without brackets; an international name in its xn-- "
     "form"},
    {"target", "host", "192.0.2.256",
     "be a host name or an address without brackets; an international name in its xn-- "
     "form"},
    {"target", "host", "k\xC3\xB6ln.example",
     "be a host name or an address without brackets; an international name in its xn-- "
     "form"},
    {"target", "host", "a..b",
     "be a host name or an address without brackets; an international name in its xn-- "
     "form"},
    {"target", "host", X64("a") ".example",
     "be a host name or an address without brackets; an international name in its xn-- "
     "form"},
    {"target", "host", X64("a.b."), "be at most 253 bytes long"},

    {"target", "port", "65535", NULL},
    {"target", "port", "65536", "be a whole number from 1 to 65535"},
    {"target", "path", "/pixel.gif?a=b", NULL},
    {"target", "path", "pixel.gif",
     "begin with '/' and be of visible ASCII characters only"},
    {"target", "path", "/a b", "begin with '/' and be of visible ASCII characters only"},
    {"target", "family", "both", NULL},
    {"target", "family", "IPv4", "be ipv4, ipv6 or both"},
    {"target", "kinds", "tcp  icmp", NULL},
    {"target", "kinds", "tcp icpm",
     "be kinds separated by spaces, of: icmp tcp; did you mean 'icmp'?"},
    {"target", "kinds", "tcp,icmp", "be kinds separated by spaces, of: icmp tcp"},
    {"target", "kinds", "a-kind-with-a-very-long-name-indeed",
     "be kinds separated by spaces, of: icmp tcp"},
    {"target", "interval", "1s", NULL},
    {"target", "interval", "999ms", "be a duration from 1s to 1d"},
    {"target", "slow_interval", "2d", "be a duration from 1s to 1d"},
    {"target", "waiting", "99ms", "be a duration from 100ms to 10s"},
    {"target", "waiting", "11s", "be a duration from 100ms to 10s"},
    {"target", "payload", "15", "be a whole number from 16 to 1400"},
    {"target", "dscp", "64", "be a whole number from 0 to 63"},
    {"target", "dont_fragment", "true", "be yes or no"},
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text must = {0};
        const struct config_key *key = find(cases[i].section, cases[i].key);
        void *field = calloc(1, key->size); /* of its own: the sanitizer sees its end */
        bool fine = key->read(field, key, cases[i].value, &kinds, &must);
        CHECK(fine == (cases[i].must == NULL), "%s = %s: %s", cases[i].key,
              cases[i].value, fine ? "was taken" : text_string(&must));
        CHECK_TEXT(fine ? "" : cases[i].must, text_string(&must), cases[i].value);
        free(field);
        text_free(&must);
    }
}

static void keep_problem(const char *text, void *user)
{
    text_add(user, "%s\n", text);
}

static void test_secrets_are_not_shown(void **state)
{
    (void)state;
    static const char text[] = "[collector]\nurl = https://me:sesame@c.example\n"
                               "proxy = http://me:sesame@proxy.example:1\n"
                               "header_file = Authorization: Bearer sesame\n"
                               "[collector backup]\nurl = https://c.example/?t=sesame\n";
    static const char *const seen[] = {
        "f:2: url = @c.example in [collector]: must be without user",
        "f:3: proxy = @proxy.example:1 in [collector]: must be without user",
        "f:4: header_file = ... in [collector]: must be an absolute path",
        "f:6: url = https://c.example/ in [collector backup]: must be a URL",
    };
    struct config c = config_default();
    struct text said = {0};
    config_parse(&c, &kinds, "f", text, strlen(text), keep_problem, &said);
    CHECK(strstr(text_string(&said), "sesame") == NULL, "%s", text_string(&said));
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        CHECK(strstr(text_string(&said), seen[i]) != NULL, "%s in: %s", seen[i],
              text_string(&said));
    text_free(&said);
    config_free(&c);
}

/* ---- the shipped files know the keys ---- */

static char *file_text(const char *path, size_t *len)
{
    FILE *f = fopen(path, "r");
    CHECK(f != NULL, "%s is readable from the project's folder", path);
    char *text = calloc(1, CONFIG_BYTES_MAX);
    *len = fread(text, 1, CONFIG_BYTES_MAX - 1, f);
    fclose(f);
    return text;
}

static bool has_word(const char *text, const char *word)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += len)
        if (at > text && strchr(letters, at[-1]) == NULL &&
            (at[len] == '\0' || strchr(letters, at[len]) == NULL))
            return true;
    return false;
}

static void test_documented(void **state)
{
    (void)state;
    static const char *const paths[] = {"packaging/edgelat.conf",
                                        "packaging/man/edgelat.conf.5"};
    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
        size_t len;
        char *text = file_text(paths[p], &len);
        for (size_t i = 0; i < config_keys_count; i++)
            CHECK(has_word(text, config_keys[i].name), "%s stands in %s",
                  config_keys[i].name, paths[p]);
        free(text);
    }
}

static void print_problem(const char *text, void *user)
{
    (void)user;
    printf("# %s\n", text);
}

/* Takes away the '#' of "#key = value" and "#[section]". */
static void uncomment(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++)
        if (!(*from == '#' && (from == text || from[-1] == '\n') && from[1] != ' ' &&
              from[1] != '\n'))
            *to++ = *from;
    *to = '\0';
}

/* The shipped file shows the defaults, except for keys without a default. */
static void test_shipped_shows_the_defaults(void **state)
{
    (void)state;
    size_t len;
    char *text = file_text("packaging/edgelat.conf", &len);
    struct config shipped = config_default(), bare = config_default();
    CHECK_INT(0,
              config_parse(&bare, &kinds, "as shipped", text, len, print_problem, NULL),
              "as shipped");
    uncomment(text);
    CHECK_INT(0,
              config_parse(&shipped, &kinds, "uncommented", text, strlen(text),
                           print_problem, NULL),
              "uncommented");
    CHECK_INT(0, config_check(&shipped, &kinds, "f", print_problem, NULL), "uncommented");
    CHECK_INT(7, bare.n_targets, "targets as shipped");
    CHECK_INT(8, shipped.n_targets, "targets with the example");
    CHECK_TEXT("", bare.collectors[0].url, "no collector as shipped");
    CHECK(shipped.collectors[0].url[0] != '\0', "the example of a collector");
    CHECK(shipped.collectors[0].cert_file[0] != '\0', "the comments are taken away");

    CHECK_INT(bare.window_ns, shipped.window_ns, "window");
    CHECK_INT(bare.nearest, shipped.nearest, "nearest");
    CHECK_INT(bare.pattern, shipped.pattern, "schedule");
    CHECK_TEXT(bare.state_dir, shipped.state_dir, "state_dir");
    CHECK_NEAR(bare.ranking.loss_limit, shipped.ranking.loss_limit, 1e-12, "loss_limit");
    CHECK_NEAR(bare.ranking.margin_ratio, shipped.ranking.margin_ratio, 1e-12, "hyst.");
    CHECK_INT(bare.ranking.margin_ns, shipped.ranking.margin_ns, "hysteresis_least");
    CHECK_INT(bare.collectors[0].timeout_ns, shipped.collectors[0].timeout_ns, "timeout");
    CHECK_INT(SPLAY_DEFAULT, bare.shipping.splay_ns, "spread: follows the window");
    CHECK_INT(SPLAY_MOST_NS, shipped.shipping.splay_ns, "spread of the window shown");
    CHECK_INT(bare.shipping.catch_up, shipped.shipping.catch_up, "catch_up");
    CHECK_INT(bare.shipping.delta, shipped.shipping.delta, "temporality");
    CHECK_INT(bare.shipping.events, shipped.shipping.events, "events");
    CHECK_INT(bare.shipping.choice.histograms, shipped.shipping.choice.histograms,
              "histograms");
    CHECK_INT(bare.shipping.choice.quantiles, shipped.shipping.choice.quantiles,
              "quantiles");
    CHECK_INT(bare.shipping.choice.variation, shipped.shipping.choice.variation,
              "variation");
    CHECK_INT(bare.spool_bytes, shipped.spool_bytes, "size");
    CHECK_INT(bare.spool_count, shipped.spool_count, "batches");
    CHECK_INT(bare.spool_age_ns, shipped.spool_age_ns, "age");
    CHECK_INT(bare.history_bytes, shipped.history_bytes, "history");
    CHECK_INT(bare.history_age_ns, shipped.history_age_ns, "history_age");
    free(text);
    config_free(&shipped);
    config_free(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_secrets_are_not_shown),
        cmocka_unit_test(test_documented),
        cmocka_unit_test(test_shipped_shows_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
