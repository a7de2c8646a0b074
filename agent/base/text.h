/*
 * Text: a growing string, the nearest word by edit distance (for "did you mean"), and
 * strict number parsing. Libc only, independent of the locale.
 */
#ifndef EDGELAT_BASE_TEXT_H
#define EDGELAT_BASE_TEXT_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {    /* start with { 0 }; free with text_free() */
    char *bytes; /* NULL while empty, else NUL-terminated */
    size_t len;
    size_t room;
};

__attribute__((format(printf, 2, 3))) void text_add(struct text *t, const char *format,
                                                    ...);
void text_add_bytes(struct text *t, const char *bytes, size_t len);
const char *text_string(const struct text *t); /* "" while empty */
void text_clear(struct text *t);               /* keeps the memory */
void text_free(struct text *t);

/* Copies `from`, truncated to fit; always NUL-terminated. Returns true if it fitted. */
bool text_copy(char *to, size_t room, const char *from);

/* Length of the UTF-8 byte order mark at the start of `bytes`: 3, or 0 without one.
 * Windows editors write it; readers of text files made by people skip it. */
size_t text_mark(const char *bytes, size_t len);

/* Length of the UTF-8 character (RFC 3629) at `bytes`, of which `left` (not 0) are
 * available; 0: invalid. */
size_t text_utf8(const char *bytes, size_t left);

/* The code point of such a character, of `n` bytes, and the bytes of a code point. */
uint32_t text_code(const char *at, size_t n);
size_t text_encode(char out[4], uint32_t code); /* up to 0x10ffff */

/* The control character (C0, DEL, C1) encoded by the `n` bytes of one character; -1: not
 * a control character. */
int text_control(const char *at, size_t n);

/*
 * Length of the next character of a text from outside, of which `left` (not 0) bytes are
 * available; 1 for a byte that is not UTF-8. `*safe`: it may be shown on a terminal, as it
 * is no control character and neither invisible nor reorders adjacent text (U+00AD, U+061C,
 * U+180E, U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF, U+FFF9 to U+FFFB,
 * U+E0000 to U+E0FFF).
 */
size_t text_next(const char *at, size_t left, bool *safe);

/* Describes, as a clause, why a line is not text (UTF-8 without control characters
 * except tab); NULL: it is text. */
const char *text_wrong(const char *line, size_t len);

/* Copies bytes from outside into one line, a space for a tab, '?' for each other character
 * that text_next() does not call safe; truncated between characters to fit. `out` may be `bytes`. */
void text_copy_line(char *out, size_t room, const char *bytes, size_t len);

/* The same in place, without spaces: for names from outside. */
void text_visible(char *text);

/*
 * Copies `from` for a terminal, a log or a message. Writes \xNN for each byte of invalid
 * UTF-8 and of a character that is not safe (text_next()), such as an escape sequence or a
 * newline in a file name. `keep`: control characters to keep, such as "\n" in a message of
 * several lines, or NULL. Truncates between characters. Returns `out`.
 */
const char *text_printable(char *out, size_t room, const char *from, const char *keep);

/* glibc's C.UTF-8, whatever the user's locale; NULL: it is not installed. */
locale_t text_utf8_locale(void);

/* Copies UTF-8 as ASCII, letters without their marks ("São" is "Sao"), as glibc says, '?' for
 * other characters. Empty if it is not UTF-8, does not fit, or glibc cannot tell. */
void text_unmarked(char *out, size_t room, const char *from);

/* The text without spaces and tabs at its ends; writes a NUL into it. */
char *text_trim(char *text);

/* The word nearest to `word` by edit distance; NULL: none is near enough to suggest. */
const char *text_nearest(const char *word, const char *const *words, size_t n);

/* Parse `text` as one decimal number from `least` to `most`, without any other
 * character. False: `*out` is unchanged. */
bool text_to_integer(const char *text, int64_t least, int64_t most, int64_t *out);
bool text_to_number(const char *text, double least, double most, double *out);

#endif
