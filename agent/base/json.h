/*
 * Writes JSON (RFC 8259) on one line. Adds commas, quotes and escapes; replaces bytes
 * that are not UTF-8 by U+FFFD. `key` is NULL inside an array and for the outermost
 * value.
 */
#ifndef EDGELAT_BASE_JSON_H
#define EDGELAT_BASE_JSON_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct json { /* start with json_to() */
    struct text *out;
    bool comma;
};

struct json json_to(struct text *out);
void json_object(struct json *j, const char *key); /* ... json_object_end() */
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_string(struct json *j, const char *key, const char *value); /* NULL: null */
void json_text(struct json *j, const char *key, const char *text);    /* NULL, "": null */
void json_string_bytes(struct json *j, const char *key, const char *bytes, size_t len);
void json_integer(struct json *j, const char *key, int64_t value);
void json_unsigned(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

/* Shortest form that parses to the same double; null if not finite. */
void json_number(struct json *j, const char *key, double value);

/* A delay in ns, written in milliseconds without loss: 1234567 is 1.234567. */
void json_ms(struct json *j, const char *key, int64_t ns);

#endif
