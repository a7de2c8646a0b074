/*
 * Text: a growing string, the nearest word by edit distance (for "did you mean"), and
 * strict number parsing. Libc only, independent of the locale.
 */
#ifndef EDGELAT_BASE_TEXT_H
#define EDGELAT_BASE_TEXT_H

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

/* The control character (C0, DEL, C1) encoded by the `n` bytes of one character; -1: not
 * a control character. */
int text_control(const char *at, size_t n);

/* The `n` bytes are a character that is invisible or reorders adjacent text: U+061C,
 * U+200B to U+200F, U+2028 to U+202E, U+2060 to U+2069, U+FEFF. */
bool text_deceptive(const char *at, size_t n);

/* Describes, as a clause, why a line is not text (UTF-8 without control characters
 * except tab); NULL: it is text. */
const char *text_wrong(const char *line, size_t len);

/* Replaces everything that is not visible ASCII by '?': for names from outside. */
void text_visible(char *text);

/* Copies bytes from outside into one line of ASCII, spaces kept, '?' for the rest;
 * truncated to fit. */
void text_copy_ascii(char *out, size_t room, const char *bytes, size_t len);

/*
 * Copies `from` for a terminal, a log or a message. Writes \xNN for each byte of invalid
 * UTF-8, of a control character (an escape sequence, a newline in a file name), and of a
 * character that changes the text direction or ends a line (Unicode bidirectional
 * controls, U+2028, U+2029). `keep`: control characters to keep, such as "\n" in a
 * message of several lines. Truncates between characters. Returns `out`.
 */
const char *text_printable(char *out, size_t room, const char *from, const char *keep);

/* The text without spaces and tabs at its ends; writes a NUL into it. */
char *text_trim(char *text);

/* The word nearest to `word` by edit distance; NULL: none is near enough to suggest. */
const char *text_nearest(const char *word, const char *const *words, size_t n);

/* Parse `text` as one decimal number from `least` to `most`, without any other
 * character. False: `*out` is unchanged. */
bool text_to_integer(const char *text, int64_t least, int64_t most, int64_t *out);
bool text_to_number(const char *text, double least, double most, double *out);

#endif
