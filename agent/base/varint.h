/*
 * Variable-length numbers, as of Protocol Buffers (LEB128): seven bits a byte, the lowest
 * first; the highest bit says that more follow.
 */
#ifndef EDGELAT_BASE_VARINT_H
#define EDGELAT_BASE_VARINT_H

#include <stdint.h>

/* Returns the end; at most 10 bytes are written, of a number below 2^32 at most 5. */
static inline uint8_t *varint_put(uint8_t *at, uint64_t n)
{
    for (; n > 0x7f; n >>= 7)
        *at++ = (uint8_t)(n | 0x80);
    *at++ = (uint8_t)n;
    return at;
}

#endif
