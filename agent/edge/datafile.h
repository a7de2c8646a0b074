/*
 * The syntax of our data files (metros, airports, prefixes, thresholds, targets,
 * suffixes, issuers, origins): CSV (RFC 4180) with a first line that names its kind and version, blank
 * lines, comment lines (beginning with '#') and a line of column names:
 *
 *     # edgelat metros 2026-11-23
 *     code,family,city,country,latitude,longitude
 *     ASH,front-door,"Ashburn, Virginia",United States,39.04,-77.49
 *
 * UTF-8; a byte order mark and CR LF are tolerated; no line breaks within quotes. An
 * invalid row is reported with its line and left out; the others are used.
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
    DATAFILE_PROBLEMS_MAX = 20, /* reported; further ones are only counted */
};

/* Reports one problem, as one line with file name and line number. Same type as
 * config_problem_cb. */
typedef void datafile_problem_cb(const char *text, void *user);

struct datafile_source {
    const char *name; /* of the file, for messages */
    const char *text;
    size_t len;
    datafile_problem_cb *on_problem;
    void *user;
};

struct datafile {
    struct datafile_source from;
    size_t at, line, columns, problems;
    char version[DATAFILE_VERSION_MAX]; /* "": missing in the first line */
    char row[DATAFILE_LINE_MAX + 1];    /* split into fields */
};

/*
 * Opens a data file. `kind` is the word in the first line, `columns` the line of column
 * names. False: not a file of this kind (reported); datafile_next() then returns no rows.
 */
bool datafile_open(struct datafile *f, const struct datafile_source *from,
                   const char *kind, const char *columns);

/* Reads the fields of the next row, one for each column, valid until the next call; false
 * at the end. */
bool datafile_next(struct datafile *f, char *fields[DATAFILE_COLUMNS_MAX]);

/* Reports a problem of the current row. */
__attribute__((format(printf, 2, 3))) void datafile_problem(struct datafile *f,
                                                            const char *format, ...);

/* Copies a field into a buffer; reports a problem when it is empty or does not fit. */
bool datafile_word(struct datafile *f, const char *column, const char *field, char *to,
                   size_t room);

#endif
