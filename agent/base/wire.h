/*
 * Bounded reader and writer for network bytes, in network byte order; never accesses
 * memory outside the given range. The first short read is sticky: it and all later reads
 * return 0, so read the whole header, then check wire_ok() once. The writer handles a
 * lack of room in the same way.
 */
#ifndef EDGELAT_BASE_WIRE_H
#define EDGELAT_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire { /* a view; does not own the bytes */
    const uint8_t *at;
    size_t left;
    bool short_read;
};

struct wire wire_from(const void *bytes, size_t len);
uint8_t wire_u8(struct wire *w);
uint16_t wire_u16(struct wire *w);
uint32_t wire_u32(struct wire *w);
uint64_t wire_u64(struct wire *w);
uint64_t wire_uint(struct wire *w, size_t len);       /* of `len` bytes, at most 8 */
void wire_copy(struct wire *w, void *to, size_t len); /* zeros when short */
struct wire wire_take(struct wire *w, size_t len);    /* a view of the next `len` bytes */
void wire_skip(struct wire *w, size_t len);
bool wire_ok(const struct wire *w);

struct wire_out {
    uint8_t *at;
    size_t left;
    bool no_room;
};

struct wire_out wire_to(void *bytes, size_t room);
void wire_put_u8(struct wire_out *w, uint8_t value);
void wire_put_u16(struct wire_out *w, uint16_t value);
void wire_put_u32(struct wire_out *w, uint32_t value);
void wire_put_u64(struct wire_out *w, uint64_t value);
void wire_put(struct wire_out *w, const void *bytes, size_t len);

#endif
