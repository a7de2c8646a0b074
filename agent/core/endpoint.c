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
