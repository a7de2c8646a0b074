#include "probe/stun/message.h"

#include <string.h>

#define COOKIE UINT32_C(0x2112a442)

enum { BINDING_REQUEST = 0x0001 };
enum { MAPPED_ADDRESS = 0x0001, ERROR_CODE = 0x0009, XOR_MAPPED_ADDRESS = 0x0020 };

void stun_write_request(uint8_t out[STUN_REQUEST_LEN], const struct stun_id *id)
{
    struct wire_out w = wire_to(out, STUN_REQUEST_LEN);
    wire_put_u16(&w, BINDING_REQUEST);
    wire_put_u16(&w, 0); /* length of the attributes */
    wire_put_u32(&w, COOKIE);
    wire_put(&w, id->bytes, sizeof id->bytes);
}

/* RFC 8489, 5: the two bits of the class lie between those of the method. */
static enum stun_class class_of(uint16_t type)
{
    if ((type & 0xc000) != 0)
        return STUN_NOT;
    bool response = (type & 0x0100) != 0, error = (type & 0x0010) != 0;
    return !response ? STUN_REQUEST : error ? STUN_ERROR : STUN_SUCCESS;
}

/* RFC 8489, 14.1 and 14.2. `mask`: of the port and the address; zeros for
 * MAPPED-ADDRESS. */
static bool read_address(struct endpoint *out, struct wire w, const uint8_t mask[16])
{
    wire_skip(&w, 1);
    uint8_t family = wire_u8(&w);
    struct endpoint e = {.family = family == 1   ? FAMILY_IPV4
                                   : family == 2 ? FAMILY_IPV6
                                                 : FAMILY_NONE};
    e.port = wire_u16(&w) ^ (uint16_t)(mask[0] << 8 | mask[1]);
    size_t len = e.family == FAMILY_IPV6 ? 16 : 4;
    wire_copy(&w, e.bytes, len);
    if (!wire_ok(&w) || e.family == FAMILY_NONE)
        return false;
    for (size_t i = 0; i < len; i++)
        e.bytes[i] ^= mask[i];
    *out = e;
    return true;
}

static uint16_t read_error(struct wire w)
{
    wire_skip(&w, 2);
    unsigned class = wire_u8(&w) & 7, number = wire_u8(&w);
    bool valid = wire_ok(&w) && class >= 3 && class <= 6 && number < 100;
    return valid ? (uint16_t)(class * 100 + number) : 0;
}

/* Of several attributes of a type the first counts (RFC 8489, 14). */
static void read_attributes(struct stun_message *m, struct wire w, const uint8_t mask[16])
{
    static const uint8_t plain[16];
    struct endpoint mapped = {.family = FAMILY_NONE};
    while (w.left > 0) {
        uint16_t type = wire_u16(&w), len = wire_u16(&w);
        struct wire value = wire_take(&w, len);
        if (!wire_ok(&w)) {
            m->damaged = true;
            break;
        }
        if (type == XOR_MAPPED_ADDRESS && m->mapped.family == FAMILY_NONE)
            m->damaged |= !read_address(&m->mapped, value, mask);
        else if (type == MAPPED_ADDRESS && mapped.family == FAMILY_NONE)
            m->damaged |= !read_address(&mapped, value, plain);
        else if (type == ERROR_CODE && m->error == 0)
            m->error = read_error(value);
        size_t padding = (4 - len % 4) % 4;
        wire_skip(&w, padding < w.left ? padding : w.left);
    }
    if (m->mapped.family == FAMILY_NONE)
        m->mapped = mapped;
}

struct stun_message stun_read(struct wire w)
{
    struct stun_message m = {.mapped = {.family = FAMILY_NONE}};
    uint8_t mask[16];
    uint16_t type = wire_u16(&w), len = wire_u16(&w);
    wire_copy(&w, mask, sizeof mask); /* cookie and id, which mask an IPv6 address */
    struct wire cookie = wire_from(mask, sizeof mask);
    if (!wire_ok(&w) || wire_u32(&cookie) != COOKIE)
        return m;
    m.class = class_of(type);
    memcpy(m.id.bytes, mask + 4, sizeof m.id.bytes);
    if (m.class == STUN_NOT)
        return m;
    m.damaged = len > w.left;
    read_attributes(&m, wire_take(&w, len < w.left ? len : w.left), mask);
    return m;
}
