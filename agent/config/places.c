/*
 * The readers of values that say where something is: files, hosts, servers, URLs,
 * prefixes.
 */
#include "config/values.h"

#include "config/resolv_conf.h"
#include "core/host_port.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define UNUSED(x) (void)(x)

/* Adds to `must` and returns false: the end of every reader that refuses. */
#define REFUSE(...) (text_add(must, __VA_ARGS__), false)

bool config_read_file(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    if (*value != '/')
        return REFUSE("be an absolute path, beginning with '/'");
    return config_read_text(field, key, value, kinds, must);
}

/* Visible ASCII only, as it goes into a request. */
static bool visible(const char *text)
{
    while (*text > ' ' && *text < 0x7F)
        text++;
    return *text == '\0';
}

bool config_read_path(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    if (*value != '/' || !visible(value))
        return REFUSE("begin with '/' and be of visible ASCII characters only");
    return config_read_text(field, key, value, kinds, must);
}

#define WORD_MAX 64

/* Takes the next word of a list off `*at`, cut where it is longer; false at the end.
 * `*fine`: it is `valid`, and all of it. */
static bool next_word(const char **at, char word[WORD_MAX], bool (*valid)(const char *),
                      bool *fine)
{
    if (**at == '\0')
        return false;
    size_t len = strcspn(*at, " \t,");
    bool whole = len > 0 && len < WORD_MAX;
    text_copy(word, whole ? len + 1 : WORD_MAX, *at);
    *fine = whole && valid(word);
    *at += len + strspn(*at + len, " \t,");
    return true;
}

bool config_read_servers(void *field, const struct config_key *key, const char *value,
                         const struct kinds *kinds, struct text *must)
{
    struct dns_server list[DNS_SERVERS_MAX];
    char wrong[DNS_SERVER_TEXT_MAX] = ",";
    int n = dns_servers_parse(list, value, wrong);
    if (n == -E2BIG)
        return REFUSE("be at most %d addresses", DNS_SERVERS_MAX);
    if (n < 0 || (n == 0 && *value != '\0'))
        return REFUSE("be addresses of DNS servers, such as 192.0.2.1 or "
                      "[2001:db8::1]:5353; '%s' is none",
                      wrong);
    return config_read_text(field, key, value, kinds, must);
}

/* ADDRESS/LENGTH, and nothing behind the length (RFC 4632, 3.1). */
static bool parse_prefix(struct endpoint *e, size_t *length, const char *word)
{
    char address[ADDRESS_TEXT_MAX];
    int64_t bits;
    size_t len = strcspn(word, "/");
    if (word[len] != '/' || len >= sizeof address)
        return false;
    text_copy(address, len + 1, word);
    if (!endpoint_parse(e, address, 0) ||
        !text_to_integer(word + len + 1, 1, e->family == FAMILY_IPV4 ? 32 : 128, &bits))
        return false;
    for (size_t bit = (size_t)bits; bit < 128; bit++)
        if (e->bytes[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    *length = (size_t)bits;
    return true;
}

static bool is_prefix(const char *word)
{
    struct endpoint e;
    size_t length;
    return parse_prefix(&e, &length, word);
}

/*
 * Networks that no provider announces, by IANA's registries of special-purpose addresses
 * (RFC 6890). Not those of documentation (RFC 5737, RFC 3849), which stand in examples.
 * Of IPv6 all but 2000::/3 (RFC 4291, 2.4).
 */
static const struct {
    uint8_t bytes[2];
    uint8_t length;
    const char *what;
} not_public[] = {
    {{0, 0}, 8, "\"this network\""},
    {{10, 0}, 8, "private"},
    {{100, 64}, 10, "of carrier-grade NAT"},
    {{127, 0}, 8, "loopback"},
    {{169, 254}, 16, "link-local"},
    {{172, 16}, 12, "private"},
    {{192, 168}, 16, "private"},
    {{198, 18}, 15, "of benchmarks"},
    {{224, 0}, 4, "multicast"},
    {{240, 0}, 4, "reserved"},
};

/* What a prefix is that lies in such a network or has one in it; NULL: public. */
static const char *why_not_public(const char *word)
{
    struct endpoint e = {.port = 0};
    size_t length = 0;
    parse_prefix(&e, &length, word);
    unsigned begin = (unsigned)(e.bytes[0] << 8 | e.bytes[1]);
    if (e.family == FAMILY_IPV6)
        return e.bytes[0] >> 5 == 1 && length >= 3 ? NULL : "not global unicast";
    for (size_t i = 0; i < sizeof not_public / sizeof *not_public; i++) {
        unsigned network =
            (unsigned)(not_public[i].bytes[0] << 8 | not_public[i].bytes[1]);
        size_t shorter = length < not_public[i].length ? length : not_public[i].length;
        if ((begin ^ network) >> (16 - shorter) == 0)
            return not_public[i].what;
    }
    return NULL;
}

/* Public, as Azure asks for (Peering Service prefix requirements). */
bool config_read_prefixes(void *field, const struct config_key *key, const char *value,
                          const struct kinds *kinds, struct text *must)
{
    char word[WORD_MAX];
    bool fine;
    for (const char *at = value; next_word(&at, word, is_prefix, &fine);) {
        if (!fine)
            return REFUSE("be prefixes, such as 203.0.113.0/24; '%s' is none", word);
        const char *what = why_not_public(word);
        if (what != NULL)
            return REFUSE("be public prefixes, as registered in Azure; '%s' is %s, or "
                          "has such addresses in it",
                          word, what);
    }
    return config_read_text(field, key, value, kinds, must);
}

bool config_read_host(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    struct endpoint e;
    char zone[ZONE_TEXT_MAX];
    /* also what is wrong is kept: "has no host" would not help any further */
    if (!config_read_text(field, key, value, kinds, must))
        return false;
    if (endpoint_parse_zoned(&e, zone, value, 0))
        return endpoint_is_host(&e) ||
               REFUSE("be the address of one host, not of many or of none");
    if (host_is_name(value))
        return true;
    if (strstr(value, "://") != NULL)
        return REFUSE("be a name or an address only, without scheme and path");
    if (strchr(value, '/') != NULL)
        return REFUSE("be a name or an address only; the path is a key of its own: "
                      "path = %s",
                      strchr(value, '/'));
    struct host_port h;
    if (host_port_parse(&h, value, HOST_REMOTE) == NULL && h.has_port)
        return REFUSE("be a name or an address only, without brackets; the port is a key "
                      "of its own: port = %u",
                      h.port);
    return REFUSE("be a host name or an address without brackets; an international name "
                  "in its xn-- form");
}

static bool is_authority(const char *text, size_t len)
{
    struct host_port h;
    return host_port_parse_url(&h, text, len) == NULL;
}

bool config_read_url(void *field, const struct config_key *key, const char *value,
                     const struct kinds *kinds, struct text *must)
{
    static const char metrics[] = "/v1/metrics";
    const char *rest = strncmp(value, "https://", 8) == 0  ? value + 8
                       : strncmp(value, "http://", 7) == 0 ? value + 7
                                                           : NULL;
    if (rest == NULL)
        return REFUSE("begin with https:// or http://");
    if (memchr(rest, '@', strcspn(rest, "/")) != NULL)
        return REFUSE("be without user and password; put an Authorization header into "
                      "header_file");
    if (!visible(value) || strpbrk(rest, "?#") != NULL ||
        !is_authority(rest, strcspn(rest, "/")))
        return REFUSE("be a URL such as https://collector.example:4318, without query");
    if (!config_read_text(field, key, value, kinds, must))
        return false;

    char *url = field;
    size_t len = strlen(url);
    while (url[len - 1] == '/')
        url[--len] = '\0';
    if (len >= strlen(metrics) && strcmp(url + len - strlen(metrics), metrics) == 0)
        return REFUSE("be the base URL: %s is appended", metrics);
    return true;
}

bool config_read_proxy(void *field, const struct config_key *key, const char *value,
                       const struct kinds *kinds, struct text *must)
{
    static const char scheme[] = "http://";
    if (strcmp(value, "none") == 0)
        return config_read_text(field, key, value, kinds, must);
    const char *rest = value + strlen(scheme);
    if (strncmp(value, scheme, strlen(scheme)) != 0)
        return REFUSE("be none, or begin with http://: other proxies are not supported");
    if (strchr(rest, '@') != NULL)
        return REFUSE("be without user and password; put those into https_proxy of the "
                      "service's environment");
    size_t len = strcspn(rest, "/");
    if (!is_authority(rest, len) || strcmp(rest + len, "/") > 0)
        return REFUSE("be none, or of the form http://proxy.example:3128");
    return config_read_text(field, key, value, kinds, must);
}
