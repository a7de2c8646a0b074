/*
 * Parses untrusted JSON (RFC 8259) in place: finds members in the original text. Does
 * not allocate memory; the nesting depth is limited.
 */
#ifndef EDGELAT_BASE_JSON_READ_H
#define EDGELAT_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 32

struct json_span { /* one value of a well-formed text; len 0: none */
    const char *at;
    size_t len;
};

/* Parses the whole text as one value, with optional white space around it. len 0: not
 * JSON. */
struct json_span json_span_of(const char *bytes, size_t len);

/* The value of the first member with that name (names with escapes do not match). len 0:
 * `object` is not an object or has no such member. */
struct json_span json_member(struct json_span object, const char *name);

bool json_is_object(struct json_span value);
size_t json_members(struct json_span object); /* their number; 0 if not an object */

/* Sets `name` (without quotes, escapes unresolved) and `value` to the member behind `value`,
 * to the first one if its len is 0. False: there is none, or no object. */
bool json_next_member(struct json_span object, struct json_span *name,
                      struct json_span *value);

/* Sets `item` to the element of the array behind it, to the first one if its len is 0.
 * False: there is none, or no array. */
bool json_next_item(struct json_span array, struct json_span *item);

/* Copies a string with its escapes resolved, as UTF-8, and truncates it between characters
 * to fit. What is not safe to show (text_next()), other than newlines and tabs, becomes '?'.
 * False: not a string. */
bool json_read_string(struct json_span value, char *out, size_t room);

/* Reads a finite number. False: null, or not a number. */
bool json_read_number(struct json_span value, double *out);

/* Reads an integer, also from a string, as the JSON mapping of protobuf writes 64-bit
 * integers. */
bool json_read_integer(struct json_span value, int64_t *out);

#endif
