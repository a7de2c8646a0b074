#include "base/wire.h"

#include <string.h>

struct wire wire_from(const void *bytes, size_t len)
{
    return (struct wire){.at = bytes, .left = len};
}

struct wire wire_take(struct wire *w, size_t len)
{
    if (w->short_read || len > w->left) {
        w->short_read = true;
        return (struct wire){.at = w->at, .short_read = true};
    }
    struct wire taken = {.at = w->at, .left = len};
    if (len > 0) /* `at` of an empty view may be NULL */
        w->at += len;
    w->left -= len;
    return taken;
}

void wire_skip(struct wire *w, size_t len)
{
    wire_take(w, len);
}

void wire_copy(struct wire *w, void *to, size_t len)
{
    struct wire taken = wire_take(w, len);
    if (taken.short_read)
        memset(to, 0, len);
    else if (len > 0)
        memcpy(to, taken.at, len);
}

uint64_t wire_uint(struct wire *w, size_t len)
{
    struct wire taken = wire_take(w, len);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.left; i++)
        value = value << 8 | taken.at[i];
    return value;
}

uint8_t wire_u8(struct wire *w)
{
    return (uint8_t)wire_uint(w, 1);
}

uint16_t wire_u16(struct wire *w)
{
    return (uint16_t)wire_uint(w, 2);
}

uint32_t wire_u32(struct wire *w)
{
    return (uint32_t)wire_uint(w, 4);
}

uint64_t wire_u64(struct wire *w)
{
    return wire_uint(w, 8);
}

bool wire_ok(const struct wire *w)
{
    return !w->short_read;
}

struct wire_out wire_to(void *bytes, size_t room)
{
    return (struct wire_out){.at = bytes, .left = room};
}

void wire_put(struct wire_out *w, const void *bytes, size_t len)
{
    if (w->no_room || len > w->left) {
        w->no_room = true;
        return;
    }
    if (len > 0)
        memcpy(w->at, bytes, len);
    w->at += len;
    w->left -= len;
}

static void put_number(struct wire_out *w, uint64_t value, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> 8 * (len - 1 - i));
    wire_put(w, bytes, len);
}

void wire_put_u8(struct wire_out *w, uint8_t value)
{
    put_number(w, value, 1);
}

void wire_put_u16(struct wire_out *w, uint16_t value)
{
    put_number(w, value, 2);
}

void wire_put_u32(struct wire_out *w, uint32_t value)
{
    put_number(w, value, 4);
}

void wire_put_u64(struct wire_out *w, uint64_t value)
{
    put_number(w, value, 8);
}
