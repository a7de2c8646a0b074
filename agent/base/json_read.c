#include "base/json_read.h"

#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    const char *at, *end;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->end && strchr(" \t\r\n", *s->at) != NULL && *s->at != '\0')
        s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool scan_string(struct scan *s)
{
    if (!take(s, '"'))
        return false;
    for (; s->at < s->end && (unsigned char)*s->at >= ' '; s->at++) {
        if (*s->at == '"') {
            s->at++;
            return true;
        }
        s->at += *s->at == '\\' && s->at + 1 < s->end;
    }
    return false;
}

/* A number, true, false or null: its characters are enough to find its end. */
static bool scan_word(struct scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && (isalnum((unsigned char)*s->at) || *s->at == '-' ||
                              *s->at == '+' || *s->at == '.'))
        s->at++;
    size_t len = (size_t)(s->at - from);
    bool number = len > 0 && (*from == '-' || isdigit((unsigned char)*from));
    return number || (len == 4 && memcmp(from, "true", 4) == 0) ||
           (len == 5 && memcmp(from, "false", 5) == 0) ||
           (len == 4 && memcmp(from, "null", 4) == 0);
}

static bool scan_value(struct scan *s, unsigned depth);

static bool scan_list(struct scan *s, bool object, unsigned depth)
{
    char close = object ? '}' : ']';
    s->at++;
    if (depth >= JSON_DEPTH_MAX)
        return false;
    if (take(s, close))
        return true;
    do {
        if (object && !(scan_string(s) && take(s, ':')))
            return false;
        if (!scan_value(s, depth + 1))
            return false;
    } while (take(s, ','));
    return take(s, close);
}

static bool scan_value(struct scan *s, unsigned depth)
{
    skip_space(s);
    if (s->at == s->end)
        return false;
    if (*s->at == '{' || *s->at == '[')
        return scan_list(s, *s->at == '{', depth);
    return *s->at == '"' ? scan_string(s) : scan_word(s);
}

struct json_span json_span_of(const char *bytes, size_t len)
{
    if (len == 0)
        return (struct json_span){0};
    struct scan s = {bytes, bytes + len};
    skip_space(&s);
    const char *from = s.at;
    bool fine = scan_value(&s, 0);
    struct json_span value = {from, (size_t)(s.at - from)};
    skip_space(&s);
    return fine && s.at == s.end ? value : (struct json_span){0};
}

/* Reads the next member of an object; `s` is after its '{' or after the previous member.
 * */
static bool next_member(struct scan *s, struct json_span *name, struct json_span *value)
{
    take(s, ',');
    skip_space(s);
    const char *from = s->at;
    if (!scan_string(s))
        return false;
    *name = (struct json_span){from + 1, (size_t)(s->at - from) - 2};
    take(s, ':');
    skip_space(s);
    from = s->at;
    scan_value(s, 0);
    *value = (struct json_span){from, (size_t)(s->at - from)};
    return true;
}

bool json_is_object(struct json_span value)
{
    return value.len > 0 && *value.at == '{';
}

struct json_span json_member(struct json_span object, const char *name)
{
    struct json_span is, value;
    if (!json_is_object(object))
        return (struct json_span){0};
    struct scan s = {object.at + 1, object.at + object.len};
    while (next_member(&s, &is, &value))
        if (is.len == strlen(name) && memcmp(is.at, name, is.len) == 0)
            return value;
    return (struct json_span){0};
}

bool json_next_member(struct json_span object, struct json_span *name,
                      struct json_span *value)
{
    if (!json_is_object(object))
        return false;
    struct scan s = {value->len > 0 ? value->at + value->len : object.at + 1,
                     object.at + object.len};
    return next_member(&s, name, value);
}

size_t json_members(struct json_span object)
{
    struct json_span name, value;
    size_t n = 0;
    if (!json_is_object(object))
        return 0;
    struct scan s = {object.at + 1, object.at + object.len};
    while (next_member(&s, &name, &value))
        n++;
    return n;
}

bool json_next_item(struct json_span array, struct json_span *item)
{
    if (array.len == 0 || *array.at != '[')
        return false;
    struct scan s = {item->len > 0 ? item->at + item->len : array.at + 1,
                     array.at + array.len};
    take(&s, ',');
    skip_space(&s);
    const char *from = s.at;
    bool found = scan_value(&s, 0);
    *item = (struct json_span){from, found ? (size_t)(s.at - from) : 0};
    return found;
}

/* The four digits at `at`, or 0. */
static uint32_t hexadecimal(const char *at, const char *end)
{
    char digits[5] = "";
    if (end - at >= 4)
        memcpy(digits, at, 4);
    return (uint32_t)strtoul(digits, NULL, 16);
}

/* The code point of the escape after the backslash; `*at` goes behind it. A surrogate that
 * is alone is returned as it is. */
static uint32_t unescape(const char **at, const char *end)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    char letter = *(*at)++;
    const char *found = strchr(from, letter);
    if (letter != 'u')
        return (unsigned char)(found != NULL ? to[found - from] : letter);
    uint32_t code = hexadecimal(*at, end), low = 0;
    *at = end - *at < 4 ? end : *at + 4;
    if (code >> 10 == 0xd800 >> 10 && end - *at >= 6 && memcmp(*at, "\\u", 2) == 0)
        low = hexadecimal(*at + 2, end);
    if (low >> 10 != 0xdc00 >> 10)
        return code;
    *at += 6;
    return 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
}

bool json_read_string(struct json_span value, char *out, size_t room)
{
    size_t n = 0;
    out[0] = '\0';
    if (value.len < 2 || *value.at != '"')
        return false;
    for (const char *at = value.at + 1, *end = value.at + value.len - 1; at < end;) {
        char decoded[4];
        const char *from = at;
        size_t len = (size_t)(end - at);
        bool escaped = *at == '\\' && len > 1, safe;
        if (escaped) {
            at++;
            len = text_encode(decoded, unescape(&at, end));
            from = decoded;
        }
        len = text_next(from, len, &safe);
        at += escaped ? 0 : len;
        if (!safe && *from != '\n' && *from != '\t') {
            from = "?";
            len = 1;
        }
        if (n + len >= room)
            break;
        memcpy(out + n, from, len);
        n += len;
    }
    out[n] = '\0';
    return true;
}

bool json_read_integer(struct json_span value, int64_t *out)
{
    char text[24];
    if (value.len == 0 || value.len >= sizeof text)
        return false;
    if (!json_read_string(value, text, sizeof text)) {
        memcpy(text, value.at, value.len);
        text[value.len] = '\0';
    }
    return text_to_integer(text, INT64_MIN, INT64_MAX, out);
}

bool json_read_number(struct json_span value, double *out)
{
    char text[32];
    char *end;
    if (value.len == 0 || value.len >= sizeof text ||
        strchr("-0123456789", *value.at) == NULL)
        return false;
    memcpy(text, value.at, value.len);
    text[value.len] = '\0';
    double read = strtod(text, &end);
    if (*end != '\0' || !isfinite(read))
        return false;
    *out = read;
    return true;
}
