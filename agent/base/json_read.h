/*
 * Reads JSON (RFC 8259) from outside: finds members in a text that stays where it is.
 * Nothing is allocated; nesting is bounded.
 */
#ifndef EDGELAT_BASE_JSON_READ_H
#define EDGELAT_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 32

struct json_span { /* one value of a well-formed text; len 0: there is none */
    const char *at;
    size_t len;
};

/* The whole text as one value; white space around it is fine. len 0: it is not JSON. */
struct json_span json_span_of(const char *bytes, size_t len);

/* The value of the first member with that name (names with escapes are not found). len 0:
 * `object` is no object or has no such member. */
struct json_span json_member(struct json_span object, const char *name);

bool json_is_object(struct json_span value);
size_t json_members(struct json_span object); /* how many; 0 of what is no object */

/* A string, its escapes resolved; characters beyond ASCII become '?'. False when it is no
 * string; a longer one is cut. */
bool json_read_string(struct json_span value, char *out, size_t room);

/* An integer, also as a string, as the JSON mapping of protobuf writes 64 bits. */
bool json_read_integer(struct json_span value, int64_t *out);

#endif
