#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json json_to(struct text *out)
{
    return (struct json){.out = out};
}

static void quoted(struct text *out, const char *bytes, size_t len)
{
    text_add_bytes(out, "\"", 1);
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)bytes[i];
        size_t n = text_utf8(bytes + i, len - i);
        int control = text_control(bytes + i, n);
        if (n == 0) {
            text_add_bytes(out, "\xef\xbf\xbd", 3);
            n = 1;
        } else if (c == '"' || c == '\\') {
            text_add(out, "\\%c", c);
        } else if (control >= 0) {
            text_add(out, "\\u%04x", (unsigned)control);
        } else {
            text_add_bytes(out, bytes + i, n);
        }
        i += n;
    }
    text_add_bytes(out, "\"", 1);
}

static void begin(struct json *j, const char *key)
{
    if (j->comma)
        text_add_bytes(j->out, ",", 1);
    j->comma = true;
    if (key != NULL) {
        quoted(j->out, key, strlen(key));
        text_add_bytes(j->out, ":", 1);
    }
}

static void open_with(struct json *j, const char *key, const char *bracket)
{
    begin(j, key);
    text_add_bytes(j->out, bracket, 1);
    j->comma = false;
}

static void close_with(struct json *j, const char *bracket)
{
    text_add_bytes(j->out, bracket, 1);
    j->comma = true;
}

void json_object(struct json *j, const char *key)
{
    open_with(j, key, "{");
}

void json_object_end(struct json *j)
{
    close_with(j, "}");
}

void json_array(struct json *j, const char *key)
{
    open_with(j, key, "[");
}

void json_array_end(struct json *j)
{
    close_with(j, "]");
}

void json_string(struct json *j, const char *key, const char *value)
{
    if (value == NULL)
        json_null(j, key);
    else
        json_string_bytes(j, key, value, strlen(value));
}

void json_text(struct json *j, const char *key, const char *text)
{
    json_string(j, key, text != NULL && *text != '\0' ? text : NULL);
}

void json_string_bytes(struct json *j, const char *key, const char *bytes, size_t len)
{
    begin(j, key);
    quoted(j->out, bytes, len);
}

void json_integer(struct json *j, const char *key, int64_t value)
{
    begin(j, key);
    text_add(j->out, "%" PRId64, value);
}

void json_unsigned(struct json *j, const char *key, uint64_t value)
{
    begin(j, key);
    text_add(j->out, "%" PRIu64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
    begin(j, key);
    text_add(j->out, "%s", value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
    begin(j, key);
    text_add(j->out, "null");
}

void json_number(struct json *j, const char *key, double value)
{
    if (!isfinite(value)) {
        json_null(j, key);
        return;
    }
    char number[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(number, sizeof number, "%.*g", digits, value);
        if (strtod(number, NULL) == value)
            break;
    }
    begin(j, key);
    text_add(j->out, "%s", number);
}

void json_ms(struct json *j, const char *key, int64_t ns)
{
    begin(j, key);
    long long magnitude = llabs(ns);
    text_add(j->out, "%s%lld.%06lld", ns < 0 ? "-" : "", magnitude / 1000000,
             magnitude % 1000000);
}
