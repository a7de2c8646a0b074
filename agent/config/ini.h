/*
 * The syntax of a configuration file, line by line: `[word name]`, `key = value`, blank,
 * or a comment ('#' or ';' first). No comments behind values, no quotes, no continuation
 * lines: a value is what stands there, without the blanks around it. UTF-8; a byte order
 * mark and CR LF are tolerated. What the words mean is config.c's.
 */
#ifndef EDGELAT_CONFIG_INI_H
#define EDGELAT_CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

#define INI_LINE_MAX 65536 /* bytes, its end not counted */

struct ini {
    char *text; /* a copy, which is cut into pieces */
    size_t len, at, line;
};

enum ini_what { INI_SECTION, INI_KEY, INI_PROBLEM };

struct ini_item {
    enum ini_what what;
    size_t line;         /* from 1 */
    char *word;          /* of the section, or the key */
    char *value;         /* name of the section ("" is none), or the key's value */
    const char *problem; /* a clause without its line */
};

struct ini ini_open(const char *text, size_t len);
void ini_close(struct ini *i);

/* The next line that says something; false at the end. Its texts are valid until
 * ini_close(). After a NUL byte comes the end: it is no text file. */
bool ini_next(struct ini *i, struct ini_item *out);

#endif
