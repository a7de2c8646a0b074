/*
 * Text for a terminal: aligns the tables in it, and makes both tables and prose fit a width.
 * Libc only.
 *
 * A table is a run of lines that begin with a tab; before each cell stands one tab. The first
 * line is the head; without any title it is not shown. A title may begin with marks:
 *
 *   >    aligned to the right
 *   +    on a line of its own below the row if the table is too wide, unless it is "-"
 *   -N   left out if it is still too wide, -1 first, then -2; a line below says so
 *
 * In a table that is even then too wide, the widest column is narrowed, and a row goes on
 * below a cell that is longer.
 *
 * In a row with fewer cells than the head the last cell is prose: it has no influence on the
 * widths, and is folded below itself. Titles and cells contain no tab.
 */
#ifndef EDGELAT_BASE_FIT_H
#define EDGELAT_BASE_FIT_H

#include "base/text.h"

/*
 * The columns of a terminal that the `len` bytes take: of wide characters two, of combining
 * ones none, by the table of glibc's locale C.UTF-8, independent of the locale in use. A
 * byte that is not UTF-8 counts as one, as every character if the locale is not installed.
 */
size_t fit_width(const char *bytes, size_t len);

/* How many of the `len` bytes fit into so many columns, as whole characters. */
size_t fit_bytes(const char *bytes, size_t len, size_t columns);

/* Adds `text`, which ends with a newline or is empty; `columns` 0: of any width. Prose is
 * folded at spaces; a word that is longer than a line is not broken. */
void fit_text(struct text *out, const char *text, size_t columns);

#endif
