/*
 * gzip (RFC 1952). Packing is deterministic: the same bytes give the same bytes, without
 * time or system in the header. Unpacking is bounded and checks the CRC-32 and the
 * length, so that torn and changed files are recognised.
 */
#ifndef EDGELAT_OTLP_GZIP_H
#define EDGELAT_OTLP_GZIP_H

#include <stdbool.h>
#include <stddef.h>

/* The gzipped bytes; free() them. */
void *gzip_pack(const void *bytes, size_t len, size_t *out_len);

/* The same piece by piece; the end frees it. `large`: zlib's default level, which takes half
 * of the time for 3 % more bytes. */
struct gzip;
struct gzip *gzip_begin(bool large);
void gzip_add(struct gzip *g, const void *bytes, size_t len);
size_t gzip_len(const struct gzip *g); /* so far, without up to 64 kB still to come */
void *gzip_end(struct gzip *g, size_t *out_len);

/* Whether it begins like gzip; the rest is not checked. */
bool gzip_is(const void *bytes, size_t len);

/*
 * Unpacks one whole gzip member of `max` bytes at most into `*out`, for free(). Returns
 * 0, -EBADMSG: not gzip, torn, or something behind it, or -EMSGSIZE: more than `max`
 * bytes. `*out` is set only with 0.
 */
int gzip_unpack(const void *bytes, size_t len, size_t max, void **out, size_t *out_len);

/* The same without the bytes: 0 if it is whole. */
int gzip_check(const void *bytes, size_t len, size_t max);

/*
 * Unpacks what it can of an HTTP body with the coding "gzip" or "deflate" (RFC
 * 9110, 8.4.1; zlib's format, or raw as some send it): `room` bytes at most, also of a
 * torn body. Returns how many; 0 when it is neither.
 */
size_t gzip_unpack_body(const void *bytes, size_t len, void *out, size_t room);

#endif
