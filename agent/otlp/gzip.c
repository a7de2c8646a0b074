#include "otlp/gzip.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    GZIP_WINDOW = 15 + 16, /* the largest window, gzip's header and trailer */
    ANY_WINDOW = 15 + 32,  /* gzip or zlib, by the header */
    RAW_WINDOW = -15,      /* neither has one */
    /* 160 kB; zlib's default, 8, takes 270 and saves 0.7 % of the bytes. Of large ones 5
     * takes 144 kB and a quarter less time, for 0.1 % more bytes. */
    GZIP_MEMORY = 6,
    GZIP_MEMORY_LARGE = 5,
    OS_UNKNOWN = 255,
    GZIP_LARGE = 256 * 1024,
    PIECE = 32 * 1024,
    PACKED_PIECE = 16 * 1024,
    GATHERED_MAX = 4 * 1024, /* protobuf comes in pieces of a few bytes */
};

/* Where the next piece goes: behind the others, or over the last one when nobody wants
 * the bytes. */
static void make_room(z_stream *z, uint8_t **out, size_t *room, bool keep)
{
    size_t at = keep ? z->total_out : 0;
    *out = mem_grow(*out, room, at + PIECE, 1);
    z->next_out = *out + at;
    z->avail_out = PIECE;
}

struct gzip {
    z_stream z;
    uint8_t *out;
    size_t gathered; /* bytes of `in`, not compressed yet */
    uint8_t in[GATHERED_MAX];
};

struct gzip *gzip_begin(bool large)
{
    int level = large ? Z_DEFAULT_COMPRESSION : Z_BEST_COMPRESSION;
    static gz_header header = {.os = OS_UNKNOWN};
    struct gzip *g = mem_zalloc(sizeof *g);
    int memory = large ? GZIP_MEMORY_LARGE : GZIP_MEMORY;
    if (deflateInit2(&g->z, level, Z_DEFLATED, GZIP_WINDOW, memory, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        abort(); /* no memory */
    deflateSetHeader(&g->z, &header);
    return g;
}

static void push(struct gzip *g, const void *bytes, size_t len, int flush)
{
    g->z.next_in = (Bytef *)bytes;
    g->z.avail_in = (uInt)len;
    do {
        if (g->z.avail_out == 0) {
            g->out = mem_resize(g->out, g->z.total_out + PACKED_PIECE);
            g->z.next_out = g->out + g->z.total_out;
            g->z.avail_out = PACKED_PIECE;
        }
        deflate(&g->z, flush);
    } while (g->z.avail_out == 0);
}

void gzip_add(struct gzip *g, const void *bytes, size_t len)
{
    if (len > sizeof g->in - g->gathered) {
        push(g, g->in, g->gathered, Z_NO_FLUSH);
        g->gathered = 0;
    }
    if (len > sizeof g->in) {
        push(g, bytes, len, Z_NO_FLUSH);
        return;
    }
    if (len > 0) /* `bytes` may be NULL */
        memcpy(g->in + g->gathered, bytes, len);
    g->gathered += len;
}

size_t gzip_len(const struct gzip *g)
{
    return g->z.total_out;
}

void *gzip_end(struct gzip *g, size_t *len)
{
    push(g, g->in, g->gathered, Z_FINISH);
    void *out = mem_resize(g->out, g->z.total_out);
    *len = g->z.total_out;
    deflateEnd(&g->z);
    free(g);
    return out;
}

void *gzip_pack(const void *bytes, size_t len, size_t *out_len)
{
    struct gzip *g = gzip_begin(len > GZIP_LARGE);
    gzip_add(g, bytes, len);
    return gzip_end(g, out_len);
}

bool gzip_is(const void *bytes, size_t len)
{
    const uint8_t *b = bytes;
    return len >= 2 && b[0] == 0x1f && b[1] == 0x8b;
}

static int unpack(z_stream *z, size_t max, uint8_t **out, bool keep)
{
    size_t room = 0;
    int rc;
    do {
        make_room(z, out, &room, keep);
        rc = inflate(z, Z_NO_FLUSH);
        if (z->total_out > max)
            return -EMSGSIZE;
    } while (rc == Z_OK && (z->avail_in > 0 || z->avail_out == 0));
    return rc == Z_STREAM_END && z->avail_in == 0 ? 0 : -EBADMSG;
}

static int run(const void *bytes, size_t len, size_t max, uint8_t **out, size_t *out_len)
{
    z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)len};
    uint8_t *unpacked = NULL;
    if (len > INT_MAX || !gzip_is(bytes, len))
        return -EBADMSG;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        abort(); /* no memory */
    int rc = unpack(&z, max, &unpacked, out != NULL);
    size_t total = z.total_out;
    inflateEnd(&z);
    if (rc < 0 || out == NULL) {
        free(unpacked);
        return rc;
    }
    *out = unpacked;
    *out_len = total;
    return 0;
}

int gzip_unpack(const void *bytes, size_t len, size_t max, void **out, size_t *out_len)
{
    uint8_t *unpacked;
    int rc = run(bytes, len, max, &unpacked, out_len);
    if (rc == 0)
        *out = unpacked;
    return rc;
}

int gzip_check(const void *bytes, size_t len, size_t max)
{
    return run(bytes, len, max, NULL, NULL);
}

static size_t unpack_as(int window, const void *bytes, size_t len, void *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)bytes,
                  .avail_in = (uInt)len,
                  .next_out = out,
                  .avail_out = (uInt)room};
    if (inflateInit2(&z, window) != Z_OK)
        abort(); /* no memory */
    int rc = inflate(&z, Z_SYNC_FLUSH);
    size_t got = z.total_out;
    inflateEnd(&z);
    return rc == Z_DATA_ERROR && window == RAW_WINDOW ? 0 : got;
}

size_t gzip_unpack_body(const void *bytes, size_t len, void *out, size_t room)
{
    if (len > INT_MAX || room > INT_MAX)
        return 0;
    size_t got = unpack_as(ANY_WINDOW, bytes, len, out, room);
    return got > 0 ? got : unpack_as(RAW_WINDOW, bytes, len, out, room);
}
