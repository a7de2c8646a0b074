/*
 * The syntax of our data files (metros, prefixes, thresholds, targets, suffixes): CSV
 * (RFC 4180) with a first line that says what it is, blank lines, comment lines ('#'
 * first) and a line of column names:
 *
 *     # edgelat metros 2026-11-23
 *     code,family,city,country,latitude,longitude
 *     ASH,front-door,"Ashburn, Virginia",United States,39.04,-77.49
 *
 * UTF-8; a byte order mark and CR LF are tolerated; no line breaks within quotes. A row
 * that is wrong is said with its line and left out; the others count.
 */
#ifndef EDGELAT_EDGE_DATAFILE_H
#define EDGELAT_EDGE_DATAFILE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    DATAFILE_BYTES_MAX = 1 << 20,
    DATAFILE_LINE_MAX = 1024,
    DATAFILE_COLUMNS_MAX = 8,
    DATAFILE_VERSION_MAX = 32,
    DATAFILE_PROBLEMS_MAX = 20, /* said one by one; the others are only counted */
};

/* One problem, in one line with file and line. The shape of config_problem_cb. */
typedef void datafile_problem_cb(const char *text, void *user);

struct datafile_source {
    const char *name; /* of the file, for the problems */
    const char *text;
    size_t len;
    datafile_problem_cb *on_problem;
    void *user;
};

struct datafile {
    struct datafile_source from;
    size_t at, line, columns, problems;
    char version[DATAFILE_VERSION_MAX]; /* "" when the first line does not say */
    char row[DATAFILE_LINE_MAX + 1];    /* cut into fields */
};

/*
 * `kind` is the word of the first line, `columns` the line of column names. False: it is
 * not such a file, and has no rows.
 */
bool datafile_open(struct datafile *f, const struct datafile_source *from,
                   const char *kind, const char *columns);

/* The fields of the next row, one for each column, valid until the next call; false at
 * the end. */
bool datafile_next(struct datafile *f, char *fields[DATAFILE_COLUMNS_MAX]);

/* Says what is wrong with the current row. */
__attribute__((format(printf, 2, 3))) void datafile_problem(struct datafile *f,
                                                            const char *format, ...);

/* Copies a field into a buffer; a problem is said when it is empty or does not fit. */
bool datafile_word(struct datafile *f, const char *column, const char *field, char *to,
                   size_t room);

#endif
