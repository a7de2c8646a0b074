/*
 * Text: a string that grows, words compared by how far they are from each other (for "did
 * you mean"), and numbers read strictly. Libc only, no locale.
 */
#ifndef EDGELAT_BASE_TEXT_H
#define EDGELAT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {    /* start with { 0 }; end with text_free() */
    char *bytes; /* NULL while empty, else ended by NUL */
    size_t len;
    size_t room;
};

__attribute__((format(printf, 2, 3))) void text_add(struct text *t, const char *format,
                                                    ...);
void text_add_bytes(struct text *t, const char *bytes, size_t len);
const char *text_string(const struct text *t); /* "" while empty */
void text_clear(struct text *t);               /* keeps the memory */
void text_free(struct text *t);

/* Copies `from`, cut to fit; always ends with NUL. Returns whether all of it fitted. */
bool text_copy(char *to, size_t room, const char *from);

/* Length of the UTF-8 byte order mark that begins `bytes`: 3, or 0 when there is none.
 * Editors of Windows write one; every text file that a person may have made skips it. */
size_t text_mark(const char *bytes, size_t len);

/* Length of the UTF-8 character (RFC 3629) that begins at `bytes`, of which `left` (not
 * 0) are there; 0 when it is none. */
size_t text_utf8(const char *bytes, size_t left);

/* The control character in the `n` bytes of one character, of seven bits or eight (C0,
 * DEL, C1); -1: it is none. */
int text_control(const char *at, size_t n);

/* What keeps the bytes of a line from being text (UTF-8, no control character but the
 * tab), as a clause for people, or NULL. */
const char *text_wrong(const char *line, size_t len);

/* Puts '?' for whatever is not visible ASCII: in names that others have given. */
void text_visible(char *text);

/*
 * Copies `from` for a terminal, a log or a message: as it is, but \xNN for each byte that
 * is no UTF-8, of a control character (an escape sequence, a new line in a file's name)
 * and of one that turns the direction of text or ends a line (Unicode's bidirectional
 * controls, U+2028, U+2029). `keep`: control characters that stay, as "\n" in a message
 * of several lines. Cut to fit, between characters. Returns `out`.
 */
const char *text_shown(char *out, size_t room, const char *from, const char *keep);

/* The word nearest to `word` by edit distance, or NULL when none is near enough to
 * suggest. */
const char *text_nearest(const char *word, const char *const *words, size_t n);

/* The whole of `text` is one decimal number from `least` to `most`; false leaves `*out`
 * alone. */
bool text_to_integer(const char *text, int64_t least, int64_t most, int64_t *out);
bool text_to_number(const char *text, double least, double most, double *out);

#endif
