/*
 * The shipped data files, from the root of the checkout, where the tests run.
 */
#ifndef EDGELAT_TEST_SHIPPED_H
#define EDGELAT_TEST_SHIPPED_H

#include "base/text.h"
#include "check.h"
#include "edge/datafile.h"

struct said { /* the problems that a parser reported */
    struct text lines;
    size_t n;
};

static inline void ship_log_add(const char *text, void *user)
{
    struct said *s = user;
    text_add(&s->lines, "%s\n", text);
    s->n++;
}

static inline struct datafile_source source_of(const char *text, size_t len,
                                               struct said *said)
{
    return (struct datafile_source){"f.csv", text, len, ship_log_add, said};
}

/* packaging/data/NAME, to be freed. */
static inline char *shipped(const char *name, size_t *len)
{
    char path[64], *text = malloc(DATAFILE_BYTES_MAX);
    snprintf(path, sizeof path, "packaging/data/%s", name);
    FILE *f = fopen(path, "r");
    CHECK(f != NULL, "%s is there", path);
    *len = fread(text, 1, DATAFILE_BYTES_MAX, f);
    fclose(f);
    return text;
}

/* Parses packaging/data/NAME, which must have no problem. */
#define SHIPPED_PARSE(parse, out, name)                                                  \
    do {                                                                                 \
        struct said said_ = {.n = 0};                                                    \
        size_t len_;                                                                     \
        char *text_ = shipped(name, &len_);                                              \
        struct datafile_source from_ = source_of(text_, len_, &said_);                   \
        CHECK_INT(0, parse(out, &from_), text_string(&said_.lines));                     \
        free(text_);                                                                     \
    } while (0)

#endif
