#include "edge/datafile.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void datafile_problem(struct datafile *f, const char *format, ...)
{
    char problem[512];
    struct text text = {0};
    va_list args;
    if (f->problems++ >= DATAFILE_PROBLEMS_MAX)
        return;
    va_start(args, format);
    vsnprintf(problem, sizeof problem, format, args);
    va_end(args);
    text_add(&text, "%s:%zu: %s", f->from.name, f->line, problem);
    f->from.on_problem(text_string(&text), f->from.user);
    text_free(&text);
}

bool datafile_word(struct datafile *f, const char *column, const char *field, char *to,
                   size_t room)
{
    if (*field == '\0')
        datafile_problem(f, "the %s is missing", column);
    else if (!text_copy(to, room, field))
        datafile_problem(f, "%s: longer than %zu bytes", column, room - 1);
    else
        return true;
    return false;
}

/* Reads the next line into `row`; NULL at the end. An invalid line is reported and "". */
static const char *next_line(struct datafile *f)
{
    if (f->at >= f->from.len)
        return NULL;
    const char *line = f->from.text + f->at;
    size_t left = f->from.len - f->at;
    const char *end = memchr(line, '\n', left);
    size_t len = end == NULL ? left : (size_t)(end - line);
    f->at += len + (end != NULL);
    f->line++;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    const char *bad =
        len > DATAFILE_LINE_MAX ? "longer than 1024 bytes" : text_wrong(line, len);
    if (bad != NULL) {
        datafile_problem(f, "%s", bad);
        len = 0;
    }
    memcpy(f->row, line, len);
    f->row[len] = '\0';
    return f->row;
}

static const char *next_content(struct datafile *f)
{
    const char *line;
    while ((line = next_line(f)) != NULL)
        if (line[strspn(line, " \t")] != '\0' && *line != '#')
            break;
    return line;
}

static bool read_first_line(struct datafile *f, const char *kind)
{
    char start[64];
    const char *line = next_line(f);
    size_t len = (size_t)snprintf(start, sizeof start, "# edgelat %s ", kind);
    if (line == NULL || strncmp(line, start, len) != 0) {
        f->line = 1;
        datafile_problem(f,
                         "not a data file of this kind: the first line must be '%s' "
                         "followed by the version",
                         start);
        return false;
    }
    return datafile_word(f, "version", line + len, f->version, sizeof f->version);
}

static size_t count_columns(const char *columns)
{
    size_t n = 1;
    for (; *columns != '\0'; columns++)
        n += *columns == ',';
    return n;
}

bool datafile_open(struct datafile *f, const struct datafile_source *from,
                   const char *kind, const char *columns)
{
    *f = (struct datafile){.from = *from, .columns = count_columns(columns)};
    if (from->len > DATAFILE_BYTES_MAX) {
        datafile_problem(f, "longer than %d KiB", DATAFILE_BYTES_MAX >> 10);
        f->at = from->len;
        return false;
    }
    f->at = text_mark(from->text, from->len);
    bool fits = read_first_line(f, kind);
    const char *line = fits ? next_content(f) : NULL;
    if (fits && (line == NULL || strcmp(line, columns) != 0)) {
        datafile_problem(f, "the columns must be named before the first row: %s",
                         columns);
        fits = false;
    }
    if (!fits)
        f->at = from->len;
    return fits;
}

/* Unquotes a field in place ("" is a quote); returns the rest of the line after it, or
 * NULL when the closing quote is missing. */
static char *unquote(char *field)
{
    char *to = field;
    for (char *at = field + 1; *at != '\0'; at++) {
        if (*at == '"' && at[1] != '"') {
            char *rest = at + 1;
            *to = '\0';
            return rest;
        }
        at += *at == '"';
        *to++ = *at;
    }
    return NULL;
}

/* Splits the row; returns the number of its fields, including those above the maximum, or
 * 0 when a quote is not closed. */
static size_t split(char *row, char *fields[DATAFILE_COLUMNS_MAX])
{
    size_t n = 0;
    for (char *at = row;;) {
        char *field = at, *rest = at;
        if (*field == '"' && (rest = unquote(field)) == NULL)
            return 0;
        char *comma = strchr(rest, ',');
        if (comma != NULL)
            *comma = '\0';
        if (n < DATAFILE_COLUMNS_MAX)
            fields[n] = *at == '"' ? field : text_trim(field);
        n++;
        if (comma == NULL)
            return n;
        at = comma + 1;
    }
}

bool datafile_next(struct datafile *f, char *fields[DATAFILE_COLUMNS_MAX])
{
    while (next_content(f) != NULL) {
        size_t n = split(f->row, fields);
        if (n == f->columns)
            return true;
        if (n == 0)
            datafile_problem(f, "a quote is not closed");
        else
            datafile_problem(f,
                             "%zu columns, not %zu; a comma within a field needs "
                             "quotes: \"Ashburn, Virginia\"",
                             n, f->columns);
    }
    return false;
}
