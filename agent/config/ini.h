/*
 * The syntax of a configuration file, line by line: `[word name]`, `key = value`, empty,
 * or a comment (first character '#' or ';'). No comments after values, no quotes, no
 * continuation lines: a value is the literal text without surrounding blanks. UTF-8; a
 * byte order mark and CR LF are accepted. config.c interprets the words.
 */
#ifndef EDGELAT_CONFIG_INI_H
#define EDGELAT_CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

#define INI_LINE_MAX 65536 /* bytes, without line end */

struct ini {
    char *text; /* a copy, split in place */
    size_t len, at, line;
};

enum ini_what { INI_SECTION, INI_KEY, INI_PROBLEM };

struct ini_item {
    enum ini_what what;
    size_t line;         /* from 1 */
    char *word;          /* section word, or key */
    char *value;         /* section name ("": none), or value of the key */
    const char *problem; /* a clause, without the line */
};

struct ini ini_open(const char *text, size_t len);
void ini_close(struct ini *i);

/* Returns the next section, key or problem; false at the end. The strings are valid
 * until ini_close(). Parsing ends after a NUL byte: the file is not text. */
bool ini_next(struct ini *i, struct ini_item *out);

#endif
