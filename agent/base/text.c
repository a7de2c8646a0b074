#include "base/text.h"

#include "base/mem.h"

#include <errno.h>
#include <iconv.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add_bytes(struct text *t, const char *bytes, size_t len)
{
    t->bytes = mem_grow(t->bytes, &t->room, t->len + len + 1, 1);
    if (len > 0)
        memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    t->bytes[t->len] = '\0';
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len > 0) {
        t->bytes = mem_grow(t->bytes, &t->room, t->len + (size_t)len + 1, 1);
        vsnprintf(t->bytes + t->len, (size_t)len + 1, format, again);
        t->len += (size_t)len;
    }
    va_end(again);
}

const char *text_string(const struct text *t)
{
    return t->bytes == NULL ? "" : t->bytes;
}

void text_clear(struct text *t)
{
    t->len = 0;
    if (t->bytes != NULL)
        t->bytes[0] = '\0';
}

void text_free(struct text *t)
{
    free(t->bytes);
    *t = (struct text){0};
}

bool text_copy(char *to, size_t room, const char *from)
{
    size_t len = strlen(from);
    bool fits = len < room;
    if (!fits)
        len = room - 1;
    memcpy(to, from, len);
    to[len] = '\0';
    return fits;
}

size_t text_mark(const char *bytes, size_t len)
{
    return len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

size_t text_utf8(const char *bytes, size_t left)
{
    const unsigned char *s = (const unsigned char *)bytes;
    size_t len = s[0] < 0x80                   ? 1
                 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                               : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    bool too_high = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || too_high ? 0 : len;
}

uint32_t text_code(const char *at, size_t n)
{
    static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)at[0] & first[n];
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    return code;
}

size_t text_encode(char out[4], uint32_t code)
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(first[n] | code);
    return n;
}

int text_control(const char *at, size_t n)
{
    unsigned char c = (unsigned char)at[0];
    if (n == 1 && (c < 0x20 || c == 0x7f))
        return c;
    if (n == 2 && c == 0xc2 && (unsigned char)at[1] < 0xa0)
        return (unsigned char)at[1];
    return -1;
}

const char *text_wrong(const char *line, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = text_utf8(line + at, len - at);
        if (n == 0)
            return "not UTF-8; save the file in that encoding";
        if (text_control(line + at, n) >= 0 && line[at] != '\t')
            return "a control character; only text may stand here";
        at += n;
    }
    return NULL;
}

char *text_trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    text[len] = '\0';
    return text;
}

/* Of a valid character: whether it is invisible or reorders adjacent text. */
static bool is_deceptive(const char *at, size_t n)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e},
        {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
    };
    uint32_t code = text_code(at, n);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return true;
    return false;
}

size_t text_next(const char *at, size_t left, bool *safe)
{
    size_t n = text_utf8(at, left);
    *safe = n > 0 && text_control(at, n) < 0 && !is_deceptive(at, n);
    return n > 0 ? n : 1;
}

void text_copy_line(char *out, size_t room, const char *bytes, size_t len)
{
    size_t n = 0;
    bool safe;
    for (size_t at = 0, next; at < len; at += next) {
        next = text_next(bytes + at, len - at, &safe);
        size_t size = safe ? next : 1;
        if (n + size >= room)
            break;
        const char *unsafe = bytes[at] == '\t' ? " " : "?";
        memmove(out + n, safe ? bytes + at : unsafe, size);
        n += size;
    }
    out[n] = '\0';
}

void text_visible(char *text)
{
    size_t len = strlen(text);
    text_copy_line(text, len + 1, text, len);
    for (; *text != '\0'; text++)
        *text = *text == ' ' ? '?' : *text;
}

locale_t text_utf8_locale(void)
{
    static locale_t utf8;
    static bool tried;
    if (!tried)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    tried = true;
    return utf8;
}

void text_unmarked(char *out, size_t room, const char *from)
{
    char *in = (char *)from, *end = out;
    size_t left = strlen(from), space = room - 1;
    locale_t before = uselocale(text_utf8_locale()); /* NULL: it stays */
    iconv_t to_ascii = iconv_open("ASCII//TRANSLIT", "UTF-8");
    if (to_ascii == (iconv_t)-1 || iconv(to_ascii, &in, &left, &end, &space) == SIZE_MAX)
        end = out;
    *end = '\0';
    iconv_close(to_ascii); /* nothing happens if it is not open */
    uselocale(before);
}

const char *text_printable(char *out, size_t room, const char *from, const char *keep)
{
    enum { ESCAPED = 4 };
    size_t left = strlen(from), at = 0;
    while (left > 0) {
        bool plain;
        size_t n = text_next(from, left, &plain);
        plain |= keep != NULL && strchr(keep, from[0]) != NULL;
        size_t need = plain ? n : n * ESCAPED;
        if (at + need >= room)
            break;
        if (plain)
            memcpy(out + at, from, n);
        else
            for (size_t i = 0; i < n; i++)
                snprintf(out + at + i * ESCAPED, ESCAPED + 1, "\\x%02x",
                         (unsigned char)from[i]);
        at += need;
        from += n;
        left -= n;
    }
    out[at] = '\0';
    return out;
}

#define WORD_MAX 63

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance: Levenshtein's, with two letters swapped as one typo. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t na = strlen(a), nb = strlen(b);
    if (na > WORD_MAX || nb > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= nb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3],
               *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]),
                           least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[na % 3][nb];
}

const char *text_nearest(const char *word, const char *const *words, size_t n)
{
    const char *nearest = NULL;
    size_t len = strlen(word);
    size_t best = len < 3 ? 2 : len / 3 + 1; /* tolerate one typo per three letters */
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, words[i]);
        if (d < best) {
            best = d;
            nearest = words[i];
        }
    }
    return nearest;
}

bool text_to_integer(const char *text, int64_t least, int64_t most, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool plain = (text[0] >= '0' && text[0] <= '9') || text[0] == '-';
    if (!plain || *end != '\0' || errno != 0 || value < least || value > most)
        return false;
    *out = value;
    return true;
}

bool text_to_number(const char *text, double least, double most, double *out)
{
    char *end;
    if (text[0] == '\0' || strspn(text, "-0123456789.") != strlen(text))
        return false;
    double value = strtod(text, &end);
    if (*end != '\0' || !(value >= least && value <= most))
        return false;
    *out = value;
    return true;
}
