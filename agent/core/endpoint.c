#include "core/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *endpoint_address(char out[ADDRESS_TEXT_MAX], const struct endpoint *e)
{
    out[0] = '\0';
    if (e->family == FAMILY_IPV4 || e->family == FAMILY_IPV6)
        inet_ntop(e->family == FAMILY_IPV4 ? AF_INET : AF_INET6, e->bytes, out,
                  ADDRESS_TEXT_MAX);
    return out;
}

bool endpoint_parse(struct endpoint *out, const char *address, uint16_t port)
{
    struct endpoint e = {.port = port};
    if (inet_pton(AF_INET, address, e.bytes) == 1)
        e.family = FAMILY_IPV4;
    else if (inet_pton(AF_INET6, address, e.bytes) == 1)
        e.family = FAMILY_IPV6;
    else
        return false;
    *out = e;
    return true;
}

bool endpoint_is_link_local(const struct endpoint *e)
{
    return e->family == FAMILY_IPV6 && e->bytes[0] == 0xfe &&
           (e->bytes[1] & 0xc0) == 0x80;
}

bool endpoint_parse_zoned(struct endpoint *out, char zone[ZONE_TEXT_MAX],
                          const char *address, uint16_t port)
{
    char plain[ADDRESS_TEXT_MAX];
    struct endpoint e;
    size_t len = strcspn(address, "%");
    zone[0] = '\0';
    if (address[len] == '\0')
        return endpoint_parse(out, address, port);
    const char *name = address + len + 1;
    size_t name_len = strlen(name);
    if (len >= sizeof plain || name_len == 0 || name_len >= ZONE_TEXT_MAX ||
        strpbrk(name, "%/:[] \t") != NULL)
        return false;
    memcpy(plain, address, len);
    plain[len] = '\0';
    if (!endpoint_parse(&e, plain, port) || !endpoint_is_link_local(&e))
        return false;
    memcpy(zone, name, name_len + 1);
    *out = e;
    return true;
}

enum family endpoint_literal(const char *host)
{
    struct endpoint e = {.family = FAMILY_NONE};
    char zone[ZONE_TEXT_MAX];
    endpoint_parse_zoned(&e, zone, host, 0);
    return (enum family)e.family;
}

bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family && a->scope == b->scope &&
           memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

uint32_t endpoint_hash(const struct endpoint *e)
{
    uint32_t hash = (2166136261u ^ e->family ^ e->scope) * 16777619u; /* FNV-1a */
    for (size_t i = 0; i < sizeof e->bytes; i++)
        hash = (hash ^ e->bytes[i]) * 16777619u;
    return hash;
}

bool endpoint_next(const char **list, struct endpoint *out)
{
    while (**list != '\0') {
        char word[ADDRESS_TEXT_MAX] = "";
        size_t len = strcspn(*list, " \t,");
        if (len < sizeof word)
            memcpy(word, *list, len);
        *list += len + strspn(*list + len, " \t,");
        if (endpoint_parse(out, word, 0))
            return true;
    }
    return false;
}

bool endpoint_is_listed(const char *list, const struct endpoint *address)
{
    struct endpoint e;
    while (endpoint_next(&list, &e))
        if (endpoint_same_address(&e, address))
            return true;
    return false;
}

bool endpoint_same_prefix(const uint8_t *a, const uint8_t *b, size_t bits)
{
    size_t whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

bool endpoint_in_prefixes(const char *prefixes, const struct endpoint *e)
{
    while (*prefixes != '\0') {
        char address[ADDRESS_TEXT_MAX];
        struct endpoint prefix;
        size_t len = strcspn(prefixes, "/");
        snprintf(address, sizeof address, "%.*s", (int)len, prefixes);
        if (endpoint_parse(&prefix, address, 0) && prefix.family == e->family &&
            endpoint_same_prefix(prefix.bytes, e->bytes,
                                 strtoul(prefixes + len + 1, NULL, 10)))
            return true;
        prefixes += strcspn(prefixes, " \t,");
        prefixes += strspn(prefixes, " \t,");
    }
    return false;
}

/* The four bytes of an IPv4 address, also of a mapped one (RFC 4291, 2.5.5.2), or NULL.
 */
static const uint8_t *ipv4_of(const struct endpoint *e)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (e->family == FAMILY_IPV4)
        return e->bytes;
    bool is = e->family == FAMILY_IPV6 && memcmp(e->bytes, mapped, 12) == 0;
    return is ? e->bytes + 12 : NULL;
}

bool endpoint_is_host(const struct endpoint *e)
{
    static const uint8_t none[16];
    const uint8_t *v4 = ipv4_of(e);
    if (v4 != NULL)
        return v4[0] != 0 && v4[0] < 224;
    return e->family == FAMILY_IPV6 && e->bytes[0] != 0xff &&
           memcmp(e->bytes, none, 16) != 0;
}

const char *endpoint_nobodys(const struct endpoint *e)
{
    static const uint8_t loopback[16] = {[15] = 1};
    const uint8_t *v4 = ipv4_of(e);
    if (e->family == FAMILY_NONE || e->family == FAMILY_PROXY)
        return NULL;
    if (v4 != NULL ? v4[0] == 127 : memcmp(e->bytes, loopback, 16) == 0)
        return "the loopback address of this host";
    if (v4 != NULL ? v4[0] == 169 && v4[1] == 254 : endpoint_is_link_local(e))
        return "a link-local address";
    if (v4 != NULL ? v4[0] >= 224 : e->bytes[0] == 0xff)
        return "a multicast or reserved address";
    return endpoint_is_host(e) ? NULL : "an unspecified address";
}

bool endpoint_is_nat64(const struct endpoint *e)
{
    static const uint8_t known[12] = {0, 0x64, 0xff, 0x9b},
                         local[6] = {0, 0x64, 0xff, 0x9b, 0, 1};
    return e->family == FAMILY_IPV6 && (memcmp(e->bytes, known, sizeof known) == 0 ||
                                        memcmp(e->bytes, local, sizeof local) == 0);
}

bool endpoint_is_private(const struct endpoint *e)
{
    const uint8_t *v4 = ipv4_of(e), *b = e->bytes;
    if (v4 != NULL)
        return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
               (v4[0] == 192 && v4[1] == 168) || (v4[0] == 100 && (v4[1] & 0xc0) == 64) ||
               (v4[0] == 198 && (v4[1] & 0xfe) == 18);
    return e->family == FAMILY_IPV6 &&
           ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0));
}

bool host_is_local(const char *host)
{
    static const char *const under[] = {
        ".localhost", ".local",   ".localdomain", ".internal", ".home.arpa",
        ".lan",       ".home",    ".intranet",    ".corp",     ".private",
        ".test",      ".invalid", ".example",
    };
    struct endpoint literal;
    size_t len = strlen(host);
    if (len > 0 && host[len - 1] == '.')
        len--;
    if (endpoint_parse(&literal, host, 0) || strchr(host, ':') != NULL ||
        memchr(host, '.', len) == NULL)
        return true;
    for (size_t i = 0; i < sizeof under / sizeof *under; i++) {
        size_t n = strlen(under[i]);
        if (len > n && strncasecmp(host + len - n, under[i], n) == 0)
            return true;
    }
    return false;
}

const char *family_name(enum family family)
{
    switch (family) {
    case FAMILY_IPV4:
        return "ipv4";
    case FAMILY_IPV6:
        return "ipv6";
    case FAMILY_PROXY:
        return "proxy";
    default:
        return "none";
    }
}
