#include "core/endpoint.h"

#include <arpa/inet.h>
#include <string.h>

const char *endpoint_address(char out[ADDRESS_TEXT_MAX], const struct endpoint *e)
{
    out[0] = '\0';
    if (e->family != FAMILY_NONE)
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

bool endpoint_is_host(const struct endpoint *e)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, none[16];
    bool as_ipv4 = e->family == FAMILY_IPV6 && memcmp(e->bytes, mapped, 12) == 0;
    uint8_t first = e->bytes[as_ipv4 ? 12 : 0];
    if (e->family == FAMILY_IPV4 || as_ipv4)
        return first != 0 && first < 224;
    return e->family == FAMILY_IPV6 && first != 0xff && memcmp(e->bytes, none, 16) != 0;
}

const char *family_name(enum family family)
{
    switch (family) {
    case FAMILY_IPV4:
        return "ipv4";
    case FAMILY_IPV6:
        return "ipv6";
    default:
        return "none";
    }
}
