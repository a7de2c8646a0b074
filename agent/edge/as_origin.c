#include "edge/as_origin.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { AS_TRANS = 23456 }; /* stands for one of 4 bytes, RFC 6793 */

/* Nobody announces shorter prefixes: a record of one is a wildcard's, or a lie. */
enum { BITS_LEAST_IPV4 = 8, BITS_LEAST_IPV6 = 16 };

void as_origin_name(char out[HOST_TEXT_MAX], const struct endpoint *address)
{
    const uint8_t *b = address->bytes;
    size_t len = 0;
    if (address->family != FAMILY_IPV6) {
        snprintf(out, HOST_TEXT_MAX, "%u.%u.%u.%u.origin.asn.cymru.com.", b[3], b[2],
                 b[1], b[0]);
        return;
    }
    for (size_t i = 16; i-- > 0;)
        len += (size_t)snprintf(out + len, HOST_TEXT_MAX - len, "%x.%x.", b[i] & 15,
                                b[i] >> 4);
    snprintf(out + len, HOST_TEXT_MAX - len, "origin6.asn.cymru.com.");
}

static bool add_as(struct as_origin *o, uint32_t as)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->as[i] == as)
            return true;
    if (o->n == AS_ORIGINS_MAX)
        return false;
    o->as[o->n++] = as;
    return true;
}

/* The next field, up to a bar, without spaces around it. NULL: none is left, or too long. */
static char *next_field(const char **text, char *room, size_t room_len)
{
    size_t len = strcspn(*text, "|");
    if (**text == '\0' || len >= room_len)
        return NULL;
    memcpy(room, *text, len);
    room[len] = '\0';
    *text += len + ((*text)[len] == '|');
    return text_trim(room);
}

static bool read_origins(struct as_origin *out, char *field)
{
    char *rest = NULL;
    for (char *word = strtok_r(field, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        int64_t as;
        if (!text_to_integer(word, 1, UINT32_MAX - 1, &as) || as == AS_TRANS)
            return false;
        add_as(out, (uint32_t)as); /* further ones are as good as none */
    }
    return out->n > 0;
}

static bool read_prefix(struct as_origin *out, char *field,
                        const struct endpoint *address)
{
    struct endpoint prefix;
    bool ipv6 = address->family == FAMILY_IPV6;
    int64_t bits;
    char *slash = strchr(field, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    if (!endpoint_parse(&prefix, field, 0) || prefix.family != address->family ||
        !text_to_integer(slash + 1, ipv6 ? BITS_LEAST_IPV6 : BITS_LEAST_IPV4,
                         ipv6 ? 128 : 32, &bits))
        return false;
    out->bits = (uint8_t)bits;
    return endpoint_same_prefix(prefix.bytes, address->bytes, (size_t)bits);
}

bool as_origin_read(struct as_origin *out, const char *text,
                    const struct endpoint *address)
{
    char room[256], *field;
    *out = (struct as_origin){.n = 0};
    if ((field = next_field(&text, room, sizeof room)) == NULL ||
        !read_origins(out, field) ||
        (field = next_field(&text, room, sizeof room)) == NULL ||
        !read_prefix(out, field, address)) {
        *out = (struct as_origin){.n = 0};
        return false;
    }
    return true;
}

void as_origin_add(struct as_origin *all, const struct as_origin *one)
{
    if (all->n == 0 || one->bits > all->bits) {
        *all = *one;
        return;
    }
    for (size_t i = 0; one->bits == all->bits && i < one->n; i++)
        add_as(all, one->as[i]);
}
